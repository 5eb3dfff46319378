"""Figures of clusters and their judgement."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from octlessons.figures.axes import add_legend, add_title, new_figure, short, styled, thousands
from octlessons.figures.style import FAINT, FULL, INK, MUTED, PALETTE, PAPER, colour, marker
from octlessons.wording import count, decimal, percent


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

    Returns
    -------
    Figure
    """
    points = np.asarray(points, float)
    columns = min(columns, len(steps))
    rows = -(-len(steps) // columns)
    fig, axes = new_figure(
        FULL,
        rows * (FULL / columns + 0.25) + (0.4 if title else 0),
        rows,
        columns,
        sharex=True,
        sharey=True,
    )
    inertias = []
    for i, ax in enumerate(axes.flat):
        if i >= len(steps):
            ax.set_axis_off()
            continue
        centres, clusters = steps[i]
        centres = np.asarray(centres, float)
        if clusters is None:
            ax.scatter(*points.T, s=22, color=MUTED, marker=".")
            inertias.append(None)
            text = f"step {i}"
        else:
            clusters = np.asarray(clusters)
            inertias.append(float(np.sum((points - centres[clusters]) ** 2)))
            for c in range(len(centres)):
                ax.scatter(
                    *points[clusters == c].T,
                    s=22,
                    color=colour(c),
                    marker=marker(c),
                    edgecolor=PAPER,
                    linewidth=0.4,
                )
            text = f"step {i}: {short(inertias[-1])}"
        for c, centre in enumerate(centres):
            ax.scatter(*centre, s=190, marker="X", color=INK, edgecolor=PAPER, linewidth=1.5)
            ax.scatter(*centre, s=26, marker=marker(c), color=colour(c), zorder=5)
        ax.set(xticks=[], yticks=[])
        ax.set_title(text, fontsize=12, fontweight="normal", pad=5)
        for spine in ax.spines.values():
            spine.set(visible=True, edgecolor=FAINT)
    add_title(fig, title)
    known = [value for value in inertias if value is not None]
    moved = [
        float(np.max(np.linalg.norm(np.subtract(b[0], a[0]), axis=1)))
        for a, b in itertools.pairwise(steps)
    ]
    fig.alt = (
        f"{count(len(steps), 'step')} of K-means with {len(steps[0][0])} centres on "
        f"{count(len(points), 'point')}"
    )
    if known:
        fig.alt += f": the inertia goes {', '.join(short(v) for v in known)}"
    if moved:
        still = "no longer move" if moved[-1] < 1e-9 else f"still move by up to {moved[-1]:.2g}"
        fig.alt += f"; in the last step the centres {still}"
    fig.alt += "."
    return fig


@styled
def silhouette_plot(features, clusters, *, max_images: int = 2000, seed: int = 0, title: str = ""):
    """Draw the silhouette of every image, sorted within its cluster.

    Parameters
    ----------
    features : array_like of float, shape (n, d)
    clusters : array_like of int, shape (n,)
        At least two clusters. Noise (−1) is left out.
    max_images : int
        With more, a random sample of this many is drawn.
    seed : int
    title : str
        "Silhouette, mean …" by default.

    Returns
    -------
    Figure
    """
    from sklearn.metrics import silhouette_samples

    features, clusters = np.asarray(features), np.asarray(clusters)
    kept = np.flatnonzero(clusters >= 0)
    if len(kept) > max_images:
        kept = np.sort(np.random.default_rng(seed).choice(kept, max_images, replace=False))
    features, clusters = features[kept], clusters[kept]
    present = np.unique(clusters)
    if not 2 <= len(present) < len(clusters):
        raise ValueError(
            f"Silhouettes compare at least two clusters, some with several images; there are "
            f"{len(present)} clusters of {len(clusters)} images."
        )
    widths = silhouette_samples(features, clusters)
    fig, axes = new_figure(FULL, min(2.2 + 0.75 * len(present), 8.5))
    ax = axes[0, 0]
    top, space = 0, 0.03 * len(clusters)
    parts, middles = [], []
    for c in present.tolist():
        own = np.sort(widths[clusters == c])[::-1]
        rows = np.arange(top, top + len(own))
        ax.fill_betweenx(
            np.append(rows, rows[-1] + 1),
            0,
            np.append(own, own[-1]),
            color=colour(c),
            step="post",
            linewidth=0,
        )
        middles.append(top + len(own) / 2)
        top += len(own) + space
        parts.append(
            f"cluster {c} ({len(own):,}) {decimal(own.mean())}, {percent(np.mean(own < 0))} below 0"
        )
    mean = float(widths.mean())
    ax.axvline(mean, color=INK, linewidth=1.4, linestyle=(0, (4, 3)))
    ax.axvline(0, color=MUTED, linewidth=1)
    ax.set_yticks(middles, [f"{c}" for c in present.tolist()])
    ax.tick_params(axis="y", length=0)
    ax.set(xlabel="silhouette", ylabel="cluster")
    ax.set_ylim(top - space, 0)
    ax.set_xlim(min(-0.1, widths.min() * 1.05), max(0.5, widths.max() * 1.05))
    ax.set_title(title or f"Silhouettes, mean {decimal(mean)}")
    fig.alt = (
        f"Silhouettes of {count(len(clusters), 'image')} in {count(len(present), 'cluster')}, mean "
        f"{decimal(mean)} (dashed line): {'; '.join(parts)}."
    )
    return fig


@styled
def k_choice(scan, *, title: str = ""):
    """Draw what each number of clusters scores, by four criteria.

    Parameters
    ----------
    scan : octlessons.clustering.KChoice
    title : str

    Returns
    -------
    Figure
    """
    panels = [
        ("inertia", "elbow", "Inertia"),
        ("silhouette", "silhouette", "Silhouette"),
        ("gap", "gap", "Gap"),
        ("stability", "stability", "Stability"),
    ]
    fig, axes = new_figure(FULL, 5.6 + (0.4 if title else 0), 2, 2)
    parts = []
    for ax, (name, criterion, text) in zip(axes.flat, panels, strict=True):
        ks, values = scan.ks, getattr(scan, name)
        if not np.isfinite(values).any():
            ax.text(0.5, 0.5, "not computed", ha="center", transform=ax.transAxes, color=MUTED)
            ax.set(xticks=[], yticks=[], title=text)
            continue
        error = None
        if name == "gap":
            error = scan.gap_error
            if ks[0] != 1 and np.isfinite(scan.gap_one[0]):
                ks = np.append(1, ks)
                values, error = (
                    np.append(scan.gap_one[0], values),
                    np.append(scan.gap_one[1], error),
                )
        if error is not None:
            ax.fill_between(
                ks, values - error, values + error, color=PALETTE[1], alpha=0.25, linewidth=0
            )
        ax.plot(ks, values, color=PALETTE[1], marker="o", markersize=5)
        chosen = scan.choices.get(criterion)
        choice = "none" if chosen is None else f"k = {chosen}"
        if chosen in ks:
            ax.plot(
                chosen,
                values[list(ks).index(chosen)],
                marker="o",
                markersize=13,
                color=PALETTE[0],
                markerfacecolor="none",
                markeredgewidth=2.4,
            )
        ax.set_title(text if chosen is None else f"{text}: {choice}", fontsize=13)
        ax.set_xticks(ks if len(ks) <= 10 else ks[:: len(ks) // 8])
        ax.grid(True, axis="y")
        ax.margins(y=0.16)
        if np.nanmax(np.abs(values)) >= 10000:
            ax.yaxis.set_major_formatter(thousands)
        finite = values[np.isfinite(values)]
        parts.append(
            f"{criterion} chooses {choice} ({name} from {short(finite[0])} to "
            f"{short(finite[-1])} over k = {ks[0]} to {ks[-1]})"
        )
    for ax in axes[1]:
        ax.set_xlabel("number of clusters k")
    fig.get_layout_engine().set(h_pad=0.09, w_pad=0.07)
    add_title(fig, title)
    fig.alt = f"Four criteria for the number of clusters: {'; '.join(parts)}."
    return fig


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

    Returns
    -------
    Figure
    """
    from matplotlib.patches import Rectangle

    matching = {}
    if hasattr(table, "matching"):
        class_names = class_names or table.class_names
        cluster_names = cluster_names or table.cluster_names
        matching = {str(cluster): name for cluster, name in table.matching.items()}
        named = list(table.class_names)
        matching = {row: named.index(name) for row, name in matching.items()}
        table = table.table
    table = np.asarray(table)
    rows, columns = table.shape
    class_names = list(class_names or [str(i) for i in range(columns)])
    cluster_names = list(cluster_names or [str(i) for i in range(rows)])
    if len(class_names) != columns or len(cluster_names) != rows:
        raise ValueError(
            f"The table has {rows} clusters and {columns} classes, but there are "
            f"{len(cluster_names)} and {len(class_names)} names."
        )
    fig, axes = new_figure(min(FULL, 2.2 + 1.25 * columns), 0.62 * rows + (1.3 if title else 0.9))
    ax = axes[0, 0]
    share = table / np.maximum(table.sum(axis=1, keepdims=True), 1)
    for r in range(rows):
        for c in range(columns):
            ax.add_patch(
                Rectangle(
                    (c - 0.5, r - 0.5),
                    1,
                    1,
                    facecolor=PALETTE[1],
                    alpha=0.6 * share[r, c],
                    linewidth=0,
                )
            )
            ax.text(c, r, f"{table[r, c]:,}", ha="center", va="center", fontsize=13)
    for edge in np.arange(-0.5, columns + 0.5):
        ax.axvline(edge, color=PAPER, linewidth=2)
    for edge in np.arange(-0.5, rows + 0.5):
        ax.axhline(edge, color=PAPER, linewidth=2)
    for r in range(rows):
        if cluster_names[r] in matching:
            ax.add_patch(
                Rectangle(
                    (matching[cluster_names[r]] - 0.46, r - 0.44),
                    0.92,
                    0.88,
                    fill=False,
                    edgecolor=INK,
                    linewidth=2,
                )
            )
    ax.set(xlim=(-0.5, columns - 0.5), ylim=(rows - 0.5, -0.5), ylabel="cluster")
    ax.set_xticks(range(columns), class_names)
    ax.set_yticks(range(rows), cluster_names)
    ax.xaxis.tick_top()
    ax.tick_params(length=0, pad=6)
    for spine in ax.spines.values():
        spine.set_visible(False)
    add_title(fig, title)
    parts = []
    for r in range(rows):
        best = int(np.argmax(table[r]))
        label = "noise" if cluster_names[r] == "noise" else f"cluster {cluster_names[r]}"
        parts.append(f"{label}: {table[r, best]:,} of {table[r].sum():,} are {class_names[best]}")
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

    Returns
    -------
    Figure
    """
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch, Rectangle

    full = {
        "accuracy": "Matched accuracy",
        "ari": "Adjusted Rand index (ARI)",
        "ami": "Adjusted mutual information (AMI)",
    }
    if measure not in full:
        raise ValueError(f"`measure` is one of {', '.join(full)}, not {measure!r}.")
    if not agreements:
        raise ValueError("There are no agreements to draw.")
    fig, axes = new_figure(FULL, 0.52 * len(agreements) + 1.75)
    ax = axes[0, 0]
    parts, ends = [], [0.0]
    for i, (name, result) in enumerate(agreements.items()):
        value = getattr(result, measure)
        text = f"{name} {decimal(value)}"
        span = getattr(result, f"{measure}_interval")
        chance = result.chance if measure == "accuracy" else getattr(result, f"{measure}_chance")
        low, high = chance.low, chance.high
        ax.add_patch(
            Rectangle(
                (low, i - 0.36),
                max(high - low, 0.002),
                0.72,
                facecolor=MUTED,
                alpha=0.3,
                linewidth=0,
            )
        )
        ends += [low, high]
        text += f", chance {decimal(low)} to {decimal(high)}"
        if span is not None:
            ax.plot(
                [span.low, span.high],
                [i, i],
                color=PALETTE[1],
                linewidth=3,
                solid_capstyle="round",
            )
            ends += [span.low, span.high]
            text = text.replace(
                decimal(value), f"{decimal(value)} ({decimal(span.low)} to {decimal(span.high)})", 1
            )
        ax.plot(value, i, "o", markersize=10, color=PALETTE[0], markeredgecolor=PAPER)
        ends.append(value)
        parts.append(text)
    ax.set_yticks(range(len(agreements)), list(agreements))
    ax.tick_params(axis="y", length=0)
    ax.set_ylim(len(agreements) - 0.4, -0.6)
    low, high = min(ends), max(ends)
    ax.set_xlim(min(low - 0.03, 0), min(1.03, high + 0.08 * max(high - low, 0.2)))
    if measure != "accuracy":
        ax.axvline(0, color=MUTED, linewidth=1.4)
    ax.grid(True, axis="x")
    ax.spines["left"].set_visible(False)
    ax.set_title(title or full[measure])
    handles = [Line2D([], [], marker="o", linestyle="", color=PALETTE[0], label="measured")]
    if any(getattr(a, f"{measure}_interval") for a in agreements.values()):
        handles.append(Line2D([], [], color=PALETTE[1], linewidth=3, label="95 % interval"))
    handles.append(Patch(facecolor=MUTED, alpha=0.3, label="by chance (95 %)"))
    add_legend(fig, handles)
    fig.alt = f"{full[measure]} of {count(len(agreements), 'clustering')}: {'; '.join(parts)}."
    return fig
