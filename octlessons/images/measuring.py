"""Measurements of one scan, read off its lines and tissues. What it does not show is NaN.

The numbers here that have no source were chosen by agreement with phantoms, whose measures are
known; ``python -m tests.benchmarks measurements`` prints how well they agree.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from octlessons.images.checks import check_image, to_uint8
from octlessons.images.retina import TISSUES, Retina

#: Columns, with their units where the size of a pixel is known and where it is not.
UNITS = {
    "mean_thickness": ("µm", "% of height"),
    "central_thickness": ("µm", "% of height"),
    "pit_depth": ("µm", "% of height"),
    "rpe_lift": ("µm", "% of height"),
    "lifted": ("% of width", "% of width"),
    "intraretinal_fluid": ("mm²", "% of retina"),
    "subretinal_fluid": ("mm²", "% of retina"),
    "sub_rpe_material": ("mm²", "% of retina"),
    "subretinal_material": ("mm²", "% of retina"),
    "bright_spots": ("% of retina", "% of retina"),
    "spot_brightness": ("ratio", "ratio"),
    "spot_shadow": ("ratio", "ratio"),
    "membrane": ("% of width", "% of width"),
    "brightness": ("grey level", "grey level"),
    "contrast": ("grey level", "grey level"),
    "outside": ("% of scan", "% of scan"),
    "white_above": ("% of scan", "% of scan"),
    "white_below": ("% of scan", "% of scan"),
    "tilt": ("µm/mm", "% of height per width"),
    "curvature": ("µm/mm²", "% of height per width²"),
    "position": ("% of height", "% of height"),
    "measured": ("% of width", "% of width"),
}

#: The field assumed where it is not known: between the 5.8 and 8.6 mm, and 496 rows of 3.87 µm, of
#: the Heidelberg Spectralis.
WIDTH_MM, DEPTH_UM = 6.8, 1920.0
#: Confidence from which a line counts as found, and share of columns that a measurement needs.
SURE, ENOUGH = 0.5, 0.5
#: The central subfield reaches 0.5 mm from the fovea (ETDRS grid); the rim of the pit lies about
#: 1 mm from it. The fovea is sought this far from the middle of the scan.
CENTRE_MM, RIM_MM, SOUGHT_MM = 0.5, (0.75, 1.25), 1.2
#: A pit this deep is the fovea's: scans beside the fovea have dips of up to 30 µm. A swollen macula
#: keeps less of it.
PIT_UM, SWOLLEN_PIT_UM = 35.0, 15.0
#: A retina is swollen with fluid in this many of 96 × 96 pixels, or if its middle is this thick.
SWOLLEN, SWOLLEN_UM = 15.0, 400.0
#: A lesion squeezes the retina over it by this part of its height, beyond that of a normal RPE.
SQUEEZED, RPE_UM = 0.4, 16.0
#: Fixation puts the fovea near the middle of the scan: µm of depth that a mm² from it costs.
FIXATION = 40.0
#: The RPE counts as lifted from this height on: a little more than its own thickness, 16 µm.
LIFTED_UM = 20.0
#: Lifts smaller than this do not count as material beneath the RPE.
SLACK_UM = 15.0
#: Bright spots are pixels this much brighter than the retina's mean, where their share is more than
#: nothing: they are smaller than the pixels in which shares are known.
SPOT_BRIGHTER, MAYBE = 1.35, 0.01
#: Share of the scan from which bright spots are enough to tell their brightness and shadow.
FEW = 1e-5
#: What is not scan counts as white from this grey level on.
WHITE = 200.0
#: Choroid looked at for shadows; it is compared with what lies this far to the side, beyond a gap.
#: Where that is nearly black no shadow is seen.
SHADOW_UM, BESIDE_MM, GAP_UM, DARK = 120.0, 0.5, 40.0, 12.0
#: Shares below the first are taken for doubts of the network, shares above the second for whole
#: pixels: halfway between a hard decision and a sum of shares.
DOUBT = 0.3, 0.7

GRID = 96
_BETWEEN = [TISSUES.index(name) for name in ("vitreous", "choroid", "outside")]


def measure_scan(
    image: np.ndarray, retina: Retina, pixel_size: tuple[float, float] | None = None
) -> dict[str, float]:
    """Measure one scan; see `measure`.

    Parameters
    ----------
    image : ndarray of uint8, shape (h, w)
    retina : Retina
    pixel_size : (float, float), optional
        Height and width of a pixel in µm.

    Returns
    -------
    dict of str to float
        The columns of `UNITS`, in their order; the first unit with `pixel_size`, else the second.

    Raises
    ------
    ValueError
        If this is no grey image, or the lines have another width.
    """
    image = np.asarray(image)
    check_image(image, "The image")
    image = to_uint8(image, "the image")
    if len(retina.ilm) != image.shape[1]:
        raise ValueError(
            f"The lines have {len(retina.ilm)} columns, the image has {image.shape[1]}: they are "
            "those of another image or size."
        )
    scan = _Scan(image, retina, pixel_size)
    found = {**_thickness(scan), **_lift(scan), **_areas(scan), **_spots(scan), **_look(scan)}
    return {name: float(found[name]) for name in UNITS}


@dataclass(frozen=True)
class _Scan:
    """One scan with its lines, NaN where they are not known, and its scale."""

    image: np.ndarray
    retina: Retina
    pixel_size: tuple[float, float] | None

    @cached_property
    def um(self) -> tuple[float, float]:
        """Height and width of a pixel in µm, assumed where not known."""
        height, width = self.image.shape
        return self.pixel_size or (DEPTH_UM / height, 1000 * WIDTH_MM / width)

    @cached_property
    def length(self) -> float:
        """A row in the unit of lengths."""
        return self.um[0] if self.pixel_size else 100 / self.image.shape[0]

    @cached_property
    def mm(self) -> np.ndarray:
        """Places of the columns from the middle of the scan in mm, (w,)."""
        n = self.image.shape[1]
        return (np.arange(n) - (n - 1) / 2) * self.um[1] / 1000

    @cached_property
    def lines(self) -> np.ndarray:
        """ILM, RPE, BM in rows (3, w), NaN where unsure or outside of the picture."""
        lines = np.stack([self.retina.ilm, self.retina.rpe, self.retina.bm]).astype(float)
        inside = (lines > -0.5) & (lines < self.image.shape[0] - 0.5)
        return np.where(inside & (self.retina.confidence >= SURE), lines, np.nan)

    @cached_property
    def grey(self) -> np.ndarray:
        """The scan in 96 × 96 pixels, float64."""
        from PIL import Image

        picture = Image.fromarray(self.image).resize((GRID, GRID), Image.Resampling.BILINEAR)
        return np.asarray(picture, float)

    @cached_property
    def brightness(self) -> float:
        """Mean grey of the retina, NaN where there is none."""
        if self.weight.sum() < 1:
            return np.nan
        return max(float(np.average(self.grey, weights=self.weight)), 1.0)

    @cached_property
    def retina_pixels(self) -> float:
        """Pixels between the ILM and Bruch's membrane, NaN where too few columns are known."""
        height = _mean(self.lines[2] - self.lines[0])
        return height * self.image.shape[1] if height > 0 else np.nan

    @cached_property
    def area(self) -> float:
        """A pixel in the unit of areas, NaN where the retina is hardly seen."""
        if self.pixel_size is None:
            return 100 / self.retina_pixels
        return self.um[0] * self.um[1] / 1e6 + 0 * self.retina_pixels

    @cached_property
    def weight(self) -> np.ndarray:
        """Share of retina in each of the 96 × 96 pixels."""
        return np.clip(1 - self.retina.tissue[_BETWEEN].sum(axis=0), 0, 1).astype(float)

    def along(self, sums: np.ndarray) -> np.ndarray:
        """What is known in 96 columns, in the scan's own (w,)."""
        width = self.image.shape[1]
        return np.interp((np.arange(width) + 0.5) * GRID / width - 0.5, np.arange(GRID), sums)

    def enlarged(self, grid: np.ndarray) -> np.ndarray:
        """What is known in 96 × 96 pixels, in the scan's own (h, w)."""
        rows, columns = (np.arange(n) * GRID // n for n in self.image.shape)
        return grid.take(rows, axis=0).take(columns, axis=1)

    def share(self, tissue: str) -> np.ndarray:
        """Share of a tissue in each of the 96 × 96 pixels."""
        return np.asarray(self.retina.tissue[TISSUES.index(tissue)], float)

    def cover(self, tissue: str) -> np.ndarray:
        """The same for what is larger than a pixel: faint doubts are none, and edges stay soft."""
        low, high = DOUBT
        return np.clip((self.share(tissue) - low) / (high - low), 0, 1)


def _mean(values: np.ndarray) -> float:
    """Mean of the known values, NaN where too few are."""
    known = np.isfinite(values)
    return float(values[known].mean()) if len(values) and known.mean() >= ENOUGH else np.nan


def _thickness(scan: _Scan) -> dict[str, float]:
    ilm, rpe, bm = scan.lines
    total, neural = (bm - ilm) * scan.length, (rpe - ilm) * scan.length
    away = scan.mm - _fovea(scan)
    sides = [
        _mean(neural[(side * away >= RIM_MM[0]) & (side * away <= RIM_MM[1])]) for side in (-1, 1)
    ]
    pit = _mean(neural[np.abs(away) <= max(0.1, scan.um[1] / 1000)])
    return {
        "mean_thickness": _mean(total),
        "central_thickness": _mean(total[np.abs(away) <= CENTRE_MM]),
        "pit_depth": sum(sides) / 2 - pit,
    }


def _fovea(scan: _Scan) -> float:
    """Place of the fovea in mm from the middle of the scan, NaN where it seems not to be in it.

    It is where the retina's own tissue, without fluid or scar, is thinner than on both sides, once
    what a lesion beneath it has squeezed out is added.
    """
    from scipy.ndimage import gaussian_filter1d

    ilm, rpe, bm = scan.lines
    rows = scan.image.shape[0] / GRID
    fluid = rows * scan.cover("intraretinal fluid").sum(axis=0)
    beneath = rows * scan.cover("subretinal fluid").sum(axis=0)
    beneath += rows * scan.cover("subretinal hyper-reflective material").sum(axis=0)
    lift = np.maximum(scan.retina.floor - rpe - RPE_UM / scan.um[0], 0) + scan.along(beneath)
    tissue = rpe - ilm - scan.along(fluid + beneath) + SQUEEZED * lift
    um = tissue * scan.um[0]
    known = np.isfinite(um)
    if known.mean() < ENOUGH:
        return np.nan
    um = np.interp(scan.mm, scan.mm[known], um[known])
    um = gaussian_filter1d(um, 120 / scan.um[1], mode="nearest")
    at = np.arange(-SOUGHT_MM, SOUGHT_MM + 0.01, 0.05)
    beside = [np.interp(at + side, scan.mm, um) for side in (-0.9, 0.9)]
    depth = np.minimum(*beside) - np.interp(at, scan.mm, um)
    best = int(np.argmax(depth - FIXATION * at**2))
    middle = _mean((bm - ilm)[np.abs(scan.mm) <= CENTRE_MM]) * scan.um[0]
    swollen = fluid.sum() > SWOLLEN * rows or middle > SWOLLEN_UM
    if depth[best] >= (SWOLLEN_PIT_UM if swollen else PIT_UM):
        return float(at[best])
    return 0.0 if swollen else np.nan


def _lift(scan: _Scan) -> dict[str, float]:
    gap = np.asarray(scan.retina.floor, float) - scan.lines[1]
    known = np.isfinite(gap)
    if known.mean() < ENOUGH:
        return dict.fromkeys(("rpe_lift", "lifted", "sub_rpe_material"), np.nan)
    free = known & (scan.along(scan.cover("sub-RPE material").sum(axis=0)) < 0.25)
    normal = np.median(gap[free]) if free.mean() > 0.1 else np.quantile(gap[known], 0.1)
    lift = gap[known] - normal
    um = lift * scan.um[0]
    return {
        "rpe_lift": max(lift.max(), 0.0) * scan.length,
        "lifted": 100 * (um > LIFTED_UM).mean(),
        "sub_rpe_material": lift[um > SLACK_UM].sum() * scan.area,
    }


def _areas(scan: _Scan) -> dict[str, float]:
    tissues = {
        "intraretinal_fluid": "intraretinal fluid",
        "subretinal_fluid": "subretinal fluid",
        "subretinal_material": "subretinal hyper-reflective material",
    }
    n = scan.image.size
    areas = {name: scan.cover(tissue).mean() * n * scan.area for name, tissue in tissues.items()}
    seen = 100 if np.isfinite(scan.area) else np.nan
    areas["membrane"] = scan.cover("membrane").any(axis=0).mean() * seen
    return areas


def _spots(scan: _Scan) -> dict[str, float]:
    """The network says where spots may be, the picture which of its pixels are bright."""
    maybe = scan.enlarged(scan.share("bright spot") > MAYBE)
    spots = maybe & (scan.image > SPOT_BRIGHTER * scan.brightness)
    found = dict.fromkeys(("spot_brightness", "spot_shadow"), np.nan)
    if spots.mean() > FEW:
        found["spot_brightness"] = scan.image[spots].mean() / scan.brightness
        found["spot_shadow"] = _shadow(scan, spots.sum(axis=0) > 0)
    return {**found, "bright_spots": 100 * spots.sum() / scan.retina_pixels}


def _shadow(scan: _Scan, under: np.ndarray) -> float:
    """Brightness of the choroid in some columns relative to those beside them."""
    from scipy.ndimage import maximum_filter1d

    def widened(um: float) -> np.ndarray:
        return maximum_filter1d(under, 2 * max(1, round(um / scan.um[1])) + 1)

    beside = widened(1000 * BESIDE_MM) & ~widened(GAP_UM)
    picture = np.where(scan.enlarged(scan.share("outside") > 0.5), np.nan, scan.image)
    picture[:, ~np.isfinite(scan.lines[2])] = np.nan
    top = np.ceil(scan.retina.floor).astype(int)
    rows = top + np.arange(1, max(2, round(SHADOW_UM / scan.um[0])) + 1)[:, None]
    light = np.take_along_axis(picture, np.clip(rows, 0, len(picture) - 1), axis=0)
    light[(rows < 0) | (rows >= len(picture))] = np.nan
    beneath, around = _mean(light[:, under]), _mean(light[:, beside])
    return beneath / around if around > DARK else np.nan


def _look(scan: _Scan) -> dict[str, float]:
    height, width = scan.image.shape
    ilm, rpe, bm = scan.lines
    known = np.isfinite(bm)
    tilt = bend = contrast = np.nan
    if known.mean() >= ENOUGH:
        across = scan.mm if scan.pixel_size else scan.mm * 1000 / (scan.um[1] * width)
        floor = np.asarray(scan.retina.floor, float) * scan.length
        bend, tilt, _ = np.polyfit(across[known], floor[known], 2)
    if np.isfinite(scan.brightness):
        spread = (scan.grey - scan.brightness) ** 2
        contrast = np.sqrt(np.average(spread, weights=scan.weight))
    return {
        "brightness": scan.brightness,
        "contrast": contrast,
        "outside": 100 * scan.share("outside").mean(),
        **_white(scan),
        "tilt": tilt,
        "curvature": -bend,
        "position": 100 * (_mean((ilm + bm) / 2) + 0.5) / height,
        "measured": 100 * np.isfinite(ilm + rpe + bm).mean(),
    }


def _white(scan: _Scan) -> dict[str, float]:
    """White that is not scan, above and below the smooth floor of the retina."""
    if np.isfinite(scan.lines[2]).mean() < ENOUGH:
        return dict.fromkeys(("white_above", "white_below"), np.nan)
    white = scan.share("outside") * (scan.grey > WHITE)
    height, width = scan.image.shape
    at = (np.arange(GRID) + 0.5) * width / GRID - 0.5
    floor = (np.interp(at, np.arange(width), scan.retina.floor) + 0.5) * GRID / height
    above = np.arange(GRID)[:, None] + 0.5 < floor
    return {
        "white_above": 100 * (white * above).mean(),
        "white_below": 100 * (white * ~above).mean(),
    }
