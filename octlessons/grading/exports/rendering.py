"""Pages that need nothing but themselves: the templates and their one style."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from octlessons._optional import need
from octlessons.figures.style import DARK, LIGHT, PALETTE
from octlessons.grading.late import points_text, time_text
from octlessons.wording import count

if TYPE_CHECKING:
    from jinja2 import Environment


def render(template: str, **values) -> str:
    """Fill in a template: a page without scripts and without addresses of other hosts.

    Every value is escaped where it stands; a name that the template misses is an error.
    """
    return _environment().get_template(template).render(**values)


@cache
def _environment() -> Environment:
    jinja2 = need("jinja2", "Pages of marks are made with jinja2")
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"points": points_text, "time": time_text}
    environment.globals |= {"count": count, "light": LIGHT, "dark": DARK, "palette": PALETTE}
    return environment
