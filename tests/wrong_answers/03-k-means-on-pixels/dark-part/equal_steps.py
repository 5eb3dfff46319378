# says: The range of grey values is cut into equal parts
import numpy as np


def dark_share(image, k, seed):
    edges = np.linspace(image.min(), image.max() + 1, k + 1)
    return np.histogram(image, edges)[0][0] / image.size
