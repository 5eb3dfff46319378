"""Sections whose heading begins with "Further:" are folded: nobody needs them for what follows."""

from __future__ import annotations

from typing import Any

from boxes import folded
from docutils import nodes

MARK = "Further: "
SUMMARY = "Open this section. It goes further: nothing later needs it."


def fold_further(app: Any, doctree: nodes.document, page: str) -> None:
    """Put what stands under such a heading into a fold; the heading stays."""
    for section in list(doctree.findall(nodes.section)):
        title = section.next_node(nodes.title)
        if title is None or title.parent is not section or not title.astext().startswith(MARK):
            continue
        rest = [child for child in section.children if child is not title]
        fold = folded(summary=SUMMARY, classes=["further"])
        section.children = [title]
        fold.extend(rest)
        section += fold


def setup(app: Any) -> dict[str, Any]:
    """Fold when a page is written, so that the contents on the right still know the headings."""
    app.connect("doctree-resolved", fold_further)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
