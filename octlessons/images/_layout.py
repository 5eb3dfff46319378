"""What the folders around images say: part, class, patient, site; which images count."""

from __future__ import annotations

import os
import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from octlessons.images._decoding import shown
from octlessons.images._survey import ENDINGS, FolderError, Tree, holding, natural
from octlessons.images.imageset import Problem
from octlessons.wording import count

#: Classes that come first, in this order; others follow by name.
COURSE_CLASSES = ("CNV", "DME", "DRUSEN", "NORMAL")

#: What a level of a layout can be; other words are levels without a meaning for the set.
LEVELS = ("class", "patient", "site")

SPLITS = {"train": "train", "training": "train", "val": "val", "valid": "val"}
SPLITS |= {"validation": "val", "test": "test", "testing": "test"}
_PATIENT = re.compile(
    r"(?:p|pt|pat|patient|s|sub|subj|subject|case|id|participant|person)[\s_.-]*\d+[a-z]?"
    r"|\d{3,}[a-z]?",
    re.ASCII | re.IGNORECASE,
)


@dataclass
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


@dataclass
class Survey:
    """The files of a source by part and class, before any of them is opened."""

    root: Path
    name: str = ""
    source: str = "the folder"
    files: list[File] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    splits: list[str] = field(default_factory=list)
    spellings: dict[str, str] = field(
        default_factory=lambda: {name.casefold(): name for name in COURSE_CLASSES}
    )

    def problem(self, path: str, kind: str, reason: str) -> None:
        self.problems.append(Problem(shown(path), reason, kind))

    def spelling(self, name: str) -> str:
        """The one spelling of a class whose folder is called Drusen here and DRUSEN there."""
        return self.spellings.setdefault(name.casefold(), name)

    def class_names(self, classes: Sequence[str] | None = None) -> list[str]:
        there = {file.label for file in self.files if file.label is not None}
        if classes is None:
            return sorted(there, key=class_order)
        by_folded = {name.casefold(): name for name in there}
        unknown = [str(name) for name in classes if str(name).casefold() not in by_folded]
        if unknown:
            known = ", ".join(sorted(there, key=class_order)) or "none, the images lie loose"
            raise FolderError(
                f"{shown(self.root)} has no class called {', '.join(unknown)}; it has: {known}."
            )
        return list(dict.fromkeys(by_folded[str(name).casefold()] for name in classes))

    def choose(self, split: str, classes: Sequence[str] | None) -> list[File]:
        if split != "all":
            if split not in self.splits:
                has = f"only {', '.join(self.splits)}" if self.splits else "no such parts"
                raise FolderError(
                    f"{shown(self.root)} has no folder {split!r}: it has {has}. "
                    "Read it with split='all'."
                )
            self.problems = [
                p
                for p in self.problems
                if split in {SPLITS.get(name.casefold()) for name in p.path.split("/")}
            ]
        wanted = set(self.class_names(classes)) if classes is not None else None
        if wanted is not None:
            left_out = {f.label for f in self.files if f.label is not None} - wanted
            if left_out:
                names = ", ".join(sorted(left_out, key=class_order))
                self.notes.append(f"classes not asked for: {names}")
        return [
            file
            for file in self.files
            if (split == "all" or file.split == split) and (wanted is None or file.label in wanted)
        ]

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
    if layout == "":
        return Layout((), 0, 0)
    levels = tuple(layout.strip("/").split("/"))
    if levels == ("*",):
        return Layout((), 0, None)
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
    tops = {folders[0].casefold() for folders in places if folders}
    classes = bool(tops & known)
    if not classes and depths[0] * 2 >= len(places):
        return Layout((), 0, 0)
    depth = max((d for d in depths if d), key=lambda d: (depths[d], -d))
    deep = [folders for folders in places if len(folders) >= depth]
    patients = [all(_PATIENT.fullmatch(f[i]) for f in deep) for i in range(depth)]
    if classes and depth > 1 and all(f[1].isdigit() for f in deep):
        patients[1] = True
    say = "give `layout` if they are something else"
    if patients[0] and not classes:
        return Layout(("patient",), 1, None, f"outer folders taken for patients; {say}")
    if depth == 1:
        return Layout(("class",), 1, 1)
    if patients[1]:
        return Layout(("class", "patient"), 1, None, f"folders taken for class/patient; {say}")
    if classes:
        return Layout(
            ("class",), 1, None, "folders below the classes not taken for patients: "
            "layout='class/patient' does"
        )  # fmt: skip
    return Layout(
        (), 0, None, "", "Its folders lie in each other and do not say what they are, so all "
        "images are read without classes and patients. Say what the levels are, from outside in: "
        "layout='class/patient', 'patient/visit', …; or '*' if they mean nothing."
    )  # fmt: skip


def survey_folder(
    root: Path, layout: str | None = None, classes: Sequence[str] | None = None
) -> tuple[Survey, str]:
    """All files below a folder that count; what to warn of besides problems."""
    tree = Tree(root)
    survey = Survey(root, shown(root.name), problems=tree.problems, notes=tree.notes)
    base = _outer_folder(tree, layout)
    names = {path: os.path.basename(path).casefold() for path in tree.folders[base]}
    parts = {path: SPLITS[name] for path, name in names.items() if name in SPLITS}
    inside: list[tuple[str, str | None, tuple[str, ...]]] = []
    outside: dict[str, int] = defaultdict(int)
    for path in tree.images:
        folders = tuple(path[len(base) :].strip("/").split("/")[:-1])
        top = "/".join(filter(None, (base, *folders[:1])))
        if not parts:
            inside.append((path, None, folders))
        elif top in parts:
            inside.append((path, parts[top], folders[1:]))
        elif folders:
            outside[top] += 1
        else:
            survey.problem(path, "place", "It lies outside the folders train, val and test.")
    for folder, n in outside.items():
        survey.problem(folder, "place", f"It lies beside train, val or test{holding(n)}.")
    known = {name.casefold() for name in (*COURSE_CLASSES, *(classes or ()))}
    meant = (
        deduced_layout([folders for *_, folders in inside] or [()], known)
        if layout is None
        else given_layout(layout)
    )
    _assign(survey, inside, meant)
    _note_others(survey, tree, [base, *parts], meant)
    survey.sort()
    survey.splits = sorted({*survey.splits, *parts.values()}, key=part_order)
    if meant.note:
        survey.notes.append(meant.note)
    return survey, meant.warning


def _outer_folder(tree: Tree, layout: str | None) -> str:
    """The data folder inside outer folders that hold nothing else, relative to the root."""
    base = ""
    holding = {os.path.dirname(path) for path in tree.images}
    while layout is None and len(tree.folders[base]) == 1 and base not in holding:
        inner = tree.folders[base][0]
        name = os.path.basename(inner)
        if name.casefold() in SPLITS or name.upper() in COURSE_CLASSES or _PATIENT.fullmatch(name):
            break
        if not tree.folders.get(inner) or inner in holding:
            break
        base = inner
    return base


def _assign(
    survey: Survey, inside: list[tuple[str, str | None, tuple[str, ...]]], meant: Layout
) -> None:
    """Take the files that lie where they should; name the folders and files that do not."""
    aside: dict[str, int] = defaultdict(int)
    wanted = " and ".join({"class": "class folders", "patient": "folders of patients"}.get(
        level, f"folders of a {level}") for level in meant.levels if level in LEVELS)  # fmt: skip
    for path, part, folders in inside:
        if len(folders) < meant.least:
            survey.problem(path, "place", f"It lies outside the {wanted}.")
        elif meant.most is not None and len(folders) > meant.most:
            up = len(folders) - meant.most - 1
            aside["/".join(path.split("/")[: -1 - up])] += 1
        else:
            says = dict(zip(meant.levels, folders, strict=False))
            label = survey.spelling(says["class"]) if "class" in says else None
            file = File(path, part, label, says.get("patient"), says.get("site"))
            survey.files.append(file)
    lies = (
        "inside a class folder"
        if meant.levels
        else "beside images that lie loose (layout='*' reads both)"
    )
    for folder, n in aside.items():
        survey.problem(folder, "place", f"It is a folder {lies}{holding(n)}.")


def _note_others(survey: Survey, tree: Tree, bases: list[str], meant: Layout) -> None:
    """Say which files are no images, and which folders hold none."""
    plain = meant.levels == ("class",) and meant.most == 1
    class_folders = {os.path.dirname(file.path) for file in survey.files} if plain else set()
    aside = []
    for path in tree.others:
        if os.path.dirname(path) in class_folders:
            survey.problem(path, "not an image", _wrong_ending(path))
        else:
            aside.append(path)
    if aside:
        named = ", ".join(map(shown, aside[:5])) + (", …" if len(aside) > 5 else "")
        survey.notes.append(
            f"{count(len(aside), 'file')} not images and not in a class folder, left aside: {named}"
        )
    filled = {p.path for p in survey.problems} | {shown(path) for path in tree.images}
    for base in bases:
        for folder in tree.folders.get(base, []):
            name = shown(folder)
            if any(path == name or path.startswith(f"{name}/") for path in filled):
                continue
            holds = "holds no image" if tree.files[folder] or tree.folders[folder] else "is empty"
            survey.notes.append(f"folder {name} {holds}")


def _wrong_ending(path: str) -> str:
    ending = os.path.splitext(path)[1]
    has = f"ends in {shown(ending)}" if ending else "has no ending"
    return f"Its name {has}; images end in {', '.join(ENDINGS)}."


def class_order(name: str) -> tuple:
    known = COURSE_CLASSES.index(name) if name in COURSE_CLASSES else len(COURSE_CLASSES)
    return (known, natural(name.casefold()), name)


def part_order(part: str | None) -> int:
    return ("train", "val", "test", None).index(part)
