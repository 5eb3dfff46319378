# says: takes part here
import numpy as np
from scipy.signal import correlate2d
from skimage.measure import block_reduce


def one_block(image, kernel):
    return block_reduce(correlate2d(image, kernel, "valid").clip(0), (2, 2), np.max)
