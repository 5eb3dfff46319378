"""Figures of a data set: images of each class, sizes as acquired."""

from __future__ import annotations

import numpy as np

from octlessons.figures.axes import add_legend, new_figure, styled
from octlessons.figures.style import FULL, PAPER, colour, marker
from octlessons.wording import count, listing


@styled
def class_counts(images, *, title: str = "Images of each class"):
    """Draw how many images, and patients where known, each class has.

    Parameters
    ----------
    images : ImageSet
        With labels.
    title : str

    Returns
    -------
    Figure
    """
    counts = images.counts()
    names, numbers = list(counts), list(counts.values())
    patients = None
    if images.patients is not None:
        patients = [len(np.unique(images.patients[images.labels == c])) for c in range(len(names))]
    fig, axes = new_figure(FULL, 0.62 * len(names) + 0.7)
    ax = axes[0, 0]
    for i, number in enumerate(numbers):
        ax.barh(i, number, height=0.62, color=colour(i))
        text = f" {number:,}"
        if patients is not None:
            text += f"  ({count(patients[i], 'patient')})"
        ax.text(number, i, text, va="center", fontsize=12)
    ax.set(yticks=range(len(names)), yticklabels=names, xticks=[])
    ax.set_xlim(0, max(numbers) * (1.42 if patients is not None else 1.18))
    ax.invert_yaxis()
    ax.spines["bottom"].set_visible(False)
    ax.tick_params(axis="y", length=0)
    ax.set_title(title)
    parts = [
        f"{name} {number:,}"
        + ("" if patients is None else f" from {count(patients[i], 'patient')}")
        for i, (name, number) in enumerate(counts.items())
    ]
    fig.alt = f"Bars of the number of images in each class: {listing(parts)}."
    return fig


@styled
def size_scatter(images, *, title: str = "Image sizes as acquired"):
    """Draw which image sizes each class has; the area of a mark counts images.

    Parameters
    ----------
    images : ImageSet
        With sizes; labels where known.
    title : str

    Returns
    -------
    Figure
    """
    from matplotlib.lines import Line2D
    from matplotlib.transforms import ScaledTranslation

    if images.sizes is None:
        raise ValueError("The sizes of these images as acquired are not known.")
    labels = np.zeros(len(images), int) if images.labels is None else images.labels
    names = images.class_names if images.labels is not None else ("images",)
    kinds, kind = np.unique(images.sizes, axis=0, return_inverse=True)
    kind = kind.ravel()
    fig, axes = new_figure(FULL, min(2.1 + 0.6 * len(np.unique(kinds[:, 0])), 4.5))
    ax = axes[0, 0]
    present = np.unique(labels)
    most = max(np.sum((kind == s) & (labels == c)) for s in range(len(kinds)) for c in present)
    parts = []
    for s, (h, w) in enumerate(kinds):
        here = {c: int(np.sum((kind == s) & (labels == c))) for c in present}
        parts.append(f"{h} × {w}: " + ", ".join(f"{n} {names[c]}" for c, n in here.items() if n))
    for place, c in enumerate(present):
        offset = ScaledTranslation((place - (len(present) - 1) / 2) * 0.2, 0, fig.dpi_scale_trans)
        for s, (h, w) in enumerate(kinds):
            n = int(np.sum((kind == s) & (labels == c)))
            if n:
                ax.scatter(
                    w,
                    h,
                    s=30 + 220 * n / most,
                    color=colour(c),
                    marker=marker(c),
                    edgecolor=PAPER,
                    linewidth=1,
                    transform=ax.transData + offset,
                    zorder=3,
                )
    for axis, values in (("x", kinds[:, 1]), ("y", kinds[:, 0])):
        low, high = values.min(), values.max()
        margin = max((0.16 if axis == "x" else 0.5) * (high - low), 0.03 * high)
        getattr(ax, f"set_{axis}lim")(low - margin, high + margin)
        ticks = np.unique(values)
        if len(ticks) <= 6 and (
            len(ticks) < 2 or np.diff(ticks).min() > 0.09 * (high - low + 2 * margin)
        ):
            getattr(ax, f"set_{axis}ticks")(ticks)
    ax.set(xlabel="width, px", ylabel="height, px")
    ax.grid(True)
    if images.labels is not None:
        add_legend(
            fig,
            [
                Line2D([], [], linestyle="", marker=marker(c), color=colour(c), label=names[c])
                for c in present
            ],
        )
    ax.set_title(title)
    shown = parts if len(parts) <= 8 else [*parts[:8], f"and {len(parts) - 8} more sizes"]
    fig.alt = f"{count(len(kinds), 'image size')} (height × width): {'; '.join(shown)}."
    return fig
