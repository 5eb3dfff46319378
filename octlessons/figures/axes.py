"""What the figures are drawn with: a styled figure, a scan on axes, titles and legends."""

from __future__ import annotations

import functools
from collections.abc import Sequence

import numpy as np

from octlessons.figures.style import FAINT, INK, MUTED, PALETTE, PAPER, STYLE
from octlessons.wording import count, listing


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
    ax.imshow(image, cmap=cmap, vmin=vmin, vmax=vmax, interpolation="nearest" if small else None)
    ax.set(xticks=[], yticks=[])
    for spine in ax.spines.values():
        spine.set(visible=True, edgecolor=frame or MUTED, linewidth=3 if frame else 0.8)
    ax.figure.scans = getattr(ax.figure, "scans", 0) + 1


def grid_height(images, rows: int, columns: int, width: float, title: bool, texts: bool) -> float:
    ratio = float(np.median([np.shape(image)[0] / np.shape(image)[1] for image in images]))
    cell = (width - 0.1 * columns) / columns
    return rows * (cell * ratio + (0.34 if texts else 0.08)) + (0.45 if title else 0.05)


def grid_of(n: int, columns: int, what: str) -> tuple[int, int]:
    """Rows and columns for `n` panels; a sentence where there is nothing to draw."""
    if n == 0:
        raise ValueError(f"There are no {what} to draw.")
    columns = max(1, min(columns, n))
    return -(-n // columns), columns


def texts(names, n: int, what: str) -> list[str]:
    """Names as text, from a list, an array or numbers; as many as there are things."""
    named = [str(name) for name in names]
    if len(named) != n:
        raise ValueError(
            f"There are {count(len(named), 'name')} for {n} {what}: give one for each."
        )
    return named


def shaded_table(ax, shares, cells, rows: Sequence[str], columns: Sequence[str], framed) -> None:
    """A table with named rows and columns, each cell shaded by its share, some of them framed.

    `cells` holds texts, `framed` pairs of (row, column).
    """
    from matplotlib.patches import Rectangle

    for (r, c), share in np.ndenumerate(shares):
        corner = (c - 0.5, r - 0.5)
        shade = {"facecolor": PALETTE[1], "alpha": 0.6 * share, "linewidth": 0}
        ax.add_patch(Rectangle(corner, 1, 1, **shade))
        ax.text(c, r, cells[r][c], ha="center", va="center", fontsize=12.5, linespacing=1.3)
    for edge in np.arange(-0.5, len(columns) + 0.5):
        ax.axvline(edge, color=PAPER, linewidth=2)
    for edge in np.arange(-0.5, len(rows) + 0.5):
        ax.axhline(edge, color=PAPER, linewidth=2)
    for r, c in framed:
        corner = (c - 0.46, r - 0.45)
        ax.add_patch(Rectangle(corner, 0.92, 0.9, fill=False, edgecolor=INK, linewidth=2))
    ax.set(xlim=(-0.5, len(columns) - 0.5), ylim=(len(rows) - 0.5, -0.5))
    ax.set_xticks(range(len(columns)), columns)
    ax.set_yticks(range(len(rows)), rows)
    ax.xaxis.tick_top()
    ax.xaxis.set_label_position("top")
    ax.tick_params(length=0, pad=6)
    for spine in ax.spines.values():
        spine.set_visible(False)


def outlined(ax) -> None:
    """A panel without ticks, in a thin frame."""
    ax.set(xticks=[], yticks=[])
    for spine in ax.spines.values():
        spine.set(visible=True, edgecolor=FAINT)


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


def tally(texts: Sequence[str]) -> str:
    names, counts = np.unique(list(texts), return_counts=True)
    return listing([f"{n} {name}" for name, n in zip(names.tolist(), counts.tolist(), strict=True)])


def short(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}".replace("-", "−")


def thousands(value: float, _position: int) -> str:
    return f"{value / 1000:,.0f}k"
