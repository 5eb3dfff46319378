import numpy as np


def missing(n, size, finished):
    rows, number, start = [], 0, 0
    while start < n:
        if number not in finished:
            rows.append((start, start + size if start + size < n else n))
        number, start = number + 1, start + size
    return np.array(rows, dtype=float).reshape(-1, 2)
