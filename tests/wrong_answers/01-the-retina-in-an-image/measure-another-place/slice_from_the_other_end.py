# says: which counts from the other end
import numpy as np


def thickness_at(ilm, rpe, column, axial):
    part = (rpe - ilm)[column - 4 : column + 5]
    return float(np.mean(part) * axial) if len(part) else float("nan")
