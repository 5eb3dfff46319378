"""Small repairs for the reference page, which autodoc and napoleon write from docstrings."""

from __future__ import annotations

import re
from typing import Any

# A name such as ``components_`` is a link in reStructuredText unless its underscore is escaped.
TRAILING = re.compile(r"(?<![`\w])(\w+)_(?![`\w])")
# Methods which scikit-learn adds to every estimator, with docstrings that link into its own pages.
INHERITED = re.compile(r"set_\w+_request|get_metadata_routing|get_params|set_params|set_output")


def escape(line: str) -> str:
    """Escape the names that end in an underscore, outside of code.

    Examples
    --------
    >>> escape("shape (n_components_,) of `labels_`")
    'shape (n_components\\\\_,) of `labels_`'
    """
    parts = re.split(r"(`+[^`]*`+)", line)
    parts[::2] = [TRAILING.sub(r"\1\\_", part) for part in parts[::2]]
    return "".join(parts)


def escape_types(app: Any, what: str, name: str, obj: Any, options: Any, lines: list[str]) -> None:
    """Escape the types and sentences of a docstring, not its entries' names nor its examples."""
    for i, line in enumerate(lines):
        if line.lstrip().startswith((">>>", "...")):
            continue
        entry = re.match(r"(\s*[\w, *]+ : )(.*)$", line)
        lines[i] = entry[1] + escape(entry[2]) if entry else escape(line)


def leave_out(app: Any, what: str, name: str, obj: Any, skip: bool, options: Any) -> bool | None:
    """Leave out what scikit-learn adds to every estimator."""
    return True if INHERITED.fullmatch(name) else None


def setup(app: Any) -> dict[str, Any]:
    """Hook both repairs to autodoc, before napoleon reads the docstrings."""
    app.setup_extension("sphinx.ext.autodoc")
    app.connect("autodoc-process-docstring", escape_types, priority=400)
    app.connect("autodoc-skip-member", leave_out)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
