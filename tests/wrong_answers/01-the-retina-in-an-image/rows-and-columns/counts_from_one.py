# says: counting starts at 0
def width_and_height(scan):
    return scan.shape[1], scan.shape[0]


def value_at(scan, right, down):
    return scan[down - 1, right - 1]
