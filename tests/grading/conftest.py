"""What the grader's tests share: the small NumPy course, and isolation, or a clear skip."""

import sys
from dataclasses import replace

import pytest

from octlessons.errors import OctlessonsError
from octlessons.grading import classrun, sandbox
from octlessons.grading.assignment import Limits, load_assignment
from octlessons.grading.submission import Submission, Work
from tests.grading.numpy_course import CORRECT, make_course


@pytest.fixture(scope="session")
def isolation() -> str:
    """Name of a way of isolation that holds here; without one, tests that need it skip."""
    if sys.platform != "linux":
        pytest.skip("submissions are isolated by Linux' namespaces; tested there")
    try:
        return sandbox.choose("bubblewrap")
    except OctlessonsError as error:
        pytest.skip(f"no isolation here: {error}")


@pytest.fixture(scope="module")
def proven(isolation):
    """The same; what was just tried need not be tried again before every class."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sandbox, "trouble", lambda name, secrets=(): "")
        yield isolation


@pytest.fixture(scope="session")
def course(tmp_path_factory):
    """Path of ``grading.toml`` of a course of three NumPy exercises."""
    return make_course(tmp_path_factory.mktemp("course"))


@pytest.fixture(scope="session")
def assignment(course):
    """The course's assignment, with limits short enough for tests."""
    loaded = load_assignment(course)
    return limited(loaded, Limits(cpu_seconds=1, wall_seconds=6, memory_mb=1024))


def limited(assignment, limits):
    """The same assignment, with these limits for every exercise."""
    tasks = tuple(replace(task, limits=limits) for task in assignment.tasks)
    return replace(assignment, tasks=tasks)


def submission(name: str, **sources: str) -> Submission:
    """A submission with these sources, and right ones for the other exercises."""
    works = {
        exercise: Work(exercise, f"{exercise}.py", source)
        for exercise, source in (CORRECT | sources).items()
    }
    return Submission(name, name.lower(), works, student=name)


@pytest.fixture
def mark(proven, assignment, tmp_path):
    """Mark submissions, or one source of ``ex1``; gives records by name and exercise."""

    def run(*submissions, assignment=assignment, **settings):
        given = [submission("student", ex1=s) if isinstance(s, str) else s for s in submissions]
        settings = {"isolation": proven, "jobs": 1} | settings
        result = classrun.grade(given, assignment, tmp_path / "results", **settings)
        names = {entry.slug: entry.name for entry in given}
        return {(names[slug], ex): record for (slug, ex), record in result.records.items()}

    return run
