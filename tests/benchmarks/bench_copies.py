"""Do altered copies help a network when scans are few? Run for the chapter on augmentation.

Run as ``python -m tests.benchmarks.bench_copies [--draws 16] [--jobs 2] [--record]``.

In each draw of phantoms, other patients are trained and tested on. `SmallCNN` learns from a few
scans of each class for a fixed number of steps: from the scans as they are, or altered anew
whenever they are used, by safe or by unsafe changes. The scans, the first weights and the number of
steps are the same, so the differences are those of the changes.
"""

from __future__ import annotations

import argparse
import json
from concurrent.futures import ProcessPoolExecutor, as_completed
from datetime import date

import numpy as np

from octlessons.evaluation.records import RECORDS

KINDS = {"none": None, "safe": "oct_safe", "unsafe": "oct_unsafe"}
SIZES, STEPS, BATCH = (10, 20, 40), 300, 32
#: Seeds of the phantoms begin here.
FIRST = 9_000


def main(argv: list[str] | None = None) -> None:
    """Print the mean scores and paired gains; with ``--record`` keep them for the page."""
    options = _options().parse_args(argv if argv is not None else [])
    found: dict[int, dict] = {}
    with ProcessPoolExecutor(options.jobs) as pool:
        coming = {pool.submit(one_draw, draw, options.steps): draw for draw in range(options.draws)}
        for done in as_completed(coming):
            found[coming[done]] = done.result()
            result = gathered(found, options)
            print(*told(result), sep="\n", flush=True)
            if options.record:
                text = json.dumps(result, indent=1) + "\n"
                (RECORDS / "copies.json").write_text(text, "utf-8")


def one_draw(draw: int, steps: int) -> dict[str, dict[int, float]]:
    """Balanced accuracy of each kind at each size, on one draw of patients."""
    import torch

    from octlessons.evaluation import augmentation_curve
    from octlessons.images import draw_phantoms
    from octlessons.networks import SmallCNN

    torch.set_num_threads(1)
    phantoms = draw_phantoms(n_per_class=110, size=64, seed=FIRST + draw)
    train, test = phantoms.split(0.55, by="patient", random_state=0)
    scores: dict[str, dict[int, float]] = {kind: {} for kind in KINDS}
    for size in SIZES:
        n = size * len(phantoms.class_names)
        for kind, changes in KINDS.items():
            network = SmallCNN(
                size=48, width=8, mirror=False, augment=changes, batch_size=BATCH,
                max_iter=round(steps / np.ceil(n / BATCH)), validation_fraction=0,
                n_iter_no_change=None, device="cpu", random_state=draw,
            )  # fmt: skip
            how = {"seeds": [draw], "classifier": network, "n_bootstrap": 2}
            curve = augmentation_curve(train, test, [size], **how)
            scores[kind][size] = round(float(curve.means[0]), 4)
    return scores | {"n_test": len(test)}


def gathered(found: dict[int, dict], options) -> dict:
    """What is recorded of the draws that are done."""
    draws = sorted(found)
    return {
        "command": "python -m tests.benchmarks.bench_copies --record "
        f"--draws {options.draws} --steps {options.steps}",
        "date": date.today().isoformat(),
        "sizes": SIZES, "steps": options.steps, "draws": len(draws),
        "n_test": int(np.mean([found[draw]["n_test"] for draw in draws])),
        "scores": {
            kind: {size: [found[draw][kind][size] for draw in draws] for size in SIZES}
            for kind in KINDS
        },
    }  # fmt: skip


def told(result: dict):
    """Lines: means, and paired gains with their standard errors."""
    scores = {k: {n: np.array(v) for n, v in of.items()} for k, of in result["scores"].items()}
    yield f"{result['draws']} draws"
    for size in SIZES:
        none = scores["none"][size]
        line = f"  {size:>3} per class: none {none.mean():.3f}"
        for kind in ("safe", "unsafe"):
            gain = scores[kind][size] - none
            error = gain.std(ddof=1) / len(gain) ** 0.5 if len(gain) > 1 else np.nan
            line += f"; {kind} {gain.mean():+.3f} ± {error:.3f}"
        yield line


def _options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--draws", type=int, default=16)
    parser.add_argument("--steps", type=int, default=STEPS)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--record", action="store_true")
    return parser


if __name__ == "__main__":
    import sys

    main(sys.argv[1:])
