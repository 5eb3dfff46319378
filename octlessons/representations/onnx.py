"""Export a network from torch to ONNX, once; `octlessons._runtime` runs it."""

from __future__ import annotations

import contextlib
import hashlib
import io
import sys
import tempfile
import warnings
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

from octlessons._files import locked, write_atomically
from octlessons._optional import install_command, installed
from octlessons._runtime import OnnxNetwork
from octlessons.errors import OctlessonsError, first_line

_FORMAT = 2  # of exported files; a new number leaves those of earlier versions behind
_AGREE = 0.9999  # cosine similarity that an export must reach


class ExportError(OctlessonsError):
    """A network that cannot be had in ONNX here; torch can still run it."""


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
    network: Any,
    shape: tuple[int, ...] | dict[str, tuple[int, ...]],
    name: str,
    progress: bool | None = None,
    outputs: tuple[str, ...] = ("features",),
) -> bytes:
    """Export a network to ONNX, and see that it still computes the same.

    Parameters
    ----------
    network : torch.nn.Module or callable
        Images (n, c, h, w) to rows (n, d), on the CPU, in evaluation mode; or a function that
        builds it, called only if it can be exported.
    shape : tuple of int, or dict
        Channels, height and width of an image. For a network of several inputs their names, each
        with the shape of one of a batch. Any number of images can be run.
    name : str
        What the network is called in sentences.
    progress : bool, optional
        Say that there is something to wait for. None: only on a terminal.
    outputs : tuple of str
        Names of what the network gives.

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
    shapes = shape if isinstance(shape, dict) else {"images": shape}
    content = _as_onnx(built, shapes, name, outputs)
    chance = torch.Generator().manual_seed(1)
    given = [torch.rand(3, *some, generator=chance) for some in shapes.values()]
    with torch.inference_mode():
        expected = built(*given)
    if isinstance(expected, torch.Tensor):
        expected = (expected,)
    found = OnnxNetwork(content, n_threads=1).run(*[array.numpy() for array in given])
    for ours, again in zip((part.numpy() for part in expected), found, strict=True):
        flat = len(ours), -1
        if ours.shape != again.shape or not (
            cosine_similarity(ours.reshape(flat), again.reshape(flat)) >= _AGREE
        ):
            raise ExportError(
                f"{name} computes something else after its export to ONNX: take engine='torch'."
            )
    return content


def _as_onnx(network: Any, shapes: dict, name: str, outputs: tuple[str, ...]) -> bytes:
    import torch

    chance = torch.Generator().manual_seed(0)
    example = tuple(torch.rand(2, *shape, generator=chance) for shape in shapes.values())
    with (
        tempfile.TemporaryDirectory() as folder,
        contextlib.redirect_stdout(io.StringIO()),
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("ignore")
        file = Path(folder) / "network.onnx"
        try:
            batch = torch.export.Dim("batch")
            program = torch.onnx.export(
                network,
                example,
                dynamo=True,
                external_data=False,
                dynamic_shapes=tuple({0: batch} for _ in shapes),
                input_names=list(shapes),
                output_names=list(outputs),
                verbose=False,
            )
            assert program is not None
            program.save(str(file), external_data=False)
        except Exception as error:  # of many kinds, all of torch
            raise ExportError(
                f"{name} cannot be exported to ONNX ({first_line(error)}): take engine='torch'."
            ) from error
        return _bare(file.read_bytes())


def _bare(content: bytes) -> bytes:
    """The network without notes on where in whose files each step came from."""
    import onnx

    model = onnx.load_model_from_string(content)
    graph = model.graph
    for part in (model, graph, *graph.node, *graph.value_info, *graph.input, *graph.output):
        del part.metadata_props[:]
        part.doc_string = ""
    return model.SerializeToString()


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
