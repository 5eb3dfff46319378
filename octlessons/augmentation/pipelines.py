"""Steps with their reasons, pipelines by name, and augmented copies of an `ImageSet`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from octlessons.errors import OctlessonsError
from octlessons.images.imageset import ImageSet, LazyImages
from octlessons.wording import html_table


@dataclass(frozen=True)
class Step:
    """One kind of change, with the reason for making it.

    Attributes
    ----------
    name : str
    why : str
        One line: what it stands for, or what it breaks.
    limits : str
        How far it goes.
    make : callable
        ``make(transforms)`` gives the albumentations transform; the argument is the module
        `octlessons.augmentation.transforms`, where albumentations is called ``A``.
    source : str
        Where the reason or the limits come from; empty for a choice of this course.
    colour : bool
        Whether it needs a colour picture.
    """

    name: str
    why: str
    limits: str
    make: Callable = field(repr=False, compare=False)
    source: str = ""
    colour: bool = False


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


_FORMULA = "Konno et al., arXiv:2410.01185"
_UP = "a B-scan has an up: light enters at the vitreous, and shadows fall downward"


def _all(*steps: Step) -> dict[str, Step]:
    return {step.name: step for step in steps}


#: Every step that has a name. Geometry first, then light, then what harms, then colour.
STEPS: dict[str, Step] = _all(
    Step(
        "horizontal flip",
        "the other eye: only nasal and temporal change places",
        "half of the copies",
        lambda t: t.A.HorizontalFlip(p=0.5),
    ),
    Step(
        "tilt",
        "the beam enters the pupil off its centre; as a shift that grows along the scan",
        "up to 10° on the picture, no edge further than 10 % of the height",
        lambda t: t.ColumnShift(tilt=10),
        source=_FORMULA,
    ),
    Step(
        "axial shift",
        "the head moves towards the scanner or away from it",
        "up to 8 % of the height",
        lambda t: t.ColumnShift(axial=0.08),
    ),
    Step(
        "bend",
        "longer and shorter eyes curve differently; as a quadratic shift of the columns",
        "up to 5 % of the height between middle and edges",
        lambda t: t.ColumnShift(bend=0.05),
        source=_FORMULA,
    ),
    Step(
        "brightness and contrast",
        "a cloudier lens, another focus, another scanner's export",
        "brightness and contrast up to ±10 %",
        lambda t: t.A.RandomBrightnessContrast(brightness_limit=0.1, contrast_limit=0.1, p=1.0),
    ),
    Step(
        "gamma",
        "scanners compress the signal to 8 bits each in their own way",
        "exponent 0.85 to 1.18",
        lambda t: t.A.RandomGamma(gamma_limit=(85, 118), p=1.0),
    ),
    Step(
        "speckle",
        "interference of the light: never the same twice, and no property of the eye",
        "gamma noise of 6 to 24 looks on the light, 5 to 10 % of the grey",
        lambda t: t.Speckle(looks=(6, 24)),
        source="Schmitt, Xiang and Yung, J Biomed Opt 4:95 (1999), doi:10.1117/1.429925",
    ),
    Step(
        "rotation",
        "turns the picture, and the A-scans with it; as some exports do, corners mirrored",
        "up to 10°",
        lambda t: t.A.Affine(
            rotate=(-10, 10),
            border_mode=t.cv2.BORDER_REFLECT_101,
            interpolation=t.cv2.INTER_LINEAR,
            p=1.0,
        ),
    ),
    Step(
        "vertical flip",
        f"no such scan exists: {_UP}",
        "half of the copies",
        lambda t: t.A.VerticalFlip(p=0.5),
        source="in use nevertheless, as in the code of Tampu, Eklund and Haj-Hosseini, Sci Data "
        "9:580 (2022), doi:10.1038/s41597-022-01618-6",
    ),
    Step(
        "quarter turn",
        "no such scan exists: depth becomes width, and their pixels differ in size",
        "90° or 270°, stretched back to the picture's shape",
        lambda t: t.QuarterTurn(p=0.5),
    ),
    Step(
        "elastic",
        "waves in a flat layer look like drusen, and drusen can be ironed out",
        "displacements of 2.5 % of the height (SD), smooth over 6 %",
        lambda t: t.Elastic(strength=0.025, scale=0.06, p=0.5),
    ),
    Step(
        "zoom",
        "thickness in micrometres is the measure of oedema; zooming fakes it",
        "1.25 to 1.6 times",
        lambda t: t.A.Affine(scale=(1.25, 1.6), border_mode=t.cv2.BORDER_REFLECT_101, p=0.5),
    ),
    Step(
        "cutout",
        "hides the only lesion, and a black hole looks like fluid",
        "1 to 3 black holes, each 15 to 30 % of height and width",
        lambda t: t.A.CoarseDropout(
            num_holes_range=(1, 3),
            hole_height_range=(0.15, 0.3),
            hole_width_range=(0.15, 0.3),
            fill=0,
            fill_mask=0,
            p=0.5,
        ),
    ),
    Step(
        "inversion",
        "dark means fluid and bright means tissue; inverted, it means nothing",
        "black becomes white",
        lambda t: t.A.InvertImg(p=0.5),
    ),
    Step(
        "heavy blur",
        "wipes out drusen, the outer limiting membrane, small foci",
        "Gaussian of 2 to 4 % of the width (SD, at least 2 px)",
        lambda t: t.RelativeBlur(p=0.5),
    ),
    Step(
        "any flip",
        "a slide and a lens on skin have no up and no left",
        "each direction in half of the copies",
        lambda t: t.A.Compose([t.A.HorizontalFlip(p=0.5), t.A.VerticalFlip(p=0.5)]),
    ),
    Step(
        "any rotation",
        "a slide and a lens on skin may lie at any angle; corners mirrored, so no black wedges",
        "any angle",
        lambda t: t.A.Affine(
            rotate=(-180, 180),
            border_mode=t.cv2.BORDER_REFLECT_101,
            interpolation=t.cv2.INTER_LINEAR,
            p=1.0,
        ),
    ),
    Step(
        "stain",
        "laboratories stain differently: more or less of each dye, never another dye",
        "haematoxylin, eosin and DAB each ×0.8 to ×1.2",
        lambda t: t.Stain(amount=(0.8, 1.2)),
        source="Tellez et al., IEEE Trans Med Imaging 37:2126 (2018), doi:10.1109/TMI.2018.2820199",
        colour=True,
    ),
    Step(
        "lamp",
        "another lamp, another camera",
        "brightness and contrast up to ±8 %",
        lambda t: t.A.RandomBrightnessContrast(brightness_limit=0.08, contrast_limit=0.08, p=1.0),
    ),
    Step(
        "skin colour",
        "the colour of a lesion is a sign (blue-white veil, red vessels): a hint of change only",
        "hue ±3 of 180, saturation ±10 of 255",
        lambda t: t.A.HueSaturationValue(
            hue_shift_limit=3, sat_shift_limit=10, val_shift_limit=0, p=1.0
        ),
        colour=True,
    ),
)

#: Pipelines by name: what they are for, and their steps in order.
PIPELINES: dict[str, tuple[str, tuple[str, ...]]] = {
    "oct_safe": (
        "changes that happen to OCT scans anyway and leave the diagnosis alone",
        ("horizontal flip", "tilt", "axial shift", "bend", "brightness and contrast", "gamma",
         "speckle"),
    ),
    "oct_unsafe": (
        "changes that OCT scans cannot have or that fake and erase disease: to show what they do",
        ("vertical flip", "quarter turn", "elastic", "zoom", "cutout", "inversion"),
    ),
    "histology": (
        "stained tissue under the microscope: no up, no left, dyes that vary",
        ("any flip", "any rotation", "stain", "lamp"),
    ),
    "dermoscopy": (
        "skin under a lens: no up, no left, but colour and size are signs",
        ("any flip", "any rotation", "lamp", "skin colour"),
    ),
}  # fmt: skip


class Pipeline:
    """Steps in order; the same picture, seed, index and copy always give the same result.

    Made by `pipeline`.

    Parameters
    ----------
    name : str
    steps : sequence of Step
    seed : int
    description : str

    Attributes
    ----------
    steps : tuple of Step
        What is done, how far, and why.
    """

    def __init__(self, name: str, steps: Sequence[Step], seed: int = 0, description: str = ""):
        self.name, self.steps, self.description = name, tuple(steps), description
        if not isinstance(seed, int | np.integer) or seed < 0:
            raise OctlessonsError(f"The seed {seed!r} cannot be used: give a whole number from 0.")
        self.seed = int(seed)
        self._built = None

    def with_seed(self, seed: int) -> Pipeline:
        """Return the same steps under another seed."""
        return Pipeline(self.name, self.steps, seed, self.description)

    def __call__(self, image: np.ndarray, *, index: int = 0, copy: int = 0) -> np.ndarray:
        """Return an altered copy of one image.

        Parameters
        ----------
        image : ndarray of uint8, shape (h, w) or (h, w, 3)
        index, copy : int
            Number of the image and of its copy. Other numbers draw other changes; the same numbers
            (and seed) draw the same.

        Returns
        -------
        ndarray of uint8, same shape

        Raises
        ------
        OctlessonsError
            If the image is not uint8 grey or RGB, a step needs colour and has none, or
            albumentations is missing.
        """
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
            See `__call__`.

        Returns
        -------
        Augmented
        """
        return self._run(image, lesions, boundaries, index, copy)

    def _run(self, image, mask, boundaries, index, copy, force=False) -> Augmented:
        """As `apply`; `mask` may have any type and channels, `force` ignores probabilities."""
        transforms = load()
        image = _checked(image)
        if boundaries is not None:
            boundaries = np.asarray(boundaries, np.float32)
        for number, (step, transform) in enumerate(self._transforms(transforms)):
            if step.colour and image.ndim != 3:
                raise OctlessonsError(
                    f"The step '{step.name}' changes colours and this picture is grey: use colour "
                    "pictures, or leave the step out."
                )
            entropy = (self.seed, int(index), int(copy), number)
            transform.set_random_seed(int(np.random.SeedSequence(entropy).generate_state(1)[0]))
            image, mask, boundaries = _applied(
                transforms, transform, step.name, image, mask, boundaries, force
            )
        return Augmented(image, mask, boundaries)

    def _transforms(self, transforms) -> list:
        """(step, transform) pairs, made once; neighbouring column shifts become one."""
        if self._built is None:
            built = []
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


def pipeline(steps="oct_safe", *, seed: int = 0, name: str | None = None) -> Pipeline:
    """Make a pipeline from a name, or from steps of your own.

    Parameters
    ----------
    steps : str, or sequence of (str, Step or albumentations transform)
        A name from `PIPELINES` (``"oct_safe"``, ``"oct_unsafe"``, ``"histology"``,
        ``"dermoscopy"``), or steps in order: names from `STEPS`, a `Step`, or any albumentations
        transform.
    seed : int
        Seed of all draws.
    name : str, optional
        What to call a pipeline of your own.

    Returns
    -------
    Pipeline

    Raises
    ------
    OctlessonsError
        If a name is unknown; the sentence lists those that are known.

    Examples
    --------
    >>> safe = pipeline("oct_safe", seed=0)
    >>> [step.name for step in safe.steps][:3]
    ['horizontal flip', 'tilt', 'axial shift']
    >>> mine = pipeline(["tilt", "speckle"], seed=0, name="mine")
    >>> import numpy as np
    >>> mine(np.zeros((32, 32), np.uint8), copy=1).shape
    (32, 32)
    """
    if isinstance(steps, Pipeline):
        return steps.with_seed(seed)
    if isinstance(steps, str) and steps in PIPELINES:
        description, names = PIPELINES[steps]
        return Pipeline(name or steps, [STEPS[key] for key in names], seed, description)
    chosen = [_step(part) for part in ([steps] if isinstance(steps, str | Step) else steps)]
    if not chosen:
        raise OctlessonsError("A pipeline needs at least one step.")
    return Pipeline(name or " + ".join(step.name for step in chosen), chosen, seed)


def _step(part) -> Step:
    if isinstance(part, Step):
        return part
    if isinstance(part, str):
        if part in STEPS:
            return STEPS[part]
        raise OctlessonsError(
            f"There is no pipeline and no step called {part!r}. Pipelines: "
            f"{', '.join(PIPELINES)}. Steps: {', '.join(STEPS)}."
        )
    if isinstance(part, load().A.BasicTransform | load().A.BaseCompose):
        # The transform is a part of the step, so copies of it are made, never shared.
        from copy import deepcopy

        return Step(type(part).__name__, "your own", str(part), lambda t: deepcopy(part))
    raise OctlessonsError(
        f"A step is a name, a Step or an albumentations transform, not {type(part).__name__}."
    )


def augment(
    images: ImageSet,
    steps="oct_safe",
    *,
    copies: int = 1,
    seed: int | None = None,
    keep_originals: bool = True,
    truth: bool = True,
    n_jobs: int = 1,
) -> ImageSet:
    """Add altered copies to a set; everything known about an image goes with its copies.

    Augment the training part of a split, never the whole set: a copy of a test image in the
    training part is a leak. `ImageSet.split` therefore refuses a set with copies. Copies are not
    new patients either: they keep the patient of their original.

    Parameters
    ----------
    images : ImageSet
        In memory or lazy. Lazy sets stay lazy: a copy is computed whenever it is read.
    steps : Pipeline, or anything `pipeline` takes
    copies : int
        Altered copies of each image.
    seed : int, optional
        Seed of the draws; the pipeline's own when not given. A copy depends on the seed, the place
        of its original in the set and the number of the copy, not on `n_jobs`.
    keep_originals : bool
        Whether the unaltered images come first. Without them the set holds the copies only.
    truth : bool
        Whether lesions and boundaries are moved along; without them it is faster.
    n_jobs : int
        Processes (joblib), for sets in memory.

    Returns
    -------
    ImageSet
        The originals in their order, then the first copy of each, then the second, …
        ``originals`` holds the name of each image's original (its number in `images` when images
        have no names); ``names`` of copies end in ``" (copy 1)"``. Labels, patients, sites, sizes
        and pixel sizes are those of the original; lesions and boundaries move with the pixels
        (they are dropped from lazy sets).

    Raises
    ------
    OctlessonsError
        If `copies` is below 1, or a step cannot be applied.
    """
    if not isinstance(copies, int | np.integer) or copies < 1:
        raise OctlessonsError(f"Ask for at least 1 copy of each image, not {copies!r}.")
    made = pipeline(steps) if not isinstance(steps, Pipeline) else steps
    if seed is not None:
        made = made.with_seed(seed)
    n, first = len(images), 0 if keep_originals else 1
    source = np.tile(np.arange(n), copies + 1 - first)
    which = np.repeat(np.arange(first, copies + 1), n)
    known = {"lesions": None, "boundaries": None}
    if truth and not images.is_lazy:
        known = {"lesions": images.lesions, "boundaries": images.boundaries}
    if images.is_lazy:
        pixels = _lazy_copies(images.images, made, source, which)
    else:
        pixels, known = _copies(images, made, source, which, known, n_jobs)
    names = None
    if images.names is not None:
        names = [
            images.names[i] + (f" (copy {c})" if c else "")
            for i, c in zip(source, which, strict=True)
        ]
    originals = images.originals
    if originals is None:
        originals = images.names if images.names is not None else np.arange(n).astype(str)

    def part(values):
        return None if values is None else values[source]

    return ImageSet(
        pixels,
        part(images.labels),
        class_names=images.class_names,
        patients=part(images.patients),
        sites=part(images.sites),
        sizes=part(images.sizes),
        pixel_sizes=part(images.pixel_sizes),
        names=names,
        originals=part(originals),
        provenance=images.provenance.noting(
            f"{copies} augmented {'copy' if copies == 1 else 'copies'} of each image by "
            f"{made.name} (seed {made.seed})" + ("" if keep_originals else ", originals left out")
        ),
        **known,
    )


def load():
    """Import the transforms, or say what to install.

    Returns
    -------
    module
        `octlessons.augmentation.transforms`.

    Raises
    ------
    OctlessonsError
        If albumentations is missing.
    """
    try:
        from octlessons.augmentation import transforms
    except ImportError as error:
        raise OctlessonsError(
            f"Augmentation needs the package albumentations ({error}): install the `book` extra, "
            "for example with  pip install 'octlessons[book]'."
        ) from error
    return transforms


# ---------------------------------------------------------------------- inside


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
        raise OctlessonsError(
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
        raise OctlessonsError(
            "Augmentation takes one uint8 image of shape (h, w) or (h, w, 3); this is "
            f"{image.dtype} of shape {image.shape}. For a whole set use augment()."
        )
    return image


def _lazy_copies(images: LazyImages, made: Pipeline, source, which) -> LazyImages:
    def read(j: int) -> np.ndarray:
        i, copy = int(source[j]), int(which[j])
        image = images[i]
        return made(image, index=i, copy=copy) if copy else image

    return LazyImages(read, len(source), images.image_shape)


def _copies(images: ImageSet, made: Pipeline, source, which, known, n_jobs: int):
    """Pixels, lesions and boundaries of originals and copies, in memory."""
    new = {"image": images.images[source]}
    new |= {key: None if part is None else part[source] for key, part in known.items()}
    todo = np.flatnonzero(which)
    if n_jobs == 1:
        blocks = [_block(made, source[todo], which[todo], {"image": images.images} | known)]
    else:
        from joblib import Parallel, cpu_count, delayed

        workers = cpu_count() if n_jobs < 0 else n_jobs
        blocks = Parallel(n_jobs=n_jobs)(
            delayed(_block)(made, source[rows], which[rows], {
                key: None if part is None else part[rows] for key, part in new.items()
            }, False)
            for rows in np.array_split(todo, workers)
        )  # fmt: skip
    for j, copy in zip(todo, (copy for block in blocks for copy in block), strict=True):
        for key, part in new.items():
            if part is not None:
                part[j] = getattr(copy, key)
    return new.pop("image"), new


def _block(made: Pipeline, source, which, known, by_index: bool = True) -> list[Augmented]:
    """Copies number `which` of images number `source`; `known` holds the set, or only these."""
    return [
        made.apply(
            index=int(i),
            copy=int(c),
            **{key: None if part is None else part[i if by_index else row]
               for key, part in known.items()},
        )
        for row, (i, c) in enumerate(zip(source, which, strict=True))
    ]  # fmt: skip
