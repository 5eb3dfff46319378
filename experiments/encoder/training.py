"""How the encoders that ship with the package are trained, from phantoms alone.

``python -m experiments.encoder`` draws the phantoms, trains, exports to ONNX, and writes the model
card.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Callable
from datetime import date
from functools import partial
from pathlib import Path

import numpy as np

from experiments.encoder.card import keep_card, machine
from experiments.encoder.phantoms import drawn_phantoms
from experiments.encoder.recipes import HELD_OUT, RECIPES, Recipe, as_plain
from octlessons._files import write_atomically
from octlessons._optional import need_torch
from octlessons.images.phantoms import CLASS_NAMES
from octlessons.representations.phantom_encoder import INPUT, VARIANTS, PhantomEncoder

_TRAINED_ON = {
    "labels": "phantoms with the class, layers and lesions that were drawn; no scan of a patient",
    "views": "phantoms without any label: altered copies of two scans of one phantom patient "
    "belong together; no scan of a patient",
}


def train_encoder(
    variant: str = "labels",
    out: str | os.PathLike = "encoders",
    *,
    recipe: Recipe | None = None,
    work: str | os.PathLike | None = None,
    device: str = "auto",
    n_jobs: int = 1,
    resume: bool = True,
    held_out: dict | None = None,
    report: Callable[[str], object] | None = print,
) -> dict:
    """Train an encoder from scratch and write its ONNX file and model card.

    Parameters
    ----------
    variant : {"labels", "views"}
    out : path
        Folder of ``labels.onnx`` or ``views.onnx`` and ``cards.json``.
    recipe : Recipe, optional
        Without it the one that made the shipped file.
    work : path, optional
        Folder of the phantoms and the checkpoint; ``work`` in `out` by default. A run that was
        interrupted goes on from there.
    device : str
        As for `octlessons.representations.choose_device`.
    n_jobs : int
        Processes that draw phantoms.
    resume : bool
        Whether to go on from a checkpoint.
    held_out : dict, optional
        Phantoms for the figures of the card: name → (n_per_class, seed, kind).
    report : callable, optional
        Takes a line of text for each step; None for silence.

    Returns
    -------
    dict
        The model card.
    """
    if variant not in VARIANTS:
        raise ValueError(f'`variant` is "labels" or "views", not {variant!r}.')
    need_torch()
    recipe = RECIPES[variant] if recipe is None else recipe
    out = Path(out)
    work = out / "work" if work is None else Path(work)
    draw = partial(drawn_phantoms, folder=work, n_jobs=n_jobs, report=report)
    phantoms = _gathered([draw(*some, per_patient=recipe.per_patient) for some in recipe.phantoms])
    tests_of = HELD_OUT if held_out is None else held_out
    tests = {name: draw(*some) for name, some in tests_of.items()}
    network, trained = _trained(variant, recipe, phantoms, work, device, resume, report)
    data = _exported(network)
    write_atomically(out / f"{variant}.onnx", data)
    card = {
        "file": f"{variant}.onnx",
        "variant": variant,
        "dimensions": recipe.dimensions,
        "sha256": hashlib.sha256(data).hexdigest(),
        "bytes": len(data),
        "parameters": sum(p.numel() for p in network.parameters()),
        "licence": "MIT",
        "trained on": _TRAINED_ON[variant],
        "not for": "clinical use of any kind; it is made for teaching and was never validated",
        "recipe": as_plain(recipe),
        "held out": {name: list(values) for name, values in tests_of.items()},
        **trained,
        "date": date.today().isoformat(),
    }
    keep_card(out, variant, card)
    encoder = PhantomEncoder(variant, folder=out)
    card["phantoms"] = {name: judged(encoder, phantoms) for name, phantoms in tests.items()}
    keep_card(out, variant, card)
    if report is not None:
        report(json.dumps(card["phantoms"]))
    return card


def _gathered(drawn: list[dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
    """All sets of phantoms as one, with the number of its set for each scan."""
    names = ("images", "codes", "labels", "patients")
    together = {name: np.concatenate([some[name] for some in drawn]) for name in names}
    together["sets"] = np.repeat(np.arange(len(drawn)), [len(some["labels"]) for some in drawn])
    return together


def _trained(variant, recipe: Recipe, phantoms, work: Path, device, resume, report):
    """The network to ship, and what its card says of the training."""
    import torch

    from experiments.encoder import parts
    from octlessons.networks import TrainingSettings, train
    from octlessons.networks.checkpoints import Checkpoint
    from octlessons.networks.encoder import Network
    from octlessons.representations import choose_device, seeded

    device = choose_device(device)
    with seeded(recipe.seed):
        network = Network(recipe.widths, recipe.dimensions)
        if variant == "labels":
            model = parts.Labelled(network, len(CLASS_NAMES), recipe.sharpness)
            loss, given = _of_labels, [phantoms[name] for name in ("images", "codes", "labels")]
        else:
            model, loss = parts.Viewed(network), _of_views
            partners = _Partners(phantoms["images"], phantoms["sets"], phantoms["patients"])
            given = [phantoms["images"], partners]
    model = model.to(memory_format=torch.channels_last)
    started = time.perf_counter()
    history = train(
        model,
        partial(loss, recipe),
        _Batches(recipe, *given),
        settings=TrainingSettings(
            max_iter=recipe.epochs,
            solver="adamw",
            learning_rate_init=recipe.learning_rate,
            alpha=recipe.weight_decay,
            schedule=_Schedule(recipe.warm_up),
            clip=5.0,
            precision="bfloat16",
            random_state=recipe.seed,
        ),
        checkpoint=Checkpoint(
            work / f"{variant}.checkpoint", {"variant": variant, "recipe": as_plain(recipe)}, resume
        ),
        device=device,
        report=report,
    )
    if report is not None:
        report(f"trained in {time.perf_counter() - started:.0f} s; exporting")
    shipped = parts.Shipped([model.average.network]).cpu().eval()
    seconds = round(history.seconds)
    return shipped, {"history": history.epochs, "seconds": seconds, "machine": machine(device)}


def judged(encoder, phantoms: dict, seeds=range(10)) -> dict:
    """Neighbours and K-means of a representation on raw scans with labels and patients."""
    from sklearn.cluster import KMeans

    from octlessons.evaluation import agreement
    from octlessons.evaluation.neighbours import neighbour_labels

    rows, labels = encoder.transform(phantoms["raw"]), phantoms["labels"]
    found = neighbour_labels(rows, labels, groups=phantoms["patients"])
    scores = []
    for seed in seeds:
        clusters = KMeans(len(CLASS_NAMES), n_init=1, random_state=seed).fit_predict(rows)
        score = agreement(labels, clusters, n_permutations=1, n_bootstrap=0)
        scores.append((score.ari, score.ami, score.accuracy))
    means = np.mean(scores, axis=0)
    return {
        "n": len(labels),
        "3-nn other patients": round(float(np.mean(found == labels)), 3),
        "ari": round(float(means[0]), 3),
        "ami": round(float(means[1]), 3),
        "matched accuracy": round(float(means[2]), 3),
    }


class _Schedule:
    """Rises in a line, falls as half a cosine."""

    def __init__(self, warm_up: float):
        self.warm_up = warm_up

    def __call__(self, epoch: int, epochs: int) -> float:
        at = (epoch - 0.5) / epochs
        if at < self.warm_up:
            return 0.1 + 0.9 * at / self.warm_up
        return 0.005 + 0.995 * 0.5 * (1 + np.cos(np.pi * (at - self.warm_up) / (1 - self.warm_up)))


class _Batches:
    """Batches of one epoch; the order of all phantoms follows from the seed, not the epoch."""

    def __init__(self, recipe: Recipe, *arrays: np.ndarray):
        self.recipe, self.arrays = recipe, arrays

    def __call__(self, epoch: int, rng: np.random.Generator):
        n, size = len(self.arrays[0]), self.recipe.batch_size
        first = (epoch - 1) * self.recipe.steps * size
        for start in range(first, first + self.recipe.steps * size, size):
            turns = np.arange(start, start + size) // n
            which = np.concatenate(
                [self._order(turn, n)[np.arange(start, start + size)[turns == turn] % n]
                 for turn in np.unique(turns)]
            )  # fmt: skip
            yield tuple(array[which] for array in self.arrays)

    def _order(self, turn: int, n: int) -> np.ndarray:
        if getattr(self, "_known", (None,))[0] != turn:
            rng = np.random.default_rng([self.recipe.seed, int(turn), 5])
            self._known = turn, rng.permutation(n)
        return self._known[1]


class _Partners:
    """For each scan another of the same patient, or itself where there is none."""

    def __init__(self, images: np.ndarray, sets: np.ndarray, patients: np.ndarray):
        self.images = images
        _, patient = np.unique(np.stack([sets, patients]), axis=1, return_inverse=True)
        order = np.argsort(patient.ravel(), kind="stable")
        patient = patient.ravel()[order]
        start = np.searchsorted(patient, patient)
        size = np.searchsorted(patient, patient, "right") - start
        following = start + (np.arange(len(order)) - start + 1) % size
        self.partner = np.empty_like(order)
        self.partner[order] = order[following]

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, which: np.ndarray) -> np.ndarray:
        return self.images[self.partner[which]]


def _of_labels(recipe: Recipe, model, batch):
    """Loss of `parts.Labelled`: classes, and what each part of the picture shows."""
    import torch
    from torch.nn.functional import log_softmax

    from experiments.encoder import parts

    images, codes, labels = batch
    with torch.no_grad(), torch.autocast(images.device.type, enabled=False):
        x, codes = parts.cut(images.float() / 255, codes, strength=recipe.strength)
        target = parts.softened(
            labels, codes, CLASS_NAMES.index("NORMAL"), len(CLASS_NAMES), recipe.smoothing
        )
        x = parts.relit(x, codes, recipe.strength)
        dense = parts.shares(codes)
    model.average.follow(model.network, recipe.memory)
    scores, seen = model(x.contiguous(memory_format=torch.channels_last))
    loss = -(target * log_softmax(scores.float(), 1)).sum(1).mean()
    if recipe.dense:
        loss = loss - recipe.dense * (dense * log_softmax(seen.float(), 1)).sum(1).mean()
    return loss


def _of_views(recipe: Recipe, model, batch):
    """Loss of `parts.Viewed`: altered scans of one patient belong together."""
    import torch

    from experiments.encoder import parts
    from octlessons.networks.losses import contrastive_loss

    with torch.no_grad(), torch.autocast(batch[0].device.type, enabled=False):
        views = [
            parts.relit(
                parts.cut(images.float() / 255, strength=recipe.strength)[0], None, recipe.strength
            )
            for images in batch
        ]
    model.average.follow(model.network, recipe.memory)
    rows = model(torch.cat(views).contiguous(memory_format=torch.channels_last))
    return contrastive_loss(*rows.float().chunk(2), recipe.temperature)


def _exported(network) -> bytes:
    """The network as one ONNX file, its normalisations folded, as `load_encoder` reads it."""
    import copy

    import torch

    from octlessons.networks.encoder import fold_norms
    from octlessons.representations.onnx import export

    network = copy.deepcopy(network).to(memory_format=torch.contiguous_format)
    fold_norms(network)
    return export(network, (1, *INPUT), "the encoder", progress=False)
