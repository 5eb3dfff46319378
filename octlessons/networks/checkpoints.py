"""The checkpoint from which a training goes on."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from octlessons._files import write_atomically
from octlessons.errors import OctlessonsError
from octlessons.networks.history import History, jsonable
from octlessons.representations.tensors import read_tensors
from octlessons.wording import count

#: Version of the checkpoint files; another one is refused.
FORMAT = 2


class Checkpoint:
    """A file from which a training goes on.

    Parameters
    ----------
    path : path
        Written after every epoch, in one step: weights, optimiser, history and best weights.
    key : mapping, optional
        What else identifies the training, the images for instance. A file made with another key
        is refused, as is one of another network or other settings.
    resume : bool
        Go on from the file where it exists. False starts again and overwrites it.
    """

    def __init__(
        self,
        path: str | os.PathLike,
        key: Mapping[str, Any] | None = None,
        resume: bool = True,
    ):
        self.path, self.key, self.resume = Path(path), jsonable(dict(key or {})), resume
        self.done = 0

    def of(self, settings: Mapping[str, Any]) -> Checkpoint:
        """The same for a training of these settings."""
        return Checkpoint(self.path, {**settings, **self.key}, self.resume)

    def write(self, run) -> None:
        """Keep the state of a training after an epoch."""
        import torch

        content = {
            "format": FORMAT,
            "what": "octlessons checkpoint",
            "key": json.dumps(self.key),
            "network": copied(run.network.state_dict()),
            "optimiser": run.optimiser.state_dict(),
            "best": run.best,
            "history": run.history.to_json(),
        }
        write_atomically(self.path, lambda stream: torch.save(content, stream))
        self.done = len(run.history)

    def restore(self, run, max_iter: int) -> None:
        """Put a training into the state that was kept."""
        content = read_tensors(self.path, "checkpoint", _INSTEAD)
        if content.get("what") != "octlessons checkpoint" or content.get("format") != FORMAT:
            raise OctlessonsError(
                f"{self.path} is no checkpoint of this version of octlessons: {_INSTEAD}."
            )
        try:
            key = json.loads(content["key"])
            done = History.from_json(content["history"])
            state, best, moments = content["network"], content["best"], content["optimiser"]
            shapes = {name: tuple(value.shape) for name, value in state.items()}
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise OctlessonsError(
                f"{self.path} is damaged: {error!r}. To train afresh, {_INSTEAD}."
            ) from error
        self._same(key, shapes, run)
        if len(done) > max_iter:
            raise OctlessonsError(
                f"{self.path} has {count(len(done), 'epoch', 'epochs')} already, more than the "
                f"{max_iter} asked for: ask for max_iter={len(done)} or more, or {_INSTEAD}."
            )
        history = run.history
        history.epochs, history.best_epoch = done.epochs, done.best_epoch
        history.resumed_from = self.done = len(done)
        run.network.load_state_dict(state)
        run.optimiser.load_state_dict(moments)
        run.best = best

    def _same(self, key: Mapping[str, Any], shapes: Mapping[str, tuple], run) -> None:
        for name in [*self.key, *key]:
            there, here = key.get(name), self.key.get(name)
            if there != here:
                raise OctlessonsError(
                    f"{self.path} belongs to another training: {name} was {_brief(there)} there "
                    f"and is {_brief(here)} here. Give what it was made with, or {_INSTEAD}."
                )
        now = {name: tuple(value.shape) for name, value in run.network.state_dict().items()}
        if shapes != now:
            differing = sorted(set(shapes.items()) ^ set(now.items()))[0][0]
            raise OctlessonsError(
                f"{self.path} holds another network: {differing} is {_by(shapes.get(differing))} "
                f"there and {_by(now.get(differing))} here. Give the settings it was made with, "
                f"or {_INSTEAD}."
            )


_INSTEAD = "delete that file, or give another checkpoint=…"


def copied(state: Mapping[str, Any]) -> dict[str, Any]:
    """The tensors of a network, copied to the CPU."""
    return {name: value.detach().to("cpu", copy=True) for name, value in state.items()}


def _by(shape) -> str:
    return "missing" if shape is None else " × ".join(map(str, shape)) or "one number"


def _brief(value) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else text[:57] + "…"
