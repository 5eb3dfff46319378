"""What the layer network found in one scan (a stand-in that holds the interface)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

TISSUES = (
    "vitreous", "inner retina", "outer retina", "choroid", "sub-RPE material",
    "subretinal hyper-reflective material", "subretinal fluid", "intraretinal fluid",
    "bright spot", "membrane", "ischaemic inner retina", "outside",
)  # fmt: skip


@dataclass(frozen=True)
class Retina:
    """Lines and tissue of one scan.

    Attributes
    ----------
    ilm, rpe, bm, floor : ndarray of float32, shape (w,)
    confidence : ndarray of float32, shape (3, w)
    tissue : ndarray of float32, shape (12, 96, 96)
    """

    ilm: np.ndarray
    rpe: np.ndarray
    bm: np.ndarray
    floor: np.ndarray
    confidence: np.ndarray
    tissue: np.ndarray


def find_layers_of(images) -> list[Retina]:
    """Find the layers of several scans."""
    raise NotImplementedError
