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
from pathlib import Path

import numpy as np

from octlessons._files import locked
from octlessons.errors import OctlessonsError

#: Images that one thread computes at a time. Fixed, so that results do not depend on the threads.
CHUNK = 4

_FORMAT = 1  # of exported files; a new number leaves those of earlier versions behind
_AGREE = 0.9999  # cosine similarity that an export must reach


class ExportError(OctlessonsError):
    """A network that cannot be had in ONNX here; torch can still run it."""


class OnnxNetwork:
    """A network of one input and one output, run in several threads.

    Each thread computes a few images at a time with one core, which is faster than all cores
    on the same layer, above all beside other programs. Rows do not depend on the number of
    threads.

    Parameters
    ----------
    model : path or bytes
        The ``.onnx`` file, or its content.
    n_threads : int, optional
        Threads; by default `usable_cores`.
    chunk : int
        Images that one thread computes at a time.

    Raises
    ------
    OctlessonsError
        If ONNX Runtime is not installed (an `ExportError`) or cannot read the file.
    """

    def __init__(self, model, n_threads: int | None = None, chunk: int = CHUNK):
        try:
            import onnxruntime
        except ImportError as error:
            raise ExportError(
                f"Networks run on ONNX Runtime, which cannot be imported here ({error}): python -m "
                "pip install -c constraints.txt onnxruntime"
            ) from error
        self.n_threads, self.chunk = n_threads or usable_cores(), chunk
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        model = model if isinstance(model, bytes) else os.fspath(model)
        try:
            self.session = onnxruntime.InferenceSession(
                model, options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:
            if not type(error).__module__.startswith("onnxruntime"):
                raise
            name = "The network" if isinstance(model, bytes) else model
            why = str(error).splitlines()[0].rstrip(".")[:160]
            raise OctlessonsError(
                f"{name} cannot be run by ONNX Runtime {onnxruntime.__version__} ({why}): delete "
                "the file, so that it is made again."
            ) from error
        self.input = self.session.get_inputs()[0].name
        self.n_features: int = self.session.get_outputs()[0].shape[1]

    def __call__(self, batch: np.ndarray) -> np.ndarray:
        """Rows (b, d) of a batch, float32."""
        starts = range(0, len(batch), self.chunk)
        if self.n_threads == 1 or len(starts) == 1:
            parts = [self._part(batch, start) for start in starts]
        else:
            with ThreadPoolExecutor(min(self.n_threads, len(starts))) as pool:
                parts = list(pool.map(lambda start: self._part(batch, start), starts))
        return np.concatenate(parts)

    def _part(self, batch: np.ndarray, start: int) -> np.ndarray:
        part = np.ascontiguousarray(batch[start : start + self.chunk], np.float32)
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
    network, shape: tuple[int, int, int], name: str, identity: str, folder: Path, progress=None
) -> Path | bytes:
    """Export a network to ONNX, or find the file of an earlier time.

    Parameters
    ----------
    network : torch.nn.Module or callable
        Images (n, c, h, w) to rows (n, d), in evaluation mode; or a function that builds it, which
        is called only if there is something to export.
    shape : (int, int, int)
        Channels, height and width of an image. Any number of images can be run.
    name : str
        Begins the name of the file.
    identity : str
        What else the file depends on, such as the checksum of the weights.
    folder : Path
        Where the files are kept. Files of the same name and another identity stay; files made by
        other versions of torch and its kin are removed.
    progress : bool, optional
        Say that there is something to wait for. None: only on a terminal.

    Returns
    -------
    Path or bytes
        The file; its content where the folder cannot be written.

    Raises
    ------
    ExportError
        If the network cannot be exported, or computes something else afterwards.
    """
    stem = f"{name}-{'x'.join(map(str, shape))}-{identity[:16]}"
    file = folder / f"{stem}-{_versions()}.onnx"
    if file.is_file():
        return file
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with locked(folder / f".{stem}.lock"):
            if file.is_file():  # another process was quicker
                return file
            content = _export(network, shape, name, progress)
            temporary = file.with_suffix(".new")
            temporary.write_bytes(content)
            os.replace(temporary, file)
            for old in folder.glob(f"{stem}-*.onnx"):
                if old != file:
                    with contextlib.suppress(OSError):  # in use, on Windows
                        old.unlink()
            return file
    except OSError:  # a folder that cannot be written
        return _export(network, shape, name, progress)


def _versions() -> str:
    from importlib import metadata

    names = ("torch", "torchvision", "onnx", "onnxscript")
    said = []
    for name in names:
        with contextlib.suppress(metadata.PackageNotFoundError):
            said.append(f"{name} {metadata.version(name)}")
    return hashlib.sha256(f"{_FORMAT} {said}".encode()).hexdigest()[:8]


def _export(network, shape: tuple[int, int, int], name: str, progress) -> bytes:
    import importlib.util

    import torch

    lacking = [n for n in ("onnx", "onnxscript") if importlib.util.find_spec(n) is None]
    if lacking:
        raise ExportError(
            f"Exporting {name} to ONNX needs {' and '.join(lacking)}: python -m pip install -c "
            'constraints.txt -e ".[deep]", or take engine="torch".'
        )
    if progress or (progress is None and sys.stderr.isatty()):
        print(f"Preparing {name} for this machine, once (half a minute) …", file=sys.stderr)
    if not isinstance(network, torch.nn.Module):
        network = network()
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
            program.save(str(file), external_data=False)
        except Exception as error:  # of many kinds, all of torch
            raise ExportError(
                f"{name} cannot be exported to ONNX ({_first_line(error)}): take engine='torch'."
            ) from error
        content = file.read_bytes()
    images = torch.rand(3, *shape, generator=torch.Generator().manual_seed(1))
    with torch.inference_mode():
        rows = network(images).numpy()
    again = OnnxNetwork(content, n_threads=1)(images.numpy())
    if rows.shape != again.shape or not _cosine(rows, again) >= _AGREE:
        raise ExportError(
            f"{name} computes something else after its export to ONNX: take engine='torch'."
        )
    return content


def _cosine(a: np.ndarray, b: np.ndarray) -> float:
    """Smallest cosine similarity of matching rows."""
    lengths = np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1)
    return float(np.min(np.sum(a * b, axis=1) / np.where(lengths > 0, lengths, 1)))


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".:")[:160]
