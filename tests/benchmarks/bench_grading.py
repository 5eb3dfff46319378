"""The grader beside nbgrader and pytest: speed, memory, and verdicts on attacks.

All three mark the same three NumPy exercises, a third of the class right, a third partly right, a
third untouched, in interleaved rounds on the same machine. The grader marks whole classes; nbgrader
and pytest, which would take an hour, the first of the same students. Attacks come from
``$OCTLESSONS_SHARED/grading/attacks.json``; they are live, and run only inside the grader under
test, or with nbgrader in an arena. ``--quick`` measures less; ``--no-verdicts`` leaves attacks out.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.benchmarks import nbgrader_baseline, pytest_baseline
from tests.grading.numpy_course import CORRECT, PARTLY, STUBS, make_course

ROOT = Path(__file__).resolve().parents[2]
KINDS = ((CORRECT, [2, 2, 2]), (PARTLY, [1, 2, 0]), (STUBS, [0, 0, 0]))
GOALS = {"nbgrader": 50, "pytest": 15}
SECONDS_GOAL = 0.5  # of a warm submission with scikit-learn
SCIKIT_LEARN = "dark-part"

#: Cases that speak the protocol of a prototype: noise to every grader measured here.
NOISE = ("F12", "F13", "R17", "R18", "R19", "R20")


def main(argv: list[str] | None = None) -> None:
    """Print all tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="one round of a few submissions")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument(
        "--submissions", type=int, nargs="+", default=[400, 1000], help="sizes of classes"
    )
    parser.add_argument("--no-verdicts", action="store_true", help="no attacks")
    options = parser.parse_args(argv if argv is not None else [])
    if options.quick:
        options.rounds, options.submissions = 1, [30]
    python, said = nbgrader_baseline.install()
    print(f"nbgrader {said}" if python else f"nbgrader is left out: {said}.", flush=True)
    with tempfile.TemporaryDirectory(prefix="octlessons-bench-") as name:
        folder = Path(name)
        config = make_course(folder / "course")
        _speed(folder, config, python, options)
        _scikit_learn(folder)
        _memory(folder, config, 10 if options.quick else 100)
        if not options.no_verdicts:
            _verdicts(folder, python)


# --- speed -----------------------------------------------------------------------------------


def _speed(folder: Path, config: Path, python: Path | None, options) -> None:
    jobs = len(os.sched_getaffinity(0))
    sizes = {"nbgrader": 9, "pytest": 30}
    if options.quick:
        sizes |= {"nbgrader": 3, "pytest": 6}
    sizes |= {f"octlessons, a class of {n:,}": n for n in options.submissions}
    template = folder / "nbgrader"
    if python:
        nbgrader_baseline.make_course(python, template)
    else:
        del sizes["nbgrader"]
    rates: dict[str, list[float]] = {name: [] for name in sizes}
    for number in range(options.rounds):
        for grader, n in sizes.items():
            students = {f"student-{i:04}": KINDS[i % 3][0] for i in range(n)}
            place = folder / f"{grader}-{number}"
            if grader == "nbgrader":
                seconds, marks = _nbgrader(python, template, place, students)
            elif grader == "pytest":
                seconds, marks = _timed(pytest_baseline.grade, place, students, jobs)
            else:
                done = _grade(_class(place / "class", students), place / "results", config)
                seconds, marks = done["seconds"], done["marks"]
            rates[grader].append(60 * n / seconds)
            print(f"round {number + 1}, {grader}: {rates[grader][-1]:,.0f} a minute", flush=True)
            for i, who in enumerate(students):
                if marks.get(who) != KINDS[i % 3][1]:
                    print(f"  {who} got {marks.get(who)} instead of {KINDS[i % 3][1]}")
            shutil.rmtree(place, ignore_errors=True)
    medians = {name: statistics.median(values) for name, values in rates.items()}
    table = _table(
        f"Three NumPy exercises, median of {options.rounds} rounds, {jobs} cores",
        ("grader", "submissions a round", "a minute", "× nbgrader", "× pytest"),
    )
    for name, rate in medians.items():
        ratios = (rate / medians[other] if other in medians else None for other in GOALS)
        shown = (f"{ratio:.1f}" if ratio else "-" for ratio in ratios)
        table.add_row(name, str(sizes[name]), f"{rate:,.0f}", *shown)
    _print(table)
    for other, goal in GOALS.items():
        for name in medians if other in medians else ():
            ratio = medians[name] / medians[other]
            if name not in GOALS:
                print(f"Goal: {goal} × {other}. {_reached(ratio >= goal)}: {ratio:.1f} × ({name}).")


def _timed(function, *arguments) -> tuple[float, dict]:
    began = time.perf_counter()
    result = function(*arguments)
    return time.perf_counter() - began, result


def _nbgrader(python: Path, template: Path, place: Path, students) -> tuple[float, dict]:
    shutil.copytree(template, place)
    for who, sources in students.items():
        nbgrader_baseline.hand_in(place, who, sources)
    seconds, _ = _timed(nbgrader_baseline.autograde, python, place)
    return seconds, nbgrader_baseline.scores(python, place)


def _class(folder: Path, students: Mapping[str, Mapping[str, str]]) -> Path:
    """Write a folder of submissions; names without suffix are Python files."""
    for who, sources in students.items():
        for name, source in sources.items():
            path = folder / who / (name if "." in name else f"{name}.py")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(source.encode("utf-8", "surrogatepass"))
    return folder


# --- the grader, in a process of its own -------------------------------------------------------


def _grade(submissions: Path, out: Path, config: Path | None, *exercises: str) -> dict:
    """Grade with the package, in a process of its own; its seconds, marks and peak memory."""
    command = [
        sys.executable,
        "-m",
        "tests.benchmarks.bench_grading",
        "grade",
        str(submissions),
        str(out),
    ]
    command += [str(config) if config else "", *exercises]
    began = time.perf_counter()
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    with ThreadPoolExecutor(1) as pool:
        peak = pool.submit(_peak, process)
        said, _ = process.communicate()
        seconds = time.perf_counter() - began
        if process.returncode:
            raise SystemExit(f"octlessons could not grade (status {process.returncode})")
        return {**json.loads(said.splitlines()[-1]), "seconds": seconds, "peak": peak.result()}


def _peak(process: subprocess.Popen) -> float:
    """Largest memory of a process and its descendants, shared pages counted once, in MB."""
    import psutil

    peak = 0
    while process.poll() is None:
        total = 0
        try:
            own = psutil.Process(process.pid)
            for one in [own, *own.children(recursive=True)]:
                try:
                    total += one.memory_full_info().pss
                except (psutil.Error, OSError):
                    continue  # it has ended
        except psutil.Error:
            break
        peak = max(peak, total)
        time.sleep(0.25)
    return peak / 1e6


def _graded(submissions: str, out: str, config: str, *exercises: str) -> None:
    from octlessons.grading.assignment import load_assignment
    from octlessons.grading.classrun import grade
    from octlessons.grading.intake import read_submissions

    assignment = load_assignment(config or None, exercises)
    handed_in = read_submissions(submissions, assignment.ids)
    result = grade(handed_in, assignment, Path(out))
    marks = {
        submission.name: [
            None
            if result.records[submission.slug, task.id].no_mark
            else result.records[submission.slug, task.id].points
            for task in assignment.tasks
        ]
        for submission in result.submissions
    }
    print()
    print(json.dumps({"marks": marks, "isolation": result.isolation}))


# --- scikit-learn and memory ---------------------------------------------------------------------


def _scikit_learn(folder: Path) -> None:
    from octlessons.exercises.catalogue import load_catalogue

    source = load_catalogue(ROOT)[SCIKIT_LEARN].solution.read_text("utf-8")
    seconds = {}
    for n in (1, 31):
        students = {f"student-{i:04}": {SCIKIT_LEARN: source} for i in range(n)}
        place = folder / f"scikit-learn-{n}"
        seconds[n] = _grade(_class(place, students), folder / f"results-{n}", None, SCIKIT_LEARN)[
            "seconds"
        ]
    warm = (seconds[31] - seconds[1]) / 30
    table = _table(f"An exercise with scikit-learn ({SCIKIT_LEARN})", ("", "seconds"))
    table.add_row("the first submission, everything cold", f"{seconds[1]:.2f}")
    table.add_row("each of 30 more", f"{warm:.3f}")
    _print(table)
    print(f"Goal: a warm submission below {SECONDS_GOAL} s. {_reached(warm < SECONDS_GOAL)}.")


def _memory(folder: Path, config: Path, n: int) -> None:
    table = _table("Peak memory (PSS) of the grader and all its processes", ("submissions", "MB"))
    peaks = []
    for size in (n, 10 * n):
        students = {f"student-{i:05}": KINDS[i % 3][0] for i in range(size)}
        place = folder / f"memory-{size}"
        done = _grade(_class(place / "class", students), place / "results", config)
        peaks.append(done["peak"])
        table.add_row(f"{size:,}", f"{peaks[-1]:,.0f}")
        shutil.rmtree(place)
    _print(table)
    more = 1000 * (peaks[1] - peaks[0]) / (9 * n)
    print(f"Goal: flat. {more:.0f} kB for each submission more.")


# --- verdicts ----------------------------------------------------------------------------------


def _verdicts(folder: Path, python: Path | None) -> None:
    shared = Path(os.environ.get("OCTLESSONS_SHARED") or ROOT.parent / "shared")
    path = shared / "grading" / "attacks.json"
    if not path.is_file():
        print(
            "No attacks here: set OCTLESSONS_SHARED to the folder that holds grading/attacks.json."
        )
        return
    content = json.loads(path.read_text("utf-8"))
    right = {f"{name}.py": source for name, source in content["correct_sources"].items()}
    cases = {
        case["id"]: case
        for case in content["cases"]
        if list(case["submission"]) == ["ex1.py"]
        and not case.keys() & {"setup", "archive"}
        and any(name.startswith("nbgrader") for name in case["measured"])
    }
    students = {name: {**right, **case["submission"]} for name, case in cases.items()}
    expected = {name: list(case["expected"]["scores"].values()) for name, case in cases.items()}
    found = {}
    if python and shutil.which("bwrap"):
        found["nbgrader"] = _attacked_nbgrader(folder, python, students)
    else:
        print("nbgrader is not attacked: that needs nbgrader and bubblewrap.")
    config = make_course(folder / "attacked")
    with config.open("a", encoding="utf-8") as file:
        file.write("\n[limits]\ncpu_seconds = 3\nwall_seconds = 6\nmemory_mb = 1024\n")
    done = _grade(_class(folder / "attacks", students), folder / "attacked-results", config)
    found["octlessons"] = done["marks"]
    print(f"octlessons kept submissions apart by: {done['isolation']}")
    noise = [name for name in NOISE if name in cases]
    table = _table(
        f"Verdicts on {len(cases)} attacks and odd submissions ({len(noise)} of them noise here)",
        ("grader", "exact", "forged or too high", "others lost", "no verdict", "too low"),
    )
    for grader, marks in found.items():
        counts = dict.fromkeys(("exact", "forged", "lost", "none", "low"), 0)
        for name, wanted in expected.items():
            verdict = _verdict(marks.get(name), wanted)
            counts[verdict] += 1
            if verdict != "exact":
                print(f"  {grader}, {name}: {marks.get(name)} instead of {wanted}")
        share = f"{counts.pop('exact')} ({100 * _share(marks, expected):.0f} %)"
        table.add_row(grader, share, *map(str, counts.values()))
    _print(table)
    print("Goal: every verdict exact, nothing forged.")


def _attacked_nbgrader(folder: Path, python: Path, students) -> dict:
    template = folder / "nbgrader"

    def attacked(who: str):
        place = folder / "attacked-nbgrader" / who
        shutil.copytree(template, place)
        sources = {name.removesuffix(".py"): text for name, text in students[who].items()}
        nbgrader_baseline.hand_in(place, who, sources)
        with nbgrader_baseline.arena_limits(who) as limits:
            return nbgrader_baseline.arena_scores(python, place, limits, 40)

    marks = {}
    with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        for number, (who, mark) in enumerate(
            zip(students, pool.map(attacked, students), strict=True), 1
        ):
            marks[who] = mark
            if number % 10 == 0 or number == len(students):
                print(f"nbgrader in its arena: {number} of {len(students)} cases", flush=True)
    return marks


def _verdict(marks, wanted) -> str:
    """What a verdict comes to; the first exercise is the one attacked."""
    if marks is None or None in marks:
        return "none"
    if list(marks) == wanted:
        return "exact"
    if any(mark > most for mark, most in zip(marks, wanted, strict=True)):
        return "forged"
    return "lost" if list(marks[1:]) != wanted[1:] else "low"


def _share(marks, expected) -> float:
    exact = sum(_verdict(marks.get(name), wanted) == "exact" for name, wanted in expected.items())
    return exact / len(expected)


def _reached(reached: bool) -> str:
    return "Reached" if reached else "Not reached"


def _table(title: str, headings):
    from rich.table import Table

    table = Table(title=title)
    for i, heading in enumerate(headings):
        table.add_column(heading, justify="right" if i else "left")
    return table


def _print(table) -> None:
    from rich.console import Console

    console = Console()
    (console if console.width >= 100 else Console(width=100)).print(table)


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["grade", *arguments]:
            _graded(*arguments)
        case arguments:
            main(arguments)
