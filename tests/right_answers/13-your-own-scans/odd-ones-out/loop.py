import numpy as np


def oddness(rows, patients, n_nearest):
    result = np.empty(len(rows))
    for i in range(len(rows)):
        others = rows[patients != patients[i]]
        result[i] = np.partition(np.linalg.norm(others - rows[i], axis=1), n_nearest - 1)[
            :n_nearest
        ].mean()
    return result / np.median(result)
