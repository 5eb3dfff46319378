"""Write what runs networks in a page into a site, with the networks that ship, as scripts.

Scripts can be loaded from a disk, too, where a page may fetch nothing.
"""

from __future__ import annotations

import gzip
from base64 import b64encode
from pathlib import Path

from octlessons._files import write_atomically
from octlessons._runtime import SHIPPED

#: Folder of the scripts in a site.
PLACE = "_static/drop"

#: The networks that a scan goes through, in their order.
NETWORKS = ("layers.onnx", "labels.onnx")

_RUNTIME = {"module.js": "mjs", "machine.js": "wasm"}


def write_drop(files: Path, site: Path) -> None:
    """Write what the page loads.

    Parameters
    ----------
    files : Path
        Folder of the files of the lock, checked (`octlessons.site.live_files.fetch_live`).
    site : Path
        Folder of the site.
    """
    runtime = {name: f"ort-wasm-simd-threaded.{kind}" for name, kind in _RUNTIME.items()}
    networks = {f"{Path(name).stem}.js": SHIPPED / name for name in NETWORKS}
    target = site / PLACE
    target.mkdir(parents=True, exist_ok=True)
    parts = {"ort.js": (files / "ort.wasm.min.js").read_bytes()}
    parts |= {name: _packed(files / file) for name, file in runtime.items()}
    parts |= {name: _packed(path) for name, path in networks.items()}
    for name, content in parts.items():
        write_atomically(target / name, content, power_cuts=False)


def _packed(path: Path) -> bytes:
    """A script that hands the file over, compressed: ``CourseDrop.part("machine", "…")``."""
    # Without the time in its head the same file gives the same script.
    text = b64encode(gzip.compress(path.read_bytes(), mtime=0)).decode()
    return f'CourseDrop.part("{path.name}","{text}");\n'.encode()
