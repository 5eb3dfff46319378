"""Whose images they are: patients by folder, by table, or by file name."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from octlessons.images._decoding import shown
from octlessons.images._layout import File
from octlessons.images._survey import folded
from octlessons.images.imageset import Problem

_COURSE_NAME = re.compile(r"(?P<label>.+)-(?P<patient>\d+)-(?P<number>\d+)", re.ASCII)

#: Files that are kept, their patients or None, notes, problems.
Named = tuple[list[File], list[str] | None, list[str], list[Problem]]


def naming(patients: str | None) -> Callable[[list[File]], Named]:
    """The rule that gives patients to files; raises ValueError for a rule that is none."""
    if patients is None:
        return lambda files: (files, None, [], [])
    if patients in ("name", "stem"):
        return lambda files: _by_name(files, keep=patients == "stem")
    try:
        pattern = re.compile(patients)
    except (re.error, TypeError) as error:
        raise ValueError(
            f"`patients` is 'name', 'stem', None or a regular expression; {patients!r} is none of "
            f"these ({error})."
        ) from error
    if "patient" not in pattern.groupindex:
        raise ValueError(
            f"The regular expression {patients!r} has no group (?P<patient>…), so it cannot say "
            "which part of a file name is the patient."
        )
    reason = "Its name does not match the pattern given."

    def by_pattern(files: list[File]) -> Named:
        found = [pattern.search(file.stem) for file in files]
        return _kept(files, [m and m["patient"] for m in found], [reason] * len(files))

    return by_pattern


def _by_name(files: list[File], keep: bool) -> Named:
    """What folders or a table say; files of which they say nothing by their names."""
    told = any(file.patient for file in files)
    labelled = any(file.label is not None for file in files)
    ids, wrong = [], []
    for file in files:
        match, reason = _COURSE_NAME.fullmatch(file.stem), ""
        if file.patient or (told and match):
            pass
        elif told:
            reason = "Neither its folder nor its name, nor a table, says whose it is."
        elif match is None:
            wanted = f"{file.label or 'CLASS'}-patient-number"
            reason = f"Its name is not {wanted}, so its patient is unknown."
        elif labelled and folded(match["label"]) != folded(str(file.label)):
            reason = f"Its name says {shown(match['label'])} but it lies among {file.label}."
        wrong.append(reason)
        ids.append(file.patient or (match["patient"] if match and not reason else None))
    if keep:
        n = ids.count(None)
        own = [id or file.stem for id, file in zip(ids, files, strict=True)]
        return files, own, [f"{n:,} images taken for a patient of their own"] * bool(n), []
    if not told and (all(wrong) or (not labelled and any(wrong))):
        return files, None, ["file names carry no patient numbers: patients are unknown"], []
    return _kept(files, ids, wrong)


def _kept(files: list[File], ids: Sequence[str | None], reasons: list[str]) -> Named:
    """The files with a patient; the others become problems."""
    found = list(zip(files, ids, reasons, strict=True))
    problems = [Problem(shown(file.path), why, "name") for file, id, why in found if not id]
    kept = [(file, id) for file, id, _ in found if id]
    return [file for file, _ in kept], [id for _, id in kept], [], problems
