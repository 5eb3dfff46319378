"""The terms of use and the source of scans, from what their owner wrote beside them."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from pathlib import Path

NOT_RECORDED = "not recorded in the folder"

_MOST = 300  # characters of a text that a page shows
_NAMED = re.compile(r"(licen[cs]e|source|readme)(\.(md|txt|rst))?", re.I)
_LINES = {
    "licence": re.compile(r"^\W*(?:licen[cs]e|terms of use)\W*[:=][\s*]*(.*\w.*)", re.I | re.M),
    "source": re.compile(r"^\W*(?:source|citation|please cite)\W*[:=][\s*]*(.*\w.*)", re.I | re.M),
}


def terms_of(folder: Path) -> tuple[str, str]:
    """Terms of use and source that the files of a folder name; "" for what none of them says.

    A file LICENCE (or LICENSE) gives the terms by its first line, a file SOURCE the source by its
    first paragraph; else a line such as ``Licence: CC BY 4.0`` or ``Source: …`` of a README.
    """
    texts: dict[str, str] = {}
    try:
        for name in sorted(os.listdir(folder)):
            if found := _NAMED.fullmatch(name):
                with open(folder / name, "rb") as stream:
                    text = stream.read(20_000).decode("utf-8-sig", "replace")
                texts.setdefault(found[1].casefold().replace("licence", "license"), text)
    except OSError:
        return "", ""
    line = {
        what: (found := pattern.search(texts.get("readme", ""))) and found[1]
        for what, pattern in _LINES.items()
    }
    licence = _plain(texts.get("license", "")).partition("\n")[0]
    source = _plain(texts.get("source", "")).partition("\n\n")[0]
    return _short(licence or line["licence"]), _short(source or line["source"])


def terms_in(cells: Iterable[str | None]) -> str:
    """What a column of a table says, each text once."""
    return _short("; ".join(dict.fromkeys(filter(None, cells))))


def _plain(text: str) -> str:
    """Text without the marks of headings, and without empty lines before it."""
    lines = [re.sub(r"^[#=*>\-\s]+|[*=\s]+$", "", line) for line in text.splitlines()]
    return "\n".join(lines).strip()


def _short(text: str | None) -> str:
    """One printable line of at most 300 characters, without the full stop that a page adds."""
    words = " ".join("".join(c if c.isprintable() else " " for c in text or "").split())
    return (words if len(words) <= _MOST else words[: _MOST - 1] + "…").rstrip(" .")
