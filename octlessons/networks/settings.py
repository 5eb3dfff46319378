"""`TrainingSettings`: how a network is trained, checked before anything is computed."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any

SOLVERS = ("adam", "adamw", "rmsprop", "sgd")


@dataclass(frozen=True)
class TrainingSettings:
    """How `train` trains; names as in scikit-learn's multi-layer perceptrons.

    Attributes
    ----------
    max_iter : int
        Passes over the images (epochs). A training that is resumed with more goes on.
    solver : {"adam", "adamw", "rmsprop", "sgd"} or callable
        SGD has Nesterov momentum of 0.9. A callable takes the parameters and gives a
        ``torch.optim.Optimizer``.
    learning_rate_init : float
    alpha : float
        Pull of the weights towards 0: decoupled for ``"adamw"``, an L2 penalty for the others.
    schedule : "cosine" or callable, optional
        Factor of the learning rate in each epoch: half a cosine from 1 to (nearly) 0, or
        ``schedule(epoch, max_iter)``. None keeps the rate.
    clip : float, optional
        Largest length of the gradient; longer ones are shortened.
    precision : {"float32", "bfloat16"}
        ``"bfloat16"`` computes most of the network in 16 bits, faster where the processor can.
    n_iter_no_change : int, optional
        Stop when the monitor has not improved for this many epochs. None never stops early.
    monitor : str
        ``"valid"``, ``"train"``, or a name that `measure` gives. Without validation images,
        ``"valid"`` monitors nothing and the last epoch counts as best.
    higher_is_better : bool
        Whether the monitor should rise (an accuracy) or fall (a loss).
    keep_best : bool
        Whether to end with the weights of the best epoch, or with the last.
    random_state : int
        Seed of everything random. On CPU the same seed gives the same bits.

    Raises
    ------
    ValueError
        If one is out of range.
    """

    max_iter: int
    solver: str | Callable = "adam"
    learning_rate_init: float = 1e-3
    alpha: float = 0.0
    schedule: str | Callable[[int, int], float] | None = None
    clip: float | None = None
    precision: str = "float32"
    n_iter_no_change: int | None = None
    monitor: str = "valid"
    higher_is_better: bool = False
    keep_best: bool = True
    random_state: int = 0

    def __post_init__(self):
        check_whole("max_iter", self.max_iter, 1)
        check_whole("random_state", self.random_state, 0)
        if self.n_iter_no_change is not None:
            check_whole("n_iter_no_change", self.n_iter_no_change, 1)
        check_positive("learning_rate_init", self.learning_rate_init)
        if self.clip is not None:
            check_positive("clip", self.clip)
        if not isinstance(self.alpha, Real) or not 0 <= float(self.alpha) < math.inf:
            raise ValueError(f"`alpha` is a number of at least 0, not {self.alpha!r}.")
        check_choice("precision", self.precision, ("float32", "bfloat16"))
        if not callable(self.solver):
            check_choice("solver", self.solver, SOLVERS, "a callable")
        if self.schedule is not None and not callable(self.schedule):
            check_choice("schedule", self.schedule, ("cosine",), "a callable, or None")

    def described(self, monitor: str | None) -> dict[str, Any]:
        """What identifies the training, in plain values."""
        given = {name: value for name, value in vars(self).items() if name not in _NOT_KEPT}
        given |= {"solver": named(self.solver), "schedule": named(self.schedule)}
        return {**given, "monitor": monitor}

    def optimiser(self, network):
        """The optimiser of torch for a network."""
        import torch

        parameters = [p for p in network.parameters() if p.requires_grad]
        if not parameters:
            raise ValueError("The network has no parameters that can be trained.")
        if callable(self.solver):
            return self.solver(parameters)
        names = {"adam": "Adam", "adamw": "AdamW", "rmsprop": "RMSprop", "sgd": "SGD"}
        more = {"momentum": 0.9, "nesterov": True} if self.solver == "sgd" else {}
        made = getattr(torch.optim, names[self.solver])
        return made(parameters, lr=self.learning_rate_init, weight_decay=self.alpha, **more)

    def learning_rate(self, epoch: int) -> float:
        """The learning rate of an epoch, from 1."""
        factor = 1.0
        if callable(self.schedule):
            factor = float(self.schedule(epoch, self.max_iter))
        elif self.schedule == "cosine":
            factor = 0.5 * (1 + math.cos(math.pi * (epoch - 1) / self.max_iter))
        return self.learning_rate_init * factor


#: What does not change an epoch, or is added where it does.
_NOT_KEPT = ("max_iter", "n_iter_no_change", "keep_best")


def named(value):
    """A callable by its name, so that it can be written down; anything else as it is."""
    if not callable(value):
        return value
    return getattr(value, "__qualname__", type(value).__qualname__)


def check_whole(name: str, value, least: int) -> None:
    """Raise ValueError unless a parameter is a whole number of at least `least`."""
    if not isinstance(value, Integral) or isinstance(value, bool) or value < least:
        raise ValueError(f"`{name}` is a whole number of at least {least}, not {value!r}.")


def check_positive(name: str, value) -> None:
    """Raise ValueError unless a parameter is a finite number above 0."""
    if not isinstance(value, Real) or not 0 < float(value) < math.inf:
        raise ValueError(f"`{name}` is a number above 0, not {value!r}.")


def check_share(name: str, value) -> None:
    """Raise ValueError unless a parameter is a number from 0 to below 1."""
    if not isinstance(value, Real) or isinstance(value, bool) or not 0 <= float(value) < 1:
        raise ValueError(f"`{name}` is a share from 0 to below 1, not {value!r}.")


def check_choice(name: str, value, allowed: Sequence, other: str = "") -> None:
    """Raise ValueError unless a parameter is among those allowed."""
    if not any(type(value) is type(one) and value == one for one in allowed):
        choices = ", ".join(map(repr, allowed))
        raise ValueError(
            f"`{name}` is one of {choices}{f' or {other}' if other else ''}, not {value!r}."
        )
