"""Reading the ``.npz`` files of MedMNIST: checked first, and never more in memory than need be."""

from __future__ import annotations

import contextlib
import shutil
import zipfile
import zlib
from pathlib import Path

import numpy as np

from octlessons._files import locked, write_atomically
from octlessons.errors import OctlessonsError
from octlessons.images._decoding import luma
from octlessons.images._lazy import LazyImages

IN_MEMORY = 200_000_000  # bytes of pixels; larger parts are unpacked once and memory-mapped
_DAMAGE = (zipfile.BadZipFile, zlib.error, KeyError, ValueError, EOFError, RuntimeError)


class Archive:
    """The arrays of one ``.npz`` file, checked before they are used."""

    def __init__(self, path: Path, facts: dict, size: int, progress: bool):
        self.path, self.facts, self.size, self.progress = path, facts, size, progress

    def images(self, part: str) -> np.ndarray:
        shape, dtype = self.header(f"{part}_images")
        channels = (3,) if self.facts["channels"] == 3 else ()
        if len(shape) != 3 + len(channels) or shape[1:] != (self.size, self.size, *channels):
            wanted = " × ".join(map(str, ("n", self.size, self.size, *channels)))
            raise self._broken(f"{part}_images is {' × '.join(map(str, shape))}, not {wanted}")
        if dtype != np.uint8:
            raise self._broken(f"{part}_images holds {dtype}, not uint8")
        if np.prod(shape, dtype=np.int64) <= IN_MEMORY:
            return self.read(f"{part}_images")
        return self.mapped(f"{part}_images", shape)

    def labels(self, part: str, n: int) -> np.ndarray:
        labels = self.read(f"{part}_labels")
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

    def header(self, member: str) -> tuple[tuple[int, ...], np.dtype]:
        npy = np.lib.format
        with self._opened(member) as stream:
            first = npy.read_magic(stream) == (1, 0)
            read = npy.read_array_header_1_0 if first else npy.read_array_header_2_0
            shape, _, dtype = read(stream)
        return shape, dtype

    def read(self, member: str) -> np.ndarray:
        with self._opened(member) as stream:
            return np.lib.format.read_array(stream, allow_pickle=False)

    @contextlib.contextmanager
    def _opened(self, member: str):
        """An array of the archive; what is wrong inside, or while reading it, is a sentence."""
        what = "it is not a zip archive that can be read"
        try:
            with zipfile.ZipFile(self.path) as archive:
                what = f"it has no array {member}"
                with archive.open(f"{member}.npy") as stream:
                    what = f"{member} cannot be read"
                    yield stream
        except OSError as error:
            if error.filename:
                raise OctlessonsError(
                    f"{self.path} cannot be read: {error.strerror or error}. Check its rights."
                ) from error
            raise self._broken(f"{what} ({error})") from error
        except _DAMAGE as error:
            raise self._broken(f"{what} ({error})") from error

    def mapped(self, member: str, shape: tuple[int, ...]) -> np.ndarray:
        """The array on disk, unpacked beside the archive the first time."""
        state = self.path.stat()
        stamp = f"{state.st_size:x}-{state.st_mtime_ns:x}"
        file = self.path.parent / "octlessons" / f"{self.path.stem}-{stamp}-{member}.npy"
        if not _is_array(file, shape):
            try:
                file.parent.mkdir(exist_ok=True)
                with locked(file.parent / f".{self.path.stem}.lock"):
                    if not _is_array(file, shape):  # another process was not quicker
                        self._unpack(member, file, int(np.prod(shape, dtype=np.int64)))
            except OSError as error:
                raise OctlessonsError(
                    f"{member} of {self.path} cannot be unpacked to {file} "
                    f"({error.strerror or error}): copy the .npz to a folder that you may write "
                    "to, and give that folder with root=…"
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
        bar = tqdm(
            total=n_bytes, unit="B", unit_scale=True, desc=f"Unpacking {member}",
            disable=None if self.progress else True,
        )  # fmt: skip

        def copy(out) -> None:
            while block := stream.read(1 << 22):
                out.write(block)
                bar.update(len(block))

        with bar, self._opened(member) as stream:
            write_atomically(file, copy)

    def _broken(self, what: str) -> OctlessonsError:
        return OctlessonsError(
            f"{self.path} is not a sound {self.facts['title']} file: {what}. "
            + self.facts.get("advice", "Delete it and fetch it again.")
        )


def _is_array(file: Path, shape: tuple[int, ...]) -> bool:
    try:
        return np.load(file, mmap_mode="r").shape == shape
    except (OSError, ValueError, EOFError):
        return False


class Stack:
    """Reads image i of several arrays laid end to end; picklable without their pixels."""

    def __init__(self, arrays: list[np.ndarray], grey: bool):
        self._arrays, self.grey = arrays, grey
        self._starts = np.cumsum([0, *map(len, arrays)])

    def __call__(self, i: int) -> np.ndarray:
        which = int(np.searchsorted(self._starts, i, side="right")) - 1
        image = np.asarray(self._arrays[which][i - self._starts[which]])
        return luma(image) if self.grey else image

    def __getstate__(self):
        kept = [a.filename if isinstance(a, np.memmap) else a for a in self._arrays]
        return {"arrays": kept, "grey": self.grey}

    def __setstate__(self, state):
        arrays = [
            a if isinstance(a, np.ndarray) else np.load(a, mmap_mode="r") for a in state["arrays"]
        ]
        self.__init__(arrays, state["grey"])


def joined(pixels: list[np.ndarray], grey: bool):
    """One array, or a lazy sequence where that would fill the memory."""
    if any(isinstance(array, np.memmap) for array in pixels) and (grey or len(pixels) > 1):
        shape = pixels[0].shape[1:3] if grey else pixels[0].shape[1:]
        return LazyImages(Stack(pixels, grey), sum(map(len, pixels)), shape)
    joined = pixels[0] if len(pixels) == 1 else np.concatenate(pixels)
    return np.stack([luma(image) for image in joined]) if grey else joined
