"""Put scans in one common shape: white wedges out, retina straight, always at the same height.

All functions work on one grey image, uint8 (h, w) of any size from 28 px up, and are fit for
`ImageSet.map`. Lengths in this module are given for a scan 496 rows high and 1.9 mm deep (3.87 µm
per row, Heidelberg Spectralis); they shrink with the image.

The line of the retinal pigment epithelium (RPE) is a shortest path from left to right through an
image of costs, as in Chiu et al., Optics Express 18:19413 (2010), doi 10.1364/OE.18.019413. The
costs here are low on a bright band with darker tissue on both sides and retina above.
"""

from __future__ import annotations

import numpy as np

from octlessons.errors import OctlessonsError
from octlessons.images.imageset import resize_image

#: Height of the flattened RPE, as a share of the image's height from the top.
TARGET = 0.65

_ROWS = 496  # rows of the scan in which the lengths below are given
_WHITE = 245, 225  # a wedge is 255; JPEG takes a little off its edge, shrinking takes more
_SMALL = 200  # images with a side shorter than this were shrunk
_COARSE, _FINE = (124, 96), (248, 160)  # largest working images (rows, columns)
_BAND = (-180, 70)  # rows around the coarse line in which the fine one is sought
_EDGE = 0.75  # beyond this share of the half-width a bump is taken for the eye's own shape


def wedge_mask(image: np.ndarray) -> np.ndarray:
    """Find the pure-white wedges that rotating and shifting a scan leaves at its borders.

    A wedge is white and holds a corner of the image or lies along its border; it is grown by a
    few pixels to take in what JPEG smeared. Slivers thinner than a pixel, which resizing turns
    into a grey line along the border, count as well. Black bands are left alone.

    Parameters
    ----------
    image : ndarray of uint8, shape (h, w)

    Returns
    -------
    ndarray of bool, shape (h, w)
        True inside the wedges.

    Raises
    ------
    OctlessonsError
        If this is not one grey image of 8 bits.
    """
    from scipy import ndimage

    image = _checked(image)
    height, width = image.shape
    mask = np.zeros(image.shape, bool)
    white = image >= _WHITE[min(image.shape) < _SMALL]
    if white[0].any() or white[-1].any() or white[:, 0].any() or white[:, -1].any():
        pieces, n = ndimage.label(white)
        near = max(1, round(min(image.shape) / 100))
        is_wedge = np.zeros(n + 1, bool)
        for rows in (slice(0, near), slice(height - near, height)):
            for columns in (slice(0, near), slice(width - near, width)):
                is_wedge[np.unique(pieces[rows, columns])] = True
        for border in (pieces[0], pieces[-1], pieces[:, 0], pieces[:, -1]):
            along = np.bincount(border, minlength=n + 1)
            is_wedge |= along >= max(3, 0.06 * len(border))
        is_wedge[0] = False
        mask = is_wedge[pieces]
        if mask.any():
            mask = ndimage.maximum_filter(mask, 2 * max(1, round(height / 125)) + 1)
    # Slivers thinner than a pixel, or smeared by resizing: a border much brighter than inside.
    depth = 2 + round(min(image.shape) / 150)
    for seen, marked in ((image, mask), (image.T, mask.T)):
        for outer, inner, strip in (
            (seen[:2].max(axis=0), seen[depth], slice(0, depth)),
            (seen[-2:].max(axis=0), seen[-1 - depth], slice(-depth, None)),
        ):
            step = outer.astype(float) - inner
            bright = ndimage.uniform_filter1d(step, max(3, len(step) // 50)) > 25
            bright &= ~marked[strip].any(axis=0)
            if bright.mean() > 0.3 and outer[bright].mean() > 1.5 * inner[bright].mean():
                marked[strip] |= bright
    return mask


def remove_wedges(image: np.ndarray, mask: np.ndarray | None = None) -> np.ndarray:
    """Fill the white wedges with pixels drawn from the scan's own dark background.

    Thin strips at the sides are filled with the mirror image of what lies beside them, so that
    the layers of the retina reach the border.

    Parameters
    ----------
    image : ndarray of uint8, shape (h, w)
    mask : ndarray of bool, shape (h, w), optional
        What to fill; without it `wedge_mask`.

    Returns
    -------
    ndarray of uint8, shape (h, w)
        A copy. The draw is the same every time.
    """
    image = _checked(image)
    mask = wedge_mask(image) if mask is None else np.asarray(mask, bool)
    filled = image.copy()
    if mask.any():
        _fill(filled, mask, mask)
        for seen, marked in ((filled, mask), (filled[:, ::-1], mask[:, ::-1])):
            _mirror(seen, marked)
    return filled


def find_rpe(image: np.ndarray) -> np.ndarray:
    """Find the retinal pigment epithelium (RPE) in every column.

    The line follows the RPE over drusen and detachments. It is found twice: roughly in a small
    copy of the image, then finely in a band around a smooth curve through the rough line, where
    the retina is nearly horizontal.

    Parameters
    ----------
    image : ndarray of uint8, shape (h, w)
        With or without white wedges.

    Returns
    -------
    ndarray of float, shape (w,)
        Row of the RPE, from 0 for the centre of the top row. Columns without tissue (black bands
        at the sides) continue the baseline of the others.
    """
    return _trace(image)[0]


def find_baseline(image: np.ndarray, rpe: np.ndarray | None = None) -> np.ndarray:
    """Find the smooth line on which the RPE lies where nothing lifts it: Bruch's membrane.

    A polynomial of degree 2 to 4 in the column, the lowest that fits, with robust weights that
    treat upward bumps in the middle of the scan as lesions and not as the shape of the eye.

    Parameters
    ----------
    image : ndarray of uint8, shape (h, w)
    rpe : ndarray of float, shape (w,), optional
        Row of the RPE in every column; without it `find_rpe`.

    Returns
    -------
    ndarray of float, shape (w,)
        Row of the baseline in every column, at the level of the RPE line.
    """
    if rpe is None:
        return _trace(image)[1]
    image, rpe = _checked(image), _checked_line(rpe, image)
    return _baseline(rpe, np.ones(len(rpe)), image.shape[0] / _ROWS)


def flatten(
    image: np.ndarray,
    rpe: np.ndarray | None = None,
    *,
    target: float = TARGET,
    smooth: bool = True,
) -> np.ndarray:
    """Shift every column up or down so that the retina lies straight at a fixed height.

    Parameters
    ----------
    image : ndarray of uint8, shape (h, w)
        Without wedges (see `remove_wedges`): they would be bent with the rest.
    rpe : ndarray of float, shape (w,), optional
        Row of the RPE in every column; without it `find_rpe`.
    target : float
        Where the line goes, as a share of the height from the top.
    smooth : bool
        Straighten the smooth baseline of the RPE (`find_baseline`), so that drusen and
        detachments stay as bumps upon it. False straightens the RPE line itself, and with it the
        lesions: they are gone afterwards.

    Returns
    -------
    ndarray of uint8, shape (h, w)
        Rows between two pixels are interpolated linearly. What comes in from outside the image is
        filled from the scan's own background, the same every time.
    """
    image = _checked(image)
    if not 0 < target < 1:
        raise OctlessonsError(f"`target` is a share of the height between 0 and 1, not {target}.")
    if smooth:
        line = find_baseline(image, rpe)
    else:
        line = find_rpe(image) if rpe is None else _checked_line(rpe, image)
    return _shifted(image, line - target * (image.shape[0] - 1))


def crop(
    image: np.ndarray, top: float = TARGET - 0.42, bottom: float = TARGET + 0.18
) -> np.ndarray:
    """Cut out the rows between two heights.

    The defaults fit a flattened scan: from 0.8 mm above the RPE, room for a retina swollen to
    twice its thickness, to 0.34 mm below it, the thickness of the choroid.

    Parameters
    ----------
    image : ndarray of uint8, shape (h, w)
    top, bottom : float
        Shares of the height, 0 at the top and 1 at the bottom.

    Returns
    -------
    ndarray of uint8, shape (rows, w)
    """
    image = _checked(image)
    if not 0 <= top < bottom <= 1:
        raise OctlessonsError(f"Crop between 0 and 1 with top < bottom, not {top} to {bottom}.")
    first, last = (round(share * image.shape[0]) for share in (top, bottom))
    return image[first : max(last, first + 1)].copy()


def clean(
    image: np.ndarray, size: int | tuple[int, int] | None = None, *, target: float = TARGET
) -> np.ndarray:
    """Fill wedges, flatten to the baseline of the RPE, crop to the retina and resize.

    ``images.map(clean, "cleaned")`` does it for a whole set, and
    ``images.map(functools.partial(clean, size=64), "cleaned", shape=(64, 64))`` at one size.

    Parameters
    ----------
    image : ndarray of uint8, shape (h, w)
    size : int or (int, int), optional
        Height and width of the result; without it the width is kept and the height is 60 %.
    target : float
        Where the baseline lies before cropping, see `flatten`; 0.42 of the height are kept above
        it and 0.18 below, as far as the image goes.

    Returns
    -------
    ndarray of uint8
    """
    image = remove_wedges(image)
    flat = flatten(image, target=target)
    cut = crop(flat, max(0.0, target - 0.42), min(1.0, target + 0.18))
    if size is None:
        return cut
    return resize_image(cut, (size, size) if np.isscalar(size) else tuple(size))


# ---------------------------------------------------------------------- the line of the RPE


def _trace(image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The RPE and its baseline, both in rows of the image."""
    image = _checked(image)
    mask = wedge_mask(image)
    pixels = remove_wedges(image, mask).astype(np.float32)
    height, width = pixels.shape
    tissue = _has_tissue(image, mask)
    coarse = _shrunk(pixels, _COARSE)
    scale = len(coarse) / _ROWS
    guess, quality = _ridge_path(coarse, scale, floor=0.1)
    guess = _baseline(guess, quality * _sampled(tissue, len(guess)), scale)
    middle = _stretched(guess, len(coarse), (height, width))
    # The band around the guess, straightened: there the path is short and hardly climbs.
    unit = height / _ROWS
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
    base = _baseline(line, weight, unit)
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


def _baseline(line: np.ndarray, weight: np.ndarray, unit: float) -> np.ndarray:
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


def _has_tissue(image: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """1 for columns that show anything, 0 for black bands and columns full of wedge."""
    shown = np.where(mask, 0, image)
    level = np.quantile(shown, 0.99, axis=0)
    return (level > 0.25 * np.median(level)).astype(float)


# ---------------------------------------------------------------------- pixels


def _fill(image: np.ndarray, where: np.ndarray, unknown: np.ndarray) -> None:
    """Fill pixels of `image` in place with others drawn from its own background.

    The upper half is filled from the darkest quarter of the upper half (the vitreous), the lower
    from that of the lower half (below the choroid). Black bands are no background.
    """
    from scipy import ndimage

    known = (~unknown).astype(np.float32)
    side = max(3, round(image.shape[0] / 30))
    share = ndimage.uniform_filter(known, side)
    local = ndimage.uniform_filter(image * known, side) / np.maximum(share, 1e-6)
    rng = np.random.default_rng(0)
    half = image.shape[0] // 2
    for rows in (slice(0, half), slice(half, None)):
        n = int(where[rows].sum())
        if not n:
            continue
        inside = (share[rows] > 0.9) & (local[rows] > 2) & ~unknown[rows]
        if not inside.any():
            inside = ~unknown[rows] if not unknown[rows].all() else np.ones_like(inside)
        dark = inside & (local[rows] <= np.quantile(local[rows][inside], 0.25))
        image[rows][where[rows]] = rng.choice(image[rows][dark], n)


def _mirror(image: np.ndarray, mask: np.ndarray) -> None:
    """Fill thin masked strips at the left side in place with the mirror image beside them."""
    widest = max(2, round(0.02 * image.shape[1]))
    run = np.logical_and.accumulate(mask[:, : widest + 1], axis=1).sum(axis=1)
    for width in range(1, widest + 1):
        rows = run == width
        image[rows, :width] = image[rows, width : 2 * width][:, ::-1]


def _shifted(image: np.ndarray, shift: np.ndarray) -> np.ndarray:
    """Column x of the result at row r is the image at row r + shift[x], interpolated."""
    height, width = image.shape
    rows = np.arange(height)[:, None] + shift
    below = np.clip(np.floor(rows).astype(int), 0, height - 2)
    share = np.clip(rows - below, 0, 1)
    columns = np.arange(width)
    mixed = image[below, columns] * (1 - share) + image[below + 1, columns] * share
    moved = np.round(mixed).astype(np.uint8)
    outside = (rows < 0) | (rows > height - 1)
    if outside.any():
        _fill(moved, outside, outside | wedge_mask(moved))
    return moved


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


def _checked(image: np.ndarray) -> np.ndarray:
    image = np.asarray(image)
    if image.ndim != 2 or image.dtype != np.uint8:
        raise OctlessonsError(
            f"Cleaning takes one grey image, uint8 (h, w); this is {image.dtype} "
            f"{image.shape}. Use images.map(clean) for a whole set, and grey=True for colour."
        )
    if min(image.shape) < 16:
        raise OctlessonsError(
            f"An image of {image.shape[0]} × {image.shape[1]} px is too small to find the retina "
            "in: take 28 px or more."
        )
    return image


def _checked_line(line: np.ndarray, image: np.ndarray) -> np.ndarray:
    line = np.asarray(line, float)
    if line.shape != (image.shape[1],) or not np.isfinite(line).all():
        raise OctlessonsError(
            f"`rpe` gives one finite row for each of the {image.shape[1]} columns; this has shape "
            f"{line.shape}" + ("." if line.shape != (image.shape[1],) else " and gaps in it.")
        )
    return line
