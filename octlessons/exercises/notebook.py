"""`exercise("id")` for notebooks: ``.check()``, ``.hint()``, ``.solution()``."""

from __future__ import annotations

import html
import sys

from octlessons.errors import OctlessonsError
from octlessons.exercises.catalogue import Exercise, load_catalogue
from octlessons.exercises.checking import check
from octlessons.exercises.outcomes import Report
from octlessons.exercises.progress import Progress
from octlessons.exercises.stubs import solution_path, without_marks


class Text(str):
    """Text that a notebook shows as it is; with more than one line, in a fixed width."""

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        tag = "pre" if "\n" in self else "p"
        return f"<{tag}>{html.escape(self)}</{tag}>"


class NotebookExercise:
    """One exercise, for use in a notebook. Made by `exercise`."""

    def __init__(self, entry: Exercise):
        self._entry = entry
        self._progress = Progress(entry.root)

    def check(
        self, namespace: dict | None = None, *, who: str | None = None, show: bool = False
    ) -> Report:
        """Check the functions in a namespace, or those that this notebook defines.

        `who` is the name or number of the student, where data differ from student to student. With
        `show`, the call that failed comes as Python, to be tried.
        """
        names = _names() if namespace is None else namespace
        report = check(self._entry, names, who=who, show=show)
        self._progress.record(report)
        return report

    def hint(self, number: int | None = None) -> str:
        """Give the next hint, or hint `number`; each says more than the one before."""
        shown, text = self._progress.next_hint(self._entry, number)
        said = f"Hint {shown} of {len(self._entry.hints)}: {text}"
        if not self._progress.kept and shown < len(self._entry.hints):
            said += (
                "\nWhat was shown cannot be remembered here (the folder cannot be written to): "
                f"`octlessons hint {self._entry.id} {shown + 1}` gives the next one."
            )
        return Text(said)

    def solution(self, tutor: bool = False) -> str:
        """Show the solution, once the exercise is passed; to a tutor, without that."""
        entry = self._entry
        if not tutor and not self._progress.has_passed(entry):
            raise OctlessonsError(
                f"The solution of {entry.id} is shown after you have passed its checks. "
                "Ask for a hint instead; tutors add --tutor (in a notebook, tutor=True)."
            )
        path = solution_path(entry)
        if path is None:
            raise OctlessonsError(
                "This copy of the course holds no solutions: they are in its repository and in the "
                f"tutor edition. {entry.checks} works out in its own way what {entry.id} gives."
            )
        return Text(without_marks(path.read_text("utf-8")))

    def __repr__(self) -> str:
        entry = self._entry
        state = "passed" if self._progress.has_passed(entry) else "not passed yet"
        effort = f"{entry.minutes} minutes, {entry.points} points"
        return f"{entry.title} ({entry.heading.lower()}, {effort}): {state}"


def exercise(name: str) -> NotebookExercise:
    """Return an exercise by its id, to check it, ask for hints and see its solution.

    Parameters
    ----------
    name : str
        ``"dark-part"``, as in the page.

    Raises
    ------
    OctlessonsError
        If there is none of that name.

    Examples
    --------
    >>> exercise("dark-part").hint(1)  # doctest: +SKIP
    """
    return NotebookExercise(load_catalogue()[name])


def _names() -> dict:
    """The names of the running notebook; of the main program elsewhere."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython else None
    return shell.user_ns if shell else vars(sys.modules["__main__"])
