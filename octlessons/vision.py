"""Import torchvision and medmnist, or say what to do.

The wheels of torchvision on PyPI are built for torch with CUDA. Beside a CPU-only torch their
compiled part does not load, and since torch 2.4 the import then fails with ``operator
torchvision::nms does not exist``. That part holds operators of object detection only, which no
classifier uses: declaring their names is enough for the rest to work.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import io
import re
import sys
from functools import cache
from pathlib import Path
from types import ModuleType

from octlessons.errors import OctlessonsError

_MISSING = re.compile(r"operator torchvision::\w+ does not exist")
_DECLARED = re.compile(r"""register_fake\(\s*["']torchvision::(\w+)["']""")
_SCHEMA = "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"
_INSTALL = 'python -m pip install -c constraints.txt -e ".[deep]"'


@cache
def import_torchvision() -> ModuleType:
    """Import torchvision, also beside a torch that its compiled part was not built for.

    Returns
    -------
    module
        ``torchvision``. Where its compiled part does not load, its operators of object detection
        (``torchvision.ops.nms`` and the like) raise an error when they are called.

    Raises
    ------
    OctlessonsError
        If torch or torchvision are not installed, or cannot be imported for another reason.
    """
    for name in ("torch", "torchvision"):
        if importlib.util.find_spec(name) is None:
            raise OctlessonsError(
                f"{name} is not installed, and pretrained networks need it: {_INSTALL}"
            )
    try:
        import torch

        try:
            import torchvision
        except RuntimeError as error:
            if not _MISSING.search(str(error)):
                raise
            _declare_operators(torch)
            for name in [name for name in sys.modules if name.partition(".")[0] == "torchvision"]:
                del sys.modules[name]
            torchvision = importlib.import_module("torchvision")
    except (ImportError, OSError, RuntimeError) as error:
        raise OctlessonsError(
            f"torch and torchvision are installed but cannot be imported ({_first_line(error)}): "
            "install both anew, from the same place and of versions that belong together: "
            f"{_INSTALL}"
        ) from error
    return torchvision


def import_medmnist() -> ModuleType:
    """Import the package ``medmnist`` with its data sets and its ``Evaluator``.

    Raises
    ------
    OctlessonsError
        If it is not installed, or what it needs is not. (``import medmnist`` itself only prints
        a line then, and lacks these names.)
    """
    import_torchvision()  # what it downloads with
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            package = importlib.import_module("medmnist")
        for part in ("dataset", "evaluator"):
            importlib.import_module(f"medmnist.{part}")
    except ImportError as error:
        raise OctlessonsError(
            f"medmnist cannot be imported ({_first_line(error)}): {_INSTALL}"
        ) from error
    return package


#: Libraries of declared operators, which exist for as long as these objects do.
_LIBRARIES: list = []


def _declare_operators(torch) -> None:
    """Declare the operators for which torchvision registers something when it is imported."""
    package = Path(importlib.util.find_spec("torchvision").origin).parent
    names = {"nms"}
    for path in package.glob("_*.py"):
        names |= set(_DECLARED.findall(path.read_text("utf-8")))
    library = torch.library.Library("torchvision", "FRAGMENT")
    for name in sorted(names):
        try:
            library.define(f"{name}{_SCHEMA}")
        except RuntimeError:  # there already
            continue
    _LIBRARIES.append(library)


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")
