"""What a page says to those who pass it on: how to cite it, and how it looks where it is linked.

Every page ends with a citation.  Titles and descriptions for previews stand in the head of every
page; what needs an absolute address (the picture, the canonical link, the site map) is there only
where the address of the site is known, see ``octlessons/site/identity.py``.
"""

from __future__ import annotations

import html
import re
import shutil
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from bs4 import BeautifulSoup

CARDS = "_static/cards"
NUMBER = re.compile(r"^\d+\. ")
DESCRIPTION = re.compile(r'<meta content="([^"]*)" name="description"')


def citation(title: str, us: dict[str, str], address: str = "") -> tuple[str, str]:
    """How to cite a page, in words and for BibTeX.

    Parameters
    ----------
    title : str
        Of the page; that of the course for the course itself.
    us : dict of str to str
        The course: ``title``, ``authors``, ``version``, ``day``.
    address : str
        Of the page, where it is known.

    Returns
    -------
    tuple of str
        A sentence as HTML, and an entry as plain text.
    """
    year, edition = us["day"][:4], f"version {us['version']}"
    where = "" if title == us["title"] else f" In <em>{html.escape(us['title'])}</em>"
    named = html.escape(title) if where else f"<em>{html.escape(title)}</em>"
    stop = "" if where and title.endswith(("?", "!")) else "." if where else ""
    sentence = f"{html.escape(us['authors'])} ({year}). {named}{stop}{where} ({edition})."
    if address:
        sentence += f' <a href="{html.escape(address)}">{html.escape(address)}</a>'
    word = re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")
    fields = {
        "author": f"{{{us['authors']}}}",
        "title": title,
        "year": year,
        "version": us["version"],
    }
    if where:
        fields["booktitle"] = us["title"]
    if address:
        fields["url"] = address
    body = "".join(f"  {name} = {{{value}}},\n" for name, value in fields.items())
    kind = "incollection" if where else "misc"
    return sentence, f"@{kind}{{octlessons-{word},\n{body}}}"


def previews(title: str, description: str, us: dict[str, str], address: str, card: str) -> str:
    """Tags for the previews of messengers and social networks.

    Parameters
    ----------
    title, description : str
    us : dict of str to str
        The course.
    address, card : str
        Of the page and of its picture; "" where they are not known.
    """
    found = {
        "og:type": "article",
        "og:site_name": us["title"],
        "og:title": title,
        "og:description": description,
        "og:url": address,
        "og:image": card,
        "og:image:width": "1200" if card else "",
        "og:image:height": "630" if card else "",
        "og:image:alt": f"{us['title']}: {title}" if card else "",
    }
    tags = [
        f'<meta property="{name}" content="{html.escape(value)}"/>'
        for name, value in found.items()
        if value
    ]
    kind = "summary_large_image" if card else "summary"
    return "\n".join([*tags, f'<meta name="twitter:card" content="{kind}"/>', ""])


def add_to_page(app: Any, page: str, template: str, context: dict[str, Any], doctree: Any) -> None:
    """Put the citation under a page and the tags into its head."""
    us = app.config.octlessons_identity
    if doctree is None or not us or "body" not in context:
        return
    root = app.config.root_doc
    title = BeautifulSoup(context.get("title", ""), "html.parser").get_text()
    named = us["title"] if page == root else NUMBER.sub("", title)
    address = f"{us['site']}{page}.html" if us["site"] else ""
    card = f"{us['site']}{card_of(page)}" if us["site"] else ""
    found = DESCRIPTION.search(context.get("metatags", ""))
    description = html.unescape(found[1]) if found else ""
    context["metatags"] = context.get("metatags", "") + previews(
        title, description, us, address, card
    )
    sentence, entry = citation(named, us, address)
    context["body"] += (
        '<details class="course-fold citation"><summary>Cite this page</summary>'
        f"<p>{sentence}</p><pre>{html.escape(entry)}</pre></details>\n"
    )


# Pictures and the site map ----------------------------------------------------------------------


def card_of(page: str) -> str:
    """Where the picture of a page lies in the site."""
    return f"{CARDS}/{page.rsplit('/', 1)[-1]}.jpg"


def draw_card(title: str, course: str, figure: Path | None, target: Path) -> None:
    """Draw the picture of a page: the name of the course, the title, its first figure.

    Parameters
    ----------
    title, course : str
    figure : Path, optional
        An image file.
    target : Path
        A JPEG of 1200 × 630 pixels.
    """
    import matplotlib
    from PIL import Image, ImageDraw, ImageFont

    fonts = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
    image = Image.new("RGB", (1200, 630), "#0f2a35")
    draw = ImageDraw.Draw(image)
    small = ImageFont.truetype(fonts / "DejaVuSans.ttf", 30)
    wide = 1060
    if figure is not None:
        wide = 520
        picture = Image.open(figure).convert("RGBA")
        paper = Image.new("RGBA", picture.size, "white")
        picture = Image.alpha_composite(paper, picture).convert("RGB")
        picture.thumbnail((500, 510))
        left, top = 630 + (500 - picture.width) // 2, (630 - picture.height) // 2
        draw.rectangle((610, 40, 1160, 590), fill="white")
        image.paste(picture, (left + 5, top))
    size = 60
    while True:
        large = ImageFont.truetype(fonts / "DejaVuSans-Bold.ttf", size)
        lines = _wrapped(title, large, wide)
        fits = all(large.getlength(line) <= wide for line in lines)
        if (fits and len(lines) * size * 1.25 <= 360) or size <= 30:
            break
        size -= 4
    for y, colour in ((84, "#f3d38b"), (100, "#7cc4d8"), (116, "#7cc4d8")):
        draw.line((70, y, 190, y), fill=colour, width=6)
    draw.multiline_text((70, 165), "\n".join(lines), font=large, fill="#ffffff", spacing=size * 0.3)
    draw.text((70, 535), course, font=small, fill="#f3d38b")
    target.parent.mkdir(parents=True, exist_ok=True)
    image.save(target, quality=82, optimize=True)


def _wrapped(text: str, font: Any, width: int) -> list[str]:
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if lines[-1] and font.getlength(longer) > width:
            lines.append(word)
        else:
            lines[-1] = longer
    return lines


def site_map(pages: list[str], us: dict[str, str]) -> str:
    """A site map for search engines.

    Parameters
    ----------
    pages : list of str
        Without suffix.
    us : dict of str to str
        The course.
    """
    entries = "".join(
        f"  <url><loc>{html.escape(us['site'])}{page}.html</loc>"
        f"<lastmod>{us['day']}</lastmod></url>\n"
        for page in pages
    )
    return (
        '<?xml version="1.0" encoding="utf-8"?>\n'
        f'<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">\n{entries}</urlset>\n'
    )


def finish(app: Any, error: Exception | None) -> None:
    """Draw the pictures and write the site map, where the address of the site is known."""
    us = app.config.octlessons_identity
    if error is not None or app.builder.format != "html":
        return
    site, pages = Path(app.outdir), sorted(app.env.found_docs)
    if not us or not us["site"]:  # what an earlier build for an address has left
        shutil.rmtree(site / CARDS, ignore_errors=True)
        (site / "sitemap.xml").unlink(missing_ok=True)
        return
    for page in pages:
        soup = BeautifulSoup((site / f"{page}.html").read_text("utf-8"), "html.parser")
        shown = soup.select_one("figure.octlessons-figure img.only-light")
        figure = (site / page).parent / unquote(shown["src"]) if shown else None
        title = app.env.titles[page].astext()
        draw_card(title, us["title"], figure, site / card_of(page))
    (site / "sitemap.xml").write_text(site_map(pages, us), encoding="utf-8")


def setup(app: Any) -> dict[str, Any]:
    """Register the setting and both steps."""
    app.add_config_value("octlessons_identity", {}, "html", types=[dict])
    app.connect("html-page-context", add_to_page, priority=600)
    app.connect("build-finished", finish, priority=800)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
