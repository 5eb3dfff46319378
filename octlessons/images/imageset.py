"""`ImageSet`: images with everything that is known about them, whatever their source."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from octlessons.errors import OctlessonsError
from octlessons.images._resizing import (
    resize_boundaries,
    resize_image,
    resize_masks,
    window_shape,
)

#: What is known per image and travels with it through `ImageSet.subset`.
_PER_IMAGE = (
    "labels",
    "patients",
    "sites",
    "sizes",
    "pixel_sizes",
    "names",
    "originals",
    "boundaries",
    "lesions",
)


@dataclass(frozen=True)
class Problem:
    """A file that could not be used, and why.

    Attributes
    ----------
    path : str
        The file, relative to the folder that was read.
    reason : str
        One sentence fit for a person, without the path.
    kind : str
        A short word to count by, such as ``"truncated"`` or ``"empty"``.
    """

    path: str
    reason: str
    kind: str = "unreadable"


@dataclass(frozen=True)
class Provenance:
    """Where images come from, under which terms, and what was done to them since.

    Attributes
    ----------
    name : str
        Short name: ``"phantoms"``, ``"octmnist-64"``, or the folder's own name.
    description : str
        One sentence for the page that shows the data.
    licence : str
        Terms of use, such as ``"CC BY 4.0"``.
    citation : str
        What to cite.
    notes : tuple of str
        What was done since, and what to beware of, oldest first.
    problems : tuple of Problem
        Files of the source that were left out.
    """

    name: str
    description: str = ""
    licence: str = "unknown"
    citation: str = ""
    notes: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = field(default=(), repr=False)

    def noting(self, *notes: str) -> Provenance:
        """Return a copy with `notes` added."""
        return replace(self, notes=(*self.notes, *notes))


class LazyImages(Sequence):
    """Images that are read when they are asked for, one at a time.

    Parameters
    ----------
    read : callable
        ``read(i)`` returns image `i`, shape (h, w) or (h, w, 3), dtype uint8. It may raise
        `OctlessonsError` when the file has gone or changed.
    indices : array_like of int, or int
        Which images these are, as `read` counts them; an int n means 0 … n - 1.
    shape : tuple of int, optional
        The shape of one image, where all have the same; None for a side that differs.
    """

    def __init__(
        self,
        read: Callable[[int], np.ndarray],
        indices: Sequence[int] | int,
        shape: tuple[int, ...] | None = None,
    ):
        self._read = read
        self._indices = np.arange(indices) if np.isscalar(indices) else np.asarray(indices, int)
        self.image_shape = shape

    def __len__(self) -> int:
        return len(self._indices)

    def __getitem__(self, item):
        if np.ndim(item) == 0 and not isinstance(item, slice):
            return self._read(int(self._indices[item]))
        return LazyImages(self._read, self._indices[item], self.image_shape)

    def map(self, function: Callable[[np.ndarray], np.ndarray], shape=None) -> LazyImages:
        """Return images whose pixels are ``function(image)``, computed when asked for."""
        read = self._read
        return LazyImages(lambda i: function(read(i)), self._indices, shape)


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
    OctlessonsError
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
        self.images = _checked_images(images)
        self.class_names = tuple(str(name) for name in class_names)
        self.labels = None if labels is None else _whole(labels, "Labels")
        self.patients = _texts(patients)
        self.sites = _texts(sites)
        self.names = _texts(names)
        self.originals = _texts(originals)
        self.sizes = None if sizes is None else np.asarray(sizes, int)
        self.pixel_sizes = None if pixel_sizes is None else np.asarray(pixel_sizes, float)
        self.boundaries = None if boundaries is None else np.asarray(boundaries, np.float32)
        self.lesions = None if lesions is None else np.asarray(lesions, np.uint8)
        self.provenance = provenance or Provenance("unnamed images")
        self._check()

    def _check(self) -> None:
        n = len(self.images)
        for part in _PER_IMAGE:
            values = getattr(self, part)
            if values is not None and len(values) != n:
                raise OctlessonsError(
                    f"There are {n} images but {len(values)} {part.replace('_', ' ')}: "
                    "give one per image, in the same order."
                )
        for part in ("sizes", "pixel_sizes"):
            values = getattr(self, part)
            if values is not None and (values.ndim != 2 or values.shape[1] != 2):
                raise OctlessonsError(
                    f"`{part}` must have shape (n, 2), height and width; it has {values.shape}."
                )
        if self.labels is not None and n:
            if not self.class_names:
                self.class_names = tuple(str(i) for i in range(self.labels.max() + 1))
            if self.labels.min() < 0 or self.labels.max() >= len(self.class_names):
                raise OctlessonsError(
                    f"Labels go from {self.labels.min()} to {self.labels.max()}, but there are "
                    f"{len(self.class_names)} class names: a label counts class names from 0."
                )

    # ------------------------------------------------------------------ as a sequence of images

    def __len__(self) -> int:
        return len(self.images)

    def __iter__(self) -> Iterator[np.ndarray]:
        return (self.images[i] for i in range(len(self)))

    def __getitem__(self, item):
        if isinstance(item, int | np.integer):
            return self.images[int(item)]
        return self.subset(item)

    def __array__(self, dtype=None, copy=None) -> np.ndarray:
        if not self.is_lazy:
            return np.array(self.images, dtype=dtype, copy=copy)
        return np.asarray(self.load().images, dtype=dtype)

    @property
    def is_lazy(self) -> bool:
        """Whether pixels are read only when asked for."""
        return isinstance(self.images, LazyImages)

    @property
    def shape(self) -> tuple[int | None, ...]:
        """(n, h, w), with None for what differs from image to image or is not known yet."""
        if not self.is_lazy:
            return self.images.shape
        return (len(self), *(self.images.image_shape or (None, None)))

    # ------------------------------------------------------------------ choosing

    def subset(self, which) -> ImageSet:
        """Return some of the images, with all that is known about them.

        Parameters
        ----------
        which : slice, array of int, array of bool, class name, or list of class names
            Which images. Class names keep the numbering of the labels.

        Raises
        ------
        OctlessonsError
            If a class name is unknown, a mask has another length than the set, or numbers are
            not whole.
        IndexError
            If there is no image of a number.
        """
        everything = np.arange(len(self))
        index = everything[which] if isinstance(which, slice) else self._indices(which)
        parts = {
            part: None if getattr(self, part) is None else getattr(self, part)[index]
            for part in _PER_IMAGE
        }
        return self._with(self.images[index], **parts)

    def _indices(self, which) -> np.ndarray:
        asked = np.atleast_1d(np.asarray(which))
        if asked.dtype.kind in "US":
            unknown = sorted(set(asked.tolist()) - set(self.class_names))
            if unknown or self.labels is None:
                known = ", ".join(self.class_names) or "none"
                raise OctlessonsError(
                    f"No class called {', '.join(unknown) or asked[0]!s} here; known: {known}."
                )
            return np.flatnonzero(np.isin(np.asarray(self.class_names)[self.labels], asked))
        if asked.dtype.kind == "b":
            if len(asked) != len(self):
                raise OctlessonsError(
                    f"The mask has {len(asked)} entries for {len(self)} images; give one each."
                )
            return np.flatnonzero(asked)
        if asked.ndim > 1:
            raise OctlessonsError(
                f"Choose images by a row of numbers or a mask, not by an array {asked.shape}."
            )
        return _whole(asked, "Numbers of images")

    def balanced(self, n_per_class: int, seed: int = 0) -> ImageSet:
        """Draw the same number of images of every class, at random.

        Parameters
        ----------
        n_per_class : int
            How many of each class.
        seed : int
            Seed of the draw.

        Returns
        -------
        ImageSet
            ``n_per_class`` images of each class that occurs, in the set's own order.

        Raises
        ------
        OctlessonsError
            If a class has fewer images than that; the sentence says which, and how many it has.
        """
        if n_per_class < 1:
            raise OctlessonsError(f"Ask for at least 1 image per class, not {n_per_class}.")
        self._need_labels("draw a balanced subset")
        if not len(self):
            raise OctlessonsError("There are no images here to draw from.")
        rng = np.random.default_rng(seed)
        chosen = []
        for label in np.unique(self.labels):
            members = np.flatnonzero(self.labels == label)
            if len(members) < n_per_class:
                raise OctlessonsError(
                    f"Class {self.class_names[label]} has {len(members)} images, fewer than the "
                    f"{n_per_class} asked for: ask for at most {min(self.counts().values())}."
                )
            chosen.append(rng.choice(members, n_per_class, replace=False))
        drawn = self.subset(np.sort(np.concatenate(chosen)))
        return drawn.noting(f"{n_per_class} images drawn of each class (seed {seed})")

    def split(
        self, test_size: float = 0.25, by: str = "patient", seed: int = 0
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
        seed : int
            Seed of the split.

        Returns
        -------
        train, test : ImageSet
            Classes are shared out as evenly as whole patients allow.

        Raises
        ------
        OctlessonsError
            If patients are not known, or there are too few of them; or if the set holds augmented
            copies: split first, then augment the training part.
        """
        if not 0 < test_size < 1:
            raise OctlessonsError(f"`test_size` is a share between 0 and 1, not {test_size}.")
        if by not in ("patient", "image"):
            raise OctlessonsError(f"Split by 'patient' or by 'image', not by {by!r}.")
        self._refuse_copies(by)
        if by == "patient" and self.patients is None:
            raise OctlessonsError(
                "This set has no patient ids, so it cannot be split by patient. Use the split its "
                "makers give, or by='image' knowing that scans of one eye may land on both sides."
            )
        groups = self.patients if by == "patient" else np.arange(len(self))
        if len(np.unique(groups)) < 2:
            raise OctlessonsError(f"A split needs at least 2 {by}s; this set has fewer.")
        in_test = _test_groups(groups, self.labels, test_size, np.random.default_rng(seed))
        kept = f"split by {by} (seed {seed})"
        return (
            self.subset(~in_test).noting(f"training part of a {kept}"),
            self.subset(in_test).noting(f"test part of a {kept}"),
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
        OctlessonsError
            If the size is not positive or `fit` is unknown.
        """
        sides = (size, size) if np.isscalar(size) else tuple(size)
        if len(sides) != 2 or not all(side >= 1 and side % 1 == 0 for side in sides):
            raise OctlessonsError(f"A size is one or two positive whole numbers, not {size!r}.")
        if fit not in ("stretch", "crop"):
            raise OctlessonsError(f"`fit` is 'stretch' or 'crop', not {fit!r}.")
        shape = (int(sides[0]), int(sides[1]))

        def resized(image: np.ndarray) -> np.ndarray:
            return resize_image(image, shape, fit)

        truth = {"boundaries": None, "lesions": None, "pixel_sizes": None}
        growth = self._pixel_growth(shape, fit)
        if self.pixel_sizes is not None and growth is not None:
            truth["pixel_sizes"] = self.pixel_sizes * growth
        if not self.is_lazy and len(self):
            old = self.images.shape[1:3]
            if self.boundaries is not None:
                truth["boundaries"] = resize_boundaries(self.boundaries, old, shape, fit)
            if self.lesions is not None:
                truth["lesions"] = resize_masks(self.lesions, shape, fit)
        note = f"resized to {shape[0]} × {shape[1]} px ({fit})"
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
        old = [window_shape(tuple(size), shape, fit) for size in now]
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
            Takes one image, uint8 (h, w), and returns one, uint8.
        note : str
            What was done, for the provenance.
        shape : tuple of int, optional
            Shape of the new images, where it is known and the same for all.
        """
        return self._mapped(function, shape, note, boundaries=None, lesions=None, pixel_sizes=None)

    def _mapped(self, function, shape, note: str, **parts) -> ImageSet:
        if self.is_lazy:
            images = self.images.map(function, shape)
        elif len(self):
            images = np.stack([function(image) for image in self.images])
        else:
            images = np.zeros((0, *(shape or self.images.shape[1:])), np.uint8)
        changed = self._with(images, **parts)
        return changed.noting(note) if note else changed

    def load(self, progress: bool = False) -> ImageSet:
        """Read every image into memory and return a set that holds them.

        Parameters
        ----------
        progress : bool
            Whether to show a progress bar.

        Raises
        ------
        OctlessonsError
            If the images differ in size, or a file cannot be read; the sentence names it.
        """
        if not self.is_lazy:
            return self
        return self._with(self._read_block(range(len(self)), progress))

    def batches(self, batch_size: int = 256) -> Iterator[np.ndarray]:
        """Yield the images in order, `batch_size` at a time, as (m, h, w) uint8 arrays.

        Only one batch is in memory at a time when the set is lazy.
        """
        if batch_size < 1:
            raise OctlessonsError(f"A batch holds at least 1 image, not {batch_size}.")
        for start in range(0, len(self), batch_size):
            stop = min(start + batch_size, len(self))
            if self.is_lazy:
                yield self._read_block(range(start, stop))
            else:
                yield self.images[start:stop]

    def _read_block(self, which: range, progress: bool = False) -> np.ndarray:
        if progress:
            from tqdm.auto import tqdm

            which = tqdm(which, desc="Reading images", unit="image")
        block: np.ndarray | None = None
        for row, i in enumerate(which):
            image = self.images[i]
            if block is None:
                block = np.empty((len(which), *image.shape), np.uint8)
            if image.shape != block.shape[1:]:
                raise OctlessonsError(
                    f"Images differ in size ({_by(block.shape[1:])} and {_by(image.shape)} px), so "
                    "they cannot be stacked: call .resize(size) first."
                )
            block[row] = image
        return (
            np.zeros((0, *(side or 0 for side in self.images.image_shape or (0, 0))), np.uint8)
            if block is None
            else block
        )

    # ------------------------------------------------------------------ telling

    def counts(self) -> dict[str, int]:
        """Number of images of each class, in the order of `class_names`."""
        self._need_labels("count classes")
        per_class = np.bincount(self.labels, minlength=len(self.class_names))
        return dict(zip(self.class_names, per_class.tolist(), strict=True))

    def noting(self, *notes: str) -> ImageSet:
        """Return the same set with `notes` added to its provenance."""
        return self._with(self.images, provenance=self.provenance.noting(*notes))

    def __repr__(self) -> str:
        return "\n".join(f"{key:<10}{value}" for key, value in self._summary())

    def _repr_html_(self) -> str:
        from octlessons.wording import html_table

        return html_table("ImageSet", (), self._summary())

    def _summary(self) -> list[tuple[str, str]]:
        _, *image_shape = self.shape
        size = f"{_by(image_shape)} px" if None not in image_shape else "sizes differ"
        rows = [
            ("ImageSet", f"{len(self):,} images, {size}, {'lazy' if self.is_lazy else 'in memory'}")
        ]
        if self.labels is not None:
            rows.append(("classes", ", ".join(f"{k} {v:,}" for k, v in self.counts().items())))
        for part in ("patients", "sites"):
            values = getattr(self, part)
            if values is not None:
                rows.append((part, f"{len(np.unique(values)):,}"))
        if self.originals is not None:
            rows.append(("originals", f"{len(np.unique(self.originals)):,} (the rest are copies)"))
        if self.sizes is not None and len(self):
            kinds, n = np.unique(self.sizes, axis=0, return_counts=True)
            common = sorted(zip(n.tolist(), kinds.tolist(), strict=True), reverse=True)
            text = ", ".join(f"{_by(kind)} ({count:,})" for count, kind in common[:3])
            rows.append(("acquired", text + (", …" if len(common) > 3 else "")))
        rows.append(("source", f"{self.provenance.name}; licence {self.provenance.licence}"))
        if self.provenance.problems:
            rows.append(("left out", f"{len(self.provenance.problems):,} files"))
        return rows + [("note", note) for note in self.provenance.notes]

    # ------------------------------------------------------------------ inside

    def _refuse_copies(self, by: str) -> None:
        if self.originals is None or not len(self):
            return
        n_originals = len(np.unique(self.originals))
        altered = self.names is not None and (self.names != self.originals).any()
        if n_originals < len(self) or altered:
            why = {
                "image": "copies of one scan could land on both sides",
                "patient": "the test part would count altered copies as if they were scans",
            }[by]
            raise OctlessonsError(
                f"These {len(self):,} images include augmented copies of {n_originals:,} "
                f"originals: {why}. Split first, then augment the training part only."
            )

    def _need_labels(self, purpose: str) -> None:
        if self.labels is None:
            raise OctlessonsError(
                f"These images have no labels, so there is no way to {purpose}. "
                "Put them in one folder per class, or leave this step out."
            )

    def _with(self, images, **parts) -> ImageSet:
        known = {part: getattr(self, part) for part in (*_PER_IMAGE, "class_names", "provenance")}
        return ImageSet(images, **{**known, **parts})


def _test_groups(groups, labels, test_size: float, rng: np.random.Generator) -> np.ndarray:
    """Choose whole groups for the test part, class by class; True where an image is in it.

    Groups are taken in random order; a group goes to the test part while that brings the
    part nearer to its share of every class. A patient may have images of several classes.
    """
    _, group = np.unique(groups, return_inverse=True)
    classes = np.zeros(len(group), int) if labels is None else labels
    n_groups, n_classes = group.max() + 1, classes.max() + 1
    per_group = np.zeros((n_groups, n_classes))
    np.add.at(per_group, (group, classes), 1)
    missing = per_group.sum(0) * test_size
    chosen = np.zeros(n_groups, bool)
    for g in rng.permutation(n_groups):
        gain = np.sum(missing**2) - np.sum((missing - per_group[g]) ** 2)
        if gain > 0:
            chosen[g] = True
            missing -= per_group[g]
    if not chosen.any():  # one huge group each way: take the smallest
        chosen[np.argmin(per_group.sum(1))] = True
    if chosen.all():
        chosen[np.argmax(per_group.sum(1))] = False
    return chosen[group]


def _checked_images(images):
    if isinstance(images, LazyImages):
        return images
    images = np.asarray(images)
    if images.ndim not in (3, 4) or (images.ndim == 4 and images.shape[3] != 3):
        raise OctlessonsError(
            f"Images must have shape (n, h, w) or (n, h, w, 3); these have {images.shape}."
        )
    if images.dtype != np.uint8:
        raise OctlessonsError(
            f"Images must be uint8, 0 to 255; these are {images.dtype}. "
            "Scale them to 0…255 and call .astype('uint8')."
        )
    return images


def _whole(values, what: str) -> np.ndarray:
    """Whole numbers; a fraction is a mistake, not something to round."""
    values = np.asarray(values).ravel()
    try:
        if (
            values.dtype.kind == "f"
            and not (np.isfinite(values) & (values == values.round())).all()
        ):
            raise ValueError("there is a fraction, NaN or infinity among them")
        return values.astype(int)
    except (TypeError, ValueError) as error:
        raise OctlessonsError(f"{what} must be whole numbers ({error}).") from error


def _texts(values) -> np.ndarray | None:
    return None if values is None else np.asarray(values).astype(str).ravel()


def _by(shape) -> str:
    return " × ".join(str(side) for side in shape)
