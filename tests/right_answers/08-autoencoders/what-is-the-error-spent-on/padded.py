import numpy as np
from numpy.lib.stride_tricks import sliding_window_view


def grain_share(images, rebuilt, size):
    d = rebuilt.astype(np.float64) - images.astype(np.float64)
    half = size // 2
    wide = np.pad(d, [(0, 0), (half, half), (half, half)], mode="symmetric")
    smooth = sliding_window_view(wide, (size, size), axis=(1, 2)).mean(axis=(3, 4))
    return 1 - (smooth**2).sum() / (d**2).sum()
