"""What survives a change: does an altered scan still deserve its label?

Asked of phantoms, where the truth is known: is the retina still the right way up, is it as thick,
do drusen still lift the RPE, can lesions still be seen, is fluid still dark, is a healthy retina
still without drusen? Where things are is known from maps that move along; what is seen of them is
measured in the altered picture. And asked of a fixed classifier that never saw an altered scan.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from octlessons.augmentation.augmenters import Augmented, Augmenter, augmenter
from octlessons.augmentation.steps import AUGMENTERS
from octlessons.evaluation.learning import small_classifier
from octlessons.evaluation.uncertainty import Interval, bootstrap
from octlessons.images.imageset import ImageSet
from octlessons.images.measurements import measure
from octlessons.images.phantoms import BOUNDARIES, draw_phantoms
from octlessons.wording import Rows, decimal, percent

#: What a change may do and still keep the label (choices of this course, each with its reason).
LIMITS = {
    "upright": 0.95,  # at least this share of scans with the ILM above Bruch's membrane
    "thickness": 0.10,  # a central thickness that changes by more counts as changed: 10 % is 26 µm
    "thickness_changed": 0.10,  # at most this share of scans with a changed thickness
    "drusen_size": 0.25,  # the height of drusen may change by this share, or by one pixel
    "drusen_kept": 0.90,  # at least this share of scans with drusen must still measure alike
    "lesion_contrast": 0.50,  # a lesion that keeps less of its contrast can no longer be seen
    "lesions_kept": 0.95,  # at least this share of the lesions' area must still be seen
    "fluid_contrast": 0.50,  # fluid must stay at least half as dark against its surroundings
    "bump_um": 40.0,  # a rise of the RPE that reads as a druse (they are 30-150 µm high)
    "false_drusen": 0.05,  # at most this share of normal scans may get one
}

#: What `survival_table` tries unless told otherwise.
DEFAULT = (
    *AUGMENTERS["oct_safe"][1], "rotation", *AUGMENTERS["oct_unsafe"][1], "heavy blur",
    "oct_safe", "oct_unsafe",
)  # fmt: skip


@dataclass(frozen=True)
class Survival:
    """What one change does to scans.

    Shares lie between 0 and 1. A measure is None where it cannot be asked: no boundaries, no
    lesions, no pixel sizes, no normal scans.

    Attributes
    ----------
    name : str
        The change.
    n : int
        Number of scans changed.
    upright : float
        Share of scans whose ILM lies above Bruch's membrane.
    thickness_change : float
        Median change, without sign, of the thickness from ILM to Bruch's membrane over the middle
        millimetre of the picture, as a share of what it was.
    thickness_changed : float
        Share of scans where that exceeds 10 %, or where it can no longer be measured.
    drusen_kept : float
        Share of the scans with drusen in which the RPE, as `find_layers` finds it in the altered
        picture, still rises as high as it did in the unaltered one, to 25 % or a pixel. In a scan
        that is no scan any more, such as one upside down, nothing is found and nothing kept.
    lesions_kept : float
        Mean share of the area of lesions that is still in the picture and still seen there: with at
        least half of its contrast to what surrounds it. Asked of lesions that stood out by more
        than 5 grey levels before, and not of drusen, which have a column of their own.
    fluid_contrast : float
        Median of: how much darker fluid is than around it, after against before; negative if
        fluid has become brighter.
    false_drusen : float
        Share of normal scans whose RPE now rises somewhere by 40 µm or more above its own course,
        a polynomial of degree 4.
    accuracy : float
        Accuracy on the changed scans of a classifier trained on unchanged scans of other patients.
    drop : Interval
        Its accuracy on the unchanged scans minus `accuracy`; bootstrap over patients.
    keeps_label : bool
        Whether every limit in `LIMITS` is kept. The classifier has no say: its drop tells what it
        has learnt, not what the scan shows.
    reasons : tuple of str
        Which limits are broken.
    """

    name: str
    n: int
    upright: float | None = None
    thickness_change: float | None = None
    thickness_changed: float | None = None
    drusen_kept: float | None = None
    lesions_kept: float | None = None
    fluid_contrast: float | None = None
    false_drusen: float | None = None
    accuracy: float | None = None
    drop: Interval | None = None
    keeps_label: bool | None = None
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, repr=False)
class SurvivalTable(Rows):
    """One `Survival` per change; ``table["zoom"]`` gives one, iteration gives all.

    Attributes
    ----------
    rows : tuple of Survival
        The first is ``"nothing"``: the same measures without any change.
    accuracy : float
        Accuracy of the fixed classifier on unchanged scans.
    n_train, n_test : int
        Scans the classifier was trained on, and scans that were changed.
    """

    rows: tuple[Survival, ...]
    accuracy: float
    n_train: int
    n_test: int

    _header = (
        "change", "keeps the label", "upright", "thickness changed", "drusen kept", "lesions kept",
        "fluid contrast", "false drusen", "accuracy drop",
    )  # fmt: skip

    def _cells(self) -> list[tuple[str, ...]]:
        verdict = {True: "yes", False: "no", None: "not measured"}
        return [
            (
                row.name,
                verdict[row.keeps_label],
                *map(percent, (row.upright, row.thickness_changed)),
                *map(percent, (row.drusen_kept, row.lesions_kept)),
                decimal(row.fluid_contrast),
                percent(row.false_drusen),
                "–" if row.drop is None else str(row.drop).replace(" ", "\u00a0"),
            )
            for row in self.rows
        ]

    def _caption(self) -> str:
        taught, right = f"trained on {self.n_train:,} unchanged scans", percent(self.accuracy)
        text = f"{self.n_test:,} scans changed one way at a time; a classifier {taught}"
        return f"{text} is right on {right} of them unchanged."


@dataclass(frozen=True)
class Example:
    """One scan before and after a change.

    Attributes
    ----------
    name, why, limits : str
        The change, its reason and how far it goes.
    before, after : Augmented
    """

    name: str
    why: str
    limits: str
    before: Augmented
    after: Augmented


def survival_table(
    images: ImageSet | None = None,
    changes: Sequence | None = None,
    *,
    random_state: int = 0,
    n_bootstrap: int = 300,
) -> SurvivalTable:
    """Measure what each change does to the truth of scans, and to a fixed classifier.

    Parameters
    ----------
    images : ImageSet, optional
        With labels; 100 phantoms of each class at 128 px by default. Half of them, of other
        patients where known, teach the classifier; the other half is changed. The truth is
        measured where boundaries, lesions and pixel sizes are known.
    changes : sequence, optional
        What to try: anything that `octlessons.augmentation.augmenter` takes. A single step is
        applied to every scan, whatever its probability; several run as they are. By default every
        step of ``oct_safe`` and ``oct_unsafe``, rotation and blur, and both augmenters.
    random_state : int
        Of the split and of the changes.
    n_bootstrap : int
        Resamples (of patients) for the interval of the drop.

    Raises
    ------
    ValueError
        If there are no labels, or a name is unknown.

    Notes
    -----
    Thickness is read as a reader would: between the boundaries in the changed picture, taking its
    pixels for as large as they were. That is why zooming counts as a change.
    """
    if images is None:
        images = draw_phantoms(n_per_class=100, size=128, seed=random_state)
    if images.labels is None:
        raise ValueError("What survives is asked of labels, and these images have none.")
    by = "image" if images.patients is None else "patient"
    train, test = images.split(0.5, by=by, random_state=random_state)
    classifier = small_classifier().fit(train, train.labels)
    right = classifier.predict(test) == test.labels
    before = _measures(test, [Augmented(*parts) for parts in _parts(test)])
    again = {"groups": test.patients, "n": n_bootstrap, "random_state": random_state}
    found = [_judged(_row("nothing", before, before, test), right, right, again)]
    for change in DEFAULT if changes is None else changes:
        made = _made(change, random_state)
        each, single = enumerate(_parts(test)), _single(made)
        changed = [made._run(scan, mask, rows, i, 0, single) for i, (scan, mask, rows) in each]
        still_right = classifier.predict([one.image for one in changed]) == test.labels
        row = _row(made.name, before, _measures(test, changed), test)
        found.append(_judged(row, right, still_right, again))
    return SurvivalTable(tuple(found), float(right.mean()), len(train), len(test))


def transform_examples(
    images: ImageSet, changes: Sequence | None = None, *, index: int = 0, seed: int = 0
) -> list[Example]:
    """Return one scan before and after each change, for a figure.

    Parameters
    ----------
    images : ImageSet
    changes : sequence, optional
        As for `survival_table`.
    index : int
        Which image.
    seed : int
        Seed of the changes.
    """
    one = images[[index]]
    boundaries = None if one.boundaries is None else one.boundaries[0]
    before = Augmented(one[0], None if one.lesions is None else one.lesions[0], boundaries)
    examples = []
    for change in DEFAULT if changes is None else changes:
        made = _made(change, seed)
        why, limits = made.description, ", ".join(step.name for step in made.steps)
        if _single(made):
            why, limits = made.steps[0].why, made.steps[0].limits
        after = made._run(*before, index, 0, _single(made))
        examples.append(Example(made.name, why, limits, before, after))
    return examples


# ---------------------------------------------------------------------- inside


def _made(change, seed: int) -> Augmenter:
    return change if isinstance(change, Augmenter) else augmenter(change, seed=seed)


def _single(made: Augmenter) -> bool:
    """Whether this is one step, which then acts on every scan whatever its probability."""
    return len(made.steps) == 1


def _parts(images: ImageSet):
    """(image, mask, boundaries) of each scan; the mask holds lesion codes and pixel numbers."""
    kept = [BOUNDARIES.index(name) for name in ("ILM", "RPE", "BM")]
    for i, image in enumerate(images):
        mask = boundaries = None
        if images.lesions is not None:
            codes = images.lesions[i]
            numbers = np.arange(1, codes.size + 1, dtype=np.float32).reshape(codes.shape)
            mask = np.stack([codes.astype(np.float32), numbers], axis=-1)
        if images.boundaries is not None and images.boundaries.shape[1] == len(BOUNDARIES):
            boundaries = images.boundaries[i, kept]
        yield image, mask, boundaries


#: Codes of lesions whose contrast is asked for: all but drusen, between bright and dark layers.
_CONTRASTED = (2, 3, 4, 5, 6)


@dataclass(frozen=True)
class _Measures:
    """What is read from each scan; NaN where there is nothing to read."""

    upright: np.ndarray
    thickness: np.ndarray  # µm
    lift: np.ndarray  # of the RPE in rows, as found in the picture
    fluid: np.ndarray  # grey levels by which fluid is darker than around it
    contrast: np.ndarray  # the same for each of _CONTRASTED, (n, kinds)
    bump: np.ndarray  # µm
    numbers: list  # per scan: pixel numbers still there, or None


def _measures(images: ImageSet, changed: Sequence[Augmented]) -> _Measures:
    n = len(images)
    upright, thickness, fluid, bump = (np.full(n, np.nan) for _ in range(4))
    contrast = np.full((n, len(_CONTRASTED)), np.nan)
    numbers: list[np.ndarray | None] = [None] * n
    for i, (image, mask, boundaries) in enumerate(changed):
        axial, lateral = (np.nan, np.nan) if images.pixel_sizes is None else images.pixel_sizes[i]
        if boundaries is not None:
            inside = (boundaries > -0.5) & (boundaries < image.shape[0] - 0.5)
            seen = np.where(inside, boundaries, np.nan)
            upright[i], thickness[i], bump[i] = _layer_measures(seen, axial, lateral)
        if mask is not None:
            codes, numbers[i] = np.moveaxis(mask, -1, 0).astype(int)
            fluid[i] = _contrast(image, (codes == 4) | (codes == 5))
            contrast[i] = [_contrast(image, codes == code) for code in _CONTRASTED]
    lift = _lifts(images, changed)
    return _Measures(upright, thickness, lift, fluid, contrast, bump, numbers)


def _lifts(images: ImageSet, changed: Sequence[Augmented]) -> np.ndarray:
    """Greatest height of the RPE in the pictures of scans with drusen, in rows, (n,)."""
    lifts = np.full(len(images), np.nan)
    if images.lesions is not None:
        which = np.flatnonzero([(codes == 1).sum() >= 4 for codes in images.lesions])
        if len(which):
            found = measure([changed[i].image for i in which])["rpe_lift"]  # in % of the height
            lifts[which] = found / 100 * changed[0].image.shape[0]
    return lifts


def _layer_measures(seen: np.ndarray, axial: float, lateral: float):
    """Upright (0 or 1), central thickness in µm, highest bump of the RPE in µm."""
    ilm, rpe, membrane = seen
    width = len(ilm)
    middle = np.abs(np.arange(width) + 0.5 - width / 2) * lateral <= 500
    height = (membrane - ilm) * axial
    known = np.isfinite(height)
    upright = float(known.mean() >= 0.5 and (height[known] > 0).mean() >= 0.95)
    central = height[middle & known]
    thick = np.abs(central).mean() if len(central) >= 0.5 * max(1, middle.sum()) else np.nan
    there = np.flatnonzero(np.isfinite(rpe))
    if len(there) < 16:
        return upright, thick, np.nan
    across = there / width - 0.5
    course = np.polynomial.Polynomial.fit(across, rpe[there], 4)
    return upright, thick, float((course(across) - rpe[there]).max() * axial)


def _contrast(image: np.ndarray, part: np.ndarray) -> float:
    """By how many grey levels a part of the picture is darker than what surrounds it."""
    if part.sum() < 6:
        return np.nan
    from scipy.ndimage import binary_dilation

    around = binary_dilation(part, iterations=3) & ~binary_dilation(part)
    grey = image if image.ndim == 2 else image.mean(-1)
    return float(grey[around].mean() - grey[part].mean()) if around.any() else np.nan


def _row(name: str, before: _Measures, after: _Measures, images: ImageSet) -> Survival:
    known, fluid = np.isfinite(before.thickness), before.fluid > 5  # no NaN is above 5
    change = np.abs(after.thickness[known] / before.thickness[known] - 1)
    gone = ~np.isfinite(change)
    parts: dict[str, Any] = {
        "upright": _mean(after.upright[np.isfinite(before.upright)]),
        "thickness_change": _median(change),
        "thickness_changed": _mean(gone | (change > LIMITS["thickness"])),
        "drusen_kept": _mean(_same_lift(before.lift, after.lift)),
        "lesions_kept": _mean(_kept(before, after, images)),
        "fluid_contrast": _median(after.fluid[fluid] / before.fluid[fluid]),
    }
    if "NORMAL" in images.class_names:
        healthy = images.labels == images.class_names.index("NORMAL")
        bumps = after.bump[healthy & np.isfinite(before.bump)]
        parts["false_drusen"] = _mean(bumps[np.isfinite(bumps)] >= LIMITS["bump_um"])
    return Survival(name, len(images), **parts)


def _same_lift(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """Of the scans with drusen: whether the RPE is found as high as before."""
    known = np.isfinite(before)
    before, after = before[known], after[known]
    return np.abs(after - before) <= np.maximum(LIMITS["drusen_size"] * before, 1.01)


def _kept(before: _Measures, after: _Measures, images: ImageSet) -> np.ndarray:
    """Share of each scan's lesion pixels that are still there and still seen, without drusen."""
    from scipy.ndimage import maximum_filter

    shares = []
    for i, codes in enumerate([] if images.lesions is None else images.lesions):
        kinds = zip(_CONTRASTED, before.contrast[i], after.contrast[i], strict=True)
        stood_out = [(code, new / old) for code, old, new in kinds if abs(old) > 5]
        if stood_out:
            there = np.isin(np.arange(1, codes.size + 1), after.numbers[i]).reshape(codes.shape)
            # Nearest-pixel sampling skips single pixels; a neighbour shows that the place is there.
            there = maximum_filter(there, 3)
            faint = [code for code, kept in stood_out if not kept >= LIMITS["lesion_contrast"]]
            seen = there & ~np.isin(codes, faint)
            shares.append(seen[np.isin(codes, [code for code, _ in stood_out])].mean())
    return np.asarray(shares)


def _judged(row: Survival, right, still_right, bootstrap_options: dict) -> Survival:
    """The row with what the classifier says, and the verdict: which limits are broken."""
    tests = (
        (row.upright, lambda v: v >= LIMITS["upright"],
         lambda v: f"{_only(v)} of the scans are anatomically the right way up"),
        (row.thickness_changed, lambda v: v <= LIMITS["thickness_changed"],
         lambda v: f"the central thickness changes by more than {percent(LIMITS['thickness'])} in "
                   f"{percent(v)} of scans"),
        (row.drusen_kept, lambda v: v >= LIMITS["drusen_kept"],
         lambda v: f"{_only(v)} of the scans with drusen keep the height of their RPE"),
        (row.lesions_kept, lambda v: v >= LIMITS["lesions_kept"],
         lambda v: f"{_only(v)} of the lesions' area can still be seen"),
        (row.fluid_contrast, lambda v: v >= LIMITS["fluid_contrast"],
         lambda v: "fluid is no longer darker than tissue" if v <= 0
         else f"fluid keeps only {percent(v)} of its contrast"),
        (row.false_drusen, lambda v: v <= LIMITS["false_drusen"],
         lambda v: f"{percent(v)} of normal scans get a bump of {LIMITS['bump_um']:.0f} µm"),
    )  # fmt: skip
    asked = [(value, fine, say) for value, fine, say in tests if value is not None]
    reasons = tuple(say(value) for value, fine, say in asked if not fine(value))
    accuracy = float(still_right.mean())
    drop = bootstrap(np.mean, right.astype(float) - still_right, **bootstrap_options)
    kept = not reasons if asked else None
    return replace(row, accuracy=accuracy, drop=drop, keeps_label=kept, reasons=reasons)


def _mean(values: np.ndarray) -> float | None:
    return float(np.mean(values)) if len(values) else None


def _median(values: np.ndarray) -> float | None:
    known = values[np.isfinite(values)]
    return float(np.median(known)) if len(known) else None


def _only(share: float) -> str:
    return "none" if share < 0.005 else f"only {percent(share)}"
