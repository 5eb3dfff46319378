"""The checkout of the course: where it is, its pages, and where their sites go."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from octlessons.errors import OctlessonsError
from octlessons.images.sources import Data


def find_root(start: Path | None = None) -> Path:
    """Find the checkout of the course: the folder with ``_config.yml``, ``_toc.yml``, ``book/``.

    Parameters
    ----------
    start : Path, optional
        Where to look first, and in the folders above it; the current folder by default. After
        that, the folder from which the package was installed.

    Raises
    ------
    OctlessonsError
        If there is none, as after an installation without the sources.
    """
    start = (start or Path.cwd()).resolve()
    for folder in (start, *start.parents, Path(__file__).resolve().parents[2]):
        if all((folder / name).exists() for name in ("_config.yml", "_toc.yml", "book")):
            return folder
    raise OctlessonsError(
        "The sources of the course are not here: no folder from "
        f"{start} upwards has _config.yml, _toc.yml and book/. Change into your copy of the "
        "course's repository and try again."
    )


def pages_of(toc: Path) -> list[str]:
    """List the pages of a table of contents.

    Parameters
    ----------
    toc : Path
        A file such as ``_toc.yml``.

    Returns
    -------
    list of str
        Paths from the root of the course, without suffix, in order.
    """
    import yaml

    def walk(node: Any) -> Iterator[str]:
        if isinstance(node, dict):
            for key, value in node.items():
                if key in {"file", "root"}:
                    yield re.sub(r"\.(md|ipynb)$", "", value)
                else:
                    yield from walk(value)
        elif isinstance(node, list):
            for value in node:
                yield from walk(value)

    return list(walk(yaml.safe_load(toc.read_text(encoding="utf-8"))))


def page_named(root: Path, page: str) -> str:
    """Path of a page from the root, without its suffix."""
    for candidate in (Path(page), root / page, root / f"{page}.md", root / "book" / f"{page}.md"):
        if candidate.is_file() and candidate.resolve().is_relative_to(root):
            return candidate.resolve().relative_to(root).with_suffix("").as_posix()
    raise OctlessonsError(f"There is no page {page} in {root}. Pages lie in book/.")


def place_of(root: Path, source: Data, chosen: list[str], tutor: bool = False) -> tuple[str, Path]:
    """Name of the edition and folder of its site."""
    given = "" if source.value == "phantoms" and not source.seed else source.edition
    name = "-".join(filter(None, (given, "tutor" if tutor else "")))
    if chosen:
        name = "-".join(filter(None, (chosen[0].rsplit("/", 1)[-1], name)))
        return f"page-{name}", root / "_build" / "page" / name / "html"
    if not name:
        return "phantoms", root / "_build" / "html"
    return f"data-{name}" if given else name, root / "_build" / name / "html"
