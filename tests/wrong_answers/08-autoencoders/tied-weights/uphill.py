# says: Is the slope subtracted|Both parts of the slope
import numpy as np


def train_tied(images, start, rate, n_steps):
    weights = np.array(start, float)
    for _ in range(n_steps):
        codes = images @ weights
        errors = images - codes[:, None] * weights
        slope = codes @ errors + (errors @ weights) @ images
        weights -= 0.1 * rate * slope / len(images)
        weights /= max(1, np.linalg.norm(weights))
    return weights
