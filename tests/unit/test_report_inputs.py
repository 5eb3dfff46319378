"""What `octlessons cluster` is given: every kind of source, and everything that can be wrong."""

from __future__ import annotations

import csv
import errno
import json
import os
import pickle
import struct
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image
from typer.testing import CliRunner

from octlessons._optional import EXTRAS, installed
from octlessons.cli import app
from octlessons.errors import OctlessonsError
from octlessons.images import draw_phantoms
from octlessons.report import beside, cluster_scans, looking, running, volumes
from octlessons.report.reading import read_scans

needs_dicom = pytest.mark.skipif(
    not installed("pydicom"), reason="pydicom is not here: pip install octlessons[oct]"
)
needs_eyepy = pytest.mark.skipif(
    not installed("eyepy"), reason="eyepy is not here: pip install octlessons[oct]"
)


@pytest.fixture(scope="module")
def phantoms():
    return draw_phantoms(n_per_class=5, size=96, seed=11)


def saved(folder, phantoms, names=None):
    """Scans as PNG in one folder, all of one second."""
    folder.mkdir(exist_ok=True, parents=True)
    names = names or [f"{i}.png" for i in range(len(phantoms))]
    for name, image in zip(names, phantoms.images, strict=False):
        Image.fromarray(image).save(folder / name)
        os.utime(folder / name, (1e9, 1e9))
    return folder


@pytest.fixture
def folder(tmp_path, phantoms):
    return saved(tmp_path / "scans", phantoms)


# ---------------------------------------------------------------------- arrays and names


def test_the_form_of_medmnist_is_read_with_its_labels_and_parts(tmp_path, phantoms):
    file = tmp_path / "octmnist_64.npz"
    images, labels = phantoms.images, np.asarray(phantoms.labels)[:, None]
    parts = {"train": slice(0, 10), "val": slice(10, 14), "test": slice(14, None)}
    np.savez(
        file,
        **{f"{part}_images": images[which] for part, which in parts.items()},
        **{f"{part}_labels": labels[which] for part, which in parts.items()},
    )
    read = read_scans(file)
    assert np.array_equal(np.stack(list(read.scans)), images)
    assert read.scans.class_names == phantoms.class_names and read.name(10) == "val/000000"
    assert np.array_equal(read.scans.labels, phantoms.labels)


def test_plain_arrays_are_read_with_what_lies_beside_them(tmp_path, phantoms):
    np.savez(tmp_path / "a.npz", images=phantoms.images, patients=phantoms.patients)
    read = read_scans(str(tmp_path / "a.npz"))
    assert read.scans.patients.tolist() == phantoms.patients.tolist() and read.scans.labels is None
    np.save(tmp_path / "deep.npy", phantoms.images.astype(np.uint16) * 257)
    np.save(tmp_path / "plain.npy", phantoms.images)
    for name in ("deep.npy", "plain.npy"):
        assert np.array_equal(np.stack(list(read_scans(tmp_path / name).scans)), phantoms.images)
    lazily = pickle.loads(pickle.dumps(read_scans(tmp_path / "plain.npy").scans.images))
    assert np.array_equal(lazily[3], phantoms.images[3])


@pytest.mark.parametrize(
    ("arrays", "words"),
    [
        ({"pictures": np.zeros((3, 9, 9), np.uint8)}, "holds no images, but pictures"),
        ({"images": np.zeros((3, 9), np.uint8)}, "no images"),
        ({"images": np.full((3, 9, 9), 7.0)}, "cannot be used"),
        ({"images": np.zeros((3, 9, 9), np.uint8), "labels": np.zeros(2, int)}, "2 entries for 3"),
        (None, "cannot be read"),
    ],
)
def test_arrays_that_are_no_images_are_refused_with_the_form(arrays, words, tmp_path):
    file = tmp_path / "a.npz"
    file.write_bytes(b"nothing")
    if arrays is not None:
        np.savez(file, **arrays)
    with pytest.raises(OctlessonsError, match=words):
        read_scans(file)


def test_octmnist_is_read_by_its_name(tmp_path, monkeypatch, phantoms):
    monkeypatch.setenv("OCTLESSONS_MEDMNIST_ROOT", str(tmp_path))
    monkeypatch.setenv("OCTLESSONS_MEDMNIST_CHECK", "0")
    images = np.zeros((6, 28, 28), np.uint8)
    parts = ("train", "val", "test")
    np.savez(
        tmp_path / "octmnist.npz",
        **{f"{part}_images": images for part in parts},
        **{f"{part}_labels": np.arange(6)[:, None] % 4 for part in parts},
    )
    assert len(read_scans("octmnist").scans) == 6


def test_folders_may_be_nested_and_lists_are_read(tmp_path, phantoms):
    for place in ("P001/OD", "P002/OS"):
        saved(tmp_path / "deep" / place, phantoms.subset(slice(0, 3)))
    read = read_scans(tmp_path / "deep")
    assert len(read.scans) == 6 and set(read.scans.patients) == {"P001", "P002"}
    read = read_scans([str(tmp_path / "deep/P001/OD/0.png")])
    assert len(read.scans) == 1 and read.name(0).endswith("0.png")


# ---------------------------------------------------------------------- tables and dates


def test_a_table_tells_labels_patients_eyes_and_dates(folder, tmp_path):
    lines = ["file;label;patient;site;eye;date"]
    lines += [f"{i}.png;{'AB'[i % 2]};p{i // 2};s;{('OD', 'L')[i % 2]};2024-0{1 + i % 3}-05"
              for i in range(20)]  # fmt: skip
    (tmp_path / "scans.csv").write_text("\n".join(lines))
    read = read_scans(folder, table=tmp_path / "scans.csv")
    assert read.scans.class_names == ("A", "B") and set(read.things) == {"eye", "date"}
    assert set(read.things["eye"]) == {"left", "right"}
    assert set(read.things["date"]) == {"2024-01", "2024-02", "2024-03"}
    first = [Path(file).name for file in read.files].index("0.png")
    assert read.things["eye"][first] == "right" and read.things["date"][first] == "2024-01"


def test_a_table_of_which_the_date_is_left_open_loses_no_scan(folder, tmp_path):
    rows = [f"{i}.png,{'' if i == 3 else 'left' if i % 2 else 'right'}" for i in range(20)]
    (folder / "scans.csv").write_text("\n".join(["file,eye", *rows]))
    read = read_scans(folder / "scans.csv")
    assert len(read.scans) == 20 and (read.things["eye"] == "not known").sum() == 1


def test_dates_become_months_or_thirds():
    assert set(beside.dates(["2024-01-05", "2024-02-01", "x"])) == {
        "2024-01", "2024-02", "not known",
    }  # fmt: skip
    years = [f"{year}0301" for year in range(2000, 2021)]
    found = beside.dates(years)
    assert {word: (found == word).sum() for word in set(found)} == dict(early=7, middle=7, late=7)
    assert list(beside.dates(["31/01/2024", "01/02/2024"])) == ["2024-01", "2024-02"]
    assert list(beside.dates(["01/31/2024", "01/02/2024"])) == ["2024-01", "2024-01"]
    assert set(beside.dates(["01/02/2024", "02/03/2024"])) == {"not known"}  # could be both


def test_the_date_of_files_counts_where_it_differs_by_more_than_a_day(folder):
    assert "file date" not in read_scans(folder).things
    for i, file in enumerate(sorted(folder.iterdir())):
        os.utime(file, (1e9 + i * 86_400, 1e9 + i * 86_400))
    found = read_scans(folder).things["file date"]
    assert set(found) == {"early", "middle", "late"}


# ---------------------------------------------------------------------- several scans in a file


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_each_page_of_a_tiff_is_a_scan(tmp_path, phantoms, dtype):
    stack = phantoms.images[:5].astype(dtype) * (257 if dtype == np.uint16 else 1)
    for name in ("a", "b"):
        tifffile.imwrite(tmp_path / f"{name}.tif", stack, photometric="minisblack")
    Image.fromarray(phantoms.images[7]).save(tmp_path / "one.png")
    read = read_scans(tmp_path)
    assert len(read.scans) == 11 and read.left_out == []
    names = [Path(read.name(i)).name for i in range(11)]
    assert names[:3] == ["a.tif#1", "a.tif#2", "a.tif#3"] and names[-1] == "one.png"
    for i in (0, 4, 7):
        assert np.array_equal(read.scans[i], phantoms.images[i % 5])
    assert len(set(read.scans.patients)) == 3 and len(set(read.things["volume"])) == 3
    part = read.scans.images[4:6].detached()
    assert np.array_equal(pickle.loads(pickle.dumps(part))[0], phantoms.images[4])


def test_a_damaged_page_is_named_and_the_others_are_looked_at(tmp_path, phantoms):
    tifffile.imwrite(
        tmp_path / "a.tif", phantoms.images[:6], photometric="minisblack", compression="zlib"
    )
    with tifffile.TiffFile(tmp_path / "a.tif") as file:
        place = file.pages[3].dataoffsets[0]
    data = bytearray((tmp_path / "a.tif").read_bytes())
    data[place : place + 40] = b"\xff" * 40
    (tmp_path / "a.tif").write_bytes(data)
    read = read_scans(tmp_path)
    assert len(read.scans) == 6
    records, problems = looking.look_at_all(
        read.scans, "flattened", tmp_path / "looks", files=read.files, jobs=1
    )
    assert list(records["seen"]) == [True] * 3 + [False] + [True] * 2
    assert [problem.path for problem in problems] == ["a.tif#4"]


def test_small_copies_in_a_tiff_are_no_scans(tmp_path, phantoms):
    with tifffile.TiffWriter(tmp_path / "a.tif") as file:
        file.write(phantoms.images[0], photometric="minisblack")
        file.write(phantoms.images[0, ::4, ::4], photometric="minisblack", subfiletype=1)
    read = read_scans(tmp_path)
    assert len(read.scans) == 1 and Path(read.name(0)).name == "a.tif"


def test_without_the_readers_a_volume_is_named_with_what_to_install(folder, monkeypatch):
    for name in ("a.dcm", "b.e2e", "c.vol"):
        (folder / name).write_bytes(b"\0" * 400)

    def missing(module, what):
        raise OctlessonsError(f"{what}, which cannot be imported here: {EXTRAS[module]}")

    monkeypatch.setattr(volumes, "need", missing)
    read = read_scans(folder)
    assert len(read.scans) == 20 and [p.path for p in read.left_out] == ["a.dcm", "b.e2e", "c.vol"]
    assert all("cannot be imported here: oct" in problem.reason for problem in read.left_out)
    with pytest.raises(OctlessonsError, match="cannot be imported here: oct"):
        read_scans(folder / "a.dcm")


def write_dicom(path, frames, eye="R", sop="1.2.840.10008.5.1.4.1.1.77.1.5.4"):
    pydicom = pytest.importorskip("pydicom")
    meta = pydicom.dataset.FileMetaDataset()
    meta.MediaStorageSOPClassUID, meta.TransferSyntaxUID = sop, pydicom.uid.ExplicitVRLittleEndian
    meta.MediaStorageSOPInstanceUID = pydicom.uid.generate_uid()
    data = pydicom.Dataset()
    data.file_meta, data.SOPClassUID = meta, sop
    data.SOPInstanceUID = meta.MediaStorageSOPInstanceUID
    data.PatientID, data.ImageLaterality, data.ContentDate = "77", eye, "20240105"
    data.NumberOfFrames, data.Rows, data.Columns = len(frames), *frames.shape[1:]
    data.SamplesPerPixel, data.PhotometricInterpretation = 1, "MONOCHROME2"
    data.BitsAllocated = data.BitsStored = 8 * frames.dtype.itemsize
    data.HighBit, data.PixelRepresentation = data.BitsStored - 1, 0
    measures, groups = pydicom.Dataset(), pydicom.Dataset()
    measures.PixelSpacing = [0.0039, 0.0115]
    groups.PixelMeasuresSequence = [measures]
    data.SharedFunctionalGroupsSequence = [groups]
    data.PixelData = frames.tobytes()
    data.save_as(path, enforce_file_format=True)


@needs_dicom
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_dicom_gives_a_row_for_each_frame(tmp_path, phantoms, dtype):
    frames = phantoms.images[:4].astype(dtype) * (257 if dtype == np.uint16 else 1)
    write_dicom(tmp_path / "a.dcm", frames)
    write_dicom(tmp_path / "without_ending", frames[:2], eye="L")
    write_dicom(tmp_path / "fundus.dcm", frames[:1], sop="1.2.840.10008.5.1.4.1.1.77.1.5.1")
    (tmp_path / "broken.dcm").write_bytes((tmp_path / "a.dcm").read_bytes()[:300])
    read = read_scans(tmp_path)
    assert len(read.scans) == 6 and np.array_equal(read.scans[2], phantoms.images[2])
    assert Path(read.name(2)).name == "a.dcm#3" and set(read.scans.patients) == {"77"}
    assert np.allclose(read.scans.pixel_sizes, [3.9, 11.5])
    assert list(read.things["eye"]) == ["right"] * 4 + ["left"] * 2
    assert len(set(read.things["volume"])) == 2
    reasons = {problem.path: problem.reason for problem in read.left_out}
    assert set(reasons) == {"broken.dcm", "fundus.dcm"} and "fundus" in reasons["fundus.dcm"]
    assert np.array_equal(pickle.loads(pickle.dumps(read.scans.images))[5], phantoms.images[1])


@needs_dicom
def test_dicom_compressed_by_jpeg_2000_is_read(tmp_path, phantoms):
    import pydicom

    write_dicom(tmp_path / "a.dcm", phantoms.images[:3])
    data = pydicom.dcmread(tmp_path / "a.dcm")
    data.compress(pydicom.uid.JPEG2000Lossless)
    data.save_as(tmp_path / "a.dcm")
    assert np.array_equal(np.stack(list(read_scans(tmp_path).scans)), phantoms.images[:3])


@needs_dicom
def test_volumes_in_class_folders_have_labels(tmp_path, phantoms):
    for label in ("CNV", "NORMAL"):
        (tmp_path / label).mkdir()
        write_dicom(tmp_path / label / "a.dcm", phantoms.images[:2])
    read = read_scans(tmp_path)
    assert read.scans.class_names == ("CNV", "NORMAL") and list(read.scans.labels) == [0, 0, 1, 1]


def write_vol(path, scans):
    """The least that Heidelberg's raw export has: a header, a fundus picture, B-scans."""
    n, height, width = scans.shape
    head = struct.pack("<12sIIIdddIIddId4sQiI", b"HSF-OCT-103", width, n, height, 0.0115, 0.2,
                       0.0039, 8, 8, 0.1, 0.1, 30, 0.0, b"OD", 132_500_000_000_000_000, 3,
                       256)  # fmt: skip
    head += struct.pack("<16s16sI24sdI24sd", b"1", b"", 5, b"p9", 20_000.0, 1, b"", 45_000.0)
    head += struct.pack("<IIII34s", 0, 0, 0, 0, b"")
    data = head.ljust(2048, b"\0") + bytes(64)
    for scan in np.exp(scans / np.float32(255) * 8.285 - 8.3) - 2.44e-4:
        start = struct.pack("<12sIddddIIfI6f", b"HSF-BS-103", 256, 0, 0, 1, 0, 0, 256, 30, 0,
                            *[0.0] * 6)  # fmt: skip
        data += start.ljust(256, b"\0") + scan.astype("<f4").tobytes()
    path.write_bytes(data)


@needs_eyepy
def test_heidelberg_vol_gives_a_row_for_each_scan(tmp_path, phantoms):
    write_vol(tmp_path / "a.vol", phantoms.images[:3])
    read = read_scans(tmp_path)
    assert read.left_out == [] and len(read.scans) == 3
    assert np.abs(read.scans[1].astype(int) - phantoms.images[1]).max() <= 2
    assert np.allclose(read.scans.pixel_sizes, [3.9, 11.5]) and set(read.scans.patients) == {"p9"}
    assert read.name(2).endswith("a.vol#3")


def write_xml(folder, scans):
    """The least that Heidelberg's export as XML has."""
    picture = (
        "<Image><ImageType><Type>{kind}</Type></ImageType><OphthalmicAcquisitionContext>"
        "<Width>{w}</Width><Height>{h}</Height><ScaleX>0.0115</ScaleX><ScaleY>0.0039</ScaleY>"
        "<Start><Coord><X>0</X><Y>{y}</Y></Coord></Start><End><Coord><X>1</X><Y>{y}</Y></Coord>"
        "</End></OphthalmicAcquisitionContext><ImageData><ExamURL>C:\\x\\{name}</ExamURL>"
        "</ImageData></Image>"
    )
    text, (h, w) = "", scans.shape[1:]
    for i, scan in enumerate([scans[0], *scans]):
        name, kind = (f"x{i}.png", "OCT") if i else ("slo.png", "LOCALIZER")
        Image.fromarray(scan).save(folder / name)
        text += picture.format(kind=kind, w=w, h=h, y=i / 10, name=name)
    day = "<Date><Year>2020</Year><Month>5</Month><Day>4</Day></Date>"
    (folder / "a.xml").write_text(
        "<?xml version='1.0'?><HEDX><BODY><Patient><ID>3</ID><Study><StudyDate>"
        f"{day}</StudyDate><Series><Laterality>L</Laterality><ReferenceSeries><ExamDate>{day}"
        f"</ExamDate></ReferenceSeries>{text}</Series></Study></Patient></BODY></HEDX>"
    )


@needs_eyepy
def test_heidelberg_xml_gives_a_row_for_each_scan_and_none_for_the_fundus(tmp_path, phantoms):
    write_xml(tmp_path, phantoms.images[:3])
    read = read_scans(tmp_path)
    assert read.left_out == [] and len(read.scans) == 3
    assert np.array_equal(read.scans[2], phantoms.images[2])
    assert np.allclose(read.scans.pixel_sizes, [3.9, 11.5])


def test_pictures_of_an_xml_that_cannot_be_read_are_read_as_pictures(tmp_path, phantoms):
    write_xml(tmp_path, phantoms.images[:3])
    text = (tmp_path / "a.xml").read_text()
    (tmp_path / "a.xml").write_text(text.replace("LOCALIZER", "OTHER"))
    read = read_scans(tmp_path)
    assert len(read.scans) == 4 and [problem.path for problem in read.left_out] == ["a.xml"]


@needs_eyepy
@pytest.mark.parametrize("name", ["a.vol", "a.e2e", "a.xml"])
def test_a_broken_file_of_heidelberg_is_named_and_the_rest_is_read(folder, name):
    (folder / name).write_bytes(b"<HEDX>" + b"CMDb" * 99)
    read = read_scans(folder)
    assert len(read.scans) == 20 and [problem.path for problem in read.left_out] == [name]
    assert read.left_out[0].reason.count("\n") == 0 and read.left_out[0].reason.endswith(".")


# ---------------------------------------------------------------------- bad input


def refused(source, out, **settings):
    with pytest.raises(OctlessonsError) as caught:
        cluster_scans(source, out, jobs=1, **settings)
    assert "\n" not in str(caught.value) and not (out / "report.html").exists()
    return str(caught.value)


def test_one_scan_and_fewer_scans_than_clusters_are_refused(folder, tmp_path):
    files = sorted(map(str, folder.iterdir()))
    assert "too few to group" in refused(files[:1], tmp_path / "one")
    assert "cannot be 9 clusters" in refused(files[:5], tmp_path / "few", k=9)


def test_scans_that_are_all_the_same_are_refused(tmp_path, phantoms):
    same = phantoms.subset(np.zeros(8, int))
    assert "1 different scan" in refused(saved(tmp_path / "same", same), tmp_path / "out")


def test_photographs_fundus_pictures_and_screenshots_show_no_retina(tmp_path):
    from skimage import data

    place = tmp_path / "pictures"
    place.mkdir()
    page = np.full((300, 400), 250, np.uint8)
    page[40:260:20, 30:370] = np.random.default_rng(0).integers(0, 255, (11, 340))
    pictures = [data.astronaut(), data.coffee(), data.chelsea(), data.page(), page]
    disc = np.hypot(*np.mgrid[-1:1:300j, -1:1:300j]) < 0.9
    pictures.append(np.stack([disc * 180, disc * 90, disc * 40], 2).astype(np.uint8))
    for i, picture in enumerate(pictures):
        Image.fromarray(picture).save(place / f"{i}.png")
    assert "0 of 6 scans show a retina" in refused(place, tmp_path / "out")


def test_names_labels_and_files_that_go_are_no_reason_to_stop(tmp_path, phantoms, monkeypatch):
    odd = ["=1+1.png", "line\nbreak.png", "\N{EYE}\N{GRINNING FACE}.png", "x" * 246 + ".png"]
    odd += ["<b>&\"'.png", os.fsdecode(b"caf\xe9.png")]
    label = "<script>alert(1)</script>"
    place = saved(tmp_path / "scans", phantoms, [*odd, *(f"{i}.png" for i in range(14))])
    broken = [place / "broken.png", place / "gone.png"]
    broken[0].write_bytes(b"\x89PNG\r\n\x1a\nnothing")
    (place / "gone.png").write_bytes((place / "3.png").read_bytes())
    there = [*os.listdir(place)]
    table = {"file": there, "label": [(label, "=B")[i % 2] for i in range(len(there))]}
    look = running.look_at_all

    def later(*args, **more):
        (place / "gone.png").unlink()
        return look(*args, **more)

    monkeypatch.setattr(running, "look_at_all", later)
    out = tmp_path / "out"
    run = cluster_scans(place, out, table=table, jobs=1, k=2)
    reasons = {problem.path: problem.reason for problem in run.left_out}
    assert set(reasons) == {"broken.png", "gone.png"} and len(run) == 20
    facts = json.loads((out / "run.json").read_text("utf-8"))
    assert facts["left out"] == reasons and facts["finished"]
    page = (out / "report.html").read_text("utf-8")
    assert "<script>alert" not in page
    assert "<b>&\"'" not in page and "&lt;script&gt;alert" in page
    for name in ("clusters.csv", "measurements.csv"):
        with open(out / name, encoding="utf-8", newline="") as stream:
            rows = list(csv.reader(stream))
        assert len(rows) == 21 and not any(cell.startswith("=") for row in rows for cell in row)


def test_a_full_disk_is_a_sentence_and_earlier_records_are_kept(folder, tmp_path, monkeypatch):
    out = tmp_path / "out"
    cluster_scans(folder, out, jobs=1, k=2)
    kept = {p.name: p.read_bytes() for p in (out / "looks").iterdir()}
    page = (out / "report.html").read_bytes()

    def full(handle):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr("octlessons._files.os.fsync", full)
        with pytest.raises(OctlessonsError, match=r"No space left.*disk with room"):
            cluster_scans(folder, out, jobs=1, k=2)
    assert {p.name: p.read_bytes() for p in (out / "looks").iterdir()} == kept
    assert (out / "report.html").read_bytes() == page
    assert not [p for p in out.rglob("*") if ".part-" in p.name]
    seen: list[int] = []
    told = lambda step, done, n: seen.append(done) if step == "looking" else None  # noqa: E731
    cluster_scans(folder, out, jobs=1, k=2, told=told)
    assert seen == [20]


def test_a_place_where_nothing_can_be_written_is_named(folder, tmp_path):
    (tmp_path / "file").write_text("not a folder")
    assert "cannot be written to" in refused(folder, tmp_path / "file" / "out")


def test_a_run_that_is_stopped_says_how_to_go_on(folder, tmp_path, monkeypatch):
    def stopped(*args, **more):
        raise KeyboardInterrupt

    monkeypatch.setattr(running, "look_at_all", stopped)
    out = tmp_path / "out"
    done = CliRunner().invoke(app, ["cluster", str(folder), "-o", str(out), "--jobs", "1"])
    assert done.exit_code == 130 and "the same command goes on there" in done.output
    assert not json.loads((out / "run.json").read_text())["finished"]
    assert not (out / "report.html").exists()


def test_the_help_says_what_the_exit_codes_mean():
    said = " ".join(CliRunner().invoke(app, ["cluster", "--help"]).output.split())
    assert "130 when it was stopped" in said


def test_a_disk_that_fills_while_scans_are_looked_at_costs_what_was_not_kept(
    folder, tmp_path, monkeypatch
):
    monkeypatch.setattr(looking, "SHARD", 8)
    out, sync, calls = tmp_path / "out", os.fsync, []

    def full(handle):
        calls.append(handle)
        if len(calls) > 2:  # run.json and the first records
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        sync(handle)

    with monkeypatch.context() as patch:
        patch.setattr("octlessons._files.os.fsync", full)
        assert "No space left" in refused(folder, out, k=2)
    assert len(list((out / "looks").glob("*.npy"))) == 1
    seen: list[int] = []
    told = lambda step, done, n: seen.append(done) if step == "looking" else None  # noqa: E731
    cluster_scans(folder, out, jobs=1, k=2, told=told)
    assert seen == [8, 16, 20] and (out / "report.html").is_file()


def test_a_place_that_is_read_only_is_named(folder, tmp_path, monkeypatch):
    def forbidden(*args, **more):
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    monkeypatch.setattr(running.filelock.FileLock, "acquire", forbidden)
    assert "Read-only file system" in refused(folder, tmp_path / "out")


def test_one_file_in_a_hundred_that_cannot_be_read_is_named(tmp_path, phantoms):
    place = saved(tmp_path / "scans", phantoms.subset(np.arange(99) % 20))
    (place / "cut.png").write_bytes((place / "7.png").read_bytes()[:2_000])
    read = read_scans(place)
    assert len(read.scans) == 99
    assert [(p.path, p.kind) for p in read.left_out] == [("cut.png", "truncated")]
