import random

import numpy as np


def two_views(image, seed):
    draw = random.Random(seed)
    views = []
    for _ in range(2):
        factor = draw.uniform(0.7, 1.3)
        view = np.minimum(np.round(image.astype(float) * factor), 255).astype(np.uint8)
        views.append(view[:, ::-1] if draw.random() > 0.5 else view)
    return views
