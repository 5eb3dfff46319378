"""Where the layers of the retina lie in a scan, found by a small network that ships with us.

It learnt on phantoms alone, whose layers are known to the pixel (`experiments/encoder`), drawn as
several scanners show them. In each column it gives the rows of three lines, each with a
confidence, and for the whole scan what tissue is where. It is made for teaching, and for nothing
clinical.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from octlessons._runtime import OnnxNetwork, in_threads, opened
from octlessons.images._resizing import resize_image
from octlessons.images.checks import as_images, image_name, to_uint8

#: Side in pixels at which the network sees a scan, whatever its size and shape.
WORKING = 192

#: What the network tells apart, in the order of `Retina.tissue`.
TISSUES = (
    "vitreous", "inner retina", "outer retina", "choroid", "sub-RPE material",
    "subretinal hyper-reflective material", "subretinal fluid", "intraretinal fluid",
    "bright spot", "membrane", "ischaemic inner retina", "outside",
)  # fmt: skip

#: Smallest side of an image, in pixels, in which a retina can be found.
SMALLEST = 16

_BLOCK = 128  # scans whose layers are held at a time: 0.4 MB each
_OUTPUTS = ["lines", "confidence", "floor", "tissue"]


@dataclass(frozen=True)
class Retina:
    """What was found in one scan of h rows and w columns.

    Attributes
    ----------
    ilm, rpe, bm : ndarray of float32, shape (w,)
        Row of the inner limiting membrane, of the upper edge of the retinal pigment epithelium,
        and of Bruch's membrane in every column; pixel centres are whole numbers.
    floor : ndarray of float32, shape (w,)
        The smooth line on which the retina would lie without lesions: a stiff curve through the
        columns of Bruch's membrane that are sure.
    confidence : ndarray of float32, shape (3, w)
        Of ilm, rpe and bm: the probability, 0 to 1, that the network puts within five rows of 192
        around its line.
    tissue : ndarray of float32, shape (12, 96, 96)
        Probability of each of `TISSUES`, over the whole scan.
    """

    ilm: np.ndarray
    rpe: np.ndarray
    bm: np.ndarray
    floor: np.ndarray
    confidence: np.ndarray
    tissue: np.ndarray

    def tissue_at(self, shape: tuple[int, int]) -> np.ndarray:
        """The likeliest of `TISSUES` in each pixel of the scan.

        Parameters
        ----------
        shape : (int, int)
            Height and width of the scan, or of a copy of another size.

        Returns
        -------
        ndarray of uint8, shape `shape`
            Index into `TISSUES`.
        """
        likeliest = self.tissue.argmax(axis=0).astype(np.uint8)
        rows, columns = (
            ((np.arange(n) + 0.5) * side / n).astype(int)
            for n, side in zip(shape, likeliest.shape, strict=True)
        )
        return likeliest[np.ix_(rows, columns)]


def find_layers(image: np.ndarray) -> Retina:
    """Find the layers in one scan.

    Parameters
    ----------
    image : ndarray of uint8, shape (h, w)
        As the scanner shows it, vitreous above, with or without white wedges.

    Returns
    -------
    Retina

    Raises
    ------
    ValueError
        If this is not one grey image of 8 bits with sides of 16 px or more.
    OctlessonsError
        If the network's file is missing or damaged, or ONNX Runtime is not there.
    """
    image = checked(image)
    found = layer_network(1).run(as_input(image)[None], outputs=_OUTPUTS)
    return _placed([array[0] for array in found], image.shape)


def find_layers_of(images, *, n_threads: int | None = None) -> list[Retina]:
    """Find the layers in every scan of a set, on all cores.

    Parameters
    ----------
    images : ImageSet, ndarray of shape (n, h, w), or list of 2-D arrays
        Grey scans of any size from 16 px up.
    n_threads : int, optional
        All cores by default, or what ``OMP_NUM_THREADS`` says.

    Returns
    -------
    list of Retina

    Raises
    ------
    ValueError, OctlessonsError
        As `find_layers`.
    """
    return list(layers_one_by_one(images, n_threads=n_threads))


def layers_one_by_one(images, *, n_threads: int | None = None) -> Iterator[Retina]:
    """As `find_layers_of`, without holding more than `_BLOCK` of them."""
    given, images = images, as_images(images)
    network = layer_network(n_threads)

    def work(which: np.ndarray) -> list[Retina]:
        scans = [checked(to_uint8(np.asarray(images[i]), image_name(given, i))) for i in which]
        found = network.run(np.stack([as_input(scan) for scan in scans]), outputs=_OUTPUTS)
        return [_placed([array[i] for array in found], scan.shape) for i, scan in enumerate(scans)]

    for start in range(0, len(images), _BLOCK):
        block = np.arange(start, min(start + _BLOCK, len(images)))
        for part in in_threads(work, block, network.n_threads):
            yield from part


@lru_cache(maxsize=4)
def layer_network(n_threads: int | None = None) -> OnnxNetwork:
    """The network: scans (n, 1, 192, 192) in, what `Retina` holds and an encoder needs out."""
    return opened("layers", n_threads=n_threads)[1]


def as_input(image: np.ndarray) -> np.ndarray:
    """One scan, uint8 (h, w), as the network sees it: float32 (1, 192, 192) in 0…1."""
    small = resize_image(image, (WORKING, WORKING))
    return (small.astype(np.float32) * np.float32(1 / 255))[None]


def checked(image: np.ndarray) -> np.ndarray:
    """One grey image of 8 bits that is large enough, or a sentence."""
    image = np.asarray(image)
    if image.ndim != 2 or image.dtype != np.uint8:
        raise ValueError(
            f"Cleaning takes one grey image, uint8 (h, w); this is {image.dtype} "
            f"{image.shape}. Use images.map(clean) for a whole set, and grey=True for colour."
        )
    if min(image.shape) < SMALLEST:
        raise ValueError(
            f"An image of {image.shape[0]} × {image.shape[1]} px is too small to find the retina "
            "in: take 28 px or more."
        )
    return image


def placed_layers(found: dict[str, np.ndarray], shape: tuple[int, int]) -> list[Retina]:
    """What the network found in some scans, by the names of its outputs, at the size `shape`."""
    arrays = [found[name] for name in _OUTPUTS]
    return [_placed([array[i] for array in arrays], shape) for i in range(len(arrays[0]))]


def _placed(found: list[np.ndarray], shape: tuple[int, ...]) -> Retina:
    """The network's lines in the rows and columns of the scan itself."""
    lines, confidence, floor, tissue = found
    height, width = shape
    at = (np.arange(width) + 0.5) * WORKING / width - 0.5
    own = np.arange(WORKING)

    def across(line: np.ndarray) -> np.ndarray:
        return np.interp(at, own, line).astype(np.float32)

    ilm, rpe, bm, floor = (
        across((line + 0.5) * height / WORKING - 0.5) for line in (*lines, floor)
    )
    sure = np.stack([across(line) for line in confidence])
    return Retina(ilm, rpe, bm, floor, sure, tissue)
