# says: is the first index
def width_and_height(scan):
    return scan.shape[1], scan.shape[0]


def value_at(scan, right, down):
    return scan[right % len(scan), down]
