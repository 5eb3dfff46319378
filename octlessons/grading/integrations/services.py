"""What the bundles of `bundles` run: one submission, as a service hands it over.

    python -I -m octlessons.grading.integrations.services gradescope BUNDLE ROOT
    python -I -m octlessons.grading.integrations.services classroom50 BUNDLE CHECKOUT
    python -I -m octlessons.grading.integrations.services actions BUNDLE CHECKOUT RESULTS

The exit code is 0 if there is a mark for every exercise, whatever it is, and 1 if the grader itself
failed. Then no file has a score.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from octlessons._files import write_atomically
from octlessons.errors import OctlessonsError
from octlessons.grading.assignment import Assignment, load_assignment
from octlessons.grading.classrun import ClassResult, grade
from octlessons.grading.exports import Place, write_student
from octlessons.grading.exports.page import render
from octlessons.grading.intake import read_submissions
from octlessons.grading.submission import Submission
from octlessons.grading.text import sanitize

#: What a student reads where the grader failed.
FAILED = (
    "The autograder failed, so there is no mark. This is not your mistake; your tutor can run it "
    "again."
)

# What the runner of Classroom 50 tells, in its environment.
_PLACE = {
    **{name: name.upper() for name in ("classroom", "assignment")},
    "submission": "SUBMISSION_TAG",
    **{name: f"{name.upper()}_URL" for name in ("commit", "release", "review")},
}

# GitHub takes up to a megabyte of summary.
_MOST_SUMMARY = 900_000


@dataclass(frozen=True)
class Sender:
    """Who handed in, when, and until when it was due, as the service knows it; else empty.

    `student` decides about data and extensions; `others` is what else the student, or other members
    of the group, are known by.
    """

    student: str = ""
    name: str = ""
    others: Mapping[str, str] = field(default_factory=dict)
    submitted: datetime | None = None
    due: datetime | None = None


def mark(
    folder: Path, bundle: Path, sender: Sender, place: Place | None = None
) -> tuple[bool, dict[str, bytes]]:
    """Grade the submission in `folder` with the bundle's course; give the student's files by name.

    First comes whether every exercise has a mark. An `OctlessonsError` says that the assignment is
    wrong, or that submissions cannot be kept apart here.
    """
    assignment = load_assignment(bundle / "grading.toml")
    assignment = _extended(assignment, sender)
    (submission,) = read_submissions(folder, assignment.ids, single=True)
    submission = _sent_by(submission, sender)
    # Made for its owner alone, and gone afterwards: no submission finds an earlier one's results.
    with tempfile.TemporaryDirectory(prefix="octlessons-") as name:
        out = Path(name, "results")
        result: ClassResult = grade([submission], assignment, out, jobs=1)
        for record in result.records.values():
            if record.no_mark:
                print(f"No mark for {record.exercise}: {sanitize(record.no_mark)}")
        written = write_student(result, submission, out, place)
        files = {path.name: path.read_bytes() for path in written}
    return not any(record.no_mark for record in result.records.values()), files


def _sent_by(submission: Submission, sender: Sender) -> Submission:
    name = sanitize(sender.name, 200, one_line=True) or submission.name
    return replace(
        submission,
        name=name,
        student=sanitize(sender.student, 200, one_line=True) or submission.student or name,
        submitted=sender.submitted or submission.submitted,
        ids={**submission.ids, **sender.others},
    )


def _extended(assignment: Assignment, sender: Sender) -> Assignment:
    """The assignment with the deadline that the service gives this student, if it is later."""
    late = assignment.late
    names = (sender.student, sender.name, *sender.others.values())
    now = late.deadline(*names)
    if now is None or sender.due is None or not sender.student or sender.due <= now:
        return assignment
    extensions = {**late.extensions, sender.student: sender.due}
    return replace(assignment, late=replace(late, extensions=extensions))


def gradescope(bundle: Path, root: Path) -> int:
    """Grade ``submission`` of ``/autograder`` and write ``results/results.json``."""
    sender = gradescope_sender(root / "submission_metadata.json")
    whole, files = mark(root / "submission", bundle, sender)
    write_atomically(root / "results" / "results.json", files["gradescope.json"])
    return int(not whole)


def gradescope_sender(path: Path) -> Sender:
    """Read Gradescope's file about a submission; of a group, the first address stands for all."""
    try:
        content = json.loads(path.read_text("utf-8"))
        users = sorted(content.get("users") or [], key=lambda user: str(user.get("email", "")))
        people = [str(user.get("email") or user.get("id") or "") for user in users]
        names = [str(user.get("name") or "") for user in users]
        assignment = content.get("assignment") or {}
        dues = [(user.get("assignment") or {}).get("due_date") for user in users]
    except (OSError, ValueError, AttributeError, TypeError) as error:
        print(f"{path} cannot be used ({error}), so student and time are not known.")
        return Sender()
    times = [_time(value) for value in (assignment.get("due_date"), *dues)]
    known = [value for value in times if value is not None]
    return Sender(
        student=people[0] if people else "",
        name=", ".join(filter(None, names)),
        others={f"member_{n}": person for n, person in enumerate(people[1:], start=2)},
        submitted=_time(content.get("created_at")),
        due=max(known, default=None),
    )


def classroom50(bundle: Path, checkout: Path) -> int:
    """Grade a checkout and write ``result.json`` and ``release-body.md`` into it."""
    known = {name: os.environ.get(name, "") for name in (*_PLACE.values(), "OWNER", "USERNAME")}
    who = known["OWNER"] or known["USERNAME"]
    told = {name: known[variable] for name, variable in _PLACE.items()}
    place = Place(**told, moment=datetime.now(UTC))
    whole, files = mark(checkout, bundle, Sender(student=who, name=who), place)
    if not whole:
        return 1
    write_atomically(checkout / "release-body.md", summary(files["result.json"]))
    write_atomically(checkout / "result.json", files["classroom50.json"])
    return 0


def actions(bundle: Path, checkout: Path, results: Path) -> int:
    """Grade a checkout of GitHub Actions; write the student's page and the run's summary."""
    repository = os.environ.get("GITHUB_REPOSITORY", "")
    sender = Sender(repository, repository, submitted=_pushed(os.environ.get("GITHUB_EVENT_PATH")))
    whole, files = mark(checkout, bundle, sender)
    for name in ("index.html", "result.json", "junit.xml"):
        write_atomically(results / name, files[name])
    _summarise(summary(files["result.json"]))
    return int(not whole)


def _pushed(event: str | None) -> datetime | None:
    """When GitHub took the push: not the commit's time, which its author chooses."""
    try:
        value = json.loads(Path(event or "").read_text("utf-8"))["repository"]["pushed_at"]
        return datetime.fromtimestamp(value, UTC) if isinstance(value, int) else _time(value)
    except (OSError, ValueError, KeyError, TypeError, OverflowError):
        return None


def _time(value: object) -> datetime | None:
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else None
        return moment if moment is not None and moment.utcoffset() is not None else None
    except ValueError:
        return None


def _summarise(text: str) -> None:
    path = os.environ.get("GITHUB_STEP_SUMMARY")
    if path:
        with open(path, "a", encoding="utf-8") as file:
            file.write(text)


def summary(result: bytes) -> str:
    """A student's ``result.json`` as Markdown that is one block of HTML: text in it stays text."""
    content = {"warning": "", **json.loads(result)}
    text = _block(content)
    return text if len(text.encode()) <= _MOST_SUMMARY else _block({**content, "exercises": []})


def _block(content: dict) -> str:
    """HTML without empty lines, at which GitHub would read on as Markdown."""
    lines = render("summary.html", **content).splitlines()
    return "".join(f"{line}\n" for line in lines if line.strip())


_SERVICES: dict[str, tuple[Callable[..., int], int]] = {
    "gradescope": (gradescope, 2),
    "classroom50": (classroom50, 2),
    "actions": (actions, 3),
}


def main(arguments: list[str]) -> int:
    """Run a service; a failure of the grader ends in exit code 1 and a reason in the output."""
    service, n_paths = _SERVICES.get(arguments[0] if arguments else "", (None, 0))
    if service is None or len(arguments) != 1 + n_paths:
        print(__doc__)
        return 2
    try:
        code = service(*(Path(path).absolute() for path in arguments[1:]))
    except OctlessonsError as error:
        print(f"The grader failed: {error}")
        code = 1
    except Exception:
        traceback.print_exc()
        code = 1
    if code and service is actions:
        _summarise(f"<p>{FAILED}</p>\n")
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
