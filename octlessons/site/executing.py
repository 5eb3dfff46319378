"""Run the pages side by side and keep their outputs in the execution cache.

``python -m octlessons.site.executing ROOT CONFIG CACHE PAGE…`` is a process of its own, so that the
kernels inherit its environment. It runs only pages that the cache does not know; Sphinx then finds
all of them there. A page that fails is left to Sphinx, which says where.

It prints one line of JSON for each page that ran: the fields of `Ran`.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

#: Gigabytes that a page and its kernel may take together.
GIGABYTES_A_PAGE = 2.0


@dataclass(frozen=True)
class Ran:
    """A page that ran, and how far the work is.

    Attributes
    ----------
    page : str
    seconds : float
        That it took.
    done, n : int
        Pages that have run, this one too, and pages to run.
    left : float
        Seconds until the last page has run, as a guess: long pages take long.
    """

    page: str
    seconds: float
    done: int
    n: int
    left: float


def pages_at_once(n_pages: int) -> int:
    """How many pages run at the same time: by cores, and by the memory that is free.

    Parameters
    ----------
    n_pages : int

    Returns
    -------
    int
        At least 1.
    """
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    room = n_pages
    with suppress(OSError, ValueError, IndexError):  # elsewhere than on Linux only cores count
        lines = Path("/proc/meminfo").read_text().splitlines()
        free = next(int(line.split()[1]) for line in lines if line.startswith("MemAvailable:"))
        room = int(free / 1e6 / GIGABYTES_A_PAGE)
    return max(1, min(cores or 1, room, n_pages))


def read_page(path: Path, config: dict[str, Any]) -> Any | None:
    """Read a page as myst-nb does when it builds, so that the cache knows it again.

    Parameters
    ----------
    path : Path
    config : dict
        The contents of ``_config.yml``.

    Returns
    -------
    NotebookNode or None
        None if the page has no code to run.
    """
    from myst_nb.core.read import is_myst_markdown_notebook, read_myst_markdown_notebook
    from myst_parser.config.main import MdParserConfig

    text = path.read_text("utf-8")
    if not is_myst_markdown_notebook(text):
        return None
    extensions = set(config.get("parse", {}).get("myst_enable_extensions", ()))
    book = read_myst_markdown_notebook(
        text, MdParserConfig(enable_extensions=extensions), add_source_map=True, path=str(path)
    )
    return book if any(cell["cell_type"] == "code" for cell in book.cells) else None


def execute(
    root: Path, config: dict[str, Any], cache_folder: Path, pages: list[str]
) -> Iterator[Ran]:
    """Run pages that the cache does not know, the longest first.

    Parameters
    ----------
    root : Path
    config : dict
    cache_folder : Path
        Of jupyter-cache.
    pages : list of str
        Paths from the root, without suffix.

    Yields
    ------
    Ran
        As pages finish; not for those that fail.
    """
    from jupyter_cache import get_cache
    from jupyter_cache.base import CacheBundleIn
    from jupyter_cache.executors.utils import single_nb_execution

    cache = get_cache(str(cache_folder))
    waiting = []
    for page in pages:
        path = root / f"{page}.md"
        if not path.is_file() or (notebook := read_page(path, config)) is None:
            continue
        with suppress(KeyError):
            cache.match_cache_notebook(notebook)
            continue
        waiting.append((page, path, notebook))
    waiting.sort(key=lambda entry: -entry[1].stat().st_size)  # long pages take long, mostly
    timeout, started = config["execute"]["timeout"], time.monotonic()
    length, behind = sum(entry[1].stat().st_size for entry in waiting), 0
    with ThreadPoolExecutor(pages_at_once(len(waiting))) as pool:
        running = {
            pool.submit(
                single_nb_execution,
                notebook,
                cwd=str(path.parent),
                timeout=timeout,
                allow_errors=False,
            ): (page, path, notebook)
            for page, path, notebook in waiting
        }
        for number, done in enumerate(as_completed(running), 1):
            page, path, notebook = running[done]
            behind += path.stat().st_size
            left = (time.monotonic() - started) * (length - behind) / behind
            if done.exception() is not None or done.result().err is not None:
                continue
            seconds = done.result().time
            record = cache.add_nb_to_project(
                str(path), read_data={"type": "plugin", "name": "myst_nb_md"}
            )
            bundle = CacheBundleIn(notebook, record.uri, data={"execution_seconds": seconds})
            cache.cache_notebook_bundle(bundle, check_validity=False, overwrite=True)
            yield Ran(page, seconds, number, len(waiting), left)


def main(root: str, config: str, cache: str, *pages: str) -> None:
    """Run pages and say which have run."""
    import yaml

    settings = yaml.safe_load(Path(config).read_text("utf-8"))
    for ran in execute(Path(root), settings, Path(cache), list(pages)):
        print(json.dumps(asdict(ran)), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
