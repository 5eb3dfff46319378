"""Ways to cluster, side by side."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from sklearn.base import clone
from sklearn.cluster import KMeans


@dataclass(frozen=True)
class Clustering:
    """What one method found.

    Attributes
    ----------
    clusters : ndarray of int, shape (n,)
        −1 for noise.
    seconds : float
        Time of `fit_predict`.
    megabytes : float
        Peak memory that it took for arrays, besides the features (tracemalloc).
    """

    clusters: np.ndarray = field(repr=False)
    seconds: float
    megabytes: float

    @property
    def sizes(self) -> list[int]:
        """Sizes of the clusters, largest first, without noise."""
        return sorted(np.bincount(self.clusters[self.clusters >= 0]).tolist(), reverse=True)

    @property
    def n_clusters(self) -> int:
        """Number of clusters, without noise."""
        return len(np.unique(self.clusters[self.clusters >= 0]))

    @property
    def n_noise(self) -> int:
        """Number of images in no cluster."""
        return int(np.sum(self.clusters < 0))


def clusterers(n_clusters: int = 4, *, random_state: int = 0) -> dict[str, Any]:
    """The methods that chapter 5 compares, ready to fit.

    Parameters
    ----------
    n_clusters : int
        For the methods that want to be told; HDBSCAN does not.
    random_state : int

    Returns
    -------
    dict of str → estimator
        K-means, Gaussian mixture, spectral, agglomerative and HDBSCAN.
    """
    from sklearn.cluster import HDBSCAN, AgglomerativeClustering, SpectralClustering
    from sklearn.mixture import GaussianMixture

    return {
        "K-means": KMeans(n_clusters, n_init=10, random_state=random_state),
        "Gaussian mixture": GaussianMixture(
            n_clusters, covariance_type="diag", n_init=5, reg_covar=1e-5, random_state=random_state
        ),
        "Spectral": SpectralClustering(
            n_clusters, affinity="nearest_neighbors", n_neighbors=15, random_state=random_state
        ),
        "Agglomerative": AgglomerativeClustering(n_clusters, linkage="ward"),
        "HDBSCAN": HDBSCAN(min_cluster_size=10, copy=True),
    }


def run_clusterers(features, methods: Mapping[str, Any]) -> dict[str, Clustering]:
    """Run methods on the same features, one after the other, with time and memory.

    Parameters
    ----------
    features : array_like of float, shape (n, d)
    methods : mapping of str → estimator
        Anything with `fit_predict`; copies are fitted.

    Returns
    -------
    dict of str → Clustering
        In the order of `methods`.
    """
    import tracemalloc
    import warnings

    features = np.asarray(features)
    found = {}
    for name, method in methods.items():
        params = method.get_params()
        model = clone(method)
        for key in ("n_neighbors", "min_cluster_size"):  # small sets must not fail
            if params.get(key) and params[key] >= len(features):
                model.set_params(**{key: max(2, len(features) // 2)})
        tracing = tracemalloc.is_tracing()
        if not tracing:
            tracemalloc.start()
        tracemalloc.reset_peak()
        before = tracemalloc.get_traced_memory()[0]
        began = time.perf_counter()
        with warnings.catch_warnings():
            # A neighbour graph in several pieces is a finding, not a fault.
            warnings.filterwarnings("ignore", message="Graph is not fully connected")
            clusters = np.asarray(model.fit_predict(features))
        seconds = time.perf_counter() - began
        peak = (tracemalloc.get_traced_memory()[1] - before) / 1e6
        if not tracing:
            tracemalloc.stop()
        found[name] = Clustering(clusters, seconds, max(peak, 0.0))
    return found
