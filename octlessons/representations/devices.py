"""Where networks run, and the chance they draw on."""

from __future__ import annotations

import contextlib
import itertools
import random
from collections.abc import Iterator

import numpy as np

from octlessons._optional import need_torch
from octlessons.errors import OctlessonsError


def choose_device(device: str = "auto") -> str:
    """Say where networks run on this machine.

    Parameters
    ----------
    device : str
        ``"auto"`` takes a GPU (``"cuda"``, or ``"mps"`` on a Mac) where there is one, else
        ``"cpu"``. Another name, ``"cuda:1"`` for instance, is checked and given back.

    Raises
    ------
    OctlessonsError
        If there is no such device here, or torch is not installed.
    """
    torch = need_torch()
    if device == "auto":
        if torch.cuda.is_available():
            return "cuda"
        return "mps" if torch.backends.mps.is_available() else "cpu"
    try:
        asked = torch.device(device)
        there = {
            "cpu": True,
            "cuda": torch.cuda.is_available() and (asked.index or 0) < torch.cuda.device_count(),
            "mps": torch.backends.mps.is_available(),
        }.get(asked.type, False)
    except (RuntimeError, TypeError):
        there = False
    if not there:
        raise OctlessonsError(
            f"There is no device {device!r} that torch can use here: take device='auto', which "
            f"gives {choose_device()!r} on this machine."
        )
    return str(device)


@contextlib.contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Seed torch, NumPy and Python inside a ``with`` block, and put their states back after it.

    Parameters
    ----------
    seed : int

    """
    torch = need_torch()
    python, legacy, cpu = random.getstate(), np.random.get_state(), torch.get_rng_state()
    gpus = torch.cuda.get_rng_state_all() if torch.cuda.is_available() else None
    mps = torch.mps.get_rng_state() if torch.backends.mps.is_available() else None
    try:
        random.seed(seed)
        np.random.seed(seed % 2**32)
        torch.manual_seed(seed)
        yield
    finally:
        random.setstate(python)
        np.random.set_state(legacy)
        torch.set_rng_state(cpu)
        if gpus is not None:
            torch.cuda.set_rng_state_all(gpus)
        if mps is not None:
            torch.mps.set_rng_state(mps)


def batch_indices(
    n: int, batch_size: int, rng: np.random.Generator | None = None
) -> Iterator[np.ndarray]:
    """Yield the numbers 0 … n − 1 in batches.

    Parameters
    ----------
    n, batch_size : int
        A single number left over joins the last batch, as batch normalisation needs two.
    rng : numpy.random.Generator, optional
        Shuffles them; None keeps the order.

    Examples
    --------
    >>> [batch.tolist() for batch in batch_indices(7, 3)]
    [[0, 1, 2], [3, 4, 5, 6]]
    """
    order = np.arange(n) if rng is None else rng.permutation(n)
    starts = list(range(0, n, batch_size))
    if len(starts) > 1 and n - starts[-1] == 1:
        starts.pop()
    for start, stop in itertools.pairwise([*starts, n]):
        yield order[start:stop]
