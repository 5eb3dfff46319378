"""`SelfSupervised`: a small network that learns, without labels, what stays the same."""

from __future__ import annotations

import json
import math
import os
import warnings
from numbers import Integral, Real
from pathlib import Path

import numpy as np
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from octlessons._files import write_atomically
from octlessons._optional import need_torch
from octlessons.errors import OctlessonsError
from octlessons.images.imageset import ImageSet
from octlessons.networks import History, read_tensors, train
from octlessons.networks.views import make_views
from octlessons.representations import seeded
from octlessons.images.checks import as_images
from octlessons.representations.pixels import Pixels
from octlessons.wording import count, decimal

#: Images smaller than this, in pixels, are refused: nothing of the retina is left to learn from.
SMALLEST_SIDE = 16

#: Fewest images to train on: each is told apart from the others of its batch.
FEWEST = 8

#: Below this mean distance (1 - cosine) between different images, a network counts as collapsed.
COLLAPSED_SPREAD = 0.02

#: With this many dimensions in use or fewer, it counts as collapsed too.
COLLAPSED_DIMENSIONS = 1.5

_MEASURED = 256  # held-out images that each epoch is measured on
_FORMAT = 1


class SelfSupervised(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):
    """Learn an embedding from two altered views of each image, without labels.

    A convolutional network of four layers is trained to give two views of one image similar
    embeddings, and different images different ones. What the views change is forgotten, what they
    keep is what clusters can be made of: `views` is the most important parameter.

    Parameters
    ----------
    size : int, default 64
        Side, in pixels, of the square to which every image is resized; at least 16.
    views : str, sequence of str, Pipeline or Views, default "keep_anatomy"
        The changes that make a view: ``"keep_anatomy"`` or ``"keep_appearance"``
        (`octlessons.networks.views.VIEWS`), a pipeline of `octlessons.augmentation` by name
        (``"oct_safe"``) or itself, or names of steps. Named steps run on whole batches; a pipeline
        with steps of your own runs image by image, several times slower.
    method : {"simclr", "vicreg"} or callable, default "simclr"
        The loss, see Notes. A callable takes the projections of first and second views, two
        tensors (n, projections), and gives a scalar.
    dim : int, default 64
        Length of an embedding.
    width : int, default 16
        Channels of the first layer; each further layer has twice as many.
    temperature : float, default 0.2
        Of ``"simclr"``: the lower, the more the most similar other images count.
    positives : {"image", "patient"}, default "image"
        What counts as the same: two views of one image, or a view of it and a view of another
        image of the same patient (Holland et al. 2022). The latter needs an `ImageSet` with
        patients, and erases what differs between slices of one eye.
    flatten : bool, default True
        Clean each scan first (`octlessons.images.cleaning.clean`). Set it to False for images
        that are not B-scans of the retina.
    epochs : int, default 40
        0 leaves the network as it was drawn: what an untrained one sees, to compare with.
    batch_size : int, default 64
        Images in a batch, each with two views. With fewer training images, one batch holds all.
    learning_rate : float, default 2e-3
        Of AdamW, at the start; it falls to zero along half a cosine.
    weight_decay : float, default 1e-4
    validation : float, default 0.2
        Share of the images, by patient where patients are known, that is not trained on. The loss,
        `same`, `spread` and `dimensions` of each epoch are measured on it. 0 for none.
    patience : int, optional
        Stop when the validation loss has not improved for this many epochs.
    checkpoint : path, optional
        File written after each epoch, from which an interrupted `fit` goes on.
    device : str, default "auto"
        ``"auto"`` takes a GPU where there is one.
    random_state : int, RandomState or None, default 0
    verbose : bool, default True
        Print a line for each epoch.

    Attributes
    ----------
    history_ : octlessons.networks.History
        Of each epoch: training and validation loss and, on images not trained on (on training
        images when `validation` is 0), ``same``: mean cosine similarity of two views of one image;
        ``spread``: mean cosine distance between views of different images, 0 when everything looks
        the same; ``dimensions``: how many directions are in use, as the exponential of the entropy
        of the singular values (Roy and Vetterli 2007). All three are taken where the loss is, after
        the projection head.
    collapsed_ : str
        A sentence when the network has collapsed, else empty. `fit` warns of it, too.
    validation_ : ndarray of int
        Numbers of the images that were held out.
    n_features_out_ : int
        `dim`.
    batch_size_ : int
        Images in a batch, as they were.

    Raises
    ------
    OctlessonsError
        By `fit`: for too few or too small images, unknown views, unknown patients where they are
        needed, and what `octlessons.networks.train` raises.

    Notes
    -----
    *Which method?* SimCLR (Chen et al., ICML 2020, arXiv:2002.05709) pushes every image away from
    the others of its batch. It is known to want batches of thousands, but that is on a million
    photographs; here a batch of 64 is a good part of all images there are. BYOL (Grill et al.,
    NeurIPS 2020, arXiv:2006.07733) and DINO (Caron et al., ICCV 2021,
    doi:10.1109/ICCV48922.2021.00951) need a second, slowly moving network, which is computed as
    well, and more settings. VICReg (Bardes, Ponce and LeCun, ICLR 2022, arXiv:2105.04906) needs
    neither others nor a second network, but estimates a covariance matrix from each batch, which 64
    images do badly. The loss of SimCLR also fits on a blackboard. So it is the default; VICReg is
    there to compare. Measured once, with 30 epochs on 400 cleaned phantoms of 64 px and seeds 0 and
    1: on 240 phantoms of other patients three nearest neighbours name the class of 65 and 58 % with
    SimCLR, of 48 % (twice) with VICReg, of 37 % in the untrained network and of 39 % among pixels.

    Two changes suit small data. The network is given each image twice, as it is and standardised to
    mean 0 and standard deviation 1, so that brightness need not be learnt away and the views decide
    whether it counts. The learning rate follows a cosine, and the last incomplete batch of an epoch
    is left out, for few others make an easy task.

    The loss of SimCLR is divided by ln(2n - 1) in the history, the loss of a network that finds
    all n images of a batch equally similar: 1 means that nothing is known. So batches of
    different sizes can be compared.

    `transform` gives embeddings from before the projection head, which is dropped after training
    (as in SimCLR), minus their mean over the training images, at length 1.

    References
    ----------
    Holland et al., Metadata-enhanced contrastive learning from retinal optical coherence tomography
    images, arXiv:2208.02529.

    Roy and Vetterli, The effective rank, EUSIPCO 2007.

    Examples
    --------
    >>> from octlessons.images import draw_phantoms
    >>> scans = draw_phantoms(60, size=64)
    >>> model = SelfSupervised(size=32, epochs=2, verbose=False).fit(scans)
    >>> model.transform(scans).shape
    (60, 64)
    """

    def __init__(
        self,
        size=64,
        *,
        views="keep_anatomy",
        method="simclr",
        dim=64,
        width=16,
        temperature=0.2,
        positives="image",
        flatten=True,
        epochs=40,
        batch_size=64,
        learning_rate=2e-3,
        weight_decay=1e-4,
        validation=0.2,
        patience=None,
        checkpoint=None,
        device="auto",
        random_state=0,
        verbose=True,
    ):
        self.size = size
        self.views = views
        self.method = method
        self.dim = dim
        self.width = width
        self.temperature = temperature
        self.positives = positives
        self.flatten = flatten
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.validation = validation
        self.patience = patience
        self.checkpoint = checkpoint
        self.device = device
        self.random_state = random_state
        self.verbose = verbose

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False
        tags.input_tags.three_d_array = True
        tags.transformer_tags.preserves_dtype = ["float32"]
        return tags

    @property
    def _n_features_out(self) -> int:
        return self.n_features_out_

    # ------------------------------------------------------------------ public

    def fit(self, images, y=None):
        """Train the network.

        Parameters
        ----------
        images : ImageSet, ndarray of shape (n, h, w), or list of 2-D arrays
            Grey images, as for `Pixels`. Read once and kept small, ``size × size`` bytes each.
        y : None
            Ignored: there are no labels.

        Returns
        -------
        SelfSupervised
            Itself.
        """
        need_torch()
        self._check()
        views = make_views(self.views)
        patients = self._patients(images)
        pixels = self._pixels(images)
        seed = int(check_random_state(self.random_state).randint(2**31))
        training, held = _split(len(pixels), patients, self.validation, seed)
        with seeded(seed):
            network = _build(self.dim, self.width)
        self.batch_size_ = int(min(self.batch_size, len(training)))
        say = print if self.verbose else None
        if say is not None and not views.fast:
            say(f"views of {views.name} are made image by image, which takes long")
        task = _Task(pixels, patients, views, self)
        history = (
            History()
            if self.epochs == 0
            else train(
                network,
                task.loss,
                lambda epoch, rng: task.batches(training, rng, self.batch_size_),
                (lambda epoch, rng: task.batches(held, rng, self.batch_size_))
                if len(held)
                else None,
                epochs=self.epochs,
                optimiser="adamw",
                learning_rate=self.learning_rate,
                weight_decay=self.weight_decay,
                schedule="cosine",
                patience=self.patience if len(held) else None,
                measure=task.measure(held if len(held) else training),
                checkpoint=self.checkpoint,
                key=self._key(views, pixels, training),
                device=self.device,
                seed=seed,
                report=say,
            )
        )
        self.network_ = network.cpu().eval()
        self.views_ = views
        self.validation_ = held
        self.history_ = history
        self.n_features_out_ = self.dim
        self._centre(pixels[training])
        self.collapsed_ = _collapse(history.best)
        if self.collapsed_:
            warnings.warn(self.collapsed_, stacklevel=2)
        return self

    def transform(self, images):
        """Embed images.

        Parameters
        ----------
        images : ImageSet, ndarray of shape (n, h, w), or list of 2-D arrays

        Returns
        -------
        ndarray of float32, shape (n, dim)
            Each row has length 1, so that Euclidean and cosine distances give the same order.
        """
        check_is_fitted(self, "network_")
        import torch

        from octlessons.representations.extraction import extract

        def run(batch: np.ndarray) -> np.ndarray:
            with torch.no_grad():
                return self.network_.embeddings(torch.from_numpy(batch)).numpy()

        pixels = self._reader()
        return extract(
            as_images(images), lambda image: pixels(image, None), run, n_features=self.dim
        )

    def make_views(self, images, seed: int = 0) -> np.ndarray:
        """Show what the network is shown: one view of each image.

        Parameters
        ----------
        images : as for `fit`
        seed : int
            Another seed, another view.

        Returns
        -------
        ndarray of uint8, shape (n, size, size)
        """
        torch = need_torch()
        self._check()
        pixels = torch.from_numpy(self._pixels(images)).float()[:, None] / 255
        altered = make_views(self.views)(pixels, seed)[:, 0].numpy()
        return (altered * 255 + 0.5).astype(np.uint8)

    def save(self, path: str | os.PathLike) -> None:
        """Write the trained network and its history to a file; `load` reads it.

        Parameters
        ----------
        path : path
        """
        check_is_fitted(self, "network_")
        import torch

        settings = self.get_params(deep=False)
        if not isinstance(self.views, str):
            settings["views"] = list(self.views_.steps)
        settings["method"] = _method_name(self.method)
        settings["checkpoint"] = settings["random_state"] = None
        content = {
            "what": "octlessons SelfSupervised",
            "format": _FORMAT,
            "settings": json.dumps(settings, default=_plain),
            "network": self.network_.state_dict(),
            "history": self.history_.to_json(),
            "validation": torch.from_numpy(np.asarray(self.validation_, np.int64)),
            "batch_size": self.batch_size_,
            "collapsed": self.collapsed_,
        }
        write_atomically(path, lambda stream: torch.save(content, stream))

    @classmethod
    def load(cls, path: str | os.PathLike) -> SelfSupervised:
        """Read a trained network that `save` wrote. Nothing in the file is executed.

        Parameters
        ----------
        path : path

        Returns
        -------
        SelfSupervised

        Raises
        ------
        OctlessonsError
            If the file is missing, damaged or something else.
        """
        instead = "train again, and save it"
        content = read_tensors(path, "saved SelfSupervised", instead)
        if content.get("what") != "octlessons SelfSupervised" or content.get("format") != _FORMAT:
            raise OctlessonsError(
                f"{path} was not written by SelfSupervised.save of this version: {instead}."
            )
        try:
            model = cls(**json.loads(content["settings"]))
            model.network_ = _build(model.dim, model.width)
            model.network_.load_state_dict(content["network"])
            model.network_.eval()
            model.history_ = History.from_json(content["history"])
            model.validation_ = content["validation"].numpy()
            model.batch_size_ = content["batch_size"]
            model.collapsed_ = content["collapsed"]
        except (KeyError, TypeError, ValueError, RuntimeError, AttributeError) as error:
            raise OctlessonsError(
                f"{path} is damaged ({str(error).splitlines()[0][:100]}): {instead}."
            ) from error
        model.n_features_out_ = model.dim
        model.views_ = make_views(model.views)
        return model

    def export(self, path: str | os.PathLike) -> None:
        """Write the network as an ONNX file, which runs without torch.

        Its input ``images``, float32 (n, 1, size, size), holds grey values in 0…1 of images that
        are cleaned and resized already; its output ``embeddings``, float32 (n, dim), is that of
        `transform`.

        Parameters
        ----------
        path : path

        Raises
        ------
        OctlessonsError
            If onnx or onnxscript is missing, or the file cannot be written.
        """
        check_is_fitted(self, "network_")
        content = _as_onnx(self.network_, self.size)
        write_atomically(path, lambda stream: stream.write(content))

    # ------------------------------------------------------------------ inside

    def __getstate__(self):
        state = super().__getstate__()
        if "network_" in state:
            weights = state["network_"].state_dict()
            state = {**state, "network_": {k: v.numpy().copy() for k, v in weights.items()}}
        return state

    def __setstate__(self, state):
        super().__setstate__(state)
        if isinstance(weights := state.get("network_"), dict):
            torch = need_torch()
            self.network_ = _build(self.dim, self.width)
            self.network_.load_state_dict({k: torch.as_tensor(v) for k, v in weights.items()})
            self.network_.eval()

    def _check(self) -> None:
        for name, least in (("dim", 1), ("width", 1), ("epochs", 0), ("batch_size", 2)):
            value = getattr(self, name)
            if not isinstance(value, Integral) or value < least:
                raise ValueError(f"`{name}` is a whole number from {least}, not {value!r}.")
        if not isinstance(self.size, Integral) or self.size < SMALLEST_SIDE:
            raise ValueError(
                f"`size` is a whole number of pixels from {SMALLEST_SIDE}: the network halves its "
                f"input four times. It is {self.size!r}."
            )
        if not isinstance(self.temperature, Real) or not self.temperature > 0:
            raise ValueError(f"`temperature` is a number above 0, not {self.temperature!r}.")
        if not isinstance(self.validation, Real) or not 0 <= self.validation < 1:
            raise ValueError(
                f"`validation` is a share from 0 and below 1, not {self.validation!r}."
            )
        if self.positives not in ("image", "patient"):
            raise ValueError(f"`positives` is 'image' or 'patient', not {self.positives!r}.")
        if not callable(self.method) and self.method not in _LOSSES:
            raise ValueError(
                f"`method` is one of {', '.join(map(repr, _LOSSES))} or a callable, not "
                f"{self.method!r}."
            )

    def _patients(self, images) -> np.ndarray | None:
        """Number of each image's patient; its original, where patients are not known."""
        patients = getattr(images, "patients", None) if isinstance(images, ImageSet) else None
        if self.positives == "patient" and patients is None:
            raise OctlessonsError(
                "positives='patient' needs to know which images belong to one patient: give an "
                "ImageSet with patients, or take positives='image'."
            )
        if patients is None and isinstance(images, ImageSet):
            patients = images.originals
        return None if patients is None else np.unique(patients, return_inverse=True)[1]

    def _reader(self):
        """Function that makes one image a float32 (1, size, size); thread-safe."""
        prepare = Pixels(size=int(self.size), flatten=self.flatten, batch_size=1)

        def read(image, i: int | None) -> np.ndarray:
            if min(np.shape(image)[:2]) < SMALLEST_SIDE:
                which = "An image" if i is None else f"Image {i}"
                raise OctlessonsError(
                    f"{which} is {np.shape(image)[0]} × {np.shape(image)[1]} pixels, too small: at "
                    f"least {SMALLEST_SIDE} on each side are needed."
                )
            return prepare.transform([image]).reshape(1, self.size, self.size)

        return read

    def _pixels(self, images) -> np.ndarray:
        images = as_images(images)
        read = self._reader()
        pixels = np.empty((len(images), self.size, self.size), np.uint8)
        for i in range(len(images)):
            pixels[i] = np.round(read(images[i], i)[0] * 255)
        return pixels

    def _key(self, views, pixels: np.ndarray, training: np.ndarray) -> dict:
        import hashlib

        data = hashlib.blake2b(np.ascontiguousarray(pixels[training]), digest_size=16).hexdigest()
        return {
            "images": data,
            "views": [views.name, *views.steps],
            "method": _method_name(self.method),
            "temperature": self.temperature,
            "positives": self.positives,
            "batch_size": self.batch_size_,
        }

    def _centre(self, pixels: np.ndarray) -> None:
        import torch

        network = self.network_
        total = torch.zeros(self.dim)
        with torch.no_grad():
            for start in range(0, len(pixels), 256):
                batch = torch.from_numpy(pixels[start : start + 256])[:, None].float() / 255
                total += network.embed(batch).sum(dim=0)
            network.centre.copy_(total / len(pixels))


# ---------------------------------------------------------------------- losses


def contrastive_loss(first, second, temperature: float = 0.2, groups=None):
    """Return the loss of SimCLR (NT-Xent): find the other view among all others.

    For every view, the cosine similarities to all other views of the batch, divided by the
    temperature, are turned into probabilities (softmax). The loss is the mean of -ln of the
    probability of the right one.

    Parameters
    ----------
    first, second : torch.Tensor, shape (n, d)
        Row i of both comes from image i. They are brought to length 1 here.
    temperature : float
    groups : torch.Tensor of int, shape (n,), optional
        Images of the same group are left out of each other's sums, so that they are not pushed
        apart.

    Returns
    -------
    torch.Tensor
        A scalar; ln(2n - 1) when all similarities are equal.

    Examples
    --------
    >>> import torch
    >>> same = torch.eye(2)
    >>> round(contrastive_loss(same, same, temperature=1.0).item(), 4)  # -ln(e / (e + 2))
    0.5514
    """
    import torch
    from torch.nn.functional import normalize

    n = len(first)
    views = normalize(torch.cat([first, second]), dim=1)
    scores = views @ views.T / temperature
    each = torch.arange(2 * n, device=views.device)
    partner = (each + n) % (2 * n)
    left_out = torch.eye(2 * n, dtype=torch.bool, device=views.device)
    if groups is not None:
        both = torch.cat([groups, groups])
        left_out = both[:, None] == both[None, :]
        left_out[each, partner] = False
    right = scores[each, partner]
    everyone = scores.masked_fill(left_out, -torch.inf)
    return (torch.logsumexp(everyone, dim=1) - right).mean()


def vicreg_loss(first, second, similar: float = 25.0, varied: float = 25.0, apart: float = 1.0):
    """Return the loss of VICReg: views alike, every number varied, no two numbers redundant.

    Parameters
    ----------
    first, second : torch.Tensor, shape (n, d)
        Row i of both comes from image i.
    similar, varied, apart : float
        Weights of the three parts: mean squared difference of the views, how far each number's
        standard deviation falls short of 1, and squared covariances of different numbers.

    Returns
    -------
    torch.Tensor
        A scalar.
    """
    from torch.nn.functional import mse_loss, relu

    loss = similar * mse_loss(first, second)
    for part in (first, second):
        centred = part - part.mean(dim=0)
        loss = loss + varied / 2 * relu(1 - (centred.var(dim=0) + 1e-4).sqrt()).mean()
        covariance = centred.T @ centred / (len(part) - 1)
        squares = covariance.square()
        loss = loss + apart * (squares.sum() - squares.diagonal().sum()) / part.shape[1]
    return loss


_LOSSES = {"simclr": contrastive_loss, "vicreg": vicreg_loss}


def _method_name(method) -> str:
    return method if isinstance(method, str) else getattr(method, "__name__", "a loss of your own")


# ---------------------------------------------------------------------- training


class _Task:
    """Batches, loss and measures of one training."""

    def __init__(self, pixels: np.ndarray, patients, views, settings: SelfSupervised):
        self.pixels, self.patients, self.views = pixels, patients, views
        self.settings = settings
        self.members: dict[int, np.ndarray] = {}
        if settings.positives == "patient":
            order = np.argsort(patients, kind="stable")
            starts = np.flatnonzero(np.diff(patients[order], prepend=-1))
            self.members = {
                int(patients[part[0]]): part for part in np.split(order, starts[1:]) if len(part)
            }

    def batches(self, which: np.ndarray, rng: np.random.Generator, batch_size: int):
        """First images, second images, their groups, and the seeds of both views."""
        order = rng.permutation(which)
        size = min(batch_size, len(order))
        for start in range(0, len(order) - size + 1, size):
            first = order[start : start + size]
            second, groups = first, first
            if self.settings.positives == "patient":
                groups = self.patients[first]
                second = np.array([self._other(i, rng) for i in first])
            seeds = rng.integers(2**40, size=2)
            yield self.pixels[first], self.pixels[second], groups, seeds

    def _other(self, i: int, rng: np.random.Generator) -> int:
        """Another image of the same patient; the same one where it is the only one."""
        members = self.members[int(self.patients[i])]
        others = members[members != i]
        return int(rng.choice(others)) if len(others) else int(i)

    def loss(self, network, batch):
        first, second, groups, seeds = batch
        projections = network(self._both(first, second, seeds.tolist()))
        a, b = projections.chunk(2)
        method = self.settings.method
        if method == "simclr":
            apart = groups if self.settings.positives == "patient" else None
            loss = contrastive_loss(a, b, self.settings.temperature, apart)
            return loss / math.log(2 * len(a) - 1)
        return _LOSSES.get(method, method)(a, b) if isinstance(method, str) else method(a, b)

    def _both(self, first, second, seeds):
        import torch

        parts = []
        for pixels, seed in zip((first, second), seeds, strict=True):
            where = pixels.device
            if where.type == "mps":  # it has no generator of its own for all that is drawn here
                pixels = pixels.cpu()
            parts.append(self.views(pixels[:, None].float() / 255, seed).to(where))
        return torch.cat(parts)

    def measure(self, which: np.ndarray):
        """Function that says how alike embeddings of views are, on some of the images."""
        import torch

        some = which[np.linspace(0, len(which) - 1, min(len(which), _MEASURED)).astype(int)]
        pixels = torch.from_numpy(self.pixels[some])
        shown: list = []

        def measure(network) -> dict[str, float]:
            device = next(network.parameters()).device
            if not shown:  # the same views in every epoch
                shown.append(self._both(pixels, pixels, (1, 2)).to(device))
            return _closeness(network(shown[0]))

        return measure


def _closeness(projections) -> dict[str, float]:
    """`same`, `spread` and `dimensions` of projections of first views, then of second views."""
    import torch
    from torch.nn.functional import normalize

    rows = normalize(projections.double(), dim=1)
    first, second = rows.chunk(2)
    n = len(first)
    similar = first @ second.T
    same = similar.diagonal().mean()
    other = (similar.sum() - similar.diagonal().sum()) / (n * (n - 1))
    strength = torch.linalg.svdvals((rows - rows.mean(dim=0)).cpu())
    share = strength / strength.sum().clamp_min(1e-12)
    entropy = -(share * share.clamp_min(1e-12).log()).sum()
    return {"same": float(same), "spread": float(1 - other), "dimensions": float(entropy.exp())}


def _collapse(epoch: dict | None) -> str:
    """The sentence about a collapse; empty where there is none."""
    if epoch is None:
        return ""
    spread, dimensions = epoch["spread"], epoch["dimensions"]
    advice = (
        "Whatever clusters show now was not learnt. Take method='simclr' or 'vicreg', larger "
        "batches, more epochs, or views that leave something of each image."
    )
    if not spread >= COLLAPSED_SPREAD:
        return (
            "Everything looks the same to this network (mean cosine similarity of different images "
            f"{decimal(1 - spread, 3)}): it has collapsed, or has hardly begun to learn. {advice}"
        )
    if dimensions <= COLLAPSED_DIMENSIONS:
        return (
            "The network has collapsed onto a line: it tells images apart by a single number "
            f"({decimal(dimensions, 1)} dimensions in use). {advice}"
        )
    return ""


def _split(n: int, patients, share: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Numbers of the images to train on and to hold out, whole patients at a time."""
    if n < FEWEST:
        raise OctlessonsError(_too_few(n))
    everyone = np.arange(n)
    if share == 0:
        return everyone, everyone[:0]
    groups = everyone if patients is None else patients
    rng = np.random.default_rng([seed, 1])
    held = np.zeros(n, bool)
    numbers, sizes = np.unique(groups, return_counts=True)
    for which in rng.permutation(len(numbers)):
        if held.sum() + sizes[which] / 2 <= share * n:
            held |= groups == numbers[which]
    if held.sum() < 2 < len(numbers):  # patients with many images each: the one with fewest
        held |= groups == numbers[sizes.argmin()]
    if (~held).sum() < FEWEST or held.sum() < 2:
        raise OctlessonsError(
            f"{_too_few(int((~held).sum()))} {count(int(held.sum()), 'image')} of {n} were held "
            "out; validation=0 holds out none."
        )
    return everyone[~held], everyone[held]


def _too_few(n: int) -> str:
    return (
        f"There are only {count(n, 'image')} to train on, too few for a batch: at least {FEWEST} "
        "are needed, and some hundred to learn anything. Give more images; phantoms from "
        "octlessons.images.draw_phantoms are one source."
    )


def _plain(value):
    if isinstance(value, np.generic):
        return value.item()
    return str(value) if isinstance(value, Path) else list(value)


# ---------------------------------------------------------------------- the network


def _build(dim: int, width: int):
    """The network: four convolutions, an average, an embedding, a projection head."""
    import torch
    from torch import nn
    from torch.nn.functional import normalize

    class Network(nn.Module):
        def __init__(self):
            super().__init__()
            layers: list[nn.Module] = []
            channels = 2  # evened out, and as it is
            for number in range(4):
                kernel, wide = (5 if number == 0 else 3), width * 2**number
                layers += [
                    nn.Conv2d(channels, wide, kernel, stride=2, padding=kernel // 2, bias=False),
                    nn.BatchNorm2d(wide, momentum=0.3),
                    nn.ReLU(),
                ]
                channels = wide
            self.body = nn.Sequential(*layers)
            self.embedding = nn.Linear(channels, dim)
            self.head = nn.Sequential(nn.ReLU(), nn.Linear(dim, dim))
            self.register_buffer("centre", torch.zeros(dim))

        def embed(self, images):
            spread = images.std(dim=(1, 2, 3), keepdim=True, correction=0)
            even = (images - images.mean(dim=(1, 2, 3), keepdim=True)) / (spread + 0.05)
            both = torch.cat([even, (images - 0.25) / 0.2], dim=1)
            return self.embedding(self.body(both).mean(dim=(2, 3)))

        def embeddings(self, images):
            """As `SelfSupervised.transform` gives them."""
            return normalize(self.embed(images) - self.centre, dim=1)

        def forward(self, images):
            return self.head(self.embed(images))

    return Network()


def _as_onnx(network, size: int) -> bytes:
    import contextlib
    import io
    import logging

    import torch

    try:
        import onnx  # noqa: F401
        import onnxscript  # noqa: F401
    except ImportError as error:
        raise OctlessonsError(
            f"Writing ONNX files needs the packages onnx and onnxscript ({error}): install them "
            "with  pip install onnx onnxscript."
        ) from error

    class Exported(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.network = network

        def forward(self, images):
            return self.network.embeddings(images)

    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with (
            contextlib.redirect_stdout(io.StringIO()),
            warnings.catch_warnings(),
            torch.no_grad(),
        ):
            warnings.simplefilter("ignore")
            program = torch.onnx.export(
                Exported().eval(),
                (torch.rand(2, 1, size, size),),
                dynamo=True,
                opset_version=18,
                input_names=["images"],
                output_names=["embeddings"],
                dynamic_shapes={"images": {0: torch.export.Dim("n")}},
                verbose=False,
            )
    finally:
        logger.setLevel(level)
    return program.model_proto.SerializeToString()
