"""Grow well-formed but hostile documents from bytes, so that mutation gets past the first brace.

Every byte is a choice. The same bytes give the same document, and a changed byte changes a part of
it, which is what a fuzzer that is guided by coverage needs.
"""

from __future__ import annotations

import io
import json
import zipfile

_NUMBERS = (0, 1, -1, 2, 255, 2**31, 2**53, 2**61 - 1, 10**400, 0.5, -0.0, 1e308, float("nan"))
_TEXTS = ("", "a", "x", "done", "error", "not attempted", "\ud800", "\x1b[2J", "é" * 50, "=1+1")
_TYPES = (
    *("|b1", "|u1", "<i8", "<f2", "<f4", "<f8", "<f16", "<c16", "|S3", "<U2", "<M8[D]", "<m8[s]"),
    *("|O8", ">f8", "<U0", "|S0", "|V8", "<M8[99999D]", "<f3", "|S99999999", "f8,f8"),
)
_NOTEBOOK = (
    *("cells", "cell_type", "code", "source", "metadata", "tags", "apart", "exercise", "ex1"),
    *("id", "outputs", "nbformat", "%%bash\nls", "!ls\ndef f(x): return x", "kernelspec"),
)
_NAMES = (
    *("ex1.py", "ex2.ipynb", "a/ex3.py", "../ex1.py", "/ex1.py", "C:\\ex1.py", "con.py", "é.py"),
    *("a/b/c/ex1.py", "ex1.py/", "", "..", "a//ex1.py", "x\x00.py", "__MACOSX/._ex1.py"),
    *("Ana Li_123_assignsubmission_file/ex1.py", "liana_123_456_ex1.py", "\u202eyp.1xe", "a" * 300),
)


class Choices:
    """Choices read from bytes; when they are used up, always the first one."""

    def __init__(self, data: bytes):
        self._data, self._at = data, 0

    def below(self, n: int) -> int:
        """A number from 0 to n - 1."""
        if self._at >= len(self._data):
            return 0
        self._at += 1
        return self._data[self._at - 1] % n

    def of(self, options):
        """One of some options."""
        return options[self.below(len(options))]

    def rest(self) -> bytes:
        """What has not been used."""
        rest, self._at = self._data[self._at :], len(self._data)
        return rest


def message(data: bytes) -> tuple[bytes, bytes]:
    """Grow a header of valid JSON, and buffers of about the length that it speaks of."""
    choices, lengths = Choices(data), []
    tree = _value(choices, 0, lengths)
    size = min(sum(lengths), 4096) + choices.of((0, 0, 0, 0, 0, 0, 1, -1))
    raw = choices.rest() or b"\x01\x00\x02"
    return json.dumps(tree).encode(), (raw * (size // len(raw) + 1))[: max(size, 0)]


def answer(data: bytes) -> tuple[bytes, bytes]:
    """Grow an answer of a worker: what the judge asks for, more or less."""
    choices, lengths = Choices(data), []
    parts = [
        choices.of((1, 1, 1, 1, 0, True, 1.0)),
        choices.of(("done", "done", "error", "not attempted", None)),
        _value(choices, 1, lengths),
        choices.of((None, None, ["t", ["t"], ["d"]], ["t", ["l"], ["d"]])),
        choices.of(("", "printed", "\ud800", None)),
    ]
    for place in range(5):
        if choices.below(8) == 7:
            parts[place] = _value(choices, 1, lengths)
    tree = [choices.of(("t", "t", "t", "l")), *parts]
    raw = choices.rest() or b"\x01\x00"
    size = min(sum(lengths), 4096)
    return json.dumps(tree).encode(), (raw * (size // len(raw) + 1))[:size]


def _value(choices: Choices, depth: int, lengths: list[int]):
    kind = choices.below(13) if depth < 6 else choices.below(4)
    if kind == 0:
        return choices.of((None, True, False))
    if kind == 1:
        return choices.of(_NUMBERS)
    if kind == 2:
        return choices.of(_TEXTS)
    if kind == 3:
        return ["i", choices.of(("0x", "-0x", "")) + "f" * choices.of((1, 20, 400, 5000, 0))]
    if kind == 4:
        return ["c", choices.of(_NUMBERS), choices.of(_NUMBERS)]
    if kind == 5:
        lengths.append(choices.below(9))
        return ["b", lengths[-1]]
    if kind in (6, 7):
        return _array(choices, lengths)
    if kind == 8:
        return {choices.of(_TEXTS): _value(choices, depth + 1, lengths)}
    letter = ("l", "t", "d", choices.of(("l", "t", "d", "a", "i", "q", "")))[kind - 9]
    n = choices.below(5) * (2 if letter == "d" else 1)
    return [letter, *(_value(choices, depth + 1, lengths) for _ in range(n))]


def _array(choices: Choices, lengths: list[int]) -> list:
    name = choices.of(_TYPES)
    shape = [choices.of((2, 3, 1, 4, 0, 6, 2**20, 2**39, -1)) for _ in range(choices.below(4))]
    item = int("".join(c for c in name.split("[")[0] if c.isdigit()) or 1)
    size = item * (4 if name[1:2] == "U" else 1)
    for n in shape:
        size *= max(n, 0)
    lengths.append(size)
    return ["a", name, shape]


def notebook(data: bytes) -> bytes:
    """Grow JSON made of the words of notebooks."""
    choices = Choices(data)
    cells = [
        _json(choices, 2)
        if choices.below(6) == 5
        else {
            "cell_type": choices.of(("code", "code", "markdown", "raw", None)),
            "metadata": _json(choices, 2) if choices.below(2) else {"exercise": "ex1"},
            "source": _json(choices, 2) if choices.below(2) else choices.of(_NOTEBOOK),
        }
        for _ in range(choices.below(6))
    ]
    whole = {"nbformat": choices.of((4, 4, 3, None)), "metadata": _json(choices, 3), "cells": cells}
    return json.dumps(_json(choices, 0) if choices.below(8) == 7 else whole).encode()


def _json(choices: Choices, depth: int):
    kind = choices.below(6) if depth < 6 else choices.below(4)
    if kind < 2:
        return choices.of(_NOTEBOOK)
    if kind == 2:
        return choices.of((None, True, 0, 1.5, 10**30))
    if kind == 3:
        return choices.of(_TEXTS)
    if kind == 4:
        return [_json(choices, depth + 1) for _ in range(choices.below(4))]
    return {choices.of(_NOTEBOOK): _json(choices, depth + 1) for _ in range(choices.below(4))}


def archive(data: bytes) -> bytes:
    """Grow a zip file of a few entries, some bytes of it then changed."""
    choices, out = Choices(data), io.BytesIO()
    entries = [
        (choices.of(_NAMES), bytes(choices.below(256) for _ in range(choices.below(20))))
        for _ in range(choices.below(6))
    ]
    with zipfile.ZipFile(out, "w", choices.of((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED))) as z:
        for name, content in entries:
            about = zipfile.ZipInfo(name or "-")
            mode = choices.of((0o100644, 0o120777, 0o010644, 0o020644, 0o040755, 0))
            about.external_attr = mode << 16
            about.create_system = choices.of((3, 0, 7))
            z.writestr(about, content)
    whole = bytearray(out.getvalue())
    for _ in range(choices.below(4)):
        place = choices.below(256) | choices.below(256) << 8
        whole[place % len(whole)] = choices.below(256)
    return bytes(whole)
