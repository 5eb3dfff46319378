import numpy as np


def train_tied(images, start, rate, n_steps):
    c = images.T @ images / len(images)
    w = start.astype(np.float64)
    for _ in range(n_steps):
        cw = c @ w
        w = w - 2 * rate * (w * (w @ cw) - cw + (w @ w - 1) * cw)
    return np.float32(w)
