# says: `np.array([])` has shape (0,)
import numpy as np


def missing(n, size, finished):
    rows = [(s, min(n, s + size)) for i, s in enumerate(range(0, n, size)) if i not in finished]
    return np.array(rows)
