"""`LazyImages`: images that are read when they are asked for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from octlessons.images._summary import by
from octlessons.images.checks import check_image, check_uint8, image_name


class LazyImages(Sequence):
    """Images that are read when they are asked for, one at a time.

    They can be pickled, and go to other processes, if `read` and what is mapped over them can.

    Parameters
    ----------
    read : callable
        ``read(i)`` returns image `i`, shape (h, w) or (h, w, 3), dtype uint8. It may raise
        `OctlessonsError` when the file has gone or changed.
    indices : array_like of int, or int
        Which images these are, as `read` counts them; an int n means 0 … n - 1.
    shape : tuple of int, optional
        The shape of one image, where all have the same; None for a side that differs.
    names : array_like of str, optional
        How sentences call the images; an `ImageSet` gives its own names.

    Raises
    ------
    ValueError
        When an image that is asked for is not uint8, or has another number of dimensions.
    """

    def __init__(
        self,
        read: Callable[[int], np.ndarray],
        indices: Sequence[int] | np.ndarray | int,
        shape: tuple[int | None, ...] | None = None,
        names: np.ndarray | None = None,
    ):
        self._read = read
        self._indices = (
            np.arange(indices)
            if isinstance(indices, int | np.integer)
            else np.asarray(indices, int)
        )
        self.image_shape = shape
        self.names = names

    def __len__(self) -> int:
        return len(self._indices)

    def __getitem__(self, item):
        if np.ndim(item) == 0 and not isinstance(item, slice):
            image, name = np.asarray(self._read(int(self._indices[item]))), image_name(self, item)
            check_image(image, name, colour=True)
            check_uint8(image, name)
            return np.require(image, requirements="CW")  # what torch can take as it is
        names = None if self.names is None else self.names[item]
        return LazyImages(self._read, self._indices[item], self.image_shape, names)

    def named(self, names: np.ndarray) -> LazyImages:
        """Return the same images with names."""
        return LazyImages(self._read, self._indices, self.image_shape, names)

    def detached(self) -> LazyImages:
        """Return the same images with a reader of these alone, small enough to send away."""
        if not hasattr(self._read, "subset"):
            return self
        reader = self._read.subset(self._indices)
        return LazyImages(reader, len(self), self.image_shape, self.names)

    def map(self, function: Callable[[np.ndarray], np.ndarray], shape=None) -> LazyImages:
        """Return images whose pixels are ``function(image)``, computed when asked for."""
        return LazyImages(_Mapped(self, function), len(self), shape, self.names)


@dataclass(frozen=True)
class _Mapped:
    images: LazyImages
    function: Callable[[np.ndarray], np.ndarray]

    def __call__(self, i: int) -> np.ndarray:
        return self.function(self.images[i])


def stacked(images: Sequence[np.ndarray], which, empty=None) -> np.ndarray:
    """Images of one size as an array; `empty` is the shape of an image where there are none."""
    block, first = None, 0
    for row, i in enumerate(which):
        image = images[i]
        if block is None:
            block, first = np.empty((len(which), *image.shape), image.dtype), i
        if image.shape != block.shape[1:]:
            names = f"{image_name(images, first)} and {image_name(images, i)}"
            raise ValueError(
                f"Images differ in size ({by(block.shape[1:])} and {by(image.shape)} px: "
                f"{names}), so they cannot be one array: call .resize(size) of a lazy set, or "
                "resize each with octlessons.images.imageset.resize_image."
            )
        block[row] = image
    if block is None:
        return np.zeros((0, *(side or 0 for side in empty or (0, 0))), np.uint8)
    return block
