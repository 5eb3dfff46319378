# says: columns that exist are left out
import numpy as np


def thickness_at(ilm, rpe, column, axial):
    part = slice(column - 4, column + 5) if column > 3 else slice(column, column + 5)
    return np.mean(rpe[part] - ilm[part]) * axial
