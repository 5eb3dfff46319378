"""The line of the retinal pigment epithelium (RPE), and the smooth baseline beneath its bumps.

The line is a shortest path from left to right through an
image of costs, as in Chiu et al., Optics Express 18:19413 (2010), doi 10.1364/OE.18.019413. The
costs here are low on a bright band with darker tissue on both sides and retina above.
"""

from __future__ import annotations

import numpy as np

ROWS = 496  # rows of the scan in which the lengths below are given
_COARSE, _FINE = (124, 96), (248, 160)  # largest working images (rows, columns)
_BAND = (-180, 70)  # rows around the coarse line in which the fine one is sought
_EDGE = 0.75  # beyond this share of the half-width a bump is taken for the eye's own shape


def trace(pixels: np.ndarray, tissue: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The RPE and its baseline, both in rows of the image.

    `pixels` is the image without wedges, as float32 (h, w); `tissue` is 1 for the columns that
    show anything, and 0 for others.
    """
    height, width = pixels.shape
    coarse = _shrunk(pixels, _COARSE)
    scale = len(coarse) / ROWS
    guess, quality = _ridge_path(coarse, scale, floor=0.1)
    guess = baseline(guess, quality * _sampled(tissue, len(guess)), scale)
    middle = _stretched(guess, len(coarse), (height, width))
    # The band around the guess, straightened: there the path is short and hardly climbs.
    unit = height / ROWS
    first, last = int(np.floor(_BAND[0] * unit)) - 1, int(np.ceil(_BAND[1] * unit)) + 2
    offsets = np.round(middle).astype(int)
    rows = offsets + np.arange(first, last)[:, None]
    band = pixels[np.clip(rows, 0, height - 1), np.arange(width)]
    band[(rows < 0) | (rows >= height)] = np.quantile(pixels, 0.2)
    fine = _shrunk(band, (max(8, round(len(band) * min(1, _FINE[0] / height))), _FINE[1]))
    path, quality = _ridge_path(
        fine, len(fine) / len(band) * unit, floor=0.03, dark=np.quantile(pixels, 0.2)
    )
    line = _stretched(path, len(fine), (len(band), width)) + first + offsets
    weight = _stretched(quality, None, (0, width)) * tissue
    line = np.clip(line, 0, height - 1)
    base = baseline(line, weight, unit)
    return np.where(tissue > 0, line, base), base


def _ridge_path(
    pixels: np.ndarray, unit: float, floor: float, dark: float | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """The row of the best bright band in every column, and how good it is (0 to 1).

    A high `floor` makes it cheap to cross darkness, as beneath a tall detachment.
    """
    from skimage.graph import MCP_Geometric

    height, width = pixels.shape
    score = _band_score(pixels, unit, dark)
    cost = 1 / (floor + score)
    paths = MCP_Geometric(cost, offsets=[(-1, 0), (1, 0), (-1, 1), (0, 1), (1, 1)])
    reached, _ = paths.find_costs([(row, 0) for row in range(height)])
    steps = np.array(paths.traceback((int(np.argmin(reached[:, -1])), width - 1)))
    at = score[steps[:, 0], steps[:, 1]] + 1e-6
    total = np.bincount(steps[:, 1], at, width)
    line = np.bincount(steps[:, 1], at * steps[:, 0], width) / total
    quality = total / np.bincount(steps[:, 1], minlength=width)
    return line, 0.05 + np.clip(quality / max(np.quantile(quality, 0.75), 1e-6), 0, 1)


def _band_score(pixels: np.ndarray, unit: float, dark: float | None) -> np.ndarray:
    """How much each pixel looks like the bright outer band of the retina, 0 to 1."""
    from scipy import ndimage

    height, width = pixels.shape
    light = np.maximum(pixels - (np.quantile(pixels, 0.2) if dark is None else dark), 0)
    light = ndimage.gaussian_filter(light, (max(0.5, 1.5 * unit), 1.0))
    # Shadows of vessels darken whole columns: compare each with its own brightest rows.
    brightest = np.quantile(light, 0.98, axis=0)
    brightest = np.maximum(brightest, 0.3 * np.quantile(light, 0.98) + 1e-6)
    light /= ndimage.uniform_filter1d(brightest, max(3, width // 20))
    margin = _outwards(70 * unit) + 1  # vitreous goes on above the image, the last row below it
    light = np.pad(np.pad(light, ((0, margin), (0, 0)), "edge"), ((margin, 0), (0, 0)))
    sums = np.vstack([np.zeros((1, width), np.float32), np.cumsum(light, axis=0)])

    def mean(first: float, last: float) -> np.ndarray:
        """Mean of the rows from `first` to `last` (in rows of 496) around each row."""
        start, stop = (margin + _outwards(edge * unit) for edge in (first, last))
        stop = max(stop, start + 1)
        return (sums[stop : stop + height] - sums[start : start + height]) / (stop - start)

    # The band is about 16 rows thick; beneath it lies the choroid, above the dark nuclear layer.
    band = mean(-8, 8 + 1 / unit) - 0.35 * mean(-30, -10) - 0.65 * mean(10, 32)
    retina_above = np.clip(5 * (mean(-70, -14) - 0.06), 0.03, 1)  # the vitreous is darker
    score = np.maximum(band, 0) * retina_above
    return np.clip(score / max(np.quantile(score.max(axis=0), 0.75), 1e-6), 0, 1)


def baseline(line: np.ndarray, weight: np.ndarray, unit: float) -> np.ndarray:
    """The smooth curve under the bumps of a line: the lowest degree that fits nearly as well."""
    at = np.linspace(0, len(line) - 1, min(len(line), 160))
    sampled = np.interp(at, np.arange(len(line)), line)
    weight = np.interp(at, np.arange(len(line)), weight) + 1e-6
    coefficients, losses = _fitted(sampled, weight, unit)
    best = int(np.argmin(losses + 0.35 * unit * np.arange(len(losses))))
    return np.polynomial.legendre.legval(np.linspace(-1, 1, len(line)), coefficients[best])


def _fitted(line: np.ndarray, weight: np.ndarray, unit: float) -> tuple[np.ndarray, np.ndarray]:
    """Legendre coefficients of robust polynomials under the bumps, and their losses in rows.

    One polynomial for each of the degrees 2 to 4, computed together: (3, 5) and (3,).
    """
    x = np.linspace(-1, 1, len(line))
    used = np.arange(5) <= np.array([[2], [3], [4]])
    basis = np.polynomial.legendre.legvander(x, 4) * used[:, None]
    across = basis.transpose(0, 2, 1)
    pull = np.where(used, [1e-6, 1e-6, 1e-6, 1e-3, 1e-3], 1) * weight.sum()
    ridge = pull[:, :, None] * np.eye(5)
    central = np.abs(x) < _EDGE
    now = np.broadcast_to(weight, (len(used), len(line)))
    for step in range(24):
        weighted = across * now[:, None]
        coefficients = np.linalg.solve(weighted @ basis + ridge, (weighted @ line)[:, :, None])
        above = (basis @ coefficients)[:, :, 0] - line  # positive where the line bulges upwards
        if step < 8:  # an expectile finds the lower side …
            now = weight * np.where(central & (above > 0), 0.1, 0.9)
            continue
        beneath = weight * (above < 0)  # … then what bulges up counts less and less
        spread = np.sum(np.minimum(above**2, (6 * unit) ** 2) * beneath, axis=1)
        spread = np.sqrt(spread / (beneath.sum(axis=1) + 1e-9))
        z = above / np.maximum(1.5 * unit, spread)[:, None]
        bump = 1 / (1 + np.exp(np.clip(4 * (z - 1.5), -50, 50)))
        now = weight * np.where(central & (z > 0), bump, 1 / (1 + (z / 3) ** 2))
    size = np.abs(above)
    loss = np.where(
        central,
        np.where(above > 0, 0.5, 1) * np.minimum(size, 8 * unit),
        np.minimum(size, 30 * unit),
    )
    return coefficients[:, :, 0], np.average(loss, axis=1, weights=weight)


def _shrunk(pixels: np.ndarray, largest: tuple[int, int]) -> np.ndarray:
    """The image with at most `largest` rows and columns, old pixels averaged."""
    from PIL import Image

    height, width = (min(now, most) for now, most in zip(pixels.shape, largest, strict=True))
    if (height, width) == pixels.shape:
        return pixels.astype(np.float32)
    small = Image.fromarray(np.ascontiguousarray(pixels, np.float32))
    return np.asarray(small.resize((width, height), Image.Resampling.BOX))


def _sampled(values: np.ndarray, n: int) -> np.ndarray:
    return np.interp((np.arange(n) + 0.5) * len(values) / n - 0.5, np.arange(len(values)), values)


def _stretched(line: np.ndarray, rows: int | None, shape: tuple[int, int]) -> np.ndarray:
    """A line of a small image with `rows` rows, in the columns and rows of `shape`."""
    full = _sampled(line, shape[1])
    return full if rows is None else (full + 0.5) * shape[0] / rows - 0.5


def _outwards(rows: float) -> int:
    """Round away from zero, so that no window vanishes in small images."""
    return int(np.sign(rows) * np.ceil(abs(rows) - 1e-9))
