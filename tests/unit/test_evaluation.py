"""Agreement with labels, its level of chance, and what else clusters follow."""

import numpy as np
import pytest
from sklearn.metrics import adjusted_mutual_info_score, adjusted_rand_score

from octlessons.evaluation import (
    agreement,
    bootstrap,
    compare_clusterers,
    contingency,
    matched_accuracy,
    neighbour_accuracy,
    neighbour_chance,
    neighbour_labels,
    nuisance,
)
from octlessons.images.imageset import ImageSet


def noisy(labels: np.ndarray, share_right: float, k: int, rng) -> np.ndarray:
    """Clusters that follow the labels for a share of the images and are random elsewhere."""
    return np.where(
        rng.random(len(labels)) < share_right, labels % k, rng.integers(k, size=len(labels))
    )


@pytest.mark.parametrize("n", [30, 400])
@pytest.mark.parametrize("k", [1, 3, 4, 7])
@pytest.mark.parametrize("classes", [2, 4])
def test_indices_equal_scikit_learns(n, k, classes):
    rng = np.random.default_rng(n + k)
    labels = rng.integers(classes, size=n)
    clusters = noisy(labels, 0.5, k, rng)
    result = agreement(labels, clusters, n_bootstrap=0, n_permutations=20)
    assert result.ari == pytest.approx(adjusted_rand_score(labels, clusters))
    assert result.ami == pytest.approx(adjusted_mutual_info_score(labels, clusters), abs=1e-9)


def test_the_numbering_of_clusters_never_matters():
    rng = np.random.default_rng(0)
    labels = rng.integers(4, size=200)
    clusters = noisy(labels, 0.4, 4, rng)
    renamed = np.array([30, 2, 17, 5])[clusters]
    a, b = agreement(labels, clusters), agreement(labels, renamed)
    assert (a.ari, a.accuracy) == (b.ari, b.accuracy)
    assert a.ami == pytest.approx(b.ami)
    np.testing.assert_allclose(
        (a.chance.low, a.chance.high), (b.chance.low, b.chance.high), atol=0.02
    )


def test_matched_accuracy_is_the_best_matching():
    from itertools import permutations

    rng = np.random.default_rng(3)
    labels, clusters = rng.integers(4, size=60), rng.integers(4, size=60)
    best = max(np.mean(np.array(p)[clusters] == labels) for p in permutations(range(4)))
    assert matched_accuracy(labels, clusters) == pytest.approx(best)
    # One cluster more than classes: it stays unmatched, so its images are wrong.
    assert matched_accuracy([0, 0, 1, 1, 1, 1], [0, 0, 1, 1, 2, 2]) == pytest.approx(4 / 6)
    # One cluster only: the largest class.
    assert matched_accuracy([0, 1, 1, 1, 2], [0] * 5) == pytest.approx(3 / 5)


def test_chance_for_1000_images_in_four_classes():
    """Published simulation: mean .276, 95 % between .262 and .291 for 4 × 250."""
    labels = np.repeat(np.arange(4), 250)
    clusters = np.random.default_rng(0).integers(4, size=1000)
    chance = agreement(labels, clusters, n_permutations=2000, n_bootstrap=0).chance
    assert chance.mean == pytest.approx(0.276, abs=0.003)
    assert chance.low == pytest.approx(0.262, abs=0.004)
    assert chance.high == pytest.approx(0.291, abs=0.004)
    assert matched_accuracy(labels, clusters) > 0.25  # always above 1/k, hence all this


def test_unrelated_clusters_are_at_chance_and_related_ones_are_not():
    rng = np.random.default_rng(1)
    labels = np.repeat(np.arange(4), 50)
    random = agreement(labels, rng.integers(4, size=200))
    assert not random.better_than_chance
    assert random.p_value > 0.05
    assert 0 in random.ari_interval
    good = agreement(labels, noisy(labels, 0.5, 4, rng))
    assert good.better_than_chance
    assert good.p_value == pytest.approx(1 / 1001)
    assert good.ari_interval.low > 0


def patients_of_slices(rng, n_patients: int = 24, slices: int = 6):
    """Every patient has one label, and all slices of a patient fall in one cluster, at random."""
    patients = np.repeat(np.arange(n_patients), slices)
    labels = np.repeat(rng.permutation(np.arange(n_patients) % 4), slices)
    clusters = np.repeat(rng.integers(4, size=n_patients), slices)
    return clusters, labels, patients


def test_shuffling_patients_keeps_clusters_of_patients_from_looking_significant():
    rng = np.random.default_rng(5)
    by_image, by_patient = [], []
    for _ in range(40):
        clusters, labels, patients = patients_of_slices(rng)
        options = {"n_permutations": 99, "n_bootstrap": 0}
        by_image.append(agreement(labels, clusters, **options).p_value <= 0.05)
        by_patient.append(agreement(labels, clusters, groups=patients, **options).p_value <= 0.05)
    assert np.mean(by_image) > 0.4  # copies taken for evidence
    assert np.mean(by_patient) < 0.16


def test_indices_are_not_zero_by_chance_when_slices_are_copies():
    clusters, labels, patients = patients_of_slices(np.random.default_rng(5), n_patients=16)
    by_image = agreement(labels, clusters, n_bootstrap=0)
    by_patient = agreement(labels, clusters, groups=patients, n_bootstrap=0)
    assert by_image.ari_chance.high < 0.05 and by_image.ami_chance.high < 0.06
    assert by_patient.ari_chance.high > 0.1 and by_patient.ami_chance.high > 0.1
    assert abs(by_image.ari_chance.mean) < 0.01 and abs(by_image.ami_chance.mean) < 0.01


def test_shuffling_patients_keeps_the_sizes_of_classes():
    rng = np.random.default_rng(2)
    patients = rng.integers(12, size=70)
    labels = (patients % 3 == 0).astype(int)
    alone = agreement(labels, np.zeros(70, int), groups=patients)
    assert alone.accuracy == alone.chance.low == alone.chance.high
    assert alone.p_value == 1


def test_bootstrap_by_patient_is_wider_and_covers():
    rng = np.random.default_rng(6)
    wider, covered = [], []
    for _ in range(25):
        clusters, labels, patients = patients_of_slices(rng, n_patients=60, slices=4)
        options = {"n_permutations": 1, "n_bootstrap": 150}
        image = agreement(labels, clusters, **options).ari_interval
        patient = agreement(labels, clusters, groups=patients, **options).ari_interval
        wider.append((patient.high - patient.low) > (image.high - image.low))
        covered.append(-0.001 in patient or 0 in patient)  # the truth: unrelated
    assert np.mean(wider) > 0.95
    assert np.mean(covered) >= 0.8


def test_bootstrap_of_a_mean_agrees_with_theory():
    values = np.random.default_rng(0).normal(3, 2, size=400)
    interval = bootstrap(np.mean, values, n=2000)
    assert interval.estimate == pytest.approx(values.mean())
    assert interval.high - interval.low == pytest.approx(2 * 1.96 * 2 / 20, rel=0.1)
    assert float(interval) == interval.estimate and interval.estimate in interval


def test_bootstrap_draws_whole_groups():
    patients = np.repeat(np.arange(10), 5)
    seen = []

    def statistic(values, ids):
        _, counts = np.unique(ids, return_counts=True)
        seen.append(np.all(counts % 5 == 0))
        return values.mean()

    bootstrap(statistic, np.arange(50.0), patients, groups=patients, n=30)
    assert all(seen)
    again = [
        bootstrap(np.mean, np.arange(50.0), groups=patients, n=50, random_state=s)
        for s in (1, 1, 2)
    ]
    assert again[0] == again[1] != again[2]


def test_contingency_keeps_empty_classes_and_names_noise():
    table = contingency([0, 2, 2, 2], [0, 0, 5, -1])
    np.testing.assert_array_equal(table, [[0, 0, 1], [1, 0, 1], [0, 0, 1]])
    np.testing.assert_array_equal(contingency(["b", "a", "a"], [0, 1, 1]), [[0, 1], [2, 0]])


def test_noise_is_wrong_by_default_and_can_be_dropped():
    labels = np.repeat([0, 1], 10)
    clusters = labels.copy()
    clusters[::2] = -1
    kept = agreement(labels, clusters)
    assert kept.n_noise == 10 and kept.n_clusters == 2
    assert kept.accuracy == 0.5 and kept.ari < 0.5
    assert kept.cluster_names == ("noise", "0", "1")
    assert kept.matching == {0: "0", 1: "1"}
    dropped = agreement(labels, clusters, noise="drop")
    assert dropped.n == 10 and dropped.n_noise == 10
    assert dropped.accuracy == dropped.ari == 1
    assert "10 left out as noise" in str(dropped)


def test_labels_come_first_and_clusters_second_as_in_scikit_learn():
    """An asymmetric case, by hand: swapped, every number would be another."""
    labels, clusters = [0, 0, 0, 1, 1, 2], [1, 1, -1, 0, 0, 0]
    result = agreement(labels, clusters, n_permutations=50, n_bootstrap=0)
    np.testing.assert_array_equal(result.table, [[1, 0, 0], [0, 2, 1], [2, 0, 0]])
    np.testing.assert_array_equal(contingency(labels, clusters), result.table)
    assert (result.n_noise, result.n_clusters, result.n_classes) == (1, 2, 3)
    assert result.cluster_names == ("noise", "0", "1") and result.matching == {0: "1", 1: "0"}
    assert result.accuracy == matched_accuracy(labels, clusters) == pytest.approx(4 / 6)
    assert matched_accuracy([0, 0, 1, 1], [0, 1, 2, 3]) == 0.5
    assert matched_accuracy([0, 1, 2, 3], [0, 0, 1, 1]) == 0.5
    never = agreement([0] * 6, clusters, n_permutations=20, n_bootstrap=0).chance
    assert never.mean == never.low == never.high == 0.5  # noise is wrong however labels fall


def test_only_noise():
    labels = np.array([0, 1, 1, 2])
    result = agreement(labels, np.full(4, -1))
    assert (result.accuracy, result.ari, result.n_clusters) == (0, 0, 0)
    with pytest.raises(ValueError, match="Every image is noise"):
        agreement(labels, np.full(4, -1), noise="drop")


def test_a_single_cluster_agrees_with_nothing():
    result = agreement(np.arange(40) % 4, np.zeros(40, int))
    assert (result.ari, result.ami, result.accuracy) == (0, 0, 0.25)
    assert not result.better_than_chance and result.p_value == 1


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ((None, [0, 1]), "no labels, so there is nothing to agree with"),
        (([0, 1], None), "no clusters to judge"),
        (([0, 1], [0, 1, 1]), "3 images but 2 labels"),
        (([], []), "no images to judge"),
        (([0, 1], [[0], [1]]), "one for each image"),
        (([0, 1], ["a", "b"]), "Clusters are whole numbers.*Labels come first"),
        (([0, 1], [0.5, 1]), "Clusters are whole numbers"),
        (([0, np.nan], [0, 1]), "Some labels are NaN"),
        ((["a", None], [0, 1]), r"missing \(None or NaN\)"),
        (([0, None], [0, 1]), r"missing \(None or NaN\)"),
        (([0, -1], [0, 1]), "−1 is the cluster .* labels come first"),
    ],
)
def test_what_cannot_be_judged_is_said_in_a_sentence(arguments, sentence):
    for judge in (agreement, matched_accuracy, contingency):
        with pytest.raises(ValueError, match=sentence):
            judge(*arguments)


def test_other_errors_are_sentences():
    with pytest.raises(ValueError, match="2 groups"):
        agreement([0, 1, 1], [0, 1, 1], groups=[1, 2])
    with pytest.raises(ValueError, match="'keep' or 'drop'"):
        agreement([0, 1], [0, 1], noise="hide")
    with pytest.raises(ValueError, match="level of chance"):
        agreement([0, 1], [0, 1], n_permutations=0)
    with pytest.raises(ValueError, match="3 class names for 2 classes"):
        agreement(["a", "b"], [0, 1], class_names=["x", "y", "z"])
    with pytest.raises(ValueError, match="at least one array"):
        bootstrap(np.mean)


def test_reads_well():
    labels = np.repeat(np.arange(3), 20)
    result = agreement(labels, labels, groups=np.arange(60) // 4, class_names=["a", "b", "<c>"])
    text = str(result)
    assert "3 clusters and 3 classes: 60 images of 15 patients" in text
    assert "ARI" in text and "matched accuracy" in text and "1.00" in text and "p = 0.001" in text
    page = result._repr_html_()
    assert "<caption>" in page and 'scope="row"' in page and 'scope="col"' in page
    assert result.matching[2] == "<c>"


def known_set(n: int = 120) -> ImageSet:
    """A set in which everything is known; the site is the first half against the second."""
    return ImageSet(
        np.zeros((n, 4, 4), np.uint8),
        np.arange(n) % 4,
        class_names=["a", "b", "c", "d"],
        patients=np.arange(n) // 3,
        sites=np.where(np.arange(n) < n / 2, "A", "B"),
        sizes=np.where(np.arange(n)[:, None] < n / 3, [496, 512], [496, 768]),
    )


def test_nuisance_finds_what_was_really_clustered():
    images = known_set()
    clusters = (images.sites == "B").astype(int)
    found = nuisance(images, clusters, wedge_seen=np.arange(120) % 2)
    assert [row.what for row in found] == [
        "diagnosis", "patient", "site", "image size", "wedge seen",
    ]  # fmt: skip
    assert max(found, key=lambda row: row.ami).what == "site"
    assert found["site"].ari == 1 and found["site"].together == 1 and found["site"].apart == 0
    assert found["site"].p_value < 0.01 < found["diagnosis"].p_value
    assert abs(found["diagnosis"].ami) < 0.02
    assert found["patient"].together == 1
    assert found["image size"].n_values == 2
    assert "site" in str(found) and "<caption>" in found._repr_html_()
    with pytest.raises(KeyError, match="known: diagnosis"):
        found["weather"]


def test_nuisance_leaves_out_what_is_not_known_or_the_same_everywhere():
    images = ImageSet(
        np.zeros((20, 4, 4), np.uint8), sizes=np.full((20, 2), 28), patients=np.arange(20)
    )
    found = nuisance(images, np.arange(20) % 2)
    assert [row.what for row in found] == ["patient", "image size"]
    assert found["image size"].n_values == 1 and np.isnan(found["image size"].ami)
    assert np.isnan(found["patient"].ari)  # every image its own patient
    with pytest.raises(ValueError, match="Nothing is known"):
        nuisance(ImageSet(np.zeros((2, 4, 4), np.uint8)), [0, 1])
    with pytest.raises(ValueError, match="3 images but 20"):
        nuisance(images, [0, 1, 1])
    with pytest.raises(TypeError, match="an ImageSet, then clusters"):
        nuisance([0] * 20, images)


def test_neighbours_of_the_same_patient_do_not_count():
    rng = np.random.default_rng(0)
    patients = np.repeat(np.arange(40), 5)
    places = rng.normal(size=(40, 3)) * 10  # a patient's slices lie together, classes do not
    features = places[patients] + rng.normal(size=(200, 3)) * 0.1
    labels = (np.arange(40) % 2)[patients]
    naive = neighbour_accuracy(features, labels, n_bootstrap=50)
    honest = neighbour_accuracy(features, labels, groups=patients, n_bootstrap=50)
    assert float(naive) == 1
    assert 0.3 < float(honest) < 0.7
    assert honest.low < honest.estimate < honest.high


def test_neighbours_equal_scikit_learn_where_patients_are_not_known():
    from sklearn.neighbors import KNeighborsClassifier

    rng = np.random.default_rng(4)
    features, labels = rng.normal(size=(60, 5)), rng.integers(2, size=60)
    ours = neighbour_labels(features, labels, k=3)
    for i in range(60):
        rest = np.delete(np.arange(60), i)
        model = KNeighborsClassifier(3).fit(features[rest], labels[rest])
        assert ours[i] == model.predict(features[[i]])[0]


def test_a_tied_vote_goes_to_the_nearest():
    features = np.array([[0.0], [1.0], [2.1], [3.3]])
    assert neighbour_labels(features, ["x", "b", "a", "c"], k=3)[0] == "b"


def test_neighbours_by_chance_are_right_as_often_as_classes_are_large():
    rng = np.random.default_rng(0)
    features, labels = rng.normal(size=(300, 4)), rng.permutation(np.repeat([0, 1, 2], 100))
    by_chance = neighbour_chance(features, labels, n_permutations=100)
    assert by_chance.mean == pytest.approx(1 / 3, abs=0.02)
    assert by_chance.low < 1 / 3 < by_chance.high
    assert by_chance.low <= neighbour_accuracy(features, labels).estimate <= by_chance.high


def test_neighbours_by_chance_shuffle_whole_patients():
    """Scans of one patient share their luck, so chance reaches further."""
    rng = np.random.default_rng(1)
    patients = np.repeat(np.arange(20), 15)
    features = np.repeat(rng.normal(size=(20, 4)), 15, axis=0) + 0.01 * rng.normal(size=(300, 4))
    labels = np.repeat(np.arange(20) % 2, 15)
    alone = neighbour_chance(features, labels, n_permutations=100)
    whole = neighbour_chance(features, labels, groups=patients, n_permutations=100)
    assert whole.high - whole.low > 2 * (alone.high - alone.low) > 0


def test_neighbours_need_enough_other_patients():
    with pytest.raises(ValueError, match="outside its own patient"):
        neighbour_accuracy(np.zeros((6, 2)), [0, 0, 0, 1, 1, 1], groups=[1, 1, 1, 1, 2, 2], k=3)


def test_methods_side_by_side():
    rng = np.random.default_rng(0)
    labels = np.repeat(np.arange(3), 40)
    features = rng.normal(size=(120, 4)) * 0.3 + np.eye(4)[labels] * 5
    found = compare_clusterers(features, labels, 3, n_permutations=20, n_bootstrap=20)
    assert list(found.agreements) == [
        "K-means", "Gaussian mixture", "Spectral", "Agglomerative", "HDBSCAN",
    ]  # fmt: skip
    assert all(result.ari > 0.95 for result in found.agreements.values())
    assert all(result.seconds > 0 for result in found.clusterings.values())
    assert "HDBSCAN" in str(found) and "<caption>" in found._repr_html_()
    unlabelled = compare_clusterers(features, None, 3)
    assert unlabelled.agreements == {} and "ARI" not in str(unlabelled)
