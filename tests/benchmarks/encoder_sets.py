"""What `bench_encoder` measures on, and with what: sets of scans, and representations of them."""

from __future__ import annotations

import csv
import os
import pickle
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
FIRST, SECOND = "first scanner", "second scanner"
#: Seed of the phantoms of 28 px, one that no recipe uses.
SMALL_SEED, SMALL_PER_CLASS = 904, 200


@dataclass(frozen=True)
class Scans:
    """Grey pictures in memory, each with its class and its patient."""

    pictures: list[np.ndarray]
    labels: np.ndarray
    groups: np.ndarray


@dataclass(frozen=True)
class Features:
    """Rows of one set, and the seconds of processor time that they took."""

    rows: np.ndarray
    seconds: float


# ---------------------------------------------------------------------- sets


def real_sets(shared: Path) -> dict[str, Scans]:
    """The samples of both scanners."""
    from octlessons.images import read_folder

    first = shared / "data" / "oct2017_sample"
    second = shared / "data" / "octdl_sample"
    sets = {FIRST: _in_memory(read_folder(first))}
    if (second / "manifest.csv").is_file():
        with open(second / "manifest.csv", encoding="utf-8", newline="") as stream:
            lines = list(csv.DictReader(stream))
        # The ids in its names do not separate patients: see the README beside the scans.
        columns = {"file": "file", "label": "class", "patient": "patient_group"}
        table = {ours: [line[theirs] for line in lines] for ours, theirs in columns.items()}
        sets[SECOND] = _in_memory(read_folder(second, table=table))
    return sets


def phantom_sets() -> dict[str, Scans]:
    """Phantoms never trained on: as drawn for everyone, with two other looks, and small ones."""
    from experiments.encoder.phantoms import drawn_phantoms
    from experiments.encoder.recipes import HELD_OUT
    from octlessons.images import draw_phantoms

    sets = {}
    for name, how in HELD_OUT.items():
        drawn = drawn_phantoms(*how)
        sets[name] = Scans(list(drawn["images"]), drawn["labels"], drawn["patients"])
    small = draw_phantoms(size=28, n_per_class=SMALL_PER_CLASS, seed=SMALL_SEED)
    return sets | {"28 px": _in_memory(small)}


def _in_memory(scans) -> Scans:
    names = np.asarray(scans.class_names)
    pictures = [np.asarray(image) for image in scans.images]
    return Scans(pictures, names[scans.labels], np.asarray(scans.patients))


# ---------------------------------------------------------------------- representations


def representations(sets: dict[str, Scans], shared: Path | None, quick: bool) -> Iterator[tuple]:
    """Names, and the features of every set: ``(name, {set: Features})``.

    What needs to learn (PCA, the autoencoder) learns from the scans of the set itself, without
    labels.
    """
    from octlessons.representations import find_weights
    from octlessons.representations.lite import LITE
    from octlessons.representations.phantom_encoder import VARIANTS

    computed = [_pixels, _flattened]
    if _has_torch():
        if not quick:
            computed.append(_autoencoder)
        if shared is not None:
            computed.append(_squeezenet(shared))
    if find_weights(LITE) is not None:
        computed.append(_lite)
    computed += [_shipped(variant) for variant in VARIANTS]
    for compute in computed:
        found: dict[str, dict[str, Features]] = {}
        for name, scans in sets.items():
            start = time.process_time()
            several = compute(scans.pictures)
            seconds = time.process_time() - start
            for kind, rows in several.items():
                found.setdefault(kind, {})[name] = Features(rows, seconds)
        yield from found.items()


def _has_torch() -> bool:
    try:
        import torch  # noqa: F401
    except ImportError:
        return False
    return True


def _pixels(pictures: list) -> dict[str, np.ndarray]:
    from octlessons.representations import Pixels

    return {"pixels, 64 px": Pixels(64).fit_transform(pictures)}


def _flattened(pictures: list) -> dict[str, np.ndarray]:
    from octlessons.representations import Pixels, VariancePCA

    rows = Pixels(64, clean=True).fit_transform(pictures)
    return {
        "flattened, 64 px": rows,
        "PCA 90 % of flattened": VariancePCA(0.9).fit_transform(rows),
    }


def _autoencoder(pictures: list) -> dict[str, np.ndarray]:
    from octlessons.networks import ConvAutoencoder

    rows = ConvAutoencoder(64, channels=1).fit_transform(pictures)
    return {"autoencoder, of these scans": rows}


def _squeezenet(shared: Path) -> Callable:
    from sklearn.decomposition import PCA
    from sklearn.preprocessing import normalize

    from . import squeezenet

    network = squeezenet.load(shared)

    def compute(pictures: list) -> dict[str, np.ndarray]:
        rows = normalize(squeezenet.features(pictures, network))
        return {
            "SqueezeNet of ImageNet": rows,
            "SqueezeNet, PCA 20": PCA(20, random_state=0).fit_transform(rows),
        }

    return compute


def _lite(pictures: list) -> dict[str, np.ndarray]:
    """Means of the last maps, the maps themselves, and 20 components of each."""
    from sklearn.decomposition import PCA
    from sklearn.preprocessing import normalize

    from octlessons.representations import PretrainedCNN
    from octlessons.representations.lite import LITE

    found = {}
    for form, pooled in (("pooled", True), ("maps", False)):
        network = PretrainedCNN(LITE, stretch=True, pooled=pooled, n_threads=1, progress=False)
        rows = normalize(network.fit_transform(pictures))
        # as many components as scans keep all distances, in fewer numbers
        every = PCA(min(rows.shape), svd_solver="full").fit_transform(rows)
        found[f"EfficientNet-Lite0 of ImageNet, {form}"] = rows if pooled else every
        found[f"EfficientNet-Lite0, {form}, PCA 20"] = every[:, :20]
    return found


def shipped_name(variant: str) -> str:
    """What the table calls a shipped encoder."""
    return f"shipped, {variant}"


def _shipped(variant: str) -> Callable:
    from octlessons.representations import PhantomEncoder

    encoder = PhantomEncoder(variant, n_threads=1)
    return lambda pictures: {shipped_name(variant): encoder.fit_transform(pictures)}


# ---------------------------------------------------------------------- the commit before

_THEN = """
import pickle, sys, time
from octlessons.representations import PhantomEncoder
sets = pickle.load(open(sys.argv[1], "rb"))
found = {}
for variant in ("labels", "views"):
    encoder = PhantomEncoder(variant, n_threads=1)
    for name, pictures in sets.items():
        start = time.process_time()
        rows = encoder.fit_transform(pictures)
        found.setdefault(variant, {})[name] = rows, time.process_time() - start
pickle.dump(found, open(sys.argv[2], "wb"))
"""


def of_commit(commit: str, sets: dict[str, Scans]) -> Iterator[tuple]:
    """The encoders of another commit, as `representations`, run in a worktree of their own.

    Raises
    ------
    OSError, subprocess.CalledProcessError
        If there is no git, no such commit, or its encoders do not run.
    """
    with tempfile.TemporaryDirectory() as folder:
        tree, given, taken = (Path(folder) / name for name in ("tree", "given", "taken"))
        git = ["git", "-C", str(ROOT), "worktree"]
        quiet = {"check": True, "capture_output": True, "text": True}
        subprocess.run([*git, "add", "--detach", str(tree), commit], **quiet)
        try:
            given.write_bytes(pickle.dumps({name: s.pictures for name, s in sets.items()}))
            command = [sys.executable, "-c", _THEN, str(given), str(taken)]
            environment = os.environ | {"PYTHONPATH": str(tree)}
            subprocess.run(command, cwd=tree, env=environment, **quiet)
            found = pickle.loads(taken.read_bytes())
        finally:
            subprocess.run([*git, "remove", "--force", str(tree)], **quiet | {"check": False})
    for variant, of_sets in found.items():
        features = {name: Features(*computed) for name, computed in of_sets.items()}
        yield f"before ({commit[:7]}), {variant}", features
