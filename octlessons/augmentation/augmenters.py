"""Augmenters, made of steps, and augmented copies of an `ImageSet`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np

from octlessons._optional import need
from octlessons.augmentation.steps import AUGMENTERS, STEPS, OwnTransform, Step, named_step
from octlessons.images.imageset import ImageSet, LazyImages
from octlessons.wording import count, html_table


class Augmented(NamedTuple):
    """One altered picture with the truth that moved along.

    Attributes
    ----------
    image : ndarray of uint8, shape (h, w) or (h, w, 3)
    lesions : ndarray of uint8, shape (h, w), or None
    boundaries : ndarray of float32, shape (layers, w), or None
        NaN where a boundary no longer has one row in a column.
    """

    image: np.ndarray
    lesions: np.ndarray | None = None
    boundaries: np.ndarray | None = None


class Augmenter:
    """Steps in order; the same picture, seed, index and copy always give the same result.

    Made by `augmenter`.

    Parameters
    ----------
    name : str
    steps : sequence of Step
        What is done, how far, and why.
    seed : int
    description : str
    """

    def __init__(self, name: str, steps: Sequence[Step], seed: int = 0, description: str = ""):
        self.name, self.steps, self.description = name, tuple(steps), description
        if not isinstance(seed, int | np.integer) or seed < 0:
            raise ValueError(f"The seed {seed!r} cannot be used: give a whole number from 0.")
        self.seed = int(seed)
        self._built: list | None = None

    def with_seed(self, seed: int) -> Augmenter:
        """Return the same steps under another seed."""
        return Augmenter(self.name, self.steps, seed, self.description)

    def __call__(self, image: np.ndarray, *, index: int = 0, copy: int = 0) -> np.ndarray:
        """Return an altered copy of one image; all as for `apply`."""
        return self.apply(image, index=index, copy=copy).image

    def apply(
        self, image: np.ndarray, *, lesions=None, boundaries=None, index: int = 0, copy: int = 0
    ) -> Augmented:
        """Alter one image and move what is known about it along.

        Parameters
        ----------
        image : ndarray of uint8, shape (h, w) or (h, w, 3)
        lesions : ndarray of uint8, shape (h, w), optional
            Moved with the image, nearest pixel; 0 where the picture was filled or cut out.
        boundaries : ndarray, shape (layers, w), optional
            Rows of layer boundaries. Flips and column shifts move them by formula; other changes of
            geometry by interpolation, NaN where no single row is left.
        index, copy : int
            Number of the image and of its copy. Other numbers draw other changes; the same numbers
            (and seed) draw the same.

        Returns
        -------
        Augmented

        Raises
        ------
        ValueError
            If the image is not uint8 grey or RGB, a step needs colour and has none, lesions or
            boundaries do not fit the image, or the steps make no uint8 image of the same shape.
        OctlessonsError
            If albumentations is missing.
        """
        image = _checked(image)
        if lesions is not None:
            lesions = _checked_lesions(lesions, image)
        if boundaries is not None and np.shape(boundaries)[-1:] != image.shape[1:2]:
            raise ValueError(
                f"Boundaries have one row for each of the {image.shape[1]} columns of the image, "
                f"shape (layers, {image.shape[1]}); these have shape {np.shape(boundaries)}."
            )
        return self._run(image, lesions, boundaries, index, copy)

    def _run(self, image, mask, boundaries, index, copy, force=False) -> Augmented:
        """As `apply`; `mask` may have any type and channels, `force` ignores probabilities."""
        transforms = load()
        image = _checked(image)
        if boundaries is not None:
            boundaries = np.asarray(boundaries, np.float32)
        changed_type = ""
        for number, (step, transform) in enumerate(self._transforms(transforms)):
            if step.colour and image.ndim != 3:
                raise ValueError(
                    f"The step '{step.name}' changes colours and this picture is grey: use colour "
                    "pictures, or leave the step out."
                )
            entropy = (self.seed, int(index), int(copy), number)
            transform.set_random_seed(int(np.random.SeedSequence(entropy).generate_state(1)[0]))
            before = image.dtype
            image, mask, boundaries = _applied(
                transforms, transform, step.name, image, mask, boundaries, force
            )
            changed_type = step.name if image.dtype != before else changed_type
        if image.dtype != np.uint8:
            raise ValueError(
                f"The step '{changed_type}' turns pixels into {image.dtype} from "
                f"{image.min():.3g} to {image.max():.3g}; altered copies are kept as uint8, 0 to "
                "255. Leave it out, and scale where the images are used."
            )
        return Augmented(image, mask, boundaries)

    def _transforms(self, transforms) -> list:
        """(step, transform) pairs, made once; neighbouring column shifts become one."""
        if self._built is None:
            built: list = []
            for step in self.steps:
                transform = step.make(transforms)
                both = built and [isinstance(t, transforms.ColumnShift) for t in
                                  (built[-1][1], transform)]  # fmt: skip
                if both and all(both):
                    built[-1] = (built[-1][0], built[-1][1] + transform)
                else:
                    built.extend(_flat(step, transform))
            self._built = built
        return self._built

    def __getstate__(self) -> dict:
        return {**self.__dict__, "_built": None}

    def __repr__(self) -> str:
        lines = [f"{self.name} (seed {self.seed}): {self.description}".rstrip(": ")]
        width = max((len(step.name) for step in self.steps), default=0)
        lines += [f"  {step.name:<{width}}  {step.limits}: {step.why}" for step in self.steps]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        rows = [(step.name, step.limits, step.why) for step in self.steps]
        return html_table(f"{self.name}, seed {self.seed}", ("step", "how far", "why"), rows)


def augmenter(steps: Any = "oct_safe", *, seed: int = 0, name: str | None = None) -> Augmenter:
    """Make an augmenter from a name, or from steps of your own.

    Parameters
    ----------
    steps : str, Augmenter, or sequence of (str, Step or albumentations transform)
        A name from `AUGMENTERS` (``"oct_safe"``, ``"oct_unsafe"``, ``"histology"``,
        ``"dermoscopy"``), or steps in order: names from `STEPS`, a `Step`, or any albumentations
        transform.
    seed : int
        Seed of all draws.
    name : str, optional
        What to call an augmenter of your own.

    Returns
    -------
    Augmenter

    Raises
    ------
    ValueError
        If a name is unknown; the sentence lists those that are known.
    TypeError
        If a part is no step.

    Examples
    --------
    >>> safe = augmenter("oct_safe", seed=0)
    >>> [step.name for step in safe.steps][:3]
    ['horizontal flip', 'tilt', 'axial shift']
    >>> mine = augmenter(["tilt", "speckle"], seed=0, name="mine")
    >>> mine(np.zeros((32, 32), np.uint8), copy=1).shape
    (32, 32)
    """
    if isinstance(steps, Augmenter):
        return steps.with_seed(seed)
    if isinstance(steps, str) and steps in AUGMENTERS:
        description, names = AUGMENTERS[steps]
        return Augmenter(name or steps, [STEPS[key] for key in names], seed, description)
    chosen = [_step(part) for part in ([steps] if isinstance(steps, str | Step) else steps)]
    if not chosen:
        raise ValueError("An augmenter needs at least one step.")
    return Augmenter(name or " + ".join(step.name for step in chosen), chosen, seed)


def augment(
    images: ImageSet,
    steps: Any = "oct_safe",
    *,
    copies: int = 1,
    seed: int | None = None,
    keep_originals: bool = True,
    truth: bool = True,
) -> ImageSet:
    """Add altered copies to a set; everything known about an image goes with its copies.

    Augment the training part of a split, never the whole set: a copy of a test image in the
    training part is a leak. `ImageSet.split` therefore refuses a set with copies. Copies are not
    new patients either: they keep the patient of their original.

    Parameters
    ----------
    images : ImageSet
        Lazy sets stay lazy: a copy is computed whenever it is read.
    steps : Augmenter, or anything `augmenter` takes
    copies : int
    seed : int, optional
        The augmenter's own when not given. A copy depends on it, on the place of its original in
        the set, and on its number.
    keep_originals : bool
        Whether the unaltered images come first. Without them the set holds the copies only.
    truth : bool
        Whether lesions and boundaries are moved along.

    Returns
    -------
    ImageSet
        The originals in their order, then the first copy of each, then the second, …
        ``originals`` holds the name (or number) of each image's original; ``names`` of copies end
        in ``" (copy 1)"``. Lesions and boundaries move with the pixels (lazy sets lose them);
        everything else is as of the original.

    Raises
    ------
    ValueError
        If `copies` is below 1, or a step cannot be applied.
    TypeError
        If `images` is not an `ImageSet`.
    """
    if not isinstance(images, ImageSet):
        raise TypeError(
            f"augment() takes an ImageSet, not {type(images).__name__}: ImageSet(array)."
        )
    if not isinstance(copies, int | np.integer) or copies < 1:
        raise ValueError(f"Ask for at least 1 copy of each image, not {copies!r}.")
    made = steps if isinstance(steps, Augmenter) else augmenter(steps)
    made = made if seed is None else made.with_seed(seed)
    numbers = np.arange(0 if keep_originals else 1, copies + 1)
    source, which = np.tile(np.arange(len(images)), len(numbers)), np.repeat(numbers, len(images))
    if images.is_lazy:
        read = _LazyCopies(images.images, made, source, which)
        new = {"image": LazyImages(read, len(source), images.images.image_shape)}
    else:
        new = _copies(images, made, source, which, truth)
    return _described(images, new, made, source, which)


def load() -> ModuleType:
    """Import `octlessons.augmentation.transforms`, or say what to install."""
    need("albumentations", "Augmentation is done with albumentations")
    import octlessons.augmentation.transforms as transforms

    return transforms


# ---------------------------------------------------------------------- inside


def _step(part) -> Step:
    if isinstance(part, Step):
        return part
    if isinstance(part, str):
        return named_step(part)
    if isinstance(part, load().A.BasicTransform | load().A.BaseCompose):
        return Step(type(part).__name__, "your own", str(part), OwnTransform(part))
    raise TypeError(
        f"A step is a name, a Step or an albumentations transform, not {type(part).__name__}."
    )


def _flat(step: Step, transform) -> list:
    """The parts of a plain sequence, each on its own, so that boundaries can follow each."""
    compose = load().A.Compose
    if type(transform) is compose and transform.p >= 1:
        return [pair for part in transform.transforms for pair in _flat(step, part)]
    return [(step, transform)]


def _applied(transforms, transform, name, image, mask, boundaries, force):
    """One transform on a picture, its mask and its boundaries."""
    from octlessons.augmentation.truth import coordinates, moved

    height, width = image.shape[:2]
    data = {"image": image}
    if mask is not None:
        data["mask"] = mask
    # Which columns end where is asked of the transform itself: it moves a picture of coordinates.
    exact = isinstance(
        transform, transforms.ColumnShift | transforms.A.HorizontalFlip | transforms.A.VerticalFlip
    )
    asks = boundaries is not None and not exact and transforms.may_move_pixels(transform)
    if asks:
        transform.add_targets({"coordinates": transforms.coordinate_target(transform)})
        data["coordinates"] = coordinates(height, width)
    done = transform(force_apply=force, **data)
    new = done["image"]
    if new.shape != image.shape:
        raise ValueError(
            f"The step '{name}' changes the shape of the picture from {image.shape} to "
            f"{new.shape}: choose one that keeps it, or resize the set first."
        )
    if boundaries is not None:
        if asks:
            if done["coordinates"] is not data["coordinates"]:
                boundaries = moved(boundaries, done["coordinates"])
        elif exact and transform.params:
            boundaries = transforms.moved_exactly(transform, boundaries, height)
    return new, done.get("mask"), boundaries


def _checked(image) -> np.ndarray:
    image = np.asarray(image)
    if image.dtype != np.uint8 or image.ndim not in (2, 3) or image.shape[2:] not in ((), (3,)):
        raise ValueError(
            "Augmentation takes one uint8 image of shape (h, w) or (h, w, 3); this is "
            f"{image.dtype} of shape {image.shape}. For a whole set use augment()."
        )
    return image


def _checked_lesions(lesions, image: np.ndarray) -> np.ndarray:
    lesions = np.asarray(lesions)
    if lesions.shape != image.shape[:2] or lesions.dtype != np.uint8:
        raise ValueError(
            f"Lesions are a uint8 mask of the image's size, {image.shape[:2]}, 0 where there is "
            f"none; this is {lesions.dtype} of shape {lesions.shape}."
            + (" Write mask.astype('uint8')." if lesions.shape == image.shape[:2] else "")
        )
    return lesions


@dataclass(frozen=True)
class _LazyCopies:
    """Reads image `source[j]` and alters it, or not where `which[j]` is 0; travels to processes."""

    images: LazyImages
    made: Augmenter
    source: np.ndarray
    which: np.ndarray

    def __call__(self, j: int) -> np.ndarray:
        i, copy = int(self.source[j]), int(self.which[j])
        image = self.images[i]
        return self.made(image, index=i, copy=copy) if copy else image


def _described(images: ImageSet, new: dict, made: Augmenter, source, which) -> ImageSet:
    """The set of all copies, with what is known about their originals."""
    originals, names = images.originals, images.names
    if originals is None:
        originals = names if names is not None else np.arange(len(images)).astype(str)
    if names is not None:
        pairs = zip(names[source], which, strict=True)
        names = np.array([f"{name} (copy {copy})" if copy else name for name, copy in pairs])

    def part(values):
        return None if values is None else values[source]

    return ImageSet(
        new["image"],
        part(images.labels),
        class_names=images.class_names,
        patients=part(images.patients),
        sites=part(images.sites),
        sizes=part(images.sizes),
        pixel_sizes=part(images.pixel_sizes),
        names=names,
        originals=originals[source],
        provenance=images.provenance.with_notes(
            f"{count(int(which.max()), 'augmented copy')} of each image by {made.name} "
            f"(seed {made.seed})" + ("" if which.min() == 0 else ", originals left out")
        ),
        lesions=new.get("lesions"),
        boundaries=new.get("boundaries"),
    )


def _copies(images: ImageSet, made: Augmenter, source, which, truth: bool) -> dict[str, Any]:
    """Pixels, lesions and boundaries of originals and copies, in memory, where they are known."""
    parts = {"image": images.images}
    if truth:
        parts |= {"lesions": images.lesions, "boundaries": images.boundaries}
    old = {key: part for key, part in parts.items() if part is not None}
    new = {key: part[source] for key, part in old.items()}
    for j in np.flatnonzero(which):
        i, copy = int(source[j]), int(which[j])
        altered = made.apply(**{key: part[i] for key, part in old.items()}, index=i, copy=copy)
        for key, part in new.items():
            part[j] = getattr(altered, key)
    return new
