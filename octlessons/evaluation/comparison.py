"""Several clusterings of the same images side by side."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from octlessons.clustering import methods
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
            more = ", …" if len(found.sizes) > 6 else ""
            row = [name, f"{found.n_clusters:,}", f"{found.n_noise:,}", sizes + more or "–"]
            row += [f"{found.seconds:.2f}", f"{found.megabytes:,.0f} MB"]
            judged = self.agreements.get(name)
            if judged is not None and found.n_clusters:  # all noise agrees with nothing
                row += map(decimal, (judged.ari, judged.ami, judged.accuracy))
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
    random_state: int = 0,
    **options,
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
    noise, random_state, **options
        As for `agreement`, such as ``n_bootstrap``.
    """
    if clusterers is None:
        clusterers = methods.clusterers(n_clusters, random_state=random_state)
    found = methods.run_clusterers(features, clusterers)
    judging = {"groups": groups, "noise": noise, "random_state": random_state, **options}
    agreements = {}
    for name, result in found.items():
        if labels is not None and (noise == "keep" or result.n_clusters > 0):
            agreements[name] = agreement(labels, result.clusters, **judging)
    return Comparison(found, agreements)
