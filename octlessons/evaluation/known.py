"""What is known about scans besides their labels, as groups with which clusters can be compared."""

from __future__ import annotations

import numpy as np

from octlessons.evaluation.records import record
from octlessons.images.checks import as_images
from octlessons.images.measurements import Measurements, measure

#: White covers one side of the retina from this share of the scan on, in %: smaller slivers are not
#: seen reliably.
WHITE_SIDE = 0.5
#: What the columns are called when clusters are compared with them.
NAMES = {
    "brightness": "brightness",
    "contrast": "contrast",
    "height": "position",
    "tilt": "tilt",
    "curvature": "curvature",
    "thickness": "mean_thickness",
}


def trusted_columns(side: int) -> tuple[str, ...]:
    """Columns of `measure` that agree with what was drawn, in scans of one size.

    Parameters
    ----------
    side : int
        Shorter side of the scans in px.

    Returns
    -------
    tuple of str
        Those whose correlation with the truth of phantoms is .95 or more, over all scans, those
        with white wedges and those without, at the next smaller size that was tried.

    Raises
    ------
    ValueError
        If the side is below 1.
    """
    if side < 1:
        raise ValueError(f"A side has 1 px or more, not {side}.")
    kept = record("instruments")
    tried = max((size for size in kept["sizes"] if size <= side), default=min(kept["sizes"]))
    trusted = []
    for name, column in kept["columns"].items():
        r = [value for value in column["r"][str(tried)].values() if value is not None]
        if r and min(r) >= kept["goal"]:
            trusted.append(name)
    return tuple(trusted)


def things_known(images, measurements: Measurements | None = None) -> dict[str, np.ndarray]:
    """Groups of scans that look alike, for comparing clusters with.

    Parameters
    ----------
    images : ImageSet, ndarray of shape (n, h, w), or list of arrays of shape (h, w)
        Grey scans as they are: with wedges, not flattened.
    measurements : Measurements, optional
        What `measure` found in them; without, they are measured.

    Returns
    -------
    dict of str to ndarray of str, shape (n,)
        ``"brightness"``, ``"contrast"``, ``"height"`` (of the retina's middle), ``"tilt"``,
        ``"curvature"`` and ``"thickness"`` (mean over the scan): "low", "middle" or "high", the
        thirds of what was measured; equal values are never parted, so thirds may differ in size.
        A *high* height is high in the picture. ``"white side"``: "none", "above", "below" or
        "both", where white that is not scan covers 0.5 % of the picture or more. Scans in which a
        thing could not be measured are "not known". Left out is what `trusted_columns` does not
        hold for scans of this size, and what is alike in all scans.

    Raises
    ------
    ValueError
        If these are not grey images, or there are measurements of another number of scans.

    Examples
    --------
    >>> from octlessons.evaluation import nuisance
    >>> nuisance(images, clusters, **things_known(images))  # doctest: +SKIP
    """
    scans = as_images(images)
    found = measure(images) if measurements is None else measurements
    if len(found.names) != len(scans):
        raise ValueError(
            f"There are {len(scans)} images but measurements of {len(found.names)}: measure the "
            "same images."
        )
    shapes = [scans.shape[1:]] if hasattr(scans, "shape") else map(np.shape, scans)
    trusted = trusted_columns(min(min(shape[:2]) for shape in shapes))
    things = {
        name: _thirds(-found[column] if name == "height" else found[column])
        for name, column in NAMES.items()
        if column in trusted
    }
    if {"white_above", "white_below"} <= set(trusted):
        things["white side"] = _white_side(found["white_above"], found["white_below"])
    return {name: each for name, each in things.items() if len(set(each) - {"not known"}) > 1}


def _thirds(values: np.ndarray) -> np.ndarray:
    known = np.isfinite(values)
    if not known.any():
        return np.full(len(values), "not known")
    low, high = np.quantile(values[known], [1 / 3, 2 / 3])
    with np.errstate(invalid="ignore"):
        at = [~known, values <= low, values <= high]
    return np.select(at, ["not known", "low", "middle"], "high")


def _white_side(above: np.ndarray, below: np.ndarray) -> np.ndarray:
    known = np.isfinite(above) & np.isfinite(below)
    a, b = above >= WHITE_SIDE, below >= WHITE_SIDE
    return np.select([~known, a & b, a, b], ["not known", "both", "above", "below"], "none")
