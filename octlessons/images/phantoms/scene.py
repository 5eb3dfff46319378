"""One scan in retinal coordinates: layers, lesions, choroid and shadows on a `Canvas`."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import maximum_filter1d

from octlessons.images.phantoms import signs
from octlessons.images.phantoms.anatomy import LAYER, LAYERS, Retina, healthy_layers
from octlessons.images.phantoms.lesions import CYST, DRUSEN, EXUDATE, PED, SHRM, SRF, Disease
from octlessons.images.phantoms.raster import BELOW_UM, Canvas, enlarge, smooth

#: Display grey (0-1) of each slab after fourth-root compression (design values: the order bright,
#: dark of the IN-OCT consensus, Staurenghi et al. 2014, spaced as on averaged clinical scans).
LAYER_GREY = {
    "RNFL": 0.45, "GCL": 0.355, "IPL": 0.375, "INL": 0.275, "OPL": 0.335, "ONL": 0.205,
    "MZ": 0.225, "EZ": 0.64, "OS": 0.45, "IZ": 0.62, "SRF": 0.05, "SHRM": 0.55, "RPE": 0.93,
    "SUB_RPE": 0.36,
}  # fmt: skip
ELM_GREY = 0.29
#: Radius of the foveal zone without vessels in mm (design value).
AVASCULAR_MM = 0.4
CYST_GREY = 0.07
#: Grey of the choroid and sclera over depth: two falls, (grey at Bruch's membrane, depth in µm).
CHOROID_FALL, SCLERA_FALL = (0.28, 150.0), (0.15, 420.0)

#: Boundaries from top to bottom.
BOUNDARIES = (
    "ILM", "RNFL/GCL", "GCL/IPL", "IPL/INL", "INL/OPL", "OPL/HFL", "ELM", "EZ", "EZ/OS", "IZ",
    "RPE", "BM", "CHOROID/SCLERA",
)  # fmt: skip


def merge_mounds(disease: Disease, x: np.ndarray, dy: float, roughness: np.ndarray) -> dict:
    """Join the mounds of one kind: where they overlap the taller one shows.

    Returns
    -------
    dict of code to [height, grey, mottle], each of shape (w,)
    """
    merged: dict[int, list[np.ndarray]] = {}
    for mound in disease.mounds:
        height = mound.profile(x, dy, roughness)
        own = [height, np.full_like(x, mound.grey), np.full_like(x, mound.mottle)]
        old = merged.get(mound.code, own)
        taller = height > old[0]
        merged[mound.code] = [np.where(taller, new, was) for new, was in zip(own, old, strict=True)]
    return merged


def layer_stack(retina: Retina, disease: Disease, x: np.ndarray, y: float, dy: float,
                roughness: np.ndarray, uneven: np.ndarray):  # fmt: skip
    """Thickness of all layers with the disease in them, and where which mound lies.

    Returns
    -------
    layers : ndarray, shape (14, w)
        µm, rows as in ``LAYERS``.
    mounds : dict of code to (height, grey, mottle), each of shape (w,)
    """
    step_um = 1000 * (x[1] - x[0])
    flat = disease.pit_loss * np.exp(-0.5 * (x / disease.pit_loss_reach) ** 4)
    layers = healthy_layers(retina, x, y, flat)
    _swell(layers, disease, x)
    signs.reshape_inner(layers, disease, x)
    layers[: LAYER["MZ"]] *= 1 + disease.irregular * uneven[: LAYER["MZ"]]
    mounds = merge_mounds(disease, x, dy, roughness)
    none = np.zeros_like(x)
    drusen = mounds.get(DRUSEN, (none,))[0]
    ped = mounds.get(PED, (none,))[0]
    layers[LAYER["SUB_RPE"]] = np.maximum(drusen, ped)
    layers[LAYER["SHRM"]] = mounds.get(SHRM, (none,))[0]
    layers[LAYER["SRF"]] = mounds.get(SRF, (none,))[0]
    # The RPE over a neovascular detachment is thickened and beaded.
    layers[LAYER["RPE"]] *= 1 + np.clip(ped / 40, 0, 1) * np.clip(0.5 + 0.7 * roughness, 0, 1.6)
    lift = layers[LAYER["SUB_RPE"]] + layers[LAYER["SHRM"]] + layers[LAYER["SRF"]]
    if lift.any():
        layers[LAYER["ONL"]] = _squeezed(layers[LAYER["ONL"]], lift, step_um)
    return layers, mounds


def _swell(layers: np.ndarray, disease: Disease, x: np.ndarray) -> None:
    """Thicken the layers by the fluid in the tissue, in place."""
    for swelling in disease.swellings:
        bump = swelling.extra * np.exp(-0.5 * np.abs((x - swelling.x) / swelling.sd) ** 2.5)
        inner, inl, opl, onl = swelling.shares
        layers[LAYER["GCL"]] += 0.5 * inner * bump
        layers[LAYER["IPL"]] += 0.5 * inner * bump
        layers[LAYER["INL"]] += inl * bump
        layers[LAYER["OPL"]] += opl * bump
        layers[LAYER["ONL"]] += onl * bump


def _squeezed(onl: np.ndarray, lift: np.ndarray, step_um: float) -> np.ndarray:
    """Thickness of the outer nuclear layer over mounds that lift it.

    The inner retina follows a mound only broadly; the outer nuclear layer takes the rest, and where
    it would be used up the inner retina is lifted smoothly after all.
    """
    carried = 0.85 * smooth(lift, 150.0 / step_um)
    lacking = np.maximum(lift + 0.25 * onl - onl - carried, 0)
    if lacking.any():
        reach = max(int(120.0 / step_um), 1)
        carried = carried + smooth(maximum_filter1d(lacking, 2 * reach + 1), reach / 2)
    return np.maximum(onl + carried - lift, 0.2 * onl)


def damage_along(disease: Disease, x: np.ndarray, roughness: np.ndarray) -> np.ndarray:
    """Share of photoreceptors and RPE lost along the scan, 0 to 1."""
    loss = np.zeros_like(x)
    for start, stop, amount in disease.damage:
        edge = np.clip(np.minimum(x - start, stop - x) / 0.15, 0, 1)
        loss = np.maximum(loss, edge * amount * np.clip(0.8 + 0.6 * roughness, 0, 1.1))
    return np.clip(loss, 0, 1)


def hyaloid_above(hyaloid, x: np.ndarray, ilm_um: np.ndarray, roughness: np.ndarray):
    """Height (µm) and grey of a partly detached posterior hyaloid; None where there is none.

    The membrane still touches the retina near the fovea and rises from it on both sides.
    """
    if hyaloid is None:
        return None
    touches, rise_um, grey = hyaloid
    away = np.clip(np.abs(x - touches) - 0.15, 0, None)
    height = ilm_um.mean() + rise_um * np.minimum(away / 1.5, 1.6) ** 0.7 - 30
    clear = np.clip((height - ilm_um - 12) / 30, 0, 1)
    return np.maximum(height, ilm_um + 4), grey * clear * np.clip(0.9 + 0.3 * roughness, 0.3, 1.3)


def paint_layers(
    canvas: Canvas, layers, tops, mounds, disease, x, damage, roughness, tone, beading, hyaloid=None
) -> None:
    """Paint the bands of the retina; damaged photoreceptors and RPE are dimmer."""
    grey = np.array([LAYER_GREY[name] for name in LAYERS]) * tone["layers"]
    grey = np.repeat(grey[:, None], len(damage), axis=1)
    intact = 1 - damage
    for name in ("EZ", "OS", "IZ"):
        row = LAYER[name]
        grey[row] = grey[LAYER["ONL"]] + (grey[row] - grey[LAYER["ONL"]]) * intact
    lift = layers[LAYER["SUB_RPE"]] + layers[LAYER["SHRM"]]
    thinned = np.clip(1 - lift / 90.0, 0, 1)  # photoreceptors fade over a mound
    for name in ("EZ", "IZ"):
        grey[LAYER[name]] *= 0.4 + 0.6 * thinned
    for name, part in (("EZ", 0.7), ("IZ", 1.0), ("RPE", 1.0)):
        grey[LAYER[name]] *= 1 + part * beading
    grey[LAYER["RPE"]] *= 1 - np.clip(lift / 60, 0, 1) * np.clip(0.12 - 0.15 * roughness, 0, 0.4)
    grey[LAYER["RPE"]] *= 1 - damage * np.clip(0.25 + 0.5 * roughness, 0, 0.7)
    grey[LAYER["RNFL"]] += 0.0008 * np.clip(layers[LAYER["RNFL"]] - 20, 0, 60)
    for code, name in ((PED, "SUB_RPE"), (DRUSEN, "SUB_RPE"), (SHRM, "SHRM"), (SRF, "SRF")):
        if code in mounds:
            height, value, _ = mounds[code]
            layer = LAYER[name]
            grey[layer] = np.where(height >= layers[layer] - 1e-9, value, grey[layer])
    signs.veil(grey, disease, x, roughness)
    elm = tops[LAYER["MZ"]]
    at = LAYER["MZ"]
    parts = [tops[:1], tops[:1] - 8, tops[1:at], [elm + 4, elm - 4], tops[at + 1 :], [0 * elm]]
    heights = np.minimum.accumulate(np.concatenate(parts), axis=0)
    ilm = grey[:1] + 0.05 + 0.05 * np.clip(roughness, -1, 2)
    line = np.where(intact > 0.5, ELM_GREY * signs.light_beneath(disease, x), grey[LAYER["ONL"]])
    greys = np.concatenate([ilm, grey[:at], [line], grey[at:], [0 * elm]])
    if hyaloid is not None:
        height, value = hyaloid
        heights = np.concatenate([[height + 5, height - 5], heights])
        heights = np.minimum.accumulate(heights, axis=0)
        greys = np.concatenate([[value, 0 * value], greys])
    canvas.paint_steps(heights, greys)


def paint_choroid(canvas: Canvas, bottom_um, grids, transmission, tone) -> None:
    """Choroid with dark vessel lumina, then sclera, fading with depth."""
    below = canvas.grey[canvas.membrane :]
    rows, columns = below.shape
    depth = (np.arange(rows) + 0.5) * canvas.axial_um
    decay = 0.0
    for level, reach in (CHOROID_FALL, SCLERA_FALL):
        decay = decay + tone["choroid"] * level * np.exp(-depth / (reach * tone["decay"]))
    decay = decay + 0.10 * np.exp(-depth / 18.0)  # choriocapillaris
    fine, coarse = (enlarge(grid, rows, columns) for grid in grids)
    ramp = np.clip(depth / 110.0, 0, 1).astype(np.float32)[:, None]
    field = fine * (1 - 0.75 * ramp) + coarse * (0.25 + 0.75 * ramp)
    lumen = np.clip(field * 0.6 + 0.3, -0.3, 1)
    within = np.clip((bottom_um.astype(np.float32) - depth.astype(np.float32)[:, None]) / 40, 0, 1)
    contrast = (tone["vessels"] * within * np.clip(depth / 25.0, 0, 1)[:, None]).astype(np.float32)
    below += decay.astype(np.float32)[:, None] * (1 + 0.10 * contrast - contrast * lumen)
    below *= transmission.astype(np.float32)


def paint_mounds(canvas: Canvas, layers, tops, mounds, texture) -> None:
    """Mark drusen, detachments, scar and fluid, and give their content its texture."""
    slabs = {"SUB_RPE": (DRUSEN, PED), "SHRM": (SHRM,), "SRF": (SRF,)}
    for name, codes in slabs.items():
        present = [code for code in codes if code in mounds]
        if not present:
            continue
        heights = np.stack([mounds[code][0] for code in present])
        code = np.array(present)[heights.argmax(0)]
        mottle = np.stack([mounds[code][2] for code in present])[
            heights.argmax(0), np.arange(canvas.columns)
        ]
        row = LAYER[name]
        found = canvas.mark_slab(tops[row], tops[row] - layers[row], code)
        if found is not None:
            where, mask = found
            factor = 1 + mottle[where[1]].astype(np.float32) * texture[where]
            canvas.grey[where] *= np.where(mask, np.clip(factor, 0.3, 1.7), np.float32(1))


def paint_cysts(canvas: Canvas, disease: Disease, x, dy, tops) -> None:
    """Dark fluid spaces within the inner nuclear layer and Henle's fibre layer."""
    step = x[1] - x[0]
    inl, opl, elm = tops[LAYER["INL"]], tops[LAYER["OPL"]], tops[LAYER["MZ"]]
    top, bottom = {"INL": inl, "HFL": opl, "MID": inl}, {"INL": opl, "HFL": elm, "MID": elm}
    for cyst in disease.cysts:
        across = 1 - ((dy - cyst.y) / cyst.radius_y) ** 2
        column = (cyst.x - x[0]) / step
        at = int(column)
        if across <= 0 or not 0 <= at < len(x):
            continue
        upper, lower = top[cyst.layer][at], bottom[cyst.layer][at]
        half = 0.5 * (upper - lower) * cyst.filling * np.sqrt(across)
        half = min(half, 2.6 * cyst.half_width, 260.0)
        middle = 0.5 * (upper + lower) - cyst.offset * (0.5 * (upper - lower) - half)
        canvas.blob(column, middle, cyst.half_width * np.sqrt(across), half, CYST_GREY, CYST,
                    lean=cyst.lean)  # fmt: skip


def paint_spots(canvas: Canvas, disease: Disease, x, dy, tops) -> None:
    """Hard exudates and hyper-reflective foci with the shadows they cast."""
    step = x[1] - x[0]
    for spot in disease.spots:
        if abs(dy - spot.y) > 0.12:
            continue
        column = (spot.x - x[0]) / step
        at = int(column)
        if not 0 <= at < len(x):
            continue
        height = tops[0][at] + spot.depth * (tops[LAYER["MZ"]][at] - tops[0][at])
        if spot.shadow > 0.15:
            canvas.shadow(column, height, spot.half_width, 0.5 * spot.shadow)
        canvas.blob(column, height, spot.half_width, spot.half_height, spot.grey, EXUDATE)


def paint_vessels(canvas: Canvas, vessels, x, y, tops) -> None:
    """Retinal vessels: a bright rim in the nerve fibre layer and a shadow to the bottom."""
    step = x[1] - x[0]
    for place, radius_um, strength in vessels:
        column = (place - x[0]) / step
        at = int(column)
        if not 0 <= at < len(x) or np.hypot(place, y) < AVASCULAR_MM:
            continue
        height = tops[1][at] - 0.3 * radius_um
        canvas.shadow(column, height - radius_um, 0.8 * radius_um, strength)
        canvas.blob(column, height, radius_um, 0.8 * radius_um, 0.46)


def transmission_through(disease: Disease, layers, damage, streak_noise) -> np.ndarray:
    """Light reaching the choroid: less under mounds, more in streaks where the RPE is thinned."""
    lift = layers[LAYER["SUB_RPE"]] + layers[LAYER["SHRM"]]
    shade = 1 - 0.38 * lift / (lift + 150.0)
    streaks = disease.streaks * np.clip(streak_noise, -0.4, 1.6) * np.clip(damage * 1.6, 0, 1)
    glow = 0.12 * disease.streaks * damage
    return np.clip(shade * (1 + glow + 0.45 * streaks), 0.3, 1.8)


def boundaries_um(tops: np.ndarray, choroid_um: np.ndarray) -> np.ndarray:
    """Heights of the named boundaries above Bruch's membrane, shape (13, w)."""
    named = [name for name in LAYERS if name not in ("SRF", "SHRM", "SUB_RPE")]
    above = [tops[LAYER[name]] for name in named]
    return np.stack([*above, np.zeros_like(choroid_um), -np.minimum(choroid_um, BELOW_UM)])
