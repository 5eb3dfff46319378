"""Who is scanned: patients, their class and site, and how many scans each has."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from octlessons.images.phantoms.anatomy import LAYERS, Retina, draw_retina
from octlessons.images.phantoms.lesions import Disease, draw_disease
from octlessons.images.phantoms.more_diseases import draw_more
from octlessons.images.phantoms.scanner import SITES, Look, draw_look

CLASS_NAMES = ("CNV", "DME", "DRUSEN", "NORMAL")
#: Classes drawn when asked for by name, as in the OCTDL data set (arXiv:2312.08255): epiretinal
#: membrane, vitreomacular interface disease, retinal vein and retinal artery occlusion.
MORE_CLASS_NAMES = ("ERM", "VID", "RVO", "RAO")
ALL_CLASS_NAMES = CLASS_NAMES + MORE_CLASS_NAMES
#: Class mix of the training images of Kermany et al. (2018), doi:10.1016/j.cell.2018.02.010:
#: 37,205 CNV, 11,348 DME, 8,616 DRUSEN and 51,140 NORMAL.
#: The others beside them as often as in OCTDL: 155 ERM, 76 VID, 101 RVO and 22 RAO to 147 DME.
CLASS_MIX = {
    "CNV": 0.3435, "DME": 0.1048, "DRUSEN": 0.0795, "NORMAL": 0.4722,
    "ERM": 0.1105, "VID": 0.0542, "RVO": 0.0720, "RAO": 0.0157,
}  # fmt: skip
#: Share of a class's patients scanned at site B (design value). Scan heights differ by class in
#: Kermany et al.; here, too, the site says a little about the class.
SITE_B_SHARE = {"CNV": 0.30, "DME": 0.50, "DRUSEN": 0.30, "NORMAL": 0.50}
SITE_B_SHARE |= dict.fromkeys(MORE_CLASS_NAMES, 0.40)
MAX_SLICES = 20


@dataclass(frozen=True)
class Patient:
    """One eye of one person and everything its scans share."""

    key: tuple[int, int, int]  # seed, class, running number within the class
    name: str
    class_name: str
    retina: Retina
    disease: Disease
    look: Look
    centre_mm: float  # distance of the middle scan from the fovea
    spacing_mm: float
    n_slices: int
    vessels: tuple[tuple[float, float, float], ...]  # place in mm, radius in µm, shadow
    hyaloid: tuple[float, float, float] | None  # touches at mm, rise in µm, grey
    tone: dict


def generator(*key: int) -> np.random.Generator:
    """Random numbers that belong to a key, whatever else was drawn."""
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence(key)))


def count_slices(seed: int, class_name: str, number: int) -> int:
    """How many scans a patient has: 1 to 20, most have few (design value)."""
    rng = generator(seed, ALL_CLASS_NAMES.index(class_name), number, 0)
    return int(np.clip(1 + np.floor(np.exp(rng.normal(0.5, 0.9))), 1, MAX_SLICES))


def draw_patient(seed: int, class_name: str, number: int) -> Patient:
    """Draw a person: the ``number``-th of a class, for a seed."""
    label = ALL_CLASS_NAMES.index(class_name)
    rng = generator(seed, label, number, 1)
    site = SITES["B" if rng.random() < SITE_B_SHARE[class_name] else "A"]
    look = draw_look(site, rng)
    retina = draw_retina(rng)
    off_fovea = rng.random() < 0.15
    centre = (
        float(rng.uniform(0.6, 1.8) * rng.choice([-1, 1]))
        if off_fovea
        else float(rng.normal(0, 0.1))
    )
    if class_name == "VID":
        centre *= 0.1  # the scan that shows it goes through the fovea
    draw = draw_more if class_name in MORE_CLASS_NAMES else draw_disease
    disease = draw(class_name, rng)
    n = count_slices(seed, class_name, number)
    wide = look.width != 512
    vessels = tuple(
        (
            float(rng.uniform(-4.4, 4.4)),
            float(rng.uniform(12, 50)),
            float(rng.uniform(0.03, 0.28 if wide else 0.18)),
        )
        for _ in range(int(rng.integers(3, 12)))
    )
    hyaloid = None
    if rng.random() < 0.2:
        hyaloid = (
            float(rng.normal(0, 0.5)),
            float(rng.uniform(90, 330)),
            float(rng.uniform(0.16, 0.34)),
        )
    tone = {
        "beading": float(rng.uniform(0.03, 0.15)),  # relative unevenness of EZ and RPE
        "wobble": float(rng.uniform(1.0, 8.0)),  # µm, slow movement within a scan
        "layers": 1 + np.clip(rng.normal(0, 0.045, len(LAYERS)), -0.12, 0.12),
        "choroid": float(np.clip(rng.normal(1.0, 0.12), 0.7, 1.3)),
        "decay": float(np.exp(rng.normal(0, 0.25))),
        "vessels": float(rng.uniform(0.2, 0.55)),
    }
    return Patient(
        key=(seed, label, number),
        name=str(100_000 * (label + 1) + number),
        class_name=class_name,
        retina=retina,
        disease=disease,
        look=look,
        centre_mm=centre,
        spacing_mm=float(rng.uniform(0.015, 0.03)),
        n_slices=n,
        vessels=vessels,
        hyaloid=hyaloid,
        tone=tone,
    )


def natural_patients(seed: int, n: int, classes) -> Iterator[tuple[str, int, int]]:
    """Patients until ``n`` scans are reached, in the natural class mix.

    The next patient is of the class that lacks most scans, so a larger ``n`` begins with the same
    patients. Yields class, running number and how many of the patient's scans to draw.
    """
    share = np.array([CLASS_MIX[name] for name in classes])
    share = share / share.sum()
    have, numbers = np.zeros(len(classes)), [0] * len(classes)
    total = 0
    while total < n:
        which = int(np.argmax(share * (total + 10) - have))
        scans = count_slices(seed, classes[which], numbers[which])
        yield classes[which], numbers[which], min(scans, n - total)
        have[which] += scans
        numbers[which] += 1
        total += scans


def balanced_patients(seed: int, n_per_class: int, classes) -> Iterator[tuple[str, int, int]]:
    """Patients until every class has ``n_per_class`` scans, the classes taking turns."""
    left = dict.fromkeys(classes, n_per_class)
    number = 0
    while any(left.values()):
        for name in classes:
            if left[name]:
                scans = min(count_slices(seed, name, number), left[name])
                left[name] -= scans
                yield name, number, scans
        number += 1
