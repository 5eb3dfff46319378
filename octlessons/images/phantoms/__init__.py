"""Phantoms: synthetic macular OCT scans, drawn from anatomy: four classes, four more by name.

They are free of any patient's data, the same from the same seed on every platform, and come with
what no real set has: the true layer boundaries and lesion masks.

The modules follow the light: `anatomy` (the healthy macula), `lesions` (what disease does to it),
`signs` and `more_diseases` (the same for the classes drawn when asked for by name), `scene` (one
scan in retinal coordinates, on a canvas of `raster`), `scanner` (place, speckle, compression,
wedges, size), `framing` (exports cropped around the retina), `population` (who is scanned, where,
and how often).
"""

from __future__ import annotations

import os

import numpy as np

from octlessons.errors import OctlessonsError
from octlessons.images.phantoms.lesions import LESIONS
from octlessons.images.phantoms.population import (
    ALL_CLASS_NAMES,
    CLASS_MIX,
    CLASS_NAMES,
    MORE_CLASS_NAMES,
    balanced_patients,
    natural_patients,
)
from octlessons.images.phantoms.scanner import SCANNERS
from octlessons.images.phantoms.scene import BOUNDARIES

__all__ = [
    "ALL_CLASS_NAMES",
    "BOUNDARIES",
    "CLASS_MIX",
    "CLASS_NAMES",
    "LESIONS",
    "MORE_CLASS_NAMES",
    "SCANNERS",
    "draw_phantoms",
]

SMALLEST, LARGEST = 28, 512
#: The environment variable that moves every seed, for ``octlessons build --seed``, and how far: the
#: pages may use this many seeds.
SEED_VARIABLE, SEEDS_A_BUILD = "OCTLESSONS_SEED", 10_000


def draw_phantoms(
    n: int = 400,
    *,
    size: int = 128,
    seed: int = 0,
    classes=None,
    n_per_class: int | None = None,
    scanner: str = "spectralis",
    n_jobs: int = 1,
):
    """Draw synthetic macular B-scans with known truth.

    Parameters
    ----------
    n : int
        Number of images, in the mix of `CLASS_MIX`. Ignored when `n_per_class` is given.
    size : int
        Height and width of the images, 28 to 512 px. The whole scan is stretched to the square.
    seed : int
        Same seed, same images, on every platform. An image depends on the seed, its patient and
        its place among the patient's scans only: a larger `n` begins with the same patients.
        ``octlessons build --seed`` moves every seed, by ``OCTLESSONS_SEED`` × `SEEDS_A_BUILD`.
    classes : sequence of str, optional
        Draw only these classes (in the proportions of `CLASS_MIX`). Without it, the four of
        `CLASS_NAMES`; "ERM", "VID", "RVO" and "RAO" are drawn when they are named here.
    n_per_class : int, optional
        Draw this many of each class instead.
    scanner : {"spectralis", "cropped"}
        Whole scans, at sites A and B; or the same eyes at site C, which averages more, shows 5.5
        to 13 mm, crops around the retina, and may show the optic disc or a marker.
    n_jobs : int
        Processes to draw with (joblib).

    Returns
    -------
    ImageSet
        With labels (index into `CLASS_NAMES`, or into `ALL_CLASS_NAMES` where one of the others
        was asked for), patients, sites, sizes (rows and columns as acquired: 496 or 512 by 512,
        768 or 1536; at C what cropping left of 480 to 1024 by 1024), pixel_sizes (µm of a drawn
        pixel, axial and lateral), names, boundaries (row of each of `BOUNDARIES` in every column,
        pixel centres at whole numbers, also where something hides them) and lesions (codes of
        `LESIONS`). Scans of one patient follow one another.

    Raises
    ------
    ValueError
        If an argument is out of range.

    Examples
    --------
    >>> draw_phantoms(8, size=64).shape
    (8, 64, 64)
    """
    size, seed, classes = _check(n, size, seed, classes, n_per_class, scanner)
    if n_per_class is not None:
        plan = list(balanced_patients(seed, int(n_per_class), classes))
    else:
        plan = list(natural_patients(seed, int(n), classes))
    names = ALL_CLASS_NAMES if set(classes) - set(CLASS_NAMES) else CLASS_NAMES
    return _as_set(_draw_all(plan, seed, size, scanner, n_jobs), names, size, seed, scanner)


def _as_set(scans: list, names: tuple[str, ...], size: int, seed: int, scanner: str):
    from octlessons.images.imageset import ImageSet, Provenance

    how = f"drawn at {size} × {size} with seed {seed}"
    if scanner != SCANNERS[0]:
        how += f", scanner {scanner}"
    stack = lambda field: np.stack([getattr(scan, field) for scan in scans])  # noqa: E731
    return ImageSet(
        stack("image"),
        [names.index(scan.class_name) for scan in scans],
        class_names=names,
        patients=[scan.patient for scan in scans],
        sites=[scan.site for scan in scans],
        sizes=[scan.size for scan in scans],
        pixel_sizes=[scan.pixel_size for scan in scans],
        names=[scan.name for scan in scans],
        boundaries=stack("boundaries"),
        lesions=stack("lesions"),
        provenance=Provenance(
            "phantoms",
            description="Synthetic macular OCT scans drawn from anatomy; no patient's data.",
            licence="CC BY 4.0",
            notes=(how,),
        ),
    )


def _draw_all(plan: list[tuple[str, int, int]], seed, size, scanner, n_jobs) -> list:
    from octlessons.images.phantoms.drawing import draw_patient_scans

    if n_jobs == 1:
        drawn = [draw_patient_scans(seed, *patient, size, scanner) for patient in plan]
    else:
        from joblib import Parallel, delayed

        drawn = Parallel(n_jobs=n_jobs)(
            delayed(draw_patient_scans)(seed, *patient, size, scanner) for patient in plan
        )
    return [scan for scans in drawn for scan in scans]


def _whole(value) -> bool:
    return isinstance(value, (int, np.integer)) and not isinstance(value, bool)


def _check(n, size, seed, classes, n_per_class, scanner):
    if scanner not in SCANNERS:
        raise ValueError(
            f"There is no scanner {scanner!r} among the phantoms: choose from "
            f"{', '.join(SCANNERS)}."
        )
    count = n if n_per_class is None else n_per_class
    if not _whole(count) or count < 1:
        raise ValueError(f"{count!r} phantoms cannot be drawn: ask for one or more.")
    if not _whole(size) or not SMALLEST <= size <= LARGEST:
        raise ValueError(
            f"Phantoms of {size!r} px cannot be drawn: give a whole number from {SMALLEST} to "
            f"{LARGEST}."
        )
    if not _whole(seed) or seed < 0:
        raise ValueError(f"The seed {seed!r} cannot be used: give a whole number from 0.")
    classes = (classes,) if isinstance(classes, str) else classes
    chosen = CLASS_NAMES if classes is None else tuple(classes)
    unknown = [name for name in chosen if name not in ALL_CLASS_NAMES]
    if unknown or not chosen:
        raise ValueError(
            f"There is no class {', '.join(map(repr, unknown)) or 'given'} among the phantoms: "
            f"choose from {', '.join(ALL_CLASS_NAMES)}."
        )
    return (
        int(size),
        int(seed) + _moved(),
        tuple(name for name in ALL_CLASS_NAMES if name in chosen),
    )


def _moved() -> int:
    """What a build with a seed of its own adds to every seed."""
    text = os.environ.get(SEED_VARIABLE) or "0"
    if not text.isdecimal():
        raise OctlessonsError(
            f"The environment variable {SEED_VARIABLE} is {text!r}: give it a whole number from 0, "
            "or remove it."
        )
    return SEEDS_A_BUILD * int(text)
