"""What the folders around images say: part, class, patient, site; which images count."""

from __future__ import annotations

import functools
import os
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from octlessons.images._decoding import shown
from octlessons.images._survey import ENDINGS, FolderError, Told, Tree, folded, holding, natural
from octlessons.images._terms import terms_of
from octlessons.wording import count

#: Classes that come first, in this order; others follow by name.
COURSE_CLASSES = ("CNV", "DME", "DRUSEN", "NORMAL")
_KNOWN = {name.casefold() for name in COURSE_CLASSES}

#: What a level of a layout can be; other words are levels without a meaning for the set.
LEVELS = ("class", "patient", "site")

SPLITS = {"train": "train", "training": "train", "val": "val", "valid": "val"}
SPLITS |= {"validation": "val", "test": "test", "testing": "test"}
_PATIENT = re.compile(
    r"(?:p|pt|pat|patient|s|sub|subj|subject|case|id|participant|person)[\s_.-]*\d+[a-z]?"
    r"|\d{3,}[a-z]?",
    re.ASCII | re.IGNORECASE,
)
_EYE_OR_DATE = re.compile(
    r"(?:o[dsu]|[lr]e?|left|right)(?:[\s_-]*eyes?)?"
    r"|(?:19|20)\d\d([-_.]?)(?:0[1-9]|1[0-2])\1(?:0[1-9]|[12]\d|3[01])",
    re.ASCII | re.IGNORECASE,
)
_ONLY_IMAGES = re.compile(r"(?:images?|imgs?|(?:b[\s_-]?)?scans?|data|files|jpe?g|png|tiff?)", re.I)


@dataclass(slots=True)
class File:
    """One image file, and what is known of it before and after it was opened."""

    path: str  # relative to the root, with /
    split: str | None = None
    label: str | None = None
    patient: str | None = None
    site: str | None = None
    size: tuple[int, int] = (0, 0)
    turned: bool = False
    deep: bool = False
    pages: bool = False
    bits: int = 0  # of whole numbers deeper than 8 bits
    tail: tuple = ()  # length and last bytes, which copies have in common
    pixels: tuple = ()  # shape and hash of the pixels, where they were decoded

    @property
    def stem(self) -> str:
        return os.path.splitext(os.path.basename(self.path))[0]


class Survey(Told):
    """The files of a source by part and class, before any of them is opened."""

    def __init__(self, root: Path, name: str, source: str):
        super().__init__()
        self.root, self.name, self.source = root, name, source
        self.files: list[File] = []
        self.splits: list[str] = []
        self.split_of: dict[str, str | None] = {}  # where folders do not say it
        self.licence = self.citation = ""
        self._spellings = {folded(name): name for name in COURSE_CLASSES}

    def spelling(self, name: str | None) -> str | None:
        """The one spelling of a class whose folder is called Drusen here and DRUSEN there."""
        return name and self._spellings.setdefault(folded(name), clean(name))

    def class_names(self, classes: Sequence[str] | None = None) -> list[str]:
        there = sorted({f.label for f in self.files if f.label is not None}, key=class_order)
        if classes is None:
            return there
        by_folded = {folded(name): name for name in there}
        unknown = [str(name) for name in classes if folded(str(name)) not in by_folded]
        if unknown:
            known = ", ".join(there) or "none, the images lie loose"
            raise FolderError(
                f"{shown(self.root)} has no class called {', '.join(unknown)}; it has: {known}."
            )
        return list(dict.fromkeys(by_folded[folded(str(name))] for name in classes))

    def choose(self, split: str, classes: Sequence[str] | None) -> list[File]:
        """The files of a part and of some classes; problems of other parts are forgotten."""
        files = self.files
        if split != "all":
            if split not in self.splits:
                has = f"only {', '.join(self.splits)}" if self.splits else "no such parts"
                raise FolderError(
                    f"{shown(self.root)} has no folder {split!r}: it has {has}. "
                    "Read it with split='all'."
                )
            files = [file for file in files if file.split == split]
            self.problems = [p for p in self.problems if split in self._splits(p.path)]
        if classes is not None:
            wanted = self.class_names(classes)
            left_out = [name for name in self.class_names() if name not in wanted]
            if left_out:
                self.notes.append(f"classes not asked for: {', '.join(left_out)}")
            files = [file for file in files if file.label in wanted]
        return files

    def _splits(self, path: str) -> set[str | None]:
        if path in self.split_of:
            return {self.split_of[path]}
        return {SPLITS.get(folded(name)) for name in path.split("/")}

    def sort(self) -> None:
        self.files.sort(
            key=lambda f: (part_order(f.split), class_order(f.label or ""), natural(f.path))
        )
        self.splits = sorted({f.split for f in self.files if f.split}, key=part_order)


@dataclass
class Layout:
    """What the levels of folders are, from outside in, and how deep images may lie."""

    levels: tuple[str, ...]
    least: int
    most: int | None
    note: str = ""
    warning: str = ""


def given_layout(layout: str) -> Layout:
    """Read what the caller says, such as ``"class/patient"``."""
    if not isinstance(layout, str):
        raise TypeError(f"`layout` is text such as 'class/patient', not {layout!r}.")
    if layout in ("", "*"):
        return Layout((), 0, None if layout else 0)
    levels = tuple(layout.strip("/").split("/"))
    repeated = [name for name in LEVELS if levels.count(name) > 1]
    if repeated or "" in levels or not set(levels) & set(LEVELS):
        raise ValueError(
            f"`layout` names the levels of folders from outside in, such as 'class/patient' or "
            f"'patient/visit/eye', with 'class', 'patient' or 'site' once each; '' for loose "
            f"images only, '*' for images at any depth; not {layout!r}."
        )
    return Layout(levels, max(i for i, name in enumerate(levels) if name in LEVELS) + 1, None)


def deduced_layout(places: Sequence[Sequence[str]], known: set[str]) -> Layout:
    """What the folders of images probably are; `places` are the folders around each image."""
    depths = Counter(map(len, places))
    classes = any(folded(name) in known for name in {f[0] for f in places if f})
    if not classes and depths[0] * 2 >= len(places):
        return Layout((), 0, 0)
    depth = max((d for d in depths if d), key=lambda d: (depths[d], -d))
    outer, below = ({f[i] for f in places if len(f) >= max(depth, i + 1)} for i in (0, 1))
    unclear = not classes and all(map(_EYE_OR_DATE.fullmatch, outer))
    patients = not (classes or unclear) and all(map(_PATIENT.fullmatch, outer))
    say = "give `layout` if they are something else"
    if depth > 1 and not classes and all(folded(name) in known for name in below):
        first = "patient" if patients else "folder"
        return Layout((first, "class"), 2, None, f"folders taken for {first}/class; {say}")
    if patients:
        return Layout(("patient",), 1, None, f"outer folders taken for patients; {say}")
    if depth == 1 and not unclear:
        return Layout(("class",), 1, 1)
    dates = all(map(_EYE_OR_DATE.fullmatch, below))
    ours = all(_PATIENT.fullmatch(name) or (classes and name.isdigit()) for name in below)
    if depth > 1 and ours and not dates and not unclear:
        return Layout(("class", "patient"), 1, None, f"folders taken for class/patient; {say}")
    if classes:
        note = "folders below the classes not taken for patients: layout='class/patient' does"
        return Layout(("class",), 1, None, note)
    return Layout((), 0, None, warning=(
        f"Its folders ({listed(sorted(outer, key=natural), 3)}) do not say what they are, so all "
        "images are read without classes and patients. Say what the levels are, from outside in: "
        "layout='class/patient', 'class', 'patient/visit', …; or '*' if they mean nothing."
    ))  # fmt: skip


#: The path of an image, its part, and the folders around it that do not stand for the part.
Place = tuple[str, str | None, list[str]]


def survey_folder(
    root: Path,
    layout: str | None = None,
    classes: Sequence[str] | None = None,
    also: Callable[[str], bool] | None = None,
) -> tuple[Survey, str]:
    """All files below a folder that count; what to warn of besides problems."""
    tree = Tree(root, also)
    survey = Survey(root, shown(root.name), f"the folder {shown(root.name)}")
    survey.problems, survey.notes = tree.problems, tree.notes
    survey.licence, survey.citation = terms_of(root)
    base = _outer_folder(tree, layout)
    parts = {
        path: SPLITS[folded(os.path.basename(path))]
        for path in tree.folders[base]
        if folded(os.path.basename(path)) in SPLITS
    }
    inside = _divide(survey, tree.images, base, level=0 if parts else 1)
    if layout is None:
        known = _KNOWN | {folded(str(name)) for name in classes or ()}
        meant = deduced_layout([folders for *_, folders in inside] or [[]], known)
    else:
        meant = given_layout(layout)
    _assign(survey, inside, meant)
    _note_others(survey, tree, [base, *parts], meant)
    survey.sort()
    survey.splits = sorted({*survey.splits, *parts.values()}, key=part_order)
    if meant.note:
        survey.notes.append(meant.note)
    return survey, meant.warning


def _divide(survey: Survey, images: list[str], base: str, level: int) -> list[Place]:
    """Find the part of each image: in the outer folder, or below the classes if all lie so."""
    inside: list[Place] = []
    for path in images:
        folders = path[len(base) :].strip("/").split("/")[:-1]
        part = SPLITS.get(folded(folders[level])) if len(folders) > level else None
        inside.append((path, part, folders))
    if level and not all(part for _, part, _ in inside):
        return [(path, None, folders) for path, _, folders in inside]
    outside: dict[str, int] = Counter()
    for path, part, folders in inside:
        if part is None and folders:
            outside["/".join(filter(None, (base, folders[0])))] += 1
        elif part is None:
            survey.problem(path, "place", "It lies outside the folders train, val and test.")
    for folder, n in outside.items():
        survey.problem(folder, "place", f"It lies beside train, val or test{holding(n)}.")
    return [(path, part, f[:level] + f[level + 1 :]) for path, part, f in inside if part]


def _outer_folder(tree: Tree, layout: str | None) -> str:
    """The data folder inside outer folders that hold nothing else, relative to the root."""
    base = ""
    holding = {os.path.dirname(path) for path in tree.images}
    while layout is None and len(tree.folders[base]) == 1 and base not in holding:
        inner = tree.folders[base][0]
        name = folded(os.path.basename(inner))
        if name in SPLITS or name in _KNOWN or _PATIENT.fullmatch(name):
            break
        plain = _ONLY_IMAGES.fullmatch(name) and inner in tree.folders
        if not plain and (not tree.folders.get(inner) or inner in holding):
            break
        base = inner
    return base


def _assign(survey: Survey, inside: list[Place], meant: Layout) -> None:
    """Take the files that lie where they should; name the folders and files that do not."""
    aside: dict[str, int] = Counter()
    called = {"class": "class folders", "patient": "folders of patients"}
    at = {name: i for i, name in enumerate(meant.levels) if name in LEVELS}
    wanted = " and ".join(called.get(name, "folders of a site") for name in at)
    spelling, cleaned = functools.cache(survey.spelling), functools.cache(clean)
    for path, part, folders in inside:
        if len(folders) < meant.least:
            survey.problem(path, "place", f"It lies outside the {wanted}.")
        elif meant.most is not None and len(folders) > meant.most:
            up = len(folders) - meant.most - 1
            aside["/".join(path.split("/")[: -1 - up])] += 1
        else:
            label, patient, site = (
                folders[at[name]] if at.get(name, 99) < len(folders) else None for name in LEVELS
            )
            patient, site = patient and cleaned(patient), site and cleaned(site)
            survey.files.append(File(path, part, spelling(label), patient, site))
    loose = "beside images that lie loose (layout='*' reads both)"
    lies = "inside a class folder" if meant.levels else loose
    for folder, n in aside.items():
        survey.problem(folder, "place", f"It is a folder {lies}{holding(n)}.")


def _note_others(survey: Survey, tree: Tree, bases: list[str], meant: Layout) -> None:
    """Say which files are no images, and which folders hold none."""
    plain = meant.levels == ("class",) and meant.most == 1
    class_folders = {os.path.dirname(file.path) for file in survey.files} if plain else set()
    aside = []
    for path in tree.others:
        ending = os.path.splitext(path)[1]
        has = f"ends in {shown(ending)}" if ending else "has no ending"
        if os.path.dirname(path) in class_folders:
            reason = f"Its name {has}; images end in {', '.join(ENDINGS)}."
            survey.problem(path, "not an image", reason)
        else:
            aside.append(path)
    if aside:
        tables = any(path.casefold().endswith((".csv", ".tsv")) for path in aside)
        survey.notes.append(
            f"{count(len(aside), 'file')} not images and not in a class folder, left aside: "
            f"{listed(aside)}" + "; a table of the images is read with table=…" * tables
        )
    filled = {os.path.dirname(path) for path in tree.images}
    filled |= {os.path.dirname(p.path) for p in survey.problems} | {p.path for p in survey.problems}
    for base in bases:
        for folder in tree.folders.get(base, []):
            name = shown(folder)
            if any(f"{shown(path)}/".startswith(f"{name}/") for path in filled):
                continue
            holds = "holds no image" if tree.files[folder] or tree.folders[folder] else "is empty"
            survey.notes.append(f"folder {name} {holds}")


def listed(paths: Sequence[str], most: int = 5) -> str:
    """The first few of many files."""
    return ", ".join(map(shown, paths[:most])) + (", …" if len(paths) > most else "")


def clean(name: str) -> str:
    """A name as it is shown: one kind of umlauts, no blanks around it."""
    return unicodedata.normalize("NFC", name).strip()


@functools.cache
def class_order(name: str) -> tuple:
    known = COURSE_CLASSES.index(name) if name in COURSE_CLASSES else len(COURSE_CLASSES)
    return (known, natural(name.casefold()), name)


def part_order(part: str | None) -> int:
    return ("train", "val", "test", None).index(part)
