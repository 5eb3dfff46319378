"""Words of the glossary explain themselves where they stand, when pointed at or focused.

The explanations that a page needs are written into it when it is built, hidden, and each link to
the glossary is described by its own, which screen readers say.  ``reading.js`` shows them beside
the word.  Without a script a link leads to the glossary, as always.
"""

from __future__ import annotations

import html
import re
from typing import Any

from docutils import nodes

LINK = re.compile(
    r'<a class="reference internal" href="(?P<place>[^"#]*#(?P<term>term-[^"]+))">'
    r'(?P<inside><span class="xref std std-term">)'
)


def definitions(app: Any) -> dict[str, tuple[str, str]]:
    """Term and explanation of every entry of the glossary, by the id of its place.

    Entries with several names have one explanation.
    """
    found: dict[str, tuple[str, str]] = {}
    domain = app.env.get_domain("std")
    pages = {name for (kind, _), (name, _) in domain.objects.items() if kind == "term"}
    for page in sorted(pages):
        for item in app.env.get_doctree(page).findall(nodes.definition_list_item):
            meaning = next(item.findall(nodes.definition), None)
            if meaning is None:
                continue
            text = " ".join(child.astext().replace("\n", " ") for child in meaning.children)
            for term in item.findall(nodes.term):
                for place in term["ids"]:
                    found[place] = (term.astext(), text)
    return found


def explain(body: str, known: dict[str, tuple[str, str]]) -> str:
    """Add to a page the explanations of the words that it links to.

    Parameters
    ----------
    body : str
        The page's own HTML.
    known : dict of str to (str, str)
        See :func:`definitions`.

    Returns
    -------
    str
        Unchanged if there are none.
    """
    used: dict[str, tuple[str, str]] = {}

    def describe(link: re.Match[str]) -> str:
        term = link["term"]
        if term not in known:
            return link[0]
        used[term] = known[term]
        return (
            f'<a class="reference internal term-link" href="{link["place"]}" '
            f'aria-describedby="note-{term}">{link["inside"]}'
        )

    body = LINK.sub(describe, body)
    if not used:
        return body
    notes = "".join(
        f'<p class="term-note" id="note-{term}" role="tooltip" hidden><strong>{html.escape(name)}'
        f"</strong> {html.escape(text)}</p>\n"
        for term, (name, text) in used.items()
    )
    return f'{body}<div class="term-notes">\n{notes}</div>\n'


def add_notes(app: Any, page: str, template: str, context: dict[str, Any], doctree: Any) -> None:
    """Explain the words of one page, but not those of the glossary itself."""
    if doctree is None or "body" not in context or 'id="term-' in context["body"]:
        return
    if not hasattr(app, "octlessons_terms"):
        app.octlessons_terms = definitions(app)
    context["body"] = explain(context["body"], app.octlessons_terms)


def setup(app: Any) -> dict[str, Any]:
    """Add the explanations while a page is written."""
    app.connect("html-page-context", add_notes, priority=700)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
