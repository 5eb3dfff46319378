"""Results that take too long for a page, as benchmarks recorded them."""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path

#: Where they lie, one file of JSON each; ``"command"`` in it says how to make it again.
RECORDS = Path(__file__).with_name("records")


@lru_cache
def record(name: str) -> dict:
    """What a benchmark recorded.

    Parameters
    ----------
    name : str
        ``"instruments"``: how well `measure` agrees with phantoms, whose truth is known. ``"n"``
        scans and ``"n_white"`` of them with white wedges, the ``"goal"`` for the correlation,
        ``"sizes"`` in px; in ``"columns"``, for each column of `measure`, its ``"unit"``, the
        ``"bias"`` with its limits of agreement ``"low"`` and ``"high"`` at 496 px, and in ``"r"``
        the correlation for each size (as text) and each group, None where there is none.

        ``"copies"``: what altered copies buy a small network. ``"sizes"`` scans per class,
        ``"steps"`` of training, ``"draws"`` of patients; in ``"scores"``, for each kind of copies
        and each size (as text), the balanced accuracy in every draw, in one order.

        ``"ingredients"``: what class weights and dropout do for a small network. ``"means"`` of
        its scores with neither, with each and with both; and for each change, such as
        ``"weights"``, the paired difference in every score and the ends of its interval.

        ``"labels"``: which scans to label. ``"means"`` of the balanced accuracy for each number of
        labels (as text) and each way of choosing; ``"over random"``: the paired difference from
        random choice, and the ends of its interval.

        ``"ingredients"`` and ``"labels"``: experiments of chapter 11.

        ``"own_scans"``: what `octlessons cluster` found on real scans. In ``"sets"``, for each set
        its number of scans (``"n"``), ``"patients"`` and ``"classes"``, and in ``"runs"`` for each
        representation the groups (``"k"``), whether they stand out, ``"ari"`` with the diagnosis
        (value, interval, chance) and what is ``"followed"`` (name, AMI, chance).

        ``"scale"``: what `octlessons cluster` costs. For ``"small"``, ``"large"``, ``"bare"`` and
        ``"loop"`` the scans (``"n"``), processor seconds (``"cpu"``), ``"seconds"`` and
        ``"megabytes"``; bytes of the ``"page"``; ``"throughput"``, the share of bare work at the
        small number; and the ``"errors"`` of what is approximated.

        ``"rivals"``: the same and ``"ari"``, ``"ami"``, ``"clusters"`` of several ``"tools"`` on
        each of the ``"sets"``, ``"real"`` and ``"drawn"``.

        ``"trainings"``: of chapters 8 and 10; `recorded_trainings` reads them.

    Returns
    -------
    dict
        With the ``"command"`` that made it and its ``"date"``.

    Raises
    ------
    ValueError
        If there is no such record.
    """
    path = RECORDS / f"{name}.json"
    if not path.is_file():
        known = ", ".join(sorted(found.stem for found in RECORDS.glob("*.json")))
        raise ValueError(f"There is no record {name!r}, only {known}.")
    return json.loads(path.read_text("utf-8"))
