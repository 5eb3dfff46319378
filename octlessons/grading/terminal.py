"""What `octlessons grade` prints: progress, a table of the class, what needs a person."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from octlessons.errors import OctlessonsError
from octlessons.grading.assignment import load_assignment
from octlessons.grading.classrun import ClassResult, grade
from octlessons.grading.exports import UNSAFE, write_results, write_student
from octlessons.grading.intake import read_submissions
from octlessons.grading.likeness import alike, write_likeness
from octlessons.grading.records import NO_MARK
from octlessons.grading.sandbox import NONE
from octlessons.wording import count

_LONG = 40  # students that are listed one by one


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
    """Grade a class and write everything that comes out of it.

    Parameters
    ----------
    submissions : Path
        Class folder, archive, download of a learning platform, or one file.
    out : Path
        Folder of the results.
    config, exercises, hidden
        As for `assignment.load_assignment`.
    isolation, jobs, dask
        As for `classrun.grade`.
    shard : str, optional
        ``"2/5"``: the second of five parts. Only records and students' pages are written then.
    single : bool
        The folder is one student's work, not a class.

    Returns
    -------
    bool
        Whether every exercise of every submission has a mark.

    Raises
    ------
    OctlessonsError
        If there is nothing to grade, or submissions cannot be kept apart here.
    """
    console = Console()
    part = _shard(shard)
    _outside(out, submissions)
    assignment = load_assignment(config, exercises, hidden)
    found = read_submissions(submissions, assignment.ids, single=single)
    with _bar(console) as bar:
        task = bar.add_task(f"{count(len(found), 'submission')}", total=None)
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
        stubs = {task.id: task.stub for task in assignment.tasks}
        pairs = alike(result.submissions, assignment.ids, stubs)
        warning = UNSAFE if result.isolation == NONE else ""
        write_likeness(pairs, out, title=assignment.title, warning=warning)
        write_results(result, out)
    else:
        for submission in result.submissions:
            write_student(result, submission, out)
    _tell(console, result, out, shard)
    return all(not record.no_mark for record in result.records.values())


def _shard(text: str | None) -> tuple[int, int] | None:
    if text is None:
        return None
    match = re.fullmatch(r"(\d{1,6})/(\d{1,6})", text)
    if not match:
        raise OctlessonsError(f"--shard {text} is no part: write 1/4 for the first of four.")
    return int(match[1]), int(match[2])


def _outside(out: Path, submissions: Path) -> None:
    """Refuse to write results among the submissions, where they would be read as one."""
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


def _bar(console: Console) -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=console,
        transient=True,
    )


def _tell(console: Console, result: ClassResult, out: Path, shard: str | None) -> None:
    ids = result.assignment.ids
    table = Table("student", *map(escape, ids), "points", box=None)
    for submission in result.submissions[:_LONG]:
        records = [result.records[submission.slug, name] for name in ids]
        cells = [
            NO_MARK if record.no_mark else f"{record.points}/{record.max_points}"
            for record in records
        ]
        whole = not any(record.no_mark for record in records)
        total = str(sum(record.points for record in records)) if whole else ""
        table.add_row(escape(submission.name[:60]), *cells, total)
    console.print(table)
    if len(result.submissions) > _LONG:
        console.print(f"… and {len(result.submissions) - _LONG} more, in {_shown(out)}")
    console.print(
        f"{count(len(result.submissions), 'submission')}, isolation: {result.isolation}. "
        f"{count(result.graded, 'exercise')} graded now, {result.reused} taken from earlier runs."
    )
    if result.isolation == NONE:
        console.print(
            "[red]NOT SAFE: graded without isolation.[/red] The submissions ran with your rights. "
            "Every result says so."
        )
    reasons = Counter(record.no_mark for record in result.records.values() if record.no_mark)
    for why, times in reasons.most_common(5):
        console.print(
            f"[red]No mark[/red] for {count(times, 'exercise')}: {escape(why)} That is the "
            "grader's failure, not the student's: run the same command again."
        )
    if shard is None:
        console.print(f"Open {_shown(out / 'overview.html')}")
    else:
        console.print(
            f"Part {shard} is in {_shown(out / 'records')}. Put the records folders of all parts "
            f"into one, and run the same command without --shard: nothing is graded twice."
        )


def _shown(path: Path) -> str:
    return escape(str(path))
