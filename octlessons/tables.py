"""Small tables of text, as the results of the course show themselves."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape


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
    >>> html_table("Scores", ["k", "score"], [["2", "< 1"]])[-61:]
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
