"""Words that follow from numbers."""

import numpy as np
import pytest

from octlessons.images import ImageSet, Problem, Provenance, data_notice
from octlessons.wording import (
    Prose,
    against_chance,
    compared,
    count,
    decimal,
    listing,
    p_value,
    percent,
)


def test_count_and_listing_read_as_english():
    assert count(1, "patient") == "1 patient"
    assert count(0, "patient") == "0 patients"
    assert count(2, "class") == "2 classes"
    assert count(2, "layer boundary") == "2 layer boundaries"
    assert count(2, "day") == "2 days"
    assert count(3, "axis", "axes") == "3 axes"
    assert listing(["a"]) == "a"
    assert listing(["a", "b", "c"], last="or") == "a, b or c"
    assert listing([]) == "none"


def test_percent_rounds():
    assert percent(1 / 3) == "33 %"
    assert percent(1 / 3, 1) == "33.3 %"
    assert percent(float("nan")) == "–"


def test_decimal_has_a_real_minus_and_no_minus_zero():
    assert decimal(-0.456) == "−0.46"
    assert decimal(-0.001) == "0.00"
    assert decimal(-0.001, 3) == "−0.001"
    assert decimal(float("inf")) == "–"


def test_p_value_gives_a_bound_when_small():
    assert p_value(0.04321) == "0.043"
    assert p_value(0.0001) == "< 0.001"


@pytest.mark.parametrize(
    ("value", "other", "words"),
    [(2, 1, "higher than"), (1, 2, "lower than"), (1.4, 1, "about the same as")],
)
def test_compared_respects_the_margin(value, other, words):
    assert compared(value, other, margin=0.5) == words


@pytest.mark.parametrize(
    ("value", "words"),
    [(0.2, "worse than chance"), (0.3, "no better than chance"), (0.4, "better than chance")],
)
def test_against_chance(value, words):
    assert against_chance(value, 0.25, 0.35) == words


def test_prose_is_markdown_for_a_notebook_and_text_elsewhere():
    assert Prose("*yes*")._repr_markdown_() == "*yes*"
    assert f"{Prose('yes')}" == "yes"


def test_data_notice_names_source_terms_counts_and_left_out_files():
    source = Provenance(
        "x", "made-up scans.", "CC0", "Nobody (2026)", problems=(Problem("a", "b"),)
    )
    images = ImageSet(
        np.zeros((3, 2, 2), np.uint8),
        [0, 0, 1],
        class_names=["CNV", "DME", "DRUSEN"],
        provenance=source,
    )
    text = str(data_notice(images))
    told = ("3 images.", "made-up scans.", "2 CNV and 1 DME.", "CC0", "Nobody (2026).", "1 file")
    for expected in told:
        assert expected in text
    assert "DRUSEN" not in text


def test_what_a_folder_says_of_itself_is_text_and_not_markdown():
    source = Provenance("x", licence="<script>*CC*", citation="{eval-rst} [a](b)")
    images = ImageSet(np.zeros((1, 2, 2), np.uint8), provenance=source)
    text = str(data_notice(images))
    assert r"\<script\>\*CC\*" in text and r"\{eval-rst\} \[a\](b)" in text
