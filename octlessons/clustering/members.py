"""Which members to look at: the central, the doubtful and the odd of each cluster."""

from __future__ import annotations

import numpy as np
from sklearn.metrics import silhouette_samples

#: Kinds of members, as `members` returns them.
KINDS = ("central", "doubtful", "odd")


def members(
    features, clusters, n: int = 2, *, groups=None, silhouettes=None
) -> dict[int, dict[str, np.ndarray]]:
    """Pick the members of each cluster that say most about it.

    *Central* are those nearest to the mean of the cluster (the first is its medoid, for squared
    distances), *doubtful* those of the lowest silhouette, *odd* those furthest from the mean.
    The kinds take turns and no image comes twice, so a small cluster shows what it has.

    Parameters
    ----------
    features : array_like of float, shape (n_images, d)
        What was clustered.
    clusters : array_like of int, shape (n_images,)
        Noise (−1) is left out.
    n : int
        Of each kind, at least 1.
    groups : array_like, shape (n_images,), optional
        Patient of each image; one comes twice in a cluster only where there is no other.
    silhouettes : array_like of float, shape (n_images,), optional
        Computed where they are not given.

    Returns
    -------
    dict of int → dict of str → ndarray of int
        Central, doubtful and odd members of each cluster; of a single one none is doubtful.

    Raises
    ------
    ValueError
        If lengths differ, `n` is below 1, or no image is in a cluster.

    Examples
    --------
    >>> line = np.array([0, 2, 3, 4, 9, 30, 31, 32, 33, 37.0])[:, None]
    >>> members(line, np.repeat([0, 1], 5), n=1)[0]
    {'central': array([3]), 'doubtful': array([4]), 'odd': array([0])}
    """
    features, clusters = np.asarray(features, float), np.asarray(clusters)
    people = np.arange(len(features)) if groups is None else np.asarray(groups)
    if features.ndim != 2 or not len(features) == len(clusters) == len(people):
        raise ValueError(
            f"Features have shape {features.shape}, for {len(clusters)} clusters and {len(people)} "
            "patients: give one row, one cluster and one patient for each image."
        )
    kept = np.flatnonzero(clusters >= 0)
    if n < 1 or not len(kept):
        raise ValueError(f"There are {len(kept)} images in clusters, and {n} of each to pick.")
    present = np.unique(clusters[kept])
    doubt = _silhouettes(features, clusters, kept) if silhouettes is None else silhouettes
    found = {}
    for c in present.tolist():
        own = np.flatnonzero(clusters == c)
        far = np.linalg.norm(features[own] - features[own].mean(axis=0), axis=1)
        orders = {"central": np.argsort(far, kind="stable"), "odd": np.argsort(-far, kind="stable")}
        if len(present) > 1:
            orders["doubtful"] = np.argsort(np.asarray(doubt)[own], kind="stable")
        turns = {kind: own[orders[kind]] for kind in KINDS if kind in orders}
        found[c] = _in_turn(turns, n, people)
    return found


def _silhouettes(features, clusters, kept: np.ndarray) -> np.ndarray:
    found = np.full(len(clusters), np.nan)
    if 2 <= len(np.unique(clusters[kept])) < len(kept):
        found[kept] = silhouette_samples(features[kept], clusters[kept])
    return found


def _in_turn(orders: dict[str, np.ndarray], n: int, people: np.ndarray) -> dict[str, np.ndarray]:
    """The kinds pick one image each, `n` times, a new patient where there is one left."""
    picked: dict[str, list[int]] = {kind: [] for kind in KINDS}
    taken: set[int] = set()
    for _ in range(n):
        for kind, order in orders.items():
            left = [int(i) for i in order if int(i) not in taken]
            seen = {people[i] for i in taken}
            new = [i for i in left if people[i] not in seen]
            for i in (new or left)[:1]:
                picked[kind].append(i)
                taken.add(i)
    return {kind: np.array(index, int) for kind, index in picked.items()}
