"""How the encoders that ship with the package are trained, from phantoms alone, by one command.

``octlessons train-encoder`` draws the phantoms, trains, exports to ONNX, and writes the model card.
`RECIPES` holds exactly what made the shipped files.
"""

from __future__ import annotations

import copy
import hashlib
import json
import os
import platform
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from datetime import date
from functools import partial
from pathlib import Path

import numpy as np

from experiments.encoder.phantoms import drawn_phantoms
from octlessons.errors import OctlessonsError
from octlessons.images.phantoms import CLASS_NAMES
from octlessons.representations.phantom_encoder import INPUT, VARIANTS


@dataclass(frozen=True)
class Recipe:
    """Everything that decides what an encoder becomes.

    Attributes
    ----------
    seed : int
        Of the network and the training; the phantoms have their own.
    phantoms : tuple of (int, int, str)
        Sets of phantoms: how many per class, seed, and kind (`encoder_phantoms.KINDS`).
    per_patient : int
        Most scans of one patient.
    widths : tuple of int
        Channels of the network's four stages.
    dimensions : int
        Length of a row.
    epochs, steps : int
        An epoch here is this many batches, drawn in an order that goes through all phantoms
        before it takes any a second time.
    batch_size, learning_rate, weight_decay, warm_up : number
        AdamW; the rate rises for the share `warm_up` of the epochs and falls as half a cosine.
    strength : float
        Of the random changes, 1 for the usual.
    sharpness, dense, smoothing : float
        For labels: scale of the cosines before the softmax; weight of the dense loss; label
        smoothing.
    temperature : float
        For views: of the contrast.
    memory : float
        Of the running mean of weights.
    """

    seed: int = 0
    phantoms: tuple[tuple[int, int, str], ...] = (
        (2500, 101, "wide"),
        (2500, 102, "wide"),
        (1500, 103, "wider"),
    )
    per_patient: int = 2
    widths: tuple[int, int, int, int] = (16, 32, 64, 128)
    dimensions: int = 64
    epochs: int = 40
    steps: int = 50
    batch_size: int = 96
    learning_rate: float = 3e-3
    weight_decay: float = 0.05
    warm_up: float = 0.15
    strength: float = 1.0
    sharpness: float = 12.0
    dense: float = 1.0
    smoothing: float = 0.05
    temperature: float = 0.1
    memory: float = 0.998


#: What made the shipped files.
RECIPES = {
    "labels": Recipe(),
    "views": Recipe(
        phantoms=((2500, 101, "wide"), (2500, 102, "wide")),
        epochs=14,
        learning_rate=2e-3,
        dense=0.0,
        temperature=0.2,
    ),
}

#: Phantoms of patients and seeds never trained on, as drawn for everyone and with a shifted look.
HELD_OUT = {"held out": (200, 901, "plain"), "shifted": (200, 902, "shifted")}


#: Every look at the 51 real scans while the recipes were made, in order: variant, batches, what
#: was new, three neighbours, and ARI of K-means. Recipes were chosen on shifted phantoms.
LOOKS = (
    ("labels", 350, "first try, 10,000 phantoms", 0.765, 0.467),
    ("labels", 1000, "longer, 20,000 phantoms", 0.843, 0.722),
    ("views", 700, "first try, 20,000 phantoms", 0.647, 0.219),
    ("labels", 2000, "longer, 6,000 phantoms with more varied lesions: shipped", 0.843, 0.719),
)

_TRAINED_ON = {
    "labels": "phantoms with the class, layers and lesions that were drawn; no scan of a patient",
    "views": "phantoms without any label: altered copies of two scans of one phantom patient "
    "belong together; no scan of a patient",
}


def as_plain(recipe: Recipe) -> dict:
    """The recipe as JSON gives it back."""
    return json.loads(json.dumps(asdict(recipe)))


def changed(variant: str, **values) -> Recipe:
    """The recipe of a variant with some values changed; None keeps one.

    `n_per_class` changes all sets of phantoms.

    Raises
    ------
    OctlessonsError
        If there is no such variant.
    """
    if variant not in RECIPES:
        raise OctlessonsError(f'There is no encoder "{variant}": choose from {", ".join(RECIPES)}.')
    given = {name: value for name, value in values.items() if value is not None}
    n = given.pop("n_per_class", None)
    if n is not None:
        given["phantoms"] = tuple((n, *rest) for _, *rest in RECIPES[variant].phantoms)
    return replace(RECIPES[variant], **given)


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
        As for `octlessons.representations.devices.choose_device`.
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
    from octlessons.networks import train
    from octlessons.representations import choose_device, need_torch, seeded

    if variant not in VARIANTS:
        raise ValueError(f'`variant` is "labels" or "views", not {variant!r}.')
    torch = need_torch()
    from octlessons.representations import encoder_network as parts

    recipe = RECIPES[variant] if recipe is None else recipe
    out = Path(out)
    work = out / "work" if work is None else Path(work)
    tell = report if report is not None else lambda line: None
    device = choose_device(device)
    drawn = [
        drawn_phantoms(
            n_per_class,
            phantom_seed,
            kind,
            per_patient=recipe.per_patient,
            folder=work,
            n_jobs=n_jobs,
            report=report,
        )
        for n_per_class, phantom_seed, kind in recipe.phantoms
    ]
    phantoms = {
        name: np.concatenate([some[name] for some in drawn])
        for name in ("images", "codes", "labels", "patients")
    }
    sets = np.repeat(np.arange(len(drawn)), [len(some["labels"]) for some in drawn])
    del drawn
    tests_of = HELD_OUT if held_out is None else held_out
    tests = {
        name: drawn_phantoms(n, seed, kind, folder=work, n_jobs=n_jobs, report=report)
        for name, (n, seed, kind) in tests_of.items()
    }
    with seeded(recipe.seed):
        network = parts.Network(recipe.widths, recipe.dimensions)
        if variant == "labels":
            model = parts.Labelled(network, len(CLASS_NAMES), recipe.sharpness)
            loss, given = _of_labels, [phantoms[name] for name in ("images", "codes", "labels")]
        else:
            model, loss = parts.Viewed(network), _of_views
            given = [phantoms["images"], _Partners(phantoms["images"], sets, phantoms["patients"])]
    model = model.to(memory_format=torch.channels_last)
    started = time.perf_counter()
    history = train(
        model,
        partial(loss, recipe),
        _Batches(recipe, *given),
        epochs=recipe.epochs,
        optimiser="adamw",
        learning_rate=recipe.learning_rate,
        weight_decay=recipe.weight_decay,
        schedule=_Schedule(recipe.warm_up),
        clip=5.0,
        precision="bfloat16",
        checkpoint=work / f"{variant}.checkpoint",
        resume=resume,
        key={"variant": variant, "recipe": as_plain(recipe)},
        device=device,
        seed=recipe.seed,
        report=report,
    )
    tell(f"trained in {time.perf_counter() - started:.0f} s; exporting")
    shipped = parts.Shipped([model.average.network]).cpu().eval()
    file = out / f"{variant}.onnx"
    data = _exported(shipped)
    card = {
        "file": file.name,
        "variant": variant,
        "dimensions": recipe.dimensions,
        "sha256": hashlib.sha256(data).hexdigest(),
        "bytes": len(data),
        "parameters": sum(p.numel() for p in shipped.parameters()),
        "licence": "MIT",
        "trained on": _TRAINED_ON[variant],
        "not for": "clinical use of any kind; it is made for teaching and was never validated",
        "recipe": as_plain(recipe),
        "held out": {name: list(values) for name, values in tests_of.items()},
        "history": history.epochs,
        "seconds": round(history.seconds),
        "machine": _machine(device),
        "date": date.today().isoformat(),
    }
    write(file, data)
    _keep_card(out, variant, card)
    from octlessons.representations.phantom_encoder import PhantomEncoder

    card["phantoms"] = {
        name: judged(PhantomEncoder(variant, folder=out), phantoms)
        for name, phantoms in tests.items()
    }
    _keep_card(out, variant, card)
    tell(json.dumps(card["phantoms"]))
    return card


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
    """Loss of `encoder_network.Labelled`: classes, and what each part of the picture shows."""
    import torch
    from torch.nn.functional import log_softmax

    from octlessons.representations import encoder_network as parts

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
    """Loss of `encoder_network.Viewed`: altered scans of one patient belong together."""
    import torch

    from octlessons.representations import encoder_network as parts

    with torch.no_grad(), torch.autocast(batch[0].device.type, enabled=False):
        views = [
            parts.relit(
                parts.cut(images.float() / 255, strength=recipe.strength)[0], None, recipe.strength
            )
            for images in batch
        ]
    model.average.follow(model.network, recipe.memory)
    rows = model(torch.cat(views).contiguous(memory_format=torch.channels_last))
    return parts.contrast(*rows.chunk(2), recipe.temperature)


def _exported(network) -> bytes:
    """The network as one ONNX file."""
    import io
    import warnings

    import torch

    stream = io.BytesIO()
    example = torch.rand(2, 1, *INPUT)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            copy.deepcopy(network).to(memory_format=torch.contiguous_format),
            (example,),
            stream,
            dynamo=False,
            input_names=["scan"],
            output_names=["row"],
            dynamic_axes={"scan": {0: "n"}, "row": {0: "n"}},
            opset_version=17,
        )
    return stream.getvalue()


def _keep_card(folder: Path, variant: str, card: dict) -> None:
    file = folder / "cards.json"
    cards = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    cards[variant] = card
    keep_cards(folder, cards)


def keep_cards(folder: Path, cards: dict) -> None:
    """Write the model cards, for programs and for people."""
    cards = {name: cards[name] for name in VARIANTS if name in cards}
    text = json.dumps(cards, indent=1, ensure_ascii=False) + "\n"
    write(folder / "cards.json", text.encode())
    if all("phantoms" in card for card in cards.values()):
        write(folder / "README.md", model_card(cards).encode())


_CARD = """# Model card: the encoders that ship with octlessons

{intro}

## What they are

{kinds}

Both are small residual networks: {parameters:,} parameters each, from a cleaned scan of \
{height} × {width} pixels to a row of {dimensions} numbers of length 1, the mean over the scan and \
its mirror image. They run on ONNX Runtime (`PhantomEncoder`), on a processor.

## What they learnt from

Phantoms only, the synthetic scans of `octlessons.images.draw_phantoms`, drawn with more varied \
scanners, tissue and lesions than usual (`encoder_phantoms`), cleaned, and changed at random in \
light, grain, sharpness and place. No scan of any patient was used, neither to train nor to choose \
weights or epochs. The labels of the first are those of drawings, never of patients.

| | {names} |
|---|{rule}|
{training}

## What was measured

On real scans, and on phantoms of patients and seeds never trained on (*shifted*: with a look that \
lies outside of what was trained on). Three neighbours: share of scans whose three nearest \
neighbours, of other patients, vote for the right class. K-means: k = 4, mean of 10 seeds. In \
brackets 95 % intervals, drawn by patient.

| data | encoder | 3 neighbours | ARI | AMI | matched accuracy |
|---|---|---|---|---|---|
{measured}

The real scans: `{command}`. They are few, as the intervals say. On phantoms the encoders are at \
home: compare representations on real scans.

Recipes were chosen by the shifted phantoms. The 51 real scans were looked at {n_looks} times:

| encoder | batches | what was new | 3 neighbours | ARI |
|---|---|---|---|---|
{looks}

A second recipe for views (26,000 phantoms, stronger changes, 850 batches) found fewer right \
neighbours, 0.79 on held-out and 0.60 on shifted phantoms, and was dropped without a look.

## Limits

- Not for clinical use of any kind. They were made for teaching, and never validated.
- They know four kinds of scans: neovascularisation, diabetic macular oedema, drusen, and normal. \
What a phantom does not show (other diseases, other devices, poor scans) they have never seen.
- Cleaning comes first. Where it lays the wrong line straight, the row says little.
- Rows of different versions of these files cannot be compared.

## Making them again

```
octlessons train-encoder --variant labels --out encoders
octlessons train-encoder --variant views --out encoders
```

A GPU is used where there is one. The recipes are `RECIPES` in `encoder_training.py`; the loss of \
each epoch, versions, seeds and checksums are in `cards.json`. The same machine gives the same \
file; another may differ in the last digits, and with it the figures a little.

Licence: MIT, as the code.
"""


def model_card(cards: dict) -> str:
    """The model card for people, from that for programs."""
    kinds = {
        "labels": "`labels.onnx`, the default: trained to name the class that was drawn, and which "
        "layers and lesions lie where.",
        "views": "`views.onnx`: trained without labels of any kind. Altered copies of two scans of "
        "one phantom patient shall get like rows, and those of other patients unlike ones.",
    }
    first = next(iter(cards.values()))
    lines = {
        "phantoms": lambda c: f"{sum(4 * n for n, *_ in c['recipe']['phantoms']):,}",
        "their seeds": lambda c: ", ".join(str(p[1]) for p in c["recipe"]["phantoms"]),
        "seed of the training": lambda c: str(c["recipe"]["seed"]),
        "images seen": lambda c: (
            f"{c['recipe']['epochs'] * c['recipe']['steps'] * c['recipe']['batch_size']:,}"
        ),
        "time": lambda c: f"{c['seconds'] / 60:.0f} min",
        "machine": lambda c: (
            f"{c['machine']['device']}, {c['machine']['cores']} cores, "
            f"{c['machine']['threads']} in use"
        ),
        "torch": lambda c: c["machine"]["torch"],
        "date": lambda c: c["date"],
        "size": lambda c: f"{c['bytes'] / 1e6:.2f} MB",
    }
    training = [
        f"| {name} | {' | '.join(value(card) for card in cards.values())} |"
        for name, value in lines.items()
    ]
    keys = ("3-nn other patients", "ari", "ami", "matched accuracy")
    measured = []
    for variant, card in cards.items():
        results = {"phantoms, " + name: found for name, found in card["phantoms"].items()}
        if "real scans" in card:
            n = card["real scans"]["n"]
            results = {f"{n} real scans": card["real scans"], **results}
        for data, found in results.items():
            spans = found.get("intervals, 95 %, by patient", {})
            cells = [
                f"{found[key]:.2f}"
                + (f" ({spans[key][0]:.2f} to {spans[key][1]:.2f})" if spans else "")
                for key in keys
            ]
            measured.append(f"| {data} | {variant} | {' | '.join(cells)} |")
    return _CARD.format(
        intro="Small networks that turn a macular OCT scan into a row of numbers, for the course.",
        kinds="\n".join(f"- {kinds[variant]}" for variant in cards),
        parameters=first["parameters"],
        height=INPUT[0],
        width=INPUT[1],
        dimensions=first["dimensions"],
        names=" | ".join(cards),
        rule="---|" * (len(cards) - 1) + "---",
        training="\n".join(training),
        measured="\n".join(measured),
        n_looks=len(LOOKS),
        looks="\n".join(
            f"| {variant} | {n:,} | {new} | {near:.2f} | {ari:.2f} |"
            for variant, n, new, near, ari in LOOKS
        ),
        command="python -m tests.benchmarks.bench_encoder --card",
    )


def write(file: Path, data: bytes) -> None:
    """Write a file in one step."""
    file.parent.mkdir(parents=True, exist_ok=True)
    part = file.with_name(f".{file.name}.{os.getpid()}")
    part.write_bytes(data)
    os.replace(part, file)


def _machine(device: str) -> dict:
    import onnxruntime
    import torch

    from octlessons import __version__

    return {
        "device": torch.cuda.get_device_name() if device.startswith("cuda") else device,
        "processor": platform.processor() or platform.machine(),
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "system": platform.system(),
        "python": platform.python_version(),
        "numpy": np.__version__,
        "torch": torch.__version__,
        "onnxruntime": onnxruntime.__version__,
        "octlessons": __version__,
    }
