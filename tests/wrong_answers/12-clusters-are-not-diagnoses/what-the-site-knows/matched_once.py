# says: Each diagnosis was given to one site only
import numpy as np
from scipy.optimize import linear_sum_assignment


def site_share(labels, sites):
    _, number = np.unique(sites, return_inverse=True)
    table = np.zeros((number.max() + 1, labels.max() + 1), int)
    np.add.at(table, (number, labels), 1)
    rows, columns = linear_sum_assignment(-table)
    return table[rows, columns].sum() / len(labels)
