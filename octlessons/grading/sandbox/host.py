"""What of this machine the untrusted side gets: its libraries, and an environment of its own."""

from __future__ import annotations

import os
import sys
from pathlib import Path

#: Settings of the processor's arithmetic libraries, which the machine's owner may have made.
_KEPT = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")


def environment() -> dict[str, str]:
    """Return all the environment that the untrusted side gets: nothing of the judge's own."""
    return {
        **one_thread(),
        **{name: os.environ[name] for name in _KEPT if name in os.environ},
        "HOME": "/tmp",
        "JOBLIB_MULTIPROCESSING": "0",
        "LANG": "C.UTF-8",
        "MPLBACKEND": "Agg",
        "MPLCONFIGDIR": "/tmp",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONHASHSEED": "0",
        "PYTHONSAFEPATH": "1",
        "TMPDIR": "/tmp",
        "TZ": "UTC",
        "USER": "student",
    }


def one_thread() -> dict[str, str]:
    """Environment in which the libraries for arithmetic use one core: processes use the others."""
    names = ("OMP", "OPENBLAS", "MKL", "NUMEXPR", "VECLIB_MAXIMUM", "BLIS")
    return {f"{name}_NUM_THREADS": "1" for name in names}


def package() -> Path:
    """Folder of this package."""
    return Path(__file__).resolve().parents[2]


def libraries() -> list[Path]:
    """Folders that the interpreter and the public libraries are in, without what lies in others.

    The package is one of them, where it is not among the installed libraries (an editable
    installation). Nothing else of a checkout is.
    """
    wanted = {Path(path).resolve() for path in (sys.base_prefix, sys.prefix)}
    wanted |= {Path(path).absolute() for path in (sys.base_prefix, sys.prefix)}
    wanted |= {Path(sys.executable).resolve().parent, package()}
    return sorted(
        path
        for path in wanted
        if path != Path("/")
        and not path.is_relative_to("/usr")
        and not any(path != other and path.is_relative_to(other) for other in wanted)
    )


def not_for_submissions() -> list[Path]:
    """Folders of packages that the untrusted side must not see: exercises and their checks.

    An editable installation leaves a copy of them among the installed libraries.
    """
    places = {package().parent, *map(Path, sys.path)}
    found = {place / "octlessons" / "course" for place in places}
    return sorted(path.resolve() for path in found if path.is_dir())


def interpreter() -> list[str]:
    """Command that starts the zygote with this interpreter, its path left as it is."""
    return [sys.executable, "-s", "-P", "-m", "octlessons.grading.worker"]
