def width_and_height(scan):
    rows = [list(row) for row in scan]
    return [len(rows[0]), len(rows)]


def value_at(scan, right, down):
    return int(list(scan)[down][right])
