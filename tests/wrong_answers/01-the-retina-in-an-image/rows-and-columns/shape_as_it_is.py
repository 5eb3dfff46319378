# says: `shape` gives the number of rows first
def width_and_height(scan):
    return scan.shape


def value_at(scan, right, down):
    return scan[down, right]
