"""Everything that takes images goes where scikit-learn's estimators go.

Two batteries: scikit-learn's tools on image sets of every kind, and scikit-learn's own checks of
estimators, for which `OnTables` turns the tables that they bring into small images.
"""

import io
import math
from functools import partial
from unittest import SkipTest

import joblib
import numpy as np
import pytest
from PIL import Image
from scipy.special import expit
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import (
    GridSearchCV,
    GroupKFold,
    cross_val_predict,
    cross_val_score,
    learning_curve,
    train_test_split,
)
from sklearn.pipeline import FeatureUnion, make_pipeline
from sklearn.utils.estimator_checks import estimator_checks_generator
from sklearn.utils.validation import validate_data

from octlessons.images import ImageSet, load_images
from octlessons.networks import ConvAutoencoder, SelfSupervised, SmallCNN
from octlessons.representations import PhantomEncoder, Pixels, PretrainedCNN

ONCE = {"max_iter": 1, "batch_size": 8, "device": "cpu", "verbose": False}
REPRESENTATIONS = {
    "pixels": partial(Pixels, size=8),
    "cleaned": partial(Pixels, size=8, clean=True),
    "encoder, labels": partial(PhantomEncoder, "labels", n_threads=1),
    "encoder, views": partial(PhantomEncoder, "views", n_threads=1),
    "pretrained": partial(
        PretrainedCNN, "squeezenet1_1", size=32, engine="torch", device="cpu", download=False
    ),
    "autoencoder": partial(
        ConvAutoencoder, 16, 1, code_channels=1, width=2, validation_fraction=0.25, **ONCE
    ),
    "selfsupervised": partial(
        SelfSupervised, 16, width=2, n_components=4, clean=False, validation_fraction=0.25, **ONCE
    ),
}
TORCH = ("pretrained", "autoencoder", "selfsupervised", "classifier")
ENCODERS = ("encoder, labels", "encoder, views")
KINDS = ("in memory", "from a folder", "resized", "mapped", "augmented")


def marked(names, also=()):
    """The names as parameters; those of networks are slow."""
    slow = (*TORCH, *also)
    return [pytest.param(name, marks=pytest.mark.slow if name in slow else ()) for name in names]


@pytest.fixture(scope="module")
def memory(phantoms) -> ImageSet:
    """Sixteen phantoms of two classes, at 32 px."""
    chosen = np.concatenate(
        [np.flatnonzero(phantoms.labels == label)[:8] for label in np.unique(phantoms.labels)[:2]]
    )
    return phantoms[chosen].resize(32)


@pytest.fixture(scope="module")
def sets(memory, tmp_path_factory) -> dict[str, ImageSet]:
    pytest.importorskip("albumentations")
    from octlessons.augmentation import augment

    folder = tmp_path_factory.mktemp("scans")
    for i, image in enumerate(memory.images):
        name = memory.class_names[memory.labels[i]]
        (folder / name).mkdir(exist_ok=True)
        Image.fromarray(image).save(folder / name / f"{name}-{i // 2}-{i % 2}.png")
    lazy = load_images(folder)
    assert lazy.is_lazy and lazy.patients is not None
    return {
        "in memory": memory,
        "from a folder": lazy,
        "resized": lazy.resize(30),
        "mapped": lazy.map(np.flipud),
        "augmented": augment(lazy, copies=1),
    }


@pytest.fixture(autouse=True)
def weights(tmp_path_factory, monkeypatch, request):
    """A SqueezeNet of random weights where the test takes one."""
    if request.node.callspec.params.get("name") in TORCH:
        torch = pytest.importorskip("torch")
    if request.node.callspec.params.get("name") == "pretrained":
        from octlessons._optional import import_torchvision

        folder = tmp_path_factory.getbasetemp() / "squeezenet"
        file = folder / "squeezenet1_1.pth"
        if not file.exists():
            folder.mkdir(exist_ok=True)
            torch.manual_seed(1)
            torch.save(import_torchvision().models.squeezenet1_1().state_dict(), file)
        monkeypatch.setenv("OCTLESSONS_WEIGHTS", str(folder))


# ---------------------------------------------------------------------- scikit-learn's tools


def chosen_and_judged(road, images, groups=None):
    """Run all of model selection, and return the predictions of cross-validation."""
    labels = images.labels
    train, test, wanted, others = train_test_split(
        images, labels, stratify=labels, random_state=0, test_size=0.5
    )
    assert isinstance(train, ImageSet) and len(train) + len(test) == len(images)
    assert clone(road).fit(train, wanted).predict(test).shape == others.shape
    assert np.isfinite(cross_val_score(road, images, labels, cv=2)).all()
    folds = {"groups": images.patients, "cv": GroupKFold(2)}
    assert np.isfinite(cross_val_score(road, images, labels, **folds)).all()
    step, parameter = road.steps[0][0], "batch_size"
    grid = GridSearchCV(road, {f"{step}__{parameter}": [4, 8]}, cv=2).fit(images, labels)
    assert np.isfinite(grid.best_score_)
    _, _, scores = learning_curve(road, images, labels, train_sizes=[0.75], cv=2)
    assert np.isfinite(scores).all()
    return cross_val_predict(road, images, labels, cv=2)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", marked(REPRESENTATIONS, also=ENCODERS))
def test_model_selection_takes_image_sets(sets, name, kind):
    images = sets[kind]
    road = make_pipeline(REPRESENTATIONS[name](), LogisticRegression(max_iter=2000))
    found = chosen_and_judged(road, images)
    assert found.shape == images.labels.shape


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", marked(["classifier"]))
def test_model_selection_takes_the_classifier(sets, name, kind):
    images = sets[kind]
    road = make_pipeline(SmallCNN(size=16, width=2, **ONCE))
    found = chosen_and_judged(road, images)
    assert set(found) <= set(images.labels)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", marked(REPRESENTATIONS))
def test_copies_names_and_unions(sets, name, kind):
    pandas = pytest.importorskip("pandas")
    images = sets[kind]
    fitted = REPRESENTATIONS[name]().fit(X=images)  # by keyword, as scikit-learn names it
    rows = fitted.transform(X=images)
    assert rows.dtype == np.float32 and len(rows) == len(images)
    names = fitted.get_feature_names_out()
    assert list(names) == [f"{type(fitted).__name__.lower()}{i}" for i in range(rows.shape[1])]
    stream = io.BytesIO()
    joblib.dump(fitted, stream)
    stream.seek(0)
    np.testing.assert_allclose(joblib.load(stream).transform(images), rows, atol=1e-5)
    assert clone(fitted).get_params() == fitted.get_params()
    table = clone(fitted).set_output(transform="pandas").fit_transform(images)
    assert isinstance(table, pandas.DataFrame) and list(table.columns) == list(names)
    both = FeatureUnion([("a", clone(fitted)), ("b", Pixels(size=4))]).fit_transform(images)
    assert both.shape == (len(images), rows.shape[1] + 16)


# ---------------------------------------------------------------------- scikit-learn's checks


class OnTables:
    """Before an estimator of images: each row of a table becomes a small image of stripes."""

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = True
        tags.input_tags.three_d_array = False
        if tags.classifier_tags is not None:
            tags.classifier_tags.poor_score = True  # an epoch is not enough
        return tags

    def _pictures(self, X, **how):
        if (
            isinstance(X, np.ndarray) and X.ndim == 3
        ):  # `predict` asks `predict_proba`, and has made pictures already
            return X
        table = validate_data(self, X, **how)
        shares = expit(table.astype(np.float64)).astype(np.float32)
        side = math.ceil(32 / shares.shape[1])
        return np.repeat(np.repeat(shares, side, axis=1)[:, None, :], 32, axis=1)

    def fit(self, X, y=None):
        return super().fit(self._pictures(X), y)


class RowsOnTables(OnTables):
    def transform(self, X):
        return super().transform(self._pictures(X, reset=False))

    def fit_transform(self, X, y=None):
        return self.fit(X, y).transform(X)


class PixelsOnTables(RowsOnTables, Pixels):
    pass


class PhantomEncoderOnTables(RowsOnTables, PhantomEncoder):
    pass


class PretrainedOnTables(RowsOnTables, PretrainedCNN):
    pass


class AutoencoderOnTables(RowsOnTables, ConvAutoencoder):
    pass


class SelfSupervisedOnTables(RowsOnTables, SelfSupervised):
    pass


CHECKED = {
    "pixels": (PixelsOnTables, REPRESENTATIONS["pixels"]),
    "cleaned": (PixelsOnTables, REPRESENTATIONS["cleaned"]),
    "encoder, labels": (PhantomEncoderOnTables, REPRESENTATIONS["encoder, labels"]),
    "encoder, views": (PhantomEncoderOnTables, REPRESENTATIONS["encoder, views"]),
    "pretrained": (PretrainedOnTables, REPRESENTATIONS["pretrained"]),
    "autoencoder": (AutoencoderOnTables, REPRESENTATIONS["autoencoder"]),
    "selfsupervised": (SelfSupervisedOnTables, REPRESENTATIONS["selfsupervised"]),
}


#: Checks that fail for a reason that holds for networks.
EXPECTED = {
    "pretrained": {
        "check_methods_subset_invariance": "batches of another size differ in float32's last bits",
    },
    "selfsupervised": {
        "check_transformer_n_iter": "epochs are in history_, there is no n_iter_",
        "check_fit2d_1sample": "its sentence says what to do instead of scikit-learn's phrase",
    },
    "autoencoder": {
        "check_transformer_n_iter": "epochs are in history_, there is no n_iter_",
        "check_fit2d_1sample": "its sentence says what to do instead of scikit-learn's phrase",
    },
}
N_CHECKS = 40  # at least: fewer would mean that the battery is switched off


def checks_of(name):
    kind, made = CHECKED[name]
    return list(estimator_checks_generator(kind(**made().get_params()), mark=None))


@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=pytest.mark.slow) for n in CHECKED if n != "pixels"] + ["pixels"]
)
@pytest.mark.filterwarnings("ignore")
def test_scikit_learns_own_checks(name):
    passed, failed = 0, {}
    for estimator, check in checks_of(name):
        title = getattr(check, "func", check).__name__
        try:
            check(estimator)
            passed += 1
        except SkipTest:
            continue
        except Exception as problem:
            failed[title] = problem
    unexpected = {
        title: why for title, why in failed.items() if title not in EXPECTED.get(name, {})
    }
    assert not unexpected
    assert passed >= N_CHECKS
