"""Files from the network: resumed, checked, complete or absent, one process at a time.

What `octlessons.images.medmnist` and `octlessons.representations.weights` download goes through
`fetch_file`.
"""

from __future__ import annotations

import os
import re
import shutil
import time
from pathlib import Path

from octlessons._files import file_hash, locked
from octlessons.errors import OctlessonsError

_ATTEMPTS = 4  # in a row without a byte of progress
_PAUSE = 0.5  # seconds before the second attempt, doubled each time
_TIMEOUT = (10, 30)  # seconds to connect, and without a byte
_CHUNK = 1 << 16
_WRITTEN = {"md5": "MD5", "sha256": "SHA-256"}


def fetch_file(
    url: str,
    path: str | os.PathLike,
    *,
    known_hash: str | None = None,
    progress: bool = True,
    what: str | None = None,
    by_hand: str | None = None,
    elsewhere: str = "give another folder",
) -> Path:
    """Download a file unless it is there already, and return its path.

    The file gets its name only when it is complete and its checksum is right; until then it grows
    in ``NAME.part``, from which an interrupted download goes on. A file of that name with another
    checksum is replaced once the right one is complete. Several processes may ask at once: one
    downloads, the others wait. A failure is an `OctlessonsError`.

    Parameters
    ----------
    url, path
        Where it is, and where it shall be. Folders are made as needed.
    known_hash : str, optional
        ``"md5:…"`` or ``"sha256:…"``, or the digits alone. The first digits of a checksum are
        enough, at least 8, as in the file names of torchvision. None takes any file.
    progress : bool
        Show a progress bar where there is a terminal to show it on.
    what, by_hand, elsewhere : str
        For the sentences: what the file is called, what to do without a network, and how to
        choose another folder.
    """
    path = Path(os.path.expanduser(path))
    what = what or path.name
    if by_hand is None:
        by_hand = by_hand_advice(url, path, known_hash)
    if has_hash(path, known_hash):
        return path
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with locked(path.with_name(f".{path.name}.lock")):
            if not has_hash(path, known_hash):  # another process was not quicker
                _download(url, path, known_hash, progress, what, by_hand)
    except OSError as error:
        raise OctlessonsError(
            f"{what} cannot be stored in {path.parent} ({error.strerror or error}): make room or "
            f"{elsewhere}."
        ) from error
    return path


def has_hash(path: str | os.PathLike, known_hash: str | None) -> bool:
    """Whether a file is there and has this checksum, as `fetch_file` takes it."""
    path = Path(path)
    if not path.is_file():
        return False
    if known_hash is None:
        return True
    kind, digits = _parsed(known_hash)
    return file_hash(path, kind).startswith(digits)


def by_hand_advice(url: str, path: str | os.PathLike, known_hash: str | None) -> str:
    """Say what to do without a network: which file, from where, to which place."""
    checksum = f" ({hash_in_words(known_hash)})" if known_hash else ""
    return (
        f"Without a network here, fetch {url} on another computer{checksum} and save it as {path}"
    )


def hash_in_words(known_hash: str) -> str:
    """``"MD5 …"`` or ``"SHA-256 …"``, with "begins with" where only the first digits are known."""
    kind, digits = _parsed(known_hash)
    whole = len(digits) == {"md5": 32, "sha256": 64}[kind]
    return f"{_WRITTEN[kind]} {'' if whole else 'begins with '}{digits}"


def _parsed(known_hash: str) -> tuple[str, str]:
    kind, _, digits = known_hash.strip().casefold().rpartition(":")
    kind = kind or ("md5" if len(digits) == 32 else "sha256")
    if kind not in _WRITTEN or not re.fullmatch("[0-9a-f]{8,64}", digits):
        raise ValueError(
            f"A checksum is 'md5:' or 'sha256:' and at least 8 hexadecimal digits, not "
            f"{known_hash!r}."
        )
    return kind, digits


# ---------------------------------------------------------------------- downloading


class _Failed(Exception):
    """A download that is given up; the message is a sentence."""


class _Broken(_Failed):
    """A download that broke off and may be tried again."""


def _download(url, path: Path, known_hash, progress: bool, what: str, by_hand: str) -> None:
    part = path.with_name(path.name + ".part")
    try:
        resumed = _complete(url, part, progress)
        if resumed and not has_hash(part, known_hash):
            part.unlink()  # the pieces may not fit together: once more, all of it
            _complete(url, part, progress)
    except _Failed as failure:
        have = _size(part) / 1e6
        kept = f"The {have:.1f} MB so far are kept, the next try goes on. " if have else ""
        raise OctlessonsError(
            f"{what} could not be downloaded from {url}: {failure} {kept}{by_hand}."
        ) from failure
    if has_hash(part, known_hash):
        os.replace(part, path)
        return
    part.unlink(missing_ok=True)
    kind, digits = _parsed(known_hash)
    raise OctlessonsError(
        f"What {url} sent is not {what}: its {_WRITTEN[kind]} is not {digits}, so it was thrown "
        f"away. Try again later, or from another network. {by_hand}."
    )


def _complete(url: str, part: Path, progress: bool) -> bool:
    """Let the file grow to its end, in as many attempts as make progress.

    Returns whether it was put together from several downloads.
    """
    idle, furthest = 0, _size(part)
    while True:
        try:
            return _attempt(url, part, progress)
        except _Broken as broken:
            idle = 0 if _size(part) > furthest else idle + 1
            furthest = max(furthest, _size(part))
            if idle >= _ATTEMPTS:
                raise _Failed(f"{broken} It was tried {_ATTEMPTS} times.") from broken
            time.sleep(min(_PAUSE * 2 ** max(0, idle - 1), 30))


def _attempt(url: str, part: Path, progress: bool) -> bool:
    import requests
    from urllib3.exceptions import HTTPError

    have = _size(part)
    headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={have}-"} if have else {})
    try:
        with requests.get(url, headers=headers, stream=True, timeout=_TIMEOUT) as response:
            start, total = _where(response, part, have)
            if response.status_code != 416:
                _write(response, part, start, total, progress)
    except ValueError as error:  # also what requests raises for an address that is none
        raise _Failed(f"that is not an address ({error}).") from error
    except requests.Timeout as error:
        raise _Broken("the server did not answer in time.") from error
    except (requests.RequestException, HTTPError) as error:
        raise _Broken(f"the connection failed ({_cause(error)}).") from error
    if total is not None and _size(part) < total:
        raise _Broken("the connection was closed before the end of the file.")
    return start > 0


def _where(response, part: Path, have: int) -> tuple[int, int | None]:
    """From which byte to write, and how long the file will be."""
    status, headers = response.status_code, response.headers
    span, _, whole = headers.get("Content-Range", "").partition("/")
    total = int(whole) if whole.strip().isdigit() else None
    if status == 416 and total == have:  # nothing is missing
        return have, total
    if status == 416 or (status == 206 and span.split("-")[0].split()[-1:] != [str(have)]):
        part.unlink()
        raise _Broken("what the server sent does not fit the part kept from an earlier download.")
    if status in (408, 425, 429) or status >= 500:
        raise _Broken(f"the server answered {status} {response.reason}.")
    if status not in (200, 206):
        raise _Failed(f"the server answered {status} {response.reason}.")
    if headers.get("Content-Type", "").startswith("text/html"):
        raise _Failed("a web page came instead of the file (a log-in page, perhaps).")
    if status == 206:
        return have, total
    length = headers.get("Content-Length", "")
    return 0, int(length) if length.isdigit() else None


def _write(response, part: Path, start: int, total: int | None, progress: bool) -> None:
    from tqdm import tqdm

    missing = (total or 0) - start
    if missing > shutil.disk_usage(part.parent).free:
        raise _Failed(f"it needs {missing / 1e9:.1f} GB and the disk has less.")
    bar = tqdm(
        total=total, initial=start, unit="B", unit_scale=True, desc=part.stem,
        disable=None if progress else True,  # None: only on a terminal
    )  # fmt: skip
    with bar, open(part, "ab" if start else "wb") as stream:
        for chunk in response.iter_content(_CHUNK):
            stream.write(chunk)
            bar.update(len(chunk))


def _size(part: Path) -> int:
    return part.stat().st_size if part.exists() else 0


def _cause(error: BaseException) -> str:
    """The innermost reason in a chain of wrapped connection errors, in few words."""
    text = str(error)
    for phrase, words in {
        "resol": "the name of the server could not be resolved: no network?",
        "refused": "connection refused",
        "unreachable": "no network",
    }.items():
        if phrase in text.casefold():
            return words
    return text.splitlines()[0][:120].rstrip(".") if text else type(error).__name__
