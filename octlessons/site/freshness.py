"""Whether a built site, or a page that ran, is still what its sources would give."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import time
from collections.abc import Iterable
from pathlib import Path

from octlessons import _fingerprint
from octlessons.images.sources import Data

#: Days after which the execution cache of another state of the package is removed.
CACHE_DAYS = 7


def code_key(root: Path, data: Data) -> str:
    """Key of the execution cache: changes with whatever can change the output of a cell.

    Parameters
    ----------
    root : Path
        The checkout, whose pins count; the code that counts is the package that runs.
    data : Data

    Returns
    -------
    str
        16 hexadecimal digits.
    """
    also = [_hash_of(root, ["constraints.txt"]), data.value, data.fingerprint, data.seed]
    return _fingerprint.fingerprint(also=also)[:16]


def execution_cache(root: Path, data: Data, fresh: bool = False) -> Path:
    """The folder of the execution cache of this state of package and data, made if need be.

    Caches of other states that were not used for `CACHE_DAYS` are removed.

    Parameters
    ----------
    root : Path
    data : Data
    fresh : bool
        Empty it first.

    Returns
    -------
    Path
    """
    cache = root / "_build" / "work" / "cache" / code_key(root, data)
    if fresh:
        shutil.rmtree(cache, ignore_errors=True)
    cache.mkdir(parents=True, exist_ok=True)
    os.utime(cache)
    limit = time.time() - CACHE_DAYS * 24 * 3600
    for other in cache.parent.iterdir():
        if other != cache and other.is_dir() and other.stat().st_mtime < limit:
            shutil.rmtree(other, ignore_errors=True)
    return cache


def site_key(root: Path, data: Data) -> str:
    """Key of a whole site, for telling whether a built one is out of date.

    Parameters
    ----------
    root : Path
    data : Data

    Returns
    -------
    str
        16 hexadecimal digits.
    """
    sources = _hash_of(root, ["book", "exercises", "_config.yml", "_toc.yml"])
    return hashlib.sha256(f"{code_key(root, data)} {sources}".encode()).hexdigest()[:16]


def render_key(root: Path, data: Data, *inputs: Path) -> str:
    """Key of what Sphinx itself does not notice when it decides which pages to read again."""
    sources = _hash_of(root, ["book/_ext", "book/_static", *inputs])
    return hashlib.sha256(f"{code_key(root, data)} {sources}".encode()).hexdigest()[:16]


def is_current(site: Path, root: Path, data: Data) -> bool:
    """Tell whether a site was built from the present sources on these data.

    Parameters
    ----------
    site : Path
        A folder such as ``_build/html``.
    root : Path
    data : Data
    """
    try:
        facts = json.loads((site / "build.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return facts.get("key") == site_key(root, data)


def _hash_of(root: Path, names: Iterable[str | Path]) -> str:
    digest = hashlib.sha256()
    for path in (root / name for name in names):
        for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
            parts = file.relative_to(root).parts
            if not file.is_file() or any(p == "__pycache__" or p[0] == "." for p in parts[1:]):
                continue
            content = hashlib.sha256(file.read_bytes()).hexdigest()
            digest.update(f"{'/'.join(parts)}\0{content}\n".encode())
    return digest.hexdigest()
