# says: the end of a slice is not part of it
import numpy as np


def thickness_at(ilm, rpe, column, axial):
    part = slice(max(0, column - 4), column + 4)
    return np.mean(rpe[part] - ilm[part]) * axial
