# says: The step goes uphill
import numpy as np


def train_tied(images, start, rate, n_steps):
    weights = np.array(start, float)
    for _ in range(n_steps):
        z = images @ weights
        errors = images - np.outer(z, weights)
        weights -= rate * 2 / len(images) * (z @ errors + (errors @ weights) @ images)
    return weights
