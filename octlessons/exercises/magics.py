"""Notebook cells as plain Python: without IPython's magics, shell lines and questions."""

from __future__ import annotations

import re

# Cell magics whose body is Python that runs here; any other takes its cell with it.
_KEEP = {"time", "timeit", "capture", "prun"}

_TARGET = r"[^\W\d]\w*(?:\.\w+|\[[^\[\]]*\])*"

# x = !ls    a, b = %time f()    none of which Python itself could read
_TIMED = re.compile(r"(?P<before>[^#'\"%!]*?)%time\s+(?P<statement>\S.*)")
_ASSIGNED = re.compile(rf"(?P<indent>\s*)(?P<targets>{_TARGET}(?:\s*[,=]\s*{_TARGET})*)\s*=\s*[!%]")
_ASKED = re.compile(r"\s*%{0,2}[\w.*\[\]-]+\?{1,2}\s*(?:;\s*)?")

_CELL = re.compile(r"\s*%%(\w*)")
_TOKEN = re.compile(r"""#|'{3}|"{3}|['"]|[(\[{]|[)\]}]""")
_ENDS = {quote: re.compile(rf"\\.|{quote}") for quote in ("'", '"', "'''", '"""')}


def without_magics(source: str) -> str:
    """Replace what only IPython understands; every other line stays as and where it is.

    ``%magic``, ``!command`` and ``name?`` become ``pass``, ``x = !command`` and ``x = %magic``
    become ``x = None``; of ``%time x = f()`` and ``x = %time f()`` the statement stays. Of a cell
    under ``%%time``, ``%%timeit``, ``%%capture`` or ``%%prun`` the body stays; under any other cell
    magic (``%%bash``) nothing does. Lines inside a string, inside brackets or continued with a
    backslash are Python and not touched. The time this takes grows with the length of the text and
    no faster.
    """
    lines = source.split("\n")
    for number, line in enumerate(lines):
        if magic := _CELL.match(line):
            if magic[1] not in _KEEP:
                return ""
            lines[number] = ""
        elif line.strip():
            break
    kept, place, more = [], _Place(), False
    for line in lines:
        if more:  # the rest of a magic that goes on in the next line
            kept.append("")
            more = line.endswith("\\")
        elif place.begins and (instead := _instead(line)) is not None:
            kept.append(instead)
            more = line.endswith("\\")
        else:
            kept.append(line)
            place.read(line)
    return "\n".join(kept)


def _instead(line: str) -> str | None:
    """What to put for a line that is a magic; None if it is Python."""
    bare = line.lstrip()
    if timed := _TIMED.fullmatch(line):
        return timed["before"] + timed["statement"]
    if bare.startswith(("%", "!", "?")) or _ASKED.fullmatch(line):
        return line[: len(line) - len(bare)] + "pass"
    if assigned := _ASSIGNED.match(line):
        targets = " = ".join(re.findall(_TARGET, assigned["targets"]))
        return f"{assigned['indent']}{targets} = None"
    return None


class _Place:
    """Where in Python text we are, line by line: in a string, in brackets, or neither."""

    def __init__(self):
        self._quote, self._depth, self._continued = "", 0, False

    @property
    def begins(self) -> bool:
        """Whether a statement begins with the next line."""
        return not self._quote and not self._depth and not self._continued

    def read(self, line: str) -> None:
        at, self._continued = 0, False
        while True:
            if self._quote:
                end = _ENDS[self._quote].search(line, at)
                if end is None:
                    if len(self._quote) == 1 and not _is_continued(line):
                        self._quote = ""  # never closed: not Python, and not our business
                    return
                at = end.end()
                if not end[0].startswith("\\"):
                    self._quote = ""
            else:
                token = _TOKEN.search(line, at)
                if token is None:
                    self._continued = line.endswith("\\")
                    return
                at = token.end()
                if token[0] == "#":
                    return
                if token[0] in "([{":
                    self._depth += 1
                elif token[0] in ")]}":
                    self._depth = max(0, self._depth - 1)
                else:
                    self._quote = token[0]


def _is_continued(line: str) -> bool:
    return (len(line) - len(line.rstrip("\\"))) % 2 == 1
