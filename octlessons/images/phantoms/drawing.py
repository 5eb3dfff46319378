"""From a patient to finished scans: the pieces of the other modules in their order."""

from __future__ import annotations

import numpy as np

from octlessons.images.phantoms import scanner, scene, signs
from octlessons.images.phantoms.anatomy import LAYERS, choroid_thickness
from octlessons.images.phantoms.framing import (
    WHOLE,
    Framed,
    Framing,
    at_cropping_scanner,
    frame,
    stretch,
)
from octlessons.images.phantoms.population import Patient, draw_patient, generator
from octlessons.images.phantoms.raster import Canvas
from octlessons.images.phantoms.scanner import Scan


def inner_factor(size: int) -> int:
    """How much finer than the result a scan is drawn before it is shrunk."""
    return max(1, round((448 if size >= 160 else 256) / size))


def draw_patient_scans(
    seed: int, class_name: str, number: int, count: int, size: int, kind: str = "spectralis"
) -> list[Scan]:
    """Draw the first ``count`` scans of one patient, at one of the `scanner.SCANNERS`."""
    patient = draw_patient(seed, class_name, number)
    fields = tissue_fields(generator(*patient.key, 2))
    if kind == "spectralis":
        return [draw_scan(patient, fields, index, size) for index in range(count)]
    patient, framing = at_cropping_scanner(patient)
    drawn = (draw_framed(patient, fields, index, framing, size) for index in range(count))
    return [framed.scan for framed in drawn]


def draw_framed(
    patient: Patient, fields: dict, index: int, framing: Framing | None, size: int, change=None
) -> Framed:
    """Draw a scan whole, put it into its frame, and stretch it to the square.

    Parameters
    ----------
    patient : Patient
    fields : dict
        Of `tissue_fields`.
    index : int
        Which scan of the patient.
    framing : Framing or None
        None leaves the scan whole.
    size : int
    change : callable, optional
        Takes the whole scan and returns another, before it is framed.

    Returns
    -------
    Framed
    """
    whole = max(WHOLE, size)
    scan = draw_scan(patient, fields, index, whole)
    hidden = hidden_by_borders(patient, index, whole)
    if change is not None:
        scan = change(scan)
    framed = Framed(scan, hidden, np.zeros(whole, bool))
    if framing is not None:
        framed = frame(scan, framing, hidden, generator(*patient.key, 102, index))
    return stretch(framed, size)


def hidden_by_borders(patient: Patient, index: int, size: int) -> np.ndarray:
    """Where wedges and black bands cover a scan, shape (size, size), bool."""
    place = scanner.place_scan(patient.look, generator(*patient.key, 3 + index))
    picture = np.full((size, size), -1, np.float32)
    scanner.cover_borders(picture, place)
    return picture >= 0


def tissue_fields(rng: np.random.Generator) -> dict:
    """Random fields of tissue that all scans of a patient share, on small grids."""
    return {
        "fine": rng.normal(size=(72, 128)),
        "coarse": rng.normal(size=(26, 80)),
        "columns": rng.normal(size=24),
        "grain": rng.normal(size=(90, 160)),
        "rough": rng.normal(size=160),
        "streak": rng.normal(size=120),
        "beads": rng.normal(size=260),
        "wobble": rng.normal(size=30),
        "uneven": rng.normal(size=(len(LAYERS), 26)),
    }


def _varied(fields: dict, rng: np.random.Generator) -> dict:
    """The patient's tissue a few micrometres further: mostly the same fields."""
    from scipy.ndimage import gaussian_filter

    varied = {name: 0.96 * field + 0.28 * rng.normal(size=field.shape)
              for name, field in fields.items()}  # fmt: skip
    varied["fine"] = 1.8 * gaussian_filter(varied["fine"], 0.6)
    varied["coarse"] = 3.2 * gaussian_filter(varied["coarse"], 1.0)
    return varied


def _along(noise: np.ndarray, n: int) -> np.ndarray:
    return np.interp(np.linspace(0, len(noise) - 1, n), np.arange(len(noise)), noise)


def draw_scan(patient: Patient, fields: dict, index: int, size: int) -> Scan:
    rng = generator(*patient.key, 3 + index)
    look = patient.look
    place = scanner.place_scan(look, rng)
    fields = _varied(fields, rng)
    # Scans spread to both sides of the middle one, in an order that does not depend on how many.
    dy = patient.spacing_mm * ((index + 1) // 2) * (1 if index % 2 else -1)
    factor = inner_factor(size)
    pixels = size * factor
    width_mm = look.field_mm
    depth_um = look.axial_um * look.height
    x = ((np.arange(pixels) + 0.5) / pixels - 0.5) * width_mm - place.fovea_mm
    canvas, heights = paint(patient, fields, x, dy, depth_um / pixels)
    membrane = scanner.membrane_rows(place, look, x, pixels)
    wobble = scene.smooth(_along(fields["wobble"], pixels), pixels / 60)
    membrane = membrane + patient.tone["wobble"] * wobble * (pixels / depth_um)
    grey, codes = scanner.acquire(canvas, membrane, pixels)
    ghost = (rng.uniform(0.02, 0.12), rng.uniform(0.3, 0.8), rng.uniform(0.004, 0.02))
    scanner.add_vitreous(grey, look, fields["coarse"], ghost if rng.random() < 0.4 else None)
    if abs(look.gamma - 1) > 1e-3:
        grey = tone_curve(grey, look.gamma)
    bits = np.random.PCG64(np.random.SeedSequence((*patient.key, 3 + index, 1)))
    picture = scanner.expose(grey, look, place.gain, bits)
    np.minimum(picture, 1, out=picture)
    scanner.cover_borders(picture, place)
    picture = scanner.shrink(picture, factor)
    image = (picture * np.float32(255) + np.float32(0.5)).astype(np.uint8)
    rows = membrane - heights * (pixels / depth_um)
    rows = rows.reshape(len(rows), size, factor).mean(axis=2) / factor - 0.5
    return Scan(
        image=image,
        boundaries=rows.astype(np.float32),
        lesions=signs.sample_codes(codes, factor),
        class_name=patient.class_name,
        patient=patient.name,
        name=f"{patient.class_name}-{patient.name}-{index + 1}",
        site=look.site,
        size=(look.height, look.width),
        pixel_size=(depth_um / size, 1000 * width_mm / size),
    )


def tone_curve(grey: np.ndarray, gamma: float) -> np.ndarray:
    """Raise grey to a power through a table of 1024 values (the same on every platform)."""
    table = (np.round((np.arange(1025) / 1024) ** gamma * 2**20) / 2**20).astype(np.float32)
    scaled = np.minimum(grey, np.float32(0.999)) * np.float32(1024)
    return table.take(scaled.astype(np.int32))


def paint(patient: Patient, fields: dict, x: np.ndarray, dy: float, axial_um: float):
    """Draw one scan in retinal coordinates; also the heights of the boundaries in µm."""
    lateral_um = 1000 * (x[1] - x[0])
    canvas = Canvas(len(x), axial_um, lateral_um)
    rough = _along(fields["rough"], len(x))
    rough = 0.6 * scene.smooth(rough, 25 / lateral_um) + 1.5 * scene.smooth(rough, 130 / lateral_um)
    uneven = np.stack(
        [scene.smooth(_along(row, len(x)), 70 / lateral_um) for row in fields["uneven"]]
    )
    streak = _along(fields["streak"], len(x))
    disease = patient.disease
    layers, mounds = scene.layer_stack(
        patient.retina, disease, x, patient.centre_mm + dy, dy, rough, uneven
    )
    opened = signs.open_hole(layers, mounds, disease.hole, x, dy) if disease.hole else None
    tops = np.cumsum(layers[::-1], axis=0)[::-1]
    damage = scene.damage_along(disease, x, rough)
    if disease.traction is None:
        hyaloid = scene.hyaloid_above(patient.hyaloid, x, tops[0], rough)
    else:
        hyaloid = signs.taut_hyaloid(disease.traction, x, tops[0], rough)
    beading = patient.tone["beading"] * scene.smooth(
        _along(fields["beads"], len(x)), 10 / lateral_um
    )
    scene.paint_layers(
        canvas, layers, tops, mounds, disease, x, damage, rough, patient.tone, beading, hyaloid
    )
    signs.paint_above(canvas, disease, x, tops, rough, hyaloid)
    grain = scene.enlarge(fields["grain"], canvas.rows, canvas.columns)
    canvas.grey[: canvas.membrane] *= 1 + np.float32(0.085) * grain[: canvas.membrane]
    bottom = choroid_thickness(patient.retina, x)
    through = scene.transmission_through(disease, layers, damage, streak)
    through = through * signs.light_beneath(disease, x)
    canvas.soften()
    scene.paint_choroid(canvas, bottom, (fields["fine"][:36], fields["coarse"]), through,
                        patient.tone)  # fmt: skip
    signs.mark(canvas, disease, x, tops, opened)
    scene.paint_mounds(canvas, layers, tops, mounds, grain)
    scene.paint_cysts(canvas, disease, x, dy, tops)
    scene.paint_spots(canvas, disease, x, dy, tops)
    scene.paint_vessels(canvas, patient.vessels, x, patient.centre_mm + dy, tops)
    canvas.grey *= (1 + 0.045 * _along(fields["columns"], len(x))).astype(np.float32)
    return canvas, scene.boundaries_um(tops, bottom)
