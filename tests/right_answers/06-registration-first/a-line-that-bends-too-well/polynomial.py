import numpy as np
from numpy.polynomial import Polynomial


def bump_left(line, degree):
    x = np.arange(len(line))
    rest = Polynomial.fit(x, line, degree)(x) - line
    return np.float32(max(rest.max(), -rest.min()))
