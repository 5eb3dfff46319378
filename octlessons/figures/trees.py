"""A tree of merges with the scans beneath its leaves."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from octlessons.figures.axes import draw_scan, new_figure, styled
from octlessons.figures.style import FULL, INK, MUTED
from octlessons.wording import count, decimal

#: With more leaves the scans beneath them are too small to be seen.
MOST_LEAVES = 24


@styled
def dendrogram(tree, images=None, names: Sequence[str] | None = None, *, title: str = ""):
    """Draw a hierarchical clustering, with a small scan beneath each leaf.

    Parameters
    ----------
    tree : array_like of float, shape (n - 1, 4)
        As ``scipy.cluster.hierarchy.linkage`` gives it, for at most `MOST_LEAVES` leaves.
    images : ImageSet, ndarray of shape (n, h, w), or list of 2-D arrays, optional
        One for each leaf.
    names : sequence of str, length n, optional
        Written beneath each, upright.
    title : str

    Raises
    ------
    ValueError
        If this is no tree of 2 to `MOST_LEAVES` leaves, or images or names do not fit it.
    """
    from scipy.cluster import hierarchy

    tree = np.asarray(tree, float)
    n = len(tree) + 1
    if tree.ndim != 2 or tree.shape[1] != 4 or not 2 <= n <= MOST_LEAVES:
        raise ValueError(
            f"A dendrogram takes a linkage, shape (n - 1, 4), of 2 to {MOST_LEAVES} leaves; this "
            f"has shape {tree.shape}. Draw fewer images, or cut the tree first."
        )
    for what, given in (("images", images), ("names", names)):
        if given is not None and len(given) != n:
            raise ValueError(f"The tree has {n} leaves but there are {len(given)} {what}.")
    drawn = hierarchy.dendrogram(tree, no_plot=True)
    order = drawn["leaves"]
    fig, axes = new_figure(
        FULL, 3.6 + (0.9 if names is not None else 0), 1 if images is None else 2, 1,
        gridspec_kw=None if images is None else {"height_ratios": [6, 1]},
    )  # fmt: skip
    ax = axes[0, 0]
    for x, y in zip(drawn["icoord"], drawn["dcoord"], strict=True):
        ax.plot(x, y, color=INK, linewidth=1.4)
    ax.set(xlim=(0, 10 * n), ylim=(0, 1.04 * tree[-1, 2]), ylabel="distance at the merge")
    ax.set(xticks=[], title=title)
    ax.spines["bottom"].set_visible(False)
    below = axes[-1, 0]
    if images is not None:
        _draw_row(below, [np.asarray(images[i]) for i in order])
    if names is not None:
        below.set_xticks(10 * np.arange(n) + 5, [str(names[i]) for i in order], rotation=90)
        below.tick_params(axis="x", length=0, labelsize=11)
    first, last = tree[0, 2], tree[-1, 2]
    fig.alt = (
        f"Dendrogram of {count(n, 'scan')}: the first two merge at distance {decimal(first, 1)}, "
        f"the last two groups, of {_last_two(tree, n)}, at {decimal(last, 1)}."
    )
    return fig


def _draw_row(ax, pictures) -> None:
    """Scans side by side, each ten wide, on one pair of axes."""
    for i, picture in enumerate(pictures):
        box = ax.inset_axes([10 * i + 0.4, 0, 9.2, 10], transform=ax.transData)
        draw_scan(box, picture, frame=MUTED)
        for spine in box.spines.values():
            spine.set_linewidth(0.8)
    ax.set(xlim=(0, 10 * len(pictures)), ylim=(0, 10), xticks=[], yticks=[], aspect="equal")
    for spine in ax.spines.values():
        spine.set_visible(False)


def _last_two(tree: np.ndarray, n: int) -> str:
    sizes = [1 if i < n else int(tree[int(i) - n, 3]) for i in tree[-1, :2]]
    return f"{sizes[0]} and {sizes[1]}"
