"""Leaks: what an honest and a leaking way score, with true and with shuffled labels."""

import numpy as np
import pytest
from sklearn.neighbors import KNeighborsClassifier

from octlessons.evaluation import Leaks, mean_recall, split_rows, study_leak, swapped


def slices(rng, n_patients=40, per_patient=4):
    """Rows that know the patient and nothing about the label."""
    patients = np.repeat(np.arange(n_patients), per_patient)
    rows = rng.normal(size=(n_patients, 5))[patients] + 0.1 * rng.normal(size=(len(patients), 5))
    return rows, (patients % 2), patients.astype(str)


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def shared(rows, patients):
    def leak(labels, seed):
        scores = []
        for groups in (patients, None):
            train, test = split_rows(labels, groups, seed)
            model = KNeighborsClassifier(1).fit(rows[train], labels[train])
            scores.append(mean_recall(labels[test], model.predict(rows[test])))
        return scores

    return leak


def test_shared_patients_make_a_score_out_of_nothing(rng):
    rows, labels, patients = slices(rng)
    found = study_leak("patients", shared(rows, patients), labels, patients, n_splits=8)
    assert found.leaked > 0.9 and 0.2 < found.honest < 0.7
    assert found.gap.low > 0 and found.from_nothing > 0.25
    assert found.gap.high <= 1 - found.honest + 1e-9
    assert "patients: honest 0." in str(found) and found.name in str(Leaks((found,)))


def test_no_leak_where_every_patient_has_one_scan(rng):
    rows, labels, patients = slices(rng, per_patient=1)
    found = study_leak("patients", shared(rows, patients), labels, patients, n_splits=8)
    assert found.gap.estimate == 0  # the same splits of the same single scans
    assert 0 in found.gap


def test_intervals_of_overlapping_splits_are_wider_than_those_of_independent_ones():
    drawn = np.random.default_rng(1).normal(0.1, 0.05, 20)
    found = study_leak("x", lambda labels, seed: (0.4, 0.4 + drawn[seed]), [0, 1])
    plain = 2.093 * drawn.std(ddof=1) / np.sqrt(20)
    assert found.gap.estimate == pytest.approx(drawn.mean())
    assert found.gap.high - found.gap.estimate == pytest.approx(
        plain * np.sqrt(1 + 20 / 3), rel=0.01
    )


def test_patients_swap_labels_whole(rng):
    patients = np.repeat(["a", "b", "c", "d"], 3)
    labels = np.repeat([0, 0, 1, 1], 3)
    for seed in range(5):
        new = swapped(labels, patients, seed)
        assert all(len(set(new[patients == name])) == 1 for name in "abcd")
        assert sorted(new) == sorted(labels)


def test_splits_keep_patients_together_and_classes_spread(rng):
    _, labels, patients = slices(rng)
    train, test = split_rows(labels, patients, seed=1)
    assert not set(patients[train]) & set(patients[test])
    assert abs(labels[test].mean() - 0.5) < 0.2 and 0.2 <= len(test) / len(labels) <= 0.3
    assert sorted(np.r_[train, test]) == list(range(len(labels)))
    assert len(split_rows([0, 0, 1, 1, 1, 1], seed=0)[1]) == 3  # two parts: two of the rare class


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: study_leak("x", lambda *_: (0, 1), [0, 1], n_splits=1), "at least 2"),
        (lambda: study_leak("x", lambda *_: (0, 1), [0, 1], test_share=1), "between 0 and 1"),
        (lambda: study_leak("x", lambda *_: (0, 1), [0, 1], ["a"]), "1 patients"),
        (lambda: split_rows([0, 1, 1]), "smallest class has 1"),
        (lambda: split_rows([0, 0, 1, 1], parts=1), "there are 1 parts"),
    ],
)
def test_wrong_arguments_are_told(call, says):
    with pytest.raises(ValueError, match=says):
        call()
