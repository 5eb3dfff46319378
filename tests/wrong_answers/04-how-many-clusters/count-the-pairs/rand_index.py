# says: the adjusted one takes chance off
import numpy as np


def pair_counts(a, b):
    pairs = np.triu_indices(len(a), k=1)
    in_a, in_b = (a[:, None] == a)[pairs], (b[:, None] == b)[pairs]
    kinds = in_a & in_b, in_a & ~in_b, ~in_a & in_b, ~in_a & ~in_b
    return tuple(int(np.sum(kind)) for kind in kinds)


def ari(a, b):
    both, first, second, neither = pair_counts(a, b)
    return (both + neither) / (both + first + second + neither)
