# says: Each component is compared alone
import numpy as np
from sklearn.decomposition import PCA


def components_for(rows, share):
    shares = PCA().fit(rows).explained_variance_ratio_
    return max(1, int(np.sum(shares >= 1 - share)))
