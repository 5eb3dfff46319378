"""Features in shards: flat memory, and runs that go on where they were killed."""

import json
import os
import signal
import subprocess
import sys
import textwrap
import time

import numpy as np
import pytest

from octlessons import OctlessonsError
from octlessons.images.imageset import ImageSet, LazyImages
from octlessons.representations import extraction
from octlessons.representations.extraction import extract, fingerprint


@pytest.fixture
def images():
    return np.random.default_rng(0).integers(0, 256, (600, 8, 6), dtype=np.uint8)


def prepare(image):
    return image[None].astype(np.float32) / 255


def run(batch):
    flat = batch.reshape(len(batch), -1)
    return np.stack([flat.mean(1), flat.std(1), flat.max(1)], axis=1)


def counted(function):
    def call(argument):
        call.sizes.append(len(argument))
        return function(argument)

    call.sizes = []
    return call


def expected(images):
    return run(np.stack([prepare(image) for image in images]))


# ---------------------------------------------------------------------- rows


@pytest.mark.parametrize("batch_size", [1, 7, 64, 1000])
@pytest.mark.parametrize("stored", [False, True])
def test_rows_are_in_order_whatever_the_batch(images, tmp_path, batch_size, stored):
    options = {"store": tmp_path / "f.npy", "key": {"a": 1}} if stored else {}
    rows = extract(images, prepare, run, batch_size=batch_size, **options)
    np.testing.assert_allclose(rows, expected(images), rtol=1e-6)
    assert rows.dtype == np.float32 and rows.shape == (600, 3)
    assert isinstance(rows, np.memmap) == stored


def test_every_kind_of_input_gives_the_same_rows(images):
    rows = extract(images, prepare, run)
    lazy = LazyImages(lambda i: images[i], len(images), (8, 6))
    for same in (ImageSet(images), lazy, ImageSet(lazy), list(images), images / 255):
        np.testing.assert_allclose(extract(same, prepare, run), rows, atol=2e-3)


def test_colour_images_reach_prepare_as_they_are():
    colour = np.random.default_rng(1).integers(0, 256, (5, 8, 6, 3), dtype=np.uint8)
    rows = extract(colour, lambda image: image.transpose(2, 0, 1), run)
    np.testing.assert_allclose(rows, expected_colour(colour), rtol=1e-5)
    np.testing.assert_array_equal(extract(list(colour), lambda i: i.transpose(2, 0, 1), run), rows)


def expected_colour(colour):
    return run(colour.transpose(0, 3, 1, 2).astype(np.float32))


def test_images_are_read_once_and_little_ahead(images):
    read = []
    lazy = LazyImages(lambda i: read.append(i) or images[i], len(images), (8, 6))
    ahead = []

    def watching(batch):
        time.sleep(0.005)
        ahead.append(len(read))
        return run(batch)

    extract(lazy, prepare, watching, batch_size=20)
    assert sorted(read) == list(range(600))
    done = 20 * np.arange(1, len(ahead) + 1)
    assert np.all(np.array(ahead) - done <= 3 * 20)


def test_peak_memory_does_not_grow_with_the_number_of_images(tmp_path):
    import tracemalloc

    picture = np.full((64, 64), 100, np.uint8)

    def peak(n):
        lazy = LazyImages(lambda i: picture.copy(), n, (64, 64))
        tracemalloc.start()
        rows = extract(lazy, prepare, run, batch_size=16, store=tmp_path / str(n), key={})
        top = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert rows.shape == (n, 3)
        return top

    peak(100)  # what is imported and cached once
    assert peak(2000) < 1.15 * peak(400)


# ---------------------------------------------------------------------- stores


def test_a_finished_store_computes_nothing(images, tmp_path):
    first = extract(images, prepare, run, store=tmp_path / "features", key={"network": "a"})
    network = counted(run)
    again = extract(images, prepare, network, store=tmp_path / "features", key={"network": "a"})
    np.testing.assert_array_equal(first, again)
    assert network.sizes == []
    assert sorted(p.name for p in (tmp_path / "features").iterdir() if p.name[0] != ".") == [
        "features.npy",
        "features.npy.json",
    ]
    with pytest.raises(ValueError, match="read-only"):
        again[0] = 0


def test_a_run_that_failed_goes_on_with_the_next_shard(images, tmp_path):
    store = {"store": tmp_path / "f.npy", "key": {"network": "a"}, "batch_size": 32}

    def failing(batch):
        if len(failing.calls) == 12:
            raise KeyboardInterrupt
        failing.calls.append(0)
        return run(batch)

    failing.calls = []
    with pytest.raises(KeyboardInterrupt):
        extract(images, prepare, failing, **store)
    network = counted(run)
    rows = extract(images, prepare, network, **store)
    assert sum(network.sizes) == 600 - extraction.SHARD
    np.testing.assert_array_equal(rows, extract(images, prepare, run, batch_size=32))


@pytest.mark.parametrize(
    ("key", "n", "named"),
    [({"network": "b", "images": "x"}, 600, "network"), ({"network": "a"}, 600, "images"),
     ({"network": "a", "images": "x"}, 599, r"number of images: 600, now 599")],
)  # fmt: skip
def test_a_store_of_something_else_is_refused(images, tmp_path, key, n, named):
    extract(images, prepare, run, store=tmp_path / "f.npy", key={"network": "a", "images": "x"})
    before = (tmp_path / "f.npy").read_bytes()
    with pytest.raises(OctlessonsError, match=rf"something else \(other: {named}.*another store="):
        extract(images[:n], prepare, run, store=tmp_path / "f.npy", key=key)
    assert (tmp_path / "f.npy").read_bytes() == before


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        (lambda f: f.write_bytes(b"nothing"), "damaged: the array cannot be read. Delete it"),
        (lambda f: f.write_bytes(f.read_bytes()[:1000]), "damaged: the array cannot be read"),
        (lambda f: np.save(f, np.zeros((600, 3))), "damaged: it holds float64"),
        (lambda f: f.with_name("f.npy.json").write_text("{"), "its record .* cannot be read"),
        (lambda f: f.with_name("f.npy.json").write_text("[]"), "its record .* cannot be read"),
        (lambda f: f.with_name("f.npy.json").unlink(), "not the record of what is in it"),
    ],
)
def test_a_damaged_store_is_a_sentence(images, tmp_path, damage, sentence):
    file = tmp_path / "f.npy"
    extract(images, prepare, run, store=file, key={})
    damage(file)
    with pytest.raises(OctlessonsError, match=sentence):
        extract(images, prepare, run, store=file, key={})


def test_a_record_that_makes_no_sense_is_a_sentence(images, tmp_path):
    extract(images, prepare, run, store=tmp_path / "f.npy", key={})
    record = json.loads((tmp_path / "f.npy.json").read_text())
    record["shards"] = record["shards"][:1]
    (tmp_path / "f.npy.json").write_text(json.dumps(record))
    with pytest.raises(OctlessonsError, match="makes no sense"):
        extract(images, prepare, run, store=tmp_path / "f.npy", key={})


def test_a_shard_that_does_not_fit_its_checksum_is_computed_again(images, tmp_path):
    rows = np.array(extract(images, prepare, run, store=tmp_path / "f.npy", key={}))
    raw = bytearray((tmp_path / "f.npy").read_bytes())
    raw[-8] ^= 255  # in the last shard
    (tmp_path / "f.npy").write_bytes(raw)
    network = counted(run)
    again = extract(images, prepare, network, store=tmp_path / "f.npy", key={})
    np.testing.assert_array_equal(again, rows)
    assert sum(network.sizes) == 600 % extraction.SHARD


def test_a_store_that_cannot_be_written_is_a_sentence(images, tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OctlessonsError, match=r"cannot be stored in .*another store="):
        extract(images, prepare, run, store=tmp_path / "file" / "f.npy", key={})


def test_a_full_disk_is_a_sentence_and_the_run_can_go_on(images, tmp_path, monkeypatch):
    written = []

    def full(descriptor):
        written.append(descriptor)
        if len(written) == 5:
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(extraction.os, "fsync", full)
    with pytest.raises(OctlessonsError, match="No space left on device"):
        extract(images, prepare, run, store=tmp_path / "f.npy", key={})
    rows = extract(images, prepare, run, store=tmp_path / "f.npy", key={})
    np.testing.assert_array_equal(rows, extract(images, prepare, run))


# ---------------------------------------------------------------------- interruption

SCRIPT = """
import sys, time
import numpy as np
from octlessons.representations.extraction import extract

weights = np.random.default_rng(3).normal(size=(48, 5)).astype(np.float32)
images = np.random.default_rng(0).integers(0, 256, (1536, 8, 6), dtype=np.uint8)

def prepare(image):
    return image[None].astype(np.float32) / 255

def run(batch):
    print("batch", flush=True)
    time.sleep(float(sys.argv[2]))
    return np.tanh(batch.reshape(len(batch), -1) @ weights)

rows = extract(images, prepare, run, store=sys.argv[1], key={"network": "a"}, batch_size=32)
print("finished", flush=True)
"""


def start(store, pause):
    script = store.with_name("script.py")
    script.write_text(textwrap.dedent(SCRIPT))
    return subprocess.Popen(
        [sys.executable, str(script), str(store), str(pause)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
    )


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory) -> bytes:
    store = tmp_path_factory.mktemp("whole") / "whole.npy"
    said, errors = start(store, 0).communicate(timeout=120)
    assert said.count("batch") == 48, errors
    return store.read_bytes()


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
@pytest.mark.parametrize("how", ["SIGKILL", "SIGINT"])
def test_a_killed_run_resumes_to_the_same_bits(tmp_path, uninterrupted, how):
    store = tmp_path / "killed.npy"
    killed = start(store, 0.02)
    for _ in range(20):  # two and a half shards of eight batches
        assert killed.stdout.readline() == "batch\n"
    killed.send_signal(getattr(signal, how))
    said, errors = killed.communicate(timeout=120)
    assert killed.returncode != 0 and "finished" not in said
    assert ("KeyboardInterrupt" in errors) == (how == "SIGINT")
    resumed, _ = start(store, 0).communicate(timeout=120)
    assert "finished" in resumed
    assert 1 <= resumed.count("batch") <= 48 - 16
    assert store.read_bytes() == uninterrupted


def test_a_kill_between_any_two_writes_can_be_resumed(images, tmp_path, monkeypatch):
    """Stop before each rename and each flush in turn, as a kill would."""
    rows = extract(images, prepare, run)

    class Killed(BaseException):
        pass

    for nth in range(1, 16):
        countdown = iter(range(nth))

        def stop(*arguments, real, countdown=countdown):
            if next(countdown, None) is None:
                raise Killed
            return real(*arguments)

        with monkeypatch.context() as patched:
            for name in ("replace", "fsync"):
                real = getattr(os, name)
                patched.setattr(
                    extraction.os, name, lambda *a, real=real, stop=stop: stop(*a, real=real)
                )
            try:
                extract(images, prepare, run, store=tmp_path / str(nth), key={})
            except Killed:
                pass
            else:
                assert nth > 12
        again = extract(images, prepare, run, store=tmp_path / str(nth), key={})
        np.testing.assert_array_equal(again, rows)


# ---------------------------------------------------------------------- memory that runs out


def greedy(limit, error):
    def call(batch):
        call.sizes.append(len(batch))
        if len(batch) > limit:
            raise error
        return run(batch)

    call.sizes = []
    return call


@pytest.mark.parametrize(
    "error",
    [MemoryError(), RuntimeError("CUDA out of memory. Tried to allocate 2 GiB"),
     RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory")],
)  # fmt: skip
def test_the_batch_is_halved_until_it_fits(images, error):
    network = greedy(10, error)
    rows = extract(images, prepare, network, batch_size=64)
    np.testing.assert_allclose(rows, expected(images), rtol=1e-6)
    assert network.sizes[:4] == [64, 32, 16, 8]
    assert max(network.sizes[4:]) == 8  # not tried again


def test_a_single_image_that_does_not_fit_is_a_sentence(images):
    with pytest.raises(OctlessonsError, match="Memory ran out on a single image"):
        extract(images, prepare, greedy(0, MemoryError()))


def test_another_error_of_the_network_is_not_taken_for_memory(images):
    network = greedy(10, RuntimeError("shapes do not fit"))
    with pytest.raises(RuntimeError, match="shapes do not fit"):
        extract(images, prepare, network)
    assert network.sizes == [64]


# ---------------------------------------------------------------------- what is refused


def test_an_image_that_cannot_be_prepared_is_named(images):
    def fussy(image):
        if (image == images[77]).all():
            raise OctlessonsError("it is upside down.")
        return prepare(image)

    with pytest.raises(OctlessonsError, match="Image 77 could not be prepared: it is upside down"):
        extract(images, fussy, run)


def test_bad_arguments_are_sentences(images, tmp_path):
    with pytest.raises(ValueError, match="There are no images"):
        extract(images[:0], prepare, run)
    with pytest.raises(ValueError, match="batch_size"):
        extract(images, prepare, run, batch_size=0)
    with pytest.raises(ValueError, match="needs a `key`"):
        extract(images, prepare, run, store=tmp_path / "f.npy")
    with pytest.raises(ValueError, match="one shape for all"):
        extract([*list(images), images[0, :4]], prepare, run)
    with pytest.raises(ValueError, match=r"instead of \(64, 4\)"):
        extract(images, prepare, run, n_features=4)


# ---------------------------------------------------------------------- fingerprints and progress


def test_a_fingerprint_changes_with_the_images(images):
    marks = {fingerprint(images), fingerprint(images[:-1]), fingerprint(images[::-1])}
    changed = images.copy()
    changed[300, 2, 2] ^= 1
    marks.add(fingerprint(changed))
    assert len(marks) == 4
    assert fingerprint(images) == fingerprint(ImageSet(images)) == fingerprint(list(images))


def test_the_fingerprint_of_lazy_images_reads_few_and_knows_the_names(images):
    read = []
    lazy = LazyImages(lambda i: read.append(i) or images[i], len(images), (8, 6))
    names = [f"{i:04d}" for i in range(600)]
    first = fingerprint(ImageSet(lazy, names=names))
    assert len(read) == extraction.SAMPLED
    assert fingerprint(ImageSet(lazy, names=names)) == first
    assert fingerprint(ImageSet(lazy, names=[*names[:-1], "other"])) != first


def test_progress_is_silent_where_there_is_no_terminal(images, capfd):
    extract(images, prepare, run)
    extract(images, prepare, run, progress=False)
    assert capfd.readouterr() == ("", "")
    extract(images, prepare, run, progress=True)
    assert "600/600" in capfd.readouterr().err
