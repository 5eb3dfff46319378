"""Files that are never half written, locks between processes, checksums."""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import IO, Any

from octlessons.errors import OctlessonsError, first_line


def write_atomically(
    path: str | os.PathLike,
    content: bytes | str | Callable[[IO[bytes]], Any],
    *,
    power_cuts: bool = True,
) -> None:
    """Write a file so that it is there whole or not at all, even after a power cut.

    Parameters
    ----------
    path : path
        Its folder is made where it is missing.
    content : bytes, str or callable
        Text is written as UTF-8, line ends as they are. A callable takes the open binary file.
    power_cuts : bool
        Without, the disk is not waited for: for many files that tell by themselves whether they
        are whole.

    Raises
    ------
    OctlessonsError
        If it cannot be written; the sentence says why.
    """
    path = Path(path)
    if isinstance(content, str):
        content = content.encode("utf-8")
    part = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, part = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name[:40]}.part-")
        with os.fdopen(handle, "wb") as stream:
            if isinstance(content, bytes):
                stream.write(content)
            else:
                content(stream)
            stream.flush()
            if power_cuts:
                os.fsync(stream.fileno())
        os.chmod(part, 0o644)
        os.replace(part, path)
        part = None
    except (OSError, RuntimeError) as error:  # torch turns a full disk into a RuntimeError
        reason = getattr(error, "strerror", None) or first_line(error)
        raise OctlessonsError(
            f"{path} cannot be written ({reason}): choose a place that you may write to, on a "
            "disk with room."
        ) from error
    finally:
        if part is not None:
            with contextlib.suppress(OSError):
                os.unlink(part)


@contextlib.contextmanager
def locked(path: str | os.PathLike) -> Iterator[None]:
    """Let one process in at a time; the system lets go if the process dies.

    Parameters
    ----------
    path : path
        The file that stands for the lock; it stays.
    """
    import filelock

    lock = filelock.FileLock(str(path))
    try:
        lock.acquire()
    except NotImplementedError:  # a file system without locks: go on without
        yield
        return
    try:
        yield
    finally:
        lock.release()


def file_hash(path: str | os.PathLike, kind: str = "sha256") -> str:
    """Checksum of a file in hexadecimal digits; each state of a file is read once per process.

    Parameters
    ----------
    path : path
    kind : str
        As `hashlib.new` names it, such as ``"sha256"`` or ``"md5"``.

    Returns
    -------
    str
    """
    path = Path(path)
    state = path.stat()
    return _file_hash(path.absolute(), kind, state.st_size, state.st_mtime_ns)


@cache
def _file_hash(path: Path, kind: str, n_bytes: int, changed: int) -> str:
    with open(path, "rb") as stream:
        return hashlib.file_digest(stream, kind).hexdigest()
