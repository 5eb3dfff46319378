"""Clusters as piles of pictures: some members of each, side by side."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from octlessons.clustering.members import KINDS, members
from octlessons.figures.axes import add_title, draw_scan, grid_height, new_figure, styled, texts
from octlessons.figures.style import FULL
from octlessons.wording import count, listing

#: Inches left of the pictures, for the names of the clusters.
NAMES = 0.95


@styled
def cluster_members(
    images,
    features,
    clusters,
    *,
    n: int = 2,
    mean: bool = False,
    below: Sequence[str] | None = None,
    cluster_names: Sequence[str] | None = None,
    title: str = "",
):
    """Draw central, doubtful and odd members of every cluster, one row for each cluster.

    Parameters
    ----------
    images : ImageSet, ndarray of shape (n_images, h, w), or list of 2-D arrays
        What is drawn.
    features : array_like of float, shape (n_images, d)
        What was clustered: `octlessons.clustering.members` picks by it.
    clusters : array_like of int, shape (n_images,)
        Noise (−1) is left out.
    n : int
        Members of each kind.
    mean : bool
        Draw the mean picture of each cluster before its members, brightened; images must then
        share one size.
    below : sequence of str, length n_images, optional
        A text under each picture, such as its diagnosis.
    cluster_names : sequence of str, optional
        One for each cluster, in order of number; "cluster 0" and so on by default.
    title : str

    Returns
    -------
    matplotlib.figure.Figure
        Its attribute ``members`` holds what was picked.
    """
    clusters = np.asarray(clusters)
    under = None if below is None else texts(below, len(clusters), "images")
    if len(images) != len(clusters):
        raise ValueError(f"There are {len(images)} images but {len(clusters)} clusters.")
    picked = members(features, clusters, n, groups=getattr(images, "patients", None))
    called = [f"cluster {c}" for c in picked] if cluster_names is None else list(cluster_names)
    named = dict(zip(picked, texts(called, len(picked), "clusters"), strict=True))
    fig, places = _canvas(images, picked, n, mean, under is not None, title)
    for (c, kind), axes in places.items():
        for ax, i in zip(axes, picked[c].get(kind, [None]), strict=False):
            ax.set_axis_on()
            if i is None:
                own = [np.asarray(images[int(j)], float) for j in np.flatnonzero(clusters == c)]
                draw_scan(ax, np.mean(own, axis=0), 0, 0.6 * max(np.max(scan) for scan in own))
            else:
                draw_scan(ax, images[int(i)])
                ax.set_xlabel(under[i] if under else "", fontsize=11, labelpad=3)
    _names(places, picked, {c: f"{named[c]}\n{np.sum(clusters == c):,}" for c in picked})
    fig.members = picked
    fig.alt = _in_words(images, clusters, picked, named, under, mean)
    return fig


def _canvas(images, picked, n: int, mean: bool, under: bool, title: str):
    """A figure, and its axes by cluster and kind; the kinds stand a little apart."""
    kinds = [k for k in KINDS if any(len(of[k]) for of in picked.values())]
    wide = {"mean": 1} if mean else {}
    wide |= {kind: max(len(of[kind]) for of in picked.values()) for kind in kinds}
    ratios: list[float] = []
    spans = {}
    for kind, width in wide.items():
        ratios += [0.12] if ratios else []
        spans[kind] = range(len(ratios), len(ratios) + width)
        ratios += [1.0] * width
    across = (FULL - NAMES) * min(1, (sum(ratios) + 1.5) / 6) + NAMES
    first = [images[int(of[k][0])] for of in picked.values() for k in kinds if len(of[k])]
    height = grid_height(first, len(picked), round(sum(ratios)), across - NAMES, bool(title), under)
    grid = {"width_ratios": ratios}
    fig, axes = new_figure(across, height + 0.3, len(picked), len(ratios), gridspec_kw=grid)
    fig.get_layout_engine().set(w_pad=0.02, wspace=0.0, h_pad=0.03)
    for ax in axes.flat:
        ax.set_axis_off()
    add_title(fig, title)
    rows = dict(zip(picked, axes, strict=True))
    return fig, {(c, kind): rows[c][list(at)] for c in picked for kind, at in spans.items()}


def _names(places, picked, named: dict[int, str]) -> None:
    """Kinds above the first row, clusters left of each."""
    top = next(iter(picked))
    left = next(kind for _, kind in places)
    for (c, kind), axes in places.items():
        if c == top:
            axes[0].set_title(kind, fontsize=12, fontweight="normal", loc="left", pad=5)
        if kind == left:
            axes[0].text(-0.08, 0.5, named[c], transform=axes[0].transAxes, ha="right",
                         va="center", fontsize=12, linespacing=1.3)  # fmt: skip


def _in_words(images, clusters, picked, named, under, mean: bool) -> str:
    parts = []
    for c, kinds in picked.items():
        pictures = [np.asarray(images[int(i)]) for index in kinds.values() for i in index]
        part = f"{named[c]} ({count(int(np.sum(clusters == c)), 'scan')})"
        if under:
            part += " " + ", ".join(f"{kind} {listing(under[i] for i in index)}"
                                    for kind, index in kinds.items() if len(index))  # fmt: skip
        if all(picture.dtype == np.uint8 for picture in pictures):
            white = [float(np.mean(picture >= 250)) for picture in pictures]
            part += f", white areas in {sum(w > 0.005 for w in white)} of the {len(white)} shown"
        parts.append(part)
    shown = listing(k for k in KINDS if any(len(of[k]) for of in picked.values()))
    text = f"{count(len(picked), 'row')} of scans, one for each cluster, with "
    text += f"{'its mean picture and ' if mean else ''}{shown} members: {'; '.join(parts)}."
    if noise := int(np.sum(clusters < 0)):
        text += f" Not shown: {count(noise, 'scan')} in no cluster."
    return text
