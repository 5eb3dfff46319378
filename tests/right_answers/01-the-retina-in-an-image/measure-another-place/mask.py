import numpy as np


def thickness_at(ilm, rpe, column, axial):
    near = np.abs(np.arange(len(ilm)) - column) <= 4
    return np.float32(np.average(rpe * axial - ilm * axial, weights=near))
