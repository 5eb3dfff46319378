"""Class weights and dropout: the small network of chapter 11 with and without each, many times.

Run as ``python -m tests.benchmarks.bench_ingredients [--draws 10] [--write]``; with ``--write`` the
result goes to ``octlessons/evaluation/records/ingredients.json``, which the page reads.

Each draw has new phantoms: 400 training scans in the class mix of Kermany et al., and 400 test
scans of other patients, 100 of each class. The scans are cleaned, 32 × 32 pixels. Four networks
learn from the same scans with the same seed. Differences are paired; their 95 % intervals are
t-intervals over the draws, so they speak of new patients and new networks alike.
"""

from __future__ import annotations

import argparse
import json
from datetime import date

import numpy as np

from octlessons.evaluation.recordings import RECORDS
from octlessons.evaluation.uncertainty import student_margin
from octlessons.images import draw_phantoms
from octlessons.images.cleaning import clean
from octlessons.images.phantoms.population import CLASS_MIX

RECORD = RECORDS / "ingredients.json"
SIDE, EPOCHS, N_TRAIN, N_TEST, FIRST_SEED = 32, 40, 400, 100, 6000
WAYS = {
    "neither": {"class_weight": None, "dropout": 0.0},
    "weights": {"class_weight": "balanced", "dropout": 0.0},
    "dropout": {"class_weight": None, "dropout": 0.5},
    "both": {"class_weight": "balanced", "dropout": 0.5},
}


def main(argv: list[str] | None = None) -> None:
    """Train, print and, where asked to, record."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--draws", type=int, default=10)
    parser.add_argument("--quick", action="store_true", help="two draws of two epochs")
    parser.add_argument("--write", action="store_true", help=f"into {RECORD.name}")
    options = parser.parse_args(argv if argv is not None else [])
    draws, epochs = (2, 2) if options.quick else (options.draws, EPOCHS)
    runs = [run(FIRST_SEED + draw, epochs) for draw in range(draws)]
    found = summary(runs, epochs)
    print(json.dumps(found, indent=1))
    if options.write:
        RECORD.write_text(json.dumps(found, indent=1) + "\n")


def run(seed: int, epochs: int) -> dict[str, list[float]]:
    """Recalls, accuracy in the natural mix, and accuracy on the training scans, for each way."""
    from octlessons.networks import SmallCNN

    def cleaned(scan):
        return clean(scan, size=SIDE)

    def drawn(**how):
        scans = draw_phantoms(size=64, **how)
        return scans.map(cleaned, "cleaned", shape=(SIDE, SIDE))

    train, test = drawn(n=N_TRAIN, seed=seed), drawn(n_per_class=N_TEST, seed=seed + 500)
    mix = np.array([CLASS_MIX[name] for name in test.class_names])
    scores = {}
    for way, settings in WAYS.items():
        fitted = SmallCNN(
            size=SIDE, width=8, max_iter=epochs, batch_size=16, validation_fraction=0,
            random_state=seed, **settings,
        ).fit(train)  # fmt: skip
        right = fitted.predict(test) == test.labels
        recalls = [right[test.labels == c].mean() for c in range(len(mix))]
        on_train = np.mean(fitted.predict(train) == train.labels)
        scores[way] = [*map(float, recalls), float(mix @ recalls / mix.sum()), float(on_train)]
    print(seed, scores, flush=True)
    return scores


def summary(runs: list[dict], epochs: int) -> dict:
    """Means over the draws, and the paired difference that each ingredient makes."""
    columns = ["CNV", "DME", "DRUSEN", "NORMAL", "accuracy", "training accuracy"]
    table = {way: np.array([each[way] for each in runs]) for way in WAYS}
    table = {way: np.column_stack([v, v[:, :4].mean(axis=1)]) for way, v in table.items()}
    columns.append("balanced accuracy")

    def change(now: str, before: str) -> dict[str, list[float]]:
        gap = table[now] - table[before]
        mean, reach = gap.mean(axis=0), student_margin(gap)
        ends = np.column_stack([mean, mean - reach, mean + reach]).round(4).tolist()
        return dict(zip(columns, ends, strict=True))

    return {
        "command": "python -m tests.benchmarks.bench_ingredients --write",
        "date": date.today().isoformat(),
        "draws": len(runs), "epochs": epochs, "training scans": N_TRAIN,
        "means": {
            way: dict(zip(columns, values.mean(axis=0).round(4).tolist(), strict=True))
            for way, values in table.items()
        },
        "weights": change("weights", "neither"),
        "dropout": change("dropout", "neither"),
        "weights beside dropout": change("both", "dropout"),
        "dropout beside weights": change("both", "weights"),
    }  # fmt: skip


if __name__ == "__main__":
    import sys

    main(sys.argv[1:])
