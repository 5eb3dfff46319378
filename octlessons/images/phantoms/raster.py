"""A flattened picture of the retina: columns along the scan, rows of depth about Bruch's membrane.

Bruch's membrane is a straight row, so layers, lesions and shadows are drawn in retinal
coordinates; :mod:`.scanner` then places the columns in the scan. Values are display grey (0 to 1)
without noise.

Only additions, multiplications and table look-ups touch whole pictures here, so that the same
numbers come out on every processor.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

#: Depth of the picture above and below Bruch's membrane in µm.
ABOVE_UM = 1250.0
BELOW_UM = 900.0


class Canvas:
    """The flattened picture and its lesion codes.

    Parameters
    ----------
    columns : int
        Number of columns.
    axial_um, lateral_um : float
        Size of a pixel in µm.

    Attributes
    ----------
    grey : ndarray, shape (rows, columns), float32
    codes : ndarray, shape (rows, columns), uint8
    membrane : int
        Row of Bruch's membrane.
    """

    def __init__(self, columns: int, axial_um: float, lateral_um: float):
        self.axial_um = axial_um
        self.lateral_um = lateral_um
        self.membrane = int(np.ceil(ABOVE_UM / axial_um))
        self.rows = self.membrane + int(np.ceil(BELOW_UM / axial_um))
        self.columns = columns
        self.grey = np.zeros((self.rows, columns), np.float32)
        self.codes = np.zeros((self.rows, columns), np.uint8)

    def row(self, height_um):
        """Row (float) of a height in µm above Bruch's membrane."""
        return self.membrane - np.asarray(height_um) / self.axial_um

    def paint_steps(self, heights_um: np.ndarray, greys: np.ndarray) -> None:
        """Fill the slabs between boundaries, with anti-aliased edges.

        Parameters
        ----------
        heights_um : ndarray, shape (k, columns)
            Boundaries from top to bottom, µm above Bruch's membrane, not increasing.
        greys : ndarray, shape (k, columns)
            Grey below each boundary (above the first one it is zero).
        """
        rows = np.clip(self.row(heights_um), 0, self.rows - 1.001)
        steps = np.diff(greys, axis=0, prepend=0.0)
        whole = rows.astype(np.intp)
        part = rows - whole
        at = whole * self.columns + np.arange(self.columns)
        size = self.rows * self.columns
        change = np.bincount(at.ravel(), ((1 - part) * steps).ravel(), size)
        at += self.columns
        change += np.bincount(at.ravel(), (part * steps).ravel(), size + self.columns)[:size]
        np.cumsum(
            change.reshape(self.rows, self.columns),
            axis=0,
            out=change.reshape(self.rows, self.columns),
        )
        self.grey[:] = change.reshape(self.rows, self.columns)

    def soften(self) -> None:
        """Blur along depth with (1, 2, 1)/4: layers do not end at a mathematical edge."""
        before = self.grey.copy()
        self.grey[1:-1] *= np.float32(2)
        self.grey[1:-1] += before[:-2]
        self.grey[1:-1] += before[2:]
        self.grey[1:-1] *= np.float32(0.25)

    def mark_slab(self, top_um: np.ndarray, bottom_um: np.ndarray, code) -> tuple | None:
        """Write a lesion code between two boundaries; returns the slab's index into the picture.

        Parameters
        ----------
        top_um, bottom_um : ndarray, shape (columns,)
            µm above Bruch's membrane. Columns in which the slab is empty are left alone.
        code : int or ndarray, shape (columns,)
            Lesion code, may differ from column to column.
        """
        inside = np.flatnonzero(top_um - bottom_um > 4.0)
        if not len(inside):
            return None
        first, last = inside[0], inside[-1] + 1
        top, bottom = self.row(top_um[first:last]), self.row(bottom_um[first:last])
        low, high = max(int(top.min()), 0), min(int(bottom.max()) + 1, self.rows)
        rows = np.arange(low, high)[:, None] + 0.5
        mask = (rows >= top) & (rows < bottom) & (top_um - bottom_um > 4.0)[first:last]
        where = (slice(low, high), slice(first, last))
        codes = np.broadcast_to(np.asarray(code, np.uint8), (self.columns,))[first:last]
        np.copyto(self.codes[where], codes, where=mask)
        return where, mask

    def blob(self, column, height_um, half_width_um, half_height_um, grey, code=0, lean=0.0):
        """Paint an ellipse (cyst, exudate, vessel) with a soft edge and mark it."""
        row = float(self.row(height_um))
        wide, high = half_width_um / self.lateral_um, half_height_um / self.axial_um
        reach = wide + abs(lean) * high
        c0, c1 = max(int(column - reach - 1), 0), min(int(column + reach + 2), self.columns)
        r0, r1 = max(int(row - high - 1), 0), min(int(row + high + 2), self.rows)
        if c0 >= c1 or r0 >= r1:
            return
        down = np.arange(r0, r1)[:, None] + 0.5 - row
        across = np.arange(c0, c1) + 0.5 - column + lean * down
        distance = np.sqrt((down / max(high, 0.5)) ** 2 + (across / max(wide, 0.5)) ** 2)
        cover = np.clip((1 - distance) * max(min(wide, high), 0.6) + 0.5, 0, 1)
        cover *= min(1.0, wide / 0.5) * min(1.0, high / 0.5)
        patch = self.grey[r0:r1, c0:c1]
        patch += (cover * (grey - patch)).astype(np.float32)
        if code:
            self.codes[r0:r1, c0:c1][cover > 0.4] = code

    def shadow(self, column, height_um, half_width_um, strength):
        """Darken everything beneath a point by a column-wise factor (0 none, 1 black)."""
        wide = max(half_width_um / self.lateral_um, 0.5)
        c0, c1 = max(int(column - wide - 1), 0), min(int(column + wide + 2), self.columns)
        if c0 >= c1:
            return
        across = (np.arange(c0, c1) + 0.5 - column) / (wide + 0.5)
        factor = 1 - strength * np.clip(1 - across**2, 0, 1)
        self.grey[max(int(self.row(height_um)), 0) :, c0:c1] *= factor.astype(np.float32)


@lru_cache(maxsize=32)
def _weights(n_out: int, n_in: int) -> tuple[np.ndarray, np.ndarray]:
    place = np.linspace(0, n_in - 1.001, n_out)
    whole = place.astype(np.intp)
    return whole, (place - whole).astype(np.float32)


def enlarge(grid: np.ndarray, rows: int, columns: int) -> np.ndarray:
    """Enlarge a small grid bilinearly; float32, same result everywhere."""
    grid = np.asarray(grid, np.float32)
    at, part = _weights(rows, grid.shape[0])
    part = part[:, None]
    grid = grid[at] * (1 - part) + grid[at + 1] * part
    at, part = _weights(columns, grid.shape[1])
    return grid[:, at] * (1 - part) + grid[:, at + 1] * part


def smooth(values: np.ndarray, sd: float) -> np.ndarray:
    """Gaussian smoothing of a row of values, ``sd`` in samples, ends held."""
    if sd < 0.3:
        return values
    reach = int(np.ceil(3 * sd))
    offsets = np.arange(-reach, reach + 1)
    kernel = np.exp(-(offsets**2) / (2 * sd**2))
    return np.convolve(np.pad(values, reach, mode="edge"), kernel / kernel.sum(), mode="valid")
