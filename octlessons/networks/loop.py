"""The one training loop: `train`."""

from __future__ import annotations

import contextlib
import math
import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from octlessons._optional import need_torch
from octlessons.errors import OctlessonsError
from octlessons.networks.checkpoints import Checkpoint, copied
from octlessons.networks.history import RECORDED, History, figures
from octlessons.networks.settings import TrainingSettings
from octlessons.representations.devices import choose_device, seeded
from octlessons.representations.extraction import out_of_memory

if TYPE_CHECKING:
    import torch

#: Batches of an epoch: a function of the epoch and a generator, or what is gone through each time.
Batches = Callable[[int, np.random.Generator], Iterable] | Iterable


def train(
    network: torch.nn.Module,
    loss: Callable[[torch.nn.Module, tuple], torch.Tensor],
    batches: Batches,
    valid_batches: Batches | None = None,
    *,
    settings: TrainingSettings,
    measure: Callable[[torch.nn.Module], Mapping[str, float]] | None = None,
    checkpoint: Checkpoint | str | os.PathLike | None = None,
    device: str = "auto",
    report: Callable[[str], Any] | None = None,
) -> History:
    """Train a network, in place.

    Parameters
    ----------
    network : torch.nn.Module
        It ends on `device`, in evaluation mode, with the weights of the best epoch. Build it
        inside ``with seeded(random_state):`` so that its first weights follow from the seed too.
    loss : callable
        ``loss(network, batch)`` gives the mean loss of a batch, a scalar tensor. The batch is a
        tuple of tensors, on the device already.
    batches, valid_batches : callable or iterable
        ``batches(epoch, rng)`` gives tuples of arrays or tensors, whose first has one entry for
        each image; epochs count from 1, and all randomness should come from `rng`. Or something
        to iterate over anew in each epoch. The `rng` of validation is the same in every epoch.
    settings : TrainingSettings
    measure : callable, optional
        ``measure(network)`` gives further numbers after each epoch.
    checkpoint : path or Checkpoint, optional
        File written after every epoch, from which an interrupted training goes on.
    device : str
        See `choose_device`.
    report : callable, optional
        Takes a line of text for each epoch, such as ``print``.

    Returns
    -------
    History

    Raises
    ------
    OctlessonsError
        If the loss is NaN or infinite, memory runs out, there are no batches or no such device,
        or the checkpoint is corrupt, of another training, or cannot be written.
    ValueError
        If a parameter is out of range.
    KeyboardInterrupt
        If the reader stops it (Ctrl-C); the message says how to go on.
    """
    need_torch()
    run = _Training(network, loss, batches, valid_batches, settings, measure, device, report)
    return run.all_epochs(checkpoint)


class _Training:
    """A network under training, its optimiser, and what is known so far."""

    def __init__(self, network, loss, batches, valid_batches, settings, measure, device, report):
        self.network, self.loss, self.settings = network, loss, settings
        self.batches, self.valid_batches, self.measure = batches, valid_batches, measure
        self.device = choose_device(device)
        self.say = report if report is not None else lambda line: None
        monitor = _monitor(settings, valid_batches, measure)
        self.optimiser = settings.optimiser(network.to(self.device))
        self.history = History(
            monitor=monitor, higher_is_better=settings.higher_is_better, device=self.device
        )
        self.identity = settings.described(monitor)
        n_parameters = sum(p.numel() for p in network.parameters())
        self.history.settings = {**self.identity, "n_parameters": n_parameters}
        self.best: dict[str, Any] | None = None
        self.store: Checkpoint | None = None

    def all_epochs(self, checkpoint) -> History:
        history, settings = self.history, self.settings
        self._resume(checkpoint)
        try:
            while len(history) < settings.max_iter and not self._stale():
                self.add(self._epoch(len(history) + 1))
                if self.store is not None:
                    self.store.write(self)
                self.say(_line(history.epochs[-1], settings.max_iter))
        except KeyboardInterrupt:
            message = _interrupted(len(history) + 1, self.store)
            self.say(message)
            raise KeyboardInterrupt(message) from None
        except (MemoryError, RuntimeError) as error:
            if not out_of_memory(error):
                raise
            raise OctlessonsError(
                f"Training ran out of memory on {self.device} in epoch {len(history) + 1}. Take a "
                f"smaller batch_size, smaller images or a narrower network.{_kept(self.store)}"
            ) from error
        if self._stale() and len(history) < settings.max_iter:
            history.stopped_early = True
            self.say(
                f"stopped after epoch {len(history)}: {history.monitor} has not improved since "
                f"epoch {history.best_epoch}"
            )
        if self.best is not None:
            self.network.load_state_dict(self.best)
        self.network.eval()
        return history

    def add(self, record: dict[str, float]) -> None:
        """Take down an epoch, and its weights if it is the best so far."""
        self.history.epochs.append(record)
        if self._improves(record):
            self.history.best_epoch = len(self.history)
            if self.settings.keep_best and self.history.monitor is not None:
                self.best = copied(self.network.state_dict())

    def _resume(self, checkpoint) -> None:
        if checkpoint is None:
            return
        if not isinstance(checkpoint, Checkpoint):
            checkpoint = Checkpoint(checkpoint)
        if self.settings.schedule is not None:
            self.identity["max_iter"] = self.settings.max_iter
        self.store = checkpoint.of(self.identity)
        if self.store.resume and self.store.path.exists():
            self.store.restore(self, self.settings.max_iter)
            self.say(f"going on after epoch {len(self.history)} of {self.store.path}")

    def _epoch(self, epoch: int) -> dict[str, float]:
        started = time.perf_counter()
        rate = self.settings.learning_rate(epoch)
        for group in self.optimiser.param_groups:
            group["lr"] = rate
        record: dict[str, float] = {"epoch": epoch}
        with self._chance(epoch):
            record["train"] = self._pass(self.batches, epoch, training=True)
        if self.valid_batches is not None:
            with self._chance(0):
                record["valid"] = self._pass(self.valid_batches, epoch, training=False)
        if self.measure is not None:
            record.update(self._measured())
        record["learning_rate"] = rate
        record["seconds"] = time.perf_counter() - started
        return record

    @contextlib.contextmanager
    def _chance(self, epoch: int) -> Iterator[None]:
        """Randomness of this epoch alone, and on a GPU kernels that repeat themselves."""
        import torch

        seed = np.random.SeedSequence([self.settings.random_state, epoch]).generate_state(1)[0]
        with contextlib.ExitStack() as stack:
            stack.enter_context(seeded(int(seed)))
            if self.device.startswith("cuda"):
                flags = torch.backends.cudnn.flags
                stack.enter_context(flags(enabled=True, benchmark=False, deterministic=True))
            yield

    def _pass(self, batches: Batches, epoch: int, training: bool) -> float:
        """Go through the batches once; return the mean loss, each image counting the same."""
        import torch

        rng = np.random.default_rng([self.settings.random_state, epoch if training else 0])
        self.network.train(training)
        kind = torch.device(self.device).type
        half = self.settings.precision == "bfloat16"
        total, n = 0.0, 0
        with torch.set_grad_enabled(training):
            coming = batches(epoch, rng) if callable(batches) else batches
            for number, arrays in enumerate(coming, start=1):
                batch = _moved(arrays, self.device)
                with torch.autocast(kind, torch.bfloat16, enabled=half):
                    value = self.loss(self.network, batch)
                now = float(value.detach())
                if not math.isfinite(now):
                    raise self._not_finite(now, epoch, number, training, batch)
                if training:
                    self._step(value)
                total += now * len(batch[0])
                n += len(batch[0])
        if n == 0:
            raise OctlessonsError(
                f"There are no {'training' if training else 'validation'} images: not one batch "
                f"came in epoch {epoch}. Give more images, or a smaller batch size."
            )
        return total / n

    def _step(self, value) -> None:
        import torch

        self.optimiser.zero_grad(set_to_none=True)
        value.backward()
        if self.settings.clip is not None:
            torch.nn.utils.clip_grad_norm_(self.network.parameters(), self.settings.clip)
        self.optimiser.step()

    def _measured(self) -> dict[str, float]:
        import torch

        self.network.eval()
        with torch.no_grad(), self._chance(0):
            found = dict(self.measure(self.network))
        taken = sorted(set(found) & set(RECORDED))
        if taken:
            raise ValueError(f"`measure` may not give {', '.join(taken)}: every epoch has its own.")
        return {str(name): float(value) for name, value in found.items()}

    def _improves(self, record: dict[str, float]) -> bool:
        history = self.history
        if history.monitor is None or history.best is None:
            return True
        if history.monitor not in record:
            raise ValueError(
                f"`monitor` is {history.monitor!r}, but an epoch records only {', '.join(record)}."
            )
        new, old = record[history.monitor], history.best[history.monitor]
        return math.isnan(old) or (new > old if history.higher_is_better else new < old)

    def _stale(self) -> bool:
        patience = self.settings.n_iter_no_change or math.inf
        return len(self.history) - (self.history.best_epoch or 0) >= patience

    def _not_finite(self, value, epoch: int, number: int, training: bool, batch) -> Exception:
        import torch

        where = (
            f"The {'' if training else 'validation '}loss became "
            f"{'NaN' if math.isnan(value) else 'infinite'} in epoch {epoch}, batch {number}, so "
            "training stopped. "
        )
        if not all(torch.isfinite(part).all() for part in batch if part.is_floating_point()):
            return OctlessonsError(
                where + "The batch itself holds NaN or infinite numbers: mend the images "
                "(numpy.nan_to_num) or leave them out."
            )
        rate = self.optimiser.param_groups[0]["lr"]
        return OctlessonsError(
            where + f"Try a smaller learning_rate_init ({rate / 10:g} instead of {rate:g}), "
            "another solver, or images scaled to 0…1."
        )


# ---------------------------------------------------------------------- small print


def _moved(batch, device: str) -> tuple:
    import torch

    parts = batch if isinstance(batch, tuple | list) else (batch,)
    moved = [torch.as_tensor(part).to(device) for part in parts]
    return tuple(part.float() if part.dtype == torch.float64 else part for part in moved)


def _monitor(settings: TrainingSettings, valid_batches, measure) -> str | None:
    monitor = settings.monitor
    if monitor == "valid" and valid_batches is None:
        if settings.n_iter_no_change is not None:
            raise ValueError(
                "Stopping early needs something to watch: give validation images, "
                "monitor='train', or n_iter_no_change=None."
            )
        return None
    if monitor not in ("train", "valid") and measure is None:
        raise ValueError(f"`monitor` is {monitor!r}, but there is no `measure` that gives it.")
    return monitor


def _line(record: Mapping[str, float], max_iter: int) -> str:
    width = len(str(max_iter))
    parts = [f"epoch {record['epoch']:>{width}}/{max_iter}"]
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
