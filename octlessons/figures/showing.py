"""`show`: a figure for a light and for a dark page, with its alt text."""

from __future__ import annotations

import functools
import textwrap
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from octlessons.figures.style import DARK, INK, LIGHT, PIXELS_PER_INCH, STYLE

#: MIME type that the book turns into two images, one for each theme.
MIME = "application/vnd.octlessons.figure+json"


def show(
    fig,
    alt: str | None = None,
    caption: str | None = None,
    width: int | None = None,
    *,
    playing: Mapping[str, str] | None = None,
) -> None:
    """Display a figure, for light and dark pages, and forget it.

    In a notebook or a page of the book, the figure is drawn twice: as it is, and with text, lines
    and background in the colours of a dark page. In a plain script it opens in matplotlib's
    window where there is one, and its alt text is printed where there is none.

    Parameters
    ----------
    fig : matplotlib.figure.Figure
    alt : str, optional
        What the figure shows, in a sentence. Needed unless the figure has an ``alt`` of its own,
        as those of this module have.
    caption : str, optional
        Text below the figure; MyST in the book.
    width : int, optional
        Width in CSS pixels; by default 100 for each inch.
    playing : mapping, optional
        ``"name"`` and ``"data"`` of what stands in the figure's place in the book; see `play`.

    Raises
    ------
    ValueError
        If there is no alt text.
    """
    alt = str(alt or getattr(fig, "alt", None) or "").strip()
    if not alt:
        raise ValueError(
            "This figure has no alternative text: call show(fig, alt='…') with a sentence that "
            "says what the figure shows."
        )
    try:
        if _in_notebook():
            _display(fig, alt, caption, width, playing)
        elif not _open_window(fig):
            print(textwrap.fill(f"[figure] {alt}", 100))
    finally:
        _forget(fig)


def render(fig, dark: bool = False) -> bytes:
    """Draw a figure as PNG, at twice its size in CSS pixels (1.5 times with many scans).

    Parameters
    ----------
    fig : matplotlib.figure.Figure
        Comes back as it was.
    dark : bool
        Whether to swap the colours of `LIGHT` for those of `DARK`.

    Returns
    -------
    bytes
    """
    import io

    import matplotlib

    with matplotlib.rc_context(STYLE):
        undo = _recolour(fig, dict(zip(LIGHT.values(), DARK.values(), strict=True))) if dark else []
        try:
            buffer = io.BytesIO()
            many_scans = getattr(fig, "scans", 0) > 4
            fig.savefig(
                buffer,
                format="png",
                dpi=(1.5 if many_scans else 2) * PIXELS_PER_INCH,
                facecolor=(DARK if dark else LIGHT)["paper"],
                metadata={"Software": None},
                pil_kwargs={"compress_level": 1},
            )
        finally:
            for put_back in reversed(undo):
                put_back()
    return _smaller(buffer.getvalue())


def _display(
    fig, alt: str, caption: str | None, width: int | None, playing: Mapping[str, str] | None
) -> None:
    from base64 import b64encode

    from IPython.display import display

    light = b64encode(render(fig)).decode()
    figure: dict[str, Any] = {
        "alt": alt,
        "caption": caption or "",
        "light": light,
        "dark": b64encode(render(fig, dark=True)).decode(),
        "width": int(width or round(fig.get_figwidth() * PIXELS_PER_INCH)),
    }
    if playing:
        figure["play"] = dict(playing)
    size = {"image/png": {"width": figure["width"], "alt": alt}}
    display({MIME: figure, "image/png": light, "text/plain": alt}, raw=True, metadata=size)


def _in_notebook() -> bool:
    import sys

    if "IPython" not in sys.modules:
        return False
    from IPython import get_ipython

    shell = get_ipython()
    return shell is not None and getattr(shell, "kernel", None) is not None


def _open_window(fig) -> bool:
    import matplotlib
    from matplotlib.backend_bases import FigureManagerBase

    if matplotlib.get_backend().lower() in ("agg", "pdf", "ps", "svg", "cairo", "template"):
        return False
    import matplotlib.pyplot as plt

    try:
        if not isinstance(getattr(fig.canvas, "manager", None), FigureManagerBase):
            plt.figure(fig)  # matplotlib 3.11 and newer take a figure in
    except (TypeError, ValueError):
        return False
    plt.show()
    return True


def _forget(fig) -> None:
    import sys

    if "matplotlib.pyplot" in sys.modules:
        sys.modules["matplotlib.pyplot"].close(fig)


def _smaller(png: bytes) -> bytes:
    """The same picture with 256 colours, 64 of them grey: scans and plots need no more.

    Colour photographs, which are the heaviest, get 128.
    """
    import io

    from PIL import Image

    picture = np.array(Image.open(io.BytesIO(png)).convert("RGB"))
    grey = np.ptp(picture, axis=2) <= 2
    # Steps even to the eye, finer in the dark, where most of a scan lies.
    steps = (np.round(np.sqrt(np.arange(256) / 255) * 63) / 63) ** 2 * 255
    picture[grey] = np.round(steps).astype(np.uint8)[picture[grey][:, 1]][:, None]
    few = Image.fromarray(picture).quantize(
        256 if grey.mean() > 0.5 else 128, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE
    )
    buffer = io.BytesIO()
    few.save(buffer, "PNG", optimize=True)
    return min(buffer.getvalue(), png, key=len)


def _recolour(fig, swap: Mapping[str, str]) -> list[Callable[[], Any]]:
    """Swap colours of all artists of a figure; return what puts them back."""
    from matplotlib.collections import Collection
    from matplotlib.colors import to_hex, to_rgba
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch
    from matplotlib.text import Text

    fig.canvas.draw()  # ticks are made when they are first drawn
    swap = {**swap, "#000000": swap[INK]}
    undo: list[Callable[[], Any]] = []

    def swapped(value):
        if value is None or (isinstance(value, str) and value in ("none", "auto", "inherit")):
            return None
        rgba = to_rgba(value)
        new = swap.get(to_hex(rgba))
        return None if new is None or rgba[3] == 0 else to_rgba(new, rgba[3])

    def turn(artist, *names):
        for name in names:
            old = getattr(artist, f"get_{name}")()
            new = swapped(old)
            if new is not None:
                getattr(artist, f"set_{name}")(new)
                undo.append(functools.partial(getattr(artist, f"set_{name}"), old))

    for artist in fig.findobj():
        if isinstance(artist, Text):
            turn(artist, "color")
            if artist.get_bbox_patch() is not None:
                turn(artist.get_bbox_patch(), "facecolor", "edgecolor")
        elif isinstance(artist, Line2D):
            turn(artist, "color", "markerfacecolor", "markeredgecolor")
        elif isinstance(artist, Patch):
            turn(artist, "facecolor", "edgecolor")
        elif isinstance(artist, Collection):
            for name in ("facecolor", "edgecolor"):
                old = np.array(getattr(artist, f"get_{name}")())
                new = [swapped(row) for row in old]
                if any(row is not None for row in new):
                    put = getattr(artist, f"set_{name}")
                    put([o if n is None else n for o, n in zip(old, new, strict=True)])
                    undo.append(functools.partial(put, old))
        for effect in artist.get_path_effects() or []:
            style = getattr(effect, "_gc", {})
            new = swapped(style.get("foreground"))
            if new is not None:
                undo.append(functools.partial(style.update, foreground=style["foreground"]))
                style["foreground"] = new
    return undo
