"""What only the training of the encoders needs: heads, a running mean, changes of the images."""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn
from torch.nn import functional

from experiments.encoder.phantoms import COVERED
from octlessons.images.phantoms import CLASS_NAMES
from octlessons.images.retina import WORKING
from octlessons.networks.encoder import Network
from octlessons.representations.phantom_encoder import ABOVE, BELOW, INPUT

#: Codes of a pixel, with a gap before `COVERED`.
N_CODES = COVERED + 1

_FIRST_LESION = 14  # codes from here on are lesions


class Labelled(nn.Module):
    """The network with what only training needs: prototypes of the classes, and a dense head."""

    def __init__(self, network: Network, n_classes: int, sharpness: float):
        super().__init__()
        self.network = network
        self.sharpness = sharpness
        self.prototypes = nn.Parameter(torch.randn(n_classes, network.project.out_features))
        self.dense = nn.Conv2d(network.late.first.in_channels, N_CODES, 1)
        self.average = Average(network)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        maps = self.network.maps(x)
        rows = self.network.embed(maps)
        towards = functional.normalize(self.prototypes, dim=1)
        return self.sharpness * rows @ towards.T, self.dense(maps)


class Viewed(nn.Module):
    """The network with the head on which two views are compared (Chen et al., ICML 2020).

    And with prototypes, to which both views of a scan shall be alike (Caron et al., NeurIPS 2020).
    """

    def __init__(self, network: Network, n_prototypes: int = 0):
        super().__init__()
        self.network = network
        wide = network.project.out_features
        self.head = nn.Sequential(
            nn.Linear(wide, 2 * wide, bias=False), nn.BatchNorm1d(2 * wide), nn.ReLU(),
            nn.Linear(2 * wide, wide, bias=False),
        )  # fmt: skip
        self.prototypes = nn.Parameter(torch.randn(n_prototypes, wide))
        self.average = Average(network)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Rows to be compared, and the cosine of each scan's row with each prototype."""
        rows = self.network(x)
        towards = functional.normalize(self.prototypes, dim=1)
        return functional.normalize(self.head(rows), dim=1), rows @ towards.T


class Averaged(nn.Module):
    """A network with a running mean of its weights, and nothing else."""

    def __init__(self, network: nn.Module):
        super().__init__()
        self.network = network
        self.average = Average(network)

    def forward(self, x: Tensor) -> Tensor:
        return self.network(x)


class Average(nn.Module):
    """A running mean of a network's weights, steadier than the last ones (Polyak averaging)."""

    def __init__(self, network: nn.Module):
        super().__init__()
        self.network = copy.deepcopy(network).requires_grad_(False)
        self.register_buffer("steps", torch.zeros(()))

    @torch.no_grad()
    def follow(self, network: nn.Module, memory: float) -> None:
        self.steps += 1
        share = 1 - min(memory, float(self.steps) / (float(self.steps) + 9))
        for mean, now in zip(
            self.network.state_dict().values(), network.state_dict().values(), strict=True
        ):
            if mean.dtype.is_floating_point:
                mean.lerp_(now, share)
            else:
                mean.copy_(now)

    def train(self, mode: bool = True):
        return super().train(False)


class Shipped(nn.Module):
    """What is exported: the network's row of the straightened retina and its mirror image."""

    def __init__(self, network: Network):
        super().__init__()
        self.network = network

    def forward(self, shown: Tensor, floor: Tensor, reach: Tensor) -> Tensor:
        seen = cut(shown[:, 0], floor, reach)[0]
        return functional.normalize(self.network(seen) + self.network(seen.flip(3)), dim=1)


# ---------------------------------------------------------------------- changing the images


def cut(
    scans: Tensor,
    floor: Tensor,
    reach: Tensor,
    codes: Tensor | None = None,
    *,
    strength: float = 0.0,
):
    """Straighten the retina and cut out the encoder's window, moved and bent at random.

    Parameters
    ----------
    scans : Tensor of float32, shape (b, 192, 192)
        In 0…1.
    floor : Tensor of float32, shape (b, 192)
        Row on which the retina lies, in every column.
    reach : Tensor of float32, shape (b,)
        Rows seen above it.
    codes : Tensor of uint8, shape (b, 192, 192), optional
    strength : float
        0 for the plain window.

    Returns
    -------
    scans : Tensor, shape (b, 1, 112, 144)
        Black outside of the scan.
    codes : Tensor of int64, shape (b, 112, 144), or None
    """
    (height, width), device = INPUT, scans.device
    up = torch.linspace(-1, BELOW / ABOVE, height, device=device)[None, :, None]
    across = ((torch.arange(width, device=device) + 0.5) / width * 2 - 1)[None, None, :]
    x, bent = across + 0 * floor[:, :1, None], 0.0
    if strength:

        def normal(spread: float) -> Tensor:
            return torch.randn(len(scans), 1, 1, device=device) * (spread * strength)

        def uniform(low: float, high: float) -> Tensor:
            return torch.rand(len(scans), 1, 1, device=device) * (high - low) + low

        wide = torch.exp(normal(0.14)).clamp(0.7, 1.25)
        bump = (uniform(0, 1) < 0.25) * normal(0.06)  # as where flattening went wrong
        bump = bump * torch.exp(-(((across - uniform(-1, 1)) / uniform(0.15, 0.6)) ** 2))
        up = up * torch.exp(normal(0.12))
        bent = normal(0.025) + bump + normal(0.02) * across + normal(0.02) * (across**2 - 1 / 3)
        bent = bent + normal(0.012) * (across**3 - 0.6 * across)
        mirrored = torch.where(uniform(0, 1) < 0.5, -1.0, 1.0)
        x = mirrored * x * wide + uniform(-1, 1) * (1 - wide).abs() + normal(0.03)
    along = torch.stack([x, 0 * x], 3)
    line = functional.grid_sample(
        floor[:, None, None, :], along, padding_mode="border", align_corners=False
    )[:, 0]
    y = 2 * (line + up * reach[:, None, None] + 0.5) / WORKING - 1 + bent
    grid = torch.stack([x.expand(-1, height, -1), y], 3)
    seen = functional.grid_sample(scans[:, None], grid, align_corners=False)
    if codes is None:
        return seen, None
    what = functional.grid_sample(
        codes[:, None].float(), grid, "nearest", "border", align_corners=False
    )
    return seen, what[:, 0].long()


def shaded(scans: Tensor, codes: Tensor) -> Tensor:
    """Scans with white wedges blackened, as the layer network does it, and more black borders.

    A third of them get one that has nothing to do with their class.
    """
    n, side, device = len(scans), scans.shape[-1], scans.device
    scans = scans * (codes != COVERED)
    rows = torch.arange(side, device=device)[None, :, None].float()
    columns = torch.arange(side, device=device)[None, None, :] - side / 2
    edge = torch.rand(n, 1, 1, device=device) * 0.18 * side
    edge = edge + 0.15 * torch.randn(n, 1, 1, device=device) * columns
    edge = edge - side * (torch.rand(n, 1, 1, device=device) > 0.3)
    from_top = torch.rand(n, 1, 1, device=device) < 0.5
    return scans * (torch.where(from_top, rows, side - 1 - rows) >= edge)


def relit(x: Tensor, codes: Tensor | None, strength: float) -> Tensor:
    """Change what carries no anatomy: light, grain, sharpness, and small parts altogether.

    Parameters
    ----------
    x : Tensor, shape (b, 1, h, w)
    codes : Tensor of int64, shape (b, h, w), or None
        With them each layer and kind of lesion gets a brightness of its own.
    strength : float
        1 for the usual changes of tone.

    Returns
    -------
    Tensor, shape (b, 1, h, w)
        In 0…1.
    """
    n, _, height, width = x.shape
    device = x.device

    def normal(spread: float) -> Tensor:
        return torch.randn(n, 1, 1, 1, device=device) * spread

    def uniform(low: float, high: float) -> Tensor:
        return torch.rand(n, 1, 1, 1, device=device) * (high - low) + low

    def some(share: float) -> Tensor:
        return (torch.rand(n, 1, 1, 1, device=device) < share).float()

    if codes is not None:
        gains = torch.exp(0.18 * torch.randn(n, N_CODES, device=device) * some(0.6)[:, :, 0, 0])
        x = x * gains.gather(1, codes.flatten(1)).view_as(x)
    x = x.clamp(1e-4, 1) ** torch.exp(normal(0.25 * strength))
    shade = torch.randn(n, 1, 3, 4, device=device)
    shade = functional.interpolate(shade, (height, width), mode="bilinear", align_corners=True)
    x = x * torch.exp(some(0.5) * (0.22 * strength) * shade)
    columns = torch.randn(n, 1, 1, 24, device=device)
    columns = functional.interpolate(columns, (1, width), mode="bilinear")
    x = x * torch.exp(some(0.5) * (0.15 * strength) * columns)
    below = torch.linspace(-1, BELOW / ABOVE, height, device=device)[None, None, :, None] > 0.02
    streaks = functional.interpolate(torch.randn(n, 1, 1, 36, device=device), (1, width))
    x = torch.where(below, x * torch.exp(some(0.4) * 0.35 * streaks), x)
    x = _coarser(x)
    grain = _blurred(torch.randn_like(x), uniform(0, 0.4), uniform(0, 0.6))
    x = x * (1 + some(0.6) * uniform(0, 0.35) * grain)
    x = x + some(0.5) * uniform(0, 0.10) * torch.randn_like(x)
    soft = uniform(0, 0.66)
    x = _blurred(x, some(0.5) * soft, some(0.5) * soft)
    x = (x - some(0.4) * uniform(0, 0.12)) * torch.exp(normal(0.2 * strength))
    x = x.clamp(0, 1)
    down = torch.arange(height, device=device)[None, None, :, None]
    across = torch.arange(width, device=device)[None, None, None, :]
    for share in (0.4, 0.25):
        inside = ((down - uniform(0, height)).abs() < uniform(4, 26)) & (
            (across - uniform(0, width)).abs() < uniform(4, 20)
        )
        x = torch.where(inside & (some(share) > 0), uniform(0, 1) ** 2, x)
    return x


def _coarser(x: Tensor) -> Tensor:
    """Take resolution from three eighths of the batch (its order is random)."""
    height, width = x.shape[2:]
    part = len(x) // 8
    pieces = list(x.split([part, part, part, len(x) - 3 * part]))
    for i, (high, wide) in enumerate(((0.5, 0.5), (0.4, 0.8), (0.8, 0.4))):
        if part:
            size = int(height * high), int(width * wide)
            small = functional.interpolate(pieces[i], size, mode="bilinear", antialias=True)
            pieces[i] = functional.interpolate(small, (height, width), mode="bilinear")
    return torch.cat(pieces)


def _blurred(x: Tensor, down: Tensor, across: Tensor) -> Tensor:
    """Mix each pixel with its neighbours, by a share of each image's own."""
    padded = functional.pad(x, (1, 1, 0, 0), mode="replicate")
    x = (1 - across) * x + across * 0.5 * (padded[..., :-2] + padded[..., 2:])
    padded = functional.pad(x, (0, 0, 1, 1), mode="replicate")
    return (1 - down) * x + down * 0.5 * (padded[:, :, :-2] + padded[:, :, 2:])


def softened(labels: Tensor, codes: Tensor, n_classes: int, smoothing: float) -> Tensor:
    """Targets of the classes: less sure of a disease where little of a lesion is seen.

    Of the four usual classes only: signs of the others do not all have a code.
    """
    normal = CLASS_NAMES.index("NORMAL")
    seen = ((codes >= _FIRST_LESION) & (codes < COVERED)).float().mean((1, 2))
    whole = (labels == normal) | (labels >= len(CLASS_NAMES))
    sure = torch.where(whole, 1.0, 0.5 + 0.5 * (seen / 0.004).clamp(0, 1))[:, None]
    target = functional.one_hot(labels, n_classes) * sure
    target[:, normal] += 1 - sure[:, 0]
    return target * (1 - smoothing) + smoothing / n_classes


def shares(codes: Tensor) -> Tensor:
    """Share of each code in every 8 × 8 pixels, (b, codes, h / 8, w / 8)."""
    coarse = functional.one_hot(codes[:, ::2, ::2], N_CODES).permute(0, 3, 1, 2).float()
    return functional.avg_pool2d(coarse, 4)
