"""The healthy macula: layer thickness around the fovea, the pit, the choroid.

Everything is in micrometres (µm), with lateral positions in millimetres (mm) from the foveal
centre: x along the scan (positive towards the nose), y across it. A scan with ``|y|`` above about
one millimetre therefore has no pit.

Sources
-------
Layer thickness (mean and person-to-person SD in the ETDRS zones of radius 0-0.5 mm, 0.5-1.5 mm and
1.5-3 mm, nasal side): BMC Ophthalmology 18:169 (2018), doi:10.1186/s12886-018-0842-y, table 6.
Pit shape: a Gaussian dip per inner layer whose rim comes from the fall towards the periphery, that
is a difference-of-Gaussians profile as in Dubis et al., Br J Ophthalmol 93:1223 (2009),
doi:10.1136/bjo.2008.150110. Names of the layers and which are bright or dark: Staurenghi et al.,
Ophthalmology 121:1572 (2014), doi:10.1016/j.ophtha.2014.02.023.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

#: Slabs of the drawn retina from the vitreous to Bruch's membrane. SRF (subretinal fluid), SHRM
#: (subretinal hyper-reflective material) and SUB_RPE (drusen, detachments) are empty in health.
LAYERS = (
    "RNFL", "GCL", "IPL", "INL", "OPL", "ONL", "MZ", "EZ", "OS", "IZ",
    "SRF", "SHRM", "RPE", "SUB_RPE",
)  # fmt: skip
LAYER = {name: row for row, name in enumerate(LAYERS)}

#: Thickness (mean, SD) in µm: centre (radius 0.5 mm) | pericentral nasal | peripheral nasal.
#: PR is the photoreceptors from the external limiting membrane to the RPE, i.e. the table's
#: "photoreceptors + RPE" minus its RPE.
THICKNESS_UM = {
    "RNFL": ((10.8, 2.2), (20.1, 2.3), (46.1, 6.9)),
    "GCL": ((12.3, 3.2), (50.1, 6.0), (40.5, 4.3)),
    "IPL": ((18.3, 2.9), (42.3, 3.8), (31.2, 3.2)),
    "INL": ((15.3, 4.6), (38.5, 4.1), (35.1, 3.0)),
    "OPL": ((23.5, 6.1), (31.9, 8.3), (28.2, 3.5)),
    "ONL": ((88.4, 11.4), (72.5, 11.5), (55.9, 7.6)),
    "PR": ((72.7, 4.4), (67.6, 3.3), (65.6, 2.7)),
    "RPE": ((17.5, 2.2), (16.3, 2.0), (14.2, 1.5)),
}

#: Temporal thickness relative to nasal, pericentral and peripheral: RNFL 16.8/20.1 and 19.2/46.1,
#: the other layers together (324.9 - 16.8)/(339.6 - 20.1) and (283.8 - 19.2)/(317.4 - 46.1).
TEMPORAL_RATIO = {"RNFL": (0.836, 0.416), "other": (0.964, 0.975)}

#: How the photoreceptor slab divides into myoid zone, ellipsoid zone, outer segments and
#: interdigitation zone (design value, after the spacing of the bands on averaged scans).
PHOTORECEPTOR_SHARES = {"MZ": 0.33, "EZ": 0.18, "OS": 0.32, "IZ": 0.17}

#: Standard deviation of the foveal dip in mm (design value: recipe range 0.35-0.5 mm).
PIT_SD_MM = 0.43

#: Exponent of the dip exp(-(r/sd)^p / 2): just below 2 gives the slightly pointed floor of real
#: pits (design value).
PIT_POWER = 1.7

#: Share of the person-to-person SD that all layers of one eye have in common (design value).
SHARED_VARIATION = 0.3


def pit_dip(r: np.ndarray, sd: float) -> np.ndarray:
    """Shape of the foveal dip at distances `r` from its centre (mm), 1 in the middle."""
    return np.exp(-0.5 * (r / sd) ** PIT_POWER)


def _zone_mean(inner: float, outer: float) -> float:
    """Mean of the dip over the ring between two radii, each radius weighted by its length."""
    r = np.linspace(inner, outer, 401)
    return float(np.average(pit_dip(r, PIT_SD_MM), weights=r))


_CENTRE_MEAN = _zone_mean(0.0, 0.5)
_RING_MEAN = _zone_mean(0.5, 1.5)


@dataclass(frozen=True)
class Retina:
    """One eye's healthy macula.

    Parameters
    ----------
    zones : ndarray, shape (8, 3), float64
        This eye's zone thickness in µm, rows as in ``THICKNESS_UM``.
    pit_sd : float
        Width (SD) of the foveal dip in mm.
    choroid_um : float
        Subfoveal choroidal thickness in µm.
    nasal : int
        +1 if the nose is to the right of the image, else -1.
    disc_mm : float
        Distance from the fovea at which the nerve fibre layer thickens towards the disc.
    """

    zones: np.ndarray
    pit_sd: float
    choroid_um: float
    nasal: int
    disc_mm: float


def draw_retina(rng: np.random.Generator) -> Retina:
    """Draw one person's healthy macula from the published means and SDs."""
    table = np.array(list(THICKNESS_UM.values()))  # (8, 3, 2)
    shared = rng.normal()
    own = rng.normal(size=(len(table), 1))
    zone = rng.normal(size=(len(table), 3))
    share = SHARED_VARIATION
    score = np.sqrt(share) * shared + np.sqrt(0.7 - share) * own + np.sqrt(0.3) * zone
    zones = table[..., 0] + np.clip(score, -2.5, 2.5) * table[..., 1]
    return Retina(
        zones=np.maximum(zones, 3.0),
        pit_sd=PIT_SD_MM * float(np.clip(rng.normal(1.0, 0.12), 0.75, 1.3)),
        # Subfoveal choroid about 250-350 µm, thinner with age and myopia (design value).
        choroid_um=float(np.clip(rng.normal(280, 75), 120, 480)),
        nasal=1 if rng.random() < 0.5 else -1,
        disc_mm=float(rng.uniform(2.6, 3.4)),
    )


def healthy_layers(
    retina: Retina, x: np.ndarray, y: float, flattening: np.ndarray | float = 0.0
) -> np.ndarray:
    """Thickness of every layer along one scan.

    Parameters
    ----------
    retina : Retina
        The eye.
    x : ndarray, shape (w,), float64
        Positions along the scan in mm from the fovea, positive to the right of the image.
    y : float
        Distance of the scan from the foveal centre in mm.
    flattening : float or ndarray, shape (w,)
        How much of the pit is lost, 0 (healthy) to 1 (none left).

    Returns
    -------
    ndarray, shape (14, w), float64
        µm, rows as in ``LAYERS``; SRF, SHRM and SUB_RPE are zero.
    """
    r = np.sqrt(x**2 + y**2)
    towards_nose = 0.5 * (1 + retina.nasal * x / np.maximum(r, 0.3))
    dip = pit_dip(r, retina.pit_sd) * (1 - flattening)
    far = np.clip((r - 0.9) / 1.7, 0, 1)
    far = far * far * (3 - 2 * far)  # smoothstep from the rim to the periphery
    slabs = {}
    for row, name in enumerate(THICKNESS_UM):
        centre, ring, outer = retina.zones[row]
        # Solve plateau and dip so that the two zone means are the drawn ones.
        depth = (ring - centre) / (_CENTRE_MEAN - _RING_MEAN)
        plateau = ring + depth * _RING_MEAN
        near_ratio, far_ratio = TEMPORAL_RATIO.get(name, TEMPORAL_RATIO["other"])
        near_side = near_ratio + (1 - near_ratio) * towards_nose
        far_side = far_ratio + (1 - far_ratio) * towards_nose
        near = plateau * near_side - depth * dip
        slabs[name] = np.maximum(near * (1 - far) + outer * far_side * far, 1.5)
    beyond = np.maximum(retina.nasal * x - retina.disc_mm, 0)
    slabs["RNFL"] = slabs["RNFL"] + np.minimum(
        25 * beyond + 30 * beyond**2, 130
    )  # fibres gather at the disc
    out = np.zeros((len(LAYERS), len(x)))
    for name in ("RNFL", "GCL", "IPL", "INL", "OPL", "ONL", "RPE"):
        out[LAYER[name]] = slabs[name]
    for name, part in PHOTORECEPTOR_SHARES.items():
        out[LAYER[name]] = part * slabs["PR"]
    return out


def choroid_thickness(retina: Retina, x: np.ndarray) -> np.ndarray:
    """Choroidal thickness in µm along the scan: thins towards the disc (design value)."""
    return np.maximum(retina.choroid_um * (1 - 0.07 * retina.nasal * x - 0.008 * x**2), 70.0)
