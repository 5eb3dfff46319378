# says: Places count from 0|a whole number from 1
import numpy as np
from sklearn.decomposition import PCA


def components_for(rows, share):
    shares = PCA().fit(rows).explained_variance_ratio_
    return int(np.argmax(np.cumsum(shares) >= share))
