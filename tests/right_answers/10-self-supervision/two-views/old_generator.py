import numpy as np


def _view(image, draw):
    view = np.fliplr(image) if draw.randint(2) else image
    return np.minimum(np.rint(np.float32(view) * draw.uniform(0.7, 1.3)), 255).astype(np.uint8)


def two_views(image, seed):
    draw = np.random.RandomState(seed)
    return [_view(image, draw), _view(image, draw)]
