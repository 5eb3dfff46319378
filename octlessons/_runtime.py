"""Networks on ONNX Runtime, and the files of those that ship with the package.

On a CPU, ONNX Runtime is several times as fast as plain torch with the same numbers to rounding.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from octlessons._files import file_hash
from octlessons.errors import OctlessonsError, first_line

#: Where the shipped networks and their model cards lie.
SHIPPED = Path(__file__).resolve().parent / "shipped"

#: Images that one thread computes at a time. Fixed, so that results do not depend on the threads.
CHUNK = 4


class NoRuntime(OctlessonsError):
    """ONNX Runtime is not here."""


class OnnxNetwork:
    """A network that runs in several threads, each with one core and `CHUNK` images at a time.

    That is faster than all cores on the same layer, above all beside other programs. Rows do not
    depend on the number of threads.

    Parameters
    ----------
    model : path or bytes
        An ``.onnx`` file or its content.
    n_threads : int, optional
        All cores by default, or what ``OMP_NUM_THREADS`` says.

    Attributes
    ----------
    n_features : int
        Length of a row of the first output.

    Raises
    ------
    NoRuntime
        If ONNX Runtime cannot be imported.
    OctlessonsError
        If the file is no network that it can run.
    """

    def __init__(self, model: str | os.PathLike | bytes, n_threads: int | None = None):
        try:
            import onnxruntime
        except ImportError as error:
            raise NoRuntime(
                f"Networks run on ONNX Runtime, which cannot be imported here ({error}): python -m "
                'pip install "onnxruntime>=1.20". It does not come with octlessons on Macs with '
                "Intel processors, for which it is no longer made."
            ) from error
        self.n_threads = n_threads or usable_cores()
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 3
        content = model if isinstance(model, bytes) else os.fspath(model)
        try:
            self.session = onnxruntime.InferenceSession(
                content, options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:
            if not type(error).__module__.startswith("onnxruntime"):
                raise
            name = "The network" if isinstance(content, bytes) else content
            raise OctlessonsError(
                f"{name} cannot be run by ONNX Runtime {onnxruntime.__version__} "
                f"({first_line(error)}): delete the file, so that it is made again."
            ) from error
        self.inputs = [part.name for part in self.session.get_inputs()]
        self.outputs = [part.name for part in self.session.get_outputs()]
        self.n_features: int = self.session.get_outputs()[0].shape[1]

    def run(self, *inputs: np.ndarray, outputs: list[str] | None = None) -> list[np.ndarray]:
        """Run some images in this thread: arrays of float32 in, the named outputs out."""
        given = [np.ascontiguousarray(array, np.float32) for array in inputs]
        return self.session.run(outputs, dict(zip(self.inputs, given, strict=True)))

    def __call__(self, batch: np.ndarray) -> np.ndarray:
        """Rows (b, d) of a batch, float32: the first output."""
        first = self.outputs[:1]
        parts = in_threads(lambda part: self.run(part, outputs=first), batch, self.n_threads)
        return np.concatenate([rows for (rows,) in parts])


def in_threads(
    work: Callable[[np.ndarray], Any], batch: np.ndarray, n_threads: int, chunk: int = CHUNK
) -> list:
    """Call `work` with `chunk` images at a time, in threads; results in the order of the batch."""
    parts = [batch[start : start + chunk] for start in range(0, len(batch), chunk)]
    if n_threads == 1 or len(parts) == 1:
        return [work(part) for part in parts]
    with ThreadPoolExecutor(min(n_threads, len(parts))) as pool:
        return list(pool.map(work, parts))


def usable_cores() -> int:
    """Cores that this process may use; fewer where ``OMP_NUM_THREADS`` says so."""
    try:
        cores = len(os.sched_getaffinity(0))
    except AttributeError:
        cores = os.cpu_count() or 1
    asked = os.environ.get("OMP_NUM_THREADS", "").partition(",")[0]
    return min(cores, int(asked)) if asked.isdigit() and int(asked) > 0 else cores


# ---------------------------------------------------------------------- what ships


def read_card(name: str, folder: Path = SHIPPED) -> dict:
    """Read the model card of a network, and see that its file is there."""
    mend = (
        "install octlessons again (pip install --force-reinstall --no-deps octlessons)"
        if folder == SHIPPED
        else f"train it with python -m experiments.encoder --variant {name} --out {folder}"
    )
    cards = folder / "cards.json"
    try:
        card = json.loads(cards.read_text(encoding="utf-8"))[name]
    except (OSError, ValueError, KeyError) as error:
        raise OctlessonsError(
            f'The model card of the network "{name}" cannot be read from {cards} '
            f"({type(error).__name__}): {mend}."
        ) from error
    if not (folder / card["file"]).is_file():
        raise OctlessonsError(f"The network {folder / card['file']} is missing: {mend}.")
    return card


def opened(name: str, folder: Path = SHIPPED, n_threads: int | None = None):
    """The model card and the network of that name, after a look at its checksum."""
    card = read_card(name, folder)
    file = folder / card["file"]
    if file_hash(file) != card["sha256"]:
        raise OctlessonsError(
            f"The network {file} is not the file its model card describes (the SHA-256 differs), "
            "so it was changed or damaged: install octlessons again, or train it again."
        )
    return card, _network(str(file), card["sha256"], n_threads)


@lru_cache(maxsize=8)
def _network(path: str, sha256: str, n_threads: int | None) -> OnnxNetwork:
    return OnnxNetwork(path, n_threads)
