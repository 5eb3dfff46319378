# says: and add it afterwards
import numpy as np


def rebuild(points, direction):
    centred = points - points.mean(axis=0)
    return (centred @ direction)[:, None] * direction
