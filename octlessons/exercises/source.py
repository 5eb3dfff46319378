"""Read a student's work: a Python file, or a notebook as data (no kernel, no saved outputs)."""

from __future__ import annotations

import io
import json
import tokenize
from pathlib import Path

from octlessons.errors import OctlessonsError

#: Tag of notebook cells that are not part of the answer: set-up, checking, worked example.
APART = "apart"

_LARGEST = 5_000_000  # bytes


def read_source(path: str | Path) -> str:
    """Return the Python source of a file or notebook.

    Parameters
    ----------
    path : path
        A ``.py`` or ``.ipynb`` file.

    Returns
    -------
    str
        With ``\\n`` line ends. Of a notebook, the code cells without the tag ``apart`` one after
        the other, without magics; saved outputs play no part.

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
    """Decode a Python file: its declared encoding or UTF-8, a byte order mark, any line ends.

    Raises
    ------
    OctlessonsError
        If it is not text.
    """
    if b"\0" in data:
        raise OctlessonsError(
            f"{name} is not a text file: it contains zero bytes. Save it as UTF-8."
        )
    try:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(data).readline)
        text = data.decode(encoding)
    except (SyntaxError, UnicodeDecodeError, LookupError) as error:
        raise OctlessonsError(
            f"{name} is not text in UTF-8 ({error}). Save it as UTF-8."
        ) from error
    return text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")


def notebook_source(data: bytes, name: str) -> str:
    """Put the code cells of a notebook together.

    Raises
    ------
    OctlessonsError
        If it is not a notebook of format 4.
    """
    try:
        cells = json.loads(data.decode("utf-8-sig"))["cells"]
        parts = [
            _without_magics("".join(cell["source"]))
            for cell in cells
            if cell["cell_type"] == "code" and APART not in cell.get("metadata", {}).get("tags", ())
        ]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise OctlessonsError(
            f"{name} is not a notebook that can be read ({type(error).__name__}). Open it in "
            "Jupyter and save it again, or hand in a .py file."
        ) from error
    return "\n\n".join(parts) + "\n"


def _without_magics(source: str) -> str:
    """Blank out IPython's magics and shell lines; a cell magic takes its cell with it."""
    source = source.replace("\r\n", "\n")
    if source.lstrip().startswith("%%"):
        return ""
    lines = []
    for line in source.split("\n"):
        bare = line.lstrip()
        asks = bare.endswith("?") and " " not in bare and not bare.startswith("#")
        if asks or bare.startswith(("%", "!", "?")):
            lines.append(line[: len(line) - len(bare)] + "pass")
        else:
            lines.append(line)
    return "\n".join(lines)
