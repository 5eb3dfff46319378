"""`octlessons cluster` at many scans: what one more scan costs, memory, size of the page, errors.

Run as ``python -m tests.benchmarks.bench_scale [--small 5000] [--large 20000] [--scans FOLDER]
[--record]``. At 100,000 it takes about half an hour on one core, and 7 GB of disk for scans of
496 × 512 px (`many_scans`), which stay in FOLDER where one is given.

Each run is a process of its own on one core; memory is the peak of its resident set. "Bare" is
decoding, finding the layers and encoding, without records, measurements, groups or a report; it is
run in turns with the whole command, and the ratio is the median over the turns. "A loop" is what a
person would write: all pixels in a list, made small, K-means. The approximations that are made at
many scans are compared with the exact answers on the rows of the large run.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from datetime import date
from pathlib import Path

import numpy as np

from octlessons._files import write_atomically
from octlessons.evaluation.recordings import RECORDS

from .many_scans import draw

TURNS = 3
#: Scans whose exact silhouettes are taken, and samples on which a number is chosen.
EXACT, CHOICES = 2_000, 5

LOOP = """
import sys, glob, numpy as np
from PIL import Image
from sklearn.cluster import KMeans
files = sorted(glob.glob(sys.argv[1] + "/*/*.jpeg"))
small = [Image.open(f).convert("L").resize((150, 150)) for f in files]
pixels = [np.asarray(picture, np.float64).ravel() for picture in small]
found = KMeans(4, n_init=10, random_state=0).fit_predict(np.stack(pixels))
from sklearn.metrics import adjusted_rand_score
print(adjusted_rand_score([f.split("/")[-2] for f in files], found))
"""
BARE = """
import sys
from octlessons.images import load_images
from octlessons.representations import PhantomEncoder
print(PhantomEncoder(n_threads=1, progress=False).fit_transform(load_images(sys.argv[1])).shape)
"""


def main(argv: list[str] | None = None) -> None:
    """Run everything and print the figures."""
    options = _options().parse_args(argv if argv is not None else [])
    command = "python -m tests.benchmarks.bench_scale"
    found: dict = {
        "command": f"{command} --small {options.small} --large {options.large} --record",
        "date": date.today().isoformat(),
    }
    with tempfile.TemporaryDirectory() as place:
        scans, work = Path(options.scans or place), Path(place)
        small, large = (draw(scans / str(n), n) for n in (options.small, options.large))
        turns = []
        for turn in range(TURNS):
            out = work / f"small-{turn}"
            turns.append((_bare(small), _whole(small, out)))
        found["turns"] = [[bare["cpu"], whole["cpu"]] for bare, whole in turns]
        found["throughput"] = float(np.median([b["cpu"] / w["cpu"] for b, w in turns]))
        bare, whole = turns[TURNS // 2]
        found["bare"] = {"n": options.small, **bare}
        found["small"] = {"n": options.small, **whole, **_results(work / f"small-{TURNS // 2}")}
        found["loop"] = {"n": options.small, **measured(["-c", LOOP, str(small)])}
        found["loop"]["ari"] = float(found["loop"].pop("said"))
        print(json.dumps(found, indent=1), flush=True)
        out = work / "large"
        found["large"] = {"n": options.large, **_whole(large, out), **_results(out)}
        print(told(found), flush=True)
        found["errors"] = errors(out)
    print(json.dumps(found["errors"], indent=1))
    if options.record:
        write_atomically(RECORDS / "scale.json", json.dumps(found, indent=1) + "\n")


def _bare(scans: Path) -> dict:
    found = measured(["-c", BARE, str(scans)])
    del found["said"]
    return found


def _whole(scans: Path, out: Path) -> dict:
    found = measured(
        ["-m", "octlessons.cli", "cluster", str(scans), "-o", str(out), "--jobs", "1", "--json"]
    )
    summary = json.loads(found.pop("said").strip().splitlines()[-1])
    return {**found, "ari": summary["ari"], "k": summary["clusters"]}


def _results(out: Path) -> dict:
    return {"page": (out / "report.html").stat().st_size}


def errors(out: Path) -> dict:
    """What the approximations cost, on the rows of a run.

    ``"silhouette"``: mean and largest error of single scans, and of the mean. ``"k"``: the numbers
    that other samples would have chosen, and how far K-means fitted with other starts agrees.
    """
    from sklearn.metrics import pairwise_distances_chunked

    from octlessons.report.grouping import choose_number, silhouettes

    rows = np.load(out / "features.npy").astype(np.float64)
    with open(out / "clusters.csv", encoding="utf-8") as stream:
        lines = stream.read().splitlines()
    header = lines[0].split(",")
    table = [line.rsplit(",", len(header) - 1) for line in lines[1:]]
    clusters = np.array([int(line[header.index("cluster")]) for line in table]) - 1
    people = np.array([line[header.index("patient")] for line in table])
    some = np.sort(np.random.default_rng(0).choice(len(rows), min(EXACT, len(rows)), replace=False))
    sizes = np.bincount(clusters)
    onto = np.eye(len(sizes))[clusters]
    exact = np.empty(len(some))
    at = 0
    for block in pairwise_distances_chunked(rows[some], rows):
        own = clusters[some[at : at + len(block)]]
        mean = block @ onto
        here = np.arange(len(block))
        mean[here, own] *= sizes[own] / np.maximum(sizes[own] - 1, 1)
        mean /= sizes
        a = mean[here, own].copy()
        mean[here, own] = np.inf
        b = mean.min(axis=1)
        exact[at : at + len(block)] = (b - a) / np.maximum(a, b)
        at += len(block)
    near = silhouettes(rows, clusters)[some]
    gap = np.abs(near - exact)
    chosen = [choose_number(rows, people, seed)[:2] for seed in range(CHOICES)]
    return {
        "silhouette": {
            "n": len(some),
            "mean error": float(gap.mean()),
            "largest error": float(gap.max()),
            "error of the mean": float(abs(near.mean() - exact.mean())),
            "doubtful otherwise": float(np.mean((near < 0) != (exact < 0))),
        },
        "k": [[int(k), bool(stands)] for k, stands in chosen],
    }


def measured(arguments: list[str], python: str = sys.executable) -> dict:
    """Run Python: processor seconds, seconds, peak memory in MB, and what it said."""
    code = (
        "import resource, subprocess, sys, time, json; t = time.time();"
        "p = subprocess.run(sys.argv[1:], capture_output=True, text=True);"
        "u = resource.getrusage(resource.RUSAGE_CHILDREN);"
        "sys.stderr.write(p.stderr) if p.returncode else None;"
        "print(json.dumps({'cpu': u.ru_utime + u.ru_stime, 'seconds': time.time() - t,"
        "'megabytes': u.ru_maxrss / 1024, 'said': p.stdout})); sys.exit(p.returncode)"
    )
    one = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"), "1")
    environment = os.environ | one | {"PYTHONPATH": os.getcwd() if python == sys.executable else ""}
    done = subprocess.run(
        [sys.executable, "-c", code, python, *arguments],
        stdout=subprocess.PIPE, text=True, check=True, env=environment,
    )  # fmt: skip
    return json.loads(done.stdout.strip().splitlines()[-1])


def told(found: dict) -> str:
    """The figures as text."""
    small, large, loop = (found[k] for k in ("small", "large", "loop"))
    each = {k: 1000 * found[k]["cpu"] / found[k]["n"] for k in ("small", "large", "bare", "loop")}
    return "\n".join([
        f"bare work is {found['throughput']:.0%} of the whole at {small['n']:,} scans "
        f"({each['bare']:.1f} of {each['small']:.1f} ms each)",
        f"{large['n']:,} scans: {each['large']:.1f} ms each, {each['large'] / each['small']:.2f} "
        f"times; {large['megabytes']:.0f} MB against {small['megabytes']:.0f}; page "
        f"{large['page'] / 1e6:.1f} MB",
        f"a loop over pixels: {each['loop']:.1f} ms each, {loop['megabytes']:.0f} MB, ARI "
        f"{loop['ari']:.2f} against {small['ari']:.2f}",
    ])  # fmt: skip


def _options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--small", type=int, default=5_000)
    parser.add_argument("--large", type=int, default=20_000)
    parser.add_argument("--scans", help="a folder where the scans stay")
    parser.add_argument("--record", action="store_true", help="keep it for the appendix")
    return parser


if __name__ == "__main__":
    main(sys.argv[1:])
