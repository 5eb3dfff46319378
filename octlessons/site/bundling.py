"""One style sheet and one script for each page, instead of the theme's two dozen files.

Each file is a request, and on a phone or through a hospital's proxy each waits for its turn. What
most pages load is put together, so that it is fetched once for the course; what only some pages
load stays alone. Scripts that wait for the page (`defer`) run in their order in any case, so one
file of them does the same.
"""

from __future__ import annotations

import hashlib
import posixpath
import re
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from bs4 import BeautifulSoup, Tag

#: Bundles lie here, in the site.
FOLDER = "_static"
#: What is bundled: where it stands in a page, its address, attributes that may be beside it.
KINDS = {
    "css": ("link[rel~=stylesheet]", "href", {"href", "rel", "type"}),
    "js": ("script[src][defer]", "src", {"src", "defer", "type"}),
}
ADDRESS = re.compile(
    r"url\(\s*(?P<quote>[\"']?)(?!data:|#|https?:)(?P<path>[^\"')]+)(?P=quote)\s*\)"
)
IMPORT = re.compile(r"@import\s+(?:url\()?[\"'](?P<path>[^\"']+)[\"']\)?\s*;")
CHARSET = re.compile(r"@charset\s+[\"'][^\"']*[\"']\s*;")


def bundle_site(site: Path) -> None:
    """Put together what most pages of a built site load.

    Parameters
    ----------
    site : Path
        The folder of the built HTML.
    """
    from bs4 import BeautifulSoup

    places = [p for p in sorted(site.rglob("*.html")) if FOLDER not in p.relative_to(site).parts]
    pages = {page: BeautifulSoup(page.read_text("utf-8"), "html.parser") for page in places}
    loaded = Counter(path for page, soup in pages.items() for path in _loaded(soup, page, site))
    shared = {path for path, n in loaded.items() if 2 * n > len(pages)}
    for page, soup in pages.items():
        _bundle_page(soup, page, site, shared)
        page.write_text(str(soup), encoding="utf-8")


def _loaded(soup: BeautifulSoup, page: Path, site: Path) -> set[Path]:
    return {path for kind in KINDS for _, path in _files(soup, kind, page, site)}


def _bundle_page(soup: BeautifulSoup, page: Path, site: Path, shared: set[Path]) -> None:
    for preload in soup.select("link[rel~=preload][as=script]"):
        preload.decompose()
    for kind in KINDS:
        files = [(tag, path) for tag, path in _files(soup, kind, page, site) if path in shared]
        if len(files) < 2:
            continue
        text = _together((path for _, path in files), kind, site)
        address = posixpath.relpath(_kept(text, kind, site), page.parent.relative_to(site))
        if kind == "css":
            files[0][0].insert_before(soup.new_tag("link", rel="stylesheet", href=address))
        else:
            tag = soup.new_tag("script", src=address)
            tag["defer"] = "defer"
            files[-1][0].insert_before(tag)
        for old, _ in files:
            old.decompose()


def _files(soup, kind: str, page: Path, site: Path) -> list[tuple[Tag, Path]]:
    """Tags that say nothing but which file of the site they load."""
    selector, name, known = KINDS[kind]
    found = []
    for tag in soup.select(selector):
        address = urlsplit(tag[name])
        path = (page.parent / address.path).resolve()
        inside = not address.netloc and path.is_file() and path.is_relative_to(site.resolve())
        if inside and not set(tag.attrs) - known:
            found.append((tag, path))
    return found


def _together(paths: Iterable[Path], kind: str, site: Path) -> str:
    if kind == "css":
        return "".join(_sheet(path, site) for path in paths)
    # The first statement is none, so that the strictness of one script is not that of all.
    return "0;\n" + "".join(f"{path.read_text('utf-8')}\n;\n" for path in paths)


def _sheet(path: Path, site: Path) -> str:
    """A style sheet with what it imports, and its addresses as seen from the bundle."""
    css = CHARSET.sub("", path.read_text("utf-8"))

    def moved(match: re.Match[str]) -> str:
        place = posixpath.normpath(posixpath.join(path.parent.as_posix(), match["path"]))
        inside = posixpath.relpath(place, (site / FOLDER).resolve().as_posix())
        return f"url({match['quote']}{inside}{match['quote']})"

    parts = IMPORT.split(css)  # text, path, text, path, …
    texts, paths = parts[::2], parts[1::2]
    whole = ADDRESS.sub(moved, texts[0])
    for address, text in zip(paths, texts[1:], strict=True):
        whole += _sheet((path.parent / address).resolve(), site) + ADDRESS.sub(moved, text)
    return f"{whole}\n"


def _kept(text: str, kind: str, site: Path) -> str:
    """Write a bundle, named by what is in it; its name from the folder of the site."""
    name = f"{FOLDER}/bundle-{hashlib.sha256(text.encode()).hexdigest()[:12]}.{kind}"
    if not (site / name).is_file():
        (site / name).write_text(text, encoding="utf-8")
    return name
