"""Splits: whole groups for one side, the classes shared out evenly, and no altered copies.

scikit-learn has either (`StratifiedGroupKFold`, for a share of one in a whole number, and
`GroupShuffleSplit`, without classes); the course needs both at once for any share.
"""

from __future__ import annotations

import numpy as np

from octlessons.errors import OctlessonsError


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


def refuse_copies(names: np.ndarray | None, originals: np.ndarray | None, by: str) -> None:
    """Raise OctlessonsError if augmented copies are among the images that are to be split."""
    if originals is None or not len(originals):
        return
    n, n_originals = len(originals), len(np.unique(originals))
    altered = names is not None and (names != originals).any()
    if n_originals < n or altered:
        why = {
            "image": "copies of one scan could land on both sides",
            "patient": "the test part would count altered copies as if they were scans",
        }[by]
        raise OctlessonsError(
            f"These {n:,} images include augmented copies of {n_originals:,} originals: {why}. "
            "Split first, then augment the training part only."
        )
