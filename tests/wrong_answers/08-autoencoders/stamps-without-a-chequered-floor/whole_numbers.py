# says: The weights became whole numbers
import numpy as np


def unevenness(kernel, stride, n):
    stamped = np.zeros((n - 1) * stride + len(kernel), int)
    for i in range(n):
        stamped[i * stride : i * stride + len(kernel)] += kernel.astype(int)
    return float(np.ptp(stamped[len(kernel) : -len(kernel)]))
