"""`load_images`: one call, any source."""

import numpy as np
import pytest
from PIL import Image

from octlessons.errors import OctlessonsError
from octlessons.images import load_images, read_folder
from octlessons.images.folder import FolderWarning
from octlessons.images.sources import check_classes, resolve_data


@pytest.fixture
def folder(tmp_path):
    """Three CNV and five NORMAL scans of different widths."""
    rng = np.random.default_rng(0)
    for name, n in (("CNV", 3), ("NORMAL", 5)):
        (tmp_path / name).mkdir()
        for i in range(n):
            pixels = rng.integers(0, 255, (31, 40 + i), dtype=np.uint8)
            Image.fromarray(pixels).save(tmp_path / name / f"{name}-{i}00-1.jpeg")
    return tmp_path


def test_phantoms_are_the_default(monkeypatch):
    monkeypatch.delenv("OCTLESSONS_DATA", raising=False)
    images = load_images(size=28, n_per_class=3)
    assert images.provenance.name == "phantoms"
    assert images.counts() == {"CNV": 3, "DME": 3, "DRUSEN": 3, "NORMAL": 3}
    assert images.shape == (12, 28, 28)


def test_the_environment_chooses_the_source(monkeypatch, folder):
    monkeypatch.setenv("OCTLESSONS_DATA", str(folder))
    assert load_images().counts() == {"CNV": 3, "NORMAL": 5}


def test_argument_wins_over_environment(monkeypatch, folder):
    monkeypatch.setenv("OCTLESSONS_DATA", "nowhere")
    assert len(load_images(folder)) == 8


def test_a_source_with_fewer_gives_what_it_has_and_says_so(folder):
    images = load_images(folder, size=16, n_per_class=100)
    assert images.counts() == {"CNV": 3, "NORMAL": 3}
    assert images.shape == (6, 16, 16)
    assert any("smallest class has 3" in note for note in images.provenance.notes)


def test_seed_decides_the_draw(folder):
    def draw(seed):
        return load_images(folder, n_per_class=2, seed=seed).names.tolist()

    assert draw(1) == draw(1)
    assert any(draw(1) != draw(seed) for seed in range(2, 8))


def test_unknown_source_says_what_there_is():
    with pytest.raises(OctlessonsError, match="'phantoms', 'octmnist', or the path"):
        load_images("no-such-place")


@pytest.mark.parametrize("name", ["octmnist-30", "octmnist28"])
def test_unknown_octmnist_size_says_which_there_are(name):
    with pytest.raises(OctlessonsError, match="28, 64, 128, 224"):
        load_images(name)


@pytest.mark.parametrize("name", ["size", "n_per_class"])
@pytest.mark.parametrize(
    ("value", "kind"), [(0, ValueError), (-3, ValueError), (2.5, ValueError), ("64", TypeError)]
)
def test_a_number_that_is_none_is_a_sentence(name, value, kind):
    with pytest.raises(kind, match=f"`{name}` is a positive whole number, not"):
        load_images("phantoms", **{name: value})


def test_what_read_folder_can_is_reached(folder):
    (folder / "CNV/scan.webp").write_bytes(b"RIFF....WEBP")
    with pytest.raises(OctlessonsError, match=r"scan\.webp: Its content is WebP"):
        load_images(folder, on_problem="raise")
    (folder / "CNV/scan.webp").unlink()
    assert set(load_images(folder, patients=r"-(?P<patient>\d)").patients) == set("01234")
    with pytest.raises(TypeError, match="patients: for files only"):
        load_images("phantoms", patients=None)


def test_a_list_and_a_table_are_sources(folder):
    paths = sorted(folder.rglob("*.jpeg"))
    assert load_images(paths, size=8).shape == (8, 8, 8)
    assert load_images(np.array([str(path) for path in paths])).sizes[4].tolist() == [31, 41]
    table = {"file": paths, "label": ["a"] * 4 + ["b"] * 4}
    assert load_images(table, n_per_class=2).counts() == {"a": 2, "b": 2}


def test_a_set_without_classes_says_that_there_is_no_number_of_each(folder):
    images = load_images(folder / "CNV", n_per_class=2)
    assert len(images) == 3 and "without labels" in images.provenance.notes[-1]


@pytest.mark.parametrize(
    ("source", "kind", "words"),
    [
        ("some.npz", OctlessonsError, "load_medmnist"),
        ("bloodmnist", OctlessonsError, r"load_medmnist\('bloodmnist'\)"),
        (np.zeros((3, 9, 9), np.uint8), TypeError, r"ImageSet\(array\)"),
        ([np.zeros((9, 9))], TypeError, "holds their paths, not ndarray"),
        (17, TypeError, "a folder, a list of paths or a table, not 17"),
        ("missing.csv", OctlessonsError, "no data source"),
    ],
)
def test_sources_that_are_none_say_what_to_do(source, kind, words):
    with pytest.raises(kind, match=words):
        load_images(source)


@pytest.mark.parametrize("path", ["~no-such-user/scans", "x" * 5000])
def test_a_path_that_cannot_be_is_a_sentence(path):
    with pytest.raises(OctlessonsError, match="There is no data source"):
        load_images(path)


@pytest.mark.parametrize("read", [load_images, read_folder])
def test_the_warning_points_at_who_asked(folder, read):
    (folder / "CNV/empty.png").write_bytes(b"")
    with pytest.warns(FolderWarning, match="empty.png") as caught:
        read(folder)
    assert [warning.filename for warning in caught] == [__file__]


def test_scans_without_classes_are_refused_for_the_book_before_it_is_built(folder):
    check_classes(resolve_data("phantoms"))
    check_classes(resolve_data(str(folder)))
    with pytest.raises(OctlessonsError, match="one sub-folder per class"):
        check_classes(resolve_data(str(folder / "CNV")))
