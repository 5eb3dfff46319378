"""Figures of classifiers: which class is taken for which, and how sure to be of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from octlessons.figures.axes import add_legend, add_title, new_figure, shaded_table, styled, texts
from octlessons.figures.style import FULL, MUTED, PAPER, colour, marker
from octlessons.wording import count, listing, percent


@styled
def confusion_figure(matrix, class_names: Sequence[str] | None = None, *, title: str = ""):
    """Draw a confusion matrix: images of each true class (row), by the class they were called.

    Parameters
    ----------
    matrix : octlessons.evaluation.ClassificationReport, or array_like of shape (k, k)
        Each cell shows the number of images and its share of the row; the shade is that share.
        Cells of right answers are framed.
    class_names : sequence of str, optional
        Those of the report by default.
    title : str
    """
    if hasattr(matrix, "matrix"):
        class_names = matrix.class_names if class_names is None else class_names
        matrix = matrix.matrix
    matrix = np.asarray(matrix, float)
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1] or not len(matrix):
        raise ValueError(f"A confusion matrix is square; this one has shape {matrix.shape}.")
    k = len(matrix)
    names = texts(range(k) if class_names is None else class_names, k, "classes")
    support = matrix.sum(axis=1)
    shares = matrix / np.where(support > 0, support, 1)[:, None]
    fig, axes = new_figure(min(FULL, 2.6 + 1.15 * k), 0.74 * k + (1.5 if title else 1.1))
    cells = [
        [f"{n:,.0f}\n{percent(share if of else np.nan)}" for n, share in zip(*row, strict=True)]
        for row, of in zip(zip(matrix, shares, strict=True), support, strict=True)
    ]
    rows = [f"{name}\n{n:,.0f}" for name, n in zip(names, support, strict=True)]
    shaded_table(axes[0, 0], shares, cells, rows, names, [(i, i) for i in range(k)])
    axes[0, 0].set(ylabel="true class", xlabel="called")
    add_title(fig, title)
    parts = []
    for row in np.flatnonzero(support):
        text = f"of {support[row]:,.0f} {names[row]}, {percent(shares[row, row])} are called so"
        wrong = np.where(np.arange(k) == row, -1, matrix[row])
        if wrong.max() > 0:
            worst = int(wrong.argmax())
            text += f" and {percent(shares[row, worst])} {names[worst]}"
        parts.append(text)
    fig.alt = f"Confusion matrix of {count(k, 'class')}: {'; '.join(parts) or 'no images'}."
    return fig


@styled
def calibration_figure(calibrations, *, title: str = ""):
    """Draw how often a classifier is right against how sure it is.

    Parameters
    ----------
    calibrations : octlessons.evaluation.Calibration, or mapping of str → Calibration
        One classifier, or several by name. A mark for each bin with images; its area counts them.
        On the dotted line a classifier is as often right as it says.
    title : str
    """
    from matplotlib.lines import Line2D

    several = isinstance(calibrations, Mapping)
    named = dict(calibrations) if several else {"": calibrations}
    if not named:
        raise ValueError("There is no calibration to draw.")
    fig, axes = new_figure(5.4, 5.0 + (0.3 if title else 0) + (0.4 if several else 0))
    ax = axes[0, 0]
    ax.plot([0, 1], [0, 1], color=MUTED, linestyle=":", linewidth=1.8)
    most = max(found.counts.max() for found in named.values())
    parts = []
    for i, (name, found) in enumerate(named.items()):
        filled = found.counts > 0
        x, y = found.confidence[filled], found.accuracy[filled]
        size = 24 + 260 * found.counts[filled] / most
        ax.plot(x, y, color=colour(i), linewidth=1.4)
        ax.scatter(x, y, s=size, color=colour(i), marker=marker(i), edgecolor=PAPER, linewidth=1,
                   zorder=3)  # fmt: skip
        parts.append(_calibration_in_words(str(name), found))
    lowest = min(found.confidence[found.counts > 0].min() for found in named.values())
    ax.set(
        xlim=(max(0, np.floor(10 * lowest) / 10 - 0.05), 1.04),
        ylim=(-0.04, 1.04),
        xlabel="how sure (mean confidence of the bin)",
        ylabel="how often right",
    )
    ax.grid(True)
    if several:
        marks = ((marker(i), colour(i), name) for i, name in enumerate(named))
        add_legend(fig, [Line2D([], [], marker=m, color=c, label=name) for m, c, name in marks])
    add_title(fig, title)
    n = listing(list(dict.fromkeys(count(found.n, "image") for found in named.values())))
    fig.alt = (
        f"Share of right answers against confidence, in bins, for {n}; a dotted diagonal where "
        f"both are the same. {'; '.join(parts)}."
    )
    return fig


def _calibration_in_words(name: str, found) -> str:
    filled = found.counts > 0
    share = found.counts[filled] / found.n
    over = float(found.overconfidence)
    how = "surer than" if over > 0 else "less sure than"
    return (
        (f"{name}: " if name else "")
        + f"mean confidence {percent(float(share @ found.confidence[filled]))}, "
        f"right {percent(float(share @ found.accuracy[filled]))}, "
        f"{'about as sure as' if abs(over) < 0.02 else how} right, "
        f"calibration error {float(found.ece):.2f}"
    )
