"""Feature maps of a trained network, with gradients: what a perceptual loss compares.

`PretrainedMaps` takes a classifier of torchvision, `EncoderMaps` the network of `PhantomEncoder`,
which ships with the package as ONNX; its convolutions are carried over to torch here.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from octlessons.errors import OctlessonsError

if TYPE_CHECKING:
    import torch

#: How many scales are compared, finest first.
SCALES = 3

#: Smaller images are enlarged to this side, in pixels, or there would be no coarse maps.
SMALLEST = 64


class PretrainedMaps:
    """Feature maps of a classifier of torchvision whose weights are on this machine.

    Parameters
    ----------
    architecture : str
        Such as ``"squeezenet1_1"``. Nothing is downloaded.

    Attributes
    ----------
    name : str
        Architecture and weights, for the page.
    sha256 : str
        Checksum of the weights.

    Raises
    ------
    OctlessonsError
        If the weights are not here; the sentence says where to get them and where to put them.
    """

    def __init__(self, architecture: str):
        import torch

        from octlessons.representations.backbones import load_backbone
        from octlessons.representations.weights import locate

        weights = locate(architecture, download=False)
        self.name, self.sha256 = f"{weights.architecture} ({weights.name})", weights.sha256
        preset = weights.entry.transforms()
        self._mean = torch.tensor(preset.mean)[:, None, None]
        self._std = torch.tensor(preset.std)[:, None, None]
        self._network = load_backbone(weights).classifier.requires_grad_(False)
        self._layers = self._chosen_layers()

    def __call__(self, images: torch.Tensor) -> list[torch.Tensor]:
        """Feature maps of images (n, 1 or 3, h, w) in 0…1, finest first."""
        self._network.to(images.device)
        mean, std = self._mean.to(images), self._std.to(images)
        found: dict[str, torch.Tensor] = {}
        return self._run((_enlarged(images, 1) - mean) / std, self._layers, found)

    def _run(self, inputs, layers: list[str], found: dict) -> list:
        def keep(name: str) -> Callable:
            def hook(_module, _inputs, output):
                found[name] = output
                if len(found) == len(layers):
                    raise _Enough

            return hook

        modules = dict(self._network.named_modules())
        hooks = [modules[name].register_forward_hook(keep(name)) for name in layers]
        try:
            self._network(inputs)
        except _Enough:
            pass
        finally:
            for hook in hooks:
                hook.remove()
        return list(found.values())

    def _chosen_layers(self) -> list[str]:
        import torch

        convolutions = [
            name
            for name, module in self._network.named_modules()
            if isinstance(module, torch.nn.Conv2d)
        ]
        if len(convolutions) < SCALES:
            raise OctlessonsError(
                f"{self.name} is no network of convolutions, so it has no feature maps to "
                "compare: take another, such as 'squeezenet1_1' or 'efficientnet_b0'."
            )
        found: dict[str, torch.Tensor] = {}
        with torch.no_grad():
            self._run(torch.zeros(1, 3, 224, 224), convolutions, found)
        return _last_of_each_size({name: value.shape for name, value in found.items()})


class EncoderMaps:
    """Feature maps of the network of `PhantomEncoder`.

    Parameters
    ----------
    path : path, optional
        An ``.onnx`` file; by default the shipped network that was trained without labels
        (``"views"``), or else the one trained with those of phantoms.

    Attributes
    ----------
    name : str
    sha256 : str
        Checksum of the file.

    Notes
    -----
    The network was trained on flattened scans of 112 × 144 px. Here it sees whole images as they
    are, from which it was not trained to tell diseases; its filters for edges and textures, of
    which a perceptual loss is made, are the same.

    Raises
    ------
    OctlessonsError
        If the file is missing, damaged, or no network of convolutions.
    """

    def __init__(self, path=None):
        import hashlib

        import torch

        from octlessons.representations.phantom_encoder import SHIPPED

        if path is None:
            path = SHIPPED / "views.onnx"
            path = path if path.exists() else SHIPPED / "labels.onnx"
        path = Path(path)
        try:
            data = path.read_bytes()
        except OSError as error:
            raise OctlessonsError(
                f"The network {path} cannot be read ({error.strerror or error}): install the "
                "package again."
            ) from error
        self.name = f"PhantomEncoder ({path.stem})"
        self.sha256 = hashlib.sha256(data).hexdigest()
        try:
            nodes, tensors = _read_onnx(data)
        except (ValueError, IndexError, struct.error) as error:
            raise OctlessonsError(
                f"{path} is not a sound ONNX file ({error}): install the package again."
            ) from error
        for op, inputs, outputs, _ in nodes:  # several convolutions may share their weights
            if op == "Identity" and inputs[0] in tensors:
                tensors[outputs[0]] = tensors[inputs[0]]
        first = next((n for n in nodes if n[0] == "Conv" and n[1][1] in tensors), None)
        if first is None:
            raise OctlessonsError(f"{path} has no convolutions that could be compared.")
        self._start, self._nodes = first[1][0], nodes
        self._tensors = {name: torch.from_numpy(value) for name, value in tensors.items()}
        self._n_inputs = self._tensors[first[1][1]].shape[1]
        with torch.no_grad():
            maps = self._maps(torch.zeros(1, self._n_inputs, SMALLEST, SMALLEST))
        chosen = _last_of_each_size({name: value.shape for name, value in maps.items()})
        self._chosen = chosen

    def __call__(self, images: torch.Tensor) -> list[torch.Tensor]:
        """Feature maps of images (n, 1 or 3, h, w) in 0…1, finest first."""
        import torch

        grey = _enlarged(images.mean(dim=1, keepdim=True), 16)
        centred = grey - grey.mean((1, 2, 3), keepdim=True)
        spread = ((centred**2).mean((1, 2, 3), keepdim=True) + 1e-12).sqrt()
        inputs = centred / (spread + 1e-3)
        if self._n_inputs == 2:  # the second channel says at which height a pixel lies
            rows = torch.linspace(-1, 1, grey.shape[2]).to(grey)[None, None, :, None]
            inputs = torch.cat([inputs, rows.expand_as(inputs)], 1)
        self._tensors = {name: value.to(grey.device) for name, value in self._tensors.items()}
        maps = self._maps(inputs, until=self._chosen[-1])
        return [maps[name] for name in self._chosen]

    def _maps(self, inputs, until: str | None = None) -> dict[str, Any]:
        """Whatever follows from the input of the first convolution; the activations of it."""
        values, activations = {self._start: inputs}, {}
        for op, names, outputs, attributes in self._nodes:
            known = [values.get(name, self._tensors.get(name)) for name in names]
            if op not in _OPERATIONS or not any(name in values for name in names):
                continue
            if any(value is None for value in known):
                continue
            values[outputs[0]] = _OPERATIONS[op](known, attributes)
            if op == "Relu":
                activations[outputs[0]] = values[outputs[0]]
            if outputs[0] == until:
                break
        return activations


class _Enough(Exception):
    """All maps are there; the rest of the network need not run."""


def _last_of_each_size(shapes: dict[str, Any]) -> list[str]:
    """Of the layers that give maps, the last of each size, for the finest sizes."""
    last = {tuple(shape[-2:]): name for name, shape in shapes.items() if len(shape) == 4}
    sizes = sorted((size for size in last if min(size) > 1), reverse=True)
    return [last[size] for size in sizes[:SCALES]]


def _enlarged(images, multiple: int):
    """Enlarge images that are too small, to sides that are a multiple."""
    from torch.nn.functional import interpolate

    sides = [max(-(-side // multiple) * multiple, SMALLEST) for side in images.shape[-2:]]
    if list(images.shape[-2:]) == sides:
        return images
    return interpolate(images, sides, mode="bilinear", antialias=False)


# ---------------------------------------------------------------------- ONNX in torch


def _convolution(values, attributes):
    import torch

    bias = values[2] if len(values) > 2 else None
    padding = attributes.get("pads", [0, 0, 0, 0])
    x = torch.nn.functional.pad(values[0], (padding[1], padding[3], padding[0], padding[2]))
    return torch.nn.functional.conv2d(
        x,
        values[1],
        bias,
        stride=attributes.get("strides", [1, 1]),
        dilation=attributes.get("dilations", [1, 1]),
        groups=attributes.get("group", 1),
    )


def _average(values, attributes):
    import torch

    return torch.nn.functional.avg_pool2d(
        values[0],
        attributes["kernel_shape"],
        attributes.get("strides", [1, 1]),
        attributes.get("pads", [0, 0])[:2],
        count_include_pad=bool(attributes.get("count_include_pad", 0)),
    )


#: The operations of a residual network whose normalisations were folded into its convolutions.
_OPERATIONS: dict[str, Callable] = {
    "Conv": _convolution,
    "Relu": lambda values, _: values[0].relu(),
    "Add": lambda values, _: values[0] + values[1],
    "Identity": lambda values, _: values[0],
    "AveragePool": _average,
}

_DTYPES = {1: np.float32, 7: np.int64, 10: np.float16, 11: np.float64}


def _read_onnx(data: bytes) -> tuple[list[tuple[str, list, list, dict]], dict[str, np.ndarray]]:
    """Nodes (operation, inputs, outputs, attributes) and weights of an ONNX file.

    ONNX is protocol buffers; only the few fields needed here are read. Field numbers:
    https://github.com/onnx/onnx/blob/main/onnx/onnx.proto
    """
    graph = next((part for field, part in _fields(data) if field == 7), None)
    if not isinstance(graph, bytes):
        raise ValueError("it has no graph")
    nodes, tensors = [], {}
    for field, part in _fields(graph):
        if field == 1:
            nodes.append(_node(part))
        elif field == 5:
            name, value = _tensor(part)
            if value is not None:
                tensors[name] = value
    return nodes, tensors


def _node(data: bytes) -> tuple[str, list, list, dict]:
    inputs, outputs, op, attributes = [], [], "", {}
    for field, part in _fields(data):
        if field == 1:
            inputs.append(part.decode())
        elif field == 2:
            outputs.append(part.decode())
        elif field == 4:
            op = part.decode()
        elif field == 5:
            name, value = _attribute(part)
            attributes[name] = value
    return op, inputs, outputs, attributes


def _attribute(data: bytes) -> tuple[str, Any]:
    name, value, numbers = "", None, []
    for field, part in _fields(data):
        if field == 1:
            name = part.decode()
        elif field == 3:
            value = part
        elif field == 8:
            numbers += _whole_numbers(part)
    return name, numbers or value


def _tensor(data: bytes) -> tuple[str, np.ndarray | None]:
    shape, kind, name, raw, floats = [], 0, "", b"", b""
    for field, part in _fields(data):
        if field == 1:
            shape += _whole_numbers(part)
        elif field == 2:
            kind = part
        elif field == 4:
            floats += part if isinstance(part, bytes) else struct.pack("<I", part)
        elif field == 8:
            name = part.decode()
        elif field == 9:
            raw = part
    if kind not in _DTYPES or not (raw or floats):
        return name, None
    values = np.frombuffer(raw or floats, _DTYPES[kind]).reshape(shape)
    return name, values.astype(np.float32) if values.dtype.kind == "f" else values.copy()


def _whole_numbers(part: bytes | int) -> list[int]:
    """Repeated whole numbers: one of them, or many packed."""
    if isinstance(part, int):
        return [part]
    numbers, at = [], 0
    while at < len(part):
        number, at = _varint(part, at)
        numbers.append(number)
    return numbers


def _fields(data: bytes) -> Iterator[tuple[int, Any]]:
    """Number and content of each field of a message."""
    at = 0
    while at < len(data):
        tag, at = _varint(data, at)
        field, kind = tag >> 3, tag & 7
        if kind == 0:
            value, at = _varint(data, at)
        elif kind == 2:
            length, at = _varint(data, at)
            value = data[at : at + length]
            if len(value) < length:
                raise ValueError("it is cut short")
            at += length
        elif kind in (1, 5):
            width = 8 if kind == 1 else 4
            value = int.from_bytes(data[at : at + width], "little")
            at += width
        else:
            raise ValueError(f"it holds a field of unknown kind {kind}")
        yield field, value


def _varint(data: bytes, at: int) -> tuple[int, int]:
    number = shift = 0
    while True:
        byte = data[at]
        at += 1
        number |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return number, at
