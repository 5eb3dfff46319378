# says: what stands after the point is cut off
import numpy as np


def two_views(image, seed):
    rng = np.random.default_rng(seed)
    views = []
    for _ in range(2):
        view = image[:, ::-1] if rng.random() < 0.5 else image
        views.append(np.minimum(view * rng.uniform(0.7, 1.3), 255).astype(np.uint8))
    return tuple(views)
