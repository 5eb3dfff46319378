"""Verdicts: what is asked, what counts as shown, and intervals that small counts allow."""

import json

import numpy as np
import pytest

from octlessons.evaluation import (
    Chance,
    Interval,
    ask,
    mean_of_shares,
    predictable,
    several_draws,
    share,
)
from octlessons.images import ImageSet, draw_phantoms


@pytest.mark.parametrize(
    ("value", "against", "answer", "shown"),
    [
        (0.31, Chance(0.25, 0.2, 0.3), "above chance", True),
        (0.30, Chance(0.25, 0.2, 0.3), "not shown", False),
        (0.1, Chance(0.25, 0.2, 0.3), "below chance", False),
        (Interval(0.2, 0.1, 0.3), 0.0, "higher", True),
        (Interval(0.2, 0.1, 0.3), 0.5, "lower", True),
        (Interval(0.2, -0.1, 0.3), 0.0, "not shown", False),
        (Interval(np.nan, np.nan, np.nan), 0.0, "not shown", False),
        (float("nan"), Chance(0.25, 0.2, 0.3), "not shown", False),
    ],
)
def test_a_verdict_follows_from_the_interval_or_from_chance(value, against, answer, shown):
    verdict = ask("Is it so?", value, against)
    assert (verdict.answer, bool(verdict)) == (answer, shown)
    key = answer.replace(" ", "_")
    assert verdict.pick(**{key: "this", "otherwise": "that"}) == "this"


def test_a_question_without_a_rule_or_a_sentence_is_refused():
    with pytest.raises(ValueError, match="level of chance"):
        ask("Is it so?", 0.3)
    with pytest.raises(ValueError, match="held against a number"):
        ask("Is it so?", Interval(0, 0, 0), Chance(0, 0, 0))
    with pytest.raises(ValueError, match="give not_shown="):
        ask("Is it so?", Interval(0, -1, 1)).pick(higher="yes")


def test_verdicts_are_collected_where_a_file_is_named(tmp_path, monkeypatch):
    ask("Unheard?", answer="yes")
    monkeypatch.setenv("OCTLESSONS_VERDICTS", str(tmp_path / "verdicts.jsonl"))
    ask("Which is largest?", 0.5, answer="the pixels")
    ask("Is it more?", Interval(0.2, 0.1, 0.3))
    first, second = map(json.loads, (tmp_path / "verdicts.jsonl").read_text().splitlines())
    assert (first["question"], first["answer"]) == ("Which is largest?", "the pixels")
    assert second["answer"] == "higher" and "0.20 (0.10 to 0.30)" in second["evidence"]


def test_shares_of_few_have_a_width_and_cover_the_truth():
    assert share([1, 1, 1]).low == pytest.approx(0.4385, abs=1e-3)  # Wilson (1927): 3 of 3
    assert share([0, 0, 0, 0]).high == pytest.approx(0.4899, abs=1e-3)
    same_eye = share([1] * 30, np.repeat([0, 1, 2], 10))
    assert same_eye.low == pytest.approx(share([1, 1, 1]).low)
    assert np.isnan(share([]).low)
    with pytest.raises(ValueError, match="3 images but 2"):
        share([1, 1, 1], [0, 1])


def test_an_interval_by_patient_covers_where_one_by_scan_does_not():
    rng, truth = np.random.default_rng(0), 0.5
    covered = {"patients": 0, "scans": 0}
    for _ in range(300):
        eyes = rng.beta(1, 1, 20)  # patients differ, their scans hardly do
        groups = np.repeat(np.arange(20), 8)
        hits = rng.random(160) < eyes[groups]
        covered["patients"] += truth in share(hits, groups)
        covered["scans"] += truth in share(hits)
    assert covered["patients"] >= 270 and covered["scans"] < 240


def test_the_mean_of_shares_is_never_without_width():
    sure = mean_of_shares([share([1] * 3), share([1] * 4)])
    assert sure.estimate == 1 and 0.5 < sure.low < 0.85 and sure.high == 1
    assert mean_of_shares([share([1, 0]), share([])]).estimate == 0.5


def test_numbers_that_know_the_patient_only_are_not_said_to_know_the_class():
    hits = 0
    for seed in range(40):
        rng = np.random.default_rng(seed)
        groups = np.repeat(np.arange(40), 5)
        labels = (np.arange(40) % 2)[groups]
        brightness = rng.normal(size=40)[groups] + 0.01 * rng.normal(size=200)
        found = predictable(brightness, labels, groups, n_permutations=39, random_state=seed)
        hits += bool(ask("Does it know?", found.score, found.chance))
    assert hits <= 5  # 2.5 % are expected; of 40, more than 5 in one case of 1,000
    knowing = predictable(labels + rng.normal(size=200) / 4, labels, groups, n_permutations=39)
    assert ask("Does it know?", knowing.score, knowing.chance)
    assert knowing.score > 0.9 and knowing.guessed.shape == (200,)


def test_missing_numbers_are_filled_and_too_few_patients_refused():
    labels = np.repeat([0, 1], 10)
    values = np.where(np.arange(20) % 5 == 0, np.nan, labels)
    assert predictable(values, labels, n_permutations=9).score > 0.7
    with pytest.raises(ValueError, match="two patients each"):
        predictable(labels, labels, np.where(labels == 0, "one", np.arange(20)), n_permutations=9)


def test_new_phantoms_are_other_patients_of_the_same_kind():
    images = draw_phantoms(n_per_class=3, size=32)
    seen = []

    def look(drawn):
        seen.append(drawn)
        return drawn.images.mean(), 1.0

    found = several_draws(images, look, n=3)
    assert found.how == "3 new draws" and found.values.shape == (3, 2)
    assert all(drawn.counts() == images.counts() and drawn.shape == images.shape for drawn in seen)
    assert len({drawn.images.tobytes() for drawn in seen}) == 3
    brightness, constant = found.interval
    assert brightness.low < images.images.mean() < brightness.high and constant.low == 1.0


def test_halves_of_the_patients_tell_how_far_a_mean_moves():
    rng = np.random.default_rng(0)
    covered, widths = 0, []
    for seed in range(60):
        eyes = rng.normal(100, 20, 40)
        values = np.repeat(eyes, 3)[:, None, None].clip(0, 255).astype(np.uint8)
        scans = ImageSet(values, np.arange(120) // 60, patients=np.repeat(np.arange(40), 3))
        found = several_draws(scans, lambda drawn: np.mean(drawn.images), random_state=seed)
        assert found.how == "20 halves of the patients"
        covered += 99.5 in found.interval
        widths.append(found.interval.high - found.interval.low)
    assert covered >= 52  # of 60, at 95 %
    assert np.mean(widths) == pytest.approx(2 * 2.09 * 20 / np.sqrt(40), rel=0.15)
    with pytest.raises(ValueError, match="at least 4 patients"):
        several_draws(scans[:6], lambda drawn: 0.0)
