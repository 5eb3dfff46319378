"""The page on which a scan is dropped: what runs its networks lies beside it, where it can be had.

Pages with a ``play("drop-scans", …)`` are told by a ``<meta name="course-drop">`` whether it does.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sphinx.util import logging

from octlessons.site.drop_files import fetch_runtime, write_parts

logger = logging.getLogger(__name__)


def fetch(app: Any, config: Any) -> None:
    """Get the files before the pages are written."""
    folder, sentence = fetch_runtime(Path(app.srcdir))
    config.course_drop = "" if folder is None else str(folder)
    logger.info(sentence)


def tell(app: Any, page: str, template: str, context: dict[str, Any], doctree: Any) -> None:
    """Tell the page whether it can run networks."""
    if app.config.course_drop and doctree and "play-drop-scans" in context.get("body", ""):
        context["metatags"] += '<meta name="course-drop" content="ready"/>\n'


def lay(app: Any, error: Exception | None) -> None:
    """Write the files beside the pages, or take away those of an earlier build."""
    if error is None and app.builder.format == "html":
        folder = app.config.course_drop
        write_parts(Path(folder) if folder else None, Path(app.outdir) / "_static" / "drop")


def setup(app: Any) -> dict[str, Any]:
    """Hook the steps to the build."""
    app.add_config_value("course_drop", "", "html")
    app.connect("config-inited", fetch)
    app.connect("html-page-context", tell)
    app.connect("build-finished", lay)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
