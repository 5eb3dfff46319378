# says: that are no turn or mirror
import numpy as np


def eight_pictures(picture):
    return [np.roll(picture, i, axis=i % 2) if i < 4 else np.rot90(picture, i) for i in range(8)]


def mirror_then_turn(picture):
    return np.rot90(picture[:, ::-1])
