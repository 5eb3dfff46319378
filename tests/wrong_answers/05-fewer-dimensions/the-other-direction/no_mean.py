# says: This is seen from the origin
import numpy as np


def rebuild(points, direction):
    return (points @ direction)[:, None] * direction
