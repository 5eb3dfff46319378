"""What is known about scans, and how far the instruments behind it can be trusted."""

import numpy as np
import pytest

from octlessons.evaluation import (
    nuisance,
    record,
    share_explained,
    things_known,
    trusted_columns,
)
from octlessons.images import ImageSet, draw_phantoms
from octlessons.images.measurements import UNITS, Measurements, measure

N = 12


def table(**columns):
    """Measurements of twelve scans, 0 where nothing is given."""
    values = {name: columns.get(name, np.zeros(N)) for name in UNITS}
    return Measurements(values, dict.fromkeys(UNITS, ""), map(str, range(N)))


@pytest.fixture
def scans():
    images = np.zeros((N, 128, 128), np.uint8)
    return ImageSet(images, np.arange(N) % 2, class_names=("a", "b"))


def test_every_measurement_was_checked():
    kept = record("instruments")
    assert set(kept["columns"]) == set(UNITS)
    assert kept["n_white"] >= 50 and kept["n"] - kept["n_white"] >= 50
    needed = {"brightness", "contrast", "position", "tilt", "curvature", "mean_thickness"}
    needed |= {"central_thickness", "rpe_lift", "outside", "white_above", "white_below"}
    for side in (64, 128, 200, 496, 5000):
        assert needed <= set(trusted_columns(side))
    assert "bright_spots" not in trusted_columns(496)
    assert set(trusted_columns(28)) < set(trusted_columns(128))
    assert trusted_columns(16) == trusted_columns(28)
    with pytest.raises(ValueError, match="1 px or more"):
        trusted_columns(0)


def test_thirds_keep_equal_values_together(scans):
    tilt = np.array([5.0] * 5 + [1, 2, 3, 4, 6, 7, 8])
    things = things_known(scans, table(tilt=tilt, position=np.arange(N)))
    assert len(set(things["tilt"][:5])) == 1
    assert list(things["height"]) == ["high"] * 4 + ["middle"] * 4 + ["low"] * 4
    order = [("low", "middle", "high").index(value) for value in things["tilt"][np.argsort(tilt)]]
    assert order == sorted(order)
    assert "brightness" not in things  # alike in all scans


def test_what_is_not_known_has_its_own_group(scans):
    thick = np.r_[np.nan, np.nan, np.arange(N - 2)]
    things = things_known(scans, table(mean_thickness=thick, tilt=np.full(N, np.nan)))
    assert list(things["thickness"][:3]) == ["not known", "not known", "low"]
    assert set(things) == {"thickness"}


def test_which_side_is_white(scans):
    above = np.r_[3.0, 3.0, 0.1, 0.0, np.nan, np.zeros(N - 5)]
    below = np.r_[0.0, 3.0, 3.0, 0.1, 0.0, np.zeros(N - 5)]
    side = things_known(scans, table(white_above=above, white_below=below))["white side"]
    assert list(side[:6]) == ["above", "both", "below", "none", "not known", "none"]


def test_small_scans_are_asked_for_less():
    tiny = np.zeros((N, 28, 28), np.uint8)
    measured = table(contrast=np.arange(N), tilt=np.arange(N))
    assert set(things_known(tiny, measured)) == {"tilt"}
    assert set(things_known(list(np.zeros((N, 99, 80), np.uint8)), measured)) == {
        "contrast",
        "tilt",
    }


def test_clusters_by_height_are_found_out():
    phantoms = draw_phantoms(n_per_class=10, size=64, seed=4)
    measured = measure(phantoms)
    things = things_known(phantoms, measured)
    assert list(things_known(phantoms)["height"]) == list(things["height"])
    clusters = np.digitize(measured["position"], np.quantile(measured["position"], [1 / 3, 2 / 3]))
    rows = nuisance(phantoms, clusters, n_permutations=50, **things).rows
    assert max(rows, key=lambda row: -np.inf if np.isnan(row.ami) else row.ami).what == "height"


def test_measurements_of_other_images_are_refused(scans):
    with pytest.raises(ValueError, match="measurements of 12"):
        things_known(scans[:5], table())


def test_what_groups_explain():
    groups = np.array(["a", "a", "b", "b"])
    assert share_explained([5.0, 5, 9, 9], groups) == 1
    assert share_explained([5.0, 9, 5, 9], groups) == 0
    assert share_explained(np.ones(4), groups) == 0
    rng = np.random.default_rng(0)
    values, many = rng.normal(size=(60, 2)), rng.integers(5, size=60)
    line = np.eye(5)[many]
    left = values - line @ np.linalg.lstsq(line, values, rcond=None)[0]
    expected = 1 - (left**2).sum() / ((values - values.mean(axis=0)) ** 2).sum()
    assert share_explained(values, many) == pytest.approx(expected)
    holes = np.where(np.arange(60) % 7 == 0, np.nan, values[:, 0])
    known = np.isfinite(holes)
    assert share_explained(holes, many) == pytest.approx(share_explained(holes[known], many[known]))
    with pytest.raises(ValueError, match="groups"):
        share_explained(values, many[:5])
    with pytest.raises(ValueError, match="Not one value"):
        share_explained([np.nan, np.nan], [0, 1])


def test_what_was_recorded_can_be_read():
    copies = record("copies")
    assert set(copies["scores"]) == {"none", "safe", "unsafe"} and copies["command"]
    for scores in copies["scores"].values():
        assert set(scores) == set(map(str, copies["sizes"]))
        assert all(len(of_size) == copies["draws"] >= 5 for of_size in scores.values())
        assert all(0 < score < 1 for of_size in scores.values() for score in of_size)
    with pytest.raises(ValueError, match="only copies, instruments"):
        record("nothing")
