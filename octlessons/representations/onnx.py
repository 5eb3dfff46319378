"""Networks on ONNX Runtime: run one on all cores, and export one from torch, once.

On a CPU, ONNX Runtime is several times as fast as plain torch with the same numbers to rounding.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
import sys
import tempfile
import warnings
from concurrent.futures import ThreadPoolExecutor
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

from octlessons._files import locked, write_atomically
from octlessons._optional import install_command, installed
from octlessons.errors import OctlessonsError, first_line

#: Images that one thread computes at a time. Fixed, so that results do not depend on the threads.
CHUNK = 4

_FORMAT = 1  # of exported files; a new number leaves those of earlier versions behind
_AGREE = 0.9999  # cosine similarity that an export must reach


class ExportError(OctlessonsError):
    """A network that cannot be had in ONNX here; torch can still run it."""


class OnnxNetwork:
    """A network of one input and one output, run in several threads.

    `model` is an ``.onnx`` file or its content. Each thread computes `CHUNK` images at a time with
    one core, which is faster than all cores on the same layer, above all beside other programs.
    Rows do not depend on the number of threads.
    """

    def __init__(self, model: str | os.PathLike | bytes, n_threads: int | None = None):
        try:
            import onnxruntime
        except ImportError as error:
            raise ExportError(
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
        self.input = self.session.get_inputs()[0].name
        self.n_features: int = self.session.get_outputs()[0].shape[1]

    def __call__(self, batch: np.ndarray) -> np.ndarray:
        """Rows (b, d) of a batch, float32."""
        starts = range(0, len(batch), CHUNK)
        if self.n_threads == 1 or len(starts) == 1:
            parts = [self._part(batch, start) for start in starts]
        else:
            with ThreadPoolExecutor(min(self.n_threads, len(starts))) as pool:
                parts = list(pool.map(lambda start: self._part(batch, start), starts))
        return np.concatenate(parts)

    def _part(self, batch: np.ndarray, start: int) -> np.ndarray:
        part = np.ascontiguousarray(batch[start : start + CHUNK], np.float32)
        return self.session.run(None, {self.input: part})[0]


def usable_cores() -> int:
    """Cores that this process may use; fewer where ``OMP_NUM_THREADS`` says so."""
    try:
        cores = len(os.sched_getaffinity(0))
    except AttributeError:
        cores = os.cpu_count() or 1
    asked = os.environ.get("OMP_NUM_THREADS", "").partition(",")[0]
    return min(cores, int(asked)) if asked.isdigit() and int(asked) > 0 else cores


# ---------------------------------------------------------------------- exporting


def exported(
    network: Any,
    shape: tuple[int, int, int],
    name: str,
    identity: str,
    folder: Path,
    progress: bool | None = None,
) -> Path | bytes:
    """Export a network to ONNX, or find the file of an earlier time.

    `network`, `shape`, `name` and `progress` are as for `export`; `identity` is what else the file
    depends on, such as the checksum of the weights. Files made by other versions of torch and its
    kin are removed. Where the folder cannot be written, the content is returned.
    """
    stem = f"{name}-{'x'.join(map(str, shape))}-{identity[:16]}"
    file = folder / f"{stem}-{_versions()}.onnx"
    if file.is_file():
        return file
    with contextlib.ExitStack() as stack:
        with contextlib.suppress(OSError):  # a folder that cannot be written
            folder.mkdir(parents=True, exist_ok=True)
            stack.enter_context(locked(folder / f".{stem}.lock"))
        if file.is_file():  # another process was quicker
            return file
        content = export(network, shape, name, progress)
        try:
            write_atomically(file, content)
        except OctlessonsError:
            return content
        for old in folder.glob(f"{stem}-*.onnx"):
            if old != file:
                with contextlib.suppress(OSError):  # in use, on Windows
                    old.unlink()
    return file


def export(
    network: Any, shape: tuple[int, int, int], name: str, progress: bool | None = None
) -> bytes:
    """Export a network to ONNX, and see that it still computes the same.

    Parameters
    ----------
    network : torch.nn.Module or callable
        Images (n, c, h, w) to rows (n, d), on the CPU, in evaluation mode; or a function that
        builds it, called only if it can be exported.
    shape : (int, int, int)
        Channels, height and width of an image. Any number of images can be run.
    name : str
        What the network is called in sentences.
    progress : bool, optional
        Say that there is something to wait for. None: only on a terminal.

    Raises
    ------
    ExportError
        If the network cannot be exported, or computes something else afterwards.
    """
    import torch

    lacking = [module for module in ("onnx", "onnxscript") if not installed(module)]
    if lacking:
        raise ExportError(
            f"Exporting {name} to ONNX needs {' and '.join(lacking)}: {install_command('deep')}, "
            'or take engine="torch".'
        )
    if progress or (progress is None and sys.stderr.isatty()):
        print(f"Preparing {name} for this machine, once (half a minute) …", file=sys.stderr)
    built = network if isinstance(network, torch.nn.Module) else network()
    content = _as_onnx(built, shape, name)
    images = torch.rand(3, *shape, generator=torch.Generator().manual_seed(1))
    with torch.inference_mode():
        rows = built(images).numpy()
    again = OnnxNetwork(content, n_threads=1)(images.numpy())
    if rows.shape != again.shape or not cosine_similarity(rows, again) >= _AGREE:
        raise ExportError(
            f"{name} computes something else after its export to ONNX: take engine='torch'."
        )
    return content


def _as_onnx(network: Any, shape: tuple[int, int, int], name: str) -> bytes:
    import torch

    example = torch.rand(2, *shape, generator=torch.Generator().manual_seed(0))
    with (
        tempfile.TemporaryDirectory() as folder,
        contextlib.redirect_stdout(io.StringIO()),
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("ignore")
        file = Path(folder) / "network.onnx"
        try:
            program = torch.onnx.export(
                network,
                (example,),
                dynamo=True,
                external_data=False,
                dynamic_shapes=({0: torch.export.Dim("batch")},),
                input_names=["images"],
                output_names=["features"],
                verbose=False,
            )
            assert program is not None
            program.save(str(file), external_data=False)
        except Exception as error:  # of many kinds, all of torch
            raise ExportError(
                f"{name} cannot be exported to ONNX ({first_line(error)}): take engine='torch'."
            ) from error
        return file.read_bytes()


def _versions() -> str:
    said = []
    for name in ("torch", "torchvision", "onnx", "onnxscript"):
        with contextlib.suppress(metadata.PackageNotFoundError):
            said.append(f"{name} {metadata.version(name)}")
    return hashlib.sha256(f"{_FORMAT} {said}".encode()).hexdigest()[:8]


def cosine_similarity(a: np.ndarray, b: np.ndarray) -> float:
    """Smallest cosine similarity of matching rows."""
    lengths = np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1)
    return float(np.min(np.sum(a * b, axis=1) / np.where(lengths > 0, lengths, 1)))
