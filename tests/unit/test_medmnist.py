"""MedMNIST files: fetched from a local server that misbehaves, and read with care."""

import hashlib
import io
import os
import pickle
import socket
import threading
import zipfile

import numpy as np
import pytest

from octlessons import OctlessonsError
from octlessons.images import _archive, downloads, medmnist
from octlessons.images.medmnist import fetch_medmnist, load_medmnist, load_octmnist
from tests.unit.server import Server

N = {"train": 300, "val": 40, "test": 20}


def arrays(size=28, channels=(), n_labels=4, columns=1, counts=N):
    rng = np.random.default_rng(0)
    made = {}
    for part, n in counts.items():
        made[f"{part}_images"] = rng.integers(0, 256, (n, size, size, *channels), dtype=np.uint8)
        made[f"{part}_labels"] = rng.integers(0, n_labels, (n, columns)).astype(np.uint8)
    return made


def npz(made) -> bytes:
    stream = io.BytesIO()
    np.savez_compressed(stream, **made)
    return stream.getvalue()


ARRAYS = arrays()
FILE = npz(ARRAYS)
MD5 = hashlib.md5(FILE, usedforsecurity=False).hexdigest()


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setattr(downloads, "_PAUSE", 0.001)
    for variable in (medmnist.URL_VARIABLE, medmnist.ROOT_VARIABLE, medmnist.CHECK_VARIABLE):
        monkeypatch.delenv(variable, raising=False)
    server = Server(FILE)
    yield server
    server.http.shutdown()
    server.http.server_close()


def fetch(server, root, **options):
    options = {"base_url": server.url, "check": MD5, "progress": False} | options
    return fetch_medmnist("octmnist", 28, root, **options)


def left(root):
    """Files in the folder that somebody would see."""
    return sorted(path.name for path in root.iterdir() if not path.name.startswith("."))


# ---------------------------------------------------------------------- downloading


def test_a_download_has_the_name_of_medmnist_and_is_not_repeated(server, tmp_path):
    root = tmp_path / "new" / "folder"
    path = fetch(server, root)
    assert path == root / "octmnist.npz"
    assert path.read_bytes() == FILE
    assert left(root) == ["octmnist.npz"]
    assert server.paths == ["/files/octmnist.npz"]
    assert fetch(server, root) == path
    assert len(server.requests) == 1


@pytest.mark.parametrize("size", [64, 128, 224])
def test_other_sizes_have_their_size_in_the_name(server, tmp_path, size):
    path = fetch_medmnist("BreastMNIST", size, tmp_path, base_url=server.url, check=MD5)
    assert path.name == f"breastmnist_{size}.npz"
    assert server.paths == [f"/files/breastmnist_{size}.npz"]


def test_the_folder_and_the_address_are_those_of_medmnist_unless_told(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    for variable in (medmnist.URL_VARIABLE, medmnist.ROOT_VARIABLE, medmnist.CHECK_VARIABLE):
        monkeypatch.delenv(variable, raising=False)
    with pytest.raises(OctlessonsError) as caught:
        load_octmnist(64, download=False)
    message = str(caught.value)
    assert str(tmp_path / ".medmnist" / "octmnist_64.npz") in message
    assert "https://zenodo.org/records/10519652/files/octmnist_64.npz?download=1" in message
    assert "e229e9440236b774d9f0dfef9d07bdaf" in message


def test_address_folder_and_check_from_the_environment(server, tmp_path, monkeypatch):
    monkeypatch.setenv(medmnist.URL_VARIABLE, server.url + "/")
    monkeypatch.setenv(medmnist.ROOT_VARIABLE, str(tmp_path))
    with pytest.raises(OctlessonsError, match="MD5"):
        fetch_medmnist()
    monkeypatch.setenv(medmnist.CHECK_VARIABLE, "0")
    assert fetch_medmnist() == tmp_path / "octmnist.npz"
    assert any("checksum" in note for note in load_octmnist().provenance.notes)


@pytest.mark.parametrize("ranges", [True, False])
def test_a_dropped_connection_is_taken_up_again(server, tmp_path, ranges):
    server.ranges = ranges
    server.drop_after, server.drops = len(FILE) // 3, 2
    assert fetch(server, tmp_path).read_bytes() == FILE
    assert left(tmp_path) == ["octmnist.npz"]
    assert len(server.requests) == 3
    starts = [int(asked.removeprefix("bytes=").rstrip("-")) for asked in server.requests[1:]]
    assert starts[0] > 0
    if ranges:
        assert starts[0] < starts[1]


def test_an_interrupted_download_goes_on_the_next_time(server, tmp_path):
    server.drop_after, server.drops = 0, 99
    (tmp_path / "octmnist.npz.part").write_bytes(FILE[:100_000])
    with pytest.raises(OctlessonsError, match=r"0\.1 MB so far are kept") as caught:
        fetch(server, tmp_path)
    assert "before the end" in str(caught.value) or "connection" in str(caught.value)
    assert left(tmp_path) == ["octmnist.npz.part"]
    server.drops = 0
    assert fetch(server, tmp_path).read_bytes() == FILE
    assert server.requests[-1] == "bytes=100000-"
    assert left(tmp_path) == ["octmnist.npz"]


def test_a_complete_part_is_only_checked(server, tmp_path):
    (tmp_path / "octmnist.npz.part").write_bytes(FILE)
    assert fetch(server, tmp_path).read_bytes() == FILE
    assert server.requests == [f"bytes={len(FILE)}-"]


@pytest.mark.parametrize("stale", [b"x" * 1000, FILE + b"longer"])
def test_a_part_that_does_not_fit_is_thrown_away(server, tmp_path, stale):
    (tmp_path / "octmnist.npz.part").write_bytes(stale)
    assert fetch(server, tmp_path).read_bytes() == FILE
    assert server.requests[-1] is None


def test_a_body_cut_short_without_a_length_never_gets_the_name(server, tmp_path):
    server.length = False
    server.drop_after, server.drops = len(FILE) // 2, 1
    with pytest.raises(OctlessonsError, match="MD5 is not"):
        fetch(server, tmp_path)
    assert "octmnist.npz" not in left(tmp_path)
    assert fetch(server, tmp_path).read_bytes() == FILE


def test_a_slow_server_is_waited_for(server, tmp_path):
    server.pause = 0.05
    assert fetch(server, tmp_path).read_bytes() == FILE


def test_a_server_that_falls_silent_is_given_up(server, tmp_path, monkeypatch):
    monkeypatch.setattr(downloads, "_TIMEOUT", (1, 0.1))
    monkeypatch.setattr(downloads, "_ATTEMPTS", 1)
    server.pause = 1.0
    with pytest.raises(OctlessonsError, match="could not be downloaded"):
        fetch(server, tmp_path)
    assert "octmnist.npz" not in left(tmp_path)


def test_a_wrong_file_is_refused_and_not_kept(server, tmp_path):
    server.body = b"something else" * 1000
    with pytest.raises(OctlessonsError, match=r"is not octmnist\.npz: its MD5 is not"):
        fetch(server, tmp_path)
    assert left(tmp_path) == []


def test_a_damaged_file_is_replaced_only_by_a_sound_one(server, tmp_path):
    path = tmp_path / "octmnist.npz"
    path.write_bytes(FILE[:5000])  # as an interrupted medmnist download leaves it
    server.status = [404]
    with pytest.raises(OctlessonsError, match="404"):
        fetch(server, tmp_path)
    assert path.read_bytes() == FILE[:5000]
    with pytest.raises(OctlessonsError, match="damaged or another file"):
        load_octmnist(root=tmp_path, download=False)
    assert fetch(server, tmp_path).read_bytes() == FILE


def test_an_archive_of_your_own_is_never_replaced(server, tmp_path):
    path = tmp_path / "octmnist.npz"
    own = npz(arrays(counts={"train": 5, "val": 2, "test": 2}))
    path.write_bytes(own)
    for ask in (fetch_medmnist, load_medmnist):
        with pytest.raises(OctlessonsError, match=r"If it is your own, use it with check=False"):
            ask("octmnist", 28, root=tmp_path, base_url=server.url, progress=False)
    assert path.read_bytes() == own and server.requests == []
    assert len(load_octmnist(root=tmp_path, check=False)) == 5
    path.unlink()
    assert fetch(server, tmp_path).read_bytes() == FILE


def test_a_busy_server_is_asked_again_a_missing_file_is_not(server, tmp_path):
    server.status = [503, 429]
    fetch(server, tmp_path / "a")
    assert len(server.requests) == 3
    server.status = [404, 404]
    with pytest.raises(OctlessonsError, match="404 Not Found"):
        fetch(server, tmp_path / "b")
    assert len(server.requests) == 4
    server.status = [503] * 9
    with pytest.raises(OctlessonsError, match=r"503 Service Unavailable.*tried 4 times"):
        fetch(server, tmp_path / "b")


def test_a_login_page_is_not_taken_for_the_file(server, tmp_path):
    server.kind = "text/html; charset=utf-8"
    with pytest.raises(OctlessonsError, match="a web page came instead"):
        fetch(server, tmp_path)
    assert left(tmp_path) == []


def test_without_a_server_the_sentence_says_what_to_put_where(server, tmp_path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(OctlessonsError) as caught:
        fetch(server, tmp_path, base_url=f"http://127.0.0.1:{port}")
    message = str(caught.value)
    assert "connection refused" in message
    assert f"http://127.0.0.1:{port}/octmnist.npz" in message
    assert "c68d92d5b585d8d81f7112f81e2d0842" in message
    assert str(tmp_path / "octmnist.npz") in message
    with pytest.raises(OctlessonsError, match="not an address"):
        fetch(server, tmp_path, base_url="nonsense")


def test_two_at_once_download_once(server, tmp_path):
    server.pause = 0.03
    paths = []
    threads = [
        threading.Thread(target=lambda: paths.append(fetch(server, tmp_path))) for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert paths == [tmp_path / "octmnist.npz"] * 3
    assert len(server.requests) == 1


def test_a_folder_that_cannot_be_made_gives_a_sentence(server, tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OctlessonsError, match=r"cannot be stored in .*root="):
        fetch(server, tmp_path / "file" / "folder")


@pytest.mark.parametrize("progress", [True, False])
def test_progress_is_silent_where_there_is_no_terminal(server, tmp_path, capfd, progress):
    fetch(server, tmp_path, progress=progress)
    assert capfd.readouterr() == ("", "")


def test_progress_is_shown_on_a_terminal(server, tmp_path, monkeypatch):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    fetch(server, tmp_path, progress=True)
    assert "octmnist.npz" in terminal.getvalue()
    assert "100%" in terminal.getvalue()


# ---------------------------------------------------------------------- reading


@pytest.fixture
def put(tmp_path, monkeypatch):
    """Put arrays under a file name of MedMNIST and return the options to load them."""
    monkeypatch.delenv(medmnist.CHECK_VARIABLE, raising=False)

    def write(file, made):
        (tmp_path / file).write_bytes(made if isinstance(made, bytes) else npz(made))
        return {"root": tmp_path, "check": False, "download": False}

    return write


def test_parts_have_the_arrays_of_the_file(put):
    options = put("octmnist.npz", ARRAYS)
    for part, n in N.items():
        scans = load_octmnist(split=part, **options)
        assert np.array_equal(scans.images, ARRAYS[f"{part}_images"])
        assert np.array_equal(scans.labels, ARRAYS[f"{part}_labels"][:, 0])
        assert scans.labels.dtype.kind == "i"
        assert scans.names[0] == f"{part}/000000"
        assert len(scans) == n
    assert scans.class_names == ("CNV", "DME", "DRUSEN", "NORMAL")
    assert scans.patients is None
    assert scans.sizes is None


def test_all_parts_follow_each_other(put):
    options = put("octmnist.npz", ARRAYS)
    scans = load_octmnist(split="all", **options)
    assert len(scans) == sum(N.values())
    assert scans.names[N["train"]] == "val/000000"
    assert np.array_equal(scans[N["train"]], ARRAYS["val_images"][0])
    assert scans.labels[-1] == ARRAYS["test_labels"][-1, 0]


def test_what_to_beware_of_is_told(put):
    scans = load_octmnist(split="val", **put("octmnist.npz", ARRAYS))
    assert scans.provenance.licence == "CC BY 4.0"
    assert "Kermany" in scans.provenance.citation
    assert any("same patients" in note for note in scans.provenance.notes)
    skin = arrays(channels=(3,), n_labels=7)
    derma = load_medmnist("DermaMNIST", **put("dermamnist.npz", skin))
    assert derma.provenance.licence == "CC BY-NC 4.0"
    assert any("not for commercial use" in note for note in derma.provenance.notes)
    assert any("641" in note and "lesions" in note for note in derma.provenance.notes)


def test_colour_is_kept_or_turned_into_luma(put):
    from PIL import Image

    skin = arrays(channels=(3,), n_labels=7)
    options = put("dermamnist.npz", skin)
    colour = load_medmnist("dermamnist", split="test", **options)
    assert np.array_equal(colour.images, skin["test_images"])
    assert colour.class_names[4] == "melanoma"
    grey = load_medmnist("dermamnist", split="test", grey=True, **options)
    wanted = np.asarray(Image.fromarray(skin["test_images"][3]).convert("L"))
    assert np.array_equal(grey[3], wanted)
    assert grey.shape == (N["test"], 28, 28)


def test_several_findings_per_image_are_no_labels(put):
    chest = load_medmnist("chestmnist", **put("chestmnist.npz", arrays(n_labels=2, columns=14)))
    assert chest.labels is None
    assert any("14 findings" in note for note in chest.provenance.notes)


@pytest.mark.parametrize("split", ["train", "all"])
@pytest.mark.parametrize("name", ["octmnist", "dermamnist"])
def test_large_parts_are_memory_mapped_and_unpacked_once(put, tmp_path, monkeypatch, name, split):
    monkeypatch.setattr(_archive, "IN_MEMORY", 1000)
    made = arrays(64, (3,) if name == "dermamnist" else ())
    options = put(f"{name}_64.npz", made)
    grey = name == "dermamnist"
    scans = load_medmnist(name, 64, split, grey=grey, **options)
    small = load_medmnist(name, 64, split, grey=grey, **options)  # from what was unpacked
    monkeypatch.setattr(_archive, "IN_MEMORY", 10**9)
    held = load_medmnist(name, 64, split, grey=grey, **options)
    assert scans.shape == held.shape
    assert np.array_equal(np.asarray(scans), held.images)
    assert np.array_equal(np.asarray(small[5:9]), held.images[5:9])
    again = pickle.loads(pickle.dumps(small.images))
    assert np.array_equal(again[len(held) - 1], held[len(held) - 1])
    unpacked = tmp_path / "octlessons"
    assert len(list(unpacked.glob("*.npy"))) == (3 if split == "all" else 1)
    assert not list(unpacked.glob("*.part"))
    if split == "train" and not grey:
        assert isinstance(scans.images.base, np.memmap)


def test_a_new_file_is_unpacked_anew(put, tmp_path, monkeypatch):
    monkeypatch.setattr(_archive, "IN_MEMORY", 1000)
    load_octmnist(64, **put("octmnist_64.npz", arrays(64)))
    other = arrays(64) | {"train_images": np.zeros((300, 64, 64), np.uint8)}
    options = put("octmnist_64.npz", other)
    os.utime(tmp_path / "octmnist_64.npz", ns=(1, 1))
    assert not np.asarray(load_octmnist(64, **options)).any()
    assert len(list((tmp_path / "octlessons").glob("*.npy"))) == 1


def without(key):
    return {name: array for name, array in ARRAYS.items() if name != key}


OBJECTS = np.empty(300, object)


@pytest.mark.parametrize(
    "made, message",
    [
        (b"", "not a zip archive"),
        (b"PK\x03\x04 nonsense", "not a zip archive"),
        (FILE[:-2000], "not a zip archive"),
        (without("train_labels"), "no array train_labels"),
        (without("train_images"), "no array train_images"),
        (arrays(32), "300 × 32 × 32, not n × 28 × 28"),
        (arrays(channels=(3,)), "300 × 28 × 28 × 3, not"),
        (ARRAYS | {"train_images": np.zeros((300, 28, 28))}, "float64, not uint8"),
        (ARRAYS | {"train_labels": np.zeros((5, 1), int)}, "for 300 images"),
        (ARRAYS | {"train_labels": np.full((300, 1), 9)}, "beyond 0 to 3"),
        (ARRAYS | {"train_labels": OBJECTS}, "train_labels cannot be read"),
        (ARRAYS | {"train_images": OBJECTS}, "not n × 28 × 28"),
    ],
)
def test_a_file_of_another_content_gives_a_sentence(put, made, message):
    with pytest.raises(OctlessonsError, match=message):
        load_octmnist(**put("octmnist.npz", made))


def test_a_damaged_member_gives_a_sentence(put):
    with zipfile.ZipFile(io.BytesIO(FILE)) as archive:
        start = archive.getinfo("train_images.npy").header_offset
    spoilt = bytearray(FILE)
    spoilt[start + 5000 : start + 5100] = bytes(100)
    with pytest.raises(OctlessonsError, match="train_images cannot be read"):
        load_octmnist(**put("octmnist.npz", bytes(spoilt)))


def test_sentences_for_what_does_not_exist(tmp_path):
    with pytest.raises(ValueError, match="Did you mean octmnist"):
        load_medmnist("octmnst")
    with pytest.raises(ValueError, match="3-D"):
        load_medmnist("organmnist3d")
    with pytest.raises(ValueError, match="28, 64, 128, 224 px, not at 32"):
        load_octmnist(32)
    with pytest.raises(ValueError, match="'train', 'val', 'test' or 'all'"):
        load_octmnist(split="training")
    with pytest.raises(ValueError, match="There is no MedMNIST set"):
        fetch_medmnist("cifar")


def test_the_arrays_equal_those_of_the_medmnist_package(put):
    package = pytest.importorskip(
        "medmnist", reason="medmnist is not installed: pip install 'octlessons[deep]'"
    )
    if not hasattr(package, "OCTMNIST"):
        pytest.skip("medmnist is here but torch is not: pip install 'octlessons[deep]'")
    options = put("octmnist.npz", ARRAYS)
    for part in N:
        theirs = package.OCTMNIST(split=part, root=str(options["root"]), download=False)
        ours = load_octmnist(split=part, **options)
        assert np.array_equal(ours.images, theirs.imgs)
        assert np.array_equal(ours.labels, theirs.labels[:, 0])


def test_what_is_known_of_the_sets_equals_what_the_medmnist_package_says():
    info = pytest.importorskip(
        "medmnist.info", reason="medmnist is not installed: pip install 'octlessons[deep]'"
    ).INFO
    ours = medmnist._table()["sets"]
    assert set(ours) == {flag for flag in info if not flag.endswith("3d")}
    for flag, facts in ours.items():
        theirs = info[flag]
        assert facts["licence"] == theirs["license"]
        assert facts["channels"] == theirs["n_channels"]
        assert facts["labels"] == list(theirs["label"].values())
        for size, checksum in facts["md5"].items():
            assert checksum == theirs["MD5" + ("" if size == "28" else f"_{size}")]
