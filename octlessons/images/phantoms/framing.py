"""Exports that are cropped around the retina: optic disc, blur, grey floor, cropping, markers.

A scan is drawn whole, as for the first scanner, and comes to its frame here. All ranges are design
values: chosen so that other scanners' exports look at home among them, not fitted to any.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from octlessons.images.phantoms.population import Patient, generator
from octlessons.images.phantoms.scanner import CROPPED_MM, Scan, draw_cropped_look

#: Rows and columns in which a scan is drawn before it is cropped (or more, for larger pictures).
WHOLE = 448
#: Least height of a crop, share of the whole scan.
LEAST = 0.35
#: Share of the disc's width in which the layers have ended.
LAYERLESS = 0.85

#: Digits of a burned-in number: five rows of three pixels, as bits.
DIGITS = (
    (7, 5, 5, 5, 7), (2, 6, 2, 2, 7), (7, 1, 7, 4, 7), (7, 1, 7, 1, 7), (5, 5, 7, 1, 1),
    (7, 4, 7, 1, 7), (7, 4, 7, 5, 7), (7, 1, 2, 2, 2), (7, 5, 7, 5, 7), (7, 5, 7, 1, 7),
)  # fmt: skip
#: An arrow that points right, as bits of eight columns.
ARROW = (8, 12, 14, 255, 255, 14, 12, 8)


@dataclass(frozen=True)
class Disc:
    """The optic disc at one side of the scan."""

    left: bool
    width: float  # share of the scan
    rise: float  # of the surface at the border, in thicknesses of the retina; negative: a cup
    reach: float  # depth in which the tissue fades, in thicknesses of the retina
    grey: float


@dataclass(frozen=True)
class Marker:
    """Something burned into the picture."""

    kind: str  # frame, arrow or number
    row: float  # share of the cropped picture
    column: float
    scale: int  # pixels of a stroke
    grey: int


@dataclass(frozen=True)
class Framing:
    """How the scans of one patient are exported."""

    above_um: float  # kept above the highest place of the ILM
    below_um: float  # kept below the lowest place of Bruch's membrane
    sides: tuple[float, float]  # cut off at the left and right, share of the width
    blur: tuple[float, float]  # standard deviation down and across, px of `WHOLE`
    floor: float  # grey of black
    disc: Disc | None
    marker: Marker | None


@dataclass(frozen=True)
class Framed:
    """A scan in its frame, with what hides it."""

    scan: Scan
    covered: np.ndarray  # (rows, columns) bool: a wedge, band, frame or marker
    disc: np.ndarray  # (columns,) bool: the layers have ended here


def at_cropping_scanner(
    patient: Patient, field_mm: tuple[float, float] = CROPPED_MM
) -> tuple[Patient, Framing]:
    """The same person at the other kind of scanner, and how that one exports.

    Everything is drawn from generators of its own keys: the person stays as it was.
    """
    rng = generator(*patient.key, 100)
    look = draw_cropped_look(patient.look, rng, field_mm)
    layers = 1 + np.clip(rng.normal(0, 0.12, len(patient.tone["layers"])), -0.3, 0.3)
    patient = replace(patient, look=look, tone={**patient.tone, "layers": layers})
    return patient, draw_framing(generator(*patient.key, 101))


def draw_framing(rng: np.random.Generator) -> Framing:
    """Draw how a patient's scans are exported."""
    disc = marker = None
    if rng.random() < 0.4:
        disc = Disc(
            left=bool(rng.random() < 0.5),
            width=float(rng.uniform(0.05, 0.2)),
            rise=float(rng.uniform(-1.2, 0.7)),
            reach=float(rng.uniform(0.4, 1.1)),
            grey=float(rng.uniform(0.35, 0.75)),
        )
    blurred, raised, cut = rng.random() < 0.5, rng.random() < 0.5, rng.random(2) < 0.3
    blur, floor, sides = rng.uniform(0, (1.2, 1.5)), rng.uniform(0, 70), rng.uniform(0, 0.2, 2)
    if rng.random() < 0.12:
        marker = Marker(
            kind=str(rng.choice(["frame", "frame", "arrow", "number"])),
            row=float(rng.uniform(0, 0.12)),
            column=float(rng.uniform(0, 0.9)),
            scale=int(rng.integers(1, 4)),
            grey=int(rng.integers(180, 256)),
        )
    return Framing(
        above_um=float(rng.uniform(40, 735)),
        below_um=float(rng.uniform(190, 890)),
        sides=(float(sides[0] * cut[0]), float(sides[1] * cut[1])),
        blur=(float(blur[0] * blurred), float(blur[1] * blurred)),
        floor=float(floor * raised),
        disc=disc,
        marker=marker,
    )


def frame(scan: Scan, framing: Framing, covered: np.ndarray, rng: np.random.Generator) -> Framed:
    """Put a whole scan into its frame.

    Parameters
    ----------
    scan : Scan
        Square, drawn at `WHOLE` px or more.
    framing : Framing
    covered : ndarray, shape (rows, columns), bool
        What is hidden already.
    rng : Generator
        Of this scan: the texture of the disc and the number burned in.

    Returns
    -------
    Framed
        A smaller picture, not square; boundaries, lesions and ``size`` follow. Boundaries go on
        where the disc or a marker hides them.
    """
    from scipy.ndimage import gaussian_filter

    image, disc = scan.image.astype(np.float32), np.zeros(scan.image.shape[1], bool)
    if framing.disc is not None:
        disc = _add_disc(image, scan.boundaries, framing.disc, rng)
    if any(framing.blur):
        image = gaussian_filter(image, np.multiply(framing.blur, len(image) / WHOLE))
    image = framing.floor + image * np.float32(1 - framing.floor / 255)
    image = np.clip(image + 0.5, 0, 255).astype(np.uint8)
    rows, columns = box = _box(scan, framing)
    image, covered = image[box].copy(), covered[box].copy()
    if framing.marker is not None:
        _burn(image, covered, framing.marker, rng)
    height, width = np.divide(image.shape, scan.image.shape)
    scan = replace(
        scan,
        image=image,
        boundaries=scan.boundaries[:, columns] - np.float32(rows.start),
        lesions=scan.lesions[box],
        size=(round(height * scan.size[0]), round(width * scan.size[1])),
    )
    return Framed(scan, covered, disc[columns])


def _box(scan: Scan, framing: Framing) -> tuple[slice, slice]:
    """The rows about the retina and the columns that are kept."""
    height, width = scan.image.shape
    surface, membrane = scan.boundaries[0], scan.boundaries[-2]
    top = surface.min() - framing.above_um / scan.pixel_size[0]
    bottom = membrane.max() + framing.below_um / scan.pixel_size[0]
    least = LEAST * height
    top = int(np.clip(top, 0, height - least))
    bottom = int(np.clip(bottom, top + least, height))
    left, right = (int(share * width) for share in framing.sides)
    return slice(top, bottom), slice(left, width - right)


def _add_disc(image, boundaries, disc: Disc, rng: np.random.Generator) -> np.ndarray:
    """Paint the optic disc, in place; returns the columns in which the layers have ended.

    Bright tissue that fades with depth replaces the layers; its surface rises or sinks.
    """
    from scipy.ndimage import gaussian_filter

    height, columns = image.shape
    width = int(disc.width * columns)
    side = np.s_[:, :width] if disc.left else np.s_[:, : -width - 1 : -1]  # from the border inwards
    patch, (surface, membrane) = image[side], boundaries[[0, -2]][side]
    inwards, rows = np.arange(width) / width, np.arange(height)[:, None]
    bend = np.clip(1 - 1.2 * inwards, 0, 1) ** 2
    top = surface - disc.rise * (membrane - surface) * bend * (3 - 2 * bend)
    fade = disc.reach * ((membrane - surface).mean() + 1)
    texture = gaussian_filter(rng.normal(size=(height, width)), (2.5, 1.5))
    texture *= 0.15 / (texture.std() + 1e-6)
    tissue = np.exp(-np.clip((rows - top) / fade, 0, 8)) * (1 + texture)
    vitreous = np.quantile(image, 0.1)
    new = np.where(rows < top, vitreous, 255 * np.clip(disc.grey * tissue, 0, 1))
    share = np.clip((LAYERLESS - inwards) / 0.2, 0, 1)
    patch += ((new - patch) * share).astype(np.float32)
    ended = np.zeros(columns, bool)
    ended[side[1]] = inwards < LAYERLESS
    return ended


def _burn(image, covered, marker: Marker, rng: np.random.Generator) -> None:
    """Burn a marker in, and note what it covers, both in place."""
    drawn = np.zeros(image.shape, bool)
    if marker.kind == "frame":  # what is left of a white frame after cropping
        drawn[: marker.scale] = True
        drawn[:, -marker.scale :] = True
        grey = 255
    else:
        sign = _bits(ARROW, 8)
        if marker.kind == "number":
            parts = [np.pad(_bits(DIGITS[k], 3), (0, 1)) for k in rng.integers(0, 10, 2)]
            sign = np.concatenate(parts, axis=1)
        elif marker.column > 0.5:
            sign = sign[:, ::-1]
        sign = np.kron(sign, np.ones((marker.scale + 1, marker.scale + 1), bool))
        high, wide = sign.shape
        row = int(marker.row * (len(image) - high))
        column = int(marker.column * (image.shape[1] - wide))
        drawn[row : row + high, column : column + wide] = sign
        grey = marker.grey
    image[drawn] = grey
    covered |= drawn


def _bits(rows, columns: int) -> np.ndarray:
    return (np.array(rows)[:, None] >> np.arange(columns)[::-1]) & 1 > 0


def stretch(framed: Framed, size: int) -> Framed:
    """Stretch a picture of any shape to the square; the truth follows.

    Parameters
    ----------
    framed : Framed
    size : int
        Height and width of the result in px.

    Returns
    -------
    Framed
        Pictures (size, size), boundaries in its rows, ``pixel_size`` in µm of its pixels.
    """
    from PIL import Image

    scan = framed.scan
    height, width = scan.image.shape
    image = Image.fromarray(scan.image).resize((size, size), Image.Resampling.BILINEAR)
    cover = Image.fromarray(framed.covered.astype(np.uint8) * 255)
    covered = np.asarray(cover.resize((size, size), Image.Resampling.BOX)) > 100
    middles = (np.arange(size) + 0.5) / size
    down, across = (middles * height).astype(int), (middles * width).astype(int)
    place = np.clip(middles * width - 0.5, 0, width - 1.001)
    left = place.astype(int)
    part = (place - left).astype(np.float32)
    rows = scan.boundaries[:, left] * (1 - part) + scan.boundaries[:, left + 1] * part
    rows = (rows + np.float32(0.5)) * np.float32(size / height) - np.float32(0.5)
    axial, lateral = scan.pixel_size
    scan = replace(
        scan,
        image=np.asarray(image),
        boundaries=rows,
        lesions=scan.lesions[np.ix_(down, across)],
        pixel_size=(axial * height / size, lateral * width / size),
    )
    return Framed(scan, covered, framed.disc[across])
