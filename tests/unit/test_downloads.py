"""`fetch_file`: what is new beside the downloads of MedMNIST, which test the rest of it."""

import hashlib

import numpy as np
import pytest

from octlessons import OctlessonsError
from octlessons._files import file_hash
from octlessons.images import downloads
from octlessons.images.downloads import fetch_file, has_hash, hash_in_words
from tests.unit.server import Server

FILE = np.random.default_rng(0).bytes(400_000)
SHA256 = hashlib.sha256(FILE).hexdigest()
MD5 = hashlib.md5(FILE, usedforsecurity=False).hexdigest()


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setattr(downloads, "_PAUSE", 0.001)
    server = Server(FILE)
    yield server
    server.http.shutdown()
    server.http.server_close()


def url(server, name="net-1234.pth"):
    return f"{server.url}/{name}"


@pytest.mark.parametrize(
    "known", [None, f"sha256:{SHA256}", SHA256, f"md5:{MD5}", MD5, f"sha256:{SHA256[:8]}",
              SHA256[:10].upper()],
)  # fmt: skip
def test_every_way_to_write_a_checksum_is_understood(server, tmp_path, known):
    path = fetch_file(url(server), tmp_path / "deep" / "a.pth", known_hash=known, progress=False)
    assert path.read_bytes() == FILE
    fetch_file(url(server), path, known_hash=known, progress=False)
    assert len(server.requests) == 1
    assert has_hash(path, known)


@pytest.mark.parametrize(
    ("known", "written"),
    [("sha256:" + "0" * 64, "SHA-256 is not 000"), ("0" * 32, "MD5 is not 000"),
     ("00000000", "SHA-256 is not 00000000")],
)  # fmt: skip
def test_another_file_is_refused_and_not_kept(server, tmp_path, known, written):
    with pytest.raises(OctlessonsError, match=written) as caught:
        fetch_file(url(server), tmp_path / "a.pth", known_hash=known, progress=False)
    assert "Without a network here" in str(caught.value)
    assert [p.name for p in tmp_path.iterdir() if p.name[0] != "."] == []


def test_a_damaged_file_is_replaced_once_the_right_one_is_whole(server, tmp_path):
    path = tmp_path / "a.pth"
    path.write_bytes(FILE[:100])
    server.status = [404]
    with pytest.raises(OctlessonsError, match="404 Not Found"):
        fetch_file(url(server), path, known_hash=SHA256[:8], progress=False)
    assert path.read_bytes() == FILE[:100]
    fetch_file(url(server), path, known_hash=SHA256[:8], progress=False)
    assert path.read_bytes() == FILE


def test_an_interrupted_download_goes_on(server, tmp_path):
    server.drop_after, server.drops = len(FILE) // 2, 1
    path = fetch_file(url(server), tmp_path / "a.pth", known_hash=SHA256, progress=False)
    assert path.read_bytes() == FILE
    assert len(server.requests) == 2 and server.requests[1].startswith("bytes=")


def test_the_sentence_of_a_failure_has_what_the_caller_says(server, tmp_path):
    server.status = [404]
    with pytest.raises(OctlessonsError) as caught:
        fetch_file(
            url(server), tmp_path / "a.pth", what="The network", by_hand="Ask a friend",
            progress=False,
        )  # fmt: skip
    assert str(caught.value).startswith("The network could not be downloaded from http://127")
    assert str(caught.value).endswith("Ask a friend.")
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OctlessonsError, match="make room or pray"):
        fetch_file(url(server), tmp_path / "file" / "a", elsewhere="pray", progress=False)


def test_a_checksum_that_is_none_is_refused(tmp_path):
    for wrong in ("1234567", "sha1:" + "0" * 40, "nonsense!"):
        with pytest.raises(ValueError, match="A checksum is"):
            fetch_file("http://127.0.0.1:9/a", tmp_path / "a", known_hash=wrong)
            has_hash(__file__, wrong)


def test_checksums_follow_the_file(tmp_path):
    path = tmp_path / "a"
    assert not has_hash(path, None)
    path.write_bytes(FILE)
    assert file_hash(path) == SHA256 and file_hash(path, "md5") == MD5
    path.write_bytes(b"short")
    assert not has_hash(path, SHA256)
    assert hash_in_words(SHA256[:8]) == f"SHA-256 begins with {SHA256[:8]}"
    assert hash_in_words(f"md5:{MD5}") == f"MD5 {MD5}"
