"""Submissions in: what a student hands in, in every form, becomes source or a sentence."""

import io
import json
import os
import re
import stat
import tracemalloc
import zipfile
from datetime import UTC, datetime
from pathlib import Path

import pytest

from octlessons.errors import OctlessonsError
from octlessons.exercises.magics import without_magics
from octlessons.exercises.source import notebook_source, percent_cells, python_source
from octlessons.grading.intake import UNEXPECTED, iter_submissions, read_submissions

ROOT = Path(__file__).resolve().parents[2]
IDS = ["dark-part", "count-the-pairs", "two-views"]
RIGHT = {name: f"def f():\n    return '{name}'\n" for name in IDS}

SAFE_SLUG = re.compile(r"[a-z0-9_][a-z0-9._-]{0,79}")


@pytest.fixture
def folder(tmp_path):
    """An empty class folder."""
    path = tmp_path / "class"
    path.mkdir()
    return path


def fill(path, files=None):
    """Put files into a folder, the three right answers if not told otherwise."""
    for name, data in (files or {f"{name}.py": text for name, text in RIGHT.items()}).items():
        file = path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data.encode() if isinstance(data, str) else data)
    return path


def zipped(files, **options):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", **options) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return out.getvalue()


def notebook(*cells, metadata=None):
    """A notebook of (source, metadata) pairs."""
    content = [
        {"cell_type": "code", "metadata": marks, "source": source, "outputs": [{"text": "6/6"}]}
        for source, marks in cells
    ]
    return json.dumps({"cells": content, "metadata": metadata or {}, "nbformat": 4})


def only(path, ids=IDS, **options):
    """The one submission there is, without surprises."""
    (submission,) = read_submissions(path, ids, **options)
    assert list(submission.works) == ids
    for work in submission.works.values():
        assert (work.source is None) == bool(work.problem), work
        assert UNEXPECTED not in work.problem
    return submission


def is_right(submission):
    return {name: work.source for name, work in submission.works.items()} == RIGHT


def student(folder, files):
    """The works of one student in a class folder."""
    fill(folder / "ana", files)
    return only(folder).works


RIGHT_FILES = {f"{name}.py": text for name, text in RIGHT.items()}

# ---------------------------------------------------------------------- layouts


@pytest.mark.parametrize("prefix", ["", "ana/", "ana/week 3/", "a/b/c/d/e/f/g/"])
def test_a_student_hands_in_a_folder_or_any_archive_of_it(folder, prefix):
    inside = {prefix + name: text for name, text in RIGHT_FILES.items()}
    fill(folder / "folder", inside)
    fill(
        folder,
        {
            "zip.zip": zipped(inside, compression=zipfile.ZIP_DEFLATED),
            "nested/work.zip": zipped(inside),
            "twice.zip": zipped({"work.zip": zipped(inside)}),
        },
    )
    found = read_submissions(folder, IDS)
    assert {s.slug for s in found} == {"folder", "zip", "nested", "twice"}
    assert all(map(is_right, found)), [s for s in found if not is_right(s)]


@pytest.mark.parametrize("wrapper", ["", "class/", "downloads/", "downloads/class/"])
def test_a_class_in_an_archive_is_the_class_folder(folder, tmp_path, wrapper):
    files = {
        f"{name}/{file}": text for name in ("Ana", "bob") for file, text in RIGHT_FILES.items()
    }
    fill(folder, files)
    path = tmp_path / "class.zip"
    path.write_bytes(zipped({wrapper + name: text for name, text in files.items()}))
    found = read_submissions(path, IDS)
    assert [s.name for s in found] == ["Ana", "bob"] and all(map(is_right, found))
    assert found == read_submissions(folder, IDS)


CLASSES = {
    "loose files": {f"{who}_{name}.py": RIGHT[name] for who in ("Ana Li", "Bo Ek") for name in IDS},
    "a folder and loose files": {
        **{f"Ana Li/{name}.py": RIGHT[name] for name in IDS},
        **{f"Bo Ek_{name}.py": RIGHT[name] for name in IDS},
    },
    "a folder and a zip": {
        **{f"Ana Li/{name}.py": RIGHT[name] for name in IDS},
        "Bo Ek.zip": zipped(RIGHT_FILES),
    },
    "two zips": {f"{who}.zip": zipped(RIGHT_FILES) for who in ("Ana Li", "Bo Ek")},
    "a zip and loose files": {
        "Ana Li.zip": zipped(RIGHT_FILES),
        **{f"Bo Ek_{name}.py": RIGHT[name] for name in IDS},
    },
}


# A student's folder and its backup look like a folder and a zip in one folder: see below.
WRAPPED = [(layout, wrapper) for layout in CLASSES for wrapper in ("", "class/", "export/")]
WRAPPED.remove(("a folder and a zip", "export/"))


@pytest.mark.parametrize(("layout", "wrapper"), WRAPPED)
def test_a_zip_a_folder_and_loose_files_mean_the_same(folder, tmp_path, layout, wrapper):
    files = CLASSES[layout]
    fill(folder, files)
    path = tmp_path / "class.zip"
    path.write_bytes(zipped({wrapper + name: data for name, data in files.items()}))
    outer = tmp_path / "other" / "class"
    fill(outer, {wrapper + name: data for name, data in files.items()})
    found = read_submissions(folder, IDS)
    assert [s.name for s in found] == ["Ana Li", "Bo Ek"] and all(map(is_right, found))
    assert found == read_submissions(path, IDS) == read_submissions(outer, IDS)


def test_where_the_only_folder_may_hold_a_class_it_is_said(folder):
    fill(folder / "export", {"Ana Li/dark-part.py": "", "Bo Ek.zip": zipped(RIGHT_FILES)})
    (one,), (said,) = told(folder)
    assert one.name == "export" and "graded as one student's. If it holds a class" in said


def test_with_one_exercise_a_zip_of_files_is_a_class(tmp_path):
    files = {"Ana Li.py": "a = 1\n", "Bo Ek.py": "b = 1\n"}
    (tmp_path / "class.zip").write_bytes(zipped(files))
    found = read_submissions(tmp_path / "class.zip", ["dark-part"])
    assert [(s.name, s.works["dark-part"].source) for s in found] == [
        ("Ana Li", "a = 1\n"),
        ("Bo Ek", "b = 1\n"),
    ]


@pytest.mark.parametrize(
    "other",
    ["bob/two-views.py", "bob/dark-part.py", "bob.zip", "Bo Ek_two-views.py", "old/dark-part.py"],
)
@pytest.mark.parametrize("pack", [True, False])
def test_where_it_may_be_one_student_or_a_class_the_tutor_is_asked(folder, tmp_path, other, pack):
    files = {"dark-part.py": RIGHT["dark-part"], other: zipped({}), "Cy_two-views.py": ""}
    fill(folder, files)
    if pack:
        folder = tmp_path / "class.zip"
        folder.write_bytes(zipped(files))
    with pytest.raises(OctlessonsError, match=r"dark-part\.py.*as a class does.*add --single"):
        read_submissions(folder, IDS)
    (one,) = read_submissions(folder, IDS, single=True)
    assert one.works["dark-part"].source == RIGHT["dark-part"]


def told(path, ids=IDS):
    """The submissions, and what the tutor is told."""
    notices = []
    return read_submissions(path, ids, notice=notices.append), notices


OTHERS = ["bob.py", "bob/dark-part.py", "bob_dark-part.ipynb", "bob.ipynb", "bob.zip"]


@pytest.mark.parametrize("other", OTHERS)
def test_two_hand_ins_under_one_name_are_kept_apart(folder, tmp_path, other):
    evil = {".ipynb": notebook(("evil = 1", {})), ".zip": zipped({"dark-part.py": "evil = 1\n"})}
    first = "bob_dark-part.py"
    files = {first: RIGHT["dark-part"], other: evil.get(Path(other).suffix, "evil = 1\n")}
    files |= {"zoe/two-views.py": ""}
    fill(folder, files)
    (tmp_path / "class.zip").write_bytes(zipped(files))
    found, notices = told(folder)
    assert (found, notices) == told(tmp_path / "class.zip")
    bobs = [s for s in found if s.student == "bob"]
    assert len(found) == 3 and len({s.slug for s in found}) == 3 and len(bobs) == 2
    assert RIGHT["dark-part"] in [s.works["dark-part"].source for s in bobs]
    assert {s.name for s in bobs} == {f"bob ({name.split('/')[0]})" for name in (first, other)}
    (said,) = notices
    assert "2 hand-ins have the name bob" in said and "marked apart" in said


def test_loose_files_for_different_exercises_are_one_hand_in(folder):
    fill(folder, {f"bob_{name}.py": RIGHT[name] for name in IDS})
    found, notices = told(folder)
    assert is_right(found[0]) and len(found) == 1 and notices == []


def test_what_is_left_out_is_named(folder, tmp_path):
    files = {"ana/two-views.py": "", "bob/two-views.py": "", "times.csv": "student,submitted\n"}
    junk = {"__MACOSX/._x.py": "", ".git/x.py": "", "bob/venv/x.py": "", ".DS_Store": ""}
    left = {"venv/two-views.py": "", ".eve/two-views.py": "", "report.docx": ""}
    fill(folder, files | junk | left)
    (tmp_path / "class.zip").write_bytes(zipped(files | junk | left))
    for path in (folder, tmp_path / "class.zip"):
        found, (said,) = told(path)
        assert [s.name for s in found] == ["ana", "bob"]
        assert ".eve, report.docx and venv" in said and "Rename" in said
        assert not any(name in said for name in ("MACOSX", ".git", "times", "DS_Store"))


def test_names_that_a_person_takes_for_one_are_named(folder):
    for name in ("Ana", "ana", "José", "Jose\N{COMBINING ACUTE ACCENT}", "Li, Bo", "Bo Li", "Jose"):
        fill(folder / name, {"two-views.py": ""})
    found, notices = told(folder)
    assert len({s.slug for s in found}) == 7 and len(notices) == 3
    assert {notice.count(" ") > 0 and notice.split(":")[0] for notice in notices} == {
        "Ana and ana",
        "Bo Li and Li, Bo",
        "Jose\N{COMBINING ACUTE ACCENT} and José",
    }


def test_an_archive_that_is_not_read_is_a_student_who_is_told(folder):
    fill(folder, {"ana@example.org.tar.gz": b"\x1f\x8b", "bob.rar": b"Rar!"})
    found = read_submissions(folder, IDS)
    assert [s.student for s in found] == ["ana@example.org", "bob"]
    for submission in found:
        work = submission.works["dark-part"]
        assert work.missing and "cannot be opened here: hand in a zip file" in work.problem


def test_files_for_each_student_are_enough(folder):
    fill(folder, {"ana.py": "a = 1\n", "bob.ipynb": notebook(("b = 1", {})), "notes.pdf": "x"})
    found = read_submissions(folder, ["dark-part"])
    assert [(s.name, s.works["dark-part"].source) for s in found] == [
        ("ana", "a = 1\n"),
        ("bob", "b = 1\n"),
    ]
    # with more exercises, a file of another name could be any of them
    assert all(work.missing for s in read_submissions(folder, IDS) for work in s.works.values())


@pytest.mark.parametrize("how", ["folders", "files", "zip"])
def test_moodle(folder, tmp_path, how):
    between = "" if how == "files" else "/"
    files = {
        "Ana Li_1234567_assignsubmission_file_" + between + "dark-part.py": RIGHT["dark-part"],
        "Ana Li_1234567_assignsubmission_onlinetext_" + between + "onlinetext.html": "<p>",
        "Ana Li_7654321_assignsubmission_file_" + between + "dark_part.py": "other = 1\n",
        "Bo_de_Vries_11_assignsubmission_file_" + between + "w.zip": zipped(RIGHT_FILES),
    }
    if how == "zip":
        folder = tmp_path / "Workshop 1-42.zip"
        folder.write_bytes(zipped(files))
    else:
        fill(folder, files)
    found = {s.student: s for s in read_submissions(folder, IDS)}
    assert list(found) == ["1234567", "7654321", "11"]
    ana, other, bo = found.values()
    assert ana.name == other.name == "Ana Li" and bo.name == "Bo_de_Vries"
    assert ana.ids == {"moodle": "1234567", "full_name": "Ana Li"}
    assert ana.works["dark-part"].source == RIGHT["dark-part"]
    assert other.works["dark-part"].source == "other = 1\n" and is_right(bo)
    assert ana.slug != other.slug


def test_moodle_names_cannot_reach_into_another_students_work(folder):
    ana = "Ana_5_assignsubmission_file_"
    fill(folder / ana)
    fill(folder / f"{ana}_6_assignsubmission_file_", {"dark-part.py": "evil = 1\n"})
    found = {s.student: s for s in read_submissions(folder, IDS)}
    assert is_right(found["5"]) and found["6"].works["dark-part"].source == "evil = 1\n"


@pytest.mark.parametrize("pack", [False, True])
def test_canvas(folder, tmp_path, pack):
    files = {
        "lianna_12345_67890_dark-part.py": "old = 1\n",
        "lianna_12345_67891_dark-part-1.py": "new = 1\n",
        "lianna_12345_67892_dark-part-10.py": "newest = 1\n",
        "bode_LATE_22_67_work.zip": zipped(RIGHT_FILES),
        "anon_aB3de_68_two-views.py": RIGHT["two-views"],
        "cy_33_text.html": "<p>I did not manage it",
    }
    if pack:
        folder = tmp_path / "submissions.zip"
        folder.write_bytes(zipped(files))
    else:
        fill(folder, files)
    found = {s.student: s for s in read_submissions(folder, IDS)}
    assert set(found) == {"12345", "22", "aB3de", "33"}
    assert found["12345"].works["dark-part"].source == "newest = 1\n"
    assert found["12345"].ids == {"canvas": "12345"} and found["12345"].name == "lianna"
    assert is_right(found["22"]) and found["22"].ids == {"canvas": "22"}
    assert found["aB3de"].works["two-views"].source == RIGHT["two-views"]
    assert all(work.missing for work in found["33"].works.values())


def test_one_students_folder_is_known_by_what_lies_in_it(tmp_path):
    for number, prefix in enumerate(("", "exercises/03-k-means-on-pixels/")):
        path = fill(tmp_path / f"ana{number}", {prefix + n: t for n, t in RIGHT_FILES.items()})
        fill(path, {"notes/more.txt": "", "README.md": ""})
        assert only(path).name == f"ana{number}" and is_right(only(path))
    chapters = {
        "03-k-means-on-pixels/dark-part.py": RIGHT["dark-part"],
        "04-how-many-clusters/count-the-pairs.py": RIGHT["count-the-pairs"],
        "10-self-supervision/two-views.py": RIGHT["two-views"],
    }
    path = fill(tmp_path / "chapters", chapters)
    assert is_right(only(path))
    # a stray file does not turn a class into one student
    path = fill(tmp_path / "stray", {"dark-part.py": "", "ana/dark-part.py": "a = 1\n"})
    fill(path, {"bob/dark-part.py": "b = 1\n"})
    assert {s.name for s in read_submissions(path, IDS)} == {"ana", "bob", "dark-part"}


def test_single_settles_it(folder, tmp_path):
    fill(folder / "part1", {"dark-part.py": RIGHT["dark-part"]})
    fill(folder / "part2", {"two-views.py": RIGHT["two-views"]})
    assert len(read_submissions(folder, IDS)) == 2
    works = only(folder, single=True).works
    assert works["dark-part"].source and works["two-views"].source
    (tmp_path / "empty").mkdir()
    assert all(work.missing for work in only(tmp_path / "empty", single=True).works.values())


def test_one_file_is_one_student(tmp_path):
    path = fill(tmp_path, {"dark-part.py": "x = 1\n", "ana.zip": zipped(RIGHT_FILES)})
    assert only(path / "dark-part.py").works["dark-part"].source == "x = 1\n"
    assert is_right(only(path / "ana.zip")) and only(path / "ana.zip").name == "ana"
    assert only(path / "ana.zip", single=True) == only(path / "ana.zip")


def test_what_is_no_class_is_the_tutors_to_mend(tmp_path):
    for path in (tmp_path / "gone", fill(tmp_path, {"a.txt": ""}) / "a.txt", "a\0b"):
        with pytest.raises(OctlessonsError, match=r"cannot be read|neither a folder"):
            read_submissions(path, IDS)
    with pytest.raises(OctlessonsError, match="holds no submissions"):
        read_submissions(tmp_path, IDS)


def test_times_beside_the_folders(folder, tmp_path):
    fill(folder / "Ana Li")
    fill(folder / "bob@example.org")
    table = "student,submitted\nana li,2026-12-01T12:00:00+01:00\nbob@example.org,2026-12-02T00:00Z"
    fill(folder, {"times.csv": "\ufeff" + table})
    ana, bob = read_submissions(folder, IDS)
    assert ana.submitted == datetime(2026, 12, 1, 11, tzinfo=UTC)
    assert bob.submitted == datetime(2026, 12, 2, tzinfo=UTC) and bob.student == "bob@example.org"
    files = {"times.csv": table, "Ana Li/two-views.py": "", "bob@example.org/two-views.py": ""}
    (tmp_path / "class.zip").write_bytes(zipped(files))
    assert all(s.submitted for s in read_submissions(tmp_path / "class.zip", IDS))


NOON = datetime(2026, 12, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    "table",
    [
        "student,submitted\nana li,2026-12-01T12:00Z\n",
        "student;submitted\r\nAna Li;2026-12-01T13:00:00+01:00\r\n",
        "\ufeffStudent, Submitted \n Ana Li , 2026-12-01T12:00Z\n,\n,,,\n\n",
        "\n\nsubmitted\tSTUDENT\tnote\n2026-12-01T12:00Z\tAna_Li\tx\n",
        'student,submitted\n"Li, Ana",2026-12-01T12:00Z\nbob,\n',
        "student,submitted\nAna Li,2026-12-01T12:00Z\nana li,2026-12-01T12:00Z\nshort\n",
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_times_as_spreadsheets_and_people_write_them(folder, table, encoding):
    fill(folder / "Ana Li", {"two-views.py": ""})
    fill(folder, {"times.csv": table.encode(encoding)})
    (ana,) = read_submissions(folder, IDS)
    assert ana.submitted == NOON


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ("", "line 1: the columns student and submitted are missing"),
        ("who,when\nana,noon\n", "line 1: the columns student and submitted are needed.*“who”"),
        ("student,student,submitted\n", "line 1: the columns .* once each"),
        ("student,submitted\nana,noon\n", "line 2: “noon” is no time; write it as in 2026"),
        ("student,submitted\n\nana,01.12.2026 12:00\n", "line 3: “01.12.2026 12:00” is no time"),
        ("student,submitted\nana,2026-12-01\n", "line 2: the time lacks its zone"),
        ("student,submitted\nana,0001-01-01T00:00+14:00\n", "line 2: .*beyond the calendar"),
        ("student,submitted\nana,2026-12-01T12:00Z\nana,2026-12-02T12:00Z\n", "line 3: .*twice"),
        ("student,submitted\nana,2026-12-01T12:00Z\nANA,2026-12-02T12:00Z\n", "line 3: .*already"),
        (b"student,submitted\nJos\xe9,2026-12-01T12:00Z\n", "is not UTF-8 text: save it as"),
    ],
)
def test_a_line_of_times_that_cannot_be_read_is_named(folder, table, words):
    fill(folder, {"ana/two-views.py": "", "times.csv": table})
    with pytest.raises(OctlessonsError, match=rf"class/times\.csv.*{words}"):
        read_submissions(folder, IDS)


def test_lines_of_times_that_fit_nobody_or_several_are_said(folder):
    for name in ("Ana", "ANA", "José", "bob", "Cy Oz"):
        fill(folder / name, {"two-views.py": ""})
    lines = (
        *("anna,2026-12-01T12:00Z", "ana,2026-12-01T12:00Z", "ANA,2026-12-01T12:00Z"),
        *("Jose\N{COMBINING ACUTE ACCENT},2026-12-01T12:00Z", "bob,", ",2026-12-01T12:00Z"),
    )
    fill(folder, {"times.csv": "\n".join(("student,submitted", *lines)) + "\n"})
    found, notices = told(folder)
    assert {s.name for s in found if s.submitted} == {"ANA", "José"}
    said = [notice.partition("times.csv")[2] for notice in notices if "times.csv" in notice]
    assert said == [
        ", line 2: anna fits no student. Is ana meant?",
        ", line 3: ana fits 2 students, so it counts for none.",
        ", line 6: there is no time for bob, so it says nothing.",
        ", line 7: a file without a name fits no student.",
        " has no time for 3 students: Ana, Cy Oz and bob.",
    ]


# ---------------------------------------------------------------------- names


HOSTILE = [
    '=HYPERLINK("http://evil.example","x")',
    "two\nlines",
    "n" * 250,
    "\u202egnirts",
    "CON",
    "con.txt",
    "ana.",
    "Ana",
    "ana",
    "aná",
    "ana ",
    "-rf",
    "\x1b[31mred",
    "ana-0123456789",
    "@SUM(1)",
    "'; DROP TABLE marks",
    "a b",
    "a_b",
    "日本",
]


def test_names_are_clean_and_slugs_are_safe_and_unique(folder):
    for name in HOSTILE:
        fill(folder / name)
    os.mkdir(os.path.join(os.fsencode(folder), b"caf\xe9"))
    found = read_submissions(folder, IDS)
    assert len(found) == len({s.slug for s in found}) == len(HOSTILE) + 1
    assert [s.slug for s in found] == sorted(s.slug for s in found)
    for s in found:
        assert SAFE_SLUG.fullmatch(s.slug) and not s.slug.endswith(".")
        assert s.slug.split(".")[0] not in ("con", "nul", "aux", "prn")
        assert s.name and len(s.name) <= 200 and s.name.isprintable()
        assert s.student.encode() and s.name.encode()
    slugs = {s.slug for s in found}
    assert {"ana", "a_b"} < slugs
    # and they do not depend on who else is there
    for name in ("CON", "Ana", "ana.", "@SUM(1)"):
        fill(folder.parent / name / name)
        assert only(folder.parent / name).slug in slugs


def test_a_plain_folder_called_like_one_of_moodles_is_another_student(folder):
    fill(folder / "ana_12_assignsubmission_file_")
    fill(folder / "ana_12")
    first, second = read_submissions(folder, IDS)
    assert first.slug != second.slug and {first.student, second.student} == {"12", "ana_12"}


# ---------------------------------------------------------------------- which file


@pytest.mark.parametrize(
    "name",
    [
        "dark-part.py",
        "Dark_Part.py",
        "DARK PART.PY",
        "dark-part (1).py",
        "dark-part-2.py",
        "dark-part - Copy.py",
        "dark_part - Kopie (2).py",
        "Li_dark-part.py",
        "deep/er/dark-part.py",
        "exercises/03-k-means-on-pixels/dark-part.py",
    ],
)
def test_names_that_are_meant(folder, name):
    works = student(folder, {name: "mine = 1\n"})
    assert works["dark-part"].source == "mine = 1\n"
    assert works["two-views"].missing


@pytest.mark.parametrize(
    ("better", "worse"),
    [
        ("dark-part.py", "Dark-Part.py"),
        ("dark-part.py", "old/dark-part.py"),
        ("dark-part.py", "dark-part (1).py"),
        ("dark-part.py", "dark-part.ipynb"),
        ("x/dark-part.py", "my-dark-part.py"),
        ("dark-part.py", "__MACOSX/dark-part.py"),
        ("old/dark-part.py", ".ipynb_checkpoints/dark-part.py"),
        ("old/dark-part.py", ".venv/dark-part.py"),
        ("old/dark-part.py", "._dark-part.py"),
        ("old/dark-part.py", "test_dark-part.py"),
        ("dark-part.py", "work.zip"),
    ],
)
def test_of_several_files_a_rule_chooses(folder, better, worse):
    answers = {".ipynb": notebook(("worse = 1", {})), ".zip": zipped({"dark-part.py": "w = 1"})}
    other = answers.get(Path(worse).suffix, "worse = 1\n")
    assert student(folder, {worse: other, better: "b = 1\n"})["dark-part"].source == "b = 1\n"


def test_what_was_edited_goes_before_what_was_given_out(folder):
    given = ROOT / "exercises" / "03-k-means-on-pixels"
    stub, book = (given / f"dark-part{end}" for end in (".py", ".ipynb"))
    mine = json.loads(book.read_text("utf-8"))
    mine["cells"][2]["source"] = "mine = 1"
    files = {"dark-part.py": stub.read_bytes(), "dark-part.ipynb": json.dumps(mine)}
    assert student(folder, files)["dark-part"].source == "mine = 1\n"
    # opened and run only: outputs and kernels do not count
    ran = json.loads(book.read_text("utf-8"))
    ran["cells"][2]["outputs"], ran["metadata"]["kernelspec"] = [{"text": "x"}], {}
    files = {"dark-part.py": stub.read_bytes(), "dark-part.ipynb": json.dumps(ran)}
    assert student(folder, files)["dark-part"].file == "dark-part.py"
    files = {"dark-part.py": stub.read_bytes(), "dark-part (1).py": "mine = 2\n"}
    assert student(folder, files)["dark-part"].source == "mine = 2\n"


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({"a/.keep": ""}, r"no file for dark-part; hand in dark-part\.py or dark-part\.ipynb\.$"),
        ({"Dark_Prat.py": ""}, r"Found Dark_Prat\.py: if that is it, rename it"),
        ({"dark-part.py.txt": ""}, r"Found dark-part\.py\.txt"),
        ({"work.rar": ""}, "work.rar, which cannot be opened here: hand in a zip"),
        (
            {"l.ipynb": notebook(("x", {}))},
            r"l\.ipynb, of which no cell says that",
        ),
        ({"report.pdf": ""}, r"Found report\.pdf"),
        ({"dark-part.html": ""}, r"dark-part\.html, a print of the notebook: hand in the notebook"),
    ],
)
def test_a_missing_exercise_is_said_to_be_missing(folder, files, words):
    work = student(folder, files)["dark-part"]
    assert work.missing and work.source is None and re.search(words, work.problem)


# ---------------------------------------------------------------------- what is in a file


@pytest.mark.parametrize(
    "data",
    [
        "s = 'é'\n".encode(),
        b"\xef\xbb\xbf" + "s = 'é'\r\n".encode(),
        "s = 'é'\r".encode(),
        "# -*- coding: latin-1 -*-\ns = 'é'\n".encode("latin-1"),
        "s = 'é'\r\n".encode("utf-16"),
        "\ufeffs = 'é'\n".encode("utf-16-be"),
        b"",
    ],
)
def test_text_in_many_encodings(folder, data):
    source = student(folder, {"dark-part.py": data})["dark-part"].source
    assert source in ("", "s = 'é'\n", "# -*- coding: latin-1 -*-\ns = 'é'\n")


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"# caf\xe9\n", "is not UTF-8"),
        (b"\xff\xfex", "zero bytes|not UTF-8"),
        (b"x\0y", "zero bytes"),
        (b"# coding: punycode\n", "not UTF-8"),
        (b"# coding: zip\n", "not UTF-8"),
        (b"\x7fELF\0", "zero bytes"),
        (b"x" * 5_000_001, "has more than 5 MB"),
    ],
)
def test_what_is_no_text_is_a_sentence(folder, data, words):
    fill(folder / "bob")
    fill(folder / "ana", {**RIGHT_FILES, "dark-part.py": data})
    ana, bob = read_submissions(folder, IDS)
    work = ana.works["dark-part"]
    assert re.search(rf"dark-part\.py .*({words})", work.problem) and not work.missing
    assert ana.works["two-views"].source and is_right(bob)


def test_characters_that_do_not_exist_can_be_written_to_files(folder):
    fill(folder / "ana", {"dark-part.py": b"# coding: utf-7\ns = '+2AA-'\n"})
    fill(folder / "bob", {"dark-part.ipynb": notebook(("s = '\ud800'", {}))})
    for s in read_submissions(folder, IDS):
        assert s.works["dark-part"].source.encode()


@pytest.mark.parametrize(
    "data",
    [
        "{not json",
        "[]",
        "null",
        '"cells"',
        '{"cells": 3}',
        '{"cells": [3]}',
        '{"cells": [{"cell_type": "code"}]}',
        '{"cells": [{"cell_type": "code", "source": {"a": 1}}]}',
        '{"cells": [{"cell_type": "code", "source": [1]}]}',
        '{"worksheets": [{"cells": []}], "nbformat": 3}',
        "[" * 100_000,
        '{"cells": ' + "9" * 5000 + "}",
        b"\xff\xfe",
        b"",
    ],
)
@pytest.mark.parametrize("name", ["dark-part.ipynb", "lesson.ipynb"])
def test_what_is_no_notebook_is_a_sentence(folder, name, data):
    work = student(folder, {name: data})["dark-part"]
    assert f"{name} is not a valid notebook" in work.problem and not work.missing


def test_marked_cells_belong_to_their_exercise_and_to_no_other(folder):
    lesson = notebook(
        ("unmarked = crash()", {}),
        ("import os; os._exit(1)", {"exercise": "dark-part"}),
        ("import numpy as np", {"tags": ["setup"]}),
        ("pairs = 1", {"octlessons": {"exercise": ["count-the-pairs"]}}),
        ("%matplotlib inline\nviews = np.e", {"exercise": "two_views"}),
        ("exercise('two-views').check()", {"exercise": "two-views", "tags": ["apart"]}),
        ("more = 2", {"exercise": "two-views"}),
        ("odd", {"exercise": 7, "tags": "setup", "octlessons": None}),
        metadata={"kernelspec": {"name": "nosuchkernel"}},
    )
    works = student(folder, {"lesson.ipynb": lesson})
    assert works["count-the-pairs"].source == "import numpy as np\n\npairs = 1\n"
    assert works["two-views"].source == ("import numpy as np\n\npass\nviews = np.e\n\nmore = 2\n")
    assert works["dark-part"].source.startswith("import numpy as np\n\nimport os")
    assert {work.file for work in works.values()} == {"lesson.ipynb"}


def test_a_notebook_of_one_exercise(folder):
    cells = [
        ("import numpy as np", {}),
        ("check()", {"tags": ["apart"]}),
        ("x = 1", {"exercise": "dark-part"}),
        ("y = 1", {"exercise": "two-views"}),
    ]
    works = student(folder, {"dark-part.ipynb": notebook(*cells)})
    assert works["dark-part"].source == "import numpy as np\n\nx = 1\n"
    assert works["two-views"].source == "y = 1\n"
    # the course's own notebooks are known whatever they are called
    made = (ROOT / "exercises" / "03-k-means-on-pixels" / "dark-part.ipynb").read_bytes()
    source = student(folder.parent / "other", {"Untitled.ipynb": made})["dark-part"].source
    assert "def dark_share" in source and "pip install" not in source and ".check()" not in source


def test_python_files_with_marked_cells(folder):
    source = (
        "# ---\n# jupyter: x\n# ---\nboom = 1 / 0\n# %% [markdown]\n# text\n"
        '# %% tags=["setup"]\nimport numpy as np\n# %% exercise="dark-part"\nx = 1\n'
        '# %% A title {"exercise": "two-views"}\ny = 1\n'
    )
    works = student(folder, {"lesson.py": source})
    assert works["dark-part"].source == "import numpy as np\n\n\nx = 1\n\n"
    assert works["two-views"].source == "import numpy as np\n\n\ny = 1\n\n"
    assert [len(percent_cells(source)), percent_cells("x = 1\n")] == [3, []]


def test_magics_go_and_python_stays():
    cell = [
        ("%matplotlib inline", "pass"),
        ("!rm -rf x \\", "pass"),
        ("   -v it's", ""),
        ("text = '''", "text = '''"),
        ("%time kept", "%time kept"),
        ("!kept", "!kept"),
        ("'''", "'''"),
        ("rest = (7", "rest = (7"),
        ("% 4)", "% 4)"),
        ("more = 7 \\", "more = 7 \\"),
        ("% 4", "% 4"),
        ("files = !ls", "files = None"),
        ("a, b.c = %time f()", "a, b.c = f()"),
        ("if more:", "if more:"),
        ("    %pip install x", "    pass"),
        ("    np.zeros??", "    pass"),
        ("    ?np", "    pass"),
        ("s = f'{more = !r}'  # why?", "s = f'{more = !r}'  # why?"),
        ("more %= 2", "more %= 2"),
        ("r = r'\\' # %'", "r = r'\\' # %'"),
        ("# it's [", "# it's ["),
        ("%time f(x)", "f(x)"),
    ]
    found = without_magics("\n".join(line for line, _ in cell)).split("\n")
    assert found == [kept for _, kept in cell]


@pytest.mark.parametrize("magic", ["%%time", "\n%%timeit -n 3", "%%capture out\n%%time"])
def test_cell_magics_that_run_python_keep_it(magic):
    cells = [{"cell_type": "code", "source": f"{magic}\nx = 1\n%ls\n"}]
    cells.append({"cell_type": "code", "source": "%%bash\nrm -rf y\n"})
    source = notebook_source(json.dumps({"cells": cells}).encode(), "n.ipynb")
    namespace = {}
    exec(source, namespace)
    assert namespace["x"] == 1 and "rm" not in source


@pytest.mark.parametrize("magic", ["%%writefile dark-part.py", "  %%file  x/answer.py"])
def test_what_a_cell_writes_into_a_python_file_is_the_answer(folder, magic):
    for source in (f"{magic}\nx = 1\n", [f"{magic}\n", "x = 1\n"]):
        cells = [(source, {}), ("%%writefile notes.txt\nno Python", {}), ("y = x", {})]
        works = student(folder, {"dark-part.ipynb": notebook(*cells)})
        namespace = {}
        exec(works["dark-part"].source, namespace)
        assert namespace["x"] == namespace["y"] == 1


@pytest.mark.parametrize(
    "piece", ["\\'", "'", "a[x]", "a = ", "a, ", " ", "(", '"""\n', "!\\\n", "\n", "a.b", "a?  "]
)
def test_magics_take_time_in_proportion(piece):
    without_magics(piece * 100_000)  # for ever, were it the square of that
    python_source(b"# coding: utf-8\n" + piece.encode() * 100_000, "x.py")


# ---------------------------------------------------------------------- hostile folders


def test_links_pipes_folders_and_devices_are_not_opened(folder, tmp_path):
    secret = fill(tmp_path, {"secret.py": "secret = 1\n"}) / "secret.py"
    ana = folder / "ana"
    fill(ana, {"dark-part.py": "x = 1\n"})
    (ana / "two-views.py").symlink_to(secret)
    os.mkfifo(ana / "count-the-pairs.py")
    (folder / "eve").symlink_to(tmp_path)
    os.mkfifo(folder / "pipe.zip")
    (folder / "bob" / "dark-part.py").mkdir(parents=True)
    (folder / "bob" / "loop").symlink_to(".")
    (folder / "bob" / "work.zip").symlink_to(secret)
    ana, bob, eve, pipe = read_submissions(folder, IDS)
    assert ana.works["dark-part"].source == "x = 1\n"
    assert "symbolic link" in ana.works["two-views"].problem
    assert "not a regular file" in ana.works["count-the-pairs"].problem
    assert "not a regular file" in bob.works["dark-part"].problem
    assert "symbolic link" in eve.works["dark-part"].problem
    assert pipe.name == "pipe" and not pipe.works["dark-part"].source


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root reads all")
def test_files_that_may_not_be_read_are_a_sentence(folder):
    fill(folder / "ana")
    (folder / "ana" / "dark-part.py").chmod(0)
    assert "cannot be read" in only(folder).works["dark-part"].problem


def test_thousands_of_other_files_do_no_harm(folder):
    ana = fill(folder / "ana")
    (ana / "loop").symlink_to(".")
    for i in range(1000):
        (ana / f"junk{i}.txt").touch()
    (ana / "/".join(["d"] * 60)).mkdir(parents=True)
    assert is_right(only(folder))


def test_too_many_files_are_not_all_looked_at(folder, monkeypatch):
    monkeypatch.setattr("octlessons.grading.intake.entries.MOST_NAMES", 50)
    fill(folder / "ana", {f"a/junk{i}": "" for i in range(60)})
    fill(folder / "ana", {"dark-part.py": RIGHT["dark-part"], "a/two-views.py": "late"})
    works = only(folder).works
    assert works["dark-part"].source == RIGHT["dark-part"]
    assert "more than 50 files" in works["two-views"].problem


# ---------------------------------------------------------------------- hostile archives


def in_class(folder, **archives):
    """The submissions of students that each hand in one archive, and of one that did well."""
    fill(folder / "zz-good")
    for name, data in archives.items():
        fill(folder, {name.replace("_", "."): data})
    *found, good = read_submissions(folder, IDS)
    assert is_right(good)
    assert not [w for s in found for w in s.works.values() if UNEXPECTED in w.problem]
    return found


def with_bytes(data, **changes):
    """A zip whose first local header and central entry are changed."""
    data = bytearray(data)
    central = data.index(b"PK\1\2")
    for field, value in changes.items():
        at, size = {"flags": (8, 2), "method": (10, 2), "size": (24, 4), "packed": (20, 4)}[field]
        data[central + at : central + at + size] = value.to_bytes(size, "little")
    return bytes(data)


def info(name, mode):
    made = zipfile.ZipInfo(name)
    made.create_system, made.external_attr = 3, mode << 16
    return made


BOMB = zipped({"dark-part.py": b"#" * 40_000_000}, compression=zipfile.ZIP_DEFLATED)
ONE = zipped({"dark-part.py": "x = 1\n"}, compression=zipfile.ZIP_DEFLATED)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "damaged"),
        (b"PK\5\6", "damaged"),
        (ONE[:-30], "damaged"),
        (ONE[: len(ONE) // 2], "damaged"),
        (b"\0" * 100, "damaged"),
        (BOMB, "more than 5 MB"),
        (with_bytes(BOMB, size=100), "damaged"),
        (with_bytes(ONE, size=4_000_000), "damaged|cut off"),
        (with_bytes(ONE, packed=3), "damaged|cut off"),
        (with_bytes(ONE, flags=1), "password"),
        (with_bytes(ONE, method=99), "compressed in a way"),
        (zipped({"dark-part.py": "x"}, compression=zipfile.ZIP_LZMA), "compressed in a way"),
        (zipped({"../dark-part.py": "x"}), "leads out of the archive"),
        (zipped({"/etc/dark-part.py": "x"}), "leads out of the archive"),
        (zipped({"C:\\dark-part.py": "x"}), "leads out of the archive"),
        (zipped({info("dark-part.py", stat.S_IFLNK | 0o777): "/etc/passwd"}), "symbolic link"),
        (zipped({info("dark-part.py", stat.S_IFIFO): ""}), "not a regular file"),
        (zipped({"dark-part.py/": ""}), "not a regular file"),
        (zipped({str(i): "" for i in range(2001)}), "2000 entries"),
        (zipped({str(i): "" for i in range(30_000)}), "2000 entries"),
        (zipped({"x" * 60_000 + str(i): "" for i in range(40)}), "2000 entries|no file"),
    ],
    # An archive holds the time: as an id it would differ between the processes of a run.
    ids=lambda part: "zip" if isinstance(part, bytes) else part,
)
def test_zip_files_of_every_bad_kind(folder, tmp_path, data, words):
    (ana,) = in_class(folder, ana_zip=data)
    assert re.search(words, ana.works["dark-part"].problem)
    path = fill(tmp_path, {"one.zip": data}) / "one.zip"
    assert re.search(words, only(path).works["dark-part"].problem)
    fill(folder / "nested", {"work.zip": data})
    nested = {s.slug: s for s in read_submissions(folder, IDS)}["nested"]
    assert re.search(words, nested.works["dark-part"].problem)


def test_what_is_twice_in_an_archive_is_refused_and_the_rest_is_not(folder):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive, pytest.warns(UserWarning, match="Duplicate"):
        for name in ("dark-part.py", "two-views.py", "dark-part.py"):
            archive.writestr(name, "x = 1\n")
    (ana,) = in_class(folder, ana_zip=out.getvalue())
    assert "more than once" in ana.works["dark-part"].problem
    assert ana.works["two-views"].source == "x = 1\n"


def test_archives_within_archives_have_an_end(folder):
    data = zipped(RIGHT_FILES)
    for _ in range(5):
        data = zipped({"work.zip": data})
    many = zipped({f"{i}.zip": zipped({"x.py": ""}) for i in range(100)})
    deep, wide = in_class(folder, deep_zip=data, wide_zip=many)
    assert deep.works["dark-part"].missing
    assert "more than 20 archives" in wide.works["dark-part"].problem


def test_a_bomb_of_bombs_is_read_within_bounds(folder):
    bomb = zipped({"lesson.ipynb": b" " * 4_900_000}, compression=zipfile.ZIP_DEFLATED)
    with zipfile.ZipFile(out := io.BytesIO(), "w") as archive:
        for i in range(20):
            archive.writestr(f"{i}.zip", bomb)
    tracemalloc.start()
    (ana,) = in_class(folder, ana_zip=out.getvalue())
    assert tracemalloc.get_traced_memory()[1] < 60e6
    tracemalloc.stop()
    assert not ana.works["dark-part"].source


def test_a_huge_file_is_not_read_into_memory(folder):
    for name in ("ana.zip", "bob.tar", "cy.py"):
        with open(folder / name, "wb") as file:
            file.truncate(3_000_000_000)
    with open(folder / "eve.zip", "wb") as file:  # an honest one: its list is at the end
        file.write(b"\0" * 10)
        file.seek(2_500_000_000)
        file.write(ONE)
    tracemalloc.start()
    found = {s.name: s.works["dark-part"] for s in read_submissions(folder, IDS)}
    assert tracemalloc.get_traced_memory()[1] < 30e6
    tracemalloc.stop()
    assert not any(found[name].source for name in ("ana", "bob", "cy"))
    assert found["eve"].source == "x = 1\n"


def test_a_lying_archive_costs_only_what_it_lies_about(folder):
    data = zipped({**RIGHT_FILES, "zz.py": "x" * 100})
    at = data.index(b"x" * 100)
    torn = data[:at] + b"y" + data[at + 1 :]
    (ana,) = in_class(folder, ana_zip=torn)
    assert is_right(ana)


@pytest.mark.slow
def test_memory_does_not_grow_with_the_class(tmp_path):
    work = "x = 1\n" + "# " + "y" * 20_000 + "\n"

    def peak(students):
        path = tmp_path / f"{students}.zip"
        path.write_bytes(
            zipped({f"s{i}/dark-part.py": work for i in range(students)}, compression=8)
        )
        tracemalloc.start()
        count = sum(s.works["dark-part"].source == work for s in iter_submissions(path, IDS))
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert count == students
        return most

    assert peak(400) - peak(100) < 3_000_000  # the names; the works would be 6 MB
