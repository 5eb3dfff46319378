"""The recipes of the networks: exactly what made the shipped files, and how to change one."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace


@dataclass(frozen=True)
class Recipe:
    """Everything that decides what a network becomes.

    Attributes
    ----------
    seed : int
        Of the network and the training; the phantoms have their own.
    phantoms : tuple of (int, int, str)
        Sets of phantoms: how many per class, seed, and kind (`experiments.encoder.phantoms.KINDS`).
    per_patient : int
        Most scans of one patient.
    widths : tuple of int
        Channels of the network's four stages.
    dimensions : int
        Length of an encoder's row.
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
    prototypes : int
        For views: how many; 0 for none.
    swapping : float
        For views: weight of the loss of the prototypes.
    memory : float
        Of the running mean of weights.
    """

    seed: int = 0
    phantoms: tuple[tuple[int, int, str], ...] = ((2000, 201, "mixed"), (2000, 202, "mixed"))
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
    prototypes: int = 0
    swapping: float = 1.0
    memory: float = 0.998


#: What made the shipped files.
RECIPES = {
    "layers": Recipe(
        widths=(12, 24, 40, 64),
        epochs=40,
        steps=120,
        batch_size=32,
        weight_decay=0.02,
        warm_up=0.1,
        memory=0.995,
    ),
    "labels": Recipe(
        phantoms=((2000, 201, "mixed"), (2000, 202, "mixed"), (2000, 204, "milder")), epochs=70
    ),
    "views": Recipe(
        phantoms=((1000, 203, "mixed"),),
        epochs=40,
        learning_rate=2e-3,
        temperature=0.2,
        prototypes=24,
    ),
}

#: Phantoms of patients and seeds never trained on: as drawn for everyone, with a shifted look, and
#: as other scanners show them, with a look outside of what was trained on.
HELD_OUT = {
    "held out": (200, 901, "plain"),
    "shifted": (200, 902, "shifted"),
    "far": (200, 903, "far"),
}


def as_plain(recipe: Recipe) -> dict:
    """The recipe as JSON gives it back."""
    return json.loads(json.dumps(asdict(recipe)))


def changed(variant: str, **values) -> Recipe:
    """The recipe of a variant with some values changed; None keeps one.

    `n_per_class` changes all sets of phantoms.

    Raises
    ------
    ValueError
        If there is no such variant.
    """
    if variant not in RECIPES:
        raise ValueError(f'There is no encoder "{variant}": choose from {", ".join(RECIPES)}.')
    given = {name: value for name, value in values.items() if value is not None}
    n = given.pop("n_per_class", None)
    if n is not None:
        given["phantoms"] = tuple((n, *rest) for _, *rest in RECIPES[variant].phantoms)
    return replace(RECIPES[variant], **given)
