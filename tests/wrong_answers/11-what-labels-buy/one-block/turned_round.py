# says: The kernel is turned round
import numpy as np
from scipy.signal import convolve2d


def one_block(image, kernel):
    answer = convolve2d(image, kernel, "valid").clip(0)
    h, w = answer.shape[0] // 2, answer.shape[1] // 2
    return answer[: 2 * h, : 2 * w].reshape(h, 2, w, 2).max(axis=(1, 3))
