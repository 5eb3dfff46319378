"""What the figures are drawn with: a styled figure, a scan on axes, titles and legends."""

from __future__ import annotations

import functools
from collections.abc import Sequence

import numpy as np

from octlessons.figures.style import FAINT, STYLE
from octlessons.wording import listing


def styled(function):
    """Draw in the style of the course, whatever matplotlib's defaults are."""

    @functools.wraps(function)
    def styled(*args, **kwargs):
        import matplotlib

        with matplotlib.rc_context(STYLE):
            fig = function(*args, **kwargs)
            _settle(fig)
        fig.alt = " ".join(fig.alt.split())
        return fig

    return styled


def _settle(fig) -> None:
    """Fix the layout, so that light and dark agree, and cut empty height below images."""
    for _ in range(2):
        fig.draw_without_rendering()
    if getattr(fig, "scans", 0):
        empty = fig.get_figheight() - fig.get_tightbbox().height
        fig.set_figheight(fig.get_figheight() - max(empty - 0.12, 0))
        for _ in range(2):
            fig.draw_without_rendering()
    fig.set_layout_engine("none")


def new_figure(width: float, height: float, rows: int = 1, columns: int = 1, **subplots):
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    fig = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(fig)
    axes = fig.subplots(rows, columns, squeeze=False, **subplots)
    return fig, axes


def draw_scan(ax, image, vmin=None, vmax=None, cmap="gray", frame=None) -> None:
    image = np.asarray(image)
    if vmin is None and cmap == "gray" and image.ndim == 2:
        vmin, vmax = (0, 255) if image.dtype == np.uint8 else (image.min(), image.max())
    small = image.shape[1] < 100 * ax.get_window_extent().width / ax.figure.dpi
    ax.imshow(image, cmap=cmap, vmin=vmin, vmax=vmax, interpolation="nearest" if small else "auto")
    ax.set(xticks=[], yticks=[])
    for spine in ax.spines.values():
        spine.set(visible=True, edgecolor=frame or FAINT, linewidth=3 if frame else 0.8)
    ax.figure.scans = getattr(ax.figure, "scans", 0) + 1


def grid_height(images, rows: int, columns: int, width: float, title: bool, texts: bool) -> float:
    ratio = float(np.median([np.shape(image)[0] / np.shape(image)[1] for image in images]))
    cell = (width - 0.1 * columns) / columns
    return rows * (cell * ratio + (0.34 if texts else 0.08)) + (0.45 if title else 0.05)


def add_title(fig, title: str) -> None:
    if title:
        fig.suptitle(title, x=0.01, ha="left", fontsize=14, fontweight="bold")


def add_legend(fig, handles) -> None:
    fig.legend(
        handles=handles,
        loc="outside lower left",
        ncols=min(4, len(handles)),
        columnspacing=1.4,
        borderaxespad=0.2,
    )


def bright_row(image) -> float:
    """Height of the brightest row, as a share from the top."""
    image = np.asarray(image)
    values = image.astype(float)
    if image.dtype == np.uint8:
        values[image >= 254] = 0  # white wedges are no tissue
    rows = values.mean(axis=tuple(range(1, image.ndim)))
    return float((np.argmax(rows) + 0.5) / len(rows))


def tally(texts: Sequence[str]) -> str:
    names, counts = np.unique(list(texts), return_counts=True)
    return listing([f"{n} {name}" for name, n in zip(names.tolist(), counts.tolist(), strict=True)])


def short(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}".replace("-", "−")


def thousands(value: float, _position: int) -> str:
    return f"{value / 1000:,.0f}k"
