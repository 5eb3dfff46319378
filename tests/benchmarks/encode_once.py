"""Encodes a folder of scans once for each line on its standard input, and says how long it took.

Started by `bench_speed`, with the package of today or of an earlier commit on its path:
``python encode_once.py WHAT CORES FOLDER``. WHAT is ``decoding`` (by Pillow alone), ``rows`` (of
a folder that was read before), ``folder`` (read it as well), or ``steps``, the parts of today's
code one by one. Answers are JSON: seconds of the clock and of the processors for each scan, by
part, and peak memory in MiB.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np


def main() -> None:
    """Answer every line until there are no more."""
    what, cores, folder = sys.argv[1], int(sys.argv[2]), Path(sys.argv[3])
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, set(sorted(os.sched_getaffinity(0))[:cores]))
    n = len(list(folder.glob("*/*.jp*g")))
    parts = {"decoding": _decoding, "rows": _rows, "folder": _folder, "steps": _steps}[what]
    todo = parts(folder, cores)
    print(json.dumps({"ready": n}), flush=True)
    for _ in sys.stdin:
        clock, processors = {}, {}
        for name, work in todo.items():
            start = time.perf_counter(), time.process_time()
            work()
            clock[name] = (time.perf_counter() - start[0]) / n
            processors[name] = (time.process_time() - start[1]) / n
        answer = {"clock": clock, "processors": processors, "peak": _peak()}
        print(json.dumps(answer), flush=True)


def _decoding(folder: Path, cores: int) -> dict[str, Callable]:
    from PIL import Image

    files = sorted(folder.glob("*/*.jp*g"))

    def decode() -> None:
        for file in files:
            np.asarray(Image.open(file).convert("L"))

    decode()
    return {"decoding": decode}


def _rows(folder: Path, cores: int) -> dict[str, Callable]:
    from octlessons.images import read_folder
    from octlessons.representations import PhantomEncoder

    scans, encoder = read_folder(folder), PhantomEncoder(n_threads=cores)
    encoder.transform(scans[:8])
    return {"rows": lambda: encoder.transform(scans)}


def _folder(folder: Path, cores: int) -> dict[str, Callable]:
    from octlessons.images import read_folder
    from octlessons.representations import PhantomEncoder

    encoder = PhantomEncoder(n_threads=cores)
    encoder.transform(read_folder(folder)[:8])
    return {"folder": lambda: encoder.transform(read_folder(folder))}


def _steps(folder: Path, cores: int) -> dict[str, Callable]:
    from octlessons._runtime import CHUNK, opened
    from octlessons.images import read_folder
    from octlessons.images.retina import as_input

    images = read_folder(folder).images
    pixels = [images[i] for i in range(len(images))]
    (_, layers), (_, encoder) = (opened(name, n_threads=cores) for name in ("layers", "labels"))
    small = np.stack([as_input(image) for image in pixels])
    chunks = [small[i : i + CHUNK] for i in range(0, len(small), CHUNK)]
    seen = [layers.run(chunk, outputs=encoder.inputs) for chunk in chunks]
    return {
        "reading and checking": lambda: [images[i] for i in range(len(images))],
        "resizing": lambda: [as_input(image) for image in pixels],
        "network of the layers": lambda: [
            layers.run(chunk, outputs=encoder.inputs) for chunk in chunks
        ],
        "encoder": lambda: [encoder.run(*parts) for parts in seen],
    }


def _peak() -> float | None:
    try:
        import resource
    except ImportError:  # Windows
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**20 if sys.platform == "darwin" else 2**10)


if __name__ == "__main__":
    main()
