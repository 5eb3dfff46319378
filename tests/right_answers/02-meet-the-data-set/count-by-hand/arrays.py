import re

import numpy as np


def _table(names):
    return np.array([re.match(r"([A-Z]+)-(\d+)-", name).groups() for name in names])


def count_classes(names):
    table = _table(names)
    return {
        kind: (np.sum(table[:, 0] == kind), np.unique(table[table[:, 0] == kind, 1]).size)
        for kind in np.unique(table[:, 0])
    }


def in_several_classes(names):
    pairs = np.unique(_table(names), axis=0)
    people, counts = np.unique(pairs[:, 1], return_counts=True)
    return people[counts > 1].tolist()
