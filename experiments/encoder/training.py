"""How the networks that ship with the package are trained, from phantoms alone.

``python -m experiments.encoder`` draws the phantoms, trains, exports to ONNX, and writes the model
card. The network of the layers comes first: both encoders see scans as it straightens them.
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
from octlessons.images.phantoms import ALL_CLASS_NAMES
from octlessons.images.retina import WORKING
from octlessons.representations.phantom_encoder import PhantomEncoder

_TRAINED_ON = {
    "layers": "phantoms with the layers, lesions and borders that were drawn; no scan of a patient",
    "labels": "phantoms with the class, layers and lesions that were drawn; no scan of a patient",
    "views": "phantoms without class or lesion: drawings of one slice by two scanners belong "
    "together; no scan of a patient",
}


def train_encoder(
    variant: str,
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
    variant : {"layers", "labels", "views"}
    out : path
        Folder of ``layers.onnx``, ``labels.onnx``, ``views.onnx`` and ``cards.json``.
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
    if variant not in RECIPES:
        raise ValueError(f"`variant` is one of {', '.join(RECIPES)}, not {variant!r}.")
    need_torch()
    recipe = RECIPES[variant] if recipe is None else recipe
    out = Path(out)
    work = out / "work" if work is None else Path(work)
    draw = partial(drawn_phantoms, folder=work, n_jobs=n_jobs, report=report)
    wanted = {"per_patient": recipe.per_patient, "twice": variant == "views"}
    phantoms = _gathered(
        [draw(*some, classes=ALL_CLASS_NAMES, **wanted) for some in recipe.phantoms]
    )
    network, trained = _trained(variant, recipe, phantoms, work, device, resume, report)
    data = _exported(variant, network)
    write_atomically(out / f"{variant}.onnx", data)
    tests_of = HELD_OUT if held_out is None else held_out
    card = {
        "file": f"{variant}.onnx",
        "variant": variant,
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
    if variant != "layers":
        card["dimensions"] = recipe.dimensions
    keep_card(out, variant, card)
    if variant != "layers":
        encoder = PhantomEncoder(variant, folder=out)
        card["phantoms"] = {name: judged(encoder, draw(*some)) for name, some in tests_of.items()}
        keep_card(out, variant, card)
        if report is not None:
            report(json.dumps(card["phantoms"]))
    return card


def _gathered(drawn: list[dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
    """All sets of phantoms as one."""
    return {name: np.concatenate([some[name] for some in drawn]) for name in drawn[0]}


def _trained(variant, recipe: Recipe, phantoms, work: Path, device, resume, report):
    """The network to ship, and what its card says of the training."""
    import torch

    from octlessons.networks import TrainingSettings, train
    from octlessons.networks.checkpoints import Checkpoint
    from octlessons.representations import choose_device, seeded

    device = choose_device(device)
    with seeded(recipe.seed):
        model, loss, names = _started(variant, recipe)
    model = model.to(memory_format=torch.channels_last)
    started = time.perf_counter()
    history = train(
        model,
        partial(loss, recipe),
        _Batches(recipe, *[phantoms[name] for name in names]),
        settings=TrainingSettings(
            max_iter=recipe.epochs,
            solver="adamw",
            learning_rate_init=recipe.learning_rate,
            alpha=recipe.weight_decay,
            schedule=_Schedule(recipe.warm_up),
            clip=5.0,
            precision="float32" if variant == "layers" else "bfloat16",
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
    network = model.average.network.cpu().eval()
    seconds = round(history.seconds)
    return network, {"history": history.epochs, "seconds": seconds, "machine": machine(device)}


def _started(variant: str, recipe: Recipe):
    """An untrained model, its loss, and the names of the arrays that it learns from."""
    from experiments.encoder import layers, losses, parts
    from octlessons.networks.encoder import Network

    if variant == "layers":
        model = parts.Averaged(layers.LayerNetwork(recipe.widths))
        return model, losses.of_layers, ("images", "codes", "lines", "valid")
    network = Network(recipe.widths, recipe.dimensions)
    if variant == "labels":
        model = parts.Labelled(network, len(ALL_CLASS_NAMES), recipe.sharpness)
        return model, losses.of_labels, ("images", "codes", "lines", "labels")
    names = ("images", "codes", "lines", "other_images", "other_codes", "other_lines")
    return parts.Viewed(network, recipe.prototypes), losses.of_views, names


def judged(encoder, phantoms: dict, seeds=range(10)) -> dict:
    """Neighbours and K-means of a representation on raw scans with labels and patients."""
    from sklearn.cluster import KMeans

    from octlessons.evaluation import agreement
    from octlessons.evaluation.neighbours import neighbour_labels

    rows, labels = encoder.transform(phantoms["images"]), phantoms["labels"]
    found = neighbour_labels(rows, labels, groups=phantoms["patients"])
    scores = []
    for seed in seeds:
        clusters = KMeans(len(np.unique(labels)), n_init=1, random_state=seed).fit_predict(rows)
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


def _exported(variant: str, network) -> bytes:
    """The network as one ONNX file, its normalisations folded, as `load_encoder` reads it."""
    import copy

    import torch

    from experiments.encoder import layers, parts
    from octlessons.networks.encoder import fold_norms
    from octlessons.representations.onnx import export

    network = copy.deepcopy(network).to(memory_format=torch.contiguous_format)
    fold_norms(network)
    side = WORKING, WORKING
    if variant == "layers":
        shipped = layers.ShippedLayers(network).eval()
        return export(shipped, {"scan": (1, *side)}, variant, False, layers.OUTPUTS)
    inputs = {"shown": (1, *side), "floor": (WORKING,), "reach": ()}
    return export(parts.Shipped(network).eval(), inputs, variant, False)
