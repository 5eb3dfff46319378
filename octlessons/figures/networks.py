"""Figures of networks: training curves, and images beside what was rebuilt of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from octlessons.figures.axes import (
    add_legend,
    add_title,
    draw_scan,
    grid_height,
    new_figure,
    short,
    styled,
)
from octlessons.figures.style import FULL, INK, MUTED, PAPER, colour, marker
from octlessons.images.imageset import resize_image
from octlessons.wording import count, listing, percent

_CALLED = {"train": "training", "valid": "validation"}


@styled
def training_curves(
    history,
    measures: Sequence[str] | None = None,
    *,
    ylabel: str = "loss",
    log: bool = False,
    title: str = "",
):
    """Draw a number of each epoch, for training and for validation, and mark the best epoch.

    Parameters
    ----------
    history : octlessons.networks.History, or mapping of str → History
        Of one training; or of several by name, whose validation losses are then compared
        (training losses where nothing was validated on).
    measures : sequence of str, optional
        What to draw instead of ``"train"`` and ``"valid"``: names of what an epoch recorded. Of
        several trainings, only the first is drawn.
    ylabel : str
        What the numbers are.
    log : bool
        Whether equal ratios, rather than equal differences, have equal heights.
    title : str

    Returns
    -------
    Figure
    """
    several = isinstance(history, Mapping)
    curves = _compared(history, measures) if several else _curves(history, measures)
    if not curves:
        raise ValueError("There is nothing to draw: no epoch has recorded such a number.")
    fig, axes = new_figure(FULL, 4.0 + 0.3 * (len(curves) > 4))
    ax = axes[0, 0]
    longest = max(len(values) for _, values, _ in curves)
    drawn = [_draw_curve(ax, i, curve, several) for i, curve in enumerate(curves)]
    best = None if several or history.monitor is None else history.best_epoch
    if best is not None:
        _mark_best(ax, best, curves[-1][1], longest)
    _dress(ax, longest, ylabel, log)
    add_legend(fig, [line for line, _ in drawn])
    add_title(fig, title)
    texts = listing([text for _, text in drawn])
    fig.alt = f"{ylabel.capitalize()} over {count(longest, 'epoch', 'epochs')}: {texts}"
    if best is not None:
        fig.alt += f"; epoch {best} is the best and is marked"
        if best < len(history):
            fig.alt += f", after which the {_CALLED.get(history.monitor, history.monitor)} curve "
            fig.alt += "did not improve"
    fig.alt += "."
    return fig


def _draw_curve(ax, i: int, curve, several: bool):
    """One line, and what it says in words."""
    name, values, best = curve
    tone = colour(i if several else 1 - i if i < 2 else i)
    (line,) = ax.plot(
        np.arange(1, len(values) + 1),
        values,
        color=tone,
        marker=marker(i),
        markersize=6,
        markevery=max(1, -(-len(values) // 12)),
        markeredgecolor=PAPER,
        markeredgewidth=0.6,
        label=name,
    )
    finite = np.flatnonzero(np.isfinite(values))
    text = f"{name} goes from {short(values[finite[0]])} to {short(values[finite[-1]])}"
    if several and best is not None and np.isfinite(values[best - 1]):
        _ring(ax, best, values[best - 1], tone)
        text += f" ({short(values[best - 1])} in its best epoch, {best})"
    return line, text


def _mark_best(ax, best: int, monitored: np.ndarray, longest: int) -> None:
    ax.axvline(best, color=MUTED, linewidth=1.2, linestyle=(0, (4, 3)), zorder=1)
    if np.isfinite(monitored[best - 1]):
        _ring(ax, best, monitored[best - 1], INK)
    late = best > 0.6 * longest
    ax.annotate(
        f"best: epoch {best}",
        (best, 1.0),
        xycoords=("data", "axes fraction"),
        xytext=(-6 if late else 6, -4),
        textcoords="offset points",
        ha="right" if late else "left",
        va="top",
        fontsize=12,
        bbox={"facecolor": PAPER, "edgecolor": "none", "pad": 1.5, "alpha": 0.85},
    )


def _dress(ax, longest: int, ylabel: str, log: bool) -> None:
    from matplotlib.ticker import MaxNLocator

    if log:
        ax.set_yscale("log")
        _plain_log_axis(ax)
    else:
        ax.yaxis.set_major_formatter(lambda value, _: short(value))
    ax.xaxis.set_major_locator(MaxNLocator(8, integer=True))
    ax.set_xlim(1 - 0.02 * longest, longest * 1.02 + 0.05)
    ax.grid(True, axis="y")
    ax.set(xlabel="epoch", ylabel=ylabel)


@styled
def reconstructions(
    images,
    rebuilt,
    names: Sequence[str] | None = None,
    *,
    n: int = 6,
    title: str = "",
):
    """Draw images, what was rebuilt of them, and the difference.

    Parameters
    ----------
    images : ImageSet, or sequence of arrays (h, w) or (h, w, 3)
        uint8, or floats in 0…1. They are brought to the size of the rebuilt ones.
    rebuilt : sequence of arrays (h, w) or (h, w, 3)
        Such as ``autoencoder.reconstruct(images)``.
    names : sequence of str, optional
        Above the images; by default the classes of an `ImageSet` that has labels.
    n : int
        How many at most.
    title : str

    Returns
    -------
    Figure
        Orange is brighter in the rebuilt image, purple darker; one scale for all.
    """
    if len(images) != len(rebuilt) or not len(rebuilt):
        raise ValueError(
            f"Each image needs one that was rebuilt, and there must be one at least; there are "
            f"{len(images)} and {len(rebuilt)}."
        )
    names = _names(images) if names is None else names
    n = min(n, len(rebuilt))
    after = [_unit(rebuilt[i]) for i in range(n)]
    before = [_unit(_fitted(np.asarray(images[i]), after[i].shape)) for i in range(n)]
    differences = [b - a for a, b in zip(before, after, strict=True)]
    errors = [float(np.mean(difference**2)) for difference in differences]
    flat = [d if d.ndim == 2 else d.mean(axis=2) for d in differences]
    top = max(float(np.percentile(np.abs(flat), 99.5)), 1e-6)
    height = grid_height(after, 3, n, FULL - 1.2, True, False) + (0.4 if title else 0)
    fig, axes = new_figure(FULL, height, 3, n)
    for i in range(n):
        draw_scan(axes[0, i], before[i], 0, 1)
        draw_scan(axes[1, i], np.clip(after[i], 0, 1), 0, 1)
        draw_scan(axes[2, i], flat[i], -top, top, cmap="PuOr_r")
        if i < len(names):
            axes[0, i].set_title(names[i], fontsize=12, fontweight="normal", pad=4)
    rows = ("original", "rebuilt", f"difference\n(± {top:.2g})")
    for ax, text in zip(axes[:, 0], rows, strict=True):
        ax.set_ylabel(text, rotation=0, ha="right", va="center", labelpad=8)
    add_title(fig, title)
    shown = f" ({', '.join(names[:n])})" if names else ""
    fig.alt = (
        f"{count(n, 'image')}{shown} in the top row, what was rebuilt of each below, and the "
        f"difference in the bottom row. The mean squared difference of pixels in 0 to 1 is "
        f"{short(min(errors))}{f' to {short(max(errors))}' if n > 1 else ''}; "
        f"{_smoothness(before, after)}."
    )
    return fig


def _names(images) -> list[str]:
    labels = getattr(images, "labels", None)
    return [] if labels is None else [images.class_names[label] for label in labels]


def _curves(history, measures) -> list[tuple[str, np.ndarray, int | None]]:
    found = [(_CALLED.get(m, m), history.values(m), None) for m in measures or _CALLED]
    return [curve for curve in found if np.isfinite(curve[1]).any()]


def _compared(histories: Mapping[str, Any], measures):
    curves = []
    for name, history in histories.items():
        asked = [measures[0]] if measures else ["valid", "train"]
        values = next((v for v in map(history.values, asked) if np.isfinite(v).any()), None)
        if values is not None:
            best = history.best_epoch if history.monitor is not None else None
            curves.append((name, values, best))
    return curves


def _ring(ax, x: float, y: float, tone: str) -> None:
    ax.plot(
        x,
        y,
        marker="o",
        markersize=13,
        color=tone,
        markerfacecolor="none",
        markeredgewidth=2.2,
        zorder=5,
    )


def _plain_log_axis(ax) -> None:
    from matplotlib.ticker import LogLocator, NullFormatter

    low, high = ax.get_ylim()
    steps = (1, 2, 5) if high / low < 300 else (1,)
    ax.yaxis.set_major_locator(LogLocator(subs=steps))
    ax.yaxis.set_major_formatter(lambda value, _: short(value))
    ax.yaxis.set_minor_formatter(NullFormatter())


def _unit(image) -> np.ndarray:
    image = np.asarray(image)
    return image / 255 if image.dtype == np.uint8 else image.astype(float)


def _fitted(image: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """The image at the size of the rebuilt one, with as many channels."""
    if image.shape[:2] != shape[:2]:
        if image.dtype != np.uint8:
            image = np.round(np.clip(image, 0, 1) * 255).astype(np.uint8)
        image = resize_image(image, (shape[0], shape[1]))
    if image.ndim < len(shape):
        return np.repeat(image[:, :, None], 3, axis=2)
    return image.mean(axis=2).astype(image.dtype) if image.ndim > len(shape) else image


def _smoothness(before: list, after: list) -> str:
    """How much of the fine detail is left, as the mean step between neighbours."""

    def roughness(images: list) -> float:
        return float(np.mean([np.abs(np.diff(image, axis=1)).mean() for image in images]))

    old = roughness(before)
    share = roughness(after) / old if old > 0 else 1.0
    if share < 0.9:
        return f"rebuilt images are smoother, with {percent(share)} of the steps between neighbours"
    return "rebuilt images are about as rough as the originals"
