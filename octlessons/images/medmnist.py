"""OCTMNIST and the other 2-D MedMNIST sets, in the files and folder that ``medmnist`` uses.

Whatever one of the two packages has downloaded the other finds. Neither ``medmnist`` nor torch is
needed here. What is known about each set (labels, licence, checksums) is in
``medmnist_sets.json`` and comes from medmnist 3.0.2.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import zipfile
import zlib
from difflib import get_close_matches
from functools import cache
from importlib.resources import files
from pathlib import Path

import numpy as np

from octlessons._files import locked
from octlessons.errors import OctlessonsError
from octlessons.images.downloads import fetch_file, has_hash
from octlessons.images.imageset import ImageSet, LazyImages, Provenance

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

_IN_MEMORY = 200_000_000  # bytes of pixels; larger parts are unpacked once and memory-mapped
_MEDMNIST_PAPER = (
    "Yang et al., MedMNIST v2, Scientific Data 10:41 (2023), doi 10.1038/s41597-022-01721-8"
)
_SOURCES = {
    "octmnist": "Kermany et al., Cell 172:1122 (2018), doi 10.1016/j.cell.2018.02.010",
    "dermamnist": "Tschandl et al., Scientific Data 5:180161 (2018), doi 10.1038/sdata.2018.161",
}
_OCT_NAMES = ("CNV", "DME", "DRUSEN", "NORMAL")
_BEWARE = {
    "octmnist": (
        "train and val were split by image, not by patient: the same patients are in both, so "
        "results on val are optimistic; the file has no patient ids to mend it with",
        "test has 250 images of each class, train and val have the classes as they came",
        "images show the central square of each scan: the sides of wide scans are missing",
    ),
    "dermamnist": (
        "licence CC BY-NC 4.0: not for commercial use",
        "the parts share lesions: 641 are in train and test, 332 in train and val, 113 in val and "
        "test (Abhishek et al., Scientific Data 12:196, 2025, doi 10.1038/s41597-025-04382-5), so "
        "results on val and test are optimistic",
    ),
}


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

    Parts of more than 200 MB (OCTMNIST from 64 px on) are unpacked once into ``.npy`` files in
    the sub-folder ``octlessons`` of `root` and memory-mapped, so that memory stays flat. The
    largest, OCTMNIST at 224 px, takes 5.5 GB of disk that way.

    Parameters
    ----------
    name : str
        ``"octmnist"``, ``"dermamnist"``, ``"pathmnist"`` …, in upper or lower case.
    size : {28, 64, 128, 224}
        Height and width in pixels.
    split : {"train", "val", "test", "all"}
        Which part; ``"all"`` is train, val and test one after the other. Names begin with the
        part.
    root : path, optional
        The folder of the files. Without it ``$OCTLESSONS_MEDMNIST_ROOT``, or ``~/.medmnist``.
    download : bool
        Download the file if it is missing or damaged.
    grey : bool
        Turn colour into luma (ITU-R BT.601). Otherwise sets in colour have images (n, h, w, 3).
    progress, base_url, check
        As for `fetch_medmnist`.

    Returns
    -------
    ImageSet
        Labels are those of the set; None where an image has several (ChestMNIST). Licence,
        citation and what to beware of are in the provenance.

    Raises
    ------
    OctlessonsError
        If there is no such set, size or part, the file cannot be had or is damaged. The sentence
        says what to do, also without a network.
    """
    if split not in (*SPLITS, "all"):
        raise OctlessonsError(f"`split` is 'train', 'val', 'test' or 'all', not {split!r}.")
    flag = _flag(name)
    facts, expected = _known(flag, size), _expected(flag, size, check)
    path = _path(flag, size, root)
    if download:
        path = fetch_medmnist(flag, size, root, progress=progress, base_url=base_url, check=check)
    elif not path.is_file():
        raise OctlessonsError(
            f"{path} is not there: load it with download=True. "
            f"{_by_hand(flag, size, path, base_url)}."
        )
    elif not has_hash(path, _hash(expected)):
        raise OctlessonsError(
            f"{path} is damaged or another file: its MD5 is not {expected}. It may be a download "
            "that was interrupted: load it again with download=True. "
            f"{_by_hand(flag, size, path, base_url)}."
        )
    parts = SPLITS if split == "all" else (split,)
    archive = _Archive(path, flag, facts, size, progress)
    pixels = [archive.images(part) for part in parts]
    labels = [archive.labels(part, len(found)) for part, found in zip(parts, pixels, strict=True)]
    names = [
        f"{part}/{i:06d}" for part, n in zip(parts, map(len, pixels), strict=True) for i in range(n)
    ]
    several = labels[0].ndim == 2
    notes = list(_BEWARE.get(flag, ()))
    if several:
        notes.append(
            f"an image may have several of {len(facts['labels'])} findings: labels are left out"
        )
    if facts["channels"] == 3 and grey:
        notes.append("colour turned into luma")
    if not expected:
        notes.append("the checksum of the file was not compared with the published one")
    return ImageSet(
        _stacked(pixels, grey and facts["channels"] == 3),
        None if several else np.concatenate(labels),
        class_names=() if several else _class_names(flag),
        names=names,
        provenance=Provenance(
            name=f"{flag}-{size}" + ("" if split == "train" else f" ({split})"),
            description=f"{facts['title']} at {size} × {size} px, {_part_in_words(split)}; "
            "not intended for clinical use.",
            licence=facts["licence"],
            citation="; ".join(filter(None, (_MEDMNIST_PAPER, _SOURCES.get(flag)))),
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
    in ``NAME.npz.part``, from which an interrupted download goes on. A file of that name with
    another checksum (an interrupted download of ``medmnist``, say) is replaced once the right one
    is complete. Several processes may ask at once: one downloads, the others wait.

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
    OctlessonsError
        If it cannot be downloaded: the sentence says why, and which file to put where by hand.
    """
    flag = _flag(name)
    _known(flag, size)
    expected = _expected(flag, size, check)
    path = _path(flag, size, root)
    return fetch_file(
        _address(flag, size, base_url),
        path,
        known_hash=_hash(expected),
        progress=progress,
        by_hand=_by_hand(flag, size, path, base_url),
        elsewhere=f"give another folder with root=…, or in the variable {ROOT_VARIABLE}",
    )


def class_names(name: str) -> tuple[str, ...]:
    """Names of the classes of a MedMNIST set, in the order of its labels.

    Raises
    ------
    OctlessonsError
        If there is no 2-D set of that name.
    """
    return _class_names(_flag(name))


# ---------------------------------------------------------------------- what is known


@cache
def _table() -> dict:
    text = files("octlessons.images").joinpath("medmnist_sets.json").read_text("utf-8")
    return json.loads(text)


def _flag(name: str) -> str:
    flag, known = str(name).strip().casefold(), _table()["sets"]
    if flag in known:
        return flag
    if flag.endswith("3d"):
        raise OctlessonsError(f"{name} is a 3-D set; only the 2-D ones are read: {_listed(known)}.")
    close = get_close_matches(flag, known, 1)
    hint = f" Did you mean {close[0]}?" if close else ""
    raise OctlessonsError(
        f"There is no MedMNIST set called {name!r}.{hint} There are {_listed(known)}."
    )


def _known(flag: str, size: int) -> dict:
    if not isinstance(size, int | np.integer) or size not in SIZES:
        raise OctlessonsError(
            f"MedMNIST sets come at {', '.join(map(str, SIZES))} px, not at {size!r}: take the "
            "next larger one and call .resize(size)."
        )
    return _table()["sets"][flag]


def _class_names(flag: str) -> tuple[str, ...]:
    return _OCT_NAMES if flag == "octmnist" else tuple(_table()["sets"][flag]["labels"])


def _expected(flag: str, size: int, check: bool | str) -> str | None:
    if isinstance(check, str):
        return check.removeprefix("md5:").casefold()
    if not check or os.environ.get(CHECK_VARIABLE) == "0":
        return None
    return _table()["sets"][flag]["md5"][str(size)]


def _hash(expected: str | None) -> str | None:
    return expected and f"md5:{expected}"


def _path(flag: str, size: int, root) -> Path:
    folder = root or os.environ.get(ROOT_VARIABLE) or Path.home() / ".medmnist"
    return Path(os.path.expanduser(folder)) / (flag + ("" if size == 28 else f"_{size}") + ".npz")


def _address(flag: str, size: int, base_url: str | None) -> str:
    base, file = base_url or os.environ.get(URL_VARIABLE), _path(flag, size, ".").name
    if base:
        return f"{base.rstrip('/')}/{file}"
    return f"{_table()['record']}/{file}?download=1"


def _by_hand(flag: str, size: int, path: Path, base_url: str | None) -> str:
    return (
        f"Without a network here, fetch {_address(flag, size, base_url)} on another computer "
        f"(MD5 {_table()['sets'][flag]['md5'][str(size)]}) and save it as {path}"
    )


def _part_in_words(split: str) -> str:
    return "all parts" if split == "all" else f"part {split}"


def _listed(names) -> str:
    return ", ".join(sorted(names))


# ---------------------------------------------------------------------- reading


class _Archive:
    """The arrays of one ``.npz`` file, checked before they are used."""

    def __init__(self, path: Path, flag: str, facts: dict, size: int, progress: bool):
        self.path, self.flag, self.facts = path, flag, facts
        self.size, self.progress = size, progress

    def images(self, part: str) -> np.ndarray:
        shape, dtype = self._header(f"{part}_images")
        channels = (3,) if self.facts["channels"] == 3 else ()
        if len(shape) != 3 + len(channels) or shape[1:] != (self.size, self.size, *channels):
            wanted = " × ".join(map(str, ("n", self.size, self.size, *channels)))
            raise self._broken(f"{part}_images is {' × '.join(map(str, shape))}, not {wanted}")
        if dtype != np.uint8:
            raise self._broken(f"{part}_images holds {dtype}, not uint8")
        if np.prod(shape, dtype=np.int64) <= _IN_MEMORY:
            return self._read(f"{part}_images")
        return self._mapped(f"{part}_images", shape)

    def labels(self, part: str, n: int) -> np.ndarray:
        labels = self._read(f"{part}_labels")
        if len(labels) != n or labels.ndim not in (1, 2) or labels.dtype.kind not in "iub":
            raise self._broken(
                f"{part}_labels has shape {labels.shape} and type {labels.dtype} for {n} images"
            )
        if labels.ndim == 2 and labels.shape[1] == 1:
            labels = labels[:, 0]
        top = len(self.facts["labels"]) - 1 if labels.ndim == 1 else 1
        if labels.size and not 0 <= int(labels.min()) <= int(labels.max()) <= top:
            raise self._broken(f"{part}_labels goes beyond 0 to {top}")
        return labels

    def _header(self, member: str) -> tuple[tuple[int, ...], np.dtype]:
        with self._opened(member) as stream:
            version = np.lib.format.read_magic(stream)
            read = (
                np.lib.format.read_array_header_1_0
                if version == (1, 0)
                else np.lib.format.read_array_header_2_0
            )
            shape, _, dtype = read(stream)
        return shape, dtype

    def _read(self, member: str) -> np.ndarray:
        with self._opened(member) as stream:
            try:
                return np.lib.format.read_array(stream, allow_pickle=False)
            except OSError as error:
                raise self._broken(f"{member} cannot be read ({error})") from error

    @contextlib.contextmanager
    def _opened(self, member: str):
        with contextlib.ExitStack() as stack:
            try:
                archive = stack.enter_context(zipfile.ZipFile(self.path))
                stream = stack.enter_context(archive.open(f"{member}.npy"))
            except KeyError as error:
                raise self._broken(f"it has no array {member}") from error
            except (zipfile.BadZipFile, NotImplementedError, RuntimeError) as error:
                raise self._broken(f"it is not a zip archive that can be read ({error})") from error
            except OSError as error:
                raise OctlessonsError(
                    f"{self.path} cannot be read: {error.strerror or error}. Check its rights."
                ) from error
            try:
                yield stream
            except (zipfile.BadZipFile, zlib.error, ValueError, EOFError) as error:
                raise self._broken(f"{member} cannot be read ({error})") from error

    def _mapped(self, member: str, shape: tuple[int, ...]) -> np.ndarray:
        """The array on disk, unpacked beside the archive the first time."""
        state = self.path.stat()
        stamp = f"{state.st_size:x}-{state.st_mtime_ns:x}"
        file = self.path.parent / "octlessons" / f"{self.path.stem}-{stamp}-{member}.npy"
        try:
            file.parent.mkdir(exist_ok=True)
            with locked(file.parent / f".{self.path.stem}.lock"):
                if not _is_array(file, shape):
                    self._unpack(member, file, int(np.prod(shape, dtype=np.int64)))
        except OSError as error:
            raise OctlessonsError(
                f"{member} of {self.path} cannot be unpacked to {file} "
                f"({error.strerror or error}): make room, or copy the .npz to a folder that you "
                "may write to and give that folder with root=…"
            ) from error
        return np.load(file, mmap_mode="r")

    def _unpack(self, member: str, file: Path, n_bytes: int) -> None:
        from tqdm import tqdm

        free = shutil.disk_usage(file.parent).free
        if n_bytes > free:
            raise OctlessonsError(
                f"Unpacking {member} takes {n_bytes / 1e9:.1f} GB, and {file.parent} has "
                f"{free / 1e9:.1f} GB left: make room, or take a smaller size."
            )
        for old in file.parent.glob(f"{self.path.stem}-*-{member}.npy"):
            with contextlib.suppress(OSError):  # of an earlier download
                old.unlink()
        temporary = file.with_suffix(".part")
        bar = tqdm(
            total=n_bytes,
            unit="B",
            unit_scale=True,
            desc=f"Unpacking {member}",
            disable=None if self.progress else True,
        )
        try:
            with bar, self._opened(member) as stream, open(temporary, "wb") as out:
                while block := stream.read(1 << 22):
                    out.write(block)
                    bar.update(len(block))
            os.replace(temporary, file)
        finally:
            temporary.unlink(missing_ok=True)

    def _broken(self, what: str) -> OctlessonsError:
        return OctlessonsError(
            f"{self.path} is not a sound {self.facts['title']} file: {what}. Delete it and fetch "
            "it again."
        )


def _is_array(file: Path, shape: tuple[int, ...]) -> bool:
    try:
        return np.load(file, mmap_mode="r").shape == shape
    except (OSError, ValueError, EOFError):
        return False


class _Stack:
    """Reads image i of several arrays laid end to end; picklable without their pixels."""

    def __init__(self, arrays: list[np.ndarray], grey: bool):
        self._arrays, self.grey = arrays, grey
        self._starts = np.cumsum([0, *map(len, arrays)])

    def __call__(self, i: int) -> np.ndarray:
        which = int(np.searchsorted(self._starts, i, side="right")) - 1
        image = np.asarray(self._arrays[which][i - self._starts[which]])
        return _luma(image) if self.grey else image

    def __getstate__(self):
        kept = [a.filename if isinstance(a, np.memmap) else a for a in self._arrays]
        return {"arrays": kept, "grey": self.grey}

    def __setstate__(self, state):
        arrays = [
            a if isinstance(a, np.ndarray) else np.load(a, mmap_mode="r") for a in state["arrays"]
        ]
        self.__init__(arrays, state["grey"])


def _stacked(pixels: list[np.ndarray], grey: bool):
    """One array, or a lazy sequence where that would fill the memory."""
    if any(isinstance(array, np.memmap) for array in pixels) and (grey or len(pixels) > 1):
        shape = pixels[0].shape[1:3] if grey else pixels[0].shape[1:]
        return LazyImages(_Stack(pixels, grey), sum(map(len, pixels)), shape)
    joined = pixels[0] if len(pixels) == 1 else np.concatenate(pixels)
    return np.stack([_luma(image) for image in joined]) if grey else joined


def _luma(image: np.ndarray) -> np.ndarray:
    """ITU-R BT.601 luma in the integer arithmetic that Pillow uses."""
    weights = np.array([19595, 38470, 7471], np.uint32)
    return ((image.astype(np.uint32) @ weights + 32768) >> 16).astype(np.uint8)
