"""Put scans in one common shape: white wedges out, retina straight, always at the same height.

All functions work on one grey image, uint8 (h, w) of any size from 28 px up, and are fit for
`ImageSet.map`. Lengths in this module are given for a scan 496 rows high and 1.9 mm deep (3.87 µm
per row, Heidelberg Spectralis); they shrink with the image.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from octlessons.images._resizing import resize_image, size_of
from octlessons.images.retina import Retina, checked, find_layers, find_layers_of

#: Height of the flattened baseline, as a share of the image's height from the top.
TARGET = 0.65
#: What is kept above and below it, as shares of the height: 0.8 mm, room for a retina swollen to
#: twice its thickness, and 0.34 mm, the thickness of the choroid.
ABOVE, BELOW = 0.42, 0.18

#: From this share of columns in doubt on, a cleaned scan should be looked at (`doubts`): a tenth.
DOUBTFUL = 0.1

_OFF = 0.02  # of the height, 38 µm: more than an RPE, less than most drusen

_WHITE = 245, 225  # a wedge is 255; JPEG takes a little off its edge, shrinking takes more
_SMALL = 200  # images with a side shorter than this were shrunk


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
    ValueError
        If this is not one grey image of 8 bits.
    """
    from scipy import ndimage

    image = checked(image)
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
    image = checked(image)
    mask = wedge_mask(image) if mask is None else np.asarray(mask, bool)
    filled = image.copy()
    if mask.any():
        _fill(filled, mask, mask)
        for seen, marked in ((filled, mask), (filled[:, ::-1], mask[:, ::-1])):
            _mirror(seen, marked)
    return filled


def find_rpe(image: np.ndarray) -> np.ndarray:
    """Find the retinal pigment epithelium (RPE) in every column.

    The line follows the RPE over drusen and detachments. `find_layers` finds it, together with
    the other layers, how sure it is, and the smooth floor beneath (`Retina.floor`).

    Parameters
    ----------
    image : ndarray of uint8, shape (h, w)
        With or without white wedges.

    Returns
    -------
    ndarray of float32, shape (w,)
        Row of the upper edge of the RPE, from 0 for the centre of the top row.
    """
    return find_layers(image).rpe


def find_baseline(image: np.ndarray) -> np.ndarray:
    """Find the smooth line on which the retina lies where nothing lifts it: Bruch's membrane.

    Parameters
    ----------
    image : ndarray of uint8, shape (h, w)

    Returns
    -------
    ndarray of float32, shape (w,)
        `Retina.floor`: a stiff curve beneath drusen, detachments and fluid.
    """
    return find_layers(image).floor


def flatten(
    image: np.ndarray, line: np.ndarray | None = None, *, target: float = TARGET
) -> np.ndarray:
    """Shift every column up or down so that the retina lies straight at a fixed height.

    Parameters
    ----------
    image : ndarray of uint8, shape (h, w)
        Without wedges (see `remove_wedges`): they would be bent with the rest.
    line : ndarray of float, shape (w,), optional
        What becomes straight: a row in every column. Without it `find_baseline`, so that drusen
        and detachments stay as bumps upon it. `find_rpe` would press the lesions flat.
    target : float
        Where the line goes, as a share of the height from the top.

    Returns
    -------
    ndarray of uint8, shape (h, w)
        Rows between two pixels are interpolated linearly. What comes in from outside the image is
        filled from the scan's own background, the same every time.
    """
    image = checked(image)
    if not 0 < target < 1:
        raise ValueError(f"`target` is a share of the height between 0 and 1, not {target}.")
    line = find_baseline(image) if line is None else _checked_line(line, image)
    return shift_columns(image, line - target * (image.shape[0] - 1))


def crop(
    image: np.ndarray, top: float = TARGET - ABOVE, bottom: float = TARGET + BELOW
) -> np.ndarray:
    """Cut out the rows between two heights.

    The defaults fit a flattened scan: from `ABOVE` its baseline to `BELOW` it.

    Parameters
    ----------
    image : ndarray of uint8, shape (h, w)
    top, bottom : float
        Shares of the height, 0 at the top and 1 at the bottom.

    Returns
    -------
    ndarray of uint8, shape (rows, w)
    """
    image = checked(image)
    if not 0 <= top < bottom <= 1:
        raise ValueError(f"Crop between 0 and 1 with top < bottom, not {top} to {bottom}.")
    first, last = (round(share * image.shape[0]) for share in (top, bottom))
    return image[first : max(last, first + 1)].copy()


def clean(
    image: np.ndarray, size: int | tuple[int, int] | None = None, *, target: float = TARGET
) -> np.ndarray:
    """Fill wedges, flatten to the baseline, crop to the retina and resize.

    ``images.map(clean, "cleaned")`` does it for a whole set, and
    ``images.map(functools.partial(clean, size=64), "cleaned", shape=(64, 64))`` at one size.

    Parameters
    ----------
    image : ndarray of uint8, shape (h, w)
    size : int or (int, int), optional
        Height and width of the result; without it the width is kept and the height is 60 %.
    target : float
        Where the baseline lies before cropping, see `flatten`; `ABOVE` of the height is kept above
        it and `BELOW` beneath, as far as the image goes.

    Returns
    -------
    ndarray of uint8
        A scan that cannot be cleaned well comes back all the same: `doubts` tells which.
    """
    line = find_baseline(image)
    flat = flatten(remove_wedges(image), line, target=target)
    cut = crop(flat, max(0.0, target - ABOVE), min(1.0, target + BELOW))
    if size is None:
        return cut
    return resize_image(cut, size_of(size))


def doubts(images, retinas: Sequence[Retina] | None = None) -> dict[str, np.ndarray]:
    """In how much of each scan `clean` is not to be trusted, and why.

    No scan is cleaned in vain without a sign of it in the lines that were found: three such signs
    are counted. Sort a set by their sum and look at the scans from `DOUBTFUL` on.

    Parameters
    ----------
    images : ImageSet, ndarray of shape (n, h, w), or list of arrays of shape (h, w)
        Grey scans as they are.
    retinas : sequence of Retina, optional
        What is in them; without, `find_layers_of` finds it.

    Returns
    -------
    dict of str to ndarray of float, shape (n,)
        Shares of the columns, 0 to 1: "membrane unsure", where the confidence in Bruch's membrane
        is below one half; "curve off the membrane", where the stiff curve runs more than 2 % of
        the height beside a membrane that is sure, as in eyes too steep for it; "retina cut off",
        where the inner surface lies above what is kept.

    Raises
    ------
    ValueError
        If retinas do not fit the images.
    """
    retinas = find_layers_of(images) if retinas is None else list(retinas)
    if len(retinas) != len(images):
        raise ValueError(
            f"There are {len(images)} images but {len(retinas)} retinas: give one for each."
        )
    found = np.zeros((3, len(retinas)))
    for i, retina in enumerate(retinas):
        height = images[i].shape[0]
        sure = retina.confidence[2] >= 0.5
        off = np.abs(retina.floor - retina.bm) > _OFF * height
        high = retina.ilm < retina.floor - ABOVE * (height - 1)
        found[:, i] = (~sure).mean(), (off & sure).mean(), high.mean()
    return dict(
        zip(("membrane unsure", "curve off the membrane", "retina cut off"), found, strict=True)
    )


def shift_columns(image: np.ndarray, shift: np.ndarray) -> np.ndarray:
    """Move every column up by its own number of rows, as `flatten` does.

    Parameters
    ----------
    image : ndarray of uint8, shape (h, w)
    shift : ndarray of float, shape (w,)
        Rows by which each column moves up; linear between two pixels.

    Returns
    -------
    ndarray of uint8, shape (h, w)
        What comes in from outside is filled from the scan's own background.
    """
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


def bright_row(image: np.ndarray) -> float:
    """Height of the brightest row, as a share from the top: a rough place of the retina.

    Parameters
    ----------
    image : ndarray, shape (h, w) or (h, w, 3)
        In uint8, white from 254 on counts as a wedge and not as tissue.
    """
    image = np.asarray(image)
    values = image.astype(float)
    if image.dtype == np.uint8:
        values[image >= 254] = 0
    rows = values.mean(axis=tuple(range(1, image.ndim)))
    return float((np.argmax(rows) + 0.5) / len(rows))


# ---------------------------------------------------------------------- inside


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


def _checked_line(line: np.ndarray, image: np.ndarray) -> np.ndarray:
    line = np.asarray(line, float)
    if line.shape != (image.shape[1],) or not np.isfinite(line).all():
        raise ValueError(
            f"`line` gives one finite row for each of the {image.shape[1]} columns; this has shape "
            f"{line.shape}" + ("." if line.shape != (image.shape[1],) else " and gaps in it.")
        )
    return line
