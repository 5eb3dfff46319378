import numpy as np


def rebuild(points, direction):
    onto = np.outer(direction, direction)
    centre = np.mean(points, axis=0)
    return np.float32(centre + (points - centre) @ onto)
