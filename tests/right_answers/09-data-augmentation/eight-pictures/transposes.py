import numpy as np


def eight_pictures(picture):
    made = []
    for base in (picture, np.transpose(picture)):
        made += [base, np.flipud(base), np.fliplr(base), np.flipud(np.fliplr(base))]
    return np.float32(made)


def mirror_then_turn(picture):
    return picture.T.copy()
