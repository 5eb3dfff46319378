"""What `octlessons grade` prints: progress, a table of the class, what needs a person."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.progress import Progress
from rich.table import Table

from octlessons._optional import need
from octlessons.errors import OctlessonsError
from octlessons.grading.assignment import load_assignment
from octlessons.grading.classrun import ClassResult, grade
from octlessons.grading.exports import (
    UNSAFE,
    Standing,
    StudentView,
    strangers,
    views_of,
    write_results,
    write_student,
)
from octlessons.grading.intake import read_submissions
from octlessons.grading.late import points_text
from octlessons.grading.records import NO_MARK
from octlessons.grading.sandbox import NONE
from octlessons.grading.similarity import similar_answers, write_similarity
from octlessons.wording import count

_LONG = 40  # students that are listed one by one
_NAME = 24  # characters of a name
_SHORT = dict(zip(Standing, ("passed", "partly", "failed", "open", NO_MARK), strict=True))


def grade_class(
    submissions: Path,
    out: Path,
    *,
    config: Path | None = None,
    exercises: Sequence[str] = (),
    hidden: Path | None = None,
    isolation: str = "auto",
    jobs: int | None = None,
    shard: str | None = None,
    dask: str | None = None,
    single: bool = False,
) -> bool:
    """Grade a class, write everything that comes out of it, and print a summary.

    Parameters are those of `load_assignment`, `read_submissions` and `classrun.grade`; `shard` is
    ``"2/5"`` for the second of five parts, of which only records and students' pages are written.
    Returns whether every exercise of every submission has a mark.
    """
    console, part = Console(), _shard(shard)
    _may_begin(out, submissions)
    assignment = load_assignment(config, exercises, hidden)
    notices: list[str] = []
    found = read_submissions(submissions, assignment.ids, single=single, notice=notices.append)
    with Progress(console=console, transient=True) as bar:
        task = bar.add_task(count(len(found), "student"), total=None)
        result = grade(
            found,
            assignment,
            out,
            isolation=isolation,
            jobs=jobs,
            shard=part,
            dask=dask,
            progress=lambda done, of: bar.update(task, completed=done, total=of),
        )
    if part is None:
        _write_all(result, out, notices)
    else:
        for submission in result.submissions:
            write_student(result, submission, out)
    _tell(console, result, out, shard, notices)
    return all(not record.no_mark for record in result.records.values())


def _write_all(result: ClassResult, out: Path, notices: Sequence[str]) -> None:
    assignment = result.assignment
    stubs = {task.id: task.stub for task in assignment.tasks}
    alike = similar_answers(result.submissions, assignment.ids, stubs)
    warning = UNSAFE if result.isolation == NONE else ""
    write_similarity(alike, out, title=assignment.title, warning=warning)
    write_results(result, out, notices)


def _shard(text: str | None) -> tuple[int, int] | None:
    if text is None:
        return None
    match = re.fullmatch(r"(\d{1,6})/(\d{1,6})", text)
    if not match:
        raise OctlessonsError(f"--shard {text} is no part: write 1/4 for the first of four.")
    return int(match[1]), int(match[2])


def _may_begin(out: Path, submissions: Path) -> None:
    """Refuse what would fail after an hour, and results that would be read as a submission."""
    for module in ("jinja2", "copydetect"):
        need(module, f"A class is graded with {module}")
    inside = submissions.is_dir() and out.resolve().is_relative_to(submissions.resolve())
    if inside:
        raise OctlessonsError(
            f"The results would lie in {submissions}, among the submissions. Name a folder "
            "elsewhere: -o RESULTS"
        )
    if out.exists() and not out.is_dir():
        raise OctlessonsError(f"{out} is a file; name a folder for the results.")
    parent = next(place for place in (out, *out.resolve().parents) if place.exists())
    if not os.access(parent, os.W_OK):
        raise OctlessonsError(f"Results cannot be written to {out}: {parent} is read-only.")


def _tell(
    console: Console, result: ClassResult, out: Path, shard: str | None, notices: Sequence[str]
) -> None:
    views = [view for _, view in views_of(result)]
    table, legend = _table(result, views[:_LONG], console.width)
    console.print(table)
    console.print(legend, style="dim", markup=False)
    if len(views) > _LONG:
        console.print(f"… and {len(views) - _LONG} more, in {_shown(out)}")
    unused = [f"The extension of {name} fits no student." for name in strangers(result)]
    for sentence in [*notices, *unused]:
        console.print(f"[yellow]To be looked at:[/yellow] {escape(sentence)}")
    who = f": {escape(views[0].name)}" if len(views) == 1 else ""
    console.print(
        f"{count(len(views), 'student')}{who}. Isolation: {result.isolation}. "
        f"{count(result.graded, 'exercise')} graded now, {result.reused} taken from earlier runs."
    )
    for remark in result.remarks[:5]:
        console.print(escape(remark))
    if result.isolation == NONE:
        console.print(
            "[red]NOT SAFE: graded without isolation.[/red] The submissions ran with your rights. "
            "Every result says so."
        )
    reasons = Counter(record.no_mark for record in result.records.values() if record.no_mark)
    for why, times in reasons.most_common(5):
        console.print(
            f"[red]No mark[/red] for {count(times, 'exercise')}: {escape(why)} That is no zero: "
            "run the same command again. If it stays, the reason says where to look."
        )
    if shard is None:
        console.print(f"Open {_shown(out / 'overview.html')}")
    else:
        console.print(
            f"Part {shard} is in {_shown(out / 'records')}. Put the records folders of all parts "
            f"into one, and run the same command without --shard: nothing is graded twice."
        )


def _table(result: ClassResult, views: Sequence[StudentView], width: int) -> tuple[Table, str]:
    """The class: points first, then its exercises if all fit, else how many came out how."""
    ids, late = result.assignment.ids, result.assignment.late.due is not None
    points = ["final", "before", "late"] if late else ["points"]
    room = width - _NAME - sum(len(name) + 2 for name in points)
    fit = sum(max(len(name), len(NO_MARK)) + 2 for name in ids) <= room
    there = {exercise.standing for view in views for exercise in view.exercises}
    outcomes = [standing for standing in Standing if standing in there]
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("student", no_wrap=True, max_width=_NAME)
    for name in [*points, *(ids if fit else map(_SHORT.get, outcomes))]:
        table.add_column(escape(str(name)), justify="right", no_wrap=True, min_width=len(str(name)))
    for view in views:
        final = "" if view.final is None else points_text(view.final)
        before = "" if view.total is None else str(view.total)
        cells = [final, before, str(view.late.days_late or "")] if late else [before]
        if fit:
            cells += [
                NO_MARK if exercise.points is None else f"{exercise.points}/{exercise.max_points}"
                for exercise in view.exercises
            ]
        else:
            came_out = Counter(exercise.standing for exercise in view.exercises)
            cells += [str(came_out[standing] or "") for standing in outcomes]
        table.add_row(escape(view.name), *cells)
    said = [] if not views or views[0].max_points is None else [f"of {views[0].max_points} points"]
    if not fit:
        said.append(f"{count(len(ids), 'exercise')}, one by one in overview.html")
        said += ["open: not attempted"] if Standing.NOT_ATTEMPTED in there else []
    said += ["before: without the policy on late work; late: days"] if late else []
    return table, "; ".join(said)


def _shown(path: Path) -> str:
    return escape(str(path))
