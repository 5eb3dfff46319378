"""The model card of the networks: for programs in ``cards.json``, for people in ``README.md``."""

from __future__ import annotations

import json
import os
import platform
from pathlib import Path

import numpy as np

from octlessons._files import write_atomically
from octlessons.images.phantoms import ALL_CLASS_NAMES
from octlessons.images.retina import WORKING
from octlessons.representations.phantom_encoder import INPUT, VARIANTS

#: The networks that ship, in the order of the card.
NETWORKS = ("layers", *VARIANTS)

#: Every look at real scans while the recipes were made, in order: variant, batches, what was new,
#: and three neighbours and ARI of K-means on each scanner (of the second four classes, balanced;
#: None where it was not looked at). Recipes were chosen on phantoms with a look not trained on.
LOOKS = (
    ("labels", 350, "first try, 10,000 phantoms", (0.765, 0.467), None),
    ("labels", 1000, "longer, 20,000 phantoms", (0.843, 0.722), None),
    ("views", 700, "first try, 20,000 phantoms: shipped at first", (0.647, 0.219), None),
    (
        "labels", 2000, "longer, 6,000 phantoms with more varied lesions: shipped at first",
        (0.843, 0.719), None,
    ),
    (
        "labels", 1500, "two scanners drawn, layers found by a network, four classes: a trial",
        (0.843, 0.653), (0.760, 0.492),
    ),
    ("labels", 3000, "eight classes, 32,000 phantoms", (0.824, 0.681), (0.805, 0.547)),
    (
        "labels", 3500, "16,000 phantoms with early forms as well: shipped",
        (0.863, 0.622), (0.824, 0.518),
    ),
    (
        "views", 2000, "two drawings of a slice instead of two copies, prototypes: shipped",
        (0.706, 0.430), (0.697, 0.329),
    ),
)  # fmt: skip


def keep_card(folder: Path, variant: str, card: dict) -> None:
    """Write the model card of one network beside those that are there."""
    file = folder / "cards.json"
    cards = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    cards[variant] = card
    keep_cards(folder, cards)


def keep_cards(folder: Path, cards: dict) -> None:
    """Write the model cards, for programs; and for people, once all three networks are there."""
    cards = {name: cards[name] for name in NETWORKS if name in cards}
    text = json.dumps(cards, indent=1, ensure_ascii=False) + "\n"
    write_atomically(folder / "cards.json", text)
    trained = all("recipe" in cards.get(name, ()) for name in NETWORKS)
    if trained and all("phantoms" in cards[name] for name in VARIANTS):
        write_atomically(folder / "README.md", model_card(cards))


_CARD = """# Model card: the networks that ship with octlessons

Small networks that find the layers of the retina in a macular OCT scan, and turn the scan into a \
row of numbers, for the course.

## What they are

{kinds}

A scan goes through two of them: the layer network, then an encoder. The first sees it stretched \
to {side} × {side} pixels, and gives three lines (inner limiting membrane, retinal pigment \
epithelium, Bruch's membrane) with a confidence in each column, the smooth floor of the retina, \
and what tissue is where. By that, white wedges are blackened and the retina is laid straight on \
its floor. The encoder sees a window of {height} × {width} pixels that reaches as far above the \
floor as the retina is thick, and gives a row of {dimensions} numbers of length 1. All run on \
ONNX Runtime, on a processor.

## What they learnt from

Phantoms only, the synthetic scans of `octlessons.images.draw_phantoms`, at two kinds of scanners \
(one with wedges and square frames, one with wide and tightly cropped frames), in {n_classes} \
classes: {classes}. Scanners, tissue and lesions vary more than usual \
(`experiments/encoder/phantoms.py`), and pictures were changed at random in light, grain, \
sharpness and place. No scan of any patient was used, neither to train nor to choose weights or \
epochs. The truth that networks were told is that of drawings, never of patients.

| | {names} |
|---|{rule}|
{training}

## What was measured

On real scans of two scanners, and on phantoms of patients and seeds never trained on (*shifted* \
and *far*: with a look that lies outside of what was trained on, *far* as the second kind of \
scanner shows it). Three neighbours: share of scans whose three nearest neighbours, of other \
patients, vote for the right class. K-means: one cluster for each class, mean of 10 seeds; on the \
second scanner as many scans of each class, mean of {n_draws} draws. Probe: balanced accuracy of \
logistic regression in folds by patient, on all scans of these classes. In brackets 95 % \
intervals, drawn by patient; with "draws", the lowest and highest of the draws.

| data | encoder | 3 neighbours | ARI | AMI | matched accuracy | probe |
|---|---|---|---|---|---|---|
{measured}

The real scans: `{command}`. They are few, as the intervals say. On phantoms the encoders are at \
home: compare representations on real scans. The error of the lines on phantoms: see `make bench`.

Recipes were chosen by phantoms with a look that was not trained on. Looks at real scans while \
they were made: {n_first} at the first scanner, {n_second} at the second (there four classes, \
balanced).

| encoder | batches | what was new | first: 3 neighbours | ARI | second: 3 neighbours | ARI |
|---|---|---|---|---|---|---|
{looks}

Real scans were looked at by eye as well: a sheet of twenty of the second scanner (twice), the \
layers in the least and the most sure scans of both (twice), and, after the sixth row of this \
table, those whose neighbours were wrong. Early and rarer forms (`experiments/encoder/forms.py`) \
were drawn from what was seen there. A linear change of the rows (discriminants of the drawn \
classes) helped on far phantoms, was tried once on both scanners, helped on neither, and was \
dropped. So the last figures are of scans that no network was trained on, but not of scans that \
nobody had seen.

At first, a second recipe for views (26,000 phantoms, stronger changes, 850 batches) found fewer \
right neighbours, 0.79 on held-out and 0.60 on shifted phantoms, and was dropped without a look.

## Limits

- Not for clinical use of any kind. They were made for teaching, and never validated.
- They know {n_classes} kinds of scans, as we draw them: {classes}. What a phantom does not show \
(other diseases, other devices, poor scans) they have never seen.
- The layers come first. Where the layer network lays the wrong line straight, the row says little.
- Rows of different versions of these files cannot be compared.

## Making them again

```
{remake}
```

This takes a checkout of the course. A GPU is used where there is one. The recipes are `RECIPES` \
in `experiments/encoder/recipes.py`; the loss of each epoch, versions, seeds and checksums are in \
`cards.json`. The same machine gives the same file; another may differ in the last digits, and \
with it the figures a little.

Licence: MIT, as the code.
"""

_KINDS = {
    "layers": "finds the layers and lesions. It learnt from the lines and lesions that were drawn.",
    "labels": "the default encoder: trained to name the class that was drawn, and which layers and "
    "lesions lie where.",
    "views": "the encoder without class or lesion labels: two drawings of the same slice by two "
    "scanners shall get like rows, and those of other slices unlike ones. No patient number is "
    "used. Its scans are straightened by the layer network, which learnt where layers are drawn.",
}
_DISEASES = {
    "CNV": "neovascularisation", "DME": "diabetic macular oedema", "DRUSEN": "drusen",
    "NORMAL": "normal", "ERM": "epiretinal membrane",
    "VID": "vitreomacular traction and macular hole", "RVO": "retinal vein occlusion",
    "RAO": "retinal artery occlusion",
}  # fmt: skip


def model_card(cards: dict) -> str:
    """The model card for people, from that for programs."""
    encoder = next(cards[name] for name in VARIANTS)
    return _CARD.format(
        kinds="\n".join(
            f"- `{name}.onnx` ({cards[name]['parameters']:,} parameters): {text}"
            for name, text in _KINDS.items()
        ),
        side=WORKING,
        height=INPUT[0],
        width=INPUT[1],
        dimensions=encoder["dimensions"],
        n_classes=len(ALL_CLASS_NAMES),
        classes=", ".join(_DISEASES[name] for name in ALL_CLASS_NAMES),
        names=" | ".join(NETWORKS),
        rule="---|" * (len(NETWORKS) - 1) + "---",
        training="\n".join(_training_rows([cards[name] for name in NETWORKS])),
        measured="\n".join(_measured_rows(cards)),
        n_draws=encoder.get("second scanner", {}).get("four", {}).get("draws", 20),
        n_first=sum(first is not None for *_, first, _ in LOOKS),
        n_second=sum(second is not None for *_, second in LOOKS),
        looks="\n".join(_look(*look) for look in LOOKS),
        command="python -m tests.benchmarks.bench_encoder --card",
        remake="\n".join(
            f"python -m experiments.encoder --variant {name} --out encoders" for name in NETWORKS
        ),
    )


def _look(variant: str, n: int, new: str, first: tuple | None, second: tuple | None) -> str:
    figures = [f"{value:.2f}" for value in first or ()] or ["–", "–"]
    figures += [f"{value:.2f}" for value in second or ()] or ["–", "–"]
    return f"| {variant} | {n:,} | {new} | {' | '.join(figures)} |"


def _training_rows(cards: list[dict]) -> list[str]:
    """Lines of the table of what the networks learnt from."""
    lines = {
        "phantoms": _n_phantoms,
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
    return [
        f"| {name} | {' | '.join(value(card) for card in cards)} |" for name, value in lines.items()
    ]


def _n_phantoms(card: dict) -> str:
    n = len(ALL_CLASS_NAMES) * sum(n for n, *_ in card["recipe"]["phantoms"])
    return f"{n:,}" + (", each drawn twice" if card["variant"] == "views" else "")


def _measured_rows(cards: dict) -> list[str]:
    """Lines of the table of what was measured."""
    measured = []
    for variant in VARIANTS:
        card, results, probes = cards[variant], {}, {}
        if "first scanner" in card:
            found = card["first scanner"]
            results[f"first scanner, {found['n']} scans"] = found
        if "second scanner" in card:
            for which in ("four", "all"):
                found = card["second scanner"][which]
                k = len(found["classes"])
                name = f"second scanner, {k} classes of {found['n'] // k} scans"
                results[name] = found
                probes[name] = card["second scanner"]["probe"][which]
        results |= {"phantoms, " + name: found for name, found in card["phantoms"].items()}
        for data, found in results.items():
            cells = _cells(found, probes.get(data))
            measured.append(f"| {data} | {variant} | {' | '.join(cells)} |")
    return measured


def _cells(found: dict, probe: dict | None) -> list[str]:
    """Figures with their intervals, each of its own kind."""
    cells = []
    spans = found.get("intervals, 95 %, by patient", {})
    ranges = found.get("range over the draws", {})
    for key in ("3-nn other patients", "ari", "ami", "matched accuracy"):
        cell = f"{found[key]:.2f}"
        if key in spans:
            cell += f" ({_ends(spans[key])})"
        elif key in ranges:
            cell += f" (draws {_ends(ranges[key])})"
        cells.append(cell)
    if probe is None:
        return [*cells, ""]
    span = probe["interval, 95 %, by patient"]
    return [*cells, f"{probe['balanced accuracy']:.2f} ({_ends(span)})"]


def _ends(span: list[float]) -> str:
    return f"{span[0]:.2f} to {span[1]:.2f}"


def machine(device: str) -> dict:
    """Where a network was trained, and with what."""
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
