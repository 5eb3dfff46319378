"""`octlessons cluster` on the real scans of two scanners, with three representations.

Run as ``python -m tests.benchmarks.bench_own_scans [--write]``; with ``--write`` the result goes to
``octlessons/evaluation/records/own_scans.json``, which chapter 13 reads. The scans lie in the
folder OCTLESSONS_SHARED; without it there is nothing to run on, and it says so.

Groups and their number are found without labels. Patients are known. Labels come in afterwards,
for the adjusted Rand index, with chance and interval by patient. The second scanner has eight
classes; the four that the first one has are grouped alone, too.
"""

from __future__ import annotations

import argparse
import csv
import json
from datetime import date
from pathlib import Path

import numpy as np

from octlessons.evaluation.recordings import RECORDS
from octlessons.images import ImageSet, read_folder
from octlessons.images.phantoms import CLASS_NAMES
from octlessons.report import cluster_scans
from octlessons.report.telling import followed_rows

from .bench_phantoms import find_shared

RECORD = RECORDS / "own_scans.json"
COMMAND = "python -m tests.benchmarks.bench_own_scans --write"
EYES = ("labels", "views", "pixels")
#: What each set of scans is called on the page.
FIRST, FOUR, SECOND = "first scanner", "second scanner, four classes", "second scanner"


def main(argv: list[str] | None = None) -> None:
    """Group, print and, where asked to, record."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--write", action="store_true", help=f"into {RECORD.name}")
    options = parser.parse_args(argv if argv is not None else [])
    shared = find_shared()
    if shared is None:
        print("skipped: OCTLESSONS_SHARED names no folder with data/oct2017_sample")
        return
    found = {"command": COMMAND, "date": date.today().isoformat(), "sets": {}}
    for name, scans in real_sets(shared).items():
        runs = {eyes: run(scans, eyes) for eyes in EYES}
        found["sets"][name] = {
            "n": len(scans),
            "patients": len(np.unique(scans.patients)),
            "classes": len(np.unique(scans.labels)),
            "runs": runs,
        }
        print(name, json.dumps(found["sets"][name], indent=1), flush=True)
    if options.write:
        RECORD.write_text(json.dumps(found, indent=1) + "\n")


def real_sets(shared: Path) -> dict[str, ImageSet]:
    """The samples, with labels and patients; the second one if it is there."""
    sets = {FIRST: read_folder(shared / "data" / "oct2017_sample")}
    second = shared / "data" / "octdl_sample"
    if (second / "manifest.csv").is_file():
        with open(second / "manifest.csv", encoding="utf-8", newline="") as stream:
            lines = list(csv.DictReader(stream))
        # The ids in its names do not separate patients: see the README beside the scans.
        columns = {"file": "file", "label": "class", "patient": "patient_group"}
        table = {ours: [line[theirs] for line in lines] for ours, theirs in columns.items()}
        scans = read_folder(second, table=table)
        named = np.asarray(scans.class_names)[scans.labels]
        sets[FOUR] = scans.subset(np.flatnonzero(np.isin(named, CLASS_NAMES)))
        sets[SECOND] = scans
    return sets


def run(scans: ImageSet, eyes: str) -> dict:
    """What one run found, in plain numbers."""
    found = cluster_scans(scans, jobs=1, representation=eyes)
    agreed = found.agreed
    others = [row for row in followed_rows(found) if row.what != "diagnosis"]
    return {
        "grouped": len(found),
        "k": found.grouping.k,
        "stands out": found.grouping.stands_out,
        "ari": [round(v, 4) for v in (
            agreed.ari, agreed.ari_interval.low, agreed.ari_interval.high, agreed.ari_chance.high
        )],
        "doubtful": int(found.grouping.doubtful.sum()),
        "followed": [[row.what, round(row.ami, 4), round(row.chance.high, 4)] for row in others],
    }  # fmt: skip


if __name__ == "__main__":
    import sys

    main(sys.argv[1:])
