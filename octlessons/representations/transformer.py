"""What all representations have in common: images in, named rows out, in scikit-learn's manner."""

from __future__ import annotations

from numbers import Integral

from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin


class ImageTransformer(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):
    """A transformer of images (n, h, w) to rows (n, d) of float32.

    Features are named after the class and a number, as scikit-learn's decompositions name theirs;
    `fit` says in ``n_features_out_`` how many there are. Images may differ in size, so there is no
    ``n_features_in_``, as for scikit-learn's text vectorisers.
    """

    n_features_out_: int

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False
        tags.input_tags.three_d_array = True
        tags.transformer_tags.preserves_dtype = ["float32"]
        return tags

    @property
    def _n_features_out(self) -> int:
        return self.n_features_out_


def check_counts(estimator: BaseEstimator, *names: str, optional: tuple[str, ...] = ()) -> None:
    """Refuse parameters of an estimator that are not positive whole numbers, or None if optional.

    Raises
    ------
    ValueError
        Which names the parameter.
    """
    for name in (*names, *optional):
        value = getattr(estimator, name)
        if value is None and name in optional:
            continue
        if not isinstance(value, Integral) or isinstance(value, bool) or value < 1:
            raise ValueError(f"`{name}` is a positive whole number, not {value!r}.")
