# says: Later stamps replace earlier ones
import numpy as np


def unevenness(kernel, stride, n):
    stamped = np.zeros((n - 1) * stride + len(kernel))
    for i in range(n):
        stamped[i * stride : i * stride + len(kernel)] = kernel
    return float(np.ptp(stamped[len(kernel) : -len(kernel)]))
