"""Signs at the surface of the retina and in its inner layers, and what each does to a scan.

An epiretinal membrane, a vitreous that pulls, a hole, an opaque patch. Sizes in µm, positions in mm
from the fovea along the scan, as in :mod:`.lesions`. Who has which sign is drawn in
:mod:`.more_diseases`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import maximum_filter1d

from octlessons.images.phantoms.anatomy import LAYER
from octlessons.images.phantoms.raster import Canvas, smooth

ERM_CODE, HOLE_CODE, ISCHAEMIA_CODE = 7, 8, 9
_SRF_CODE = 4

INNER = slice(LAYER["RNFL"], LAYER["OPL"] + 1)
OUTER = slice(LAYER["MZ"], LAYER["IZ"] + 1)


@dataclass(frozen=True)
class Membrane:
    """An epiretinal membrane: a contracted sheet of cells that folds the surface beneath it."""

    start: float  # mm
    stop: float  # mm
    thickness: float  # µm
    grey: float
    waves: tuple[tuple[float, float, float], ...]  # period in mm, phase, height in µm
    bridge: float  # mm, widest fold that it spans without touching
    lifted: tuple[float, float] | None  # mm where it ends free, µm by which that end stands off
    opening: float = 0.0  # mm, half width of the place above the fovea that it leaves free
    patchy: float = 0.2  # share of its length that is too thin to see


@dataclass(frozen=True)
class Traction:
    """A posterior hyaloid face that is taut: fixed at the fovea, or afloat with an operculum."""

    x: float
    pull: float  # µm by which it lifts the fovea
    reach: float  # mm over which the lift decays
    slopes: tuple[float, float]  # µm per mm, to the left and to the right
    grey: float
    attached: float  # mm, half width of the attachment
    afloat: float = 0.0  # µm above the retina; 0 where it is attached
    operculum: float = 0.0  # µm, half width of the piece of retina that it carries


@dataclass(frozen=True)
class Hole:
    """A macular hole: through the whole retina, or through its inner part (lamellar)."""

    x: float
    half_width: float  # mm, at its narrowest
    edge: float  # mm over which the rim is rounded
    undercut: float  # mm by which the photoreceptors end farther out than the inner retina
    cuff: float  # share of the missing photoreceptors' height that fluid takes
    floor: float = 0.0  # share of the outer nuclear layer that a lamellar hole leaves
    lamellar: bool = False


@dataclass(frozen=True)
class Opacity:
    """A stretch in which the inner layers are brighter, or thicker, or thinner than in health."""

    x: float
    half_width: float  # mm
    soft: float  # mm over which it begins
    grey: float
    weight: float  # 0: layers as in health, 1: all of this grey
    layers: tuple[str, str]  # the highest and the lowest layer that it takes
    shade: float  # share of the light that it keeps from what lies beneath
    scale: tuple[float, float, float, float, float] = (1.0, 1.0, 1.0, 1.0, 1.0)  # RNFL … OPL
    ischaemic: bool = False


# ------------------------------------------------------------------------- thickness of the layers


def window(x: np.ndarray, opacity: Opacity) -> np.ndarray:
    """How much of an opacity there is along the scan, 0 to 1, shape of `x`."""
    inside = (opacity.half_width - np.abs(x - opacity.x)) / opacity.soft
    t = np.clip(0.5 + inside, 0, 1)
    return t * t * (3 - 2 * t)


def reshape_inner(layers: np.ndarray, disease, x: np.ndarray) -> None:
    """Thicken or thin the inner layers, pull the fovea, fold the surface; in place."""
    for opacity in disease.opacities:
        if opacity.scale != (1.0,) * 5:
            layers[INNER] *= 1 + (np.array(opacity.scale)[:, None] - 1) * window(x, opacity)
    if disease.traction is not None and disease.traction.pull:
        pull, away = disease.traction, np.abs(x - disease.traction.x)
        tent = pull.pull * np.exp(-np.clip(away - 0.5 * pull.attached, 0, None) / pull.reach)
        for name, share in (("GCL", 0.08), ("IPL", 0.10), ("INL", 0.22), ("OPL", 0.10),
                            ("ONL", 0.50)):  # fmt: skip
            layers[LAYER[name]] += share * tent
    if disease.membrane is not None:
        _fold(layers, disease.membrane, x)


def _fold(layers: np.ndarray, membrane: Membrane, x: np.ndarray) -> None:
    under = np.clip(np.minimum(x - membrane.start, membrane.stop - x) / 0.3, 0, 1)
    fold = np.zeros_like(x)
    for period, phase, height in membrane.waves:
        wave = 0.5 + 0.5 * np.sin(2 * np.pi * (x / period + phase))
        fold += height * (wave**0.7 - 0.6)  # broad crests, narrow furrows
    fold *= under
    if membrane.opening:  # the steep walls of a pseudohole
        gap = np.exp(-((np.abs(x) / membrane.opening) ** 4))
        layers[INNER] *= 1 - 0.9 * gap
        fold *= 1 - gap
    for name, share in (("RNFL", 0.1), ("GCL", 0.35), ("IPL", 0.25), ("INL", 0.3)):
        was = layers[LAYER[name]]
        layers[LAYER[name]] = np.maximum(was + share * fold, 0.35 * was)


def open_hole(layers: np.ndarray, mounds: dict, hole: Hole, x: np.ndarray, dy: float):
    """Cut the hole out of the layers, in place.

    Returns
    -------
    tuple of ndarray or None, each of shape (w,)
        Height of the inner surface as it was, in µm, and the columns that the hole opens; None
        where the scan passes beside it.
    """
    across = 1 - (dy / max(hole.half_width, 1e-6)) ** 2
    if across <= 0.05:
        return None
    before = layers.sum(0)
    half = hole.half_width * np.sqrt(across)
    away = np.abs(x - hole.x) - half

    def rim(beyond: np.ndarray) -> np.ndarray:
        """A quarter of an ellipse: 0 in the gap, 1 where the retina has its full height."""
        return np.sqrt(1 - (1 - np.clip(beyond / hole.edge, 0, 1)) ** 2)

    inner = rim(away)
    if hole.lamellar:
        layers[INNER] *= 0.04 + 0.96 * inner
        layers[LAYER["ONL"]] *= hole.floor + (1 - hole.floor) * rim(away + 0.3 * hole.edge)
        return before, away < 0.5 * hole.edge
    outer = rim(0.5 * (away - hole.undercut))
    lost = ((1 - outer) * layers[OUTER]).sum(0) + 0.5 * (1 - outer) * layers[LAYER["ONL"]]
    layers[OUTER] *= outer
    layers[INNER] *= inner
    layers[LAYER["ONL"]] *= inner * (0.5 + 0.5 * outer)
    cuff = hole.cuff * lost * inner
    layers[LAYER["SRF"]] = np.where(away > 0, layers[LAYER["SRF"]] + cuff, 0.0)
    mounds[_SRF_CODE] = [layers[LAYER["SRF"]], np.full_like(x, 0.06), np.full_like(x, 0.1)]
    return before, away < 0.25 * hole.edge


# ------------------------------------------------------------------------------------ the picture


#: How far an opacity takes each inner layer, from the RNFL to the OPL (design value: it fades
#: downwards, so that the layers stay to be guessed).
_DEPTH = np.array([[0.9], [1.0], [1.0], [0.8], [0.6]])


def veil(grey: np.ndarray, disease, x: np.ndarray, roughness: np.ndarray) -> None:
    """Brighten the inner layers where they are opaque and dim what lies beneath; in place.

    Parameters
    ----------
    grey : ndarray, shape (14, w)
        Display grey of each layer.
    x, roughness : ndarray, shape (w,)
    """
    for opacity in disease.opacities:
        there = window(x, opacity)
        first, last = LAYER[opacity.layers[0]], LAYER[opacity.layers[1]] + 1
        share = opacity.weight * there * _DEPTH[first:last]
        share = share * np.clip(0.85 + 0.3 * roughness, 0.35, 1.1)
        grey[first:last] += share * np.maximum(opacity.grey - grey[first:last], 0)
        grey[last:] *= 1 - opacity.shade * there


def light_beneath(disease, x: np.ndarray) -> np.ndarray:
    """Light that the opacities leave to what lies beneath them, 0 to 1, shape of `x`."""
    through = np.ones_like(x)
    for opacity in disease.opacities:
        through *= 1 - opacity.shade * window(x, opacity)
    return through


def taut_hyaloid(traction: Traction, x: np.ndarray, ilm_um: np.ndarray, roughness: np.ndarray):
    """Height (µm) and grey of the hyaloid that pulls: a V with its tip on the fovea."""
    away = np.clip(np.abs(x - traction.x) - traction.attached, 0, None)
    slope = np.where(x < traction.x, *traction.slopes)
    at = int(np.abs(x - traction.x).argmin())
    start = np.percentile(ilm_um, 75) + traction.afloat if traction.afloat else ilm_um[at]
    height = np.maximum(start + slope * away**0.85, ilm_um + 3)
    return height, traction.grey * np.clip(0.95 + 0.25 * roughness, 0.5, 1.3)


def paint_above(canvas: Canvas, disease, x, tops, roughness, hyaloid) -> None:
    """Paint what lies above the retina: a membrane, and what the hyaloid tore out of a hole."""
    if disease.membrane is not None:
        _paint_membrane(canvas, disease.membrane, x, tops[0], roughness)
    traction = disease.traction
    if traction is not None and traction.operculum:
        hyaloid_um = hyaloid[0]
        column = (traction.x - x[0]) / (x[1] - x[0])
        at = int(np.clip(column, 0, len(x) - 1))
        size = traction.operculum
        canvas.blob(column, hyaloid_um[at] - 0.25 * size, size, 0.2 * size, 0.37)


def _membrane_above(membrane: Membrane, x: np.ndarray, ilm_um: np.ndarray, roughness: np.ndarray):
    """Lower face of the membrane (µm) and how much of it there is to see, each of shape (w,)."""
    step = x[1] - x[0]
    reach = max(int(membrane.bridge / step) // 2, 1)
    over = smooth(maximum_filter1d(ilm_um, 2 * reach + 1), reach / 1.5)
    low = np.clip(over, ilm_um, ilm_um + 70)
    inward = np.minimum(x - membrane.start, membrane.stop - x)
    there = np.clip(inward / 0.3, 0, 1)
    low = ilm_um + (low - ilm_um) * np.clip(0.2 + inward / 0.5, 0, 1)
    if membrane.lifted is not None:
        end, height = membrane.lifted
        low = low + height * np.clip(1 - np.abs(x - end) / 0.9, 0, 1) ** 1.5
    if membrane.opening:
        there = there * np.clip((np.abs(x) - 1.1 * membrane.opening) / 0.05, 0, 1)
    broad = smooth(roughness, 0.06 / step)
    limit = np.quantile(broad, membrane.patchy)
    return low, there * np.clip(0.6 + 2.0 * (broad - limit), 0.15, 1)


def _paint_membrane(canvas: Canvas, membrane: Membrane, x, ilm_um, roughness) -> None:
    """Paint and mark the membrane, with the pegs that tie it to the folds beneath it."""
    low, there = _membrane_above(membrane, x, ilm_um, roughness)
    high = low + membrane.thickness * (0.5 + 0.5 * there)
    _film(canvas, high, low, membrane.grey, there)
    canvas.mark_slab(np.where(there > 0.5, high, low), low, ERM_CODE)
    step = x[1] - x[0]
    period, phase, _ = membrane.waves[0]
    for k in range(int((membrane.stop - membrane.start) / period)):
        at = membrane.start + period * (k + 0.35 * np.sin(9.0 * (k + phase)) + 0.5)
        i = int((at - x[0]) / step)
        if 0 <= i < len(x) and there[i] > 0.5 and 14 < low[i] - ilm_um[i] < 65:
            gap = low[i] - ilm_um[i]
            canvas.blob(i, ilm_um[i] + 0.5 * gap, 9.0, 0.55 * gap, 0.6 * membrane.grey)


def _film(canvas: Canvas, high_um, low_um, grey: float, opacity: np.ndarray) -> None:
    """Lay a thin sheet over the picture, its edges anti-aliased."""
    top, bottom = canvas.row(high_um), canvas.row(low_um)
    first = max(int(top.min()), 0)
    last = min(int(bottom.max()) + 2, canvas.rows)
    if first >= last:
        return
    rows = np.arange(first, last)[:, None]
    cover = np.clip(np.minimum(rows + 1, bottom) - np.maximum(rows, top), 0, 1) * opacity
    patch = canvas.grey[first:last]
    patch += (cover * (grey - patch)).astype(np.float32)


def mark(canvas: Canvas, disease, x: np.ndarray, tops: np.ndarray, opened) -> None:
    """Mark the ischaemic inner retina, and a hole from the surface as it was to the bottom."""
    for opacity in disease.opacities:
        if opacity.ischaemic:
            there = window(x, opacity) > 0.5
            top, bottom = tops[LAYER[opacity.layers[0]]], tops[LAYER[opacity.layers[1]] + 1]
            canvas.mark_slab(top, np.where(there, bottom, top), ISCHAEMIA_CODE)
    if opened is not None:
        before, inside = opened
        canvas.mark_slab(np.where(inside, before, tops[0]), tops[0], HOLE_CODE)


def sample_codes(codes: np.ndarray, factor: int) -> np.ndarray:
    """Lesion codes at 1/factor of the size: the middle of every block, and no membrane is lost.

    A membrane is thinner than the pixels of a small picture, so each block with some of it counts.
    """
    columns = codes[:, factor // 2 :: factor]
    sampled = columns[factor // 2 :: factor].copy()
    thin = (columns.reshape(len(sampled), factor, -1) == ERM_CODE).any(axis=1)
    sampled[thin & (sampled == 0)] = ERM_CODE
    return sampled
