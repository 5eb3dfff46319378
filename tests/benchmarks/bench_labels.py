"""Which scans to label: at random, one per cluster, or the uncertain ones, on many draws.

Run as ``python -m tests.benchmarks.bench_labels [--draws 10] [--write]``; with ``--write`` the
result goes to ``octlessons/evaluation/records/labels.json``, which chapter 11 reads.

Each draw has new phantoms: a pool of 200 scans in the class mix of Kermany et al., and 200 test
scans of other patients, 50 of each class. Rows are those of ``PhantomEncoder("views")``, which
learnt without class labels. Each way chooses five times; a linear rule learns from the chosen
scans. Differences from random choice are paired by draw; their 95 % intervals are t-intervals
over the draws.
"""

from __future__ import annotations

import argparse
import json
from datetime import date

import numpy as np

from octlessons.evaluation import linear_rule, mean_recall, most_uncertain, one_per_cluster
from octlessons.evaluation.recordings import RECORDS
from octlessons.evaluation.uncertainty import student_margin
from octlessons.images import draw_phantoms

N_POOL, N_TEST, REPEATS, FIRST_SEED = 200, 50, 5, 7000
BUDGETS = (10, 20, 40)
WAYS = ("random", "one per cluster", "uncertain")


def main(argv: list[str] | None = None) -> None:
    """Choose, learn, print and, where asked to, record."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--draws", type=int, default=10)
    parser.add_argument("--quick", action="store_true", help="three draws")
    parser.add_argument("--write", action="store_true", help="into labels.json")
    options = parser.parse_args(argv if argv is not None else [])
    draws = 3 if options.quick else options.draws
    found = summary(np.array([run(FIRST_SEED + draw) for draw in range(draws)]))
    print(json.dumps(found, indent=1))
    if options.write:
        (RECORDS / "labels.json").write_text(json.dumps(found, indent=1) + "\n")


def run(seed: int) -> np.ndarray:
    """Balanced accuracy of one draw, shape (budgets, ways)."""
    from octlessons.representations import PhantomEncoder

    encoder = PhantomEncoder("views")
    pool = draw_phantoms(n=N_POOL, size=96, seed=seed)
    test = draw_phantoms(n_per_class=N_TEST, size=96, seed=seed + 500)
    rows, labels, asked = encoder.fit_transform(pool), pool.labels, encoder.fit_transform(test)
    scores = np.zeros((len(BUDGETS), len(WAYS)))
    for i, n in enumerate(BUDGETS):
        for repeat in range(REPEATS):
            chosen = (
                np.random.default_rng(repeat).permutation(len(rows))[:n],
                one_per_cluster(rows, n, repeat),
                most_uncertain(rows, labels, n, repeat),
            )
            for j, which in enumerate(chosen):
                fitted = linear_rule().fit(rows[which], labels[which])
                scores[i, j] += mean_recall(test.labels, fitted.predict(asked)) / REPEATS
    print(seed, scores.round(3).tolist(), flush=True)
    return scores


def summary(scores: np.ndarray) -> dict:
    """Means and paired differences of scores, shape (draws, budgets, ways)."""
    n = len(scores)
    gains = scores[:, :, 1:] - scores[:, :, :1]
    mean, reach = gains.mean(axis=0), student_margin(gains)
    ends = np.stack([mean, mean - reach, mean + reach], axis=-1).round(4).tolist()
    return {
        "command": "python -m tests.benchmarks.bench_labels --write",
        "date": date.today().isoformat(), "draws": n, "pool": N_POOL,
        "means": {
            str(budget): dict(zip(WAYS, row, strict=True))
            for budget, row in zip(BUDGETS, scores.mean(axis=0).round(4).tolist(), strict=True)
        },
        "over random": {
            str(budget): dict(zip(WAYS[1:], row, strict=True))
            for budget, row in zip(BUDGETS, ends, strict=True)
        },
    }  # fmt: skip


if __name__ == "__main__":
    import sys

    main(sys.argv[1:])
