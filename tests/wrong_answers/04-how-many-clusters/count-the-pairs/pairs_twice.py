# says: take each pair once
import numpy as np


def pair_counts(a, b):
    in_a, in_b = a[:, None] == a, b[:, None] == b
    kinds = in_a & in_b, in_a & ~in_b, ~in_a & in_b, ~in_a & ~in_b
    return tuple(int(np.sum(kind)) for kind in kinds)


def ari(a, b):
    both, first, second, neither = pair_counts(a, b)
    below = (both + first) * (first + neither) + (both + second) * (second + neither)
    return 2 * (both * neither - first * second) / below
