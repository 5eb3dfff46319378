"""Several clusterings of the same images side by side."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from octlessons.evaluation.agreement_scores import Agreement, agreement
from octlessons.wording import decimal, html_table, text_table


@dataclass(frozen=True)
class Comparison:
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

    def _cells(self) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
        header = ("method", "clusters", "noise", "sizes", "seconds", "memory")
        if self.agreements:
            header += ("ARI", "AMI", "matched accuracy", "by chance (95 %)")
        rows = []
        for name, found in self.clusterings.items():
            sizes = ", ".join(f"{size:,}" for size in found.sizes[:6])
            row = (
                name,
                f"{found.n_clusters:,}",
                f"{found.n_noise:,}",
                sizes + (", …" if len(found.sizes) > 6 else "") or "–",
                f"{found.seconds:.2f}",
                f"{found.megabytes:,.0f} MB",
            )
            if self.agreements:
                a = self.agreements[name]
                row += (decimal(a.ari), decimal(a.ami), decimal(a.accuracy), str(a.chance))
            rows.append(row)
        return header, rows

    def __str__(self) -> str:
        header, rows = self._cells()
        lines = [header, *rows]
        return text_table(lines)

    __repr__ = __str__

    def _repr_html_(self) -> str:
        header, rows = self._cells()
        return html_table("Clustering methods side by side", header, rows)


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
    seed: int = 0,
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
    noise, n_permutations, n_bootstrap, seed
        As for `agreement`.

    Returns
    -------
    Comparison
    """
    from octlessons.clustering import clusterers as usual
    from octlessons.clustering import run_clusterers

    methods = usual(n_clusters, seed=seed) if clusterers is None else clusterers
    found = run_clusterers(features, methods)
    agreements = {}
    if labels is not None:
        agreements = {
            name: agreement(
                result.clusters,
                labels,
                groups=groups,
                noise=noise,
                n_permutations=n_permutations,
                n_bootstrap=n_bootstrap,
                seed=seed,
            )
            for name, result in found.items()
            if noise == "keep" or result.n_clusters > 0
        }
    return Comparison(found, agreements)
