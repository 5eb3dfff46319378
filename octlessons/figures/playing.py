"""`play`: a figure that a reader can change in the page, and that is a still picture elsewhere."""

from __future__ import annotations

import json
import math
from base64 import b64encode
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from octlessons.figures.showing import show

#: Most characters of data that a page carries for one figure; its script takes the rest of 30 KB.
MOST = 20_000


def play(
    name: str,
    data: Mapping[str, Any],
    *,
    still,
    alt: str | None = None,
    caption: str | None = None,
    width: int | None = None,
    most: int = MOST,
) -> None:
    """Display a figure to play with; where no script runs, its still picture.

    In the book the page carries `data` and loads ``book/_static/play/NAME.js``, which draws in the
    place of the picture. In a notebook, in print and without scripts there is the picture.

    Parameters
    ----------
    name : str
        Of the script: ``"kmeans-steps"``.
    data : mapping
        What the script draws: numbers, texts, lists, arrays and mappings of these. Numbers are
        kept to five digits.
    still : matplotlib.figure.Figure
        The figure as `show` draws it.
    alt, caption, width
        As in `show`.
    most : int
        Bytes that the data may take.

    Raises
    ------
    ValueError
        If there is no alt text, or if there are more data than one figure may carry.
    """
    text = json.dumps(_plain(data), ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    if len(text.encode()) > most:
        raise ValueError(
            f"The data of the figure {name!r} take {len(text.encode()):,} bytes and may take "
            f"{most:,}: give fewer or smaller pictures."
        )
    show(still, alt, caption, width, playing={"name": name, "data": text})


def grey(picture) -> str:
    """A grey picture, or a stack of them, as text for a script: one byte a pixel, in base64.

    Parameters
    ----------
    picture : ndarray of uint8
    """
    return b64encode(np.ascontiguousarray(picture, np.uint8).tobytes()).decode()


def sheet(pictures: Sequence, *, most: int, columns: int = 8) -> dict[str, Any]:
    """Many small grey pictures as one, compressed until it fits.

    Parameters
    ----------
    pictures : sequence of ndarray of uint8, shape (h, w)
        All of one size.
    most : int
        Characters that it may take.
    columns : int

    Returns
    -------
    dict
        ``"src"``, an address with the whole picture in it, and how it is divided: ``"n"``,
        ``"columns"``, ``"h"`` and ``"w"``.

    Raises
    ------
    ValueError
        If it does not fit at the lowest quality.
    """
    import io

    from PIL import Image, ImageFilter

    tiles = np.asarray(pictures, np.uint8)
    n, h, w = tiles.shape
    columns = min(columns, n)
    rows = math.ceil(n / columns)
    whole = np.zeros((rows * columns, h, w), np.uint8)
    whole[:n] = tiles
    whole = whole.reshape(rows, columns, h, w).swapaxes(1, 2).reshape(rows * h, columns * w)
    # Grain is what costs most: where no quality is low enough, it is smoothed.
    for quality, smooth in (*((q, 0) for q in (85, 75, 65, 50, 35, 20)), (20, 1), (10, 2)):
        buffer = io.BytesIO()
        picture = Image.fromarray(whole).filter(ImageFilter.BoxBlur(smooth))
        picture.save(buffer, "WEBP", quality=quality, method=6)
        src = "data:image/webp;base64," + b64encode(buffer.getvalue()).decode()
        if len(src) <= most:
            return {"src": src, "n": n, "columns": columns, "h": h, "w": w}
    raise ValueError(f"{n} pictures of {h} × {w} px take {len(src):,} characters, of {most:,}.")


def _plain(value: Any) -> Any:
    """The same in lists, texts and numbers of five digits, as JSON knows them."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, np.ndarray):
        return _plain(value.tolist())
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float):
        return None if not math.isfinite(value) else float(f"{value:.5g}")
    return value
