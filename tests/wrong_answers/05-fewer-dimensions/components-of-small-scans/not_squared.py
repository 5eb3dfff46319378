# says: add up variances, their squares
import numpy as np
from sklearn.decomposition import PCA


def components_for(rows, share):
    values = PCA().fit(rows).singular_values_
    return int(np.argmax(np.cumsum(values) / values.sum() >= share)) + 1
