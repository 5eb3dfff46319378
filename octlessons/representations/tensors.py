"""Files of tensors, read without running what else may be in them."""

from __future__ import annotations

import os
import pickle
import zipfile
from pathlib import Path
from typing import Any

from octlessons._optional import need, need_torch
from octlessons.errors import OctlessonsError, first_line


def read_tensors(
    path: str | os.PathLike,
    what: str = "file of weights",
    instead: str = "delete it and fetch it again",
) -> dict[str, Any]:
    """Read a file that ``torch.save`` wrote, or a ``.safetensors`` file, to the CPU.

    Nothing in it is executed (``torch.load`` with ``weights_only=True``). `what` the file should
    be, and what to do `instead` if it is not, are for the sentence.
    """
    need_torch()
    path = Path(path)
    try:
        with open(path, "rb"):  # what torch says later of a file cut short is an OSError, too
            pass
    except FileNotFoundError as error:
        raise OctlessonsError(f"There is no {what} {path}: check the name.") from error
    except OSError as error:
        raise OctlessonsError(
            f"{path} cannot be read: {error.strerror or error}. Check the file and its rights."
        ) from error
    try:
        content = _loaded(path)
    except OctlessonsError:
        raise
    except Exception as error:  # zip, unpickling, torch and safetensors each have their own
        if isinstance(error, pickle.UnpicklingError) and "GLOBAL" in str(error):
            raise OctlessonsError(
                f"{path} holds Python objects besides tensors, which are not loaded because they "
                "could run code: where it was made, save network.state_dict() instead."
            ) from error
        raise OctlessonsError(
            f"{path} is not a sound {what}, perhaps damaged or cut short ({first_line(error)}): "
            f"{instead}."
        ) from error
    return content


def _loaded(path: Path) -> dict[str, Any]:
    import torch

    if path.suffix == ".safetensors":
        need("safetensors", "Files of this kind are read with safetensors")
        from safetensors.torch import load_file

        return load_file(path)
    if zipfile.is_zipfile(path):  # what torch writes since 2020; it does not look at checksums
        with zipfile.ZipFile(path) as archive:
            damaged = archive.testzip()
        if damaged is not None:
            raise ValueError(f"checksum of {damaged}")
    content = torch.load(path, map_location="cpu", weights_only=True)
    if not isinstance(content, dict):
        raise ValueError("it holds no dictionary of tensors")
    return content
