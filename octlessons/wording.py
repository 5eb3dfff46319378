"""Sentences about numbers that stay true when the numbers change.

The book is built on phantoms, on OCTMNIST, or on a reader's own scans. A sentence such as "the
flattened pixels agree better" must then follow from the run. These helpers turn results into
words; `Prose` shows the words as text of the page.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from html import escape
from math import isfinite
from typing import ClassVar


@dataclass(frozen=True)
class Prose:
    """Markdown that a notebook shows as text.

    Parameters
    ----------
    text : str
        Markdown.

    Examples
    --------
    >>> print(Prose("Five scans."))
    Five scans.
    """

    text: str

    def __str__(self) -> str:
        return self.text

    def __repr__(self) -> str:
        return self.text

    def _repr_markdown_(self) -> str:
        return self.text


def count(n: int, thing: str, things: str | None = None) -> str:
    """Number and noun that fit each other.

    Parameters
    ----------
    n : int
    thing : str
        The noun in the singular.
    things : str, optional
        Its plural, where the rules of spelling (-s, -es, -ies) do not give it.

    Examples
    --------
    >>> count(1, "patient"), count(1200, "class"), count(2, "boundary"), count(3, "axis", "axes")
    ('1 patient', '1,200 classes', '2 boundaries', '3 axes')
    """
    if n == 1:
        return f"1 {thing}"
    if things is None:
        if thing.endswith(("s", "x", "ch", "sh")):
            things = thing + "es"
        elif thing.endswith("y") and thing[-2:-1] not in "aeiou":
            things = thing[:-1] + "ies"
        else:
            things = thing + "s"
    return f"{n:,} {things}"


def decimal(value: float | None, digits: int = 2) -> str:
    """Number with fixed decimals and a real minus sign; a dash where there is none (None, NaN).

    Examples
    --------
    >>> decimal(-0.0312), decimal(-0.001), decimal(float("nan"))
    ('−0.03', '0.00', '–')
    """
    if value is None or not isfinite(value):
        return "–"
    text = f"{value:.{digits}f}"
    return (text[1:] if float(text) == 0 and text[0] == "-" else text).replace("-", "−")


def percent(share: float | None, digits: int = 0) -> str:
    """Share between 0 and 1 as a percentage; a dash where there is none (None, NaN).

    Examples
    --------
    >>> percent(0.257), percent(-0.257, 1)
    ('26 %', '−25.7 %')
    """
    return "–" if share is None or not isfinite(share) else f"{decimal(100 * share, digits)} %"


def p_value(value: float) -> str:
    """P value with three decimals; below that, only the bound.

    Examples
    --------
    >>> p_value(0.0312), p_value(0.0002)
    ('0.031', '< 0.001')
    """
    return "< 0.001" if value < 0.0005 else decimal(value, 3)


def listing(things: Iterable[object], last: str = "and") -> str:
    """Things in a row, as a sentence lists them.

    Examples
    --------
    >>> listing(["CNV", "DME", "drusen"])
    'CNV, DME and drusen'
    """
    *rest, end = [str(thing) for thing in things] or ["none"]
    return f"{', '.join(rest)} {last} {end}" if rest else end


def compared(value: float, other: float, margin: float = 0.0) -> str:
    """How one number stands to another, in words.

    Parameters
    ----------
    value, other : float
    margin : float
        Differences up to this size count as none; give the uncertainty of the difference.

    Returns
    -------
    str
        ``"higher than"``, ``"lower than"`` or ``"about the same as"``.

    Examples
    --------
    >>> compared(0.31, 0.30, margin=0.05)
    'about the same as'
    >>> compared(0.45, 0.30, margin=0.05)
    'higher than'
    """
    if abs(value - other) <= margin:
        return "about the same as"
    return "higher than" if value > other else "lower than"


def against_chance(value: float, low: float, high: float) -> str:
    """Where a score stands to the range that chance alone gives.

    Parameters
    ----------
    value : float
        The score.
    low, high : float
        The range that random labels reach, such as the 95 % range of
        `octlessons.evaluation.agreement`.

    Examples
    --------
    >>> against_chance(0.29, 0.26, 0.30)
    'no better than chance'
    """
    if value > high:
        return "better than chance"
    return "worse than chance" if value < low else "no better than chance"


def one_line(text: str) -> str:
    """Text on one line, although the name of a file may hold line breaks.

    Examples
    --------
    >>> one_line("a\\nb")
    'a\\\\nb'
    """
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)


def text_table(rows: Sequence[Sequence[str]]) -> str:
    """Rows of text in columns: the first to the left, the others to the right.

    Examples
    --------
    >>> print(text_table([("k", "score"), ("2", "0.35"), ("12", "0.2")]))
    k   score
    2    0.35
    12    0.2
    """
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if i == 0 else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    )


def html_table(caption: str, header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Table for a notebook, with a caption and header cells for both directions.

    Parameters
    ----------
    caption : str
        Plain text, as all cells.
    header : sequence of str
        Names of the columns; empty for none.
    rows : sequence of sequences of str
        The first cell of a row is its header.

    Examples
    --------
    >>> html_table("Scores", ["k", "score"], [["2", "< 1"]])[-62:]
    '<tr><th scope="row">2</th><td>&lt; 1</td></tr></tbody></table>'
    """
    head = "".join(f'<th scope="col">{escape(cell)}</th>' for cell in header)
    body = "".join(
        f'<tr><th scope="row">{escape(row[0])}</th>'
        + "".join(f"<td>{escape(cell)}</td>" for cell in row[1:])
        + "</tr>"
        for row in rows
    )
    return (
        f'<table class="octlessons-table"><caption>{escape(caption)}</caption>'
        + (f"<thead><tr>{head}</tr></thead>" if head else "")
        + f"<tbody>{body}</tbody></table>"
    )


class Table:
    """A result that shows itself as a table: text at a prompt, HTML in a notebook.

    A subclass names its columns in `_header` and gives `_caption` and `_cells`.
    """

    _header: ClassVar[tuple[str, ...]] = ()

    def _caption(self) -> str:
        """One line above the table."""
        return ""

    def _cells(self) -> list[tuple[str, ...]]:
        """The rows, as text."""
        raise NotImplementedError

    def _note(self) -> str:
        """One line below the table."""
        return ""

    def __str__(self) -> str:
        table = text_table([self._header, *self._cells()])
        return "\n".join(part for part in (self._caption(), table, self._note()) if part)

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        note = f"<p>{escape(self._note())}</p>" if self._note() else ""
        return html_table(self._caption(), self._header, self._cells()) + note


class Rows(Table):
    """A table of `rows`, one result each, that are found by the name they begin with."""

    rows: tuple

    def __iter__(self) -> Iterator:
        return iter(self.rows)

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, name: str):
        names = [next(iter(vars(row).values())) for row in self.rows]
        if name not in names:
            raise KeyError(f"{name!r} is not among the rows; known: {', '.join(names)}.")
        return self.rows[names.index(name)]


#: Characters with which a spreadsheet begins a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def safe_row(cells) -> list[str]:
    """Cells that a spreadsheet takes for text: an apostrophe before what would be a formula."""
    return [
        f"'{cell}" if isinstance(cell, str) and cell.startswith(_FORMULA) and not _is_number(cell)
        else str(cell)
        for cell in cells
    ]  # fmt: skip


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
