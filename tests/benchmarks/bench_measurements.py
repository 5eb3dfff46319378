"""Measurements of a scan against what was drawn: bias, limits of agreement, correlation.

Run as ``python -m tests.benchmarks.bench_measurements [--n-per-class 40] [--quick] [--json]``; with
``--pages`` only for the four classes, the plain look and the sizes of the pages, split into scans
with and without white wedges; with ``--record`` that is kept for the pages, which use what agrees.

What is true is read off the drawing at 496 px: layers and lesions counted pixel by pixel, place of
the fovea, tilt and curvature as they were drawn. "Formulas" are the measurements from the true
layers and lesions, so their errors are those of the formulas alone; "network" are those from what
`find_layers_of` finds. "Missed" are scans that show it and got NaN, "invented" those that do not
and got a number. The limits are those of Bland and Altman, Lancet 327:307 (1986),
doi:10.1016/S0140-6736(86)90837-8: mean difference ± 1.96 standard deviations. Shifted scans come
from scanners and tissues of a look that the network was not trained on.
"""

from __future__ import annotations

import argparse
import json
import time
from datetime import date
from functools import partial

import numpy as np

from octlessons.evaluation.records import RECORDS
from octlessons.images.measurements import measure
from octlessons.images.measuring import (
    CENTRE_MM,
    GRID,
    LIFTED_UM,
    RIM_MM,
    SPOT_BRIGHTER,
    UNITS,
    WHITE,
)
from octlessons.images.phantoms import ALL_CLASS_NAMES, BOUNDARIES, CLASS_NAMES
from octlessons.images.phantoms import lesions as drawn
from octlessons.images.phantoms.signs import ERM_CODE
from tests.phantom_truth import true_retinas

SIZE, SIZES, PAGES = 496, (496, 192, 64, 28), (496, 192, 128, 64, 28)
#: Share of the scan that white must cover to split by it.
SOME_WHITE = 0.002
GOAL, WIDTH = 0.95, 185  # correlation; characters of a table
#: A scan this far from the fovea, in mm, does not show it.
FOVEAL_MM = 0.5
ILM, RPE, BM = (BOUNDARIES.index(name) for name in ("ILM", "RPE", "BM"))


def main(argv: list[str] | None = None) -> None:
    """Print the tables."""
    from rich.console import Console

    options = _options().parse_args(argv if argv is not None else [])
    n = 8 if options.quick else options.n_per_class
    if options.pages or options.record:
        pages(n, options.seed, options.record)
        return
    console, results = Console(width=WIDTH), {}
    for look in ("plain", "shifted"):
        scans, places, covered = draw(n, options.seed, look)
        truth = true_measurements(scans, places, covered)
        for size in SIZES:
            seen = scans if size == scans.shape[1] else scans.resize(size)
            for source in ("formulas", "network"):
                found, speed = _measured(seen, covered, source)
                title = f"{source}, {look}, {size} px"
                results[title] = {
                    "scans_per_second": speed,
                    "columns": judge(truth, found, scans.labels, scans.class_names),
                }
                console.print(*_tables(title, results[title], scans.class_names))
    weak = {
        title: [k for k, row in result["columns"].items() if not row["all"]["r"] >= GOAL]
        for title, result in results.items()
    }
    for title, names in weak.items():
        console.print(f"{title}: correlation below {GOAL} or not known: {', '.join(names)}")
    if options.json:
        print(json.dumps(results))


def pages(n_per_class: int, seed: int, keep: bool) -> None:
    """Correlations at the sizes of the pages, with and without white, and what agrees."""
    from rich.console import Console
    from rich.table import Table

    scans, places, covered = draw(n_per_class, seed, "plain", CLASS_NAMES)
    truth = true_measurements(scans, places, covered)
    white = np.mean(covered & (scans.images > WHITE), axis=(1, 2)) > SOME_WHITE
    groups = {"all": np.ones(len(scans), bool), "with white": white, "without white": ~white}
    kept = {name: {"unit": UNITS[name][0], "r": {}} for name in UNITS}
    for size in PAGES:
        found, _ = _measured(scans if size == SIZE else scans.resize(size), covered, "network")
        for name in UNITS:
            rows = {k: agreement(truth[name][of], found[name][of]) for k, of in groups.items()}
            kept[name]["r"][size] = {
                k: None if np.isnan(row["r"]) else round(row["r"], 3) for k, row in rows.items()
            }
            if size == SIZE:
                limits = {k: float(f"{rows['all'][k]:.3g}") for k in ("bias", "low", "high")}
                kept[name] |= limits | {"not_known": round(rows["all"]["nan"], 3)}
    result = {
        "command": f"python -m tests.benchmarks.bench_measurements --record --seed {seed} "
        f"--n-per-class {n_per_class}",
        "date": date.today().isoformat(), "n": len(scans), "n_white": int(white.sum()),
        "goal": GOAL, "sizes": PAGES, "columns": kept,
    }  # fmt: skip
    table = Table(title=f"r: all / with / without white, {len(scans)} scans")
    for heading in ("", *map(str, PAGES)):
        table.add_column(heading)
    for name, row in kept.items():
        cells = [" / ".join("–" if r is None else f"{r:.3f}" for r in row["r"][s].values())
                 for s in PAGES]  # fmt: skip
        table.add_row(name, *cells)
    console = Console(width=WIDTH)
    console.print(table)
    for size in PAGES:
        good = [name for name in UNITS if agrees(kept[name]["r"][size])]
        console.print(f"{size} px: use {', '.join(good)}")
    if keep:
        path = RECORDS / "instruments.json"
        path.write_text(json.dumps(result, indent=1) + "\n", "utf-8")
        console.print(f"Kept in {path}")


def agrees(r: dict[str, float | None]) -> bool:
    """Whether the correlation is `GOAL` or more in every group where there is one."""
    known = [value for value in r.values() if value is not None]
    return bool(known) and min(known) >= GOAL


def draw(n_per_class: int, seed: int, look: str, class_names=ALL_CLASS_NAMES):
    """Phantoms of 496 px; by whom and where they were drawn; and what hides them.

    Returns
    -------
    scans : ImageSet
    places : list of (Placement, Patient, float)
        The last is the distance of the scan from the patient's central one in mm.
    covered : ndarray of bool, shape (n, 496, 496)
        White wedges and black bands.
    """
    from experiments.encoder.phantoms import _degraded, _varied
    from octlessons.images.phantoms import _as_set, drawing, scanner
    from octlessons.images.phantoms import population as people

    scans, places, covered = [], [], []
    for name, number, count in people.balanced_patients(seed, n_per_class, class_names):
        patient = people.draw_patient(seed, name, number)
        patient = _varied(patient, look, people.generator(*patient.key, 777))
        fields = drawing.tissue_fields(people.generator(*patient.key, 2))
        for i in range(count):
            worse = partial(_degraded, rng=people.generator(*patient.key, 778, i))
            change = worse if look == "shifted" else None
            framed = drawing.draw_framed(patient, fields, i, None, SIZE, change)
            place = scanner.place_scan(patient.look, people.generator(*patient.key, 3 + i))
            scans.append(framed.scan)
            places.append((place, patient, patient.spacing_mm * ((i + 1) // 2) * (-1) ** (i + 1)))
            covered.append(framed.covered)
    found = _as_set(scans, class_names, SIZE, seed, patient.look.site)
    return found, places, np.array(covered)


def true_measurements(scans, places, covered) -> dict[str, np.ndarray]:
    """The columns as they were drawn, (n,) each; NaN where the scan does not show them."""
    rows = []
    for i, (place, patient, aside) in enumerate(places):
        image, lines = scans.images[i], scans.boundaries[i]
        um = scans.pixel_sizes[i]
        codes = np.where(covered[i], 0, scans.lesions[i])
        at = np.round(lines).astype(int)
        inside = (at >= 0) & (at < len(image))
        shown = inside & ~np.take_along_axis(covered[i], np.clip(at, 0, len(image) - 1), axis=0)
        lines = np.where(shown, lines, np.nan)
        mm = (np.arange(image.shape[1]) - (image.shape[1] - 1) / 2) * um[1] / 1000
        far = abs(patient.centre_mm + aside) > FOVEAL_MM
        row = _true_thickness(lines * um[0], np.nan if far else mm - place.fovea_mm)
        row |= _true_areas(lines, codes, um) | _true_look(image, lines, codes, covered[i])
        row |= _true_shape(place, patient.look) | _true_white(
            image, scans.boundaries[i], covered[i]
        )
        row["spot_shadow"] = _true_shadow(patient.disease, aside, mm - place.fovea_mm)
        rows.append(row)
    return {name: np.array([row[name] for row in rows], float) for name in UNITS}


def _mean(values: np.ndarray) -> float:
    known = np.isfinite(values)
    return float(values[known].mean()) if known.size and known.mean() > 0.5 else np.nan


def _true_thickness(um: np.ndarray, x) -> dict[str, float]:
    total, neural = um[BM] - um[ILM], um[RPE] - um[ILM]
    x = np.broadcast_to(x, total.shape)
    rim = [_mean(neural[(s * x >= RIM_MM[0]) & (s * x <= RIM_MM[1])]) for s in (-1, 1)]
    return {
        "mean_thickness": _mean(total),
        "central_thickness": _mean(total[np.abs(x) <= CENTRE_MM]),
        "pit_depth": float(np.mean(rim)) - _mean(neural[np.abs(x) <= 0.1]),
    }


def _true_areas(lines: np.ndarray, codes: np.ndarray, um) -> dict[str, float]:
    mm2, width = um.prod() / 1e6, codes.shape[1]
    gap = (lines[BM] - lines[RPE]) * um[0]
    free = ~np.isin(codes, (drawn.DRUSEN, drawn.PED)).any(axis=0) & np.isfinite(gap)
    lift = gap - (np.median(gap[free]) if free.sum() > 20 else np.nanquantile(gap, 0.1))
    lift = lift[np.isfinite(lift)]
    retina = _mean(lines[BM] - lines[ILM]) * width
    return {
        "rpe_lift": max(float(lift.max()), 0.0) if len(lift) > width / 2 else np.nan,
        "lifted": 100 * (lift > LIFTED_UM).mean() if len(lift) > width / 2 else np.nan,
        "intraretinal_fluid": (codes == drawn.CYST).sum() * mm2,
        "subretinal_fluid": (codes == drawn.SRF).sum() * mm2,
        "sub_rpe_material": np.isin(codes, (drawn.DRUSEN, drawn.PED)).sum() * mm2,
        "subretinal_material": (codes == drawn.SHRM).sum() * mm2,
        "bright_spots": 100 * (codes == drawn.EXUDATE).sum() / retina,
        "membrane": 100 * (codes == ERM_CODE).any(axis=0).mean(),
    }


def _true_look(image: np.ndarray, lines: np.ndarray, codes, covered) -> dict[str, float]:
    rows = np.arange(len(image))[:, None]
    inside = (rows >= lines[ILM]) & (rows < lines[BM]) & ~covered
    retina = image[inside]
    mean = retina.mean() if retina.size else np.nan
    spots = image[(codes == drawn.EXUDATE) & (image > SPOT_BRIGHTER * mean)]
    return {
        "brightness": mean,
        "contrast": _true_contrast(image, inside),
        "spot_brightness": spots.mean() / mean if len(spots) > 1e-5 * image.size else np.nan,
        "outside": 100 * covered.mean(),
        "position": 100 * (_mean((lines[ILM] + lines[BM]) / 2) + 0.5) / len(image),
        "measured": 100 * np.isfinite(lines[[ILM, RPE, BM]]).all(axis=0).mean(),
    }


def _true_contrast(image: np.ndarray, retina: np.ndarray) -> float:
    """Standard deviation of the retina's grey in pixels of 1/96 of the scan."""
    across = np.arange(len(image)) * GRID // len(image)
    n, total = np.zeros((2, GRID, GRID))
    np.add.at(n, (across[:, None], across), retina.astype(float))
    np.add.at(total, (across[:, None], across), image * retina)
    if not n.any():
        return np.nan
    grey, weight = total[n > 0] / n[n > 0], n[n > 0]
    return float(np.sqrt(np.cov(grey, aweights=weight, ddof=0)))


def _true_white(image: np.ndarray, lines: np.ndarray, covered: np.ndarray) -> dict[str, float]:
    white = covered & (image > WHITE)
    above = np.arange(len(image))[:, None] < lines[BM]
    return {
        "white_above": 100 * (white & above).mean(),
        "white_below": 100 * (white & ~above).mean(),
    }


def _true_shape(place, look) -> dict[str, float]:
    turned = place.wedge_slope * look.axial_um * look.height / look.field_mm
    return {"tilt": place.tilt + turned, "curvature": place.bend}


def _true_shadow(disease, aside: float, x: np.ndarray) -> float:
    """Mean brightness under the exudates that cast a shadow, as drawn: 1 without one."""
    spots = [
        spot
        for spot in disease.spots
        if abs(aside - spot.y) <= 0.12 and x[0] < spot.x < x[-1] and spot.half_width > 12
    ]
    if not spots:
        return np.nan
    # A parabola across the spot: two thirds of its depth on average.
    deep = [0.5 * spot.shadow * (spot.shadow > 0.15) for spot in spots]
    return float(1 - 2 / 3 * np.average(deep, weights=[spot.half_width for spot in spots]))


def judge(truth: dict, found, labels: np.ndarray, class_names) -> dict:
    """Agreement of each column, over all scans and by class."""
    groups = {"all": np.ones(len(labels), bool)}
    groups |= {name: labels == i for i, name in enumerate(class_names)}
    return {
        name: {group: agreement(truth[name][of], found[name][of]) for group, of in groups.items()}
        for name in UNITS
    }


def agreement(true: np.ndarray, found: np.ndarray) -> dict[str, float]:
    """Bias, limits of agreement, correlation, and who is NaN where the other is not."""
    both = np.isfinite(true) & np.isfinite(found)
    difference = (found - true)[both]
    bias = sd = r = np.nan
    if len(difference) > 2:
        bias, sd = difference.mean(), difference.std(ddof=1)
        if true[both].std() > 1e-9 and found[both].std() > 1e-9:
            r = np.corrcoef(true[both], found[both])[0, 1]
    return {
        "n": int(both.sum()),
        "true": float(true[both].mean()) if both.any() else np.nan,
        "bias": float(bias),
        "low": float(bias - 1.96 * sd),
        "high": float(bias + 1.96 * sd),
        "r": float(r),
        "nan": float(np.isnan(found).mean()),
        "missed": int((np.isfinite(true) & ~np.isfinite(found)).sum()),
        "invented": int((~np.isfinite(true) & np.isfinite(found)).sum()),
    }


def _measured(scans, covered, source: str):
    retinas = None
    if source == "formulas":
        from octlessons.images._resizing import resize_masks

        shape = scans.shape[1:]
        retinas = true_retinas(scans, resize_masks(covered, shape, "stretch"))
    start = time.process_time()
    found = measure(scans, retinas=retinas)
    return found, len(scans) / (time.process_time() - start)


def _tables(title: str, result: dict, class_names):
    """Over all scans; and bias ± 1.96 SD by class."""
    from rich.table import Table

    table = Table(title=f"{title} ({result['scans_per_second']:.0f} scans/s of processor time)")
    for heading in ("", "unit", "true", "bias ± limits", "r", "NaN", "missed", "invented"):
        table.add_column(heading, justify="right" if heading else "left")
    by_class = Table(title=f"{title}: bias ± limits by class")
    for heading in ("", *class_names):
        by_class.add_column(heading, justify="right" if heading else "left")
    for name, groups in result["columns"].items():
        row = groups["all"]
        table.add_row(
            *(name, UNITS[name][0], _short(row["true"]), _limits(row)),
            *(f"{row['r']:.3f}", f"{row['nan']:.0%}", str(row["missed"]), str(row["invented"])),
        )
        by_class.add_row(name, *(_limits(groups[class_name]) for class_name in class_names))
    return table, by_class


def _limits(row: dict) -> str:
    return f"{_short(row['bias'])} ± {_short((row['high'] - row['low']) / 2)}"


def _short(value: float) -> str:
    return "0" if abs(value) < 5e-5 else f"{value:.2g}" if abs(value) < 99.5 else f"{value:.0f}"


def _options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--n-per-class", type=int, default=40)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--quick", action="store_true", help="8 phantoms of each class")
    parser.add_argument("--pages", action="store_true", help="the sizes of the pages only")
    parser.add_argument("--record", action="store_true", help="the same, kept for the pages")
    parser.add_argument("--json", action="store_true", help="print the numbers as JSON as well")
    return parser


if __name__ == "__main__":
    import sys

    main(sys.argv[1:])
