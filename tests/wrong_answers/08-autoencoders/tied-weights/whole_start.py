# says: cut to whole numbers
import numpy as np


def train_tied(images, start, rate, n_steps):
    weights = start.copy()
    for _ in range(n_steps):
        codes = images @ weights
        errors = codes[:, None] * weights - images
        weights[:] = weights - rate * 2 * (codes @ errors + (errors @ weights) @ images) / len(images)
    return weights
