"""Pictures for the report: single ones as WebP, and sheets of small ones for the map."""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass

import numpy as np
from PIL import Image

#: Width and height of a sheet and of a picture in it, px.
SHEET, TILE = 1024, 32
#: Quality of WebP in a sheet and alone.
SHEET_QUALITY, ALONE_QUALITY = 45, 72
#: A picture alone fits in this width and height, px.
WIDTH, HEIGHT = 240, 180


@dataclass(frozen=True)
class Sheets:
    """Small pictures in sheets of `SHEET` × `SHEET` px, row by row.

    Attributes
    ----------
    data : list of str
        WebP in base64.
    place : ndarray of int32, shape (n,)
        Which picture a scan has, counted through all sheets; −1 for none.
    """

    data: list[str]
    place: np.ndarray

    @property
    def shown(self) -> int:
        """Scans with a picture."""
        return int((self.place >= 0).sum())


def encoded(image: np.ndarray, quality: int = ALONE_QUALITY) -> str:
    """One grey image, uint8, as WebP in base64."""
    stream = io.BytesIO()
    Image.fromarray(image).save(stream, "WEBP", quality=quality, method=4)
    return base64.b64encode(stream.getvalue()).decode()


def alone(image: np.ndarray) -> tuple[str, int, int]:
    """A scan as it is shown in a card: data, width and height."""
    picture = Image.fromarray(np.asarray(image))
    if picture.mode != "L":
        picture = picture.convert("L")
    scale = min(WIDTH / picture.width, HEIGHT / picture.height)
    size = max(1, round(picture.width * scale)), max(1, round(picture.height * scale))
    small = np.asarray(picture.resize(size, Image.Resampling.LANCZOS))
    return encoded(small), *size


def make_sheets(
    pictures: np.ndarray, order: np.ndarray, clusters: np.ndarray, budget: int
) -> Sheets:
    """Put small pictures into sheets, all of them or as many of each cluster as fit.

    Parameters
    ----------
    pictures : ndarray of uint8, shape (n, TILE, TILE)
    order : ndarray of int, shape (n,)
        Neighbours on the map are neighbours in a sheet: near-alike pictures take less room.
    clusters : ndarray of int, shape (n,)
    budget : int
        Characters for all sheets.
    """
    kept = order
    while True:
        sheets = _sheets(pictures, kept)
        size = sum(map(len, sheets))
        if size <= budget or len(kept) == 0:
            break
        share = min(0.95, budget / size * 0.97)
        kept = _thinned(kept, clusters, share)
    place = np.full(len(pictures), -1, np.int32)
    place[kept] = np.arange(len(kept))
    return Sheets(sheets, place)


def _sheets(pictures: np.ndarray, order: np.ndarray) -> list[str]:
    side = SHEET // TILE
    made = []
    for start in range(0, len(order), side * side):
        part = pictures[order[start : start + side * side]]
        rows = -(-len(part) // side)
        sheet = np.zeros((rows * side, TILE, TILE), np.uint8)
        sheet[: len(part)] = part
        grid = sheet.reshape(rows, side, TILE, TILE).swapaxes(1, 2)
        made.append(encoded(grid.reshape(rows * TILE, SHEET), SHEET_QUALITY))
    return made


def _thinned(kept: np.ndarray, clusters: np.ndarray, share: float) -> np.ndarray:
    """The same share of each cluster, evenly along the order."""
    parts = []
    for c in np.unique(clusters[kept]):
        own = np.flatnonzero(clusters[kept] == c)
        n = int(len(own) * share)
        parts.append(own[np.linspace(0, len(own) - 1, n).astype(int)] if n else own[:0])
    return kept[np.sort(np.concatenate(parts))]


def along_the_map(places: np.ndarray) -> np.ndarray:
    """Order of the scans along a curve that fills the map (Morton order); int (n,)."""
    cells = (np.clip(places, 0, 1) * 255).astype(np.uint32)
    code = np.zeros(len(places), np.uint32)
    for bit in range(8):
        code |= ((cells[:, 0] >> bit) & 1) << (2 * bit)
        code |= ((cells[:, 1] >> bit) & 1) << (2 * bit + 1)
    return np.argsort(code, kind="stable")
