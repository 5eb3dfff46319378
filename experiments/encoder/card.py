"""The model card of the encoders: for programs in ``cards.json``, for people in ``README.md``."""

from __future__ import annotations

import json
import os
import platform
from pathlib import Path

import numpy as np

from octlessons._files import write_atomically
from octlessons.representations.phantom_encoder import INPUT, VARIANTS

#: Every look at the 51 real scans while the recipes were made, in order: variant, batches, what
#: was new, three neighbours, and ARI of K-means. Recipes were chosen on shifted phantoms.
LOOKS = (
    ("labels", 350, "first try, 10,000 phantoms", 0.765, 0.467),
    ("labels", 1000, "longer, 20,000 phantoms", 0.843, 0.722),
    ("views", 700, "first try, 20,000 phantoms", 0.647, 0.219),
    ("labels", 2000, "longer, 6,000 phantoms with more varied lesions: shipped", 0.843, 0.719),
)


def keep_card(folder: Path, variant: str, card: dict) -> None:
    """Write the model card of one variant beside those that are there."""
    file = folder / "cards.json"
    cards = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    cards[variant] = card
    keep_cards(folder, cards)


def keep_cards(folder: Path, cards: dict) -> None:
    """Write the model cards, for programs and for people."""
    cards = {name: cards[name] for name in VARIANTS if name in cards}
    text = json.dumps(cards, indent=1, ensure_ascii=False) + "\n"
    write_atomically(folder / "cards.json", text)
    if all("phantoms" in card for card in cards.values()):
        write_atomically(folder / "README.md", model_card(cards))


_CARD = """# Model card: the encoders that ship with octlessons

{intro}

## What they are

{kinds}

Both are small residual networks: {parameters:,} parameters each, from a cleaned scan of \
{height} × {width} pixels to a row of {dimensions} numbers of length 1, the mean over the scan and \
its mirror image. They run on ONNX Runtime (`PhantomEncoder`), on a processor.

## What they learnt from

Phantoms only, the synthetic scans of `octlessons.images.draw_phantoms`, drawn with more varied \
scanners, tissue and lesions than usual (`experiments/encoder/phantoms.py`), cleaned, and changed \
at random in light, grain, sharpness and place. No scan of any patient was used, neither to train \
nor to choose weights or epochs. The labels of the first are those of drawings, never of patients.

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
python -m experiments.encoder --variant labels --out encoders
python -m experiments.encoder --variant views --out encoders
```

This takes a checkout of the course. A GPU is used where there is one. The recipes are `RECIPES` \
in `experiments/encoder/recipes.py`; the loss of each epoch, versions, seeds and checksums are in \
`cards.json`. The same machine gives the same file; another may differ in the last digits, and \
with it the figures a little.

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
    return _CARD.format(
        intro="Small networks that turn a macular OCT scan into a row of numbers, for the course.",
        kinds="\n".join(f"- {kinds[variant]}" for variant in cards),
        parameters=first["parameters"],
        height=INPUT[0],
        width=INPUT[1],
        dimensions=first["dimensions"],
        names=" | ".join(cards),
        rule="---|" * (len(cards) - 1) + "---",
        training="\n".join(_training_rows(cards)),
        measured="\n".join(_measured_rows(cards)),
        n_looks=len(LOOKS),
        looks="\n".join(
            f"| {variant} | {n:,} | {new} | {near:.2f} | {ari:.2f} |"
            for variant, n, new, near, ari in LOOKS
        ),
        command="python -m tests.benchmarks.bench_encoder --card",
    )


def _training_rows(cards: dict) -> list[str]:
    """Lines of the table of what the networks learnt from."""
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
    return [
        f"| {name} | {' | '.join(value(card) for card in cards.values())} |"
        for name, value in lines.items()
    ]


def _measured_rows(cards: dict) -> list[str]:
    """Lines of the table of what was measured."""
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
    return measured


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
