"""`octlessons watch`: check again on every save, with progress, hints, the next exercise, reset.

Files are looked at by their content twice a second, not by events of the file system: that also
works on network drives and in WSL.
"""

from __future__ import annotations

import contextlib
import queue
import sys
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator

from rich.console import Console
from rich.markup import escape
from rich.padding import Padding
from rich.progress_bar import ProgressBar
from rich.text import Text

from octlessons.errors import OctlessonsError
from octlessons.exercises.catalogue import Catalogue, Exercise
from octlessons.exercises.checking import attempt, check, shown
from octlessons.exercises.outcomes import Outcome, Report
from octlessons.exercises.progress import Progress
from octlessons.exercises.stubs import reset, solution_path

HELP = "n next · p previous · h hint · l list · c check · r reset · q quit  (then Enter)"

_COLOURS = defaultdict(lambda: "red", {Outcome.PASSED: "green", Outcome.NOT_ATTEMPTED: "dim"})


class Watcher:
    """The loop behind `octlessons watch`.

    ``commands(seconds)`` waits at most that long and gives a line typed meanwhile, None if there
    was none, or "q" at the end of the input. It begins with the exercise `start`, or the first one
    that is not passed, and looks at the files every `interval` seconds.
    """

    def __init__(
        self,
        catalogue: Catalogue,
        console: Console | None = None,
        commands: Callable[[float], str | None] | None = None,
        start: str | None = None,
        who: str | None = None,
        interval: float = 0.5,
    ):
        self._all = tuple(catalogue)
        self._console = console or Console()
        self._commands = commands or Keyboard()
        self._progress = Progress(catalogue.root)
        self._who, self._interval = who, interval
        self._at = self._all.index(catalogue[start]) if start else self._first_open(0)
        self._seen: list[bytes] | None = None

    def run(self) -> None:
        """Watch until "q"."""
        while True:
            try:
                before, self._seen = self._seen, content(self._current)
                if before != self._seen:
                    self._check()
                line = self._commands(self._interval)
                if line is not None and not self._obey(line.strip().lower()):
                    self._console.print("Until next time.")
                    return
            except OctlessonsError as error:
                self._console.print(f"[red]{escape(str(error))}[/red]")

    @property
    def _current(self) -> Exercise:
        return self._all[self._at]

    def _first_open(self, start: int) -> int:
        order = [*range(start, len(self._all)), *range(start)]
        return next((i for i in order if not self._progress.has_passed(self._all[i])), start)

    def _check(self) -> None:
        self._console.rule(escape(self._current.title))
        report = check(self._current, who=self._who)
        self._progress.record(report)
        show(self._console, report, self._current)
        passed = sum(map(self._progress.has_passed, self._all))
        self._console.print(ProgressBar(len(self._all), passed, width=40), end="")
        self._console.print(f" {passed} of {len(self._all)} passed")
        self._console.print(f"[dim]{shown(attempt(self._current))}[/dim]")
        if report.outcome is Outcome.PASSED:
            compare = f"; compare with `octlessons solution {self._current.id}`"
            has_one = solution_path(self._current) is not None
            self._console.print(f"[bold]n[/bold] goes on{compare if has_one else ''}.")
        self._console.print(f"[dim]{HELP}[/dim]")

    def _obey(self, line: str) -> bool:
        if line in ("q", "quit", "exit"):
            return False
        if line in ("n", "next"):
            self._go(self._first_open((self._at + 1) % len(self._all)))
        elif line in ("p", "previous"):
            self._go((self._at - 1) % len(self._all))
        elif line in ("h", "hint"):
            number, text = self._progress.next_hint(self._current)
            self._console.print(f"Hint {number} of {len(self._current.hints)}: {escape(text)}")
        elif line in ("l", "list"):
            for i, one in enumerate(self._all):
                tick = "✓" if self._progress.has_passed(one) else " "
                name = f"{one.place:>2}  {one.id}  [dim]{one.minutes} min[/dim]"
                self._console.print(f"{'→' if i == self._at else ' '} {tick} {name}")
        elif line in ("c", "check", ""):
            self._seen = None
        elif line in ("r", "reset"):
            reset(self._current)
            self._console.print("Put back; your version is kept beside it as .bak.")
        elif line in (ids := [exercise.id for exercise in self._all]):
            self._go(ids.index(line))
        else:
            self._console.print(HELP)
        return True

    def _go(self, place: int) -> None:
        self._at, self._seen = place, None


def show(console: Console, report: Report, exercise: Exercise | None = None) -> None:
    """Print a report in colour; of an exercise that is passed, what could come after it."""
    colour = _COLOURS[report.outcome]
    console.print(
        f"[{colour}]{report.exercise}: {report.outcome}[/{colour}] "
        f"({report.points} of {report.max_points} points, {report.seconds:.1f} s)"
    )
    for result, message in report.lines():
        tint = _COLOURS[result.outcome]
        console.print(f"  [{tint}]{result.sign}[/{tint}] {escape(result.title)}")
        if message:
            console.print(Padding(Text(message), (0, 0, 0, 6), expand=False))
    problem = report.first_problem
    if problem is not None and problem.case:
        console.print("  The call that failed. Paste it below your functions, and run the file:\n")
        console.print(problem.case, markup=False, highlight=False, soft_wrap=True)
        console.print()
    if report.printed.strip():
        console.print("  Your code printed:")
        console.print(Padding(Text(report.printed.rstrip()), (0, 0, 0, 6), expand=False))
    if exercise is not None and exercise.after and report.outcome is Outcome.PASSED:
        console.print(Padding(Text(f"After passing: {exercise.after}"), (0, 0, 0, 2), expand=False))


def content(exercise: Exercise) -> list[bytes]:
    """Return what is in the student's files, of those that can be read now."""
    found = []
    for path in (exercise.stub, exercise.notebook):
        with contextlib.suppress(OSError):
            found.append(path.read_bytes())
    return found


class Keyboard:
    """Lines typed into the terminal, read in a thread of their own."""

    def __init__(self, lines: Iterator[str] | None = None):
        self._queue: queue.Queue[str] = queue.Queue()
        source = sys.stdin if lines is None else lines
        threading.Thread(target=self._read, args=(source,), daemon=True).start()

    def _read(self, lines) -> None:
        for line in lines:
            self._queue.put(line)
        self._queue.put("q")

    def __call__(self, seconds: float) -> str | None:
        """Return the next line, or None if none came within `seconds`."""
        try:
            return self._queue.get(timeout=seconds)
        except queue.Empty:
            return None
