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
    downloads, the others wait.

    Parameters
    ----------
    url : str
        Where it is.
    path : path
        Where it shall be. Folders are made as needed.
    known_hash : str, optional
        ``"md5:…"`` or ``"sha256:…"``, or the digits alone. The first digits of a checksum are
        enough, at least 8, as in the file names of torchvision. None takes any file.
    progress : bool
        Show a progress bar where there is a terminal to show it on.
    what : str, optional
        What the file is called in sentences; its name by default.
    by_hand : str, optional
        What to do without a network, for the sentence of a failure, without the full stop.
    elsewhere : str
        How to choose another folder, for the sentence when this one cannot be written.

    Returns
    -------
    Path

    Raises
    ------
    OctlessonsError
        If it cannot be downloaded or stored, or what came has another checksum. The sentence says
        why and what to do by hand.

    Examples
    --------
    >>> fetch_file("https://example.org/a.npz", "a.npz", known_hash="md5:…")  # doctest: +SKIP
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
    """Whether a file is there and has this checksum, as `fetch_file` takes it.

    Each state of a file is read once per process.
    """
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


def _download(url, path: Path, known_hash, progress: bool, what: str, by_hand: str) -> None:
    download = _Download(path.with_name(path.name + ".part"), progress)
    try:
        for attempt in ("resumed", "fresh"):
            download.fetch(url)
            if has_hash(download.part, known_hash):
                os.replace(download.part, path)
                return
            download.part.unlink()
            # What was resumed may not fit together; the whole of it is asked for once more.
            if attempt == "fresh" or not download.resumed:
                kind, digits = _parsed(known_hash)
                raise OctlessonsError(
                    f"What {url} sent is not {what}: its {_WRITTEN[kind]} is not {digits}, so it "
                    f"was thrown away. Try again later, or from another network. {by_hand}."
                )
    except _Failed as failure:
        raise OctlessonsError(
            f"{what} could not be downloaded from {url}: {failure} {download.kept()}{by_hand}."
        ) from failure


class _Failed(Exception):
    """A download that is given up; the message is a sentence."""


class _Broken(Exception):
    """A download that broke off and may be resumed; the message is a sentence."""


class _Download:
    """A file that grows, from where an earlier download broke off.

    Parameters
    ----------
    part : path
        Where the file grows. It survives a failure, and the next call goes on from its end if the
        server can (HTTP Range), else from the start.
    progress : bool
        Show a progress bar where there is a terminal to show it on.

    Attributes
    ----------
    resumed : bool
        Whether the file was put together from several downloads.
    """

    def __init__(self, part: Path, progress: bool = True):
        self.part = part
        self.progress = progress
        self.resumed = False

    def fetch(self, url: str) -> None:
        """Complete the file, in as many attempts as make progress."""
        self.resumed = False
        idle, furthest = 0, self._have()
        while True:
            try:
                self._attempt(url)
                return
            except _Broken as broken:
                idle = 0 if self._have() > furthest else idle + 1
                furthest = max(furthest, self._have())
                if idle >= _ATTEMPTS:
                    raise _Failed(f"{broken} It was tried {_ATTEMPTS} times.") from broken
                time.sleep(min(_PAUSE * 2 ** max(0, idle - 1), 30))

    def kept(self) -> str:
        """Say how much of the file is kept for the next time, if anything is."""
        have = self._have()
        return f"The {have / 1e6:.1f} MB so far are kept, the next try goes on. " if have else ""

    def _have(self) -> int:
        return self.part.stat().st_size if self.part.exists() else 0

    def _attempt(self, url: str) -> None:
        import requests
        from urllib3.exceptions import HTTPError

        have = self._have()
        headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={have}-"} if have else {})
        try:
            with requests.get(url, headers=headers, stream=True, timeout=_TIMEOUT) as response:
                start, total = self._where(response, have)
                if start is not None:
                    self._write(response, start, total)
        except ValueError as error:  # also what requests raises for an address that is none
            raise _Failed(f"that is not an address ({error}).") from error
        except requests.Timeout as error:
            raise _Broken("the server did not answer in time.") from error
        except (requests.RequestException, HTTPError) as error:
            raise _Broken(f"the connection failed ({_cause(error)}).") from error
        if total is not None and self._have() < total:
            raise _Broken("the connection was closed before the end of the file.")

    def _where(self, response, have: int) -> tuple[int | None, int | None]:
        """From which byte to write (None: nothing is missing), and how long the file will be."""
        status = response.status_code
        span, _, length = response.headers.get("Content-Range", "").partition("/")
        total = int(length) if length.strip().isdigit() else None
        if status == 416:  # nothing after our last byte
            if total == have:
                self.resumed = True
                return None, total
            self.part.unlink()
            raise _Broken("the part kept from an earlier download does not fit.")
        if status in (408, 425, 429) or status >= 500:
            raise _Broken(f"the server answered {status} {response.reason}.")
        if status not in (200, 206):
            raise _Failed(f"the server answered {status} {response.reason}.")
        if response.headers.get("Content-Type", "").startswith("text/html"):
            raise _Failed("a web page came instead of the file (a log-in page, perhaps).")
        if status == 200:
            self.resumed = False
            length = response.headers.get("Content-Length", "")
            return 0, int(length) if length.isdigit() else None
        if span.replace("bytes", "").strip().split("-")[0] != str(have):
            self.part.unlink()
            raise _Broken("the server sent another piece of the file than was asked for.")
        self.resumed = True
        return have, total

    def _write(self, response, start: int, total: int | None) -> None:
        from tqdm import tqdm

        missing = (total or 0) - start
        if missing > shutil.disk_usage(self.part.parent).free:
            raise _Failed(f"it needs {missing / 1e9:.1f} GB and the disk has less.")
        bar = tqdm(
            total=total,
            initial=start,
            unit="B",
            unit_scale=True,
            desc=self.part.stem,
            disable=None if self.progress else True,  # None: only on a terminal
        )
        with bar, open(self.part, "ab" if start else "wb") as stream:
            for chunk in response.iter_content(_CHUNK):
                stream.write(chunk)
                bar.update(len(chunk))


def _cause(error: BaseException) -> str:
    """The innermost reason in a chain of wrapped connection errors, in few words."""
    text = str(error)
    for phrase, words in {
        "name resolution": "the name of the server could not be resolved: no network?",
        "Failed to resolve": "the name of the server could not be resolved: no network?",
        "Connection refused": "connection refused",
        "actively refused": "connection refused",
        "unreachable": "no network",
    }.items():
        if phrase.casefold() in text.casefold():
            return words
    return text.splitlines()[0][:120].rstrip(".") if text else type(error).__name__
