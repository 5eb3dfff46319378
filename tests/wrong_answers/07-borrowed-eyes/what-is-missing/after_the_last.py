# says: `finished` holds numbers of shards
import numpy as np


def missing(n, size, finished):
    first = max(finished) + 1 if len(finished) else 0
    rows = [(s, min(n, s + size)) for s in range(first * size, n, size)]
    return np.array(rows, int).reshape(-1, 2)
