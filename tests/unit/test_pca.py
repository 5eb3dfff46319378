"""`VariancePCA`: the same components as scikit-learn's, with less."""

import numpy as np
import pytest
from sklearn.decomposition import PCA
from sklearn.exceptions import NotFittedError
from sklearn.utils.estimator_checks import parametrize_with_checks

from octlessons.representations import VariancePCA


@parametrize_with_checks([VariancePCA()])
def test_is_a_scikit_learn_estimator(estimator, check):
    check(estimator)


def data(n: int, d: int, rank: int = 60, dtype=np.float64, seed: int = 0) -> np.ndarray:
    """Rows with a decaying spectrum, some noise and a mean far from 0."""
    rng = np.random.default_rng(seed)
    signal = (rng.normal(size=(n, rank)) * np.exp(-np.arange(rank) / 12)) @ rng.normal(
        size=(rank, d)
    )
    return (signal + 0.05 * rng.normal(size=(n, d)) + 5).astype(dtype)


@pytest.mark.parametrize("shape", [(120, 300), (300, 120), (50, 50)])
@pytest.mark.parametrize("share", [0.5, 0.9, 0.95, 0.99])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_equals_the_full_decomposition(shape, share, dtype):
    rows = data(*shape, dtype=dtype)
    full = PCA(n_components=share, svd_solver="full").fit(rows)
    ours = VariancePCA(share).fit(rows)
    close = {"atol": 2e-3 if dtype == np.float32 else 1e-9}
    assert ours.n_components_ == full.n_components_
    np.testing.assert_allclose(ours.components_, full.components_, **close)
    np.testing.assert_allclose(
        ours.explained_variance_ratio_, full.explained_variance_ratio_, **close
    )
    np.testing.assert_allclose(ours.explained_variance_, full.explained_variance_, rtol=1e-4)
    np.testing.assert_allclose(ours.mean_, full.mean_, rtol=1e-5)
    scale = np.abs(full.transform(rows)).max()
    np.testing.assert_allclose(
        ours.transform(rows) / scale, full.transform(rows) / scale, atol=1e-4
    )
    assert ours.transform(rows).dtype == dtype


def test_does_not_copy_the_data():
    import tracemalloc

    rows = data(300, 40_000, dtype=np.float32)  # 48 MB
    tracemalloc.start()
    VariancePCA(0.8).fit(rows)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 0.6 * rows.nbytes


def test_leaves_its_input_alone_whatever_its_layout():
    rows = data(80, 200, dtype=np.float64)
    before = rows.copy()
    expected = VariancePCA().fit(rows).components_
    np.testing.assert_array_equal(rows, before)
    fortran = np.asfortranarray(rows)
    np.testing.assert_allclose(VariancePCA().fit(fortran).components_, expected, atol=1e-8)
    np.testing.assert_array_equal(fortran, before)


def test_reads_a_memory_map(tmp_path):
    rows = data(90, 400, dtype=np.float32)
    np.save(tmp_path / "rows.npy", rows)
    mapped = np.load(tmp_path / "rows.npy", mmap_mode="r")
    np.testing.assert_allclose(
        VariancePCA().fit(mapped).components_, VariancePCA().fit(rows).components_, atol=1e-6
    )


def test_inverse_keeps_the_share_of_the_variance():
    rows = data(150, 80)
    model = VariancePCA(0.9).fit(rows)
    back = model.inverse_transform(model.transform(rows))
    lost = np.sum((rows - back) ** 2) / np.sum((rows - rows.mean(axis=0)) ** 2)
    assert 0.05 < lost <= 0.1
    np.testing.assert_allclose(1 - lost, model.explained_variance_ratio_.sum(), atol=1e-9)
    everything = VariancePCA(1.0).fit(rows)
    np.testing.assert_allclose(everything.inverse_transform(everything.transform(rows)), rows)


def test_whitened_scores_have_variance_one():
    rows = data(200, 50)
    model = VariancePCA(0.95, whiten=True)
    scores = model.fit_transform(rows)
    np.testing.assert_allclose(scores.var(axis=0, ddof=1), 1)
    plain = VariancePCA(0.95).fit(rows)
    np.testing.assert_allclose(
        model.inverse_transform(scores), plain.inverse_transform(plain.transform(rows))
    )


def test_counts_components_for_smaller_shares():
    model = VariancePCA(0.99).fit(data(200, 300))
    held = np.cumsum(model.explained_variance_ratio_)
    for share in (0.5, 0.9, 0.95, 0.99):
        k = model.components_for(share)
        assert held[k - 1] >= share > (held[k - 2] if k > 1 else 0)
    with pytest.raises(ValueError, match="fit VariancePCA"):
        model.components_for(0.9999)


@pytest.mark.parametrize("share", [0, -0.1, 1.5, "95", None])
def test_a_share_is_between_0_and_1(share):
    with pytest.raises(ValueError, match="share above 0 and at most 1"):
        VariancePCA(share).fit(data(10, 5))


def test_errors_are_sentences():
    with pytest.raises(NotFittedError):
        VariancePCA().transform(np.zeros((2, 3)))
    with pytest.raises(ValueError, match="one column per component"):
        VariancePCA(0.5).fit(data(20, 10)).inverse_transform(np.zeros((2, 999)))


def test_identical_rows_have_no_variance():
    model = VariancePCA().fit(np.ones((5, 8)))
    assert model.n_components_ == 1
    assert np.isfinite(model.components_).all()
    assert np.all(model.transform(np.ones((5, 8))) == 0)
