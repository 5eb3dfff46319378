"""The page on which a scan is dropped: it is told whether what runs its networks lies in the site.

Pages with a ``play("drop-scans", …)`` are told by a ``<meta name="course-drop">``;
`octlessons.site.building` says by the setting ``octlessons_drop`` whether this build brings it.
"""

from __future__ import annotations

from typing import Any


def tell(app: Any, page: str, template: str, context: dict[str, Any], doctree: Any) -> None:
    """Tell the page whether it can run networks."""
    if app.config.octlessons_drop and doctree and "play-drop-scans" in context.get("body", ""):
        context["metatags"] += '<meta name="course-drop" content="ready"/>\n'


def setup(app: Any) -> dict[str, Any]:
    """Register the setting and the step."""
    app.add_config_value("octlessons_drop", False, "env", types=[bool])
    app.connect("html-page-context", tell)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
