"""Several clusterings of the same images side by side."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from octlessons.evaluation.agreement_scores import Agreement, agreement
from octlessons.wording import Table, decimal


@dataclass(frozen=True, repr=False)
class Comparison(Table):
    """Several clusterings of the same images side by side.

    Attributes
    ----------
    clusterings : dict of str → `octlessons.clustering.Clustering`
        What each method found, its seconds and memory.
    agreements : dict of str → Agreement
        Agreement with the labels; empty where there are none.
    """

    clusterings: Mapping[str, Any]
    agreements: Mapping[str, Agreement]

    @property
    def _header(self) -> tuple[str, ...]:  # type: ignore[override]
        judged = ("ARI", "AMI", "matched accuracy", "by chance (95 %)") if self.agreements else ()
        return ("method", "clusters", "noise", "sizes", "seconds", "memory", *judged)

    def _caption(self) -> str:
        return "Clustering methods side by side"

    def _cells(self) -> list[tuple[str, ...]]:
        rows = []
        for name, found in self.clusterings.items():
            sizes = ", ".join(f"{size:,}" for size in found.sizes[:6])
            row = [
                name,
                f"{found.n_clusters:,}",
                f"{found.n_noise:,}",
                sizes + (", …" if len(found.sizes) > 6 else "") or "–",
                f"{found.seconds:.2f}",
                f"{found.megabytes:,.0f} MB",
            ]
            judged = self.agreements.get(name)
            if judged is not None:
                row += [decimal(judged.ari), decimal(judged.ami), decimal(judged.accuracy)]
                row.append(str(judged.chance))
            rows.append(tuple(row) + ("–",) * (len(self._header) - len(row)))
        return rows


def compare_clusterers(
    features,
    labels=None,
    n_clusters: int = 4,
    *,
    groups=None,
    clusterers: Mapping[str, Any] | None = None,
    noise: str = "keep",
    n_permutations: int = 1000,
    n_bootstrap: int = 500,
    random_state: int = 0,
) -> Comparison:
    """Run several clustering methods on the same features and judge each.

    Parameters
    ----------
    features : array_like of float, shape (n, d)
        A few dozen columns at most are sensible: Gaussian mixtures and densities need them few.
    labels : array_like, shape (n,), optional
        Classes to compare with; without them only sizes and seconds are reported.
    n_clusters : int
        Number of clusters, for the methods that want to be told.
    groups : array_like, shape (n,), optional
        Patient of each image.
    clusterers : mapping of str → estimator, optional
        The methods; by default those of `octlessons.clustering.clusterers`.
    noise, n_permutations, n_bootstrap, random_state
        As for `agreement`.

    Returns
    -------
    Comparison
    """
    from octlessons.clustering import clusterers as usual
    from octlessons.clustering import run_clusterers

    methods = usual(n_clusters, random_state=random_state) if clusterers is None else clusterers
    found = run_clusterers(features, methods)
    agreements = {}
    if labels is not None:
        agreements = {
            name: agreement(
                labels,
                result.clusters,
                groups=groups,
                noise=noise,
                n_permutations=n_permutations,
                n_bootstrap=n_bootstrap,
                random_state=random_state,
            )
            for name, result in found.items()
            if noise == "keep" or result.n_clusters > 0
        }
    return Comparison(found, agreements)
