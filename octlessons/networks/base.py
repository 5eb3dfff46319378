"""What all networks that are trained here have in common: fitting, holding out, saving, running."""

from __future__ import annotations

import contextlib
import copy
import hashlib
import math
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import KW_ONLY, dataclass
from numbers import Integral
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from octlessons._files import write_atomically
from octlessons._optional import need_torch
from octlessons.errors import OctlessonsError
from octlessons.images.checks import as_images, check_image, image_name, to_uint8
from octlessons.images.imageset import resize_image
from octlessons.networks.checkpoints import Checkpoint, copied
from octlessons.networks.history import History
from octlessons.networks.loop import train
from octlessons.networks.parts import Part, apart, groups_of, held_out
from octlessons.networks.settings import (
    SOLVERS,
    TrainingSettings,
    check_choice,
    check_share,
    check_whole,
    named,
)
from octlessons.representations.devices import batch_indices, choose_device, seeded
from octlessons.representations.extraction import extract
from octlessons.representations.tensors import read_tensors
from octlessons.wording import count

if TYPE_CHECKING:
    import torch

#: Resized images of up to this many bytes are kept in memory while training; more go to a file.
IN_MEMORY = 256 << 20

_FORMAT = 3  # of saved networks

#: Parameters on which the trained weights do not depend, or which the loop compares itself.
_BESIDE = {
    *("max_iter", "n_iter_no_change", "solver", "learning_rate_init", "alpha", "random_state"),
    *("checkpoint", "device", "verbose"),
}


@dataclass(eq=False, repr=False)
class TrainedNetwork(BaseEstimator):
    """Base of the networks that learn from images.

    A network gives `_build` (its layers), `_loss` (what is made small), and what is its own of the
    other methods that begin with an underscore. Parameters are named as in scikit-learn's
    multi-layer perceptrons; as fields of dataclasses they need no `__init__`. The fitted
    ``network_`` stays on the CPU: `transform` and its kin run it there, or a copy of it on the
    GPU, so they never change the estimator.
    """

    #: Channels of the images: 1 for grey, 3 for colour.
    channels = 1
    #: Least value of the parameters that are whole numbers.
    _WHOLE: ClassVar[Mapping[str, int]] = {"size": 1, "max_iter": 1, "batch_size": 1}
    #: Fitted attributes that a saved file holds besides the weights and the history.
    _FITTED: ClassVar[tuple[str, ...]] = ("validation_",)
    _SCHEDULE: ClassVar[str | None] = None

    size: int = 64
    _: KW_ONLY
    max_iter: int = 50
    batch_size: int = 32
    learning_rate_init: float = 2e-3
    alpha: float = 1e-4
    validation_fraction: float = 0.2
    n_iter_no_change: int | None = None
    checkpoint: str | os.PathLike | None = None
    device: str = "auto"
    random_state: Any = 0
    verbose: bool = False

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False
        tags.input_tags.three_d_array = True
        tags.non_deterministic = self.random_state is None
        return tags

    def fit(self, X, y=None, *, groups=None, X_val=None, y_val=None):
        """Train the network.

        Parameters
        ----------
        X : ImageSet, ndarray of shape (n, h, w) or (n, h, w, 3), or list of arrays
            Images; colour only for networks of 3 channels. uint8 counts 0 black to 255 white,
            floats lie in 0…1. Each is read once.
        y : array_like, shape (n,), optional
            Class of each image, for a classifier; those of an `ImageSet` by default. Others ignore
            it.
        groups : array_like, shape (n,), optional
            Patient of each image; those of an `ImageSet` by default.
        X_val : as `X`, optional
            Images to validate on, of other patients, instead of a share of `X`.
        y_val : array_like, optional
            Their classes.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If a parameter is out of range, these are not images, there are too few of them, or
            images of one patient are both trained and validated on.
        OctlessonsError
            If torch is missing or training fails; see `octlessons.networks.train`.
        """
        need_torch()
        self._check()
        as_images(X, self.channels == 3)
        whole = isinstance(self.random_state, Integral)
        rng = check_random_state(self.random_state)
        seed = int(self.random_state) if whole else int(rng.randint(2**31 - 1))
        with contextlib.ExitStack() as stack:
            training, valid, digest = self._parts(stack, X, y, groups, X_val, y_val, seed)
            self.validation_ = np.arange(0) if X_val is not None else valid.index
            self._prepare(training, valid)
            with seeded(seed):
                network = self._build()
            self._train(network, training, valid, digest, seed)
            self.network_ = network.to("cpu").eval()
            self._finish(training)
        self._derive()
        return self

    def prepare(self, X):
        """Give images as the network sees them: resized, in 0…1.

        Parameters
        ----------
        X : as for `fit`

        Returns
        -------
        ndarray of float32, shape (n, size, size) or (n, size, size, 3)
        """
        self._check()
        images = as_images(X, self.channels == 3)
        small = [self._small(np.asarray(images[i]), image_name(X, i)) for i in range(len(images))]
        return np.stack(small) * np.float32(1 / 255)

    def save(self, path: str | os.PathLike) -> None:
        """Write the trained network to a file, in one step; `load` reads it.

        Parameters
        ----------
        path : path
            Such as ``"network.pt"``.

        Raises
        ------
        OctlessonsError
            If it cannot be written.
        ValueError
            If a parameter is a function of your own, which a file of weights cannot hold.
        """
        import torch

        check_is_fitted(self, "network_")
        content = {
            "what": f"octlessons {type(self).__name__}",
            "format": _FORMAT,
            "params": _plain(self._saved()),
            "fitted": {name: _plain(getattr(self, name)) for name in self._FITTED},
            "history": self.history_.to_json(),
            "network": copied(self.network_.state_dict()),
        }
        write_atomically(path, lambda stream: torch.save(content, stream))

    @classmethod
    def load(cls, path: str | os.PathLike):
        """Read a trained network that `save` wrote. Nothing in the file is executed.

        Parameters
        ----------
        path : path

        Returns
        -------
        estimator
            Fitted, with the parameters and the history it had.

        Raises
        ------
        OctlessonsError
            If there is no such file, or it is damaged or something else.
        """
        what, again = f"saved {cls.__name__}", "train again, and save it"
        content = read_tensors(path, what, again)
        if content.get("what") != f"octlessons {cls.__name__}" or content.get("format") != _FORMAT:
            raise OctlessonsError(f"{path} holds no {what} of this version: {again}.")
        try:
            model = cls(**content["params"])
            model._check()
            for name, value in content["fitted"].items():
                array = isinstance(value, dict)
                setattr(model, name, np.array(value["array"], value["dtype"]) if array else value)
            model.history_ = History.from_json(content["history"])
            model.network_ = model._build().eval()
            model.network_.load_state_dict(content["network"])
            model._derive()
        except (KeyError, TypeError, ValueError, RuntimeError, AttributeError) as error:
            reason = (str(error).splitlines() or ["nothing in it"])[0].rstrip(".:")[:100]
            raise OctlessonsError(f"{path} is not a sound {what} ({reason}): {again}.") from error
        return model

    # ------------------------------------------------------------------ what a network has its own

    def _build(self) -> torch.nn.Module:
        """The network, its first weights drawn from torch's generator."""
        raise NotImplementedError

    def _loss(self, training: Part) -> Callable:
        """The ``loss(network, batch)`` of `train`."""
        raise NotImplementedError

    def _prepare(self, training: Part, valid: Part) -> None:
        """What must be known before the network is built."""

    def _finish(self, training: Part) -> None:
        """What is taken from the training images once the network is trained."""

    def _derive(self) -> None:
        """Fitted attributes that follow from the parameters, after `fit` and after `load`."""

    def _more_settings(self, valid: Part) -> dict[str, Any]:
        """Further `TrainingSettings`."""
        return {}

    def _measure(self, training: Part, valid: Part) -> Callable | None:
        """The `measure` of `train`."""
        return None

    def _targets(self, X, y, first: bool) -> np.ndarray | None:
        """Class number of each image; `first` for training images, which decide the classes."""
        return None

    def _batches(self, part: Part, rng: np.random.Generator, training: bool) -> Iterator[tuple]:
        """Batches of one epoch."""
        size = self.batch_size if training else 4 * self.batch_size
        for batch in batch_indices(len(part), size, rng if training else None):
            rows = part.index[batch]
            yield tuple(np.asarray(a[rows]) for a in (part.pixels, part.y) if a is not None)

    def _described(self) -> dict[str, Any]:
        """Parameters that a checkpoint's training depends on, in plain values."""
        params = self.get_params(deep=False)
        return {name: named(value) for name, value in params.items() if name not in _BESIDE}

    def _resize(self, image: np.ndarray, name: str) -> np.ndarray:
        """One uint8 image at the size of the network."""
        return resize_image(image, (int(self.size), int(self.size)))

    def _least(self) -> tuple[int, str]:
        """Fewest pixels on a side of an image, and what to do with smaller ones."""
        return self._WHOLE["size"], "leave it out"

    # ------------------------------------------------------------------ inside

    def _check(self) -> None:
        """Refuse parameters that are out of range. The loop's own are checked by its settings."""
        for name, least in self._WHOLE.items():
            check_whole(name, getattr(self, name), least)
        check_share("validation_fraction", self.validation_fraction)
        if hasattr(self, "dropout"):
            check_share("dropout", self.dropout)
        if hasattr(self, "solver"):
            check_choice("solver", self.solver, SOLVERS)

    def _parts(self, stack, X, y, groups, X_val, y_val, seed: int) -> tuple[Part, Part, str]:
        """Images to train and to validate on, and a digest of all that was given."""
        codes, known = self._targets(X, y, True), groups_of(X, groups)
        pixels, digest = stack.enter_context(self._read(X))
        numbers = None if known is None else np.unique(known, return_inverse=True)[1]
        everyone, held = np.arange(len(pixels)), np.arange(0)
        if X_val is not None:
            apart(known, groups_of(X_val, None))
            valid_codes = self._targets(X_val, y_val, False)
            valid_pixels, more = stack.enter_context(self._read(X_val))
            digest.update(more.digest())
            valid = Part(valid_pixels, np.arange(len(valid_pixels)), valid_codes)
        else:
            held = held_out(
                len(pixels), self.validation_fraction, groups=numbers, y=codes, random_state=seed
            )
            valid = Part(pixels, held, codes, numbers)
        training = Part(pixels, np.setdiff1d(everyone, held), codes, numbers)
        for values in (held, codes, numbers, valid.y):
            digest.update(repr(None if values is None else values.tolist()).encode())
        return training, valid, digest.hexdigest()[:16]

    def _train(self, network, training: Part, valid: Part, digest: str, seed: int) -> None:
        some = len(valid) > 0
        settings = TrainingSettings(
            max_iter=self.max_iter,
            solver=getattr(self, "solver", "adamw"),
            learning_rate_init=self.learning_rate_init,
            alpha=self.alpha,
            schedule=self._SCHEDULE,
            n_iter_no_change=self.n_iter_no_change if some else None,
            random_state=seed,
            **self._more_settings(valid),
        )
        loss, checkpoint = self._loss(training), None
        if self.checkpoint is not None:
            key = {**self._described(), **getattr(loss, "identity", {}), "images": digest}
            checkpoint = Checkpoint(self.checkpoint, {"estimator": type(self).__name__, **key})
        self.history_ = train(
            network,
            loss,
            lambda epoch, rng: self._batches(training, rng, True),
            (lambda epoch, rng: self._batches(valid, rng, False)) if some else None,
            settings=settings,
            measure=self._measure(training, valid),
            checkpoint=checkpoint,
            device=self.device,
            report=print if self.verbose else None,
        )

    @contextlib.contextmanager
    def _read(self, X) -> Iterator[tuple[np.ndarray, Any]]:
        """All images at one size, in memory or in a temporary file, and their digest."""
        images = as_images(X, self.channels == 3)
        shape = (len(images), self.size, self.size) + ((3,) if self.channels == 3 else ())
        digest = hashlib.sha256(repr(shape).encode())
        with contextlib.ExitStack() as stack:
            if math.prod(shape) <= IN_MEMORY:
                pixels = np.empty(shape, np.uint8)
            else:
                try:
                    file = stack.enter_context(tempfile.TemporaryFile(prefix="octlessons-"))
                    pixels = np.memmap(file, np.uint8, "w+", shape=shape)
                except OSError as error:
                    raise OctlessonsError(
                        f"{count(shape[0], 'image')} of {self.size} px take "
                        f"{math.prod(shape) / 1e9:.1f} GB while training, for which "
                        f"{tempfile.gettempdir()} has no room ({error.strerror or error}): take a "
                        "smaller `size`, or set TMPDIR to a folder on a larger disk."
                    ) from error
            for i in range(len(images)):
                pixels[i] = self._small(np.asarray(images[i]), image_name(X, i))
                digest.update(pixels[i])
            yield pixels, digest

    def _small(self, image: np.ndarray, name: str) -> np.ndarray:
        """One image as uint8 (size, size) or (size, size, 3)."""
        check_image(image, name, self.channels == 3)
        least, advice = self._least()
        if min(image.shape[:2]) < least:
            raise ValueError(
                f"{name} has {image.shape[0]} × {image.shape[1]} px, but at least {least} on each "
                f"side are needed: {advice}."
            )
        small = self._resize(to_uint8(image, name), name)
        return np.repeat(small[:, :, None], 3, 2) if small.ndim < self.channels == 3 else small

    def _rows(self, X, run: Callable, n_features: int, shape: tuple[int, ...] = ()) -> np.ndarray:
        """``run(network, images)`` for all images, a row each, or an array of `shape` each."""
        import torch

        network, device = self._running()

        def compute(batch: np.ndarray) -> np.ndarray:
            with torch.inference_mode():
                rows = run(network, as_inputs(batch, device))
            return rows.flatten(1).float().cpu().numpy()

        rows = extract(
            X,
            lambda image: self._small(image, "it"),
            compute,
            n_features=n_features,
            batch_size=self.batch_size,
        )
        return rows.reshape(-1, *shape) if shape else rows

    def _running(self) -> tuple[torch.nn.Module, str]:
        """The fitted network where it runs: itself on the CPU, a copy of it elsewhere."""
        check_is_fitted(self, "network_")
        device = choose_device(self.device)
        if device == "cpu":
            return self.network_, device
        return copy.deepcopy(self.network_).to(device), device

    def _saved(self, **instead) -> dict[str, Any]:
        """Parameters as a file can hold them, some put instead."""
        params = {**self.get_params(deep=False), **instead}
        for name, value in params.items():
            if callable(value):
                raise ValueError(
                    f"`{name}` is a function of yours, which a file of weights cannot hold: "
                    f"set_params({name}=…) to a named one first; what the network gives does not "
                    "depend on it."
                )
            if isinstance(value, os.PathLike):
                params[name] = os.fspath(value)
        if not isinstance(self.random_state, Integral | None):
            params["random_state"] = None
        return params


def as_inputs(pixels, device: str | None = None):
    """Pixels (n, h, w) or (n, h, w, 3) in 0…255 as float32 (n, channels, h, w) in 0…1."""
    import torch

    tensor = torch.as_tensor(pixels)
    tensor = tensor.to(device) if device else tensor
    tensor = tensor[:, None] if tensor.ndim == 3 else tensor.permute(0, 3, 1, 2)
    return tensor.to(torch.float32, memory_format=torch.channels_last) / 255


def _plain(value):
    """The same as a file of weights can hold it, an array as its numbers and their type."""
    if isinstance(value, np.ndarray):
        return {"array": value.tolist(), "dtype": value.dtype.str}
    if isinstance(value, Mapping):
        return {_plain(name): _plain(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(part) for part in value]
    return value.item() if isinstance(value, np.generic) else value
