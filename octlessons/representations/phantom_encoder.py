"""`PhantomEncoder`: a small network that learnt to see on phantoms alone, and ships with us."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np

from octlessons._runtime import SHIPPED, OnnxNetwork, in_threads, opened
from octlessons.errors import OctlessonsError
from octlessons.images.checks import as_images
from octlessons.images.measurements import Measurements, measure
from octlessons.images.retina import WORKING, Retina, as_input, find_layers_of, placed_layers
from octlessons.representations.extraction import extract, fingerprint
from octlessons.representations.transformer import ImageTransformer, check_counts

VARIANTS = ("labels", "views")

#: Height and width at which an encoder sees the straightened retina.
INPUT = (112, 144)

#: What it sees of it: the share of the scan's height above the floor of the retina, and below. If
#: the retina is too thick for that (a tight frame), both grow until it fits.
ABOVE, BELOW = 0.42, 0.18

#: Smallest side of an image, in pixels, in which a retina can be found.
SMALLEST = 28

_SKEWED = 3.0  # grey levels; at least 4.8 on inverted scans, at most -5.2 on others


class PhantomEncoder(ImageTransformer):
    """Turn each scan into a short row with a network trained on phantoms only.

    The network ships inside the package (ONNX, MIT licence) and runs without torch. No scan of a
    patient was used to train it. A first network finds the layers (`octlessons.images.retina`);
    by what it found white wedges are blackened and the retina is laid straight; a second network
    turns it into the row. Both are all there is between the grey picture and the row.

    Parameters
    ----------
    variant : {"labels", "views"}, default "labels"
        ``"labels"``: trained to name the class and the lesions that were drawn. Nobody labelled a
        patient for them; but they are labels, so what it finds was not found without any.
        ``"views"``: trained without labels, to give two altered copies of a phantom the same row.
    batch_size : int, default 64
        Images per run of the network.
    store : path, optional
        Keep the features in this file or folder, in shards that survive an interruption (see
        `octlessons.representations.extraction.extract`).
    n_threads : int, optional
        Threads of the network; all cores by default, or what ``OMP_NUM_THREADS`` says.
    progress : bool, optional
        Show a progress bar. None: only on a terminal, and only for long work.
    folder : path, optional
        Where ``labels.onnx`` or ``views.onnx`` and ``cards.json`` lie, for networks you trained
        with ``python -m experiments.encoder``. None: the shipped ones.

    Attributes
    ----------
    card_ : dict
        The model card: how the network was trained, its checksum, and what was measured.
    n_features_out_ : int
        Length of a row. Set by `fit`.

    Notes
    -----
    `fit` learns nothing, so `transform` works without it. Rows have length 1, so Euclidean and
    cosine distance order neighbours alike.

    On phantoms every comparison flatters this encoder: it was trained on their like. Judge it on
    real scans. It is made for teaching, and for nothing clinical.

    Scans are expected as the scanner shows them, the vitreous above, dark; where most are lighter
    than their mean, `transform` warns. A scan without a retina is taken as it is.

    Examples
    --------
    >>> from octlessons.images import draw_phantoms
    >>> rows = PhantomEncoder().fit_transform(draw_phantoms(4, size=64))
    >>> rows.shape[0], rows.dtype.name
    (4, 'float32')
    """

    def __init__(
        self,
        variant="labels",
        *,
        batch_size=64,
        store=None,
        n_threads=None,
        progress=None,
        folder=None,
    ):
        self.variant = variant
        self.batch_size = batch_size
        self.store = store
        self.n_threads = n_threads
        self.progress = progress
        self.folder = folder

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.requires_fit = False
        return tags

    def fit(self, X, y=None):
        """Check the parameters, the images and the network's file; nothing is learnt.

        Parameters
        ----------
        X : ImageSet, ndarray of shape (n, h, w), or list of 2-D arrays
            Grey scans of any size from 28 px up.
        y : ignored

        Raises
        ------
        OctlessonsError
            If the network's file is missing or damaged.
        ValueError
            If a parameter is out of range, or these are no grey images.
        """
        card, _ = self._opened()
        as_images(X)
        self.card_ = card
        self.n_features_out_ = int(card["dimensions"])
        return self

    def transform(self, X):
        """Compute the rows.

        Parameters
        ----------
        X : as for `fit`

        Returns
        -------
        ndarray of float32, shape (n, d)
            Each of length 1. With `store` a read-only ``numpy.memmap``.

        Raises
        ------
        OctlessonsError
            If an image is too small, or the store is damaged or belongs to something else.
        ValueError
            If there are no images, or one cannot be used.

        Warns
        -----
        UserWarning
            If most scans look inverted, dark on light.
        """
        card, eyes = self._opened()
        as_images(X)
        inverted: list[bool] = []

        def watched(image: np.ndarray) -> np.ndarray:
            inverted.append(looks_inverted(image))
            return prepare(image)

        key = None
        if self.store is not None:
            key = {"images": fingerprint(X), "networks": eyes.names, "prepared": 2}
        rows = extract(
            X,
            watched,
            eyes,
            n_features=int(card["dimensions"]),
            batch_size=self.batch_size,
            store=self.store,
            key=key,
            progress=self.progress,
        )
        if sum(inverted) > len(inverted) / 2:
            warnings.warn(
                f"{sum(inverted)} of {len(inverted)} scans look inverted, dark tissue on a light "
                "ground, and this encoder knows light tissue on a dark ground: if so, give "
                "images.map(numpy.invert).",
                stacklevel=2,
            )
        return rows

    def explain(self, X, *, pixel_sizes=None) -> tuple[list[Retina], Measurements]:
        """Say why: what lies where in each scan, and measurements in a doctor's words.

        Parameters
        ----------
        X : as for `fit`
        pixel_sizes : array_like of float, shape (n, 2), optional
            µm of a pixel, axial and lateral; without it those of the ImageSet, if it has them.

        Returns
        -------
        retinas : list of Retina
            Lines, confidence and tissues, as the encoder's first network found them.
        measurements : Measurements
            See `octlessons.images.measurements`; read from the same lines and tissues.

        Raises
        ------
        ValueError, OctlessonsError
            As `transform`.
        """
        retinas = find_layers_of(X, n_threads=self.n_threads)
        return retinas, measure(X, retinas=retinas, pixel_sizes=pixel_sizes)

    def rows_and_layers(self, scans) -> tuple[np.ndarray, list[Retina]]:
        """Rows of some scans and the layers that they were made from, in one go.

        Parameters
        ----------
        scans : sequence of ndarray of uint8, shape (h, w)

        Returns
        -------
        rows : ndarray of float32, shape (n, d)
            As `transform` gives them.
        retinas : list of Retina
            As in the scans of 192 × 192 px (`octlessons.images.retina.WORKING`).

        Raises
        ------
        OctlessonsError
            If a scan is in colour or too small.
        """
        _, eyes = self._opened()
        batch = np.stack([prepare(scan) for scan in scans])
        parts = in_threads(eyes.rows_and_layers, batch, eyes.layers.n_threads)
        retinas = [retina for _, found in parts for retina in found]
        return np.concatenate([rows for rows, _ in parts]), retinas

    # ------------------------------------------------------------------ inside

    @property
    def _n_features_out(self) -> int:
        return int(self._opened()[0]["dimensions"])

    def _opened(self) -> tuple[dict, _Eyes]:
        """The model card and both networks, after a look at the parameters."""
        if self.variant not in VARIANTS:
            raise ValueError(f'`variant` is "labels" or "views", not {self.variant!r}.')
        check_counts(self, "batch_size", optional=("n_threads",))
        folder = SHIPPED if self.folder is None else Path(self.folder)
        card, encoder = opened(self.variant, folder, self.n_threads)
        layers_card, layers = opened("layers", n_threads=self.n_threads)
        return card, _Eyes(layers, encoder, [layers_card["sha256"], card["sha256"]])


class _Eyes:
    """The network of the layers and an encoder, one after the other."""

    def __init__(self, layers: OnnxNetwork, encoder: OnnxNetwork, names: list[str]):
        self.layers, self.encoder, self.names = layers, encoder, names

    def __call__(self, batch: np.ndarray) -> np.ndarray:
        return np.concatenate(in_threads(self._rows, batch, self.layers.n_threads))

    def _rows(self, scans: np.ndarray) -> np.ndarray:
        found = self.layers.run(scans, outputs=self.encoder.inputs)
        return self.encoder.run(*found)[0]

    def rows_and_layers(self, scans: np.ndarray) -> tuple[np.ndarray, list[Retina]]:
        found = dict(zip(self.layers.outputs, self.layers.run(scans), strict=True))
        rows = self.encoder.run(*(found[name] for name in self.encoder.inputs))[0]
        return rows, placed_layers(found, (WORKING, WORKING))


def looks_inverted(image: np.ndarray) -> bool:
    """Whether most of a scan is lighter than its mean, as where tissue is dark on light."""
    some = image[::4, ::4] if min(image.shape[:2]) >= 64 else image
    return bool(np.median(some) - some.mean() > _SKEWED)


def prepare(image: np.ndarray) -> np.ndarray:
    """One scan, uint8 (h, w), as the first network sees it: float32 (1, 192, 192) in 0…1."""
    check_scan(image)
    return as_input(image)


def check_scan(image: np.ndarray) -> None:
    """Refuse what is no grey scan, or too small: OctlessonsError."""
    if image.ndim != 2:
        raise OctlessonsError(
            f"an image of shape {image.shape} is in colour, and this encoder takes grey scans: "
            "read the folder with grey=True, or call skimage.color.rgb2gray."
        )
    if min(image.shape) < SMALLEST:
        raise OctlessonsError(
            f"an image of {image.shape[0]} × {image.shape[1]} px is too small to find the retina "
            f"in: take {SMALLEST} px or more."
        )
