"""What a result depends on, as one hash: the code it runs, the libraries, and what it was given.

A cached page, the result of a claim and a mark are kept only while their fingerprint is the same.
Which code a module runs is read off its import statements, those inside functions too, so nobody
has to keep a list.
"""

from __future__ import annotations

import ast
import hashlib
import json
import platform
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

PACKAGE = Path(__file__).resolve().parent

#: Libraries whose versions can change a number.
LIBRARIES = (
    "albumentations",
    "matplotlib",
    "numpy",
    "onnxruntime",
    "pandas",
    "pillow",
    "pytest",
    "scikit-image",
    "scikit-learn",
    "scipy",
    "torch",
    "torchvision",
)


def fingerprint(*modules: str, also: Any = None) -> str:
    """Hash of some modules with all of the package that they reach, and of what else matters.

    Parameters
    ----------
    *modules : str
        Names such as ``"octlessons.grading.judge"``; none means the whole package.
    also : anything that JSON knows, optional
        Settings, checksums of data and the like.

    Returns
    -------
    str
        SHA-256 in 64 hexadecimal digits.
    """
    paths = reached(*modules) if modules else tuple(_files_of(PACKAGE))
    code = [[path.relative_to(PACKAGE).as_posix(), _hash(path)] for path in paths]
    content = json.dumps([code, versions(), also], sort_keys=True)
    return hashlib.sha256(content.encode("utf-8", "surrogatepass")).hexdigest()


@cache
def versions() -> dict[str, str]:
    """Versions of Python and of the libraries whose results are kept; "" for those not here."""
    found = {"python": platform.python_version()}
    for name in LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = ""
    return found


@cache
def reached(*modules: str) -> tuple[Path, ...]:
    """Files of the package that modules reach by imports, themselves included.

    Parameters
    ----------
    *modules : str
        Modules or sub-packages of ``octlessons``; a sub-package stands for all of its files.

    Returns
    -------
    tuple of Path
        Python files and the data files beside them in sub-packages, sorted.
    """
    found: set[Path] = set()
    waiting = [path for name in modules for path in _files_named(name)]
    while waiting:
        path = waiting.pop()
        if path in found:
            continue
        found.add(path)
        if path.suffix == ".py":
            waiting += [f for name in imported(path) for f in _files_named(name) if f not in found]
    return tuple(sorted(found))


@cache
def imported(path: Path) -> tuple[str, ...]:
    """Modules of this package that a Python file imports, at its top or anywhere inside.

    Parameters
    ----------
    path : Path

    Returns
    -------
    tuple of str
        Full dotted names, sorted; ``from octlessons.images import ImageSet`` gives
        ``"octlessons.images"``.
    """
    names = set()
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            inner = {f"{node.module}.{alias.name}" for alias in node.names}
            modules = {name for name in inner if name.startswith("octlessons.") and _there(name)}
            names |= modules
            if modules != inner:
                names.add(node.module)
    return tuple(sorted(name for name in names if name.split(".")[0] == PACKAGE.name))


def _there(name: str) -> bool:
    place = PACKAGE.parent / Path(*name.split("."))
    return place.is_dir() or place.with_suffix(".py").is_file()


def _files_named(name: str) -> list[Path]:
    place = PACKAGE.parent / Path(*name.split("."))
    if place == PACKAGE:  # its own names are lazy and say nothing of what is used
        return [PACKAGE / "__init__.py"]
    if place.is_dir():
        return _files_of(place)
    return [place.with_suffix(".py")]


def _files_of(folder: Path) -> list[Path]:
    return sorted(
        path
        for path in folder.rglob("*")
        if path.is_file()
        and path.suffix != ".pyc"
        and not any(part.startswith(".") for part in path.relative_to(PACKAGE).parts)
    )


@cache
def _hash(path: Path) -> str:
    return hashlib.sha256(path.read_bytes().replace(b"\r\n", b"\n")).hexdigest()
