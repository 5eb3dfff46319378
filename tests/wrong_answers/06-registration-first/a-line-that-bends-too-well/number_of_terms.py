# says: one degree less
import numpy as np


def bump_left(line, degree):
    x = np.linspace(0, 1, len(line))
    table = np.stack([x**power for power in range(max(degree, 1))], axis=1)
    weights, *_ = np.linalg.lstsq(table, line, rcond=None)
    return np.max(np.abs(table @ weights - line))
