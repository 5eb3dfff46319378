# says: keep what lies along it
import numpy as np


def rebuild(points, direction):
    seen = points - points.mean(axis=0)
    along = np.outer(seen @ direction, direction)
    return points.mean(axis=0) + seen - along
