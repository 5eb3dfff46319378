"""`VariancePCA`: as many principal components as a share of the variance needs, in flat memory."""

from __future__ import annotations

import numpy as np
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils.validation import check_is_fitted, validate_data


class VariancePCA(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):
    """Principal component analysis to a share of the variance.

    The same components as ``sklearn.decomposition.PCA(n_components=0.95)``, which decomposes a copy
    of the data. Here they are read in blocks: the smaller product of the centred data with itself,
    (n, n) or (d, d), is accumulated, and its eigenvectors are found. So a memory map works too.

    Parameters
    ----------
    variance : float, default 0.95
        Share of the variance that the fewest components reach, above 0 and at most 1.
    whiten : bool, default False
        Divide every score by its standard deviation, so that all directions weigh the same.

    Attributes
    ----------
    components_ : ndarray, shape (n_components_, n_features)
        Directions of largest variance, orthonormal, largest first.
    explained_variance_ : ndarray, shape (n_components_,)
        Variance along each (divisor n - 1).
    explained_variance_ratio_ : ndarray, shape (n_components_,)
        The same as a share of the whole.
    mean_ : ndarray, shape (n_features,)
        Mean of each feature.
    n_components_ : int
        Number of components kept.
    n_features_in_ : int
        Number of features seen by `fit`.

    Examples
    --------
    >>> import numpy as np
    >>> rows = np.random.default_rng(0).normal(size=(200, 3)) @ np.diag([10, 5, 0.1])
    >>> VariancePCA(0.95).fit(rows).n_components_
    2
    """

    def __init__(self, variance=0.95, whiten=False):
        self.variance = variance
        self.whiten = whiten

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags

    def fit(self, X, y=None):
        """Find the components.

        Parameters
        ----------
        X : array_like of float32 or float64, shape (n, n_features)
            At least two rows. Other number types are copied to float64.
        y : ignored

        Raises
        ------
        ValueError
            If `variance` is out of range, or X is not a finite 2-D array of at least two rows.
        """
        if not isinstance(self.variance, float | int | np.floating) or not 0 < self.variance <= 1:
            raise ValueError(
                f"`variance` is a share above 0 and at most 1, not {self.variance!r}; for a "
                "number of components use sklearn.decomposition.PCA."
            )
        X = validate_data(self, X, dtype=[np.float64, np.float32], ensure_min_samples=2)
        n, d = X.shape
        mean = X.mean(axis=0, dtype=np.float64).astype(X.dtype)
        wide = d >= n
        values, vectors, total = _decomposed(_product(X, mean, wide))
        floor = 10 * np.finfo(X.dtype).eps * values[0]  # below it, directions are rounding
        keep = max(1, min(_count(values, float(self.variance), total), int(np.sum(values > floor))))
        values, vectors = values[:keep], vectors[:, :keep]
        components = _to_columns(X, mean, vectors, np.sqrt(values)) if wide else vectors.T
        # As scikit-learn: the largest entry of every component is positive.
        largest = np.argmax(np.abs(components), axis=1)
        components = components * np.sign(components[np.arange(keep), largest])[:, None]
        share = values / total if total > 0 else np.full(keep, np.nan)

        self.components_ = np.ascontiguousarray(components, X.dtype)
        self.explained_variance_ = (values / (n - 1)).astype(X.dtype)
        self.explained_variance_ratio_ = share.astype(X.dtype)
        self.mean_ = mean
        self.n_components_ = keep
        return self

    def transform(self, X):
        """Return the scores: coordinates along the components, from the mean.

        Parameters
        ----------
        X : array_like of float, shape (n, n_features)

        Returns
        -------
        ndarray, shape (n, n_components_)
        """
        check_is_fitted(self)
        return self._scores(validate_data(self, X, dtype=[np.float64, np.float32], reset=False))

    def inverse_transform(self, X):
        """Return the rows that have these scores, in the kept directions only.

        Parameters
        ----------
        X : array_like of float, shape (n, n_components_)

        Returns
        -------
        ndarray, shape (n, n_features)
        """
        check_is_fitted(self)
        scores = np.asarray(X)
        if scores.ndim != 2 or scores.shape[1] != self.n_components_:
            raise ValueError(
                f"Scores have shape (n, {self.n_components_}), one column per component; these "
                f"have {scores.shape}."
            )
        if self.whiten:
            scores = scores * np.sqrt(self.explained_variance_)
        return scores @ self.components_ + self.mean_

    def components_for(self, variance: float) -> int:
        """Return how many components hold a share of the variance.

        Parameters
        ----------
        variance : float
            Share, at most the one that was fitted.

        Returns
        -------
        int

        Raises
        ------
        ValueError
            If the components kept do not hold that much.
        """
        check_is_fitted(self)
        held = np.cumsum(self.explained_variance_ratio_, dtype=np.float64)
        if not 0 < variance <= held[-1] + 1e-9:
            raise ValueError(
                f"The {self.n_components_} components kept hold {held[-1]:.1%} of the variance; "
                f"fit VariancePCA(variance={variance}) to count to {variance:.1%}."
            )
        return min(int(np.searchsorted(held, variance - 1e-12)) + 1, self.n_components_)

    @property
    def _n_features_out(self) -> int:
        return self.n_components_

    # ------------------------------------------------------------------ inside

    def _scores(self, X: np.ndarray) -> np.ndarray:
        # (X - mean) C' without a centred copy of X
        scores = X @ self.components_.T
        scores -= self.mean_ @ self.components_.T
        if self.whiten:
            scores /= np.sqrt(np.maximum(self.explained_variance_, np.finfo(X.dtype).tiny))
        return scores


def _decomposed(product: np.ndarray) -> tuple[np.ndarray, np.ndarray, float]:
    """Eigenvalues, largest first, eigenvectors in columns, and trace; of a lower triangle."""
    from scipy.linalg import eigh

    total = float(np.trace(product))
    values, vectors = eigh(product, lower=True, overwrite_a=True, check_finite=False, driver="evr")
    return np.maximum(values[::-1], 0), vectors[:, ::-1], total


def _count(values: np.ndarray, share: float, total: float) -> int:
    """Fewest leading values that sum to `share` of `total`; all of them if they do not."""
    if total <= 0:
        return 1
    held = np.cumsum(values) / total
    # A rounding error below the full variance must not ask for one component more.
    return min(int(np.searchsorted(held, share - 1e-7 * (share == 1))) + 1, len(values))


def _product(X: np.ndarray, mean: np.ndarray, wide: bool, block: int = 1024) -> np.ndarray:
    """Lower triangle of the smaller product of the centred data with itself, by blocks.

    ``(X - mean)(X - mean)'`` by blocks of columns, or ``(X - mean)'(X - mean)`` by blocks of rows.
    """
    from scipy.linalg.blas import dsyrk

    n, d = X.shape
    product = np.zeros((min(n, d),) * 2, order="F")
    for start in range(0, max(n, d), block):
        which = slice(start, start + block)
        part = np.array(X[:, which] if wide else X[which], np.float64, order="C")
        part -= mean[which] if wide else mean
        product = dsyrk(1.0, part.T, beta=1.0, c=product, trans=wide, lower=1, overwrite_c=1)
    return product


def _to_columns(
    X: np.ndarray, mean: np.ndarray, vectors: np.ndarray, singular: np.ndarray, block: int = 1024
) -> np.ndarray:
    """Right singular vectors from left ones: vectors' (X - mean) / singular, by blocks."""
    divisors = np.maximum(singular, np.finfo(X.dtype).tiny)[:, None]
    left = np.ascontiguousarray(vectors.T, X.dtype)
    components = np.empty((left.shape[0], X.shape[1]), X.dtype)
    for start in range(0, X.shape[1], block):
        part = X[:, start : start + block] - mean[start : start + block]
        components[:, start : start + block] = (left @ part) / divisors
    return components
