"""Features of many images in flat memory, in shards that survive an interruption.

`extract` reads images batch by batch, prepares them in a few threads while the network computes,
and lays the rows into an array; with a `store`, into a file that is memory-mapped at the end. Each
finished shard is written, then recorded, so that a run that was killed goes on where it was.

Results do not depend on where a run was interrupted: shards begin at multiples of `SHARD` images,
batches at the start of a shard. Another batch size may change the last bits.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import sys
import zlib
from collections import deque
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from functools import partial
from itertools import islice
from numbers import Integral
from pathlib import Path
from typing import IO

import numpy as np

from octlessons._files import locked, write_atomically
from octlessons._runtime import usable_cores
from octlessons.errors import OctlessonsError
from octlessons.images.checks import as_images, check_image, image_name, to_uint8
from octlessons.images.imageset import ImageSet, LazyImages
from octlessons.images.sources import DATA_VARIABLE

#: Images in one shard: what an interruption costs at most. A multiple of the usual batch sizes.
SHARD = 256

#: Images of a lazy set whose pixels go into its fingerprint.
SAMPLED = 64

_AHEAD = 2  # batches being prepared while one is computed
_PATIENCE = 2.0  # seconds before a progress bar shows itself
_FORMAT = 1
_NO_MEMORY = re.compile(r"out of memory|bad.alloc|allocate memory|failed to allocate", re.I)


def extract(
    images,
    prepare: Callable[[np.ndarray], np.ndarray],
    run: Callable[[np.ndarray], np.ndarray],
    *,
    n_features: int | None = None,
    batch_size: int = 64,
    store: str | os.PathLike | None = None,
    key: dict | None = None,
    progress: bool | None = None,
) -> np.ndarray:
    """Compute one row of features per image, without holding the images.

    Parameters
    ----------
    images : ImageSet, ndarray of shape (n, h, w) or (n, h, w, 3), LazyImages, or list of arrays
        Sizes may differ. Pixels that are not uint8 are turned into it, as `Pixels` reads them.
    prepare : callable
        Turns one image, uint8 (h, w) or (h, w, 3), into float32 (c, height, width), of the same
        shape for all. It runs in threads.
    run : callable
        Turns a batch, float32 (b, c, height, width), into float32 (b, d); gets half of one again
        where memory runs out.
    n_features : int, optional
        The length d of a row, where it is known before.
    batch_size : int
    store : path, optional
        A ``.npy`` file for the features, or a folder for ``features.npy``; a second call with the
        same key computes only what is missing.
    key : dict, optional
        What the features depend on besides the number of images (images, network, version), in
        values that JSON can hold. Needed with `store`.
    progress : bool, optional
        Show a bar. None: only to somebody who looks on, and for more than two seconds.

    Returns
    -------
    ndarray of float32, shape (n, d)
        With `store` a read-only ``numpy.memmap``.

    Raises
    ------
    OctlessonsError
        If the store has another key, is damaged or cannot be written, memory runs out, or an image
        cannot be prepared.
    ValueError
        If there are no images, or they have another shape.
    """
    given, images = images, as_images(images, colour=True)
    batch_size, n = _whole(batch_size), len(images)
    if store is not None and key is None:
        raise ValueError("`store` needs a `key`: what the features depend on.")
    with ExitStack() as stack:
        rows: _Memory | _Store = _Memory(n, n_features)
        if store is not None:
            rows = _Store(_store_file(store), n, n_features, key or {})
            stack.enter_context(rows.opened())
        if rows.missing():
            _fill(rows, n, partial(_prepared, given, images, prepare), run, batch_size, progress)
        return rows.finished()


def _whole(batch_size) -> int:
    if not isinstance(batch_size, Integral) or batch_size < 1:
        raise ValueError(f"`batch_size` is a positive whole number of images, not {batch_size!r}.")
    return int(batch_size)


def _fill(
    rows: _Memory | _Store,
    n: int,
    prepared: Callable[[list[range]], Generator[np.ndarray, None, None]],
    run: Callable[[np.ndarray], np.ndarray],
    batch_size: int,
    progress: bool | None,
) -> None:
    """Compute the rows that are missing, shard by shard."""
    missing = rows.missing()
    spans = [
        range(i, min(i + batch_size, stop))
        for start, stop in missing
        for i in range(start, stop, batch_size)
    ]
    network = _Runner(run, rows.n_features)
    with (
        _bar(n, n - sum(b - a for a, b in missing), progress) as bar,
        closing(prepared(spans)) as batches,
    ):
        for start, stop in missing:
            parts = []
            for batch in islice(batches, -(-(stop - start) // batch_size)):
                parts.append(network(batch))
                bar.update(len(batch))
            rows.put(start, stop, np.concatenate(parts))


def fingerprint(images) -> str:
    """Say in 32 characters which images these are, to use in a `key`.

    Images in memory are read whole. Of lazy images, names, patients and acquired sizes count, and
    the pixels of `SAMPLED` images spread over the set: a change to another file is not noticed.
    """
    digest = hashlib.blake2b(digest_size=16)
    if isinstance(images, ImageSet) and images.is_lazy:
        for part in ("names", "patients", "sizes"):
            values = getattr(images, part)
            digest.update(repr(None if values is None else np.asarray(values).tolist()).encode())
    images = as_images(images, colour=True)
    n = len(images)
    digest.update(str(n).encode())
    few = isinstance(images, LazyImages | np.memmap)
    for i in np.unique(np.linspace(0, n - 1, min(n, SAMPLED)).astype(int)) if few else range(n):
        image = np.ascontiguousarray(images[i])
        digest.update(f"{image.shape}{image.dtype.str}".encode())
        digest.update(image.data)
    return digest.hexdigest()


# ---------------------------------------------------------------------- reading and computing


def _prepared(given, images, prepare, spans: list[range]) -> Generator[np.ndarray, None, None]:
    """Prepared batches, made in threads a little ahead of their use."""

    def one(i: int) -> tuple[int, np.ndarray]:
        image, name = np.asarray(images[i]), image_name(given, i)
        check_image(image, name, colour=True)
        image = to_uint8(image, name)
        try:
            return i, np.asarray(prepare(image), np.float32)
        except (OctlessonsError, ValueError) as problem:
            raise type(problem)(f"{name} could not be prepared: {problem}") from problem

    # Reading and preparing are a third of the work of the shipped encoders, on all cores.
    n_threads = max(2, -(-usable_cores() // 3))
    pool = ThreadPoolExecutor(n_threads, thread_name_prefix="octlessons-prepare")
    coming, waiting = iter(spans), deque[list]()
    try:
        for _ in spans:
            for which in islice(coming, _AHEAD + 1 - len(waiting)):
                waiting.append([pool.submit(one, i) for i in which])
            yield _stacked([job.result() for job in waiting.popleft()])
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _stacked(prepared: list[tuple[int, np.ndarray]]) -> np.ndarray:
    first, one = prepared[0]
    for i, other in prepared:
        if other.shape != one.shape:
            raise ValueError(
                f"Images {first} and {i} were prepared to different shapes, {one.shape} and "
                f"{other.shape}; a network needs one shape for all."
            )
    return np.stack([array for _, array in prepared])


class _Runner:
    """Calls `run`, in smaller batches once memory ran out, and checks what comes back."""

    def __init__(self, run, n_features: int | None):
        self.run, self.n_features = run, n_features
        self.limit: int | None = None

    def __call__(self, batch: np.ndarray) -> np.ndarray:
        size = min(self.limit or len(batch), len(batch))
        while True:
            try:
                parts = [self._checked(batch[i : i + size]) for i in range(0, len(batch), size)]
                return parts[0] if len(parts) == 1 else np.concatenate(parts)
            except Exception as error:
                if not out_of_memory(error):
                    raise
                if size == 1:
                    raise OctlessonsError(
                        f"Memory ran out on a single image prepared to {batch.shape[1:]}: close "
                        "other programs, take a smaller size=…, or a smaller network."
                    ) from error
            size = self.limit = size // 2  # outside of the handler, which would keep the batch

    def _checked(self, part: np.ndarray) -> np.ndarray:
        rows = np.asarray(self.run(part), np.float32)
        wanted = (len(part), self.n_features or (rows.shape[1] if rows.ndim == 2 else "d"))
        if rows.shape != wanted:
            raise ValueError(f"`run` gave an array of shape {rows.shape} instead of {wanted}.")
        return rows


def out_of_memory(error: BaseException) -> bool:
    """Whether an exception of numpy, torch or ONNX Runtime means that memory ran out."""
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return True
    theirs = isinstance(error, RuntimeError) or type(error).__module__.startswith("onnxruntime")
    return theirs and _NO_MEMORY.search(str(error)) is not None


def _bar(n: int, done: int, progress: bool | None):
    from tqdm import tqdm

    # Somebody looks on: at a terminal, or a notebook that is not a page being built.
    in_notebook = "ipykernel" in sys.modules and DATA_VARIABLE not in os.environ
    shown = in_notebook or sys.stderr.isatty() if progress is None else progress
    how = {"desc": "Features", "unit": "image", "delay": 0 if progress else _PATIENCE}
    return tqdm(total=n, initial=done, disable=not shown, file=sys.stderr, **how)


# ---------------------------------------------------------------------- keeping


class _Memory:
    """Rows in an array."""

    def __init__(self, n: int, n_features: int | None):
        self.n, self.n_features = n, n_features
        self.rows: np.ndarray | None = None

    def missing(self) -> list[tuple[int, int]]:
        return _shards(self.n)

    def put(self, start: int, stop: int, rows: np.ndarray) -> None:
        if self.rows is None:
            self.rows = np.empty((self.n, rows.shape[1]), np.float32)
        self.rows[start:stop] = rows

    def finished(self) -> np.ndarray:
        assert self.rows is not None
        return self.rows


class _Store:
    """Rows in a ``.npy`` file, with a record of the shards that are in it.

    They are written as a file, as the pages of a memory map would count as memory of the process.
    A shard that does not fit its checksum in the record (the computer went off before the disk had
    it) is computed again.
    """

    def __init__(self, file: Path, n: int, n_features: int | None, key: dict):
        self.file, self.n, self.n_features = file, n, n_features
        self.record_file = file.with_name(file.name + ".json")
        self.key = json.loads(json.dumps(key, default=str))
        self.sums: list[int | None] = [None] * len(_shards(n))
        self.offset = 0

    @contextmanager
    def opened(self) -> Iterator[None]:
        with ExitStack() as stack:
            try:
                self.file.parent.mkdir(parents=True, exist_ok=True)
                stack.enter_context(locked(self.file.with_name(f".{self.file.name}.lock")))
            except OSError as error:
                raise self._unwritable(error) from error
            self._open()
            yield

    def _open(self) -> None:
        if not self.record_file.exists():
            if self.file.exists():
                raise OctlessonsError(
                    f"{self.file} is there, but not the record of what is in it "
                    f"({self.record_file.name}): delete it, or give another store=…"
                )
            return
        sums = self._read_record()
        if not self.file.exists():
            return
        shape = (self.n, self.n_features)
        try:
            array = np.load(self.file, mmap_mode="r")
        except (OSError, ValueError, EOFError) as error:
            raise self._corrupt("the array cannot be read") from error
        if array.shape != shape or array.dtype != np.float32:
            raise self._corrupt(f"it holds {array.dtype} {array.shape}, not float32 {shape}")
        self.offset = array.offset
        with open(self.file, "rb") as stream:
            for i, (start, stop) in enumerate(_shards(self.n)):
                if sums[i] is not None:
                    stream.seek(self._at(start))
                    data = stream.read(self._at(stop) - self._at(start))
                    self.sums[i] = sums[i] if zlib.crc32(data) == sums[i] else None

    def _read_record(self) -> list[int | None]:
        """Checksums of the shards, after it is clear that they are of the same features."""
        try:
            record = json.loads(self.record_file.read_text("utf-8"))
            known, n, width = record["key"], int(record["n"]), int(record["n_features"])
            sums = [None if value is None else int(value) for value in record["shards"]]
            sound = (record["format"], record["shard"]) == (_FORMAT, SHARD)
            sound = sound and isinstance(known, dict) and len(sums) == len(_shards(n))
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise self._corrupt(f"its record {self.record_file.name} cannot be read") from error
        if not sound:
            raise self._corrupt(f"its record {self.record_file.name} makes no sense")
        names = sorted(set(known) | set(self.key))
        other = [name for name in names if known.get(name) != self.key.get(name)]
        if n != self.n:
            other.insert(0, f"number of images: {n:,}, now {self.n:,}")
        if self.n_features not in (None, width):
            other.append(f"length of a row: {width}, now {self.n_features}")
        if other:
            raise OctlessonsError(
                f"{self.file} holds features of something else (other: {'; '.join(other)}). Give "
                f"another store=…, or delete it together with {self.record_file.name}."
            )
        self.n_features = width
        return sums

    def missing(self) -> list[tuple[int, int]]:
        return [span for span, s in zip(_shards(self.n), self.sums, strict=True) if s is None]

    def put(self, start: int, stop: int, rows: np.ndarray) -> None:
        data = np.ascontiguousarray(rows, "<f4").tobytes()
        if self.n_features is None or not self.file.exists():
            self.n_features = rows.shape[1]
            self._record()
            write_atomically(self.file, self._empty)
        try:
            with open(self.file, "r+b") as stream:
                stream.seek(self._at(start))
                stream.write(data)
                stream.flush()
                os.fsync(stream.fileno())
        except OSError as error:
            raise self._unwritable(error) from error
        self.sums[start // SHARD] = zlib.crc32(data)
        self._record()

    def finished(self) -> np.ndarray:
        return np.lib.format.open_memmap(self.file, mode="r")

    def _at(self, row: int) -> int:
        assert self.n_features is not None
        return self.offset + row * self.n_features * 4

    def _empty(self, stream: IO[bytes]) -> None:
        """An array of zeros, which take no room on the disk yet."""
        header = {"descr": "<f4", "fortran_order": False, "shape": (self.n, self.n_features)}
        np.lib.format.write_array_header_1_0(stream, header)
        self.offset = stream.tell()
        stream.truncate(self._at(self.n))

    def _record(self) -> None:
        record = {"format": _FORMAT, "key": self.key, "n": self.n, "n_features": self.n_features}
        record |= {"shard": SHARD, "shards": self.sums}
        write_atomically(self.record_file, json.dumps(record))

    def _corrupt(self, what: str) -> OctlessonsError:
        return OctlessonsError(
            f"The store {self.file} is damaged: {what}. Delete it and {self.record_file.name}, and "
            "run again."
        )

    def _unwritable(self, error: OSError) -> OctlessonsError:
        return OctlessonsError(
            f"Features cannot be stored in {self.file} ({error.strerror or error}): make room, or "
            "give another store=…"
        )


def _shards(n: int) -> list[tuple[int, int]]:
    return [(start, min(start + SHARD, n)) for start in range(0, n, SHARD)]


def _store_file(store: str | os.PathLike) -> Path:
    path = Path(os.path.expanduser(store))
    return path if path.suffix == ".npy" and not path.is_dir() else path / "features.npy"
