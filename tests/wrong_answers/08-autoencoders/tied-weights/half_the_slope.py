# says: The second part of the slope
import numpy as np


def train_tied(images, start, rate, n_steps):
    weights = np.array(start, float)
    for _ in range(n_steps):
        codes = images @ weights
        errors = codes[:, None] * weights - images
        weights -= rate * 2 * (codes @ errors) / len(images)
    return weights
