"""`PretrainedCNN`: what a network that learnt to name photographs sees in an image."""

from __future__ import annotations

from functools import lru_cache
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.utils.validation import check_is_fitted

from octlessons._runtime import NoRuntime, OnnxNetwork, usable_cores
from octlessons.errors import OctlessonsError, first_line
from octlessons.images.checks import as_images
from octlessons.representations.devices import choose_device
from octlessons.representations.extraction import extract, fingerprint, out_of_memory
from octlessons.representations.lite import LITE, lite_onnx
from octlessons.representations.onnx import ExportError, exported
from octlessons.representations.transformer import ImageTransformer, check_counts
from octlessons.representations.weights import Weights, cache_folder, locate


class PretrainedCNN(ImageTransformer):
    """Features of a classifier whose head was taken off.

    Any classifier of torchvision works, and EfficientNet-Lite0, which comes with the book and needs
    no torch. The head is the last layer with weights; the features are what it
    would have been shown, maps averaged over the image. Every image goes through the preprocessing
    that is published with the weights; grey images are repeated to red, green and blue.

    Memory is flat: images are read in batches, and with a `store` the features go to a file, in
    shards that survive an interruption.

    Parameters
    ----------
    architecture : str, default "efficientnet_b0"
        Name in torchvision, or ``"efficientnet_lite0"``.
    weights : str, path or torchvision.models.WeightsEnum, optional
        A ``.pth`` or ``.safetensors`` file (the head may be missing in it), or published weights:
        ``"IMAGENET1K_V2"``, or ``ResNet50_Weights.IMAGENET1K_V2``. None takes what is on this
        machine, see `find_weights`, or downloads torchvision's default.
    size : int, optional
        Side of the square that the network sees, in pixels; by default that of the published
        weights (224, mostly). Smaller is faster. Vision transformers take only one.
    stretch : bool, default False
        False cuts the centre out, as published, so that the sides of a wide scan are lost. True
        shows the network the whole image, which changes its proportions.
    pooled : bool, default True
        True averages the last maps over the image: 1,280 numbers, for an EfficientNet. False keeps
        the maps, flattened: 1,280 × 7 × 7 = 62,720. Networks without such maps refuse.
    batch_size : int, default 32
        Images computed at a time. When memory runs out it is halved.
    engine : {"auto", "onnx", "torch"}, default "auto"
        What computes. ``"onnx"``: ONNX Runtime on the CPU, three times as fast as torch there; the
        network is exported once, into the cache of this package. ``"torch"``: torch on `device`.
        ``"auto"``: torch where there is a GPU or a network cannot be exported, else ONNX Runtime,
        which is all that ``"efficientnet_lite0"`` runs on.
    device : str, default "auto"
        For torch: ``"cuda"``, ``"mps"`` or ``"cpu"``; the first of them that is there by default.
    store : path, optional
        File (``.npy``) or folder to keep the features in, for one set of images, network and size;
        see `octlessons.representations.extraction.extract`.
    n_threads : int, optional
        Threads on the CPU; all cores by default, or what ``OMP_NUM_THREADS`` says.
    download : bool, default True
        Download weights that are not on this machine.
    progress : bool, optional
        Show progress. None: only where somebody looks on, see `extract`.

    Attributes
    ----------
    weights_ : dict
        The weights in use: ``architecture``, ``name``, ``path``, ``sha256``, ``licence`` and
        ``source``.
    preprocessing_ : dict
        ``resize`` (of the shorter side, or of both with `stretch`) and ``crop`` in pixels,
        ``interpolation``, ``mean`` and ``std`` of the three channels.
    engine_ : str
        ``"onnx"``, or ``"torch"`` with its device, as ``"torch on cuda"``.
    n_features_out_ : int
        Length of a row.

    Notes
    -----
    Nothing is learnt from the images. After pickling, or in another process, the network is loaded
    from the same file again.

    Examples
    --------
    >>> rows = PretrainedCNN("resnet18").fit_transform(images)  # doctest: +SKIP
    """

    def __init__(
        self,
        architecture="efficientnet_b0",
        weights=None,
        *,
        size=None,
        stretch=False,
        pooled=True,
        batch_size=32,
        engine="auto",
        device="auto",
        store=None,
        n_threads=None,
        download=True,
        progress=None,
    ):
        self.architecture = architecture
        self.weights = weights
        self.size = size
        self.stretch = stretch
        self.pooled = pooled
        self.batch_size = batch_size
        self.engine = engine
        self.device = device
        self.store = store
        self.n_threads = n_threads
        self.download = download
        self.progress = progress

    def fit(self, X, y=None):
        """Find or download the weights, and load the network; nothing is learnt.

        Parameters
        ----------
        X : ImageSet, ndarray of shape (n, h, w) or (n, h, w, 3), or list of such images
            uint8 counts 0 black to 255 white, uint16 to 65535; floats lie in 0…1. Sizes may
            differ.
        y : ignored

        Raises
        ------
        OctlessonsError
            If the weights cannot be had, are damaged, or do not fit. The sentence says what to do.
        ValueError, TypeError
            If a parameter is out of range, there is no such architecture or it cannot take this
            `size`, or there are no images.
        """
        check_counts(self, "batch_size", optional=("size", "n_threads"))
        if self.engine not in ("auto", "onnx", "torch"):
            raise ValueError(f"`engine` is 'auto', 'onnx' or 'torch', not {self.engine!r}.")
        as_images(X, colour=True)
        found = locate(
            self.architecture,
            self.weights,
            download=self.download,
            progress=self.progress is not False,
        )
        self.preprocessing_ = _preprocessing(found, self.size, self.stretch)
        self._open(found)
        self.weights_ = found.record()
        return self

    def transform(self, X):
        """Compute the features.

        Parameters
        ----------
        X : as for `fit`

        Returns
        -------
        ndarray of float32, shape (n, n_features_out_)
            With `store` a read-only ``numpy.memmap``.

        Raises
        ------
        OctlessonsError
            If memory runs out even for one image, or the store is damaged or belongs to something
            else.
        ValueError
            If there are no images, or one cannot be used. The sentence says which.
        """
        check_is_fitted(self, "weights_")
        if self._network is None:  # unpickled
            self._open(self._found_again())
        return extract(
            X,
            self.preprocess,
            self._network,
            n_features=self.n_features_out_,
            batch_size=self.batch_size,
            store=self.store,
            key=None if self.store is None else self._key(X),
            progress=self.progress,
        )

    def preprocess(self, image):
        """Turn one image, uint8 (h, w) or (h, w, 3), into what the network sees, (3, side, side).

        The numbers are those of torchvision's own preprocessing.
        """
        from PIL import Image

        check_is_fitted(self, "preprocessing_")
        how = self.preprocessing_
        resize, crop = how["resize"], how["crop"]
        height, width = image.shape[:2]
        if self.stretch:
            new = (resize, resize)
        elif height <= width:
            new = (resize, int(resize * width / height))
        else:
            new = (int(resize * height / width), resize)
        picture = Image.fromarray(np.ascontiguousarray(image))
        if new != (height, width):
            picture = picture.resize(new[::-1], Image.Resampling[how["interpolation"].upper()])
        top, left = round((new[0] - crop) / 2), round((new[1] - crop) / 2)
        pixels = np.asarray(picture)[top : top + crop, left : left + crop]
        table = _table(how["mean"], how["std"])
        if pixels.ndim == 2:
            return np.take(table, pixels, axis=1)
        return np.stack([np.take(table[c], pixels[..., c]) for c in range(3)])

    # ------------------------------------------------------------------ inside

    _network: Any = None

    def __getstate__(self):
        return {k: v for k, v in super().__getstate__().items() if k != "_network"}

    def _found_again(self) -> Weights:
        found = locate(self.weights_["architecture"], Path(self.weights_["path"]))
        if found.sha256 != self.weights_["sha256"]:
            raise OctlessonsError(
                f"{found.path} has changed since the network was fitted: call fit again."
            )
        return found

    def _open(self, found: Weights) -> None:
        """Load the network into `_network`, and say in `engine_` what computes."""
        side = self.preprocessing_["crop"]
        engine = self.engine
        if found.architecture == LITE:
            if engine == "torch":
                raise ValueError(f"{LITE} runs on ONNX Runtime only: take engine='auto'.")
            self._network = OnnxNetwork(lite_onnx(found.path, side, self.pooled), self.n_threads)
            self.engine_, self.n_features_out_ = "onnx", self._network.n_features
            return
        device = choose_device(self.device) if engine != "onnx" else "cpu"
        if engine == "auto" and device != "cpu":
            engine = "torch"
        if engine != "torch":
            try:
                model = exported(
                    lambda: _backbone(found, side, self.pooled),
                    (3, side, side),
                    found.architecture + ("" if self.pooled else "-maps"),
                    found.sha256,
                    cache_folder().parent / "onnx",
                    self.progress,
                )
                self._network = OnnxNetwork(model, self.n_threads)
                self.engine_ = "onnx"
            except (ExportError, NoRuntime):
                if engine == "onnx":
                    raise
                engine = "torch"
        if engine == "torch":
            self._network = _TorchNetwork(found, device, self.n_threads, side, self.pooled)
            self.engine_ = f"torch on {device}"
        self.n_features_out_ = self._network.n_features

    def _key(self, X) -> dict:
        packages = ("onnxruntime",) if self.engine_ == "onnx" else ("torch",)
        return {
            "images": fingerprint(X),
            "architecture": self.weights_["architecture"],
            "weights": self.weights_["sha256"],
            "preprocessing": self.preprocessing_ | {"stretch": bool(self.stretch)},
            **({} if self.pooled else {"pooled": False}),
            "engine": " ".join([self.engine_, *map(metadata.version, packages)]),
        }


def _preprocessing(found: Weights, size: int | None, stretch: bool) -> dict:
    """What to do to an image: that of the published weights, scaled to `size`."""
    preset = found.entry.transforms()
    crop, resize = preset.crop_size[0], preset.resize_size[0]
    if size is not None:
        smallest = max(found.entry.meta["min_size"])
        if size < smallest:
            raise ValueError(
                f"{found.architecture} takes images of at least {smallest} px, and size={size} is "
                f"smaller: leave out size=… for the {crop} px that it was trained with. (Images "
                "may be of any size: they are resized.)"
            )
        crop, resize = int(size), max(int(size), round(size * resize / crop))
    return {
        "resize": crop if stretch else resize,
        "crop": crop,
        "interpolation": preset.interpolation.value,
        "mean": tuple(preset.mean),
        "std": tuple(preset.std),
    }


@lru_cache(8)
def _table(mean: tuple[float, ...], std: tuple[float, ...]) -> np.ndarray:
    """Value of each level of grey, 0 to 255, in each channel: (3, 256) float32."""
    levels = np.arange(256, dtype=np.float32) / np.float32(255)
    means, stds = np.asarray(mean, np.float32), np.asarray(std, np.float32)
    return (levels - means[:, None]) / stds[:, None]


def _backbone(found: Weights, side: int, pooled: bool = True):
    """The network, after it has been seen to take images of that size."""
    import torch

    from octlessons.representations.backbones import load_backbone

    network = load_backbone(found, pooled)
    try:
        with torch.inference_mode():
            network(torch.zeros(1, 3, side, side))
    except (RuntimeError, AssertionError, ValueError) as error:
        if out_of_memory(error):
            raise
        usual = found.entry.transforms().crop_size[0]
        raise ValueError(
            f"{found.architecture} cannot take images of {side} px ({first_line(error)}): leave "
            f"out size=… for the {usual} px that it was trained with."
        ) from error
    return network


class _TorchNetwork:
    """A network run by torch, on a GPU where there is one."""

    def __init__(self, found: Weights, device: str, n_threads: int | None, side: int, pooled: bool):
        import torch

        self.device, self.n_threads = device, n_threads or usable_cores()
        network = _backbone(found, side, pooled)
        try:
            self.network = network.to(device, memory_format=torch.channels_last)
        except RuntimeError as error:
            if not out_of_memory(error):
                raise
            raise OctlessonsError(
                f"{found.architecture} does not fit into the memory of {device}: free some, take a "
                "smaller network, or device='cpu'."
            ) from error
        self.n_features = self(np.zeros((1, 3, side, side), np.float32)).shape[1]

    def __call__(self, batch: np.ndarray) -> np.ndarray:
        import torch

        threads = torch.get_num_threads()
        torch.set_num_threads(self.n_threads)
        try:
            with torch.inference_mode():
                images = torch.from_numpy(batch).to(self.device, memory_format=torch.channels_last)
                return self.network(images).cpu().numpy()
        finally:
            torch.set_num_threads(threads)
