"""PCA to 95 % of the variance: seconds and peak memory beside scikit-learn's full SVD.

Both run in processes of their own, one after the other, on the same phantoms, which are drawn
beforehand by another process and kept in the temporary folder. Run it with ``--quick`` for a
small size, or ``--images N --side PIXELS`` for another.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

METHODS = {
    "full": "scikit-learn PCA, full SVD",
    "variance": "octlessons VariancePCA",
}
LIMIT_GB = 2.5


def main(argv: list[str] | None = None) -> None:
    """Print the table."""
    from rich.console import Console
    from rich.table import Table

    options = _options().parse_args(argv if argv is not None else [])
    n, side = (1500, 64) if options.quick else (options.images, options.side)
    path = _phantoms(n, side)
    methods = ["variance"] if options.ours else ["full", "variance"]
    results = {method: _measure(method, path) for method in methods}
    table = Table(title=f"PCA to 95 % of the variance of {n:,} × {side * side:,} float32")
    for heading in ("method", "seconds", "ratio", "peak memory", "components", "share held"):
        table.add_column(heading, justify="left" if heading == "method" else "right")
    base = results[methods[0]]["seconds"]
    for method, result in results.items():
        table.add_row(
            METHODS[method],
            f"{result['seconds']:.1f}",
            f"{result['seconds'] / base:.2f}",
            f"{result['peak_gb']:.2f} GB",
            f"{result['components']:,}",
            f"{result['held']:.4f}",
        )
    console = Console()
    console.print(table)
    console.print(
        f"Peak memory is the whole process, with {n * side * side * 4 / 1e9:.2f} GB of data. "
        f"Goal for 8,000 × 22,500: at most {LIMIT_GB} GB."
    )
    if len(results) == 2 and results["full"]["components"] != results["variance"]["components"]:
        console.print("[bold red]The two disagree about the number of components.[/]")


def _options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="1,500 images of 64 × 64")
    parser.add_argument("--images", type=int, default=8000)
    parser.add_argument("--side", type=int, default=150, help="pixels")
    parser.add_argument("--ours", action="store_true", help="leave the full SVD out")
    return parser


def _phantoms(n: int, side: int) -> Path:
    """Path of the phantoms (uint8), drawn in a process of its own if they are not there."""
    import octlessons.images.phantoms as phantoms

    sources = sorted(Path(phantoms.__file__).parent.glob("*.py"))
    code = hashlib.sha256(b"".join(p.read_bytes() for p in sources)).hexdigest()[:12]
    folder = Path(tempfile.gettempdir()) / "octlessons-bench"
    folder.mkdir(exist_ok=True)
    path = folder / f"phantoms-{n}-{side}-{code}.npy"
    if not path.exists():
        for outdated in folder.glob(f"phantoms-{n}-{side}-*.npy"):
            outdated.unlink()
        print(f"Drawing {n:,} phantoms of {side} × {side} (not timed) …", flush=True)
        subprocess.run([sys.executable, __file__, "draw", str(path), str(n), str(side)], check=True)
    return path


def _draw(path: str, n: str, side: str) -> None:
    from octlessons.images.phantoms import draw_phantoms

    images = draw_phantoms(int(n), size=int(side), seed=0, n_jobs=1)
    unfinished = Path(path).with_suffix(".part.npy")
    np.save(unfinished, np.asarray(images))
    unfinished.replace(path)


def _measure(method: str, path: Path) -> dict[str, float]:
    command = [sys.executable, __file__, "fit", method, str(path)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return json.loads(done.stdout.splitlines()[-1])


def _fit(method: str, path: str) -> None:
    stored = np.load(path, mmap_mode="r")
    rows = np.empty((len(stored), stored[0].size), np.float32)
    for i, image in enumerate(stored):
        rows[i] = image.ravel()
    rows /= 255
    if method == "full":
        from sklearn.decomposition import PCA

        model = PCA(n_components=0.95, svd_solver="full")
    else:
        from octlessons.representations import VariancePCA

        model = VariancePCA(0.95)
    began = time.perf_counter()
    model.fit(rows)
    seconds = time.perf_counter() - began
    print(
        json.dumps(
            {
                "seconds": seconds,
                "peak_gb": _peak_gb(),
                "components": int(model.n_components_),
                "held": float(np.sum(model.explained_variance_ratio_, dtype=np.float64)),
            }
        )
    )


def _peak_gb() -> float:
    """Largest resident memory of this process so far; NaN on Windows."""
    try:
        import resource
    except ImportError:
        return float("nan")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 1e9 if sys.platform == "darwin" else peak * 1024 / 1e9


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["draw", path, n, side]:
            _draw(path, n, side)
        case ["fit", method, path]:
            _fit(method, path)
        case arguments:
            main(arguments)
