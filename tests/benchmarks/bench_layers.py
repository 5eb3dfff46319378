"""The layers: how far the lines lie from those that were drawn, and what flattening leaves.

Run as ``python -m tests.benchmarks.bench_layers [--n-per-class 25] [--before COMMIT] [--quick]
[--json]``.

Phantoms are seen as they are drawn, with the *shifted* look (another gain, noise, resolution and
tissue; drawn at 192 px, made smaller for the smaller sizes), and at the second scanner. Lengths are
in rows of a scan 496 rows high whatever the size of the image, but for the false lift. Columns
count where the picture shows tissue and the line that was drawn lies inside it.

Lift is the distance of the RPE from Bruch's membrane beyond the median of the scan. A column is
inside a lesion where the true lift exceeds 6 rows. "Followed" is the found share of the true lift
there, of CNV and drusen; "false lift" the mean distance of the found from the true lift on
normals, in rows of 192; "kept" how much of the height of lesions above the rest of the retina is
left once every column is shifted by the line that `flatten` takes, at most all of it in any scan.
The line of the commit before ran inside of the RPE, not along its upper edge: its errors hold that.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np

from .before import COMMIT, checked_out, python

ROWS, INSIDE, FAR_OFF = 496, 6.0, 10.0
SIZES = (496, 64, 28)
LINES = ("ILM", "RPE", "BM", "floor")
INSIDE_MEDIAN = " inside lesions, median"
BINS = (0, 0.3, 0.5, 0.7, 0.8, 0.9, 0.95, 0.99, 1.0001)

#: What was aimed at: name, whether more is better, value.
GOALS = {
    "RPE, median": (False, 2.0),
    "RPE, 95 %": (False, 8.0),
    "RPE" + INSIDE_MEDIAN: (False, 4.0),
    "lift followed": (True, 0.85),
    "false lift": (False, 0.4),
    "height kept": (True, 0.95),
}

_OLD = """
import sys
import numpy as np
from octlessons.images.cleaning import find_baseline, find_rpe
with np.load(sys.argv[1]) as sets:
    found = {}
    for name, images in sets.items():
        rpe = [find_rpe(image) for image in images]
        floor = [find_baseline(image, line) for image, line in zip(images, rpe)]
        found[name] = np.stack([np.full_like(rpe, np.nan), rpe, floor, floor], axis=1)
np.savez(sys.argv[2], **found)
"""


@dataclass(frozen=True)
class Scans:
    """Phantoms (n, h, w), the rows of ILM, RPE and BM (n, 3, w), labels, and columns that count."""

    images: np.ndarray
    truth: np.ndarray
    labels: np.ndarray
    counts: np.ndarray

    @property
    def unit(self) -> float:
        return ROWS / self.images.shape[1]


def main(argv: list[str] | None = None) -> None:
    """Print the tables."""
    from rich.console import Console

    options = _options().parse_args(argv if argv is not None else [])
    console = Console()
    if console.width < 130:
        console = Console(width=130)
    n = 6 if options.quick else options.n_per_class
    sets = {
        (look, size): draw(size, n, options.seed) for look, draw in LOOKS.items() for size in SIZES
    }
    found = {key: find(scans) for key, scans in sets.items()}
    old = find_before(sets, options.before, console)
    results = {}
    for (look, size), scans in sets.items():
        now = by_class(scans, found[look, size][0])
        before = by_class(scans, old[look, size]) if old else None
        results[f"{look}, {size} px"] = {"now": now, "before": before}
        console.print(_table(f"{look}, {size} px: {len(scans.images)} phantoms", now, before))
    console.print(_goals(results))
    console.print(_calibration(sets, found))
    if options.json:
        print(json.dumps(results))


# ---------------------------------------------------------------------- what is looked at


def as_drawn(size: int, n_per_class: int, seed: int, scanner: str = "spectralis") -> Scans:
    """Phantoms as everybody draws them."""
    from octlessons.images import draw_phantoms
    from octlessons.images.phantoms import BOUNDARIES

    drawn = draw_phantoms(size=size, n_per_class=n_per_class, seed=seed, scanner=scanner)
    truth = drawn.boundaries[:, [BOUNDARIES.index(name) for name in LINES[:3]]]
    images = np.asarray(drawn.images)
    return Scans(images, truth, np.asarray(drawn.labels), _shown(images))


def at_second_scanner(size: int, n_per_class: int, seed: int) -> Scans:
    """The same eyes in exports cropped around the retina."""
    return as_drawn(size, n_per_class, seed, "cropped")


def shifted(size: int, n_per_class: int, seed: int) -> Scans:
    """Phantoms with a look that the networks did not learn from."""
    from experiments.encoder.phantoms import drawn_phantoms
    from octlessons.images._resizing import resize_image

    drawn = drawn_phantoms(n_per_class, seed, "shifted")
    images, truth = drawn["images"], drawn["lines"].astype(np.float32)
    counts = drawn["valid"] & _shown(images)
    own = images.shape[1]
    if size < own:
        at = ((np.arange(size) + 0.5) * own / size).astype(int)
        images = np.stack([resize_image(image, (size, size)) for image in images])
        truth = (truth[..., at] + 0.5) * size / own - 0.5
        counts = counts[:, at]
    return Scans(images, truth, drawn["labels"], counts)


LOOKS = {"as drawn": as_drawn, "shifted look": shifted, "second scanner": at_second_scanner}


def _shown(images: np.ndarray) -> np.ndarray:
    """Columns with tissue: no black band, nor white from top to bottom."""
    from octlessons.images.cleaning import wedge_mask

    covered = np.array([wedge_mask(image) for image in images])
    return np.where(covered, 0, images).max(axis=1) > 60


def find(scans: Scans) -> tuple[np.ndarray, np.ndarray]:
    """The rows of `LINES` (n, 4, w), and the confidence in the first three (n, 3, w)."""
    from octlessons.images.retina import find_layers_of

    found = find_layers_of(scans.images)
    lines = np.stack([[eye.ilm, eye.rpe, eye.bm, eye.floor] for eye in found])
    return lines, np.stack([eye.confidence for eye in found])


def find_before(sets: dict, commit: str, console) -> dict | None:
    """The lines of an earlier commit in the same pictures; None where that is not to be had."""
    with checked_out(commit) as folder, tempfile.TemporaryDirectory() as place:
        if folder is None:
            console.print(f"No column for the commit before: git has no {commit} here.")
            return None
        given, got = Path(place) / "given.npz", Path(place) / "got.npz"
        np.savez(given, **{f"{look}/{size}": s.images for (look, size), s in sets.items()})
        if python(folder, "-c", _OLD, str(given), str(got)).wait():
            console.print(f"No column for the commit before: the code of {commit} does not run.")
            return None
        with np.load(got) as lines:
            return {(look, size): lines[f"{look}/{size}"] for look, size in sets}


# ---------------------------------------------------------------------- how well


def by_class(scans: Scans, lines: np.ndarray) -> dict[str, dict]:
    """What `judge` says of each class, and of all scans."""
    from octlessons.images.phantoms import CLASS_NAMES

    groups = {name: scans.labels == i for i, name in enumerate(CLASS_NAMES)}
    groups["all"] = np.ones(len(scans.labels), bool)
    return {name: judge(scans, lines, group) for name, group in groups.items() if group.any()}


def judge(scans: Scans, lines: np.ndarray, group: np.ndarray) -> dict[str, float]:
    """The figures of the table for some of the scans; NaN where there is nothing to measure."""
    from octlessons.images.phantoms import CLASS_NAMES

    truth, lines = scans.truth[group] * scans.unit, lines[group] * scans.unit
    counts = scans.counts[group]
    truth = np.where((truth >= 0) & (truth <= ROWS - 1) & counts[:, None], truth, np.nan)
    error = np.abs(lines - truth[:, [0, 1, 2, 2]])
    true_lift, lift = _lift(truth), _lift(np.where(np.isnan(truth), np.nan, lines[:, :3]))
    inside = true_lift > INSIDE
    figures = {}
    for name, errors in zip(LINES, error.swapaxes(0, 1), strict=True):
        figures[f"{name}, median"] = _of(np.median, errors)
        figures[f"{name}, 95 %"] = _of(lambda values: np.quantile(values, 0.95), errors)
        figures[name + INSIDE_MEDIAN] = _of(np.median, errors[inside])
    figures["far off"] = float((np.nan_to_num(error[:, 1]).max(axis=1) > FAR_OFF).sum())
    named = np.array(CLASS_NAMES)[scans.labels[group]]
    lesions = inside & np.isin(named, ("CNV", "DRUSEN"))[:, None]
    figures["lift followed"] = _share(lift[lesions], true_lift[lesions])
    normal = np.abs(lift - true_lift)[named == "NORMAL"] * 192 / ROWS
    figures["false lift"] = _of(np.mean, normal)
    figures["height kept"] = _kept(truth, lines[:, 3], true_lift, lesions)
    return figures


def _lift(lines: np.ndarray) -> np.ndarray:
    """Of the RPE above Bruch's membrane beyond the median of the scan, (n, w)."""
    gap = lines[:, 2] - lines[:, 1]
    known = ~np.isnan(gap).all(axis=1)
    middle = np.full(len(gap), np.nan)
    middle[known] = np.nanmedian(gap[known], axis=1)
    return gap - middle[:, None]


def _kept(truth, floor, true_lift, lesions) -> float:
    """Height of lesions in the flattened picture, as a share of what it was."""
    kept = total = 0.0
    for rpe, line, lift, where in zip(truth[:, 1], floor, true_lift, lesions, strict=True):
        if not where.any():
            continue
        flat = rpe - line
        around = np.nanmedian(flat[np.abs(lift) <= INSIDE / 2])
        total += lift[where].sum()
        kept += min((around - flat[where]).sum(), lift[where].sum())
    return kept / total if total else float("nan")


def _share(found: np.ndarray, true: np.ndarray) -> float:
    return float(found.sum() / true.sum()) if len(true) else float("nan")


def _of(figure, values: np.ndarray) -> float:
    values = values[~np.isnan(values)]
    return float(figure(values)) if len(values) else float("nan")


# ---------------------------------------------------------------------- tables


def _table(title: str, now: dict, before: dict | None):
    from rich.table import Table

    title += ": median error in all columns / 95 % / inside lesions"
    table = Table(title=title + ("; second line: before" if before else ""))
    table.add_column("")
    for heading in (
        *LINES, f"scans with\nRPE > {FAR_OFF:.0f} off", "lift\nfollowed", "false\nlift",
        "height\nkept",
    ):  # fmt: skip
        table.add_column(heading, justify="right")
    for name, row in now.items():
        cells = _cells(row)
        if before:
            cells = [f"{a}\n[dim]{b}[/]" for a, b in zip(cells, _cells(before[name]), strict=True)]
        table.add_row(name, *cells)
    return table


def _cells(row: dict[str, float]) -> list[str]:
    return [
        *(
            " / ".join(_text(row[n + what]) for what in (", median", ", 95 %", INSIDE_MEDIAN))
            for n in LINES
        ),
        f"{row['far off']:.0f}",
        _text(row["lift followed"], 2),
        _text(row["false lift"], 2),
        _text(row["height kept"], 2),
    ]


def _text(value: float, digits: int = 1) -> str:
    return "–" if np.isnan(value) else f"{value:.{digits}f}"


def _goals(results: dict):
    from rich.table import Table

    table = Table(title="All classes beside what was aimed at; in brackets: before")
    table.add_column("")
    for name, (more, goal) in GOALS.items():
        heading = name.replace(", median", "\nmedian").replace(", 95 %", "\n95 %")
        table.add_column(f"{heading}\n{'≥' if more else '≤'} {goal:g}", justify="right")
    for look, result in results.items():
        cells = []
        for name, (more, goal) in GOALS.items():
            value = result["now"]["all"][name]
            missed = value < goal if more else value > goal
            cell = f"[red]{value:.2f}[/]" if missed else f"{value:.2f}"
            if result["before"]:
                cell += f" [dim]({result['before']['all'][name]:.2f})[/]"
            cells.append(cell)
        table.add_row(look, *cells)
    return table


def _calibration(sets: dict, found: dict):
    """How far off the lines are, by the confidence that the network has in them."""
    from rich.table import Table

    table = Table(
        title="By confidence, all looks and sizes: share of columns, mean error, > 10 off"
    )
    table.add_column("confidence")
    columns = []
    for i, name in enumerate(LINES[:3]):
        table.add_column(name, justify="right")
        errors, sure = [], []
        for key, scans in sets.items():
            lines, confidence = found[key]
            truth = scans.truth[:, i] * scans.unit
            counts = scans.counts & np.isfinite(truth)
            errors.append(np.abs(lines[:, i] * scans.unit - truth)[counts])
            sure.append(confidence[:, i][counts])
        columns.append((np.concatenate(errors), np.concatenate(sure)))
    for low, high in pairwise(BINS):
        cells = []
        for error, sure in columns:
            here = error[(sure >= low) & (sure < high)]
            off = np.mean(here > FAR_OFF) if len(here) else np.nan
            cells.append(
                f"{len(here) / len(error):.2%}  {_text(_of(np.mean, here))}  {_text(100 * off)} %"
            )
        table.add_row(f"{low:g} to {min(high, 1):g}", *cells)
    return table


def _options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--n-per-class", type=int, default=25)
    parser.add_argument("--seed", type=int, default=4242)
    parser.add_argument("--before", default=COMMIT, metavar="COMMIT", help="to compare with")
    parser.add_argument("--quick", action="store_true", help="6 phantoms of each class")
    parser.add_argument("--json", action="store_true", help="print the numbers as JSON as well")
    return parser


if __name__ == "__main__":
    import sys

    main(sys.argv[1:])
