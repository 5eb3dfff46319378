"""Figures of a data set: images of each class."""

from __future__ import annotations

import numpy as np

from octlessons.figures.axes import new_figure, styled
from octlessons.figures.style import FULL, colour
from octlessons.wording import count, listing


@styled
def class_counts(images, *, title: str = "Images of each class"):
    """Draw how many images, and patients where known, each class has.

    Parameters
    ----------
    images : ImageSet
        With labels.
    title : str

    Raises
    ------
    ValueError
        If there are no labels.
    """
    if images.labels is None:
        raise ValueError("These images have no labels, so there are no classes to count.")
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
    ax.set_xlim(0, max(1, *numbers) * (1.42 if patients is not None else 1.18))
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
