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
    "encoder": partial(PhantomEncoder, n_threads=1),
    "pretrained": partial(
        PretrainedCNN, "squeezenet1_1", size=32, engine="torch", device="cpu", download=False
    ),
    "autoencoder": partial(
        ConvAutoencoder, 16, 1, code_channels=1, width=2, validation_fraction=0.25, **ONCE
    ),
    "selfsupervised": partial(
        SelfSupervised, 16, width=2, n_components=4, clean=False, validation_fraction=0, **ONCE
    ),
}
CLASSIFIER = partial(
    SmallCNN, 16, width=2, n_iter_no_change=1, monitor="macro_f1", validation_fraction=0.25, **ONCE
)
TORCH = ("pretrained", "autoencoder", "selfsupervised", "classifier")
KINDS = ("in memory", "from a folder", "resized", "mapped", "augmented")


def marked(names):
    """The names as parameters; all but those of pixels are slow."""
    return [pytest.param(n, marks=() if n == "pixels" else pytest.mark.slow) for n in names]


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
    name = request.node.callspec.params.get("name") if hasattr(request.node, "callspec") else None
    if name in TORCH:
        torch = pytest.importorskip("torch")
    if name == "pretrained":
        from octlessons._optional import import_torchvision

        folder = tmp_path_factory.getbasetemp() / "squeezenet"
        file = folder / "squeezenet1_1.pth"
        if not file.exists():
            folder.mkdir(exist_ok=True)
            torch.manual_seed(1)
            torch.save(import_torchvision().models.squeezenet1_1().state_dict(), file)
        monkeypatch.setenv("OCTLESSONS_WEIGHTS", str(folder))


# ---------------------------------------------------------------------- scikit-learn's tools


def choose_and_judge(road, images):
    """Run all of model selection, and return the predictions of cross-validation."""
    labels = images.labels
    train, test, wanted, others = train_test_split(
        images, labels, stratify=labels, random_state=0, test_size=0.5
    )
    assert isinstance(train, ImageSet) and len(train) + len(test) == len(images)
    assert clone(road).fit(train, wanted).predict(test).shape == others.shape
    folds = {"groups": images.patients, "cv": GroupKFold(2)}
    assert np.isfinite(cross_val_score(road, images, labels, **folds)).all()
    sizes = {f"{road.steps[0][0]}__batch_size": [4]}
    assert np.isfinite(GridSearchCV(road, sizes, cv=2).fit(images, labels).best_score_)
    _, _, scores = learning_curve(road, images, labels, train_sizes=[1.0], cv=2)
    assert np.isfinite(scores).all()
    return cross_val_predict(road, images, labels, cv=2)


@pytest.mark.parametrize("kind", KINDS)
def test_model_selection_takes_image_sets_of_every_kind(sets, kind):
    road = make_pipeline(Pixels(size=8), LogisticRegression(max_iter=2000))
    assert choose_and_judge(road, sets[kind]).shape == sets[kind].labels.shape


@pytest.mark.parametrize("name", marked([name for name in REPRESENTATIONS if name != "pixels"]))
def test_model_selection_takes_every_representation(sets, name):
    images = sets["mapped"]
    road = make_pipeline(REPRESENTATIONS[name](), LogisticRegression(max_iter=2000))
    assert choose_and_judge(road, images).shape == images.labels.shape


@pytest.mark.slow
def test_model_selection_takes_the_classifier(sets):
    pytest.importorskip("torch")
    found = choose_and_judge(make_pipeline(CLASSIFIER()), sets["mapped"])
    assert set(found) <= set(sets["mapped"].labels)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", marked(REPRESENTATIONS))
def test_every_representation_takes_image_sets_of_every_kind(sets, name, kind):
    images = sets[kind]
    fitted = REPRESENTATIONS[name]().fit(X=images)  # by keyword, as scikit-learn names it
    rows = fitted.transform(X=images)
    assert rows.dtype == np.float32 and rows.shape == (len(images), fitted.n_features_out_)
    assert np.isfinite(rows).all()


@pytest.mark.parametrize("name", marked(REPRESENTATIONS))
def test_copies_names_and_unions(sets, name):
    pandas = pytest.importorskip("pandas")
    images = sets["mapped"]
    fitted = REPRESENTATIONS[name]().fit(images)
    rows = fitted.transform(images)
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


class ClassifierOnTables(OnTables, SmallCNN):
    def predict_proba(self, X):
        return super().predict_proba(self._pictures(X, reset=False))


CHECKED = {
    "pixels": PixelsOnTables,
    "cleaned": PixelsOnTables,
    "encoder": PhantomEncoderOnTables,
    "pretrained": PretrainedOnTables,
    "autoencoder": AutoencoderOnTables,
    "selfsupervised": SelfSupervisedOnTables,
    "classifier": ClassifierOnTables,
}

#: Checks that fail for a reason that holds for networks.
NO_ITERATIONS = {
    "check_transformer_n_iter": "epochs are in history_, there is no n_iter_",
    "check_non_transformer_estimators_n_iter": "the same",
}
ONE_IMAGE = {"check_fit2d_1sample": "its sentence says what to do, in other words"}
EXPECTED = {
    "pretrained": {
        "check_methods_subset_invariance": "batches of another size differ in float32's last bits",
    },
    "autoencoder": NO_ITERATIONS | ONE_IMAGE,
    "selfsupervised": NO_ITERATIONS | ONE_IMAGE,
    "classifier": NO_ITERATIONS
    | {
        "check_requires_y_none": "its sentence says where labels come from, in other words",
        "check_supervised_y_2d": "labels of MedMNIST are a column, and taken without a warning",
    },
}
N_CHECKS = 40  # at least: fewer would mean that the battery is switched off


def on_tables(name):
    """An estimator that takes tables, and works on the images it makes of them."""
    return CHECKED[name](**(REPRESENTATIONS | {"classifier": CLASSIFIER})[name]().get_params())


@pytest.mark.parametrize("name", marked(CHECKED))
@pytest.mark.filterwarnings("ignore")
def test_scikit_learns_own_checks(name):
    passed, failed = 0, {}
    for estimator, check in estimator_checks_generator(on_tables(name), mark=None):
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
