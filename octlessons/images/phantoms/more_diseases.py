"""Four more diseases, drawn when asked for by name: ERM, VID, RVO and RAO.

The names are those of the OCTDL data set (Kulyabin et al. 2024, arXiv:2312.08255). Sizes in µm,
positions in mm from the fovea, as in :mod:`.lesions`.

Sources
-------
Vitreomacular traction and macular holes, and a hole's width measured at its narrowest (small to
250 µm, medium to 400 µm, large above): Duker et al., Ophthalmology 120:2611 (2013),
doi:10.1016/j.ophtha.2013.07.042. Lamellar hole and pseudohole: Hubschman et al., Br J Ophthalmol
104:1741 (2020), doi:10.1136/bjophthalmol-2019-315432. Stages of epiretinal membranes, with inner
layers across the fovea from stage 3: Govetto et al., Am J Ophthalmol 175:99 (2017),
doi:10.1016/j.ajo.2016.12.006. Everything else (how wide, how thick, how bright, how often signs
occur together) is a design value within the ranges clinicians use.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from octlessons.images.phantoms.lesions import (
    Cyst,
    Disease,
    Mound,
    Spot,
    Swelling,
    draw_fluid,
    draw_foci,
)
from octlessons.images.phantoms.signs import Hole, Membrane, Opacity, Traction


def draw_more(name: str, rng: np.random.Generator) -> Disease:
    """Draw the signs of one patient of a further class.

    Parameters
    ----------
    name : {"ERM", "VID", "RVO", "RAO"}
    rng : numpy.random.Generator
    """
    return {"ERM": draw_erm, "VID": draw_vid, "RVO": draw_rvo, "RAO": draw_rao}[name](rng)


def _lakes(rng, places, layers, width: tuple[float, float], filling=(0.6, 0.95)):
    """Cysts at given places, each of its own size: no regular pattern."""
    return tuple(
        Cyst(
            str(rng.choice(layers)),
            float(place),
            0.0,
            float(rng.uniform(*width)),
            float(rng.uniform(*filling)),
            float(rng.uniform(-0.6, 0.6)),
            float(rng.normal(0, 0.1)),
            float(rng.uniform(0.3, 0.7)),
        )
        for place in places
    )


# ------------------------------------------------------------------------------------------- ERM

#: Stages of Govetto et al. (2017): share of patients, pit lost, extra thickness in µm, height of
#: the folds in µm (design values). Stage 4 has distorted layers; a pseudohole keeps a steep pit.
_ERM_FORMS = {
    "stage 1": (0.20, (0.0, 0.35), (0, 40), (2, 10)),
    "stage 2": (0.27, (0.8, 1.0), (30, 120), (8, 26)),
    "stage 3": (0.28, (1.0, 1.0), (90, 210), (12, 36)),
    "stage 4": (0.11, (1.0, 1.0), (120, 240), (22, 48)),
    "pseudohole": (0.14, (0.0, 0.3), (60, 150), (12, 34)),
}


def draw_erm(rng: np.random.Generator) -> Disease:
    """An epiretinal membrane: subtle, or with folds and a lost pit, or with a pseudohole."""
    shares = [row[0] for row in _ERM_FORMS.values()]
    form = str(rng.choice(list(_ERM_FORMS), p=shares))
    _, pit_loss, extra, fold = _ERM_FORMS[form]
    middle, width = float(rng.normal(0, 0.5)), float(rng.uniform(2.6, 6.0))
    start, stop = middle - width / 2, middle + width / 2
    height = float(rng.uniform(*fold))
    waves = tuple(
        (float(rng.uniform(0.16, 0.55)), float(rng.random()), height * float(rng.uniform(0.3, 1)))
        for _ in range(3)
    )
    lifted = None
    if rng.random() < 0.35:
        end = start if rng.random() < 0.5 else stop
        lifted = (float(np.clip(end, -2.6, 2.6)), float(rng.uniform(25, 110)))
    opening = float(rng.uniform(0.09, 0.2)) if form == "pseudohole" else 0.0
    membrane = Membrane(
        start,
        stop,
        thickness=float(rng.uniform(10, 13) + rng.uniform(0, 11) * (form != "stage 1")),
        grey=float(rng.uniform(0.54, 0.76)),
        waves=waves,
        bridge=float(rng.uniform(0.1, 0.4)),
        lifted=lifted,
        opening=opening,
        patchy=float(rng.uniform(0.0, 0.3)),
    )
    x = float(rng.normal(0, 0.3))
    more = float(rng.uniform(*extra))
    swellings = (
        Swelling(x, float(rng.uniform(0.9, 1.8)), more, (0.45, 0.25, 0.1, 0.2)),
        Swelling(x + float(rng.normal(0, 0.9)), 0.4, 0.3 * more, (0.6, 0.3, 0.0, 0.1)),
    )
    cysts: tuple[Cyst, ...] = ()
    if form != "stage 1" and rng.random() < 0.35:
        places = x + rng.normal(0, 0.6, int(rng.integers(1, 7)))
        cysts = _lakes(rng, places, ["INL"], (25, 80), (0.45, 0.8))
    return Disease(
        membrane=membrane,
        swellings=swellings,
        cysts=cysts,
        spots=draw_foci(rng, rng.poisson(1), x, 1.0),
        pit_loss=float(rng.uniform(*pit_loss)),
        pit_loss_reach=float(rng.uniform(1.1, 1.7)),
        irregular=float(rng.uniform(0.06, 0.16)),
    )


# ------------------------------------------------------------------------------------------- VID


def _slopes(rng, low: float, high: float) -> tuple[float, float]:
    return float(rng.uniform(low, high)), float(rng.uniform(low, high))


def draw_vid(rng: np.random.Generator) -> Disease:
    """Disease of the vitreomacular interface: traction, a full-thickness or a lamellar hole."""
    form = str(rng.choice(["traction", "hole", "lamellar"], p=[0.4, 0.4, 0.2]))
    return {"traction": _traction, "hole": _full_hole, "lamellar": _lamellar_hole}[form](rng)


def _traction(rng) -> Disease:
    x = float(rng.normal(0, 0.05))
    pull = float(np.clip(np.exp(rng.normal(4.9, 0.5)), 45, 330))
    reach = float(rng.uniform(0.16, 0.5))
    traction = Traction(
        x,
        pull,
        reach,
        _slopes(rng, 110, 330),
        grey=float(rng.uniform(0.38, 0.58)),
        attached=float(rng.uniform(0.05, 0.35)),
    )
    places = x + rng.normal(0, 0.7 * reach, int(rng.integers(1, 6)))
    cysts = _lakes(rng, places, ["HFL", "MID", "INL"], (30, 40 + 0.5 * pull))
    if rng.random() < 0.7:  # one large cyst right beneath the attachment
        wide = 45 + 0.45 * pull
        cysts += (Cyst("MID", x, 0.0, wide, float(rng.uniform(0.6, 0.9)), -0.3, 0.0, 0.4),)
    mounds: tuple[Mound, ...] = ()
    if rng.random() < 0.3:  # the fovea is torn off the RPE
        fluid = draw_fluid(rng, x, 60.0)
        mounds = (replace(fluid, radius_x=float(rng.uniform(0.15, 0.5)), radius_y=0.5),)
    return Disease(
        traction=traction,
        cysts=cysts,
        mounds=mounds,
        pit_loss=float(rng.uniform(0.5, 1.0)),
        pit_loss_reach=float(rng.uniform(0.5, 0.9)),
        spots=draw_foci(rng, rng.poisson(0.7), x, 0.5),
        irregular=float(rng.uniform(0.03, 0.08)),
    )


def _rim(rng, half: float, number: int, reach: float, layers) -> tuple[Cyst, ...]:
    """Cysts in the swollen rim on both sides of a hole."""
    sides = rng.choice([-1, 1], number)
    places = sides * (half + 0.08 + rng.uniform(0, reach, number))
    return _lakes(rng, places, layers, (30, 85), (0.45, 0.85))


def _full_hole(rng) -> Disease:
    half = float(rng.uniform(0.075, 0.35))
    hole = Hole(
        float(rng.normal(0, 0.02)),
        half,
        edge=float(rng.uniform(0.16, 0.34)),
        undercut=float(rng.uniform(0.03, 0.15)),
        cuff=float(rng.uniform(0.35, 0.8)),
    )
    traction, chance = None, rng.random()
    if chance < 0.25 and half < 0.2:  # still attached, to one side of the rim
        side = float(rng.choice([-1, 1]))
        traction = Traction(side * (half + 0.12), 25.0, 0.2, _slopes(rng, 110, 300), 0.45, 0.03)
    elif chance < 0.65:
        operculum = float(rng.uniform(80, 170)) if rng.random() < 0.65 else 0.0
        traction = Traction(
            hole.x,
            0.0,
            0.2,
            _slopes(rng, -15, 60),
            grey=float(rng.uniform(0.26, 0.42)),
            attached=0.3,
            afloat=float(rng.uniform(70, 260)),
            operculum=operculum,
        )
    thick = float(rng.uniform(50, 190))
    return Disease(
        hole=hole,
        traction=traction,
        swellings=(Swelling(0.0, half + float(rng.uniform(0.35, 0.6)), thick,
                            (0.1, 0.35, 0.15, 0.4)),),
        cysts=_rim(rng, half, int(rng.integers(3, 10)), 0.45, ["INL", "HFL", "INL"]),
        pit_loss=float(rng.uniform(0.6, 0.95)),
        pit_loss_reach=float(rng.uniform(0.8, 1.2)),
        irregular=float(rng.uniform(0.03, 0.08)),
    )  # fmt: skip


def _lamellar_hole(rng) -> Disease:
    half = float(rng.uniform(0.08, 0.24))
    hole = Hole(
        float(rng.normal(0, 0.04)),
        half,
        edge=float(rng.uniform(0.1, 0.32)),
        undercut=0.0,
        cuff=0.0,
        floor=float(rng.uniform(0.35, 0.85)),
        lamellar=True,
    )
    cysts = tuple(  # the rim is split between the inner and the outer layers
        Cyst("HFL", side * (half + float(rng.uniform(0.12, 0.3))), 0.0, float(rng.uniform(90, 240)),
             float(rng.uniform(0.3, 0.5)), float(rng.uniform(-0.8, -0.3)), 0.0, 0.5)
        for side in (-1, 1)
    )  # fmt: skip
    membrane = None
    if rng.random() < 0.5:
        width = float(rng.uniform(1.6, 4.0))
        waves = tuple((float(rng.uniform(0.2, 0.5)), float(rng.random()), 8.0) for _ in range(2))
        membrane = Membrane(
            -width / 2,
            width / 2,
            thickness=float(rng.uniform(12, 22)),
            grey=float(rng.uniform(0.48, 0.66)),
            waves=waves,
            bridge=0.15,
            lifted=None,
            opening=half + 0.1,
            patchy=0.25,
        )
    return Disease(
        hole=hole,
        membrane=membrane,
        swellings=(Swelling(0.0, 0.7, float(rng.uniform(10, 70)), (0.2, 0.3, 0.2, 0.3)),),
        cysts=cysts + _rim(rng, half, int(rng.integers(0, 4)), 0.3, ["INL", "HFL"]),
        pit_loss=float(rng.uniform(0.3, 0.8)),
        pit_loss_reach=0.8,
        damage=((-half, half, float(rng.uniform(0, 0.5))),),
        irregular=float(rng.uniform(0.03, 0.08)),
    )


# ------------------------------------------------------------------------------------------- RVO


def draw_rvo(rng: np.random.Generator) -> Disease:
    """Oedema of a vein occlusion: of one side (branch) or of all sides (central).

    What tells it from diabetic oedema: one side is worse, more fluid beneath the fovea, blood in
    the inner layers with shadows, lakes of all sizes in place of petals, few hard exudates.
    """
    branch = rng.random() < 0.65
    side = float(rng.choice([-1, 1]))
    extra = float(np.clip(rng.normal(250, 100), 80, 480))
    if branch:
        x, spread = side * float(rng.uniform(0.45, 1.0)), float(rng.uniform(0.5, 0.9))
        extra *= 0.8
        sides = rng.choice([side, -side], 60, p=[0.93, 0.07])
    else:
        x, spread = float(rng.normal(0, 0.25)), float(rng.uniform(0.8, 1.4))
        sides = rng.choice([-1, 1], 60)
    swellings: tuple[Swelling, ...] = (Swelling(x, spread, extra, (0.2, 0.32, 0.13, 0.35)),)
    if branch:  # swollen to the edge of the scan on this side
        swellings += (Swelling(2.2 * side, 0.9, 0.4 * extra, (0.4, 0.35, 0.1, 0.15)),)
    number = int(rng.integers(4, 13))
    near = np.abs(rng.normal(0, 0.8 * spread, number)) * sides[:number]
    places = near + (0.5 * x if branch else x)
    cysts = _lakes(rng, places, ["INL", "INL", "HFL", "HFL", "MID"], (45, 170))
    if rng.random() < 0.7:  # a large lake under the fovea
        at = float(rng.normal(0.1 * side, 0.12))
        cysts += _lakes(rng, [at], ["MID", "HFL"], (120, 260), (0.7, 0.95))
    mounds: tuple[Mound, ...] = ()
    if rng.random() < 0.6:
        fluid = draw_fluid(rng, float(rng.normal(0.15 * side, 0.2)), 85.0)
        mounds = (replace(fluid, radius_x=float(rng.uniform(0.6, 1.5)), radius_y=0.9),)
    blood = _haemorrhages(rng, x, spread, sides[number:], branch)
    spots = draw_foci(rng, rng.poisson(5), x, spread) + _at_borders(rng, cysts)
    return Disease(
        mounds=mounds,
        cysts=cysts,
        spots=spots,
        swellings=swellings,
        opacities=blood,
        pit_loss=float(rng.uniform(0.4, 0.8) if branch else rng.uniform(0.75, 1.0)),
        pit_loss_reach=float(rng.uniform(1.0, 1.5)),
        irregular=float(rng.uniform(0.08, 0.18)),
    )


#: Share of haemorrhages that reach down to the RNFL, GCL, IPL and INL (design value).
_BLEEDS_TO = (0.2, 0.3, 0.3, 0.2)


def _haemorrhages(rng, x: float, spread: float, sides, branch: bool) -> tuple[Opacity, ...]:
    """Blood and ischaemic patches in the inner layers, with the shadows that they cast."""
    patches = []
    for i in range(int(rng.integers(3, 8))):
        place = float(sides[i] * rng.uniform(0.4, 2.6) if branch else rng.uniform(-2.6, 2.6))
        half = float(rng.uniform(0.08, 0.45))
        patches.append(
            Opacity(
                place,
                half,
                soft=float(rng.uniform(0.12, 0.45)),
                grey=float(rng.uniform(0.48, 0.64)),
                weight=float(rng.uniform(0.5, 0.95)),
                layers=("RNFL", str(rng.choice(["RNFL", "GCL", "IPL", "INL"], p=_BLEEDS_TO))),
                shade=float(rng.uniform(0.12, 0.5)),
                scale=(float(rng.uniform(1.0, 1.3)), 1.15, 1.05, 1.0, 1.0),
            )
        )
    wide = 1.4 if branch else 2.6  # the whole sector is a little brighter
    middle = x + 0.9 * float(np.sign(x)) if branch else x
    weight = float(rng.uniform(0.2, 0.6))
    patches.append(Opacity(middle, wide, 0.6, 0.47, weight, ("RNFL", "IPL"), 0.08))
    return tuple(patches)


def _at_borders(rng, cysts: tuple[Cyst, ...]) -> tuple[Spot, ...]:
    """Hyper-reflective foci along the walls of cysts, none within another cyst."""
    spots = []
    for cyst in cysts:
        for side in rng.choice([-1, 1], int(rng.integers(0, 4))):
            middle, half = (0.42, 0.1) if cyst.layer == "INL" else (0.68, 0.16)
            spot = Spot(
                cyst.x + float(side * rng.uniform(1.02, 1.2)) * cyst.half_width / 1000,
                float(rng.normal(0, 0.06)),
                float(rng.uniform(middle - half, middle + half)),
                float(rng.uniform(9, 16)),
                float(rng.uniform(7, 12)),
                float(rng.uniform(0.5, 0.72)),
                0.1,
            )
            if all(abs(spot.x - other.x) > 0.95 * other.half_width / 1000 for other in cysts):
                spots.append(spot)
    return tuple(spots)


# ------------------------------------------------------------------------------------------- RAO


def draw_rao(rng: np.random.Generator) -> Disease:
    """An artery occlusion: swollen opaque inner layers at first, thin ones in the end."""
    branch = rng.random() < 0.3
    side = float(rng.choice([-1, 1]))
    x, half = (side * 2.6, float(rng.uniform(2.1, 2.7))) if branch else (0.0, 9.0)
    soft = float(rng.uniform(0.2, 0.5))
    if rng.random() < 0.35:  # late: atrophy of the inner retina
        thin = float(rng.uniform(0.3, 0.6))
        scale = (float(rng.uniform(0.5, 0.8)), thin, thin, 1.1 * thin, 0.8)
        opacity = Opacity(x, half, soft, 0.42, float(rng.uniform(0, 0.3)), ("RNFL", "INL"), 0.0,
                          scale)  # fmt: skip
        return Disease(
            opacities=(opacity,),
            pit_loss=float(rng.uniform(0, 0.3)),
            irregular=float(rng.uniform(0.04, 0.1)),
        )
    if rng.random() < 0.2:  # an incomplete occlusion whitens the middle layers only
        weight, shade = float(rng.uniform(0.7, 1.0)), float(rng.uniform(0.1, 0.3))
        middle = Opacity(x, half, soft, float(rng.uniform(0.44, 0.56)), weight, ("INL", "OPL"),
                         shade, (1.0, 1.0, 1.1, 1.3, 1.1), ischaemic=True)  # fmt: skip
        return Disease(opacities=(middle,), irregular=float(rng.uniform(0.03, 0.08)))
    thick = float(rng.uniform(1.15, 1.7))
    opacity = Opacity(
        x,
        half,
        soft,
        grey=float(rng.uniform(0.47, 0.62)),
        weight=float(rng.uniform(0.6, 0.95)),
        layers=("RNFL", str(rng.choice(["INL", "OPL"]))),
        shade=float(rng.uniform(0.2, 0.5)),
        scale=(1 + 0.6 * (thick - 1), thick, thick, 1 + 0.7 * (thick - 1), 1.05),
        ischaemic=True,
    )
    return Disease(
        opacities=(opacity,),
        pit_loss=float(rng.uniform(0, 0.25)),
        irregular=float(rng.uniform(0.04, 0.12)),
    )
