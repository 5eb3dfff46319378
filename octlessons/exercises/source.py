"""Read a student's work: a Python file, or a notebook as data (no kernel, no saved outputs)."""

from __future__ import annotations

import ast
import codecs
import hashlib
import io
import json
import re
import tokenize
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from octlessons.errors import OctlessonsError
from octlessons.exercises.magics import without_magics

#: Tag of notebook cells that are not part of the answer: set-up, checking, worked example.
APART = "apart"

#: Beside the stubs: the hash of each, as it is given out.
HASHES = "stubs.json"

_LARGEST = 5_000_000  # bytes

# Python lets files declare these, but they are made for other things, and slow with long texts.
_NO_TEXT = {"punycode", "idna", "unicode_escape", "raw_unicode_escape", "undefined"}


def read_source(path: str | Path) -> str:
    """Return the Python source of a ``.py`` or ``.ipynb`` file, with ``\\n`` line ends.

    Of a notebook, the code cells without the tag ``apart`` one after the other, without magics;
    saved outputs play no part.

    Raises
    ------
    OctlessonsError
        If it cannot be read, is too large, or is neither Python nor a notebook.
    """
    path = Path(path)
    try:
        if path.stat().st_size > _LARGEST:
            raise OctlessonsError(
                f"{path} has more than {_LARGEST // 1_000_000} MB; clear the outputs of the "
                "notebook and save it again."
            )
        data = path.read_bytes()
    except OSError as error:
        raise OctlessonsError(f"{path} cannot be read: {error.strerror or error}.") from error
    if path.suffix == ".ipynb":
        return notebook_source(data, str(path))
    return python_source(data, str(path))


def python_source(data: bytes, name: str) -> str:
    """Decode a Python file: its declared encoding or UTF-8, a byte order mark, any line ends."""
    if b"\0" in data:
        raise OctlessonsError(
            f"{name} is not a text file: it contains zero bytes. Save it as UTF-8."
        )
    try:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(data).readline)
        if codecs.lookup(encoding).name.replace("-", "_") in _NO_TEXT:
            raise LookupError(f"{encoding} is no encoding of files")
        text = data.decode(encoding)
    except (SyntaxError, UnicodeDecodeError, LookupError) as error:
        raise OctlessonsError(f"{name} is not UTF-8 text ({error}). Save it as UTF-8.") from error
    text = text.encode("utf-8", "replace").decode("utf-8")  # UTF-7 can hold half characters
    return text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")


def notebook_source(data: bytes, name: str) -> str:
    """Put the code cells of a notebook together."""
    return joined(cell for cell in notebook_cells(data, name) if APART not in cell.tags)


@dataclass(frozen=True)
class Cell:
    """One code cell: Python without magics, tags, and the exercises it is marked as an answer to.

    In a notebook that is marked as a whole, cells without a mark have its mark.
    """

    source: str
    tags: frozenset[str] = frozenset()
    exercises: tuple[str, ...] = ()


def notebook_cells(data: bytes, name: str) -> list[Cell]:
    """Return the code cells of a notebook, as data: outputs and kernels play no part.

    A cell is marked by its metadata, ``{"exercise": "dark-part"}`` or ``{"octlessons":
    {"exercise": "dark-part"}}``; a list of ids is fine too. The notebooks of the course carry the
    second one in the metadata of the notebook.

    Raises
    ------
    OctlessonsError
        If it is not a notebook of format 4.
    """
    try:
        content = json.loads(data.decode("utf-8-sig"))
        if "worksheets" in content:
            raise OctlessonsError(
                f"{name} is not a valid notebook of format 4, but of an old one. Open it in "
                "Jupyter and save it again, or hand in a .py file."
            )
        whole = _marks(content.get("metadata"))
        cells = [_typed(cell, dict) for cell in content["cells"]]
        cells = [_cell(cell, whole) for cell in cells if cell["cell_type"] == "code"]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise OctlessonsError(
            f"{name} is not a valid notebook ({type(error).__name__}). Open it in "
            "Jupyter and save it again, or hand in a .py file."
        ) from error
    if any("\0" in cell.source for cell in cells):
        raise OctlessonsError(f"{name} contains zero bytes in a cell. Delete them.")
    return cells


def percent_cells(source: str) -> list[Cell]:
    """Return the code cells of a Python file with cells between lines ``# %%``.

    Cells are marked as jupytext does: ``# %% tags=["setup"]``, ``# %% exercise="dark-part"``. What
    stands before the first such line is none.
    """
    cells = []
    for part in re.split(r"^# ?%%", source, flags=re.MULTILINE)[1:]:
        line, _, body = part.partition("\n")
        head = line[:500]
        if not re.match(r"[^\[\]=]*\[(?:markdown|md|raw)\]", head):
            tags = re.search(r"\btags=\[([^\]]*)\]", head)
            marks = re.findall(r"""\bexercise["']?\s?[=:]\s?["']([\w -]+)["']""", head)
            words = re.findall(r"""["']([\w -]+)["']""", tags[1]) if tags else ()
            cells.append(Cell(body, frozenset(words), tuple(marks)))
    return cells


def joined(cells: Iterable[Cell]) -> str:
    """Put cells together as one Python file."""
    return "\n\n".join(cell.source for cell in cells) + "\n"


def _cell(cell: dict, whole: tuple[str, ...]) -> Cell:
    source = cell["source"]
    if not isinstance(source, str):
        source = "".join(_typed(source, list))
    # Half of a surrogate pair is no character, and cannot be written to any file.
    source = source.encode("utf-8", "replace").decode("utf-8")
    metadata = cell.get("metadata")
    tags = metadata.get("tags") if isinstance(metadata, dict) else None
    tags = frozenset(t for t in tags if isinstance(t, str)) if isinstance(tags, list) else ()
    source = without_magics(source.replace("\r\n", "\n").replace("\r", "\n"))
    return Cell(source, frozenset(tags), _marks(metadata) or whole)


def _marks(metadata) -> tuple[str, ...]:
    """The exercises in some metadata, whatever else and of whatever types is in there."""
    if not isinstance(metadata, dict):
        return ()
    own = metadata.get("octlessons")
    found = metadata.get("exercise", own.get("exercise") if isinstance(own, dict) else None)
    names = found if isinstance(found, list) else [found]
    return tuple(name for name in names if isinstance(name, str))


def _typed(value, kind: type):
    if not isinstance(value, kind):
        raise TypeError(f"{kind.__name__} expected")
    return value


def is_untouched(path: Path) -> bool:
    """Whether a stub or notebook is as it was given out (saved outputs do not count).

    Files that are not in ``stubs.json`` are the student's own.
    """
    folder = path.parent.parent
    try:
        hashes = json.loads((folder / HASHES).read_text("utf-8"))
        given = hashes.get(path.relative_to(folder).as_posix())
        if given is None or given == text_hash(path.read_text("utf-8").replace("\r\n", "\n")):
            return given is not None
        if path.suffix != ".ipynb":
            return False
        # A notebook that was only opened and run: the same code as the stub's.
        stub = read_source(path.with_suffix(".py"))
        return _code(read_source(path)) == _code(stub)
    except (OSError, ValueError, OctlessonsError):
        return False


def _code(source: str) -> str:
    """Python without comments, docstring of the file and layout; for comparing."""
    try:
        tree = ast.parse(source)
    except SyntaxError:
        return source
    if tree.body and ast.get_docstring(tree) is not None:
        tree.body = tree.body[1:]
    return ast.dump(tree)


def text_hash(text: str) -> str:
    """SHA-256 of a text, as ``stubs.json`` holds it."""
    return hashlib.sha256(text.encode()).hexdigest()
