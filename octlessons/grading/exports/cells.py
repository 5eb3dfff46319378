"""Tables as CSV that spreadsheets show and never run."""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from collections.abc import Iterable, Sequence
from fractions import Fraction

from octlessons.grading.exports.view import safe
from octlessons.grading.late import points_text

#: First character of a formula; full-width and small variants become these by NFKC.
_FORMULA = "=+-@|%\u2212"

# Where another separator than the comma would begin a new cell.
_INNER = re.compile(r"([;\t\n|])(\s*)(?=\S)")

Cell = str | int | Fraction | None


def csv_text(header: Sequence[str], rows: Iterable[Sequence[Cell]]) -> str:
    """Write a table as CSV with commas and CRLF line ends, as RFC 4180 has it.

    Parameters
    ----------
    header : sequence of str
    rows : sequence of sequences
        Numbers stay numbers, None is an empty cell, and text is made harmless by `harmless`.

    Returns
    -------
    str
    """
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow([harmless(name) for name in header])
    writer.writerows([_cell(cell) for cell in row] for row in rows)
    return text.getvalue()


def harmless(text: str) -> str:
    """Return text that no spreadsheet takes for a formula.

    An apostrophe goes before whatever could begin one, at the start and after a separator of
    another country's spreadsheets: these split a comma-separated line at semicolons or tabs, and
    would find a formula in the middle of a cell.

    Examples
    --------
    >>> harmless("=1+1"), harmless(" ＠SUM(A1)"), harmless("a;=1"), harmless("Ana")
    ("'=1+1", "' ＠SUM(A1)", "a;'=1", 'Ana')
    """
    text = safe(text)
    if _begins_formula(text):
        text = "'" + text
    return _INNER.sub(lambda found: found[0] + "'" * _begins_formula(text[found.end() :]), text)


def _begins_formula(text: str) -> bool:
    if text[:1] in ("\t", "\r", "\n"):
        return True
    # Spaces and invisible characters before it do not hide a formula from every program.
    bare = text.lstrip().lstrip("\ufeff\u200b\u200c\u200d\u2060\"'`").lstrip()
    first = unicodedata.normalize("NFKC", bare[:1])
    return bool(first) and first[0] in _FORMULA and not text.startswith("'")


def _cell(cell: Cell) -> str:
    if cell is None:
        return ""
    return harmless(cell) if isinstance(cell, str) else points_text(cell)
