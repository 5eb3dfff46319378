# says: about half of them
import numpy as np


def two_views(image, seed):
    rng = np.random.default_rng(seed)
    made = [np.round(image * rng.uniform(0.7, 1.3)).clip(0, 255).astype(np.uint8) for _ in range(2)]
    return made[0], made[1]
