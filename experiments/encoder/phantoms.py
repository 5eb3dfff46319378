"""The phantoms that the networks learn from: drawn wider than usual, at two scanners, with truth.

The networks shall see anatomy, and not the style in which our phantoms are drawn. So the scanner
and the tissue of the patients drawn here vary more than in `octlessons.images.draw_phantoms`, and
those that choose a recipe (`"shifted"`, `"far"`) lie outside of what was trained on.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np

from experiments.encoder import forms
from octlessons._files import write_atomically
from octlessons.errors import OctlessonsError
from octlessons.images.phantoms import BOUNDARIES, CLASS_NAMES
from octlessons.images.retina import WORKING

#: How phantoms are varied: as they are drawn for everyone; scanner and tissue wider, for training;
#: the lesions wider, too; and, to choose a recipe, with a look that lies outside of these. Mixed
#: and milder have the other scanner in 55 % of the patients, and milder little of each lesion; far
#: has it always, of wider fields and with tissue as the shifted.
KINDS = ("plain", "wide", "wider", "shifted", "mixed", "milder", "far")

#: The code of a pixel is the number of boundaries above it, or 13 plus that of its lesion; this one
#: is where a wedge, band, frame or marker covers the scan.
COVERED = 31
#: Boundaries whose rows are kept.
LINES = ("ILM", "RPE", "BM")

_AT_OTHER_SCANNER, _NOT_WIDER = 0.55, 0.4
_AGAIN = 1_000_000  # added to the seed of a second drawing
_FIELDS_MM = {"mixed": (5.5, 12.0), "milder": (5.5, 12.0), "far": (9.0, 13.0)}
#: Patients drawn by a process at a time.
_BATCH = 50


def drawn_phantoms(
    n_per_class: int,
    seed: int,
    kind: str = "wide",
    *,
    classes: Sequence[str] = CLASS_NAMES,
    per_patient: int = 2,
    twice: bool = False,
    folder: str | os.PathLike | None = None,
    n_jobs: int = 1,
    report: Callable[[str], object] | None = None,
) -> dict[str, np.ndarray]:
    """Draw phantoms and keep the truth; pictures are stretched to the square and not cleaned.

    Parameters
    ----------
    n_per_class : int
    seed : int
    kind : {"plain", "wide", "wider", "shifted", "mixed", "milder", "far"}
        See `KINDS`.
    classes : sequence of str
        The classes to draw.
    per_patient : int
        Most scans of one patient.
    twice : bool
        Draw each scan a second time, at another scanner and with tissue of other brightness.
    folder : path, optional
        Keep them there, and read them from there the next time.
    n_jobs : int
        Processes (joblib).
    report : callable, optional
        Takes a line of text now and then.

    Returns
    -------
    dict of ndarray
        - ``images`` uint8 (n, 192, 192): drawn at 448 px and shrunk, wedges and all.
        - ``codes`` uint8 (n, 192, 192): see `COVERED`; they go on in the optic disc.
        - ``lines`` float16 (n, 3, 192): rows of `LINES` in every column, pixel centres at whole
          numbers; they may lie outside of the picture.
        - ``valid`` bool (n, 192): columns with layers, False in the optic disc.
        - ``scale`` float32 (n, 2): µm of a pixel, axial and lateral.
        - ``other`` bool (n,): whether from the other scanner.
        - ``labels`` int64 (n,): index into `classes`.
        - ``patients`` int64 (n,): unique over seeds and classes.
        - if `twice`, ``other_images``, ``other_codes`` and ``other_lines`` of the second drawing.

    Raises
    ------
    ValueError
        If `kind` is none of these.
    OctlessonsError
        If the phantoms kept in `folder` cannot be read.
    """
    if kind not in KINDS:
        raise ValueError(f"`kind` is one of {', '.join(KINDS)}, not {kind!r}.")
    file = None
    if folder is not None:
        drawn = "twice" if twice else "once"
        name = f"{kind}-{seed}-{n_per_class}x{per_patient}-{drawn}-{'+'.join(classes)}.npz"
        file = Path(folder) / name
        if file.exists():
            return _read(file, twice)
    arrays = _empty(len(classes) * n_per_class, twice)
    plan = list(_plan(n_per_class, seed, classes, per_patient))
    batches = [plan[start : start + _BATCH] for start in range(0, len(plan), _BATCH)]
    done = 0
    for drawn in _all_drawn(batches, partial(_patients, seed, kind, twice), n_jobs):
        stop = done + len(drawn["labels"])
        for name, values in drawn.items():
            arrays[name][done:stop] = values
        done = stop
        if report is not None:
            report(f"drawing phantoms ({kind}, seed {seed}): {done:,} of {len(arrays['labels']):,}")
    if file is not None:
        write_atomically(file, lambda stream: np.savez(stream, **arrays))
    return arrays


def _empty(n: int, twice: bool) -> dict[str, np.ndarray]:
    arrays = {
        "images": np.empty((n, WORKING, WORKING), np.uint8),
        "codes": np.empty((n, WORKING, WORKING), np.uint8),
        "lines": np.empty((n, len(LINES), WORKING), np.float16),
        "valid": np.empty((n, WORKING), bool),
        "scale": np.empty((n, 2), np.float32),
        "other": np.empty(n, bool),
        "labels": np.empty(n, np.int64),
        "patients": np.empty(n, np.int64),
    }
    if twice:
        for part in ("images", "codes", "lines"):
            arrays[f"other_{part}"] = np.empty_like(arrays[part])
    return arrays


def _read(file: Path, twice: bool) -> dict[str, np.ndarray]:
    try:
        with np.load(file) as arrays:
            return {name: arrays[name] for name in _empty(0, twice)}
    except (OSError, ValueError, EOFError, KeyError) as error:
        raise OctlessonsError(
            f"The phantoms kept in {file} cannot be read ({type(error).__name__}): delete the "
            "file, and they are drawn again."
        ) from error


def _plan(n_per_class: int, seed: int, classes: Sequence[str], per_patient: int) -> Iterator[tuple]:
    """Class, its label, the patient's number, and how many scans; the classes take turns."""
    from octlessons.images.phantoms.population import count_slices

    left, number = dict.fromkeys(classes, n_per_class), 0
    while any(left.values()):
        for label, name in enumerate(classes):
            if left[name]:
                count = min(count_slices(seed, name, number), per_patient, left[name])
                left[name] -= count
                yield name, label, number, count
        number += 1


def _all_drawn(batches: list, draw: Callable, n_jobs: int) -> Iterator[dict[str, np.ndarray]]:
    """The batches in their order, each as soon as it is there."""
    if n_jobs == 1:
        yield from map(draw, batches)
    else:
        from joblib import Parallel, delayed

        parallel = Parallel(n_jobs=n_jobs, return_as="generator")
        yield from parallel(delayed(draw)(batch) for batch in batches)


def _patients(seed: int, kind: str, twice: bool, batch: list[tuple]) -> dict[str, np.ndarray]:
    """All scans of some patients, one upon the other."""
    arrays = _empty(sum(count for *_, count in batch), twice)
    row = 0
    for name, label, number, count in batch:
        for scan in _scans(seed, kind, name, number, count, twice):
            for field, value in scan.items():
                arrays[field][row] = value
            arrays["labels"][row] = label
            row += 1
    return arrays


def _scans(seed: int, kind: str, name: str, number: int, count: int, twice: bool) -> Iterator[dict]:
    """The scans of one patient."""
    from octlessons.images.phantoms.population import draw_patient, generator

    patient = draw_patient(seed, name, number)
    other_forms = kind in ("wider", "milder")
    if kind == "mixed":
        other_forms = generator(*patient.key, 775).random() > _NOT_WIDER
    if other_forms:
        rng = generator(*patient.key, 774)
        disease = forms.rarer_forms(name, patient.disease, rng)
        if kind == "milder":
            disease = forms.milder_forms(name, disease, rng)
        patient = replace(patient, disease=forms.other_lesions(disease, rng))
    scans = _drawings(patient, kind, count)
    if twice:
        again = replace(patient, key=(seed + _AGAIN, *patient.key[1:]))
        scans = (
            scan | {f"other_{part}": other[part] for part in ("images", "codes", "lines")}
            for scan, other in zip(scans, _drawings(again, kind, count), strict=True)
        )
    yield from scans


def _drawings(patient, kind: str, count: int) -> Iterator[dict]:
    """The scans of one patient, at a scanner and with tissue that follow from its key."""
    from octlessons.images.phantoms.drawing import draw_framed, tissue_fields
    from octlessons.images.phantoms.framing import at_cropping_scanner
    from octlessons.images.phantoms.population import generator

    framing, key = None, patient.key
    tissue = {"mixed": "wide", "milder": "wide", "far": "shifted"}.get(kind, kind)
    name = int(patient.name) + 10_000_000 * (key[0] % _AGAIN)
    patient = _varied(patient, tissue, generator(*key, 777))
    at_other = kind in ("mixed", "milder") and generator(*key, 776).random() < _AT_OTHER_SCANNER
    if kind == "far" or at_other:
        patient, framing = at_cropping_scanner(patient, _FIELDS_MM[kind])
    fields = tissue_fields(generator(*key, 2))
    for index in range(count):
        change = None
        if kind == "shifted":
            change = partial(_degraded, rng=generator(*key, 778, index))
        framed = draw_framed(patient, fields, index, framing, WORKING, change)
        scan = framed.scan
        yield {
            "images": scan.image,
            "codes": _codes(framed),
            "lines": scan.boundaries[[BOUNDARIES.index(line) for line in LINES]],
            "valid": ~framed.disc,
            "scale": scan.pixel_size,
            "other": framing is not None,
            "patients": name,
        }


def _codes(framed) -> np.ndarray:
    """What each pixel shows."""
    scan = framed.scan
    rows = np.arange(WORKING, dtype=np.float32)[:, None]
    codes = np.zeros((WORKING, WORKING), np.uint8)
    for boundary in scan.boundaries:
        codes += boundary <= rows
    ill = scan.lesions > 0
    codes[ill] = len(BOUNDARIES) + scan.lesions[ill]
    codes[framed.covered] = COVERED
    return codes


def _varied(patient, kind: str, rng: np.random.Generator):
    """The patient at another scanner, with tissue of other brightness."""
    if kind == "plain":
        return patient
    n_layers = len(patient.tone["layers"])
    look, tone = patient.look, dict(patient.tone)
    if kind in ("wide", "wider"):
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


def _degraded(scan, rng: np.random.Generator):
    """The scan with a picture that lost resolution, or was compressed, or is out of focus."""
    import io

    from PIL import Image, ImageFilter

    picture, kind = Image.fromarray(scan.image), rng.random()
    if kind < 0.33:
        side = int(WORKING * float(rng.uniform(0.35, 0.6)))
        small = picture.resize((side, side), Image.Resampling.BILINEAR)
        picture = small.resize(picture.size, Image.Resampling.BILINEAR)
    elif kind < 0.66:
        stream = io.BytesIO()
        picture.save(stream, "JPEG", quality=int(rng.integers(10, 40)))
        picture = Image.open(stream)
    else:
        blur = float(rng.uniform(0.8, 1.5)) * picture.width / WORKING
        picture = picture.filter(ImageFilter.GaussianBlur(blur))
    return replace(scan, image=np.asarray(picture))
