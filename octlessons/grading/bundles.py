"""Bundles that make a service grade with octlessons: Gradescope, Classroom 50, GitHub Actions.

A bundle holds this package as a wheel, the pinned versions, the exercises' stubs and checks, and
the scripts of `bundle_files`. What the scripts run is `services`. No solution is in it, and hidden
checks, the course's key and other students' extensions are only in bundles that students cannot
read. Making one needs no network; the same input gives the same bytes.
"""

from __future__ import annotations

import base64
import hashlib
import io
import json
import os
import re
import tomllib
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from octlessons import __version__
from octlessons._files import write_atomically
from octlessons.errors import OctlessonsError
from octlessons.grading.assignment import Assignment, load_assignment
from octlessons.grading.late import LatePolicy
from octlessons.grading.sandbox.container import dockerfile
from octlessons.wording import listing

#: Services that there are bundles for.
SERVICES = ("gradescope", "classroom50", "actions", "container")

_PACKAGE = Path(__file__).resolve().parents[1]
_FILES = Path(__file__).with_name("bundle_files")
_DIST = "octlessons"

# The oldest date that a zip can hold: bundles do not tell when they were made.
_DATE = (1980, 1, 1, 0, 0, 0)

#: A bundle's files by name: content, and whether it is a program.
Files = dict[str, tuple[bytes, bool]]


@dataclass(frozen=True)
class Bundle:
    """A bundle that was made.

    Attributes
    ----------
    path : Path
        The zip, or the folder.
    notes : tuple of str
        Sentences about what was left out, and why.
    """

    path: Path
    notes: tuple[str, ...] = ()


def make_bundle(
    service: str,
    out: str | os.PathLike,
    *,
    config: str | os.PathLike | None = None,
    exercises: Sequence[str] = (),
    hidden: str | os.PathLike | None = None,
    repository: str = "",
) -> Bundle:
    """Make a bundle, ready to upload.

    Parameters
    ----------
    service : {"gradescope", "classroom50", "actions", "container"}
        The last is what the image for submissions is built from, where there are no namespaces
        of Linux; it holds no exercise and no check.
    out : path
        A name that ends in ``.zip``, or a new folder. Gradescope takes a zip, which lies in the
        folder then.
    config, exercises, hidden
        As for `assignment.load_assignment`.
    repository : str
        For ``actions``: ``OWNER/NAME`` of a private repository that will hold the checks.

    Returns
    -------
    Bundle

    Raises
    ------
    OctlessonsError
        If the assignment is wrong, `out` is taken, or hidden checks would go where students can
        read them.
    """
    if service not in SERVICES:
        raise OctlessonsError(f"There is no bundle for {service!r}, only for {listing(SERVICES)}.")
    if repository and service != "actions":
        raise OctlessonsError("--repository is for actions, where a repository holds the checks.")
    if repository and not re.fullmatch(r"[A-Za-z0-9-]+/[A-Za-z0-9._-]+", repository):
        raise OctlessonsError(f"{repository!r} is no repository: write OWNER/NAME.")
    private = service == "gradescope" or bool(repository)
    if hidden is not None and not private:
        raise OctlessonsError(f"Hidden checks stay out of this bundle: {_READABLE[service]}")
    if service == "container":
        return Bundle(_write(_container(), Path(out), service))
    assignment = load_assignment(config, exercises, hidden)
    notes = () if private else tuple(_left_out(assignment, service))
    common = _common(assignment, private)
    words = {
        "@POINTS@": _points(assignment, private),
        "@FILES@": ", ".join(f"`{name}`" for name in assignment.ids),
        "@EXTRAS@": _extras(assignment),
        "@REPOSITORY@": repository,
    }
    files = _LAYOUTS[service](common, words)
    return Bundle(_write(files, Path(out), service), notes)


_READABLE = {
    "classroom50": (
        "Classroom 50's runner fetches it in the student's own repository, where it can be read. "
        "Grade with them by `octlessons grade --hidden`, over the collected repositories."
    ),
    "actions": (
        "students can read what is in their repository. Name a private repository for the checks "
        "with --repository OWNER/NAME."
    ),
}


def _left_out(assignment: Assignment, service: str) -> Iterable[str]:
    found = {
        "the hidden checks": any(task.hidden_checks for task in assignment.tasks),
        "the course's key": bool(assignment.key),
        "the policy on late work": assignment.late != LatePolicy(),
    }
    names = [name for name, there in found.items() if there]
    if names:
        be = "is" if len(names) == 1 and names != ["the hidden checks"] else "are"
        text = listing(names)
        yield f"{text[0].upper()}{text[1:]} {be} not in this bundle: {_READABLE[service]}"


def _gradescope(common: Files, words: Mapping[str, str]) -> Files:
    names = ("setup.sh", "run_autograder", "README.md")
    return common | _scripts("", "install.sh", words) | _scripts("gradescope", names, words)


def _classroom50(common: Files, words: Mapping[str, str]) -> Files:
    names = ("autograder.py", "runtime.json", "README.md")
    return common | _scripts("", "install.sh", words) | _scripts("classroom50", names, words)


def _actions(common: Files, words: Mapping[str, str]) -> Files:
    private = bool(words["@REPOSITORY@"])
    parts = {name: _text("actions", f"{name}.md") for name in ("public", "private")}
    checkout = _text("actions", "checkout.yml").rstrip("\n") if private else ""
    words = {
        "@STEPS@": parts["private" if private else "public"].rstrip("\n"),
        # An empty place leaves no empty line.
        "@CHECKOUT@\n": f"{checkout}\n" if private else "",
        "@BUNDLE@": "checks" if private else "submission/.github/octlessons",
        **words,
    }
    bundle = common | _scripts("", "install.sh", words) | _scripts("actions", "grade.sh", words)
    workflow = _scripts("actions", "octlessons.yml", words)["octlessons.yml"]
    inner, outer = ("checks", "student/") if private else (".github/octlessons", "")
    return {
        **{f"{inner}/{name}": content for name, content in bundle.items()},
        f"{outer}.github/workflows/octlessons.yml": workflow,
        **_scripts("actions", "README.md", words),
    }


def _container() -> Files:
    name, wheel = _wheel()
    files = {
        "Dockerfile": dockerfile().encode(),
        "constraints.txt": _constraints().encode(),
        name: wheel,
    }
    return {name: (content, False) for name, content in files.items()}


_LAYOUTS = {"gradescope": _gradescope, "classroom50": _classroom50, "actions": _actions}


def _text(*names: str) -> str:
    return _FILES.joinpath(*names).read_text("utf-8")


def _scripts(folder: str, names: str | Sequence[str], words: Mapping[str, str]) -> Files:
    found: Files = {}
    for name in [names] if isinstance(names, str) else names:
        text = _text(folder, name)
        for place, word in words.items():
            text = text.replace(place, word)
        found[name] = (text.rstrip("\n").encode() + b"\n", text.startswith("#!"))
    return found


def _points(assignment: Assignment, private: bool) -> str:
    """Sum of the points, as the catalogue has them; hidden checks may add to it."""
    points = sum(entry["points"] for entry in _entries(assignment))
    hidden = private and any(task.hidden_checks for task in assignment.tasks)
    return f"{points}, and those of the hidden checks" if hidden else str(points)


def _extras(assignment: Assignment) -> str:
    """What must be installed beyond the core: for grading, and for these exercises."""
    extras = {entry["needs"] for entry in _entries(assignment)} - {"core"}
    return ",".join(sorted({"grade", *extras}))


def _common(assignment: Assignment, private: bool) -> Files:
    """What every bundle holds: grading.toml, the course beside it, the package, the versions."""
    files: dict[str, bytes] = {"grading.toml": _config(assignment, private).encode()}
    files["exercises/catalogue.toml"] = _toml({"exercise": _entries(assignment)}).encode()
    for task in assignment.tasks:
        files[f"exercises/{task.chapter}/{task.id}.py"] = task.stub.encode()
        for name, content in task.checks.items():
            files[f"tests/exercises/{task.chapter}/{name}"] = content
        for name, content in task.hidden_checks.items() if private else ():
            files[f"hidden/{task.chapter}/{name}"] = content
    name, wheel = _wheel()
    files[name] = wheel
    files["constraints.txt"] = _constraints().encode()
    return {name: (content, False) for name, content in files.items()}


def _entries(assignment: Assignment) -> list[dict]:
    text = (assignment.root / "exercises" / "catalogue.toml").read_text("utf-8")
    found = {entry["id"]: entry for entry in tomllib.loads(text)["exercise"]}
    return [found[name] for name in assignment.ids]


def _config(assignment: Assignment, private: bool) -> str:
    table: dict = {"title": assignment.title, "exercises": assignment.ids}
    if private:
        if any(task.hidden_checks for task in assignment.tasks):
            table["hidden"] = "hidden"
        if assignment.key:
            table["key"] = assignment.key
    table["limits"] = {
        task.id: {
            name: getattr(task.limits, name)
            for name in ("cpu_seconds", "wall_seconds", "memory_mb")
        }
        for task in assignment.tasks
    }
    late = assignment.late
    if private and late.due is not None:
        table["late"] = {
            "due": late.due,
            "grace_minutes": late.grace_minutes,
            "percent_per_day": late.percent_per_day,
            "free_days": late.free_days,
            **({} if late.at_most_days is None else {"at_most_days": late.at_most_days}),
            "extensions": dict(late.extensions),
        }
    return _toml(table)


def _toml(table: Mapping, path: str = "") -> str:
    """The table as TOML, as far as the files of a course need it."""
    lines, inner = [], []
    for key, value in table.items():
        name = f"{path}{_word(key)}"
        if isinstance(value, Mapping):
            # A table that holds only tables needs no line of its own.
            head = f"[{name}]\n" if not value or not _nested(value) else ""
            part = _toml(value, f"{name}.")
            inner.append(head + part if head else part.lstrip("\n"))
        elif isinstance(value, list) and value and isinstance(value[0], Mapping):
            inner += [f"[[{name}]]\n{_toml(item, f'{name}.')}" for item in value]
        else:
            lines.append(f"{_word(key)} = {_value(value)}\n")
    return "".join(lines) + "".join(f"\n{part}" if part else "" for part in inner)


def _nested(table: Mapping) -> bool:
    return all(isinstance(value, Mapping) for value in table.values())


def _word(key: str) -> str:
    return key if re.fullmatch(r"[A-Za-z0-9_-]+", key) else _value(key)


def _value(value) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        # JSON escapes what TOML does, except this one; letters stay as they are.
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, list):
        return f"[{', '.join(map(_value, value))}]"
    return repr(value)


def _distribution() -> Distribution:
    try:
        found = distribution(_DIST)
    except PackageNotFoundError as error:
        raise OctlessonsError("octlessons is not installed: `pip install -e .` first.") from error
    if found.version != __version__ or "grade" not in (
        found.metadata.get_all("Provides-Extra") or ()
    ):
        raise OctlessonsError(
            "octlessons has changed since it was installed: install it again, "
            '`pip install -c constraints.txt -e ".[grade]"`.'
        )
    return found


def _wheel() -> tuple[str, bytes]:
    """The installed package as a wheel: name and content. Its exercises and checks stay out."""
    found = _distribution()
    files: Files = {}
    for path in sorted(_PACKAGE.rglob("*")):
        name = path.relative_to(_PACKAGE)
        own = not any(part.startswith(".") or part == "__pycache__" for part in name.parts)
        if own and path.is_file() and name.parts[0] != "course" and path.suffix != ".pyc":
            files[f"{_DIST}/{name.as_posix()}"] = (path.read_bytes(), False)
    info = f"{_DIST}-{__version__}.dist-info"
    tag = "Wheel-Version: 1.0\nGenerator: octlessons\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    for name in ("METADATA", "entry_points.txt", "licenses/LICENSE", "licenses/LICENSE-TEXT"):
        text = found.read_text(name)
        if text is not None:
            files[f"{info}/{name}"] = (text.encode(), False)
    files[f"{info}/WHEEL"] = (tag.encode(), False)
    files[f"{info}/RECORD"] = (_record(files, f"{info}/RECORD"), False)
    return f"{_DIST}-{__version__}-py3-none-any.whl", _zip(files)


def _record(files: Files, own: str) -> bytes:
    def line(name: str, content: bytes) -> str:
        digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
        return f"{name},sha256={digest},{len(content)}\n"

    lines = [line(name, content) for name, (content, _) in sorted(files.items())]
    return "".join([*lines, f"{own},,\n"]).encode()


def _constraints() -> str:
    """The pinned versions: a checkout's, or those that are installed here."""
    pinned = _PACKAGE.parent / "constraints.txt"
    if (_PACKAGE.parent / "pyproject.toml").is_file() and pinned.is_file():
        return pinned.read_text("utf-8")
    found: dict[str, str] = {}
    waiting = [_DIST]
    while waiting:
        name = canonicalize_name(waiting.pop())
        if name in found:
            continue
        try:
            installed = distribution(name)
        except PackageNotFoundError:
            continue  # for another system, or an extra that is not installed
        # A build for one kind of machine has a local part, which other machines do not have.
        found[name] = installed.version.split("+")[0]
        waiting += [Requirement(text).name for text in installed.requires or ()]
    del found[_DIST]
    lines = [f"{name}=={version}\n" for name, version in sorted(found.items())]
    return "# The versions that were installed where this bundle was made.\n" + "".join(lines)


def _write(files: Files, out: Path, service: str) -> Path:
    if out.suffix == ".zip" and not out.is_dir():
        write_atomically(out, _zip(files))
        return out
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise OctlessonsError(f"There is something in {out} already: name a new folder, or a .zip.")
    if service == "gradescope":
        return _write(files, out / "gradescope.zip", service)
    for name, (content, program) in files.items():
        write_atomically(out / name, content)
        if program:
            (out / name).chmod(0o755)
    return out


def _zip(files: Files) -> bytes:
    """A zip that depends on nothing but its files."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name, (content, program) in sorted(files.items()):
            entry = zipfile.ZipInfo(name, _DATE)
            entry.create_system = 3
            entry.external_attr = (0o100755 if program else 0o100644) << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, content)
    return buffer.getvalue()
