"""Figures of a representation: scree plot, and maps of the images."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from octlessons.figures.axes import add_legend, add_title, grid_of, new_figure, outlined, styled
from octlessons.figures.style import FULL, MUTED, PALETTE, PAPER, colour, marker
from octlessons.wording import count, listing, percent


@styled
def scree(
    ratios,
    lines: Sequence[float] = (0.90, 0.95, 0.99),
    *,
    n_features: int | None = None,
    title: str = "Variance held by the first components",
):
    """Draw the share of the variance that the first components hold together.

    Parameters
    ----------
    ratios : fitted PCA, or array_like of float
        ``explained_variance_ratio_``, largest first.
    lines : sequence of float
        Shares to mark. One that is not reached is drawn and said not to be reached.
    n_features : int, optional
        For the alt text; taken from a fitted PCA.
    title : str
    """
    from matplotlib.ticker import MaxNLocator

    if hasattr(ratios, "explained_variance_ratio_"):
        n_features = n_features or getattr(ratios, "n_features_in_", None)
        ratios = ratios.explained_variance_ratio_
    held = np.cumsum(np.asarray(ratios, float))
    if not len(held):
        raise ValueError("There are no components to draw.")
    numbers = np.arange(1, (span := len(held)) + 1)
    fig, axes = new_figure(FULL, 4.2)
    ax = axes[0, 0]
    ax.fill_between(numbers, held, color=PALETTE[1], alpha=0.15, linewidth=0)
    ax.plot(numbers, held, color=PALETTE[1])
    parts, reached = [], sum(held[-1] >= share - 1e-9 for share in lines)
    for share in lines:
        ax.axhline(share, color=MUTED, linewidth=1, linestyle=(0, (4, 3)), zorder=1)
        if held[-1] >= share - 1e-9:
            k = min(int(np.searchsorted(held, share - 1e-12)) + 1, len(held))
            _mark(ax, k, share, held, 0.03 + 0.1 * (reached - len(parts)))  # apart
            parts.append(f"{k:,} hold {percent(share)}")
        else:
            parts.append(f"{percent(share)} is not reached by these {span:,}")
    ax.set_xlim(0 if span > 1 else 0.5, span * 1.02 if span > 1 else 1.5)
    ax.set_ylim(0, 1.02)
    shares = [s for s in lines if s >= 0.9]
    ax.set_yticks([0, 0.25, 0.5, 0.75, *(shares[:1] if shares else [1])])
    ax.yaxis.set_major_formatter(lambda value, _: percent(value))
    ax.xaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
    ax.xaxis.set_major_locator(MaxNLocator(6, integer=True))
    ax.set(xlabel="number of components", title=title)
    fig.alt = (
        f"Curve of the variance{f' of {n_features:,} features' if n_features else ''} held by the "
        f"first components: the first alone holds "
        f"{percent(held[0])}; {listing(parts)}."
    )
    return fig


def _mark(ax, k: int, share: float, held: np.ndarray, below: float) -> None:
    """Where the first `k` components reach a share, named so far below the curve."""
    level = max(held[k - 1] - below, 0.04)
    ax.plot([k, k], [level, held[k - 1]], color=PALETTE[0], linewidth=1.2)
    ax.plot(k, held[k - 1], "o", color=PALETTE[0], markeredgecolor=PAPER, zorder=4)
    late = k > 0.62 * len(held)
    ax.annotate(
        f"{percent(share)}: {count(k, 'component')}",
        (k, level),
        xytext=(-5 if late else 5, 0),
        textcoords="offset points",
        va="center",
        ha="right" if late else "left",
        fontsize=12,
        zorder=5,
        bbox={"facecolor": PAPER, "edgecolor": "none", "pad": 1.5, "alpha": 0.9},
    )


@styled
def embedding_map(
    points,
    labels=None,
    class_names=(),
    *,
    thumbnails=None,
    n_thumbnails: int = 24,
    axis_names: tuple[str, str] = ("", ""),
    title: str = "",
    random_state: int = 0,
):
    """Draw images as points of a plane, with colour and marker by class or cluster.

    Parameters
    ----------
    points : array_like of float, shape (n, 2)
        Such as two principal components, or t-SNE.
    labels : array_like of int, shape (n,), optional
        Class or cluster; −1 is noise.
    class_names : sequence of str, optional
        Names of labels 0, 1, …; "cluster 0" and so on by default.
    thumbnails : ImageSet or sequence of 2-D arrays, optional
        The images themselves; some are drawn at their points.
    n_thumbnails : int
        How many at most; they are chosen to lie apart.
    axis_names : (str, str)
    title : str
    random_state : int
        Of the order in which points are drawn.
    """
    points, labels = _checked_map(points, labels)
    n = len(points)
    names = _kinds(labels, class_names)
    fig, axes = new_figure(FULL, 5.2)
    ax = axes[0, 0]
    _draw_points(ax, points, labels, float(np.clip(9000 / n, 9, 60)), random_state)
    if thumbnails is not None:
        ax.margins(0.1)
        _draw_thumbnails(ax, points, labels, thumbnails, n_thumbnails)
    else:
        ax.margins(0.05)
    ax.set(xlabel=axis_names[0], ylabel=axis_names[1], xticks=[], yticks=[])
    ax.set_title(title)
    if len(names) > 1:
        _add_kinds(fig, names)
    fig.alt = f"Map of {count(n, 'image')} in the plane"
    if len(names) > 1:
        fig.alt += f" ({_counted(labels, names)})"
        same, chance = _same_neighbour(points, labels)
        fig.alt += (
            f". The nearest other point is of the same kind for {percent(same)} of them; with "
            f"kinds at random it would be {percent(chance)}"
        )
    fig.alt += "."
    return fig


@styled
def embedding_maps(
    maps: Mapping[str, np.ndarray],
    labels=None,
    class_names=(),
    *,
    columns: int = 2,
    title: str = "",
    random_state: int = 0,
):
    """Draw several maps of the same images side by side, to see what stays and what changes.

    Parameters
    ----------
    maps : mapping of str → array_like of float, shape (n, 2)
        By name, such as t-SNE with other perplexities.
    labels : array_like of int, shape (n,), optional
        Class or cluster; −1 is noise.
    class_names : sequence of str, optional
        As for `embedding_map`.
    columns : int
    title : str
        Of the whole figure.
    random_state : int
        Of the order in which points are drawn.
    """
    rows, columns = grid_of(len(maps), columns, "maps")
    checked = {str(name): _checked_map(points, labels) for name, points in maps.items()}
    sizes = {len(points) for points, _ in checked.values()}
    if len(sizes) > 1:
        raise ValueError(f"The maps show different numbers of images: {sorted(sizes)}.")
    n, labels = sizes.pop(), next(iter(checked.values()))[1]
    names = _kinds(labels, class_names)
    height = rows * (FULL / columns + 0.15) + (0.4 if title else 0) + 0.35
    fig, axes = new_figure(FULL, height, rows, columns)
    for ax in axes.flat[len(maps) :]:
        ax.set_axis_off()
    for ax, (name, (points, _)) in zip(axes.flat, checked.items(), strict=False):
        size = float(np.clip(9000 / n, 9, 60)) / columns
        _draw_points(ax, points, labels, size, random_state)
        ax.margins(0.05)
        ax.set_title(name, fontsize=12, fontweight="normal", pad=5)
        outlined(ax)
    add_title(fig, title)
    fig.alt = f"{count(len(maps), 'map')} of the same {count(n, 'image')} in the plane"
    if len(names) > 1:
        _add_kinds(fig, names)
        near = {name: _same_neighbour(points, labels) for name, (points, _) in checked.items()}
        parts = [f"{name} {percent(same)}" for name, (same, _) in near.items()]
        fig.alt += (
            f" ({_counted(labels, names)}). The nearest other point is of the same kind for: "
            f"{'; '.join(parts)}; with kinds at random it would be "
            f"{percent(next(iter(near.values()))[1])}."
        )
    else:
        fig.alt += f": {'; '.join(checked)}."
    return fig


def _checked_map(points, labels) -> tuple[np.ndarray, np.ndarray]:
    points = np.asarray(points, float)
    if points.ndim != 2 or points.shape[1] != 2:
        raise ValueError(f"A map has points of shape (n, 2); these have {points.shape}.")
    n = len(points)
    if not n:
        raise ValueError("There are no points to draw.")
    labels = np.zeros(n, int) if labels is None else np.asarray(labels)
    if labels.dtype.kind not in "iub":
        raise ValueError(f"Labels are whole numbers, −1 for noise; these are {labels.dtype}.")
    labels = labels.astype(int)
    if len(labels) != n:
        raise ValueError(f"There are {n} points but {len(labels)} labels; give one for each.")
    return points, labels


def _kinds(labels: np.ndarray, class_names) -> dict[int, str]:
    """Name of each label that occurs."""
    names = [] if class_names is None else [str(name) for name in class_names]
    return {
        c: "noise" if c < 0 else (names[c] if c < len(names) else f"cluster {c}")
        for c in np.unique(labels).tolist()
    }


def _counted(labels: np.ndarray, names: Mapping[int, str]) -> str:
    return ", ".join(f"{np.sum(labels == c):,} {name}" for c, name in names.items())


def _add_kinds(fig, names: Mapping[int, str]) -> None:
    from matplotlib.lines import Line2D

    add_legend(
        fig,
        [
            Line2D([], [], linestyle="", marker=marker(c), color=colour(c), label=name)
            for c, name in names.items()
        ],
    )


def _draw_points(ax, points: np.ndarray, labels: np.ndarray, size: float, random_state) -> None:
    n, present = len(points), np.unique(labels)
    order = np.random.default_rng(random_state).permutation(n)  # so that no class covers another
    for part in np.array_split(order, min(n, 24)):
        for c in present:
            here = part[labels[part] == c]
            ax.scatter(
                *points[here].T,
                s=size * (0.5 if c < 0 else 1),
                color=colour(c),
                marker=marker(c),
                edgecolor=PAPER,
                linewidth=0.5,
                alpha=0.9,
            )


def _draw_thumbnails(ax, points, labels, images, n: int, zoom: float = 0.55) -> None:
    from matplotlib.offsetbox import AnnotationBbox, OffsetImage

    from octlessons.images.imageset import resize_image

    scale = np.ptp(points, axis=0) * (0.15, 0.23)  # about the size of a thumbnail
    placed = points / np.where(scale > 0, scale, 1)
    chosen = [int(np.argmin(np.linalg.norm(placed - placed.mean(axis=0), axis=1)))]
    apart = np.full(len(points), np.inf)
    while len(chosen) < min(n, len(points)):  # farthest point first
        apart = np.minimum(apart, np.abs(placed - placed[chosen[-1]]).max(axis=1))
        if apart.max() < 1:
            break
        chosen.append(int(np.argmax(apart)))
    for i in chosen:
        small = resize_image(np.asarray(images[i]), (84, 84))
        picture = OffsetImage(small, zoom=zoom, cmap="gray", clim=(0, 255))
        frame = {"edgecolor": colour(int(labels[i])), "linewidth": 2.5, "boxstyle": "square,pad=0"}
        ax.add_artist(AnnotationBbox(picture, points[i], pad=0, bboxprops=frame))


def _same_neighbour(points: np.ndarray, labels: np.ndarray) -> tuple[float, float]:
    from sklearn.neighbors import NearestNeighbors

    near = NearestNeighbors(n_neighbors=2).fit(points).kneighbors(points)[1]
    own = np.arange(len(points))
    other = np.where(near[:, 0] == own, near[:, 1], near[:, 0])
    counts = np.unique(labels, return_counts=True)[1]
    chance = np.sum(counts * (counts - 1)) / max(len(labels) * (len(labels) - 1), 1)
    return float(np.mean(labels == labels[other])), float(chance)
