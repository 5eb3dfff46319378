"""Make the built site light, self-contained and accessible, as the last step of a build.

The theme's pages carry an icon font drawn by a script of 1.5 MB, a widget for running code on
somebody else's server, the search index on every page, and a few names and roles that screen
readers stumble over.  This step takes these out, keeps of the icon fonts the glyphs that are
used, and warns (which fails the build) should a page still load something from another host.

It changes pages in place and may run over them again: what it has done it leaves alone.
"""

from __future__ import annotations

import io
import re
import shutil
import struct
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from bs4 import BeautifulSoup, Tag
from sphinx.util import logging

logger = logging.getLogger(__name__)

UNUSED_SCRIPTS = ("fontawesome.js", "sphinx-thebe", "THEBE_JS_URL", "kernelName", "x-thebe")
SEARCH_SCRIPTS = ("searchtools.js", "language_data.js", "searchindex.js")
NO_EXCERPTS = (
    'if (location.protocol === "file:") DOCUMENTATION_OPTIONS.SHOW_SEARCH_SUMMARY = false;'
)
# What an inline script on the same page needs at once.
IMMEDIATE_SCRIPTS = ("documentation_options.js",)
UNUSED_FILES = (
    "scripts/fontawesome*",
    "sphinx-thebe*",
    "locales",
    "images/logo_*",
    "vendor/fontawesome/webfonts/*.ttf",
    "*webpack-macros.html",
)
ICON_RULE = re.compile(
    r"(?P<names>\.fa-[a-z0-9-]+:{1,2}before(?:,\.fa-[a-z0-9-]+:{1,2}before)*)"
    r"\{(?:content|--fa):[^}]*\}"
)
MARK = '<meta name="lean" content="done"/>'  # on pages that have been through this step
# A first, quick look for pages that load something from another host.
LOADS = re.compile(r"<[^>]*\b(?:src|href|data)\s*=\s*[\"']?(?:https?:)?//", re.I)
TRUETYPE = re.compile(r",\s*url\([^)]*\.ttf\)\s*format\([^)]*\)")
ESCAPE = re.compile(r"\\([0-9a-fA-F]{2,5})")


# Pages ------------------------------------------------------------------------------------------


def lean_page(markup: str, search: bool = False, folder: Path | None = None) -> str:
    """Take from one page what it does not need and mend what hinders assistive technology.

    Parameters
    ----------
    markup : str
        The page as HTML.
    search : bool
        Whether this is the search page, which keeps the search index.
    folder : Path, optional
        Where the page lies, to look up the sizes of images.

    Returns
    -------
    str
        The page; unchanged if it has been through here before.
    """
    if MARK in markup:
        return markup
    page = BeautifulSoup(markup, "html.parser")
    _drop_scripts(page, search)
    if search:
        _search_without_server(page)
    _drop_leftovers(page)
    _mend_names(page)
    _mend_structure(page)
    if folder is not None:
        _size_images(page, folder)
    return str(page).replace("</head>", f"{MARK}</head>", 1)


def _drop_scripts(page: BeautifulSoup, search: bool) -> None:
    for script in page.find_all("script"):
        text = f"{script.get('src', '')} {script.get('type', '')} {script.string or ''}"
        unused = UNUSED_SCRIPTS if search else UNUSED_SCRIPTS + SEARCH_SCRIPTS
        if any(name in text for name in unused):
            script.decompose()
        elif script.get("src") and not search and not any(n in text for n in IMMEDIATE_SCRIPTS):
            script["defer"] = "defer"
    for link in page.find_all("link", href=re.compile("sphinx-thebe")):
        link.decompose()


def _search_without_server(page: BeautifulSoup) -> None:
    """Let the search leave out its excerpts on a page opened by double-click.

    They come from the pages found, which a browser does not let it read there.
    """
    options = page.find("script", src=re.compile("documentation_options"))
    if options is not None:
        script = page.new_tag("script")
        script.string = NO_EXCERPTS
        options.insert_after(script)


def _drop_leftovers(page: BeautifulSoup) -> None:
    for meta in page.find_all("meta", attrs={"name": "viewport"})[1:]:
        meta.decompose()
    for selector in ("#ethical-ad-placement", "#jb-print-docs-body", "#searchbox"):
        for tag in page.select(selector):
            tag.decompose()
    # The header repeats the search field, and its hidden buttons come before the visible ones, to
    # which the theme's scripts should listen. The scripts want to find the header itself.
    for header in page.select("#pst-header"):
        header.clear()
        header["hidden"] = "hidden"


def _mend_names(page: BeautifulSoup) -> None:
    # A visible text is the better name, and must be part of it for people who speak commands.
    for tag in page.select("button.search-button-field, details.hide > summary"):
        del tag["aria-label"]
    for icon in page.select("i[class*='fa-'], span[class*='fa-']"):
        icon["aria-hidden"] = "true"
    for tag in page.select(".prev-next-area a[title]"):
        del tag["title"]
    for button in page.select("button[title]:not([aria-label])"):
        if not button.get_text(strip=True):
            button["aria-label"] = button["title"]


def _mend_structure(page: BeautifulSoup) -> None:
    for header in page.find_all("th"):
        if not header.get_text(strip=True) and not header.find("img"):
            header.name = "td"
            header.attrs.pop("scope", None)
    # docutils' roles for bibliographies are deprecated, and wrong within its list.
    for tag in page.select("div.citation-list"):
        tag.attrs.pop("role", None)
    for tag in page.select("[role='doc-biblioentry']"):
        del tag["role"]
    sidebar = page.select_one("#pst-primary-sidebar")
    if sidebar is not None:
        sidebar["role"] = "region"
        sidebar["aria-label"] = "Contents of the course"


def _size_images(page: BeautifulSoup, folder: Path) -> None:
    """Give images their size, so that the text does not jump when they arrive."""
    for image in page.find_all("img"):
        address = urlsplit(image.get("src", ""))
        if image.has_attr("width") or image.has_attr("height") or address.netloc:
            continue
        size = _image_size(folder / unquote(address.path))
        if size:
            image["width"], image["height"] = map(str, size)


def _image_size(path: Path) -> tuple[int, int] | None:
    if not path.is_file():
        return None
    if path.suffix == ".svg":
        tag = re.search(r"<svg[^>]*>", path.read_text(encoding="utf-8", errors="replace"))
        sizes = [re.search(rf'\b{name}="(\d+)', tag[0]) for name in ("width", "height")]
        return (int(sizes[0][1]), int(sizes[1][1])) if all(sizes) else None
    start = path.read_bytes()[:24]
    return struct.unpack(">II", start[16:24]) if start.startswith(b"\x89PNG") else None


def foreign_addresses(markup: str) -> list[str]:
    """List the addresses on other hosts that a browser would load with the page.

    Parameters
    ----------
    markup : str
        A page as HTML.

    Returns
    -------
    list of str
        Sources of scripts, images, frames, media and style sheets; links to follow are not meant.
    """
    if not LOADS.search(markup):
        return []
    page = BeautifulSoup(markup, "html.parser")
    loaded = [tag["src"] for tag in page.find_all(src=True)]
    loaded += [tag["href"] for tag in page.find_all("link", href=True) if _is_loaded(tag)]
    loaded += [tag["data"] for tag in page.find_all("object", attrs={"data": True})]
    return sorted({address for address in loaded if urlsplit(address).netloc})


def _is_loaded(link: Tag) -> bool:
    loading = {"stylesheet", "preload", "prefetch", "icon", "modulepreload", "preconnect"}
    return bool(loading.intersection(link.get("rel") or []))


# Style sheets and fonts -------------------------------------------------------------------------


def keep_icons(css: str, used: set[str]) -> str:
    """Drop the rules of icons that no page uses, and the older of two font formats.

    Parameters
    ----------
    css : str
    used : set of str
        Class names such as ``"fa-bars"``.
    """

    def keep(rule: re.Match[str]) -> str:
        names = re.findall(r"\.(fa-[a-z0-9-]+)", rule["names"])
        return rule[0] if used.intersection(names) else ""

    css = re.sub(r"/\*# sourceMappingURL=.*?\*/", "", css)
    return TRUETYPE.sub("", ICON_RULE.sub(keep, css))


def characters(css: str) -> set[int]:
    """Code points that a style sheet writes, escaped or as they are, outside of ASCII."""
    escaped = {int(code, 16) for code in ESCAPE.findall(css)}
    return escaped | {ord(char) for char in css if ord(char) > 127}


def subset_font(source: Path, target: Path, code_points: set[int]) -> None:
    """Write the glyphs of `code_points` from one WOFF2 font to another.

    Parameters
    ----------
    source, target : Path
    code_points : set of int
    """
    from fontTools import subset
    from fontTools.ttLib import TTFont

    options = subset.Options(flavor="woff2", notdef_outline=True, layout_features=[])
    font = TTFont(source)
    subsetter = subset.Subsetter(options)
    subsetter.populate(unicodes=code_points)
    subsetter.subset(font)
    font.flavor = "woff2"
    buffer = io.BytesIO()
    font.save(buffer)
    _write(target, buffer.getvalue())


def _write(path: Path, content: str | bytes) -> None:
    """Write only what differs, so that a build without changes touches nothing."""
    content = content.encode() if isinstance(content, str) else content
    if not path.is_file() or path.read_bytes() != content:
        path.write_bytes(content)


def _lean_assets(site: Path, used: set[str]) -> None:
    import pydata_sphinx_theme

    theme = Path(pydata_sphinx_theme.__file__).parent / "theme/pydata_sphinx_theme/static"
    static = site / "_static"
    sheet = "styles/pydata-sphinx-theme.css"
    css = keep_icons((theme / sheet).read_text(encoding="utf-8"), used)
    if (static / sheet).is_file():
        _write(static / sheet, css)
    sheets = "".join(p.read_text(encoding="utf-8") for p in static.rglob("*.css"))
    for font in (static / "vendor/fontawesome/webfonts").glob("*.woff2"):
        pristine = theme / font.relative_to(static)
        if pristine.is_file():
            subset_font(pristine, font, characters(sheets))
    for pattern in UNUSED_FILES:
        for path in static.glob(pattern):
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    for path in static.rglob("*.map"):
        path.unlink()


# The step ---------------------------------------------------------------------------------------


def lean_site(site: Path) -> None:
    """Go through a built site, as :func:`lean_page` does through a page.

    Parameters
    ----------
    site : Path
        The folder of the built HTML.
    """
    used: set[str] = {"fa-xmark"}  # drawn by the theme's script
    for path in sorted(site.rglob("*.html")):
        if "_static" in path.relative_to(site).parts:
            continue
        before = path.read_text(encoding="utf-8")
        if 'http-equiv="refresh"' in before.lower() and "<body" not in before:
            after = _redirect(before)
        else:
            after = lean_page(before, path.name == "search.html", path.parent)
        used.update(re.findall(r"\bfa-[a-z0-9-]+", after))
        if after != before:
            path.write_text(after, encoding="utf-8")
        for address in foreign_addresses(after):
            logger.warning("%s loads %s from another host.", path.relative_to(site), address)
    _lean_assets(site, used)


def _redirect(markup: str) -> str:
    """Turn the bare redirect at the root into a page."""
    target = re.search(r"url=([^\"']+)", markup)[1].strip()
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="refresh" content="0; url={target}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f'<link rel="canonical" href="{target}">\n<link rel="icon" href="data:,">\n'
        "<title>Seeing without labels</title>\n</head>\n"
        f'<body><main><h1>Seeing without labels</h1><p><a href="{target}">To the course</a></p>'
        "</main></body>\n</html>\n"
    )


def finish(app: Any, error: Exception | None) -> None:
    """Run the step after a build that succeeded."""
    if error is None and app.builder.format == "html":
        lean_site(Path(app.outdir))


def setup(app: Any) -> dict[str, Any]:
    """Hook the step to the end of the build."""
    app.connect("build-finished", finish, priority=900)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
