"""The trainings of chapters 8 and 10 on several draws of phantoms, for the pages to read.

Run as ``python -m tests.benchmarks.bench_trainings {autoencoders,views} [--draws 8]``. Each draw
has other patients; what is compared is compared within a draw. Draws that are in
`octlessons/evaluation/records/trainings.json` already are kept, so a run that was stopped goes on;
``--again`` begins anew. One draw takes about a minute and a half on one core.
"""

from __future__ import annotations

import argparse
import datetime
import json
import warnings
from typing import Any

import numpy as np
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA
from sklearn.metrics import adjusted_mutual_info_score, adjusted_rand_score

from octlessons._files import write_atomically
from octlessons.evaluation import neighbour_accuracy, neighbour_labels, things_known
from octlessons.evaluation.draws import FIRST_SEED
from octlessons.evaluation.recordings import RECORDS
from octlessons.images import draw_phantoms
from octlessons.images.cleaning import clean
from octlessons.images.imageset import resize_image
from octlessons.representations import VariancePCA

RECORD = RECORDS / "trainings.json"
SIZE, N_PER_CLASS = 64, 100

#: Chapter 8: the recipe, one change at a time, and two controls.
RECIPE: dict[str, Any] = dict(
    size=SIZE,
    channels=1,
    depth=2,
    code_channels=1,
    width=8,
    learning_rate_init=0.01,
    batch_size=16,
    max_iter=17,
)
#: Networks whose code sees the whole scan, for codes of few numbers.
DEEP = {**RECIPE, "batch_norm": True, "upsampling": "transposed"}
CODERS: dict[str, dict] = {
    "the recipe": RECIPE,
    "transposed convolution": {**RECIPE, "upsampling": "transposed"},
    "perceptual loss": {**RECIPE, "loss": "perceptual", "perceptual_network": "phantoms"},
    "batch normalisation": {**RECIPE, "batch_norm": True},
    "one level deeper": {**RECIPE, "depth": 3, "code_channels": 4},
    "twice the epochs": {**RECIPE, "max_iter": 34},
    "not trained": {**RECIPE, "max_iter": 1, "learning_rate_init": 1e-9},
    "smoothed target": {**RECIPE, "loss": lambda rebuilt, scan: _smoothed(rebuilt, scan)},
    "2 numbers": {**DEEP, "depth": 6, "code_channels": 2},
    "8 numbers": {**DEEP, "depth": 5, "code_channels": 2},
    "32 numbers": {**DEEP, "depth": 4, "code_channels": 2},
    "512 numbers": {**DEEP, "depth": 3, "code_channels": 8},
    "32 numbers, masked": {**DEEP, "depth": 4, "code_channels": 2, "masked": 0.5},
}
#: Chapter 10.
SETTINGS = {"size": SIZE, "clean": False, "max_iter": 20}


def main(argv: list[str] | None = None) -> None:
    """Record what is not recorded yet."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("which", nargs="?", choices=["autoencoders", "views"])
    parser.add_argument("--draws", type=int, default=8)
    parser.add_argument("--again", action="store_true")
    options = parser.parse_args(argv if argv is not None else [])
    for which in [options.which] if options.which else ["autoencoders", "views"]:
        done = {} if options.again else _kept().get(which, {}).get("draws", {})
        for seed in range(FIRST_SEED, FIRST_SEED + options.draws):
            if str(seed) not in done:
                done[str(seed)] = {"autoencoders": autoencoders, "views": views}[which](seed)
                _keep(which, done, options.draws)
                print(f"{which}, draw {seed}", flush=True)


def _kept() -> dict:
    return json.loads(RECORD.read_text("utf-8")) if RECORD.is_file() else {}


def _keep(which: str, done: dict, draws: int) -> None:
    command = f"python -m tests.benchmarks.bench_trainings {which} --draws {draws}"
    date = datetime.date.today().isoformat()
    kept = _kept() | {which: {"command": command, "date": date, "draws": done}}
    text = json.dumps(kept, indent=1, sort_keys=True) + "\n"
    write_atomically(RECORD, lambda stream: stream.write(text.encode()))


# ---------------------------------------------------------------------- chapter 8


def autoencoders(seed: int) -> dict[str, dict[str, float]]:
    """Error, clusters and neighbours of every network, and of what it is compared with."""
    from octlessons.networks import ConvAutoencoder, deep_clusters

    drawn = draw_phantoms(n_per_class=N_PER_CLASS, size=96, seed=seed)
    scans = _cleaned(drawn).map(_even, "evened", shape=(SIZE, SIZE))
    train, valid = scans.split(test_size=0.3, by="patient", random_state=0)
    pixels, shown, hidden = (
        np.asarray(s.images).reshape(len(s), -1) / 255 for s in (scans, train, valid)
    )
    rows = _compared(scans, pixels, shown, hidden)
    for name, settings in CODERS.items():
        coder = ConvAutoencoder(**settings, random_state=0).fit(train, X_val=valid)
        error = coder.reconstruction_error(valid).mean()
        rows[name] = _judged(coder.transform(scans), scans, error=error)
        if name == "8 numbers":
            found = deep_clusters(coder, scans, 4)
            rows["8 numbers, pulled together"] = _judged(found.codes, scans, found.labels) | _sure(
                found
            )
            rows["one cloud, pulled together"] = _sure(deep_clusters(coder, _cloud(pixels), 4))
    return rows


def _compared(scans, pixels, shown, hidden) -> dict[str, dict[str, float]]:
    """The mean scan, thumbnails and PCA."""
    small = np.array(
        [resize_image(s.astype(np.float32), (16, 16)) for s in pixels.reshape(-1, SIZE, SIZE)]
    )
    large = [
        resize_image(resize_image(s.astype(np.float32), (16, 16)), (SIZE, SIZE))
        for s in hidden.reshape(-1, SIZE, SIZE)
    ]
    error = ((np.reshape(large, hidden.shape) - hidden) ** 2).mean()
    rows = {"thumbnail, 256 numbers": _judged(small.reshape(len(small), -1), scans, error=error)}
    pca = VariancePCA(1.0).fit(shown)
    for m in (2, 8, 32, 256):
        kept, centred = pca.components_[:m], hidden - pca.mean_
        error = ((centred - centred @ kept.T @ kept) ** 2).mean()
        rows[f"PCA, {m} numbers"] = _judged(pca.transform(pixels)[:, :m], scans, error=error)
    return rows


def _cloud(pixels: np.ndarray) -> np.ndarray:
    """Images from one normal distribution, as wide as the scans in each of 50 directions."""
    pca = PCA(50, random_state=0).fit(pixels)
    wide = pca.transform(pixels).std(axis=0)
    scores = np.random.default_rng(0).normal(size=(len(pixels), len(wide))) * wide
    images = np.clip(pca.inverse_transform(scores), 0, 1) * 255
    return images.astype(np.uint8).reshape(-1, SIZE, SIZE)


def _sure(found) -> dict[str, float]:
    """How large the largest share is, on average, before and after."""
    before, after = found.before.max(axis=1).mean(), found.shares.max(axis=1).mean()
    return {"sure before": float(before), "sure": float(after)}


def _smoothed(rebuilt, scan):
    from torch.nn.functional import avg_pool2d

    target = avg_pool2d(scan, 5, stride=1, padding=2, count_include_pad=False)
    return ((rebuilt - target) ** 2).mean()


def _even(scan: np.ndarray) -> np.ndarray:
    return np.clip(85 + 45 * (scan - scan.mean()) / max(scan.std(), 1), 0, 255).astype(np.uint8)


# ---------------------------------------------------------------------- chapter 10


def views(seed: int) -> dict[str, dict[str, float]]:
    """Neighbours, clusters and spread of networks that learn from views."""
    from octlessons.networks import SelfSupervised
    from octlessons.representations import Pixels

    drawn = draw_phantoms(n_per_class=N_PER_CLASS, size=192, seed=seed)
    flat = _cleaned(drawn)
    things = {"patient": drawn.patients, **things_known(drawn)}
    rows = Pixels(size=SIZE).transform(flat)
    rows = (rows - rows.mean(axis=1, keepdims=True)) / rows.std(axis=1, keepdims=True)
    found, sorted_ = {"pixels": _judged(rows, flat) | _followed(_sort(rows), things)}, {}
    trainings = {
        "untrained": {"max_iter": 0},
        "keep_anatomy": {},
        "keep_anatomy, another seed": {"random_state": 1},
        "keep_appearance": {"views": "keep_appearance"},
        "positives: patient": {"positives": "patient"},
        "pull only": {"method": _pull, "max_iter": 10},
    }
    right = {}
    for name, changes in trainings.items():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model = SelfSupervised(**{**SETTINGS, **changes}).fit(flat)
        rows = model.transform(flat)
        sorted_[name] = _sort(rows)
        right[name] = neighbour_labels(rows, flat.labels, groups=flat.patients) == flat.labels
        spread = {f"spread of the {part}": value for part, value in model.spread(flat).items()}
        found[name] = _judged(rows, flat, sorted_[name]) | _followed(sorted_[name], things) | spread
        held = np.isin(np.arange(len(flat)), model.validation_)
        found[name] |= {
            "held out": float(right[name][held].mean()),
            "trained on": float(right[name][~held].mean()),
        }
    same = adjusted_rand_score
    found["clusterings"] = {
        "two lists": same(sorted_["keep_anatomy"], sorted_["keep_appearance"]),
        "two seeds": same(sorted_["keep_anatomy"], sorted_["keep_anatomy, another seed"]),
    }
    return found


def _pull(first, second):
    from torch.nn.functional import cosine_similarity

    return (1 - cosine_similarity(first, second)).mean()


def _followed(clusters, things) -> dict[str, float]:
    return {
        f"AMI {name}": adjusted_mutual_info_score(values, clusters)
        for name, values in things.items()
    }


# ---------------------------------------------------------------------- both


def _cleaned(drawn):
    return drawn.map(lambda scan: clean(scan, size=SIZE), "cleaned", shape=(SIZE, SIZE))


def _sort(rows: np.ndarray) -> np.ndarray:
    return KMeans(4, n_init=10, random_state=0).fit_predict(rows)


def _judged(rows, scans, clusters=None, error: float | None = None) -> dict[str, float]:
    clusters = _sort(rows) if clusters is None else clusters
    votes = neighbour_accuracy(rows, scans.labels, groups=scans.patients, n_bootstrap=1)
    found = {
        "ARI": adjusted_rand_score(scans.labels, clusters),
        "AMI diagnosis": adjusted_mutual_info_score(scans.labels, clusters),
        "neighbours": float(votes),
    }
    return found if error is None else found | {"error": float(error)}


if __name__ == "__main__":
    import sys

    main(sys.argv[1:])
