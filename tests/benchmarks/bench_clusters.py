"""Pixel K-means beside flattened pixels, on the real scans and on phantoms.

K-means with 4 clusters and 10 seeds. The indices are means over the seeds; the level of chance
and the intervals (bootstrap by patient) belong to the seed with the lowest inertia. The last
column asks the representation itself: leave-one-out 3-nearest-neighbour accuracy, neighbours from
other patients.
"""

from __future__ import annotations

import argparse
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np

SIZE = 64
N_CLUSTERS = 4
SEEDS = range(10)


@dataclass(frozen=True)
class Row:
    """One line of the table."""

    data: str
    representation: str
    ari: float
    ami: float
    accuracy: float
    best: object
    neighbours: object


def main(argv: list[str] | None = None) -> None:
    """Print the table."""
    from rich.console import Console

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="few phantoms")
    options = parser.parse_args(argv if argv is not None else [])
    console = Console()
    if console.width < 112:
        console = Console(width=112)
    rows = []
    for name, images in _sets(25 if options.quick else 100):
        rows += [_measured(name, what, rows_of, images) for what, rows_of in _representations()]
    console.print(_table(rows))
    real = [row for row in rows if row.data.startswith("real")]
    if not real:
        console.print(
            "No real scans here: set OCTLESSONS_SHARED to the folder that holds "
            "data/oct2017_sample."
        )
    for row in real:
        said = "above" if row.best.better_than_chance else "within"
        console.print(
            f"Real scans, {row.representation}: matched accuracy {row.best.accuracy:.2f} is {said} "
            f"the range of chance, {row.best.chance.low:.2f} to {row.best.chance.high:.2f}."
        )


def _sets(n_per_class: int):
    from octlessons.images import draw_phantoms, read_folder

    root = Path(__file__).resolve().parents[2]
    shared = Path(os.environ.get("OCTLESSONS_SHARED") or root.parent / "shared")
    folder = shared / "data" / "oct2017_sample"
    if folder.is_dir():
        images = read_folder(folder)
        yield f"real scans ({len(images)})", images
    images = draw_phantoms(n_per_class=n_per_class, size=128, seed=0, n_jobs=1)
    yield f"phantoms ({len(images)})", images


def _representations():
    from octlessons.representations import Pixels

    yield f"pixels {SIZE}", Pixels(SIZE)
    yield "flattened pixels", Pixels(SIZE, clean=True)
    yield "standardised", Pixels(SIZE, standardise=True)
    yield "flattened, standardised", Pixels(SIZE, standardise=True, clean=True)


def _measured(data: str, what: str, representation, images) -> Row:
    from sklearn.cluster import KMeans

    from octlessons.evaluation import agreement, neighbour_accuracy

    features = representation.fit_transform(images)
    fits = [KMeans(N_CLUSTERS, n_init=1, random_state=seed).fit(features) for seed in SEEDS]
    best = int(np.argmin([fit.inertia_ for fit in fits]))
    judged = [
        agreement(
            images.labels,
            fit.labels_,
            groups=images.patients,
            class_names=images.class_names,
            n_permutations=1000 if i == best else 1,
            n_bootstrap=1000 if i == best else 0,
        )
        for i, fit in enumerate(fits)
    ]
    return Row(
        data,
        what,
        *(
            float(np.mean([getattr(a, name) for a in judged]))
            for name in ("ari", "ami", "accuracy")
        ),
        judged[best],
        neighbour_accuracy(features, images.labels, groups=images.patients, k=3),
    )


def _table(rows: list[Row]):
    from rich.table import Table

    table = Table(title=f"K-means, k = {N_CLUSTERS}, {len(SEEDS)} seeds; 95 % ranges below")
    for heading in ("", "ARI", "AMI", "matched accuracy", "by chance", "3 neighbours"):
        table.add_column(heading, no_wrap=True)
    last = None
    for row in rows:
        if row.data != last:
            if last is not None:
                table.add_section()
            table.add_row(f"[bold]{row.data}[/]")
        best, near = row.best, row.neighbours
        table.add_row(
            row.representation,
            _cell(row.ari, best.ari_interval),
            _cell(row.ami, best.ami_interval),
            _cell(row.accuracy, best.accuracy_interval),
            _cell(best.chance.mean, best.chance),
            _cell(near.estimate, near),
        )
        last = row.data
    return table


def _cell(value: float, span) -> str:
    return f"{value:.3f}\n[dim]{span.low:.2f} to {span.high:.2f}[/]"


if __name__ == "__main__":
    import sys

    main(sys.argv[1:])
