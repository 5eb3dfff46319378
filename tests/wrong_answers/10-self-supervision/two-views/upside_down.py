# says: upside down
import numpy as np


def two_views(image, seed):
    rng = np.random.default_rng(seed)
    views = []
    for _ in range(2):
        view = image[::-1] if rng.random() < 0.5 else image
        views.append(np.clip(np.round(view * rng.uniform(0.7, 1.3)), 0, 255).astype(np.uint8))
    return tuple(views)
