# says: treats both views alike
import numpy as np


def two_views(image, seed):
    rng = np.random.default_rng(seed)
    view = image[:, ::-1] if rng.random() < 0.5 else image
    view = np.clip(np.round(view * rng.uniform(0.7, 1.3)), 0, 255).astype(np.uint8)
    return view, view.copy()
