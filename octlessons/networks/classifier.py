"""`SmallCNN`: three blocks of convolution, trained with the labels."""

from __future__ import annotations

from numbers import Integral

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin

from octlessons.errors import OctlessonsError
from octlessons.images.imageset import ImageSet
from octlessons.images.checks import as_images
from octlessons.representations.pixels import Pixels
from octlessons.wording import count

#: Three poolings halve the picture three times; below this nothing would be left of it.
SMALLEST = 8

MONITORS = {"loss": ("valid", False), "macro_f1": ("macro_f1", True)}


class SmallCNN(ClassifierMixin, BaseEstimator):
    """A small convolutional network that learns the classes of images.

    Three blocks of convolution (3 × 3), batch normalisation, ReLU and max-pooling (2 × 2), with
    `width`, 2 × `width` and 4 × `width` channels; then dropout and one linear layer. Each image is
    first given mean 0 and standard deviation 1, so brightness and contrast do not count.

    Parameters
    ----------
    size : int
        Height and width in pixels to which every image is resized; at least 8.
    width : int
        Channels of the first block.
    dropout : float
        Share of the last features that is left out at random while training.
    class_weight : "balanced", dict or None
        Weight of each class in the loss. ``"balanced"``: n / (k · n_c) for a class of n_c among n
        training images, so that every class weighs the same in all. A dict gives the weight of
        each label. None: every image weighs the same, so rare classes hardly count.
    mirror : bool
        Whether to mirror half of the training images left to right, at random: the mirror image
        of one eye looks like the other eye.
    epochs : int
        How often to go through the training images, at most.
    patience : int or None
        Stop after this many epochs without a better validation score; None never stops early.
        The network of the best epoch is kept either way.
    monitor : {"loss", "macro_f1"}
        What "better" means on the validation images. The loss moves more steadily.
    validation : float or None
        Share of the training images that `fit` puts aside to stop by, whole patients where
        patients are known. None: train for all epochs on all images.
    batch_size : int
        Images per step, at least 2.
    learning_rate, weight_decay : float
        Of AdamW; the rate falls along half a cosine to nearly 0.
    checkpoint : path, optional
        File written after every epoch, from which an interrupted training goes on.
    device : str
        ``"auto"``, or as for `octlessons.representations.devices.choose_device`.
    random_state : int
        Seed of the first weights, the order of the images, and the validation share.
    verbose : bool
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
    validation_index_ : ndarray of int or None
        Which of the images given to `fit` were put aside for validation; None where validation
        images were given, or none wanted.

    Notes
    -----
    `fit` never sees the test images: it stops by validation images, which are put aside from the
    training images, whole patients where patients are known.

    Examples
    --------
    >>> from octlessons.images import draw_phantoms
    >>> train, test = draw_phantoms(n_per_class=10, size=32).split(random_state=0)
    >>> cnn = SmallCNN(size=32, width=4, epochs=2, verbose=False).fit(train)
    >>> cnn.predict_proba(test).shape[1]
    4
    """

    def __init__(
        self,
        size=64,
        *,
        width=16,
        dropout=0.5,
        class_weight="balanced",
        mirror=True,
        epochs=60,
        patience=15,
        monitor="loss",
        validation=0.2,
        batch_size=32,
        learning_rate=2e-3,
        weight_decay=1e-4,
        checkpoint=None,
        device="auto",
        random_state=0,
        verbose=True,
    ):
        self.size = size
        self.width = width
        self.dropout = dropout
        self.class_weight = class_weight
        self.mirror = mirror
        self.epochs = epochs
        self.patience = patience
        self.monitor = monitor
        self.validation = validation
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.checkpoint = checkpoint
        self.device = device
        self.random_state = random_state
        self.verbose = verbose

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False
        tags.input_tags.three_d_array = True
        return tags

    def fit(self, images, labels=None, validation="as set", patients=None):
        """Train on images with labels.

        Parameters
        ----------
        images : ImageSet, ndarray of shape (n, h, w), or list of 2-D arrays
            Grey images, the training part only.
        labels : array_like, shape (n,), optional
            Class of each image, whole numbers or text; those of the `ImageSet` by default.
        validation : ImageSet, float or None
            Labelled images to stop by, of other patients than the training images; or another
            share, or None, instead of the parameter `validation`.
        patients : array_like, shape (n,), optional
            Patient of each image; those of the `ImageSet` by default.

        Returns
        -------
        SmallCNN
            Itself.

        Raises
        ------
        OctlessonsError
            If labels are missing or do not fit, there is one class only, training and validation
            share patients, a validation share cannot be put aside, a parameter is out of range, or
            training fails. The sentence says what to change.
        ValueError
            If the images are no grey images.
        """
        from octlessons._optional import need_torch
        from octlessons.representations import seeded

        need_torch()
        self._check()
        if isinstance(validation, str) and validation == "as set":
            validation = self.validation
        images, labels, patients = _gathered(images, labels, patients)
        self.classes_ = np.unique(labels)
        if len(self.classes_) < 2:
            raise OctlessonsError(
                f"All {len(labels)} training images have the same label, {self.classes_[0]}: a "
                "classifier needs at least two classes."
            )
        self.validation_index_ = None
        inputs, codes = self._inputs(images), np.searchsorted(self.classes_, labels)
        held = None
        if isinstance(validation, ImageSet):
            held = self._given(validation, patients)
        elif validation is not None:
            aside = _put_aside(codes, patients, validation, self.random_state, self.classes_)
            self.validation_index_ = np.flatnonzero(aside)
            held = inputs[aside], codes[aside]
            inputs, codes = inputs[~aside], codes[~aside]
        if len(codes) < 2:
            raise OctlessonsError("A network needs at least 2 training images.")
        self.class_weights_ = self._weights(self.classes_[codes])
        with seeded(self.random_state):
            self.network_ = _network(
                int(self.size), int(self.width), float(self.dropout), bool(self.mirror),
                len(self.classes_),
            )  # fmt: skip
        self.history_ = self._train(inputs, codes, held)
        return self

    def predict(self, images):
        """Give the most probable class of each image.

        Parameters
        ----------
        images : ImageSet, ndarray of shape (n, h, w), or list of 2-D arrays

        Returns
        -------
        ndarray, shape (n,)
            In the type of `classes_`.
        """
        return self.classes_[self.predict_proba(images).argmax(axis=1)]

    def predict_proba(self, images):
        """Give the probability of each class for each image.

        Parameters
        ----------
        images : ImageSet, ndarray of shape (n, h, w), or list of 2-D arrays

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
        from sklearn.utils.validation import check_is_fitted

        check_is_fitted(self, "network_")
        images = as_images(images)
        parts = [
            _probabilities(self.network_, self._inputs(images[start : start + 1024]))
            for start in range(0, len(images), 1024)
        ]
        return np.concatenate(parts)

    # ------------------------------------------------------------------ inside

    def _check(self) -> None:
        def whole(value, least):
            return isinstance(value, Integral) and not isinstance(value, bool) and value >= least

        for name, least in (("width", 1), ("epochs", 1), ("batch_size", 2)):
            if not whole(getattr(self, name), least):
                raise OctlessonsError(
                    f"`{name}` is a whole number of at least {least}, not {getattr(self, name)!r}."
                )
        if not whole(self.size, SMALLEST):
            raise OctlessonsError(
                f"Three poolings halve the picture three times, so `size` is a whole number of at "
                f"least {SMALLEST} pixels, not {self.size!r}."
            )
        if not 0 <= self.dropout < 1:
            raise OctlessonsError(
                f"`dropout` is a share from 0 to below 1, such as 0.5; it is {self.dropout!r}."
            )
        if self.monitor not in MONITORS:
            raise OctlessonsError(f"`monitor` is 'loss' or 'macro_f1', not {self.monitor!r}.")
        if isinstance(self.class_weight, str) and self.class_weight != "balanced":
            raise OctlessonsError(
                "`class_weight` is 'balanced', None, or a dict with the weight of each label, not "
                f"{self.class_weight!r}."
            )

    def _inputs(self, images) -> np.ndarray:
        """Images as uint8 (n, size, size)."""
        images = as_images(images)
        size = int(self.size)
        as_they_are = isinstance(images, np.ndarray) and images.dtype == np.uint8
        if as_they_are and images.shape[1:] == (size, size):
            return images
        small = np.empty((len(images), size, size), np.uint8)
        pixels = Pixels(size=size)
        for start in range(0, len(images), 256):
            rows = pixels.transform(images[start : start + 256])
            small[start : start + 256] = np.round(rows * 255).reshape(-1, size, size)
        return small

    def _given(self, validation: ImageSet, patients):
        if validation.labels is None:
            raise OctlessonsError("The validation images have no labels, so nothing can stop by.")
        if patients is not None and validation.patients is not None:
            both = len(set(patients) & set(validation.patients))
            if both:
                raise OctlessonsError(
                    f"{count(both, 'patient')} of the validation images are among the training "
                    "images too, so the validation score would say how well they were learnt by "
                    "heart: split by patient."
                )
        unknown = sorted(set(validation.labels.tolist()) - set(self.classes_.tolist()))
        if unknown:
            raise OctlessonsError(
                f"The validation images have label {unknown[0]}, of which there is no training "
                "image."
            )
        return self._inputs(validation), np.searchsorted(self.classes_, validation.labels)

    def _weights(self, labels) -> np.ndarray:
        from sklearn.utils.class_weight import compute_class_weight

        try:
            return compute_class_weight(self.class_weight, classes=self.classes_, y=labels)
        except ValueError as error:
            raise OctlessonsError(
                f"`class_weight` does not fit the labels ({error}): give a weight for each of "
                f"{', '.join(map(str, self.classes_))}."
            ) from error

    def _train(self, inputs, codes, held):
        import torch
        from torch.nn.functional import cross_entropy

        from octlessons.networks import train
        from octlessons.representations import batch_indices, choose_device

        device = choose_device(self.device)
        weights = torch.tensor(self.class_weights_, dtype=torch.float32, device=device)

        def loss(network, batch):
            images, truth = batch
            # Weighted, and averaged over images: with "balanced" the mean weight is 1.
            each = cross_entropy(network(images), truth, reduction="none")
            return (weights[truth] * each).mean()

        def batches(_epoch, rng):
            for index in batch_indices(len(codes), self.batch_size, rng):
                yield inputs[index][:, None], codes[index]

        def valid_batches(_epoch, _rng):
            for start in range(0, len(held[1]), 256):
                part = slice(start, start + 256)
                yield held[0][part][:, None], held[1][part]

        def measure(network):
            from octlessons.evaluation.classification import classification_report

            called = _probabilities(network, held[0]).argmax(axis=1)
            report = classification_report(held[1], called, n_bootstrap=0)
            return {"accuracy": report.accuracy, "macro_f1": report.macro_f1}

        if device == "cpu":  # a third faster there
            self.network_.to(memory_format=torch.channels_last)
        monitor, higher = MONITORS[self.monitor]
        known = held is not None
        return train(
            self.network_,
            loss,
            batches,
            valid_batches if known else None,
            epochs=int(self.epochs),
            optimiser="adamw",
            learning_rate=self.learning_rate,
            weight_decay=self.weight_decay,
            schedule="cosine",
            patience=self.patience if known else None,
            monitor=monitor if known else "valid",
            higher_is_better=higher if known else False,
            measure=measure if known else None,
            checkpoint=self.checkpoint,
            key=None if self.checkpoint is None else self._key(inputs, codes, held),
            device=device,
            seed=self.random_state,
            report=print if self.verbose else None,
        )

    def _key(self, inputs, codes, held) -> dict:
        """What identifies a training, so that a checkpoint of another is refused."""
        from hashlib import blake2b

        digest = blake2b(digest_size=16)
        for array in (inputs, codes, *(held or ())):
            digest.update(repr(array.shape).encode())
            digest.update(np.ascontiguousarray(array))
        settings = {
            name: getattr(self, name)
            for name in ("size", "width", "dropout", "mirror", "batch_size")
        }
        weights = [round(float(weight), 9) for weight in self.class_weights_]
        return {"network": "SmallCNN", "data": digest.hexdigest(), "weights": weights, **settings}


def _network(size: int, width: int, dropout: float, mirror: bool, n_classes: int):
    from collections import OrderedDict

    from torch import nn

    from octlessons.networks.preparing import Prepare

    layers = OrderedDict(prepare=Prepare(mirror))
    channels = 1
    for block in range(3):
        wider = width * 2**block
        layers[f"block{block + 1}"] = nn.Sequential(
            nn.Conv2d(channels, wider, 3, padding=1, bias=False),
            nn.BatchNorm2d(wider),
            nn.ReLU(),
            nn.MaxPool2d(2),
        )
        channels = wider
    layers["flatten"] = nn.Flatten()
    layers["dropout"] = nn.Dropout(dropout)
    layers["classify"] = nn.Linear(channels * (size // 8) ** 2, n_classes)
    return nn.Sequential(layers)


def _probabilities(network, inputs: np.ndarray) -> np.ndarray:
    import torch

    device = next(network.parameters()).device
    network.eval()
    parts = []
    with torch.no_grad():
        for start in range(0, len(inputs), 256):
            block = torch.as_tensor(inputs[start : start + 256][:, None], device=device)
            parts.append(torch.softmax(network(block).float(), dim=1).cpu().numpy())
    found = np.concatenate(parts).astype(float)
    return found / found.sum(axis=1, keepdims=True)


def _gathered(images, labels, patients):
    if isinstance(images, ImageSet):
        labels = images.labels if labels is None else labels
        patients = images.patients if patients is None else patients
    if labels is None:
        raise OctlessonsError(
            "There are no labels to learn from: put the scans in one folder per class, or pass "
            "labels."
        )
    originals = images.originals if isinstance(images, ImageSet) else None
    images, labels = as_images(images), np.asarray(labels)
    if labels.ndim == 2 and labels.shape[1] == 1:  # as MedMNIST stores them
        labels = labels[:, 0]
    if labels.ndim != 1 or labels.dtype.kind not in "iubU":
        raise OctlessonsError(
            f"Labels are one whole number or text for each image; these have shape {labels.shape} "
            f"and type {labels.dtype}."
        )
    if patients is None and originals is not None:
        patients = originals  # copies of a scan stay on one side
    for what, values in (("labels", labels), ("patients", patients)):
        if values is not None and len(values) != len(images):
            raise OctlessonsError(
                f"There are {len(images)} images but {len(values)} {what}: give one for each "
                "image, in the same order."
            )
    return images, labels, None if patients is None else np.asarray(patients)


def _put_aside(codes, patients, share, seed: int, classes) -> np.ndarray:
    """Which images are for validation: whole patients, and every class stays in training."""
    if not isinstance(share, int | float | np.number) or not 0 < share < 1:
        raise OctlessonsError(
            "`validation` is an ImageSet, a share between 0 and 1, or None for no validation; it "
            f"is {share!r}."
        )
    n = len(codes)
    units = np.arange(n) if patients is None else patients
    if len(np.unique(units)) >= 2:
        whole = ImageSet(np.zeros((n, 1, 1), np.uint8), codes, names=np.arange(n), patients=units)
        for attempt in range(20):
            _, aside = whole.split(share, by="patient", random_state=seed + attempt)
            chosen = np.isin(np.arange(n), aside.names.astype(int))
            if len(np.unique(codes[~chosen])) == len(classes):
                return chosen
    what = "images" if patients is None else "patients"
    fewest = min(
        ((len(np.unique(units[codes == c])), str(classes[c])) for c in range(len(classes))),
    )
    raise OctlessonsError(
        f"There are too few {what} to put {100 * share:.0f} % aside and keep every class in "
        f"training (class {fewest[1]} has {fewest[0]}): load more, give validation=an ImageSet, or "
        "train without early stopping, validation=None."
    )
