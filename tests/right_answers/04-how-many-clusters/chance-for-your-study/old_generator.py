import numpy as np
from scipy.optimize import linear_sum_assignment
from sklearn.metrics import confusion_matrix


def chance_level(labels, k, n_draws, seed):
    draw = np.random.RandomState(seed)
    values = np.empty(n_draws, np.float32)
    for i in range(n_draws):
        table = confusion_matrix(labels, draw.choice(k, len(labels)), labels=range(k))
        values[i] = table[linear_sum_assignment(table, maximize=True)].sum() / len(labels)
    return [values.mean(), np.quantile(values, 0.95)]
