"""What the nearest neighbours say: a judgement of a representation before any clustering."""

from __future__ import annotations

import numpy as np

from octlessons.evaluation.contingency_table import Pair, known_labels, shuffled_labels
from octlessons.evaluation.uncertainty import (
    Chance,
    Interval,
    bootstrap,
    chance_of,
    same_lengths,
)


def neighbour_accuracy(
    features,
    labels,
    *,
    groups=None,
    k: int = 3,
    n_bootstrap: int = 1000,
    random_state: int = 0,
) -> Interval:
    """Share of images whose nearest neighbours, of other patients, have the same label.

    Leave-one-out k-nearest-neighbour classification: what a representation knows, before any
    clustering.

    Parameters
    ----------
    features : array_like of float, shape (n, d)
    labels : array_like of int or str, shape (n,)
    groups : array_like, shape (n,), optional
        Patient of each image; no neighbour is taken from the image's own patient. Without it,
        only the image itself is excluded.
    k : int
        Number of neighbours that vote; a tie goes to the class of the nearest among the tied.
    n_bootstrap : int
        Bootstrap samples, by patient where known.
    random_state : int

    Raises
    ------
    ValueError
        If labels are missing, lengths differ, or some image has fewer than k candidates.
    """
    predicted = neighbour_labels(features, labels, groups=groups, k=k)
    right = predicted == np.asarray(labels)
    return bootstrap(
        np.mean, right, groups=groups, n=n_bootstrap, random_state=random_state, bounds=(0, 1)
    )


def neighbour_labels(features, labels, *, groups=None, k: int = 3) -> np.ndarray:
    """Label that the k nearest neighbours of other patients vote for.

    Parameters
    ----------
    features, labels, groups, k
        As for `neighbour_accuracy`.

    Returns
    -------
    ndarray, shape (n,)
        In the type of `labels`.

    Raises
    ------
    ValueError
        As `neighbour_accuracy`.
    """
    near, classes, label_code = _nearest(features, labels, groups, k)
    return classes[_voted(label_code[near], len(classes))]


def neighbour_chance(
    features, labels, *, groups=None, k: int = 3, n_permutations: int = 200, random_state: int = 0
) -> Chance:
    """Share that neighbours get right when the labels are shuffled, patient by patient.

    Parameters
    ----------
    features, labels, groups, k
        As for `neighbour_accuracy`.
    n_permutations, random_state : int
        Of the shuffles.

    Returns
    -------
    Chance
        Mean, and the range that holds 95 % of the shuffles.

    Raises
    ------
    ValueError
        As `neighbour_accuracy`.
    """
    near, classes, label_code = _nearest(features, labels, groups, k)
    pair = Pair.of(label_code, np.zeros(len(label_code), int), groups)
    shuffles = shuffled_labels(pair, n_permutations, np.random.default_rng(random_state))
    shares = [np.mean(_voted(label[near], len(classes)) == label) for label in shuffles]
    return chance_of(0.0, np.array(shares))[0]


def _nearest(features, labels, groups, k: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Places of the k nearest of other patients, the classes, and the class of each image."""
    from sklearn.metrics import pairwise_distances_chunked

    features = np.asarray(features)
    labels = known_labels(labels)
    n = len(labels)
    same_lengths(n, features=features, groups=groups)
    classes, label_code = np.unique(labels, return_inverse=True)
    _, group = np.unique(np.arange(n) if groups is None else groups, return_inverse=True)
    fewest = n - np.bincount(group).max()
    if not 1 <= k <= fewest:
        raise ValueError(
            f"`k` must lie between 1 and {fewest}, the number of images that every image has "
            f"outside its own patient; it is {k}."
        )

    def nearest(distances: np.ndarray, start: int) -> np.ndarray:
        distances[group[start : start + len(distances), None] == group[None]] = np.inf
        close = np.argpartition(distances, k - 1, axis=1)[:, :k]
        rank = np.argsort(np.take_along_axis(distances, close, axis=1), axis=1, kind="stable")
        return np.take_along_axis(close, rank, axis=1)

    chunks = pairwise_distances_chunked(features, reduce_func=nearest, working_memory=64)
    return np.concatenate(list(chunks)), classes, label_code


def _voted(votes: np.ndarray, n_classes: int) -> np.ndarray:
    """The class with most votes of (n, k), nearest first."""
    k = votes.shape[1]
    own = votes[:, :, None] == np.arange(n_classes)
    # The nearer a vote, the more it counts among ties: below half a vote in all.
    first = np.where(own, np.arange(k)[:, None], k).min(axis=1)
    return np.argmax(own.sum(axis=1) - first / (2 * k + 1), axis=1)
