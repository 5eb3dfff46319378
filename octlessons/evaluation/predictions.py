"""What numbers about images know of a class: guessed for patients left out, against chance."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from octlessons.evaluation.contingency_table import Pair, shuffled_labels
from octlessons.evaluation.uncertainty import Chance, chance_of, same_lengths
from octlessons.wording import decimal, p_value

#: Folds of the cross-validation, where every class has as many patients.
FOLDS = 5


@dataclass(frozen=True)
class Prediction:
    """How well classes are guessed from some numbers, for patients that were left out.

    Attributes
    ----------
    score : float
        Mean of the classes' recalls (balanced accuracy), in 0…1.
    chance : Chance
        The same with the labels of patients shuffled and everything fitted again.
    p_value : float
        Share of shuffles with at least this score.
    guessed : ndarray, shape (n,)
        The guess for each image, made when its patient was left out.
    """

    score: float
    chance: Chance
    p_value: float
    guessed: np.ndarray

    def __str__(self) -> str:
        return f"{decimal(self.score)} (by chance {self.chance}; p {p_value(self.p_value)})"


def predictable(
    features, labels, groups=None, model=None, *, n_permutations: int = 200, random_state: int = 0
) -> Prediction:
    """Ask whether some numbers know the class of an image.

    Parameters
    ----------
    features : array_like of float, shape (n,) or (n, d)
        NaN is replaced by the median of the training part.
    labels : array_like, shape (n,)
    groups : array_like, shape (n,), optional
        Patient of each image: patients are left out whole, and shuffled whole.
    model : scikit-learn classifier, optional
        By default a tree of at most four leaves, with classes of equal weight: for one number,
        where to cut it.
    n_permutations : int
        Shuffles, each with all fits. Their number bounds p from below.
    random_state : int
        Of folds and shuffles.

    Returns
    -------
    Prediction

    Raises
    ------
    ValueError
        If lengths differ, or a class has fewer than two patients.

    Examples
    --------
    >>> numbers = np.r_[np.zeros(20), np.ones(20)]
    >>> predictable(numbers, numbers.astype(int), n_permutations=20).score
    1.0
    """
    labels = np.asarray(labels)
    features = np.asarray(features, float).reshape(len(labels), -1)
    same_lengths(len(labels), features=features, groups=groups)
    groups = np.arange(len(labels)) if groups is None else np.asarray(groups)
    pair = Pair.of(labels, np.zeros(len(labels), int), groups)
    parts = _parts(features, pair.label, groups, random_state)
    model = _small_tree(random_state) if model is None else model
    score, guessed = _guessed(model, parts, pair.label)
    rng = np.random.default_rng(random_state)
    shuffles = shuffled_labels(pair, n_permutations, rng)
    shuffled = np.array([_guessed(model, parts, label)[0] for label in shuffles])
    chance, p = chance_of(score, shuffled)
    return Prediction(score, chance, p, np.asarray(pair.class_names)[guessed])


def _small_tree(random_state: int):
    from sklearn.tree import DecisionTreeClassifier

    return DecisionTreeClassifier(
        max_leaf_nodes=4, class_weight="balanced", random_state=random_state
    )


def _parts(
    features: np.ndarray, label: np.ndarray, groups: np.ndarray, random_state: int
) -> list[tuple]:
    """Training rows, test rows and their filled numbers, for each fold.

    The folds do not look at the classes: shuffled labels then meet the same folds as true ones.
    """
    from sklearn.impute import SimpleImputer
    from sklearn.model_selection import GroupKFold

    _, group = np.unique(groups, return_inverse=True)
    patients = np.bincount(np.unique(np.column_stack([label, group]), axis=0)[:, 0])
    patients = patients[patients > 0]
    if len(patients) < 2 or patients.min() < 2:
        raise ValueError(
            "Guessing for patients left out needs two classes of at least two patients each."
        )
    n_folds = min(FOLDS, int(group.max()) + 1)
    folds = GroupKFold(n_folds, shuffle=True, random_state=random_state)
    parts = []
    for train, test in folds.split(features, groups=group):
        filled = SimpleImputer(strategy="median", keep_empty_features=True).fit(features[train])
        parts.append(
            (train, test, filled.transform(features[train]), filled.transform(features[test]))
        )
    return parts


def _guessed(model, parts: list[tuple], label: np.ndarray) -> tuple[float, np.ndarray]:
    """Balanced accuracy over all folds together, and the guesses."""
    guessed = np.empty_like(label)
    for train, test, known, asked in parts:
        guessed[test] = model.fit(known, label[train]).predict(asked)
    right = np.bincount(label, guessed == label) / np.maximum(np.bincount(label), 1)
    return float(right[np.bincount(label) > 0].mean()), guessed
