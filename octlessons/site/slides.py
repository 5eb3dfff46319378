"""Slides of a chapter, made from its built page: the same figures, the text as speaker's notes.

One file for each chapter, which opens by double-click and asks no other file for anything.
"""

from __future__ import annotations

import base64
import html
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from octlessons.errors import OctlessonsError

_FILES = Path(__file__).with_name("files")
#: Sections whose text is not for slides.
_LEFT_OUT = {"exercises", "quiz", "key-points", "references"}
#: What is longer does not fit on a slide.
_LINES, _ROWS, _WORDS = 14, 9, 45


@dataclass
class Slide:
    """One slide.

    Attributes
    ----------
    title : str
    body : str
        HTML.
    kind : str
        The class that says how it looks.
    notes : list of str
        What to say: paragraphs of HTML.
    """

    title: str
    body: str
    kind: str = "plain"
    notes: list[str] = field(default_factory=list)


def slides_of(page: Path) -> list[Slide]:
    """Make the slides of one chapter.

    Parameters
    ----------
    page : Path
        Its built page.

    Returns
    -------
    list of Slide
        Title, objectives, each section with its figures, predictions, tables and short code;
        exercises, quiz and key points.

    Raises
    ------
    OctlessonsError
        If it is no page of a chapter.
    """
    from bs4 import BeautifulSoup

    soup: Any = BeautifulSoup(page.read_text("utf-8"), "html.parser")
    article = soup.select_one("article.bd-article")
    card = article.select_one("ul.chapter-card") if article else None
    if card is None:
        raise OctlessonsError(f"{page} is no built chapter, so there are no slides of it.")
    for tag in article.select(".headerlink, .only-dark, .term-notes, .footnote-reference, script"):
        tag.decompose()
    _carry_pictures(article, page.parent)
    facts = " · ".join(item.get_text() for item in card.find_all("li"))
    found = [Slide(article.h1.get_text(), f"<p>{html.escape(facts)}</p>", "title")]
    if objectives := article.select_one(".objectives"):
        found.append(Slide("By the end you can", str(objectives.ul), "list"))
    for section in article.select("section > section"):
        if section.parent.parent is article and section["id"] not in _LEFT_OUT:
            found += _section(section)
    return [*found, *_exercises(article), *_quiz(article), *_key_points(article)]


def _carry_pictures(article: Any, folder: Path) -> None:
    """Put the pictures into the page itself."""
    for image in article.find_all("img"):
        content = (folder / unquote(image["src"])).read_bytes()
        kind = "svg+xml" if image["src"].endswith(".svg") else "png"
        image["src"] = f"data:image/{kind};base64,{base64.b64encode(content).decode()}"
        for name in ("loading", "decoding", "width", "height"):
            del image[name]


def _section(section: Any) -> list[Slide]:
    """The slides of a section: its beginning, then whatever is to be looked at."""
    title = section.find(["h2", "h3"]).get_text()
    made: list[Slide] = []
    for child in section.find_all(recursive=False):
        if child.name in ("h2", "h3", "h4"):
            continue
        if child.name == "section":
            made += _section(child)
        elif child.name == "p" and made:
            made[-1].notes.append(str(child))
        elif child.name == "p":
            made.append(Slide(title, f"<p>{_lead(child)}</p>", "lead", [str(child)]))
        else:
            made += _shown(child, title)
    return made


def _lead(paragraph: Any) -> str:
    """The first sentences of a paragraph, as many as fit on a slide."""
    words: list[str] = []
    for sentence in re.split(r"(?<=[.?!:]) ", " ".join(paragraph.get_text().split())):
        if words and len(words) + len(sentence.split()) > _WORDS:
            break
        words += sentence.split()
    return html.escape(" ".join(words))


def _shown(child: Any, title: str) -> Iterator[Slide]:
    """What stands between the paragraphs, where it is worth a slide."""
    classes = child.get("class") or []
    if "predict" in classes:
        child.select_one(".admonition-title").extract()
        folds = [fold.extract() for fold in child.find_all("details")]
        notes = [str(line) for fold in folds for line in fold.find_all("p")]
        yield Slide("Predict first", child.decode_contents(), "predict", notes)
    if "math-display" in classes or child.select_one(":scope > .math-display"):
        yield Slide(title, str(child), "formula")
    table = child if child.name == "table" else child.find("table")
    if table is not None and len(table.find_all("tr")) <= _ROWS:
        yield Slide(title, str(table), "table")
    code = child.select_one(".cell_input pre")
    hidden = child.select_one("details.hide") is not None
    if code is not None and not hidden and code.get_text().strip().count("\n") < _LINES:
        yield Slide(title, f"<pre>{code.decode_contents()}</pre>", "code")
    for figure in child.select("figure.octlessons-figure"):
        yield Slide(title, str(figure), "figure")
    if child.name in ("ul", "ol") and len(child.get_text().split()) <= 2 * _WORDS:
        yield Slide(title, str(child), "list")


def _exercises(article: Any) -> Iterator[Slide]:
    boxes = article.select(".course-box.exercise")
    if boxes:
        rows = []
        for box in boxes:
            minutes = box.select_one(".exercise-minutes").extract().get_text()
            title = box.select_one(".admonition-title").get_text()
            rows.append(
                f"<li>{html.escape(title)} <small>about {html.escape(minutes)}</small></li>"
            )
        yield Slide("Exercises", f"<ul>{''.join(rows)}</ul>", "list")


def _quiz(article: Any) -> Iterator[Slide]:
    for number, form in enumerate(article.select("form.quiz-form"), 1):
        question = form.select_one(".quiz-question")
        options = [option.find_all("span")[-1] for option in form.select(".quiz-option")]
        listed = "".join(f"<li>{option.decode_contents()}</li>" for option in options)
        answers = form.select(".quiz-answers li")
        yield Slide(
            f"Question {number}",
            f"<p>{question.decode_contents()}</p><ol class='options'>{listed}</ol>",
            "list",
            [f"<p>{answer.decode_contents()}</p>" for answer in answers],
        )


def _key_points(article: Any) -> Iterator[Slide]:
    points = article.select_one(".keypoints")
    if points is not None:
        yield Slide("Key points", str(points.find(["ul", "ol"])), "list")


def slide_show(slides: list[Slide], course: str) -> str:
    """Slides as one page of HTML.

    Parameters
    ----------
    slides : list of Slide
    course : str
        Its name, which stands at the foot of each.

    Returns
    -------
    str
    """
    parts = []
    for number, slide in enumerate(slides, 1):
        heading = "h1" if slide.kind == "title" else "h2"
        notes = "".join(slide.notes)
        aside = f'<aside class="notes" aria-label="Notes">{notes}</aside>' if notes else ""
        parts.append(
            f'<section class="slide {slide.kind}" id="s{number}" role="group" tabindex="-1" '
            f'aria-roledescription="slide" aria-label="{number} of {len(slides)}">'
            f'<div class="face"><{heading}>{html.escape(slide.title)}</{heading}>{slide.body}'
            f'<p class="foot">{html.escape(course)} · {number}</p></div>{aside}</section>\n'
        )
    style = (_FILES / "slides.css").read_text(encoding="utf-8")
    script = (_FILES / "slides.js").read_text(encoding="utf-8")
    title = html.escape(slides[0].title)
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        f"<title>{title}: slides</title>"
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<link rel="icon" href="data:,"><style>{style}</style></head>\n<body><main>\n'
        f'{"".join(parts)}</main>\n<nav class="keys" aria-label="Slides" hidden>'
        '<button type="button" data-move="-1">Back</button><span role="status"></span>'
        '<button type="button" data-move="1">Next</button>'
        '<button type="button" data-notes aria-pressed="false">Notes</button></nav>\n'
        f"<script>{script}</script></body></html>\n"
    )


def write_slides(site: Path, pages: list[str], course: str, out: Path) -> list[Path]:
    """Write the slides of chapters, one file each.

    Parameters
    ----------
    site : Path
        A built site.
    pages : list of str
        Chapters, without suffix.
    course : str
        Its name.
    out : Path
        A folder.

    Returns
    -------
    list of Path
    """
    out.mkdir(parents=True, exist_ok=True)
    written = []
    for page in pages:
        path = out / f"{Path(page).name}.html"
        path.write_text(slide_show(slides_of(site / f"{page}.html"), course), encoding="utf-8")
        written.append(path)
    return written
