import numpy as np


def read_table(names, ami, chance, nuisances):
    order = np.argsort(-np.nan_to_num(ami, nan=-9))
    followed = [names[i] for i in order if ami[i] > chance[i]]
    that_decide = [name for name in followed if name == "diagnosis" or name in nuisances]
    if not that_decide:
        return followed, "nothing"
    return followed, "diagnosis" if that_decide[0] == "diagnosis" else "nuisance"
