"""The network of `PhantomEncoder` in torch, and the shipped weights in it. Imports torch."""

from __future__ import annotations

import os
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.fusion import fuse_conv_bn_eval

from octlessons._optional import need
from octlessons.errors import OctlessonsError
from octlessons.representations.phantom_encoder import INPUT


class Block(nn.Module):
    """Two convolutions beside a shortcut: He et al., CVPR 2016, doi 10.1109/CVPR.2016.90."""

    def __init__(self, before: int, after: int, stride: int):
        super().__init__()
        self.first = nn.Conv2d(before, after, 3, stride, 1, bias=False)
        self.first_norm = nn.BatchNorm2d(after)
        self.second = nn.Conv2d(after, after, 3, 1, 1, bias=False)
        self.second_norm = nn.BatchNorm2d(after)
        nn.init.zeros_(self.second_norm.weight)
        self.shortcut: nn.Module = nn.Identity()
        if stride > 1 or before != after:
            self.shortcut = nn.Sequential(
                nn.AvgPool2d(stride), nn.Conv2d(before, after, 1, bias=False),
                nn.BatchNorm2d(after),
            )  # fmt: skip

    def forward(self, x: Tensor) -> Tensor:
        inner = functional.relu(self.first_norm(self.first(x)))
        return functional.relu(self.second_norm(self.second(inner)) + self.shortcut(x))


class Network(nn.Module):
    """From a straightened scan (b, 1, 112, 144) in 0…1 to a row of length 1.

    Each image is brought to mean 0 and standard deviation 1, and a second channel says at which
    height a pixel lies. Mean and maximum of the last maps are joined, because a lesion may be
    small, and projected.
    """

    rows: Tensor

    def __init__(self, widths=(16, 32, 64, 128), dimensions: int = 64, dropout: float = 0.2):
        super().__init__()
        first, second, third, last = widths
        self.stem = nn.Sequential(
            nn.Conv2d(2, first, 5, 2, 2, bias=False), nn.BatchNorm2d(first), nn.ReLU()
        )
        self.early = nn.Sequential(
            Block(first, second, 2), Block(second, third, 2), Block(third, third, 1)
        )
        self.late = Block(third, last, 2)
        self.dropout = nn.Dropout(dropout)
        self.project = nn.Linear(2 * last, dimensions, bias=False)
        height, width = INPUT
        rows = torch.linspace(-1, 1, height)[None, None, :, None]
        self.register_buffer("rows", rows.repeat(1, 1, 1, width), persistent=False)

    def maps(self, x: Tensor) -> Tensor:
        """Maps an eighth as high and wide as the scan."""
        centred = x - x.mean((1, 2, 3), keepdim=True)
        spread = (centred**2).mean((1, 2, 3), keepdim=True).sqrt()
        rows = self.rows.expand(x.shape[0], -1, -1, -1)
        return self.early(self.stem(torch.cat([centred / (spread + 1e-3), rows], 1)))

    def embed(self, maps: Tensor) -> Tensor:
        last = self.late(maps)
        pooled = torch.cat([last.mean((2, 3)), last.amax((2, 3))], 1)
        return functional.normalize(self.project(self.dropout(pooled)), dim=1)

    def forward(self, x: Tensor) -> Tensor:
        return self.embed(self.maps(x))


def fold_norms(network: nn.Module) -> None:
    """Put the normalisations of a network in evaluation mode into the convolutions before them."""
    for part in list(network.modules()):
        for (name, before), (norm_name, norm) in pairwise(part.named_children()):
            if isinstance(before, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d):
                setattr(part, name, fuse_conv_bn_eval(before, norm))
                setattr(part, norm_name, nn.Identity())


def load_encoder(path: str | os.PathLike) -> Network:
    """Read the weights of an exported `Network` from its ONNX file.

    Parameters
    ----------
    path : path
        Such as the shipped ``views.onnx``.

    Returns
    -------
    Network
        In evaluation mode, its normalisations folded into the convolutions, as in the file.

    Raises
    ------
    OctlessonsError
        If it cannot be read, or is no such network; or if onnx is not installed.
    """
    onnx = need("onnx", "The shipped networks are read with onnx")
    try:
        graph = onnx.load(os.fspath(path)).graph
        return _rebuilt(graph.node, {
            part.name: torch.tensor(onnx.numpy_helper.to_array(part)) for part in graph.initializer
        })  # fmt: skip
    except OSError as error:
        raise OctlessonsError(
            f"The network {path} cannot be read ({error.strerror or error}): install the package "
            "again."
        ) from error
    except Exception as error:  # protobuf has its own
        raise OctlessonsError(
            f"{path} is not a sound ONNX file of this network "
            f"({(str(error).splitlines() or ['cut short'])[0][:100]}): install the package again."
        ) from error


def _rebuilt(nodes, values: dict[str, Tensor]) -> Network:
    """The network of a graph, by the order of its nodes: exporters name weights as they like."""
    project = next(node for node in nodes if node.op_type in ("MatMul", "Gemm"))
    projection = values[project.input[1]]
    if not any(option.name == "transB" and option.i for option in project.attribute):
        projection = projection.T
    # The scan and its mirror image go through the same convolutions, one after the other.
    found = [node.input[1:] for node in nodes if node.op_type == "Conv"]
    found = found[: len(found) // 2]
    widths = tuple(len(values[found[i][0]]) for i in (0, 1, 4, -1))
    network = Network(widths, len(projection)).eval()
    fold_norms(network)
    convolutions = [part for part in network.modules() if isinstance(part, nn.Conv2d)]
    with torch.no_grad():
        for convolution, (kernel, bias) in zip(convolutions, found, strict=True):
            convolution.weight.copy_(values[kernel])
            convolution.bias = nn.Parameter(values[bias])
        network.project.weight.copy_(projection)
    return network
