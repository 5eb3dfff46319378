"""Views: random changes of a whole batch of images at once, for self-supervised training.

`octlessons.augmentation` alters one image at a time, carries the truth along, and takes about a
millisecond for each. Training wants two fresh copies of every image in every epoch and no truth, so
the same steps are done here on tensors: one sampling grid for all changes of place, and arithmetic
for all changes of light. The limits are those of `octlessons.augmentation.STEPS`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np

from octlessons.augmentation.augmenters import Augmenter, augmenter
from octlessons.augmentation.steps import AUGMENTERS, STEPS, Step
from octlessons.errors import OctlessonsError

#: No edge of a scan is moved by tilt or bend further than this share of the height.
EDGE_LIMIT = 0.1

#: Lists made for self-supervision: what they are for, and their steps in order.
VIEWS: dict[str, tuple[str, tuple[str, ...]]] = {
    "keep_anatomy": (
        "another scanner, another place along the scan: thickness, layers and lesions stay, light "
        "changes far more than `oct_safe` allows",
        ("horizontal flip", "crop along the scan", "strong light", "speckle", "soft focus"),
    ),
    "keep_appearance": (
        "any part of the scan, either way round: grey levels and grain stay, anatomy is torn up",
        ("horizontal flip", "vertical flip", "small window"),
    ),
}  # fmt: skip


class Views:
    """Random changes of batches of images.

    Made by `make_views`.

    Attributes
    ----------
    name : str
    steps : tuple of str
        Names of the steps, in order.
    fast : bool
        Whether they run on tensors; otherwise through albumentations, image by image.
    """

    def __init__(self, name: str, steps: Sequence[str], slow: Augmenter | None = None):
        self.name, self.steps, self._slow = name, tuple(steps), slow

    @property
    def fast(self) -> bool:
        return self._slow is None

    def __call__(self, images, seed: int):
        """Return one altered copy of each image.

        Parameters
        ----------
        images : torch.Tensor of float32, shape (n, 1, h, w)
            In 0…1.
        seed : int
            The same images, seed and device give the same copies.

        Returns
        -------
        torch.Tensor of float32, shape (n, 1, h, w)
        """
        import torch

        if self._slow is not None:
            return self._one_by_one(self._slow.with_seed(int(seed)), images)
        draw = _Draw(images, torch.Generator(images.device).manual_seed(int(seed)))
        for step in self.steps:
            _FAST[step](draw)
        return draw.finish()

    def _one_by_one(self, made: Augmenter, images):
        import torch

        grey = (images[:, 0].cpu().numpy() * 255 + 0.5).astype(np.uint8)
        altered = np.stack([made(image, index=i) for i, image in enumerate(grey)])
        return torch.from_numpy(altered).to(images.device)[:, None].float() / 255

    def __repr__(self) -> str:
        return f"{self.name}: {', '.join(self.steps)}"


def make_views(views) -> Views:
    """Make views from a name, steps, or an augmenter of `octlessons.augmentation`.

    Parameters
    ----------
    views : str, sequence of str, Augmenter or Views
        A name from `VIEWS` or `octlessons.augmentation.AUGMENTERS`; names of steps, those of
        `octlessons.augmentation.STEPS` and of `view_steps`; or anything that
        `octlessons.augmentation.augmenter` takes, which is slower.

    Returns
    -------
    Views

    Raises
    ------
    OctlessonsError
        If a name is unknown; the sentence lists those that are known.
    """
    if isinstance(views, Views):
        return views
    if isinstance(views, str) and views in VIEWS:
        return Views(views, VIEWS[views][1])
    if isinstance(views, str) and views in AUGMENTERS:
        parts: Sequence = AUGMENTERS[views][1]
        name = views
    elif isinstance(views, Augmenter):
        parts, name = views.steps, views.name
    else:
        parts = [views] if isinstance(views, str | Step) else list(views)
        name = None
        for part in parts:
            if isinstance(part, str) and part not in _FAST and part not in STEPS:
                raise OctlessonsError(
                    f"There are no views and no step called {part!r}. Views: "
                    f"{', '.join([*VIEWS, *AUGMENTERS])}. Steps: {', '.join(view_steps())}."
                )
    names = [part if isinstance(part, str) else getattr(part, "name", "") for part in parts]
    own = all(
        step in _FAST and (isinstance(part, str) or part is STEPS.get(step))
        for part, step in zip(parts, names, strict=True)
    )
    if own and names:
        return Views(name or " + ".join(names), names)
    only_here = [step for step in names if step in _FAST and step not in STEPS]
    if only_here:
        raise OctlessonsError(
            f"The step {only_here[0]!r} works on batches only and cannot be mixed with steps of "
            "your own: leave one of them out."
        )
    slow = views if isinstance(views, Augmenter) else augmenter(views)
    return Views(slow.name, [step.name for step in slow.steps], slow)


def view_steps() -> list[str]:
    """Names of the steps that run on whole batches."""
    return list(_FAST)


# ---------------------------------------------------------------------- inside


class _Draw:
    """A batch on its way: where each pixel comes from, and what happens to its light.

    Coordinates run from -1 to 1 as in `torch.nn.functional.grid_sample`. Changes of place are
    collected, last first, and the pixels are sampled once, before the first change of light.
    """

    def __init__(self, images, generator):
        self.images, self.generator = images, generator
        self.moves: list[Callable] = []

    @property
    def n(self) -> int:
        return len(self.images)

    def uniform(self, low: float, high: float, shape: tuple[int, ...] = ()):
        """Random numbers, one for each image or of `shape` for each."""
        import torch

        drawn = torch.rand((self.n, *shape), generator=self.generator, device=self.images.device)
        return low + (high - low) * drawn

    def normal(self, shape: tuple[int, ...]):
        import torch

        return torch.randn((self.n, *shape), generator=self.generator, device=self.images.device)

    def some(self, share: float = 0.5):
        """Which images a step acts on, shape (n, 1, 1), as 0 or 1."""
        return (self.uniform(0, 1) < share).float()[:, None, None]

    def move(self, step: Callable) -> None:
        """`step(x, y)` gives, for places in the new image, their places in the old."""
        self.moves.append(step)

    def light(self):
        """The images with all moves made."""
        if self.moves:
            self.images = self._sampled()
            self.moves = []
        return self.images

    def finish(self):
        return self.light().clamp(0, 1)

    def _sampled(self):
        import torch
        from torch.nn.functional import grid_sample

        height, width = self.images.shape[2:]
        device = self.images.device
        y = (2 * torch.arange(height, device=device) + 1) / height - 1
        x = (2 * torch.arange(width, device=device) + 1) / width - 1
        y, x = y[None, :, None].expand(self.n, -1, width), x[None, None].expand(self.n, height, -1)
        for step in reversed(self.moves):
            x, y = step(x, y)
        grid = torch.stack([x, y], dim=-1)
        return grid_sample(
            self.images, grid, mode="bilinear", padding_mode="reflection", align_corners=False
        )


def _flip(horizontal: bool) -> Callable:
    def step(draw: _Draw) -> None:
        sign = 1 - 2 * draw.some()
        draw.move(lambda x, y: (x * sign, y) if horizontal else (x, y * sign))

    return step


def _column_shift(axial=0.0, tilt=0.0, bend=0.0, edge=EDGE_LIMIT) -> Callable:
    """Columns up or down, as `octlessons.augmentation.transforms.ColumnShift` does."""

    def step(draw: _Draw) -> None:
        height, width = draw.images.shape[2:]
        level = 2 * draw.uniform(-axial, axial)[:, None, None]  # a height is 2 units
        # Rows by which the edge moves are tan(angle) × half the width.
        slope = (draw.uniform(-tilt, tilt) * (math.pi / 180)).tan() * width / height
        slope = slope.clamp(-2 * edge, 2 * edge)[:, None, None]
        curve = 2 * draw.uniform(-bend, bend)[:, None, None]
        draw.move(lambda x, y: (x, y - level - slope * x - curve * (x**2 - 1 / 3)))

    return step


def _rotation(degrees: float) -> Callable:
    def step(draw: _Draw) -> None:
        height, width = draw.images.shape[2:]
        angle = (draw.uniform(-degrees, degrees) * (math.pi / 180))[:, None, None]
        c, s, shape = angle.cos(), angle.sin(), height / width
        draw.move(lambda x, y: (c * x - s * y * shape, s * x / shape + c * y))

    return step


def _zoom(draw: _Draw) -> None:
    factor = 1 / draw.uniform(1.25, 1.6)[:, None, None]
    factor = 1 + draw.some() * (factor - 1)
    draw.move(lambda x, y: (x * factor, y * factor))


def _quarter_turn(draw: _Draw) -> None:
    turned, sign = draw.some(), 1 - 2 * draw.some()
    draw.move(
        lambda x, y: (
            (1 - turned) * x + turned * sign * y,
            (1 - turned) * y - turned * sign * x,
        )
    )


def _elastic(draw: _Draw) -> None:
    from torch.nn.functional import interpolate

    side, acts = 12, draw.some()  # knots about 8 % of the height apart: smooth over 6 %
    knots = 2 * 0.025 * draw.normal((2, side, side))
    shape = draw.images.shape[2:]
    field = interpolate(knots, shape, mode="bicubic", align_corners=False)
    draw.move(lambda x, y: (x + acts * field[:, 0], y + acts * field[:, 1]))


def _window(width: tuple[float, float], height: tuple[float, float] = (1, 1)) -> Callable:
    """A part of the scan, anywhere, stretched to the whole picture."""

    def step(draw: _Draw) -> None:
        w, h = draw.uniform(*width)[:, None, None], draw.uniform(*height)[:, None, None]
        left = draw.uniform(-1, 1)[:, None, None] * (1 - w)
        top = draw.uniform(-1, 1)[:, None, None] * (1 - h)
        draw.move(lambda x, y: (x * w + left, y * h + top))

    return step


def _brightness_contrast(limit: float) -> Callable:
    def step(draw: _Draw) -> None:
        images = draw.light()
        contrast = 1 + draw.uniform(-limit, limit)[:, None, None, None]
        brightness = draw.uniform(-limit, limit)[:, None, None, None]
        draw.images = (images * contrast + brightness).clamp(0, 1)

    return step


def _gamma(low: float, high: float) -> Callable:
    def step(draw: _Draw) -> None:
        exponent = draw.uniform(low, high)[:, None, None, None]
        draw.images = draw.light().clamp_min(1e-4) ** exponent

    return step


def _strong_light(draw: _Draw) -> None:
    """Gain, offset and gamma as far as scanners and exports differ."""
    exponent = (draw.uniform(-0.6, 0.6))[:, None, None, None].exp()
    gain = draw.uniform(0.6, 1.4)[:, None, None, None]
    offset = draw.uniform(-0.15, 0.15)[:, None, None, None]
    draw.images = (draw.light().clamp_min(1e-4) ** exponent * gain + offset).clamp(0, 1)


def _speckle(low: float, high: float) -> Callable:
    """The fourth root of gamma noise, by a normal distribution of its mean and variance."""

    def step(draw: _Draw) -> None:
        images = draw.light()
        looks = draw.uniform(low, high)[:, None, None, None]
        mean = ((looks + 0.25).lgamma() - looks.lgamma() - looks.log() / 4).exp()
        square = ((looks + 0.5).lgamma() - looks.lgamma() - looks.log() / 2).exp()
        factor = mean + (square - mean**2).clamp_min(0).sqrt() * draw.normal(images.shape[1:])
        draw.images = images.where(images >= 1, (images * factor).clamp(0, 1))

    return step


def _cutout(draw: _Draw) -> None:
    import torch

    images = draw.light()
    height, width = images.shape[2:]
    y = torch.arange(height, device=images.device)[None, :, None] / height
    x = torch.arange(width, device=images.device)[None, None] / width
    acts, count = draw.some(), draw.uniform(1, 4)[:, None, None]
    kept = torch.ones_like(images[:, 0])
    for number in range(3):
        h, w = (draw.uniform(0.15, 0.3)[:, None, None] for _ in range(2))
        top = draw.uniform(0, 1)[:, None, None] * (1 - h)
        left = draw.uniform(0, 1)[:, None, None] * (1 - w)
        inside = (y >= top) & (y < top + h) & (x >= left) & (x < left + w)
        kept = kept * (1 - (inside & (count > number + 1e-6)).float() * acts)
    draw.images = images * kept[:, None]


def _inversion(draw: _Draw) -> None:
    images, acts = draw.light(), draw.some()[:, None]
    draw.images = images + acts * (1 - 2 * images)


def _blur(low: float, high: float, least: float, share: float) -> Callable:
    """Gaussian blur of `low` to `high` of the width (SD, at least `least` pixels)."""

    def step(draw: _Draw) -> None:
        import torch
        from torch.nn.functional import conv2d, pad

        images = draw.light()
        width = images.shape[3]
        sigma = (draw.uniform(low, high) * width).clamp_min(least)
        acts = draw.some(share)[:, None]
        reach = min(max(1, math.ceil(3 * max(high * width, least))), min(images.shape[2:]) - 1)
        at = torch.arange(-reach, reach + 1, device=images.device, dtype=torch.float32)
        weights = (-(at**2) / (2 * sigma[:, None] ** 2)).exp()
        weights = weights / weights.sum(dim=1, keepdim=True)
        rows = images.transpose(0, 1)  # every image is a channel with a kernel of its own
        rows = pad(rows, (reach, reach, reach, reach), mode="reflect")
        rows = conv2d(rows, weights[:, None, :, None], groups=draw.n)
        rows = conv2d(rows, weights[:, None, None, :], groups=draw.n)
        draw.images = images + acts * (rows.transpose(0, 1) - images)

    return step


#: Steps that run on batches. Those of `STEPS` keep its limits.
_FAST: dict[str, Callable[[_Draw], None]] = {
    "horizontal flip": _flip(True),
    "tilt": _column_shift(tilt=10),
    "axial shift": _column_shift(axial=0.08),
    "bend": _column_shift(bend=0.05),
    "brightness and contrast": _brightness_contrast(0.1),
    "gamma": _gamma(0.85, 1.18),
    "speckle": _speckle(6, 24),
    "rotation": _rotation(10),
    "vertical flip": _flip(False),
    "quarter turn": _quarter_turn,
    "elastic": _elastic,
    "zoom": _zoom,
    "cutout": _cutout,
    "inversion": _inversion,
    "heavy blur": _blur(0.02, 0.04, 2.0, 0.5),
    "small shift": _column_shift(axial=0.04),
    "strong tilt": _column_shift(tilt=20, edge=0.2),
    "strong shift": _column_shift(axial=0.2),
    "crop along the scan": _window((0.6, 1.0)),
    "small window": _window((0.3, 0.7), (0.3, 0.7)),
    "strong light": _strong_light,
    "soft focus": _blur(0.004, 0.016, 0.25, 0.5),
}
