import random

import numpy as np


def two_views(image, seed):
    views = []
    for k in range(2):
        draw = random.Random(1000 * seed + k)
        factor, mirror = 0.7 + 0.6 * draw.random(), draw.random() >= 0.5
        rows = [[min(255, round(int(v) * factor)) for v in row] for row in image]
        views.append(np.array([row[::-1] for row in rows] if mirror else rows))
    return tuple(views)
