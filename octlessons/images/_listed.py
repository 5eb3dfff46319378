"""Files that are named one by one: a list of paths, or a table with what is known of each."""

from __future__ import annotations

import csv
import io
import os
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from octlessons.images._decoding import shown
from octlessons.images._layout import SPLITS, File, Survey
from octlessons.images._survey import FolderError, Tree, is_image_name, other_format
from octlessons.wording import count

#: What the columns of a table may be called, in any mixture of upper and lower case.
COLUMNS = {
    "file": ("file", "path", "filename", "file_name", "image", "image_path"),
    "label": ("label", "class", "diagnosis"),
    "patient": ("patient", "patient_id", "patient_group", "subject"),
    "site": ("site", "centre", "center"),
    "split": ("split", "part"),
}


def is_table(source: object) -> bool:
    """Whether this is a DataFrame, a dictionary of columns, or the path of a CSV file."""
    if isinstance(source, str | os.PathLike):
        return os.fspath(source).casefold().endswith((".csv", ".tsv"))
    return isinstance(source, dict) or hasattr(source, "columns")


def survey_list(paths: Iterable) -> Survey:
    """Files by their paths, as given."""
    if not isinstance(paths, Iterable):
        raise TypeError(f"Give a folder, a list of paths or a table, not {paths!r}.")
    items = []
    for item in paths:
        if not isinstance(item, str | os.PathLike):
            raise TypeError(
                f"A list of images holds their paths, not {type(item).__name__}. Pixels that are "
                "in memory already go to ImageSet(array), uint8, shape (n, h, w)."
            )
        items.append(item)
    root = Path.cwd()
    survey = Survey(root, "of paths", "the list")
    for item in items:
        _add(survey, root, File(os.path.expanduser(os.fspath(item)).replace(os.sep, "/")))
    return survey


def survey_table(table: Any, folder: str | os.PathLike | None = None) -> Survey:
    """Files by the rows of a table, found in `folder`, else beside the table."""
    name, columns = "in memory", table
    root = Path.cwd() if folder is None else Path(folder)
    if isinstance(table, str | os.PathLike):
        place = Path(os.path.expanduser(table))
        name, columns = place.name, _read_csv(place)
        root = place.resolve().parent if folder is None else root
    columns = _columns(columns)
    survey = Survey(root, shown(name), "the table")
    tree: Tree | None = None
    known: dict[str, File] = {}
    for i, listed in enumerate(columns["file"]):
        path = (listed or "").replace("\\", "/")
        if not (root / path).is_file():
            tree = tree or Tree(root)
            path = _by_name(tree, path)
        facts = {key: values[i] for key, values in columns.items()}
        _add_row(survey, known, path, facts, [key for key in columns if any(columns[key])])
    if folder is not None:
        missing = [path for path in (tree or Tree(root)).images if path not in known]
        if missing:
            named = ", ".join(map(shown, missing[:5])) + (", …" if len(missing) > 5 else "")
            survey.notes.append(f"{count(len(missing), 'image')} not in the table: {named}")
    survey.sort()
    return survey


def _add_row(
    survey: Survey, known: dict[str, File], path: str, facts: dict[str, str | None], used: list[str]
) -> None:
    """Take one row; a file that it leaves open, or of which two rows differ, is a problem."""
    label, part = facts.get("label"), str(facts.get("split")).casefold()
    file = File(
        path,
        SPLITS.get(part),
        survey.spelling(label) if label else None,
        facts.get("patient"),
        facts.get("site"),
    )
    first = known.setdefault(path, file)
    lacking = [key for key in used if facts[key] is None]
    if lacking:
        survey.problem(path, "table", f"The table gives it no {' and no '.join(lacking)}.")
    elif first is file:
        _add(survey, survey.root, file)
    elif first != file:
        survey.problem(path, "table", "The table says different things about it.")
        survey.files = [other for other in survey.files if other.path != path]


def _add(survey: Survey, root: Path, file: File) -> None:
    path = root / file.path
    if not os.path.isfile(path):
        kind = "It is a folder." if os.path.isdir(path) else "There is no such file."
        survey.problem(file.path, "missing", kind)
    elif not is_image_name(file.path):
        reason = other_format(path) or "Its name is not one of an image."
        survey.problem(file.path, "format" if other_format(path) else "not an image", reason)
    else:
        survey.files.append(file)


def _by_name(tree: Tree, path: str) -> str:
    """The one image below the folder whose path ends like this; otherwise the path itself."""
    found = [image for image in tree.images if path and f"/{image}".endswith(f"/{path}")]
    return found[0] if len(found) == 1 else path


def _read_csv(path: Path) -> dict[str, list[str]]:
    try:
        text = path.read_text("utf-8-sig", errors="surrogateescape")
    except OSError as error:
        raise FolderError(
            f"The table {shown(path)} cannot be read ({error.strerror}): check the path."
        ) from error
    first = text.splitlines()[0] if text.strip() else ""
    delimiter = max(",;\t", key=first.count)
    rows = list(csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter))
    columns: dict[str, list[str]] = defaultdict(list)
    for row in rows:
        for name, value in row.items():
            columns[name].append(value)
    return columns


def _columns(table: Any) -> dict[str, list[str | None]]:
    """The columns that mean something, by our names, as text; None where a cell is empty."""
    there = {str(name).strip().casefold(): name for name in getattr(table, "columns", table)}
    found: dict[str, list[str | None]] = {}
    for key, names in COLUMNS.items():
        named = next((there[name] for name in names if name in there), None)
        if named is not None:
            values = table[named]
            found[key] = [_text(value) for value in getattr(values, "tolist", lambda v=values: v)()]
    if "file" not in found:
        raise FolderError(
            "The table has no column 'file' with the paths of the images; it has: "
            f"{', '.join(map(str, there.values())) or 'none'}. Other columns that are read: label, "
            "patient, site, split."
        )
    return found


def _text(value: Any) -> str | None:
    if value is None or value != value:  # NaN is not equal to itself
        return None
    if isinstance(value, float) and value.is_integer():  # whole numbers beside empty cells
        value = int(value)
    return str(value).strip() or None
