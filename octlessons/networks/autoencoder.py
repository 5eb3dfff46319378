"""`ConvAutoencoder`: a code small enough to cluster, from which a network rebuilds the image."""

from __future__ import annotations

import contextlib
import itertools
import json
import math
import os
from collections.abc import Callable, Iterator
from numbers import Integral, Real

import numpy as np
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from octlessons._files import write_atomically
from octlessons._optional import need_torch
from octlessons.errors import OctlessonsError
from octlessons.images.checks import as_images, resized, small_picture
from octlessons.images.imageset import ImageSet
from octlessons.networks import OPTIMISERS, History, read_tensors, train
from octlessons.networks.losses import SSIM_WINDOW
from octlessons.representations import batch_indices, choose_device, seeded
from octlessons.representations.extraction import out_of_memory
from octlessons.wording import count

LOSSES = ("mse", "ssim", "perceptual")


class ConvAutoencoder(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):
    """Train a network to rebuild images from a short code; the code is the representation.

    The encoder halves the image `depth` times, the decoder doubles it as often. With the
    defaults it is the published autoencoder: 224 × 224 × 3 becomes 56 × 56 × 8. On a laptop take
    grey and small images, ``ConvAutoencoder(64, channels=1)``.

    Parameters
    ----------
    size : int, default 224
        Height and width to which images are resized; a multiple of 2 to the power of `depth`.
    channels : {3, 1}, default 3
        3 for colour (grey images are repeated in all three), 1 for grey.
    depth : int, default 2
        How often the side is halved.
    code_channels : int, default 8
        Numbers kept at each place of the code.
    width : int, default 16
        Channels of the first level; each further level before the code has twice as many.
    downsampling : {"stride", "pool"}
        Halve by convolutions that take every second place (faster), or by the largest of each
        2 × 2 after a convolution.
    upsampling : {"resize", "transposed"}
        Double by repeating pixels before a convolution, or by transposed convolutions.
    loss : {"mse", "ssim", "perceptual"} or callable, default "mse"
        Squared difference of pixels; one less structural similarity; or difference of what a
        pretrained network sees (`octlessons.networks.losses.Perceptual`). A callable
        takes two tensors (n, channels, h, w) in 0…1, rebuilt and original, and gives a scalar.
    perceptual_network : str, default "auto"
        For ``loss="perceptual"``: see `octlessons.networks.losses.Perceptual`.
    optimiser : {"adam", "adamw", "rmsprop", "sgd"}, default "adam"
        SGD has Nesterov momentum of 0.9, and needs a larger learning rate than the others.
    learning_rate : float, default 0.002
    weight_decay : float, default 0
        Pull of all weights towards 0.
    dropout : float, default 0
        Share of the hidden values switched off at random while training.
    batch_norm : bool, default False
        Batch normalisation after every hidden convolution.
    epochs : int, default 50
    patience : int, optional
        Stop when the validation loss has not improved for this many epochs.
    batch_size : int, default 16
    validation : float or images, default 0.3
        Share of the images that are validated on and not trained on, whole patients where they
        are known; or these images themselves. 0 for none.
    checkpoint : path, optional
        File written after each epoch. A later `fit` with the same settings and images goes on
        from it, to the very same weights as without the interruption (on CPU).
    device : str, default "auto"
        See `octlessons.representations.devices.choose_device`.
    random_state : int, RandomState or None, default 0
        Of the first weights, the split and the order of the images. An int, if a checkpoint is
        to be resumed.
    verbose : bool, default True
        Print training and validation loss of every epoch.

    Attributes
    ----------
    history_ : octlessons.networks.History
        Training and validation loss of every epoch; the weights are those of the best.
    code_shape_ : (int, int, int)
        Channels, height and width of the code.
    image_shape_ : tuple of int
        (size, size), with 3 channels behind it for colour.
    n_features_out_ : int
        Length of a code.
    network_ : torch.nn.ModuleDict
        ``encoder`` and ``decoder``, on the CPU.
    perceptual_network_ : str or None
        The network that the perceptual loss compared with.
    validation_ : ndarray of int
        Which of the images given to `fit` were validated on; empty if they were given apart.

    Notes
    -----
    Images may have any size and type that `Pixels` takes, and colour too. They are resized in
    batches and kept in 8 bits while training, in memory up to 256 MB and in a temporary file
    beyond it; lazy sets are read once for each `fit`.

    The published work had 56 × 56 × 8 numbers for 224 × 224 × 3: a sixth. From grey images of
    the same depth the code keeps half as many numbers as there are pixels, which is hardly a
    bottleneck: raise `depth` or lower `code_channels`.

    Examples
    --------
    >>> import numpy as np
    >>> images = np.random.default_rng(0).integers(0, 256, (12, 20, 30), dtype=np.uint8)
    >>> coder = ConvAutoencoder(16, channels=1, epochs=2, verbose=False)
    >>> coder.fit_transform(images).shape, coder.code_shape_
    ((12, 128), (8, 4, 4))
    """

    def __init__(
        self,
        size=224,
        channels=3,
        *,
        depth=2,
        code_channels=8,
        width=16,
        downsampling="stride",
        upsampling="resize",
        loss="mse",
        perceptual_network="auto",
        optimiser="adam",
        learning_rate=2e-3,
        weight_decay=0.0,
        dropout=0.0,
        batch_norm=False,
        epochs=50,
        patience=None,
        batch_size=16,
        validation=0.3,
        checkpoint=None,
        device="auto",
        random_state=0,
        verbose=True,
    ):
        self.size = size
        self.channels = channels
        self.depth = depth
        self.code_channels = code_channels
        self.width = width
        self.downsampling = downsampling
        self.upsampling = upsampling
        self.loss = loss
        self.perceptual_network = perceptual_network
        self.optimiser = optimiser
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.dropout = dropout
        self.batch_norm = batch_norm
        self.epochs = epochs
        self.patience = patience
        self.batch_size = batch_size
        self.validation = validation
        self.checkpoint = checkpoint
        self.device = device
        self.random_state = random_state
        self.verbose = verbose

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False
        tags.input_tags.three_d_array = True
        tags.transformer_tags.preserves_dtype = ["float32"]
        tags.non_deterministic = self.random_state is None
        return tags

    def fit(self, images, y=None):
        """Train the network.

        Parameters
        ----------
        images : ImageSet, ndarray of shape (n, h, w) or (n, h, w, 3), or list of arrays
            Grey or colour. uint8 counts 0 black to 255 white; floats lie in 0…1.
        y : None
            Ignored.

        Returns
        -------
        ConvAutoencoder
            Itself.

        Raises
        ------
        OctlessonsError
            If torch is missing, training fails or the checkpoint does not fit; see
            `octlessons.networks.train`.
        ValueError
            If a parameter is out of range or these are not images; the sentence says which.
        """
        self._check()
        need_torch()
        rng = check_random_state(self.random_state)
        whole = isinstance(self.random_state, Integral)
        seed = int(self.random_state) if whole else int(rng.randint(2**31 - 1))
        loss = self._loss_function()
        chosen, held_out, others = self._split(images, seed)
        with contextlib.ExitStack() as stack:
            pixels, digest = stack.enter_context(
                resized(images, self.size, self.channels, 2**self.depth)
            )
            valid = pixels
            if others is not None:
                valid, more = stack.enter_context(
                    resized(others, self.size, self.channels, 2**self.depth)
                )
                digest += more
                valid_index = np.arange(len(valid))
            else:
                valid_index = held_out
            network = self._build(seed)
            batches = _Batches(pixels, chosen, self.batch_size, shuffled=True)
            valid_batches = None
            if len(valid_index):
                valid_batches = _Batches(valid, valid_index, 4 * self.batch_size, shuffled=False)
            self.history_ = train(
                network,
                _Rebuilding(loss),
                batches,
                valid_batches,
                epochs=self.epochs,
                optimiser=self.optimiser,
                learning_rate=self.learning_rate,
                weight_decay=self.weight_decay,
                patience=self.patience,
                checkpoint=self.checkpoint,
                key=self._key(digest, loss),
                device=self.device,
                seed=seed,
                report=print if self.verbose else None,
            )
        self.perceptual_network_ = getattr(loss, "name", None)
        self.network_ = network.to("cpu")
        self.validation_ = held_out
        self._set_shapes()
        return self

    def transform(self, images):
        """Give the code of each image.

        Parameters
        ----------
        images : ImageSet, ndarray of shape (n, h, w) or (n, h, w, 3), or list of arrays
            As for `fit`.

        Returns
        -------
        ndarray of float32, shape (n, n_features_out_)
            `code_shape_` laid out as a row: channel by channel.
        """
        check_is_fitted(self)
        as_images(images, self.channels == 3)
        codes = np.empty((len(images), self.n_features_out_), np.float32)
        with self._ready() as device:
            for start, batch in self._batches(images, device):
                code = self.network_["encoder"](batch)
                codes[start : start + len(batch)] = code.flatten(1).cpu().numpy()
        return codes

    def inverse_transform(self, X):
        """Rebuild images from codes, or from what lies between codes, such as a centroid.

        Parameters
        ----------
        X : array_like of float, shape (n, n_features_out_)

        Returns
        -------
        ndarray of float32, shape (n, size, size) or (n, size, size, 3)
            Pixels in 0…1.

        Raises
        ------
        ValueError
            If the codes have another length, or are not finite.
        """
        check_is_fitted(self)
        codes = np.atleast_2d(np.asarray(X, np.float32))
        if codes.ndim != 2 or codes.shape[1] != self.n_features_out_:
            raise ValueError(
                f"The codes of this autoencoder have {self.n_features_out_:,} numbers; these have "
                f"shape {codes.shape}. Use the one that made them."
            )
        if not np.isfinite(codes).all():
            raise ValueError(
                "The codes contain NaN or infinity, from which nothing can be rebuilt."
            )
        images = np.empty((len(codes), *self.image_shape_), np.float32)
        import torch

        with self._ready() as device:
            for start in range(0, len(codes), self.batch_size):
                part = torch.from_numpy(codes[start : start + self.batch_size]).to(device)
                rebuilt = self.network_["decoder"](part.reshape(-1, *self.code_shape_))
                images[start : start + len(part)] = _to_pictures(rebuilt)
        return images

    def reconstruct(self, images):
        """Encode images and rebuild them.

        Parameters
        ----------
        images : ImageSet, ndarray of shape (n, h, w) or (n, h, w, 3), or list of arrays

        Returns
        -------
        ndarray of float32, shape (n, size, size) or (n, size, size, 3)
            Pixels in 0…1.
        """
        check_is_fitted(self)
        as_images(images, self.channels == 3)
        rebuilt = np.empty((len(images), *self.image_shape_), np.float32)
        with self._ready() as device:
            for start, batch in self._batches(images, device):
                out = self.network_["decoder"](self.network_["encoder"](batch))
                rebuilt[start : start + len(batch)] = _to_pictures(out)
        return rebuilt

    def reconstruction_error(self, images, measure="mse"):
        """Say how far each rebuilt image is from its original.

        Parameters
        ----------
        images : ImageSet, ndarray of shape (n, h, w) or (n, h, w, 3), or list of arrays
        measure : {"mse", "ssim"}
            Mean squared difference of pixels in 0…1, or structural similarity (1 is equal).

        Returns
        -------
        ndarray of float, shape (n,)
            Whatever `loss` the network was trained with, so that losses can be compared.
        """
        from octlessons.networks.losses import ssim

        if measure not in ("mse", "ssim"):
            raise ValueError(f"`measure` is 'mse' or 'ssim', not {measure!r}.")
        check_is_fitted(self)
        as_images(images, self.channels == 3)
        errors = np.empty(len(images))
        with self._ready() as device:
            for start, batch in self._batches(images, device):
                out = self.network_["decoder"](self.network_["encoder"](batch))
                if measure == "mse":
                    found = ((out - batch) ** 2).mean(dim=(1, 2, 3))
                else:
                    found = ssim(out, batch)
                errors[start : start + len(batch)] = found.cpu().numpy()
        return errors

    def prepare(self, images):
        """Give images as the network sees them: resized, in 0…1.

        Parameters
        ----------
        images : ImageSet, ndarray of shape (n, h, w) or (n, h, w, 3), or list of arrays

        Returns
        -------
        ndarray of float32, shape (n, size, size) or (n, size, size, 3)
        """
        self._check()
        as_images(images, self.channels == 3)
        block = [
            small_picture(images, i, self.size, self.channels, 2**self.depth)
            for i in range(len(images))
        ]
        return np.stack(block) * np.float32(1 / 255)

    def save(self, path):
        """Write the fitted autoencoder to a file, in one step.

        Parameters
        ----------
        path : path
            Such as ``"autoencoder.pt"``. Nothing in it is executed when it is loaded.

        Raises
        ------
        OctlessonsError
            If it cannot be written, or the loss is a function of your own.
        """
        import torch

        check_is_fitted(self)
        if callable(self.loss):
            raise OctlessonsError(
                "The loss of this autoencoder is a function of yours, which a file of weights "
                "cannot hold: set_params(loss='mse') first; codes do not depend on it."
            )
        params = {
            name: os.fspath(value) if isinstance(value, os.PathLike) else value
            for name, value in self.get_params().items()
        }
        params["validation"] = self.validation if np.isscalar(self.validation) else 0.0
        if not isinstance(self.random_state, Integral | None):
            params["random_state"] = None
        content = {
            "what": "octlessons autoencoder",
            "format": 1,
            "params": json.dumps(params, default=lambda value: value.item()),
            "history": self.history_.to_json(),
            "perceptual": self.perceptual_network_,
            "validation": torch.from_numpy(self.validation_.copy()),
            "network": self.network_.state_dict(),
        }
        write_atomically(path, lambda stream: torch.save(content, stream))

    @classmethod
    def load(cls, path):
        """Read what `save` wrote.

        Parameters
        ----------
        path : path

        Returns
        -------
        ConvAutoencoder
            Fitted, with the parameters and the history it had.

        Raises
        ------
        OctlessonsError
            If there is no such file, or it is damaged or something else.
        """
        again = "save the autoencoder again"
        content = read_tensors(path, "autoencoder", again)
        if content.get("what") != "octlessons autoencoder" or content.get("format") != 1:
            raise OctlessonsError(
                f"{path} holds no autoencoder of this version of octlessons: {again}."
            )
        try:
            coder = cls(**json.loads(content["params"]))
            coder._check()
            network = coder._build(0)
            network.load_state_dict(content["network"])
            coder.history_ = History.from_json(content["history"])
            coder.validation_ = content["validation"].numpy()
            coder.perceptual_network_ = content["perceptual"]
        except (KeyError, TypeError, ValueError, RuntimeError, AttributeError) as error:
            reason = str(error).splitlines()[0].rstrip(".:")
            raise OctlessonsError(
                f"{path} is not a sound autoencoder ({reason}): {again}."
            ) from error
        coder.network_ = network.eval()
        coder._set_shapes()
        return coder

    # ------------------------------------------------------------------ inside

    @property
    def _n_features_out(self) -> int:
        return self.n_features_out_

    def _set_shapes(self) -> None:
        side = self.size // 2**self.depth
        self.code_shape_ = (self.code_channels, side, side)
        self.image_shape_ = (self.size, self.size) + ((3,) if self.channels == 3 else ())
        self.n_features_out_ = math.prod(self.code_shape_)

    def _check(self) -> None:
        for name in ("size", "depth", "code_channels", "width", "epochs", "batch_size"):
            value = getattr(self, name)
            if not isinstance(value, Integral) or isinstance(value, bool) or value < 1:
                raise ValueError(f"`{name}` is a positive whole number, not {value!r}.")
        if self.channels not in (1, 3):
            raise ValueError(f"`channels` is 1 (grey) or 3 (colour), not {self.channels!r}.")
        unit = 2**self.depth
        if self.size % unit:
            below = max(self.size // unit, 1) * unit
            nearest = [below] if below > self.size else [below, below + unit]
            raise ValueError(
                f"A network that halves images {count(self.depth, 'time')} needs a `size` that is "
                f"a multiple of {unit}, not {self.size}: take {' or '.join(map(str, nearest))}, "
                "or a smaller `depth`."
            )
        for name, allowed in (
            ("downsampling", ("stride", "pool")),
            ("upsampling", ("resize", "transposed")),
            ("optimiser", OPTIMISERS),
        ):
            value = getattr(self, name)
            if not (isinstance(value, str) and value in allowed):
                raise ValueError(
                    f"`{name}` is one of {', '.join(map(repr, allowed))}, not {value!r}."
                )
        if not callable(self.loss) and self.loss not in LOSSES:
            raise ValueError(
                f"`loss` is one of {', '.join(map(repr, LOSSES))} or a callable, not {self.loss!r}."
            )
        if self.loss == "ssim" and self.size < SSIM_WINDOW:
            raise ValueError(
                f"SSIM compares windows of {SSIM_WINDOW} × {SSIM_WINDOW} px, more than a `size` of "
                f"{self.size} has: take a larger size, or loss='mse'."
            )
        if not isinstance(self.dropout, Real) or not 0 <= self.dropout < 1:
            raise ValueError(f"`dropout` is a share from 0 to below 1, not {self.dropout!r}.")
        if np.isscalar(self.validation) and not (
            isinstance(self.validation, Real) and 0 <= self.validation < 1
        ):
            raise ValueError(
                f"`validation` is a share from 0 to below 1, or images, not {self.validation!r}."
            )

    def _split(self, images, seed: int):
        """Numbers of the images to train and to validate on, and validation images given apart."""
        n = len(as_images(images, self.channels == 3))
        nobody = np.arange(0)
        if self.validation is None or (np.isscalar(self.validation) and self.validation == 0):
            return np.arange(n), nobody, None
        if not np.isscalar(self.validation):
            return np.arange(n), nobody, self.validation
        if n < 2:
            raise ValueError(
                "There is one image, so none is left to validate on: give more, or validation=0."
            )
        known = {
            part: getattr(images, part, None)
            for part in ("labels", "patients", "names", "originals")
        }
        names = getattr(images, "class_names", ())
        number = np.arange(n)  # travels as the site of an image
        numbered = ImageSet(np.zeros((n, 1, 1), np.uint8), class_names=names, sites=number, **known)
        patients = known["patients"]
        by = "patient" if patients is not None and len(np.unique(patients)) > 1 else "image"
        parts = numbered.split(self.validation, by=by, seed=seed)
        chosen, held_out = (part.sites.astype(int) for part in parts)
        return chosen, held_out, None

    def _key(self, digest: str, loss: Callable) -> dict:
        names = (
            *("size", "channels", "depth", "code_channels", "width", "downsampling", "upsampling"),
            *("dropout", "batch_norm", "batch_size"),
        )
        key = {name: getattr(self, name) for name in names}
        key["loss"] = self.loss if isinstance(self.loss, str) else _name(self.loss)
        if self.loss == "perceptual":
            key["perceptual_network"] = f"{loss.name}, {loss.sha256[:16]}"
        if np.isscalar(self.validation) or self.validation is None:
            key["validation"] = float(self.validation or 0)
        return {**key, "images": digest}

    def _loss_function(self) -> Callable:
        from octlessons.networks import losses

        if callable(self.loss):
            return self.loss
        if self.loss == "perceptual":
            return losses.Perceptual(self.perceptual_network)
        return {"mse": losses.mse, "ssim": losses.ssim_loss}[self.loss]

    def _build(self, seed: int):
        import torch
        from torch import nn

        sides = [self.channels] + [self.width * 2**i for i in range(self.depth - 1)]
        sides.append(self.code_channels)
        encoder, decoder = [], []
        with seeded(seed):
            for level, (few, many) in enumerate(itertools.pairwise(sides)):
                encoder += self._down(few, many)
                if level < self.depth - 1:
                    encoder += self._between(many)
            for level, (many, few) in enumerate(itertools.pairwise(sides[::-1])):
                decoder += self._up(many, few)
                if level < self.depth - 1:
                    decoder += self._between(few)
            decoder.append(nn.Sigmoid())
            network = nn.ModuleDict(
                {"encoder": nn.Sequential(*encoder), "decoder": nn.Sequential(*decoder)}
            )
        return network.to(memory_format=torch.channels_last)

    def _down(self, few: int, many: int) -> list:
        from torch import nn

        if self.downsampling == "stride":
            return [nn.Conv2d(few, many, 3, stride=2, padding=1)]
        return [nn.Conv2d(few, many, 3, padding=1), nn.MaxPool2d(2)]

    def _up(self, many: int, few: int) -> list:
        from torch import nn

        from octlessons.networks.layers import UpsampledConv2d

        if self.upsampling == "transposed":  # 4 is a multiple of the stride: no chequered pattern
            return [nn.ConvTranspose2d(many, few, 4, stride=2, padding=1)]
        return [UpsampledConv2d(many, few)]

    def _between(self, channels: int) -> list:
        from torch import nn

        layers = [nn.BatchNorm2d(channels)] if self.batch_norm else []
        layers.append(nn.ReLU())
        return [*layers, nn.Dropout(self.dropout)] if self.dropout else layers

    @contextlib.contextmanager
    def _ready(self) -> Iterator[str]:
        """The network on its device and in evaluation mode; back on the CPU afterwards."""
        import torch

        device = choose_device(self.device)
        self.network_.eval().to(device)
        try:
            with torch.inference_mode():
                yield device
        except (MemoryError, RuntimeError) as error:
            if not out_of_memory(error):
                raise
            raise OctlessonsError(
                f"The autoencoder ran out of memory on {device}: set a smaller batch_size "
                f"(set_params(batch_size={max(self.batch_size // 4, 1)})), or device='cpu'."
            ) from error
        finally:
            self.network_.to("cpu")

    def _batches(self, images, device: str):
        for start in range(0, len(images), self.batch_size):
            stop = min(start + self.batch_size, len(images))
            block = [
                small_picture(images, i, self.size, self.channels, 2**self.depth)
                for i in range(start, stop)
            ]
            yield start, _to_tensor(np.stack(block), device)


class _Batches:
    """Batches of images for the training loop; the images stay where they are."""

    def __init__(self, pixels: np.ndarray, index: np.ndarray, batch_size: int, shuffled: bool):
        self.pixels, self.index = pixels, index
        self.batch_size, self.shuffled = batch_size, shuffled

    def __call__(self, epoch: int, rng: np.random.Generator) -> Iterator[tuple]:
        rng = rng if self.shuffled else None
        for batch in batch_indices(len(self.index), self.batch_size, rng):
            yield (np.asarray(self.pixels[self.index[batch]]),)


class _Rebuilding:
    """The loss of the training loop: between images and what the network makes of them."""

    def __init__(self, loss: Callable):
        self.loss = loss

    def __call__(self, network, batch):
        images = _to_tensor(batch[0])
        return self.loss(network["decoder"](network["encoder"](images)), images)


def _to_tensor(pixels, device: str | None = None):
    """Images (n, h, w) or (n, h, w, 3) of uint8 as float32 (n, channels, h, w) in 0…1."""
    import torch

    tensor = torch.as_tensor(pixels)
    tensor = tensor.to(device) if device else tensor
    tensor = tensor[:, None] if tensor.ndim == 3 else tensor.permute(0, 3, 1, 2)
    return tensor.to(torch.float32, memory_format=torch.channels_last) / 255


def _to_pictures(tensor) -> np.ndarray:
    pictures = tensor.float().cpu().numpy()
    return pictures[:, 0] if pictures.shape[1] == 1 else pictures.transpose(0, 2, 3, 1)


def _name(function: Callable) -> str:
    return getattr(function, "__qualname__", type(function).__qualname__)
