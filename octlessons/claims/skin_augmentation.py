"""Rotations, flips and colour changes of a skin image: what each keeps, and what it changes."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np

from octlessons._optional import installed
from octlessons.claims.claim import Claim, Measurement, Setting
from octlessons.wording import count, listing, percent

#: Height and width of the pictures, and how many.
SIZES = {"quick": (150, 200, 1), "laptop": (450, 600, 3), "full": (450, 600, 3)}
#: Starts of K-means that show how its numbering changes.
STARTS = 10


def experiment(setting: Setting) -> Measurement:
    """Change drawn moles one way at a time, and measure what was there before and after."""
    height, width, n = SIZES[setting.scale]
    pictures, masks = zip(*(draw_mole(height, width, seed) for seed in range(n)), strict=True)
    measured: dict = {"changes": {}}
    areas = [dark_area(picture) for picture in pictures]
    changes = CHANGES | ({PIPELINE: _by_pipeline} if installed("albumentations") else {})
    for name, change in changes.items():
        setting.tell(f"  {name}")
        measured["changes"][name] = _compared(pictures, masks, areas, change)
    setting.tell("  which of the two clusters is the dark one")
    dark = [_dark_cluster(_two_colours(p, seed)[2]) for p in pictures for seed in range(STARTS)]
    measured["runs of K-means"] = len(dark)
    measured["runs in which cluster 1 is the dark one"] = dark.count(1)
    return Measurement(
        measured=measured,
        found=_text(measured),
        why=why(measured),
        data=f"{count(n, 'drawn mole')}, {height} × {width} px in colour, in place of three "
        "photographs of moles without a stated source",
        n=n,
    )


def _turned(picture: np.ndarray, mask: np.ndarray, whole: bool = False):
    from skimage.transform import rotate

    kind = {"preserve_range": True, "resize": whole}
    return tuple(
        np.round(rotate(image, 90, order=order, **kind)).astype(np.uint8)
        for image, order in ((picture, 1), (mask, 0))
    )


def _blurred(picture: np.ndarray, mask: np.ndarray):
    from scipy.ndimage import gaussian_filter

    return gaussian_filter(picture, (3, 3, 0)), mask


def _coloured(picture: np.ndarray, mask: np.ndarray, factors=(1.0, 1.0, 1.0)):
    return np.clip(picture * np.array(factors), 0, 255).astype(np.uint8), mask


def _by_pipeline(picture: np.ndarray, mask: np.ndarray):
    from octlessons.augmentation import augmenter

    altered = augmenter("dermoscopy").apply(picture, lesions=mask)
    return altered.image, altered.lesions


#: Name of a change → what it does to a picture and the mask of its lesion.
CHANGES: dict[str, Callable] = {
    "mirrored": lambda picture, mask: (picture[:, ::-1], mask[:, ::-1]),
    "upside down": lambda picture, mask: (picture[::-1], mask[::-1]),
    "turned by 90° in its frame": _turned,
    "turned by 90° with its frame": partial(_turned, whole=True),
    "blurred by 3 pixels": _blurred,
    "20 % brighter": partial(_coloured, factors=(1.2, 1.2, 1.2)),
    "20 % darker": partial(_coloured, factors=(0.8, 0.8, 0.8)),
    "red × 1.3, blue × 0.7": partial(_coloured, factors=(1.3, 1.0, 0.7)),
    "red and blue exchanged": lambda picture, mask: (picture[..., ::-1], mask),
}
#: One copy of the course's own pipeline for skin, where albumentations is installed.
PIPELINE = "the course's pipeline “dermoscopy”"
COLOUR = ("20 % brighter", "20 % darker", "red × 1.3, blue × 0.7", "red and blue exchanged")


def _compared(pictures, masks, areas, change: Callable) -> dict[str, float]:
    """Means over the pictures of what a change does to them."""
    names = "picture kept", "mole kept", "dark area", "pixels unchanged", "colour difference"
    rows = []
    for picture, mask, area in zip(pictures, masks, areas, strict=True):
        after, mask_after = change(picture, mask)
        frame = change(picture, np.ones_like(mask))[1].sum() / mask.size
        kept, moved = mask_after.sum() / mask.sum(), _same(picture, after)
        colour = _colour_difference(picture, mask, after, mask_after)
        rows.append((frame, kept, dark_area(after) / area, moved, colour))
    return dict(zip(names, np.mean(rows, axis=0).tolist(), strict=True))


def dark_area(picture: np.ndarray) -> int:
    """Pixels in the darker of two clusters of colours, as the published lesson measures a mole."""
    colours, n, model = _two_colours(picture, 0)
    return int(n[model.predict(colours) == _dark_cluster(model)].sum())


def _dark_cluster(model) -> int:
    """Number of the darker cluster; the lesson takes for granted that it is 1."""
    return int(np.argmin(model.cluster_centers_.sum(axis=1)))


def _two_colours(picture: np.ndarray, seed: int):
    """K-means with two clusters on all pixels; each colour once, with its number of pixels."""
    from sklearn.cluster import KMeans

    codes, n = _colours(picture)
    colours = np.stack([codes >> 16, codes >> 8 & 255, codes & 255], axis=1).astype(np.float32)
    return colours, n, KMeans(2, n_init=1, random_state=seed).fit(colours, sample_weight=n)


def _same(before: np.ndarray, after: np.ndarray) -> float:
    """Share of the pixels whose colour is still there as often: 1 if pixels only moved."""
    (old, n_old), (new, n_new) = _colours(before), _colours(after)
    _, i, j = np.intersect1d(old, new, return_indices=True)
    return float(np.minimum(n_old[i], n_new[j]).sum() / before[..., 0].size)


def _colours(picture: np.ndarray):
    """Colours of a picture as whole numbers, each once, and how many pixels have them."""
    return np.unique(picture.reshape(-1, 3).astype(np.int64) @ [65536, 256, 1], return_counts=True)


def _colour_difference(before, mask, after, mask_after) -> float:
    """Distance of the lesion's mean colours in CIE Lab (about 2 is just noticeable)."""
    from skimage.color import rgb2lab

    means = [
        rgb2lab(picture[where == 1].mean(axis=0)[None, None] / 255)[0, 0]
        for picture, where in ((before, mask), (after, mask_after))
    ]
    return float(np.linalg.norm(means[1] - means[0]))


def draw_mole(height: int = 450, width: int = 600, seed: int = 0):
    """Draw a mole on skin: picture (height, width, 3), and mask with 1 on the mole, both uint8."""
    from scipy.ndimage import gaussian_filter

    rng = np.random.default_rng((8933, seed))
    unit = height / 450

    def texture(scale: float, strength: float) -> np.ndarray:
        noise = gaussian_filter(rng.standard_normal((height, width)), scale * unit, mode="reflect")
        return strength * noise / noise.std()

    rows, columns = np.mgrid[:height, :width]
    y = (rows - height * rng.uniform(0.45, 0.55)) / (height * rng.uniform(0.24, 0.34))
    x = (columns - width * rng.uniform(0.42, 0.58)) / (width * rng.uniform(0.3, 0.4))
    angle, radius = np.arctan2(y, x), np.hypot(x, y)
    edge = np.ones_like(radius)
    for wave in range(2, 7):
        edge += rng.normal(0, 0.18 / wave) * np.cos(wave * angle + rng.uniform(0, 2 * np.pi))
    inside = edge - radius
    mask = (inside > 0).astype(np.uint8)
    pigment = 1 / (1 + np.exp(-inside / 0.06))  # a soft border
    pigment *= np.clip(0.75 + texture(14, 0.15) + texture(3, 0.08), 0.2, 1.2)
    skin = np.array([226, 178, 156]) * (1 + texture(40, 0.03) + texture(1.2, 0.015))[..., None]
    brown = np.array([0.42, 0.62, 0.70])  # the share of light that full pigment swallows
    picture = skin * (1 - pigment[..., None] * brown)
    vignette = 1 - 0.12 * ((rows / height - 0.5) ** 2 + (columns / width - 0.5) ** 2) * 2
    picture = picture * vignette[..., None] + rng.normal(0, 2, (height, width, 1))
    return np.clip(np.round(picture), 0, 255).astype(np.uint8), mask


def _text(measured: dict) -> str:
    changes = measured["changes"]
    only_move = [name for name, change in changes.items() if change["pixels unchanged"] == 1]
    frame = changes["turned by 90° in its frame"]
    differences = [changes[name]["colour difference"] for name in COLOUR]
    area = max(abs(changes[name]["dark area"] - 1) for name in COLOUR)
    return (
        f"pixels only change places when {listing(only_move)}; turned by 90° in its frame, the "
        f"picture keeps {percent(frame['picture kept'])} of itself and "
        f"{percent(frame['mole kept'])} of the mole; changes of colour move its mean colour "
        f"by {min(differences):.0f} to {max(differences):.0f} (CIE Lab) and its measured area by "
        f"at most {percent(area)}"
    )


def why(measured: dict) -> str:
    """Why the measured numbers differ from the published ones."""
    changes = measured["changes"]
    flips = max(abs(changes[name]["dark area"] - 1) for name in ("mirrored", "upside down"))
    frame = changes["turned by 90° in its frame"]
    one, runs = measured["runs in which cluster 1 is the dark one"], measured["runs of K-means"]
    flipped = f"flips change the measured area of a mole by {percent(flips, 1)}"
    if flips == 0:
        flipped = "flips leave the measured area of a mole as it is"
    return (
        f"The source gives no numbers to differ from: {flipped}, a quarter turn in the old frame "
        f"cuts off {percent(1 - frame['picture kept'])} of the picture and makes the measured area "
        f"× {frame['dark area']:.2f}, and the cluster that the source takes for the dark one, "
        f"number 1, is the dark one in {one} of {runs} runs."
    )


CLAIM = Claim(
    id="skin-augmentation",
    title="What do rotations, flips and colour changes do to a picture of a mole?",
    source="Jean Golding Institute, Data Analysis in Python 2, 2025",
    reference="bristol2025",
    claimed={},
    says="rotations, flips, colour changes on a skin image (no numbers are given)",
    brief="no numbers",
    told=lambda m: (
        "a turn in the frame keeps "
        f"{percent(m['changes']['turned by 90° in its frame']['picture kept'])} of the picture"
    ),
    experiment=experiment,
    conditions=lambda: {"albumentations": installed("albumentations")},
)
