"""Phantoms: how fast they are drawn, and how real they are.

Run as ``python -m tests.benchmarks.bench_phantoms [--seeds 3] [--n-per-class 500]``.

(a) Transfer: logistic regression on SqueezeNet features of phantoms, tested on real scans it has
    never seen; the penalty is chosen on held-out phantom patients.
(b) Realism: how well a classifier tells phantoms from real scans, both resized to 128 px, in
    cross-validation by patient; 0.5 would be perfect phantoms.
(c) Speed: images per second at 128 px on one core.

(a) and (b) need torch, and the real scans and weights in the folder OCTLESSONS_SHARED.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from pathlib import Path

import numpy as np

TARGET_TRANSFER, TARGET_SPEED = 0.65, 100


def find_shared() -> Path | None:
    """Return the folder with real scans and weights, or None."""
    named = os.environ.get("OCTLESSONS_SHARED")
    folder = Path(named) if named else Path(__file__).resolve().parents[2].parent / "shared"
    return folder if (folder / "data" / "oct2017_sample").is_dir() else None


def stretch(image: np.ndarray, size: int) -> np.ndarray:
    """Resize one image to a square, with the same filter for phantoms and real scans."""
    from PIL import Image

    return np.asarray(Image.fromarray(image).resize((size, size), Image.BILINEAR))


def read_real(shared: Path, size: int):
    """Return the real scans stretched to a square, their labels and patients."""
    from PIL import Image

    from octlessons.images.phantoms import CLASS_NAMES

    images, labels, patients = [], [], []
    for path in sorted((shared / "data" / "oct2017_sample").glob("*/*.jpeg")):
        images.append(stretch(np.asarray(Image.open(path).convert("L")), size))
        labels.append(CLASS_NAMES.index(path.parent.name))
        patients.append(path.stem.split("-")[1])
    return np.stack(images), np.array(labels), np.array(patients)


def measure_speed(size: int = 128, n: int = 240) -> float:
    """Images drawn per second of processor time, in this process."""
    from octlessons.images.phantoms import draw_phantoms

    draw_phantoms(8, size=size)
    start = time.process_time()
    draw_phantoms(n, size=size, seed=1)
    return n / (time.process_time() - start)


def choose_probe(x, y, groups):
    """Choose the penalty on held-out phantom patients and fit.

    The strongest penalty whose accuracy is within one standard error of the best: Hastie,
    Tibshirani and Friedman, The Elements of Statistical Learning (2009), section 7.10. The real
    scans play no part in it.

    Returns
    -------
    name : str
    score : float
        Accuracy on held-out phantom patients.
    probe : Pipeline
        Fitted on all phantoms.
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import GroupKFold, cross_val_score
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    penalties = (0.0003, 0.001, 0.003, 0.01, 0.03)
    probes = [
        make_pipeline(StandardScaler(), LogisticRegression(C=c, max_iter=500)) for c in penalties
    ]
    folds = np.array(
        [cross_val_score(p, x, y, groups=groups, cv=GroupKFold(5), n_jobs=1) for p in probes]
    )
    means, errors = folds.mean(1), folds.std(1, ddof=1) / np.sqrt(folds.shape[1])
    best = means.argmax()
    chosen = int(np.argmax(means >= means[best] - errors[best]))  # the first, strongest penalty
    return f"C={penalties[chosen]}", means[chosen], probes[chosen].fit(x, y)


def measure_transfer(shared: Path, seeds, n_per_class: int, network) -> list[dict]:
    """(a): one row per phantom seed."""
    from sklearn.metrics import confusion_matrix

    from octlessons.images.phantoms import CLASS_NAMES, draw_phantoms

    from . import squeezenet

    real, labels, _ = read_real(shared, 224)
    real_features = squeezenet.features(real, network)
    rows = []
    for seed in seeds:
        phantoms = draw_phantoms(n_per_class=n_per_class, size=224, seed=seed)
        x = squeezenet.features(phantoms.images, network)
        name, held_out, probe = choose_probe(x, phantoms.labels, phantoms.patients)
        predicted = probe.predict(real_features)
        rows.append(
            {
                "seed": int(seed),
                "probe": name,
                "phantom patients held out": round(float(held_out), 3),
                "real scans": round(float((predicted == labels).mean()), 3),
                "confusion (rows true, order " + " ".join(CLASS_NAMES) + ")": confusion_matrix(
                    labels, predicted, labels=range(4)
                ).tolist(),
            }
        )
        print(json.dumps(rows[-1]))
    return rows


def statistics(images: np.ndarray) -> np.ndarray:
    """Plain numbers of each image: histogram, neighbour differences, means and SDs of blocks."""
    x = images.astype(np.float32)
    histogram = np.stack(
        [np.histogram(image, bins=24, range=(0, 256), density=True)[0] for image in images]
    )
    down, across = np.abs(np.diff(x, axis=1)), np.abs(np.diff(x, axis=2))
    texture = np.stack([d.mean((1, 2)) for d in (down, across)], 1)
    blocks = x.reshape(len(x), 8, x.shape[1] // 8, 8, x.shape[2] // 8)
    return np.hstack([histogram * 255, texture, blocks.mean((2, 4)).reshape(len(x), -1),
                      blocks.std((2, 4)).reshape(len(x), -1)])  # fmt: skip


def measure_realism(shared: Path, network, seed: int = 100) -> dict:
    """(b): balanced accuracy of phantom against real, folds by patient, classes matched."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import balanced_accuracy_score
    from sklearn.model_selection import StratifiedGroupKFold, cross_val_predict
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    from octlessons.images.phantoms import draw_phantoms

    from . import squeezenet

    real, labels, patients = read_real(shared, 128)
    phantoms = draw_phantoms(n_per_class=60, size=384, seed=seed)
    _, first = np.unique(phantoms.patients, return_index=True)  # one scan of each patient
    chosen = np.concatenate(
        [first[phantoms.labels[first] == c][: (labels == c).sum()] for c in range(4)]
    )
    drawn = np.stack([stretch(image, 128) for image in phantoms.images[chosen]])
    both = np.concatenate([drawn, real])
    is_real = np.repeat([0, 1], [len(chosen), len(real)])
    groups = np.concatenate([phantoms.patients[chosen], patients])
    probe = make_pipeline(
        StandardScaler(), LogisticRegression(C=0.01, max_iter=2000, class_weight="balanced")
    )
    result = {}
    for name, x in (
        ("SqueezeNet features", squeezenet.features(both, network)),
        ("plain statistics", statistics(both)),
        ("mean and SD only", np.stack([both.mean((1, 2)), both.std((1, 2))], 1)),
    ):
        scores = []
        for repeat in range(5):
            folds = StratifiedGroupKFold(5, shuffle=True, random_state=repeat)
            guess = cross_val_predict(probe, x, is_real, groups=groups, cv=folds)
            scores.append(balanced_accuracy_score(is_real, guess))
        result[name] = round(float(np.mean(scores)), 3)
    return result


def main(argv=None) -> None:
    """Print the three measurements."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seeds", type=int, default=3, help="phantom sets for (a)")
    parser.add_argument("--n-per-class", type=int, default=500)
    options = parser.parse_args(argv)
    speed = measure_speed()
    print(f"(c) speed: {speed:.0f} images/s at 128 px on one core (target {TARGET_SPEED})")
    shared = find_shared()
    try:
        import torch
    except ImportError:
        print("(a), (b) skipped: torch is not installed; install octlessons[deep].")
        return
    if shared is None:
        print("(a), (b) skipped: no real scans; set OCTLESSONS_SHARED to the folder with "
              "data/oct2017_sample and weights.")  # fmt: skip
        return
    from . import squeezenet

    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "2")))
    network = squeezenet.load(shared)
    rows = measure_transfer(shared, range(11, 11 + options.seeds), options.n_per_class, network)
    mean = np.mean([row["real scans"] for row in rows])
    print(f"(a) transfer to real scans: {mean:.3f}, mean of {len(rows)} phantom sets "
          f"(target {TARGET_TRANSFER}, chance 0.29, ceiling 0.80)")  # fmt: skip
    print("(b) phantom told from real (balanced accuracy, 0.5 is perfect):",
          json.dumps(measure_realism(shared, network)))  # fmt: skip


if __name__ == "__main__":
    main()
