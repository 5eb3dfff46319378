"""Are there gaps between groups of points, or is it one cloud?"""

from __future__ import annotations

import numpy as np
from scipy.cluster.hierarchy import linkage

#: Points that are compared at most: distances between all of them are kept.
MOST = 3000


def parted_groups(
    points,
    *,
    smallest: int = 5,
    n_references: int = 200,
    level: float = 0.99,
    random_state: int = 0,
) -> int:
    """Count the groups that wider gaps part than one cloud has by accident.

    Points are joined to their nearest, and groups to the nearest group, until all are one (single
    linkage). A join of two groups, each of `smallest` points or more, crosses a gap: its length
    counts in steps, the median of all joins. The same is done with clouds of one bell curve, of as
    many points and of the same spread in every direction. Gaps that are longer than the longest of
    nearly all such clouds part groups. The idea, to look at the smaller of two groups that are
    joined, is that of Hartigan and Mohanty's runt test (Journal of Classification, 1992).

    Groups that touch, or between which single points lie, count as one: 1 does not show that there
    are no groups.

    Parameters
    ----------
    points : array_like of float, shape (n, d)
        At most 3,000.
    smallest : int
        Points that make a group.
    n_references : int
        Clouds to compare with, at least 20.
    level : float
        Share of the clouds that have no such gap.
    random_state : int

    Returns
    -------
    int
        1 for one cloud, in the share `level` of cases.

    Raises
    ------
    ValueError
        If there are too few or too many points, or a parameter is out of range.

    Examples
    --------
    >>> cloud = np.random.default_rng(0).normal(size=(200, 10))
    >>> parted_groups(cloud), parted_groups(np.concatenate([cloud, cloud + 10 / 10**0.5]))
    (1, 2)
    """
    points = _checked(points, smallest, n_references, level)
    rng = np.random.default_rng(random_state)
    _, spread, _ = np.linalg.svd(points - points.mean(axis=0), full_matrices=False)
    longest = [
        _gaps(rng.normal(size=(len(points), len(spread))) * spread, smallest).max(initial=0)
        for _ in range(n_references)
    ]
    return 1 + int((_gaps(points, smallest) > np.quantile(longest, level)).sum())


def _checked(points, smallest: int, n_references: int, level: float) -> np.ndarray:
    """The points, or a `ValueError`."""
    points = np.asarray(points, float)
    if points.ndim != 2 or not np.isfinite(points).all():
        raise ValueError(f"`points` is a table of finite numbers, not of shape {points.shape}.")
    if smallest < 1 or n_references < 20 or not 0 < level < 1:
        raise ValueError(
            "`smallest` is at least 1, `n_references` at least 20 and `level` between 0 and 1, not "
            f"{smallest}, {n_references} and {level}."
        )
    if not 2 * smallest <= len(points) <= MOST:
        raise ValueError(
            f"Groups of {smallest} points are looked for among {2 * smallest} to {MOST:,} points; "
            f"there are {len(points):,}."
        )
    return points


def _gaps(points: np.ndarray, smallest: int) -> np.ndarray:
    """Lengths of the joins between groups, in steps."""
    n = len(points)
    joins = linkage(points, "single")
    sizes = np.concatenate([np.ones(n), joins[:, 3]])
    fewer = sizes[joins[:, :2].astype(int)].min(axis=1)
    apart = joins[joins[:, 2] > 0, 2]  # equal points are no step
    return joins[fewer >= smallest, 2] / (np.median(apart) if len(apart) else 1.0)
