"""`ConvAutoencoder`: a code small enough to cluster, from which a network rebuilds the image."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from dataclasses import KW_ONLY, dataclass
from typing import Any, ClassVar

import numpy as np
from sklearn.utils.validation import check_is_fitted

from octlessons.networks.base import TrainedNetwork, as_inputs
from octlessons.networks.losses import SSIM_WINDOW
from octlessons.networks.parts import Part
from octlessons.networks.settings import check_choice, check_share
from octlessons.representations.transformer import ImageTransformer
from octlessons.wording import count

LOSSES = ("mse", "ssim", "perceptual")

#: Patches along each side of an image that `masked` hides or shows.
PATCHES = 8


@dataclass(eq=False, repr=False)
class ConvAutoencoder(ImageTransformer, TrainedNetwork):
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
    solver : {"adam", "adamw", "rmsprop", "sgd"}, default "adam"
        SGD has Nesterov momentum of 0.9, and needs a larger learning rate than the others.
    learning_rate_init : float, default 0.002
    alpha : float, default 0
        Weight decay: pull of all weights towards 0.
    dropout : float, default 0
        Share of the hidden values switched off at random while training.
    batch_norm : bool, default False
        Batch normalisation after every hidden convolution.
    masked : float, default 0
        Share of the patches, an eighth of the side wide, that the encoder does not see while
        training: they are filled with the mean of the image. The decoder has to rebuild them.
    max_iter : int, default 50
        Passes over the images (epochs).
    n_iter_no_change : int, optional
        Stop when the validation loss has not improved for this many epochs.
    batch_size : int, default 16
    validation_fraction : float, default 0.3
        Share of the images that are validated on and not trained on, whole patients where they
        are known. 0 for none.
    checkpoint : path, optional
        File written after each epoch. A later `fit` with the same settings and images goes on
        from it, to the very same weights as without the interruption (on CPU).
    device : str, default "auto"
        See `octlessons.representations.devices.choose_device`.
    random_state : int, RandomState or None, default 0
        Of the first weights, the split and the order of the images. An int, if a checkpoint is
        to be resumed.
    verbose : bool, default False
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
    Resized images are kept in 8 bits while training, in memory up to 256 MB and in a temporary file
    beyond it. The published code has a sixth of the numbers of an image; from grey images of the
    same depth it keeps half, hardly a bottleneck: raise `depth` or lower `code_channels`.

    Hiding patches is the task of masked autoencoders (He et al., CVPR 2022, arXiv:2111.06377).
    Theirs are transformers, 75 % is hidden, and the error is taken in hidden patches alone; here it
    is taken in the whole image.

    Examples
    --------
    >>> import numpy as np
    >>> images = np.random.default_rng(0).integers(0, 256, (12, 20, 30), dtype=np.uint8)
    >>> coder = ConvAutoencoder(16, channels=1, max_iter=2)
    >>> coder.fit_transform(images).shape, coder.code_shape_
    ((12, 128), (8, 4, 4))
    """

    _WHOLE: ClassVar = {**TrainedNetwork._WHOLE, "depth": 1, "code_channels": 1, "width": 1}
    _FITTED = ("validation_", "perceptual_network_")

    size: int = 224
    channels: int = 3
    _: KW_ONLY
    depth: int = 2
    code_channels: int = 8
    width: int = 16
    downsampling: str = "stride"
    upsampling: str = "resize"
    loss: str | Callable = "mse"
    perceptual_network: str = "auto"
    solver: str = "adam"
    alpha: float = 0.0
    dropout: float = 0.0
    batch_norm: bool = False
    masked: float = 0.0
    batch_size: int = 16
    validation_fraction: float = 0.3

    def transform(self, X):
        """Give the code of each image.

        Parameters
        ----------
        X : as for `fit`

        Returns
        -------
        ndarray of float32, shape (n, n_features_out_)
            `code_shape_` laid out as a row: channel by channel.
        """
        check_is_fitted(self, "network_")
        return self._rows(X, lambda net, x: net["encoder"](x), self.n_features_out_)

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
        check_is_fitted(self, "network_")
        codes = np.atleast_2d(np.asarray(X, np.float32))
        if codes.ndim != 2 or codes.shape[1] != self.n_features_out_:
            raise ValueError(
                f"The codes of this autoencoder have {self.n_features_out_:,} numbers; these have "
                f"shape {codes.shape}. Use the one that made them."
            )
        if not np.isfinite(codes).all():
            raise ValueError("The codes contain NaN or infinity: nothing can be rebuilt from them.")
        import torch

        images = np.empty((len(codes), *self.image_shape_), np.float32)
        network, device = self._running()
        with torch.inference_mode():
            for start in range(0, len(codes), self.batch_size):
                part = torch.from_numpy(codes[start : start + self.batch_size]).to(device)
                rebuilt = network["decoder"](part.reshape(-1, *self.code_shape_))
                images[start : start + len(part)] = _to_pictures(rebuilt).cpu().numpy()
        return images

    def reconstruct(self, X):
        """Encode images and rebuild them.

        Parameters
        ----------
        X : as for `fit`

        Returns
        -------
        ndarray of float32, shape (n, size, size) or (n, size, size, 3)
            Pixels in 0…1.
        """
        check_is_fitted(self, "network_")
        shape = self.image_shape_
        return self._rows(X, lambda net, x: _to_pictures(_rebuilt(net, x)), math.prod(shape), shape)

    def reconstruction_error(self, X, measure="mse"):
        """Say how far each rebuilt image is from its original.

        Parameters
        ----------
        X : as for `fit`
        measure : {"mse", "ssim"}
            Mean squared difference of pixels in 0…1, or structural similarity (1 is equal).

        Returns
        -------
        ndarray of float, shape (n,)
            Whatever `loss` the network was trained with, so that losses can be compared.
        """
        from octlessons.networks.losses import ssim

        check_is_fitted(self, "network_")
        check_choice("measure", measure, ("mse", "ssim"))

        def error(network, x):
            rebuilt = _rebuilt(network, x)
            found = ssim(rebuilt, x) if measure == "ssim" else ((rebuilt - x) ** 2).mean((1, 2, 3))
            return found[:, None]

        return self._rows(X, error, 1)[:, 0].astype(float)

    # ------------------------------------------------------------------ inside

    def _check(self) -> None:
        super()._check()
        check_choice("channels", self.channels, (1, 3))
        unit = 2**self.depth
        if self.size % unit:
            below = max(self.size // unit, 1) * unit
            nearest = [below] if below > self.size else [below, below + unit]
            raise ValueError(
                f"A network that halves images {count(self.depth, 'time')} needs a `size` that is "
                f"a multiple of {unit}, not {self.size}: take {' or '.join(map(str, nearest))}, "
                "or a smaller `depth`."
            )
        check_share("masked", self.masked)
        check_choice("downsampling", self.downsampling, ("stride", "pool"))
        check_choice("upsampling", self.upsampling, ("resize", "transposed"))
        if not callable(self.loss):
            check_choice("loss", self.loss, LOSSES, "a callable")
        if self.loss == "ssim" and self.size < SSIM_WINDOW:
            raise ValueError(
                f"SSIM compares windows of {SSIM_WINDOW} × {SSIM_WINDOW} px, more than a `size` of "
                f"{self.size} has: take a larger size, or loss='mse'."
            )

    def _least(self) -> tuple[int, str]:
        return (
            2**self.depth,
            "that becomes one place of the code. Leave it out, or take a smaller `depth`",
        )

    def _derive(self) -> None:
        side = self.size // 2**self.depth
        self.code_shape_ = (self.code_channels, side, side)
        self.image_shape_ = (self.size, self.size) + ((3,) if self.channels == 3 else ())
        self.n_features_out_ = math.prod(self.code_shape_)

    def _loss(self, training: Part) -> Callable:
        from octlessons.networks import losses

        loss: Callable
        if callable(self.loss):
            loss = self.loss
        elif self.loss == "perceptual":
            loss = losses.Perceptual(self.perceptual_network)
        else:
            loss = {"mse": losses.mse, "ssim": losses.ssim_loss}[self.loss]
        self.perceptual_network_ = getattr(loss, "name", None)
        self._weights = getattr(loss, "sha256", None)

        def rebuilding(network, batch):
            images = as_inputs(batch[0])
            seen = _with_holes(images, self.masked) if self.masked else images
            return loss(_rebuilt(network, seen), images)

        return rebuilding

    def _described(self) -> dict[str, Any]:
        given = super()._described()
        if self._weights:
            given["perceptual_network"] = f"{self.perceptual_network_}, {self._weights[:16]}"
        return given

    def _build(self):
        import torch
        from torch import nn

        sides = [self.channels] + [self.width * 2**i for i in range(self.depth - 1)]
        sides.append(self.code_channels)
        encoder: list[nn.Module] = []
        decoder: list[nn.Module] = []
        for few, many in itertools.pairwise(sides):
            encoder += [*self._down(few, many), *self._between(many)]
        for many, few in itertools.pairwise(sides[::-1]):
            decoder += [*self._up(many, few), *self._between(few)]
        inner = len(self._between(1))  # not after the code, nor after the image
        encoder, decoder = encoder[:-inner], [*decoder[:-inner], nn.Sigmoid()]
        parts = {"encoder": nn.Sequential(*encoder), "decoder": nn.Sequential(*decoder)}
        return nn.ModuleDict(parts).to(memory_format=torch.channels_last)

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

        layers: list = [nn.BatchNorm2d(channels)] if self.batch_norm else []
        layers.append(nn.ReLU())
        return [*layers, nn.Dropout(self.dropout)] if self.dropout else layers


def _rebuilt(network, images):
    return network["decoder"](network["encoder"](images))


def _with_holes(images, share: float):
    """Images with some of their 8 × 8 patches filled with the mean of the image."""
    import torch
    from torch.nn.functional import interpolate

    drawn = torch.rand((len(images), 1, PATCHES, PATCHES), device=images.device) < share
    holes = interpolate(drawn.float(), images.shape[-2:]) > 0
    return torch.where(holes, images.mean(dim=(1, 2, 3), keepdim=True), images)


def _to_pictures(images):
    """From (n, channels, h, w) to (n, h, w), or (n, h, w, 3) in colour."""
    return images[:, 0] if images.shape[1] == 1 else images.permute(0, 2, 3, 1)
