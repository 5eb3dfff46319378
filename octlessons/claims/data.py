"""The images of an experiment: read from the source, or phantoms drawn in blocks onto the disk."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np

from octlessons._files import write_atomically
from octlessons.claims.claim import Setting
from octlessons.images import ImageSet, load_images

#: Up to this many phantoms are drawn at once and held in memory.
IN_MEMORY = 400

#: Patients whose scans are drawn and stored together.
BLOCK = 60

_PARTS = ("labels", "patients", "sites")


def scans(
    setting: Setting, size: int, n_per_class: int | None = None, n: int | None = None, seed: int = 0
) -> ImageSet:
    """The images of an experiment, with memory that does not grow with their number.

    Parameters
    ----------
    setting : Setting
    size : int
        Height and width in pixels.
    n_per_class : int, optional
        So many of each class; of a source with fewer, as many as its smallest class has.
    n : int, optional
        Instead: so many in the source's own class mix (all, where it has fewer).
    seed : int

    Returns
    -------
    ImageSet
    """
    if setting.data == "phantoms":
        return _phantoms(setting, size, n_per_class, n, seed)
    if n_per_class is not None:
        images = load_images(setting.data, size=size, n_per_class=n_per_class, seed=seed)
        return images if images.labels is not None else _some(images, 4 * n_per_class, seed).load()
    images = load_images(setting.data, seed=seed)
    return _some(images, n or len(images), seed).resize(size).load()


def described(images: ImageSet, original: str, notes: str = "") -> str:
    """Which data an experiment used, in a sentence that calls a substitute one.

    Parameters
    ----------
    images : ImageSet
    original : str
        The published data, such as ``"8,000 scans of Kermany et al."``.
    notes : str
        More about the data used, such as a network.
    """
    from octlessons.wording import count

    shape = " × ".join(str(side) for side in images.shape[1:3])
    patients = ""
    if images.patients is not None:
        patients = f" of {count(len(np.unique(images.patients)), 'patient')}"
    used = f"{len(images):,} images{patients}, {shape} px, from {images.provenance.name}"
    if images.provenance.name == "phantoms":
        used = f"{len(images):,} phantoms{patients}, {shape} px, in place of {original}"
    return used + (f"; {notes}" if notes else "")


def as_others(images: ImageSet) -> ImageSet:
    """The same scans; phantom patients of another seed are others, though of the same names."""
    return images.replace(patients=[f"test-{name}" for name in images.patients])


def rows_on_disk(images: ImageSet, file: Path, change: Callable | None = None) -> np.memmap:
    """Pixels of all images as rows of float32 in 0…1, in a file.

    Parameters
    ----------
    images : ImageSet
        All of one size.
    file : Path
        Written anew.
    change : callable, optional
        ``change(block)`` for each block (m, h, w) of float32 before it is written.

    Returns
    -------
    numpy.memmap, shape (n, h × w)
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


# ---------------------------------------------------------------------- inside


def _some(images: ImageSet, n: int, seed: int) -> ImageSet:
    """At most `n` images, drawn at random."""
    if n >= len(images):
        return images
    chosen = np.sort(np.random.default_rng(seed).choice(len(images), n, replace=False))
    return images.subset(chosen).with_notes(f"{n:,} images drawn (seed {seed})")


def _phantoms(setting: Setting, size: int, n_per_class, n, seed: int) -> ImageSet:
    from octlessons.images import draw_phantoms

    total = 4 * n_per_class if n_per_class is not None else n
    if total <= IN_MEMORY:
        return draw_phantoms(n or 1, size=size, seed=seed, n_per_class=n_per_class)
    mix = f"{n_per_class}-each" if n_per_class is not None else f"{n}-mixed"
    folder = setting.work / f"phantoms-{size}px-{mix}-seed{seed}"
    if not (folder / "done.npz").exists():
        _draw(setting, folder, size, n_per_class, n, seed)
    with np.load(folder / "done.npz") as known:
        parts = {part: known[part] for part in _PARTS}
    few = draw_phantoms(4, size=size, seed=seed)
    return ImageSet(
        np.load(folder / "images.npy", mmap_mode="r"),
        class_names=few.class_names,
        provenance=few.provenance,
        **parts,
    )


def _draw(setting: Setting, folder: Path, size: int, n_per_class, n, seed: int) -> None:
    """Draw the scans that `draw_phantoms` would, block by block; stored blocks are kept."""
    from joblib import Parallel, cpu_count, delayed

    from octlessons.images.phantoms.population import (
        CLASS_NAMES,
        balanced_patients,
        natural_patients,
    )

    if n_per_class is not None:
        plan = list(balanced_patients(seed, n_per_class, CLASS_NAMES))
    else:
        plan = list(natural_patients(seed, n, CLASS_NAMES))
    starts = range(0, len(plan), BLOCK)
    folder.mkdir(parents=True, exist_ok=True)
    files = [folder / f"block-{i:05d}.npz" for i in range(len(starts))]
    total = sum(scans for *_, scans in plan)
    missing = [i for i, file in enumerate(files) if not file.exists()]
    if len(missing) < len(files):
        setting.tell(f"  {len(files) - len(missing)} of {len(files)} blocks of phantoms are there")
    jobs = (
        delayed(_draw_block)(plan[starts[i] : starts[i] + BLOCK], seed, size, files[i])
        for i in missing
    )
    drawn = Parallel(n_jobs=cpu_count(), return_as="generator_unordered")(jobs)
    every = max(1, len(files) // 5)
    for k, _ in enumerate(drawn, len(files) - len(missing) + 1):
        if k % every == 0 or k == len(files):
            setting.tell(f"  drew {k / len(files):.0%} of {total:,} phantoms of {size} px")
    _join(folder, files, total, size)


def _draw_block(patients: list[tuple[str, int, int]], seed: int, size: int, file: Path) -> None:
    from octlessons.images.phantoms.drawing import draw_patient_scans
    from octlessons.images.phantoms.population import CLASS_NAMES

    scans = [scan for patient in patients for scan in draw_patient_scans(seed, *patient, size)]
    _save(
        file,
        images=np.stack([scan.image for scan in scans]),
        labels=[CLASS_NAMES.index(scan.class_name) for scan in scans],
        patients=[scan.patient for scan in scans],
        sites=[scan.site for scan in scans],
    )


def _join(folder: Path, files: list[Path], total: int, size: int) -> None:
    """One array of all images and one file of what is known about them."""
    images = np.lib.format.open_memmap(
        folder / "images.npy", mode="w+", dtype=np.uint8, shape=(total, size, size)
    )
    parts: dict[str, list] = {part: [] for part in _PARTS}
    at = 0
    for file in files:
        with np.load(file) as block:
            images[at : at + len(block["images"])] = block["images"]
            at += len(block["images"])
            for part, values in parts.items():
                values.append(block[part])
    images.flush()
    _save(folder / "done.npz", **{part: np.concatenate(values) for part, values in parts.items()})
    for file in files:
        file.unlink()


def _save(file: Path, **arrays) -> None:
    write_atomically(file, lambda stream: np.savez(stream, **arrays))


def forget(folder: Path) -> None:
    """Remove what interrupted experiments would have continued from."""
    shutil.rmtree(folder, ignore_errors=True)
