"""SqueezeNet 1.1 in plain torch, for the ImageNet weights beside the project.

Iandola et al., "SqueezeNet: AlexNet-level accuracy with 50x fewer parameters", arXiv 1602.07360
(2016); version 1.1 of the authors' repository. Module names and shapes are those of
``torchvision.models.squeezenet1_1().features``, so its weights load; torchvision is not needed.
"""

from __future__ import annotations

import json
import struct
from pathlib import Path

import numpy as np

WEIGHTS = "weights/squeezenet1_1_imagenet_features.safetensors"
_MEAN = np.array([0.485, 0.456, 0.406], np.float32)
_STD = np.array([0.229, 0.224, 0.225], np.float32)


def read_safetensors(path: Path) -> dict:
    """Read a safetensors file of float32 arrays: a length, a JSON header, raw little-endian data.

    Parameters
    ----------
    path : path

    Returns
    -------
    dict of str to ndarray
    """
    raw = Path(path).read_bytes()
    (length,) = struct.unpack("<Q", raw[:8])
    header = json.loads(raw[8 : 8 + length])
    arrays = {}
    for name, entry in header.items():
        if name == "__metadata__":
            continue
        if entry["dtype"] != "F32":
            raise ValueError(f"{path} holds {name} as {entry['dtype']}: only F32 is read here.")
        start, stop = entry["data_offsets"]
        data = np.frombuffer(raw[8 + length + start : 8 + length + stop], "<f4")
        arrays[name] = data.reshape(entry["shape"])
    return arrays


def build():
    """Return SqueezeNet 1.1's feature layers as an untrained ``torch.nn.Sequential``."""
    import torch
    from torch import nn

    class Fire(nn.Module):
        def __init__(self, inputs: int, squeeze: int, expand: int):
            super().__init__()
            self.squeeze = nn.Conv2d(inputs, squeeze, 1)
            self.expand1x1 = nn.Conv2d(squeeze, expand, 1)
            self.expand3x3 = nn.Conv2d(squeeze, expand, 3, padding=1)

        def forward(self, x):
            x = torch.relu(self.squeeze(x))
            return torch.cat([torch.relu(self.expand1x1(x)), torch.relu(self.expand3x3(x))], 1)

    def pool():
        return nn.MaxPool2d(3, 2, ceil_mode=True)

    return nn.Sequential(
        nn.Conv2d(3, 64, 3, 2), nn.ReLU(), pool(),
        Fire(64, 16, 64), Fire(128, 16, 64), pool(),
        Fire(128, 32, 128), Fire(256, 32, 128), pool(),
        Fire(256, 48, 192), Fire(384, 48, 192), Fire(384, 64, 256), Fire(512, 64, 256),
    )  # fmt: skip


def load(shared: Path):
    """Return the network with the ImageNet weights of the folder `shared`, ready to use."""
    import torch

    network = build()
    arrays = read_safetensors(Path(shared) / WEIGHTS)
    weights = {name.removeprefix("features."): torch.tensor(a) for name, a in arrays.items()}
    network.load_state_dict({k: v for k, v in weights.items() if not k.startswith("classifier")})
    return network.eval()


def features(images, network, batch_size: int = 32) -> np.ndarray:
    """Global averages of the last feature maps.

    Parameters
    ----------
    images : iterable of ndarray, shape (h, w), uint8
        Grey images of any size; they are stretched to 224 px and repeated to three channels.
    network : torch.nn.Module
        From `load`.

    Returns
    -------
    ndarray, shape (n, 512), float32
    """
    import torch
    from PIL import Image

    rows, batch = [], []

    def flush():
        if batch:
            grey = np.stack(batch)[:, None].astype(np.float32) / 255
            rgb = (grey - _MEAN[:, None, None]) / _STD[:, None, None]
            with torch.inference_mode():
                maps = network(torch.from_numpy(rgb.astype(np.float32)))
            rows.append(maps.mean((2, 3)).numpy())
            batch.clear()

    for image in images:
        image = np.asarray(image)
        if image.shape != (224, 224):
            image = np.asarray(Image.fromarray(image).resize((224, 224), Image.BILINEAR))
        batch.append(image)
        if len(batch) == batch_size:
            flush()
    flush()
    return np.concatenate(rows)
