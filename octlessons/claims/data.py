"""The images of an experiment: read from the source, or phantoms, drawn in blocks and kept."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from octlessons._fingerprint import fingerprint
from octlessons.claims.claim import Setting
from octlessons.images import ImageSet, load_images
from octlessons.wording import count

#: Up to this many phantoms are drawn at once.
IN_MEMORY = 400

#: Patients whose scans are drawn and kept together.
BLOCK = 60

DRAWING = "octlessons.images.phantoms.drawing"


def scans(
    setting: Setting, size: int, n_per_class: int | None = None, n: int | None = None, seed: int = 0
) -> ImageSet:
    """The images of an experiment, `size` pixels high and wide.

    `n_per_class` of each class (as many as its smallest class has, where that is fewer), or `n` in
    the source's own class mix (all, where it has fewer).
    """
    if setting.data == "phantoms":
        return _phantoms(setting, size, n_per_class, n, seed)
    if n_per_class is not None:
        images = load_images(setting.data, size=size, n_per_class=n_per_class, seed=seed)
        return images if images.labels is not None else _some(images, 4 * n_per_class, seed).load()
    images = load_images(setting.data, seed=seed)
    return _some(images, n or len(images), seed).resize(size).load()


def described(original: str, *sets: ImageSet, notes: str = "") -> str:
    """Which data an experiment used in place of `original`; a substitute is called one."""
    n, name = sum(map(len, sets)), sets[0].provenance.name
    shape = " × ".join(str(side) for side in sets[0].shape[1:3])
    known = [images.patients for images in sets if images.patients is not None]
    of = f" of {count(len(np.unique(np.concatenate(known))), 'patient')}" if known else ""
    what, whence = ("phantoms", f"in place of {original}")
    if name != "phantoms":
        what, whence = "images", f"from {name}"
    return f"{n:,} {what}{of}, {shape} px, {whence}" + (f"; {notes}" if notes else "")


def as_others(images: ImageSet) -> ImageSet:
    """The same scans; phantom patients of another seed are others, though of the same names."""
    return images.replace(patients=[f"test-{name}" for name in images.patients])


def rows_on_disk(images: ImageSet, file: Path, change: Callable | None = None) -> np.memmap:
    """Pixels of all images as rows (n, h × w) of float32 in 0…1, in a file that is written anew.

    `change` is given each block (m, h, w) before it is written.
    """
    from octlessons.representations import Pixels

    shape = images.shape[1:3]
    pixels = Pixels(size=shape)
    file.parent.mkdir(parents=True, exist_ok=True)
    rows = np.lib.format.open_memmap(
        file, mode="w+", dtype=np.float32, shape=(len(images), shape[0] * shape[1])
    )
    for start in range(0, len(images), 256):
        block = pixels.transform(images.images[start : start + 256])
        if change is not None:
            block = change(block.reshape(-1, *shape)).reshape(len(block), -1)
        rows[start : start + len(block)] = block
    return rows


def _some(images: ImageSet, n: int, seed: int) -> ImageSet:
    """At most `n` images, drawn at random."""
    if n >= len(images):
        return images
    chosen = np.sort(np.random.default_rng(seed).choice(len(images), n, replace=False))
    return images.subset(chosen).with_notes(f"{n:,} images drawn (seed {seed})")


def _phantoms(setting: Setting, size: int, n_per_class, n, seed: int) -> ImageSet:
    """The scans that `draw_phantoms` gives; many are drawn in blocks, which the disk keeps."""
    from joblib import Memory, Parallel, cpu_count, delayed

    from octlessons.images import draw_phantoms
    from octlessons.images.phantoms import CLASS_NAMES, balanced_patients, natural_patients

    total = 4 * n_per_class if n_per_class is not None else n
    if total <= IN_MEMORY:
        return draw_phantoms(n or 1, size=size, seed=seed, n_per_class=n_per_class)
    if n_per_class is not None:
        plan = list(balanced_patients(seed, n_per_class, CLASS_NAMES))
    else:
        plan = list(natural_patients(seed, n, CLASS_NAMES))
    blocks = [plan[start : start + BLOCK] for start in range(0, len(plan), BLOCK)]
    kept = Memory(setting.work / f"phantoms-{fingerprint(DRAWING)[:16]}", verbose=0).cache(drawn)
    jobs = Parallel(n_jobs=cpu_count(), return_as="generator")(
        delayed(kept)(block, seed, size) for block in blocks
    )
    images, known, at = np.empty((total, size, size), np.uint8), [], 0
    for i, (part, *facts) in enumerate(jobs, 1):
        images[at : at + len(part)] = part
        known.append(facts)
        at += len(part)
        if i % max(1, len(blocks) // 5) == 0 or i == len(blocks):
            setting.tell(f"  drew {i / len(blocks):.0%} of {total:,} phantoms of {size} px")
    labels, patients, sites = (np.concatenate(column) for column in zip(*known, strict=True))
    about = {"class_names": CLASS_NAMES, "patients": patients, "sites": sites}
    provenance = draw_phantoms(4, size=size, seed=seed).provenance
    return ImageSet(images, labels, **about, provenance=provenance)


def drawn(patients: list[tuple[str, int, int]], seed: int, size: int) -> tuple:
    """Images, labels, patients and sites of all scans of some patients."""
    from octlessons.images.phantoms import CLASS_NAMES
    from octlessons.images.phantoms.drawing import draw_patient_scans

    scans = [scan for patient in patients for scan in draw_patient_scans(seed, *patient, size)]
    return (
        np.stack([scan.image for scan in scans]),
        [CLASS_NAMES.index(scan.class_name) for scan in scans],
        [scan.patient for scan in scans],
        [scan.site for scan in scans],
    )
