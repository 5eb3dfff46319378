"""Look over the prose: ``python -m tests.authoring.prose [FILE …]``.

British spelling, words that shut people out or talk down to them, links within the project, and
texts of pictures, in the pages, the quizzes and the files beside them.  Code is left out.  The word
lists are those of codespell; a page names American words that belong to names and titles in a
comment line, ``% American: Center``.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

#: British, too: a computer's program, and what is told.
BOTH = {"program", "programs", "story", "stories", "focused", "focusing", "disk", "dialog"}

#: What is easy for the author need not be for the reader.
TALKING_DOWN = ("simply", "obviously", "of course you know", "trivially")

#: At least this many words say what a picture shows.
WORDS = 4

_BLANKED = [
    re.compile(r"\A---\n.*?\n---\n", re.S),  # front matter
    re.compile(r"^(?P<marks>`{3,}|~{3,})[^\n]*\n.*?^(?P=marks)\s*$", re.S | re.M),  # code
    re.compile(r"<!--.*?-->|<svg.*?</svg>", re.S),
    re.compile(r"^%.*$|^:[\w-]+:.*$", re.M),  # comments and options
    re.compile(r"`+[^`\n]*`+|https?://\S+|\$[^$\n]+\$|\]\([^)]*\)|<[^>\n]*>"),
]
_AMERICAN = re.compile(r"^%\s*American:(.*)$", re.M)
_LINK = re.compile(r"(?<!!)\[[^\]\n]*\]\((?P<path>[^)#:\s]*)(?:#(?P<place>[^)\s]*))?\)")
_PICTURE = re.compile(r"!\[(?P<text>[^\]]*)\]\(")
_BOX = re.compile(r"^[`:]{3,}\{(?:image|figure)\}[^\n]*\n(?P<options>(?:\s*:[^\n]*\n)*)", re.M)


def _words_of(dictionary: str) -> Iterator[tuple[str, str]]:
    text = files("codespell_lib").joinpath("data", dictionary).read_text("utf-8")
    for line in text.splitlines():
        wrong, _, right = line.partition("->")
        yield wrong, right.strip(" ,")


@cache
def american() -> dict[str, str]:
    """American words with their British form."""
    pairs = _words_of("dictionary_en-GB_to_en-US.txt")
    return {us.strip(): gb for gb, many in pairs for us in many.split(",") if us.strip()}


@cache
def unkind() -> dict[str, str]:
    """Words that shut people out, and what to say instead."""
    return {word.replace("-", " "): better for word, better in _words_of("dictionary_usage.txt")}


def prose_of(text: str) -> str:
    """A text with everything but its prose blanked out, in which each word keeps its place."""
    for pattern in _BLANKED:
        text = pattern.sub(lambda found: re.sub(r"[^\n]", " ", found[0]), text)
    return text


def anchors(text: str) -> set[str]:
    """Places of a page that can be linked to: its headings, labels and names."""
    found = set(re.findall(r"^\((\S+)\)=\s*$|^:name: (\S+)$", text, re.M))
    places = {place for pair in found for place in pair if place}
    for heading in re.findall(r"^#{1,6} (.+)$", text, re.M):
        plain = re.sub(r"\{[\w:]+\}`([^`<]*)[^`]*`|[`*$]", r"\1", heading)
        places.add(re.sub(r"[^\w\- ]", "", plain.strip().lower()).replace(" ", "-"))
    return places


def problems(path: Path) -> list[tuple[int, str]]:
    """What is wrong in a file: line and sentence.

    Parameters
    ----------
    path : Path
    """
    text = path.read_text("utf-8")
    prose = prose_of(text)
    found = [*_spelling(text, prose), *_manners(prose)]
    if path.suffix == ".md":
        found += [*_links(path, text), *_pictures(text)]
    return sorted((text.count("\n", 0, at) + 1, what) for at, what in found)


def _spelling(text: str, prose: str) -> Iterator[tuple[int, str]]:
    named = {word.lower() for line in _AMERICAN.findall(text) for word in line.split()}
    for word in re.finditer(r"[A-Za-z]+", prose):
        here = word[0].lower()
        if here in american() and here not in BOTH and here not in named:
            yield word.start(), f"“{word[0]}” is American; British is “{american()[here]}”"


def _manners(prose: str) -> Iterator[tuple[int, str]]:
    flat = re.sub(r"[-\n]", " ", prose.lower())
    for word, better in unkind().items():
        for place in re.finditer(rf"\b{re.escape(word)}\b", flat):
            yield place.start(), f"“{word}” shuts people out: {better.replace(',', ', or')}"
    for word in TALKING_DOWN:
        for place in re.finditer(rf"(?<![\"“])\b{word}\b", flat):
            yield place.start(), f"“{word}” talks down to who does not see it: leave it out"


def _links(path: Path, text: str) -> Iterator[tuple[int, str]]:
    code = re.compile(r"^(`{3,})[^\n]*\n.*?^\1\s*$|`[^`\n]*`", re.S | re.M)
    bare = code.sub(lambda block: re.sub(r"[^\n]", " ", block[0]), text)
    for link in _LINK.finditer(bare):
        there = (path.parent / link["path"]).resolve() if link["path"] else path
        if not there.exists():
            yield link.start(), f"the link {link['path']} leads to no file"
            continue
        known = anchors(there.read_text("utf-8")) if there.suffix == ".md" else {link["place"]}
        if link["place"] and link["place"] not in known:
            yield link.start(), f"the link #{link['place']} leads to no place in {there.name}"


def _pictures(text: str) -> Iterator[tuple[int, str]]:
    for picture in _PICTURE.finditer(text):
        if len(picture["text"].split()) < WORDS:
            yield picture.start(), "this picture needs a text that says what it shows"
    for box in _BOX.finditer(text):
        alt = re.search(r":alt:(.*)", box["options"])
        if alt is None or len(alt[1].split()) < WORDS:
            yield box.start(), "this picture needs an :alt: that says what it shows"


def prose_files() -> list[Path]:
    """Every file of the project that holds prose."""
    patterns = ("*.md", "book/**/*.md", "book/quizzes/*.yml", "exercises/*.toml", "exercises/*.md")
    return sorted(path for pattern in patterns for path in ROOT.glob(pattern))


def main(names: list[str]) -> int:
    """Print what is wrong; 1 if anything is."""
    known = set(prose_files())
    chosen = [path for path in (Path(name).resolve() for name in names) if path in known]
    wrong = 0
    for path in chosen if names else sorted(known):
        for line, what in problems(path):
            print(f"{path.relative_to(ROOT).as_posix()}:{line}: {what}")
            wrong = 1
    return wrong


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
