"""`PhantomEncoder`: a small network that learnt to see on phantoms alone, and ships with us."""

from __future__ import annotations

import hashlib
import json
from functools import lru_cache
from numbers import Integral
from pathlib import Path

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin

from octlessons.errors import OctlessonsError
from octlessons.images.checks import as_images
from octlessons.images.imageset import resize_image

#: Where the shipped networks and their model cards lie.
SHIPPED = Path(__file__).resolve().parent / "encoders"

VARIANTS = ("labels", "views")

#: Scans are cleaned at this height and width; the network sees the retina at `INPUT`.
WORKING, INPUT = 192, (112, 144)

#: What of a flattened scan the network sees, as shares of its height.
WINDOW = (0.23, 0.83)

#: Smallest side of an image, in pixels, in which a retina can be found.
SMALLEST = 28


class PhantomEncoder(TransformerMixin, BaseEstimator):
    """Turn each scan into a short row with a network trained on phantoms only.

    The network ships inside the package (ONNX, MIT licence) and runs on ONNX Runtime, without
    torch. No scan of a patient was used to train it. Each scan is cleaned first, as
    `octlessons.images.cleaning.clean` does it: white wedges filled, the retina laid straight and
    cut out.

    Parameters
    ----------
    variant : {"labels", "views"}, default "labels"
        ``"labels"``: trained to name the class and the lesions that were drawn. Those labels are
        free, because we drew the scans, and no patient was ever labelled for it; but they are
        labels, so what this network finds was not found without any. ``"views"``: trained without
        labels of any kind, to give two altered copies of one phantom the same row.
    batch_size : int, default 64
        Images per run of the network.
    store : path, optional
        Keep the features in this file or folder, in shards that survive an interruption (see
        `octlessons.representations.extraction.extract`).
    n_threads : int, optional
        Threads of the network. None leaves it to ONNX Runtime.
    progress : bool, optional
        Show a progress bar. None: only on a terminal, and only for long work.
    folder : path, optional
        Where ``labels.onnx`` or ``views.onnx`` and ``cards.json`` lie, for networks you trained
        with ``octlessons train-encoder``. None: the shipped ones.

    Attributes
    ----------
    card_ : dict
        The model card: what the network was trained on, how, with which seeds, on which
        machine, when, its checksum, and what was measured. Set by `fit`.
    n_features_out_ : int
        Length of a row. Set by `fit`.

    Notes
    -----
    `fit` learns nothing, so `transform` works without it. Rows have length 1, so Euclidean and
    cosine distance order neighbours alike.

    On phantoms every comparison flatters this encoder: it was trained on their like. Judge it on
    real scans. It is made for teaching, and for nothing clinical.

    Where no retina can be found, the scan is taken as it is: the row then says little. Scans are
    expected as the scanner shows them, the vitreous above, dark.

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
        tags.input_tags.two_d_array = False
        tags.input_tags.three_d_array = True
        tags.requires_fit = False
        tags.transformer_tags.preserves_dtype = ["float32"]
        return tags

    def fit(self, images, y=None):
        """Check the parameters, the images and the network's file; nothing is learnt.

        Parameters
        ----------
        images : ImageSet, ndarray of shape (n, h, w), or list of 2-D arrays
            Grey scans of any size from 28 px up.
        y : None
            Ignored.

        Returns
        -------
        PhantomEncoder
            Itself.

        Raises
        ------
        OctlessonsError
            If the network's file is missing or damaged.
        ValueError
            If a parameter is out of range, or these are no grey images.
        """
        folder = self._checked()
        as_images(images)
        self.card_ = read_card(self.variant, folder)
        self.n_features_out_ = int(self.card_["dimensions"])
        return self

    def transform(self, images):
        """Compute the rows.

        Parameters
        ----------
        images : ImageSet, ndarray of shape (n, h, w), or list of 2-D arrays
            As for `fit`.

        Returns
        -------
        ndarray of float32, shape (n, d)
            Each row has length 1. With `store` a read-only ``numpy.memmap``.

        Raises
        ------
        OctlessonsError
            As `fit`; or if an image is too small.
        ValueError
            As `fit`; or if a pixel is NaN, infinite or out of range.
        """
        from octlessons.representations.extraction import extract, fingerprint

        folder = self._checked()
        as_images(images)
        card = read_card(self.variant, folder)
        session = _session(str(folder / card["file"]), card["sha256"], self.n_threads)
        key = None
        if self.store is not None:
            key = {"images": fingerprint(images), "network": card["sha256"], "prepared": 1}
        return extract(
            images,
            prepare,
            lambda batch: session.run(None, {"scan": batch})[0],
            n_features=int(card["dimensions"]),
            batch_size=self.batch_size,
            store=self.store,
            key=key,
            progress=self.progress,
        )

    def get_feature_names_out(self, input_features=None):
        """Name the features ``encoder_0``, ``encoder_1``, …

        Parameters
        ----------
        input_features : None
            Ignored: images have no feature names.

        Returns
        -------
        ndarray of str, shape (d,)
        """
        n = int(read_card(self.variant, self._checked())["dimensions"])
        return np.asarray([f"encoder_{i}" for i in range(n)], dtype=object)

    # ------------------------------------------------------------------ inside

    def _checked(self) -> Path:
        if self.variant not in VARIANTS:
            raise ValueError(f'`variant` is "labels" or "views", not {self.variant!r}.')
        for name in ("batch_size", "n_threads"):
            value = getattr(self, name)
            if value is None and name == "n_threads":
                continue
            if not isinstance(value, Integral) or isinstance(value, bool) or value < 1:
                raise ValueError(f"`{name}` is a positive whole number, not {value!r}.")
        return SHIPPED if self.folder is None else Path(self.folder)


def prepare(image: np.ndarray) -> np.ndarray:
    """Clean one scan and bring it to the size that the network sees.

    Parameters
    ----------
    image : ndarray of uint8, shape (h, w)

    Returns
    -------
    ndarray of float32, shape (1, 112, 144)
        In 0…1.

    Raises
    ------
    OctlessonsError
        If the image is in colour or too small.
    """
    top, bottom = (round(share * WORKING) for share in WINDOW)
    small = resize_image(flattened(image)[top:bottom], INPUT)
    return (small.astype(np.float32) * np.float32(1 / 255))[None]


def flattened(image: np.ndarray) -> np.ndarray:
    """Resize one scan to the working size, fill its wedges and lay the retina straight.

    Parameters
    ----------
    image : ndarray of uint8, shape (h, w)

    Returns
    -------
    ndarray of uint8, shape (192, 192)
    """
    from octlessons.images.cleaning import flatten, remove_wedges

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
    small = remove_wedges(resize_image(image, (WORKING, WORKING)))
    try:
        return flatten(small)
    except np.linalg.LinAlgError:  # no line fits: an image without a retina
        return small


def read_card(variant: str, folder: Path = SHIPPED) -> dict:
    """Read the model card of a variant.

    Parameters
    ----------
    variant : {"labels", "views"}
    folder : path

    Returns
    -------
    dict

    Raises
    ------
    OctlessonsError
        If the card or the network is missing, or cannot be read.
    """
    mend = (
        "install octlessons again (pip install --force-reinstall --no-deps octlessons)"
        if folder == SHIPPED
        else f"train it with octlessons train-encoder --variant {variant} --out {folder}"
    )
    cards = folder / "cards.json"
    try:
        card = json.loads(cards.read_text(encoding="utf-8"))[variant]
    except (OSError, ValueError, KeyError) as error:
        raise OctlessonsError(
            f'The model card of the encoder "{variant}" cannot be read from {cards} '
            f"({type(error).__name__}): {mend}."
        ) from error
    if not (folder / card["file"]).is_file():
        raise OctlessonsError(f"The encoder's network {folder / card['file']} is missing: {mend}.")
    return card


@lru_cache(maxsize=4)
def _session(path: str, sha256: str, n_threads: int | None):
    """The network, checked and loaded once per process."""
    try:
        import onnxruntime
    except ImportError as error:
        raise OctlessonsError(
            f"The encoder runs on ONNX Runtime, which cannot be imported here ({error}): install "
            'it with pip install "onnxruntime>=1.20". It does not come with octlessons on Macs '
            "with Intel processors, for which it is no longer made."
        ) from error
    data = Path(path).read_bytes()
    if hashlib.sha256(data).hexdigest() != sha256:
        raise OctlessonsError(
            f"The encoder's network {path} is not the file its model card describes (the SHA-256 "
            "differs), so it was changed or damaged: install octlessons again, or train it again "
            "with octlessons train-encoder."
        )
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    if n_threads is not None:
        options.intra_op_num_threads = n_threads
    return onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
