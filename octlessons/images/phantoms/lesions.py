"""What the three diseases do to the macula, drawn per patient in retinal coordinates.

Sizes in µm, positions in mm from the fovea (x along the scan, y relative to the patient's scans).

Sources
-------
Drusen base diameters on OCT by size class (117±71, 156±89, 227±125, 296±125 µm): IOVS abstract
2148979 (801 drusen); small/medium/large at 63 and 125 µm: Ferris et al., Ophthalmology 120:844
(2013), doi:10.1016/j.ophtha.2012.10.036. Types of macular neovascularisation: Spaide et al.,
Ophthalmology 127:616 (2020), doi:10.1016/j.ophtha.2019.11.004. Central thickness in diabetic
macular oedema, 452±115 µm: Turk J Ophthalmol 2018 (n = 250 eyes). Everything else (heights of
detachments 100-600 µm and their widths 0.5-3 mm, subretinal fluid 50-300 µm, cysts 50-400 µm, foci
below 30 µm, how often signs occur together) is a design value within the ranges clinicians use.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from octlessons.images.phantoms.signs import Hole, Membrane, Opacity, Traction

#: Lesion codes in the masks.
LESIONS = {
    1: "drusen",
    2: "pigment epithelial detachment (type 1 MNV)",
    3: "subretinal hyper-reflective material (type 2 MNV)",
    4: "subretinal fluid",
    5: "intraretinal cyst",
    6: "hard exudate or hyper-reflective focus",
    7: "epiretinal membrane",
    8: "macular hole",
    9: "ischaemic inner retina",
}
DRUSEN, PED, SHRM, SRF, CYST, EXUDATE = list(LESIONS)[:6]  # the others are in `signs`

#: Base diameter (mean, SD) in µm of drusen by clinical size class.
DRUSEN_DIAMETER_UM = ((117, 71), (156, 89), (227, 125), (296, 125))
#: Central subfield thickness (mean, SD) in µm in diabetic macular oedema.
DME_CENTRAL_UM = (452, 115)


@dataclass(frozen=True)
class Mound:
    """Something that lifts the layers: a druse, a detachment, a sheet of fluid or of scar."""

    code: int
    x: float
    y: float
    radius_x: float  # mm
    radius_y: float  # mm
    height: float  # µm
    grey: float
    shape: float = 1.0  # exponent of (1 - u²): below 1 flat-topped, above 1 peaked
    rough: float = 0.0  # relative roughness of the surface
    mottle: float = 0.3  # relative contrast of the content

    def profile(self, x: np.ndarray, dy: float, roughness: np.ndarray) -> np.ndarray:
        """Height in µm along the scan ``dy`` mm away from the patient's central scan."""
        across = 1 - ((dy - self.y) / self.radius_y) ** 2
        if across <= 0:
            return np.zeros_like(x)
        scale = np.sqrt(across)
        u = (x - self.x) / (self.radius_x * scale)
        inside = np.clip(1 - u * u, 0, None)
        dome = self.height * scale * inside**self.shape
        return np.clip(dome * (1 + self.rough * roughness), 0, None)


@dataclass(frozen=True)
class Cyst:
    """A fluid-filled space within one layer of the neuroretina."""

    layer: str  # "INL", "HFL" (outer plexiform to outer nuclear layer) or "MID" (both)
    x: float
    y: float
    half_width: float  # µm
    filling: float  # share of the layer's height that it takes
    offset: float  # place within the layer, -1 (top) to 1 (bottom)
    lean: float
    radius_y: float  # mm


@dataclass(frozen=True)
class Spot:
    """A hard exudate or a hyper-reflective focus."""

    x: float
    y: float
    depth: float  # 0 at the ILM, 1 at the ELM
    half_width: float  # µm
    half_height: float  # µm
    grey: float
    shadow: float


@dataclass(frozen=True)
class Swelling:
    """Fluid within the tissue: a local thickening of the neuroretina."""

    x: float
    sd: float  # mm
    extra: float  # µm at the peak
    shares: tuple[float, float, float, float]  # of GCL+IPL, INL, OPL, ONL


@dataclass(frozen=True)
class Disease:
    """All signs of one patient."""

    mounds: tuple[Mound, ...] = ()
    cysts: tuple[Cyst, ...] = ()
    spots: tuple[Spot, ...] = ()
    swellings: tuple[Swelling, ...] = ()
    pit_loss: float = 0.0
    pit_loss_reach: float = 1.0  # mm
    damage: tuple[tuple[float, float, float], ...] = ()  # (from mm, to mm, loss of EZ and RPE)
    streaks: float = 0.0  # light through a thinned RPE into the choroid
    irregular: float = 0.02  # relative unevenness of the inner layers
    membrane: Membrane | None = None
    traction: Traction | None = None
    hole: Hole | None = None
    opacities: tuple[Opacity, ...] = ()


def draw_disease(name: str, rng: np.random.Generator) -> Disease:
    """Draw the signs of one patient of a class.

    Parameters
    ----------
    name : {"CNV", "DME", "DRUSEN", "NORMAL"}
    rng : numpy.random.Generator
    """
    drawers = {"CNV": draw_cnv, "DME": draw_dme, "DRUSEN": draw_drusen}
    return drawers[name](rng) if name in drawers else Disease()


# ---------------------------------------------------------------------------------------- drusen


def _druse(rng, x: float, size_class: int, core: bool) -> Mound:
    mean, sd = DRUSEN_DIAMETER_UM[size_class]
    diameter = float(np.clip(rng.normal(mean, 0.7 * sd), 60, 600))
    height = float(np.clip(diameter * rng.uniform(0.2, 0.42), 25, 120))
    radius = diameter / 2000
    return Mound(
        DRUSEN,
        x,
        0.0 if core else float(rng.normal(0, 0.12)),
        radius * 1.15,
        max(radius * 1.3, 0.35) if core else radius * 1.3,
        height,
        grey=float(rng.uniform(0.30, 0.52)),
        shape=float(rng.uniform(0.9, 1.8)),
        rough=0.08,
        mottle=0.10,
    )


def draw_drusen(rng: np.random.Generator, n: int | None = None) -> Disease:
    """Early and intermediate age-related macular degeneration: 1-18 drusen."""
    if n is None:
        n = int(rng.choice([rng.integers(1, 4), rng.integers(4, 10), rng.integers(9, 19)],
                           p=[0.25, 0.45, 0.30]))  # fmt: skip
    typical = int(rng.choice(4, p=[0.1, 0.25, 0.35, 0.3]))
    middle, spread = rng.normal(0, 0.4), rng.uniform(0.4, 1.1)
    mounds = []
    for i in range(n):
        size = int(np.clip(typical + rng.integers(-1, 2), 0, 3))
        mounds.append(_druse(rng, float(rng.normal(middle, spread)), size, core=i < max(1, n // 2)))
    for _ in range(int(rng.integers(0, 14)) if n > 3 else 0):  # the RPE undulates between them
        tiny = _druse(rng, float(rng.normal(middle, 1.3 * spread)), 0, core=False)
        mounds.append(replace(tiny, height=float(rng.uniform(10, 28))))
    spots = draw_foci(rng, rng.poisson(1.0), middle, 0.8)
    atrophy = float(rng.uniform(0, 0.6)) if n > 6 else 0.0
    return Disease(
        mounds=tuple(mounds),
        spots=spots,
        damage=((middle - spread, middle + spread, 0.35 * atrophy),),
        streaks=atrophy,
    )


# ------------------------------------------------------------------------------------------- CNV


def _detachment(rng, x: float, mild: bool) -> Mound:
    serous = rng.random() < 0.25
    height = float(np.clip(np.exp(rng.normal(4.4 if mild else 4.9, 0.5)), 50, 600))
    width = float(np.clip(np.exp(rng.normal(0.1, 0.45)) * (0.7 if mild else 1.15), 0.5, 3.2))
    return Mound(
        PED,
        x,
        0.0,
        width / 2,
        max(width / 2, 0.5),
        height,
        grey=float(rng.uniform(0.10, 0.2) if serous else rng.uniform(0.28, 0.5)),
        shape=float(rng.uniform(0.6, 1.1)),
        rough=float(rng.uniform(0.02, 0.06) if serous else rng.uniform(0.08, 0.25)),
        mottle=0.12 if serous else float(rng.uniform(0.12, 0.3)),
    )


def _membrane(rng, x: float, scar: bool) -> Mound:
    width = float(rng.uniform(1.6, 4.2) if scar else rng.uniform(0.6, 2.2))
    return Mound(
        SHRM,
        x,
        0.0,
        width / 2,
        max(width / 2, 0.5),
        float(rng.uniform(70, 240) if scar else rng.uniform(50, 170)),
        grey=float(rng.uniform(0.48, 0.68) if scar else rng.uniform(0.42, 0.58)),
        shape=float(rng.uniform(0.6, 1.2)),
        rough=float(rng.uniform(0.12, 0.3)),
        mottle=float(rng.uniform(0.08, 0.18)),
    )


def draw_fluid(rng, x: float, middle: float) -> Mound:
    width = float(rng.uniform(0.8, 2.8))
    return Mound(
        SRF,
        x,
        0.0,
        width / 2,
        max(width / 2, 0.5),
        float(np.clip(np.exp(rng.normal(np.log(middle), 0.5)), 35, 300)),
        grey=0.06,
        shape=float(rng.uniform(0.7, 1.3)),
        rough=0.05,
        mottle=0.1,
    )


#: Forms of neovascularisation: share of patients, loss of photoreceptors and RPE over it, share
#: with subretinal and with intraretinal fluid (design values).
_CNV_FORMS = {
    "flat type 1": (0.16, 0.65, 0.55, 0.25),
    "small type 1": (0.10, 0.25, 0.35, 0.10),
    "type 1": (0.29, 0.50, 0.55, 0.30),
    "type 2": (0.13, 0.75, 0.50, 0.30),
    "mixed": (0.17, 0.80, 0.50, 0.35),
    "scar": (0.15, 0.95, 0.20, 0.50),
}


def _cnv_mounds(rng, form: str, x: float) -> list[Mound]:
    if form == "flat type 1":  # low, wide and irregular: the double-layer sign
        flat = _detachment(rng, x, mild=True)
        return [
            replace(
                flat,
                radius_x=float(rng.uniform(0.7, 1.8)),
                radius_y=1.2,
                height=float(rng.uniform(35, 105)),
                grey=float(rng.uniform(0.3, 0.5)),
                rough=float(rng.uniform(0.3, 0.5)),
                shape=float(rng.uniform(0.4, 0.8)),
            )
        ]
    mounds = []
    if form != "type 2":
        for _ in range(1 + int(rng.random() < 0.45)):
            place = x + float(rng.normal(0, 0.5))
            mounds.append(_detachment(rng, place, mild=form == "small type 1"))
    if form in ("type 2", "mixed", "scar"):
        place = x + float(rng.normal(0, 0.25))
        mounds.append(_membrane(rng, place, scar=form == "scar"))
    return mounds


def draw_cnv(rng: np.random.Generator) -> Disease:
    """Neovascular age-related macular degeneration: type 1, type 2, or a fibrous scar."""
    shares = [row[0] for row in _CNV_FORMS.values()]
    form = str(rng.choice(list(_CNV_FORMS), p=shares))
    _, loss, subretinal, intraretinal = _CNV_FORMS[form]
    x = float(rng.normal(0, 0.5))
    mounds = _cnv_mounds(rng, form, x)
    if rng.random() < subretinal:
        side = float(rng.choice([-1, 1]))
        mounds.append(draw_fluid(rng, x + side * float(rng.uniform(0.1, 1.2)), 85.0))
    if rng.random() < 0.45:
        mounds.extend(draw_drusen(rng, n=int(rng.integers(1, 7))).mounds)
    cysts: tuple[Cyst, ...] = ()
    swellings: tuple[Swelling, ...] = ()
    pit_loss = float(rng.uniform(0, 0.4))
    if rng.random() < intraretinal:
        spread = float(rng.uniform(0.3, 0.8))
        extra = float(rng.uniform(30, 140))
        swellings = (Swelling(x, spread, extra, (0.1, 0.3, 0.2, 0.4)),)
        rows = [["HFL"], ["MID"], ["INL", "HFL"]][rng.integers(3)]
        cysts = _petals(rng, x, spread, rows, 0.5)
        pit_loss = float(rng.uniform(0.3, 1.0))
    widest = max(mound.radius_x for mound in mounds)
    reach = widest * float(rng.uniform(0.8, 1.4)) + 0.1
    beads = draw_foci(rng, rng.poisson(10 * loss), x, 0.7 * reach, lowest=0.8)
    return Disease(
        mounds=tuple(mounds),
        cysts=cysts,
        spots=draw_foci(rng, rng.poisson(4), x, 0.8) + beads,
        swellings=swellings,
        pit_loss=pit_loss,
        pit_loss_reach=1.2,
        irregular=float(rng.uniform(0.05, 0.13)),
        damage=((x - reach, x + reach, loss),),
        streaks=float(rng.uniform(0.3, 1.1)) * min(1.0, 1.4 * loss),
    )


# ------------------------------------------------------------------------------------------- DME


#: Reach of a row of cysts relative to the swelling, and their relative width, by layer.
_CYST_ROWS = {"MID": (0.7, 1.15), "HFL": (0.9, 1.0), "INL": (1.3, 0.7)}


def _petals(rng, x: float, spread: float, layers, crowding: float) -> tuple[Cyst, ...]:
    """Cysts side by side with thin septa between them: the petaloid pattern in cross-section."""
    cysts = []
    for layer in layers:
        row_reach, row_width = _CYST_ROWS[layer]
        reach = spread * row_reach
        at = -reach
        while at < reach:
            near = 1 - (at / reach) ** 2
            wide = row_width * float(rng.uniform(0.06, 0.14) + near * rng.uniform(0.0, 0.24))
            if rng.random() < crowding + 0.35 * near:
                cysts.append(
                    Cyst(
                        layer,
                        x + at + wide / 2,
                        0.0 if rng.random() < 0.6 else float(rng.normal(0, 0.08)),
                        wide * 500,
                        float(rng.uniform(0.5, 0.75) + 0.25 * near * rng.random()),
                        float(rng.uniform(-0.35, 0.25)),
                        float(rng.normal(0, 0.15) + 0.25 * np.sign(at) * (1 - near)),
                        float(rng.uniform(0.3, 0.6)),
                    )
                )
            at += wide + float(rng.uniform(0.012, 0.05))
    return tuple(cysts)


def draw_foci(rng, n: int, x: float, spread: float, lowest: float = 0.3) -> tuple[Spot, ...]:
    return tuple(
        Spot(
            float(rng.normal(x, spread)),
            float(rng.normal(0, 0.06)),
            float(rng.uniform(lowest, 0.99)),
            float(rng.uniform(7, 15)),
            float(rng.uniform(5, 11)),
            float(rng.uniform(0.42, 0.68)),
            0.1,
        )
        for _ in range(int(n))
    )


def _exudates(rng, x: float) -> tuple[Spot, ...]:
    spots = []
    for _ in range(int(rng.integers(1, 4))):
        place = x + float(rng.normal(0, 0.9))
        depth = float(rng.uniform(0.5, 0.8))
        for _ in range(int(rng.integers(1, 6))):
            size = float(rng.uniform(14, 42))
            spots.append(
                Spot(
                    place + float(rng.normal(0, 0.09)),
                    float(rng.normal(0, 0.06)),
                    float(np.clip(depth + rng.normal(0, 0.06), 0.3, 0.95)),
                    size,
                    size * 0.6,
                    float(rng.uniform(0.7, 0.95)),
                    float(rng.uniform(0.2, 0.45)),
                )
            )
    return tuple(spots)


def _rows_beside(rng) -> list[str]:
    return [["MID"], ["INL", "HFL"], ["INL"]][rng.choice(3, p=[0.5, 0.35, 0.15])]


def draw_dme(rng: np.random.Generator) -> Disease:
    """Diabetic macular oedema: cystoid at the centre, cystoid beside it, or spongy."""
    form = str(rng.choice(["central", "beside", "spongy"], p=[0.55, 0.28, 0.17]))
    early = rng.random() < 0.12
    centre = float(np.clip(rng.normal(*DME_CENTRAL_UM), 290, 850))
    if early:
        centre = float(rng.uniform(270, 310))
    x = float(rng.normal(0, 0.15))
    spread = float(rng.uniform(0.4, 0.9))
    pit_loss = float(rng.uniform(0.6, 1.0)) * (0.4 if early else 1)
    extra = max(centre - 257 - 85 * pit_loss, 15.0)
    swellings: tuple[Swelling, ...]
    cysts: tuple[Cyst, ...]
    if form == "central":
        swellings = (Swelling(x, spread, extra, (0.08, 0.27, 0.15, 0.5)),)
        rows = [["MID"], ["HFL"], ["MID", "INL"], ["HFL", "INL"]][rng.integers(2 if early else 4)]
        cysts = _petals(rng, x, spread * rng.uniform(0.7, 1.1), rows, 0.75 - 0.4 * early)
    elif form == "beside":
        side = float(rng.choice([-1, 1]))
        x = side * float(rng.uniform(0.6, 1.3))
        extra = float(rng.uniform(40, 190)) * (0.4 if early else 1)
        spread = float(rng.uniform(0.3, 0.6))
        swellings = (Swelling(x, spread, extra, (0.12, 0.38, 0.15, 0.35)),)
        cysts = _petals(rng, x, spread, _rows_beside(rng), 0.55)
        if rng.random() < 0.55:
            swellings += (Swelling(-x, spread, 0.7 * extra, (0.12, 0.38, 0.15, 0.35)),)
            cysts += _petals(rng, -x, spread * 0.8, _rows_beside(rng), 0.45)
        pit_loss = float(rng.uniform(0, 0.35))
    else:
        swellings = (Swelling(x, 1.6 * spread, extra, (0.22, 0.22, 0.22, 0.34)),)
        cysts = _petals(rng, x, 0.7 * spread, ["INL"] if rng.random() < 0.5 else ["HFL"], 0.3)
    mounds: tuple[Mound, ...] = ()
    if not early and rng.random() < 0.15:
        mounds = (draw_fluid(rng, float(rng.normal(0, 0.2)), 100.0),)
    spots = draw_foci(rng, rng.poisson(7), x, 1.0)
    if rng.random() < 0.45:
        spots += _exudates(rng, x)
    return Disease(
        mounds=mounds,
        cysts=cysts,
        spots=spots,
        swellings=swellings,
        pit_loss=pit_loss,
        pit_loss_reach=max(1.2, spread * 1.5),
        irregular=float(rng.uniform(0.04, 0.14)),
    )
