import numpy as np


def unevenness(kernel, stride, n):
    code = np.kron(np.ones(n, np.float32), np.eye(1, stride)[0])[: (n - 1) * stride + 1]
    middle = np.convolve(code, kernel)[len(kernel) : -len(kernel)]
    return np.float32(middle.max()) - np.float32(middle.min())
