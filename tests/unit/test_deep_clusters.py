"""Deep clustering: its target by hand, what it pulls together, and what it refuses."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from octlessons.networks import (
    ConvAutoencoder,
    deep_clusters,
    soft_assignment,
    target_distribution,
)


@pytest.fixture(scope="module")
def images() -> np.ndarray:
    """Two kinds of pictures, a bright bar above or below, with noise."""
    rng = np.random.default_rng(0)
    pictures = rng.integers(0, 90, (40, 16, 16))
    pictures[:20, 2:6] += 120
    pictures[20:, 10:14] += 120
    return pictures.astype(np.uint8)


@pytest.fixture(scope="module")
def coder(images) -> ConvAutoencoder:
    settings = {"depth": 3, "code_channels": 1, "width": 4, "batch_norm": True, "device": "cpu"}
    return ConvAutoencoder(16, 1, max_iter=8, learning_rate_init=0.01, **settings).fit(images)


def test_shares_and_target_of_three_codes_counted_by_hand():
    shares = soft_assignment(torch.tensor([[0.0], [1.0], [4.0]]), torch.tensor([[0.0], [4.0]]))
    assert shares.numpy() == pytest.approx(
        np.array([[17 / 18, 1 / 18], [5 / 6, 1 / 6], [1 / 18, 17 / 18]]), abs=1e-6
    )
    sizes = 17 / 18 + 5 / 6 + 1 / 18, 1 / 18 + 1 / 6 + 17 / 18
    first, second = (5 / 6) ** 2 / sizes[0], (1 / 6) ** 2 / sizes[1]
    wanted = np.array([first, second]) / (first + second)
    assert target_distribution(shares).numpy()[1] == pytest.approx(wanted, abs=1e-6)


def test_target_favours_the_smaller_cluster_of_a_doubtful_image():
    target = target_distribution(np.array([[0.9, 0.1], [0.9, 0.1], [0.5, 0.5]]))
    assert target[2, 1] > 0.5 and target.sum(axis=1) == pytest.approx(1)


def test_it_becomes_surer_of_any_number_of_clusters(coder, images):
    found = deep_clusters(coder, images, 5)
    assert found.shares.max(axis=1).mean() > found.before.max(axis=1).mean() + 0.05
    assert found.shares.shape == (40, 5) and len(found.losses) == 60
    assert np.array_equal(found.labels, found.shares.argmax(axis=1))


def test_it_finds_what_is_there_and_leaves_the_coder(coder, images):
    before = coder.transform(images)
    found = deep_clusters(coder, images, 2)
    assert len(np.unique(found.labels[:20])) == len(np.unique(found.labels[20:])) == 1
    assert found.labels[0] != found.labels[20] and found.codes.shape == before.shape
    assert np.array_equal(coder.transform(images), before)


def test_the_same_seed_gives_the_same_clusters(coder, images):
    one, other = (deep_clusters(coder, images, 3, rounds=2) for _ in range(2))
    assert np.array_equal(one.shares, other.shares)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"n_clusters": 1}, "n_clusters"),
        ({"n_clusters": 2, "rounds": 0}, "rounds"),
        ({"n_clusters": 2, "learning_rate_init": 0}, "learning_rate_init"),
    ],
)
def test_wrong_parameters_are_sentences(coder, images, settings, words):
    with pytest.raises(ValueError, match=words):
        deep_clusters(coder, images, **settings)
