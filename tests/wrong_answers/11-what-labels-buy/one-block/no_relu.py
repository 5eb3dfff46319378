# says: Negative answers are left
import numpy as np


def one_block(image, kernel):
    windows = np.lib.stride_tricks.sliding_window_view(image, kernel.shape)
    answer = (windows * kernel).sum(axis=(2, 3))
    h, w = answer.shape[0] // 2, answer.shape[1] // 2
    return answer[: 2 * h, : 2 * w].reshape(h, 2, w, 2).max(axis=(1, 3))
