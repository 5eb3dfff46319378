"""Measure where the scores of right answers lie: ``python -m tests.authoring.calibrate [ID …]``.

A check file may name functions that measure a score::

    def recovered(student, seed): ...
    CALIBRATED = [recovered]

Each is run on the solution and on every right answer with 25 seeds. The band is what was seen,
widened on both sides by half of its spread (and by one part in fifty); it goes into
``bands.json`` beside the checks.
"""

from __future__ import annotations

import argparse
import importlib.util
import json

import numpy as np

from octlessons._files import write_atomically
from octlessons.exercises.catalogue import Exercise, load_catalogue
from octlessons.exercises.source import read_source
from octlessons.exercises.student import load_student
from tests.authoring.answers import right_answers

SEEDS = 25


def measured(exercise: Exercise, n_seeds: int = SEEDS) -> dict[str, dict]:
    """Return the bands of an exercise by the names of their functions; empty if it has none."""
    spec = importlib.util.spec_from_file_location("checks", exercise.checks)
    checks = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(checks)
    bands = {}
    for function in getattr(checks, "CALIBRATED", ()):
        scores = [
            function(load_student(read_source(path), path.name), seed)
            for path in (exercise.solution, *right_answers(exercise))
            for seed in range(n_seeds)
        ]
        low, high = float(np.min(scores)), float(np.max(scores))
        room = (high - low) / 2 + 0.02 * max(abs(low), abs(high))
        bands[function.__name__] = {
            "low": round(low - room, 6),
            "high": round(high + room, 6),
            "seen": [round(low, 6), round(high, 6)],
            "runs": len(scores),
        }
    return bands


def main() -> None:
    """Calibrate the exercises named, or all that have something to calibrate."""
    catalogue = load_catalogue()
    parser = argparse.ArgumentParser(prog="python -m tests.authoring.calibrate")
    parser.add_argument("ids", nargs="*", metavar="ID")
    names = parser.parse_args().ids or [exercise.id for exercise in catalogue]
    for name in names:
        exercise = catalogue[name]
        bands = measured(exercise)
        if not bands:
            continue
        path = exercise.checks.parent / "bands.json"
        table = json.loads(path.read_text("utf-8")) if path.is_file() else {"bands": {}}
        table["command"] = "python -m tests.authoring.calibrate"
        table["bands"][name] = bands
        write_atomically(path, json.dumps(table, indent=1, sort_keys=True) + "\n")
        for score, entry in bands.items():
            print(f"{name} {score}: {entry['low']} to {entry['high']} ({entry['runs']} runs)")


if __name__ == "__main__":
    main()
