# says: Cluster numbers were compared, which mean nothing
import numpy as np


def pair_counts(a, b):
    pairs = np.triu_indices(len(a), k=1)
    in_a, in_b = (a[:, None] == a)[pairs], (b[:, None] == b)[pairs]
    kinds = in_a & in_b, in_a & ~in_b, ~in_a & in_b, ~in_a & ~in_b
    return tuple(int(np.sum(kind)) for kind in kinds)


def ari(a, b):
    return float(np.mean(a == b))
