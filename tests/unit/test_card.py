"""The data card, and drawn scans that show their class."""

import numpy as np
import pytest

from octlessons.images import (
    ImageSet,
    Problem,
    Provenance,
    data_card,
    draw_example,
    draw_phantoms,
)


def images(n=6, **facts):
    return ImageSet(np.zeros((n, 8, 8), np.uint8), **facts)


def test_a_card_counts_classes_patients_sizes_and_left_out_files():
    card = data_card(
        images(
            labels=[0, 0, 0, 0, 1, 1],
            class_names=["A", "B", "C"],
            patients=["p", "p", "q", "r", "r", "r"],
            sites=["x"] * 6,
            sizes=[(8, 9)] * 5 + [(8, 10)],
            provenance=Provenance("x", licence="CC0", citation="Us", problems=(Problem("a", "b"),)),
        )
    )
    assert card.facts == {
        "scans": "6",
        "classes": "A 4, B 2",
        "majority share": "67 %",
        "patients": "3",
        "scans per patient": "1 to 3, median 2",
        "in several classes": "1 patient",
        "sites": "1",
        "size as acquired": "8 × 9 (5), 8 × 10 (1)",
        "pixel size": "not known",
        "files left out": "1",
        "terms of use": "CC0",
        "source": "Us",
    }
    assert "majority share" in str(card) and "<table" in card._repr_html_()


def test_a_card_says_what_is_not_known_and_when_nobody_was_scanned_twice():
    bare = data_card(images()).facts
    assert {bare[key] for key in ("classes", "patients", "sites", "size as acquired")} == {
        "not known"
    }
    assert data_card(images(patients=list("abcdef"))).facts["scans per patient"] == "one each"
    assert data_card(draw_phantoms(8, size=28)).facts["pixel size"] == "known"


@pytest.mark.parametrize("seed", [0, 7])
@pytest.mark.parametrize(
    ("name", "has", "lacks"),
    [
        ("NORMAL", (), (1, 2, 3, 4, 5)),
        ("DRUSEN", (1,), ()),
        ("DME", (5,), (4,)),
        ("CNV", (2, 3), ()),
    ],
)
def test_an_example_shows_its_class(name, has, lacks, seed):
    one = draw_example(name, size=96, seed=seed)
    assert one.class_names[one.labels[0]] == name and len(one) == 1
    there = set(np.unique(one.lesions)) - {0}
    assert set(has) <= there and not set(lacks) & there
    assert (np.asarray(one) > 250).mean() < 0.02


def test_an_example_is_the_same_eye_at_any_size():
    small, large = (draw_example("DME", size=size, seed=3) for size in (96, 224))
    assert small.names.tolist() == large.names.tolist() and large.shape == (1, 224, 224)


def test_there_is_no_example_of_another_class():
    with pytest.raises(ValueError, match="not of 'ERM'"):
        draw_example("ERM")
