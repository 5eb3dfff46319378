"""The albumentations transforms behind the steps: the only module that imports albumentations.

Import it through `load`, which says what to install when the package is missing.

Six transforms are not in albumentations, or not in this form: `ColumnShift`, `Speckle`,
`QuarterTurn`, `Elastic`, `Stain` and `RelativeBlur`. They are ordinary albumentations transforms
and work in its ``Compose``.
"""

from __future__ import annotations

import albumentations as A
import cv2
import numpy as np
from albumentations.augmentations.dropout.transforms import BaseDropout
from albumentations.core.type_definitions import Targets

#: Share of the rows at the top and at the bottom whose texture fills what a shift leaves empty.
FILL_SHARE = 0.06
#: No edge of a scan is moved by tilt or bend further than this share of the height.
EDGE_LIMIT = 0.1


class ColumnShift(A.DualTransform):
    """Move every column up or down: axial shift, tilt and curvature of the eye, and nothing else.

    This is what an off-axis or curved eye does to a B-scan: each A-scan stays an A-scan, layers
    keep their axial thickness, shadows stay vertical. Column shifts are the augmentation of
    Konno et al. (arXiv:2410.01185). Empty rows are filled with the texture of the outermost rows of
    the same column, mirrored; the mask is 0 there.

    Parameters
    ----------
    axial : float
        Largest shift of all columns, as a share of the height.
    tilt : float
        Largest tilt in degrees on the picture. A wide scan gets less: no edge moves by more than a
        tenth of the height.
    bend : float
        Largest quadratic shift between the middle and the edges, as a share of the height.
    """

    _targets = (Targets.IMAGE, Targets.MASK, Targets.KEYPOINTS)

    class InitSchema(A.DualTransform.InitSchema):
        axial: float
        tilt: float
        bend: float

    def __init__(self, axial: float = 0.0, tilt: float = 0.0, bend: float = 0.0, p: float = 1.0):
        super().__init__(p=p)
        self.axial, self.tilt, self.bend = axial, tilt, bend

    def __add__(self, other: ColumnShift) -> ColumnShift:
        """Both at once, so that the pixels are resampled once only."""
        return ColumnShift(
            self.axial + other.axial, self.tilt + other.tilt, self.bend + other.bend, p=1.0
        )

    def get_params_dependent_on_data(self, params, data):
        height, width = params["shape"][:2]
        across = 2 * (np.arange(width) + 0.5) / width - 1  # -1 at the left edge, 1 at the right
        draw = self.py_random.uniform
        slope = np.tan(np.deg2rad(draw(-self.tilt, self.tilt))) * width / 2
        slope = np.clip(slope, -EDGE_LIMIT * height, EDGE_LIMIT * height)
        bend = draw(-self.bend, self.bend) * height
        level = draw(-self.axial, self.axial) * height
        return {"shift": level + slope * across + bend * (across**2 - 1 / 3)}

    def _maps(self, shape, shift):
        rows = np.arange(shape[0], dtype=np.float32)[:, None] - shift.astype(np.float32)
        columns = np.broadcast_to(np.arange(shape[1], dtype=np.float32), rows.shape)
        return rows, np.ascontiguousarray(columns)

    def apply(self, img, shift, **params):
        rows, columns = self._maps(img.shape, shift)
        last = img.shape[0] - 1
        period = max(2, round(FILL_SHARE * len(img)))
        top = int(np.clip(np.ceil(shift.max()), 0, len(img)))
        if top:
            upper = rows[:top]
            np.copyto(upper, _filling(-upper, img[0], period), where=upper < 0)
        bottom = int(np.clip(np.ceil(-shift.min()), 0, len(img)))
        if bottom:
            lower = rows[-bottom:]
            np.copyto(lower, last - _filling(lower - last, img[-1], period), where=lower > last)
        return cv2.remap(img, columns, np.clip(rows, 0, last), cv2.INTER_CUBIC)

    def apply_to_mask(self, mask, shift, **params):
        rows, columns = self._maps(mask.shape, shift)
        return cv2.remap(
            mask, columns, rows, cv2.INTER_NEAREST, borderMode=cv2.BORDER_CONSTANT, borderValue=0
        )

    def apply_to_keypoints(self, keypoints, shift, **params):
        moved = np.array(keypoints, dtype=float)
        moved[:, 1] += np.interp(moved[:, 0], np.arange(len(shift)), shift)
        return moved


def turned(degrees: float) -> A.Affine:
    """A turn by up to so many degrees either way; corners mirrored, so no black wedges."""
    return A.Affine(
        rotate=(-degrees, degrees),
        border_mode=cv2.BORDER_REFLECT_101,
        interpolation=cv2.INTER_LINEAR,
        p=1.0,
    )


class Speckle(A.ImageOnlyTransform):
    """Multiply the light by gamma noise of mean 1: the speckle of OCT.

    The intensity of speckle averaged over L looks has a gamma distribution of shape L (Schmitt,
    Xiang and Yung, J Biomed Opt 4:95, 1999, doi:10.1117/1.429925). Exported scans show about the
    fourth root of the intensity, so the picture is multiplied by the fourth root of that noise.
    Pure white stays: it is the frame of an export, not tissue.
    `looks` is the range of L: fewer looks, stronger speckle (5 %, 9 % and 13 % of the grey at 25, 8
    and 4).
    """

    class InitSchema(A.ImageOnlyTransform.InitSchema):
        looks: tuple[float, float]

    def __init__(self, looks: tuple[float, float] = (4, 16), p: float = 1.0):
        super().__init__(p=p)
        self.looks = looks

    def get_params_dependent_on_data(self, params, data):
        looks = self.py_random.uniform(*self.looks)
        noise = self.random_generator.standard_gamma(looks, params["shape"][:2], dtype=np.float32)
        return {"factor": np.sqrt(np.sqrt(noise / np.float32(looks)))}

    def apply(self, img, factor, **params):
        factor = factor if img.ndim == 2 else factor[..., None]
        top = 255 if img.dtype == np.uint8 else 1
        noisy = np.clip(img * factor + (0.5 if top == 255 else 0), 0, top).astype(img.dtype)
        return np.where(img == top, img, noisy)


class QuarterTurn(A.DualTransform):
    """Turn by 90° or 270° and stretch back to the shape of the picture."""

    _targets = (Targets.IMAGE, Targets.MASK)

    def __init__(self, p: float = 1.0):
        super().__init__(p=p)

    def get_params(self):
        return {"turns": self.py_random.choice((1, 3))}

    def apply(self, img, turns, **params):
        return _turned(img, turns, cv2.INTER_LINEAR)

    def apply_to_mask(self, mask, turns, **params):
        return _turned(mask, turns, cv2.INTER_NEAREST)


class Elastic(A.ElasticTransform):
    """Elastic deformation measured in shares of the height, whatever the size of the picture.

    `strength` is the standard deviation of the displacement and `scale` that of the Gaussian that
    smooths it, both as shares of the height.
    """

    class InitSchema(A.DualTransform.InitSchema):
        strength: float
        scale: float

    def __init__(self, strength: float = 0.025, scale: float = 0.06, p: float = 1.0):
        super().__init__(noise_distribution="uniform", border_mode=cv2.BORDER_REFLECT_101, p=p)
        self.strength, self.scale = strength, scale

    def get_params_dependent_on_data(self, params, data):
        height = params["shape"][0]
        self.sigma = max(1.0, self.scale * height)
        # White noise of variance v smoothed by a Gaussian has variance v / (4 π sigma²), and noise
        # that is uniform from -1 to 1 has v = 1/3.
        self.alpha = self.strength * height * 2 * np.sqrt(3 * np.pi) * self.sigma
        return super().get_params_dependent_on_data(params, data)


class Stain(A.ImageOnlyTransform):
    """More or less of each dye of a stained slide: haematoxylin, eosin, DAB.

    Dyes absorb independently, so light is separated into three amounts of dye by the matrix of
    Ruifrok and Johnston (2001, as in scikit-image) and put together again. Unlike albumentations'
    ``HEStain``, which maps every colour to two dyes and turns a brown DAB stain purple, amounts of
    ×1 give the picture back.
    `amount` is the range of the factor, drawn for each dye.
    """

    class InitSchema(A.ImageOnlyTransform.InitSchema):
        amount: tuple[float, float]

    def __init__(self, amount: tuple[float, float] = (0.8, 1.2), p: float = 1.0):
        super().__init__(p=p)
        self.amount = amount

    def get_params(self):
        return {"factors": [self.py_random.uniform(*self.amount) for _ in range(3)]}

    def apply(self, img, factors, **params):
        from skimage.color import hed_from_rgb, rgb_from_hed

        # Amounts of dye are linear in the logarithm of the light: one matrix does all three steps.
        change = (hed_from_rgb * np.asarray(factors)) @ rgb_from_hed
        darkness = -np.log((img.astype(np.float32) + 1) / 256)
        light = np.exp(-darkness @ change.astype(np.float32)) * 256 - 1
        return np.clip(light + 0.5, 0, 255).astype(img.dtype)


class RelativeBlur(A.ImageOnlyTransform):
    """Gaussian blur of a standard deviation of `share` of the width, at least 2 px."""

    class InitSchema(A.ImageOnlyTransform.InitSchema):
        share: tuple[float, float]

    def __init__(self, share: tuple[float, float] = (0.02, 0.04), p: float = 1.0):
        super().__init__(p=p)
        self.share = share

    def get_params_dependent_on_data(self, params, data):
        return {"sigma": max(2.0, self.py_random.uniform(*self.share) * params["shape"][1])}

    def apply(self, img, sigma, **params):
        return cv2.GaussianBlur(img, (0, 0), sigma)


def may_move_pixels(transform) -> bool:
    """Whether a transform can change where things are, rather than how they look."""
    if isinstance(transform, A.BaseCompose):
        return any(may_move_pixels(part) for part in transform.transforms)
    return isinstance(transform, A.DualTransform) and not isinstance(transform, BaseDropout)


def coordinate_target(transform) -> str:
    """As what a transform must be given a picture of coordinates, to move but not to change it.

    As an image it is interpolated; but a choice of several transforms may change an image's
    brightness as well, so there it goes as a mask, to the nearest pixel.
    """
    return "mask" if isinstance(transform, A.BaseCompose) else "image"


def moved_exactly(transform, boundaries: np.ndarray, height: int) -> np.ndarray | None:
    """Boundaries after the last call of a transform that has a formula; None for the others."""
    if isinstance(transform, A.HorizontalFlip):
        return boundaries[..., ::-1]
    if isinstance(transform, A.VerticalFlip):
        return height - 1 - boundaries
    if isinstance(transform, ColumnShift):
        return boundaries + transform.params["shift"]
    return None


def _filling(beyond: np.ndarray, edge: np.ndarray, period: int) -> np.ndarray:
    """How far inside the edge the filling `beyond` rows outside it comes from.

    A walk to and fro over the outermost `period` rows; where the edge is white, as at the wedges of
    exported scans, the white goes on.
    """
    inside = period - np.abs(np.mod(beyond, 2 * period) - period)
    white = (edge == 255) if edge.ndim == 1 else (edge == 255).all(-1)
    return np.where(white, 0, inside).astype(np.float32)


def _turned(picture: np.ndarray, turns: int, interpolation: int) -> np.ndarray:
    height, width = picture.shape[:2]
    turned = np.ascontiguousarray(np.rot90(picture, turns))
    if turned.shape[:2] == (height, width):
        return turned
    return cv2.resize(turned, (width, height), interpolation=interpolation)
