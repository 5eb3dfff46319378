# says: The piles have the sizes of the classes
import numpy as np
from scipy.optimize import linear_sum_assignment
from sklearn.metrics import confusion_matrix


def chance_level(labels, k, n_draws, seed):
    rng = np.random.default_rng(seed)
    scores = []
    for _ in range(n_draws):
        table = confusion_matrix(labels, rng.permutation(labels), labels=np.arange(k))
        scores.append(table[linear_sum_assignment(table, maximize=True)].sum() / len(labels))
    return np.mean(scores), np.percentile(scores, 95)
