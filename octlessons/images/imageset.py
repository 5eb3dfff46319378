"""`ImageSet`: images with everything that is known about them, whatever their source."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np

from octlessons.errors import OctlessonsError
from octlessons.images import _resizing
from octlessons.images._lazy import LazyImages, stacked
from octlessons.images._resizing import resize_image, size_of
from octlessons.images._summary import summary
from octlessons.images.checks import check_array, check_uint8, whole_numbers
from octlessons.images.provenance import Problem, Provenance
from octlessons.images.splits import held_out, refuse_copies
from octlessons.wording import html_table

__all__ = ["ImageSet", "LazyImages", "Problem", "Provenance", "resize_image", "size_of"]

#: What is known per image and travels with it through `ImageSet.subset`.
_PER_IMAGE = (
    *("labels", "patients", "sites", "sizes", "pixel_sizes", "names", "originals"),
    *("boundaries", "lesions"),
)


class ImageSet:
    """Images (n, h, w), their labels, and everything else known about them.

    Every source of the course gives this type: `draw_phantoms`, `read_folder`, `load_octmnist`.
    It is also what every representation takes.

    Parameters
    ----------
    images : ndarray or LazyImages
        Shape (n, h, w) or (n, h, w, 3), dtype uint8, 0 black to 255 white; or a `LazyImages`,
        whose images are read when asked for and may differ in size.
    labels : array_like of int, shape (n,), optional
        Index into `class_names`.
    class_names : sequence of str, optional
        Names of the classes, in the order of the labels.
    patients, sites, names : array_like of str, shape (n,), optional
        Patient id, acquisition site and file name of each image.
    originals : array_like of str, shape (n,), optional
        Name of the image that each was made from, where augmented copies are among them (set by
        `octlessons.augmentation.augment`); None for a set without copies.
    sizes : array_like of int, shape (n, 2), optional
        Height and width in pixels *as acquired*. `resize` does not change them: they are what
        gives a scanner away.
    pixel_sizes : array_like of float, shape (n, 2), optional
        Height and width of one pixel of the image as it is now, in µm (axial, lateral).
    boundaries : array_like of float, shape (n, layers, w), optional
        Row of each layer boundary in every column, in pixels; NaN where unknown. Phantoms only.
    lesions : array_like of uint8, shape (n, h, w), optional
        Which lesion a pixel belongs to, 0 for none. Phantoms only.
    provenance : Provenance, optional
        Where the images come from.

    Raises
    ------
    ValueError
        If the parts do not fit together; the sentence names the part.

    Examples
    --------
    >>> import numpy as np
    >>> scans = ImageSet(np.zeros((4, 8, 8), np.uint8), [0, 0, 1, 1], class_names=["A", "B"])
    >>> scans.counts()
    {'A': 2, 'B': 2}
    >>> len(scans[scans.labels == 1])
    2
    """

    def __init__(
        self,
        images,
        labels=None,
        *,
        class_names: Sequence[str] = (),
        patients=None,
        sites=None,
        sizes=None,
        pixel_sizes=None,
        names=None,
        originals=None,
        boundaries=None,
        lesions=None,
        provenance: Provenance | None = None,
    ):
        self.names = _texts(names)
        self.images: Any = _checked_images(images, self.names)
        self.class_names = tuple(str(name) for name in class_names)
        self.labels = None if labels is None else whole_numbers(labels, "Labels")
        self.patients = _texts(patients)
        self.sites = _texts(sites)
        self.originals = _texts(originals)
        self.sizes = None if sizes is None else np.asarray(sizes, int)
        self.pixel_sizes = None if pixel_sizes is None else np.asarray(pixel_sizes, float)
        self.boundaries = None if boundaries is None else np.asarray(boundaries, np.float32)
        self.lesions = None if lesions is None else np.asarray(lesions).astype(np.uint8, copy=False)
        self.provenance = provenance or Provenance("unnamed images")
        self._check()

    def _check(self) -> None:
        n = len(self.images)
        for part in _PER_IMAGE:
            values = getattr(self, part)
            if values is not None and len(values) != n:
                raise ValueError(
                    f"There are {n} images but {len(values)} {part.replace('_', ' ')}: "
                    "give one per image, in the same order."
                )
        _, height, width = self.shape[:3]
        for part, wanted in {
            "sizes": (n, 2),
            "pixel_sizes": (n, 2),
            "boundaries": (n, None, width),
            "lesions": (n, height, width),
        }.items():
            values = getattr(self, part)
            if values is not None and not _fits(values.shape, wanted):
                text = ", ".join("…" if side is None else str(side) for side in wanted)
                raise ValueError(
                    f"`{part}` has shape {values.shape}, but these images need ({text}): "
                    + ("height and width." if wanted[1:] == (2,) else "resize both together.")
                )
        if self.labels is not None and n:
            if not self.class_names:
                self.class_names = tuple(str(i) for i in range(self.labels.max() + 1))
            if self.labels.min() < 0 or self.labels.max() >= len(self.class_names):
                raise ValueError(
                    f"Labels go from {self.labels.min()} to {self.labels.max()}, but there are "
                    f"{len(self.class_names)} class names: a label counts class names from 0."
                )

    # ------------------------------------------------------------------ as a sequence of images

    def __len__(self) -> int:
        return len(self.images)

    def __iter__(self) -> Iterator[np.ndarray]:
        return (self.images[i] for i in range(len(self)))

    def __getitem__(self, item):
        if isinstance(item, tuple) and len(item) == 2 and item[1] is Ellipsis:
            item = item[0]  # as scikit-learn indexes rows of anything that has a shape
        if isinstance(item, int | np.integer):
            return self.images[int(item)]
        return self.subset(item)

    def __array__(self, dtype=None, copy=None) -> np.ndarray:
        return np.array(self.load().images, dtype=dtype, copy=copy)

    @property
    def is_lazy(self) -> bool:
        """Whether pixels are read only when asked for."""
        return isinstance(self.images, LazyImages)

    @property
    def shape(self) -> tuple[int | None, ...]:
        """(n, h, w), with None for what differs from image to image or is not known yet."""
        if self.is_lazy:
            return (len(self), *(self.images.image_shape or (None, None)))
        return self.images.shape

    # ------------------------------------------------------------------ choosing

    @property
    def patients_repeat(self) -> bool:
        """Whether patients are known and one of them has two scans or more.

        Only then can patients leak, be recognised, or make an interval wider.
        """
        return self.patients is not None and len(np.unique(self.patients)) < len(self)

    def subset(self, which) -> ImageSet:
        """Return some of the images, with all that is known about them.

        Parameters
        ----------
        which : slice, array of int, array of bool, class name, or list of class names
            Which images. Class names keep the numbering of the labels.

        Raises
        ------
        ValueError
            If a class name is unknown, a mask has another length than the set, or numbers are
            not whole.
        IndexError
            If there is no image of a number.
        """
        index = which if isinstance(which, slice) else self._indices(which)
        parts = {part: getattr(self, part) for part in _PER_IMAGE}
        chosen = {part: None if v is None else v[index] for part, v in parts.items()}
        return self.replace(images=self.images[index], **chosen)

    def _indices(self, which) -> np.ndarray:
        asked = np.atleast_1d(np.asarray(which))
        if asked.dtype.kind in "US":
            unknown = sorted(set(asked.tolist()) - set(self.class_names))
            if unknown or self.labels is None:
                known = ", ".join(self.class_names) or "none"
                raise ValueError(
                    f"No class called {', '.join(unknown) or asked[0]!s} here; known: {known}."
                )
            return np.flatnonzero(np.isin(np.asarray(self.class_names)[self.labels], asked))
        if asked.dtype.kind == "b":
            if asked.shape != (len(self),):
                raise ValueError(
                    f"The mask has {asked.size} entries for {len(self)} images; give one each."
                )
            return np.flatnonzero(asked)
        if asked.ndim > 1:
            raise ValueError(
                f"Choose images by a row of numbers or a mask, not by an array {asked.shape}."
            )
        return whole_numbers(asked, "Numbers of images")

    def balanced(self, n_per_class: int, random_state: int = 0) -> ImageSet:
        """Draw the same number of images of every class, at random.

        Parameters
        ----------
        n_per_class : int
            How many of each class.
        random_state : int
            Seed of the draw.

        Returns
        -------
        ImageSet
            ``n_per_class`` images of each class that occurs, in the set's own order.

        Raises
        ------
        ValueError
            If a class has fewer images than that; the sentence says which, and how many it has.
        OctlessonsError
            If there are no labels, or no images.
        """
        if n_per_class < 1:
            raise ValueError(f"Ask for at least 1 image per class, not {n_per_class}.")
        classes, n = np.unique(self._need_labels(), return_counts=True)
        if not len(self):
            raise OctlessonsError("There are no images here to draw from.")
        for label in classes[n < n_per_class][:1]:
            raise ValueError(
                f"Class {self.class_names[label]} has {n[classes == label][0]} images, fewer than "
                f"the {n_per_class} asked for: ask for at most {n.min()}."
            )
        rng = np.random.default_rng(random_state)
        members = [np.flatnonzero(self.labels == label) for label in classes]
        chosen = [rng.choice(rows, n_per_class, replace=False) for rows in members]
        drawn = self.subset(np.sort(np.concatenate(chosen)))
        return drawn.with_notes(f"{n_per_class} images drawn of each class (seed {random_state})")

    def split(
        self, test_size: float = 0.25, by: str = "patient", random_state: int = 0
    ) -> tuple[ImageSet, ImageSet]:
        """Split into a training and a test part.

        Parameters
        ----------
        test_size : float
            Share of the images for the test part, between 0 and 1; met as closely as whole
            patients allow.
        by : {"patient", "image"}
            ``"patient"`` puts all images of a patient on the same side, as it should be.
            ``"image"`` ignores patients: fit only for sets without patient ids, and for showing
            what goes wrong.
        random_state : int
            Seed of the split.

        Returns
        -------
        train, test : ImageSet
            Classes are shared out as evenly as whole patients allow.

        Raises
        ------
        ValueError
            If a parameter is out of range, or there are fewer than two patients or images.
        OctlessonsError
            If patients are not known, or the set holds augmented copies: split first, then
            augment the training part.
        """
        if by not in ("patient", "image"):
            raise ValueError(f"Split by 'patient' or by 'image', not by {by!r}.")
        refuse_copies(self.names, self.originals, by)
        if by == "patient" and self.patients is None:
            raise OctlessonsError(
                "This set has no patient ids, so it cannot be split by patient. Use the split its "
                "makers give, or by='image' knowing that scans of one eye may land on both sides."
            )
        groups = self.patients if by == "patient" else np.arange(len(self))
        in_test = held_out(groups, self.labels, test_size, random_state)
        kept = f"split by {by} (seed {random_state})"
        return (
            self.subset(~in_test).with_notes(f"training part of a {kept}"),
            self.subset(in_test).with_notes(f"test part of a {kept}"),
        )

    # ------------------------------------------------------------------ changing pixels

    def resize(self, size: int | tuple[int, int], fit: str = "stretch") -> ImageSet:
        """Return the images at another size (anti-aliased), truth kept aligned.

        Parameters
        ----------
        size : int or (int, int)
            Height and width in pixels; one number for a square.
        fit : {"stretch", "crop"}
            ``"stretch"`` shows the whole scan and changes its proportions. ``"crop"`` first cuts
            the largest centred window of the new proportions, as OCTMNIST was made.

        Raises
        ------
        ValueError
            If the size is not positive or `fit` is unknown.
        """
        shape = size_of(size)
        if fit not in ("stretch", "crop"):
            raise ValueError(f"`fit` is 'stretch' or 'crop', not {fit!r}.")
        truth: dict[str, Any] = {"boundaries": None, "lesions": None, "pixel_sizes": None}
        growth = self._pixel_growth(shape, fit)
        if self.pixel_sizes is not None and growth is not None:
            truth["pixel_sizes"] = self.pixel_sizes * growth
        if not self.is_lazy and len(self):
            if self.boundaries is not None:
                old = self.images.shape[1:3]
                truth["boundaries"] = _resizing.resize_boundaries(self.boundaries, old, shape, fit)
            if self.lesions is not None:
                truth["lesions"] = _resizing.resize_masks(self.lesions, shape, fit)
        note = f"resized to {shape[0]} × {shape[1]} px ({fit})"
        resized = partial(resize_image, shape=shape, fit=fit)
        return self._mapped(resized, (*shape, *self.shape[3:]), note, **truth)

    def _pixel_growth(self, shape: tuple[int, int], fit: str) -> np.ndarray | None:
        """Old pixels per new pixel, (n, 2); None where the sizes of the images are not known."""
        *_, height, width = self.shape[:3]
        if height is not None:
            now = [(height, width)] * len(self)
        elif self.sizes is not None:  # nothing was resized yet, so they are as acquired
            now = self.sizes.tolist()
        else:
            return None
        old = [_resizing.window_shape(tuple(size), shape, fit) for size in now]
        return np.asarray(old, float).reshape(-1, 2) / shape

    def map(
        self, function: Callable[[np.ndarray], np.ndarray], note: str = "", shape=None
    ) -> ImageSet:
        """Return a set whose images are ``function(image)``.

        Boundaries, lesions and pixel sizes are dropped: they described the old pixels. Lazy sets
        stay lazy.

        Parameters
        ----------
        function : callable
            Takes one image, uint8 (h, w), and returns one, uint8. A function that is defined in a
            module (no lambda) keeps a lazy set fit for `joblib.dump` and other processes.
        note : str
            What was done, for the provenance.
        shape : tuple of int, optional
            Shape of the new images, where it is known and the same for all.

        Raises
        ------
        ValueError
            If an image comes back in another type than uint8, or in another size than the others
            of a set in memory. A lazy set says so when the image is read.
        """
        return self._mapped(function, shape, note, boundaries=None, lesions=None, pixel_sizes=None)

    def _mapped(self, function, shape, note: str, **parts) -> ImageSet:
        if self.is_lazy:
            images = self.images.map(function, shape)
        else:
            made = LazyImages(self.images.__getitem__, len(self), names=self.names).map(function)
            images = stacked(made, range(len(self)), shape or self.images.shape[1:])
        changed = self.replace(images=images, **parts)
        return changed.with_notes(note) if note else changed

    def load(self, progress: bool = False) -> ImageSet:
        """Read every image into memory and return a set that holds them.

        Parameters
        ----------
        progress : bool
            Whether to show a progress bar.

        Raises
        ------
        OctlessonsError
            If a file cannot be read; the sentence names it.
        ValueError
            If the images differ in size, or a mapped function made something else than uint8.
        """
        if not self.is_lazy:
            return self
        which: Any = range(len(self))
        if progress:
            from tqdm.auto import tqdm

            which = tqdm(which, desc="Reading images", unit="image")
        return self.replace(images=stacked(self.images, which, self.images.image_shape))

    def batches(self, batch_size: int = 256) -> Iterator[np.ndarray]:
        """Yield the images in order, `batch_size` at a time, as (m, h, w) uint8 arrays.

        Only one batch is in memory at a time when the set is lazy.
        """
        if batch_size < 1:
            raise ValueError(f"A batch holds at least 1 image, not {batch_size}.")
        for start in range(0, len(self), batch_size):
            which = range(start, min(start + batch_size, len(self)))
            if self.is_lazy:
                yield stacked(self.images, which)
            else:
                yield self.images[which.start : which.stop]

    # ------------------------------------------------------------------ telling

    def counts(self) -> dict[str, int]:
        """Number of images of each class, in the order of `class_names`."""
        labels = self._need_labels().astype(np.intp)
        per_class = np.bincount(labels, minlength=len(self.class_names))
        return dict(zip(self.class_names, per_class.tolist(), strict=True))

    def with_notes(self, *notes: str) -> ImageSet:
        """Return the same set with `notes` added to its provenance."""
        return self.replace(provenance=self.provenance.with_notes(*notes))

    def replace(self, **parts) -> ImageSet:
        """Return a set with other `parts`, such as labels from a table; the rest stays.

        Parameters
        ----------
        **parts
            Any parameters of `ImageSet`, also ``images``.

        Examples
        --------
        >>> scans = ImageSet(np.zeros((2, 8, 8), np.uint8))
        >>> scans.replace(labels=[1, 0], class_names=["AMD", "healthy"]).counts()
        {'AMD': 1, 'healthy': 1}
        """
        known = {part: getattr(self, part) for part in (*_PER_IMAGE, "class_names", "provenance")}
        return ImageSet(**{"images": self.images, **known, **parts})

    def __repr__(self) -> str:
        return "\n".join(f"{key:<10}{value}" for key, value in summary(self))

    def _repr_html_(self) -> str:
        return html_table("ImageSet", (), summary(self))

    # ------------------------------------------------------------------ inside

    def _need_labels(self) -> np.ndarray:
        if self.labels is None:
            raise OctlessonsError(
                "These images have no labels, so classes can neither be counted nor drawn from. "
                "Put them in one folder per class, or leave this step out."
            )
        return self.labels


def _checked_images(images, names):
    if isinstance(images, LazyImages):
        return images if names is None else images.named(names)
    if isinstance(images, list | tuple):
        read = LazyImages(images.__getitem__, len(images), names=names)
        images = stacked(read, range(len(images)))
    images = np.asarray(images)
    check_array(images, colour=True)
    check_uint8(images, "this array")
    return images


def _fits(shape: tuple[int, ...], wanted: tuple) -> bool:
    return len(shape) == len(wanted) and all(
        b is None or a == b for a, b in zip(shape, wanted, strict=True)
    )


def _texts(values) -> np.ndarray | None:
    return None if values is None else np.asarray(values).astype(str).ravel()
