"""The labelled yardstick: reports, re-weighting and calibration."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn import metrics

from octlessons.evaluation import (
    calibration,
    judge_classifier,
    report_from_matrix,
    reweighted,
)
from octlessons.figures import calibration_figure, confusion_figure, render

NAMES = ("CNV", "DME", "DRUSEN", "NORMAL")
#: "Confusion matrix on Test Set", report of sidddheer/OCTMNIST-Retinal-Disease-Classification.
PUBLISHED = [[5290, 66, 176, 87], [134, 1409, 41, 155], [238, 19, 588, 485], [86, 67, 195, 7361]]


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def guesses(rng, n=300, k=4, skill=0.6):
    labels = rng.choice(k, n, p=np.array([0.4, 0.1, 0.15, 0.35])[:k])
    return labels, np.where(rng.random(n) < skill, labels, rng.integers(k, size=n))


# ---------------------------------------------------------------------- reports


def test_scores_are_those_of_scikit_learn(rng):
    labels, called = guesses(rng)
    report = judge_classifier(labels, called, NAMES, n_bootstrap=0)
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
    from_soft = judge_classifier(labels, soft, NAMES, n_bootstrap=0)
    assert np.array_equal(from_soft.matrix, judge_classifier(labels, called, n_bootstrap=0).matrix)


def test_a_class_never_called_has_precision_zero_and_one_without_images_does_not_count():
    labels, called = [0, 0, 0, 1, 1], [0, 0, 2, 0, 0]
    report = judge_classifier(labels, called, n_bootstrap=0)
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
    by_image = judge_classifier(labels, called).intervals["accuracy"]
    by_patient = judge_classifier(labels, called, groups=np.repeat(np.arange(30), 10)).intervals[
        "accuracy"
    ]
    assert by_patient.low < by_patient.estimate < by_patient.high
    width = (by_patient.high - by_patient.low) / (by_image.high - by_image.low)
    assert 2 < width < 5  # √10 in theory


def test_every_score_has_an_interval_around_it(rng):
    labels, called = guesses(rng)
    report = judge_classifier(labels, called, NAMES, n_bootstrap=300)
    assert report.accuracy in report.intervals["accuracy"]
    assert report.macro_f1 in report.intervals["macro_f1"]
    for i, name in enumerate(NAMES):
        assert report.recall[i] in report.intervals[f"recall {name}"]


def test_small_tests_get_no_interval_of_zero_width():
    labels = np.repeat(np.arange(3), 3)
    for called in (labels, np.roll(labels, 3), np.array([0, 0, 0, 1, 1, 1, 0, 0, 1])):
        for prior in (None, "balanced", [0.5, 0.3, 0.2]):
            intervals = judge_classifier(labels, called, groups=labels.astype(str), prior=prior)
            for name, each in intervals.intervals.items():
                if name.startswith(("accuracy", "balanced", "recall")):
                    assert each.high - each.low > 0.3, (name, each)
    by_image = judge_classifier(labels, labels).intervals
    assert by_image["recall 0"].low == pytest.approx(0.44, abs=0.01)  # Wilson, 3 of 3
    assert all(each.high - each.low > 0.1 for each in by_image.values())
    assert judge_classifier(labels, np.zeros(9, int)).intervals.get("precision 2") is None


def test_a_learning_curve_that_is_always_right_is_not_certain():
    from sklearn.neighbors import KNeighborsClassifier
    from sklearn.pipeline import make_pipeline

    from octlessons.evaluation import augmentation_curve
    from octlessons.images import ImageSet
    from octlessons.representations import Pixels

    labels = np.repeat([0, 1], 4)
    grey = np.full((8, 8, 8), 1, np.uint8) * (100 * labels[:, None, None]).astype(np.uint8)
    sides = [ImageSet(grey, labels, class_names=["A", "B"]) for _ in range(2)]
    model = make_pipeline(Pixels(8), KNeighborsClassifier(1))
    point = augmentation_curve(
        *sides, sizes=(2,), seeds=2, n_bootstrap=20, classifier=model
    ).points[0]
    assert point.mean == point.high == 1 and 0.5 < point.low < 0.75


@pytest.mark.parametrize("prior", [None, [0.6, 0.3, 0.1]])
def test_intervals_hold_what_is_true(prior):
    truth, mix = np.array([0.95, 0.8, 0.5]), [0.6, 0.3, 0.1]
    rng, labels = np.random.default_rng(3), np.repeat(np.arange(3), [12, 10, 8])
    held = []
    for _ in range(200):
        called = np.where(rng.random(30) < truth[labels], labels, (labels + 1) % 3)
        found = judge_classifier(labels, called, prior=prior, n_bootstrap=2).intervals
        wanted = truth.mean() if prior is None else np.dot(mix, truth)
        held.append(wanted in found["balanced_accuracy" if prior is None else "accuracy"])
    assert 0.9 <= np.mean(held) <= 1


def test_report_shows_itself_with_names_and_support(rng):
    labels, called = guesses(rng)
    report = judge_classifier(labels, called, ["<A>", *NAMES[1:]], groups=labels)
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
    assert report.intervals["accuracy"].high - report.intervals["accuracy"].low < 0.011


def test_published_matrix_on_a_balanced_test():
    balanced = report_from_matrix(reweighted(PUBLISHED), NAMES)
    assert balanced.accuracy == pytest.approx(0.787, abs=5e-4)
    assert balanced.macro_f1 == pytest.approx(0.775, abs=5e-4)
    assert balanced.accuracy == pytest.approx(balanced.balanced_accuracy)
    with_intervals = report_from_matrix(PUBLISHED, NAMES, prior="balanced")
    assert with_intervals.macro_f1 == pytest.approx(balanced.macro_f1)
    assert with_intervals.accuracy in with_intervals.intervals["accuracy"]
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
    drawn = judge_classifier(labels, called, n_bootstrap=0)
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
        (lambda: judge_classifier([0, 1], [0]), "2 images but 1 predictions"),
        (lambda: judge_classifier([0, 1], [0, 1], groups=["a"]), "1 groups"),
        (lambda: judge_classifier([], []), "at least one"),
        (lambda: judge_classifier(None, [0]), "no labels"),
        (lambda: judge_classifier(["a"], ["a"]), "count classes from 0"),
        (lambda: judge_classifier([0, -1], [0, 0]), "start at -1"),
        (lambda: judge_classifier([0, 1], [[2.0, 1.0], [0.5, 0.1]]), "softmax"),
        (
            lambda: judge_classifier([0, 2], [[0.5, 0.5], [0.1, 0.9]]),
            "probabilities of 2 only",
        ),
        (lambda: judge_classifier([0, 1], [[np.nan, 1.0], [0.5, 0.5]]), "NaN"),
        (lambda: calibration([0], [[0.5, 0.5], [0.1, 0.9]]), "1 images but 2 rows"),
        (lambda: calibration([0], [[0.5, 0.5]], groups=[1, 2]), "2 groups"),
        (lambda: calibration([2], [[0.5, 0.5]]), "of 2 classes"),
        (lambda: calibration([0], [[0.5, 0.5]], bins=0), "at least 1 bin"),
        (lambda: calibration([0], [0.5]), "one column for each class"),
    ],
)
def test_mistakes_are_answered_with_a_sentence(call, says):
    with pytest.raises(ValueError, match=says):
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
    together = calibration(labels, probabilities, groups=np.repeat(np.arange(20), 10)).brier
    assert together.high - together.low > 1.5 * (alone.high - alone.low)


# ---------------------------------------------------------------------- figures


def test_figures_say_what_they_show_and_turn_dark(rng):
    fig = confusion_figure(report_from_matrix(PUBLISHED, NAMES), title="Published")
    assert "of 1,330 DRUSEN, 44 % are called so and 36 % NORMAL" in fig.alt
    texts = {text.get_text() for ax in fig.axes for text in ax.texts}
    assert {"5,290\n94 %", "588\n44 %"} <= texts
    assert render(fig, dark=True) != render(fig)
    probabilities = rng.dirichlet([1] * 3, 80)
    found = calibration(np.zeros(80, int), probabilities, n_bootstrap=20)
    fig = calibration_figure({"one": found, "two": found})
    assert "one: mean confidence" in fig.alt and "surer than right" in fig.alt
    assert calibration_figure(found).alt.startswith("Share of right answers")
    with pytest.raises(ValueError, match="square"):
        confusion_figure([[1, 2]])
    with pytest.raises(ValueError, match="3 names for 2"):
        confusion_figure(np.eye(2), NAMES[:3])
