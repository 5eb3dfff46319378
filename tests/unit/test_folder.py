"""Folders of scans, well and badly kept, through `read_folder`."""

import os
import pickle
import tempfile
import warnings
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from octlessons import OctlessonsError
from octlessons.images.folder import (
    FolderError,
    FolderWarning,
    describe_problems,
    read_folder,
    read_image,
)

RNG = np.random.default_rng(0)


def picture(height=20, width=30):
    return RNG.integers(0, 256, (height, width), dtype=np.uint8)


def save(path: Path, pixels=None, **options) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(picture() if pixels is None else pixels).save(path, **options)
    return path


@pytest.fixture
def tree(tmp_path):
    """A sound tree: three classes, one patient in two of them, sizes that differ."""
    save(tmp_path / "NORMAL/NORMAL-7-1.jpeg")
    save(tmp_path / "CNV/CNV-364469-10.jpeg", picture(24, 40))
    save(tmp_path / "CNV/CNV-364469-9.jpeg")
    save(tmp_path / "DRUSEN/DRUSEN-364469-1.jpeg", np.dstack([picture()] * 3))
    return tmp_path


def quietly(path, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FolderWarning)
        return read_folder(path, **options)


def kinds(scans):
    return {problem.path: problem.kind for problem in scans.provenance.problems}


# ---------------------------------------------------------------------- sound folders


def test_a_sound_tree_gives_labels_patients_names_and_sizes(tree):
    scans = read_folder(tree)
    assert scans.is_lazy
    assert scans.class_names == ("CNV", "DRUSEN", "NORMAL")
    assert scans.labels.tolist() == [0, 0, 1, 2]
    assert scans.patients.tolist() == ["364469", "364469", "364469", "7"]
    assert scans.names.tolist()[:2] == ["CNV/CNV-364469-9.jpeg", "CNV/CNV-364469-10.jpeg"]
    assert scans.sizes.tolist() == [[20, 30], [24, 40], [20, 30], [20, 30]]
    assert [image.shape for image in scans] == [(20, 30), (24, 40), (20, 30), (20, 30)]
    assert all(image.dtype == np.uint8 for image in scans)
    assert scans.provenance.problems == ()
    assert any("1 of 2 patients" in note for note in scans.provenance.notes)


def test_colour_can_be_kept(tree):
    assert [image.shape[2] for image in read_folder(tree, grey=False)] == [3, 3, 3, 3]


def test_grey_saved_as_colour_is_read_unchanged(tmp_path):
    pixels = picture()
    save(tmp_path / "CNV/CNV-1-1.png", np.dstack([pixels] * 3))
    assert np.array_equal(read_folder(tmp_path)[0], pixels)


def test_parts_above_the_classes_are_read_together_or_one_at_a_time(tmp_path):
    shared = save(tmp_path / "train/CNV/CNV-1-1.jpeg").read_bytes()
    save(tmp_path / "train/DME/DME-2-1.jpeg")
    save(tmp_path / "val/DME/DME-3-1.jpeg")
    (tmp_path / "test/CNV").mkdir(parents=True)
    (tmp_path / "test/CNV/CNV-1-1.jpeg").write_bytes(shared)
    scans = read_folder(tmp_path)
    assert scans.names.tolist() == [
        "train/CNV/CNV-1-1.jpeg",
        "train/DME/DME-2-1.jpeg",
        "val/DME/DME-3-1.jpeg",
        "test/CNV/CNV-1-1.jpeg",
    ]
    notes = " | ".join(scans.provenance.notes)
    assert "1 of 3 patients occur in more than one part" in notes
    assert "1 file names occur in more than one part" in notes
    assert "lie in another part: test/CNV/CNV-1-1.jpeg = train/CNV/CNV-1-1.jpeg" in notes
    assert scans.provenance.problems == ()
    val = read_folder(tmp_path, split="val")
    assert val.class_names == ("CNV", "DME")  # the numbering does not depend on the part
    assert val.labels.tolist() == [1]
    with pytest.raises(OctlessonsError, match=r"no folder 'train'.*no such parts"):
        read_folder(tmp_path / "train", split="train")


def test_an_outer_folder_is_stepped_through(tmp_path):
    save(tmp_path / "archive/OCT2017 /train/CNV/CNV-1-1.jpeg")
    (tmp_path / "archive/__MACOSX").mkdir()
    (tmp_path / "archive/README.txt").write_text("about")
    scans = read_folder(tmp_path)
    assert scans.names.tolist() == ["archive/OCT2017 /train/CNV/CNV-1-1.jpeg"]
    assert scans[0].shape == (20, 30)
    assert any("README.txt" in note for note in scans.provenance.notes)


def test_folders_without_images_are_no_classes(tree):
    (tree / "empty").mkdir()
    (tree / "papers").mkdir()
    (tree / "papers/a.pdf").write_bytes(b"x")
    (tree / "CNV/masks").mkdir()
    scans = read_folder(tree, on_problem="raise")
    assert scans.class_names == ("CNV", "DRUSEN", "NORMAL")
    assert "folder empty is empty" in scans.provenance.notes
    assert "folder papers holds no image" in scans.provenance.notes


def test_a_flat_folder_has_no_labels(tmp_path):
    save(tmp_path / "CNV-5-1.jpeg")
    save(tmp_path / "DME-6-1.jpeg")
    scans = read_folder(tmp_path)
    assert scans.labels is None
    assert scans.patients.tolist() == ["5", "6"]
    save(tmp_path / "my scan.png")
    assert read_folder(tmp_path).patients is None
    assert len(read_folder(tmp_path)) == 3


def test_classes_can_be_chosen_and_ordered(tree):
    scans = read_folder(tree, classes=["NORMAL", "cnv"])
    assert scans.class_names == ("NORMAL", "CNV")
    assert scans.counts() == {"NORMAL": 1, "CNV": 2}
    with pytest.raises(OctlessonsError, match="no class called AMD; it has: CNV, DRUSEN, NORMAL"):
        read_folder(tree, classes=["AMD"])


def test_other_classes_follow_those_of_the_course(tmp_path):
    for name in ("zoster", "NORMAL", "AMD", "cnv"):
        save(tmp_path / name / "a.png")
    assert read_folder(tmp_path).class_names == ("CNV", "NORMAL", "AMD", "zoster")


@pytest.mark.parametrize("ending", ["JPEG", "Jpg", "PNG", "tif", "TIFF", "bmp"])
def test_endings_in_any_case(tmp_path, ending):
    kind = {"tif": "TIFF", "jpg": "JPEG"}.get(ending.lower(), ending.upper())
    save(tmp_path / f"CNV/CNV-1-1.{ending}", format=kind)
    assert len(read_folder(tmp_path)) == 1


def test_clutter_is_ignored(tree):
    (tree / "CNV/.DS_Store").write_bytes(b"x")
    (tree / "CNV/._CNV-364469-9.jpeg").write_bytes(b"x")
    (tree / "CNV/Thumbs.db").write_bytes(b"x")
    (tree / "__MACOSX/CNV").mkdir(parents=True)
    (tree / ".cache").mkdir()
    scans = read_folder(tree, on_problem="raise")
    assert len(scans) == 4


def test_the_order_does_not_depend_on_the_order_of_writing(tmp_path):
    for folder, order in (("a", (3, 1, 20, 2)), ("b", (20, 2, 3, 1))):
        for number in order:
            save(tmp_path / folder / f"CNV/CNV-5-{number}.png", np.full((9, 9), number, np.uint8))
    a, b = read_folder(tmp_path / "a"), read_folder(tmp_path / "b")
    assert a.names.tolist() == b.names.tolist()
    assert [image[0, 0] for image in a] == [1, 2, 3, 20]


def test_the_real_sample_reads_without_a_problem(shared):
    scans = read_folder(shared / "data/oct2017_sample", on_problem="raise")
    assert scans.counts() == {"CNV": 12, "DME": 15, "DRUSEN": 13, "NORMAL": 11}
    assert len(np.unique(scans.patients)) == 30
    assert [image.shape for image in scans] == [tuple(size) for size in scans.sizes]


def test_a_lazy_set_can_be_sent_to_workers(tree):
    scans = pickle.loads(pickle.dumps(read_folder(tree)))
    assert scans[1].shape == (24, 40)


# ---------------------------------------------------------------------- names and patients


def test_wrong_names_are_reported_or_kept_as_their_own_patient(tree):
    save(tree / "CNV/CNV_12_3.jpeg")
    save(tree / "CNV/DRUSEN-5-1.jpeg")
    scans = quietly(tree)
    assert len(scans) == 4
    assert kinds(scans) == {"CNV/CNV_12_3.jpeg": "name", "CNV/DRUSEN-5-1.jpeg": "name"}
    kept = read_folder(tree, patients="stem", on_problem="raise")
    assert len(kept) == 6
    assert {"CNV_12_3", "DRUSEN-5-1", "364469"} <= set(kept.patients)
    assert read_folder(tree, patients=None, on_problem="raise").patients is None


def test_a_folder_with_its_own_naming_is_read_with_patients_unknown(tmp_path):
    save(tmp_path / "CNV/image one.png")
    save(tmp_path / "NORMAL/image two.png")
    scans = read_folder(tmp_path, on_problem="raise")
    assert scans.patients is None
    assert scans.labels.tolist() == [0, 1]
    assert any("patients are unknown" in note for note in scans.provenance.notes)


def test_patients_by_a_pattern_of_ones_own(tmp_path):
    save(tmp_path / "CNV/eye_ab12_left.png")
    save(tmp_path / "CNV/other.png")
    scans = quietly(tmp_path, patients=r"^eye_(?P<patient>\w+)_")
    assert scans.patients.tolist() == ["ab12"]
    assert kinds(scans) == {"CNV/other.png": "name"}
    with pytest.raises(ValueError, match="no group"):
        read_folder(tmp_path, patients="eye")
    with pytest.raises(ValueError, match="regular expression"):
        read_folder(tmp_path, patients="(")


# ---------------------------------------------------------------------- problems


@pytest.fixture
def spoilt(tree):
    """The sound tree with one of every problem added."""
    whole = save(tree / "CNV/CNV-1-1.jpeg", picture(100, 100)).read_bytes()
    (tree / "CNV/CNV-1-1.jpeg").write_bytes(whole[: len(whole) // 2])
    png = save(tree / "CNV/CNV-1-2.png", picture(100, 100)).read_bytes()
    (tree / "CNV/CNV-1-2.png").write_bytes(png[:-200])
    (tree / "CNV/CNV-1-3.jpeg").write_bytes(b"")
    (tree / "CNV/CNV-1-4.jpeg").write_text("<html>404 not found</html>")
    (tree / "CNV/notes.txt").write_text("notes")
    save(tree / "CNV/wrong.jpeg")
    save(tree / "loose.jpeg")
    save(tree / "CNV/deeper/CNV-9-9.jpeg")
    save(tree / "CNV/CNV-1-5.png", picture(3, 400))
    bomb = bytearray(save(tree / "CNV/CNV-1-6.bmp").read_bytes())
    bomb[18:26] = (60_000).to_bytes(4, "little") * 2
    (tree / "CNV/CNV-1-6.bmp").write_bytes(bomb)
    bomb[18:26] = (9_000).to_bytes(4, "little") * 2
    (tree / "CNV/CNV-1-7.bmp").write_bytes(bomb)
    expected = {
        "CNV/CNV-1-1.jpeg": "truncated",
        "CNV/CNV-1-2.png": "truncated",
        "CNV/CNV-1-3.jpeg": "empty",
        "CNV/CNV-1-4.jpeg": "not an image",
        "CNV/notes.txt": "not an image",
        "CNV/wrong.jpeg": "name",
        "loose.jpeg": "place",
        "CNV/deeper": "place",
        "CNV/CNV-1-5.png": "dimensions",
        "CNV/CNV-1-6.bmp": "dimensions",
        "CNV/CNV-1-7.bmp": "dimensions",
    }
    return tree, expected


@pytest.mark.parametrize("verify", ["auto", True, False])
def test_every_problem_is_reported_and_skipped(spoilt, verify):
    tree, expected = spoilt
    with pytest.warns(FolderWarning) as caught:
        scans = read_folder(tree, verify=verify)
    assert kinds(scans) == expected
    assert len(scans) == 4
    assert len(caught) == 1
    message = str(caught[0].message)
    assert "11 files" in message
    assert all(path in message for path in expected)
    assert "truncated images: 2" in message
    assert [image.ndim for image in scans] == [2] * 4


def test_problems_can_refuse_the_folder(spoilt):
    tree, expected = spoilt
    with pytest.raises(FolderError, match=r"11 files .* cannot be used") as caught:
        read_folder(tree, on_problem="raise")
    assert {problem.path for problem in caught.value.problems} == set(expected)
    assert "on_problem='skip'" in str(caught.value)


def test_long_lists_are_counted_not_printed(spoilt):
    scans = quietly(spoilt[0])
    text = describe_problems(scans.provenance.problems, most=1)
    assert "… and 1 more" in text
    assert describe_problems([]) == "All files can be used."


def test_links_in_circles_and_to_nowhere_are_reported(tree):
    try:
        (tree / "CNV/CNV-2-1.jpeg").symlink_to("CNV-2-1.jpeg")
    except OSError:
        pytest.skip("this system does not let tests make symbolic links")
    (tree / "CNV/CNV-2-2.jpeg").symlink_to("nowhere.jpeg")
    (tree / "CNV/again").symlink_to(tree, target_is_directory=True)
    (tree / "ALL").symlink_to(tree, target_is_directory=True)
    (tree / "ACUTE").symlink_to(tree / "CNV", target_is_directory=True)
    (tree / "NORMAL/NORMAL-8-1.jpeg").symlink_to(tree / "NORMAL/NORMAL-7-1.jpeg")
    scans = quietly(tree)
    assert kinds(scans) == {
        "CNV/CNV-2-1.jpeg": "loop",
        "CNV/CNV-2-2.jpeg": "link",
        "CNV/again": "loop",
        "ALL": "loop",
        "ACUTE": "link",
    }
    assert scans.counts() == {"CNV": 2, "DRUSEN": 1, "NORMAL": 2}


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="named pipes are a Unix thing")
def test_a_pipe_is_not_waited_for(tree):
    os.mkfifo(tree / "CNV/CNV-3-1.jpeg")
    assert kinds(quietly(tree)) == {"CNV/CNV-3-1.jpeg": "not an image"}


@pytest.mark.skipif(not hasattr(os, "seteuid"), reason="needs Unix permissions")
def test_files_and_folders_without_permission_are_reported():
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder)
        tree.chmod(0o755)
        save(tree / "CNV/CNV-1-1.png")
        save(tree / "CNV/CNV-1-2.png").chmod(0)
        save(tree / "DME/DME-2-1.png")
        (tree / "DME").chmod(0)
        user = os.geteuid()
        try:
            if user == 0:  # root may read everything: be somebody else for a moment
                os.seteuid(65534)
            scans = quietly(tree)
            with pytest.raises(OctlessonsError, match="permission to list"):
                read_folder(tree / "DME")
        finally:
            os.seteuid(user)
            (tree / "DME").chmod(0o755)
    assert kinds(scans) == {"CNV/CNV-1-2.png": "permission", "DME": "permission"}


def test_a_file_that_fails_later_is_named(tree):
    scans = read_folder(tree)
    (tree / "CNV/CNV-364469-9.jpeg").write_bytes(b"\xff\xd8 broken")
    (tree / "NORMAL/NORMAL-7-1.jpeg").unlink()
    with pytest.raises(OctlessonsError, match=r"CNV-364469-9\.jpeg cannot be read"):
        scans[0]
    with pytest.raises(OctlessonsError, match=r"NORMAL-7-1\.jpeg cannot be read"):
        scans[3]


@pytest.mark.parametrize("damage", ["cut", "flip"])
def test_no_damage_gives_a_traceback(tmp_path, damage):
    rng = np.random.default_rng(1)
    for ending in ("jpeg", "png", "tif", "bmp"):
        whole = save(tmp_path / f"CNV/CNV-1-1.{ending}", picture(40, 40)).read_bytes()
        for i in range(2, 30):
            spoilt = bytearray(whole)
            if damage == "cut":
                spoilt = spoilt[: rng.integers(len(whole))]
            else:
                for place in rng.integers(0, min(len(whole), 200), 3):
                    spoilt[place] = rng.integers(256)
            (tmp_path / f"CNV/CNV-1-{i}.{ending}").write_bytes(spoilt)
    scans = quietly(tmp_path)
    assert len(scans) + len(scans.provenance.problems) == 4 * 29
    for image in scans:  # what was verified can be read
        assert image.dtype == np.uint8
    if damage == "cut":
        assert len(scans) <= 4 + 5  # a cut inside a BMP or TIFF trailer may leave all pixels


# ---------------------------------------------------------------------- pixels


def test_pages_after_the_first_are_told(tmp_path):
    (tmp_path / "CNV").mkdir()
    pages = [Image.fromarray(picture()) for _ in range(3)]
    pages[0].save(tmp_path / "CNV/CNV-1-1.tif", save_all=True, append_images=pages[1:])
    scans = read_folder(tmp_path)
    assert np.array_equal(scans[0], np.asarray(pages[0]))
    assert any("several pages" in note for note in scans.provenance.notes)


def test_read_image_alone_refuses_what_is_too_large(tmp_path):
    path = save(tmp_path / "big.png", picture(50, 50))
    assert read_image(path).shape == (50, 50)
    with pytest.raises(OctlessonsError, match="50 × 50 px, more than the 100 px allowed"):
        read_image(path, max_pixels=100)


# ---------------------------------------------------------------------- folders that are none


def test_sentences_for_folders_that_cannot_be_read(tmp_path):
    with pytest.raises(OctlessonsError, match=r"There is no folder .*absent.*spelling"):
        read_folder(tmp_path / "absent")
    archive = tmp_path / "OCT2017.zip"
    archive.write_bytes(b"PK")
    with pytest.raises(OctlessonsError, match=r"is a file, not a folder.*Unpack"):
        read_folder(archive)
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(OctlessonsError, match=r"no images in .*one sub-folder per class"):
        read_folder(empty)
    (empty / "CNV").mkdir()
    (empty / "CNV/CNV-1-1.jpeg").write_bytes(b"")
    with pytest.raises(FolderError, match="no image that can be used") as caught:
        read_folder(empty)
    assert "CNV/CNV-1-1.jpeg" in str(caught.value)
    with pytest.raises(OctlessonsError, match="name of the folder is empty"):
        read_folder("")
    with pytest.raises(ValueError, match="'skip' or 'raise'"):
        read_folder(tmp_path, on_problem="ignore")
    with pytest.raises(ValueError, match="'all', 'train', 'val' or 'test'"):
        read_folder(tmp_path, split="dev")


def test_colour_images_of_different_sizes_are_known_to_be_in_colour(tree):
    scans = read_folder(tree, grey=False)
    assert scans.shape == (4, None, None, 3) and "sizes differ" in repr(scans)
    assert scans.resize(8).shape == scans.resize(8).load().shape == (4, 8, 8, 3)


def test_colours_that_cannot_be_converted_are_reported(tree):
    Image.new("LAB", (20, 20)).save(tree / "CNV/CNV-5-1.tif")
    assert kinds(quietly(tree)) == {"CNV/CNV-5-1.tif": "colour"}


def test_one_class_may_be_given_by_its_name(tree):
    assert read_folder(tree, classes="CNV").class_names == ("CNV",)
    assert read_folder(tree, classes=(name for name in ["CNV"])).class_names == ("CNV",)


def test_an_unknown_home_folder_is_a_sentence():
    with pytest.raises(FolderError, match="no folder"):
        read_folder("~no-such-user/scans")


# ---------------------------------------------------------------------- which files count


def facts(scans):
    return {
        name: (
            None if scans.labels is None else scans.class_names[scans.labels[i]],
            None if scans.patients is None else scans.patients[i],
        )
        for i, name in enumerate(scans.names)
    }


@pytest.mark.parametrize("name", ["old", "results", "export 2024"])
def test_a_stray_folder_beside_loose_scans_is_set_aside_by_name(tmp_path, name):
    for i in range(12):
        save(tmp_path / f"scan{i}.png")
    save(tmp_path / name / "one.png")
    scans = quietly(tmp_path)
    assert len(scans) == 12 and scans.labels is None
    assert kinds(scans) == {name: "place"}
    assert len(read_folder(tmp_path, layout="*", on_problem="raise")) == 13
    with pytest.raises(FolderError, match="the 1 image in it is not read"):
        read_folder(tmp_path, on_problem="raise")


@pytest.mark.parametrize(
    "name",
    ["__pycache__", "$RECYCLE.BIN", "lost+found", "System Volume Information", "@eaDir",
     ".ipynb_checkpoints", "__MACOSX"],
)  # fmt: skip
@pytest.mark.parametrize("labelled", [True, False])
def test_folders_of_the_system_are_left_aside_and_noted(tmp_path, name, labelled):
    for i in range(3):
        save(tmp_path / ("CNV" if labelled else ".") / f"scan{i}.png")
    for i in range(9):
        save(tmp_path / name / f"{i}.png")
    scans = read_folder(tmp_path, on_problem="raise")
    assert len(scans) == 3 and (scans.labels is not None) == labelled
    assert any(name in note and "9 images" in note for note in scans.provenance.notes)


def test_thumbnails_are_no_class(tree):
    save(tree / "thumbnails/a.png")
    scans = quietly(tree)
    assert "thumbnails" not in scans.class_names and kinds(scans) == {"thumbnails": "place"}


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("CNV/17/{}.png", ("CNV", "17")),
        ("CNV/P017/visit 1/OD/{}.png", ("CNV", "P017")),
        ("AMD/P017/{}.png", ("AMD", "P017")),
        ("P017/{}.png", (None, "P017")),
        ("103044/visit 1/OD/{}.png", (None, "103044")),
        ("CNV/left/{}.png", ("CNV", None)),
    ],
)
def test_folders_that_say_what_they_are(tmp_path, path, expected):
    other = path.replace("17", "18").replace("103044", "103045")
    other = other.replace("CNV", "DME").replace("AMD", "ERM")
    for place in (path, other):
        for i in range(2):
            save(tmp_path / place.format(i))
    scans = read_folder(tmp_path, on_problem="raise")
    assert len(scans) == 4
    assert facts(scans)[path.format(0)] == expected


def test_folders_that_do_not_say_what_they_are_give_all_images_and_a_warning(tmp_path):
    names = [f"{a}/{b}/{i}.png" for a in ("smith", "jones") for b in ("OD", "OS") for i in "12"]
    for name in names:
        save(tmp_path / name)
    with pytest.warns(FolderWarning, match="layout='class/patient'"):
        scans = read_folder(tmp_path)
    assert sorted(scans.names) == sorted(names)
    assert scans.labels is None and scans.patients is None
    scans = read_folder(tmp_path, layout="patient/eye", on_problem="raise")
    assert set(facts(scans).values()) == {(None, "smith"), (None, "jones")}
    scans = read_folder(tmp_path, layout="class/patient", on_problem="raise")
    assert scans.class_names == ("jones", "smith") and set(scans.patients) == {"OD", "OS"}
    scans = read_folder(tmp_path, layout="site/patient", on_problem="raise")
    assert set(scans.sites) == {"jones", "smith"} and scans.labels is None


@pytest.mark.parametrize("layout", ["class/class", "visit", "class//patient"])
def test_a_layout_that_is_none_is_a_sentence(tmp_path, layout):
    with pytest.raises(ValueError, match="`layout` names the levels"):
        read_folder(tmp_path, layout=layout)


def test_parts_may_hold_patients_or_loose_scans(tmp_path):
    save(tmp_path / "train/CNV/P1/a.png")
    save(tmp_path / "test/DME/P2/a.png")
    assert set(facts(read_folder(tmp_path)).values()) == {("CNV", "P1"), ("DME", "P2")}
    save(tmp_path / "loose/train/a.png")
    save(tmp_path / "loose/test/b.png")
    scans = read_folder(tmp_path / "loose", split="test", on_problem="raise")
    assert scans.names.tolist() == ["test/b.png"] and scans.labels is None


def test_patients_without_a_folder_are_known_by_name_or_named(tmp_path):
    for name in (
        "CNV/17/a.png",
        "CNV/17/b.png",
        "CNV/18/b.png",
        "CNV/CNV-19-1.png",
        "CNV/other.png",
    ):
        save(tmp_path / name)
    scans = quietly(tmp_path)
    assert sorted(scans.patients) == ["17", "17", "18", "19"]
    assert kinds(scans) == {"CNV/other.png": "name"}


@pytest.mark.parametrize("outer", [("OD", "OS"), ("left", "right"), ("2020-01-31", "20210201")])
def test_eyes_and_dates_are_neither_classes_nor_patients(tmp_path, outer):
    for name in outer:
        save(tmp_path / name / "a.png")
    with pytest.warns(FolderWarning, match=f"{outer[0]}, .*do not say what they are"):
        scans = read_folder(tmp_path)
    assert len(scans) == 2 and scans.labels is None and scans.patients is None
    assert read_folder(tmp_path, layout="class", on_problem="raise").class_names == outer


@pytest.mark.parametrize(
    ("outer", "patients"), [(("Kermany", "OCTID"), None), (("P017", "P018"), {"P017", "P018"})]
)
def test_known_classes_below_other_folders_are_classes(tmp_path, outer, patients):
    for name in outer:
        for label in ("CNV", "normal"):
            save(tmp_path / name / label / "a.png")
    scans = read_folder(tmp_path, on_problem="raise")
    assert scans.counts() == {"CNV": 2, "NORMAL": 2}
    assert scans.patients is None if patients is None else set(scans.patients) == patients


@pytest.mark.parametrize("classes", [("CNV", "NORMAL"), ("AMD", "healthy")])
def test_parts_may_stand_below_the_classes(tmp_path, classes):
    for label in classes:
        for part in ("train", "Test"):
            save(tmp_path / label / part / f"{part}.png")
    assert read_folder(tmp_path, on_problem="raise").class_names == classes
    test = read_folder(tmp_path, split="test", on_problem="raise")
    assert test.names.tolist() == [f"{label}/Test/Test.png" for label in classes]


def test_images_beside_masks_are_no_class(tmp_path):
    for name in ("images", "masks"):
        save(tmp_path / name / "a.png")
    scans = quietly(tmp_path)
    assert scans.names.tolist() == ["images/a.png"] and scans.labels is None
    assert kinds(scans) == {"masks": "place"}


def test_one_class_may_be_spelt_in_several_ways(tmp_path):
    for i, name in enumerate(("train/\u00d6dem", "val/O\u0308dem", "test/\u00f6dem ")):
        save(tmp_path / name / f"{i}.png")
    scans = read_folder(tmp_path, on_problem="raise")
    assert scans.class_names == ("\u00d6dem",) and len(scans) == 3
    assert len(read_folder(tmp_path, classes=["o\u0308dem"])) == 3


def test_a_table_beside_loose_scans_is_hinted_at(tmp_path):
    save(tmp_path / "a.png")
    (tmp_path / "labels.csv").write_text("file,label\na.png,CNV\n")
    assert any("labels.csv; a table" in note for note in read_folder(tmp_path).provenance.notes)


# ---------------------------------------------------------------------- pictures not read


@pytest.mark.parametrize("ending", ["jfif", "jpe", "JFIF"])
def test_other_endings_of_jpeg_are_read(tmp_path, ending):
    save(tmp_path / f"a.{ending}", format="JPEG")
    assert len(read_folder(tmp_path, on_problem="raise")) == 1


@pytest.mark.parametrize("place", ["", "CNV/"])
@pytest.mark.parametrize(
    ("name", "content", "advice"),
    [
        ("a.webp", b"RIFF....WEBP", "PIL.Image"), ("a.gif", b"GIF89a", "PIL.Image"),
        ("a.jp2", b"", "PIL.Image"), ("a.dcm", b"", "pydicom"), ("a.e2e", b"", "eyepy"),
        ("a.VOL", b"", "eyepy"), ("a.heic", b"", "pillow-heif"), ("a.avif", b"", "PIL.Image"),
        ("a.nii.gz", b"", "SimpleITK"), ("IM0001", bytes(128) + b"DICM", "pydicom"),
        ("scan", b"\xff\xd8\xff\xe0", "ends in .jpeg"), ("a.bak", b"\x89PNG\r\n", "ends in .png"),
        ("a.jpeg", b"RIFF....WEBP", "PIL.Image"), ("b.png", bytes(128) + b"DICM", "pydicom"),
    ],
)  # fmt: skip
def test_pictures_of_other_formats_are_named_with_what_to_do(
    tmp_path, place, name, content, advice
):
    save(tmp_path / place / "good.png")
    (tmp_path / place / name).write_bytes(content)
    with pytest.warns(FolderWarning, match=rf"{place}{name}: .*{advice}"):
        scans = read_folder(tmp_path)
    assert len(scans) == 1 and kinds(scans) == {f"{place}{name}": "format"}
    with pytest.raises(FolderError, match="cannot be used"):
        read_folder(tmp_path, on_problem="raise")


def test_a_folder_of_dicom_says_so(tmp_path):
    for i in range(40):
        (tmp_path / f"v{i}.dcm").write_bytes(bytes(128) + b"DICM")
    with pytest.raises(FolderError, match="pictures of other formats: 40"):
        read_folder(tmp_path)


def test_odd_names_lose_nobody(tmp_path):
    names = [
        ".hidden.png",
        "emoji 😀.png",
        "new\nline.png",
        "ümlaut, comma;.png",
        ".png",
        "a'b.png",
    ]
    for name in names:
        save(tmp_path / name, format="PNG")
    n = len(names)
    try:
        save(tmp_path / os.fsdecode(b"latin-\xe9.png"), format="PNG")
        n += 1
    except (OSError, UnicodeError):
        pass  # a file system that takes UTF-8 only
    (tmp_path / "._emoji 😀.png").write_bytes(b"\x00\x05\x16\x07")
    scans = read_folder(tmp_path, on_problem="raise")
    assert len(scans) == n == len(list(scans))


def test_a_line_break_in_a_name_does_not_break_the_report(tmp_path):
    save(tmp_path / "CNV/good.png")
    (tmp_path / "CNV/a\nb.png").write_bytes(b"")
    with pytest.warns(FolderWarning, match=r"CNV/a\\nb.png: The file has no bytes"):
        read_folder(tmp_path)


# ---------------------------------------------------------------------- copies


def test_copies_are_named_with_what_they_cross(tmp_path):
    pixels = picture()
    for name in ("train/CNV/a.png", "train/CNV/b.tif", "train/DME/c.bmp", "test/CNV/d.png"):
        save(tmp_path / name, pixels)
    save(tmp_path / "test/CNV/other.png")
    notes = read_folder(tmp_path).provenance.notes
    assert (
        "1 copy of other images, which lie in another class: train/DME/c.bmp = train/CNV/a.png"
        in notes
    )
    assert (
        "1 copy of other images, which lie in another part: test/CNV/d.png = train/CNV/a.png"
        in notes
    )
    assert "1 copy of other images: train/CNV/b.tif = train/CNV/a.png" in notes
    unverified = " ".join(read_folder(tmp_path, verify=False).provenance.notes)
    assert "test/CNV/d.png = train/CNV/a.png" in unverified


@pytest.mark.parametrize("sample", ["oct2017_sample", "octdl_sample"])
def test_real_scans_are_read_in_whatever_folders_they_lie(shared, sample, tmp_path):
    sources = sorted((shared / "data" / sample).rglob("*.jp*g"))[:40:2]
    for i, source in enumerate(sources):
        for place in (f"flat/scan_{i:03}.jpeg", f"nested/P{i % 5}/visit {i}/OD/scan.jpeg"):
            (tmp_path / place).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / place).symlink_to(source)
    flat = read_folder(tmp_path / "flat", on_problem="raise")
    assert len(flat) == 20 and flat.labels is None and flat.patients is None
    nested = read_folder(tmp_path / "nested", on_problem="raise")
    assert len(nested) == 20 and len(set(nested.patients)) == 5 and nested.labels is None
    listed = read_folder(sources, patients=None, on_problem="raise")
    assert all(np.array_equal(a, b) for a, b in zip(flat, listed, strict=True))


@pytest.mark.parametrize(
    ("files", "licence", "source"),
    [
        ({}, "not recorded in the folder", ""),
        ({"LICENCE": "\n# CC BY 4.0\n\nlong text"}, "CC BY 4.0", ""),
        ({"license.txt": "CC0", "SOURCE": "A. Body\n(2026).\n\nmore"}, "CC0", "A. Body (2026)"),
        (
            {"README.md": "Scans.\n\n- **License:** CC BY 4.0\n- Source: [x](y)"},
            "CC BY 4.0",
            "[x](y)",
        ),
        ({"README": "There is a source of light: the sun."}, "not recorded in the folder", ""),
        ({"LICENCE": "CC0", "README.txt": "Licence: other\nSource: us"}, "CC0", "us"),
    ],
)
def test_terms_and_source_are_those_that_the_folder_names(tmp_path, files, licence, source):
    for name in ("A/1.png", "A/2.png", "B/1.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        Image.fromarray(np.full((9, 12), len(name), np.uint8)).save(tmp_path / name)
    for name, text in files.items():
        (tmp_path / name).write_text(text, "utf-8")
    told = read_folder(tmp_path).provenance
    assert (told.licence, told.citation) == (licence, source)
    assert read_folder([tmp_path / "A/1.png"]).provenance.citation == ""
