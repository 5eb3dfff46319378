"""Features of pretrained networks: throughput beside plain torch, and memory that stays flat.

The plain way is that of most tutorials: torchvision's preprocessing of every picture, then the
network in torch, float32, eager, batches of 32. Both ways see the same images in the same run,
in turns. The weights of the throughput are random, which changes nothing about the time; the
cosine similarity of the features is measured with them and, where they are (in the folder that
``OCTLESSONS_SHARED`` names), with ImageNet weights of SqueezeNet.

Memory is the peak of a process that extracts features of lazily made images into a store.
80,000 images at 224 px take minutes; ``--counts 800 8000`` is quicker, ``--counts`` alone leaves
memory out.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

GOAL = 3.0  # times as fast as plain torch
COSINE = 0.999
GROWTH = 0.10  # of peak memory, from the first count of images to the last
SIDE = 224


def main(argv: list[str] | None = None) -> None:
    """Print both tables."""
    options = _options().parse_args(argv if argv is not None else [])
    with tempfile.TemporaryDirectory(prefix="octlessons-bench-") as folder:
        if options.repeats:
            _throughput(options, Path(folder))
        if options.counts:
            _memory(options, Path(folder))


def _options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--network", default="efficientnet_b0", help="for the throughput")
    parser.add_argument("--images", type=int, default=96, help="for the throughput")
    parser.add_argument("--repeats", type=int, default=5, help="0 leaves the throughput out")
    parser.add_argument("--memory-network", default="squeezenet1_1", help="for the memory")
    parser.add_argument("--counts", type=int, nargs="*", default=[8000, 80000], help="of images")
    return parser


def _shared_weights() -> Path | None:
    shared = Path(os.environ.get("OCTLESSONS_SHARED") or Path(__file__).parents[3] / "shared")
    path = shared / "weights" / "squeezenet1_1_imagenet_features.safetensors"
    return path if path.is_file() else None


def _weights(network: str, folder: Path) -> tuple[Path, str]:
    """A file of weights, and what to call them."""
    if network == "squeezenet1_1" and (path := _shared_weights()):
        return path, "ImageNet weights"
    import torch

    from octlessons._optional import import_torchvision

    path = folder / f"{network}.pth"
    if not path.exists():
        torch.manual_seed(0)
        torch.save(import_torchvision().models.get_model(network).state_dict(), path)
    return path, "random weights"


# ---------------------------------------------------------------------- throughput


def _throughput(options, folder: Path) -> None:
    from rich.console import Console
    from rich.table import Table

    from octlessons._runtime import usable_cores
    from octlessons.images import draw_phantoms

    console, cores = Console(), usable_cores()
    images = list(draw_phantoms(size=256, n_per_class=-(-options.images // 4), seed=0).images)
    table = Table(title=f"Features at {SIDE} px, {cores} cores, images per second (median)")
    for heading in ("network", "plain torch", "ours", "times as fast", "smallest cosine"):
        table.add_column(heading, justify="left" if heading == "network" else "right")
    kinds: list[str] = []
    networks = [options.network]
    if options.network != "squeezenet1_1" and _shared_weights():
        networks.append("squeezenet1_1")
    for network in networks:
        path, said = _weights(network, folder)
        kinds.append(f"{network} with {said}")
        result = _compare(network, path, images[: options.images], options.repeats, cores)
        plain, ours = result["plain"], result["ours"]
        ratios = np.array(plain) / np.array(ours)
        table.add_row(
            network,
            f"{len(images[: options.images]) / np.median(plain):.0f}",
            f"{len(images[: options.images]) / np.median(ours):.0f}",
            f"{np.median(ratios):.2f} ({ratios.min():.2f}–{ratios.max():.2f})",
            f"{result['cosine']:.6f}",
        )
    console.print(table)
    console.print(
        f"{', '.join(kinds)}. Whole road, from pictures to features, {options.repeats} turns of "
        f"{options.images} images each. Goals: {options.network} at least {GOAL:g} times as fast, "
        f"cosine at least {COSINE}. Load of this machine when it ended: {_load()}."
    )


def _compare(network: str, path: Path, images: list, repeats: int, cores: int) -> dict:
    import torch
    from PIL import Image

    from octlessons.representations import PretrainedCNN
    from octlessons.representations.backbones import load_backbone
    from octlessons.representations.weights import locate

    torch.set_num_threads(cores)
    found = locate(network, path)
    plain_network, transforms = load_backbone(found), found.entry.transforms()
    ours = PretrainedCNN(network, path, engine="onnx", batch_size=32, progress=False).fit(images)

    def plain() -> np.ndarray:
        rows = []
        for start in range(0, len(images), 32):
            pictures = [Image.fromarray(i).convert("RGB") for i in images[start : start + 32]]
            batch = torch.stack([transforms(picture) for picture in pictures])
            with torch.no_grad():
                rows.append(plain_network(batch).numpy())
        return np.concatenate(rows)

    ways = {"plain": plain, "ours": lambda: ours.transform(images)}
    rows = {name: way() for name, way in ways.items()}  # warm up
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(repeats):
        for name, way in ways.items():
            began = time.perf_counter()
            way()
            seconds[name].append(time.perf_counter() - began)
    a, b = rows["plain"], rows["ours"]
    cosines = (a * b).sum(1) / np.linalg.norm(a, axis=1) / np.linalg.norm(b, axis=1)
    return seconds | {"cosine": float(cosines.min())}


def _load() -> str:
    try:
        return f"{os.getloadavg()[0]:.1f} processes"
    except (AttributeError, OSError):
        return "unknown"


# ---------------------------------------------------------------------- memory


def _memory(options, folder: Path) -> None:
    from rich.console import Console
    from rich.table import Table

    network = options.memory_network
    path, said = _weights(network, folder)
    _measure(network, path, 1, folder)  # exports the network, which has a peak of its own
    table = Table(title=f"Peak resident memory: {network} ({said}), {SIDE} px")
    for heading in ("images", "features", "peak", "before the first image", "seconds"):
        table.add_column(heading, justify="right")
    peaks = []
    for count in options.counts:
        print(f"Extracting features of {count:,} images …", flush=True)
        result = _measure(network, path, count, folder)
        peaks.append(result["peak"])
        table.add_row(
            f"{count:,}",
            f"{result['bytes'] / 1e6:,.0f} MB",
            f"{result['peak'] / 1e6:,.0f} MB",
            f"{result['before'] / 1e6:,.0f} MB",
            f"{result['seconds']:.0f}",
        )
    console = Console()
    console.print(table)
    if len(peaks) > 1:
        growth = peaks[-1] / peaks[0] - 1
        console.print(f"Growth of the peak: {growth:+.1%}; goal: less than {GROWTH:.0%}.")


def _measure(network: str, path: Path, count: int, folder: Path) -> dict[str, float]:
    command = [sys.executable, __file__, "extract", network, str(path), str(count), str(folder)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(done.stdout.splitlines()[-1])


def _extract(network: str, path: str, count: str, folder: str) -> None:
    from octlessons.images import ImageSet
    from octlessons.images.imageset import LazyImages
    from octlessons.representations import PretrainedCNN

    noise = np.random.default_rng(0).integers(0, 256, (SIDE, SIDE), dtype=np.uint8)
    n = int(count)
    images = ImageSet(LazyImages(lambda i: np.roll(noise, i), n, noise.shape))
    store = Path(folder) / f"features-{n}"
    cnn = PretrainedCNN(network, path, engine="onnx", store=store, progress=False).fit(images)
    before, began = _peak(), time.perf_counter()
    rows = cnn.transform(images)
    seconds = time.perf_counter() - began
    told = {"peak": _peak(), "before": before, "seconds": seconds, "bytes": rows.nbytes}
    print(json.dumps(told))


def _peak() -> float:
    """Largest resident memory of this process so far, in bytes; NaN where it is not known."""
    try:  # what getrusage says on Linux may be that of the parent
        status = Path("/proc/self/status").read_text()
        return 1024.0 * int(status.partition("VmHWM:")[2].split()[0])
    except (OSError, IndexError):
        pass
    try:
        import resource
    except ImportError:
        return float("nan")
    return float(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["extract", network, path, count, folder]:
            _extract(network, path, count, folder)
        case arguments:
            main(arguments)
