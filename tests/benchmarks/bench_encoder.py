"""The shipped encoders beside the other representations, on two scanners and on phantoms.

Run as ``python -m tests.benchmarks.bench_encoder [--card] [--eyes] [--quick] [--before COMMIT]``.
The real scans lie in the folder OCTLESSONS_SHARED; none of the encoders was made from any. The
encoders of the commit before are read from git. Maps of EfficientNet-Lite0 stand as all their
components, which keep their distances; a probe standardises these, so theirs is not that of maps.

3 neighbours: share of scans whose three nearest neighbours, of other patients, vote for the class.
First scanner: K-means with k = 4 and 10 seeds, each the best of 10 starts; means over the seeds;
intervals of the seed with the lowest inertia. Second scanner: as many scans of each class, means
over 20 draws. Probe: balanced accuracy of logistic regression on standardised rows in 5 folds by
patient, on all scans of these classes. Intervals are bootstraps by patient, 95 %, but for K-means
on the second scanner: there they are the lowest and highest of the draws.
`--card` writes the rows of the shipped encoders into their model card; `--eyes` measures on the
real scans only, and keeps what chapter 7 shows of networks trained on photographs.
"""

from __future__ import annotations

import argparse
import json
import subprocess
from datetime import date
from itertools import chain
from pathlib import Path

import numpy as np

from octlessons.errors import first_line
from octlessons.images.phantoms import CLASS_NAMES

from . import encoder_scores as scores
from . import squeezenet
from .bench_phantoms import find_shared
from .encoder_sets import (
    FIRST,
    SECOND,
    Features,
    Scans,
    of_commit,
    phantom_sets,
    real_sets,
    representations,
    shipped_name,
)

#: The commit whose encoders are shown beside, before the layers were found by a network.
BEFORE = "1d841d5"
COMMAND = "python -m tests.benchmarks.bench_encoder --card"
COMMAND_EYES = "python -m tests.benchmarks.bench_encoder --eyes"
FOUR, ALL = "four", "all"

#: What the encoders shall reach: table → variant → what is measured.
GOALS = {
    FIRST: {
        "labels": {"neighbours": 0.88, "ari": 0.70, "accuracy": 0.88},
        "views": {"neighbours": 0.80, "ari": 0.45},
    },
    FOUR: {
        "labels": {"neighbours": 0.85, "ari": 0.62, "accuracy": 0.84},
        "views": {"neighbours": 0.75, "ari": 0.45},
    },
    ALL: {"labels": {"neighbours": 0.55, "probe": 0.72}},
    "shifted": {"views": {"ari": 0.45}},
    "28 px": {"labels": {"neighbours": 0.90}},
}
_NAMES = {
    "neighbours": "3-nn other patients", "ari": "ari", "ami": "ami", "accuracy": "matched accuracy",
}  # fmt: skip


def main(argv: list[str] | None = None) -> None:
    """Print the tables."""
    from rich.console import Console
    from threadpoolctl import threadpool_limits

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--card", action="store_true", help="write the results into the card")
    parser.add_argument("--eyes", action="store_true", help="keep the rows of chapter 7")
    parser.add_argument("--quick", action="store_true", help="leave the autoencoder out")
    parser.add_argument("--before", default=BEFORE, help="commit whose encoders are shown beside")
    options = parser.parse_args(argv if argv is not None else [])
    console = Console()
    if console.width < 118:
        console = Console(width=118)
    shared = find_shared()
    if shared is None:
        console.print(
            "No real scans here, so phantoms only: set OCTLESSONS_SHARED to the folder that holds "
            "data/oct2017_sample."
        )
    sets = {} if shared is None else real_sets(shared)
    if not options.eyes:
        sets |= phantom_sets()
    results = {}
    with threadpool_limits(1):  # or K-means of few rows spends its time waiting for other cores
        for name, features in chain(
            representations(sets, shared, options.quick or options.eyes),
            () if options.eyes else _before(options.before, sets, console),
        ):
            results[name] = judged(features, sets)
            console.print(f"[dim]{name} done[/]")
    for table in _tables(results, sets):
        console.print(table)
    if options.eyes:
        _write_eyes(results, shared)
    if options.card:
        _write_card(results, sets)


def judged(features: dict[str, Features], sets: dict[str, Scans]) -> dict[str, tuple]:
    """Of each table, the score of a representation, the length of its rows, and its speed."""
    found = {}
    for name, scans in sets.items():
        rows = features[name].rows
        rest = rows.shape[1], len(rows) / features[name].seconds
        if name == SECOND:
            for which, classes in _classes(scans).items():
                found[which] = scores.judge_balanced(rows, scans, classes), *rest
        else:
            found[name] = scores.judge(rows, scans, 1000 if name == FIRST else 0), *rest
    return found


def _classes(scans: Scans) -> dict[str, tuple]:
    return {FOUR: CLASS_NAMES, ALL: tuple(np.unique(scans.labels))}


def _before(commit: str, sets: dict[str, Scans], console):
    """The encoders of the commit before, or a sentence where they cannot be had."""
    try:
        yield from of_commit(commit, sets)
    except (OSError, subprocess.CalledProcessError) as error:
        why = (getattr(error, "stderr", None) or str(error)).strip().splitlines()
        console.print(
            f"The encoders of commit {commit} are left out, as they cannot be run here "
            f"({why[-1] if why else first_line(error)}): it takes git and a clone with its history."
        )


# ---------------------------------------------------------------------- printing


def _tables(results: dict, sets: dict[str, Scans]):
    """Everything that was measured."""
    any_result = next(iter(results.values()))
    titles = {}
    if FIRST in sets:
        first = any_result[FIRST][0]
        titles[FIRST] = f"First scanner: {first.n} scans of {first.n_patients} patients; k = 4"
    if SECOND in sets:
        for which, classes in _classes(sets[SECOND]).items():
            score, k = any_result[which][0], len(classes)
            titles[which] = (
                f"Second scanner: {score.n // k} scans of each of {k} classes ({score.n} of "
                f"{score.n_probed} of {score.n_patients} patients), {scores.DRAWS} draws; k = {k}"
            )
    for which, title in titles.items():
        yield _table(title, which, results)
    phantoms = [name for name in sets if name not in (FIRST, SECOND)]
    if phantoms:
        yield _phantom_table(phantoms, results)


def _table(title: str, which: str, results: dict):
    """One line for each representation."""
    from rich.table import Table

    table = Table(title=title)
    last = ("by chance", "scans/s") if which == FIRST else ("probe",)
    headings = ("", "length", "3 neighbours", "ARI", "AMI", "matched accuracy", *last)
    for heading in headings:
        table.add_column(heading, justify="left" if not heading else "right")
    measured = ("neighbours", "ari", "ami", "accuracy", "chance" if which == FIRST else "probe")
    for name, of_tables in results.items():
        score, length, speed = of_tables[which]
        cells = [_cell(getattr(score, part)) for part in measured]
        table.add_row(name, f"{length:,}", *cells, *([f"{speed:.0f}"] if which == FIRST else []))
    for variant, goals in GOALS[which].items():
        cells = [f"{goals[part]:.2f}" if part in goals else "" for part in measured]
        table.add_row(f"goal, {variant}", "", *cells, style="bold")
    return table


def _phantom_table(names: list[str], results: dict):
    """Neighbours and ARI of each set of phantoms."""
    from rich.table import Table

    table = Table(title="Phantoms never trained on: 3 neighbours · ARI, k = 4")
    for heading in ("", *names):
        table.add_column(heading, justify="left" if not heading else "right")
    for name, of_tables in results.items():
        found = [of_tables[which][0] for which in names]
        cells = [f"{float(s.neighbours):.2f} · {float(s.ari):.2f}" for s in found]
        table.add_row(name, *cells)
    for variant in ("labels", "views"):
        goals = [GOALS.get(which, {}).get(variant, {}) for which in names]
        cells = [
            " · ".join(f"{g[part]:.2f}" if part in g else "–" for part in ("neighbours", "ari"))
            if g else ""
            for g in goals
        ]  # fmt: skip
        table.add_row(f"goal, {variant}", *cells, style="bold")
    return table


def _cell(span) -> str:
    value = span.mean if hasattr(span, "mean") else span.estimate
    return f"{value:.2f}\n[dim]{span.low:.2f} to {span.high:.2f}[/]"


# ---------------------------------------------------------------------- what chapter 7 shows


def _write_eyes(results: dict, shared: Path) -> None:
    """Keep what was measured on real scans, of all but the encoder that was told the classes."""
    from octlessons._files import file_hash, write_atomically
    from octlessons.claims.results import EYES
    from octlessons.representations import lite

    rows = {}
    for name, of_tables in results.items():
        if name == shipped_name("labels"):
            continue
        rows[name] = {"length": of_tables[FIRST][1]}
        for table, which in ((FIRST, FIRST), (SECOND, FOUR)):
            score = of_tables[which][0]
            parts = ("neighbours", "ari", "accuracy")
            rows[name][table] = {
                part: [round(float(getattr(score, part)), 3), *_ends(getattr(score, part))]
                for part in parts
            }
    first, second = (next(iter(results.values()))[which][0] for which in (FIRST, FOUR))
    assert first.chance is not None
    kept = {
        "command": COMMAND_EYES,
        "date": date.today().isoformat(),
        "weights, SHA-256": {
            "EfficientNet-Lite0": lite.SHA256,
            "SqueezeNet 1.1": file_hash(shared / squeezenet.WEIGHTS),
        },
        FIRST: {
            "data": "OCT2017",
            "n": first.n,
            "patients": first.n_patients,
            "accuracy by chance, 95 %": _ends(first.chance),
        },
        SECOND: {
            "data": "OCTDL",
            "n": second.n,
            "of": second.n_probed,
            "draws": scores.DRAWS,
            "patients": second.n_patients,
        },
        "rows": rows,
    }
    write_atomically(EYES, json.dumps(kept, indent=1) + "\n")


# ---------------------------------------------------------------------- the model card


def _write_card(results: dict, sets: dict[str, Scans]) -> None:
    """Put what was measured of the shipped encoders into their model card."""
    from experiments.encoder.card import keep_cards
    from octlessons._runtime import SHIPPED
    from octlessons.representations.phantom_encoder import VARIANTS

    cards = json.loads((SHIPPED / "cards.json").read_text(encoding="utf-8"))
    for variant in VARIANTS:
        card, found = cards[variant], results[shipped_name(variant)]
        if FIRST in found:
            score, _, speed = found[FIRST]
            card[FIRST] = {
                "data": f"{score.n} scans of {score.n_patients} patients from OCT2017, never "
                "trained on",
                **_plain(score),
                "intervals, 95 %, by patient": _spans(score, _NAMES),
                "scans per second, one core": round(speed),
                "command": COMMAND,
            }
        if SECOND in sets:
            card[SECOND] = _second(found, sets[SECOND])
        card["phantoms"]["28 px"] = _plain(found["28 px"][0])
    keep_cards(SHIPPED, cards)


def _second(found: dict, scans: Scans) -> dict:
    """What the card says of the second scanner."""
    n_groups = len(np.unique(scans.groups))
    part = {
        "data": f"{len(scans.labels)} scans of {n_groups} patient groups from OCTDL, never "
        "trained on",
        "n": len(scans.labels),
        "patients": n_groups,
        "command": COMMAND,
    }
    for which, classes in _classes(scans).items():
        score = found[which][0]
        part[which] = {
            "classes": list(classes),
            **_plain(score),
            "draws": scores.DRAWS,
            "intervals, 95 %, by patient": _spans(score, ["neighbours"]),
            "range over the draws": _spans(score, ["ari", "ami", "accuracy"]),
        }
        probe = part.setdefault("probe", {})
        probe[which] = {
            "n": score.n_probed,
            "balanced accuracy": round(float(score.probe), 3),
            "interval, 95 %, by patient": _ends(score.probe),
        }
    return part


def _plain(score: scores.Score) -> dict:
    values = {key: round(float(getattr(score, part)), 3) for part, key in _NAMES.items()}
    return {"n": score.n, "patients": score.n_patients, **values}


def _spans(score: scores.Score, parts) -> dict:
    return {_NAMES[part]: _ends(getattr(score, part)) for part in parts}


def _ends(span) -> list[float]:
    return [round(span.low, 2), round(span.high, 2)]


if __name__ == "__main__":
    import sys

    main(sys.argv[1:])
