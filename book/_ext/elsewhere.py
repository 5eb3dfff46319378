"""Links that open a chapter's notebook on somebody else's machine: Colab and Binder.

They are there only where the repository is known and lies on GitHub, because both services fetch
the notebook from there: Colab from the branch ``notebooks``, which the workflows fill, Binder from
the tagged sources, with the environment of ``.binder``.  They are links to follow; the page loads
nothing from there.
"""

from __future__ import annotations

import html
import re
from typing import Any
from urllib.parse import quote

GITHUB = re.compile(r"https://github\.com/(?P<where>[\w.-]+/[\w.-]+)")


def places(page: str, us: dict[str, str]) -> dict[str, str]:
    """Addresses that open the notebook of a chapter, by the name of the service.

    Parameters
    ----------
    page : str
        Without suffix.
    us : dict of str to str
        The course: ``repository`` and ``version``.

    Returns
    -------
    dict of str to str
        None where the repository is not known, or is elsewhere.
    """
    found = GITHUB.fullmatch(us.get("repository", ""))
    if found is None:
        return {}
    edition = "main" if ".dev" in us["version"] else f"v{us['version']}"
    name = f"{page.rsplit('/', 1)[-1]}.ipynb"
    return {
        "Colab": "https://colab.research.google.com/github/"
        f"{found['where']}/blob/notebooks/{edition}/{name}",
        "Binder": f"https://mybinder.org/v2/gh/{found['where']}/{edition}"
        f"?labpath={quote(f'notebooks/{name}', safe='')}",
    }


def add_links(app: Any, page: str, template: str, context: dict[str, Any], doctree: Any) -> None:
    """Put the links into the line under the title of a chapter."""
    meta = context.get("meta") or {}
    if "teaching" not in meta or "body" not in context:
        return
    links = " or ".join(
        f'<a href="{html.escape(address)}">{name}</a>'
        for name, address in places(page, app.config.octlessons_identity).items()
    )
    if links:
        context["body"] = re.sub(
            r'(<ul class="chapter-card".*?)</ul>',
            lambda card: f"{card[1]}<li>open in {links}</li></ul>",
            context["body"],
            count=1,
            flags=re.S,
        )


def setup(app: Any) -> dict[str, Any]:
    """Add the links after the line itself (``boxes.py``)."""
    app.connect("html-page-context", add_links, priority=550)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
