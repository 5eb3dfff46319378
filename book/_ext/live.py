"""Code that runs in the page: where the built site has what it needs, and one sentence where not.

A cell of the chapters in `CHAPTERS` that needs no shipped network gets "Run it here"; with it runs
what it needs of the cells before. An exercise whose stub and checks use nothing but what a page has
gets "Solve it here". The scripts behind both lie in ``book/_static/live``; whether this build has
Python with it, `octlessons.site.building` says by the setting ``octlessons_live``.
"""

from __future__ import annotations

import html
import json
from pathlib import Path
from typing import Any

from boxes import folded
from docutils import nodes
from myst_nb.core.read import read_myst_markdown_notebook

from octlessons._files import write_atomically
from octlessons.exercises.catalogue import load_catalogue
from octlessons.exercises.inpage import runs_in_page
from octlessons.exercises.pagecells import runs_here

SCRIPT = "live/live.js"
#: Chapters whose cells can run in the page.
HIDDEN = {"tag_remove-input", "tag_remove-cell"}
CHAPTERS = ("01", "02", "03", "04", "05", "06", "12", "13")


class live_place(nodes.General, nodes.Element):
    """Where the page puts an editor: ``exercise``, ``title``; or says why there is none."""


def offer(app: Any, doctree: nodes.document) -> None:
    """Put a place for an editor into each exercise that can be solved in the page."""
    if not (Path(app.srcdir) / "exercises" / "catalogue.toml").is_file():
        return
    catalogue, told = load_catalogue(app.srcdir), False
    for box in doctree.findall(nodes.admonition):
        name = (box.get("names") or [""])[0]
        if "exercise" not in box["classes"] or name not in catalogue:
            continue
        entry = catalogue[name]
        if not entry.stub.is_file() or not entry.checks.is_file():
            continue
        possible = runs_in_page(entry)
        if not app.config.octlessons_live and (told or not possible):
            continue  # one sentence is enough for a page
        told = True
        place = live_place(
            exercise=entry.id, title=entry.title, possible=possible, here=app.config.octlessons_live
        )
        hints = (i for i, child in enumerate(box) if isinstance(child, folded) and is_hint(child))
        box.insert(next(hints, len(box)), place)
        app.env.metadata[app.env.docname].setdefault("live", "yes")


def sources_of(app: Any, page: str) -> list[str]:
    """The code of every cell of a page by its place; "" for text."""
    text = Path(app.env.doc2path(page)).read_text("utf-8")
    cells = read_myst_markdown_notebook(text).cells
    return [cell.source if cell.cell_type == "code" else "" for cell in cells]


def mark_cells(app: Any, doctree: nodes.document) -> None:
    """Give cells that can run in the page a class with their place, for the script to find."""
    page = app.env.docname
    if not app.config.octlessons_live or page.rsplit("/", 1)[-1][:2] not in CHAPTERS:
        return
    sources = None
    for cell in doctree.findall(nodes.container):
        if cell.get("nb_element") != "cell_code" or HIDDEN & set(cell["classes"]):
            continue
        sources = sources or sources_of(app, page)
        if runs_here(sources, cell["cell_index"]):
            cell["classes"].append(f"live-cell-{cell['cell_index']}")
            app.env.metadata[page] |= {"live": "yes", "live_cells": page.rsplit("/", 1)[-1]}


def is_hint(fold: folded) -> bool:
    """Whether a fold is a hint."""
    return "hint" in fold["classes"]


def visit_place(translator: Any, node: live_place) -> None:
    """Write the button, hidden until the script finds it, or the sentence."""
    name = html.escape(node["exercise"])
    check = f"<code>octlessons check {name}</code>"
    if not node["here"]:
        translator.body.append(
            '<p class="live-missing">This copy of the course was built without Python for the '
            f"page; on your computer {check} checks the same.</p>\n"
        )
    elif not node["possible"]:
        translator.body.append(
            '<p class="live-missing">This one needs a library that does not run in a page: solve '
            "it on your computer.</p>\n"
        )
    else:
        translator.body.append(
            f'<div class="live" data-exercise="{name}" data-title="{html.escape(node["title"])}">'
            '<button type="button" class="quiz-check live-open" hidden>Solve it here</button> '
            '<span class="live-said" role="status"></span></div>\n'
        )
    raise nodes.SkipNode


def leave_out(translator: Any, node: live_place) -> None:
    """Write nothing where there is no page."""
    raise nodes.SkipNode


def add_script(app: Any, page: str, template: str, context: dict[str, Any], doctree: Any) -> None:
    """Let pages with such places, and no others, load the script."""
    meta = context.get("meta") or {}
    if not app.config.octlessons_live or "live" not in meta:
        return
    app.add_js_file(SCRIPT, defer="defer")
    if name := meta.get("live_cells"):
        context["metatags"] += f'<meta name="live-cells" content="{html.escape(name)}"/>'
        text = f"octlessonsLive.cells({json.dumps(sources_of(app, page))});\n"
        write_atomically(Path(app.outdir) / f"_static/live/cells/{name}.js", text)


def setup(app: Any) -> dict[str, Any]:
    """Register the place, the setting and the script."""
    app.add_node(live_place, html=(visit_place, None), text=(leave_out, None))
    app.add_config_value("octlessons_live", False, "env", types=[bool])
    app.connect("doctree-read", offer)
    app.connect("doctree-read", mark_cells)
    app.connect("html-page-context", add_script)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
