"""The checkpoint from which a training goes on."""

from __future__ import annotations

import json
import os
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from octlessons._files import write_atomically
from octlessons._optional import need_torch
from octlessons.errors import OctlessonsError
from octlessons.networks.history import History, jsonable
from octlessons.wording import count

#: Version of the checkpoint files; another one is refused.
FORMAT = 1


class Checkpoint:
    """A file from which a training goes on."""

    def __init__(self, path: Path, key: Mapping[str, Any]):
        self.path, self.key = path, jsonable(dict(key))
        self.done = 0

    def write(self, run) -> None:
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

    def restore(self, run, epochs: int) -> None:
        content = read_tensors(self.path, "checkpoint", self._instead())
        if content.get("what") != "octlessons checkpoint" or content.get("format") != FORMAT:
            raise OctlessonsError(
                f"{self.path} is no checkpoint of this version of octlessons: {self._instead()}."
            )
        try:
            key = json.loads(content["key"])
            done = History.from_json(content["history"])
            state, best, moments = content["network"], content["best"], content["optimiser"]
            shapes = {name: tuple(value.shape) for name, value in state.items()}
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise OctlessonsError(
                f"{self.path} is damaged: {error!r}. To train afresh, {self._instead()}."
            ) from error
        for name in [*self.key, *key]:
            there, here = key.get(name), self.key.get(name)
            if there != here:
                raise OctlessonsError(
                    f"{self.path} belongs to another training: {name} was {_brief(there)} there "
                    f"and is {_brief(here)} here. Give what it was made with, or "
                    f"{self._instead()}."
                )
        now = {name: tuple(value.shape) for name, value in run.network.state_dict().items()}
        if shapes != now:
            differing = sorted(set(shapes.items()) ^ set(now.items()))[0][0]
            raise OctlessonsError(
                f"{self.path} holds another network: {differing} is {_by(shapes.get(differing))} "
                f"there and {_by(now.get(differing))} here. Give the settings it was made with, "
                f"or {self._instead()}."
            )
        if len(done) > epochs:
            raise OctlessonsError(
                f"{self.path} has {count(len(done), 'epoch', 'epochs')} already, more than the "
                f"{epochs} asked for: ask for epochs={len(done)} or more, or {self._instead()}."
            )
        history = run.history
        history.epochs, history.best_epoch = done.epochs, done.best_epoch
        history.resumed_from = self.done = len(done)
        run.network.load_state_dict(state)
        run.optimiser.load_state_dict(moments)
        run.best = best

    def _instead(self) -> str:
        return "delete that file, give another checkpoint=…, or start again with resume=False"


def read_tensors(path: str | os.PathLike, what: str, instead: str) -> dict:
    """Read a file that ``torch.save`` wrote, weights only: nothing in it is executed.

    Parameters
    ----------
    path : path
    what : str
        What the file should be, for the sentence.
    instead : str
        What to do if it is not, for the sentence.

    Returns
    -------
    dict

    Raises
    ------
    OctlessonsError
        If it is missing, cut short, damaged or something else.
    """
    torch = need_torch()
    path = Path(path)
    try:
        with zipfile.ZipFile(path) as archive:
            damaged = archive.testzip()
        if damaged is not None:
            raise ValueError(f"checksum of {damaged}")
        content = torch.load(path, map_location="cpu", weights_only=True)
        if not isinstance(content, dict):
            raise ValueError("it holds something else")
    except FileNotFoundError as error:
        raise OctlessonsError(f"There is no {what} {path}: check the name.") from error
    except OSError as error:
        raise OctlessonsError(
            f"{path} cannot be read: {error.strerror or error}. Check its rights."
        ) from error
    except Exception as error:  # zip, unpickling and torch each have their own
        reason = str(error).splitlines()[0][:100].rstrip(".") if str(error) else "cut short"
        raise OctlessonsError(
            f"{path} is not a sound {what}, perhaps cut short ({reason}): {instead}."
        ) from error
    return content


def copied(state: Mapping[str, Any]) -> dict[str, Any]:
    """The tensors of a network, copied to the CPU."""
    return {name: value.detach().to("cpu", copy=True) for name, value in state.items()}


def _by(shape) -> str:
    return "missing" if shape is None else " × ".join(map(str, shape)) or "one number"


def _brief(value) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else text[:57] + "…"
