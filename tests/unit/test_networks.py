"""What all trained networks have in common, tested on each of them."""

import pickle
import tempfile

import joblib
import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.utils import estimator_checks

from octlessons.errors import OctlessonsError
from octlessons.images.imageset import ImageSet, LazyImages

torch = pytest.importorskip("torch")

from octlessons.networks import ConvAutoencoder, SelfSupervised, SmallCNN, base, held_out

pytestmark = pytest.mark.filterwarnings("ignore:Everything looks the same")  # two epochs

MAKERS = {
    "autoencoder": lambda **given: ConvAutoencoder(**{"channels": 1, **given}),
    "contrastive": lambda **given: SelfSupervised(**{"clean": False, **given}),
    "classifier": SmallCNN,
}


@pytest.fixture(autouse=True, scope="module")
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(params=MAKERS)
def make(request):
    """A function that makes one of the networks, small enough to train in a moment."""
    plain = {"size": 16, "width": 4, "batch_size": 16, "max_iter": 2, "device": "cpu"}
    return lambda **given: MAKERS[request.param](**{**plain, **given})


@pytest.fixture
def scans() -> ImageSet:
    """48 grey images of 20 × 24 px, of 16 patients: a bar that lies or stands."""
    rng = np.random.default_rng(0)
    labels = np.arange(48) // 3 % 2
    pixels = rng.integers(0, 80, (48, 20, 24))
    for image, label in zip(pixels, labels, strict=True):
        at = rng.integers(2, 16)
        image[(slice(at, at + 3),) if label else (slice(None), slice(at, at + 3))] += 150
    return ImageSet(
        pixels.astype(np.uint8), labels, class_names=["stands", "lies"], patients=np.arange(48) // 3
    )


def out(network, images) -> np.ndarray:
    """What a network gives for images."""
    rows = getattr(network, "transform", None) or network.predict_proba
    return rows(images)


# ---------------------------------------------------------------------- chance and validation


def test_same_seed_same_network_and_chance_is_left_alone(make, scans):
    torch.manual_seed(4), np.random.seed(4)
    first = out(make().fit(scans), scans)
    after = torch.rand(1).item(), np.random.rand()
    torch.manual_seed(4), np.random.seed(4)
    assert after == (torch.rand(1).item(), np.random.rand())
    np.testing.assert_array_equal(first, out(make().fit(scans), scans))
    assert np.abs(first - out(make(random_state=1).fit(scans), scans)).max() > 1e-4
    state = [out(make(random_state=np.random.RandomState(3)).fit(scans), scans) for _ in "ab"]
    np.testing.assert_array_equal(*state)


def test_patients_are_never_on_both_sides(make, scans):
    fitted = make(validation_fraction=0.3, max_iter=1).fit(scans)
    held = np.isin(np.arange(48), fitted.validation_)
    assert 0.2 < held.mean() < 0.4
    assert not set(scans.patients[held]) & set(scans.patients[~held])
    groups = np.tile(np.arange(12), 4)
    held = make(max_iter=1).fit(scans, groups=groups).validation_
    assert not set(groups[held]) & set(np.delete(groups, held))


def test_copies_stay_with_their_original(make, scans):
    twice = ImageSet(
        np.concatenate([scans.images] * 2),
        np.concatenate([scans.labels] * 2),
        originals=[f"scan {i % 48}" for i in range(96)],
    )
    held = make(max_iter=1).fit(twice).validation_
    assert set(held % 48) == set(held[: len(held) // 2]) and len(held) < 40


def test_validation_may_be_given_or_left_out(make, scans):
    own, other = scans[scans.patients.astype(int) < 10], scans[scans.patients.astype(int) >= 10]
    given = make().fit(own, X_val=other)
    assert len(given.validation_) == 0 and np.isfinite(given.history_.valid).all()
    without = make(validation_fraction=0, n_iter_no_change=1).fit(scans)
    assert len(without.validation_) == 0 and len(without.history_) == 2
    assert np.isnan(without.history_.valid).all()
    with pytest.raises(ValueError, match="of the validation images are among"):
        make().fit(own, X_val=scans)
    with pytest.raises(ValueError, match="too few patients, 1, to put"):
        make().fit(scans, groups=np.zeros(48))


def test_training_stops_early_and_keeps_the_best(make, scans):
    fitted = make(max_iter=60, n_iter_no_change=2, learning_rate_init=0.5).fit(scans)
    history = fitted.history_
    assert history.stopped_early and len(history) == history.best_epoch + 2 < 60


@pytest.mark.parametrize("seed", range(5))
def test_held_out_images_are_as_many_of_each_class_as_patients_allow(seed):
    rng = np.random.default_rng(seed)
    groups = rng.integers(0, 40, 200)
    y = (groups % 5 == 0).astype(int)
    held = held_out(200, 0.25, groups=groups, y=y, random_state=seed)
    assert not set(groups[held]) & set(np.delete(groups, held))
    assert 0.18 < len(held) / 200 < 0.32
    for label in (0, 1):
        assert 0.1 < (y[held] == label).sum() / (y == label).sum() < 0.45
    np.testing.assert_array_equal(held, held_out(200, 0.25, groups=groups, y=y, random_state=seed))
    assert len(held_out(200, 0.0)) == 0 and len(held_out(200, 0.25)) == 50


def test_each_epoch_is_printed_when_asked(make, scans, capsys):
    make(verbose=True).fit(scans)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2 and "train" in lines[0] and "valid" in lines[0]
    make().fit(scans)
    assert capsys.readouterr().out == ""


# ---------------------------------------------------------------------- images


def test_every_kind_of_input_gives_the_same(make, scans):
    fitted = make().fit(scans)
    expected = out(fitted, scans)
    pixels, y, groups = scans.images, scans.labels, scans.patients
    lazy = LazyImages(lambda i: pixels[i], 48)
    for other in (pixels, ImageSet(lazy), list(pixels)):
        np.testing.assert_array_equal(out(fitted, other), expected)
        again = make().fit(other, y, groups=groups)
        np.testing.assert_array_equal(out(again, other), expected)
    np.testing.assert_allclose(out(fitted, pixels / 255), expected, atol=1e-4)
    np.testing.assert_allclose(out(fitted, scans[5:6]), expected[5:6], atol=1e-5)


def test_lazy_images_are_read_once_and_may_differ_in_size(make):
    rng = np.random.default_rng(1)
    pictures = [rng.integers(0, 256, (30 + i, 50 - i), dtype=np.uint8) for i in range(12)]
    read = []

    def reader(i):
        read.append(i)
        return pictures[i]

    fitted = make(max_iter=1).fit(ImageSet(LazyImages(reader, 12), np.arange(12) % 2))
    assert read == list(range(12))
    assert len(out(fitted, pictures)) == 12


def test_large_sets_train_from_a_file_that_goes_away(make, scans, monkeypatch, tmp_path):
    expected = out(make().fit(scans), scans)
    monkeypatch.setattr(base, "IN_MEMORY", 1000)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    np.testing.assert_array_equal(out(make().fit(scans), scans), expected)
    assert list(tmp_path.iterdir()) == []
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "missing"))
    with pytest.raises(OctlessonsError, match=r"no room .*TMPDIR"):
        make().fit(scans)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (np.zeros((12, 20, 20, 3), np.uint8), "colour, but grey images are needed"),
        ([*np.zeros((11, 20, 20), np.uint8), np.zeros(20, np.uint8)], "Image 11 has shape"),
        (np.zeros((20, 20), np.uint8), r"write \[image\]"),
        (np.zeros((0, 20, 20), np.uint8), "no images here"),
        (np.full((12, 20, 20), np.nan), "Image 0 contains NaN"),
    ],
    ids=["colour", "flat", "single", "none", "nan"],
)
def test_wrong_images_are_sentences(make, given, words):
    with pytest.raises(ValueError, match=words):
        make().fit(given, np.arange(len(given)) % 2)


def test_running_a_network_does_not_change_it(make, scans):
    fitted = make().fit(scans)
    before = joblib.hash(fitted)
    out(fitted, scans)
    assert joblib.hash(fitted) == before
    assert all(value.device.type == "cpu" for value in fitted.network_.state_dict().values())


def test_too_little_memory_for_one_image_is_a_sentence(make, scans):
    def hungry(*_):
        raise RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory")

    fitted = make(max_iter=1).fit(scans)
    next(part for part in fitted.network_.modules() if isinstance(part, torch.nn.Conv2d)) \
        .register_forward_hook(hungry)  # fmt: skip
    with pytest.raises(OctlessonsError, match="Memory ran out on a single image"):
        out(fitted, scans)


# ---------------------------------------------------------------------- going on, keeping


def test_resumed_fit_is_bit_identical(make, scans, tmp_path):
    settings = {"max_iter": 4, "checkpoint": tmp_path / "run.pt"}
    whole = make(max_iter=4).fit(scans)
    with pytest.MonkeyPatch.context() as patch:

        def line(text):
            if "2/4" in text:
                raise KeyboardInterrupt

        patch.setattr("builtins.print", line)
        with pytest.raises(KeyboardInterrupt):
            make(verbose=True, **settings).fit(scans)
    resumed = make(**settings).fit(scans)
    assert resumed.history_.resumed_from == 2
    np.testing.assert_array_equal(resumed.history_.valid, whole.history_.valid)
    np.testing.assert_array_equal(out(resumed, scans), out(whole, scans))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"random_state": 1}, "random_state was 0 there and is 1 here"),
        ({"alpha": 0.5}, "alpha was .* there and is 0.5 here"),
        ({"width": 5}, "width was 4 there and is 5 here"),
        ({"batch_size": 12}, "batch_size was"),
        ({"pixels": 1}, "images was"),
        ({"groups": 1}, "images was"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_foreign_checkpoint_is_refused(make, scans, tmp_path, change, words):
    change, groups = dict(change), scans.patients
    make(checkpoint=tmp_path / "c.pt").fit(scans)
    if change.pop("pixels", 0):
        scans = ImageSet(scans.images[::-1].copy(), scans.labels, patients=groups)
    if change.pop("groups", 0):
        groups = np.arange(48)
    with pytest.raises(OctlessonsError, match=rf"c\.pt belongs to another training: {words}"):
        make(checkpoint=tmp_path / "c.pt", **change).fit(scans, groups=groups)


def test_saved_and_pickled_networks_are_the_same(make, scans, tmp_path):
    fitted = make().fit(scans)
    fitted.save(tmp_path / "folder" / "network.pt")
    joblib.dump(fitted, tmp_path / "network.joblib")
    for again in (
        type(fitted).load(tmp_path / "folder" / "network.pt"),
        pickle.loads(pickle.dumps(fitted)),
        joblib.load(tmp_path / "network.joblib"),
    ):
        np.testing.assert_array_equal(out(again, scans), out(fitted, scans))
        assert again.get_params() == fitted.get_params()
        assert again.history_.to_json() == fitted.history_.to_json()
        np.testing.assert_array_equal(again.validation_, fitted.validation_)


def test_file_that_is_no_such_network_is_a_sentence(make, scans, tmp_path):
    file, fitted = tmp_path / "network.pt", make(max_iter=1).fit(scans)
    load = type(fitted).load
    with pytest.raises(OctlessonsError, match="There is no saved"):
        load(file)
    fitted.save(file)
    content = torch.load(file, weights_only=True)
    file.write_bytes(file.read_bytes()[:-100])
    with pytest.raises(OctlessonsError, match=r"network\.pt is not a sound saved"):
        load(file)
    torch.save({**content, "what": "weights"}, file)
    with pytest.raises(OctlessonsError, match="holds no saved"):
        load(file)
    narrower = {**content["params"], "width": 3}
    torch.save({**content, "params": narrower}, file)
    with pytest.raises(OctlessonsError, match="not a sound saved"):
        load(file)


# ---------------------------------------------------------------------- scikit-learn


def test_is_a_scikit_learn_estimator(make, scans):
    fitted = make().fit(X=scans, y=scans.labels)
    fresh = clone(fitted)
    assert not hasattr(fresh, "network_") and fresh.get_params() == fitted.get_params()
    for check in (
        estimator_checks.check_no_attributes_set_in_init,
        estimator_checks.check_parameters_default_constructible,
        estimator_checks.check_get_params_invariance,
        estimator_checks.check_set_params,
    ):
        check(type(fresh).__name__, fresh)
    with pytest.raises(NotFittedError):
        out(fresh, scans)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("size", 0), ("size", 16.5), ("width", -1), ("width", True), ("batch_size", 0),
        ("max_iter", -1), ("max_iter", 1.5), ("learning_rate_init", 0), ("alpha", -1),
        ("validation_fraction", 1.0), ("validation_fraction", "a"), ("n_iter_no_change", 0),
    ],
)  # fmt: skip
def test_wrong_parameters_are_value_errors(make, scans, name, value):
    with pytest.raises(ValueError, match=f"`{name}`"):
        make(**{name: value}).fit(scans)
