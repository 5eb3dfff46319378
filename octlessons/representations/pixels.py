"""`Pixels`: the simplest representation, the image itself at a small size."""

from __future__ import annotations

import numpy as np

from octlessons.errors import OctlessonsError
from octlessons.images.checks import as_images, check_image, image_name, to_uint8, to_unit
from octlessons.images.imageset import resize_image, size_of
from octlessons.representations.transformer import ImageTransformer, check_counts


class Pixels(ImageTransformer):
    """Turn each image into the row of its pixels, at one common size.

    Parameters
    ----------
    size : int or (int, int), default 64
        Height and width, in pixels, to which every image is resized (anti-aliased, the whole
        image, so its proportions may change). One number means a square.
    standardise : bool, default False
        Give each image mean 0 and standard deviation 1, so that brightness and contrast no
        longer count. A flat image becomes a row of zeros.
    clean : bool, default False
        Clean each image before resizing (`octlessons.images.cleaning.clean`): white wedges
        filled, the retinal pigment epithelium found and laid on a straight line, cropped to the
        retina.
    batch_size : int, default 256
        Number of images held in memory at once, besides the features.
    n_jobs : int, optional
        Workers (joblib): threads that read and resize, or processes when `clean` is set.
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
    `sklearn.preprocessing.Normalizer`.

    Examples
    --------
    >>> import numpy as np
    >>> images = np.full((3, 100, 150), 255, np.uint8)
    >>> rows = Pixels(size=8).fit_transform(images)
    >>> rows.shape, rows.dtype.name, float(rows.max())
    ((3, 64), 'float32', 1.0)
    """

    def __init__(self, size=64, standardise=False, clean=False, batch_size=256, n_jobs=None):
        self.size = size
        self.standardise = standardise
        self.clean = clean
        self.batch_size = batch_size
        self.n_jobs = n_jobs

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.requires_fit = False
        return tags

    def fit(self, X, y=None):
        """Check the parameters and the images; nothing is learnt.

        Parameters
        ----------
        X : ImageSet, ndarray of shape (n, h, w), or list of 2-D arrays
            Grey images. uint8 counts 0 black to 255 white, uint16 to 65535; floats lie in 0…1.
        y : ignored

        Raises
        ------
        ValueError
            If a parameter is out of range, or these are no grey images. The pixels themselves are
            looked at by `transform`.
        """
        shape = self._shape()
        as_images(X)
        self.image_shape_ = shape
        self.n_features_out_ = self._n_features_out
        return self

    def transform(self, X):
        """Resize the images and lay each out as a row.

        Parameters
        ----------
        X : as for `fit`

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
        OctlessonsError
            If an image cannot be cleaned.
        """
        shape = self._shape()
        images = as_images(X)
        n = len(images)
        rows = np.empty((n, shape[0] * shape[1]), np.float32)
        for start in range(0, n, self.batch_size):
            stop = min(start + self.batch_size, n)
            block = self._block(X, images, range(start, stop), shape)
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
            In the units of the rows; values out of range are not clipped.
        """
        shape = self._shape()
        rows = np.atleast_2d(np.asarray(X, np.float32))
        if rows.ndim != 2 or rows.shape[1] != shape[0] * shape[1]:
            raise ValueError(
                f"Rows of {shape[0]} × {shape[1]} pixels have {shape[0] * shape[1]} numbers; "
                f"these have shape {rows.shape}. Use the Pixels that made them."
            )
        return rows.reshape(-1, *shape)

    # ------------------------------------------------------------------ inside

    @property
    def _n_features_out(self) -> int:
        height, width = self._shape()
        return height * width

    def _shape(self) -> tuple[int, int]:
        check_counts(self, "batch_size")
        return size_of(self.size, "`size`")

    def _block(self, given, images, which: range, shape: tuple[int, int]) -> np.ndarray:
        whole = isinstance(images, np.ndarray) and images.dtype == np.uint8
        if whole and images.shape[1:] == shape and not self.clean:
            block = images[which.start : which.stop]
            return to_unit(block, "the images").reshape(len(which), -1)
        named = [(i, image_name(given, i)) for i in which]
        if self.n_jobs in (None, 1):
            return np.stack([_row(images[i], name, shape, self.clean) for i, name in named])
        from joblib import Parallel, delayed

        if self.clean:  # computing: processes, which need the pixels sent to them
            jobs = (delayed(_row)(images[i], name, shape, True) for i, name in named)
        else:  # reading files and resizing: threads
            jobs = (delayed(_read_row)(images, i, name, shape) for i, name in named)
        prefer = "processes" if self.clean else "threads"
        return np.stack(Parallel(n_jobs=self.n_jobs, prefer=prefer)(jobs))


def _row(image: np.ndarray, name: str, shape: tuple[int, int], cleaned: bool) -> np.ndarray:
    image = np.asarray(image)
    check_image(image, name)
    if not cleaned:
        image = image if image.dtype == np.uint8 else to_unit(image, name)
        return to_unit(resize_image(image, shape), name).ravel()
    from octlessons.images.cleaning import clean

    try:
        small = clean(to_uint8(image, name), size=shape)
    except ValueError as problem:
        raise OctlessonsError(f"{name} could not be cleaned: {problem}") from problem
    return to_unit(small, name).ravel()


def _read_row(images, i: int, name: str, shape: tuple[int, int]) -> np.ndarray:
    return _row(images[i], name, shape, False)
