# says: a row is `axial` µm high, so multiply
import numpy as np


def thickness_at(ilm, rpe, column, axial):
    part = slice(max(0, column - 4), column + 5)
    return np.mean(rpe[part] - ilm[part]) / axial
