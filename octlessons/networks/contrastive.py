"""`SelfSupervised`: a small network that learns, without labels, what stays the same."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Iterator
from dataclasses import KW_ONLY, dataclass
from typing import Any, ClassVar

import numpy as np
from sklearn.utils.validation import check_is_fitted

from octlessons._optional import need_torch
from octlessons.errors import OctlessonsError
from octlessons.networks.base import TrainedNetwork, as_inputs
from octlessons.networks.history import History
from octlessons.networks.losses import contrastive_loss, vicreg_loss
from octlessons.networks.parts import Part
from octlessons.networks.settings import check_choice, check_positive, named
from octlessons.networks.views import Views, make_views
from octlessons.representations.transformer import ImageTransformer
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

_LOSSES = {"simclr": contrastive_loss, "vicreg": vicreg_loss}


@dataclass(eq=False, repr=False)
class SelfSupervised(ImageTransformer, TrainedNetwork):
    """Learn an embedding from two altered views of each image, without labels.

    A convolutional network of four layers is trained to give two views of one image similar
    embeddings, and different images different ones. What the views change is forgotten, what they
    keep is what clusters can be made of: `views` is the most important parameter.

    Parameters
    ----------
    size : int, default 64
        Side, in pixels, of the square to which every image is resized; at least 16.
    views : str, sequence of str, Augmenter or Views, default "keep_anatomy"
        The changes that make a view: ``"keep_anatomy"`` or ``"keep_appearance"``
        (`octlessons.networks.views.VIEWS`), an augmenter of `octlessons.augmentation` by name
        (``"oct_safe"``) or itself, or names of steps. Named steps run on whole batches; one
        with steps of your own runs image by image, several times slower.
    method : {"simclr", "vicreg"} or callable, default "simclr"
        The loss, see Notes. A callable takes the projections of first and second views, two
        tensors (n, projections), and gives a scalar.
    n_components : int, default 64
        Length of an embedding.
    width : int, default 16
        Channels of the first layer; each further layer has twice as many.
    temperature : float, default 0.2
        Of ``"simclr"``: the lower, the more the most similar other images count.
    positives : {"image", "patient"}, default "image"
        What counts as the same: two views of one image, or a view of it and a view of another
        image of the same patient (Holland et al. 2022). The latter needs an `ImageSet` with
        patients, and erases what differs between slices of one eye.
    clean : bool, default True
        Clean each scan first (`octlessons.images.cleaning.clean`). Set it to False for images
        that are not B-scans of the retina.
    max_iter : int, default 40
        Passes over the images (epochs). 0 leaves the network as it was drawn: what an untrained
        one sees, to compare with.
    batch_size : int, default 64
        Images in a batch, about, each with two views; an epoch has batches of about one size.
    learning_rate_init : float, default 2e-3
        Of AdamW, at the start; it falls to zero along half a cosine.
    alpha : float, default 1e-4
        Weight decay.
    validation_fraction : float, default 0.2
        Share of the images, by patient where patients are known, that is not trained on. The loss,
        `same`, `spread` and `dimensions` of each epoch are measured on it. 0 for none.
    n_iter_no_change : int, optional
        Stop when the validation loss has not improved for this many epochs.
    checkpoint : path, optional
        File written after each epoch, from which an interrupted `fit` goes on.
    device : str, default "auto"
        ``"auto"`` takes a GPU where there is one.
    random_state : int, RandomState or None, default 0
    verbose : bool, default False
        Print a line for each epoch.

    Attributes
    ----------
    history_ : octlessons.networks.History
        Of each epoch: training and validation loss and, on images not trained on (on training
        images if there are no others), ``same``: mean cosine similarity of two views of one image;
        ``spread``: mean cosine distance between views of different images, 0 when everything looks
        the same; ``dimensions``: how many directions are in use, as the exponential of the entropy
        of the singular values (Roy and Vetterli 2007). All are taken after the projection head.
    collapsed_ : str
        A sentence when the network has collapsed, else empty. `fit` warns of it, too.
    validation_ : ndarray of int
        Numbers of the images that were held out.
    n_features_out_ : int
        `n_components`.
    batch_size_ : int
        `batch_size`, or all training images where they are fewer.

    Notes
    -----
    SimCLR (Chen et al., ICML 2020, arXiv:2002.05709) pushes every image away from the others of its
    batch. VICReg (Bardes, Ponce and LeCun, ICLR 2022, arXiv:2105.04906) needs no others, but
    estimates a covariance matrix from each batch, which 64 images do badly.

    Two changes suit small data. The network is given each image twice, as it is and standardised,
    so that the views decide whether brightness counts. And an epoch is cut into batches of about
    one size, for few others make an easy task.

    In the history the loss of SimCLR is divided by ln(2n - 1), the loss of a network that finds all
    n images of a batch equally similar: 1 means that nothing is known, whatever the batch.

    References
    ----------
    Holland et al., Metadata-enhanced contrastive learning from retinal optical coherence tomography
    images, arXiv:2208.02529.

    Roy and Vetterli, The effective rank, EUSIPCO 2007.

    Examples
    --------
    >>> from octlessons.images import draw_phantoms
    >>> scans = draw_phantoms(60, size=64)
    >>> model = SelfSupervised(size=32, max_iter=2).fit(scans)
    >>> model.transform(scans).shape
    (60, 64)
    """

    _WHOLE: ClassVar = {
        "size": SMALLEST_SIDE, "n_components": 1, "width": 1, "max_iter": 0, "batch_size": 2,
    }  # fmt: skip
    _FITTED = ("validation_", "batch_size_", "collapsed_")
    _SCHEDULE = "cosine"

    _: KW_ONLY
    views: Any = "keep_anatomy"
    method: str | Callable = "simclr"
    n_components: int = 64
    width: int = 16
    temperature: float = 0.2
    positives: str = "image"
    clean: bool = True
    max_iter: int = 40
    batch_size: int = 64

    def transform(self, X):
        """Embed images.

        Parameters
        ----------
        X : ImageSet, ndarray of shape (n, h, w), or list of 2-D arrays

        Returns
        -------
        ndarray of float32, shape (n, n_components)
            From before the projection head, less the mean over the training images, at length 1:
            Euclidean and cosine distances give the same order.
        """
        check_is_fitted(self, "network_")
        return self._rows(X, lambda network, x: network.embeddings(x), self.n_features_out_)

    def spread(self, X) -> dict[str, float]:
        """Say how different different images look, before and after the projection head.

        The history has the spread of the *projections* alone, which is what the loss sees. What
        `transform` gives comes from before the head, and is centred and brought to length 1, which
        makes much of little. So compare both with those of an untrained network (``max_iter=0``).

        Parameters
        ----------
        X : as for `fit`
            At least two images.

        Returns
        -------
        dict of str to float
            ``"embedding"`` and ``"projection"``: mean cosine distance, 1 - cos, of different
            images; 0 when everything looks the same.

        Raises
        ------
        ValueError
            If there is only one image.
        """
        check_is_fitted(self, "network_")
        d = self.n_components

        def both(network, images):
            embedded = network.embed(images)
            return need_torch().cat([embedded, network.head(embedded)], dim=1)

        rows = self._rows(X, both, 2 * d).astype(float)
        if len(rows) < 2:
            raise ValueError("The spread is a distance between images: give at least two.")
        parts = {"embedding": rows[:, :d], "projection": rows[:, d:]}
        return {name: _mean_distance(part) for name, part in parts.items()}

    def make_views(self, X, random_state: int = 0) -> np.ndarray:
        """Show what the network is shown: one view of each image.

        Parameters
        ----------
        X : as for `fit`
        random_state : int
            Another number, another view.

        Returns
        -------
        ndarray of uint8, shape (n, size, size)
        """
        torch = need_torch()
        pixels = torch.from_numpy(self.prepare(X))[:, None]
        altered = make_views(self.views)(pixels, random_state)[:, 0].numpy()
        return (altered * 255 + 0.5).astype(np.uint8)

    # ------------------------------------------------------------------ inside

    def _check(self) -> None:
        super()._check()
        check_positive("temperature", self.temperature)
        check_choice("positives", self.positives, ("image", "patient"))
        if not callable(self.method):
            check_choice("method", self.method, tuple(_LOSSES), "a callable")
        make_views(self.views)

    def _resize(self, image: np.ndarray, name: str) -> np.ndarray:
        if not self.clean:
            return super()._resize(image, name)
        from octlessons.images.cleaning import clean

        try:
            return clean(image, size=(int(self.size), int(self.size)))
        except ValueError as problem:
            raise OctlessonsError(f"{name} could not be cleaned: {problem}") from problem

    def _prepare(self, training: Part, valid: Part) -> None:
        if self.positives == "patient" and training.groups is None:
            raise ValueError(
                "positives='patient' needs to know which images belong to one patient: give an "
                "ImageSet with patients, or groups=…, or take positives='image'."
            )
        fewest = 2 if self.validation_fraction or len(valid) else 0
        if len(training) < FEWEST or len(valid) < fewest:
            raise ValueError(
                f"There are only {count(len(training), 'image')} to train on, too few for a batch: "
                f"at least {FEWEST} are needed, and some hundred to learn anything. Give more "
                "images; phantoms from octlessons.images.draw_phantoms are one source. "
                f"{count(len(valid), 'image')} of {len(training) + len(valid)} were held out; "
                "validation_fraction=0 holds out none."
            )
        self.batch_size_ = int(min(self.batch_size, len(training)))
        self.views_ = make_views(self.views)
        if self.verbose and not self.views_.fast:
            print(f"views of {self.views_.name} are made image by image, which takes long")

    def _build(self):
        from octlessons.networks.layers import Embedder

        return Embedder(self.n_components, self.width)

    def _train(self, network, training: Part, valid: Part, digest: str, seed: int) -> None:
        if self.max_iter:
            super()._train(network, training, valid, digest, seed)
        else:
            self.history_ = History()

    def _loss(self, training: Part) -> Callable:
        def loss(network, batch):
            first, second, groups, seeds = batch
            a, b = network(_two_views(self.views_, first, second, seeds.tolist())).chunk(2)
            if self.method == "simclr":
                groups = groups if self.positives == "patient" else None
                return contrastive_loss(a, b, self.temperature, groups) / math.log(2 * len(a) - 1)
            return _LOSSES.get(self.method, self.method)(a, b)

        return loss

    def _measure(self, training: Part, valid: Part) -> Callable:
        import torch

        part = valid if len(valid) else training
        some = np.linspace(0, len(part) - 1, min(len(part), _MEASURED)).astype(int)
        pixels = torch.from_numpy(part.pixels[part.index[some]])
        shown = _two_views(self.views_, pixels, pixels, (1, 2))  # the same in each epoch
        return lambda network: _closeness(network(shown.to(next(network.parameters()).device)))

    def _batches(self, part: Part, rng: np.random.Generator, training: bool) -> Iterator[tuple]:
        """First images, second images, their groups, and the seeds of both views."""
        order, mates = rng.permutation(part.index), self._mates(part)
        for first in np.array_split(order, max(1, round(len(order) / self.batch_size_))):
            second, groups = first, first
            if mates and part.groups is not None:
                groups = part.groups[first]
                second = np.array([_another(mates[part.groups[i]], i, rng) for i in first])
            seeds = rng.integers(2**40, size=2)
            yield part.pixels[first], part.pixels[second], groups, seeds

    def _mates(self, part: Part) -> dict[int, np.ndarray]:
        """Images of each patient, where they count as the same; else nothing."""
        if self.positives != "patient" or part.groups is None:
            return {}
        of = part.groups[part.index]
        order = np.argsort(of, kind="stable")
        patients, starts = np.unique(of[order], return_index=True)
        return dict(zip(patients, np.split(part.index[order], starts[1:]), strict=True))

    def _finish(self, training: Part) -> None:
        import torch

        network: Any = self.network_
        total = torch.zeros(self.n_components)
        with torch.no_grad():
            for start in range(0, len(training), 256):
                pixels = training.pixels[training.index[start : start + 256]]
                total += network.embed(as_inputs(pixels)).sum(dim=0)
            network.centre.copy_(total / len(training))
        self.collapsed_ = _collapse(self.history_.best)
        if self.collapsed_:
            warnings.warn(self.collapsed_, stacklevel=3)

    def _derive(self) -> None:
        self.n_features_out_ = self.n_components
        self.views_ = make_views(self.views)

    def _described(self) -> dict[str, Any]:
        views = [self.views_.name, *self.views_.steps]
        given = {**super()._described(), "views": views, "batch_size": self.batch_size_}
        return {**given, "method": named(self.method)}

    def _saved(self, **instead) -> dict[str, Any]:
        if isinstance(self.views, str):
            return super()._saved()
        if not self.views_.fast:
            raise ValueError(
                "`views` holds steps of yours, which a file of weights cannot hold: "
                "set_params(views='keep_anatomy') first; embeddings do not depend on it."
            )
        return super()._saved(views=list(self.views_.steps))


def _another(mates: np.ndarray, i: int, rng: np.random.Generator) -> int:
    """Another image of the same patient; the same one where it is the only one."""
    others = mates[mates != i]
    return int(rng.choice(others)) if len(others) else int(i)


def _two_views(views: Views, first, second, seeds):
    """A view of each first image, then one of each second."""
    import torch

    parts = []
    for pixels, seed in zip((first, second), seeds, strict=True):
        where = pixels.device
        if where.type == "mps":  # it has no generator of its own for all that is drawn here
            pixels = pixels.cpu()
        parts.append(views(as_inputs(pixels), seed).to(where))
    return torch.cat(parts)


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


def _mean_distance(rows: np.ndarray) -> float:
    """Mean of 1 - cos over all pairs of different rows."""
    unit = rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12)
    n, total = len(unit), unit.sum(axis=0)
    return float(1 - (total @ total - (unit**2).sum()) / (n * (n - 1)))


def _collapse(epoch: dict | None) -> str:
    """The sentence about a collapse; empty where there is none."""
    if epoch is None:
        return ""
    spread, dimensions = epoch["spread"], epoch["dimensions"]
    advice = (
        "What its embeddings still tell apart may be there without training: compare them with "
        "an untrained network (max_iter=0). Take method='simclr' or 'vicreg', larger batches, "
        "more epochs, or views that leave something of each image."
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
