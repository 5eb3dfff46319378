"""Bundles that make a service grade with octlessons: Gradescope, Classroom 50, GitHub Actions.

A bundle holds this package, the pinned versions, the exercises' stubs and checks, and the scripts
of `files`. What the scripts run is `services`. No solution is in it, and hidden checks, the
course's key and other students' extensions are only in bundles that students cannot read. Making
one needs no network; the same input gives the same bytes.
"""

from __future__ import annotations

import io
import os
import re
import sys
import tomllib
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, distributions, requires, version
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from octlessons import __version__
from octlessons._files import write_atomically
from octlessons._optional import install_command, need
from octlessons.errors import OctlessonsError
from octlessons.grading.assignment import Assignment, load_assignment
from octlessons.grading.late import LatePolicy
from octlessons.wording import listing

#: Services that there are bundles for.
SERVICES = ("gradescope", "classroom50", "actions", "container")

_PACKAGE = Path(__file__).resolve().parents[2]
_FILES = Path(__file__).with_name("files")

# The oldest date that a zip can hold: bundles do not tell when they were made.
_DATE = (1980, 1, 1, 0, 0, 0)

#: A bundle's files by name: content, and whether it is a program.
Files = dict[str, tuple[bytes, bool]]

_READABLE = {
    "classroom50": (
        "Classroom 50's runner fetches it in the student's own repository, where it can be read. "
        "Grade with them by `octlessons grade --hidden`, over the collected repositories."
    ),
    "actions": (
        "students can read what is in their repository. Name a private repository for the checks "
        "with --repository OWNER/NAME."
    ),
    "container": "it is the image for submissions, which are to see none.",
}


@dataclass(frozen=True)
class Bundle:
    """A bundle that was made: the zip or folder, and sentences about what was left out."""

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
    """Make a bundle, ready to upload; `config`, `exercises`, `hidden` as for `load_assignment`.

    A ``container`` is what the image for submissions is built from, where there are no namespaces
    of Linux; it holds no exercise and no check. `out` ends in ``.zip``, or is a new folder.
    `repository` is, for ``actions``, the ``OWNER/NAME`` of a private one that will hold the checks.
    An `OctlessonsError` says that the assignment is wrong, `out` is taken, or hidden checks would
    go where students can read them.
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
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    words = {"@PYTHON@": python, "@REPOSITORY@": repository}
    if service == "container":
        return Bundle(_write(_package({"grade"}) | _texts(service, words), Path(out), service))
    assignment = load_assignment(config, exercises, hidden)
    text = (assignment.root / "exercises" / "catalogue.toml").read_text("utf-8")
    known = {entry["id"]: entry for entry in tomllib.loads(text)["exercise"]}
    entries = [known[name] for name in assignment.ids]
    extras = {"grade", *(entry["needs"] for entry in entries)} - {"core"}
    points = str(sum(entry["points"] for entry in entries))
    if private and any(task.hidden_checks for task in assignment.tasks):
        points += ", and those of the hidden checks"
    words |= {"@POINTS@": points, "@FILES@": ", ".join(f"`{name}`" for name in assignment.ids)}
    files = _course(assignment, entries, private) | _package(extras) | _texts("", words)
    files = _for_actions(files, words) if service == "actions" else files | _texts(service, words)
    notes = () if private else tuple(_left_out(assignment, service))
    return Bundle(_write(files, Path(out), service), notes)


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


def _for_actions(common: Files, words: Mapping[str, str]) -> Files:
    """The workflow where the students' repository has it, the rest there or in a private one."""
    private = bool(words["@REPOSITORY@"])
    steps = _FILES.joinpath("actions", "private.md" if private else "public.md").read_text("utf-8")
    checkout = _FILES.joinpath("actions", "checkout.yml").read_text("utf-8") if private else ""
    words = {
        "@STEPS@": steps.rstrip("\n"),
        "@CHECKOUT@\n": checkout,  # an empty place leaves no empty line
        "@BUNDLE@": "checks" if private else "submission/.github/octlessons",
        **words,
    }
    own = _texts("actions", words)
    inner, outer = ("checks", "student/") if private else (".github/octlessons", "")
    return {
        **{
            f"{inner}/{name}": file
            for name, file in {**common, "grade.sh": own["grade.sh"]}.items()
        },
        f"{outer}.github/workflows/octlessons.yml": own["octlessons.yml"],
        "README.md": own["README.md"],
    }


def _texts(folder: str, words: Mapping[str, str]) -> Files:
    """The files of a service, or those of all, with words in their places."""
    found: Files = {}
    for path in sorted(_FILES.joinpath(folder).iterdir()):
        if path.is_file():
            text = path.read_text("utf-8")
            for place, word in words.items():
                text = text.replace(place, word)
            found[path.name] = (text.rstrip("\n").encode() + b"\n", text.startswith("#!"))
    return found


def _course(assignment: Assignment, entries: list[dict], private: bool) -> Files:
    """``grading.toml``, and the course beside it."""
    toml = need("tomli_w", "Bundles are written with tomli-w")
    files = {
        "grading.toml": toml.dumps(_config(assignment, private)).encode(),
        "exercises/catalogue.toml": toml.dumps({"exercise": entries}).encode(),
    }
    for task in assignment.tasks:
        files[f"exercises/{task.chapter}/{task.id}.py"] = task.stub.encode()
        for name, content in task.checks.items():
            files[f"tests/exercises/{task.chapter}/{name}"] = content
        for name, content in task.hidden_checks.items() if private else ():
            files[f"hidden/{task.chapter}/{name}"] = content
    return {name: (content, False) for name, content in files.items()}


def _config(assignment: Assignment, private: bool) -> dict:
    table: dict = {"title": assignment.title, "exercises": assignment.ids}
    if private and any(task.hidden_checks for task in assignment.tasks):
        table["hidden"] = "hidden"
    if private and assignment.key:
        table["key"] = assignment.key
    table["limits"] = {task.id: asdict(task.limits) for task in assignment.tasks}
    if private and assignment.late.due is not None:
        table["late"] = asdict(assignment.late)
    return table


def _package(extras: Iterable[str]) -> Files:
    """The installed package without its exercises and checks, what it needs, and the versions."""
    files: Files = {}
    for path in sorted(_PACKAGE.rglob("*")):
        name = path.relative_to(_PACKAGE)
        own = not any(part.startswith(".") or part == "__pycache__" for part in name.parts)
        if own and path.is_file() and name.parts[0] != "course" and path.suffix != ".pyc":
            files[f"package/octlessons/{name.as_posix()}"] = (path.read_bytes(), False)
    files["requirements.txt"] = (_requirements(extras).encode(), False)
    files["constraints.txt"] = (_constraints().encode(), False)
    return files


def _requirements(extras: Iterable[str]) -> str:
    """What the package needs on Linux with these extras, as its metadata have it."""
    try:
        stale = version("octlessons") != __version__
    except PackageNotFoundError:
        stale = True
    if stale:
        raise OctlessonsError(
            f"octlessons has changed since it was installed: {install_command('grade')} first."
        )
    linux = {"sys_platform": "linux", "platform_system": "Linux", "platform_machine": "x86_64"}
    lines = set()
    for one in map(Requirement, requires("octlessons") or ()):
        wanted = [one.marker.evaluate({**linux, "extra": e}) for e in ("", *extras) if one.marker]
        if not one.marker or any(wanted):
            lines.add(f"{one.name}{one.specifier}\n")
    return "".join(sorted(lines))


def _constraints() -> str:
    """The pinned versions: a checkout's, or those that are installed here."""
    pinned = _PACKAGE.parent / "constraints.txt"
    if (_PACKAGE.parent / "pyproject.toml").is_file() and pinned.is_file():
        return pinned.read_text("utf-8")
    # A build for one kind of machine has a local part, which other machines do not have.
    found = {canonicalize_name(d.name): d.version.split("+")[0] for d in distributions()}
    pins = (f"{name}=={number}\n" for name, number in sorted(found.items()))
    return "".join(pin for pin in pins if not pin.startswith("octlessons=="))


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
