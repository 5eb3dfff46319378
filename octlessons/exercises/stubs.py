"""Cut stubs and notebooks from the solutions: ``python -m octlessons.exercises.stubs [--check]``.

A solution is an ordinary Python file: a docstring with the task, functions with docstrings and a
worked example, and the answer between two marks::

    # solution: what to do here, in a few words
    ...
    # end of solution

In the stub, a TODO with those words stands in its place, and the function says that it is still to
be written.
"""

from __future__ import annotations

import argparse
import ast
import json
import os
import re
import sys
from dataclasses import replace
from pathlib import Path

from octlessons._files import write_atomically
from octlessons.errors import OctlessonsError
from octlessons.exercises.catalogue import Catalogue, Exercise, load_catalogue
from octlessons.exercises.source import APART, HASHES, is_untouched, read_source, text_hash

_BEGIN = re.compile(r"^(?P<indent> *)# solution: (?P<todo>\S.*)$")
_END = re.compile(r"^ *# end of solution$")


def cut(source: str, name: str) -> str:
    """Replace the answers in a solution by TODOs.

    Raises
    ------
    OctlessonsError
        If a mark is missing, nested, or outside a function, or nothing is cut.
    """
    functions = _functions(source, name)
    lines, kept, opened, raised = source.split("\n"), [], None, set()
    for number, line in enumerate(lines, 1):
        here, begin = f"{name}, line {number}", _BEGIN.match(line)
        if begin and opened:
            raise OctlessonsError(f"{here}: a solution begins inside another one.")
        if begin:
            opened = number
            function = next((f for f, (a, b) in functions.items() if a <= number <= b), None)
            if function is None:
                raise OctlessonsError(f"{here}: a solution stands in a function.")
            kept.append(f"{begin['indent']}# TODO: {begin['todo']}")
            if function not in raised:
                raised.add(function)
                text = f"`{function}` is still to be written."
                kept.append(f'{begin["indent"]}raise NotImplementedError("{text}")')
        elif _END.match(line):
            if not opened:
                raise OctlessonsError(f"{here}: a solution ends that did not begin.")
            opened = None
        elif not opened:
            kept.append(line)
    if opened:
        raise OctlessonsError(f"{name}, line {opened}: this solution has no `# end of solution`.")
    if not raised:
        raise OctlessonsError(f"{name} has no `# solution:` mark, so its stub would be the answer.")
    return "\n".join(kept)


def without_marks(source: str) -> str:
    """Return a solution as a student reads it: without the marks that are for its authors."""
    source = re.sub(r"^ *# end of solution\n", "", source, flags=re.M)
    return re.sub(r" *# same: .*$", "", source.replace("# solution: ", "# "), flags=re.M)


def answers(source: str) -> list[str]:
    """Return the lines between the marks of a solution, without indentation and comments."""
    parts = re.findall(r"^ *# solution: .*\n((?s:.*?))^ *# end of solution$", source, re.M)
    lines = [line.strip() for part in parts for line in part.split("\n")]
    return [line for line in lines if line and not line.startswith("#")]


def _functions(source: str, name: str) -> dict[str, tuple[int, int]]:
    try:
        tree = ast.parse(source)
    except SyntaxError as error:
        raise OctlessonsError(f"{name} is not valid Python: {error}.") from error
    return {
        node.name: (node.lineno, node.end_lineno or node.lineno)
        for node in tree.body
        if isinstance(node, ast.FunctionDef)
    }


def stub_text(exercise: Exercise) -> str:
    """Return the stub of an exercise: its solution without the answers, under a heading."""
    head = (
        f"# {exercise.title}\n"
        f"# {exercise.heading} · {_effort(exercise)}\n"
        f"# Write your code where it says TODO, then run:  octlessons check {exercise.id}\n"
        f"# Stuck?  octlessons hint {exercise.id}   A wrong number?  octlessons check "
        f"{exercise.id} --show\n"
    )
    return head + cut(read_source(exercise.solution), exercise.solution.name)


def _effort(exercise: Exercise) -> str:
    further = " · further" if exercise.further else ""
    return f"{exercise.minutes} minutes · {exercise.points} points{further}"


def notebook_text(exercise: Exercise) -> str:
    """Return the stub as a notebook, for Jupyter and Colab."""
    source = cut(read_source(exercise.solution), exercise.solution.name)
    tree = ast.parse(source)
    task = ast.get_docstring(tree) or ""
    first = tree.body[0].end_lineno if ast.get_docstring(tree) else 0
    code = "\n".join(source.split("\n")[first:]).strip()
    setup = (
        "# Where the course is not installed (on Colab, say), this installs it.\n"
        "import importlib.util\n\n"
        'if importlib.util.find_spec("octlessons") is None:\n'
        "    %pip install --quiet octlessons"
    )
    use = f'from octlessons.exercises import exercise\n\nexercise("{exercise.id}").check()'
    more = (
        f'Stuck? `exercise("{exercise.id}").hint()`, and again for the next one. '
        f'A call that fails, to try it: `exercise("{exercise.id}").check(show=True)`. '
        f'After passing, where the course has solutions: `exercise("{exercise.id}").solution()`.'
    )
    title = f"# {exercise.title}\n\n{exercise.heading} · {_effort(exercise)}\n\n{task}"
    cells = [_cell("markdown", title), _cell("code", setup, APART), _cell("code", code)]
    cells += [_cell("code", use, APART), _cell("markdown", more)]
    cells = [cell | {"id": f"{exercise.id}-{i}"[-64:]} for i, cell in enumerate(cells)]
    notebook = {
        "cells": cells,
        "metadata": {
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
            "octlessons": {"exercise": exercise.id},
        },
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    return json.dumps(notebook, indent=1, ensure_ascii=False, sort_keys=True) + "\n"


def _cell(kind: str, source: str, *tags: str) -> dict:
    cell = {
        "cell_type": kind,
        "metadata": {"tags": list(tags)} if tags else {},
        "source": source.splitlines(keepends=True),
    }
    return cell if kind == "markdown" else {**cell, "execution_count": None, "outputs": []}


def generated(catalogue: Catalogue) -> dict[Path, str]:
    """Return every file that is made from the solutions, with its text."""
    files: dict[Path, str] = {}
    for exercise in catalogue:
        files[exercise.stub] = stub_text(exercise)
        files[exercise.notebook] = notebook_text(exercise)
    folder = catalogue.root / "exercises"
    hashes = {
        path.relative_to(folder).as_posix(): text_hash(text) for path, text in sorted(files.items())
    }
    files[folder / HASHES] = json.dumps(hashes, indent=1) + "\n"
    return files


def drift(catalogue: Catalogue) -> list[str]:
    """Say in which ways the committed stubs differ from what the solutions give."""
    files, folder = generated(catalogue), catalogue.root / "exercises"
    known = {*files, folder / "catalogue.toml", folder / "README.md"}
    problems = []

    def note(path: Path, what: str) -> None:
        problems.append(f"{path.relative_to(catalogue.root).as_posix()} {what}.")

    for path, text in files.items():
        if not path.is_file():
            note(path, "is missing")
        elif path.read_text("utf-8").replace("\r\n", "\n") != text:
            note(path, "is not what its solution gives")
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path not in known and not _is_left_by_use(path, folder):
            note(path, "belongs to no exercise")
    expected = {exercise.solution for exercise in catalogue}
    for path in sorted((catalogue.root / "solutions").rglob("*.py")):
        if path not in expected and "__pycache__" not in path.parts:
            note(path, "is not in the catalogue")
    return problems


def _is_left_by_use(path: Path, folder: Path) -> bool:
    """Whether work in the folder leaves such files behind; git ignores them."""
    parts = path.relative_to(folder).parts
    return path.suffix == ".bak" or any(part.startswith((".", "__pycache__")) for part in parts)


def solution_path(exercise: Exercise) -> Path | None:
    """Return where the solution is: in this course, or in the checkout that it was copied from."""
    package = Path(__file__).resolve().parents[1]
    for one in (exercise, replace(exercise, root=package.parent)):
        if one.solution.is_file():
            return one.solution
    return None


def given_text(exercise: Exercise, suffix: str = ".py") -> str:
    """Return the stub (or with ``".ipynb"`` the notebook) as it was given out; "" if unknown."""
    pristine = Path(__file__).resolve().parents[1] / "course" / "exercises" / exercise.chapter
    if (solution := solution_path(exercise)) is not None:
        source = replace(exercise, root=solution.parents[2])
        return stub_text(source) if suffix == ".py" else notebook_text(source)
    path = pristine / f"{exercise.id}{suffix}"
    if path.is_file() and path != exercise.stub.with_suffix(suffix):
        return path.read_text("utf-8")
    return exercise.stub.read_text("utf-8") if is_untouched(exercise.stub) else ""


def reset(exercise: Exercise) -> list[Path]:
    """Put stub and notebook back; what was there is kept as ``.bak``. Return the files written.

    Raises
    ------
    OctlessonsError
        If this copy of the course has nothing to make them from.
    """
    written = []
    for path in (exercise.stub, exercise.notebook):
        text = given_text(exercise, path.suffix)
        if not text:
            raise OctlessonsError(
                f"{path.name} cannot be made anew in this copy of the course: copy it from a fresh "
                "one, which `octlessons start FOLDER` makes."
            )
        if path.is_file() and path.read_text("utf-8", errors="replace") != text:
            os.replace(path, _backup(path))
        write_atomically(path, text)
        written.append(path)
    return written


def _backup(path: Path) -> Path:
    """A name that is not taken: ``.bak``, then ``.1.bak`` and so on, so that nothing is lost."""
    names = (f"{path.name}{end}.bak" for end in ("", *(f".{i}" for i in range(1, 10_000))))
    return next(path.with_name(name) for name in names if not path.with_name(name).exists())


def main(arguments: list[str] | None = None) -> int:
    """Write the stubs, or check that they are as the solutions give them."""
    parser = argparse.ArgumentParser(prog="python -m octlessons.exercises.stubs")
    parser.add_argument("--check", action="store_true", help="write nothing, only compare")
    options = parser.parse_args(arguments)
    try:
        catalogue = load_catalogue()
        if options.check:
            problems = drift(catalogue)
            print("\n".join(problems) or f"All stubs of {len(catalogue)} exercises are current.")
            return bool(problems)
        files = generated(catalogue)
    except OctlessonsError as error:
        print(f"Error: {error}", file=sys.stderr)
        return 1
    n = 0
    for path, text in files.items():
        if not path.is_file() or path.read_text("utf-8") != text:
            write_atomically(path, text)
            n += 1
    print(f"{n} of {len(files)} files written for {len(catalogue)} exercises.")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
