"""Whose images they are: patients by folder, by table, or by file name."""

from __future__ import annotations

import re
from collections.abc import Callable

from octlessons.images._decoding import shown
from octlessons.images._layout import File
from octlessons.images.imageset import Problem

_COURSE_NAME = re.compile(r"(?P<label>.+)-(?P<patient>\d+)-(?P<number>\d+)", re.ASCII)

#: Files that are kept, their patients or None, notes, problems.
Named = tuple[list[File], list[str] | None, list[str], list[Problem]]


def naming(patients: str | None) -> Callable[[list[File]], Named]:
    """The rule that gives patients to files; raises ValueError for a rule that is none."""
    if patients is None:
        return lambda files: (files, None, [], [])
    if patients in ("name", "stem"):
        return lambda files: _as_far_as_known(files, keep=patients == "stem")
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
    return lambda files: _by_pattern(files, pattern)


def _by_pattern(files: list[File], pattern: re.Pattern) -> Named:
    found = [pattern.search(file.stem) for file in files]
    ids = [match["patient"] if match else None for match in found]
    return _kept(files, ids, ["Its name does not match the pattern given."] * len(files))


def _as_far_as_known(files: list[File], keep: bool) -> Named:
    """What folders or a table say; files of which they say nothing by their names."""
    if not any(file.patient for file in files):
        return _by_course_name(files, keep)
    matches = [_COURSE_NAME.fullmatch(file.stem) for file in files]
    ids = [
        file.patient or (match["patient"] if match else file.stem if keep else None)
        for file, match in zip(files, matches, strict=True)
    ]
    reason = "Neither its folder nor its name, nor a table, says whose it is."
    return _kept(files, ids, [reason] * len(files))


def _by_course_name(files: list[File], keep: bool) -> Named:
    matches = [_COURSE_NAME.fullmatch(file.stem) for file in files]
    labelled = any(file.label is not None for file in files)
    wrong = [
        _wrong_name(file, match) if labelled else "" if match else "Its name has no patient."
        for file, match in zip(files, matches, strict=True)
    ]
    ids = [m["patient"] if m and not w else None for m, w in zip(matches, wrong, strict=True)]
    if keep:
        n = ids.count(None)
        own = [id or file.stem for id, file in zip(ids, files, strict=True)]
        return files, own, [f"{n:,} images taken for a patient of their own"] if n else [], []
    if all(wrong) or (not labelled and any(wrong)):
        return files, None, ["file names carry no patient numbers: patients are unknown"], []
    return _kept(files, ids, wrong)


def _kept(files: list[File], ids: list[str | None], reasons: list[str]) -> Named:
    """The files with a patient; the others become problems."""
    problems = [
        Problem(shown(file.path), reason, "name")
        for file, id, reason in zip(files, ids, reasons, strict=True)
        if not id
    ]
    pairs = [(file, id) for file, id in zip(files, ids, strict=True) if id]
    return [file for file, _ in pairs], [id for _, id in pairs], [], problems


def _wrong_name(file: File, match: re.Match | None) -> str:
    """Why the name does not fit its class folder; empty if it does."""
    if match is None:
        return f"Its name is not {file.label}-patient-number, so its patient is unknown."
    if match["label"].casefold() != str(file.label).casefold():
        return f"Its name says {shown(match['label'])} but it lies among {file.label}."
    return ""
