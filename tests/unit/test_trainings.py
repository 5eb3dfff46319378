"""Recorded trainings: what the pages of chapters 8 and 10 read."""

import numpy as np
import pytest

from octlessons.evaluation import Trainings, recorded_trainings


def test_differences_are_taken_within_draws():
    rows = {"a": {"ARI": np.array([0.1, 0.2, 0.3])}, "b": {"ARI": np.array([0.0, 0.1, 0.2])}}
    trainings = Trainings("command", "2026-01-01", 3, rows)
    gain = trainings.mean("a", "ARI", minus="b")
    assert gain.estimate == pytest.approx(0.1) and gain.high - gain.low < 1e-9
    alone = trainings.mean("a", "ARI")  # standard deviation 0.1, t(2) is 4.303
    assert alone.high - alone.estimate == pytest.approx(4.303 * 0.1 / np.sqrt(3), rel=1e-3)


def test_what_was_not_recorded_is_a_sentence():
    trainings = Trainings("command", "2026-01-01", 1, {"a": {"ARI": np.zeros(1)}})
    with pytest.raises(ValueError, match=r"No 'ARI' of 'b' was recorded\. There is: a"):
        trainings.mean("b", "ARI")
    with pytest.raises(ValueError, match="autoencoders"):
        recorded_trainings("nothing")


@pytest.mark.parametrize("which", ["autoencoders", "views"])
def test_the_record_is_complete(which):
    kept = recorded_trainings(which)
    assert kept.draws >= 3 and which in kept.command and len(kept.date) == 10
    for measured in kept.rows.values():
        for values in measured.values():
            assert values.shape == (kept.draws,) and np.isfinite(values).all()
