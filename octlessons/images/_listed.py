"""Files that are named one by one: a list of paths, or a table with what is known of each."""

from __future__ import annotations

import csv
import functools
import io
import os
from collections import defaultdict
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from octlessons.images._decoding import shown
from octlessons.images._layout import SPLITS, File, Survey, clean, listed
from octlessons.images._survey import FolderError, Tree, folded, is_image_name, other_format
from octlessons.images._terms import terms_in, terms_of
from octlessons.wording import count

#: What the columns of a table may be called, in any mixture of upper and lower case; the last two
#: say under which terms the images may be used and where they come from.
COLUMNS = {
    "file": ("file", "path", "filename", "file_name", "image", "image_path"),
    "label": ("label", "class", "diagnosis"),
    "patient": ("patient", "patient_id", "patient_group", "subject"),
    "site": ("site", "centre", "center"),
    "split": ("split", "part"),
    "licence": ("licence", "license", "terms"),
    "source": ("source", "citation"),
}
#: What else a table may say of a file.
MORE = {
    "eye": ("eye", "laterality"),
    "date": ("date", "visit", "visit_date", "acquisition_date", "exam_date"),
}


def is_table(source: object) -> bool:
    """Whether this is a DataFrame, a dictionary of columns, or the path of a CSV file."""
    if isinstance(source, str | os.PathLike):
        return os.fspath(source).casefold().endswith((".csv", ".tsv"))
    return isinstance(source, dict) or hasattr(source, "columns")


def survey_list(paths: Iterable, also: Callable[[str], bool] | None = None) -> Survey:
    """Files by their paths, as given; one of which `also` is true counts as an image."""
    if not isinstance(paths, Iterable):
        raise TypeError(f"Give a folder, a list of paths or a table, not {paths!r}.")
    items = []
    for item in paths:
        if not isinstance(item, str | os.PathLike):
            raise TypeError(
                f"A list of images holds their paths, not {type(item).__name__}. Pixels that are "
                "in memory already go to ImageSet(array), uint8, shape (n, h, w)."
            )
        items.append(os.path.expanduser(os.fspath(item)).replace(os.sep, "/"))
    survey = Survey(Path.cwd(), "list of paths", "a list of paths")
    for item in items:
        _add(survey, File(item), also)
    return survey


def survey_table(
    table: Any, folder: Path | None = None, also: Callable[[str], bool] | None = None
) -> Survey:
    """Files by the rows of a table, found in `folder`, else beside the table."""
    name, root, table = _opened(table, folder)
    columns = _columns(table)
    survey = Survey(root, shown(name), f"the table {shown(name)}")
    told = terms_of(root) if folder or name != "in memory" else ("", "")
    licence, source = (terms_in(columns.pop(key, ())) for key in ("licence", "source"))
    survey.licence, survey.citation = licence or told[0], source or told[1]
    find = _Finder(root, also)
    used = [key for key in columns if any(columns[key])]
    rows: dict[str, File] = {}
    odd = set()
    for cells in zip(*columns.values(), strict=True):
        facts = dict(zip(columns, cells, strict=True))
        path, part = find(facts["file"] or ""), facts.get("split")
        split = SPLITS.get(folded(part or ""))
        odd |= {part} if part and not split else set()
        label = survey.spelling(facts.get("label"))
        file = File(path, split, label, facts.get("patient"), facts.get("site"))
        lacking = [key for key in used if facts[key] is None]
        _add_row(survey, rows, file, lacking, also)
    if odd:
        survey.notes.append(f"parts that are not train, val or test: {listed(sorted(odd))}")
    missing = [path for path in find.tree.images if path not in rows] if folder else []
    if missing:
        text = f"{count(len(missing), 'image')} not in the table: {listed(sorted(missing))}"
        survey.notes.append(text)
    survey.sort()
    return survey


def _opened(table: Any, folder: Path | None) -> tuple[str, Path, Any]:
    """Name of a table, the folder that its paths start from, its columns."""
    if not isinstance(table, str | os.PathLike):
        return "in memory", folder or Path.cwd(), table
    place = Path(os.path.expanduser(table))
    return place.name, folder or place.resolve().parent, _read_csv(place)


def more_known(
    table: Any, folder: Path | None = None, also: Callable[[str], bool] | None = None
) -> dict[str, dict[str, str]]:
    """What columns of a table say that an `ImageSet` has no place for, such as eye and date.

    Parameters
    ----------
    table, folder, also
        As for `survey_table`.

    Returns
    -------
    dict of str to dict
        For each column of `MORE` that is there: the full path of a file → what it says.
    """
    _, root, table = _opened(table, folder)
    names = {key: _column(table, key) for key in MORE}
    if all(name is None for name in names.values()):
        return {}
    find = _Finder(root, also)
    files = [os.path.join(root, find(file or "")) for file in _columns(table)["file"]]
    return {
        key: {
            file: text
            for file, value in zip(files, table[name], strict=True)
            if (text := _text(value)) is not None
        }
        for key, name in names.items()
        if name is not None
    }


def _add_row(survey: Survey, rows: dict, file: File, lacking: list[str], also) -> None:
    """Take one row; a file that it leaves open, or of which two rows differ, is a problem."""
    first = rows.setdefault(file.path, file)
    survey.split_of[shown(file.path)] = file.split
    if lacking:
        survey.problem(file.path, "table", f"The table gives it no {' and no '.join(lacking)}.")
    elif first is file:
        _add(survey, file, also)
    elif first != file:
        survey.problem(file.path, "table", "The table says different things about it.")
        survey.files = [other for other in survey.files if other.path != file.path]


def _add(survey: Survey, file: File, also: Callable[[str], bool] | None) -> None:
    path = os.path.join(survey.root, file.path)
    if not os.path.isfile(path):
        kind = "It is a folder." if os.path.isdir(path) else "There is no such file."
        survey.problem(file.path, "missing", kind)
    elif is_image_name(file.path) or (also and also(path)):
        survey.files.append(file)
    elif reason := other_format(path):
        survey.problem(file.path, "format", reason)
    else:
        survey.problem(file.path, "not an image", "Its name is not one of an image.")


class _Finder:
    """Files by what a table calls them: a path, its end, in other letters, or without ending."""

    def __init__(self, root: Path, also: Callable[[str], bool] | None = None):
        self.root, self.also = os.fspath(root), also

    @functools.cached_property
    def tree(self) -> Tree:
        return Tree(Path(self.root), self.also)

    @functools.cached_property
    def _by_name(self) -> dict[str, list[str]]:
        found = defaultdict(list)
        for path in self.tree.images:
            name = folded(os.path.basename(path))
            for key in (name, os.path.splitext(name)[0]):
                found[key].append(path)
        return found

    def __call__(self, name: str) -> str:
        path = name.replace("\\", "/")
        if path and ".." not in path.split("/"):
            path = os.path.normpath(path).replace(os.sep, "/")
        path = path.removeprefix(self.root.replace(os.sep, "/").rstrip("/") + "/")
        if os.path.isfile(os.path.join(self.root, path)):
            return path
        near = self._by_name.get(folded(os.path.basename(path)), [])
        for form in (str, folded):  # as it is written, before as a person reads it
            end = f"/{form(path)}"
            found = [
                image
                for image in near
                if f"/{form(image)}".endswith(end)
                or f"/{form(os.path.splitext(image)[0])}".endswith(end)
            ]
            if len(found) == 1:
                return found[0]
        return path


def _read_csv(path: Path) -> dict[str, list[str | None]]:
    """The columns of a CSV file, whatever spreadsheet wrote it."""
    try:
        text = _decoded(path.read_bytes())
        first, _, rest = text.partition("\n")
        text = rest if first.casefold().startswith("sep=") else text  # a hint for Excel
        first = text.partition("\n")[0]
        tables = []
        for delimiter in sorted(",;\t", key=first.count, reverse=True):
            lines = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
            head, *rows = [row for row in lines if any(row)] or [[]]
            cells = [row[: len(head)] + [None] * (len(head) - len(row)) for row in rows]
            tables.append({name: [row[i] for row in cells] for i, name in enumerate(head)})
            if _column(tables[-1], "file") is not None:
                return tables[-1]
    except (OSError, csv.Error) as error:
        why = getattr(error, "strerror", None) or error
        raise FolderError(
            f"The table {shown(path)} cannot be read ({why}): check the path."
        ) from error
    return tables[0]


def _decoded(data: bytes) -> str:
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return data.decode("utf-16", "replace")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:  # as Excel saves it in Western Europe and America
        return data.decode("cp1252", "replace")


def _column(table: Any, key: str) -> Any:
    """What a table calls one of our columns; None if it has none."""
    there = {str(name).strip().casefold(): name for name in getattr(table, "columns", table)}
    return next((there[name] for name in (COLUMNS | MORE)[key] if name in there), None)


def _columns(table: Any) -> dict[str, list[str | None]]:
    """The columns that mean something, by our names, as text; None where a cell is empty."""
    if str(getattr(getattr(table, "index", None), "name", "")).casefold() in COLUMNS["file"]:
        table = table.reset_index()
    found: dict[str, list[str | None]] = {}
    for key in COLUMNS:
        name = _column(table, key)
        if name is not None:
            values = table[name]
            values = [values] if isinstance(values, str | os.PathLike) else values
            values = getattr(values, "tolist", lambda v=values: v)()
            texts = map(_text, values)
            found[key] = [text if key == "file" or not text else clean(text) for text in texts]
    if "file" not in found:
        there = ", ".join(map(str, getattr(table, "columns", table))) or "none"
        raise FolderError(
            f"The table has no column 'file' with the paths of the images; it has: {there}. "
            "Other columns that are read: label, patient, site, split, licence, source."
        )
    if len(set(map(len, found.values()))) > 1:
        told = ", ".join(f"{key} {len(cells):,}" for key, cells in found.items())
        raise ValueError(f"The columns of the table differ in length: {told}.")
    return found


def _text(value: Any) -> str | None:
    if value is None or value != value:  # NaN is not equal to itself
        return None
    if isinstance(value, float) and value.is_integer():  # whole numbers beside empty cells
        value = int(value)
    return str(value).strip() or None
