"""The shipped encoders beside the other representations, on real scans none of them was made for.

Run as ``python -m tests.benchmarks encoder`` or ``python -m tests.benchmarks.bench_encoder
[--folder FOLDER] [--card] [--quick]``. The real scans lie in the folder OCTLESSONS_SHARED.

Neighbours: share of scans whose three nearest neighbours, of other patients, vote for its class.
K-means: k = 4 and 10 seeds, each the best of 10 starts; means over the seeds. The intervals
(bootstrap by patient, 95 %) belong to the seed with the lowest inertia. The autoencoder is trained
on the scans themselves, without labels; SqueezeNet on ImageNet; our encoders on phantoms only.
`--card` writes the rows of the encoders into their model card.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from .bench_phantoms import find_shared

N_CLUSTERS, SEEDS, STARTS = 4, range(10), 10


@dataclass(frozen=True)
class Row:
    """One line of the table."""

    name: str
    size: int
    neighbours: object
    ari: float
    ami: float
    accuracy: float
    best: object
    speed: float


def main(argv: list[str] | None = None) -> None:
    """Print the table."""
    from rich.console import Console

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--folder", type=Path, help="scans in folders of their class, grey")
    parser.add_argument("--card", action="store_true", help="write the results into the card")
    parser.add_argument("--quick", action="store_true", help="leave the autoencoder out")
    options = parser.parse_args(argv if argv is not None else [])
    console = Console()
    if console.width < 118:
        console = Console(width=118)
    shared = find_shared()
    folder = options.folder or (shared and shared / "data" / "oct2017_sample")
    if folder is None:
        console.print(
            "No real scans here: set OCTLESSONS_SHARED to the folder that holds "
            "data/oct2017_sample."
        )
        return
    from octlessons.images import read_folder

    scans = read_folder(folder)
    rows = []
    for name, compute in _representations(shared, options.quick):
        start = time.process_time()
        features = compute(scans)
        rows.append(measure(name, features, scans, time.process_time() - start))
        console.print(f"[dim]{name} done[/]")
    n_patients = len(np.unique(scans.patients))
    console.print(_table(f"{len(scans)} real scans of {n_patients} patients", rows))
    if options.card:
        _write_card(rows, len(scans), n_patients)


def measure(name: str, features: np.ndarray, scans, seconds: float) -> Row:
    """Judge one representation."""
    from sklearn.cluster import KMeans

    from octlessons.evaluation import agreement, neighbour_accuracy

    fits = [KMeans(N_CLUSTERS, n_init=STARTS, random_state=s).fit(features) for s in SEEDS]
    best = int(np.argmin([fit.inertia_ for fit in fits]))
    judged = [
        agreement(
            scans.labels,
            fit.labels_,
            groups=scans.patients,
            n_permutations=1000 if i == best else 1,
            n_bootstrap=1000 if i == best else 0,
        )
        for i, fit in enumerate(fits)
    ]
    near = neighbour_accuracy(features, scans.labels, groups=scans.patients, k=3)
    means = (float(np.mean([getattr(a, m) for a in judged])) for m in ("ari", "ami", "accuracy"))
    return Row(name, features.shape[1], near, *means, judged[best], len(scans) / seconds)


def _representations(shared: Path | None, quick: bool) -> Iterator[tuple]:
    from sklearn.pipeline import make_pipeline

    from octlessons.representations import PhantomEncoder, Pixels, VariancePCA
    from octlessons.representations.phantom_encoder import VARIANTS

    yield "pixels, 64 px", Pixels(64).fit_transform
    yield "flattened pixels, 64 px", Pixels(64, clean=True).fit_transform
    yield (
        "PCA 90 % of flattened pixels",
        make_pipeline(Pixels(64, clean=True), VariancePCA(0.9)).fit_transform,
    )
    try:
        import torch
    except ImportError:
        torch = None
    if torch and not quick:
        from octlessons.networks import ConvAutoencoder

        yield (
            "autoencoder, 64 px, trained on these scans",
            ConvAutoencoder(64, channels=1).fit_transform,
        )
    if torch and shared is not None:
        yield "ImageNet SqueezeNet 1.1, PCA 20", lambda scans: _squeezenet(scans, shared)
    for variant in VARIANTS:
        yield (
            f"shipped encoder, {variant} of phantoms",
            PhantomEncoder(variant, n_threads=1).fit_transform,
        )


def _squeezenet(scans, shared: Path) -> np.ndarray:
    from sklearn.decomposition import PCA
    from sklearn.preprocessing import normalize

    from . import squeezenet

    rows = normalize(squeezenet.features(scans, squeezenet.load(shared)))
    return PCA(20, random_state=0).fit_transform(rows)


def _table(title: str, rows: list[Row]):
    from rich.table import Table

    table = Table(title=f"{title}; K-means with k = {N_CLUSTERS}, {len(SEEDS)} seeds")
    for heading in (
        "", "length", "3 neighbours", "ARI", "AMI", "matched accuracy", "by chance", "scans/s",
    ):  # fmt: skip
        table.add_column(heading, justify="left" if not heading else "right")
    for row in rows:
        best = row.best
        table.add_row(
            row.name,
            f"{row.size:,}",
            _cell(row.neighbours.estimate, row.neighbours),
            _cell(row.ari, best.ari_interval),
            _cell(row.ami, best.ami_interval),
            _cell(row.accuracy, best.accuracy_interval),
            _cell(best.chance.mean, best.chance),
            f"{row.speed:.0f}",
        )
    return table


def _cell(value: float, span) -> str:
    return f"{value:.2f}\n[dim]{span.low:.2f} to {span.high:.2f}[/]"


def _write_card(rows: list[Row], n: int, n_patients: int) -> None:
    from experiments.encoder.card import keep_cards
    from octlessons.representations.phantom_encoder import SHIPPED

    file = SHIPPED / "cards.json"
    cards = json.loads(file.read_text(encoding="utf-8"))
    span = lambda value: [round(value.low, 2), round(value.high, 2)]  # noqa: E731
    for variant, card in cards.items():
        row = next(row for row in rows if row.name.startswith(f"shipped encoder, {variant}"))
        card["real scans"] = {
            "data": f"{n} scans of {n_patients} patients from OCT2017, never trained on",
            "n": n,
            "command": "python -m tests.benchmarks.bench_encoder --card",
            "3-nn other patients": round(row.neighbours.estimate, 3),
            "ari": round(row.ari, 3),
            "ami": round(row.ami, 3),
            "matched accuracy": round(row.accuracy, 3),
            "intervals, 95 %, by patient": {
                "3-nn other patients": span(row.neighbours),
                "ari": span(row.best.ari_interval),
                "ami": span(row.best.ami_interval),
                "matched accuracy": span(row.best.accuracy_interval),
            },
            "scans per second, one core": round(row.speed),
        }
    keep_cards(SHIPPED, cards)


if __name__ == "__main__":
    import sys

    main(sys.argv[1:])
