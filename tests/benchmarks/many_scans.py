"""Many scans on a disk, for benchmarks: no two files are the same, as in a clinic.

Run as ``python -m tests.benchmarks.many_scans FOLDER N``. Some thousand phantoms of 496 × 512 px
are drawn; every further file is a view of one of them, under another patient: turned about, moved,
brighter or darker, with speckle of its own, compressed anew. So reading one costs what reading
another costs, and nothing can be found by its checksum.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

#: Phantoms; all others are views of them.
DRAWN = 2_000
#: Files that one worker writes at a time.
BATCH = 500


def draw(folder: Path, n: int) -> Path:
    """Write n scans, one folder for each class; files that are there already stay.

    Parameters
    ----------
    folder : Path
    n : int

    Returns
    -------
    Path
        The folder.
    """
    from joblib import Parallel, delayed

    from octlessons.images import draw_phantoms

    folder.mkdir(parents=True, exist_ok=True)
    scans = draw_phantoms(n_per_class=DRAWN // 4, size=496, seed=77)
    drawn, labels = np.asarray(scans.images), [scans.class_names[c] for c in scans.labels]
    Parallel(-1)(
        delayed(_write)(folder, drawn, labels, scans.patients, start, min(start + BATCH, n))
        for start in range(0, n, BATCH)
    )
    return folder


def _write(folder: Path, drawn, labels, patients, start: int, stop: int) -> None:
    from PIL import Image

    for i in range(start, stop):
        j, view = i % DRAWN, i // DRAWN
        label, patient = labels[j], patients[j]
        file = folder / label / f"{label}-{view:03d}{patient[-4:]}-{i}.jpeg"
        if file.is_file():
            continue
        file.parent.mkdir(exist_ok=True)
        picture = _view(drawn[j], i) if view else drawn[j]
        Image.fromarray(picture).resize((512, 496)).save(file, quality=90)


def _view(scan: np.ndarray, i: int) -> np.ndarray:
    """The scan as another eye might show it."""
    rng = np.random.default_rng([77, i])
    turned = scan[:, ::-1] if rng.random() < 0.5 else scan
    moved = np.roll(turned, rng.integers(-24, 25), axis=0)
    moved = np.roll(moved, rng.integers(-16, 17), axis=1)
    noise = rng.normal(0, 6, (scan.shape[0] // 2, scan.shape[1] // 2)).repeat(2, 0).repeat(2, 1)
    return np.clip(moved * rng.uniform(0.85, 1.15) + noise, 0, 255).astype(np.uint8)


if __name__ == "__main__":
    draw(Path(sys.argv[1]), int(sys.argv[2]))
