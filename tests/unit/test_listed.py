"""Files named one by one: lists of paths, and tables with labels, patients and sites."""

import warnings

import numpy as np
import pytest
from PIL import Image

from octlessons import OctlessonsError
from octlessons.images.folder import FolderError, FolderWarning, read_folder


def save(path, level=0):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.full((9, 12), level, np.uint8)).save(path)
    return path


@pytest.fixture
def scans(tmp_path):
    for i in range(4):
        save(tmp_path / f"data/p{i % 2}/scan {i}.png", 50 * i)
    return tmp_path / "data"


def kinds(images):
    return {problem.path: problem.kind for problem in images.provenance.problems}


def test_a_list_keeps_its_order_and_needs_no_folder(scans, monkeypatch):
    monkeypatch.chdir(scans)
    paths = ["p1/scan 3.png", scans / "p0/scan 2.png"]
    images = read_folder(paths)
    assert [image[0, 0] for image in images] == [150, 100]
    assert images.labels is None and images.patients is None
    monkeypatch.chdir("/")
    assert images[0][0, 0] == 150  # whatever the working folder is later


def test_files_of_a_list_that_cannot_be_used_are_named(scans):
    (scans / "a.dcm").write_bytes(bytes(128) + b"DICM")
    listed = [scans / "p0/scan 0.png", scans / "gone.png", scans / "p0", scans / "a.dcm"]
    with pytest.warns(FolderWarning, match="gone.png: There is no such file"):
        images = read_folder(listed)
    assert sorted(kinds(images).values()) == ["format", "missing", "missing"]
    with pytest.raises(FolderError, match=r"DICOM, which is not read: .*pydicom"):
        read_folder(listed, on_problem="raise")


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_a_csv_gives_labels_patients_and_sites(scans, delimiter):
    rows = [["File", "class", "Patient_ID", "site", "age"]]
    rows += [[f"p{i % 2}/scan {i}.png", "AB"[i // 2], f"{i % 2}", "Bern", "70"] for i in range(4)]
    table = scans / "labels.csv"
    table.write_text("\n".join(map(delimiter.join, rows)), encoding="utf-8-sig")
    for images in (read_folder(table), read_folder(scans, table=table)):
        assert images.class_names == ("A", "B") and images.labels.tolist() == [0, 0, 1, 1]
        assert images.patients.tolist() == ["0", "1", "0", "1"]
        assert set(images.sites) == {"Bern"}
        assert [image[0, 0] for image in images] == [0, 50, 100, 150]


def test_a_data_frame_with_bare_names_and_numbers(scans):
    pandas = pytest.importorskip("pandas", reason="pandas is not installed")
    frame = pandas.DataFrame(
        {"file": ["scan 3.png", "scan 0.png"], "label": [1.0, 0.0], "patient": [17, 18]}
    )
    images = read_folder(scans, table=frame)
    assert read_folder(scans, table=frame.set_index("file")).names.tolist() == images.names.tolist()
    assert images.class_names == ("0", "1")
    assert dict(zip(images.patients, images.labels.tolist(), strict=True)) == {"18": 0, "17": 1}
    assert "2 images not in the table: p0/scan 2.png, p1/scan 1.png" in images.provenance.notes


def test_what_a_table_does_not_say_or_says_twice_is_named(scans):
    names = [f"p{i % 2}/scan {i}.png" for i in (0, 1, 2, 2, 3, 3)] + ["gone.png"]
    table = {"file": names, "label": ["a", None, "a", "b", "b", "b", "b"]}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FolderWarning)
        images = read_folder(scans, table=table)
    assert images.names.tolist() == ["p0/scan 0.png", "p1/scan 3.png"]
    assert kinds(images) == {
        "p1/scan 1.png": "table", "p0/scan 2.png": "table", "gone.png": "missing",
    }  # fmt: skip


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16"])
@pytest.mark.parametrize("hint", ["", "sep=;\r\n"])
def test_a_table_from_any_spreadsheet(scans, encoding, hint):
    save(scans / "Gr\u00f6\u00dfe.png", 70)
    text = "file;Diagnosis;remark, if any, or none\r\nGr\u00f6\u00dfe.png;\u00d6dem;x\r\n"
    (scans / "labels.csv").write_bytes((hint + text).encode(encoding))
    images = read_folder(scans / "labels.csv", on_problem="raise")
    assert images.class_names == ("\u00d6dem",) and images[0][0, 0] == 70


@pytest.mark.parametrize(
    "name",
    ["scan 3", "p1/scan 3", "SCAN 3.PNG", "./p1//scan 3.png", "P1\\scan 3.png", "{}/p1/scan 3.png"],
)
def test_other_ways_to_write_a_name(scans, name):
    table = {"file": [name.format(scans), "p1/scan 3.png"], "label": ["a", "a"]}
    images = read_folder(scans, table=table, on_problem="raise")
    assert images.names.tolist() == ["p1/scan 3.png"]  # two rows that say the same
    if name == "scan 3":
        save(scans / "p0/scan 3.png")  # now it could be either
        with pytest.raises(OctlessonsError, match="scan 3: There is no such file"):
            read_folder(scans, table=table, on_problem="raise")


def test_umlauts_of_two_kinds_are_one_name(scans):
    save(scans / "O\u0308dem.png", 70)
    images = read_folder(scans, table={"file": ["\u00d6dem.png"], "patient": ["O\u0308"]})
    assert images[0][0, 0] == 70 and images.patients.tolist() == ["\u00d6"]


def test_one_file_as_a_table_and_columns_that_differ_in_length(scans):
    assert read_folder(scans, table={"file": "scan 0.png", "label": "a"}).class_names == ("a",)
    with pytest.raises(ValueError, match="differ in length: file 2, label 1"):
        read_folder(scans, table={"file": ["scan 0.png", "scan 1.png"], "label": ["a"]})


def test_problems_of_the_part_that_is_read_are_told(scans):
    table = {"file": ["scan 0.png", "gone.png", "lost.png"], "split": ["train", "train", "test"]}
    with pytest.warns(FolderWarning, match="gone.png"):
        images = read_folder(scans, table=table, split="train")
    assert kinds(images) == {"gone.png": "missing"}
    odd = read_folder(scans, table={"file": ["scan 0.png"], "split": ["fold 1"]})
    assert "parts that are not train, val or test: fold 1" in odd.provenance.notes


def test_parts_of_a_table(scans):
    table = {"file": [f"p{i % 2}/scan {i}.png" for i in range(4)],
             "split": ["test", "train", "train", "val"]}  # fmt: skip
    assert len(read_folder(scans, table=table, split="train")) == 2


def test_a_table_without_files_is_a_sentence(scans):
    with pytest.raises(OctlessonsError, match=r"no column 'file'.*it has: label"):
        read_folder(scans, table={"label": ["a"]})
    with pytest.raises(OctlessonsError, match="cannot be read"):
        read_folder(scans / "none.csv")


@pytest.mark.parametrize("sample", ["oct2017_sample", "octdl_sample"])
def test_the_manifests_of_the_real_samples_give_their_classes(shared, sample):
    folder = shared / "data" / sample
    images = read_folder(folder, table=folder / "manifest.csv", on_problem="raise", verify=False)
    plain = read_folder(folder, patients=None, verify=False)
    assert images.counts() == plain.counts()
    assert images.patients is not None
    assert [name.split("/")[0] for name in images.names] == [
        images.class_names[label] for label in images.labels
    ]


def test_a_table_gives_terms_and_source_and_does_without_them(scans):
    table = {
        "file": [f"p{i % 2}/scan {i}.png" for i in range(4)],
        "License": ["CC BY 4.0", "CC BY 4.0", None, "CC0"],
        "source": ["one", "two", "one", ""],
    }
    images = read_folder(scans, table=table)
    assert len(images) == 4 and not images.provenance.problems
    assert images.provenance.licence == "CC BY 4.0; CC0"
    assert images.provenance.citation == "one; two"
    (scans / "LICENCE").write_text("CC BY 2.0")
    del table["License"]
    assert read_folder(scans, table=table).provenance.licence == "CC BY 2.0"
