"""Which images stay together when patients are left out: the consensus matrix."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.cluster import KMeans

from octlessons.clustering.choosing import rotated, subsampled


@dataclass(frozen=True, repr=False)
class Consensus:
    """How often every two images were in one cluster, of the times that both were drawn.

    Attributes
    ----------
    together : ndarray of float, shape (n, n)
        0…1; NaN for two images that were never drawn together. 1 on the diagonal.
    n_resamples : int
    """

    together: np.ndarray
    n_resamples: int

    def order(self, clusters) -> np.ndarray:
        """Images in the order of their cluster, within it those side by side that stay together.

        Parameters
        ----------
        clusters : array_like of int, shape (n,)

        Returns
        -------
        ndarray of int, shape (n,)
        """
        from scipy.cluster.hierarchy import leaves_list, linkage
        from scipy.spatial.distance import squareform

        clusters, order = np.asarray(clusters), []
        for c in np.unique(clusters):
            own = np.flatnonzero(clusters == c)
            if len(own) > 2:
                apart = 1 - np.nan_to_num(self.together[np.ix_(own, own)], nan=0.5)
                own = own[leaves_list(linkage(squareform(apart, checks=False), "average"))]
            order.append(own)
        return np.concatenate(order)

    def held(self, clusters) -> np.ndarray:
        """How often each image is with the others of its cluster, on average.

        Parameters
        ----------
        clusters : array_like of int, shape (n,)

        Returns
        -------
        ndarray of float, shape (n,)
            NaN for an image that is alone in its cluster.
        """
        clusters = np.asarray(clusters)
        same = (clusters[:, None] == clusters) & np.isfinite(self.together)
        np.fill_diagonal(same, False)
        total = np.where(same, np.nan_to_num(self.together), 0).sum(axis=1)
        n = same.sum(axis=1)
        return np.divide(total, n, out=np.full(len(clusters), np.nan), where=n > 0)

    def undecided(self, low: float = 0.1, high: float = 0.9) -> float:
        """Share of the pairs that are neither (nearly) always nor (nearly) never together.

        This is the "proportion of ambiguous clustering" of Șenbabaoğlu et al. (2014, Scientific
        Reports 4, 6207), with their bounds. Two large clusters that never mix have 0.

        Parameters
        ----------
        low, high : float
            Bounds, exclusive.

        Returns
        -------
        float
            0…1; NaN where no pair was drawn together.
        """
        pairs = self.together[np.triu_indices(len(self.together), 1)]
        pairs = pairs[np.isfinite(pairs)]
        return float(np.mean((pairs > low) & (pairs < high))) if len(pairs) else float("nan")

    def __repr__(self) -> str:
        return f"Consensus of {len(self.together)} images over {self.n_resamples} subsamples"


def consensus(
    features,
    n_clusters: int = 4,
    *,
    clusterer: Any | None = None,
    groups=None,
    n_resamples: int = 50,
    fraction: float = 0.8,
    n_init: int = 10,
    random_state: int = 0,
) -> Consensus:
    """Cluster many subsamples and count who is with whom (Monti et al. 2003).

    Parameters
    ----------
    features : array_like of float, shape (n, d)
    n_clusters, clusterer, groups, fraction, n_init, random_state
        As for `octlessons.clustering.stability`: whole patients are left out where known. Noise
        (−1) of a `clusterer` is together with nothing.
    n_resamples : int
        At least 2.

    Returns
    -------
    Consensus

    Raises
    ------
    ValueError
        As `octlessons.clustering.stability`.

    Notes
    -----
    Stefano Monti, Pablo Tamayo, Jill Mesirov and Todd Golub, "Consensus clustering", Machine
    Learning 52, 91–118 (2003), doi 10.1023/A:1023949509487.

    Examples
    --------
    >>> line = np.array([0, 1, 2, 3, 20, 21, 22, 23.0])[:, None]
    >>> consensus(line, 2, n_resamples=20).together[0].round(1)
    array([1., 1., 1., 1., 0., 0., 0., 0.])
    """
    if clusterer is None:
        features, clusterer = rotated(features), KMeans(n_clusters, n_init=n_init)
    found = subsampled(features, clusterer, groups, n_resamples, fraction, random_state)
    n = found.shape[1]
    both, together = np.zeros((n, n), np.float32), np.zeros((n, n), np.float32)
    for clusters in found:
        drawn = (clusters > -2).astype(np.float32)
        both += np.outer(drawn, drawn)
        own = (clusters[:, None] == np.unique(clusters[clusters >= 0])).astype(np.float32)
        together += own @ own.T
    share = np.divide(together, both, out=np.full((n, n), np.nan, np.float32), where=both > 0)
    np.fill_diagonal(share, 1)
    return Consensus(share.astype(float), n_resamples)
