"""Whether these are images, asked and answered in one way everywhere.

Wrong images are a `ValueError`, whose sentence names the image: by its file where the set knows it.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence

import numpy as np


def as_images(images, colour: bool = False):
    """Check that these are images, and give them as one indexable sequence.

    ``len()`` and ``[i]`` work on the result. What is lazy is not read: its images are looked at
    by `check_image` when they are.

    Parameters
    ----------
    images : ImageSet, LazyImages, ndarray of shape (n, h, w) or (n, h, w, 3), or list of arrays
    colour : bool
        Whether images in colour, (h, w, 3), are taken beside grey ones.

    Returns
    -------
    ndarray, LazyImages, or list of ndarray

    Raises
    ------
    ValueError
        If there are none, or they have another shape; the sentence says how to change it.
    """
    images = getattr(images, "images", images)  # of an ImageSet
    if isinstance(images, np.ndarray) and images.dtype.kind == "O" and images.ndim == 1:
        images = list(images)  # images of different sizes, gathered by NumPy
    if isinstance(images, list | tuple):
        images = [np.asarray(image) for image in images]
        for i, image in enumerate(images):
            check_image(image, f"Image {i}", colour)
    elif isinstance(images, Sequence):
        shape = getattr(images, "image_shape", None)
        if shape is not None and (advice := _advice(shape, "images", colour)):
            raise ValueError(f"The images have shape {tuple(shape)}: {advice}.")
    else:
        images = np.asarray(images)
        check_array(images, colour)
    if len(images) == 0:
        raise ValueError("There are no images here: at least one is needed.")
    return images


def check_array(images: np.ndarray, colour: bool = False) -> None:
    """Refuse an array that is not (n, h, w), or (n, h, w, 3) with `colour`; as `as_images`."""
    shapes = "(n, h, w) or (n, h, w, 3)" if colour else "(n, h, w)"
    if images.ndim == 2:
        raise ValueError(
            f"Images have shape {shapes}; this is a single 2-D array of shape {images.shape}. For "
            "one image write [image]; rows of features need no representation. Expected 3D array, "
            "got 2D array instead."
        )
    if advice := _advice(images.shape[1:], "images", colour):
        raise ValueError(
            f"Images have shape {shapes}; this array has shape {images.shape}: {advice}."
        )
    if len(images) and 0 in images.shape[1:]:
        raise ValueError(f"The images have no pixels: the array has shape {images.shape}.")


def check_image(image: np.ndarray, name: str, colour: bool = False) -> None:
    """Refuse what is not one image.

    Parameters
    ----------
    image : ndarray
    name : str
        How the sentence calls it; see `image_name`.
    colour : bool
        As for `as_images`.

    Raises
    ------
    ValueError
        If it has another shape, or no pixels.
    """
    if image.dtype.kind in "USO":
        raise ValueError(
            f"Pixels are numbers; those of {name} have dtype {image.dtype}. Files are read with "
            "octlessons.images.load_images."
        )
    if advice := _advice(image.shape, "image", colour):
        raise ValueError(f"{name} has shape {image.shape}: {advice}.")
    if image.size == 0:
        raise ValueError(
            f"{name} has shape {image.shape}, no pixels: leave it out, or read it again."
        )


def _advice(shape: Sequence[int], what: str, colour: bool) -> str:
    """What is wrong with the shape of one image, and how to mend it; "" for nothing."""
    every = ":, " if what == "images" else ""
    if len(shape) == 2 or (len(shape) == 3 and shape[2] == 3 and colour):
        return ""
    grey = "" if colour else ", then make each grey with skimage.color.rgb2gray"
    if len(shape) == 3:
        if shape[2] == 3:
            return (
                "colour, but grey images are needed: read the folder with grey=True, or call "
                "skimage.color.rgb2gray on each"
            )
        if shape[2] == 1:
            return f"take the one channel out with {what}[..., 0]"
        if shape[0] == 1:
            return f"take the one channel out with {what}[{every}0]"
        if shape[0] == 3:
            axes = "0, 2, 3, 1" if every else "1, 2, 0"
            return f"put the channels last with {what}.transpose({axes}){grey}"
        if shape[2] == 4:
            return f"leave out transparency with {what}[..., :3]{grey}"
    return (
        "an image has shape (height, width)"
        + (", or (height, width, 3) in colour" if colour else "")
        + ". Give an ImageSet, one array of all images, or a list of arrays"
    )


def image_name(images, i: int) -> str:
    """How a sentence calls image `i`: by its file where that is known, else by its number.

    Parameters
    ----------
    images : as for `as_images`
        As they were given, before `as_images`, which takes the names off an `ImageSet`.
    i : int
    """
    names = getattr(images, "names", None)
    return f"Image {i}" if names is None else str(names[i])


def to_unit(pixels: np.ndarray, name: str) -> np.ndarray:
    """Pixels as new float32 in 0…1, by the range of their type.

    Parameters
    ----------
    pixels : ndarray
        uint8 counts to 255, uint16 to 65,535; other whole numbers lie in 0…255, floats in 0…1.
    name : str
        How the sentence calls the image.

    Raises
    ------
    ValueError
        If pixels are NaN, infinite, out of range, or no numbers.
    """
    kind = pixels.dtype
    if kind == np.uint8:
        return pixels * np.float32(1 / 255)
    if kind == np.uint16:
        return pixels * np.float32(1 / 65535)
    if kind.kind == "b":
        return pixels.astype(np.float32)
    if kind.kind not in "fiu":
        raise ValueError(f"Pixels are numbers; those of {name} have dtype {kind}.")
    low, high = pixels.min(), pixels.max()  # NaN if any is
    if not (np.isfinite(low) and np.isfinite(high)):
        raise ValueError(
            f"{name} contains NaN or infinity; mend it (numpy.nan_to_num) or leave it out."
        )
    top = 1 if kind.kind == "f" else 255
    if low < -1e-4 * top or high > 1.0001 * top:
        raise ValueError(
            f"{kind} pixels lie in 0…{top}, but those of {name} go from {low:g} to {high:g}: "
            "scale them, or give uint8."
        )
    return pixels.astype(np.float32) if top == 1 else pixels * np.float32(1 / 255)


def to_uint8(image: np.ndarray, name: str) -> np.ndarray:
    """Pixels as uint8 by the rules of `to_unit`; those that are already stay the same array."""
    if image.dtype == np.uint8:
        return image
    return np.round(to_unit(image, name) * 255).astype(np.uint8)


def check_uint8(pixels: np.ndarray, name: str) -> None:
    """Refuse pixels that an `ImageSet` cannot keep as they are.

    Raises
    ------
    ValueError
        If they are not uint8; the sentence says how they become so.
    """
    if pixels.dtype == np.uint8:
        return
    advice = "scale them to 0…255 and call .astype('uint8')"
    if pixels.dtype == np.uint16 or pixels.dtype.kind in "fb":
        with contextlib.suppress(ValueError):
            to_unit(pixels, name)
            advice = "skimage.util.img_as_ubyte makes them so"
    raise ValueError(
        f"An image set keeps pixels as uint8, 0 black to 255 white; those of {name} are "
        f"{pixels.dtype}: {advice}."
    )


def whole_numbers(values, what: str) -> np.ndarray:
    """Whole numbers; a fraction is a mistake, not something to round."""
    values = np.asarray(values)
    if values.ndim == 2 and values.shape[1] == 1:  # as MedMNIST stores labels
        values = values[:, 0]
    given = set(values.ravel().tolist()) if values.dtype.kind in "OUS" else set()
    if None in given:
        why = "None is among them: leave those images out, or give them a class of their own"
    elif values.dtype.kind in "US":
        why = "these are text: class_names, labels = np.unique(texts, return_inverse=True)"
    elif values.ndim != 1:
        why = f"one for each image, in a row; these have shape {values.shape}"
    else:
        with contextlib.suppress(TypeError, ValueError):
            whole = values.astype(float)
            if (np.isfinite(whole) & (whole == whole.round())).all():
                return values.astype(int)
        why = "there is a fraction, NaN or infinity among them"
    raise ValueError(f"{what} must be whole numbers ({why}).")
