"""Scans in the arrays of an ``.npz`` or ``.npy`` file."""

from __future__ import annotations

import os
import zipfile
from pathlib import Path

import numpy as np

from octlessons.errors import OctlessonsError, first_line
from octlessons.images._archive import IN_MEMORY, Archive, Stack
from octlessons.images._decoding import Unusable, as_8_bits, bits_needed, luma
from octlessons.images._lazy import LazyImages
from octlessons.images.imageset import ImageSet, Provenance
from octlessons.images.medmnist import SPLITS, class_names_of

_FORM = (
    "Give one with images (n, h, w) and, where they are known, labels, patients, sites and names; "
    "or one in the form of MedMNIST, with train_images, train_labels and so on."
)


def read_arrays(path: str | os.PathLike) -> ImageSet:
    """Read images, and what is known of them, from a file of arrays.

    Parameters
    ----------
    path : path
        ``.npy``: images alone. ``.npz``: images or train_images, val_images and test_images, with
        any of labels, patients, sites, names, class_names (or train_labels and so on). More than
        200 MB are not held in memory.

    Returns
    -------
    ImageSet

    Raises
    ------
    OctlessonsError
        If there is no such file, or its arrays are no images.
    """
    place = Path(os.path.expanduser(path))
    if not place.is_file():
        raise OctlessonsError(f"There is no file {place}: check the spelling.")
    told = Provenance(place.name, f"Images read from the arrays of {place.name}.")
    if place.suffix.casefold() == ".npy":
        try:
            whole = np.load(place, mmap_mode="r", allow_pickle=False)
        except (OSError, ValueError, EOFError) as error:
            raise OctlessonsError(
                f"{place} cannot be read ({first_line(error)}). {_FORM}"
            ) from error
        images = _images(place, [_checked(place, "the array", whole)])
        return ImageSet(images, names=_numbered([("", len(whole))]), provenance=told)
    try:
        with zipfile.ZipFile(place) as packed:
            members = [name.removesuffix(".npy") for name in packed.namelist()]
    except (OSError, zipfile.BadZipFile) as error:
        raise OctlessonsError(f"{place} cannot be read ({first_line(error)}). {_FORM}") from error
    archive = Archive(place, {"title": "npz", "advice": _FORM}, 0, True)
    return _of_archive(place, archive, members, told)


def _of_archive(place: Path, archive: Archive, members: list[str], told: Provenance) -> ImageSet:
    parts = [f"{part}_" for part in SPLITS if f"{part}_images" in members]
    if not parts and "images" in members:
        parts = [""]
    if not parts:
        there = ", ".join(members) or "nothing"
        raise OctlessonsError(f"{place} holds no images, but {there}. {_FORM}")
    pixels = [_pixels(place, archive, f"{part}images") for part in parts]
    lengths = [(part, len(each)) for part, each in zip(parts, pixels, strict=True)]
    facts = {}
    for what in ("labels", "patients", "sites", "names"):
        if all(f"{part}{what}" in members for part in parts):
            facts[what] = np.concatenate(
                [_column(place, archive, f"{part}{what}", n) for part, n in lengths]
            )
    labels, class_names = facts.pop("labels", None), list[str]()
    if labels is not None and labels.ndim == 1:
        found, codes = np.unique(labels, return_inverse=True)
        given = class_names_of(place.stem)
        if "class_names" in members:
            given = [str(each) for each in archive.read("class_names")]
        whole = found.dtype.kind in "iu" and len(found) and found[0] >= 0 and found[-1] < len(given)
        class_names = [given[int(each)] if whole else str(each) for each in found]
        labels = codes
    else:
        labels = None  # several findings an image
    names = facts.pop("names", None)
    return ImageSet(
        _images(place, pixels),
        labels,
        class_names=class_names,
        names=_numbered(lengths) if names is None else names,
        provenance=told,
        **facts,
    )


def _column(place: Path, archive: Archive, member: str, n: int) -> np.ndarray:
    values = archive.read(member)
    values = values[:, 0] if values.ndim == 2 and values.shape[1] == 1 else values
    if len(values) != n:
        raise OctlessonsError(f"{member} of {place} has {len(values)} entries for {n} images.")
    return values


def _pixels(place: Path, archive: Archive, member: str) -> np.ndarray:
    shape, dtype = archive.header(member)
    big = dtype == np.uint8 and np.prod(shape, dtype=np.int64) > IN_MEMORY
    return _checked(place, member, archive.mapped(member, shape) if big else archive.read(member))


def _checked(place: Path, member: str, values: np.ndarray) -> np.ndarray:
    """The array as 8 bits, shape (n, h, w) or (n, h, w, 3)."""
    if values.ndim == 4 and values.shape[3] == 1:
        values = values[..., 0]
    if values.ndim not in (3, 4) or (values.ndim == 4 and values.shape[3] != 3):
        shape = " × ".join(map(str, values.shape))
        raise OctlessonsError(f"{member} of {place} is {shape}, no images. {_FORM}")
    if values.dtype == np.uint8:
        return values
    try:
        if values.dtype.kind not in "uif":
            raise Unusable("range", f"it holds {values.dtype}")
        bits = bits_needed(values.max(initial=0)) if values.dtype.kind != "f" else 8
        return as_8_bits(np.asarray(values), bits)
    except Unusable as error:
        raise OctlessonsError(f"{member} of {place} cannot be used: {error}") from error


def _images(place: Path, pixels: list[np.ndarray]):
    """Side by side; read when they are asked for where they are not in memory."""
    colour = pixels[0].ndim == 4
    if len({each.shape[1:] for each in pixels}) > 1:
        raise OctlessonsError(f"The parts of {place} have images of different sizes.")
    if any(isinstance(each, np.memmap) for each in pixels):
        reader = Stack(pixels, colour)
        return LazyImages(reader, sum(map(len, pixels)), pixels[0].shape[1:3])
    whole = np.concatenate(pixels) if len(pixels) > 1 else pixels[0]
    return np.stack([luma(image) for image in whole]) if colour else whole


def _numbered(lengths: list[tuple[str, int]]) -> list[str]:
    return [f"{part.rstrip('_') or 'image'}/{i:06d}" for part, n in lengths for i in range(n)]
