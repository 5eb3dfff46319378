"""The scanner: where the retina lies in the scan, speckle, compression, wedges, and size.

Model (references in the functions): the linear signal is tissue reflectance times speckle plus
detector noise; the mean noise is subtracted, negative values become black, and the fourth root is
shown as 8-bit grey, as clinical spectral-domain exports do. That is what gives real scans their
black pepper in the vitreous. Geometry: 496 rows of 3.87 µm; 512 columns over 5.8 mm, or 768 or
1536 columns over 8.6 mm (values of the Heidelberg Spectralis). A second kind of scanner averages
more, and has fields and pixels of other sizes; :mod:`.framing` crops its scans.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from octlessons.images.phantoms.raster import Canvas, enlarge

AXIAL_UM = 3.87
#: Scan width in columns to field of view in mm.
FIELD_MM = {512: 5.8, 768: 8.6, 1536: 8.6}

#: Kinds of scanners: whole scans as of the Spectralis, and exports cropped around the retina.
SCANNERS = ("spectralis", "cropped")
#: Field of view of the second kind in mm, its scan depth in µm, its rows and columns (design
#: values, about those of scanners with 6, 9 and 12 mm macular lines and a depth of 2 mm).
CROPPED_MM = (5.5, 13.0)
CROPPED_DEPTH_UM = 1920.0
CROPPED_ROWS, CROPPED_COLUMNS = (480, 640, 885, 1024), 1024


@dataclass(frozen=True)
class Site:
    """How one clinic's scans look (design values)."""

    name: str
    widths: tuple[float, float, float]  # shares of 512, 768 and 1536 columns
    tall: float  # share of patients scanned with 512 instead of 496 rows
    wedges: float  # share of 512-column scans with white wedges
    gain: float
    gamma: float
    noise: float


SITES = {
    "A": Site("A", (0.74, 0.20, 0.06), 0.0, 0.85, 1.00, 1.00, 1.0),
    "B": Site("B", (0.52, 0.33, 0.15), 0.6, 0.55, 0.93, 1.06, 0.8),
}


@dataclass(frozen=True)
class Look:
    """What stays the same in all scans of one patient."""

    site: str
    height: int  # rows as acquired
    width: int  # columns as acquired
    gain: float
    gamma: float
    noise: float
    offset: float
    looks: float
    fovea_mm: float
    tilt: float  # µm per mm
    bend: float  # µm per mm²
    depth: float  # place of Bruch's membrane, share of the height
    haze: float
    wedged: bool
    field_mm: float
    axial_um: float = AXIAL_UM
    frames: float = 1.5  # averaged by the detector: how even its noise is


@dataclass(frozen=True)
class Placement:
    """Where one scan of the patient lies."""

    tilt: float
    bend: float
    depth: float
    fovea_mm: float
    gain: float
    wedge_shift: float
    wedge_slope: float
    sides: tuple[float, float]
    band: tuple[float, float]  # black band at the left and right, share of the width


@dataclass(frozen=True)
class Scan:
    """One finished phantom with its truth."""

    image: np.ndarray  # (size, size) uint8
    boundaries: np.ndarray  # (13, size) float32
    lesions: np.ndarray  # (size, size) uint8
    class_name: str
    patient: str
    name: str
    site: str
    size: tuple[int, int]
    pixel_size: tuple[float, float]


def draw_look(site: Site, rng: np.random.Generator) -> Look:
    """Draw a patient's scan settings and optics (all spreads are design values).

    The shorter scans are averaged from fewer frames, hence noisier; the wide ones are rarely
    rotated afterwards, hence without wedges.
    """
    width = int(rng.choice(list(FIELD_MM), p=site.widths))
    wide = width != 512
    return Look(
        site=site.name,
        height=512 if rng.random() < site.tall else 496,
        width=width,
        gain=site.gain * float(np.exp(rng.normal(0, 0.09))),
        gamma=site.gamma * float(np.exp(rng.normal(0, 0.08))),
        noise=site.noise * float(np.exp(rng.normal(-1.3 if wide else -0.5, 0.5))),
        offset=float(rng.uniform(0.6, 0.9) if wide else rng.uniform(0.5, 0.82)),
        looks=float(rng.choice([1.5, 2, 3, 4])),
        fovea_mm=float(rng.normal(0, 0.35)),
        tilt=float(rng.normal(0, 28)),
        bend=float(np.clip(rng.normal(11 if wide else 7, 7), -4, 30)),
        depth=float(np.clip(rng.normal(0.47, 0.07), 0.33, 0.66)),
        haze=float(rng.uniform(0.08, 0.25)) if rng.random() < 0.15 else 0.0,
        wedged=bool(rng.random() < (site.wedges if not wide else 0.06)),
        field_mm=FIELD_MM[width],
    )


def draw_cropped_look(
    look: Look, rng: np.random.Generator, field_mm: tuple[float, float] = CROPPED_MM
) -> Look:
    """Draw the settings of a scanner of the second kind for the same eye (design values).

    It averages many frames, so speckle is weak; its fields are wide and strongly curved; gain,
    gamma and what is subtracted as noise are its own.
    """
    rows, looks = int(rng.choice(CROPPED_ROWS)), float(rng.choice([3, 6, 12, 24]))
    return replace(
        look,
        site="C",
        height=rows,
        width=CROPPED_COLUMNS,
        gain=float(np.exp(rng.normal(0, 0.13))),
        gamma=float(np.exp(rng.normal(0.05, 0.22))),
        noise=look.noise * float(np.exp(rng.normal(-1.2, 0.6))),
        offset=float(rng.uniform(0.4, 1.0)),
        looks=looks,
        tilt=float(rng.normal(0, 30)),
        bend=float(np.clip(rng.normal(10, 7), -6, 28)),
        depth=float(np.clip(rng.normal(0.5, 0.06), 0.38, 0.62)),
        haze=float(rng.uniform(0.05, 0.3)) if rng.random() < 0.25 else 0.0,
        wedged=False,
        field_mm=float(rng.uniform(*field_mm)),
        axial_um=CROPPED_DEPTH_UM / rows,
        frames=looks,
    )


def place_scan(look: Look, rng: np.random.Generator) -> Placement:
    """Draw the position of one scan: nearly, not quite, that of the patient's other scans."""
    slope = float(rng.normal(0, 0.035)) if look.wedged else 0.0
    shift = float(rng.normal(0.015, 0.055)) if look.wedged else 0.0
    sides = tuple(rng.exponential(0.002, 2)) if look.wedged else (0.0, 0.0)
    banded = look.width != 512 and rng.random() < 0.18
    band = [0.0, 0.0]
    if banded:
        band[int(rng.integers(2))] = float(rng.uniform(0.01, 0.12))
    return Placement(
        tilt=look.tilt + float(rng.normal(0, 5)),
        bend=look.bend + float(rng.normal(0, 0.6)),
        depth=float(np.clip(look.depth + rng.normal(0, 0.02) + 0.6 * shift, 0.3, 0.7)),
        fovea_mm=look.fovea_mm + float(rng.normal(0, 0.06)),
        gain=look.gain * float(np.exp(rng.normal(0, 0.03))),
        wedge_shift=shift,
        wedge_slope=slope,
        sides=sides,
        band=(band[0], band[1]),
    )


def membrane_rows(place: Placement, look: Look, x_mm: np.ndarray, rows: int) -> np.ndarray:
    """Row of Bruch's membrane in every column of a picture of that many rows.

    A parabola for the curvature of the eye, a straight tilt, and the rotation that also made the
    wedges.
    """
    depth_um = look.axial_um * look.height
    centred = x_mm - x_mm.mean()
    half = 0.5 * look.field_mm
    um = place.tilt * centred + place.bend * (half**2 / 3 - centred**2)
    share = place.depth + um / depth_um + place.wedge_slope * centred / (2 * half)
    return share * rows


def acquire(canvas: Canvas, membrane: np.ndarray, rows: int) -> tuple[np.ndarray, np.ndarray]:
    """Place the canvas's columns in the scan: grey (rows, w) float32 and codes (rows, w) uint8."""
    start = canvas.membrane - membrane
    whole = np.floor(start).astype(np.int32)
    part = (start - whole).astype(np.float32)
    at = whole + np.arange(rows, dtype=np.int32)[:, None]
    np.clip(at, 0, canvas.rows - 2, out=at)
    at *= canvas.columns
    at += np.arange(canvas.columns, dtype=np.int32)
    flat = canvas.grey.ravel()
    grey = flat.take(at)
    below = flat[canvas.columns :].take(at)
    below -= grey
    below *= part
    grey += below
    return grey, canvas.codes.ravel().take(at)


@lru_cache(maxsize=256)
def speckle_table(looks: float, levels: int = 4096) -> np.ndarray:
    """Quantiles of a gamma distribution of shape `looks` and mean 1.

    The intensity of fully developed speckle is exponential; averaging `looks` independent frames
    makes it gamma: Schmitt, Xiang and Yung, J Biomed Opt 4:95 (1999), doi:10.1117/1.429925. A table
    indexed by random bits gives the same speckle on every platform.
    """
    from scipy.special import gammaincinv

    quantiles = gammaincinv(looks, (np.arange(levels) + 0.5) / levels) / looks
    return (np.round(quantiles * 2**20) / 2**20).astype(np.float32)


def _noise(bits: np.random.PCG64, table: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    n = shape[0] * shape[1]
    raw = bits.random_raw((n + 3) // 4).astype("<u8", copy=False).view("<u2")[:n]
    return table.take(raw >> np.uint16(4)).reshape(shape)


def _correlate(field: np.ndarray, down: float, across: float) -> np.ndarray:
    """Smooth with small kernels along both axes: the point spread of the scanner."""
    out = field * np.float32(1 - 2 * down)
    out[1:] += np.float32(down) * field[:-1]
    out[:-1] += np.float32(down) * field[1:]
    out[0] += np.float32(down) * field[0]
    out[-1] += np.float32(down) * field[-1]
    if across > 0:
        field = out
        out = field * np.float32(1 - 2 * across)
        out[:, 1:] += np.float32(across) * field[:, :-1]
        out[:, :-1] += np.float32(across) * field[:, 1:]
        out[:, 0] += np.float32(across) * field[:, 0]
        out[:, -1] += np.float32(across) * field[:, -1]
    return out


#: Detector noise in linear units where white is 1: (40/255)^4 is the grey of a noisy vitreous.
NOISE_FLOOR = 1.3e-3


def expose(grey: np.ndarray, look: Look, gain: float, bits: np.random.PCG64) -> np.ndarray:
    """Speckle, noise, noise subtraction and fourth-root compression; returns 0-1 float32.

    Parameters
    ----------
    grey : ndarray, shape (rows, w), float32
        Noise-free display grey.
    """
    rows, columns = grey.shape
    # A pixel of the picture averages several of the scanner, whose speckle is correlated.
    averaged = (look.height / rows) ** 0.8 * (look.width / columns) ** 0.9
    looks = float(np.clip(round(look.looks * averaged * 2) / 2, 1, 64))
    frames = float(np.clip(round(look.frames * averaged * 4) / 4, 0.5, 32))
    signal = grey * grey
    signal *= signal
    signal *= _noise(bits, speckle_table(looks), grey.shape)
    floor = np.float32(NOISE_FLOOR * look.noise)
    # Sensitivity rolls off with depth, and with it what is left of the noise.
    fall = (1.03 - 0.7 * np.linspace(0, 1, rows)[:, None] ** 2) ** 4
    fall = fall.astype(np.float32)
    signal += (floor * fall) * _noise(bits, speckle_table(frames), grey.shape)
    native = look.height / rows
    signal = _correlate(signal, 0.25 / native**0.7, 0.22 / max(look.width / columns, 1) ** 0.7)
    signal -= (floor * np.float32(look.offset)) * fall
    np.maximum(signal, 0, out=signal)
    np.sqrt(signal, out=signal)
    np.sqrt(signal, out=signal)
    signal *= np.float32(gain)
    return signal


def shrink(picture: np.ndarray, factor: int) -> np.ndarray:
    """Resize to 1/factor with a triangle filter, as image libraries do (antialiased bilinear)."""
    if factor == 1:
        return picture
    return _shrink_rows(_shrink_rows(picture, factor).T, factor).T


def _shrink_rows(picture: np.ndarray, factor: int) -> np.ndarray:
    rows = len(picture)
    out = np.zeros((rows // factor, picture.shape[1]), np.float32)
    for offset in range(-factor, factor):
        weight = np.float32((1 - abs(offset + 0.5) / factor) / factor)
        at = np.arange(rows // factor) * factor + factor // 2 + offset
        if factor % 2:  # an odd factor has its middle on a row
            weight = np.float32((1 - abs(offset) / factor) / factor)
        out += weight * picture[np.clip(at, 0, rows - 1)]
    return out


def cover_borders(picture: np.ndarray, place: Placement) -> None:
    """White wedges where the rotated or shifted scan leaves the frame; black bands at the sides."""
    rows, columns = picture.shape
    for side, share in enumerate(place.band):
        n = round(share * columns)
        if n:
            picture[:, slice(0, n) if side == 0 else slice(columns - n, None)] = 0
    if not (place.wedge_shift or place.wedge_slope):
        return
    across = (np.arange(columns) + 0.5) / columns - 0.5
    edge = (place.wedge_shift + place.wedge_slope * across) * rows
    for column_edge, from_top in ((edge, True), (edge + rows, False)):
        limit = np.round(column_edge).astype(int)
        low, high = max(int(limit.min()), 0), min(int(limit.max()), rows)
        index = np.arange(rows)
        if from_top and high > 0:
            picture[:high][index[:high, None] < limit] = 1
        if not from_top and low < rows:
            picture[low:][index[low:, None] >= limit] = 1
    down = ((np.arange(rows) + 0.5) / rows - 0.5) * -0.15 * place.wedge_slope
    left = np.round((place.sides[0] + down) * columns).astype(int)
    right = np.round((place.sides[1] - down) * columns).astype(int)
    n = max(int(left.max()), 0)
    if n:
        picture[:, :n][np.arange(n) < left[:, None]] = 1
    n = max(int(right.max()), 0)
    if n:
        picture[:, -n:][np.arange(n)[::-1] < right[:, None]] = 1


def add_vitreous(grey: np.ndarray, look: Look, grid: np.ndarray, ghost) -> None:
    """Haze and ghost reflections in the vitreous, in place."""
    rows, columns = grey.shape
    if look.haze:
        high = rows // 2
        cloud = np.clip(enlarge(grid[:8, :14], high, columns) * 0.4 + 0.5, 0, 1)
        fade = (1 - np.arange(high) / high).astype(np.float32)[:, None]
        np.maximum(grey[:high], np.float32(look.haze) * cloud * fade, out=grey[:high])
    if ghost is not None:
        row, column, size = int(ghost[0] * rows), int(ghost[1] * columns), ghost[2]
        high, wide = max(1, int(size * rows)), max(1, int(1.5 * size * columns))
        patch = grey[row : row + high, column : column + wide]
        np.maximum(patch, np.float32(0.22), out=patch)
