"""The one training loop: `train`."""

from __future__ import annotations

import contextlib
import math
import operator
import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from octlessons.errors import OctlessonsError
from octlessons.networks.checkpoints import Checkpoint, copied
from octlessons.networks.history import RECORDED, History, figures
from octlessons.representations.devices import choose_device, need_torch, seeded
from octlessons.representations.extraction import out_of_memory

if TYPE_CHECKING:
    import torch

OPTIMISERS = ("adam", "adamw", "rmsprop", "sgd")


def train(
    network: torch.nn.Module,
    loss: Callable[[torch.nn.Module, tuple], torch.Tensor],
    batches: Callable[[int, np.random.Generator], Iterable] | Iterable,
    valid_batches: Callable[[int, np.random.Generator], Iterable] | Iterable | None = None,
    *,
    epochs: int,
    optimiser: str | Callable = "adam",
    learning_rate: float = 1e-3,
    weight_decay: float = 0.0,
    schedule: str | Callable[[int, int], float] | None = None,
    clip: float | None = None,
    precision: str = "float32",
    patience: int | None = None,
    monitor: str = "valid",
    higher_is_better: bool = False,
    measure: Callable[[torch.nn.Module], Mapping[str, float]] | None = None,
    checkpoint: str | os.PathLike | None = None,
    resume: bool = True,
    key: Mapping[str, Any] | None = None,
    device: str = "auto",
    seed: int = 0,
    report: Callable[[str], Any] | None = print,
    keep_best: bool = True,
) -> History:
    """Train a network, in place.

    Parameters
    ----------
    network : torch.nn.Module
        It ends on `device`, in evaluation mode, with the weights of the best epoch. Build it
        inside ``with seeded(seed):`` so that its first weights follow from the seed too.
    loss : callable
        ``loss(network, batch)`` gives the mean loss of a batch, a scalar tensor. The batch is a
        tuple of tensors, on the device already.
    batches : callable or iterable
        ``batches(epoch, rng)`` gives an iterator of tuples of arrays or tensors, whose first has
        one entry for each image; epochs count from 1, and all its randomness should come from
        `rng` (or from torch's generator). Or something to iterate over anew in each epoch, such
        as a list or a ``DataLoader``. See `batch_indices`.
    valid_batches : callable or iterable, optional
        The same for the loss on images not trained on. Its `rng` is the same in every epoch, so
        that epochs can be compared.
    epochs : int
        How often to go through all batches. A training that is resumed with more goes on.
    optimiser : {"adam", "adamw", "rmsprop", "sgd"} or callable
        SGD has Nesterov momentum of 0.9. A callable takes the parameters and gives a
        ``torch.optim.Optimizer``.
    learning_rate : float
    weight_decay : float
        For ``"adamw"`` decoupled; for the others an L2 penalty.
    schedule : "cosine" or callable, optional
        Factor of the learning rate in each epoch: half a cosine from 1 to (nearly) 0, or
        ``schedule(epoch, epochs)``. None keeps the rate.
    clip : float, optional
        Largest length of the gradient; longer ones are shortened.
    precision : {"float32", "bfloat16"}
        ``"bfloat16"`` computes most of the network in 16 bits, faster where the processor can.
    patience : int, optional
        Stop when the monitor has not improved for this many epochs. None never stops early.
    monitor : str
        ``"valid"``, ``"train"``, or a name that `measure` gives. Without `valid_batches`,
        ``"valid"`` monitors nothing and the last epoch counts as best.
    higher_is_better : bool
        Whether the monitor should rise (an accuracy) or fall (a loss).
    measure : callable, optional
        ``measure(network)`` gives further numbers after each epoch; the network is in evaluation
        mode and no gradients are kept.
    checkpoint : path, optional
        File written after every epoch, in one step, so that it is never half written. It keeps
        weights, optimiser, history and best weights.
    resume : bool
        Go on from `checkpoint` where it exists. False starts again and overwrites it.
    key : mapping, optional
        What else identifies this training, the data for instance. A checkpoint made with another
        key is refused, as is one of another network, optimiser, learning rate or seed.
    device : str
        See `choose_device`.
    seed : int
        Of everything random. On CPU the same seed gives the same bits.
    report : callable, optional
        Takes a line of text for each epoch; None for silence.
    keep_best : bool
        Whether to end with the weights of the best epoch, or with the last.

    Returns
    -------
    History

    Raises
    ------
    OctlessonsError
        If the loss is NaN or infinite, memory runs out, there are no batches, the device is not
        there, or the checkpoint is corrupt, belongs to another training or cannot be written.
        The sentence says where and what to try.
    ValueError
        If a parameter is out of range.
    KeyboardInterrupt
        If the reader stops it (Ctrl-C). The checkpoint of the last whole epoch is kept, and the
        message says how to go on.

    Examples
    --------
    >>> import torch
    >>> with seeded(0):
    ...     network = torch.nn.Linear(1, 1)
    >>> x = torch.linspace(-1, 1, 32)[:, None]
    >>> def squared(network, batch):
    ...     return ((network(batch[0]) - 2 * batch[0]) ** 2).mean()
    >>> history = train(network, squared, [(x,)], epochs=200, learning_rate=0.1, report=None)
    >>> round(network.weight.item(), 2)
    2.0
    """
    need_torch()
    device = choose_device(device)
    say = report if report is not None else _silent
    monitor = _monitor(monitor, valid_batches, measure, patience)
    _check(epochs, learning_rate, weight_decay, patience, clip, precision, schedule, seed)
    network.to(device)
    stepper = _optimiser(network, optimiser, learning_rate, weight_decay)
    settings = {
        "optimiser": optimiser if isinstance(optimiser, str) else _name(optimiser),
        "learning_rate": learning_rate,
        "weight_decay": weight_decay,
        "schedule": schedule if schedule is None or isinstance(schedule, str) else _name(schedule),
        "clip": clip,
        "precision": precision,
        "seed": seed,
        "monitor": monitor,
        "higher_is_better": higher_is_better,
    }
    history = History(monitor=monitor, higher_is_better=higher_is_better, device=device)
    history.settings = {**settings, "n_parameters": sum(p.numel() for p in network.parameters())}
    run = _Run(network, stepper, history, keep_best)
    store = None
    if checkpoint is not None:
        if schedule is not None:
            settings["epochs"] = epochs
        store = Checkpoint(Path(checkpoint), {**settings, **(key or {})})
        if resume and store.path.exists():
            store.restore(run, epochs)
            say(f"going on after epoch {len(history)} of {store.path}")
    epoch = len(history) + 1
    try:
        while epoch <= epochs and not _stale(run, patience):
            started = time.perf_counter()
            rate = learning_rate * _factor(schedule, epoch, epochs)
            for group in stepper.param_groups:
                group["lr"] = rate
            record: dict[str, float] = {"epoch": epoch}
            with seeded(_seed(seed, epoch)), _repeatable(device):
                record["train"] = _pass(run, loss, batches, epoch, seed, device, clip, precision)
            if valid_batches is not None:
                with seeded(_seed(seed, 0)), _repeatable(device):
                    record["valid"] = _pass(
                        run, loss, valid_batches, epoch, seed, device, None, precision, valid=True
                    )
            if measure is not None:
                record.update(_measured(network, measure, seed, device))
            record["learning_rate"] = rate
            record["seconds"] = time.perf_counter() - started
            run.add(record)
            if store is not None:
                store.write(run)
            say(_line(record, epochs))
            epoch += 1
    except KeyboardInterrupt:
        message = _interrupted(epoch, store)
        say(message)
        raise KeyboardInterrupt(message) from None
    except _OutOfMemory as problem:
        raise OctlessonsError(
            f"Training ran out of memory on {device} in epoch {epoch}. Take a smaller batch_size, "
            f"smaller images or a narrower network.{_kept(store)}"
        ) from problem.__cause__
    if _stale(run, patience) and len(history) < epochs:
        history.stopped_early = True
        say(
            f"stopped after epoch {len(history)}: {monitor} has not improved since epoch "
            f"{history.best_epoch}"
        )
    if keep_best:
        run.use_best()
    network.eval()
    return history


# ---------------------------------------------------------------------- one epoch


class _OutOfMemory(Exception):
    """Memory ran out; the cause is torch's own error."""


class _Run:
    """A network under training, its optimiser, and what is known so far."""

    def __init__(self, network, optimiser, history: History, keep_best: bool):
        self.network, self.optimiser = network, optimiser
        self.history, self.keep_best = history, keep_best
        self.best: dict[str, Any] | None = None

    def add(self, record: dict[str, float]) -> None:
        history = self.history
        history.epochs.append(record)
        if self._improves(record):
            history.best_epoch = len(history)
            if self.keep_best and history.monitor is not None:
                self.best = copied(self.network.state_dict())

    def _improves(self, record: dict[str, float]) -> bool:
        history = self.history
        if history.monitor is None or history.best is None:
            return True
        if history.monitor not in record:
            raise ValueError(
                f"`monitor` is {history.monitor!r}, but an epoch records only {', '.join(record)}."
            )
        new, old = record[history.monitor], history.best[history.monitor]
        if math.isnan(old):
            return True
        return new > old if history.higher_is_better else new < old

    def use_best(self) -> None:
        if self.best is not None:
            self.network.load_state_dict(self.best)


def _pass(run, loss, batches, epoch, seed, device, clip, precision, valid=False) -> float:
    """Go through the batches once; return the mean loss, each image counting the same."""
    import torch

    network = run.network
    rng = np.random.default_rng([seed, 0 if valid else epoch])
    network.train(not valid)
    kind = torch.device(device).type
    total, n, number = 0.0, 0, 0
    try:
        with torch.set_grad_enabled(not valid):
            for batch in batches(epoch, rng) if callable(batches) else batches:
                number += 1
                batch = _moved(batch, device)
                with torch.autocast(kind, torch.bfloat16, enabled=precision == "bfloat16"):
                    value = loss(network, batch)
                now = float(value.detach())
                if not math.isfinite(now):
                    raise _not_finite(now, epoch, number, valid, batch, run)
                if not valid:
                    run.optimiser.zero_grad(set_to_none=True)
                    value.backward()
                    if clip is not None:
                        torch.nn.utils.clip_grad_norm_(network.parameters(), clip)
                    run.optimiser.step()
                total += now * len(batch[0])
                n += len(batch[0])
    except (MemoryError, RuntimeError) as error:
        if out_of_memory(error):
            raise _OutOfMemory from error
        raise
    if n == 0:
        raise OctlessonsError(
            f"There are no {'validation' if valid else 'training'} images: not one batch came in "
            f"epoch {epoch}. Give more images, or a smaller batch size."
        )
    return total / n


def _moved(batch, device: str) -> tuple:
    import torch

    if not isinstance(batch, tuple | list):
        batch = (batch,)
    moved = []
    for part in batch:
        if isinstance(part, np.ndarray) and part.dtype == np.float64:
            part = part.astype(np.float32)
        moved.append(torch.as_tensor(part).to(device))
    return tuple(moved)


def _not_finite(value, epoch, number, valid, batch, run) -> OctlessonsError:
    import torch

    what = "validation loss" if valid else "loss"
    where = f"The {what} became {'NaN' if math.isnan(value) else 'infinite'} in epoch {epoch}, "
    where += f"batch {number}, so training stopped. "
    if not all(torch.isfinite(part).all() for part in batch if part.is_floating_point()):
        return OctlessonsError(
            where + "The batch itself holds NaN or infinite numbers: mend the images "
            "(numpy.nan_to_num) or leave them out."
        )
    rate = run.optimiser.param_groups[0]["lr"]
    return OctlessonsError(
        where + f"Try a smaller learning_rate ({rate / 10:g} instead of {rate:g}), another "
        "optimiser, or images scaled to 0…1."
    )


def _measured(network, measure, seed: int, device: str) -> dict[str, float]:
    import torch

    network.eval()
    try:
        with torch.no_grad(), seeded(_seed(seed, 0)), _repeatable(device):
            found = dict(measure(network))
    except (MemoryError, RuntimeError) as error:
        if out_of_memory(error):
            raise _OutOfMemory from error
        raise
    taken = sorted(set(found) & set(RECORDED))
    if taken:
        raise ValueError(f"`measure` may not give {', '.join(taken)}: every epoch has its own.")
    return {str(name): float(value) for name, value in found.items()}


@contextlib.contextmanager
def _repeatable(device: str) -> Iterator[None]:
    """On a GPU, choose kernels that give the same result each time."""
    import torch

    if not device.startswith("cuda"):
        yield
        return
    with torch.backends.cudnn.flags(enabled=True, benchmark=False, deterministic=True):
        yield


def _stale(run: _Run, patience: int | None) -> bool:
    history = run.history
    return patience is not None and len(history) - (history.best_epoch or 0) >= patience


def _factor(schedule, epoch: int, epochs: int) -> float:
    if schedule is None:
        return 1.0
    if callable(schedule):
        return float(schedule(epoch, epochs))
    return 0.5 * (1 + math.cos(math.pi * (epoch - 1) / epochs))


def _seed(seed: int, epoch: int) -> int:
    return int(np.random.SeedSequence([seed, epoch]).generate_state(1)[0])


# ---------------------------------------------------------------------- small print


def _optimiser(network, optimiser, learning_rate: float, weight_decay: float):
    import torch

    parameters = [p for p in network.parameters() if p.requires_grad]
    if not parameters:
        raise ValueError("The network has no parameters that can be trained.")
    if callable(optimiser):
        return optimiser(parameters)
    if optimiser not in OPTIMISERS:
        raise ValueError(
            f"`optimiser` is one of {', '.join(map(repr, OPTIMISERS))} or a callable, not "
            f"{optimiser!r}."
        )
    settings: dict[str, Any] = {"lr": learning_rate, "weight_decay": weight_decay}
    if optimiser == "sgd":
        settings |= {"momentum": 0.9, "nesterov": True}
    names = {"adam": "Adam", "adamw": "AdamW", "rmsprop": "RMSprop", "sgd": "SGD"}
    return getattr(torch.optim, names[optimiser])(parameters, **settings)


def _check(epochs, learning_rate, weight_decay, patience, clip, precision, schedule, seed) -> None:
    for name, value, least in (
        ("epochs", epochs, 1),
        ("patience", patience, 1),
        ("seed", seed, 0),
    ):
        if value is None and name == "patience":
            continue
        try:
            fits = operator.index(value) >= least
        except TypeError:
            fits = False
        if not fits:
            raise ValueError(f"`{name}` is a whole number of at least {least}, not {value!r}.")
    for name, value in (("learning_rate", learning_rate), ("clip", 1 if clip is None else clip)):
        if not (np.isscalar(value) and math.isfinite(value) and value > 0):
            raise ValueError(f"`{name}` is a number above 0, not {value!r}.")
    if not (np.isscalar(weight_decay) and math.isfinite(weight_decay) and weight_decay >= 0):
        raise ValueError(f"`weight_decay` is a number of at least 0, not {weight_decay!r}.")
    if precision not in ("float32", "bfloat16"):
        raise ValueError(f"`precision` is 'float32' or 'bfloat16', not {precision!r}.")
    if schedule is not None and schedule != "cosine" and not callable(schedule):
        raise ValueError(f"`schedule` is 'cosine', a callable or None, not {schedule!r}.")


def _monitor(monitor: str, valid_batches, measure, patience) -> str | None:
    if monitor == "valid" and valid_batches is None:
        if patience is not None:
            raise ValueError(
                "Stopping early needs something to watch: give validation images, "
                "monitor='train', or patience=None."
            )
        return None
    if monitor not in ("train", "valid") and measure is None:
        raise ValueError(f"`monitor` is {monitor!r}, but there is no `measure` that gives it.")
    return monitor


def _silent(_line: str) -> None:
    pass


def _line(record: Mapping[str, float], epochs: int) -> str:
    width = len(str(epochs))
    parts = [f"epoch {record['epoch']:>{width}}/{epochs}"]
    names = [n for n in record if n not in ("epoch", "learning_rate", "seconds")]
    parts += [f"{name} {figures(record[name])}" for name in names]
    return "  ".join([*parts, f"{record['seconds']:.1f} s"])


def _interrupted(epoch: int, store: Checkpoint | None) -> str:
    text = f"Stopped by you in epoch {epoch}."
    if store is None:
        return text + " Nothing was kept: give checkpoint='….pt' to be able to go on next time."
    if not store.done:
        return text + " No epoch was finished, so there is no checkpoint yet."
    return text + f"{_kept(store)} Run the same again to go on."


def _kept(store: Checkpoint | None) -> str:
    if store is None or not store.done:
        return ""
    epochs = "Epoch 1 is" if store.done == 1 else f"Epochs 1 to {store.done} are"
    return f" {epochs} kept in {store.path}."


def _name(function) -> str:
    return getattr(function, "__qualname__", type(function).__name__)
