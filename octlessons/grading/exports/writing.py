"""Text and numbers as files have them: safe in XML, HTML, JSON, and CSV that no program runs."""

from __future__ import annotations

import csv
import io
import json
import re
import unicodedata
from collections.abc import Iterable, Sequence
from fractions import Fraction

from octlessons.grading.late import points_text

# What XML 1.0 and UTF-8 have no place for; cleaned text has none of it.
_BAD = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")

#: First character of a formula; full-width and small variants become these by NFKC.
_FORMULA = "=+-@|%\u2212"

# Where another separator than the comma would begin a new cell.
_INNER = re.compile(r"([;\t\n|])(\s*)(?=\S)")

Cell = str | int | Fraction | None


def safe(text: str) -> str:
    """Text that XML, HTML, JSON and UTF-8 can hold."""
    return _BAD.sub("\ufffd", text.replace("\r\n", "\n").replace("\r", "\n"))


def one_line(text: str) -> str:
    """Safe text without line breaks."""
    return " ".join(safe(text).split())


def json_number(value: Fraction | int) -> int | float:
    """Points as JSON has them: whole if they are, else with at most four decimals."""
    text = points_text(value)
    return float(text) if "." in text else int(text)


def json_text(content: dict) -> str:
    """The content of a JSON file."""
    return json.dumps(content, indent=1, ensure_ascii=True, allow_nan=False) + "\n"


def csv_text(header: Sequence[str], rows: Iterable[Sequence[Cell]]) -> str:
    """A table as RFC 4180 has it: None is an empty cell, text is made harmless."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow([harmless(name) for name in header])
    writer.writerows([_cell(cell) for cell in row] for row in rows)
    return text.getvalue()


def harmless(text: str) -> str:
    """Text that no spreadsheet takes for a formula: an apostrophe goes before whatever begins one.

    So it does after separators of other countries' spreadsheets, which begin a cell in the middle.

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
