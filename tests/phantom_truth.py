"""The `Retina` of a phantom as it was drawn, for tests and benchmarks."""

from __future__ import annotations

import numpy as np

from octlessons.images.phantoms import BOUNDARIES
from octlessons.images.phantoms.lesions import CYST, DRUSEN, EXUDATE, PED, SHRM, SRF
from octlessons.images.phantoms.signs import ERM_CODE, HOLE_CODE, ISCHAEMIA_CODE
from octlessons.images.retina import TISSUES, Retina

GRID, FINE = 96, 4
ILM, ELM, RPE, BM = (BOUNDARIES.index(name) for name in ("ILM", "ELM", "RPE", "BM"))

_LESIONS = {
    DRUSEN: "sub-RPE material",
    PED: "sub-RPE material",
    SHRM: "subretinal hyper-reflective material",
    SRF: "subretinal fluid",
    CYST: "intraretinal fluid",
    EXUDATE: "bright spot",
    ERM_CODE: "membrane",
    HOLE_CODE: "vitreous",
    ISCHAEMIA_CODE: "ischaemic inner retina",
}


def true_retinas(phantoms, covered=None) -> list[Retina]:
    """What `find_layers_of` would find in phantoms if it never erred.

    What hides them, (n, h, w) bool, is looked for in the pictures unless it is given.
    """
    if covered is None:
        covered = [white_border(image) for image in phantoms]
    return [
        true_retina(*parts)
        for parts in zip(phantoms.boundaries, phantoms.lesions, covered, strict=True)
    ]


def true_retina(boundaries: np.ndarray, lesions: np.ndarray, covered: np.ndarray) -> Retina:
    """Lines and tissue from boundaries (13, w), lesions (h, w) and what hides them (h, w).

    The lines are sure where nothing hides them.
    """
    height, width = lesions.shape
    n = GRID * FINE
    down = (np.arange(n) + 0.5) * height / n - 0.5
    across = (np.arange(n) + 0.5) * width / n - 0.5
    rows, columns = np.round(down).astype(int), np.round(across).astype(int)
    lines = [np.interp(across, np.arange(width), boundaries[k]) for k in (ILM, ELM, BM)]
    above = sum((down[:, None] >= line).astype(np.intp) for line in lines)
    layers = ("vitreous", "inner retina", "outer retina", "choroid")
    tissue = np.array([TISSUES.index(name) for name in layers])[above]
    seen = lesions[np.ix_(rows, columns)]
    for code, kind in _LESIONS.items():
        tissue[seen == code] = TISSUES.index(kind)
    tissue[covered[np.ix_(rows, columns)]] = TISSUES.index("outside")
    shares = np.stack([tissue == k for k in range(len(TISSUES))]).astype(np.float32)
    shares = shares.reshape(len(TISSUES), GRID, FINE, GRID, FINE).mean(axis=(2, 4))
    ilm, rpe, bm = boundaries[[ILM, RPE, BM]]
    at = np.clip(np.round([ilm, rpe, bm]), 0, height - 1).astype(int)
    sure = ~covered[at, np.arange(width)]
    return Retina(ilm, rpe, bm, bm, sure.astype(np.float32), shares)


def white_border(image: np.ndarray) -> np.ndarray:
    """Pure white regions that touch the border of a drawn scan: its wedges, (h, w) bool."""
    from scipy import ndimage

    pieces, n = ndimage.label(image >= 250)
    rim = np.concatenate([pieces[0], pieces[-1], pieces[:, 0], pieces[:, -1]])
    touches = np.bincount(rim, minlength=n + 1) > 2
    touches[0] = False
    return touches[pieces]
