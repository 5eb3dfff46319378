"""Pages on paper: the book as one PDF, with a cover, printed by a Chromium without a window."""

from __future__ import annotations

import html
import os
import posixpath
import re
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from octlessons.errors import OctlessonsError
from octlessons.site.identity import Identity

#: Names under which Chromium and its relatives are installed.
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")

# A whole book takes a minute; a machine with other work several.
_SECONDS = 900


def find_browser() -> str | None:
    """Path of a Chromium for the page tests, or None.

    The environment variable ``OCTLESSONS_CHROMIUM`` names one outside of the usual places.
    """
    named = os.environ.get("OCTLESSONS_CHROMIUM")
    if named and Path(named).is_file():
        return named
    usual = [
        "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
        "/Applications/Chromium.app/Contents/MacOS/Chromium",
        r"C:\Program Files\Google\Chrome\Application\chrome.exe",
        r"C:\Program Files (x86)\Microsoft\Edge\Application\msedge.exe",
    ]
    found = [shutil.which(name) for name in BROWSERS] + [p for p in usual if Path(p).is_file()]
    return next((path for path in found if path), None)


def print_to_pdf(page: Path, pdf: Path) -> None:
    """Print a page of HTML on this machine, with bookmarks and tags for screen readers.

    Parameters
    ----------
    page : Path
        It may load nothing from another host; none can be reached.
    pdf : Path

    Raises
    ------
    OctlessonsError
        If there is no Chromium, or it fails.
    """
    program = find_browser()
    if program is None:
        raise OctlessonsError(
            "There is no Chromium here, and it prints the book. Install one (apt-get install "
            "chromium), or name its file in the environment variable OCTLESSONS_CHROMIUM."
        )
    with tempfile.TemporaryDirectory(prefix="octlessons-print-") as folder:
        made = Path(folder) / "made.pdf"
        command = [program, "--headless", "--disable-gpu", "--disable-background-networking"]
        command += ["--host-resolver-rules=MAP * ~NOTFOUND", f"--user-data-dir={folder}/profile"]
        command += ["--no-pdf-header-footer", "--generate-pdf-document-outline"]
        command += ["--allow-file-access-from-files", f"--print-to-pdf={made}", page.as_uri()]
        if hasattr(os, "geteuid") and os.geteuid() == 0:
            command.insert(1, "--no-sandbox")  # Chromium refuses to sandbox itself for root
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=_SECONDS)
        except (OSError, subprocess.TimeoutExpired) as error:
            raise OctlessonsError(f"Chromium did not print {page.name}: {error}.") from error
        if done.returncode or not made.is_file() or made.read_bytes()[:5] != b"%PDF-":
            last = (done.stderr.strip().splitlines() or ["no reason was given"])[-1]
            raise OctlessonsError(f"Chromium did not print {page.name}: {last}")
        pdf.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(made, pdf)


# The book as one page ---------------------------------------------------------------------------


def book_page(site: Path, pages: Sequence[str], us: Identity) -> str:
    """All pages of a site as one page of HTML, for paper: cover, contents, and links within it.

    Parameters
    ----------
    site : Path
        A built site.
    pages : sequence of str
        In their order, without suffix.
    us : Identity

    Returns
    -------
    str
        It finds pictures and style sheets where the site lies, by absolute addresses.
    """
    from bs4 import BeautifulSoup

    numbers = {page: f"p{number}" for number, page in enumerate(pages)}
    articles, titles, styles = list[str](), list[str](), list[str]()
    for page in pages:
        soup: Any = BeautifulSoup((site / f"{page}.html").read_text("utf-8"), "html.parser")
        if not styles:
            sheets = soup.find_all("link", rel="stylesheet")
            styles = [_file(site, page, sheet["href"]) for sheet in sheets]
        article = soup.select_one("article.bd-article")
        titles.append(article.h1.get_text().rstrip("#"))
        _for_paper(article, site, page, numbers)
        inside = article.decode_contents()
        articles.append(f'<article class="bd-article" id="{numbers[page]}">{inside}</article>')
    contents = "".join(
        f'<li><a href="#p{number}">{html.escape(title)}</a></li>'
        for number, title in enumerate(titles)
        if number
    )
    links = "".join(f'<link rel="stylesheet" href="{style}">' for style in styles)
    return (
        f'<!DOCTYPE html>\n<html lang="en" data-theme="light" data-mode="light"><head>'
        f'<meta charset="utf-8"><title>{html.escape(us.title)}</title>{links}'
        f'<style>{_PAPER}</style></head>\n<body class="paper">{_cover(site, us)}'
        f'<nav class="on-paper" aria-label="Contents"><h1>Contents</h1><ol>{contents}</ol></nav>'
        f'<div class="bd-content">{"".join(articles)}</div></body></html>\n'
    )


def _file(site: Path, page: str, link: str) -> str:
    """Address of a file that a page loads."""
    place = (site / page).parent / unquote(urlsplit(link).path)
    return place.resolve().as_uri()


def _for_paper(article: Any, site: Path, page: str, numbers: dict[str, str]) -> None:
    """Take out what is for the screen, load pictures at once, and point links into the book."""
    for tag in article.select(".headerlink, .only-dark, .term-notes, details.citation, script"):
        tag.decompose()
    for image in article.find_all("img"):
        image["src"] = _file(site, page, image["src"])
        del image["loading"]
    for tag in article.find_all(id=True):
        tag["id"] = f"{numbers[page]}-{tag['id']}"
    for tag in article.find_all(attrs={"aria-describedby": True}):
        del tag["aria-describedby"]
    for label in article.find_all("label", attrs={"for": True}):
        label["for"] = f"{numbers[page]}-{label['for']}"
    for link in article.find_all("a", href=True):
        parts = urlsplit(link["href"])
        if parts.scheme:
            continue
        there = posixpath.normpath(posixpath.join(posixpath.dirname(page), unquote(parts.path)))
        target = numbers.get(re.sub(r"\.html$", "", there) if parts.path else page)
        if target is None:  # a file to take away, or the search: not on paper
            link.unwrap()
        else:
            link["href"] = f"#{target}-{parts.fragment}" if parts.fragment else f"#{target}"


def _cover(site: Path, us: Identity) -> str:
    logo = (site / "_static" / "favicon.svg").read_text(encoding="utf-8")
    where = f"<p>{html.escape(us.site)}</p>" if us.site else ""
    return (
        f'<header class="cover">{logo}<p class="course">{html.escape(us.title)}</p>'
        '<p class="about">A course on clustering retinal OCT scans</p>'
        f'<p class="edition">{html.escape(us.authors)}<br>Version {us.version}, {us.dated}</p>'
        f'<div class="small">{where}<p>Text and figures CC BY 4.0, code MIT. For teaching and '
        "research; not for clinical use.</p></div></header>"
    )


_PAPER = """
@page { size: A4; margin: 20mm 20mm 22mm; @bottom-center { content: counter(page);
  font: 9pt system-ui, "Liberation Sans", Arial, sans-serif; color: #55626c; } }
@page cover { margin: 0; @bottom-center { content: none; } }
body.paper { display: block; font-size: 10.5pt; }
.cover { page: cover; break-after: page; height: 296mm; box-sizing: border-box; padding: 55mm 25mm
  20mm; background: #0f2a35; color: #ffffff; display: flex; flex-direction: column;
  -webkit-print-color-adjust: exact; print-color-adjust: exact; }
.cover svg { width: 38mm; height: 38mm; margin-bottom: 22mm; }
.cover p { color: inherit; }
.cover .course { font-size: 40pt; font-weight: 650; line-height: 1.1; margin: 0 0 8mm; }
.cover .about { font-size: 16pt; color: #f3d38b; margin: 0 0 22mm; }
.cover .edition { font-size: 12pt; }
.cover .small { margin-top: auto; font-size: 9.5pt; color: #c9d6db; }
.on-paper { break-after: page; }
.on-paper ol { list-style: none; padding: 0; font-size: 12pt; line-height: 1.9; }
.paper article { break-before: page; padding: 0; }
.paper article:first-child { break-before: auto; }
"""
