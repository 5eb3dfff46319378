"""Images for a network: any size, grey or colour, brought to one size in 8 bits."""

from __future__ import annotations

import contextlib
import hashlib
import math
import tempfile
from collections.abc import Iterator

import numpy as np

from octlessons.errors import OctlessonsError
from octlessons.images.imageset import ImageSet, LazyImages, resize_image
from octlessons.representations.pixels import _scaled
from octlessons.wording import count

#: Resized images of up to this many bytes are kept in memory while training; more go to a file.
IN_MEMORY = 256 << 20


@contextlib.contextmanager
def resized(images, size: int, channels: int, least: int) -> Iterator[tuple[np.ndarray, str]]:
    """All images at one size, in memory or in a temporary file, and a digest of their pixels."""
    images = as_pictures(images, channels)
    shape = (len(images), size, size) + ((3,) if channels == 3 else ())
    digest = hashlib.sha256(repr(shape).encode())
    with contextlib.ExitStack() as stack:
        if math.prod(shape) <= IN_MEMORY:
            pixels = np.empty(shape, np.uint8)
        else:
            try:
                file = stack.enter_context(tempfile.TemporaryFile(prefix="octlessons-"))
                pixels = np.memmap(file, np.uint8, "w+", shape=shape)
            except OSError as error:
                raise OctlessonsError(
                    f"{count(len(images), 'image')} of {size} px take {math.prod(shape) / 1e9:.1f} "
                    f"GB while training, for which {tempfile.gettempdir()} has no room "
                    f"({error.strerror or error}): take a smaller `size`, or set TMPDIR to a "
                    "folder on a larger disk."
                ) from error
        for i in range(len(images)):
            pixels[i] = small_picture(images, i, size, channels, least)
            digest.update(pixels[i])
        yield pixels, digest.hexdigest()[:16]


def small_picture(images, i: int, size: int, channels: int, least: int) -> np.ndarray:
    """Image `i` as uint8 at its new size, with its channels."""
    image = np.asarray(images[i])
    if image.ndim == 3 and image.shape[2] == 1:
        image = image[:, :, 0]
    _check_image(image, i, channels, least)
    if image.dtype != np.uint8:
        image = np.round(_scaled(image[None], i)[0] * 255).astype(np.uint8)
    small = resize_image(image, (size, size))
    if channels == 3 and small.ndim == 2:
        small = np.repeat(small[:, :, None], 3, axis=2)
    return small


def _check_image(image: np.ndarray, i: int, channels: int, least: int) -> None:
    if image.ndim == 3 and image.shape[2] == 3 and channels == 1:
        raise ValueError(_COLOUR.format(what=f"Image {i} has", shape=image.shape))
    if not (image.ndim == 2 or (image.ndim == 3 and image.shape[2] == 3)) or image.size == 0:
        raise ValueError(
            f"Image {i} has shape {image.shape}; an image has shape (height, width) or (height, "
            "width, 3), with at least one pixel. Leave it out, or read it again."
        )
    if min(image.shape[:2]) < least:
        raise ValueError(
            f"Image {i} has {image.shape[0]} × {image.shape[1]} px, smaller than the {least} px "
            "that become one place of the code: leave it out, or take a smaller `depth`."
        )


_COLOUR = (
    "{what} shape {shape}, colour, but this network is for grey images: take channels=3, or "
    "make them grey (skimage.color.rgb2gray)."
)


def as_pictures(images, channels: int):
    """Check that these are images, and give them as one indexable sequence; reads nothing."""
    if isinstance(images, ImageSet):
        images = images.images
    if isinstance(images, LazyImages):
        if images.image_shape is not None and len(images.image_shape) == 3 and channels == 1:
            raise ValueError(_COLOUR.format(what="The images have", shape=images.image_shape))
    elif not isinstance(images, list | tuple):
        images = np.asarray(images)
        if images.ndim == 4 and images.shape[3] == 3 and channels == 1:
            raise ValueError(_COLOUR.format(what="The array has", shape=images.shape))
        if images.ndim != 3 and not (images.ndim == 4 and images.shape[3] in (1, 3)):
            raise ValueError(
                f"Images have shape (n, h, w) or (n, h, w, 3); this array has shape "
                f"{images.shape}. For one image write [image]; rows of features need no "
                "representation."
            )
    if len(images) == 0:
        raise ValueError("There are no images here: at least one is needed.")
    return images
