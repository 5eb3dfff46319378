# says: rows count downwards
import numpy as np


def thickness_at(ilm, rpe, column, axial):
    part = slice(max(0, column - 4), column + 5)
    return np.mean(ilm[part] - rpe[part]) * axial
