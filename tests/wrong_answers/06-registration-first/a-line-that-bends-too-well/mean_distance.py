# says: This is the mean distance: take the largest
import numpy as np


def bump_left(line, degree):
    columns = np.arange(len(line))
    curve = np.polyval(np.polyfit(columns, line, degree), columns)
    return np.abs(line - curve).mean()
