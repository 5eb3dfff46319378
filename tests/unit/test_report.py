"""`octlessons cluster`: what it reads, groups, says and writes, and what it refuses."""

from __future__ import annotations

import csv
import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import filelock
import numpy as np
import pytest
from PIL import Image
from sklearn.metrics import adjusted_rand_score, silhouette_samples
from typer.testing import CliRunner

from octlessons.cli import app
from octlessons.errors import OctlessonsError
from octlessons.evaluation import nuisance
from octlessons.images import ImageSet, draw_phantoms
from octlessons.images.measurements import Measurements
from octlessons.images.measuring import UNITS
from octlessons.report import cluster_scans, looking
from octlessons.report.grouping import CLUSTERERS, group, silhouettes
from octlessons.report.judging import described
from octlessons.report.later import assign, compare
from octlessons.report.likeness import copies
from octlessons.report.mapping import make_map
from octlessons.report.model_file import load_model, save_model
from octlessons.report.pictures import along_the_map, make_sheets
from octlessons.report.running import FILES
from octlessons.report.telling import in_short


def blobs(n=60, k=3, d=8, spread=0.3, seed=0):
    rng = np.random.default_rng(seed)
    centres = 4 * rng.normal(size=(k, d))
    rows = np.concatenate([centre + spread * rng.normal(size=(n, d)) for centre in centres])
    return rows.astype(np.float32), np.repeat(np.arange(k), n)


@pytest.fixture(scope="module")
def phantoms():
    return draw_phantoms(n_per_class=12, size=128, seed=11)


@pytest.fixture(scope="module")
def folder(tmp_path_factory, phantoms):
    """Scans in one folder for each class."""
    place = tmp_path_factory.mktemp("scans")
    for name, label, image in zip(phantoms.names, phantoms.labels, phantoms.images, strict=True):
        file = place / phantoms.class_names[label] / f"{Path(str(name)).stem}.png"
        file.parent.mkdir(exist_ok=True)
        Image.fromarray(image).save(file)
    return place


@pytest.fixture(scope="module")
def run(folder, tmp_path_factory):
    return cluster_scans(folder, tmp_path_factory.mktemp("out") / "run", jobs=1)


# ---------------------------------------------------------------------- groups


@pytest.mark.parametrize("clusterer", CLUSTERERS)
def test_clear_groups_are_found_by_every_clusterer(clusterer, tmp_path):
    rows, truth = blobs()
    found = group(rows, clusterer=clusterer, k=None if clusterer == "kmeans" else 3)
    assert adjusted_rand_score(truth, found.clusters) > 0.95
    assert found.k == 3 and np.bincount(found.clusters[found.clusters >= 0]).min() > 50
    save_model(tmp_path / "model.skops", found.model)
    again = load_model(tmp_path / "model.skops").predict(rows)
    kept = found.clusters >= 0
    assert (again[kept] == found.clusters[kept]).mean() > 0.98


def test_a_number_stands_out_where_there_are_groups_and_none_where_there_are_not():
    rows, _ = blobs(k=4)
    assert group(rows).stands_out is True and group(rows).k == 4
    crowd = np.random.default_rng(0).normal(size=(200, 8)).astype(np.float32)
    found = group(crowd)
    assert found.stands_out is False and "silhouette" in found.why and found.k >= 2


def test_the_largest_group_is_the_first():
    rows, _ = blobs()
    rows = np.concatenate([rows[:20], rows[60:]])
    sizes = np.bincount(group(rows, k=3).clusters)
    assert list(sizes) == sorted(sizes, reverse=True)


def test_silhouettes_are_exact_for_few_and_close_for_many():
    rows, truth = blobs(n=100, spread=2.0)
    assert np.allclose(silhouettes(rows, truth), silhouette_samples(rows, truth), atol=1e-5)
    rows, truth = blobs(n=900, spread=2.0)
    error = np.abs(silhouettes(rows, truth) - silhouette_samples(rows, truth))
    assert 0 < error.max() < 0.05


def test_a_scan_unlike_all_others_is_the_oddest():
    rows, _ = blobs()
    rows[7] += 30
    found = group(rows, k=3)
    assert found.oddness.argmax() == 7 and 0.7 < np.median(found.oddness) < 1.4


def test_the_scans_of_an_odd_eye_do_not_speak_for_each_other():
    rows, _ = blobs()
    patients = np.arange(len(rows)) // 6
    rows[patients == 4] += 12  # six scans far from all others, near to each other
    assert group(rows, k=3, patients=patients).oddness[patients == 4].min() > 20
    assert group(rows, k=3).oddness[patients == 4].max() < 5


def test_who_stays_together_is_counted_by_patient():
    rows, _ = blobs(spread=0.2)
    found = group(rows, k=3, patients=np.arange(len(rows)) // 3)
    assert np.nanmin(found.held) > 0.95
    own = found.clusters[found.sample]
    apart = found.together[own[:, None] != own]
    assert np.nanmax(apart) < 0.2 and list(own) == sorted(own)


@pytest.mark.parametrize(
    ("rows", "k", "words"),
    [
        (np.zeros((20, 3), np.float32), None, "1 different scan cannot be 2 clusters"),
        (np.eye(3, dtype=np.float32), 5, "3 different scans cannot be 5 clusters"),
    ],
)
def test_too_few_different_scans_are_refused(rows, k, words):
    with pytest.raises(OctlessonsError, match=words):
        group(rows, k=k)


def test_a_model_with_code_in_it_is_not_opened(tmp_path):
    import skops.io

    skops.io.dump(subprocess.Popen, tmp_path / "evil.skops")
    with pytest.raises(OctlessonsError, match="cannot be read"):
        load_model(tmp_path / "evil.skops")


# ---------------------------------------------------------------------- words, copies, map


def measured(n, **columns):
    values = {name: np.zeros(n) for name in UNITS} | columns
    return Measurements(values, {name: unit[1] for name, unit in UNITS.items()}, map(str, range(n)))


def test_a_cluster_is_described_by_what_holds_by_patient():
    rng = np.random.default_rng(0)
    clusters, patients = np.repeat([0, 1], 60), np.arange(120) // 3
    thick = np.where(clusters == 0, 20.0, 15.0) + rng.normal(size=120)
    fluid = np.where((clusters == 1) & (rng.random(120) < 0.9), 2.0, 0.0)
    said = described(
        clusters, measured(120, mean_thickness=thick, intraretinal_fluid=fluid), patients
    )
    assert any("retina is 5." in words and "thicker" in words for words in said[0].words)
    assert any("dark areas inside the retina" in words for words in said[1].words)
    one_patient = np.where(clusters == 0, "one", patients.astype(str))
    assert described(clusters, measured(120, mean_thickness=thick), one_patient)[0].too_few


def test_noise_is_no_description():
    named = 0
    for seed in range(20):
        rng = np.random.default_rng(seed)
        clusters, patients = np.repeat([0, 1], 60), np.arange(120) // 4
        columns = {name: np.repeat(rng.normal(size=30), 4) for name in UNITS}
        found = described(clusters, measured(120, **columns), patients)
        named += sum(len(each.words) for each in found.values())
    assert named <= 12  # of 20 × 2 × 14 that were asked


def test_copies_are_found_within_and_across_patients():
    rng = np.random.default_rng(0)
    pictures = rng.integers(0, 255, (40, 32, 32)).astype(np.uint8)
    outlines = rng.integers(0, 2**63, 40).astype(np.uint64)
    pixels = np.arange(40).astype(np.uint64)
    pixels[5], outlines[5], pictures[5] = pixels[1], outlines[1], pictures[1]
    pictures[9] = np.clip(pictures[2].astype(int) + 3, 0, 255)
    outlines[9] = outlines[2] ^ np.uint64(0b101 << 20)
    found = copies(pixels, outlines, pictures, patients=np.where(np.arange(40) == 9, "b", "a"))
    assert found.pairs.tolist() == [[1, 5], [2, 9]]
    assert found.exact.tolist() == [True, False] and found.same_patient.tolist() == [True, False]
    assert copies(pixels, outlines, pictures).same_patient is None


def test_the_map_keeps_neighbours_and_says_how_many():
    rows, _ = blobs()
    found = make_map(rows)
    assert found.places.shape == (180, 2) and found.places.min() >= 0 and found.places.max() <= 1
    assert found.kept > 3 * found.chance
    assert np.array_equal(found.places, make_map(rows).places)
    assert make_map(rows[:4]).places.shape == (4, 2)


def test_pictures_fit_the_budget_in_every_group_alike():
    rng = np.random.default_rng(0)
    pictures = rng.integers(0, 255, (3000, 32, 32)).astype(np.uint8)
    clusters, order = np.arange(3000) % 3, along_the_map(rng.random((3000, 2)))
    whole = make_sheets(pictures, order, clusters, 10**9)
    assert whole.shown == 3000 and sorted(whole.place) == list(range(3000))
    budget = sum(map(len, whole.data)) // 3
    fewer = make_sheets(pictures, order, clusters, budget)
    assert sum(map(len, fewer.data)) <= budget and 600 < fewer.shown < 1100
    shown = np.bincount(clusters[fewer.place >= 0])
    assert shown.max() - shown.min() <= 3


# ---------------------------------------------------------------------- a whole run


def test_a_folder_becomes_groups_that_follow_the_diagnosis(run, phantoms):
    assert len(run) == 48 and run.left_out == [] and run.agreed.ari > 0.6
    assert run.followed["diagnosis"].ami > run.followed["diagnosis"].chance.high
    assert "48 scans in" in repr(run)
    assert any("agree with the labels more than by chance" in said for said in in_short(run))
    with open(run.folder / "clusters.csv", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    assert len(rows) == 48 and {row["label"] for row in rows} == set(phantoms.class_names)
    assert np.load(run.folder / "features.npy").shape == run.features.shape
    facts = json.loads((run.folder / "run.json").read_text())
    assert facts["finished"] and facts["settings"]["seed"] == 0


def test_groups_by_the_scanner_are_called_so():
    """Pixels of phantoms follow where the white wedge is: the page must say it."""
    images = draw_phantoms(n_per_class=60, size=128, seed=4)
    found = cluster_scans(images, representation="pixels", k=4, jobs=1)
    followed = [row.what for row in found.followed.rows if row.ami > row.chance.high]
    assert "white side" in followed
    strongest = max(found.followed.rows, key=lambda row: np.nan_to_num(row.ami, nan=-1))
    assert strongest.what in ("white side", "height", "patient")
    assert any("besides their labels, the groups follow" in said for said in in_short(found))


def test_the_same_folder_gives_the_same_bytes_and_goes_on_where_it_was(run, folder, tmp_path):
    again = tmp_path / "again"
    cluster_scans(folder, again, jobs=2)
    shards = sorted((again / "looks").glob("*.npy"))
    shards[0].unlink()  # as after a kill
    (again / "run.json").write_text(json.dumps({"finished": False}))
    cluster_scans(folder, again, jobs=1, overwrite=True)
    assert _left(again) == _left(run.folder)


def test_only_what_changed_is_looked_at_again(folder, tmp_path):
    folder = shutil.copytree(folder, tmp_path / "scans")
    seen: list[int] = []
    tell = lambda step, done, n: seen.append(done) if step == "looking" else None  # noqa: E731
    cluster_scans(folder, tmp_path / "out", jobs=1)
    cluster_scans(folder, tmp_path / "out", jobs=1, told=tell)
    assert seen == [48]
    file = next(folder.rglob("*.png"))
    os.utime(file, (1, 1))
    seen.clear()
    cluster_scans(folder, tmp_path / "out", jobs=1, told=tell)
    assert seen == [0, 48]


def test_what_cannot_be_used_is_named_and_nothing_stops(folder, tmp_path):
    place = tmp_path / "mixed"
    place.mkdir()
    for i, file in enumerate(sorted(folder.rglob("*.png"))[::3]):
        (place / f"{i}.png").write_bytes(file.read_bytes())
    names = ["a<b>&.png", "=1+1.png", "\N{EYE}.png", "x" * 200 + ".png"]
    for name, file in zip(names, sorted(folder.rglob("*.png")), strict=False):
        (place / name).write_bytes(file.read_bytes())
    (place / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\nnothing")
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (90, 90, 3)).astype(np.uint8)).save(
        place / "colour.png"
    )
    Image.fromarray(np.zeros((90, 90), np.uint8)).save(place / "black.png")
    found = cluster_scans(place, tmp_path / "out", jobs=1, k=3)
    reasons = {Path(problem.path).name: problem.reason for problem in found.left_out}
    assert {"broken.png", "colour.png", "black.png"} == set(reasons)
    assert "No retina" in reasons["black.png"]
    assert found.agreed is None and len(found) == 20
    page = (tmp_path / "out" / "report.html").read_text("utf-8")
    assert "a<b>" not in page and "a&lt;b&gt;&amp;.png" in page
    with open(tmp_path / "out" / "clusters.csv", encoding="utf-8") as stream:
        assert not any(row["file"].startswith("=") for row in csv.DictReader(stream))


@pytest.mark.parametrize("n", [1, 2])
def test_too_few_scans_are_refused_with_a_sentence(folder, tmp_path, n):
    files = sorted(map(str, folder.rglob("*.png")))[:n]
    with pytest.raises(OctlessonsError, match="too few to group"):
        cluster_scans(files, tmp_path / "out", jobs=1)


def test_pictures_without_a_retina_are_refused(tmp_path):
    for i in range(5):
        noise = np.random.default_rng(i).integers(0, 255, (90, 90)).astype(np.uint8)
        Image.fromarray(noise).save(tmp_path / f"{i}.png")
    with pytest.raises(OctlessonsError, match="0 of 5 scans show a retina"):
        cluster_scans(tmp_path, jobs=1)


def test_a_folder_with_other_things_or_another_run_is_left_alone(run, folder, tmp_path):
    (tmp_path / "thesis.txt").write_text("dear diary")
    with pytest.raises(OctlessonsError, match=r"holds something else \(thesis\.txt\)"):
        cluster_scans(folder, tmp_path, jobs=1)
    assert os.listdir(tmp_path) in (["thesis.txt", ".lock"], [".lock", "thesis.txt"])
    with pytest.raises(OctlessonsError, match="other settings"):
        cluster_scans(folder, run.folder, jobs=1, seed=5)
    assert "built-in method" not in (run.folder / "report.html").read_text("utf-8")
    lock = filelock.FileLock(run.folder / ".lock")
    with lock, pytest.raises(OctlessonsError, match="Another run writes"):
        cluster_scans(folder, run.folder, jobs=1)


@pytest.mark.skipif(os.geteuid() == 0 if hasattr(os, "geteuid") else True, reason="root may write")
def test_a_place_that_may_not_be_written_is_named(folder, tmp_path):
    (tmp_path / "mine").mkdir(mode=0o500)
    with pytest.raises(OctlessonsError, match="cannot be written to"):
        cluster_scans(folder, tmp_path / "mine" / "out", jobs=1)


def test_new_scans_join_groups_and_strangers_are_named(run, tmp_path):
    new = draw_phantoms(n_per_class=4, size=128, seed=99)
    strange = np.stack([np.flipud(image) for image in new.images[:2]])
    images = np.concatenate([new.images, strange])
    found = assign(run.folder, ImageSet(images), tmp_path / "new.csv")
    assert (found.clusters >= 0).sum() >= 12 and len(
        (tmp_path / "new.csv").read_text().splitlines()
    ) == 19
    own = found.clusters[:16]
    kept = own >= 0
    assert adjusted_rand_score(new.labels[kept], own[kept]) > 0.3
    with pytest.raises(OctlessonsError, match="holds no run"):
        assign(tmp_path, ImageSet(images))


def test_two_runs_are_compared(run, folder, tmp_path):
    cluster_scans(folder, tmp_path / "two", jobs=1, k=2)
    found = compare(run.folder, tmp_path / "two")
    assert found.n == 48 and found.table.sum() == 48 and 0 < found.ari < 1
    assert ("k", "None", "2") in found.settings and "ARI" in str(found)
    assert compare(run.folder, run.folder).ari == 1


def test_a_table_and_an_image_set_are_read(phantoms):
    found = cluster_scans(phantoms, k=4, jobs=1, representation="views")
    assert found.scans.patients is not None and found.folder is None
    assert found.followed["patient"].n_values == len(np.unique(phantoms.patients))
    assert (
        nuisance(phantoms, found.clusters)["patient"].n_values == found.followed["patient"].n_values
    )


# ---------------------------------------------------------------------- at the prompt


def test_the_command_says_what_was_found(folder, tmp_path):
    done = CliRunner().invoke(
        app,
        ["cluster", str(folder), "-o", str(tmp_path / "out"), "--k", "4", "--jobs", "1", "--json"],
    )
    assert done.exit_code == 0, done.output
    facts = json.loads(done.stdout.strip().splitlines()[-1])
    assert facts["clusters"] == 4 and sum(facts["sizes"]) == 48 and Path(facts["report"]).is_file()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["cluster"], "Give a folder of scans"),
        (["cluster", "scans", "--k", "1"], "whole number from 2"),
        (["cluster", "no-such-place"], "no-such-place"),
        (["assign", "no-such-run", "x"], "holds no run"),
    ],
)
def test_mistakes_at_the_prompt_are_sentences(arguments, words, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 1 and words in done.output and "Traceback" not in done.output


@pytest.mark.slow
def test_a_run_that_was_killed_ends_with_the_same_bytes(run, folder, tmp_path):
    rng, out = np.random.default_rng(0), tmp_path / "killed"
    begin = [sys.executable, "-m", "octlessons.cli", "cluster"]
    command = [*begin, str(folder), "-o", str(out), "--jobs", "1"]
    times = 50 if os.environ.get("OCTLESSONS_EXHAUSTIVE") else 5
    for _ in range(times):
        child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            child.wait(rng.uniform(0.5, 12))
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
    assert subprocess.run(command, capture_output=True, check=False).returncode == 0
    assert _left(out) == _left(run.folder)


def _left(out):
    """All that a run leaves, but for how long it took."""
    found = {name: (out / name).read_bytes() for name in FILES}
    facts = json.loads(found.pop("run.json"))
    page = found["report.html"].decode("utf-8")
    took = f"{facts.pop('seconds'):.0f} s</td>"
    assert took in page
    found["report.html"] = page.replace(took, "…")
    return {**found, "facts": facts}


@pytest.mark.slow
def test_many_machines_give_the_same_bytes_although_one_dies(run, folder, tmp_path, monkeypatch):
    distributed = pytest.importorskip("distributed")
    options = {"n_workers": 2, "threads_per_worker": 1, "dashboard_address": None}
    monkeypatch.setattr(looking, "SHARD", 4)
    died = []
    with distributed.LocalCluster(processes=True, **options) as cluster:

        def told(step, done, n):
            if step == "looking" and 0 < done < n and not died:
                died.append(cluster.workers[0].pid)
                os.kill(died[0], signal.SIGKILL)

        cluster_scans(folder, tmp_path / "out", dask=cluster.scheduler_address, told=told)
    assert died
    assert _left(tmp_path / "out") == _left(run.folder)
