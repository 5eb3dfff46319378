# says: A straight line was fitted, whatever `degree` is
import numpy as np


def bump_left(line, degree):
    columns = np.arange(len(line))
    curve = np.polyval(np.polyfit(columns, line, 1), columns)
    return np.abs(line - curve).max()
