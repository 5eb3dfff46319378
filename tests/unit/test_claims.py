"""Published claims: every experiment end to end, what is kept of it, and how runs go on."""

from __future__ import annotations

import json
import re
import shlex
import socket
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from octlessons import claims
from octlessons._fingerprint import PACKAGE
from octlessons._fingerprint import reached as reached_by
from octlessons.claims import (
    cnn_8933,
    data,
    efficientnet_clusters,
    pca_257,
    runner,
    silhouette_k2,
    skin_augmentation,
)
from octlessons.claims.claim import Claim, Measurement, Setting
from octlessons.claims.results import RECORDED, read_results, write_results
from octlessons.cli import app
from octlessons.errors import OctlessonsError
from octlessons.images import draw_phantoms
from octlessons.images.sources import resolve_data
from octlessons.representations import lite
from tests.conftest import ROOT

run = CliRunner().invoke

IDS = [
    "pca-257",
    "silhouette-k2",
    "efficientnet-clusters",
    "autoencoder-mse",
    "cnn-8933",
    "skin-augmentation",
]
QUICK = [name for name in IDS if name not in ("autoencoder-mse", "cnn-8933")]
if efficientnet_clusters.network() is None:  # the book's packages are not installed
    QUICK.remove("efficientnet-clusters")


@pytest.fixture(scope="module", autouse=True)
def _one_thread():
    """Threads of small arrays wait for each other longer than they work."""
    import sklearn.cluster  # noqa: F401  (limits hold for what is loaded)
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1):
        yield


@pytest.fixture(scope="module")
def quick(tmp_path_factory):
    """Every claim that needs no torch, at quick scale, through the command line."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("OCTLESSONS_WEIGHTS", raising=False)
        out = tmp_path_factory.mktemp("claims")
        told = run(app, ["claims", *QUICK, "--scale", "quick", "--out", str(out)])
    assert told.exit_code == 0, told.output
    return out, told.output, read_results(out / "claims.json")


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """The two claims that train a network, at quick scale."""
    pytest.importorskip("torch")
    return claims.run(
        ["autoencoder-mse", "cnn-8933"],
        out=tmp_path_factory.mktemp("trained"),
        scale="quick",
        tell=lambda line: None,
    )


def one_sentence(text: str) -> bool:
    return text.endswith(".") and not re.search(r"[.!?] [A-ZÄÖÜ]", text.replace("B0 ", "B0"))


# ---------------------------------------------------------------------- what is claimed


def test_every_row_of_the_syllabus_is_a_claim(shared):
    table = (shared / "course.md").read_text("utf-8").split("## Published claims")[1]
    assert re.findall(r"^\| ([a-z]+-[\w-]+) \|", table, re.M) == list(claims.CLAIMS) == IDS


def test_published_numbers_are_those_of_the_sources(shared):
    table = (shared / "course.md").read_text("utf-8").split("## Published claims")[1]
    rows = dict(re.findall(r"^\| ([a-z]+-[\w-]+) \| (.*?) \|", table, re.M))
    numbers = {name: re.findall(r"[−\d.,/×%]*\d[\d.,/×%]*", row) for name, row in rows.items()}
    # a number of the row, however it is set, is in what the claim says
    for name, found in numbers.items():
        says = claims.CLAIMS[name].says.replace("0.", ".")
        for number in found:
            assert number.strip(",.").replace("0.", ".") in says, (name, number)


def test_published_numbers_are_kept_as_numbers():
    claimed = {name: claim.claimed for name, claim in claims.CLAIMS.items()}
    assert claimed["pca-257"]["components"] == 257
    assert claimed["pca-257"]["pixels"] == 22_500
    assert claimed["silhouette-k2"]["pixels"] == [0.349, 0.314, 0.229, 0.231, 0.199]
    assert claimed["silhouette-k2"]["whitened PCA"] == [0.249, -0.033, -0.018, -0.026, -0.020]
    assert claimed["efficientnet-clusters"]["K-means"] == {"accuracy": 0.306, "ARI": 0.019}
    assert claimed["efficientnet-clusters"]["Gaussian mixture"] == {"accuracy": 0.29, "ARI": 0.007}
    assert claimed["autoencoder-mse"]["sizes at k = 6"] == [70, 79, 41, 35, 16, 59]
    assert sum(claimed["autoencoder-mse"]["sizes at k = 6"]) == 300
    assert claimed["cnn-8933"] == {"accuracy": 0.8933, "macro-F1": 0.8053}


@pytest.mark.parametrize("claim", claims.CLAIMS.values(), ids=lambda claim: claim.id)
def test_every_claim_names_a_source_of_the_bibliography(claim):
    entries = (ROOT / "book" / "references.bib").read_text("utf-8")
    assert f"{{{claim.reference}," in entries
    assert claim.source and claim.title.endswith("?")


# ---------------------------------------------------------------------- what is measured


@pytest.mark.slow
def test_every_column_is_filled(quick):
    _, output, results = quick
    assert [result.id for result in results] == QUICK
    for result in results:
        assert result.ok and result.scale == "quick"
        assert one_sentence(result.why), result.why
        assert result.found and result.seconds >= 0 and re.match(r"20\d\d-\d\d-\d\d$", result.date)
        assert result.command == f"octlessons claims {result.id} --data phantoms --scale quick"
        assert f"{result.n:,} " in result.data and "in place of" in result.data
        assert result.machine["cores"] >= 1 and result.machine["processor"]
        assert {"octlessons", "Python", "numpy", "scikit-learn"} <= set(result.machine["versions"])
        assert result.found in output and result.why in output
        assert all(0 < len(words) < 60 for words in result.brief)


@pytest.mark.slow
def test_what_is_kept_names_neither_host_nor_folder(quick):
    out, _, _ = quick
    text = (out / "claims.json").read_text("utf-8")
    assert str(out) not in text and str(Path.home()) not in text and str(ROOT) not in text
    assert socket.gethostname() not in text


@pytest.mark.slow
def test_components_are_those_of_a_full_decomposition(quick):
    from sklearn.decomposition import PCA

    result = quick[2].of("pca-257")
    rows = draw_phantoms(n_per_class=30, size=64).images.reshape(120, -1) / 255
    assert result.n == 120
    assert result.measured["components"] == PCA(0.95, svd_solver="full").fit(rows).n_components_
    assert result.measured["components, smoothed"] < result.measured["components"]
    assert "119 directions" in result.why


@pytest.mark.slow
def test_silhouettes_are_those_of_scikit_learn(quick):
    from sklearn.metrics import silhouette_samples

    measured = quick[2].of("silhouette-k2").measured
    for name in ("pixels", "PCA", "whitened PCA"):
        assert len(measured[name]) == 5 and -1 <= min(measured[name]) <= max(measured[name]) <= 1
        assert measured["k"][int(np.argmax(measured[name]))] == measured["best k"][name]
    rng = np.random.default_rng(3)
    rows = np.concatenate([rng.normal(at, 0.2, (30, 5)) for at in (0, 3, 9)]).astype(np.float32)
    judged = np.arange(0, 90, 2)
    two, widths = silhouette_k2.silhouettes(rows, judged)
    assert np.argmax(widths) == 1  # three groups
    assert widths[0] == pytest.approx(silhouette_samples(rows[judged], two[judged]).mean())


@pytest.mark.slow
def test_a_substitute_is_called_one(quick):
    if "efficientnet-clusters" not in QUICK:
        pytest.skip("no network trained on photographs is on this machine")
    result = quick[2].of("efficientnet-clusters")
    if result.measured["network"] == "efficientnet_b0":
        pytest.skip("the weights of EfficientNet-B0 are on this machine")
    assert "substitute for EfficientNet-B0" in result.data
    for form, n_features in (("maps", 62_720), ("pooled", 1280)):
        assert result.measured[form]["features"] == n_features
        for name in ("K-means", "Gaussian mixture"):
            found = result.measured[form][name]
            low, high = found["accuracy, 95 %"]
            assert 0.25 <= found["accuracy"] <= 1 and low <= found["accuracy"] <= high
            assert sum(found["sizes"]) == result.n


@pytest.mark.slow
def test_other_imagenet_weights_are_used_where_they_are(shared, tmp_path, monkeypatch):
    pytest.importorskip("torch")
    monkeypatch.setenv("OCTLESSONS_WEIGHTS", str(shared / "weights"))
    monkeypatch.setattr(lite, "PACKAGE", "no_such_package_of_weights")
    (result,) = claims.run(
        ["efficientnet-clusters"], out=tmp_path, scale="quick", tell=lambda line: None
    )
    assert result.ok, result.problem
    assert result.measured["network"] in ("squeezenet1_1", "efficientnet_b0")
    assert {"maps", "pooled"} <= set(result.measured)


@pytest.mark.slow
def test_without_such_a_network_nothing_else_is_measured(tmp_path, monkeypatch):
    monkeypatch.setattr(efficientnet_clusters, "network", lambda: None)
    (result,) = claims.run(
        ["efficientnet-clusters"], out=tmp_path, scale="quick", tell=lambda line: None
    )
    assert "no weights of one are on this machine" in result.problem


@pytest.mark.slow
def test_the_autoencoder_is_measured_on_other_patients(trained):
    result = trained.of("autoencoder-mse")
    measured = result.measured
    assert measured["code"] == [8, 8, 8] and measured["times smaller"] == 6
    assert 0 < measured["validation MSE"] < 1 and measured["epochs"] == 3
    assert sum(measured["sizes at k = 6"]) == 16
    assert measured["validation MSE after 3 epochs"] == pytest.approx(
        measured["validation MSE"], rel=0.01
    )
    assert one_sentence(result.why)


@pytest.mark.slow
def test_8933_follows_from_the_published_matrix(trained):
    measured = trained.of("cnn-8933").measured
    assert measured["accuracy"] == pytest.approx(0.8933, abs=5e-5)
    assert measured["macro-F1"] == pytest.approx(0.8053, abs=5e-5)
    assert measured["macro-recall"] == pytest.approx(0.7872, abs=5e-5)
    assert measured["accuracy, balanced"] == pytest.approx(0.787, abs=5e-4)
    assert measured["macro-F1, balanced"] == pytest.approx(0.775, abs=5e-4)


def test_the_published_test_set_is_15_percent_of_the_pool():
    pooled = np.array(cnn_8933.POOLED)
    supports = np.sum(cnn_8933.MATRIX, axis=1)
    assert pooled.sum() == 109_309
    assert np.abs(supports - 0.15 * pooled).max() <= 1
    assert supports.sum() == int(np.ceil(0.15 * pooled.sum())) == 16_397


@pytest.mark.slow
def test_the_three_splits_differ_in_patients_and_classes(trained):
    ours = trained.of("cnn-8933").measured["ours"]
    assert list(ours) == ["official", "pooled, by patient", "pooled, by image"]
    shared = [scores["test images whose patient was trained on"] for scores in ours.values()]
    assert shared[:2] == [0, 0] and shared[2] > 0.3
    # as many of each class: accuracy and macro recall are one number
    assert ours["official"]["accuracy"] == pytest.approx(ours["official"]["macro-recall"])
    assert one_sentence(trained.of("cnn-8933").why)


@pytest.mark.slow
def test_without_torch_the_matrix_is_settled_all_the_same(monkeypatch, tmp_path):
    monkeypatch.setattr(cnn_8933, "installed", lambda name: False)
    made = cnn_8933.experiment(Setting("quick", "phantoms", tmp_path, lambda line: None))
    assert made.measured["accuracy"] == pytest.approx(0.8933, abs=5e-5)
    assert "no torch here" in made.data


@pytest.mark.slow
def test_flips_keep_all_and_a_turn_in_the_frame_does_not(quick):
    changes = quick[2].of("skin-augmentation").measured["changes"]
    for name in ("mirrored", "upside down", "turned by 90° with its frame"):
        assert changes[name] == {
            "picture kept": 1,
            "mole kept": 1,
            "dark area": 1,
            "pixels unchanged": 1,
            "colour difference": 0,
        }
    cut = changes["turned by 90° in its frame"]
    assert cut["picture kept"] == pytest.approx(0.75, abs=0.01) and cut["mole kept"] < 1
    if skin_augmentation.PIPELINE in changes:  # a hint of another colour only
        ours = changes[skin_augmentation.PIPELINE]
        assert ours["colour difference"] < changes["red × 1.3, blue × 0.7"]["colour difference"]
    for name in skin_augmentation.COLOUR:
        assert changes[name]["mole kept"] == 1 and changes[name]["colour difference"] > 5


def test_the_darker_cluster_is_the_mole():
    picture, mask = skin_augmentation.draw_mole(150, 200, seed=1)
    assert picture.shape == (150, 200, 3) and picture.dtype == np.uint8
    assert skin_augmentation.dark_area(picture) == pytest.approx(mask.sum(), rel=0.1)
    again, _ = skin_augmentation.draw_mole(150, 200, seed=1)
    assert np.array_equal(picture, again)


# ---------------------------------------------------------------------- sentences


@pytest.mark.parametrize(
    ("components", "smoothed", "n", "words"),
    [
        (900, 200, 8000, "643 more than published"),
        (100, 95, 8000, "157 fewer than published"),
        (257, 200, 8000, "They do not differ"),
        (90, 60, 200, "at most"),
    ],
)
def test_why_components_differ(components, smoothed, n, words):
    why = pca_257.why({"components": components, "components, smoothed": smoothed}, n)
    assert words in why and one_sentence(why)
    assert ("grain" in why) == (components == 900)


@pytest.mark.parametrize(
    ("pixels", "words"),
    [
        ([0.3, 0.25, 0.2, 0.1, 0.1], "k = 2 is ahead here too, by 0.050"),
        ([0.3, 0.32, 0.2, 0.1, 0.1], "k = 3 is ahead of k = 2 here, by 0.020"),
    ],
)
def test_why_silhouettes_differ(pixels, words):
    measured = {
        "k": [2, 3, 4, 5, 6],
        "pixels": pixels,
        "best k": {"pixels": 2 + int(np.argmax(pixels))},
        "explained by k = 2": {"mean grey": 0.4, "height of the retina": 0.1},
        "whitened, sizes at k = 2": [90, 10],
    }
    why = silhouette_k2.why(measured)
    assert words in why and "40 % of the variance of the mean grey" in why and "90 %" in why
    assert "ARI" not in why and one_sentence(why)


# ---------------------------------------------------------------------- running


def a_claim(name: str, experiment, **more) -> Claim:
    told = lambda measured: f"x is {measured['x']}"  # noqa: E731
    return Claim(
        name, f"{name}?", "somebody", "key", {"x": 1}, "x = 1", "x is 1", told, experiment, **more
    )


def found(value: int = 1) -> Measurement:
    return Measurement({"x": value}, f"x = {value}", "It does not differ.", "3 drawn images", 3)


@pytest.fixture
def two_claims(monkeypatch):
    """Replace the claims by two that count how often they run."""
    calls: list[str] = []

    def good(setting):
        calls.append("good")
        return found(len(calls))

    table = {"good": a_claim("good", good), "other": a_claim("other", lambda s: found())}
    monkeypatch.setattr(runner, "CLAIMS", table)
    return table, calls


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (OctlessonsError("There are no weights here: fetch them."), "There are no weights here"),
        (MemoryError(), "memory of this computer was not enough"),
        (ImportError("No module named 'torch'"), "A package is missing"),
        (ValueError("strange"), "please report it"),
    ],
)
def test_a_claim_that_fails_says_why_and_the_others_run(two_claims, tmp_path, error, sentence):
    table, calls = two_claims

    def bad(setting):
        raise error

    table["bad"] = a_claim("bad", bad)
    results = claims.run(["bad", "good"], out=tmp_path, tell=lambda line: None)
    assert [result.ok for result in results] == [False, True] and calls == ["good"]
    assert sentence in results[0].problem
    assert sentence in str(results) and sentence in results._repr_html_()
    kept = {result.id: result for result in read_results(tmp_path / "claims.json")}
    assert sentence in kept["bad"].problem and kept["good"].ok
    told = run(app, ["claims", "bad", "good", "--out", str(tmp_path)])
    assert told.exit_code == 1 and sentence in told.output and calls == ["good"]


def test_an_interrupted_run_goes_on_where_it_was(two_claims, tmp_path):
    table, calls = two_claims
    finished = table["other"]

    def interrupted(setting):
        raise KeyboardInterrupt

    table["other"] = a_claim("other", interrupted)
    lines: list[str] = []
    with pytest.raises(KeyboardInterrupt):
        claims.run(out=tmp_path, tell=lines.append)
    assert "goes on from there" in lines[-1]
    assert [result.id for result in read_results(tmp_path / "claims.json")] == ["good"]
    table["other"] = finished
    results = claims.run(out=tmp_path, tell=lines.append)
    assert [result.id for result in results] == ["good", "other"] and calls == ["good"]
    assert not list(tmp_path.glob(".*")) and not (tmp_path / "work").exists()
    claims.run(out=tmp_path, fresh=True, tell=lines.append)
    assert calls == ["good", "good"]


def test_other_scale_data_or_conditions_run_again(two_claims, tmp_path):
    table, calls = two_claims
    network = {"network": "a"}
    table["good"] = replace(table["good"], conditions=lambda: network)

    def again(**options):
        (result,) = claims.run(["good"], out=tmp_path, tell=lambda line: None, **options)
        return result, len(calls)

    assert again()[1] == 1 and again()[1] == 1
    assert again(scale="quick")[1] == 2
    assert again()[1] == 2  # the first is kept beside it
    network["network"] = "b"
    assert again()[1] == 3
    assert len(read_results(tmp_path / "claims.json")) == 2


def test_a_result_is_stale_once_anything_it_reaches_has_changed(monkeypatch):
    claim, source = claims.CLAIMS["silhouette-k2"], resolve_data("phantoms")
    asked = []
    monkeypatch.setattr(runner, "fingerprint", lambda *m, also: asked.append((m, also)) or "key")
    runner.key_of(claim, "quick", source)
    ((modules, also),) = asked
    reached = {path.relative_to(PACKAGE).as_posix() for path in reached_by(*modules)}
    decisive = {"claims/silhouette_k2.py", "clustering/choosing.py", "images/phantoms/scanner.py"}
    assert decisive <= reached and not [name for name in reached if name.startswith("grading")]
    assert {"silhouette-k2", "quick", "phantoms", source.fingerprint} <= set(also[:4])


def test_a_damaged_result_is_made_again(two_claims, tmp_path):
    _, calls = two_claims
    claims.run(["good"], out=tmp_path, tell=lambda line: None)
    (file,) = tmp_path.glob("good.*.json")
    file.write_text("{half", encoding="utf-8")
    claims.run(["good"], out=tmp_path, tell=lambda line: None)
    assert calls == ["good", "good"] and read_results(file)[0].ok


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["pca-258"], "There is no claim called pca-258: choose from pca-257"),
        (["--scale", "huge"], "There is no scale 'huge'"),
        (["--data", "/no/such/folder"], "There is no folder"),
    ],
)
def test_what_cannot_be_run_is_a_sentence(arguments, words, tmp_path):
    told = run(app, ["claims", *arguments, "--out", str(tmp_path)])
    assert told.exit_code == 1 and words in told.output and "Traceback" not in told.output
    assert not list(tmp_path.iterdir())


def test_a_folder_of_scans_is_used_and_goes_by_its_name(tmp_path):
    from PIL import Image

    images = draw_phantoms(n_per_class=8, size=64, seed=3)
    for i, (image, label, patient) in enumerate(
        zip(images, images.labels, images.patients, strict=True)
    ):
        name = images.class_names[label]
        file = tmp_path / "my scans" / name / f"{name}-{patient}-{i}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(file)
    folder, out = tmp_path / "my scans", tmp_path / "out"
    (result,) = claims.run(["pca-257"], str(folder), out, scale="quick", tell=lambda line: None)
    assert result.ok, result.problem
    assert result.n == 32 and "my scans" in result.data and "phantoms" not in result.data
    assert shlex.split(result.command)[4] == "my scans"
    assert str(tmp_path) not in (out / "claims.json").read_text("utf-8")


# ---------------------------------------------------------------------- images of an experiment


def test_phantoms_drawn_in_blocks_are_those_drawn_at_once(tmp_path, monkeypatch):
    monkeypatch.setattr(data, "IN_MEMORY", 10)
    monkeypatch.setattr(data, "BLOCK", 3)
    monkeypatch.setattr("joblib.cpu_count", lambda: 1)

    def interrupt(line):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        data.scans(Setting("quick", "phantoms", tmp_path, interrupt), 32, n_per_class=8)
    kept = {file: file.stat().st_mtime_ns for file in tmp_path.rglob("output.pkl")}
    assert kept

    setting = Setting("quick", "phantoms", tmp_path, lambda line: None)
    images = data.scans(setting, 32, n_per_class=8)
    whole = draw_phantoms(n_per_class=8, size=32)
    assert np.array_equal(images.images, whole.images)
    for part in ("labels", "patients", "sites"):
        assert np.array_equal(getattr(images, part), getattr(whole, part))
    assert {file: file.stat().st_mtime_ns for file in kept} == kept  # not drawn again
    assert len(list(tmp_path.rglob("output.pkl"))) > len(kept)
    mixed = data.scans(setting, 32, n=20)
    assert np.array_equal(mixed.images, draw_phantoms(20, size=32).images)


def test_rows_on_disk_are_the_pixels(tmp_path):
    images = draw_phantoms(5, size=32)
    rows = data.rows_on_disk(images, tmp_path / "rows.npy", lambda block: 1 - block)
    assert isinstance(rows, np.memmap) and rows.dtype == np.float32
    assert np.allclose(rows, 1 - images.images.reshape(5, -1) / 255, atol=1e-6)


# ---------------------------------------------------------------------- results


@pytest.mark.slow
def test_results_survive_a_file_and_show_themselves(quick, tmp_path):
    _, _, results = quick
    write_results(results, tmp_path / "there" / "results.json")
    again = read_results(tmp_path / "there" / "results.json")
    assert list(again) == list(results)
    assert [file.name for file in (tmp_path / "there").iterdir()] == ["results.json"]
    page = again._repr_html_()
    assert page.count("<tr>") == len(results) + 1 and "why they differ" in page
    assert "<caption>" in results[0]._repr_html_() and results[0].command in str(results[0])


@pytest.mark.parametrize("text", ["", "{}", "[1]", '[{"id": "x"}]'])
def test_a_file_without_results_is_refused(text, tmp_path):
    file = tmp_path / "claims.json"
    file.write_text(text, encoding="utf-8")
    if text == "{}":
        assert len(read_results(file)) == 0
        return
    with pytest.raises(OctlessonsError, match="delete it and run octlessons claims again"):
        read_results(file)
    with pytest.raises(OctlessonsError, match="run octlessons claims first"):
        read_results(tmp_path / "missing.json")


@pytest.mark.slow
def test_recording_replaces_the_same_command_and_leaves_out_problems(quick, tmp_path):
    _, _, results = quick
    file = tmp_path / "recorded.json"
    runner.record(results, file)
    newer = replace(results[0], found="something else")
    failed = replace(results[1], problem="There was no time.", found="")
    larger = replace(
        results[0], scale="laptop", command=results[0].command.replace("quick", "laptop")
    )
    kept = runner.record([larger, failed, newer], file)
    assert [result.id for result in kept] == sorted([*QUICK, "pca-257"], key=IDS.index)
    assert kept.of("pca-257", "quick").found == "something else"
    assert kept.of("pca-257").scale == "laptop" and kept.of("silhouette-k2").ok


# ---------------------------------------------------------------------- what ships


def test_every_claim_is_recorded_at_laptop_scale_or_larger():
    results = claims.recorded()
    assert {result.id for result in results} == set(IDS)
    for name in IDS:
        result = results.of(name)
        assert result.scale in ("laptop", "full") and one_sentence(result.why)
        assert result.claimed == json.loads(json.dumps(claims.CLAIMS[name].claimed))
        assert result.says == claims.CLAIMS[name].says
        assert result.machine["processor"] and result.seconds > 0


def test_recorded_commands_are_ones_to_type(monkeypatch):
    asked = []

    def instead(ids, source, out, scale, fresh):
        asked.append((*ids, source, scale))
        return claims.Results()

    monkeypatch.setattr(runner, "run", instead)
    for result in claims.recorded():
        program, *arguments = shlex.split(result.command)
        told = run(app, arguments)
        assert program == "octlessons" and told.exit_code == 0, told.output
        assert asked[-1][::2] == (result.id, result.scale)
        assert asked[-1][1] == "phantoms" or asked[-1][1] in result.data
    assert len(asked) >= len(IDS)


def test_the_recorded_file_names_no_machine_or_folder():
    text = RECORDED.read_text("utf-8")
    assert not re.search(r"/(home|root|work|tmp|Users)\b|\\\\Users", text)
    assert all(set(result.machine) <= {"processor", "cores", "system", "versions", "graphics"}
               for result in claims.recorded())  # fmt: skip


def test_the_page_shows_every_claim_and_copies_no_number():
    page = (ROOT / "book" / "claims.md").read_text("utf-8").split("---\n", 2)[2]
    prose = re.sub(r"```.*?```", "", page, flags=re.S)
    for name in IDS:
        assert f"`{name}`" in prose and f'best["{name}"]' in page
    assert not re.findall(
        r"\d[.,]\d|\d{3}", prose.replace("89.33 %", "").replace("8933", "").replace("257", "")
    )


def test_a_result_keeps_unknown_parts_out(tmp_path):
    part = {"id": "x", "title": "", "source": "", "reference": "", "scale": "quick", "says": ""}
    file = tmp_path / "results.json"
    file.write_text(json.dumps([{**part, "claimed": {}, "of a later version": 1}]), "utf-8")
    assert read_results(file)[0].id == "x"
