"""Checks of the exercise tied-weights."""

import numpy as np
import pytest

from octlessons.testing import (
    assert_array,
    assert_close,
    assert_input_unchanged,
    mistake,
    reference,
)

TASK = "In every step codes and errors anew, both parts of the slope, times 2 / n, subtracted."


def trained(images, start, rate, n_steps, first=1.0, second=1.0, share=None, after=lambda w: w):
    """Steps, from the products of pixels; the parts of the slope may have other weights."""
    w = np.array(start, float)
    products = images.T @ images
    share = 2 / len(images) if share is None else share
    for _ in range(n_steps):
        towards = products @ w  # the sum of z x
        slope = first * ((w @ towards) * w - towards) + second * (w @ w - 1) * towards
        w = after(w - rate * share * slope)
    return w


@reference("train_tied")
def expected(images, start, rate, n_steps):
    """Both parts, downhill."""
    return trained(images, start, rate, n_steps)


@mistake("train_tied")
def first_part(images, start, rate, n_steps):
    """The second part of the slope, (e · w) x, is missing: w is in the encoder, too."""
    return trained(images, start, rate, n_steps, second=0)


@mistake("train_tied")
def second_part(images, start, rate, n_steps):
    """The first part of the slope, z e, is missing: w is in the decoder, too."""
    return trained(images, start, rate, n_steps, first=0)


@mistake("train_tied")
def not_divided(images, start, rate, n_steps):
    """The steps are n times too long: divide the slope by the number of images."""
    return trained(images, start, rate, n_steps, share=2)


@mistake("train_tied")
def without_two(images, start, rate, n_steps):
    """The steps are half as long as they should be: the slope is 2 / n times the sum."""
    return trained(images, start, rate, n_steps, share=1 / len(images))


@mistake("train_tied")
def by_pixels(images, start, rate, n_steps):
    """The slope is divided by the number of pixels: divide it by the number of images."""
    return trained(images, start, rate, n_steps, share=2 / images.shape[1])


@mistake("train_tied")
def uphill(images, start, rate, n_steps):
    """The step goes uphill: subtract the slope. The error is e = z w - x, not x - z w."""
    return trained(images, start, rate, n_steps, share=-2 / len(images))


@mistake("train_tied")
def length_one(images, start, rate, n_steps):
    """The weights were brought to length 1: leave them as the steps make them."""
    return trained(images, start, rate, n_steps, after=lambda w: w / np.linalg.norm(w))


@mistake("train_tied")
def codes_of_the_start(images, start, rate, n_steps):
    """All steps use the slope of the first weights: compute codes and errors anew in each."""
    return start + n_steps * (trained(images, start, rate, 1) - start)


@mistake("train_tied")
def one_step_more(images, start, rate, n_steps):
    """This is the result of one step more: take `n_steps`, and none for 0."""
    return trained(images, start, rate, n_steps + 1)


@mistake("train_tied")
def whole_numbers(images, start, rate, n_steps):
    """The first weights are whole numbers here, and an array of whole numbers cannot take the
    steps: begin with `np.array(start, float)`.
    """
    w = np.array(start)
    w -= rate * np.ones(len(w))
    return expected(images, start, rate, n_steps)


@mistake("train_tied")
def cut_to_whole_numbers(images, start, rate, n_steps):
    """The weights are cut to whole numbers: begin with `np.array(start, float)`."""
    kind = np.asarray(start).dtype
    return trained(images, start, rate, n_steps, after=lambda w: w.astype(kind).astype(float))


@pytest.fixture
def images(rng):
    """Twenty images of three pixels with mean 0, longest in one direction."""
    made = rng.normal(size=(20, 3)) * [2, 0.7, 0.4] @ np.linalg.qr(rng.normal(size=(3, 3)))[0]
    return made - made.mean(axis=0)


def test_shape(student, images):
    """One weight for each pixel; images and first weights stay as they were."""
    found = student.train_tied(images, np.array([1.0, 0, 0]), 0.01, 3)
    assert_array(student, found, shape=(3,), because=TASK)
    assert_input_unchanged(student)


@pytest.mark.points(2)
def test_first_steps(student, images):
    """The weights after 1, 4 and no steps."""
    start = np.array([0.6, -0.3, 0.9])
    for n_steps in (1, 4, 0):
        found = student.train_tied(images, start, 0.02, n_steps)
        assert_close(student, found, expected(images, start, 0.02, n_steps), because=TASK)


def test_direction_of_pca(student, images):
    """After many steps it is the direction of PCA, with length 1."""
    found = student.train_tied(images, np.array([0.5, 0.4, 0.6]), 0.02, 1500)
    found = assert_array(student, found, shape=(3,), because=TASK)
    first = np.linalg.svd(images)[2][0]
    found = found * np.sign(found @ first)
    assert_close(student, found, first, rtol=1e-2, atol=1e-2, because=TASK)


def test_whole_numbers_to_begin_with(student, images):
    """First weights that are whole numbers do not make the result whole."""
    start = np.array([1, 0, 0])
    found = student.train_tied(images, start, 0.02, 3)
    assert_close(student, found, expected(images, start, 0.02, 3), because=TASK)
