"""The same three exercises graded by nbgrader, as an anchor to compare with.

nbgrader runs the checks in the student's own interpreter. So wherever work is not known to be
harmless, the whole of nbgrader is put into an arena: bubblewrap without network, with a file
system in memory, few processes and little memory, which is thrown away after each case.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import textwrap
import venv
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PLACE = ROOT / "_build" / "bench" / "nbgrader-venv"
EXERCISES = ("ex1", "ex2", "ex3")

#: Seconds that nbgrader gives a cell; its own default is 30.
CELL_SECONDS = 6

#: Body of each test, for nbgrader and pytest alike.
TESTS = {
    "ex1-public": """
        X = np.array([[0.0, 2.0], [4.0, 6.0]])
        np.testing.assert_allclose(standardize(X), [[-1.0, -1.0], [1.0, 1.0]])
    """,
    "ex1-hidden": """
        X = np.random.default_rng(1).normal(3, [1, 5, 20], size=(50, 3))
        np.testing.assert_allclose(standardize(X), (X - X.mean(0)) / X.std(0))
    """,
    "ex2-public": """
        x = np.array([1.0, 2.0, 3.0, 6.0])
        np.testing.assert_allclose(moving_average(x, 2), [1.5, 2.5, 4.5])
    """,
    "ex2-hidden": """
        x = np.random.default_rng(2).normal(size=40)
        windows = np.lib.stride_tricks.sliding_window_view(x, 5)
        np.testing.assert_allclose(moving_average(x, 5), windows.mean(-1))
    """,
    "ex3-public": """
        X = np.array([[1.0, 0.0], [1.0, 1.0], [1.0, 2.0]])
        np.testing.assert_allclose(ols(X, np.array([1.0, 3.0, 5.0])), [1.0, 2.0], atol=1e-9)
    """,
    "ex3-hidden": """
        rng = np.random.default_rng(3)
        X, y = rng.normal(size=(60, 4)), rng.normal(size=60)
        np.testing.assert_allclose(ols(X, y), np.linalg.solve(X.T @ X, X.T @ y))
    """,
}

_SCORES = """
import json
from nbgrader.api import Gradebook
with Gradebook("sqlite:///gradebook.db") as book:
    print(json.dumps({
        submission.student.id: {
            grade.name: grade.score for part in submission.notebooks for grade in part.grades
        }
        for submission in book.assignment_submissions("ps1")
    }))
"""


def install() -> tuple[Path | None, str]:
    """Make nbgrader's own virtual environment, unless it is there.

    Returns
    -------
    python : Path or None
        Its interpreter; None if it cannot be installed.
    said : str
        Its version, or why there is none.
    """
    pins = (ROOT / "constraints.txt").read_text("utf-8")
    versions = {
        name: found.group(1)
        for name in ("nbgrader", "numpy")
        if (found := re.search(rf"^{name}==(\S+)", pins, re.M))
    }
    if "nbgrader" not in versions:
        return None, "constraints.txt names no version of nbgrader"
    python = PLACE / "bin" / "python"
    stamp = PLACE / "installed"
    wanted = [f"{name}=={version}" for name, version in versions.items()]
    if not (stamp.is_file() and stamp.read_text("utf-8").split() == wanted):
        print(f"Installing {' and '.join(wanted)} into {PLACE.relative_to(ROOT)} …", flush=True)
        shutil.rmtree(PLACE, ignore_errors=True)
        venv.create(PLACE, with_pip=True)
        command = [str(python), "-m", "pip", "install", "--quiet", *wanted]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            return None, f"pip could not install it: {done.stderr.strip().splitlines()[-1]}"
        stamp.write_text("\n".join(wanted), "utf-8")
    return python, versions["nbgrader"]


def make_course(python: Path, folder: Path) -> None:
    """Write an nbgrader course with one assignment, and generate its student version."""
    folder.mkdir(parents=True)
    cells = [_code("import numpy as np", "setup")]
    for name in EXERCISES:
        cells.append(_code("### BEGIN SOLUTION\n### END SOLUTION", name, solution=True))
        for kind in ("public", "hidden"):
            test = textwrap.dedent(TESTS[f"{name}-{kind}"]).strip()
            if kind == "hidden":
                test = f"### BEGIN HIDDEN TESTS\n{test}\n### END HIDDEN TESTS"
            cells.append(_code(test, f"{name}-{kind}", points=1))
    (folder / "source" / "ps1").mkdir(parents=True)
    _write(folder / "source" / "ps1" / "lesson.ipynb", cells)
    (folder / "nbgrader_config.py").write_text(
        "c = get_config()\n"
        'c.CourseDirectory.course_id = "bench"\n'
        f"c.Execute.timeout = {CELL_SECONDS}\n"
        f"c.ExecutePreprocessor.timeout = {CELL_SECONDS}\n",
        "utf-8",
    )
    _run(python, folder, "generate_assignment", "ps1")


def hand_in(folder: Path, student: str, sources: Mapping[str, str]) -> None:
    """Put a student's notebook into the course: their code in the cells of the questions."""
    notebook = json.loads((folder / "release" / "ps1" / "lesson.ipynb").read_text("utf-8"))
    for cell in notebook["cells"]:
        name = cell["metadata"].get("nbgrader", {}).get("grade_id")
        if name in EXERCISES:
            cell["source"] = sources[name]
    place = folder / "submitted" / student / "ps1"
    place.mkdir(parents=True)
    (place / "lesson.ipynb").write_text(json.dumps(notebook), "utf-8")


def autograde(python: Path, folder: Path) -> None:
    """Grade everything that was handed in; only for work known to be harmless."""
    _run(python, folder, "autograde", "ps1")


def scores(python: Path, folder: Path) -> dict[str, list[float]]:
    """Return the points of each student in each exercise."""
    command = [str(python), "-c", _SCORES]
    done = subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True)
    return {who: _summed(grades) for who, grades in json.loads(done.stdout).items()}


def _summed(grades: Mapping[str, float]) -> list[float]:
    return [sum(v for k, v in grades.items() if k.startswith(name)) for name in EXERCISES]


# --- the arena -------------------------------------------------------------------------------

_ARENA = """
import os, shutil, subprocess, sys
shutil.copytree("/course", "/arena/course")
os.chdir("/arena/course")
with open("/arena/said", "wb") as said:
    try:
        subprocess.run([sys.executable, "-m", "nbgrader", "autograde", "ps1"], stdout=said,
                       stderr=said, stdin=subprocess.DEVNULL, timeout=float(sys.argv[1]))
    except subprocess.TimeoutExpired:
        pass
print()
exec(sys.argv[2])
"""


def arena_scores(python: Path, course: Path, limits: Sequence[Path], seconds: float):
    """Grade the one submission of a course in an arena.

    Parameters
    ----------
    python : Path
        Of nbgrader's environment.
    course : Path
        Read-only in the arena; nothing is written outside it.
    limits : sequence of Path
        From `arena_limits`.
    seconds : float
        For the whole of nbgrader.

    Returns
    -------
    list of float, or None
        Points in each exercise; None if nbgrader left no result.
    """
    environment = {
        "PATH": f"{python.parent}:/usr/bin:/bin",
        "HOME": "/arena",
        "LANG": "C.UTF-8",
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
    }
    system = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/etc/ld.so.cache")
    prefixes = {sys.base_prefix, str(python.parent.parent)}
    command = [
        *("bwrap", "--unshare-all", "--die-with-parent", "--new-session", "--cap-drop", "ALL"),
        *("--uid", "1000", "--gid", "1000", "--clearenv", "--hostname", "arena"),
        *("--proc", "/proc", "--dev", "/dev", "--size", str(512 << 20), "--tmpfs", "/tmp"),
        *("--size", str(512 << 20), "--tmpfs", "/arena"),
        *(part for place in system for part in ("--ro-bind-try", place, place)),
        *(part for place in sorted(prefixes) for part in ("--ro-bind", place, place)),
        *("--ro-bind", str(course), "/course"),
        *(part for pair in environment.items() for part in ("--setenv", *pair)),
        *("--chdir", "/arena", str(python), "-c", _ARENA, str(seconds), _SCORES),
    ]

    # A shell sets the limits: code between fork and exec is not safe where there are threads.
    joined = [f"echo $$ > {shlex.quote(str(place / 'cgroup.procs'))}" for place in limits]
    bounds = ["ulimit -v 5242880", "ulimit -f 524288", "ulimit -t 300", "ulimit -c 0"]
    shell = ["sh", "-c", "; ".join([*joined, *bounds, 'exec "$@"']), "sh"]
    try:
        done = subprocess.run(
            [*shell, *command],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=seconds + 30,
        )
        return next(map(_summed, json.loads(done.stdout.splitlines()[-1]).values()), None)
    except (subprocess.TimeoutExpired, ValueError, IndexError):
        return None


@contextlib.contextmanager
def arena_limits(name: str) -> Iterator[list[Path]]:
    """Make control groups for one arena, where this machine lets us: memory and processes."""
    made = []
    for kind, file, most in (
        ("memory", "memory.limit_in_bytes", 5 << 30),
        ("pids", "pids.max", 600),
    ):
        place = Path("/sys/fs/cgroup") / kind / f"octlessons-bench-{os.getpid()}-{name}"
        with contextlib.suppress(OSError):
            place.mkdir()
            made.append(place)
            (place / file).write_text(str(most))
    try:
        yield made
    finally:
        for place in made:
            with contextlib.suppress(OSError):
                place.rmdir()


def _run(python: Path, folder: Path, *arguments: str) -> None:
    command = [str(python), "-m", "nbgrader", *arguments]
    path = f"{python.parent}{os.pathsep}{os.environ.get('PATH', '')}"
    environment = {**os.environ, "PATH": path}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"nbgrader {' '.join(arguments)}: {done.stderr[-600:]}")


def _code(source: str, name: str, *, solution: bool = False, points: int | None = None) -> dict:
    about = {"schema_version": 3, "grade_id": name, "solution": solution, "task": False}
    about |= {"grade": points is not None, "locked": not solution}
    if points is not None:
        about["points"] = points
    return {
        "cell_type": "code",
        "id": name,
        "metadata": {"nbgrader": about},
        "source": source,
        "outputs": [],
        "execution_count": None,
    }


def _write(path: Path, cells: Sequence[dict]) -> None:
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    notebook = {"nbformat": 4, "nbformat_minor": 5, "metadata": {"kernelspec": kernel}}
    path.write_text(json.dumps({**notebook, "cells": list(cells)}), "utf-8")
