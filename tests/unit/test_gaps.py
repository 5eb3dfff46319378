"""Groups that are parted by gaps: found where they are, and not where there is one cloud."""

from __future__ import annotations

import numpy as np
import pytest

from octlessons.clustering import parted_groups


def clouds(*places, n=200, d=10, seed=0):
    """Bell curves of spread 1, moved along the first axis."""
    rng = np.random.default_rng(seed)
    return np.concatenate([rng.normal(size=(n, d)) + place * np.eye(d)[0] for place in places])


@pytest.mark.parametrize("d", [2, 10])
def test_one_cloud_is_one_group(d):
    found = [parted_groups(clouds(0, n=300, d=d, seed=seed)) for seed in range(20)]
    assert np.mean(np.array(found) > 1) <= 0.1


@pytest.mark.parametrize("d", [2, 10])
def test_clouds_ten_spreads_apart_are_counted(d):
    assert [parted_groups(clouds(0, 10, d=d, seed=seed)) for seed in range(4)] == [2] * 4
    assert parted_groups(clouds(0, 10, 20, d=d)) == 3


def test_a_stretched_cloud_is_one_group():
    points = clouds(0, n=300) * np.linspace(1, 20, 10)
    assert parted_groups(points) == 1


def test_clouds_that_touch_count_as_one():
    assert parted_groups(clouds(0, 3)) == 1


def test_few_odd_points_are_no_group():
    points = np.concatenate([clouds(0), clouds(40, n=4)])
    assert parted_groups(points) == 1
    assert parted_groups(points, smallest=4) == 2


def test_neither_order_nor_scale_matters_and_it_repeats():
    points = clouds(0, 10)
    shuffled = np.random.default_rng(1).permutation(points) * 1000 + 5
    assert parted_groups(points) == parted_groups(points) == parted_groups(shuffled) == 2


def test_equal_points_do_no_harm():
    assert parted_groups(np.repeat(clouds(0, 10, n=30), 3, axis=0), smallest=10) >= 1
    assert parted_groups(np.zeros((20, 3))) == 1


@pytest.mark.parametrize(
    ("points", "options", "message"),
    [
        (np.zeros(20), {}, "table of finite numbers"),
        (np.full((20, 2), np.nan), {}, "table of finite numbers"),
        (np.zeros((6, 2)), {}, "among 10 to 3,000 points; there are 6"),
        (np.zeros((3001, 2)), {}, "there are 3,001"),
        (np.zeros((20, 2)), {"level": 1}, "between 0 and 1"),
        (np.zeros((20, 2)), {"n_references": 3}, "at least 20"),
    ],
)
def test_what_cannot_be_asked_is_said(points, options, message):
    with pytest.raises(ValueError, match=message):
        parted_groups(points, **options)
