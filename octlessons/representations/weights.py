"""Weights of pretrained networks: which there are, where they are, and how to get them.

torchvision knows the published weights of its classifiers: address, checksum, preprocessing. Here
they are looked for on this machine, in this order:

1. the folder that ``OCTLESSONS_WEIGHTS`` names, where a file may also begin with the name of an
   architecture, as in ``squeezenet1_1_imagenet_features.safetensors``;
2. the cache of this package (`cache_folder`), to which they are downloaded;
3. the cache of ``torch.hub``, where torchvision itself keeps them.

A file with a published name counts only if its checksum begins as the name says.

One network comes with the book, as a package, and needs neither torch nor torchvision:
EfficientNet-Lite0, see `octlessons.representations.lite`.
"""

from __future__ import annotations

import contextlib
import os
import re
from dataclasses import dataclass, field
from difflib import get_close_matches
from enum import Enum
from functools import cache
from itertools import chain
from pathlib import Path
from typing import Any

import platformdirs

from octlessons._files import file_hash
from octlessons._optional import import_torchvision, installed
from octlessons.errors import OctlessonsError
from octlessons.images.downloads import by_hand_advice, fetch_file, has_hash
from octlessons.representations.lite import (
    LICENCE,
    LITE,
    SHA256,
    SOURCE,
    LiteEntry,
    lite_file,
    need_lite_file,
)
from octlessons.representations.tensors import read_tensors

#: Environment variable with a folder of weights.
FOLDER_VARIABLE = "OCTLESSONS_WEIGHTS"

#: Environment variable with another address to download from (the file name is appended).
URL_VARIABLE = "OCTLESSONS_WEIGHTS_URL"

#: Architectures to name first, best known first.
WELL_KNOWN = (
    "efficientnet_b0",
    "resnet50",
    "convnext_tiny",
    "vit_b_16",
    "mobilenet_v3_large",
    "densenet121",
    "resnet18",
    "squeezenet1_1",
)

_SUFFIXES = (".pth", ".pt", ".safetensors")
_TERMS = (
    "not stated by torchvision, whose code is BSD 3-Clause; the terms of the training data "
    "(ImageNet-1K: research and teaching, not commercial) may apply"
)
_SWAG = "CC BY-NC 4.0 (SWAG)"
_OWN = "unknown: a file of your own"


@dataclass(frozen=True)
class Weights:
    """Weights of one architecture, in a file on this machine.

    `name` is that of the published weights, such as ``"IMAGENET1K_V1"``, or the file's. `entry` are
    the published weights whose preprocessing applies: for other files the architecture's default.
    """

    architecture: str
    name: str
    path: Path
    sha256: str
    licence: str
    source: str
    entry: Any = field(repr=False)

    def record(self) -> dict[str, str]:
        """What to record of them: architecture, name, path, sha256, licence, source."""
        names = ("architecture", "name", "path", "sha256", "licence", "source")
        return {name: str(getattr(self, name)) for name in names}


# ---------------------------------------------------------------------- names


@cache
def architectures() -> tuple[str, ...]:
    """Names of the classifiers of torchvision, best known first."""
    models = import_torchvision().models
    names = set(models.list_models(module=models))
    known = [name for name in WELL_KNOWN if name in names]
    return (*known, *sorted(names - set(known)))


def architecture_name(name: str) -> str:
    """Name of an architecture as torchvision writes it, or a `ValueError` that suggests one."""
    plain = _plain(name)
    if plain == LITE:
        return LITE
    known = architectures()
    if plain in known:
        return plain
    close = get_close_matches(plain, known, 3, 0.5)
    hint = f" Did you mean {' or '.join(close)}?" if close else ""
    raise ValueError(
        f"torchvision has no classifier called {name!r}.{hint} The best known are "
        f"{', '.join(WELL_KNOWN)}; octlessons.representations.weights.architectures() lists all "
        f"{len(known)}. {LITE} comes with the book."
    )


def _plain(name: str) -> str:
    return re.sub(r"[\s-]+", "_", str(name).strip().casefold())


def entries(architecture: str) -> list:
    """Published weights of an architecture, torchvision's default first."""
    if architecture == LITE:
        return [LiteEntry()]
    published = import_torchvision().models.get_model_weights(architecture)
    default = getattr(published, "DEFAULT", None)
    return sorted(published, key=lambda entry: (entry is not default, entry.name))


def published(entry) -> tuple[str, str, str | None]:
    """File name, address, and the beginning of the SHA-256 (it is in the name) of some weights."""
    file = entry.url.rsplit("/", 1)[1].partition("?")[0]
    found = re.search(r"-([0-9a-f]{8,64})\.\w+$", file)
    return file, entry.url, f"sha256:{found[1]}" if found else None


# ---------------------------------------------------------------------- finding


def cache_folder() -> Path:
    """The folder to which weights are downloaded: ``weights`` in the user's cache folder."""
    return platformdirs.user_cache_path("octlessons") / "weights"


def find_weights(architecture: str) -> Path | None:
    """Find weights of an architecture on this machine; nothing is downloaded.

    Parameters
    ----------
    architecture : str
        Such as ``"efficientnet_b0"``; a `ValueError` if torchvision has no such classifier.

    Returns
    -------
    Path or None
        The default weights before others, published ones before files of your own. None where
        there are none, or torchvision is not installed.
    """
    name = _plain(architecture)
    if name == LITE:
        return lite_file()
    return _find(architecture_name(name)) if _can_look() else None


def weights_here() -> list[str]:
    """Name the architectures whose weights are on this machine, best known first.

    Returns
    -------
    list of str
        Of torchvision's architectures; empty without it. It is imported only if there is a file to
        look at. For the network that comes with the book ask `find_weights`.
    """
    if not _can_look() or not any(_files(folder) for folder in _folders()):
        return []
    return [name for name in architectures() if _find(name) is not None]


def _can_look() -> bool:
    return installed("torch") and installed("torchvision")


def _own_folder() -> Path | None:
    named = os.environ.get(FOLDER_VARIABLE)
    return Path(named).expanduser() if named else None


def _folders() -> list[Path]:
    """Where weights are looked for; they are downloaded to the first."""
    own = _own_folder()
    home = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    torch_home = Path(os.environ.get("TORCH_HOME") or os.path.join(home, "torch")).expanduser()
    return [*([own] if own else []), cache_folder(), torch_home / "hub" / "checkpoints"]


def _files(folder: Path) -> list[Path]:
    try:
        return sorted(p for p in folder.iterdir() if p.suffix in _SUFFIXES and p.is_file())
    except OSError:
        return []


def _find(architecture: str) -> Path | None:
    own = _own_folder()
    known = map(_find_entry, entries(architecture))
    named = (p for p in (_files(own) if own else []) if _named_after(p) == architecture)
    return next((path for path in chain(known, named) if path is not None), None)


def _find_entry(entry) -> Path | None:
    file, _, checksum = published(entry)
    return next((f / file for f in _folders() if has_hash(f / file, checksum)), None)


def _named_after(path: Path) -> str | None:
    """The architecture with whose name a file begins, unless the name is a published one."""
    stem = path.stem.casefold().replace("-", "_")
    fitting = [
        name
        for name in architectures()
        if stem == name or (stem.startswith(name) and not stem[len(name)].isalnum())
    ]
    return max(fitting, key=len) if fitting and path.name not in _published_names() else None


@cache
def _published_names() -> frozenset[str]:
    return frozenset(published(e)[0] for name in architectures() for e in entries(name))


# ---------------------------------------------------------------------- getting


def locate(
    architecture: str,
    weights: str | os.PathLike | Enum | None = None,
    *,
    download: bool = True,
    progress: bool = True,
) -> Weights:
    """Find weights, or download them.

    `weights` is a file, published weights by name, such as ``"IMAGENET1K_V2"``, or as torchvision's
    own ``ResNet18_Weights.IMAGENET1K_V1``; None takes what `find_weights` finds, else torchvision's
    default.

    Raises
    ------
    ValueError, TypeError
        If there is no such architecture, or no such weights.
    OctlessonsError
        If they are not here and cannot be had. The sentence says which file to get where, with
        which checksum, and where to put it.
    """
    architecture = architecture_name(architecture)
    if architecture == LITE:
        if weights is not None and Path(str(weights)) != lite_file():
            raise ValueError(f"{LITE} has one set of weights, its package's: leave out weights=…")
        return Weights(LITE, "IMAGENET1K", need_lite_file(), SHA256, LICENCE, SOURCE, LiteEntry())
    entry = _entry(architecture, weights)
    if entry is None and weights is not None:
        return _described(architecture, _given(architecture, Path(str(weights)).expanduser()))
    path = _find_entry(entry) if entry is not None else _find(architecture)
    if path is None:
        path = _fetch(architecture, entry or entries(architecture)[0], download, progress)
    return _described(architecture, path)


def _entry(architecture: str, weights):
    """The published weights that are meant; None where these are none, but may be a file."""
    known = entries(architecture)
    names = ", ".join(entry.name for entry in known)
    if isinstance(weights, Enum):
        if weights in known:
            return weights
        raise ValueError(
            f"{weights} are weights of another network than {architecture}, whose weights are "
            f"{names}: change one of the two."
        )
    if weights is not None and not isinstance(weights, str | os.PathLike):
        raise TypeError(
            f"`weights` is a file, the name of published weights ({names}) or None for those that "
            f"are found or downloaded, not {weights!r}."
        )
    if not isinstance(weights, str) or os.sep in weights or Path(weights).suffix in _SUFFIXES:
        return None
    name = weights.rpartition(".")[2]
    if name == "DEFAULT":
        return known[0]
    found = next((entry for entry in known if entry.name == name), None)
    if found is None and not Path(weights).exists():
        raise ValueError(
            f"{weights!r} is neither a file nor the name of weights of {architecture}, which are "
            f"{names}."
        )
    return found


def _given(architecture: str, path: Path) -> Path:
    if path.is_dir():
        raise OctlessonsError(
            f"{path} is a folder: give the file, or name the folder in the environment variable "
            f"{FOLDER_VARIABLE}."
        )
    if not path.is_file():
        raise OctlessonsError(
            f"There is no file {path}. {_advice(architecture, entries(architecture)[0])}, or leave "
            "out weights=… to let them be found or downloaded."
        )
    if path.suffix not in _SUFFIXES:
        raise OctlessonsError(
            f"Weights are read from {', '.join(_SUFFIXES)} files; {path.name} is none of them."
        )
    return path


def _described(architecture: str, path: Path) -> Weights:
    sha256 = file_hash(path)
    known = entries(architecture)
    for entry in known:
        checksum = published(entry)[2]
        if checksum and sha256.startswith(checksum.partition(":")[2]):
            licence = _SWAG if "SWAG" in entry.name else entry.meta.get("license", _TERMS)
            source = f"{entry.url} ({entry.meta.get('recipe', 'no recipe given')})"
            return Weights(architecture, entry.name, path, sha256, licence, source, entry)
    said = _metadata(path)
    licence = said.get("licence") or said.get("license") or _OWN
    source = said.get("origin") or said.get("source") or _OWN
    return Weights(architecture, path.name, path, sha256, licence, source, known[0])


def _metadata(path: Path) -> dict[str, str]:
    if path.suffix == ".safetensors":
        with contextlib.suppress(Exception):  # read_weights will say what is wrong
            from safetensors import safe_open

            with safe_open(path, "numpy") as file:
                return dict(file.metadata() or {})
    return {}


def _fetch(architecture: str, entry, download: bool, progress: bool) -> Path:
    file, url, checksum = published(entry)
    size = entry.meta.get("_file_size")
    megabytes = f" of {size:.0f} MB" if size else ""
    spoilt = next((f / file for f in _folders() if (f / file).is_file()), None)
    damaged = f" ({spoilt} is damaged: its checksum is not the one in its name.)" if spoilt else ""
    if not download:
        raise OctlessonsError(
            f"There are no weights of {architecture} on this machine, and download=False.{damaged} "
            f"Take download=True for {file}{megabytes}. {_advice(architecture, entry)}."
        )
    base = os.environ.get(URL_VARIABLE)
    return fetch_file(
        f"{base.rstrip('/')}/{file}" if base else url,
        _folders()[0] / file,
        known_hash=checksum,
        progress=progress,
        what=f"{file}, the weights of {architecture},",
        by_hand=f"{damaged} {_advice(architecture, entry)}".strip(),
        elsewhere=f"name another folder in the environment variable {FOLDER_VARIABLE}",
    )


def _advice(architecture: str, entry) -> str:
    file, url, checksum = published(entry)
    others = [name for name in weights_here() if name != architecture][:3]
    instead = f". Weights of {', '.join(others)} are here" if others else ""
    return (
        f"{by_hand_advice(url, _folders()[0] / file, checksum)}, or put it in "
        f"a folder and name that in the environment variable {FOLDER_VARIABLE}{instead}"
    )


# ---------------------------------------------------------------------- reading


def read_weights(path: str | os.PathLike) -> dict[str, Any]:
    """Read the tensors of a ``.pth``, ``.pt`` or ``.safetensors`` file; no code in it is run.

    What training scripts wrap around them (``"state_dict"``, ``"module."``) is taken off.
    """
    found = read_tensors(path)
    import torch

    for wrapping in ("state_dict", "model_state_dict", "model"):
        if isinstance(found, dict) and isinstance(found.get(wrapping), dict):
            found = found[wrapping]
    if not found or not all(isinstance(value, torch.Tensor) for value in found.values()):
        raise OctlessonsError(
            f"{path} holds no weights: a dictionary of tensors (network.state_dict()) is expected."
        )
    if all(name.startswith("module.") for name in found):
        found = {name.removeprefix("module."): value for name, value in found.items()}
    for name, value in found.items():
        if value.is_floating_point() and not bool(torch.isfinite(value).all()):
            raise OctlessonsError(
                f"{path} is spoilt: {name} contains NaN or infinity. Fetch it again, or take the "
                "checkpoint of an earlier epoch."
            )
    return dict(found)
