"""Drawn scans that show their class well: chosen by what was drawn, whatever the seed."""

from __future__ import annotations

import numpy as np

from octlessons.images.phantoms import BOUNDARIES, draw_phantoms
from octlessons.images.phantoms.population import CLASS_NAMES

_DRUSEN, _DETACHMENT, _MATERIAL, _SUBRETINAL, _CYST = 1, 2, 3, 4, 5  # codes of `LESIONS`
_LOOK = 512  # pixels at which they are chosen: the thinnest white strip is seen
_ILM, _BM = BOUNDARIES.index("ILM"), BOUNDARIES.index("BM")


def draw_example(class_name: str, *, size: int = 512, seed: int = 0):
    """Draw a scan that shows what its class is known by.

    Of 40 phantoms one is chosen by its truth. All examples are level, of 512 columns as acquired,
    without white wedges, and with an empty vitreous, as far as the 40 allow. NORMAL has its pit in
    the middle; DRUSEN several mounds; DME cysts, a swollen centre instead of a pit, and no fluid
    under the retina; CNV bright material and a lift of the RPE.

    Parameters
    ----------
    class_name : {"CNV", "DME", "DRUSEN", "NORMAL"}
    size : int
        Height and width in pixels.
    seed : int
        Another seed is another eye.

    Returns
    -------
    ImageSet
        One image, with its truth, as from `draw_phantoms`.

    Raises
    ------
    ValueError
        If there is no such class, or size or seed are out of range.

    Examples
    --------
    >>> draw_example("DME", size=96).names.shape
    (1,)
    """
    if class_name not in CLASS_NAMES:
        raise ValueError(f"There is an example of {', '.join(CLASS_NAMES)}, not of {class_name!r}.")
    drawn = draw_phantoms(n_per_class=40, size=_LOOK, seed=seed, classes=[class_name])
    calm = np.array([_unrest(drawn, i) for i in range(len(drawn))])
    best = int(np.argmax(_shows(class_name, drawn) - calm))
    return draw_phantoms(n_per_class=best + 1, size=size, seed=seed, classes=[class_name])[[best]]


def _unrest(drawn, i: int) -> float:
    """What distracts: tilt, bend, white wedges, width, what lies in the vitreous or is cut off."""
    from octlessons.images.cleaning import wedge_mask

    image, lines = drawn[i], drawn.boundaries[i]
    height, row = len(image), np.arange(len(image))[:, None]
    white = wedge_mask(image)
    jelly = (row < lines[_ILM] - 0.03 * height) & ~white
    seen = np.percentile(image[jelly], 99) / 255 if jelly.any() else 1.0
    cut = (lines[_ILM] < 0.04 * height).mean() + (lines[_BM] > 0.96 * height).mean()
    wide = drawn.sizes[i, 1] > 512
    # A slope or bend over a fifth of the height, any white, a vitreous as bright as tissue, a
    # retina that leaves the picture or a wide scan outweighs a more typical lesion.
    bend = 6 * np.ptp(lines[_BM]) / height
    return bend + 3 * white.any() + 100 * white.mean() + 6 * seen + 20 * cut + wide


def _shows(class_name: str, drawn) -> np.ndarray:
    """How well each scan shows its class, from about 0 to 3; 9 more or less for a must."""
    area = {code: (drawn.lesions == code).mean(axis=(1, 2)) for code in range(1, 6)}
    thick = (drawn.boundaries[:, _BM] - drawn.boundaries[:, _ILM]) * drawn.pixel_sizes[:, :1]
    width, middle = thick.shape[1], slice(int(0.42 * thick.shape[1]), int(0.58 * thick.shape[1]))
    rims = np.concatenate([thick[:, int(0.2 * width) : int(0.3 * width)],
                           thick[:, int(0.7 * width) : int(0.8 * width)]], axis=1)  # fmt: skip
    pit = rims.mean(axis=1) - thick[:, middle].min(axis=1)  # µm
    rank = lambda values: np.argsort(np.argsort(values)) / max(len(values) - 1, 1)  # noqa: E731
    if class_name == "NORMAL":
        return np.clip(pit / 50, -1, 2)
    if class_name == "DRUSEN":
        return rank(_mounds(drawn)) + 2 * rank(area[_DRUSEN]) + 9 * (area[_DRUSEN] > 0.001)
    if class_name == "DME":
        swollen = np.clip(-pit / 25, -2, 1)
        return 3 * rank(area[_CYST]) + swollen - 9 * (area[_SUBRETINAL] > 0)
    both = (area[_DETACHMENT] > 0) & (area[_MATERIAL] > 0)
    return rank(area[_MATERIAL]) + rank(area[_DETACHMENT]) + 9 * both


def _mounds(drawn) -> np.ndarray:
    """Number of separate drusen of each scan."""
    from scipy.ndimage import label

    return np.array([label((mask == _DRUSEN).any(axis=0))[1] for mask in drawn.lesions])
