"""Speed: from JPEG files to rows, beside decoding alone and beside the commit before.

Run as ``python -m tests.benchmarks.bench_speed [--n 200] [--rounds 5] [--before COMMIT] [--quick]
[--json]``.

Phantoms of 496 × 512 and 496 × 768 px are written as JPEG of quality 90, half each; where the real
scans are (the folder OCTLESSONS_SHARED), they are timed as well. Everything that is compared runs
in processes of its own that wait for their turn, one after the other in each round, pinned to one
core or two; the tables have medians over the rounds. Decoding is Pillow's, to grey pixels, and
nothing else. Figures are processor time, which other programs disturb little; what two cores gain
is time on the clock, and only holds on an idle machine.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import tempfile
from contextlib import ExitStack
from pathlib import Path

import numpy as np

from octlessons._runtime import usable_cores

from .before import COMMIT, ROOT, checked_out, python
from .bench_phantoms import find_shared

WORKER = Path(__file__).with_name("encode_once.py")
GOAL_DECODING, GOAL_LATER, GOAL_BEFORE, GOAL_CORES = 8, 5, 3, 1.8


class Worker:
    """One process that encodes a folder whenever it is told to."""

    def __init__(self, package: Path, what: str, cores: int, folder: Path):
        self.process = python(
            package, str(WORKER), what, str(cores), str(folder),
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            environment={"OMP_NUM_THREADS": str(cores)},
        )  # fmt: skip
        self.rounds: list[dict[str, dict[str, float]]] = []
        self.peak: float | None = None
        self._answer()

    def turn(self) -> None:
        """Do all of it once, and keep how long it took."""
        assert self.process.stdin
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        self.rounds.append(answer := self._answer())
        self.peak = answer["peak"]

    def milliseconds(self, part: str, by: str = "processors") -> float:
        """For one scan, the median over the rounds."""
        return 1e3 * float(np.median([answer[by][part] for answer in self.rounds]))

    def close(self) -> None:
        assert self.process.stdin
        self.process.stdin.close()
        self.process.wait()

    def _answer(self) -> dict:
        assert self.process.stdout
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"{WORKER.name} ended without an answer: see above.")
        return json.loads(line)


def main(argv: list[str] | None = None) -> None:
    """Print the tables."""
    from rich.console import Console

    options = _options().parse_args(argv if argv is not None else [])
    n, rounds = (40, 2) if options.quick else (options.n, options.rounds)
    console, results = Console(), {}
    if hasattr(os, "getloadavg") and os.getloadavg()[0] > 0.5:
        load = f"{os.getloadavg()[0]:.1f}"
        console.print(f"[red]The machine is busy (load {load}): run this again when it is idle.[/]")
    with tempfile.TemporaryDirectory() as place, checked_out(options.before) as before:
        if before is None:
            console.print(f"Nothing of the commit before: git has no {options.before} here.")
        folders = {f"{n} phantoms": write_phantoms(Path(place) / "some", n)}
        shared = find_shared()
        if shared:
            folders["the real scans"] = shared / "data" / "oct2017_sample"
        for name, folder in folders.items():
            results[name] = compare(folder, before, rounds)
            console.print(_table(name, results[name]))
            console.print(_goals(results[name]))
        results["memory"] = memory(folders[f"{n} phantoms"], Path(place) / "many")
    few, many = results["memory"]
    if few:
        console.print(f"Peak memory: {few:.0f} MiB for {n} scans, {many:.0f} MiB for {4 * n}.")
    if options.json:
        print(json.dumps(results))


def write_phantoms(folder: Path, n: int) -> Path:
    """Write phantoms as a scanner exports them, one folder for each class."""
    from PIL import Image

    from octlessons.images import draw_phantoms

    drawn = draw_phantoms(size=496, n_per_class=-(-n // 4), seed=11)
    for i, image in enumerate(drawn.images[:n]):
        file = folder / drawn.class_names[drawn.labels[i]] / f"{i:04}.jpeg"
        file.parent.mkdir(parents=True, exist_ok=True)
        wide = Image.fromarray(image).resize(((512, 768)[i % 2], 496))
        wide.save(file, quality=90)
    return folder


def compare(folder: Path, before: Path | None, rounds: int) -> dict[str, float]:
    """Milliseconds for each scan of everything that is compared, and what a second core gains."""
    with ExitStack() as stack:
        workers = {
            "decoding": Worker(ROOT, "decoding", 1, folder),
            "rows": Worker(ROOT, "rows", 1, folder),
            "steps": Worker(ROOT, "steps", 1, folder),
            "folder": Worker(ROOT, "folder", 1, folder),
        }
        if before is not None:
            workers["before"] = Worker(before, "rows", 1, folder)
        if usable_cores() > 1:
            workers["both"] = Worker(ROOT, "rows", 2, folder)
        for worker in workers.values():
            stack.callback(worker.close)
        for _ in range(rounds):
            for worker in workers.values():
                worker.turn()
        times = {
            part: worker.milliseconds(part)
            for name in ("decoding", "rows", "steps", "folder")
            for worker in [workers[name]]
            for part in worker.rounds[0]["clock"]
        }
        if before is not None:
            times["before"] = workers["before"].milliseconds("rows")
        if "both" in workers:
            one, two = (workers[name].milliseconds("rows", "clock") for name in ("rows", "both"))
            times["gain of two cores"] = one / two
        return times


def memory(folder: Path, larger: Path) -> tuple[float | None, float | None]:
    """Peak memory in MiB for the scans of a folder, and for four times as many."""
    for copy in range(4):
        for file in folder.glob("*/*.jpeg"):
            link = larger / file.parent.name / f"{file.stem}-{copy}.jpeg"
            link.parent.mkdir(parents=True, exist_ok=True)
            link.write_bytes(file.read_bytes())
    peaks = []
    for scans in (folder, larger):
        worker = Worker(ROOT, "rows", 1, scans)
        worker.turn()
        worker.close()
        peaks.append(worker.peak)
    return peaks[0], peaks[1]


def _table(title: str, times: dict[str, float]):
    from rich.table import Table

    names = {
        "decoding": "decoding alone", "rows": "files to rows",
        "folder": "the same, and the folder read and checked", "before": "files to rows, before",
    }  # fmt: skip
    table = Table(title=f"{title}, one core, processor time")
    for heading in ("", "ms a scan", "scans/s", "× decoding"):
        table.add_column(heading, justify="right" if heading else "left")
    for name, spent in times.items():
        if name != "gain of two cores":
            table.add_row(
                names.get(name, f"  {name}"),
                f"{spent:.2f}",
                f"{1e3 / spent:,.0f}",
                f"{spent / times['decoding']:.1f}",
            )
    return table


def _goals(times: dict[str, float]) -> str:
    aims = [
        f"Goal: at most {GOAL_DECODING} ×, then {GOAL_LATER} × decoding; measured "
        f"{times['rows'] / times['decoding']:.1f}."
    ]
    if "before" in times:
        gain = times["before"] / times["rows"]
        aims.append(f"Goal: at least {GOAL_BEFORE} × as fast as before; measured {gain:.1f}.")
    if "gain of two cores" in times:
        gain = times["gain of two cores"]
        aims.append(f"Goal: two cores at least {GOAL_CORES} × one; measured {gain:.2f}.")
    return "\n".join(aims)


def _options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--n", type=int, default=200, help="phantoms")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--before", default=COMMIT, metavar="COMMIT", help="to compare with")
    parser.add_argument("--quick", action="store_true", help="40 phantoms, 2 rounds")
    parser.add_argument("--json", action="store_true", help="print the numbers as JSON as well")
    return parser


if __name__ == "__main__":
    import sys

    main(sys.argv[1:])
