# says: draws factors from
import numpy as np


def two_views(image, seed):
    rng = np.random.default_rng(seed)
    views = []
    for _ in range(2):
        view = np.fliplr(image) if rng.integers(2) else image
        views.append(np.rint(view * rng.uniform(0.7, 1.0)).astype(np.uint8))
    return tuple(views)
