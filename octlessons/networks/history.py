"""`History`: what happened in each epoch of a training."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from octlessons.errors import OctlessonsError
from octlessons.wording import count, html_table, text_table

#: What an epoch records besides the numbers of `measure`.
RECORDED = ("epoch", "train", "valid", "learning_rate", "seconds")


@dataclass
class History:
    """What happened in each epoch of a training.

    Attributes
    ----------
    epochs : list of dict
        For each epoch: ``epoch`` (from 1), ``train`` and ``valid`` (mean loss; no ``valid`` where
        nothing was validated on), ``learning_rate``, ``seconds``, and whatever `measure` gave.
        The training loss is taken while the weights change and with dropout on, so early in a
        training it can lie above the validation loss.
    monitor : str or None
        The number that decided which epoch is best; None where nothing was monitored.
    higher_is_better : bool
    best_epoch : int or None
        Number of the best epoch, whose weights are kept; without a monitor, the last.
    stopped_early : bool
        Whether the training ended before the last epoch because the monitor no longer improved.
    resumed_from : int or None
        The epoch after which this run went on from a checkpoint; None if it began at the start.
    device : str
        Where it ran.
    settings : dict
        Optimiser, learning rate, seed and so on, and the number of parameters.
    """

    epochs: list[dict[str, float]] = field(default_factory=list)
    monitor: str | None = None
    higher_is_better: bool = False
    best_epoch: int | None = None
    stopped_early: bool = False
    resumed_from: int | None = None
    device: str = "cpu"
    settings: dict[str, Any] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.epochs)

    @property
    def train(self) -> np.ndarray:
        """Training loss of each epoch."""
        return self.values("train")

    @property
    def valid(self) -> np.ndarray:
        """Validation loss of each epoch; NaN where nothing was validated on."""
        return self.values("valid")

    @property
    def seconds(self) -> float:
        """Time of all epochs together, those of earlier runs included."""
        return float(np.nansum(self.values("seconds"))) if self.epochs else 0.0

    @property
    def best(self) -> dict[str, float] | None:
        """What the best epoch recorded."""
        return None if self.best_epoch is None else self.epochs[self.best_epoch - 1]

    def values(self, name: str) -> np.ndarray:
        """Return one number for each epoch, NaN where it was not recorded.

        Parameters
        ----------
        name : str
            Such as ``"train"``, ``"valid"`` or a name that `measure` gave.
        """
        return np.array([epoch.get(name, math.nan) for epoch in self.epochs], float)

    def to_json(self) -> str:
        """Return everything as JSON text; `from_json` reads it back."""
        return json.dumps(jsonable(asdict(self)), indent=1)

    @classmethod
    def from_json(cls, text: str) -> History:
        """Read what `to_json` wrote.

        Raises
        ------
        OctlessonsError
            If the text is no history.
        """
        try:
            parts = json.loads(text)
            history = cls(**parts)
            for epoch in history.epochs:
                for name, value in epoch.items():
                    epoch[name] = math.nan if value is None else value
        except (TypeError, ValueError, AttributeError) as error:
            raise OctlessonsError(
                f"This is not the history of a training ({error}): give the text that "
                "History.to_json wrote."
            ) from error
        return history

    def __repr__(self) -> str:
        if not self.epochs:
            return self._summary()
        return f"{text_table([self._names(), *self._rows()])}\n{self._summary()}"

    def _repr_html_(self) -> str:
        return html_table(self._summary(), self._names() if self.epochs else (), self._rows())

    def _names(self) -> list[str]:
        present = {name for epoch in self.epochs for name in epoch}
        further = [n for epoch in self.epochs for n in epoch if n not in RECORDED]
        names = ["epoch", "train", "valid", *dict.fromkeys(further), "learning_rate", "seconds"]
        return [name for name in names if name in present]

    def _rows(self) -> list[list[str]]:
        """Every epoch of a short training; of a long one the first, the best and the last."""
        rows, names = [], self._names()
        shown = _shown(len(self.epochs), self.best_epoch)
        forms = {"seconds": "{:.1f}".format, "learning_rate": "{:.3g}".format}
        for before, i in zip([-1, *shown], shown, strict=False):
            if i > before + 1:
                rows.append(["…"] * len(names))
            best = " (best)" if i + 1 == self.best_epoch and self.monitor else ""
            values = [(name, self.epochs[i].get(name, math.nan)) for name in names[1:]]
            rows.append([f"{i + 1}{best}", *(forms.get(n, figures)(value) for n, value in values)])
        return rows

    def _summary(self) -> str:
        if not self.epochs:
            return "Training of no epochs yet"
        text = f"Training of {count(len(self.epochs), 'epoch', 'epochs')} on {self.device}"
        if self.stopped_early:
            text += f", stopped early: {self.monitor} no longer improved"
        if self.resumed_from is not None:
            text += f", resumed after epoch {self.resumed_from}"
        return text


def figures(value: float) -> str:
    """A loss in four figures or so; a dash where there is none."""
    if not math.isfinite(value):
        return "–"
    if value == 0 or 1e-3 <= abs(value) < 1e4:
        form = ".4f" if abs(value) >= 0.01 or value == 0 else ".5f"
    else:
        form = ".2e"
    return format(value, form).replace("-", "−")


def _shown(n: int, best: int | None) -> list[int]:
    """Which epochs a table shows, from 0."""
    if n <= 12:
        return list(range(n))
    return sorted({*range(3), *range(n - 3, n), *([best - 1] if best else [])})


def jsonable(value):
    """The same of plain Python types; NaN becomes None, as JSON has none."""
    value = value.tolist() if isinstance(value, np.ndarray | np.generic) else value
    if isinstance(value, Mapping):
        return {str(name): jsonable(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [jsonable(part) for part in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value if value is None or isinstance(value, bool | int | str) else str(value)
