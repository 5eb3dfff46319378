"""`SmallCNN`: what it learns, and what class weights and early stopping do."""

import numpy as np
import pytest
from sklearn.base import clone

from octlessons.errors import OctlessonsError
from octlessons.evaluation import judge_classifier
from octlessons.images import ImageSet, draw_phantoms
from octlessons.images.cleaning import clean
from octlessons.images.imageset import LazyImages

torch = pytest.importorskip("torch")

from octlessons.networks import SmallCNN

QUICK = {"size": 16, "width": 4, "batch_size": 16, "device": "cpu"}


@pytest.fixture(autouse=True, scope="module")
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def bars(rng, n, rare=0.5, contrast=60, size=16):
    """Two classes: a bright bar that lies, or stands, in noise."""
    labels = (rng.random(n) < rare).astype(int)
    images = rng.normal(110, 40, (n, size, size))
    for image, label in zip(images, labels, strict=True):
        at = int(rng.integers(2, size - 4))
        image[
            (slice(at, at + 2), slice(None)) if label == 0 else (slice(None), slice(at, at + 2))
        ] += contrast
    return ImageSet(
        np.clip(images, 0, 255).astype(np.uint8),
        labels,
        class_names=("lies", "stands"),
        patients=np.arange(n) // 4,
    )


@pytest.mark.slow
def test_network_learns_phantoms_far_better_than_chance():
    scans = draw_phantoms(n_per_class=70, size=48, seed=2)
    scans = scans.map(lambda scan: clean(scan, size=32), "cleaned", shape=(32, 32))
    train, test = scans.split(0.35, random_state=0)
    cnn = SmallCNN(32, width=8, max_iter=30, batch_size=16, device="cpu").fit(train)
    report = judge_classifier(
        test.labels, cnn.predict_proba(test), test.class_names, groups=test.patients
    )
    assert report.intervals["balanced_accuracy"].low > 0.4  # chance: 0.25
    assert cnn.score(test, test.labels) == pytest.approx(report.accuracy)


def test_network_keeps_the_conventions_of_scikit_learn(rng):
    scans = bars(rng, 120)
    names = np.array(scans.class_names)[scans.labels]
    cnn = clone(SmallCNN(max_iter=3, **QUICK))
    assert cnn.get_params()["width"] == 4
    assert cnn.fit(scans.images, names) is cnn
    assert cnn.classes_.tolist() == ["lies", "stands"]
    probabilities = cnn.predict_proba(scans.images[:7])
    assert probabilities.shape == (7, 2) and probabilities.sum(axis=1) == pytest.approx(1)
    assert set(cnn.predict(list(scans.images[:7]))) <= set(names)


def test_brightness_and_size_of_the_file_do_not_count(rng):
    scans = bars(rng, 60)
    cnn = SmallCNN(max_iter=2, **QUICK).fit(scans)
    half = scans.images.astype(float) / 510  # floats in 0…1, half as bright
    assert cnn.predict_proba(half) == pytest.approx(cnn.predict_proba(scans), abs=0.02)
    larger = np.kron(scans.images, np.ones((1, 2, 2), np.uint8))
    assert cnn.predict_proba(larger) == pytest.approx(cnn.predict_proba(scans), abs=0.05)


def test_validation_holds_whole_patients_and_training_every_class(rng):
    scans = bars(rng, 120, rare=0.2)
    cnn = SmallCNN(max_iter=1, **QUICK).fit(scans)
    aside = np.isin(np.arange(120), cnn.validation_)
    assert 0.1 < aside.mean() < 0.3
    assert not set(scans.patients[aside]) & set(scans.patients[~aside])
    assert set(scans.labels[~aside]) == {0, 1}


def test_early_stopping_goes_by_validation_and_never_reads_the_test(rng):
    train, test = bars(rng, 160, contrast=8).split(0.3)
    read = []
    spied = LazyImages(lambda i: (read.append(i), test.images[i])[1], len(test), (16, 16))
    spied = ImageSet(spied, test.labels, class_names=test.class_names, patients=test.patients)
    cnn = SmallCNN(max_iter=60, n_iter_no_change=4, **QUICK).fit(train)
    assert read == []
    history = cnn.history_
    assert history.stopped_early and len(history) < 60
    assert history.best_epoch == 1 + int(np.argmin(history.valid))
    assert len(history) == history.best_epoch + 4
    # the network that is kept is that of the best epoch
    aside = train[cnn.validation_]
    kept = judge_classifier(aside.labels, cnn.predict(aside), n_bootstrap=0)
    assert kept.macro_f1 == pytest.approx(history.best["macro_f1"])
    assert cnn.predict(spied).shape == (len(test),) and sorted(set(read)) == list(range(len(test)))


def test_stopping_by_macro_f1_keeps_its_best_epoch(rng):
    cnn = SmallCNN(max_iter=6, monitor="macro_f1", **QUICK).fit(bars(rng, 100, contrast=40))
    scores = cnn.history_.values("macro_f1")
    assert cnn.history_.best_epoch == 1 + int(np.argmax(scores))


def test_class_weights_raise_the_recall_of_a_rare_class():
    rng = np.random.default_rng(1)
    train, test = bars(rng, 400, rare=0.08, contrast=24), bars(rng, 400, contrast=24)
    recall = {}
    for weight in ("balanced", None, {0: 1.0, 1: 30.0}):
        cnn = SmallCNN(max_iter=10, class_weight=weight, validation_fraction=0, **QUICK).fit(train)
        report = judge_classifier(test.labels, cnn.predict(test), n_bootstrap=0)
        recall[str(weight)] = report.recall
        if weight == "balanced":
            counts = np.bincount(train.labels)
            assert cnn.class_weights_ == pytest.approx(400 / (2 * counts))
    assert recall["balanced"][1] > recall["None"][1] + 0.15
    assert recall["{0: 1.0, 1: 30.0}"][1] >= recall["balanced"][1]
    assert recall["balanced"][0] < recall["None"][0]  # nothing is free


def test_training_images_are_altered_anew_whenever_they_are_used(rng, tmp_path):
    pytest.importorskip("albumentations")
    scans = bars(rng, 160, contrast=120)
    plain, turned, again = (
        SmallCNN(max_iter=8, mirror=False, augment=changes, **QUICK).fit(scans)
        for changes in (None, ["quarter turn"], ["quarter turn"])
    )
    # Half of the bars that lie are made to stand, and the other way round: nothing can be learnt.
    assert plain.history_.epochs[-1]["train"] < 0.4 < turned.history_.epochs[-1]["train"]
    losses = [[epoch["train"] for epoch in cnn.history_.epochs] for cnn in (turned, again)]
    assert losses[0] == losses[1] and len(set(losses[0])) == 8
    turned.save(tmp_path / "cnn.pt")
    assert SmallCNN.load(tmp_path / "cnn.pt").augment == ["quarter turn"]


@pytest.mark.parametrize(
    ("parameters", "says"),
    [
        ({"size": 7}, "at least 8"),
        ({"width": 0}, "`width`"),
        ({"max_iter": 1.5}, "`max_iter`"),
        ({"batch_size": 1}, "`batch_size`"),
        ({"dropout": 2}, "`dropout` is a share"),
        ({"monitor": "test"}, "'loss', 'macro_f1'"),
        ({"augment": "sparkle"}, "no step called 'sparkle'"),
        ({"class_weight": "heavy"}, "'balanced', None, or a dict"),
        ({"class_weight": {7: 2.0}}, "does not fit the labels"),
        ({"device": "abacus"}, "abacus"),
        ({"learning_rate_init": 1e30}, "learning_rate_init"),
    ],
)
def test_parameters_out_of_range_are_named(rng, parameters, says):
    with pytest.raises((OctlessonsError, ValueError), match=says):
        SmallCNN(**{**QUICK, "max_iter": 3, **parameters}).fit(bars(rng, 40))


def test_data_that_cannot_be_learnt_from_are_refused(rng):
    scans = bars(rng, 40)
    cnn = SmallCNN(max_iter=1, **QUICK)
    cases = [
        (lambda: cnn.fit(scans.images), "no labels to learn from"),
        (lambda: cnn.fit(scans.images, scans.labels[:5]), "40 images but 5 labels"),
        (lambda: cnn.fit(scans.images, np.zeros(40, int)), "at least two classes"),
        (lambda: cnn.fit(scans.images, scans.labels / 2), "whole number or text"),
        (
            lambda: cnn.fit(scans.images, scans.labels, groups=scans.labels),
            "too few patients, 2, to put 20 % aside",
        ),
    ]
    for call, says in cases:
        with pytest.raises(ValueError, match=says):
            call()
