"""The fitted model on a disk: a file of skops, which holds numbers and names but no code."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path
from typing import Any

from octlessons._files import write_atomically
from octlessons.errors import OctlessonsError, first_line
from octlessons.report.grouping import Grouper

_SCHEMA, _LONG_AGO = "schema.json", (1980, 1, 1, 0, 0, 0)


def save_model(path: Path, model) -> None:
    """Keep a fitted model; the same model becomes the same bytes."""
    import skops.io

    write_atomically(path, _settled(skops.io.dumps(model)))


def load_model(path: Path):
    """Read a model; only scikit-learn's types and `Grouper` are let in.

    Raises
    ------
    OctlessonsError
        If it cannot be read, or holds anything else.
    """
    import skops.io

    trusted = [f"{Grouper.__module__}.{Grouper.__qualname__}"]
    try:
        return skops.io.load(path, trusted=trusted)
    except Exception as error:  # skops, zipfile and JSON have errors of their own
        raise OctlessonsError(
            f"The model {path} cannot be read ({first_line(error)}): run octlessons cluster again."
        ) from error


def _settled(data: bytes) -> bytes:
    """The file without what changes from one writing to the next: addresses in memory, the hour."""
    numbers: dict[int, int] = {}

    def renamed(name: str) -> str:
        stem, dot, kind = name.partition(".")
        return f"{numbers[int(stem)]}{dot}{kind}" if stem.isdigit() else name

    def walk(node: Any) -> Any:
        if isinstance(node, list):
            return [walk(part) for part in node]
        if not isinstance(node, dict):
            return node
        if "__id__" in node:
            node = {**node, "__id__": numbers.setdefault(node["__id__"], len(numbers) + 1)}
        if isinstance(node.get("file"), str):
            node["file"] = renamed(node["file"])
        return {name: walk(part) for name, part in node.items()}

    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(out, "w") as new:
        schema = walk(json.loads(old.read(_SCHEMA)))
        parts = {renamed(name): old.read(name) for name in old.namelist() if name != _SCHEMA}
        parts[_SCHEMA] = json.dumps(schema, indent=1).encode()
        for name in sorted(parts):
            new.writestr(zipfile.ZipInfo(name, _LONG_AGO), parts[name], zipfile.ZIP_DEFLATED)
    return out.getvalue()
