"""Feature maps of a trained network, with gradients: what a perceptual loss compares.

`PretrainedMaps` takes a classifier of torchvision, `EncoderMaps` the network of `PhantomEncoder`,
which ships with the package.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from octlessons._files import file_hash
from octlessons.errors import OctlessonsError

if TYPE_CHECKING:
    import torch

#: How many scales are compared, finest first.
SCALES = 3

#: Smaller images are enlarged to this side, in pixels, or there would be no coarse maps.
SMALLEST = 64


class PretrainedMaps:
    """Maps of a classifier of torchvision, by name, whose weights are on this machine."""

    def __init__(self, architecture: str):
        import torch

        from octlessons.representations.backbones import load_backbone
        from octlessons.representations.weights import locate

        weights = locate(architecture, download=False)
        self.name, self.sha256 = f"{weights.architecture} ({weights.name})", weights.sha256
        preset = weights.entry.transforms()
        self._mean = torch.tensor(preset.mean)[:, None, None]
        self._std = torch.tensor(preset.std)[:, None, None]
        network = load_backbone(weights).classifier.requires_grad_(False)
        layers = [n for n, part in network.named_modules() if isinstance(part, torch.nn.Conv2d)]
        if len(layers) < SCALES:
            raise OctlessonsError(
                f"{self.name} is no network of convolutions, so it has no feature maps to "
                "compare: take another, such as 'squeezenet1_1' or 'efficientnet_b0'."
            )
        with torch.no_grad():
            found = _extractor(network, layers)(torch.zeros(1, 3, 224, 224))
        self._network = _extractor(network, _last_of_each_size(found))

    def __call__(self, images: torch.Tensor) -> list[torch.Tensor]:
        """Feature maps of images (n, 1 or 3, h, w) in 0…1, finest first."""
        mean, std = self._mean.to(images), self._std.to(images)
        network = self._network.to(images.device)
        return list(network((_enlarged(images, 1) - mean) / std).values())


def _extractor(network, layers: list[str]):
    """What gives the maps of some layers by name, and runs the network no further."""
    from torchvision.models.feature_extraction import create_feature_extractor

    made = create_feature_extractor(network, layers, suppress_diff_warning=True)
    return made.eval()


def _last_of_each_size(maps: dict[str, torch.Tensor]) -> list[str]:
    """Of the layers that give maps, the last of each size, for the finest sizes."""
    last = {tuple(value.shape[-2:]): name for name, value in maps.items() if value.ndim == 4}
    sizes = sorted((size for size in last if min(size) > 1), reverse=True)
    return [last[size] for size in sizes[:SCALES]]


class EncoderMaps:
    """Maps of the network of `PhantomEncoder`: the shipped one that was trained without labels.

    It was trained on straightened scans of 112 × 144 px. Here it sees whole images as they are, in
    which it need not tell diseases apart: a perceptual loss is made of its filters for edges and
    textures, and these are the same.
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


def _enlarged(images, multiple: int):
    """Enlarge images that are too small, to sides that are a multiple."""
    from torch.nn.functional import interpolate

    sides = [max(-(-side // multiple) * multiple, SMALLEST) for side in images.shape[-2:]]
    if list(images.shape[-2:]) == sides:
        return images
    return interpolate(images, sides, mode="bilinear", antialias=False)
