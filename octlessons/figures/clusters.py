"""Figures of clusters and their judgement."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from octlessons.clustering.choosing import CRITERIA, KChoice
from octlessons.figures.axes import (
    add_legend,
    add_title,
    draw_scan,
    grid_of,
    new_figure,
    outlined,
    shaded_table,
    short,
    styled,
    texts,
    thousands,
)
from octlessons.figures.style import FAINT, FULL, INK, MUTED, PALETTE, PAPER, colour, marker
from octlessons.wording import count, decimal, listing, percent

#: What `agreement_bars` draws.
MEASURES = {
    "accuracy": "Matched accuracy",
    "ari": "Adjusted Rand index (ARI)",
    "ami": "Adjusted mutual information (AMI)",
}


@styled
def kmeans_steps(points, steps: Sequence[tuple], *, columns: int = 3, title: str = ""):
    """Draw the steps of K-means on points of the plane.

    Parameters
    ----------
    points : array_like of float, shape (n, 2)
    steps : sequence of (centres, clusters)
        Of each step to draw: centres, shape (k, 2), and the cluster of each point, shape (n,), or
        None before the first assignment.
    columns : int
    title : str
    """
    points = np.asarray(points, float)
    rows, columns = grid_of(len(steps), columns, "steps")
    height = rows * (FULL / columns + 0.25) + (0.4 if title else 0)
    fig, axes = new_figure(FULL, height, rows, columns, sharex=True, sharey=True)
    for ax in axes.flat[len(steps) :]:
        ax.set_axis_off()
    inertias = []
    for i, (ax, (centres, clusters)) in enumerate(zip(axes.flat, steps, strict=False)):
        centres = np.asarray(centres, float)
        text = f"step {i}"
        if clusters is None:
            ax.scatter(*points.T, s=22, color=MUTED, marker=".")
        else:
            clusters = np.asarray(clusters)
            inertias.append(float(np.sum((points - centres[clusters]) ** 2)))
            text += f": {short(inertias[-1])}"
        for c, centre in enumerate(centres):
            if clusters is not None:
                ax.scatter(*points[clusters == c].T, s=22, color=colour(c), marker=marker(c),
                           edgecolor=PAPER, linewidth=0.4)  # fmt: skip
            ax.scatter(*centre, s=110, marker="X", color=INK, edgecolor=PAPER, linewidth=1)
            ax.scatter(*centre, s=14, marker=marker(c), color=colour(c), zorder=5)
        ax.set_title(text, fontsize=12, fontweight="normal", pad=5)
        outlined(ax)
    add_title(fig, title)
    fig.alt = f"{count(len(steps), 'step')} of K-means with {count(len(steps[0][0]), 'centre')} on "
    fig.alt += count(len(points), "point")
    if inertias:
        fig.alt += f": the inertia goes {', '.join(short(v) for v in inertias)}"
    if len(steps) > 1:
        moved = np.max(np.linalg.norm(np.subtract(steps[-1][0], steps[-2][0]), axis=1))
        still = "no longer move" if moved < 1e-9 else f"still move by up to {moved:.2g}"
        fig.alt += f"; in the last step the centres {still}"
    fig.alt += "."
    return fig


@styled
def silhouette_plot(
    features,
    clusters,
    *,
    images=None,
    n_worst: int = 3,
    max_images: int = 2000,
    random_state: int = 0,
    title: str = "",
):
    """Draw the silhouette of every image, sorted within its cluster, and the worst as pictures.

    Parameters
    ----------
    features : array_like of float, shape (n, d)
    clusters : array_like of int, shape (n,)
        At least two clusters. Noise (−1) is left out.
    images : ImageSet, ndarray of shape (n, h, w), or list of 2-D arrays, optional
        Those of the lowest silhouette are then drawn beside, of different patients where known.
    n_worst : int
        How many of them.
    max_images : int
        With more, a random sample of this many is drawn.
    random_state : int
    title : str
        "Silhouette, mean …" by default.
    """
    from sklearn.metrics import silhouette_samples

    features, clusters = np.asarray(features), np.asarray(clusters)
    kept = np.flatnonzero(clusters >= 0)
    if len(kept) > max_images:
        kept = np.sort(np.random.default_rng(random_state).choice(kept, max_images, replace=False))
    features, clusters = features[kept], clusters[kept]
    present = np.unique(clusters).tolist()
    if not 2 <= len(present) < len(clusters):
        raise ValueError(
            f"Silhouettes compare at least two clusters, some with several images; there are "
            f"{len(present)} clusters of {len(clusters)} images."
        )
    widths = silhouette_samples(features, clusters)
    shown = [] if images is None else _worst(widths, kept, images, n_worst)
    fig, ax = _beside(min(2.2 + 0.75 * len(present), 8.5), [images[int(kept[i])] for i in shown],
                      [f"{decimal(widths[i])}, cluster {clusters[i]}" for i in shown])  # fmt: skip
    mean = float(widths.mean())
    parts = _silhouettes(ax, widths, clusters, present)
    ax.set_title(title or f"Silhouettes, mean {decimal(mean)}")
    fig.alt = (
        f"Silhouettes of {count(len(clusters), 'image')} in {count(len(present), 'cluster')}, mean "
        f"{decimal(mean)} (dashed line): {'; '.join(parts)}."
    )
    if shown:
        worst = listing(f"{decimal(widths[i])} in cluster {clusters[i]}" for i in shown)
        fig.alt += f" Beside it the {count(len(shown), 'scan')} of the lowest: {worst}."
    return fig


def _beside(height: float, pictures: Sequence, titles: Sequence[str]):
    """A figure with one large panel, and pictures to the right of it."""
    n = len(pictures)
    height, ratios = max(height, 1.45 * n + 0.4), [3.6, 1] if n else [1]
    fig, axes = new_figure(FULL, height, max(n, 1), len(ratios),
                           gridspec_kw={"width_ratios": ratios})  # fmt: skip
    for ax in axes[1:, 0]:
        ax.remove()
    axes[0, 0].set_subplotspec(axes[0, 0].get_gridspec()[:, 0])
    for ax, picture, title in zip(axes[:, -1], pictures, titles, strict=False):
        draw_scan(ax, picture)
        ax.set_title(title, fontsize=11.5, fontweight="normal", pad=3)
    fig.scans = 0  # the large panel fills the height
    return fig, axes[0, 0]


def _silhouettes(ax, widths, clusters, present) -> list[str]:
    """Bars of all silhouettes, cluster below cluster; returns each cluster in words."""
    space = max(1, round(0.03 * len(clusters)))  # whole rows: one edge more than bars, for any n
    top, parts, middles = 0, [], []
    for place, c in enumerate(present):
        own = np.sort(widths[clusters == c])[::-1]
        ax.stairs(own, np.arange(top, top + len(own) + 1), orientation="horizontal",
                  fill=True, color=MUTED, alpha=0.55 if place % 2 else 0.9)  # fmt: skip
        middles.append(top + len(own) / 2)
        top += len(own) + space
        below = percent(float(np.mean(own < 0)))
        parts.append(f"cluster {c} ({len(own):,}) {decimal(own.mean())}, {below} below 0")
    ax.axvline(widths.mean(), color=INK, linewidth=1.4, linestyle=(0, (4, 3)))
    ax.axvline(0, color=INK, linewidth=1)
    ax.set_yticks(middles, [str(c) for c in present])
    ax.tick_params(axis="y", length=0)
    ax.set(xlabel="silhouette", ylabel="cluster", ylim=(top - space, 0))
    ax.set_xlim(min(-0.1, widths.min() * 1.05), max(0.5, widths.max() * 1.05))
    return parts


def _worst(widths, kept, images, n: int) -> list[int]:
    """Places of the lowest silhouettes, each of another patient where there are enough."""
    order = np.argsort(widths, kind="stable")
    patients = getattr(images, "patients", None)
    if patients is not None:
        _, first = np.unique(np.asarray(patients)[kept][order], return_index=True)
        rest = np.setdiff1d(np.arange(len(order)), first)
        order = order[np.concatenate([np.sort(first), rest])]
    return order[:n].tolist()


@styled
def consensus_map(consensus, clusters, *, title: str = ""):
    """Draw how often every two images were together, cluster after cluster.

    Parameters
    ----------
    consensus : octlessons.clustering.Consensus
    clusters : array_like of int, shape (n,)
        The clusters of all images. Noise (−1) is left out.
    title : str
    """
    clusters = np.asarray(clusters)
    if len(clusters) != len(consensus.together):
        raise ValueError(
            f"There are {len(clusters)} clusters for {len(consensus.together)} images."
        )
    order = consensus.order(clusters)
    order = order[clusters[order] >= 0]
    matrix, own = consensus.together[np.ix_(order, order)], clusters[order]
    present, sizes = np.unique(own, return_counts=True)
    if not len(present):
        raise ValueError("There are no clusters to draw.")
    fig, axes = new_figure(5.4, 4.7 + (0.4 if title else 0))
    ax = axes[0, 0]
    ax.set_facecolor(FAINT)  # seen where two were never drawn together
    drawn = ax.imshow(matrix, cmap="Blues", vmin=0, vmax=1, interpolation="nearest", aspect="equal")
    edges = np.cumsum(sizes)
    for edge in edges[:-1] - 0.5:
        ax.axhline(edge, color=PALETTE[0], linewidth=1.2)
        ax.axvline(edge, color=PALETTE[0], linewidth=1.2)
    middles = edges - sizes / 2 - 0.5
    names = [f"{c}" for c in present]
    ax.set_xticks(middles, names)
    ax.set_yticks(middles, names)
    ax.tick_params(length=0)
    ax.set(xlabel="cluster", ylabel="cluster")
    bar = fig.colorbar(drawn, ax=ax, fraction=0.05, pad=0.03, ticks=[0, 0.5, 1])
    bar.ax.set_yticklabels(["never", "half", "always"])
    bar.outline.set_visible(False)
    add_title(fig, title)
    held = consensus.held(clusters)
    parts = [
        f"cluster {c} ({count(int(n), 'image')})"
        + (f" {percent(float(np.nanmean(held[clusters == c])))}" if n > 1 else "")
        for c, n in zip(present.tolist(), sizes.tolist(), strict=True)
    ]
    fig.alt = (
        f"Square of {len(order)} by {len(order)} images, dark where two are often in one cluster, "
        f"over {consensus.n_resamples} subsamples. How often an image is with the others of its "
        f"cluster, on average: {'; '.join(parts)}. "
        f"{percent(consensus.undecided())} of all pairs are neither nearly always nor nearly never "
        "together."
    )
    return fig


@styled
def k_choice(scan, *, title: str = ""):
    """Draw what each number of clusters scores, by four criteria.

    Parameters
    ----------
    scan : octlessons.clustering.KChoice
    title : str
    """
    fig, axes = new_figure(FULL, 5.6 + (0.4 if title else 0), 2, 2)
    parts = [_criterion(ax, scan, name) for ax, name in zip(axes.flat, CRITERIA, strict=True)]
    for ax in axes[1]:
        ax.set_xlabel("number of clusters k")
    fig.get_layout_engine().set(h_pad=0.09, w_pad=0.07)
    add_title(fig, title)
    fig.alt = f"Four criteria for the number of clusters: {'; '.join(parts)}."
    if scan.not_found:
        fig.alt += f" Not found: {listing(scan.not_found)}."
    return fig


def _criterion(ax, scan: KChoice, name: str) -> str:
    """One criterion: its curve with a ring around what it chooses; returns this in words."""
    text = "inertia" if name == "elbow" else name
    ks, values, errors = scan._curve(name)
    if not len(ks):
        ax.text(0.5, 0.5, "not computed", ha="center", transform=ax.transAxes, color=MUTED)
        ax.set(xticks=[], yticks=[], title=text.capitalize())
        return f"{name} was not computed"
    chosen = scan.choices.get(name)
    if errors.any():
        low, high = values - errors, values + errors
        ax.fill_between(ks, low, high, color=PALETTE[1], alpha=0.25, linewidth=0)
    ax.plot(ks, values, color=PALETTE[1], marker="o", markersize=5)
    ring = ks == chosen
    ax.plot(ks[ring], values[ring], linestyle="", marker="o", markersize=13, color=PALETTE[0],
            markerfacecolor="none", markeredgewidth=2.4)  # fmt: skip
    choice = "none" if chosen is None else f"k = {chosen}"
    ax.set_title(f"{text.capitalize()}{'' if chosen is None else f': {choice}'}", fontsize=13)
    ax.set_xticks(ks if len(ks) <= 10 else ks[:: len(ks) // 8])
    ax.grid(True, axis="y")
    ax.margins(y=0.16)
    if np.abs(values).max() >= 10000:
        ax.yaxis.set_major_formatter(thousands)
    return (
        f"{name} chooses {choice} ({text} from {short(values[0])} to {short(values[-1])} over "
        f"k = {ks[0]} to {ks[-1]})"
    )


@styled
def contingency_heatmap(
    table,
    class_names: Sequence[str] | None = None,
    cluster_names: Sequence[str] | None = None,
    *,
    title: str = "",
):
    """Draw how many images of each class each cluster holds.

    Parameters
    ----------
    table : Agreement, or array_like of int, shape (clusters, classes)
        As `octlessons.evaluation.contingency` gives it. The shade is the share of the cluster; an
        `Agreement` also knows which cluster is matched with which class (framed).
    class_names, cluster_names : sequence of str, optional
    title : str
    """
    framed: list[tuple[int, int]] = []
    if hasattr(table, "matching"):
        class_names = table.class_names if class_names is None else class_names
        cluster_names = table.cluster_names if cluster_names is None else cluster_names
        rows_of = {name: r for r, name in enumerate(table.cluster_names)}
        columns_of = {name: c for c, name in enumerate(table.class_names)}
        framed = [(rows_of[str(row)], columns_of[name]) for row, name in table.matching.items()]
        table = table.table
    table = np.asarray(table)
    if table.ndim != 2 or 0 in table.shape:
        raise ValueError(f"A table has rows of clusters and columns; this one: {table.shape}.")
    rows, columns = table.shape
    classes = texts(range(columns) if class_names is None else class_names, columns, "classes")
    clusters = texts(range(rows) if cluster_names is None else cluster_names, rows, "clusters")
    fig, axes = new_figure(min(FULL, 2.2 + 1.25 * columns), 0.62 * rows + (1.3 if title else 0.9))
    share = table / np.maximum(table.sum(axis=1, keepdims=True), 1)
    cells = [[f"{n:,}" for n in row] for row in table]
    shaded_table(axes[0, 0], share, cells, clusters, classes, framed)
    axes[0, 0].set_ylabel("cluster")
    add_title(fig, title)
    parts = []
    for name, row in zip(clusters, table, strict=True):
        best = int(np.argmax(row))
        label = "noise" if name == "noise" else f"cluster {name}"
        parts.append(f"{label}: {row[best]:,} of {row.sum():,} are {classes[best]}")
    fig.alt = (
        f"Table of {count(rows, 'cluster')} by {count(columns, 'class')}, shaded by the share of "
        f"the cluster. The largest class of each: {'; '.join(parts)}."
    )
    return fig


@styled
def agreement_bars(agreements: Mapping[str, Any], measure: str = "accuracy", *, title: str = ""):
    """Draw how several clusterings agree with the labels, with intervals and chance.

    Parameters
    ----------
    agreements : mapping of str → octlessons.evaluation.Agreement
        By name, drawn from top to bottom.
    measure : {"accuracy", "ari", "ami"}
        Matched accuracy, or one of the indices that are 0 by chance.
    title : str
        The measure's name by default.
    """
    if measure not in MEASURES:
        raise ValueError(f"`measure` is one of {', '.join(MEASURES)}, not {measure!r}.")
    if not agreements:
        raise ValueError("There are no agreements to draw.")
    fig, axes = new_figure(FULL, 0.52 * len(agreements) + 1.75)
    ax = axes[0, 0]
    parts, ends = [], [0.0]
    for i, (name, result) in enumerate(agreements.items()):
        value, span = getattr(result, measure), getattr(result, f"{measure}_interval")
        chance = result.chance if measure == "accuracy" else getattr(result, f"{measure}_chance")
        width = max(chance.high - chance.low, 0.002)
        ax.barh(i, width, 0.72, chance.low, color=MUTED, alpha=0.3, linewidth=0)
        ends += [value, chance.low, chance.high]
        text = f"{name} {decimal(value)}"
        if span is not None:
            ax.plot([span.low, span.high], [i, i], color=PALETTE[1], linewidth=3,
                    solid_capstyle="round")  # fmt: skip
            ends += [span.low, span.high]
            text += f" ({decimal(span.low)} to {decimal(span.high)})"
        ax.plot(value, i, "o", markersize=10, color=PALETTE[0], markeredgecolor=PAPER)
        parts.append(f"{text}, chance {decimal(chance.low)} to {decimal(chance.high)}")
    ax.set_yticks(range(len(agreements)), [str(name) for name in agreements])
    ax.tick_params(axis="y", length=0)
    ax.set_ylim(len(agreements) - 0.4, -0.6)
    low, high = np.nanmin(ends), np.nanmax(ends)
    ax.set_xlim(min(low - 0.03, 0), min(1.03, high + 0.08 * max(high - low, 0.2)))
    if measure != "accuracy":
        ax.axvline(0, color=MUTED, linewidth=1.4)
    ax.grid(True, axis="x")
    ax.spines["left"].set_visible(False)
    ax.set_title(title or MEASURES[measure])
    _explain(fig, any(getattr(a, f"{measure}_interval") for a in agreements.values()))
    clusterings = count(len(agreements), "clustering")
    fig.alt = f"{MEASURES[measure]} of {clusterings}: {'; '.join(parts)}."
    return fig


def _explain(fig, with_intervals: bool) -> None:
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    handles: list = [Line2D([], [], marker="o", linestyle="", color=PALETTE[0], label="measured")]
    if with_intervals:
        handles.append(Line2D([], [], color=PALETTE[1], linewidth=3, label="95 % interval"))
    handles.append(Patch(facecolor=MUTED, alpha=0.3, label="by chance (95 %)"))
    add_legend(fig, handles)
