"""Figures of classifiers: which class is taken for which, and how sure to be of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from octlessons.figures.axes import add_legend, add_title, new_figure, styled
from octlessons.figures.style import FULL, INK, MUTED, PALETTE, PAPER, colour, marker
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

    Returns
    -------
    Figure
    """
    from matplotlib.patches import Rectangle

    if hasattr(matrix, "matrix"):
        class_names = class_names or matrix.class_names
        matrix = matrix.matrix
    matrix = np.asarray(matrix, float)
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1]:
        raise ValueError(f"A confusion matrix is square; this one has shape {matrix.shape}.")
    k = len(matrix)
    names = [str(name) for name in (class_names or range(k))]
    if len(names) != k:
        raise ValueError(f"There are {len(names)} class names for {k} classes.")
    support = matrix.sum(axis=1)
    shares = matrix / np.where(support > 0, support, 1)[:, None]
    width = min(FULL, 2.6 + 1.15 * k)
    fig, axes = new_figure(width, 0.74 * k + (1.5 if title else 1.1))
    ax = axes[0, 0]
    for row in range(k):
        for column in range(k):
            ax.add_patch(
                Rectangle(
                    (column - 0.5, row - 0.5), 1, 1, facecolor=PALETTE[1],
                    alpha=0.6 * shares[row, column], linewidth=0,
                )
            )  # fmt: skip
            place = {"ha": "center", "va": "center"}
            ax.text(column, row - 0.14, f"{matrix[row, column]:,.0f}", fontsize=13, **place)
            ax.text(
                column, row + 0.22, percent(shares[row, column] if support[row] else np.nan),
                fontsize=11, color=INK, **place,
            )  # fmt: skip
    for edge in np.arange(-0.5, k + 0.5):
        ax.axvline(edge, color=PAPER, linewidth=2)
        ax.axhline(edge, color=PAPER, linewidth=2)
    for i in range(k):
        ax.add_patch(
            Rectangle((i - 0.46, i - 0.45), 0.92, 0.9, fill=False, edgecolor=INK, linewidth=1.8)
        )
    ax.set(xlim=(-0.5, k - 0.5), ylim=(k - 0.5, -0.5), ylabel="true class", xlabel="called")
    ax.set_xticks(range(k), names)
    ax.set_yticks(range(k), [f"{name}\n{n:,.0f}" for name, n in zip(names, support, strict=True)])
    ax.xaxis.tick_top()
    ax.xaxis.set_label_position("top")
    ax.tick_params(length=0, pad=6)
    for spine in ax.spines.values():
        spine.set_visible(False)
    add_title(fig, title)
    parts = []
    for row in np.flatnonzero(support):
        text = f"of {support[row]:,.0f} {names[row]}, {percent(shares[row, row])} are called so"
        wrong = np.where(np.arange(k) == row, -1, matrix[row])
        if wrong.max() > 0:
            worst = int(wrong.argmax())
            text += f" and {percent(shares[row, worst])} {names[worst]}"
        parts.append(text)
    fig.alt = f"Confusion matrix of {count(k, 'class')}: {'; '.join(parts)}."
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

    Returns
    -------
    Figure
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
        ax.plot(x, y, color=colour(i), linewidth=1.4)
        ax.scatter(
            x, y, s=24 + 260 * found.counts[filled] / most, color=colour(i), marker=marker(i),
            edgecolor=PAPER, linewidth=1, zorder=3,
        )  # fmt: skip
        over = float(found.overconfidence)
        parts.append(
            (f"{name}: " if name else "")
            + f"mean confidence {percent(float(np.nansum(x * found.counts[filled]) / found.n))}, "
            f"right {percent(float(np.nansum(y * found.counts[filled]) / found.n))}, "
            + (
                "about as sure as right"
                if abs(over) < 0.02
                else "surer than right"
                if over > 0
                else "less sure than right"
            )
            + f", calibration error {float(found.ece):.2f}"
        )
    lowest = min(found.confidence[found.counts > 0].min() for found in named.values())
    ax.set(
        xlim=(max(0, np.floor(10 * lowest) / 10 - 0.05), 1.04),
        ylim=(-0.04, 1.04),
        xlabel="how sure (mean confidence of the bin)",
        ylabel="how often right",
    )
    ax.grid(True)
    if several:
        add_legend(
            fig,
            [
                Line2D([], [], marker=marker(i), color=colour(i), label=name)
                for i, name in enumerate(named)
            ],
        )
    add_title(fig, title)
    n = listing(list(dict.fromkeys(count(found.n, "image") for found in named.values())))
    fig.alt = (
        f"Share of right answers against confidence, in bins, for {n}; a dotted diagonal where "
        f"both are the same. {'; '.join(parts)}."
    )
    return fig
