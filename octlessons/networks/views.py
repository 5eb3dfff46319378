"""Views: random changes of a whole batch of images at once, for self-supervised training.

`octlessons.augmentation` alters one image at a time, carries the truth along, and takes about a
millisecond for each. Training wants two fresh copies of every image in every epoch and no truth, so
the same steps are done here on tensors: one sampling grid for all changes of place, and arithmetic
for all changes of light. The limits are those of `octlessons.augmentation.STEPS`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial

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
    """Random changes of batches of images; `make_views` makes them.

    Parameters
    ----------
    name : str
    steps : sequence of str
        Names of the steps, in order.
    slow : Augmenter, optional
        What makes them image by image, where they do not run on tensors.

    Attributes
    ----------
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
            made = self._slow.with_seed(int(seed))
            grey = (images[:, 0].cpu().numpy() * 255 + 0.5).astype(np.uint8)
            altered = np.stack([made(image, index=i) for i, image in enumerate(grey)])
            return torch.from_numpy(altered).to(images.device)[:, None].float() / 255
        draw = _Draw(images, torch.Generator(images.device).manual_seed(int(seed)))
        for step in self.steps:
            _FAST[step](draw)
        return draw.finish()

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
        self.n, _, self.height, self.width = images.shape
        self.moves: list[Callable] = []

    def each(self, low: float, high: float):
        """A random number for each image, shape (n, 1, 1)."""
        import torch

        drawn = torch.rand(self.n, generator=self.generator, device=self.images.device)
        return (low + (high - low) * drawn)[:, None, None]

    def normal(self, *shape: int):
        """Normal noise of a shape for each image."""
        import torch

        device = self.images.device
        return torch.randn((self.n, *shape), generator=self.generator, device=device)

    def some(self, share: float = 0.5):
        """Which images a step acts on, shape (n, 1, 1), as 0 or 1."""
        return (self.each(0, 1) < share).float()

    def move(self, step: Callable) -> None:
        """`step(x, y)` gives, for places in the new image, their places in the old."""
        self.moves.append(step)

    def light(self):
        """The images, shape (n, h, w), with all moves made."""
        import torch
        from torch.nn.functional import grid_sample

        if self.moves:
            device, shape = self.images.device, (self.n, self.height, self.width)
            y = (2 * torch.arange(self.height, device=device) + 1) / self.height - 1
            x = (2 * torch.arange(self.width, device=device) + 1) / self.width - 1
            y, x = y[:, None].expand(shape), x.expand(shape)
            while self.moves:
                x, y = self.moves.pop()(x, y)
            grid = torch.stack([x, y], dim=-1)
            self.images = grid_sample(
                self.images, grid, mode="bilinear", padding_mode="reflection", align_corners=False
            )
        return self.images[:, 0]

    def lit(self, images) -> None:
        """Take images (n, h, w) with their light changed."""
        self.images = images[:, None]

    def finish(self):
        return self.light()[:, None].clamp(0, 1)


def _flip(draw: _Draw, horizontal: bool) -> None:
    sign = 1 - 2 * draw.some()
    draw.move(lambda x, y: (x * sign, y) if horizontal else (x, y * sign))


def _column_shift(draw: _Draw, axial=0.0, tilt=0.0, bend=0.0, edge=EDGE_LIMIT) -> None:
    """Columns up or down, as `octlessons.augmentation.transforms.ColumnShift` does."""
    level = 2 * draw.each(-axial, axial)  # a height is 2 units
    # Rows by which the edge moves are tan(angle) × half the width.
    slope = (draw.each(-tilt, tilt) * (math.pi / 180)).tan() * draw.width / draw.height
    slope = slope.clamp(-2 * edge, 2 * edge)
    curve = 2 * draw.each(-bend, bend)
    draw.move(lambda x, y: (x, y - level - slope * x - curve * (x**2 - 1 / 3)))


def _rotation(draw: _Draw, degrees: float) -> None:
    angle = draw.each(-degrees, degrees) * (math.pi / 180)
    c, s, shape = angle.cos(), angle.sin(), draw.height / draw.width
    draw.move(lambda x, y: (c * x - s * y * shape, s * x / shape + c * y))


def _zoom(draw: _Draw) -> None:
    factor = 1 / draw.each(1.25, 1.6)
    factor = 1 + draw.some() * (factor - 1)
    draw.move(lambda x, y: (x * factor, y * factor))


def _quarter_turn(draw: _Draw) -> None:
    turned, sign = draw.some(), 1 - 2 * draw.some()
    kept, swapped = 1 - turned, turned * sign
    draw.move(lambda x, y: (kept * x + swapped * y, kept * y - swapped * x))


def _elastic(draw: _Draw) -> None:
    from torch.nn.functional import interpolate

    side, acts = 12, draw.some()  # knots about 8 % of the height apart: smooth over 6 %
    knots, shape = 2 * 0.025 * draw.normal(2, side, side), (draw.height, draw.width)
    field = interpolate(knots, shape, mode="bicubic", align_corners=False)
    draw.move(lambda x, y: (x + acts * field[:, 0], y + acts * field[:, 1]))


def _window(draw: _Draw, width: tuple[float, float], height: tuple[float, float] = (1, 1)) -> None:
    """A part of the scan, anywhere, stretched to the whole picture."""
    w, h = draw.each(*width), draw.each(*height)
    left, top = draw.each(-1, 1) * (1 - w), draw.each(-1, 1) * (1 - h)
    draw.move(lambda x, y: (x * w + left, y * h + top))


def _brightness_contrast(draw: _Draw, limit: float) -> None:
    contrast, brightness = 1 + draw.each(-limit, limit), draw.each(-limit, limit)
    draw.lit((draw.light() * contrast + brightness).clamp(0, 1))


def _gamma(draw: _Draw, low: float, high: float) -> None:
    draw.lit(draw.light().clamp_min(1e-4) ** draw.each(low, high))


def _strong_light(draw: _Draw) -> None:
    """Gain, offset and gamma as far as scanners and exports differ."""
    exponent = draw.each(-0.6, 0.6).exp()
    gain, offset = draw.each(0.6, 1.4), draw.each(-0.15, 0.15)
    draw.lit((draw.light().clamp_min(1e-4) ** exponent * gain + offset).clamp(0, 1))


def _speckle(draw: _Draw, low: float, high: float) -> None:
    """The fourth root of gamma noise, by a normal distribution of its mean and variance."""
    images, looks = draw.light(), draw.each(low, high)
    mean = ((looks + 0.25).lgamma() - looks.lgamma() - looks.log() / 4).exp()
    square = ((looks + 0.5).lgamma() - looks.lgamma() - looks.log() / 2).exp()
    factor = mean + (square - mean**2).clamp_min(0).sqrt() * draw.normal(draw.height, draw.width)
    draw.lit(images.where(images >= 1, (images * factor).clamp(0, 1)))


def _cutout(draw: _Draw) -> None:
    import torch

    images = draw.light()
    y = torch.arange(draw.height, device=images.device)[:, None] / draw.height
    x = torch.arange(draw.width, device=images.device) / draw.width
    acts, count = draw.some(), draw.each(1, 4)
    for number in range(3):
        h, w = draw.each(0.15, 0.3), draw.each(0.15, 0.3)
        top, left = draw.each(0, 1) * (1 - h), draw.each(0, 1) * (1 - w)
        inside = (y >= top) & (y < top + h) & (x >= left) & (x < left + w)
        images = images * (1 - (inside & (count > number + 1e-6)).float() * acts)
    draw.lit(images)


def _inversion(draw: _Draw) -> None:
    images = draw.light()
    draw.lit(images + draw.some() * (1 - 2 * images))


def _blur(draw: _Draw, low: float, high: float, least: float, share: float) -> None:
    """Gaussian blur of `low` to `high` of the width (SD, at least `least` pixels)."""
    import torch
    from torch.nn.functional import conv2d, pad

    images = draw.light()
    sigma = (draw.each(low, high) * draw.width).clamp_min(least)[:, 0]
    acts = draw.some(share)
    longest = max(1, math.ceil(3 * max(high * draw.width, least)))
    reach = min(longest, min(draw.height, draw.width) - 1)
    at = torch.arange(-reach, reach + 1, device=images.device, dtype=torch.float32)
    weights = (-(at**2) / (2 * sigma**2)).exp()
    weights = weights / weights.sum(dim=1, keepdim=True)
    # Every image is a channel with a kernel of its own.
    rows = pad(images[None], (reach, reach, reach, reach), mode="reflect")
    rows = conv2d(rows, weights[:, None, :, None], groups=draw.n)
    rows = conv2d(rows, weights[:, None, None, :], groups=draw.n)
    draw.lit(images + acts * (rows[0] - images))


#: Steps that run on batches. Those of `STEPS` keep its limits.
_FAST: dict[str, Callable[[_Draw], None]] = {
    "horizontal flip": partial(_flip, horizontal=True),
    "tilt": partial(_column_shift, tilt=10),
    "axial shift": partial(_column_shift, axial=0.08),
    "bend": partial(_column_shift, bend=0.05),
    "brightness and contrast": partial(_brightness_contrast, limit=0.1),
    "gamma": partial(_gamma, low=0.85, high=1.18),
    "speckle": partial(_speckle, low=6, high=24),
    "rotation": partial(_rotation, degrees=10),
    "vertical flip": partial(_flip, horizontal=False),
    "quarter turn": _quarter_turn,
    "elastic": _elastic,
    "zoom": _zoom,
    "cutout": _cutout,
    "inversion": _inversion,
    "heavy blur": partial(_blur, low=0.02, high=0.04, least=2.0, share=0.5),
    "small shift": partial(_column_shift, axial=0.04),
    "strong tilt": partial(_column_shift, tilt=20, edge=0.2),
    "strong shift": partial(_column_shift, axial=0.2),
    "crop along the scan": partial(_window, width=(0.6, 1.0)),
    "small window": partial(_window, width=(0.3, 0.7), height=(0.3, 0.7)),
    "strong light": _strong_light,
    "soft focus": partial(_blur, low=0.004, high=0.016, least=0.25, share=0.5),
}
