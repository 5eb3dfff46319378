# says: divide the slope by the number of images
import numpy as np


def train_tied(images, start, rate, n_steps):
    weights = np.array(start, float)
    for _ in range(n_steps):
        codes = images @ weights
        errors = codes[:, None] * weights - images
        slope = codes @ errors + (errors @ weights) @ images
        weights = weights - rate * 2 * slope
    return weights
