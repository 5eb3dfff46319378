"""The boxes of a chapter: objectives, predict first, exercises, hints, key points.

Each is a directive, so that a mistake in it (no minutes, no hint, a name used twice) stops the
build with a sentence.  The line under a chapter's title comes from its front matter.
"""

from __future__ import annotations

import html
import re
from pathlib import Path
from typing import Any, ClassVar

from docutils import nodes
from docutils.parsers.rst import directives
from docutils.statemachine import StringList
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective

from octlessons.exercises.catalogue import load_catalogue

logger = logging.getLogger(__name__)

NEEDS = {
    "core": "core installation",
    "book": "<code>book</code> installation",
    "deep": "<code>deep</code> installation",
}


class Box(SphinxDirective):
    """An admonition with a fixed title."""

    has_content = True
    kind = ""
    title = ""

    def run(self) -> list[nodes.Node]:
        """Build the box."""
        self.assert_has_content()
        box = nodes.admonition(classes=["course-box", self.kind])
        box += nodes.title("", "", *self.parse_inline(self.title)[0])
        self.set_source_info(box)
        self.state.nested_parse(self.content, self.content_offset, box)
        return [box]


class Objectives(Box):
    """What the reader can do after the chapter."""

    kind, title = "objectives", "By the end you can"


class Predict(Box):
    """A question to answer before reading on."""

    kind, title = "predict", "Predict first"


class KeyPoints(Box):
    """What to take away; the section's heading is its title."""

    kind = "keypoints"

    def run(self) -> list[nodes.Node]:
        """Build a box without a title."""
        self.assert_has_content()
        box = nodes.container(classes=["course-box", self.kind])
        self.set_source_info(box)
        self.state.nested_parse(self.content, self.content_offset, box)
        return [box]


class folded(nodes.General, nodes.Element):
    """A ``<details>`` element; ``summary`` is its visible line."""


class Fold(SphinxDirective):
    """Something folded until asked for; the argument is its visible line."""

    has_content = True
    required_arguments = 1
    final_argument_whitespace = True
    option_spec: ClassVar[dict[str, Any]] = {"class": directives.class_option}

    def run(self) -> list[nodes.Node]:
        """Build the fold."""
        self.assert_has_content()
        fold = folded(summary=self.arguments[0], classes=self.options.get("class", []))
        self.set_source_info(fold)
        self.state.nested_parse(self.content, self.content_offset, fold)
        return [fold]


class Hint(Fold):
    """A nudge, folded until asked for."""

    required_arguments = 0

    def run(self) -> list[nodes.Node]:
        """Build the fold."""
        self.arguments, self.options = ["Hint"], {"class": ["hint"]}
        return super().run()


class Exercise(SphinxDirective):
    """An exercise, numbered by itself: chapter, full stop, its place in the chapter.

    One that is in the catalogue has its minutes and hints from there, and shows its stub, both
    files to take away, how to check it, and what may come after it; the tutor edition shows its
    solution too. With ``:further:`` it says so, and the chapter does not count its minutes.
    """

    has_content = True
    required_arguments = 1
    final_argument_whitespace = True
    option_spec: ClassVar[dict[str, Any]] = {
        "name": directives.unchanged_required,
        "minutes": directives.positive_int,
        "further": directives.flag,
    }

    def run(self) -> list[nodes.Node]:
        """Build the box and check that nothing is missing."""
        self.assert_has_content()
        name, minutes = self.options.get("name", ""), self.options.get("minutes", 0)
        if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", name):
            raise self.error(
                f"The exercise '{self.arguments[0]}' needs a line such as ':name: move-the-"
                f"centroids', lower-case words joined by hyphens; it has '{name}'."
            )
        if not 3 <= minutes <= 90:
            raise self.error(
                f"The exercise '{name}' needs a line such as ':minutes: 10', between 3 and 90."
            )
        further = "further" in self.options
        entry = self._entry(name, minutes, further)
        place = self.env.temp_data["exercise"] = self.env.temp_data.get("exercise", 0) + 1
        chapter = re.match(r"(\d+)", self.env.docname.rsplit("/", 1)[-1])
        number = f"{int(chapter[1])}.{place}" if chapter else str(place)
        box = nodes.admonition(classes=["course-box", "exercise"])
        title = nodes.title("", f"Exercise {number}")
        title += nodes.inline("", " · ")
        title += self.parse_inline(self.arguments[0])[0]
        effort = f"{minutes} min · further" if further else f"{minutes} min"
        title += nodes.inline("", effort, classes=["exercise-minutes"])
        box += title
        self.set_source_info(box)
        self.add_name(box)
        self.state.nested_parse(self.content, self.content_offset, box)
        hinted = any("hint" in hint["classes"] for hint in box.findall(folded))
        if entry is None and not hinted:
            raise self.error(f"The exercise '{name}' has no ':::{{hint}}'. Give it at least one.")
        if entry is not None:
            if hinted:
                raise self.error(f"The hints of '{name}' are in exercises/catalogue.toml.")
            self._add(box, self._folds(entry))
        return [box]

    def _entry(self, name: str, minutes: int, further: bool):
        """What the catalogue says of the exercise; None if it is not in there."""
        path = Path(self.env.srcdir) / "exercises" / "catalogue.toml"
        if not path.is_file():
            return None
        self.env.note_dependency(str(path))
        catalogue = load_catalogue(self.env.srcdir)
        if name not in catalogue:
            return None
        entry, page = catalogue[name], self.env.docname.rsplit("/", 1)[-1]
        if (entry.chapter, entry.title, entry.minutes) != (page, self.arguments[0], minutes):
            raise self.error(
                f"The catalogue has '{name}' in {entry.chapter} as '{entry.title}', "
                f"{entry.minutes} minutes; the page says otherwise."
            )
        if entry.further != further:
            raise self.error(
                f"'{name}' is marked ':further:' on the page or 'further = true' in the catalogue; "
                "mark it in both places or in neither."
            )
        return entry

    def _folds(self, entry) -> list[str]:
        """Markdown of what stands under the task."""
        self.env.note_dependency(str(entry.stub))
        place = f"/exercises/{entry.chapter}/{entry.id}"
        lines = [
            *("::::{fold} Where to begin", ":class: stub", ""),
            *(f":::{{literalinclude}} {place}.py", ":language: python", ":::", ""),
            f"Take it with you: {{download}}`Python file <{place}.py>` · "
            f"{{download}}`notebook <{place}.ipynb>`",
            *("::::", ""),
            f"Check your answer with `octlessons check {entry.id}`, or in a notebook with "
            f'`exercise("{entry.id}").check()`.',
            "",
        ]
        for hint in entry.hints:
            lines += [":::{hint}", hint, ":::", ""]
        if entry.after:
            lines += [":::{fold} After passing", ":class: after", "", entry.after, ":::", ""]
        if self.env.config.octlessons_edition == "tutor":
            self.env.note_dependency(str(entry.solution))
            place = f"/solutions/{entry.chapter}/{entry.id}"
            lines += ["::::{fold} Solution", ":class: solution", ""]
            lines += [f":::{{literalinclude}} {place}.py", ":language: python", ":::", "::::", ""]
        return lines

    def _add(self, box: nodes.Element, lines: list[str]) -> None:
        source = self.get_source_info()[0]
        self.state.nested_parse(StringList(lines, source), self.content_offset, box)


def visit_folded(translator: Any, node: folded) -> None:
    """Open a ``<details>`` element."""
    translator.body.append(translator.starttag(node, "details", CLASS="course-fold"))
    translator.body.append(f"<summary>{html.escape(node['summary'])}</summary>")


def depart_folded(translator: Any, node: folded) -> None:
    """Close it."""
    translator.body.append("</details>\n")


def nothing(translator: Any, node: nodes.Node) -> None:
    """Write only the content where there is no HTML."""


def add_card(app: Any, page: str, template: str, context: dict[str, Any], doctree: Any) -> None:
    """Write minutes, needs and data under the title of a chapter."""
    meta = context.get("meta") or {}
    if "teaching" not in meta or "body" not in context:
        return
    facts = [
        f"<li><strong>{int(meta['teaching'])} min</strong> teaching</li>",
        f"<li><strong>{int(meta.get('exercises', 0))} min</strong> exercises</li>",
        f"<li>{NEEDS.get(str(meta.get('needs')), html.escape(str(meta.get('needs'))))}</li>",
        f"<li>data: {html.escape(str(meta.get('data', '')))}</li>",
    ]
    card = f'</h1>\n<ul class="chapter-card" aria-label="About this chapter">{"".join(facts)}</ul>'
    context["body"] = context["body"].replace("</h1>", card, 1)


def setup(app: Any) -> dict[str, Any]:
    """Register directives, nodes and the line under the title."""
    for directive in (Objectives, Predict, KeyPoints, Exercise, Hint, Fold):
        app.add_directive(directive.__name__.lower(), directive, override=True)
    app.add_node(folded, html=(visit_folded, depart_folded), text=(nothing, nothing))
    app.add_config_value("octlessons_edition", "student", "env", types=[str])
    app.connect("html-page-context", add_card)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
