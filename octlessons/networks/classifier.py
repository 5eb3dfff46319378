"""`SmallCNN`: three blocks of convolution, trained with the labels."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import KW_ONLY, dataclass
from typing import Any, ClassVar

import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.metrics import accuracy_score, f1_score
from sklearn.utils.class_weight import compute_class_weight
from sklearn.utils.validation import check_is_fitted

from octlessons.augmentation import augmenter
from octlessons.networks.base import TrainedNetwork, as_inputs
from octlessons.networks.parts import Part, check_length
from octlessons.networks.settings import check_choice

#: Three poolings halve the picture three times; below this nothing would be left of it.
SMALLEST = 8

MONITORS = {"loss": ("valid", False), "macro_f1": ("macro_f1", True)}


@dataclass(eq=False, repr=False)
class SmallCNN(ClassifierMixin, TrainedNetwork):
    """A small convolutional network that learns the classes of images.

    Three blocks of convolution (3 × 3), batch normalisation, ReLU and max-pooling (2 × 2), with
    `width`, 2 × `width` and 4 × `width` channels; then dropout and one linear layer. Each image is
    first given mean 0 and standard deviation 1, so brightness and contrast do not count.

    Parameters
    ----------
    size : int, default 64
        Height and width in pixels to which every image is resized; at least 8.
    width : int, default 16
        Channels of the first block.
    dropout : float, default 0.5
        Share of the last features that is left out at random while training.
    class_weight : "balanced", dict or None, default "balanced"
        Weight of each class in the loss. ``"balanced"``: n / (k · n_c) for a class of n_c among n
        training images, so that every class weighs the same in all. A dict gives the weight of
        each label. None: every image weighs the same, so rare classes hardly count.
    mirror : bool, default True
        Whether to mirror half of the training images left to right, at random: the mirror image
        of one eye looks like the other eye.
    augment : str, list of str or None, default None
        Changes of `octlessons.augmentation` by name, such as ``"oct_safe"``: each training image is
        altered anew whenever it is used, at the size of the network. That costs no further steps,
        and no image is seen twice alike. None alters nothing (but see `mirror`).
    max_iter : int, default 60
        Passes over the training images (epochs), at most.
    n_iter_no_change : int or None, default 15
        Stop after this many epochs without a better validation score; None never stops early.
        The network of the best epoch is kept either way.
    monitor : {"loss", "macro_f1"}, default "loss"
        What "better" means on the validation images. The loss moves more steadily.
    validation_fraction : float, default 0.2
        Share of the training images that `fit` puts aside to stop by, whole patients where
        patients are known. 0: train for all epochs on all images.
    batch_size : int, default 32
        Images per step, at least 2.
    learning_rate_init : float, default 2e-3
        Of AdamW; the rate falls along half a cosine to nearly 0.
    alpha : float, default 1e-4
        Weight decay.
    checkpoint : path, optional
        File written after every epoch, from which an interrupted training goes on.
    device : str, default "auto"
        See `octlessons.representations.devices.choose_device`.
    random_state : int, RandomState or None, default 0
        Of the first weights, the order of the images, and the validation share.
    verbose : bool, default False
        Print a line for each epoch.

    Attributes
    ----------
    classes_ : ndarray, shape (k,)
        The labels that occur in training, sorted; the order of the columns of `predict_proba`.
    history_ : octlessons.networks.History
        Loss on training and validation images (weighted alike), and on validation images accuracy
        and macro-F1, of every epoch.
    network_ : torch.nn.Module
    class_weights_ : ndarray, shape (k,)
    validation_ : ndarray of int
        Which of the images given to `fit` were put aside for validation; empty where validation
        images were given, or none wanted.

    Notes
    -----
    `fit` never sees the test images: it stops by validation images, which are put aside from the
    training images, whole patients where patients are known.

    Examples
    --------
    >>> from octlessons.images import draw_phantoms
    >>> train, test = draw_phantoms(n_per_class=10, size=32).split()
    >>> cnn = SmallCNN(size=32, width=4, max_iter=2).fit(train)
    >>> cnn.predict_proba(test).shape[1]
    4
    """

    _WHOLE: ClassVar = {"size": SMALLEST, "width": 1, "max_iter": 1, "batch_size": 2}
    _FITTED = ("validation_", "classes_", "class_weights_")
    _SCHEDULE = "cosine"

    _: KW_ONLY
    width: int = 16
    dropout: float = 0.5
    class_weight: str | Mapping | None = "balanced"
    mirror: bool = True
    augment: str | list[str] | None = None
    monitor: str = "loss"
    max_iter: int = 60
    n_iter_no_change: int | None = 15

    def predict(self, X):
        """Give the most probable class of each image.

        Parameters
        ----------
        X : ImageSet, ndarray of shape (n, h, w), or list of 2-D arrays

        Returns
        -------
        ndarray, shape (n,)
            In the type of `classes_`.
        """
        probabilities = self.predict_proba(X)
        return self.classes_[probabilities.argmax(axis=1)]

    def predict_proba(self, X):
        """Give the probability of each class for each image.

        Parameters
        ----------
        X : ImageSet, ndarray of shape (n, h, w), or list of 2-D arrays

        Returns
        -------
        ndarray of float, shape (n, k)
            Columns in the order of `classes_`; rows sum to 1. How far such a probability can be
            trusted is a question for `octlessons.evaluation.calibration`.

        Raises
        ------
        sklearn.exceptions.NotFittedError
            If it was not trained yet.
        """
        check_is_fitted(self, "network_")
        found = self._rows(X, _probabilities, len(self.classes_)).astype(float)
        return found / found.sum(axis=1, keepdims=True)

    # ------------------------------------------------------------------ inside

    def _check(self) -> None:
        super()._check()
        check_choice("monitor", self.monitor, tuple(MONITORS))
        if isinstance(self.class_weight, str) and self.class_weight != "balanced":
            raise ValueError(
                "`class_weight` is 'balanced', None, or a dict with the weight of each label, not "
                f"{self.class_weight!r}."
            )

        if self.augment is not None:
            augmenter(self.augment)

    def _batches(self, part: Part, rng: np.random.Generator, training: bool) -> Iterator[tuple]:
        altered = augmenter(self.augment) if training and self.augment is not None else None
        for pixels, y in super()._batches(part, rng, training):
            if altered is not None:
                copies = rng.integers(2**31, size=len(pixels))
                again = zip(pixels, copies, strict=True)
                pixels = np.stack([altered(image, copy=int(copy)) for image, copy in again])
            yield pixels, y

    def _targets(self, X, y, first: bool) -> np.ndarray:
        labels = _labels(X, y)
        if first:
            self.classes_ = np.unique(labels)
            if len(self.classes_) < 2:
                raise ValueError(
                    f"All {len(labels)} training images have the same label, {self.classes_[0]}: "
                    "a classifier needs at least two classes, not 1 class."
                )
        unknown = np.setdiff1d(labels, self.classes_)
        if len(unknown):
            raise ValueError(
                f"The validation images have label {unknown[0]}, of which there is no training "
                "image."
            )
        return np.searchsorted(self.classes_, labels)

    def _prepare(self, training: Part, valid: Part) -> None:
        labels = self.classes_[training.labels]
        try:
            self.class_weights_ = compute_class_weight(
                self.class_weight, classes=self.classes_, y=labels
            )
        except ValueError as error:
            raise ValueError(
                f"`class_weight` does not fit the labels ({error}): give a weight for each of "
                f"{', '.join(map(str, self.classes_))}."
            ) from error

    def _build(self):
        import torch

        from octlessons.networks.layers import classifier

        n_classes = len(self.classes_)
        network = classifier(self.size, self.width, self.dropout, bool(self.mirror), n_classes)
        return network.to(memory_format=torch.channels_last)  # a third faster on a CPU

    def _loss(self, training: Part) -> Callable:
        from torch.nn.functional import cross_entropy

        def loss(network, batch):
            """Weighted and averaged over images: with "balanced" the mean weight is 1."""
            images, truth = batch
            each = cross_entropy(network(as_inputs(images)), truth, reduction="none")
            return (each.new_tensor(self.class_weights_)[truth] * each).mean()

        return loss

    def _more_settings(self, valid: Part) -> dict[str, Any]:
        if not len(valid):
            return {}
        monitor, higher = MONITORS[self.monitor]
        return {"monitor": monitor, "higher_is_better": higher}

    def _measure(self, training: Part, valid: Part) -> Callable | None:
        def scores(network) -> dict[str, float]:
            device, rows = next(network.parameters()).device, valid.index
            predicted = np.concatenate([
                _probabilities(network, as_inputs(valid.pixels[some], device)).argmax(1).cpu()
                for some in np.array_split(rows, -(-len(rows) // 256))
            ])  # fmt: skip
            return {
                "accuracy": accuracy_score(valid.labels, predicted),
                "macro_f1": f1_score(valid.labels, predicted, average="macro", zero_division=0),
            }

        return scores if len(valid) else None


def _probabilities(network, images):
    return network(images).float().softmax(dim=1)


def _labels(X, y) -> np.ndarray:
    y = getattr(X, "labels", None) if y is None else y
    if y is None:
        raise ValueError(
            "There are no labels to learn from: put the scans in one folder per class, or pass "
            "y=…, the class of each image."
        )
    y = np.asarray(y)
    if y.dtype.kind == "O":
        y = np.asarray(y.tolist())
    if y.ndim == 2 and y.shape[1] == 1:  # as MedMNIST stores them
        y = y[:, 0]
    whole = y.dtype.kind == "f" and np.array_equal(y, np.rint(y))  # NaN equals nothing
    if y.ndim != 1 or not (whole or y.dtype.kind in "iubU"):
        broken = ", continuous values" if y.dtype.kind == "f" else ""
        raise ValueError(
            f"Labels are one whole number or text for each image; these have shape {y.shape} and "
            f"type {y.dtype}{broken}."
        )
    check_length(X, y, "labels")
    return y
