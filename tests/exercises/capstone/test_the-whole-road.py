"""Checks of the capstone."""

from functools import cache

import numpy as np
import pytest
from sklearn.cluster import KMeans
from sklearn.metrics import normalized_mutual_info_score, rand_score

from octlessons.testing import (
    assert_array,
    assert_close,
    assert_in_band,
    assert_input_unchanged,
    assert_number,
    assert_repeatable,
    assert_same_partition,
    assert_seed_is_used,
    band,
    fail,
    mistake,
    reference,
    same_partition,
    symptom,
)

# More features than pixels, for scans far larger than these.
MOST = 1_000_000


def study(n_patients=30, seed=11):
    """Patients with one to nine scans, of unequal classes; clusters follow people, and are right
    for most of them."""
    rng = np.random.default_rng(seed)
    number = np.repeat(np.arange(n_patients), rng.integers(1, 10, size=n_patients))
    labels = np.array([0, 1, 0, 2, 0, 1])[number % 6]
    right = rng.random(n_patients)[number] < 0.7
    clusters = np.where(right, (labels + 1) % 3, rng.integers(3, size=n_patients)[number])
    return clusters, labels, np.char.add("p", number.astype(str))


def index(a, b):
    """The adjusted Rand index from the counts of the table."""
    table = np.zeros((a.max() + 1, b.max() + 1))
    np.add.at(table, (a, b), 1)
    pairs, rows, columns = (
        (x * (x - 1) / 2).sum() for x in (table, table.sum(axis=1), table.sum(axis=0))
    )
    expected = rows * columns / (len(a) * (len(a) - 1) / 2)
    return float((pairs - expected) / ((rows + columns) / 2 - expected))


def draws(clusters, labels, patients, change):
    """The index of 300 changed studies; `change` gives numbers of scans, and labels for them."""
    rng = np.random.default_rng(12345)
    of = np.unique(patients, return_inverse=True)[1]
    scans = [np.flatnonzero(of == i) for i in range(of.max() + 1)]
    found = []
    for _ in range(300):
        which, label = change(rng, scans, of, labels)
        found.append(index(label, clusters[which]))
    return np.array(found)


def by_patient(rng, scans, of, labels):
    """Patients, with replacement."""
    which = np.concatenate([scans[i] for i in rng.integers(len(scans), size=len(scans))])
    return which, labels[which]


def by_scan(rng, scans, of, labels):
    """Scans, with replacement."""
    which = rng.integers(len(labels), size=len(labels))
    return which, labels[which]


def swapped(rng, scans, of, labels):
    """Labels change between patients."""
    own = np.array([labels[one[0]] for one in scans])
    return np.arange(len(labels)), rng.permutation(own)[of]


def shuffled(rng, scans, of, labels):
    """Labels change between scans."""
    return np.arange(len(labels)), rng.permutation(labels)


def ends_of(found, given, change, q=(2.5, 97.5)):
    """Whether the interval comes from another way of drawing."""
    right = np.percentile(draws(*given, by_patient), [2.5, 97.5])
    other = np.percentile(draws(*given, change), q)
    apart = np.abs(right - other).max()
    away = np.abs(np.array([found["low"], found["high"]]) - other).max()
    return apart > 0.06 and away < apart / 2


@symptom("judge")
def a_share(found, clusters, labels, patients, seed):
    """This is a share of equal numbers, but clusters have no names: compare partitions, with the
    adjusted Rand index.
    """
    share = np.mean(clusters == labels)
    return np.isclose(found["ari"], share) and not np.isclose(share, index(labels, clusters))


@symptom("judge")
def not_adjusted(found, clusters, labels, patients, seed):
    """This is the Rand index, which is high by chance: take the adjusted one."""
    return _is(found, rand_score(labels, clusters), labels, clusters)


@symptom("judge")
def information(found, clusters, labels, patients, seed):
    """This is the normalised mutual information: take the adjusted Rand index."""
    return _is(found, normalized_mutual_info_score(labels, clusters), labels, clusters)


def _is(found, other, labels, clusters):
    right = index(labels, clusters)
    return np.isclose(found["ari"], other) and not np.isclose(other, right)


@symptom("judge")
def scans_drawn(found, clusters, labels, patients, seed):
    """Scans were drawn for the interval, which makes it too narrow: draw patients, with all of
    their scans.
    """
    return ends_of(found, (clusters, labels, patients), by_scan)


@symptom("judge")
def percentiles(found, clusters, labels, patients, seed):
    """The interval is too narrow: 95 % leaves 2.5 % on each side."""
    return ends_of(found, (clusters, labels, patients), by_patient, (10, 90))


@symptom("judge")
def scans_shuffled(found, clusters, labels, patients, seed):
    """The labels change between scans here (or the clusters do). Scans of a patient are alike, so
    clusters that follow people would look like a finding: permute labels between *patients*.
    """
    values = draws(clusters, labels, patients, shuffled)
    right = np.percentile(draws(clusters, labels, patients, swapped), 95)
    other = np.percentile(values, 95)
    return right - other > 0.02 and abs(found["chance"] - other) < (right - other) / 2


@symptom("judge")
def not_the_percentile(found, clusters, labels, patients, seed):
    """The chance level is the mean of the permutations, or nothing: take their 95th percentile."""
    return abs(found["chance"]) < 0.012


@symptom("judge")
def largest(found, clusters, labels, patients, seed):
    """The chance level is about the largest of the permutations: take their 95th percentile."""
    values = draws(clusters, labels, patients, swapped)
    return found["chance"] > np.percentile(values, 99) + 0.02


@reference("group", same=same_partition)
def expected_groups(rows, k, seed):
    """Columns of one scale, then K-means."""
    spread = np.std(rows, axis=0)
    scaled = rows / np.where(spread > 0, spread, 1)
    return KMeans(k, n_init=10, random_state=seed).fit_predict(scaled)


@mistake("group")
def units_decide(rows, k, seed):
    """The largest numbers decide here, and so the units: bring the columns to one scale."""
    return KMeans(k, n_init=10, random_state=seed).fit_predict(rows)


@mistake("group")
def constant_column(rows, k, seed):
    """A column that is the same for all has no spread: do not divide by 0."""
    scaled = (rows - rows.mean(axis=0)) / rows.std(axis=0)
    return KMeans(k, n_init=10, random_state=seed).fit_predict(scaled)


@cache
def judged(student, seed):
    """What `judge` says of the study."""
    return student.judge(*study(), seed)


def low_end(student, seed):
    """Lower end of the interval."""
    return judged(student, seed)["low"]


def high_end(student, seed):
    """Upper end of the interval."""
    return judged(student, seed)["high"]


def chance_level(student, seed):
    """What labels that change between patients reach in 5 % of cases."""
    return judged(student, seed)["chance"]


CALIBRATED = [low_end, high_end, chance_level]


def rows_of(student, images):
    """The features, one row for each image."""
    found = assert_array(student, student.represent(images), shape=(len(images), None))
    if not 0 < found.shape[1] <= MOST:
        fail(student, f"gives {found.shape[1]} columns", f"1 to {MOST:,} features for each image")
    return found.astype(float)


def test_rows(student, scans):
    """A row of finite features for each scan; the scans stay as they were."""
    rows_of(student, scans.images[:8])
    assert_input_unchanged(student)


@pytest.mark.points(2)
def test_nuisances(student, scans, rng):
    """Scans that were moved, each by its own rows, or brightened, each by its own factor, stay
    nearer to themselves than to other scans."""
    images = scans.images[::3] // 2
    n = len(images)
    shifts = rng.permutation(np.resize([-5, 4, -3, 5, 3, -4], n))
    factors = rng.permutation(np.linspace(1.1, 2.0, n))
    moved = np.array([np.roll(one, by, axis=0) for one, by in zip(images, shifts, strict=True)])
    brighter = np.round(images * factors[:, None, None]).clip(0, 255).astype(np.uint8)
    plain = rows_of(student, images)
    if np.ptp(plain, axis=0).max() == 0:
        fail(student, "gives all scans the same row", "different rows for different eyes")
    for changed, what, because in (
        (
            moved,
            "moved up or down by 3 to 5 rows",
            "The height of the retina in the picture says nothing about the disease. Does every "
            "scan have its *own* shift?",
        ),
        (
            brighter,
            "made up to twice as bright",
            "The brightness of the picture says nothing about the disease. Is every scan divided "
            "by its *own* brightness?",
        ),
    ):
        other = rows_of(student, changed)
        distances = np.stack([np.linalg.norm(plain - row, axis=1) for row in other], axis=1)
        itself = np.diag(distances).copy()
        np.fill_diagonal(distances, np.inf)
        near = np.mean(itself < distances.min(axis=1))
        if near < 0.8:
            said = f"leaves {near:.0%} of the scans, {what}, nearer to themselves than to others"
            fail(student, said, "at least 80 %", because)


@pytest.mark.points(2)
def test_groups(student, rng):
    """Groups are found whatever the units of the columns."""
    group = rng.permutation(np.repeat(np.arange(4), 12))
    corners = np.column_stack([group % 2, group // 2]) + 0.1 * rng.uniform(-1, 1, size=(48, 2))
    because = "Bring the columns to one scale, and cluster the rows into `k` groups."
    for units in ((1, 1), (1000, 1), (1, 1000)):
        found = student.group(corners * units, 4, 0)
        assert_same_partition(student, found, group, because=because)
    constant = np.column_stack([corners, np.zeros(48)])
    because = "A column that is the same for all has no spread: do not divide by 0."
    assert_same_partition(student, student.group(constant, 4, 0), group, because=because)
    assert_repeatable(student, lambda: student.group(corners, 7, 3))


def parts(student, result):
    """The four numbers."""
    keys = ("ari", "low", "high", "chance")
    if not isinstance(result, dict) or set(result) != set(keys):
        fail(student, "does not give these four", "a dict with 'ari', 'low', 'high', 'chance'")
    return [assert_number(student, result[key], low=-1, high=1) for key in keys]


def test_ari(student):
    """The adjusted Rand index, whatever the numbers of the clusters; the seed decides the rest."""
    clusters, labels, patients = study()
    found = parts(student, student.judge(clusters, labels, patients, 0))
    assert_input_unchanged(student)
    because = "The adjusted Rand index of labels and clusters, as they were given."
    assert_close(student, found[0], index(labels, clusters), because=because)
    ari = parts(student, student.judge(labels + 3, labels, patients, 0))[0]
    assert_close(student, ari, 1.0, because=because)
    small = study(8, 3)
    assert_repeatable(student, lambda: student.judge(*small, 1))
    assert_seed_is_used(student, lambda seed: student.judge(*small, seed), seeds=range(3))


@pytest.mark.points(2)
def test_interval(student):
    """The interval is drawn by patient."""
    _, low, high, _ = parts(student, student.judge(*study(), 1))
    because = "300 draws of patients, with replacement and all of their scans; 2.5 % on each side."
    assert_in_band(student, low, band(__file__, "low_end"), because=because)
    assert_in_band(student, high, band(__file__, "high_end"), because=because)


def test_chance(student):
    """The chance level: what labels that change between patients exceed in 5 % of cases."""
    chance = parts(student, student.judge(*study(), 2))[3]
    because = "One label for each patient, permuted; the 95th percentile of 300 permutations."
    assert_in_band(student, chance, band(__file__, "chance_level"), because=because)
