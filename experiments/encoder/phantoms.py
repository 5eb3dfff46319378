"""The phantoms that `PhantomEncoder` learns from: drawn wider than usual, cleaned, with truth.

The encoder shall see anatomy, and not the style in which our phantoms are drawn. So the scanner
and the tissue of the patients drawn here vary more than in `octlessons.images.draw_phantoms`, and
those that choose a recipe (`"shifted"`) lie outside of what was trained on.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

from octlessons._files import write_atomically
from octlessons.errors import OctlessonsError
from octlessons.images.phantoms import BOUNDARIES, CLASS_NAMES, LESIONS
from octlessons.images.retina import WORKING

OUTSIDE = 31

#: How phantoms are varied: as they are drawn for everyone; scanner and tissue wider, for training;
#: the lesions wider, too; and, to choose a recipe, with a look that lies outside of these.
KINDS = ("plain", "wide", "wider", "shifted")

#: Codes of a pixel: the number of boundaries above it, or 13 plus the code of the lesion.
N_CODES = len(BOUNDARIES) + 1 + len(LESIONS)

_KEEP = ("images", "codes", "labels", "patients", "raw")


def drawn_phantoms(
    n_per_class: int,
    seed: int,
    kind: str = "wide",
    *,
    per_patient: int = 2,
    folder: str | os.PathLike | None = None,
    n_jobs: int = 1,
    report: Callable[[str], object] | None = None,
) -> dict[str, np.ndarray]:
    """Draw phantoms, clean them, and keep the truth in the cleaned picture.

    Parameters
    ----------
    n_per_class : int
    seed : int
    kind : {"plain", "wide", "wider", "shifted"}
    per_patient : int
        Most scans of one patient.
    folder : path, optional
        Keep them there, and read them from there the next time.
    n_jobs : int
        Processes (joblib).
    report : callable, optional
        Takes a line of text now and then.

    Returns
    -------
    dict of ndarray
        ``images`` uint8 (n, 192, 192), wedges filled and retina straight; ``codes`` uint8 of the
        same shape, see `N_CODES`; ``labels`` (n,), ``patients`` (n,); and ``raw``, the scans
        before cleaning (not for training).
    """
    if kind not in KINDS:
        raise ValueError(f"`kind` is one of {', '.join(KINDS)}, not {kind!r}.")
    file = None
    if folder is not None:
        name = f"{kind}-{seed}-{n_per_class}x{per_patient}.npz"
        file = Path(folder) / name
        if file.exists():
            return _read(file)
    from octlessons.images.phantoms.population import count_slices

    plan, left, number = [], dict.fromkeys(CLASS_NAMES, n_per_class), 0
    while any(left.values()):
        for name in CLASS_NAMES:
            if left[name]:
                count = min(count_slices(seed, name, number), per_patient, left[name])
                left[name] -= count
                plan.append((seed, name, number, count, kind))
        number += 1
    drawn, total = [], 4 * n_per_class
    for start in range(0, len(plan), 200):
        part = plan[start : start + 200]
        if n_jobs == 1:
            found = [_patient(*patient) for patient in part]
        else:
            from joblib import Parallel, delayed

            found = Parallel(n_jobs=n_jobs)(delayed(_patient)(*patient) for patient in part)
        drawn += [scan for scans in found for scan in scans]
        if report is not None:
            report(f"drawing phantoms ({kind}, seed {seed}): {len(drawn):,} of {total:,}")
    arrays = {name: np.stack([scan[name] for scan in drawn]) for name in drawn[0]}
    if file is not None:
        write_atomically(file, lambda stream: np.savez(stream, **arrays))
    return arrays


def _read(file: Path) -> dict[str, np.ndarray]:
    try:
        with np.load(file) as arrays:
            return {name: arrays[name] for name in _KEEP if name in arrays.files}
    except (OSError, ValueError, EOFError, KeyError) as error:
        raise OctlessonsError(
            f"The phantoms kept in {file} cannot be read ({type(error).__name__}): delete the "
            "file, and they are drawn again."
        ) from error


def _patient(seed: int, name: str, number: int, count: int, kind: str) -> list[dict]:
    from octlessons.images.phantoms.drawing import draw_scan, tissue_fields
    from octlessons.images.phantoms.population import draw_patient, generator

    patient = draw_patient(seed, name, number)
    patient = _varied(patient, kind, generator(*patient.key, 777))
    fields = tissue_fields(generator(*patient.key, 2))
    scans = []
    for index in range(count):
        scan = draw_scan(patient, fields, index, WORKING)
        if kind == "shifted":
            worse = _degraded(scan.image, generator(*patient.key, 778, index))
            scan = replace(scan, image=worse)
        image, codes = _flattened(scan)
        found = {
            "images": image,
            "codes": codes,
            "labels": CLASS_NAMES.index(name),
            "patients": int(scan.patient),
        }
        if kind in ("plain", "shifted"):
            found["raw"] = scan.image
        scans.append(found)
    return scans


def _varied(patient, kind: str, rng: np.random.Generator):
    """The patient at another scanner, with tissue of other brightness."""
    if kind == "plain":
        return patient
    n_layers = len(patient.tone["layers"])
    look, tone = patient.look, dict(patient.tone)
    if kind in ("wide", "wider"):
        if kind == "wider":
            patient = replace(patient, disease=_other_lesions(patient.disease, rng))
        look = replace(
            look,
            gain=look.gain * float(np.exp(rng.normal(0, 0.10))),
            gamma=look.gamma * float(np.exp(rng.normal(0, 0.12))),
            noise=look.noise * float(np.exp(rng.normal(0, 0.4))),
            looks=float(rng.choice([1, 1.5, 2, 3, 4, 6, 10])),
            offset=float(np.clip(look.offset + rng.normal(0, 0.08), 0.4, 1.0)),
            haze=float(rng.uniform(0.05, 0.25)) if rng.random() < 0.2 else 0.0,
            wedged=bool(rng.random() < 0.5),
        )
        tone["layers"] = 1 + np.clip(rng.normal(0, 0.10, n_layers), -0.25, 0.25)
        tone["choroid"] = float(np.clip(rng.normal(1.0, 0.2), 0.5, 1.6))
        tone["decay"] = float(np.exp(rng.normal(0, 0.35)))
        tone["vessels"] = float(rng.uniform(0.1, 0.7))
        tone["beading"] = float(rng.uniform(0.03, 0.25))
        zones = patient.retina.zones * np.exp(rng.normal(0, 0.06))
        return replace(patient, look=look, tone=tone, retina=replace(patient.retina, zones=zones))
    look = replace(
        look,
        gain=look.gain * float(rng.choice([0.75, 1.25])),
        gamma=look.gamma * float(rng.choice([0.75, 1.3])),
        noise=look.noise * float(rng.choice([0.3, 3.0])),
        looks=float(rng.choice([1, 16])),
        haze=float(rng.uniform(0.1, 0.3)) if rng.random() < 0.4 else 0.0,
    )
    tone["layers"] = 1 + np.clip(rng.normal(0, 0.20, n_layers), -0.4, 0.4)
    tone["choroid"] = float(rng.choice([0.5, 1.6]))
    tone["vessels"] = float(rng.choice([0.05, 0.8]))
    zones = patient.retina.zones * float(rng.choice([0.88, 1.12]))
    size = float(rng.choice([0.7, 1.25]))
    disease = patient.disease
    disease = replace(
        disease,
        mounds=tuple(
            replace(
                mound,
                height=mound.height * size,
                grey=float(np.clip(mound.grey * rng.uniform(0.7, 1.3), 0.03, 0.9)),
                rough=mound.rough * 2,
            )
            for mound in disease.mounds
        ),
        swellings=tuple(
            replace(swelling, extra=swelling.extra * size) for swelling in disease.swellings
        ),
    )
    retina = replace(patient.retina, zones=zones)
    return replace(patient, look=look, tone=tone, retina=retina, disease=disease)


def _other_lesions(disease, rng: np.random.Generator):
    """The same signs in other sizes and greys."""
    size, swollen = np.exp(rng.normal(0, (0.25, 0.3)))

    def spread(low: float, high: float) -> float:
        return float(rng.uniform(low, high))

    return replace(
        disease,
        mounds=tuple(
            replace(
                mound,
                height=mound.height * float(size * np.exp(rng.normal(0, 0.1))),
                radius_x=mound.radius_x * float(np.exp(rng.normal(0, 0.12))),
                grey=float(np.clip(mound.grey * spread(0.75, 1.3), 0.03, 0.85)),
                rough=mound.rough * spread(0.5, 2.2),
                mottle=mound.mottle * spread(0.5, 2.0),
            )
            for mound in disease.mounds
        ),
        swellings=tuple(
            replace(s, extra=s.extra * float(swollen), sd=s.sd * float(np.exp(rng.normal(0, 0.15))))
            for s in disease.swellings
        ),
        cysts=tuple(replace(c, filling=c.filling * spread(0.7, 1.1)) for c in disease.cysts),
        pit_loss=float(np.clip(disease.pit_loss + rng.normal(0, 0.08), 0, 1)),
        irregular=disease.irregular * spread(0.6, 2.0),
        damage=tuple((a, b, min(1.0, loss * spread(0.5, 1.3))) for a, b, loss in disease.damage),
        streaks=disease.streaks * spread(0.5, 1.4),
    )


def _degraded(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A copy that lost resolution, or was compressed, or is out of focus."""
    import io

    from PIL import Image, ImageFilter

    picture, kind = Image.fromarray(image), rng.random()
    if kind < 0.33:
        side = int(WORKING * float(rng.uniform(0.35, 0.6)))
        picture = picture.resize((side, side), Image.Resampling.BILINEAR)
        picture = picture.resize((WORKING, WORKING), Image.Resampling.BILINEAR)
    elif kind < 0.66:
        stream = io.BytesIO()
        picture.save(stream, "JPEG", quality=int(rng.integers(10, 40)))
        picture = Image.open(stream)
    else:
        picture = picture.filter(ImageFilter.GaussianBlur(float(rng.uniform(0.8, 1.5))))
    return np.asarray(picture)


def _flattened(scan) -> tuple[np.ndarray, np.ndarray]:
    """The cleaned scan, with whatever errors cleaning makes, and what each pixel shows."""
    from octlessons.images.cleaning import TARGET, find_baseline, remove_wedges, shift_columns

    shift = find_baseline(scan.image) - TARGET * (WORKING - 1)
    flat = shift_columns(remove_wedges(scan.image), shift)
    rows = np.arange(WORKING)[:, None]
    codes = ((scan.boundaries - shift)[:, None, :] <= rows).sum(0).astype(np.uint8)
    at = np.clip(np.round(rows + shift).astype(int), 0, WORKING - 1)
    lesions = scan.lesions[at, np.arange(WORKING)]
    codes[lesions > 0] = len(BOUNDARIES) + lesions[lesions > 0]
    return flat, codes
