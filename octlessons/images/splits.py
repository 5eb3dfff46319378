"""Whole groups for one side of a split, with the classes shared out evenly.

scikit-learn has either (`StratifiedGroupKFold`, for a share of one in a whole number, and
`GroupShuffleSplit`, without classes); the course needs both at once for any share.
"""

from __future__ import annotations

import numpy as np


def held_out(groups, labels, share: float, random_state=0) -> np.ndarray:
    """Choose whole groups that hold about `share` of every class.

    Groups are taken in random order; a group is held out while that brings the part nearer to
    its share of every class. A group may have members of several classes.

    Parameters
    ----------
    groups : array_like, shape (n,)
        What must stay together, such as patients; `numpy.arange` for single images.
    labels : array_like of int, shape (n,), or None
        Classes, counted from 0.
    share : float
        Between 0 and 1.
    random_state : int or numpy.random.Generator
        Seed of the order.

    Returns
    -------
    ndarray of bool, shape (n,)
        True for what is held out: at least one group, and never all.

    Raises
    ------
    ValueError
        If the share is none, or there are fewer than two groups.
    """
    if not 0 < share < 1:
        raise ValueError(f"`test_size` is a share between 0 and 1, not {share}.")
    _, group = np.unique(np.asarray(groups), return_inverse=True)
    n_groups = group.max(initial=-1) + 1
    if n_groups < 2:
        raise ValueError(f"A split needs at least 2 groups; there are {n_groups}.")
    classes = np.zeros(len(group), int) if labels is None else np.asarray(labels)
    per_group = np.zeros((n_groups, classes.max() + 1))
    np.add.at(per_group, (group, classes), 1)
    missing = per_group.sum(0) * share
    chosen = np.zeros(n_groups, bool)
    for g in np.random.default_rng(random_state).permutation(n_groups):
        gain = np.sum(missing**2) - np.sum((missing - per_group[g]) ** 2)
        if gain > 0:
            chosen[g] = True
            missing -= per_group[g]
    if not chosen.any():  # one huge group each way: take the smallest
        chosen[np.argmin(per_group.sum(1))] = True
    if chosen.all():
        chosen[np.argmax(per_group.sum(1))] = False
    return chosen[group]
