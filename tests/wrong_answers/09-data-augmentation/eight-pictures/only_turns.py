# says: the four turns are there
import numpy as np


def eight_pictures(picture):
    return [np.rot90(picture, q) for q in range(4)]


def mirror_then_turn(picture):
    return np.rot90(picture[:, ::-1])
