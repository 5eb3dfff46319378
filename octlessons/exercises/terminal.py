"""What the exercise commands print."""

from __future__ import annotations

import os
import shlex
import shutil
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from octlessons.errors import OctlessonsError
from octlessons.exercises.catalogue import load_catalogue
from octlessons.exercises.checking import attempt, check
from octlessons.exercises.notebook import exercise as find
from octlessons.exercises.outcomes import Outcome
from octlessons.exercises.progress import Progress
from octlessons.exercises.source import is_untouched
from octlessons.exercises.stubs import reset
from octlessons.exercises.watching import Watcher, show


def check_exercises(
    names: Sequence[str],
    file: Path | None = None,
    who: str | None = None,
    show_case: bool = False,
) -> bool:
    """Check some exercises, or all that were begun, and print what came out.

    With `show_case`, the first call that failed is printed as Python. Returns whether every
    exercise that was checked is passed.
    """
    catalogue, console = load_catalogue(), Console()
    if file is not None and len(names) != 1:
        raise OctlessonsError("--file goes with one exercise: octlessons check ID --file FILE")
    chosen = [catalogue[name] for name in names]
    if len(chosen) == 1 and file is None and (given := Path(names[0])).suffix in (".py", ".ipynb"):
        own = (chosen[0].stub, chosen[0].notebook)
        file = given if given.is_file() and given.resolve() not in own else None
    if not chosen:
        chosen = [exercise for exercise in catalogue if not is_untouched(attempt(exercise))]
        if not chosen:
            console.print(
                f"None of the {len(catalogue)} exercises is begun. Edit a file in "
                f"{escape(str(catalogue.root / 'exercises'))}, or run `octlessons watch`."
            )
            return True
    progress, passed = Progress(catalogue.root), 0
    for exercise in chosen:
        report = check(exercise, file, who=who, show=show_case)
        if file is None:
            progress.record(report)
        show(console, report, exercise)
        passed += report.outcome is Outcome.PASSED
    if len(chosen) > 1:
        console.print(f"{passed} of {len(chosen)} passed")
    return passed == len(chosen)


def list_exercises() -> None:
    """Print all exercises with chapter, minutes and whether they are passed."""
    catalogue = load_catalogue()
    progress = Progress(catalogue.root)
    table = Table("", "chapter", "exercise", "title", "min", "points", "", box=None)
    for exercise in catalogue:
        tick, title = "✓" if progress.has_passed(exercise) else "", escape(exercise.title)
        numbers = str(exercise.minutes), str(exercise.points), "further" * exercise.further
        table.add_row(tick, exercise.place, exercise.id, title, *numbers)
    Console().print(table)


def show_hint(name: str, number: int | None = None) -> None:
    """Print the next hint, or one by its number."""
    Console().print(escape(find(name).hint(number)), highlight=False)


def show_solution(name: str, tutor: bool = False) -> None:
    """Print a solution, if it may be shown."""
    print(find(name).solution(tutor))


def watch(start: str | None = None, who: str | None = None) -> None:
    """Watch the exercises until the student stops."""
    try:
        Watcher(load_catalogue(), start=start, who=who).run()
    except KeyboardInterrupt:
        print()


def put_back(name: str) -> None:
    """Put the stub and the notebook of an exercise back."""
    for path in reset(load_catalogue()[name]):
        print(f"Put back {path}")


def copy_course(folder: Path, tell: Callable[[str], None] = print) -> None:
    """Copy the exercises and their checks into a new or empty folder, and tell what comes next."""
    folder = Path(folder)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise OctlessonsError(f"{folder} is there already: name a new folder.")
    root = load_catalogue().root
    folder.parent.mkdir(parents=True, exist_ok=True)
    leave = shutil.ignore_patterns("__pycache__", ".*", "*.bak", "conftest.py")
    made = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}."))
    try:
        for part in ("exercises", "tests/exercises"):
            shutil.copytree(root / part, made / part, ignore=leave)
        made.chmod(0o755)
        if folder.exists():
            folder.rmdir()
        os.replace(made, folder)
    except BaseException:
        shutil.rmtree(made, ignore_errors=True)
        raise
    tell(
        f"The exercises are in {folder}. Now:  cd {shlex.quote(str(folder))}  and  octlessons watch"
    )
