"""Chapters as notebooks: as they are, or the code alone; and solved exercises, for tutors.

A notebook shows plain Markdown.  The boxes of the site become headings and quotations, links
between chapters stay, words of the glossary and citations become text.
"""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from octlessons.exercises.catalogue import Exercise, load_catalogue
from octlessons.exercises.source import read_source
from octlessons.exercises.stubs import notebook_text, without_marks
from octlessons.site.checkout import find_root, pages_of
from octlessons.site.identity import Identity, identify

_FENCE = re.compile(r"^(?P<marks>:{3,}|`{3,})\s*\{(?P<name>[\w-]+)\}\s*(?P<title>.*)$")
_OPTION = re.compile(r"^:[\w-]+:")
_ROLES: list[tuple[re.Pattern[str], str | Callable[[re.Match[str]], str]]] = [
    (re.compile(r"\s*\{footcite:\w+\}`[^`]*`"), ""),
    (re.compile(r"\{[\w:-]+\}`([^`<]*?)\s*<[^`>]*>`"), r"\1"),
    (re.compile(r"\{[\w:-]+\}`([^`]*)`"), r"\1"),
]
_TITLES = {
    "objectives": "By the end you can",
    "predict": "Predict first",
    "keypoints": "",
    "hint": "Hint",
    "tip": "Tip",
    "warning": "Warning",
    "dropdown": "",
}
_LEFT_OUT = {"footbibliography", "bibliography", "quiz", "button-ref", "tab-set", "nb-exec-table"}


def plain_markdown(text: str) -> str:
    """MyST as Markdown that every notebook shows.

    Parameters
    ----------
    text : str
        The text of a cell.

    Returns
    -------
    str
        Boxes are headings; an exercise names what checks it. Bibliographies and quizzes are left
        to the site.
    """
    out: list[str] = []
    stack: list[tuple[str, str]] = []  # fences that are open: marks, name
    options = False
    for line in text.split("\n"):
        fence = _FENCE.match(line)
        if fence:
            stack.append((fence["marks"], fence["name"]))
            options = True
            out += _opened(fence["name"], fence["title"])
            continue
        if stack and line.strip() == stack[-1][0]:
            stack.pop()
            out.append("")
            continue
        if options and _OPTION.match(line):
            if line.startswith(":name:") and stack[-1][1] == "exercise":
                out.append(f"*Check it:* `octlessons check {line.split(':', 2)[2].strip()}`\n")
            continue
        options = False
        if not any(name in _LEFT_OUT for _, name in stack):
            out.append(line)
    plain = re.sub(r"\n{3,}", "\n\n", "\n".join(out)).strip()
    for pattern, replacement in _ROLES:
        plain = pattern.sub(replacement, plain)
    return re.sub(r"\]\(([\w./-]+)\.md(#[^)]*)?\)", r"](\1.ipynb)", plain)


def _opened(name: str, title: str) -> list[str]:
    """What stands for the beginning of a box."""
    if name == "exercise":
        return ["", f"### Exercise: {title}", ""]
    if name == "quiz":
        return ["", "*The quiz is on the page of the site.*", ""]
    heading = title if name not in ("tip", "warning") and title else _TITLES.get(name, "")
    return ["", f"**{heading}**", ""] if heading else [""]


def chapters_of(root: Path) -> list[str]:
    """The pages of a checkout that teach: those with minutes of teaching, in their order.

    Parameters
    ----------
    root : Path
    """
    pages = pages_of(root / "_toc.yml")
    taught = re.compile(r"\A---\n(?:.*\n)*?teaching: ", re.M)
    return [page for page in pages if taught.match((root / f"{page}.md").read_text("utf-8"))]


def chapter_notebook(page: Path, *, prose: bool = True, wheel: str = "") -> str:
    """A chapter as a notebook without outputs.

    Parameters
    ----------
    page : Path
        A MyST text notebook of the book.
    prose : bool
        Without, only headings and code stay, for who wants to write the text.
    wheel : str
        Address of the wheel that the first cell installs.

    Returns
    -------
    str
        JSON, the same for the same page.
    """
    from myst_nb.core.read import read_myst_markdown_notebook
    from myst_parser.config.main import MdParserConfig

    book = read_myst_markdown_notebook(page.read_text("utf-8"), MdParserConfig(), path=page)
    cells = [_cell("code", install_cell(wheel))]
    for cell in book.cells:
        if cell["cell_type"] == "markdown":
            text = plain_markdown(cell["source"])
            if not prose:
                text = "\n\n".join(re.findall(r"^#{1,3} .+$", text, re.M))
            if text:
                cells.append(_cell("markdown", text))
        elif "data-notice" not in cell["metadata"].get("tags", []):
            cells.append(_cell("code", cell["source"]))
    return _notebook(cells, page.stem)


def _cell(kind: str, source: str) -> dict[str, Any]:
    cell: dict[str, Any] = {"cell_type": kind, "metadata": {}, "source": source}
    return cell | ({"execution_count": None, "outputs": []} if kind == "code" else {})


def _notebook(cells: list[dict[str, Any]], name: str) -> str:
    numbered = [cell | {"id": f"{name}-{number}"[-64:]} for number, cell in enumerate(cells)]
    content = {
        "cells": numbered,
        "metadata": {
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
        },
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    return json.dumps(content, indent=1, ensure_ascii=False, sort_keys=True) + "\n"


def package_address(us: Identity) -> str:
    """From where a notebook installs the package: the wheel of its release, else the sources.

    Parameters
    ----------
    us : Identity

    Returns
    -------
    str
        "" where no repository is known; the name on the package index is meant then.
    """
    if not us.repository:
        return ""
    if ".dev" in us.version:
        return f"git+{us.repository}@main"
    name = f"octlessons-{us.version}-py3-none-any.whl"
    return f"{us.repository}/releases/download/v{us.version}/{name}"


def install_cell(address: str = "") -> str:
    """The first cell of a notebook: it installs the course where it is missing, as on Colab.

    Parameters
    ----------
    address : str
        Of the wheel of a release, or of the sources; without it the name on the package index.
    """
    what = f"octlessons[book] @ {address}" if address else "octlessons[book]"
    return (
        "# Where the course is not installed (on Colab, say), this installs it.\n"
        "import importlib.util\n\n"
        'if importlib.util.find_spec("octlessons") is None:\n'
        f'    %pip install --quiet "{what}"'
    )


def solved_notebook(exercise: Exercise) -> str:
    """The notebook of an exercise with its solution in the place of the stub, for tutors.

    Parameters
    ----------
    exercise : Exercise
    """
    content = json.loads(notebook_text(exercise))
    stub = next(c for c in content["cells"] if c["cell_type"] == "code" and "TODO" in _text(c))
    source = without_marks(read_source(exercise.solution))
    stub["source"] = re.sub(r'^""".*?"""\s*', "", source, count=1, flags=re.S).strip()
    return json.dumps(content, indent=1, ensure_ascii=False, sort_keys=True) + "\n"


def _text(cell: dict[str, Any]) -> str:
    source = cell["source"]
    return source if isinstance(source, str) else "".join(source)


def write_notebooks(root: Path, pages: list[str], out: Path, kind: str, wheel: str = "") -> int:
    """Write the notebooks of one kind.

    Parameters
    ----------
    root : Path
        The checkout.
    pages : list of str
        Chapters, without suffix.
    out : Path
        A folder.
    kind : {"student", "code-only", "solved"}
        Chapters and stubs; headings and code of chapters; exercises with their solutions.
    wheel : str
        Address of the wheel that the first cell installs.

    Returns
    -------
    int
        How many.
    """
    texts: dict[Path, str] = {}
    if kind != "solved":
        for page in pages:
            text = chapter_notebook(root / f"{page}.md", prose=kind == "student", wheel=wheel)
            texts[out / f"{Path(page).name}.ipynb"] = text
    for exercise in load_catalogue(root) if kind != "code-only" else ():
        make = notebook_text if kind == "student" else solved_notebook
        text = make(exercise)
        if wheel:
            text = text.replace("--quiet octlessons", f'--quiet \\"octlessons @ {wheel}\\"')
        texts[out / "exercises" / exercise.chapter / f"{exercise.id}.ipynb"] = text
    for path, text in texts.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return len(texts)


def main() -> None:
    """Write the student's notebooks into a folder: ``python -m octlessons.site.notebooks OUT``."""
    root = find_root()
    parser = argparse.ArgumentParser(description="Write the chapters and exercises as notebooks.")
    parser.add_argument("out", type=Path)
    given = parser.parse_args()
    address = package_address(identify(root))
    count = write_notebooks(root, chapters_of(root), given.out, "student", address)
    print(f"Wrote {count} notebooks into {given.out}.")


if __name__ == "__main__":
    main()
