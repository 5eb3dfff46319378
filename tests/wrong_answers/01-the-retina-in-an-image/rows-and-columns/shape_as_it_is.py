# says: the number of rows is the height
def width_and_height(scan):
    return scan.shape


def value_at(scan, right, down):
    return scan[down, right]
