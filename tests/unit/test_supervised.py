"""The labelled yardstick: reports, re-weighting, calibration, and the small network."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from sklearn import metrics
from sklearn.base import clone

from octlessons.errors import OctlessonsError
from octlessons.evaluation import (
    calibration,
    classification_report,
    medmnist_scores,
    report_from_matrix,
    reweighted,
)
from octlessons.figures import calibration_figure, confusion_figure, render
from octlessons.images import ImageSet, draw_phantoms
from octlessons.images.cleaning import clean
from octlessons.images.imageset import LazyImages
from octlessons.networks import SmallCNN

NAMES = ("CNV", "DME", "DRUSEN", "NORMAL")
#: "Confusion matrix on Test Set", report of sidddheer/OCTMNIST-Retinal-Disease-Classification.
PUBLISHED = [[5290, 66, 176, 87], [134, 1409, 41, 155], [238, 19, 588, 485], [86, 67, 195, 7361]]
QUICK = {"size": 16, "width": 4, "batch_size": 16, "verbose": False, "device": "cpu"}


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def guesses(rng, n=300, k=4, skill=0.6):
    labels = rng.choice(k, n, p=np.array([0.4, 0.1, 0.15, 0.35])[:k])
    return labels, np.where(rng.random(n) < skill, labels, rng.integers(k, size=n))


# ---------------------------------------------------------------------- reports


def test_scores_are_those_of_scikit_learn(rng):
    labels, called = guesses(rng)
    report = classification_report(labels, called, NAMES, n_bootstrap=0)
    precision, recall, f1, support = metrics.precision_recall_fscore_support(labels, called)
    assert np.array_equal(report.matrix, metrics.confusion_matrix(labels, called))
    assert report.accuracy == pytest.approx(metrics.accuracy_score(labels, called))
    assert report.balanced_accuracy == pytest.approx(
        metrics.balanced_accuracy_score(labels, called)
    )
    assert report.macro_f1 == pytest.approx(metrics.f1_score(labels, called, average="macro"))
    assert report.macro_precision == pytest.approx(precision.mean())
    for mine, theirs in (
        (report.precision, precision),
        (report.recall, recall),
        (report.f1, f1),
        (report.support, support),
    ):
        assert mine == pytest.approx(theirs)


def test_probabilities_count_by_their_largest(rng):
    labels, called = guesses(rng)
    soft = 0.7 * np.eye(4)[called] + 0.3 / 4
    from_soft = classification_report(labels, soft, NAMES, n_bootstrap=0)
    assert np.array_equal(
        from_soft.matrix, classification_report(labels, called, n_bootstrap=0).matrix
    )


def test_a_class_never_called_has_precision_zero_and_one_without_images_does_not_count():
    labels, called = [0, 0, 0, 1, 1], [0, 0, 2, 0, 0]
    report = classification_report(labels, called, n_bootstrap=0)
    assert report.precision[1] == 0 and report.recall[1] == 0
    assert np.isnan(report.recall[2]) and np.isnan(report.precision[2])
    assert report.balanced_accuracy == pytest.approx((2 / 3 + 0) / 2)
    assert report.macro_f1 == pytest.approx(
        metrics.f1_score(labels, called, labels=[0, 1], average="macro")
    )
    assert "–" in str(report)


def test_intervals_draw_patients(rng):
    right = np.repeat(rng.random(30) < 0.7, 10)  # ten slices of a patient agree
    labels = np.repeat(np.arange(30) % 2, 10)
    called = np.where(right, labels, 1 - labels)
    by_image = classification_report(labels, called).interval("accuracy")
    by_patient = classification_report(
        labels, called, patients=np.repeat(np.arange(30), 10)
    ).interval("accuracy")
    assert by_patient.low < by_patient.estimate < by_patient.high
    width = (by_patient.high - by_patient.low) / (by_image.high - by_image.low)
    assert 2 < width < 5  # √10 in theory


def test_every_score_has_an_interval_around_it(rng):
    labels, called = guesses(rng)
    report = classification_report(labels, called, NAMES, n_bootstrap=300)
    assert report.accuracy in report.interval("accuracy")
    assert report.macro_f1 in report.interval("macro_f1")
    for i, name in enumerate(NAMES):
        assert report.recall[i] in report.interval(f"recall {name}")
    with pytest.raises(OctlessonsError, match="no interval of 'recall GLAUCOMA'"):
        report.interval("recall GLAUCOMA")


def test_report_shows_itself_with_names_and_support(rng):
    labels, called = guesses(rng)
    report = classification_report(labels, called, ["<A>", *NAMES[1:]], patients=labels)
    assert "of 4 patients" in str(report) and "mean of classes" in str(report)
    assert "&lt;A&gt;" in report._repr_html_() and "<caption>" in report._repr_html_()


# ---------------------------------------------------------------------- the published matrix


def test_published_matrix_gives_the_four_published_numbers():
    report = report_from_matrix(PUBLISHED, NAMES)
    found = [report.accuracy, report.macro_precision, report.macro_recall, report.macro_f1]
    assert found == pytest.approx([0.89333, 0.83027, 0.78716, 0.80534], abs=6e-6)
    assert report.recall == pytest.approx([0.941, 0.810, 0.442, 0.955], abs=5e-4)
    assert report.support.tolist() == [5619, 1739, 1330, 7709]
    # 16,397 images: an interval of half a percentage point either way
    assert report.interval("accuracy").high - report.interval("accuracy").low < 0.011


def test_published_matrix_on_a_balanced_test():
    balanced = report_from_matrix(reweighted(PUBLISHED), NAMES)
    assert balanced.accuracy == pytest.approx(0.787, abs=5e-4)
    assert balanced.macro_f1 == pytest.approx(0.775, abs=5e-4)
    assert balanced.accuracy == pytest.approx(balanced.balanced_accuracy)
    with_intervals = report_from_matrix(PUBLISHED, NAMES, prior="balanced")
    assert with_intervals.macro_f1 == pytest.approx(balanced.macro_f1)
    assert with_intervals.accuracy in with_intervals.interval("accuracy")
    assert not balanced.intervals  # fractions of images cannot be drawn
    assert "re-weighted to 25 % CNV" in str(with_intervals)


def test_reweighting_keeps_recalls_and_total_and_predicts_another_mix(rng):
    natural = np.array(PUBLISHED, float)
    shares = [0.1, 0.2, 0.3, 0.4]
    moved = reweighted(natural, shares)
    assert moved.sum() == pytest.approx(natural.sum())
    assert moved.sum(axis=1) / moved.sum() == pytest.approx(shares)
    recall = np.diag(natural) / natural.sum(axis=1)
    assert np.diag(moved) / moved.sum(axis=1) == pytest.approx(recall)
    # the same classifier, on 200,000 images drawn in that mix
    labels = rng.choice(4, 200_000, p=shares)
    chance = (natural / natural.sum(axis=1, keepdims=True)).cumsum(axis=1)
    called = (rng.random(len(labels))[:, None] > chance[labels]).sum(axis=1)
    drawn = classification_report(labels, called, n_bootstrap=0)
    predicted = report_from_matrix(moved, n_bootstrap=0)
    assert drawn.accuracy == pytest.approx(predicted.accuracy, abs=0.005)
    assert drawn.macro_f1 == pytest.approx(predicted.macro_f1, abs=0.005)


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: report_from_matrix([[1, 2, 3], [4, 5, 6]]), "square"),
        (lambda: report_from_matrix([[1, -2], [0, 1]]), "no entry is negative"),
        (lambda: report_from_matrix([[0, 0], [0, 0]]), "holds no images"),
        (lambda: report_from_matrix([[1, 0], [0, 1]], ["one"]), "1 class names for 2 classes"),
        (lambda: reweighted([[1, 0], [0, 1]], [1, 2, 3]), "3 shares for 2 classes"),
        (lambda: reweighted([[1, 0], [0, 1]], [-1, 2]), "must not be negative"),
        (lambda: reweighted([[1, 0], [0, 1]], "even"), "'balanced' or the share"),
        (lambda: reweighted([[1, 0], [0, 0]], [1, 1]), "class 1, of which the matrix has no image"),
        (lambda: classification_report([0, 1], [0]), "2 labels but 1 predictions"),
        (lambda: classification_report([0, 1], [0, 1], patients=["a"]), "1 patients"),
        (lambda: classification_report([], []), "at least one"),
        (lambda: classification_report(None, [0]), "no labels"),
        (lambda: classification_report(["a"], ["a"]), "count classes from 0"),
        (lambda: classification_report([0, -1], [0, 0]), "start at -1"),
        (lambda: classification_report([0, 1], [[2.0, 1.0], [0.5, 0.1]]), "softmax"),
        (
            lambda: classification_report([0, 2], [[0.5, 0.5], [0.1, 0.9]]),
            "probabilities of 2 only",
        ),
        (lambda: classification_report([0, 1], [[np.nan, 1.0], [0.5, 0.5]]), "NaN"),
        (lambda: calibration([0], [[0.5, 0.5], [0.1, 0.9]]), "1 labels but 2 rows"),
        (lambda: calibration([0], [[0.5, 0.5]], patients=[1, 2]), "2 patients"),
        (lambda: calibration([2], [[0.5, 0.5]]), "2 classes only"),
        (lambda: calibration([0], [[0.5, 0.5]], bins=0), "at least 1 bin"),
        (lambda: calibration([0], [0.5]), "one column for each class"),
    ],
)
def test_mistakes_are_answered_with_a_sentence(call, says):
    with pytest.raises(OctlessonsError, match=says):
        call()


# ---------------------------------------------------------------------- calibration


def test_calibration_of_a_classifier_that_knows_its_doubts(rng):
    probabilities = rng.dirichlet([0.5] * 4, 4000)
    labels = (rng.random(4000)[:, None] > probabilities.cumsum(axis=1)).sum(axis=1).clip(max=3)
    good = calibration(labels, probabilities, 10)
    assert float(good.ece) < 0.03 and 0 in good.overconfidence
    sharp = probabilities**3 / (probabilities**3).sum(axis=1, keepdims=True)
    sure = calibration(labels, sharp, 10)
    assert float(sure.ece) > 0.1 and sure.overconfidence.low > 0.05
    assert float(sure.brier) > float(good.brier)


def test_calibration_counts_as_defined(rng):
    labels = rng.integers(3, size=200)
    probabilities = rng.dirichlet([1] * 3, 200)
    found = calibration(labels, probabilities, 5, n_bootstrap=20)
    sure, right = probabilities.max(axis=1), probabilities.argmax(axis=1) == labels
    error = 0.0
    for i in range(5):
        inside = (sure > i / 5) & (sure <= (i + 1) / 5)
        assert found.counts[i] == inside.sum()
        if inside.any():
            assert found.confidence[i] == pytest.approx(sure[inside].mean())
            assert found.accuracy[i] == pytest.approx(right[inside].mean())
            error += inside.mean() * abs(sure[inside].mean() - right[inside].mean())
    assert float(found.ece) == pytest.approx(error)
    assert found.n == 200


def test_brier_score_is_that_of_scikit_learn(rng):
    labels, p = rng.integers(2, size=100), rng.random(100)
    found = calibration(labels, np.column_stack([1 - p, p]), n_bootstrap=20)
    assert float(found.brier) == pytest.approx(2 * metrics.brier_score_loss(labels, p))


def test_certain_and_right_is_perfect_and_certain_and_wrong_the_worst():
    sure = np.eye(2)[[0, 1, 1]]
    best, worst = calibration([0, 1, 1], sure), calibration([1, 0, 0], sure)
    assert (float(best.ece), float(best.brier)) == (0, 0)
    assert (float(worst.ece), float(worst.brier)) == (1, 2)


def test_calibration_intervals_draw_patients(rng):
    labels = np.repeat(rng.integers(2, size=20), 10)
    probabilities = np.repeat(rng.dirichlet([1, 1], 20), 10, axis=0)
    alone = calibration(labels, probabilities).brier
    together = calibration(labels, probabilities, patients=np.repeat(np.arange(20), 10)).brier
    assert together.high - together.low > 1.5 * (alone.high - alone.low)


# ---------------------------------------------------------------------- figures


def test_figures_say_what_they_show_and_turn_dark(rng):
    fig = confusion_figure(report_from_matrix(PUBLISHED, NAMES), title="Published")
    assert "of 1,330 DRUSEN, 44 % are called so and 36 % NORMAL" in fig.alt
    texts = {text.get_text() for ax in fig.axes for text in ax.texts}
    assert {"5,290", "94 %", "588", "44 %"} <= texts
    assert render(fig, dark=True) != render(fig)
    probabilities = rng.dirichlet([1] * 3, 80)
    found = calibration(np.zeros(80, int), probabilities, n_bootstrap=20)
    fig = calibration_figure({"one": found, "two": found})
    assert "one: mean confidence" in fig.alt and "surer than right" in fig.alt
    assert calibration_figure(found).alt.startswith("Share of right answers")
    with pytest.raises(ValueError, match="square"):
        confusion_figure([[1, 2]])
    with pytest.raises(ValueError, match="3 class names for 2"):
        confusion_figure(np.eye(2), NAMES[:3])


# ---------------------------------------------------------------------- the network


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


def test_network_learns_phantoms_far_better_than_chance():
    pytest.importorskip("torch")
    scans = draw_phantoms(n_per_class=70, size=48, seed=2)
    scans = scans.map(lambda scan: clean(scan, size=32), "cleaned", shape=(32, 32))
    train, test = scans.split(0.35, random_state=0)
    cnn = SmallCNN(32, width=8, epochs=30, batch_size=16, verbose=False, device="cpu").fit(train)
    report = classification_report(
        test.labels, cnn.predict_proba(test), test.class_names, patients=test.patients
    )
    assert report.interval("balanced_accuracy").low > 0.4  # chance: 0.25
    assert cnn.score(test, test.labels) == pytest.approx(report.accuracy)


def test_network_keeps_the_conventions_of_scikit_learn(rng, capsys):
    pytest.importorskip("torch")
    scans = bars(rng, 120)
    names = np.array(scans.class_names)[scans.labels]
    cnn = clone(SmallCNN(epochs=3, **QUICK))
    assert cnn.get_params()["width"] == 4
    assert cnn.fit(scans.images, names) is cnn
    assert cnn.classes_.tolist() == ["lies", "stands"]
    probabilities = cnn.predict_proba(scans.images[:7])
    assert probabilities.shape == (7, 2) and probabilities.sum(axis=1) == pytest.approx(1)
    assert set(cnn.predict(list(scans.images[:7]))) <= set(names)
    again = pickle.loads(pickle.dumps(cnn))
    assert np.array_equal(again.predict_proba(scans.images[:7]), probabilities)
    assert capsys.readouterr().out == ""
    SmallCNN(epochs=2, **{**QUICK, "verbose": True}).fit(scans)
    assert capsys.readouterr().out.count("\n") == 2


def test_same_seed_same_network_and_nobody_elses_randomness(rng):
    torch = pytest.importorskip("torch")
    scans = bars(rng, 60)
    torch.manual_seed(7)
    first = SmallCNN(epochs=2, **QUICK).fit(scans).predict_proba(scans)
    here = torch.rand(1)
    torch.manual_seed(7)
    assert torch.rand(1) == here
    assert np.array_equal(first, SmallCNN(epochs=2, **QUICK).fit(scans).predict_proba(scans))
    other = SmallCNN(epochs=2, random_state=1, **QUICK).fit(scans).predict_proba(scans)
    assert not np.array_equal(first, other)


def test_brightness_and_size_of_the_file_do_not_count(rng):
    pytest.importorskip("torch")
    scans = bars(rng, 60)
    cnn = SmallCNN(epochs=2, **QUICK).fit(scans)
    half = scans.images.astype(float) / 510  # floats in 0…1, half as bright
    assert cnn.predict_proba(half) == pytest.approx(cnn.predict_proba(scans), abs=0.02)
    larger = np.kron(scans.images, np.ones((1, 2, 2), np.uint8))
    assert cnn.predict_proba(larger) == pytest.approx(cnn.predict_proba(scans), abs=0.05)


def test_validation_holds_whole_patients_and_training_every_class(rng):
    pytest.importorskip("torch")
    scans = bars(rng, 120, rare=0.2)
    cnn = SmallCNN(epochs=1, **QUICK).fit(scans)
    aside = np.isin(np.arange(120), cnn.validation_index_)
    assert 0.1 < aside.mean() < 0.3
    assert not set(scans.patients[aside]) & set(scans.patients[~aside])
    assert set(scans.labels[~aside]) == {0, 1}


def test_early_stopping_goes_by_validation_and_never_reads_the_test(rng):
    pytest.importorskip("torch")
    train, test = bars(rng, 160, contrast=8).split(0.3)
    read = []
    spied = LazyImages(lambda i: (read.append(i), test.images[i])[1], len(test), (16, 16))
    spied = ImageSet(spied, test.labels, class_names=test.class_names, patients=test.patients)
    cnn = SmallCNN(epochs=60, patience=4, **QUICK).fit(train)
    assert read == []
    history = cnn.history_
    assert history.stopped_early and len(history) < 60
    assert history.best_epoch == 1 + int(np.argmin(history.valid))
    assert len(history) == history.best_epoch + 4
    # the network that is kept is that of the best epoch
    aside = train[cnn.validation_index_]
    kept = classification_report(aside.labels, cnn.predict(aside), n_bootstrap=0)
    assert kept.macro_f1 == pytest.approx(history.best["macro_f1"])
    assert cnn.predict(spied).shape == (len(test),) and sorted(set(read)) == list(range(len(test)))


def test_stopping_by_macro_f1_keeps_its_best_epoch(rng):
    pytest.importorskip("torch")
    cnn = SmallCNN(epochs=6, monitor="macro_f1", **QUICK).fit(bars(rng, 100, contrast=40))
    scores = cnn.history_.values("macro_f1")
    assert cnn.history_.best_epoch == 1 + int(np.argmax(scores))


def test_validation_may_be_given_or_left_out(rng):
    pytest.importorskip("torch")
    scans = bars(rng, 120)
    train, valid = scans.split(0.3)
    given = SmallCNN(epochs=2, **QUICK).fit(train, validation=valid)
    assert given.validation_index_ is None and np.isfinite(given.history_.valid).all()
    without = SmallCNN(epochs=3, patience=1, validation=None, **QUICK).fit(train)
    assert without.validation_index_ is None
    assert len(without.history_) == 3 and np.isnan(without.history_.valid).all()
    with pytest.raises(OctlessonsError, match="of the validation images are among"):
        SmallCNN(epochs=2, **QUICK).fit(train, validation=scans)


def test_class_weights_raise_the_recall_of_a_rare_class():
    pytest.importorskip("torch")
    rng = np.random.default_rng(1)
    train, test = bars(rng, 400, rare=0.08, contrast=24), bars(rng, 400, contrast=24)
    recall = {}
    for weight in ("balanced", None, {0: 1.0, 1: 30.0}):
        cnn = SmallCNN(epochs=10, class_weight=weight, **QUICK).fit(train, validation=None)
        report = classification_report(test.labels, cnn.predict(test), n_bootstrap=0)
        recall[str(weight)] = report.recall
        if weight == "balanced":
            counts = np.bincount(train.labels)
            assert cnn.class_weights_ == pytest.approx(400 / (2 * counts))
    assert recall["balanced"][1] > recall["None"][1] + 0.15
    assert recall["{0: 1.0, 1: 30.0}"][1] >= recall["balanced"][1]
    assert recall["balanced"][0] < recall["None"][0]  # nothing is free


def test_a_checkpoint_goes_on_and_that_of_other_data_is_refused(rng, tmp_path):
    pytest.importorskip("torch")
    scans, path = bars(rng, 60), tmp_path / "cnn.pt"
    first = SmallCNN(epochs=3, checkpoint=path, **QUICK).fit(scans)
    again = SmallCNN(epochs=3, checkpoint=path, **QUICK).fit(scans)
    assert again.history_.resumed_from == 3
    assert np.array_equal(first.predict_proba(scans), again.predict_proba(scans))
    with pytest.raises(OctlessonsError, match=r"cnn\.pt"):
        SmallCNN(epochs=3, checkpoint=path, **QUICK).fit(bars(rng, 60))


@pytest.mark.parametrize(
    ("parameters", "says"),
    [
        ({"size": 7}, "at least 8 pixels"),
        ({"width": 0}, "`width`"),
        ({"epochs": 1.5}, "`epochs`"),
        ({"batch_size": 1}, "`batch_size`"),
        ({"dropout": 1.0}, "`dropout`"),
        ({"monitor": "test"}, "'loss' or 'macro_f1'"),
        ({"class_weight": "heavy"}, "'balanced', None, or a dict"),
        ({"class_weight": {7: 2.0}}, "does not fit the labels"),
        ({"device": "abacus"}, "abacus"),
        ({"learning_rate": 1e30}, "learning"),
    ],
)
def test_parameters_out_of_range_are_named(rng, parameters, says):
    pytest.importorskip("torch")
    with pytest.raises((OctlessonsError, ValueError), match=says):
        SmallCNN(**{**QUICK, "epochs": 3, **parameters}).fit(bars(rng, 40))


def test_data_that_cannot_be_learnt_from_are_refused(rng):
    pytest.importorskip("torch")
    scans = bars(rng, 40)
    cnn = SmallCNN(epochs=1, **QUICK)
    cases = [
        (lambda: cnn.fit(scans.images), "no labels to learn from"),
        (lambda: cnn.fit(scans.images, scans.labels[:5]), "40 images but 5 labels"),
        (lambda: cnn.fit(scans.images, np.zeros(40, int)), "at least two classes"),
        (lambda: cnn.fit(scans.images, scans.labels / 2), "whole number or text"),
        (lambda: cnn.fit(scans, validation=1.5), "share between 0 and 1"),
        (
            lambda: cnn.fit(scans.images, scans.labels, patients=scans.labels),
            "too few patients to put 20 % aside",
        ),
    ]
    for call, says in cases:
        with pytest.raises(OctlessonsError, match=says):
            call()


def test_scores_of_medmnists_own_evaluator(rng, tmp_path, monkeypatch):
    pytest.importorskip("torch")
    pytest.importorskip("pandas")
    pytest.importorskip("medmnist")
    monkeypatch.setenv("OCTLESSONS_MEDMNIST_CHECK", "0")
    labels, called = guesses(rng, 80)
    arrays = {}
    for part in ("train", "val", "test"):
        arrays[f"{part}_images"] = np.zeros((80, 28, 28), np.uint8)
        arrays[f"{part}_labels"] = labels[:, None].astype(np.uint8)
    np.savez(tmp_path / "octmnist.npz", **arrays)
    probabilities = 0.6 * np.eye(4)[called] + 0.4 * rng.dirichlet([1] * 4, 80)
    found = medmnist_scores(probabilities, root=tmp_path)
    aucs = [metrics.roc_auc_score(labels == c, probabilities[:, c]) for c in range(4)]
    expected = np.mean(aucs), np.mean(probabilities.argmax(axis=1) == labels)
    assert tuple(found) == pytest.approx(expected)
    with pytest.raises(OctlessonsError, match="80 images and 4 classes"):
        medmnist_scores(probabilities[:79], root=tmp_path)
    with pytest.raises(OctlessonsError, match="'train', 'val' or 'test'"):
        medmnist_scores(probabilities, split="all", root=tmp_path)
