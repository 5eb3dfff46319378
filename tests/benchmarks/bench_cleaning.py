"""Cleaning: how straight flattened scans are, and how many are cleaned in a second.

Run as ``python -m tests.benchmarks.bench_cleaning [--n-per-class 40] [--quick] [--json]``.

The error is the distance of Bruch's membrane, known in phantoms, from a straight horizontal line
after flattening, in every column that shows tissue. It is given in rows of a scan 496 rows high
whatever the size of the image, beside the same distance before flattening. "Height" is the spread
of the membrane's height between scans.
"""

from __future__ import annotations

import argparse
import json
import time

import numpy as np

ROWS, GOAL, GOAL_SPEED = 496, 3.0, 50
SIZES = (496, 128, 64, 28)


def main(argv: list[str] | None = None) -> None:
    """Print the tables."""
    from rich.console import Console
    from rich.table import Table

    options = _options().parse_args(argv if argv is not None else [])
    n = 8 if options.quick else options.n_per_class
    results = {size: measure(size, n, options.seed) for size in SIZES}
    console = Console()
    for size, result in results.items():
        table = Table(title=f"Flattening at {size} px, {4 * n} phantoms, in rows of {ROWS}")
        headings = ("scans", "n", "median", "95 %", "median before", "ratio", "height (sd)")
        for heading in headings:
            table.add_column(heading, justify="left" if heading == "scans" else "right")
        for name, row in result["groups"].items():
            table.add_row(
                name,
                str(row["n"]),
                f"{row['median']:.2f}",
                f"{row['p95']:.1f}",
                f"{row['before']:.1f}",
                f"{row['median'] / row['before']:.2f}",
                f"{row['height_sd']:.1f}",
            )
        console.print(table)
    table = Table(title="Images per second of processor time, one core")
    for heading in ("size", "wedges", "clean", "drawing a phantom", "clean / drawing"):
        table.add_column(heading, justify="right")
    for size, result in results.items():
        speed = result["speed"]
        table.add_row(
            f"{size} px",
            *(f"{speed[step]:.0f}" for step in ("wedges", "clean", "draw")),
            f"{speed['clean'] / speed['draw']:.2f}",
        )
    console.print(table)
    reached = results[ROWS]["groups"]["all"]["median"]
    console.print(
        f"Goal at {ROWS} px: median at most {GOAL:.0f} rows; measured {reached:.2f}. "
        f"Goal at 128 px: {GOAL_SPEED} images/s; measured {results[128]['speed']['clean']:.0f}."
    )
    if options.json:
        print(json.dumps(results))


def measure(size: int, n_per_class: int, seed: int) -> dict:
    """Flattening errors by class and circumstance, and speeds, at one size."""
    from octlessons.images import draw_phantoms
    from octlessons.images.cleaning import clean, find_baseline, remove_wedges, wedge_mask
    from octlessons.images.phantoms import BOUNDARIES

    start = time.process_time()
    scans = draw_phantoms(size=size, n_per_class=n_per_class, seed=seed)
    speed = {"draw": len(scans) / (time.process_time() - start)}
    for step, function in (("wedges", remove_wedges), ("clean", clean)):
        start = time.process_time()
        for image in scans:
            function(image)
        speed[step] = len(scans) / (time.process_time() - start)

    unit = ROWS / size
    masks = np.array([wedge_mask(image) for image in scans])
    shown = np.where(masks, 0, scans.images).max(axis=1) > 60
    truth = np.where(shown, scans.boundaries[:, BOUNDARIES.index("BM")], np.nan) * unit
    lines = np.array([find_baseline(image) for image in scans]) * unit
    flat = truth - lines
    height = np.nanmedian(flat, axis=1)
    after = np.abs(flat - height[:, None])
    before = np.abs(truth - np.nanmedian(truth, axis=1)[:, None])
    slope = np.array([_slope(row) for row in truth])
    groups = {name: scans.labels == i for i, name in enumerate(scans.class_names)}
    groups["tilted by 30 rows or more"] = np.abs(slope) >= 30
    groups["with white wedges"] = masks.mean(axis=(1, 2)) > 0.01
    groups["all"] = np.ones(len(scans), bool)
    return {
        "speed": speed,
        "groups": {
            name: {
                "n": int(chosen.sum()),
                "median": float(np.nanmedian(after[chosen])),
                "p95": float(np.nanquantile(after[chosen], 0.95)),
                "before": float(np.nanmedian(before[chosen])),
                "height_sd": float(height[chosen].std()),
            }
            for name, chosen in groups.items()
            if chosen.any()
        },
    }


def _slope(line: np.ndarray) -> float:
    """Rows that a line climbs from one side of the image to the other."""
    known = np.flatnonzero(np.isfinite(line))
    if len(known) < 2:
        return 0.0
    return float(np.polyfit(known / len(line), line[known], 1)[0])


def _options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--n-per-class", type=int, default=40)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--quick", action="store_true", help="8 phantoms of each class")
    parser.add_argument("--json", action="store_true", help="print the numbers as JSON as well")
    return parser


if __name__ == "__main__":
    import sys

    main(sys.argv[1:])
