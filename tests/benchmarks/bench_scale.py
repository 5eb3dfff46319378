"""`octlessons cluster` at many scans: cost of one, memory, size of the page; beside a loop.

Run as ``python -m tests.benchmarks.bench_scale [--small 1000] [--large 5000] [--page 100000]
[--record]``.

Files are JPEGs of 496 × 512 px: a few hundred phantoms, under as many names as are asked for, which
costs as much to read as other scans would. Each run is a process of its own on one core; memory is
the peak of its resident set. "Bare" is decoding, finding the layers and encoding, without shards,
measurements or a report. "A loop" is what a person would write: all pixels in a list, made small,
K-means. The page at many scans is made from records that were multiplied with noise, since looking
at so many is linear and measured above.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from datetime import date
from pathlib import Path

from octlessons.evaluation.recordings import RECORDS

DRAWN = 400  # phantoms; all others are further names of them

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
PAGE = """
import sys, json, numpy as np, time
from pathlib import Path
from octlessons.images import ImageSet
from octlessons.images.imageset import LazyImages
from octlessons.report import looking, running
from octlessons.report.reading import Read
from octlessons.report.report_page import write_page
n, folder, out = int(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3])
few = np.concatenate([np.load(f) for f in sorted(folder.glob("*.npy"))])
rng = np.random.default_rng(0)
records = np.tile(few, -(-n // len(few)))[:n]
records["features"] += rng.normal(0, 0.03, records["features"].shape).astype(np.float32)
noise = rng.integers(-6, 7, (n, 32, 32))
records["picture"] = np.clip(records["picture"] + noise, 0, 255)
records["pixels"], records["outline"] = rng.integers(0, 2**63, (2, n))
names = np.array([f"/scans/{i:06d}.jpeg" for i in range(n)])
images = LazyImages(lambda i: np.zeros((96, 96), np.uint8), n, (96, 96))
scans = ImageSet(images, names=names, patients=[f"P{i // 10}" for i in range(n)])
read = Read(scans, list(names), "records")
start = time.process_time()
settings = running.Settings()
run = running._judged(read, records, [], settings, running._facts(read, settings), None)
judged = time.process_time() - start
write_page(run, out, 25_000_000)
print(json.dumps({"judged": judged, "written": time.process_time() - start - judged,
                  "bytes": out.stat().st_size}))
"""


def main(argv: list[str] | None = None) -> None:
    """Run everything and print the ratios."""
    options = _options().parse_args(argv if argv is not None else [])
    found: dict = {"command": _command(options), "date": date.today().isoformat()}
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        for name, n in (("small", options.small), ("large", options.large)):
            scans = draw(folder / name, n)
            out = folder / f"out-{name}"
            run = measured(["-m", "octlessons.cli", "cluster", str(scans), "-o", str(out), "--jobs",
                            "1", "--json"])  # fmt: skip
            summary = json.loads(run.pop("said").strip().splitlines()[-1])
            found[name] = {"n": n, **run, "ari": summary["ari"]}
        found["bare"] = {"n": options.large, **measured(["-c", BARE, str(scans)])}
        found["loop"] = {"n": options.large, **measured(["-c", LOOP, str(scans)])}
        found["loop"]["ari"] = float(found["loop"].pop("said"))
        found["bare"].pop("said")
        page = measured(
            ["-c", PAGE, str(options.page), str(out / "looks"), str(folder / "page.html")]
        )
        found["page"] = {"n": options.page, **json.loads(page.pop("said")), **page}
    print(told(found))
    if options.record:
        (RECORDS / "scale.json").write_text(json.dumps(found, indent=1) + "\n", "utf-8")


def draw(folder: Path, n: int) -> Path:
    """Scans under n names, in one folder for each class."""
    from PIL import Image

    from octlessons.images import draw_phantoms

    scans = draw_phantoms(n_per_class=DRAWN // 4, size=496, seed=77)
    for i in range(n):
        label, file = scans.class_names[scans.labels[i % DRAWN]], None
        place = folder / label
        place.mkdir(parents=True, exist_ok=True)
        patient = f"{i // DRAWN:03d}{scans.patients[i % DRAWN][-4:]}"
        file = place / f"{label}-{patient}-{i}.jpeg"
        if i < DRAWN:
            picture = Image.fromarray(scans.images[i]).resize((512, 496))
            picture.save(file, quality=90)
        else:
            first = place / f"{label}-000{scans.patients[i % DRAWN][-4:]}-{i % DRAWN}.jpeg"
            os.link(first, file)
    return folder


def measured(arguments: list[str]) -> dict:
    """Run Python: processor seconds, seconds, peak memory in MB, and what it said."""
    code = (
        "import resource, subprocess, sys, time, json; t = time.time();"
        "p = subprocess.run([sys.executable, *sys.argv[1:]], capture_output=True, text=True);"
        "u = resource.getrusage(resource.RUSAGE_CHILDREN);"
        "sys.stderr.write(p.stderr) if p.returncode else None;"
        "print(json.dumps({'cpu': u.ru_utime + u.ru_stime, 'seconds': time.time() - t,"
        "'megabytes': u.ru_maxrss / 1024, 'said': p.stdout})); sys.exit(p.returncode)"
    )
    environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": os.getcwd()}
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], stdout=subprocess.PIPE, text=True, check=True,
        env=environment,
    )  # fmt: skip
    time.sleep(0)
    return json.loads(done.stdout.strip().splitlines()[-1])


def told(found: dict) -> str:
    """The figures as text."""
    small, large, bare, loop, page = (found[k] for k in ("small", "large", "bare", "loop", "page"))
    each = {k: 1000 * v["cpu"] / v["n"] for k, v in found.items() if isinstance(v, dict)}
    extra = (large["cpu"] - small["cpu"]) / (large["n"] - small["n"]) * 1000
    return "\n".join([
        f"{small['n']:,} scans: {each['small']:.1f} ms each, {small['megabytes']:.0f} MB",
        f"{large['n']:,} scans: {each['large']:.1f} ms each, {large['megabytes']:.0f} MB; each "
        f"further scan {extra:.1f} ms; {bare['cpu'] / large['cpu']:.0%} of it bare work "
        f"({each['bare']:.1f} ms)",
        f"a loop over pixels: {each['loop']:.1f} ms each, {loop['megabytes']:.0f} MB, ARI "
        f"{loop['ari']:.2f} against {large['ari']:.2f}",
        f"page of {page['n']:,} scans: {page['bytes'] / 1e6:.1f} MB, judged in "
        f"{page['judged']:.0f} s, written in {page['written']:.0f} s, {page['megabytes']:.0f} MB",
    ])  # fmt: skip


def _command(options) -> str:
    parts = ["python -m tests.benchmarks.bench_scale"]
    parts += [f"--{k} {getattr(options, k)}" for k in ("small", "large", "page")]
    return " ".join(parts)


def _options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--small", type=int, default=1_000)
    parser.add_argument("--large", type=int, default=5_000)
    parser.add_argument("--page", type=int, default=100_000)
    parser.add_argument("--record", action="store_true", help="keep it for the appendix")
    return parser


if __name__ == "__main__":
    main(sys.argv[1:])
