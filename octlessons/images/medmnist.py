"""OCTMNIST and the other 2-D MedMNIST sets, in the files and folder that ``medmnist`` uses.

Whatever one of the two packages has downloaded the other finds. Neither ``medmnist`` nor torch is
needed here. What is known about each set (labels, licence, checksums) is in
``medmnist_sets.json`` and comes from medmnist 3.0.2.
"""

from __future__ import annotations

import json
import os
import zipfile
from difflib import get_close_matches
from functools import cache
from importlib.resources import files
from pathlib import Path

import numpy as np

from octlessons.errors import OctlessonsError
from octlessons.images._archive import Archive, joined
from octlessons.images.downloads import by_hand_advice, fetch_file, has_hash
from octlessons.images.imageset import ImageSet, Provenance
from octlessons.wording import listing

#: Image sizes in which every set is published, in pixels.
SIZES = (28, 64, 128, 224)

#: Parts of every set.
SPLITS = ("train", "val", "test")

#: Environment variable with another address to download from (the file name is appended).
URL_VARIABLE = "OCTLESSONS_MEDMNIST_URL"

#: Environment variable with another folder for the files.
ROOT_VARIABLE = "OCTLESSONS_MEDMNIST_ROOT"

#: Set this environment variable to ``0`` to use files of your own in the same format.
CHECK_VARIABLE = "OCTLESSONS_MEDMNIST_CHECK"


def load_octmnist(
    size: int = 28,
    split: str = "train",
    root: str | os.PathLike | None = None,
    download: bool = True,
    **options,
) -> ImageSet:
    """Load OCTMNIST: 109,309 retinal OCT scans of four classes.

    ======  =======  =======  ======  ======  =======
    part    CNV      DME      DRUSEN  NORMAL  all
    ======  =======  =======  ======  ======  =======
    train   33,484   10,213   7,754   46,026  97,477
    val      3,721    1,135     862    5,114  10,832
    test       250      250     250      250   1,000
    ======  =======  =======  ======  ======  =======

    Labels 0 to 3 are CNV, DME, DRUSEN and NORMAL. The images are those of Kermany et al. (2018),
    cropped to the central square and resized. Patients of val are in train as well.

    Parameters
    ----------
    size, split, root, download, **options
        As for `load_medmnist`.

    Returns
    -------
    ImageSet
        Images (n, size, size). Patients, sites and original sizes are not known.

    Raises
    ------
    OctlessonsError
        As for `load_medmnist`.
    """
    return load_medmnist("octmnist", size, split, root, download, **options)


def load_medmnist(
    name: str,
    size: int = 28,
    split: str = "train",
    root: str | os.PathLike | None = None,
    download: bool = True,
    *,
    grey: bool = False,
    progress: bool = True,
    base_url: str | None = None,
    check: bool | str = True,
) -> ImageSet:
    """Load a 2-D MedMNIST set by its name.

    Parts of more than 200 MB (OCTMNIST from 64 px on) are memory-mapped, from ``.npy`` files in
    the sub-folder ``octlessons`` of `root` (at most 5.5 GB).

    Parameters
    ----------
    name : str
        ``"octmnist"``, ``"dermamnist"``, ``"pathmnist"`` …
    size : {28, 64, 128, 224}
        Height and width in pixels.
    split : {"train", "val", "test", "all"}
        Which part; ``"all"`` is one after the other. Names begin with the part.
    root : path, optional
        The folder of the files. Without it ``$OCTLESSONS_MEDMNIST_ROOT``, or ``~/.medmnist``.
    download : bool
        Download the file if it is missing or damaged.
    grey : bool
        Turn colour into luma (ITU-R BT.601). Otherwise sets in colour have images (n, h, w, 3).
    progress, base_url, check : as for `fetch_medmnist`

    Returns
    -------
    ImageSet
        Labels are None where an image has several (ChestMNIST). Licence, citation and what to
        beware of are in the provenance.

    Raises
    ------
    ValueError
        If there is no such set, size or part.
    OctlessonsError
        If the file cannot be had or is damaged; the sentence says what to do.
    """
    if split not in (*SPLITS, "all"):
        raise ValueError(f"`split` is 'train', 'val', 'test' or 'all', not {split!r}.")
    flag = _flag(name)
    facts, path = _known(flag, size), _path(flag, size, root)
    expected = _expected(flag, size, check)
    if download:
        fetch_medmnist(flag, size, root, progress=progress, base_url=base_url, check=check)
    elif not has_hash(path, expected):
        what = f"damaged or another file: its MD5 is not {(expected or '')[4:]}"
        raise OctlessonsError(
            f"{path} is {what if path.is_file() else 'not there'}. Load it with download=True. "
            f"{_by_hand(flag, size, path, base_url)}."
        )
    return _loaded(flag, size, split, Archive(path, facts, size, progress), grey, bool(expected))


def _loaded(flag: str, size: int, split: str, archive: Archive, grey: bool, sure: bool) -> ImageSet:
    facts = archive.facts
    parts = SPLITS if split == "all" else (split,)
    pixels = [archive.images(part) for part in parts]
    found = list(zip(parts, map(len, pixels), strict=True))
    labels = [archive.labels(part, n) for part, n in found]
    several = labels[0].ndim == 2
    notes = list(facts.get("beware", ()))
    if several:
        notes.append(
            f"an image may have several of {len(facts['labels'])} findings: labels are left out"
        )
    if facts["channels"] == 3 and grey:
        notes.append("colour turned into luma")
    if not sure:
        notes.append("the checksum of the file was not compared with the published one")
    which = "all parts" if split == "all" else f"part {split}"
    return ImageSet(
        joined(pixels, grey and facts["channels"] == 3),
        None if several else np.concatenate(labels),
        class_names=() if several else facts.get("class_names", facts["labels"]),
        names=[f"{part}/{i:06d}" for part, n in found for i in range(n)],
        provenance=Provenance(
            name=f"{flag}-{size}" + ("" if split == "train" else f" ({split})"),
            description=f"{facts['title']} at {size} × {size} px, {which}; not intended for "
            "clinical use.",
            licence=facts["licence"],
            citation="; ".join(filter(None, (_table()["paper"], facts.get("source")))),
            notes=tuple(notes),
        ),
    )


def fetch_medmnist(
    name: str = "octmnist",
    size: int = 28,
    root: str | os.PathLike | None = None,
    *,
    progress: bool = True,
    base_url: str | None = None,
    check: bool | str = True,
) -> Path:
    """Download a MedMNIST file unless it is there already, and return its path.

    The file gets its name only when it is complete and its checksum is right; until then it grows
    in ``NAME.npz.part``, from which an interrupted download goes on. A file of that name that is
    cut off (an interrupted download of ``medmnist``, say) is replaced once the right one is
    complete; a whole archive with another checksum may be your own, and is left alone. Several
    processes may ask at once: one downloads, the others wait.

    Parameters
    ----------
    name, size, root
        As for `load_medmnist`.
    progress : bool
        Show a progress bar where there is a terminal to show it on.
    base_url : str, optional
        Where to download from instead of Zenodo, without the file name. Without it
        ``$OCTLESSONS_MEDMNIST_URL`` if that is set.
    check : bool or str
        Compare the file's MD5 with the published one, or with the one given here. False takes
        any file; the environment variable ``OCTLESSONS_MEDMNIST_CHECK=0`` does the same.

    Returns
    -------
    Path
        The ``.npz`` file.

    Raises
    ------
    ValueError
        If there is no such set or size.
    OctlessonsError
        If it cannot be downloaded, or another archive has its name. The sentence says why, and
        which file to put where by hand.
    """
    flag = _flag(name)
    _known(flag, size)
    expected, path = _expected(flag, size, check), _path(flag, size, root)
    if not has_hash(path, expected) and zipfile.is_zipfile(path):
        raise OctlessonsError(
            f"{path} is a whole archive, but not the published one: its MD5 is not "
            f"{(expected or '')[4:]}. If it is your own, use it with check=False or the variable "
            f"{CHECK_VARIABLE}=0; to download the published one, move this one away."
        )
    return fetch_file(
        _address(flag, size, base_url),
        path,
        known_hash=expected,
        progress=progress,
        by_hand=_by_hand(flag, size, path, base_url),
        elsewhere=f"give another folder with root=…, or in the variable {ROOT_VARIABLE}",
    )


# ---------------------------------------------------------------------- what is known


@cache
def _table() -> dict:
    text = files("octlessons.images").joinpath("medmnist_sets.json").read_text("utf-8")
    return json.loads(text)


def class_names_of(stem: str) -> list[str]:
    """Class names of the set that a file like ``octmnist_64`` holds; none for another file."""
    facts = _table()["sets"].get(stem.casefold().partition("_")[0], {})
    return list(facts.get("class_names", facts.get("labels", ())))


def _flag(name: str) -> str:
    flag, known = str(name).strip().casefold(), sorted(_table()["sets"])
    if flag in known:
        return flag
    if flag.endswith("3d"):
        raise ValueError(f"{name} is a 3-D set; only the 2-D ones are read: {listing(known)}.")
    close = get_close_matches(flag, known, 1)
    hint = f" Did you mean {close[0]}?" if close else ""
    raise ValueError(f"There is no MedMNIST set called {name!r}.{hint} There are {listing(known)}.")


def _known(flag: str, size: int) -> dict:
    if not isinstance(size, int | np.integer) or size not in SIZES:
        raise ValueError(
            f"MedMNIST sets come at {', '.join(map(str, SIZES))} px, not at {size!r}: take the "
            "next larger one and call .resize(size)."
        )
    return _table()["sets"][flag]


def _expected(flag: str, size: int, check: bool | str) -> str | None:
    """The checksum that the file must have, as `has_hash` takes it."""
    if isinstance(check, str):
        return f"md5:{check.removeprefix('md5:').casefold()}"
    if not check or os.environ.get(CHECK_VARIABLE) == "0":
        return None
    return _published(flag, size)


def _published(flag: str, size: int) -> str:
    return f"md5:{_table()['sets'][flag]['md5'][str(size)]}"


def _path(flag: str, size: int, root) -> Path:
    folder = root or os.environ.get(ROOT_VARIABLE) or Path.home() / ".medmnist"
    return Path(os.path.expanduser(folder)) / (flag + ("" if size == 28 else f"_{size}") + ".npz")


def _address(flag: str, size: int, base_url: str | None) -> str:
    base, file = base_url or os.environ.get(URL_VARIABLE), _path(flag, size, ".").name
    if base:
        return f"{base.rstrip('/')}/{file}"
    return f"{_table()['record']}/{file}?download=1"


def _by_hand(flag: str, size: int, path: Path, base_url: str | None) -> str:
    return by_hand_advice(_address(flag, size, base_url), path, _published(flag, size))
