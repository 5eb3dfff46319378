"""Another size for an image, and for the truth that belongs to its pixels."""

from __future__ import annotations

from numbers import Real

import numpy as np


def size_of(size, what: str = "A size") -> tuple[int, int]:
    """Height and width that a `size` asks for.

    Parameters
    ----------
    size : int or (int, int)
        One number for a square.
    what : str
        How the sentence calls it.

    Raises
    ------
    ValueError
        If it is no size.
    """
    sides = (size, size) if np.ndim(size) == 0 else tuple(size)
    numbers = all(isinstance(side, Real) and not isinstance(side, bool) for side in sides)
    if len(sides) != 2 or not numbers or not all(side >= 1 and side % 1 == 0 for side in sides):
        raise ValueError(
            f"{what} is one or two positive whole numbers of pixels, height and width, "
            f"not {size!r}."
        )
    return int(sides[0]), int(sides[1])


def resize_image(image: np.ndarray, shape: tuple[int, int], fit: str = "stretch") -> np.ndarray:
    """Resize one image, anti-aliased.

    Parameters
    ----------
    image : ndarray of uint8, shape (h, w) or (h, w, 3)
    shape : (int, int)
        New height and width, in pixels.
    fit : {"stretch", "crop"}
        See `ImageSet.resize`.

    Returns
    -------
    ndarray of uint8, shape `shape` (and the 3 channels, if there were any)
    """
    from PIL import Image

    image = image[window(image.shape[:2], shape, fit)]
    if image.shape[:2] == tuple(shape):
        return np.array(image)
    # Pillow widens its filter when it shrinks, so every old pixel counts.
    whole = Image.fromarray(np.ascontiguousarray(image))
    small = whole.resize((shape[1], shape[0]), Image.Resampling.BILINEAR)
    return np.asarray(small)


def window_shape(old, new: tuple[int, int], fit: str) -> tuple[int, int]:
    """Height and width of the window of `old` that becomes the new image."""
    if fit == "stretch":
        return old
    scale = min(old[0] / new[0], old[1] / new[1])
    return max(1, round(new[0] * scale)), max(1, round(new[1] * scale))


def window(old, new: tuple[int, int], fit: str) -> tuple[slice, slice]:
    """Rows and columns of that window."""
    height, width = window_shape(old, new, fit)
    top, left = (old[0] - height) // 2, (old[1] - width) // 2
    return slice(top, top + height), slice(left, left + width)


def resize_boundaries(boundaries: np.ndarray, old, new: tuple[int, int], fit: str) -> np.ndarray:
    """Rows of boundaries (n, layers, w) in images of the new size."""
    rows, columns = window(old, new, fit)
    inside = boundaries[..., columns]
    height, width = rows.stop - rows.start, columns.stop - columns.start
    # Column centres of the new image, counted in old columns; rows move with their centres too.
    at = np.clip((np.arange(new[1]) + 0.5) * width / new[1] - 0.5, 0, width - 1)
    left = np.floor(at).astype(int)
    share = (at - left).astype(np.float32)
    right = np.minimum(left + 1, width - 1)
    sampled = inside[..., left] * (1 - share) + inside[..., right] * share
    return (sampled - rows.start + 0.5) * (new[0] / height) - 0.5


def resize_masks(masks: np.ndarray, shape: tuple[int, int], fit: str) -> np.ndarray:
    """Masks (n, h, w) at the new size; each pixel takes the value of the nearest old one."""
    masks = masks[(slice(None), *window(masks.shape[1:], shape, fit))]
    rows, columns = (
        ((np.arange(new) + 0.5) * old / new).astype(int)
        for new, old in zip(shape, masks.shape[1:], strict=True)
    )
    return masks[:, rows[:, None], columns]
