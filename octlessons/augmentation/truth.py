"""Layer boundaries after pixels were moved."""

from __future__ import annotations

import numpy as np


def coordinates(height: int, width: int) -> np.ndarray:
    """Where each pixel is: rows and columns of pixel centres, from 0 to 1.

    A transform of this picture, float32 of shape (height, width, 2), tells where the pixels of any
    picture came from.
    """
    rows, columns = np.mgrid[:height, :width].astype(np.float32)
    return np.stack([(rows + 0.5) / height, (columns + 0.5) / width], axis=-1)


def moved(boundaries: np.ndarray, came_from: np.ndarray, least: float = 0.5) -> np.ndarray:
    """Rows of the boundaries in a picture whose pixels came from elsewhere.

    In every column of the new picture the boundary lies where the pixels change from above it to
    below it (or the reverse) in the old picture; the place between two pixels is interpolated.

    Parameters
    ----------
    boundaries : ndarray, shape (m, w)
        Rows in the old picture, NaN where unknown.
    came_from : ndarray, shape (h, w, 2)
        `coordinates` of the old picture, transformed.
    least : float
        Share of the columns that must have one row each for a boundary to be one still.

    Returns
    -------
    ndarray of float32, shape (m, w)
        NaN in columns that the boundary misses, or crosses more than once. A boundary that has one
        row in fewer than `least` of its columns, as after a turn by 90°, is NaN throughout.
    """
    height, width = came_from.shape[:2]
    rows = came_from[..., 0] * np.float32(height) - np.float32(0.5)
    columns = np.clip(came_from[..., 1] * width - 0.5, 0, width - 1)
    left = np.minimum(columns.astype(np.int32), max(width - 2, 0))
    share = (columns - left).astype(np.float32)
    right = np.minimum(left + 1, width - 1)
    each = np.arange(width)
    found = np.full(boundaries.shape, np.nan, np.float32)
    for k, boundary in enumerate(np.asarray(boundaries, np.float32)):
        below = rows - (boundary[left] * (1 - share) + boundary[right] * share)
        known = np.isfinite(below)
        side = below >= 0
        crossed = (side[1:] != side[:-1]) & known[1:] & known[:-1]
        at = crossed.argmax(0)
        once = crossed.sum(0) == 1
        if once.mean() < least:
            continue
        upper, lower = below[at, each], below[np.minimum(at + 1, height - 1), each]
        with np.errstate(invalid="ignore", divide="ignore"):
            found[k] = np.where(once, at + upper / (upper - lower), np.nan)
    return found
