"""The representations that a run can look with, by name."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from octlessons._runtime import in_threads, read_card
from octlessons.errors import OctlessonsError
from octlessons.images.cleaning import clean
from octlessons.images.retina import WORKING, Retina, layer_network, placed_layers
from octlessons.representations import PhantomEncoder, Pixels, PretrainedCNN
from octlessons.representations.phantom_encoder import VARIANTS, prepare

#: Names of the representations; any other is taken for a network that `PretrainedCNN` knows.
NAMES = (*VARIANTS, "pixels", "flattened")


class Eyes:
    """A representation with its name, and the layers that were found on the way.

    Attributes
    ----------
    n_features : int
    names : list of str
        What the rows depend on besides the scans.
    """

    n_features: int
    names: list[str]

    def see(
        self, scans: Sequence[np.ndarray], small: Sequence[np.ndarray]
    ) -> tuple[np.ndarray, list[Retina]]:
        """Rows, float32 (n, d), and the layers of some scans; `small` are they at `WORKING` px."""
        raise NotImplementedError


class _Encoder(Eyes):
    """The layers and the shipped encoder, in one go."""

    def __init__(self, variant: str):
        self._encoder = PhantomEncoder(variant, n_threads=1)
        card, eyes = self._encoder._opened()
        self.n_features, self.names = int(card["dimensions"]), [variant, *eyes.names]

    def see(self, scans, small):
        return self._encoder.rows_and_layers(small)


class _Transformer(Eyes):
    """Any transformer of images; the layers are found for the measurements alone."""

    def __init__(self, name: str, transformer, cleaned: bool = False):
        self._transformer, self._cleaned = transformer, cleaned
        example = np.zeros((1, WORKING, WORKING), np.uint8)
        rows = transformer.fit(example).transform(example)
        self.n_features = rows.shape[1]
        self.names = [
            name,
            read_card("layers")["sha256"],
            str(getattr(transformer, "weights_", {}).get("sha256", "")),
        ]

    def see(self, scans, small):
        network = layer_network(1)
        parts = in_threads(network.run, np.stack([prepare(scan) for scan in small]), 1)
        retinas = [
            retina
            for found in parts
            for retina in placed_layers(
                dict(zip(network.outputs, found, strict=True)), (WORKING, WORKING)
            )
        ]
        seen = [clean(scan) for scan in scans] if self._cleaned else list(scans)
        return np.asarray(self._transformer.transform(seen), np.float32), retinas


def eyes_named(name: str) -> Eyes:
    """Find a representation.

    Parameters
    ----------
    name : str
        ``"labels"`` or ``"views"``: the shipped encoders. ``"pixels"``: 28 × 28 grey values;
        ``"flattened"``: the same of cleaned scans. Else a network of `PretrainedCNN`.

    Raises
    ------
    OctlessonsError
        If there is none of that name, or its weights cannot be had.
    """
    if name in VARIANTS:
        return _Encoder(name)
    if name in ("pixels", "flattened"):
        return _Transformer(name, Pixels(size=28), cleaned=name == "flattened")
    try:
        network = PretrainedCNN(name, n_threads=1, stretch=True, progress=False)
        return _Transformer(name, network)
    except ValueError as error:
        raise OctlessonsError(
            f"There is no representation {name!r}: choose {', '.join(NAMES)}, or a network such "
            "as efficientnet-lite0."
        ) from error
