"""Figures: readable colours, computed alt text, light and dark, nothing left behind."""

import base64
import gc
import importlib
import io
import itertools
import subprocess
import sys
import weakref

import matplotlib
import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image
from scipy.cluster.hierarchy import linkage
from sklearn.cluster import KMeans

from octlessons import figures
from octlessons.clustering import choose_k, consensus
from octlessons.evaluation import agreement, calibration, judge_classifier
from octlessons.figures import DARK, LIGHT, MARKERS, MIME, PALETTE, render, show, showing
from octlessons.images.imageset import ImageSet
from octlessons.networks import History
from octlessons.representations import VariancePCA


def linear(colour: str) -> np.ndarray:
    value = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    return np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)


def contrast(a: str, b: str) -> float:
    """Contrast ratio of WCAG 2."""
    low, high = sorted(float(linear(c) @ [0.2126, 0.7152, 0.0722]) for c in (a, b))
    return (high + 0.05) / (low + 0.05)


# Machado, Oliveira & Fernandes 2009, severity 1
BLINDNESS = {
    "none": np.eye(3),
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216],
                   [-0.003882, -0.048116, 1.051998]],
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413],
                     [-0.011820, 0.042940, 0.968881]],
    "tritanopia": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602],
                   [0.004733, 0.691367, 0.303900]],
}  # fmt: skip


@pytest.mark.parametrize("colour", PALETTE)
@pytest.mark.parametrize("paper", [LIGHT["paper"], DARK["paper"]])
def test_palette_is_readable_on_both_pages(colour, paper):
    assert contrast(colour, paper) >= 3


@pytest.mark.parametrize("page", [LIGHT, DARK])
def test_text_is_readable_on_both_pages(page):
    assert contrast(page["ink"], page["paper"]) >= 12
    assert contrast(page["muted"], page["paper"]) >= 4.5


@pytest.mark.parametrize("eye", BLINDNESS)
def test_first_four_colours_stay_apart_for_every_eye(eye):
    from skimage.color import deltaE_ciede2000, rgb2lab

    def seen(colour: str) -> np.ndarray:
        light = np.clip(np.asarray(BLINDNESS[eye]) @ linear(colour), 0, 1)
        return rgb2lab(
            np.where(light <= 0.0031308, light * 12.92, 1.055 * light ** (1 / 2.4) - 0.055)
        )

    for a, b in itertools.combinations(PALETTE[:4], 2):
        assert deltaE_ciede2000(seen(a), seen(b)) > 15


def test_every_class_has_a_marker_of_its_own():
    assert len(set(MARKERS)) == len(MARKERS) >= len(set(PALETTE)) == len(PALETTE)
    assert figures.colour(-1) not in PALETTE and figures.marker(-1) not in MARKERS


@pytest.fixture(scope="module")
def scans() -> ImageSet:
    rng = np.random.default_rng(0)
    images = rng.integers(10, 60, (24, 32, 40), dtype=np.uint8)
    for i in range(24):
        images[i, 10 + i % 4 : 14 + i % 4] += 120
    return ImageSet(
        images,
        np.arange(24) % 4,
        class_names=["CNV", "DME", "DRUSEN", "NORMAL"],
        patients=np.arange(24) // 2,
        sizes=[[496, 512], [496, 768], [496, 1536]] * 8,
    )


def trained(train: list, valid: list | None = None) -> History:
    """The history of a training with these losses."""
    history = History([{"epoch": i + 1, "train": loss} for i, loss in enumerate(train)])
    history.best_epoch = len(train)
    if valid is not None:
        for epoch, loss in zip(history.epochs, valid, strict=True):
            epoch["valid"] = loss
        history.monitor, history.best_epoch = "valid", int(np.argmin(valid)) + 1
    return history


@pytest.fixture(scope="module")
def drawn(scans) -> dict[str, Figure]:
    """One of every figure."""
    rows = np.asarray(scans).reshape(24, -1) / 255
    kmeans = KMeans(4, n_init=1, random_state=0).fit(rows)
    pca = VariancePCA(0.995).fit(rows)
    plane = pca.transform(rows)[:, :2]
    result = agreement(scans.labels, kmeans.labels_, class_names=scans.class_names)
    boundaries = np.linspace(5, 25, 6)[:, None] + np.zeros((6, 40))
    lesions = np.zeros((32, 40), int)
    lesions[8:12, 5:15] = 1
    points = np.random.default_rng(0).normal(size=(30, 2))
    middle = np.array([[0, 0], [1, 1]])
    near = np.argmin(np.linalg.norm(points[:, None] - middle, axis=2), axis=1)
    return {
        "image_grid": figures.image_grid(scans[:6], title="Six"),
        "class_examples": figures.class_examples(scans, 2),
        "centroid_images": figures.centroid_images(
            kmeans.cluster_centers_.reshape(4, 32, 40), np.bincount(kmeans.labels_)
        ),
        "cluster_members": figures.cluster_members(
            scans, rows, kmeans.labels_, mean=True, below=["CNV"] * 24
        ),
        "component_images": figures.component_images(
            pca.components_[:5].reshape(5, 32, 40), pca.explained_variance_ratio_
        ),
        "layer_overlay": figures.layer_overlay(
            scans[0], boundaries, list("ABCDEF"), pixel_size=(4, 11)
        ),
        "lesion_overlay": figures.lesion_overlay(
            scans[0], lesions, {1: "drusen", 2: "fluid"}, pixel_size=(4, 11)
        ),
        "class_counts": figures.class_counts(scans),
        "scree": figures.scree(pca),
        "embedding_map": figures.embedding_map(
            plane, scans.labels, scans.class_names, thumbnails=scans
        ),
        "embedding_maps": figures.embedding_maps(
            {"first": plane, "turned": plane[:, ::-1], "third": -plane},
            scans.labels, scans.class_names,
        ),
        "kmeans_steps": figures.kmeans_steps(points, [(middle, None), (middle, near)]),
        "silhouette_plot": figures.silhouette_plot(rows, kmeans.labels_, images=scans),
        "consensus_map": figures.consensus_map(consensus(rows, 4, n_init=1), kmeans.labels_),
        "k_choice": figures.k_choice(choose_k(rows, [2, 3, 4], n_references=2, n_resamples=2)),
        "contingency_heatmap": figures.contingency_heatmap(result),
        "agreement_bars": figures.agreement_bars({"pixels": result, "again": result}),
        "training_curves": figures.training_curves(trained([4, 3, 2, 1], [4, 2, 3, 5])),
        "reconstructions": figures.reconstructions(scans[:4], np.asarray(scans[:4]) / 300),
        "dendrogram": figures.dendrogram(linkage(rows[:20], "ward"), scans[:20], ["CNV"] * 20),
    }  # fmt: skip


NAMES = [
    "image_grid", "class_examples", "centroid_images", "component_images",
    "layer_overlay", "lesion_overlay", "class_counts", "scree", "embedding_map",
    "embedding_maps", "kmeans_steps", "silhouette_plot", "k_choice", "contingency_heatmap",
    "agreement_bars", "training_curves", "reconstructions", "cluster_members",
    "consensus_map",
    "agreement_bars", "training_curves", "reconstructions", "cluster_members", "dendrogram",
]  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_every_figure_says_what_it_shows(drawn, name):
    fig = drawn[name]
    assert isinstance(fig, Figure)
    assert len(fig.alt) > 40 and fig.alt.endswith(".") and "nan" not in fig.alt
    assert not fig.alt.lower().startswith(("figure", "image of", "picture", "plot of"))
    assert any(character.isdigit() for character in fig.alt)


@pytest.mark.parametrize("name", NAMES)
def test_text_is_large_enough_for_a_phone_and_stays_inside(drawn, name):
    from matplotlib.text import Text

    fig = drawn[name]
    fig.draw_without_rendering()
    texts = [t for t in fig.findobj(Text) if t.get_visible() and t.get_text().strip()]
    for text in texts:
        # 100 CSS px per inch; a 360 px phone shows 328 px of a 700 px figure.
        size = text.get_fontsize() / 72 * 100 * min(1, 328 / (fig.get_figwidth() * 100))
        assert size >= 7, text.get_text()
    box = fig.get_tightbbox()  # of all that is drawn, in inches
    assert box.x0 >= -0.02 and box.x1 <= fig.get_figwidth() + 0.02
    assert box.y0 >= -0.02 and box.y1 <= fig.get_figheight() + 0.02


@pytest.mark.parametrize("name", NAMES)
def test_dark_swaps_page_and_ink_and_is_undone(drawn, name):
    fig = drawn[name]
    before = render(fig)
    light, dark = (np.asarray(Image.open(io.BytesIO(png)).convert("RGB")).astype(int)
                   for png in (before, render(fig, dark=True)))  # fmt: skip
    assert light.shape == dark.shape
    paper = np.array([int(DARK["paper"][i : i + 2], 16) for i in (1, 3, 5)])
    assert np.abs(light[2, -3] - 255).max() <= 3 and np.abs(dark[2, -3] - paper).max() <= 4
    ink = np.array([int(DARK["ink"][i : i + 2], 16) for i in (1, 3, 5)])
    assert (np.abs(dark - ink).max(axis=2) < 12).sum() > 20  # there is text, in light ink
    assert render(fig) == before  # all colours are back


def test_scans_look_the_same_in_the_dark(scans):
    fig = figures.image_grid(scans[:1], [])
    light, dark = (np.asarray(Image.open(io.BytesIO(render(fig, d))).convert("L")).astype(int)
                   for d in (False, True))  # fmt: skip
    h, w = light.shape
    middle = np.s_[h // 4 : 3 * h // 4, w // 4 : 3 * w // 4]
    assert np.abs(light[middle] - dark[middle]).max() <= 6


def test_scree_marks_where_each_share_is_reached():
    ratios = np.array([0.5, 0.3, 0.11, 0.05, 0.03, 0.005])
    fig = figures.scree(ratios, n_features=100)
    assert "3 hold 90 %" in fig.alt and "4 hold 95 %" in fig.alt and "5 hold 99 %" in fig.alt
    assert "99 % is not reached by these 4" in figures.scree(ratios[:4]).alt


def test_dendrogram_tells_its_last_merge_and_fits_its_scans():
    places = np.array([[0.0], [1.0], [2.0], [10.0], [11.5]])
    tree = linkage(places, "single")
    fig = figures.dendrogram(tree)
    assert "distance 1.0" in fig.alt and "3 and 2, at 8.0" in fig.alt.replace("2 and 3", "3 and 2")
    with pytest.raises(ValueError, match="5 leaves but there are 4 images"):
        figures.dendrogram(tree, np.zeros((4, 9, 9), np.uint8))
    with pytest.raises(ValueError, match="2 to 24 leaves"):
        figures.dendrogram(linkage(np.arange(30.0)[:, None]))


def test_heat_map_tells_the_largest_class_of_each_cluster():
    fig = figures.contingency_heatmap([[9, 1], [2, 6]], ["a", "b"])
    assert "cluster 0: 9 of 10 are a; cluster 1: 6 of 8 are b" in fig.alt
    with pytest.raises(ValueError, match="1 name for 2 classes"):
        figures.contingency_heatmap([[9, 1], [2, 6]], ["a"])


def test_map_tells_how_mixed_the_classes_are():
    rng = np.random.default_rng(0)
    labels = np.repeat([0, 1], 50)
    apart = figures.embedding_map(rng.normal(size=(100, 2)) + 20 * labels[:, None], labels)
    assert "same kind for 100 %" in apart.alt and "it would be 49 %" in apart.alt
    noise = figures.embedding_map(rng.normal(size=(100, 2)), np.where(labels, -1, 0))
    assert "50 noise" in noise.alt
    with pytest.raises(ValueError, match=r"shape \(n, 2\)"):
        figures.embedding_map(np.zeros((4, 3)))


def test_maps_side_by_side_tell_the_same_of_each():
    rng = np.random.default_rng(0)
    labels = np.repeat([0, 1], 50)
    mixed = rng.normal(size=(100, 2))
    maps = {"apart": mixed + 20 * labels[:, None], "mixed": mixed}
    fig = figures.embedding_maps(maps, labels, ["ill", "well"])
    assert "apart 100 %; mixed " in fig.alt and "50 ill, 50 well" in fig.alt
    assert len([ax for ax in fig.axes if ax.axison]) == 2
    bare = figures.embedding_maps(maps).alt
    assert bare == "2 maps of the same 100 images in the plane: apart; mixed."
    with pytest.raises(ValueError, match="different numbers of images"):
        figures.embedding_maps({"a": mixed, "b": mixed[:9]})
    with pytest.raises(ValueError, match="no maps"):
        figures.embedding_maps({})


def test_counts_are_those_of_the_set(scans):
    assert "CNV 6 from 6 patients" in figures.class_counts(scans).alt
    with pytest.raises(ValueError, match="no labels"):
        figures.class_counts(ImageSet(np.zeros((2, 4, 4), np.uint8)))


def test_overlays_state_measures(drawn):
    assert "it is 80 µm (median)" in drawn["layer_overlay"].alt  # 20 px of 4 µm
    assert "drusen (less than 0.01 mm²)" in drawn["lesion_overlay"].alt  # 40 px of 44 µm²
    clean = figures.lesion_overlay(np.zeros((8, 8), np.uint8), np.zeros((8, 8)), {1: "drusen"})
    assert "no lesion" in clean.alt


def test_layer_names_never_overlap(scans):
    crowded = np.linspace(10, 16, 12)[:, None] + np.zeros((12, 40))
    fig = figures.layer_overlay(scans[0], crowded, [f"layer {i}" for i in range(12)])
    fig.draw_without_rendering()
    boxes = sorted((t.get_window_extent() for t in fig.axes[0].texts), key=lambda box: box.y0)
    assert len(boxes) == 12
    assert all(a.y1 <= b.y0 + 1 for a, b in itertools.pairwise(boxes))


def test_figures_work_without_labels_and_with_few_images():
    bare = ImageSet(np.full((3, 16, 16), 9, np.uint8))
    assert "without labels" in figures.class_examples(bare, 3).alt
    assert figures.image_grid(bare).alt.startswith("3 scans in 1 row")
    assert figures.embedding_map(np.eye(3)[:, :2]).alt == "Map of 3 images in the plane."
    with pytest.raises(ValueError, match="no images to draw"):
        figures.image_grid([])


# ---------------------------------------------------------------------- any n, any k, any names


@pytest.mark.parametrize("n", [3, 51, 399])
@pytest.mark.parametrize("k", [2, 3, 5, 12])
def test_silhouettes_of_any_number_of_images_in_any_number_of_clusters(n, k):
    """Positions as floats gave one too many for some numbers, 51 among them."""
    rng = np.random.default_rng(n + k)
    clusters = np.append(np.arange(k - 1) % (n - 1), rng.integers(k, size=max(n - k + 1, 1)))[:n]
    clusters[:2] = 0
    clusters[2] = 1
    fig = figures.silhouette_plot(rng.normal(size=(n, 3)), clusters)
    bars = [artist for artist in fig.axes[0].patches if hasattr(artist, "get_data")]
    assert len(bars) == len(np.unique(clusters))
    for bar, size in zip(bars, np.bincount(clusters)[np.unique(clusters)], strict=True):
        values, edges, _ = bar.get_data()
        assert len(values) == size and np.all(np.diff(edges) == 1)
    assert f"{n} images" in fig.alt


def test_silhouettes_leave_out_noise_and_need_two_clusters():
    rows = np.random.default_rng(0).normal(size=(51, 2))
    clusters = np.arange(51) % 3 - 1
    assert "34 images in 2 clusters" in figures.silhouette_plot(rows, clusters).alt
    for few in (np.zeros(51, int), np.arange(51)):
        with pytest.raises(ValueError, match="at least two clusters"):
            figures.silhouette_plot(rows, few)


@pytest.mark.parametrize(("n", "k"), [(1, 1), (2, 9), (3, 2), (51, 3), (60, 9)])
def test_maps_and_tables_of_any_size(n, k):
    rng = np.random.default_rng(n)
    points, labels = rng.normal(size=(n, 2)), rng.integers(-1, k, size=n)
    found = agreement(np.arange(n) % k, labels, n_permutations=3, n_bootstrap=3)
    reported = judge_classifier(np.arange(n) % k, np.abs(labels), n_bootstrap=0)
    sure = calibration(np.arange(n) % k, rng.dirichlet(np.ones(k), n), n_bootstrap=3)
    centres = rng.normal(size=(k, 2))
    near = np.argmin(np.linalg.norm(points[:, None] - centres, axis=2), axis=1)
    drawn = [
        figures.embedding_map(points, labels),
        figures.embedding_maps({3: points, "b": points}, labels, np.arange(k)),
        figures.contingency_heatmap(found),
        figures.agreement_bars({1: found, "b": found}),
        figures.confusion_figure(reported),
        figures.calibration_figure({"a": sure, "b": sure}),
        figures.kmeans_steps(points, [(centres, None), (centres, near)]),
        figures.scree(rng.dirichlet(np.ones(k))),
    ]
    for fig in drawn:
        assert "nan" not in fig.alt and fig.alt.endswith(".")


@pytest.mark.parametrize("n", [1, 2, 3, 17])
def test_images_of_any_number(n):
    rng = np.random.default_rng(n)
    images = rng.integers(0, 255, (n, 8, 9), dtype=np.uint8)
    labelled = ImageSet(images, np.arange(n) % 3, patients=np.arange(n))
    drawn = [
        figures.image_grid(images, columns=10),
        figures.class_examples(labelled, 5),
        figures.class_examples(ImageSet(images), 5),
        figures.class_counts(labelled),
        figures.centroid_images(images[:12] / 255, np.arange(n)[:12]),
        figures.component_images(images[:12] / 255 - 0.5, columns=5),
    ]
    for fig in drawn:
        assert "nan" not in fig.alt and fig.alt.endswith(".")


@pytest.mark.parametrize("ks", [[2], [1, 2], range(1, 13)])
def test_choices_among_any_numbers_of_clusters(ks):
    rows = np.random.default_rng(0).normal(size=(51, 2))
    fig = figures.k_choice(choose_k(rows, ks, n_references=1, n_resamples=2, n_init=1))
    assert "nan" not in fig.alt and "silhouette" in fig.alt


def test_names_may_be_lists_arrays_or_numbers(scans):
    few = scans[:3]
    for titles in (["a", "b", "c"], np.array(["a", "b", "c"]), np.arange(3), (1, 2, 3), []):
        alt = figures.image_grid(few, titles).alt
        assert ": " + ", ".join(str(title) for title in titles) in alt or not len(titles)
    table = [[9, 1], [2, 6]]
    for names in (["a", "b"], np.array(["a", "b"]), np.array([4, 5]), (4, 5)):
        first, second = (str(name) for name in names)
        assert f"are {first}; " in figures.contingency_heatmap(table, names, names).alt
        assert f"cluster {second}: 6" in figures.contingency_heatmap(table, names, names).alt
        assert f"10 {first}, 90 %" in figures.confusion_figure(table, names).alt
        assert f"1 {second}" in figures.embedding_map(np.eye(2), [0, 1], names).alt
        shown = figures.layer_overlay(few[0], np.ones((2, 40)) * [[9], [20]], names).alt
        assert shown.endswith(f"from top to bottom: {first}, {second}.")


def test_what_cannot_be_drawn_is_said():
    nothing = np.full((2, 16), np.nan)
    scan = np.full((16, 16), 3, np.uint8)
    assert figures.layer_overlay(scan, nothing, ["a", "b"]).alt == (
        "B-scan with 0 layer boundaries drawn."
    )
    assert "no lesion" in figures.lesion_overlay(np.zeros((8, 8)), np.zeros((8, 8)), {1: "d"}).alt
    for call in (
        lambda: figures.centroid_images(np.empty((0, 4, 4))),
        lambda: figures.component_images(np.empty((0, 4, 4))),
        lambda: figures.kmeans_steps(np.eye(2), []),
        lambda: figures.scree([]),
        lambda: figures.embedding_map(np.empty((0, 2))),
        lambda: figures.agreement_bars({}),
        lambda: figures.calibration_figure({}),
    ):
        with pytest.raises(ValueError, match=r"There (are|is) no [\w ]+ to draw"):
            call()
    with pytest.raises(ValueError, match="Labels are whole numbers"):
        figures.embedding_map(np.eye(2), ["a", "b"])
    with pytest.raises(ValueError, match="differ in size"):
        figures.lesion_overlay(scan, np.zeros((8, 8)), {1: "drusen"})


# ---------------------------------------------------------------------- show


@pytest.fixture
def shown(monkeypatch) -> list[dict]:
    """What `show` displays, as if in a notebook."""
    bundles: list[dict] = []
    monkeypatch.setattr(showing, "_in_notebook", lambda: True)
    display = importlib.import_module("IPython.display")
    monkeypatch.setattr(display, "display", lambda data, **_: bundles.append(data))
    return bundles


def test_show_gives_both_pages_and_the_alt_text(drawn, shown):
    show(drawn["scree"], caption="A *scree*.", width=500)
    (bundle,) = shown
    figure = bundle[MIME]
    assert set(figure) == {"alt", "caption", "light", "dark", "width"}
    assert figure["alt"] == bundle["text/plain"] == drawn["scree"].alt
    assert figure["caption"] == "A *scree*." and figure["width"] == 500
    pictures = [Image.open(io.BytesIO(base64.b64decode(figure[k]))) for k in ("light", "dark")]
    assert pictures[0].size == pictures[1].size and pictures[0].format == "PNG"
    assert bundle["image/png"] == figure["light"]


def test_show_refuses_a_figure_without_alt_text(shown):
    with pytest.raises(ValueError, match="no alternative text"):
        show(Figure())
    with pytest.raises(ValueError, match="no alternative text"):
        show(Figure(), alt="  ")
    assert shown == []


def test_show_swaps_colours_of_any_figure_in_the_style_and_closes_it(shown):
    import matplotlib.pyplot as plt

    with matplotlib.rc_context():
        figures.use_style()
        fig, ax = plt.subplots()
        ax.plot([0, 1], label="line")
        ax.legend()
        show(fig, alt="A line that rises from 0 to 1.")
    assert plt.get_fignums() == []
    light, dark = (
        np.asarray(Image.open(io.BytesIO(base64.b64decode(shown[0][MIME][k]))).convert("L"))
        for k in ("light", "dark")
    )
    assert light.mean() > 230 and dark.mean() < 50


def test_figures_are_forgotten(scans, shown):
    import matplotlib.pyplot as plt

    fig = figures.class_counts(scans)
    gone = weakref.ref(fig)
    show(fig)
    del fig
    gc.collect()
    assert gone() is None
    assert plt.get_fignums() == []


@pytest.mark.slow
def test_show_prints_the_alt_text_in_a_script_without_a_window():
    code = (
        "from octlessons import figures\n"
        "figures.show(figures.contingency_heatmap([[3, 1], [0, 2]]))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True,
        env={**__import__("os").environ, "MPLBACKEND": "agg", "PYTHONIOENCODING": "utf-8"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("[figure] Table of 2 clusters by 2 classes")


def test_style_of_the_reader_is_left_alone(scans):
    before = dict(matplotlib.rcParams)
    figures.class_counts(scans)
    assert dict(matplotlib.rcParams) == before


def test_training_curves_mark_the_best_epoch_and_say_so():
    alt = figures.training_curves(trained([4, 3, 2, 1], [4, 2, 3, 5]), ylabel="error").alt
    assert alt == (
        "Error over 4 epochs: training goes from 4 to 1 and validation goes from 4 to 5; epoch 2 "
        "is the best and is marked, after which the validation curve did not improve."
    )
    assert "best" not in figures.training_curves(trained([2, 1])).alt
    several = figures.training_curves({"a": trained([9], [3]), "b": trained([5, 4])}, log=True)
    assert "a goes from 3 to 3" in several.alt and "b goes from 5 to 4" in several.alt
    with pytest.raises(ValueError, match="nothing to draw"):
        figures.training_curves(trained([1]), ["f1"])


def test_reconstructions_measure_what_was_lost(scans):
    rebuilt = np.asarray(scans[:3]) / 255 + 0.1
    alt = figures.reconstructions(scans[:3], rebuilt).alt
    assert "3 images (CNV, DME, DRUSEN)" in alt and "0.01 to 0.01;" in alt
    assert "about as rough" in alt
    flat = figures.reconstructions(scans[:9], np.zeros((9, 16, 16)), n=2)
    assert flat.alt.startswith("2 images") and "smoother, with 0 %" in flat.alt
    colour = np.zeros((1, 16, 16, 3))
    assert "1 image in the top row" in figures.reconstructions([scans[0]], colour).alt
    with pytest.raises(ValueError, match="there are 3 and 2"):
        figures.reconstructions(scans[:3], rebuilt[:2])
