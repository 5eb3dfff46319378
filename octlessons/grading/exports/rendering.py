"""Pages that need nothing but themselves: the templates and their one style."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from octlessons.figures.style import DARK, LIGHT, PALETTE
from octlessons.grading.late import points_text, time_text
from octlessons.wording import count


def render(template: str, **values) -> str:
    """Fill in a template of this package.

    Parameters
    ----------
    template : str
        Its file name.
    **values
        Every one is escaped where it stands; a name that the template misses is an error.

    Returns
    -------
    str
        A page without scripts and without addresses of other hosts.
    """
    return _environment().get_template(template).render(**values)


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"points": points_text, "time": time_text}
    environment.globals |= {"count": count, "light": LIGHT, "dark": DARK, "palette": PALETTE}
    return environment
