"""Which images would you have labelled? Ways to choose a few, with few labels or none."""

from __future__ import annotations

import numpy as np

from octlessons.evaluation.uncertainty import same_lengths


def one_per_cluster(rows, n: int, random_state: int = 0) -> np.ndarray:
    """Choose the image nearest to the centre of each of `n` clusters; no label is needed.

    Parameters
    ----------
    rows : array_like of float, shape (images, features)
    n : int
        Labels that can be had: 1 to the number of images.
    random_state : int
        Of K-means, with ten starts.

    Returns
    -------
    ndarray of int, at most n of them
        Numbers of the images, each once.

    Raises
    ------
    ValueError
        If `n` is out of range.

    Examples
    --------
    >>> sorted(one_per_cluster([[0.0], [0.1], [0.2], [5.0]], 2).tolist())
    [1, 3]
    """
    from sklearn.cluster import KMeans

    rows = np.asarray(rows, float)
    _check(n, len(rows))
    model = KMeans(n, n_init=10, random_state=random_state).fit(rows)
    return np.unique(model.transform(rows).argmin(axis=0))


def most_uncertain(rows, labels, n: int, random_state: int = 0) -> np.ndarray:
    """Choose images step by step, always those on which a linear model is least decided.

    Two fifths are drawn at random. Then, a fifth at a time, the images are asked for whose two best
    classes are nearest to a tie, and the model learns again: active learning by margin.

    Parameters
    ----------
    rows : array_like of float, shape (images, features)
    labels : array_like of int, shape (images,)
        Looked at for the images that were asked for only.
    n : int
        Labels that can be had: 1 to the number of images.
    random_state : int
        Of the first draw.

    Returns
    -------
    ndarray of int, n of them
        Numbers of the images, in the order in which they were asked for.

    Raises
    ------
    ValueError
        If `n` is out of range, or lengths differ.

    Examples
    --------
    >>> len(set(most_uncertain(np.arange(20.0)[:, None], [0] * 9 + [1] * 11, 8).tolist()))
    8
    """
    rows, labels = np.asarray(rows, float), np.asarray(labels)
    same_lengths(len(rows), labels=labels)
    _check(n, len(rows))
    order = np.random.default_rng(random_state).permutation(len(rows)).tolist()
    asked = order[: max(1, 2 * n // 5)]
    while len(asked) < n:
        if len(np.unique(labels[asked])) < 2:  # all alike so far: one more at random
            asked.append(next(i for i in order if i not in asked))
            continue
        best = np.sort(linear_rule().fit(rows[asked], labels[asked]).predict_proba(rows), axis=1)
        gap = best[:, -1] - best[:, -2]
        gap[asked] = np.inf
        asked += gap.argsort(kind="stable")[: min(max(1, n // 5), n - len(asked))].tolist()
    return np.array(asked)


def linear_rule():
    """Logistic regression on standardised rows: what learns from the labels that were asked for.

    Returns
    -------
    sklearn.pipeline.Pipeline
        Unfitted.
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    return make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))


def _check(n: int, n_images: int) -> None:
    if not 1 <= n <= n_images:
        raise ValueError(f"Of {n_images} images 1 to {n_images} can be labelled, not {n}.")
