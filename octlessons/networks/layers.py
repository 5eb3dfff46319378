"""Layers and networks of our own. Imports torch; import it only where torch is needed anyway."""

from __future__ import annotations

from collections import OrderedDict

import torch
from torch import Tensor, nn
from torch.nn import functional


class UpsampledConv2d(nn.Conv2d):
    """Repeat each pixel 2 × 2 times, then convolve with kernels of 3 × 3.

    The same as ``nn.Upsample(scale_factor=2)`` and ``nn.Conv2d(…, 3, padding=1)``, but several
    times faster: the repeated pixels are never laid out. Of the nine weights those that meet the
    same pixel are added up first, which makes it a transposed convolution of 4 × 4.
    """

    def __init__(self, before: int, after: int):
        super().__init__(before, after, 3, padding=1)

    def forward(self, images: Tensor) -> Tensor:
        kernel = self.weight.flip(2, 3).transpose(0, 1)
        for pad in ((0, 0, 1, 0), (1, 0, 0, 0)):
            other = (pad[1], pad[0], pad[3], pad[2])
            kernel = functional.pad(kernel, pad) + functional.pad(kernel, other)
        return functional.conv_transpose2d(images, kernel, self.bias, stride=2, padding=1)


class Standardise(nn.Module):
    """Images (b, 1, h, w) in 0…1 with mean 0 and standard deviation 1 each.

    While training, half of them are mirrored left to right if `mirror` says so, drawn for each.
    """

    def __init__(self, mirror: bool):
        super().__init__()
        self.mirror = mirror

    def forward(self, images: Tensor) -> Tensor:
        x = images - images.mean(dim=(1, 2, 3), keepdim=True)
        x = x / x.pow(2).mean(dim=(1, 2, 3), keepdim=True).sqrt().clamp(min=1e-3)
        if self.mirror and self.training:
            turned = torch.rand(len(x), 1, 1, 1, device=x.device) < 0.5
            x = torch.where(turned, x.flip(3), x)
        return x


def classifier(size: int, width: int, dropout: float, mirror: bool, n_classes: int) -> nn.Module:
    """The network of `SmallCNN`: three blocks of convolution and pooling, one linear layer."""
    layers: OrderedDict[str, nn.Module] = OrderedDict(standardise=Standardise(mirror))
    channels = 1
    for block in range(3):
        wider = width * 2**block
        layers[f"block{block + 1}"] = nn.Sequential(
            nn.Conv2d(channels, wider, 3, padding=1, bias=False),
            nn.BatchNorm2d(wider),
            nn.ReLU(),
            nn.MaxPool2d(2),
        )
        channels = wider
    layers["flatten"] = nn.Flatten()
    layers["dropout"] = nn.Dropout(dropout)
    layers["classify"] = nn.Linear(channels * (size // 8) ** 2, n_classes)
    return nn.Sequential(layers)


class Embedder(nn.Module):
    """The network of `SelfSupervised`: four convolutions, an average, an embedding, a head.

    It is given each image twice, evened out and as it is; `width` is that of the first convolution.
    """

    centre: Tensor

    def __init__(self, n_components: int, width: int):
        super().__init__()
        layers: list[nn.Module] = []
        channels = 2
        for number in range(4):
            kernel, wide = (5 if number == 0 else 3), width * 2**number
            layers += [
                nn.Conv2d(channels, wide, kernel, stride=2, padding=kernel // 2, bias=False),
                nn.BatchNorm2d(wide, momentum=0.3),
                nn.ReLU(),
            ]
            channels = wide
        self.body = nn.Sequential(*layers)
        self.embedding = nn.Linear(channels, n_components)
        self.head = nn.Sequential(nn.ReLU(), nn.Linear(n_components, n_components))
        self.register_buffer("centre", torch.zeros(n_components))

    def embed(self, images: Tensor) -> Tensor:
        """Embeddings of images (n, 1, h, w) in 0…1, as they come."""
        spread = images.std(dim=(1, 2, 3), keepdim=True, correction=0)
        even = (images - images.mean(dim=(1, 2, 3), keepdim=True)) / (spread + 0.05)
        both = torch.cat([even, (images - 0.25) / 0.2], dim=1)
        return self.embedding(self.body(both).mean(dim=(2, 3)))

    def embeddings(self, images: Tensor) -> Tensor:
        """As `SelfSupervised.transform` gives them: less their mean in training, at length 1."""
        return functional.normalize(self.embed(images) - self.centre, dim=1)

    def forward(self, images: Tensor) -> Tensor:
        return self.head(self.embed(images))
