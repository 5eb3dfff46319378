"""Text that came from a submission, made safe to store and to show."""

from __future__ import annotations

import re
import unicodedata

# Escape sequences of terminals, then whatever control characters are left.
_ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\-_])")
_BAD = {"Cc", "Cs", "Co", "Cn", "Cf"}


def sanitize(text: str, most: int = 2_000, *, one_line: bool = False) -> str:
    """Return `text` without control characters, escape sequences and lone surrogates.

    It is valid in UTF-8, XML 1.0, HTML (after escaping) and a terminal. Beyond `most` characters,
    the middle is replaced by `` […] ``.
    """
    if len(text) > 4 * most:  # never work on all of a very long text
        text = f"{text[: 2 * most]} […] {text[-2 * most :]}"
    text = _ESCAPES.sub("", text).replace("\r\n", "\n").replace("\r", "\n").replace("\t", "    ")
    text = "".join(
        c if c == "\n" or unicodedata.category(c) not in _BAD else "\ufffd" for c in text
    )
    if one_line:
        text = " ".join(text.split())
    if len(text) > most:
        head = most * 2 // 3
        text = f"{text[:head]} […] {text[-(most - head - 5) :]}"
    return text
