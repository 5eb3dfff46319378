"""A call that failed, as a few lines of Python: to paste below one's own function, and to try."""

from __future__ import annotations

import contextlib
import inspect
import io
import tempfile
from pathlib import Path

import numpy as np

from octlessons._files import write_atomically
from octlessons.errors import OctlessonsError
from octlessons.exercises.mistakes import known, wanted

_MOST_VALUES = 24  # of an array that is written into the line itself
_MOST_TEXT = 300


def as_code(student, folder: Path, name: str) -> str:
    """Return the last call of a student's function as Python, or "" if there was none.

    What is too long for a line goes into ``folder / "name.npz"`` (or, where nothing can be written
    there, into the folder for temporary files), and the lines read it.

    Parameters
    ----------
    student : the fixture
    folder : Path
    name : str
        The exercise.
    """
    call = getattr(student, "asked", None)
    if call is None:
        return ""
    kept: dict[str, np.ndarray] = {}
    references = known(getattr(student, "known", None), call.name)["reference"]
    names = list(inspect.signature(references[0]).parameters) if references else []
    names += [f"argument_{i}" for i in range(len(names), len(call.args))]
    given = [_literal(value, key, kept) for key, value in zip(names, call.args, strict=False)]
    given += [f"{key}={_literal(value, key, kept)}" for key, value in call.kwargs.items()]
    lines = ["import numpy as np"]
    right = wanted(student, call)
    expected = _literal(right[0], "expected", kept) if right else ""
    if kept:
        lines.append(f"given = np.load({str(_saved(kept, folder / f'{name}.npz'))!r})")
    lines.append(f"print({call.name}({', '.join(given)}))")
    if expected.startswith("given"):
        lines.append(f"print({expected})  # what was expected")
    elif expected:
        lines.append(f"# expected: {expected}")
    return "\n".join(lines)


def _literal(value, name: str, kept: dict[str, np.ndarray]) -> str:
    """A value as Python; arrays that are too long are kept under a name."""
    if isinstance(value, np.ndarray):
        if value.size <= _MOST_VALUES:
            kind = value.dtype.str if value.dtype.kind in "SU" else value.dtype.name
            text = f"np.array({value.tolist()!r}, dtype={kind!r})"
            if len(text) <= _MOST_TEXT:
                return text.replace("nan", "np.nan").replace("inf", "np.inf")
        kept[name] = value
        return f"given[{name!r}]"
    if isinstance(value, dict):
        pairs = (f"{k!r}: {_literal(v, f'{name}_{k}', kept)}" for k, v in value.items())
        return "{" + ", ".join(pairs) + "}"
    if isinstance(value, list | tuple):
        inner = ", ".join(_literal(v, f"{name}_{i}", kept) for i, v in enumerate(value))
        if isinstance(value, list):
            return f"[{inner}]"
        return f"({inner},)" if len(value) == 1 else f"({inner})"
    return repr(value.item() if isinstance(value, np.generic) else value)


def _saved(kept: dict[str, np.ndarray], path: Path) -> Path:
    stream = io.BytesIO()
    np.savez_compressed(stream, allow_pickle=False, **kept)
    with contextlib.suppress(OctlessonsError):
        write_atomically(path, stream.getvalue(), power_cuts=False)
        with contextlib.suppress(ValueError):
            return path.relative_to(Path.cwd())
        return path
    path = Path(tempfile.gettempdir(), path.name)
    write_atomically(path, stream.getvalue(), power_cuts=False)
    return path
