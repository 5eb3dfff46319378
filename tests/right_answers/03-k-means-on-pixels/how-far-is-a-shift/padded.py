import numpy as np


def shift_distances(images, shifts):
    images = np.float32(images)
    out = []
    for s in shifts:
        moved = np.pad(images, ((0, 0), (s, 0), (0, 0)), mode="edge")[:, : images.shape[1]]
        flat = (moved - images).reshape(len(images), -1)
        out.append(np.median(np.linalg.norm(flat, axis=1)))
    return out
