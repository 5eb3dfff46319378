# says: This is the mean of the classes' shares
import numpy as np
from scipy.spatial.distance import cdist
from sklearn.metrics import balanced_accuracy_score


def share_right(features, labels, patients):
    far = cdist(features, features)
    far[patients[:, None] == patients] = np.inf
    return balanced_accuracy_score(labels, labels[far.argmin(axis=1)])
