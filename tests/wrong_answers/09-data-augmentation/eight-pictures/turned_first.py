# says: the other order
import numpy as np


def eight_pictures(picture):
    return [np.rot90(p, q) for p in (picture, picture[:, ::-1]) for q in range(4)]


def mirror_then_turn(picture):
    return np.rot90(picture)[:, ::-1]
