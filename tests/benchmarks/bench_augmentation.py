"""Augmentation: speed of the pipelines, what survives each change, and what copies buy.

Speed is given against the cheapest copy there is, ``np.fliplr``, and against one rotation by
scikit-image, both timed in the same run.
"""

from __future__ import annotations

import argparse
import time

import numpy as np


def main(argv: list[str] | None = None) -> None:
    """Print the three tables."""
    parser = argparse.ArgumentParser(prog="bench_augmentation", description=__doc__)
    parser.add_argument("--n", type=int, default=200, help="images to time")
    parser.add_argument("--seeds", type=int, default=4, help="draws of the learning curves")
    arguments = parser.parse_args(argv)
    speed(arguments.n)
    survival()
    learning(arguments.seeds)


def speed(n: int) -> None:
    """Images per second of each pipeline, with and without the truth."""
    from skimage.transform import rotate

    from octlessons.augmentation import augment, augmenter
    from octlessons.images import draw_phantoms

    images = draw_phantoms(n, size=128)
    colour = np.repeat(images.images[..., None], 3, axis=-1)
    oct_safe = augmenter("oct_safe")
    oct_safe(images[0])  # imports
    ways = {
        "np.fliplr, copied (baseline)": lambda: [np.fliplr(x).copy() for x in images],
        "scikit-image rotate, reflected": lambda: [
            rotate(x, 7, mode="reflect", preserve_range=True).astype(np.uint8) for x in images
        ],
        "oct_safe": lambda: [oct_safe(x, index=i) for i, x in enumerate(images)],
        "oct_safe with truth": lambda: augment(images, oct_safe, keep_originals=False),
    }
    for name in ("oct_unsafe", "histology", "dermoscopy"):
        made = augmenter(name)
        pictures = images.images if name == "oct_unsafe" else colour
        ways[name] = lambda made=made, pictures=pictures: [
            made(x, index=i) for i, x in enumerate(pictures)
        ]
        if name == "oct_unsafe":
            ways["oct_unsafe with truth"] = lambda made=made: augment(
                images, made, keep_originals=False
            )
    print(f"{n} images of 128 px")
    print(f"{'':<32}{'images/s':>10}{'against scikit-image':>22}")
    times = {}
    for name, run in ways.items():
        best = np.inf
        for _ in range(3):
            start = time.perf_counter()
            run()
            best = min(best, time.perf_counter() - start)
        times[name] = best
    for name, best in times.items():
        ratio = times["scikit-image rotate, reflected"] / best
        print(f"{name:<32}{n / best:>10,.0f}{ratio:>21.2f}×")


def survival() -> None:
    """What each change does to the truth and to the fixed classifier."""
    from octlessons.evaluation import survival_table

    start = time.perf_counter()
    table = survival_table()
    took = time.perf_counter() - start
    print(f"\nWhat survives (in {took:.0f} s)")
    print(table)
    for row in table:
        if row.reasons:
            print(f"{row.name}: {'; '.join(row.reasons)}.")


def learning(n_seeds: int) -> None:
    """Learning curves with and without copies, and the score of splitting after augmenting."""
    from octlessons.augmentation import augment
    from octlessons.evaluation import augmentation_curve, small_classifier
    from octlessons.images import draw_phantoms

    train, test = draw_phantoms(n_per_class=160, size=128, seed=0).split(0.5)
    sizes = (5, 10, 20, 50)
    curves = {
        steps: augmentation_curve(train, test, sizes, steps=steps, seeds=n_seeds)
        for steps in (None, "oct_safe", "oct_unsafe")
    }
    print()
    for steps, curve in curves.items():
        print(curve)
        if steps:
            gains = curve.gain_over(curves[None])
            print("gain: " + ", ".join(f"{size}: {gain}" for size, gain in gains.items()))

    few = train.balanced(50)
    everything = augment(few, "oct_safe", copies=4, truth=False)
    order = np.random.default_rng(0).permutation(len(everything))
    held, rest = everything[order[: len(order) // 4]], everything[order[len(order) // 4 :]]
    model = small_classifier().fit(rest, rest.labels)
    print(
        f"\nAugmented, then split: {model.score(held, held.labels):.2f}; "
        f"the same classifier on new patients: {model.score(test, test.labels):.2f}"
    )


if __name__ == "__main__":
    main()
