"""What `bench_fuzzing` throws bytes at: everything that reads from a worker or a submission.

A target is a function of bytes. Whatever they are, it may raise nothing but what the function it
tries is documented to raise, and that it catches itself; anything else is a crash.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import socket
import struct
import tempfile
import time
import types
import unicodedata
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from xml.sax.saxutils import escape

import numpy as np

from octlessons import testing
from octlessons.errors import OctlessonsError
from octlessons.exercises.source import notebook_source, python_source
from octlessons.grading import text, wire
from octlessons.grading.intake import UNEXPECTED, read_submissions
from octlessons.grading.sandbox.zygote import Child
from tests.benchmarks import fuzz_growing

_PLAIN = [
    None,
    [1, -2, 2**70, 1.5, float("inf"), True, 2 - 3j, b"ab", "é\ud800"],
    ("ok", {"a": [1], 2: (3,), None: "x"}),
    {"kind": "result", "value": np.arange(6, dtype="<f4").reshape(2, 3), "printed": "line\n"},
    [np.zeros((0, 3)), np.array([True, False]), np.array(["one", "é"]), np.array([b"xy"])],
    [np.array(["2026-01-01"], "M8[D]"), np.array([3], "m8[s]"), np.ones(2, "<c16")],
]
"""Pieces of plain data that fuzzing starts from."""


def _messages() -> list[bytes]:
    messages = [wire.encode(value) for value in _PLAIN]
    return [
        message[8 : 8 + int.from_bytes(message[:4], "little")]
        + b"\0"
        + message[8 + int.from_bytes(message[:4], "little") :]
        for message in messages
    ]


def decode(data: bytes) -> None:
    """A message's header and its arrays, with a zero byte between them."""
    header, _, buffers = data.partition(b"\0")
    _decode(header, buffers)


def grown(data: bytes) -> None:
    """The same, with a header that is valid JSON."""
    _decode(*fuzz_growing.message(data))


def _decode(header: bytes, buffers: bytes) -> None:
    try:
        value = wire.decode(header, buffers)
    except wire.Unreadable:
        return
    if len(header) > 2**16:
        return  # large ones are about time
    again = wire.encode(value)
    head = 8 + int.from_bytes(again[:4], "little")
    if wire.encode(wire.decode(again[8:head], again[head:])) != again:
        raise AssertionError("what was read is written in another way the second time")


def receive(data: bytes) -> None:
    """Bytes on the channel itself, lengths included; the other side then closes."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.send(data[:4096])
        theirs.shutdown(socket.SHUT_WR)
        with contextlib.suppress(wire.Unreadable, wire.Closed):
            wire.receive(ours, time.monotonic() + 5)


def answer(data: bytes) -> None:
    """What a worker answers to a call, as the judge takes it."""
    header, buffers = fuzz_growing.answer(data)
    channels, watches = socket.socketpair(), socket.socketpair()
    with channels[0] as ours, channels[1] as theirs, watches[0] as watch, watches[1]:
        theirs.setblocking(False)  # of a long message, the beginning
        theirs.send(struct.pack("<II", len(header), len(buffers)) + header + buffers)
        theirs.shutdown(socket.SHUT_WR)
        with contextlib.suppress(wire.Unreadable, wire.Closed):
            Child(ours, watch).ask(5.0, "call", "f", (), {})


_STUDENT = types.SimpleNamespace(last_call=None)
_LABELS = [0, 1, 1, 2]
_ASSERTIONS: tuple[Callable[[object], object], ...] = (
    lambda found: testing.assert_number(_STUDENT, found, low=0, high=1),
    lambda found: testing.assert_number(_STUDENT, found, whole=True),
    lambda found: testing.assert_array(_STUDENT, found, shape=(None, 3), kind="float", low=0),
    lambda found: testing.assert_array(_STUDENT, found, kind="boolean"),
    lambda found: testing.assert_labels(_STUDENT, found, 4, 3),
    lambda found: testing.assert_close(_STUDENT, found, 1.5),
    lambda found: testing.assert_close(_STUDENT, found, np.ones((2, 3))),
    lambda found: testing.assert_close(_STUDENT, found, (1.0, [1.0])),
    lambda found: testing.assert_close(_STUDENT, found, {"a": 1}),
    lambda found: testing.assert_equal(_STUDENT, found, [1, "x"]),
    lambda found: testing.assert_same_partition(_STUDENT, found, _LABELS),
    lambda found: testing.assert_not_the_labels(_STUDENT, found, _LABELS),
    lambda found: testing.assert_in_band(_STUDENT, found, (0.2, 0.4)),
)


def compare(data: bytes) -> None:
    """What a worker returned, given to the assertions that checks make."""
    try:
        value = wire.decode(*fuzz_growing.message(data))
    except wire.Unreadable:
        return
    for assertion in _ASSERTIONS:
        try:
            assertion(value)
        except AssertionError as error:
            clean(str(error).encode("utf-8", "surrogatepass"))


def clean(data: bytes) -> None:
    """Text of a submission, on its way into a file."""
    found = data.decode("utf-8", "surrogateescape")
    for one_line in (False, True):
        tidy = text.sanitize(found, 200, one_line=one_line)
        tidy.encode("utf-8")
        escape(tidy)
        bad = {unicodedata.category(c) for c in tidy if c != "\n"} & {"Cc", "Cs", "Cn"}
        if bad or len(tidy) > 200 or (one_line and "\n" in tidy):
            raise AssertionError("text is not clean")


def python(data: bytes) -> None:
    """A file that says it is Python."""
    with contextlib.suppress(OctlessonsError):
        python_source(data, "work.py").encode("utf-8", "surrogatepass")


def notebook(data: bytes) -> None:
    """A file that says it is a notebook."""
    with contextlib.suppress(OctlessonsError):
        notebook_source(data, "work.ipynb").encode("utf-8", "surrogatepass")


def notebook_grown(data: bytes) -> None:
    """The same, and it is valid JSON."""
    notebook(fuzz_growing.notebook(data))


_PLACE = Path(tempfile.gettempdir())
_SUFFIXES = (".zip", ".py", ".ipynb")
_IDS = ("ex1", "ex2", "ex3")


def intake(data: bytes) -> None:
    """A file that somebody handed in; the first byte says of which kind."""
    if data:
        _handed_in(_SUFFIXES[data[0] % len(_SUFFIXES)], data[1:])


def intake_grown(data: bytes) -> None:
    """The same, and it is an archive with few mistakes, or the content of one."""
    _handed_in(".zip", fuzz_growing.archive(data))


def _handed_in(suffix: str, data: bytes) -> None:
    path = _PLACE / f"fuzz-{os.getpid()}{suffix}"
    path.write_bytes(data)
    try:
        submissions = read_submissions(path, _IDS)
    except OctlessonsError:
        return
    finally:
        path.unlink()
    for submission in submissions:
        if not re.fullmatch(r"[a-z0-9_-][a-z0-9._-]{0,79}", submission.slug):
            raise AssertionError(f"{submission.slug!r} is no slug")
        submission.name.encode("utf-8")
        for name in _IDS:
            work = submission.works[name]
            work.file.encode("utf-8")
            if work.source is not None:
                work.source.encode("utf-8")
            elif not work.problem or UNEXPECTED in work.problem:
                raise AssertionError(f"a problem without a sentence of its own: {work.problem}")


def _archives() -> list[bytes]:
    source = b"def standardize(X):\n    return X\n"
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in ("ana/ex1.py", "ana/ex2.ipynb", "bob/ex1.py", "times.csv"):
            archive.writestr(name, source)
    return [b"\0" + out.getvalue(), b"\1" + source, b"\2" + _notebooks()[0]]


def _heavy_archives() -> Iterator[bytes]:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for i in range(3000):
            archive.writestr(f"s{i}/ex1.py", b"")
    yield b"\0" + out.getvalue()
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("ana/ex1.py", bytes(200_000_000))
        archive.writestr("ana/ex2.py", b"#" * 200_000_000)
    yield b"\0" + out.getvalue()


def _notebooks() -> list[bytes]:
    code = {"cell_type": "code", "metadata": {"exercise": "ex1", "tags": []}, "outputs": []}
    cells = [
        {**code, "source": "%matplotlib inline\n!ls\nprint?\ndef f(x):\n    return x\n"},
        {**code, "source": ["%%bash\n", "ls"], "metadata": {"tags": ["apart"]}},
        {"cell_type": "markdown", "metadata": {}, "source": "# Title"},
    ]
    notebook = {"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": cells}
    return [json.dumps(notebook).encode(), json.dumps(notebook, indent=1).encode("utf-8-sig")]


_SOURCES = [
    b"import numpy as np\r\ndef f(x):\r\n    return x\r\n",
    b"\xef\xbb\xbf# -*- coding: latin-1 -*-\nx = '\xe9'\n",
    "#!/usr/bin/python\n# vim: set fileencoding=utf-8 :\nx = 'é'\n".encode(),
    *(f"# coding: {name}\nx = 1\n".encode() for name in ("utf-7", "idna", "hz", "undefined")),
]
_TEXTS = [
    b"\x1b[31mred\x1b[0m \x1b]0;title\x07 <b>&amp;\r\n\ttab \xed\xa0\x80",
    "=HYPERLINK(1) \u202e \ufffe é".encode(),
]
_SPROUTS = [bytes(range(1, 60)), bytes(range(60, 3, -1)), b"\x0a\x04" * 12]


def _heavy_messages() -> Iterator[bytes]:
    """Headers as large as they may be, made to take long."""
    most = wire.MOST_HEADER
    same_hash = (str(k * (2**61 - 1)) for k in range(1, most // 24))
    yield b'["d",' + ",0,".join(same_hash)[: most - 2**10].rpartition(",0,")[0].encode() + b",0]"
    twins = (",".join(f"-{1 + (k >> bit & 1)}" for bit in range(18)) for k in range(2**17))
    yield b'["d",' + ",".join(f'["t",{twin}],0' for twin in twins).encode() + b"]"
    imaginary = (f'["c",{2**40 - 1000003 * k},{k}],0' for k in range(most // 30))
    yield b'["d",' + ",".join(imaginary).encode() + b"]"
    yield b'["i","0x' + b"f" * (most - 20) + b'"]'
    yield from (b"[" * most, b'["l",' * (most // 5), b"9" * most, b'"' + b"a" * (most - 2) + b'"')
    yield b'["l"' + b",0" * (most // 2 - 8) + b"]"
    yield b'["l"' + b',["a","<f8",[0,1099511627775]]' * 200_000 + b"]"


def _heavy_texts() -> Iterator[bytes]:
    for part in (b"\x1b]", b"\x1b[0", b"\r\r\n", b"\xf0\x9f\x98\x80", b"\x00", b" \t"):
        yield part * 2_000_000


def _heavy_sources() -> Iterator[bytes]:
    for name in (b"punycode", b"idna", b"utf-7", b"unicode_escape", b"hz", b"iso2022_jp"):
        yield b"# coding: " + name + b"\n" + b"a+-" * 1_600_000
        yield b"# coding: " + name + b"\n" + b"\\u~{\x1b$B" * 600_000
    yield b"\r" * 5_000_000
    yield b"#" + b" coding:" * 600_000


def _heavy_notebooks() -> Iterator[bytes]:
    yield b"[" * 5_000_000
    yield b'{"cells":' * 500_000
    yield json.dumps({"cells": [{"cell_type": "code", "source": ["x?\n"] * 600_000}]}).encode()
    yield json.dumps({"cells": [{"cell_type": "code", "source": "%%" * 2_000_000}]}).encode()
    yield json.dumps({"cells": [{"cell_type": "code", "source": "(" * 4_000_000}]}).encode()
    yield json.dumps({"cells": [{"cell_type": "code", "source": "!ls \\\n" * 500_000}]}).encode()
    cells = b'{"cell_type":"code","source":"x"},' * 120_000
    yield b'{"cells":[' + cells.rstrip(b",") + b"]}"


def _none() -> Iterator[bytes]:
    return iter(())


@dataclass(frozen=True)
class Target:
    """Something to fuzz.

    Attributes
    ----------
    function : callable
        Of bytes.
    seeds : list of bytes
        Valid inputs, which mutation starts from.
    share : int
        How many of 100 inputs it gets.
    heavy : callable
        Gives large inputs made to take long, which are tried first.
    """

    function: Callable[[bytes], None]
    seeds: list[bytes]
    share: int
    heavy: Callable[[], Iterator[bytes]] = _none


#: Every target by its name; the shares add up to 100.
TARGETS = {
    "wire.decode": Target(decode, _messages(), 14, _heavy_messages),
    "wire.decode, valid JSON": Target(grown, _SPROUTS, 16),
    "wire.receive": Target(receive, [wire.encode(value) for value in _PLAIN], 10),
    "sandbox.Child.ask": Target(answer, _SPROUTS, 10),
    "testing": Target(compare, _SPROUTS, 8),
    "text.sanitize": Target(clean, _TEXTS, 10, _heavy_texts),
    "python_source": Target(python, _SOURCES, 10, _heavy_sources),
    "notebook_source": Target(notebook, _notebooks(), 5, _heavy_notebooks),
    "notebook_source, valid JSON": Target(notebook_grown, _SPROUTS, 7),
    "intake": Target(intake, _archives(), 5, _heavy_archives),
    "intake, almost an archive": Target(intake_grown, _SPROUTS, 5),
}
