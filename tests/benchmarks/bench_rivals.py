"""`octlessons cluster` beside what people use today, on the same images, in one run.

Run as ``python -m tests.benchmarks.bench_rivals [--n 2000] [--python PYTHON] [--record]``.
PYTHON is that of an environment of its own with ``clustimage==1.7.1``, ``umap-learn`` and
``scikit-learn``; without one an environment is made, which downloads 200 MB. The real scans lie in
the folder OCTLESSONS_SHARED; without it there is nothing to run on, and it says so.

*clustimage* runs with its defaults (PCA, agglomerative, the number by silhouettes). *network, UMAP,
HDBSCAN* is what tutorials write: rows of EfficientNet-Lite0, a plane, clusters on the plane. *loop*
loads all pixels and calls K-means with the true number of classes, a help that the others have not.
Each is a process of its own on one core: processor seconds, and the peak of its resident set.
All get one flat folder without labels; labels come in afterwards, for the adjusted Rand index.
"""

from __future__ import annotations

import argparse
import csv
import json
import shutil
import subprocess
import sys
import tempfile
from datetime import date
from pathlib import Path

import numpy as np
from sklearn.metrics import adjusted_mutual_info_score, adjusted_rand_score

from octlessons._files import write_atomically
from octlessons.evaluation.recordings import RECORDS

from .bench_phantoms import find_shared
from .bench_scale import measured
from .many_scans import draw

NEEDED = ("clustimage==1.7.1", "umap-learn", "scikit-learn")

CLUSTIMAGE = """
import sys, json, matplotlib; matplotlib.use("Agg")
from clustimage import Clustimage
found = Clustimage(method="pca", verbose="error").fit_transform(sys.argv[1])
print(json.dumps(dict(zip(map(str, found["pathnames"]), map(int, found["labels"])))))
"""
FEATURES = """
import sys, numpy as np
from octlessons.images import load_images
from octlessons.representations import PretrainedCNN
scans = load_images(sys.argv[1])
network = PretrainedCNN("efficientnet-lite0", n_threads=1, stretch=True, progress=False)
np.savez(sys.argv[2], rows=network.fit_transform(scans), names=scans.names)
"""
UMAP = """
import sys, json, numpy as np, umap
from sklearn.cluster import HDBSCAN
kept = np.load(sys.argv[1])
plane = umap.UMAP(metric="cosine", random_state=0).fit_transform(kept["rows"])
labels = HDBSCAN(min_cluster_size=15).fit_predict(plane)
print(json.dumps(dict(zip(kept["names"].tolist(), labels.tolist()))))
"""
LOOP = """
import sys, json, glob, numpy as np
from PIL import Image
from sklearn.cluster import KMeans
files = sorted(glob.glob(sys.argv[1] + "/*.*"))
small = [Image.open(f).convert("L").resize((150, 150)) for f in files]
pixels = [np.asarray(picture, np.float64).ravel() for picture in small]
found = KMeans(int(sys.argv[2]), n_init=10, random_state=0).fit_predict(np.stack(pixels))
print(json.dumps(dict(zip(files, found.tolist()))))
"""


def main(argv: list[str] | None = None) -> None:
    """Run all on both sets, print the ratios and, where asked to, record them."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--n", type=int, default=2_000, help="drawn scans")
    parser.add_argument("--python", help="of an environment with the others")
    parser.add_argument("--record", action="store_true", help="keep it for the appendix")
    options = parser.parse_args(argv if argv is not None else [])
    shared = find_shared()
    if shared is None or not (shared / "data" / "octdl_sample" / "manifest.csv").is_file():
        print("skipped: OCTLESSONS_SHARED names no folder with data/octdl_sample")
        return
    command = f"python -m tests.benchmarks.bench_rivals --n {options.n} --record"
    found: dict = {"command": command, "date": date.today().isoformat(), "sets": {}}
    with tempfile.TemporaryDirectory() as place:
        work = Path(place)
        python = options.python or _environment(work / "others")
        for name, truth in {
            "real": real(shared / "data" / "octdl_sample", work / "real"),
            "drawn": drawn(work / "drawn", work / "flat", options.n),
        }.items():
            folder = work / ("real" if name == "real" else "flat")
            found["sets"][name] = {"n": len(truth), "tools": compared(folder, truth, python, work)}
            print(name, json.dumps(found["sets"][name], indent=1), flush=True)
    if options.record:
        write_atomically(RECORDS / "rivals.json", json.dumps(found, indent=1) + "\n")


def real(source: Path, folder: Path) -> dict[str, str]:
    """The real scans in one flat folder; diagnosis of each file name."""
    folder.mkdir()
    truth = {}
    with open(source / "manifest.csv", encoding="utf-8", newline="") as stream:
        for line in csv.DictReader(stream):
            file = next(source.rglob(Path(line["file"]).name))
            shutil.copy(file, folder)
            truth[file.name] = line["class"]
    return truth


def drawn(place: Path, folder: Path, n: int) -> dict[str, str]:
    """Drawn scans in one flat folder; diagnosis of each file name."""
    folder.mkdir()
    truth = {}
    for file in sorted(draw(place, n).glob("*/*.jpeg")):
        name = file.name.partition("-")[2]  # without the class
        file.rename(folder / name)
        truth[name] = file.parent.name
    return truth


def compared(folder: Path, truth: dict[str, str], python: str, work: Path) -> dict[str, dict]:
    """Every tool on one folder."""
    out, rows = work / f"out-{folder.name}", work / f"{folder.name}.npz"
    ours = ["-m", "octlessons.cli", "cluster", str(folder), "-o", str(out), "--jobs", "1"]
    tools = {"octlessons cluster": measured(ours)}
    with open(out / "clusters.csv", encoding="utf-8", newline="") as stream:
        found = {line["file"]: int(line["cluster"]) for line in csv.DictReader(stream)}
    tools["octlessons cluster"]["said"] = json.dumps(found)
    classes = str(len(set(truth.values())))
    tools["loop"] = measured(["-c", LOOP, str(folder), classes])
    first = measured(["-c", FEATURES, str(folder), str(rows)])
    then = measured(["-c", UMAP, str(rows)], python)
    tools["network, UMAP, HDBSCAN"] = {
        "cpu": first["cpu"] + then["cpu"],
        "seconds": first["seconds"] + then["seconds"],
        "megabytes": max(first["megabytes"], then["megabytes"]),
        "said": then["said"],
    }
    tools["clustimage"] = measured(["-c", CLUSTIMAGE, str(folder)], python)
    ours_cpu = tools["octlessons cluster"]["cpu"]
    for tool in tools.values():
        labels = json.loads(tool.pop("said").strip().splitlines()[-1])
        by_name = {Path(name).name: label for name, label in labels.items()}
        both = [name for name in truth if name in by_name]
        pair = [truth[name] for name in both], np.array([by_name[name] for name in both])
        tool["grouped"], tool["clusters"] = len(both), len(set(pair[1].tolist()) - {-1})
        tool["ari"] = round(float(adjusted_rand_score(*pair)), 4)
        tool["ami"] = round(float(adjusted_mutual_info_score(*pair)), 4)
        tool["times ours"] = round(tool["cpu"] / ours_cpu, 3)
    return tools


def _environment(folder: Path) -> str:
    """The Python of a new environment with the others in it."""
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    python = next(p for p in (folder / "bin/python", folder / "Scripts/python.exe") if p.exists())
    subprocess.run([str(python), "-m", "pip", "install", "-q", *NEEDED], check=True)
    return str(python)


if __name__ == "__main__":
    main(sys.argv[1:])
