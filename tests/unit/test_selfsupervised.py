"""`SelfSupervised` and its views: what is learnt, kept, refused and written."""

import warnings

import numpy as np
import pytest
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score

from octlessons import OctlessonsError
from octlessons.augmentation import STEPS, augmenter
from octlessons.images import ImageSet
from octlessons.images.imageset import LazyImages
from octlessons.networks import make_views, view_steps

torch = pytest.importorskip("torch")

from octlessons.networks import SelfSupervised, contrastive_loss, vicreg_loss

FAST = {"size": 32, "clean": False, "batch_size": 32}


def pull(first, second):
    """Draw views together, and nothing else."""
    return (1 - torch.nn.functional.cosine_similarity(first, second)).mean()


@pytest.fixture(autouse=True, scope="module")
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def scans() -> ImageSet:
    """128 phantoms of 64 px."""
    from octlessons.images import draw_phantoms

    return draw_phantoms(size=64, n_per_class=32, seed=3)


@pytest.fixture(scope="module")
def patterns() -> ImageSet:
    """Stripes, upright or lying, on a dark or a bright ground: two ways to sort 160 images."""
    rng = np.random.default_rng(0)
    lying, bright = np.repeat([0, 1, 0, 1], 40), np.repeat([0, 0, 1, 1], 40)
    images = []
    for turned, light in zip(lying, bright, strict=True):
        waves = np.sin(2 * np.pi * (np.arange(32) / 8 + rng.random()))
        image = np.broadcast_to(waves, (32, 32))
        level = 170 if light else 70
        noisy = level + 45 * (image.T if turned else image) + rng.normal(0, 8, (32, 32))
        images.append(np.clip(noisy, 0, 255))
    order = rng.permutation(160)
    return ImageSet(
        np.array(images).astype(np.uint8)[order],
        lying[order],
        class_names=["upright", "lying"],
        sites=bright[order],
    )


@pytest.fixture(scope="module")
def trained(scans) -> SelfSupervised:
    return SelfSupervised(**FAST, max_iter=12).fit(scans)


# ---------------------------------------------------------------------- losses


def test_contrastive_loss_of_four_views_counted_by_hand():
    first = torch.tensor([[1.0, 0.0], [0.0, 1.0]])
    second = torch.tensor([[0.8, 0.6], [0.6, 0.8]])
    # At temperature 0.5 similarities are doubled; partners have 1.6, the others as written.
    outer = -np.log(np.exp(1.6) / (np.exp(1.6) + np.exp(0.0) + np.exp(1.2)))
    inner = -np.log(np.exp(1.6) / (np.exp(1.6) + np.exp(1.2) + np.exp(1.92)))
    found = contrastive_loss(first, second, temperature=0.5)
    assert found.item() == pytest.approx((outer + inner) / 2, abs=1e-6)
    assert contrastive_loss(7 * first, second, 0.5).item() == pytest.approx(found.item())


def test_contrastive_loss_of_equal_vectors_is_that_of_guessing():
    same = torch.ones(5, 3)
    assert contrastive_loss(same, same).item() == pytest.approx(np.log(9), abs=1e-6)


def test_images_of_one_group_do_not_push_each_other():
    first, second = torch.randn(2, 4, 3, generator=torch.Generator().manual_seed(0))
    together = contrastive_loss(first, second, groups=torch.tensor([0, 0, 0, 0]))
    assert together.item() == pytest.approx(0, abs=1e-6)  # nothing is left to push away from
    apart = contrastive_loss(first, second, groups=torch.arange(4))
    assert apart.item() == pytest.approx(contrastive_loss(first, second).item())
    assert 0 < contrastive_loss(first, second, groups=torch.tensor([0, 0, 1, 2])) < apart


def test_vicreg_loss_counted_by_hand():
    first = torch.tensor([[1.0, 1.0], [-1.0, -1.0]])  # varied enough; two numbers say the same
    # Covariance of the two numbers is 2 in both views: 2 × 2² / 2 numbers, for each view.
    assert vicreg_loss(first, first).item() == pytest.approx(8, abs=1e-3)
    flat = torch.zeros(2, 2)
    assert vicreg_loss(flat, flat).item() == pytest.approx(25 * (1 - 0.01), abs=1e-3)
    assert vicreg_loss(first, first + 1).item() == pytest.approx(8 + 25, abs=1e-3)


# ---------------------------------------------------------------------- views


def as_tensor(images) -> "torch.Tensor":
    return torch.from_numpy(np.asarray(images))[:, None].float() / 255


@pytest.mark.parametrize("step", [name for name in view_steps() if name in STEPS])
def test_batch_steps_change_images_as_much_as_their_namesakes(scans, step):
    images = scans.images[:, :, :]
    fast = make_views([step])
    assert fast.fast
    before = as_tensor(images)
    size = (fast(before, 1) - before).abs().mean().item()
    one = augmenter([step], seed=0)
    slow = np.stack([one(image, index=i) for i, image in enumerate(images)])
    expected = np.abs(slow.astype(float) - images).mean() / 255
    assert 0.6 < size / expected < 1.6


@pytest.mark.parametrize("name", ["oct_safe", "keep_anatomy", "keep_appearance"])
def test_views_follow_from_the_seed_and_stay_in_range(scans, name):
    views, before = make_views(name), as_tensor(scans.images[:8])
    one, again, other = views(before, 1), views(before, 1), views(before, 2)
    assert torch.equal(one, again) and not torch.equal(one, other)
    assert one.shape == before.shape and one.min() >= 0 and one.max() <= 1
    assert not torch.equal(one[0], views(before.flip(0), 1)[-1])  # each image its own draw


def test_geometry_moves_where_it_should():
    spot = torch.zeros(200, 1, 33, 33)
    spot[:, :, 16, 8] = 1
    flipped = make_views(["horizontal flip"])(spot, 0)[:, 0, 16]
    left, right = flipped[:, 8] > 0.5, flipped[:, 24] > 0.5
    assert (left ^ right).all() and 0.3 < right.float().mean() < 0.7
    rows = make_views(["axial shift"])(spot, 0)[:, 0, :, 8]
    at = (rows * torch.arange(33.0)).sum(1) / rows.sum(1)
    assert (at - 16).abs().max() <= 0.08 * 33 + 0.01 and (at - 16).std() > 1


def test_pipelines_of_your_own_run_image_by_image(scans):
    from octlessons.augmentation.transforms import A

    views = make_views(augmenter([A.InvertImg(p=1)], name="mine"))
    assert not views.fast and views.name == "mine"
    before = as_tensor(scans.images[:3])
    assert (views(before, 0) - before).abs().mean() > 0.01
    assert make_views(augmenter("oct_safe")).fast


@pytest.mark.parametrize("wrong", ["oct_sage", ["tilt", "tlit"]])
def test_unknown_views_are_refused_by_name(scans, wrong):
    with pytest.raises(OctlessonsError, match=r"oct_safe.*crop along the scan"):
        SelfSupervised(**FAST, views=wrong).fit(scans)


# ---------------------------------------------------------------------- learning


def test_views_of_one_image_come_together_on_images_not_trained_on(trained):
    history = trained.history_
    same, other = history.values("same"), 1 - history.values("spread")
    assert history.epochs[-1]["valid"] < 0.9 < history.epochs[0]["valid"]
    assert same[-1] - other[-1] > 0.2 > same[0] - other[0]
    assert not trained.collapsed_
    assert len(trained.validation_) == pytest.approx(0.2 * 128, abs=4)


def test_the_other_view_of_a_new_image_is_near(trained):
    from octlessons.images import draw_phantoms

    new = draw_phantoms(size=64, n_per_class=10, seed=99)

    def found(model) -> float:
        first, second = (model.transform(model.make_views(new, seed)) for seed in (1, 2))
        return float(((first @ second.T).argmax(axis=1) == np.arange(40)).mean())

    untrained = SelfSupervised(**FAST, max_iter=0).fit(new)
    assert found(trained) > found(untrained) + 0.1
    assert found(trained) > 10 / 40


def share(rows, classes) -> float:
    """How much of the variance of rows lies between two classes."""
    spread = rows - rows.mean(axis=0)
    sides = [spread[classes == c] for c in np.unique(classes)]
    return sum(len(side) * np.sum(side.mean(axis=0) ** 2) for side in sides) / np.sum(spread**2)


@pytest.mark.parametrize("seed", range(3))
def test_views_decide_what_rows_tell_apart(patterns, seed):
    def shares(*views):
        model = SelfSupervised(**FAST, width=8, views=views, max_iter=6, random_state=seed)
        rows = model.fit(patterns).transform(patterns)
        return share(rows, patterns.labels), share(rows, patterns.sites)

    direction, brightness = shares("horizontal flip", "strong light", "inversion")
    assert direction > 0.15 and direction > 3 * brightness
    direction, brightness = shares("quarter turn", "horizontal flip", "zoom")
    assert brightness > 0.15 and brightness > 3 * direction


@pytest.mark.slow
def test_views_decide_what_the_clusters_are(patterns):
    """The usual training of five, as one may stop before K-means sees what it has learnt."""

    def clusters(seed, *views):
        model = SelfSupervised(
            **FAST, views=views, max_iter=10, n_components=16, random_state=seed
        ).fit(patterns)
        return KMeans(2, n_init=10, random_state=0).fit_predict(model.transform(patterns))

    scores = []
    for seed in range(5):
        form = clusters(seed, "horizontal flip", "strong light", "inversion")  # no brightness
        light = clusters(seed, "quarter turn", "horizontal flip", "zoom")  # no direction
        pairs = ((patterns.labels, form), (patterns.sites, light), (form, light))
        scores.append([adjusted_rand_score(*pair) for pair in pairs])
    by_form, by_light, _ = np.median(scores, axis=0)
    assert by_form > 0.8 and by_light > 0.8
    assert np.max(scores, axis=0)[2] < 0.1


def test_collapse_is_noticed(scans):
    with pytest.warns(UserWarning, match=r"Everything looks the same .* it has collapsed"):
        model = SelfSupervised(**FAST, method=pull, max_iter=8).fit(scans)
    assert "an untrained network (max_iter=0)" in model.collapsed_
    assert model.history_.values("spread")[-1] < 0.02


def test_spread_is_told_before_and_after_the_head(trained, scans):
    spread, untrained = trained.spread(scans), SelfSupervised(**FAST, max_iter=0).fit(scans)
    assert spread["projection"] > 0.3 > untrained.spread(scans)["projection"]
    assert 0 < untrained.spread(scans)["embedding"] < spread["embedding"] < 1
    with pytest.raises(ValueError, match="at least two"):
        trained.spread(scans.images[:1])


def test_vicreg_learns_too(scans):
    history = SelfSupervised(**FAST, method="vicreg", max_iter=8).fit(scans).history_
    assert history.valid[-1] < history.valid[0] and history.values("spread")[-1] > 0.05


def test_patients_can_be_positives(scans):
    model = SelfSupervised(**FAST, positives="patient", max_iter=3).fit(scans)
    assert model.history_.train[-1] < model.history_.train[0]
    with pytest.raises(ValueError, match="which images belong to one patient"):
        SelfSupervised(**FAST, positives="patient").fit(scans.images)


# ---------------------------------------------------------------------- as a transformer


def test_embeddings_have_length_one_whatever_the_input(trained, scans):
    few = scans[:5]
    rows = trained.transform(few)
    assert rows.shape == (5, 64) and rows.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-5)
    lazy = ImageSet(LazyImages(lambda i: few[i], 5))
    for same in (few.images, list(few.images), lazy, few.images / 255):
        np.testing.assert_allclose(trained.transform(same), rows, atol=1e-3)
    assert list(trained.get_feature_names_out()[:2]) == ["selfsupervised0", "selfsupervised1"]


def test_cleaning_comes_first_when_asked(scans):
    from octlessons.images.cleaning import clean

    few = scans[::8]
    flat = np.stack([clean(image, size=(32, 32)) for image in few])
    cleaned = SelfSupervised(**{**FAST, "clean": True}, max_iter=0).fit(few)
    plain = SelfSupervised(**FAST, max_iter=0).fit(ImageSet(flat, patients=few.patients))
    np.testing.assert_allclose(cleaned.transform(few), plain.transform(flat), atol=1e-3)


# ---------------------------------------------------------------------- refusals


def test_too_few_images_for_a_batch(scans):
    with pytest.raises(ValueError, match="only 6 images to train on, too few for a batch"):
        SelfSupervised(**FAST).fit(scans.images[:7])
    with pytest.raises(ValueError, match="validation_fraction=0 holds out none"):
        SelfSupervised(**FAST, validation_fraction=0.5).fit(scans.images[:12])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # one epoch on few images
        model = SelfSupervised(**FAST, max_iter=1).fit(scans.images[:12])
    assert model.batch_size_ == 10


def test_images_that_are_too_small():
    with pytest.raises(ValueError, match="Image 0 has 12 × 40 px, but at least 16"):
        SelfSupervised(**FAST).fit(np.zeros((20, 12, 40), np.uint8))


@pytest.mark.parametrize(
    "parameter",
    [{"size": 8}, {"size": 40.5}, {"n_components": 0}, {"max_iter": -1}, {"batch_size": 1},
     {"temperature": 0}, {"validation_fraction": 1}, {"method": "simclear"}, {"positives": "eye"}],
)  # fmt: skip
def test_bad_parameters_are_refused_when_fitting(scans, parameter):
    model = SelfSupervised(**{**FAST, **parameter})
    with pytest.raises(ValueError, match=next(iter(parameter))):
        model.fit(scans)
