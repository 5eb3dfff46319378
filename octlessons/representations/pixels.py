"""`Pixels`: the simplest representation, the image itself at a small size."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from numbers import Integral

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin

from octlessons.errors import OctlessonsError
from octlessons.images.imageset import ImageSet, LazyImages, resize_image


class Pixels(TransformerMixin, BaseEstimator):
    """Turn each image into the row of its pixels, at one common size.

    Parameters
    ----------
    size : int or (int, int), default 64
        Height and width, in pixels, to which every image is resized (anti-aliased, the whole
        image, so its proportions may change). One number means a square.
    standardise : bool, default False
        Give each image mean 0 and standard deviation 1, so that brightness and contrast no
        longer count. A flat image becomes a row of zeros.
    flatten : bool, default False
        Clean each image before resizing (`octlessons.images.cleaning.clean`): white wedges
        filled, the retinal pigment epithelium found and laid on a straight line, cropped to the
        retina.
    batch_size : int, default 256
        Number of images held in memory at once, besides the features.
    n_jobs : int, optional
        Workers (joblib): threads that read and resize, or processes when `flatten` is set.
        None means 1; -1 means one for each core.

    Attributes
    ----------
    image_shape_ : (int, int)
        Height and width, in pixels, of the small image behind a row. Set by `fit`.
    n_features_out_ : int
        Length of a row: height × width. Set by `fit`.

    Notes
    -----
    Nothing is learnt from the images, so `transform` works without `fit`, as it does for
    `sklearn.preprocessing.Normalizer`. Images may differ in size; there is therefore no
    ``n_features_in_``, as for scikit-learn's text vectorisers.

    Examples
    --------
    >>> import numpy as np
    >>> images = np.full((3, 100, 150), 255, np.uint8)
    >>> rows = Pixels(size=8).fit_transform(images)
    >>> rows.shape, rows.dtype.name, float(rows.max())
    ((3, 64), 'float32', 1.0)
    """

    def __init__(self, size=64, standardise=False, flatten=False, batch_size=256, n_jobs=None):
        self.size = size
        self.standardise = standardise
        self.flatten = flatten
        self.batch_size = batch_size
        self.n_jobs = n_jobs

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False
        tags.input_tags.three_d_array = True
        tags.requires_fit = False
        tags.transformer_tags.preserves_dtype = ["float32"]
        return tags

    def fit(self, images, y=None):
        """Check the parameters and the images; nothing is learnt.

        Parameters
        ----------
        images : ImageSet, ndarray of shape (n, h, w), or list of 2-D arrays
            Grey images. uint8 counts 0 black to 255 white, uint16 to 65535; floats lie in 0…1.
        y : None
            Ignored.

        Returns
        -------
        Pixels
            Itself.

        Raises
        ------
        ValueError
            If a parameter is out of range, there is no image, or images are not an array
            (n, h, w), an `ImageSet` or a list of 2-D arrays. The pixels themselves are looked at
            by `transform`, once, when they are read.
        """
        shape = self._shape()
        as_images(images)
        self.image_shape_ = shape
        self.n_features_out_ = shape[0] * shape[1]
        return self

    def transform(self, images):
        """Resize the images and lay each out as a row.

        Parameters
        ----------
        images : ImageSet, ndarray of shape (n, h, w), or list of 2-D arrays
            As for `fit`.

        Returns
        -------
        ndarray of float32, shape (n, height × width)
            Row by row from the top left, in 0…1; with `standardise`, in standard deviations from
            the image's own mean.

        Raises
        ------
        ValueError
            As `fit`; or if a pixel is NaN, infinite or out of range. The sentence says which
            image.
        """
        shape = self._shape()
        images = as_images(images)
        n = len(images)
        rows = np.empty((n, shape[0] * shape[1]), np.float32)
        for start in range(0, n, self.batch_size):
            stop = min(start + self.batch_size, n)
            block = self._block(images, start, stop, shape)
            if self.standardise:
                block -= block.mean(axis=1, keepdims=True)
                spread = block.std(axis=1, keepdims=True)
                block /= np.where(spread > 1e-6, spread, 1)
            rows[start:stop] = block
        return rows

    def inverse_transform(self, X):
        """Turn rows back into small images, to look at centroids or components.

        Parameters
        ----------
        X : array_like of float, shape (n, height × width)
            Rows as `transform` gives them.

        Returns
        -------
        ndarray of float32, shape (n, height, width)
            In the units of the rows: 0…1, or standard deviations with `standardise`. Values out
            of range, which a centroid of PCA scores may have, are not clipped.

        Raises
        ------
        ValueError
            If the rows have another length than this representation gives.
        """
        shape = self._shape()
        rows = np.atleast_2d(np.asarray(X, np.float32))
        if rows.ndim != 2 or rows.shape[1] != shape[0] * shape[1]:
            raise ValueError(
                f"Rows of {shape[0]} × {shape[1]} pixels have {shape[0] * shape[1]} numbers; "
                f"these have shape {rows.shape}. Use the Pixels that made them."
            )
        return rows.reshape(-1, *shape)

    def get_feature_names_out(self, input_features=None):
        """Name the features after their place: ``pixel_<row>_<column>``.

        Parameters
        ----------
        input_features : None
            Ignored: images have no feature names.

        Returns
        -------
        ndarray of str, shape (height × width,)
        """
        height, width = self._shape()
        names = [f"pixel_{row}_{column}" for row in range(height) for column in range(width)]
        return np.asarray(names, dtype=object)

    # ------------------------------------------------------------------ inside

    def _shape(self) -> tuple[int, int]:
        sides = (self.size, self.size) if np.isscalar(self.size) else tuple(self.size)
        if len(sides) != 2 or not all(isinstance(s, Integral) and s >= 1 for s in sides):
            raise ValueError(
                f"`size` is one or two positive whole numbers of pixels, not {self.size!r}."
            )
        if not isinstance(self.batch_size, Integral) or self.batch_size < 1:
            raise ValueError(
                f"`batch_size` is a positive whole number of images, not {self.batch_size!r}."
            )
        return operator.index(sides[0]), operator.index(sides[1])

    def _block(self, images, start: int, stop: int, shape: tuple[int, int]) -> np.ndarray:
        which = range(start, stop)
        if not self.flatten and isinstance(images, np.ndarray) and images.shape[1:] == shape:
            return _scaled(images[start:stop], start).reshape(len(which), -1)
        if self.n_jobs in (None, 1):
            rows = [_row(images[i], i, shape, self.flatten) for i in which]
        else:
            from joblib import Parallel, delayed

            if self.flatten:  # computing: processes, which need the pixels sent to them
                jobs = (delayed(_row)(images[i], i, shape, True) for i in which)
            else:  # reading files and resizing: threads
                jobs = (delayed(_read_row)(images, i, shape) for i in which)
            prefer = "processes" if self.flatten else "threads"
            rows = Parallel(n_jobs=self.n_jobs, prefer=prefer)(jobs)
        return np.stack(rows)


def as_images(images) -> np.ndarray | LazyImages | Sequence[np.ndarray]:
    """Check that these are grey images, and give them as one indexable sequence.

    For representations: ``len()`` and ``[i]`` work on the result, and nothing lazy is read.

    Parameters
    ----------
    images : ImageSet, ndarray of shape (n, h, w), or list of 2-D arrays

    Returns
    -------
    ndarray, LazyImages or list of ndarray

    Raises
    ------
    ValueError
        If there are none, or they have another shape.
    """
    if isinstance(images, ImageSet):
        images = images.images
    if isinstance(images, LazyImages):
        shape = images.image_shape
        if shape is not None and len(shape) == 3:
            raise ValueError(_NOT_GREY.format(what="The images have", shape=tuple(shape)))
    elif isinstance(images, list | tuple):
        images = [np.asarray(image) for image in images]
        for i, image in enumerate(images):
            _check_one(image, i)
    else:
        images = np.asarray(images)
        if images.ndim == 2:
            raise ValueError(
                f"Images have shape (n, h, w); this is a single 2-D array of shape "
                f"{images.shape}. For one image write [image]; rows of features need no "
                "representation. Expected 3D array, got 2D array instead."
            )
        if images.ndim == 4:
            raise ValueError(_NOT_GREY.format(what="The array has", shape=images.shape))
        if images.ndim != 3:
            raise ValueError(
                f"Images have shape (n, h, w); this array has shape {images.shape}. Give an "
                "ImageSet, an array (n, h, w), or a list of 2-D arrays."
            )
        if 0 in images.shape[1:]:
            raise ValueError(f"The images have no pixels: the array has shape {images.shape}.")
    if len(images) == 0:
        raise ValueError("There are no images here: at least one is needed.")
    return images


_NOT_GREY = (
    "{what} shape {shape}, but grey images are needed: read the folder with grey=True, or call "
    "skimage.color.rgb2gray on each."
)


def _check_one(image: np.ndarray, i: int) -> None:
    if image.ndim == 3:
        raise ValueError(_NOT_GREY.format(what=f"Image {i} has", shape=image.shape))
    if image.ndim != 2 or image.size == 0:
        raise ValueError(
            f"Image {i} has shape {image.shape}; an image is a 2-D array (height, width) with at "
            "least one pixel. Leave it out, or read it again."
        )


def _scaled(images: np.ndarray, first: int = 0) -> np.ndarray:
    """Return pixels as new float32 in 0…1; `first` is the number of the first image."""
    kind = images.dtype
    if kind == np.uint8:
        return images * np.float32(1 / 255)
    if kind == np.uint16:
        return images * np.float32(1 / 65535)
    if kind.kind == "b":
        return images.astype(np.float32)
    if kind.kind not in "fiu":
        raise ValueError(f"Pixels are numbers; these have dtype {kind}.")
    low, high = images.min(), images.max()  # NaN if any is
    if not (np.isfinite(low) and np.isfinite(high)):
        bad = first + int(np.argmax(~np.isfinite(images).reshape(len(images), -1).all(axis=1)))
        raise ValueError(
            f"Image {bad} contains NaN or infinity; mend it (numpy.nan_to_num) or leave it out."
        )
    top = 1 if kind.kind == "f" else 255
    if low < -1e-4 * top or high > 1.0001 * top:
        raise ValueError(
            f"{kind} pixels lie in 0…{top}, but these go from {low:g} to {high:g}: scale them, "
            "or give uint8."
        )
    return images.astype(np.float32) if top == 1 else images * np.float32(1 / 255)


def _row(image: np.ndarray, i: int, shape: tuple[int, int], flatten: bool) -> np.ndarray:
    _check_one(image, i)
    if flatten:
        from octlessons.images.cleaning import clean

        if image.dtype != np.uint8:
            image = np.round(_scaled(image[None], i)[0] * 255).astype(np.uint8)
        try:
            small = clean(image, size=shape)
        except OctlessonsError as problem:
            raise OctlessonsError(f"Image {i} could not be flattened: {problem}") from problem
        return _scaled(small[None], i).ravel()
    if image.dtype != np.uint8:
        image = _scaled(image[None], i)[0]
    return _scaled(resize_image(image, shape)[None], i).ravel()


def _read_row(images, i: int, shape: tuple[int, int]) -> np.ndarray:
    return _row(images[i], i, shape, False)
