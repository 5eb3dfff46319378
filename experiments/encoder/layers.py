"""The network that finds the layers: a small U-Net with three lines, and what tissue is where."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from experiments.encoder.phantoms import COVERED
from octlessons.images.phantoms import BOUNDARIES
from octlessons.images.phantoms.lesions import LESIONS
from octlessons.images.retina import TISSUES, WORKING
from octlessons.representations.phantom_encoder import ABOVE

#: Lines are found in maps of half the scan's height and width.
HALF = WORKING // 2

N_LINES = 3

#: What the exported network gives.
OUTPUTS = ("lines", "confidence", "floor", "tissue", "shown", "reach")
_NEAR = 2  # rows of a map around the likeliest in which the mean is taken
_FIT = 1.12  # how much more than the thick retina must fit above the floor
_LONGEST = 0.92  # of the height: no window reaches further up

#: Weight of each tissue in the loss: what is small counts more.
_WEIGHTS = (1.0, 1.0, 1.5, 1.0, 4.0, 4.0, 4.0, 4.0, 6.0, 4.0, 4.0, 1.0)


def _step(before: int, after: int, size: int = 3, stride: int = 1, spread: int = 1):
    convolution = nn.Conv2d(
        before, after, size, stride, spread * (size // 2), dilation=spread, bias=False
    )
    return nn.Sequential(convolution, nn.BatchNorm2d(after), nn.ReLU())


class _Residual(nn.Module):
    def __init__(self, width: int, spread: int = 1):
        super().__init__()
        self.first = _step(width, width, spread=spread)
        self.second = nn.Sequential(
            nn.Conv2d(width, width, 3, 1, 1, bias=False), nn.BatchNorm2d(width)
        )
        nn.init.zeros_(self.second[1].weight)

    def forward(self, x: Tensor) -> Tensor:
        return functional.relu(x + self.second(self.first(x)))


class LayerNetwork(nn.Module):
    """Scans (b, 1, 192, 192) in 0…1 to maps (b, 3 + 12, 96, 96): lines, then tissues.

    A U-Net (Ronneberger et al., MICCAI 2015, doi 10.1007/978-3-319-24574-4_28) with additions
    instead of joints, and with a channel that says at which height a pixel lies. A line is a
    softmax over the rows of its map.
    """

    heights: Tensor

    def __init__(self, widths=(12, 24, 40, 64)):
        super().__init__()
        a, b, c, d = widths
        self.stem = _step(2, a, 5, 2)
        self.down = nn.ModuleList([
            nn.Sequential(_step(a, b, stride=2), _Residual(b)),
            nn.Sequential(_step(b, c, stride=2), _Residual(c), _Residual(c, 2)),
            nn.Sequential(_step(c, d, stride=2), _Residual(d), _Residual(d, 2)),
        ])  # fmt: skip
        self.narrow = nn.ModuleList([nn.Conv2d(d, c, 1), nn.Conv2d(c, b, 1), nn.Conv2d(b, a, 1)])
        self.join = nn.ModuleList(
            [_step(c, c), _step(b, b), nn.Sequential(_step(a, 16), _step(16, 16))]
        )
        self.head = nn.Conv2d(16, N_LINES + len(TISSUES), 1)
        heights = torch.linspace(-1, 1, WORKING)[None, None, :, None].repeat(1, 1, 1, WORKING)
        self.register_buffer("heights", heights, persistent=False)

    def forward(self, scan: Tensor) -> Tensor:
        centred = scan - scan.mean((1, 2, 3), keepdim=True)
        spread = (centred**2).mean((1, 2, 3), keepdim=True).sqrt()
        heights = self.heights.expand(scan.shape[0], -1, -1, -1)
        seen = [self.stem(torch.cat([centred / (spread + 1e-3), heights], 1))]
        for down in self.down:
            seen.append(down(seen[-1]))
        x = seen.pop()
        for narrow, join in zip(self.narrow, self.join, strict=True):
            x = join(seen.pop() + functional.interpolate(narrow(x), scale_factor=2.0))
        return self.head(x)


class ShippedLayers(nn.Module):
    """What is exported: lines, confidence and floor in rows of the scan, and what encoders take.

    The floor is the weighted least-squares curve through Bruch's membrane, first of degree 2, then
    of degree 6 with a ridge on what bends; columns count by their confidence, and less where they
    lie off the curve. Without a solver in the graph, it is reached by filling unsure columns from
    the curve and projecting again.
    """

    rows: Tensor
    projects: Tensor
    weights: Tensor

    def __init__(self, network: LayerNetwork):
        super().__init__()
        self.network = network
        basis = np.polynomial.legendre.legvander(np.linspace(-1, 1, HALF), 6)
        ridges = (
            [1e-6, 1e-6, 1e-6, 9e9, 9e9, 9e9, 9e9],
            [1e-6, 1e-6, 1e-6, 4e-3, 4e-3, 0.02, 0.02],
        )
        projects = [
            basis @ np.linalg.inv(basis.T @ basis / HALF + np.diag(ridge)) @ basis.T / HALF
            for ridge in ridges
        ]
        self.register_buffer("projects", torch.tensor(np.array(projects), dtype=torch.float32))
        self.register_buffer("weights", torch.tensor(_WEIGHTS)[None, :, None, None])
        self.register_buffer("rows", torch.arange(HALF, dtype=torch.float32)[None, None, :, None])

    def forward(self, scan: Tensor):
        maps = self.network(scan)
        chance = _softmax(maps[:, :N_LINES], 2)
        likeliest = chance.argmax(2, keepdim=True).float()
        near = chance * ((self.rows - likeliest).abs() <= _NEAR).float()
        confidence = near.sum(2)
        lines = (near * self.rows).sum(2) / confidence
        floor = _stretched(self._floor(lines[:, 2], confidence[:, 2])[:, None])[:, 0]
        lines, floor = 2 * _stretched(lines) + 0.5, 2 * floor + 0.5
        # In training what is small counted more; probabilities are those without the weights.
        seen = maps[:, N_LINES:] - self.weights.log()
        outside = (seen[:, -1:] > seen[:, :-1].amax(1, keepdim=True)).float()
        shown = scan * (1 - functional.interpolate(outside, scale_factor=2.0))
        reach = reach_above(lines[:, 0], floor)
        return lines, _stretched(confidence), floor, _softmax(seen, 1), shown, reach

    def _floor(self, line: Tensor, sure: Tensor) -> Tensor:
        sure = sure**4 + 1e-4
        weight = sure
        curve = (sure * line).sum(1, keepdim=True) / sure.sum(1, keepdim=True) + 0 * line
        for project in self.projects:
            for _ in range(25):
                curve = (weight * line + (1 - weight) * curve) @ project
                weight = sure / (1 + ((line - curve) / 1.5) ** 2)
        return curve


def _softmax(scores: Tensor, along: int) -> Tensor:
    """Written out, as ONNX Runtime is slow along any but the last axis."""
    raised = torch.exp(scores - scores.amax(along, keepdim=True))
    return raised / raised.sum(along, keepdim=True)


def _stretched(lines: Tensor) -> Tensor:
    """A value for each column of the scan, from one for each of a map."""
    return functional.interpolate(lines, scale_factor=2.0, mode="linear", align_corners=False)


def reach_above(ilm: Tensor, floor: Tensor) -> Tensor:
    """Rows of the scan that an encoder sees above the floor, (b,): all of a thick retina.

    The thickness that 10 of 192 columns exceed must fit.
    """
    thick = (floor - ilm).topk(10, dim=1).values[:, -1]
    return (_FIT * thick).clamp(ABOVE * (WORKING - 1), _LONGEST * (WORKING - 1))


def layer_loss(
    network: LayerNetwork, scans: Tensor, codes: Tensor, lines: Tensor, valid: Tensor
) -> Tensor:
    """How far lines and tissues are from those that were drawn.

    Parameters
    ----------
    scans : Tensor, shape (b, 192, 192)
    codes : Tensor of uint8, shape (b, 192, 192)
        As `drawn_phantoms` gives them.
    lines : Tensor, shape (b, 3, 192)
    valid : Tensor of bool, shape (b, 192)
        Columns that count.

    Returns
    -------
    Tensor
        Cross-entropy of a line with a bell of 0.8 rows around the truth, half its distance from
        the truth, and cross-entropy of the share of each tissue in every 2 × 2 pixels. A line
        that lies outside of the picture shall be unsure.
    """
    maps = network(scans[:, None])
    scores, seen = maps[:, :N_LINES].float(), maps[:, N_LINES:].float()
    rows = torch.arange(HALF, device=scans.device)[None, None, :, None]
    truth = ((lines.float() - 0.5) / 2).unflatten(2, (HALF, 2)).mean(3)
    valid = valid.unflatten(1, (HALF, 2)).all(2)[:, None]
    there = (truth >= 0) & (truth <= HALF - 1)
    bell = torch.exp(-0.5 * ((rows - truth[:, :, None]) / 0.8) ** 2)
    bell = bell / (bell.sum(2, keepdim=True) + 1e-6)
    missed = -(bell * scores.log_softmax(2)).sum(2)
    found = (scores.softmax(2) * rows).sum(2)
    missed = missed + 0.5 * (found - truth).abs().clamp(max=10)
    # Where a line lies outside of the picture, every row is as likely: no confidence.
    missed = torch.where(there, missed, -0.3 * scores.log_softmax(2).mean(2)) * valid
    table = torch.tensor(_tissue_of_code(), device=codes.device)
    shares = functional.one_hot(table[codes.long()], len(TISSUES)).permute(0, 3, 1, 2).float()
    shares = functional.avg_pool2d(shares, 2) * valid[:, :, None]
    weights = torch.tensor(_WEIGHTS, device=codes.device)[None, :, None, None]
    tissue = -(weights * shares * seen.log_softmax(1)).sum(1).mean()
    return missed.sum() / (valid.sum() * N_LINES).clamp(min=1) + tissue


def _tissue_of_code() -> list[int]:
    """The tissue of each code of a pixel: of the layer, or of the lesion in it."""
    kinds = {
        "vitreous": [0], "inner retina": range(1, 6), "outer retina": range(6, 12),
        "choroid": (12, 13),
    }  # fmt: skip
    table = [0] * (COVERED + 1)
    for name, codes in kinds.items():
        for code in codes:
            table[code] = TISSUES.index(name)
    names = (
        "sub-RPE material", "sub-RPE material", "subretinal hyper-reflective material",
        "subretinal fluid", "intraretinal fluid", "bright spot", "membrane", "vitreous",
        "ischaemic inner retina",
    )  # fmt: skip
    for lesion, name in zip(LESIONS, names, strict=False):
        table[len(BOUNDARIES) + lesion] = TISSUES.index(name)
    table[COVERED] = TISSUES.index("outside")
    return table


def altered(scans: Tensor, codes: Tensor, lines: Tensor, valid: Tensor):
    """Mirror half of the batches; move scans, and change light, grain and sharpness of each.

    White borders stay white. A few scans come without a retina. The arguments are as for
    `layer_loss`.
    """
    n, device = len(scans), scans.device

    def normal(spread: float) -> Tensor:
        return torch.randn(n, 1, 1, device=device) * spread

    def some(share: float) -> Tensor:
        return (torch.rand(n, 1, 1, device=device) < share).float()

    if torch.rand(()) < 0.5:
        scans, codes, lines, valid = (part.flip(-1) for part in (scans, codes, lines, valid))
    scans, codes, lines = _moved(scans, codes, lines)
    white = codes == COVERED
    shadows = functional.interpolate(torch.rand(n, 1, 40, device=device), scans.shape[-1])
    x = scans * (1 - some(0.25) * (shadows > 0.9) * 0.8 * torch.rand(n, 1, 1, device=device))
    x = x.clamp(1e-4, 1) ** torch.exp(normal(0.22)) * torch.exp(normal(0.15))
    x = x + some(0.4) * 0.12 * torch.rand(n, 1, 1, device=device) * torch.randn_like(x)
    x = x * (1 + some(0.3) * 0.3 * torch.rand(n, 1, 1, device=device) * torch.randn_like(x))
    x = torch.where(white, scans, x).clamp(0, 1)
    return *_without_retina(coarser(x), codes, lines), valid


def _without_retina(scans: Tensor, codes: Tensor, lines: Tensor):
    """Replace some scans by what holds no retina, or none that counts; their lines are nowhere.

    Grain, or smooth blobs, instead of the scan; the scan in reversed grey; the scan upside down.
    """
    n, device = len(scans), scans.device
    chance = torch.rand(n, 1, 1, device=device)
    grain = torch.rand(n, 1, 1, device=device) + 0.2 * torch.randn_like(scans)
    grain = torch.where(chance < 0.01, torch.rand(n, 1, 1, device=device), grain)
    blobs = torch.rand(n, 1, 6, 6, device=device)
    blobs = functional.interpolate(blobs, scans.shape[-2:], mode="bicubic")[:, 0]
    blobs = torch.where(chance < 0.03, blobs + 0.1 * torch.randn_like(scans), blobs)
    empty = chance < 0.04
    scans = torch.where(empty, torch.where(chance < 0.02, grain, blobs).clamp(0, 1), scans)
    codes = torch.where(empty, torch.zeros_like(codes), codes)
    scans = torch.where((chance >= 0.04) & (chance < 0.055), 1 - scans, scans)
    turned = (chance >= 0.055) & (chance < 0.09)
    scans = torch.where(turned, scans.flip(1), scans)
    codes = torch.where(turned, codes.flip(1), codes)
    return scans, codes, torch.where(chance < 0.09, torch.full_like(lines, -999.0), lines)


def _moved(scans: Tensor, codes: Tensor, lines: Tensor):
    """Push a fifth of the scans up or down: black comes in, or what left on the other side."""
    side = scans.shape[-2]
    scans, codes, lines = scans.clone(), codes.clone(), lines.clone()
    for i in range(0, len(scans), 5):
        by = int(torch.randint(-side // 3, side // 3, ()))
        for part, empty in ((scans, 0), (codes, COVERED)):
            part[i] = part[i].roll(by, 0)
            if by % 2:
                part[i, slice(0, by) if by > 0 else slice(by, None)] = empty
        lines[i] += by
    return scans, codes, lines


def coarser(scans: Tensor, share: float = 1 / 3) -> Tensor:
    """Take resolution from a share of the batch, (b, h, w): as of 28 to 96 px, or blurred."""
    side, x = scans.shape[-1], scans.clone()
    few = torch.randperm(len(x), device=x.device)[: max(1, int(share * len(x)))]
    for i, size in enumerate((28, 28, 36, 48, 64, 96, None, None)):
        which = few[i::8]
        if not len(which):
            continue
        part = x[which][:, None]
        if size is None:
            part = functional.avg_pool2d(functional.pad(part, (1, 1, 1, 1), "replicate"), 3, 1)
        else:
            part = functional.interpolate(part, (size, size), mode="bilinear", antialias=True)
            part = functional.interpolate(part, (side, side), mode="bilinear")
        x[which] = part[:, 0]
    return x
