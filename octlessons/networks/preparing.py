"""Layers of our own; this module imports torch."""

from __future__ import annotations

import torch
from torch import nn


class Prepare(nn.Module):
    """Pixels (b, 1, h, w), uint8, as numbers with mean 0 and standard deviation 1 per image.

    While training, half of the images are mirrored left to right, drawn at random for each.
    """

    def __init__(self, mirror: bool):
        super().__init__()
        self.mirror = mirror

    def forward(self, images):
        x = images.float()
        x = x - x.mean(dim=(1, 2, 3), keepdim=True)
        x = x / x.pow(2).mean(dim=(1, 2, 3), keepdim=True).sqrt().clamp(min=0.25)
        if self.mirror and self.training:
            turned = torch.rand(len(x), 1, 1, 1, device=x.device) < 0.5
            x = torch.where(turned, x.flip(3), x)
        return x
