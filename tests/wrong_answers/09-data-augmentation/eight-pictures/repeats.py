# says: some combinations give the same picture
import numpy as np


def eight_pictures(picture):
    made = []
    for q in (0, 2):
        turned = np.rot90(picture, q)
        made += [turned, turned[::-1], turned[:, ::-1], turned[::-1, ::-1]]
    return made


def mirror_then_turn(picture):
    return np.rot90(picture[:, ::-1])
