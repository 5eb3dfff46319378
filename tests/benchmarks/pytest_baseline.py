"""The same three exercises graded by one process of pytest per submission, as an anchor.

Only for work known to be harmless: the submission runs in the process that decides its marks.
"""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from xml.etree import ElementTree

from tests.benchmarks.nbgrader_baseline import EXERCISES, TESTS


def grade(folder: Path, students: Mapping[str, Mapping[str, str]], jobs: int) -> dict:
    """Grade a class, `jobs` processes at a time.

    Parameters
    ----------
    folder : Path
        Where submissions are written.
    students : mapping
        From a student's name to their sources by exercise.
    jobs : int

    Returns
    -------
    dict of str to list of int
        Points of each student in each exercise.
    """
    folder.mkdir(parents=True)
    with ThreadPoolExecutor(jobs) as pool:
        places = [_hand_in(folder / who, sources) for who, sources in students.items()]
        return dict(zip(students, pool.map(_points, places), strict=True))


def _hand_in(place: Path, sources: Mapping[str, str]) -> Path:
    place.mkdir()
    for name, source in sources.items():
        (place / f"{name}.py").write_text(source, "utf-8")
    for name in EXERCISES:
        parts = ["import numpy as np", f"from {name} import *"]
        for kind in ("public", "hidden"):
            body = textwrap.indent(textwrap.dedent(TESTS[f"{name}-{kind}"]).strip(), "    ")
            parts.append(f"\n\ndef test_{kind}():\n{body}")
        (place / f"test_{name}.py").write_text("\n".join(parts) + "\n", "utf-8")
    return place


def _points(place: Path) -> list[int]:
    options = ["-q", "-p", "no:cacheprovider", "--tb=line", "--junitxml=report.xml"]
    subprocess.run(
        [sys.executable, "-m", "pytest", *options, "--rootdir=.", "-c", os.devnull, "."],
        cwd=place,
        capture_output=True,
    )
    points = dict.fromkeys(EXERCISES, 0)
    for case in ElementTree.parse(place / "report.xml").iter("testcase"):
        name = case.get("classname", "").rpartition("test_")[2]
        if name in points:
            points[name] += not len(case)
    return [points[name] for name in EXERCISES]
