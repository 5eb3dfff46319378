"""Feature maps of a trained network, with gradients: what a perceptual loss compares.

`PretrainedMaps` takes a classifier of torchvision, `EncoderMaps` the network of `PhantomEncoder`,
which ships with the package.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from octlessons._files import file_hash
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
        (``"views"``).

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
        If the file is missing, damaged, or another network.
    """

    def __init__(self, path=None):
        from octlessons.networks.encoder import load_encoder
        from octlessons.representations.phantom_encoder import SHIPPED

        path = SHIPPED / "views.onnx" if path is None else Path(path)
        self._network = load_encoder(path).requires_grad_(False)
        self.name, self.sha256 = f"PhantomEncoder ({path.stem})", file_hash(path)

    def __call__(self, images: torch.Tensor) -> list[torch.Tensor]:
        """Feature maps of images (n, 1 or 3, h, w) in 0…1, finest first."""
        import torch

        grey = _enlarged(images.mean(dim=1, keepdim=True), 16)
        centred = grey - grey.mean((1, 2, 3), keepdim=True)
        # Not the root of 0, whose gradient is infinite.
        spread = ((centred**2).mean((1, 2, 3), keepdim=True) + 1e-12).sqrt()
        rows = torch.linspace(-1, 1, grey.shape[2]).to(grey)[None, None, :, None]
        inputs = torch.cat([centred / (spread + 1e-3), rows.expand_as(centred)], 1)
        network = self._network.to(grey.device)
        fine = network.stem(inputs)
        middle = network.early[0](fine)
        return [fine, middle, network.early[1:](middle)]


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
