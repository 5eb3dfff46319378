"""The training loop: repeatable, resumable, and sentences when it fails."""

import json
import math
import os
import random
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from octlessons.errors import OctlessonsError

torch = pytest.importorskip("torch")

from octlessons._files import write_atomically
from octlessons.networks import Checkpoint, History, TrainingSettings, train
from octlessons.representations import batch_indices, choose_device, seeded

RNG = np.random.default_rng(0)
X = RNG.normal(size=(96, 6)).astype(np.float32)
Y = (X @ RNG.normal(size=(6, 1)) + 0.1 * RNG.normal(size=(96, 1))).astype(np.float32)


@pytest.fixture(autouse=True, scope="module")
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def network():
    """Dropout and batch normalisation: what breaks a resume that forgets something."""
    with seeded(1):
        return torch.nn.Sequential(
            torch.nn.Linear(6, 16),
            torch.nn.BatchNorm1d(16),
            torch.nn.ReLU(),
            torch.nn.Dropout(0.2),
            torch.nn.Linear(16, 1),
        )


def squared(net, batch):
    return ((net(batch[0]) - batch[1]) ** 2).mean()


def batches(_epoch, rng):
    for index in batch_indices(64, 16, rng):
        yield X[index], Y[index]


def valid(_epoch, _rng):
    yield X[64:], Y[64:]


#: Arguments of `train` that are none of its settings.
OTHERS = ("measure", "checkpoint", "report")


def trained(net, loss, feed, valid=None, **given):
    """Train for one epoch, or as asked, on the CPU."""
    others = {name: given.pop(name) for name in OTHERS if name in given}
    kept = {name: given.pop(name) for name in ("key", "resume") if name in given}
    if kept:
        others["checkpoint"] = Checkpoint(others["checkpoint"], **kept)
    settings = TrainingSettings(**{"max_iter": 1, **given})
    return train(net, loss, feed, valid, settings=settings, device="cpu", **others)


def fitted(net=None, **given):
    net = net or network()
    given = {"max_iter": 4, **given}
    return net, trained(net, squared, batches, given.pop("valid", valid), **given)


def weights(net) -> list:
    return [value.clone() for value in net.state_dict().values()]


def same(a, b) -> bool:
    return all(torch.equal(p, q) for p, q in zip(weights(a), weights(b), strict=True))


# ---------------------------------------------------------------------- learning


def test_losses_fall_and_every_epoch_is_recorded():
    _, history = fitted(max_iter=20, learning_rate_init=0.02)
    assert history.train[-1] < 0.5 * history.train[0]
    assert history.valid[-1] < 0.5 * history.valid[0]
    assert [epoch["epoch"] for epoch in history.epochs] == list(range(1, 21))
    assert set(history.epochs[0]) == {"epoch", "train", "valid", "learning_rate", "seconds"}
    assert history.best_epoch == 1 + int(np.argmin(history.valid))


def test_training_loss_is_the_mean_over_images_not_batches():
    history = trained(
        torch.nn.Linear(1, 1),
        lambda net, batch: batch[0].mean() + 0 * net.weight.sum(),
        [(np.zeros((10, 1)),), (np.ones((2, 1)),)],
        max_iter=1,
    )
    assert history.train[0] == pytest.approx(2 / 12)
    assert math.isnan(history.valid[0])


def test_dropout_and_batch_norm_rest_during_validation():
    net, history = fitted(max_iter=1)
    x, y = torch.from_numpy(X[64:]), torch.from_numpy(Y[64:])
    assert not net.training
    with torch.no_grad():
        assert history.valid[0] == pytest.approx(float(squared(net, (x, y))), rel=1e-6)


@pytest.mark.parametrize("solver", ["adam", "adamw", "rmsprop", "sgd"])
def test_every_solver_learns_in_its_own_way(solver):
    settings = {"max_iter": 15, "learning_rate_init": 0.01, "alpha": 0.1, "valid": None}
    net, history = fitted(solver=solver, **settings)
    assert history.train[-1] < history.train[0]
    if solver != "adam":
        assert not same(net, fitted(**settings)[0])


def test_solver_may_be_a_function():
    net, _ = fitted(solver=lambda parameters: torch.optim.Adam(parameters, lr=1e-3))
    assert same(net, fitted()[0])


@pytest.mark.parametrize(
    "setting",
    [
        {"learning_rate_init": 0.01},
        {"alpha": 0.1},
        {"schedule": "cosine"},
        {"schedule": lambda epoch, epochs: 1 / epoch},
        {"clip": 0.1},
        {"precision": "bfloat16"},
        {"random_state": 5},
    ],
    ids=lambda setting: next(iter(setting)),
)
def test_every_setting_changes_the_result(setting):
    plain, _ = fitted(keep_best=False)
    assert not same(fitted(keep_best=False, **setting)[0], plain)


def test_schedule_is_recorded():
    rates = fitted(schedule="cosine", learning_rate_init=0.1)[1].values("learning_rate")
    np.testing.assert_allclose(rates, 0.05 * (1 + np.cos(np.pi * np.arange(4) / 4)))
    rates = fitted(schedule=lambda epoch, epochs: epoch / epochs)[1].values("learning_rate")
    np.testing.assert_allclose(rates, [0.00025, 0.0005, 0.00075, 0.001])


def test_best_weights_are_kept_and_training_stops_early():
    scores = iter([1.0, 3.0, 2.0, 2.5, 2.9, 9.0])
    seen = []

    def measure(net):
        seen.append(weights(net))
        return {"score": next(scores)}

    lines = []
    net, history = fitted(
        max_iter=6, measure=measure, monitor="score", higher_is_better=True, n_iter_no_change=3,
        report=lines.append,
    )  # fmt: skip
    assert len(history) == 5 and history.best_epoch == 2 and history.stopped_early
    assert history.best["score"] == 3.0
    assert all(torch.equal(a, b) for a, b in zip(weights(net), seen[1], strict=True))
    assert lines[-1] == "stopped after epoch 5: score has not improved since epoch 2"
    scores = iter([1.0, 3.0, 2.0, 2.5, 2.9, 9.0])
    last, _ = fitted(
        max_iter=5, measure=measure, monitor="score", higher_is_better=True, keep_best=False
    )
    assert all(torch.equal(a, b) for a, b in zip(weights(last), seen[-1], strict=True))


def test_each_epoch_reports_one_line(capsys):
    fitted(report=print, max_iter=10)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 10
    assert lines[2].startswith("epoch  3/10  train ") and "  valid " in lines[2]
    assert lines[2].endswith(" s")
    fitted(report=None)
    assert capsys.readouterr().out == ""


# ---------------------------------------------------------------------- chance


def test_same_seed_same_bits_and_nobody_elses_chance_is_touched():
    random.seed(3), np.random.seed(3), torch.manual_seed(3)
    first, a = fitted()
    ahead = random.random(), np.random.rand(), torch.rand(1).item()
    random.seed(3), np.random.seed(3), torch.manual_seed(3)
    assert ahead == (random.random(), np.random.rand(), torch.rand(1).item())
    torch.manual_seed(99)
    second, b = fitted()
    assert same(first, second)
    np.testing.assert_array_equal(a.train, b.train)


def test_batches_differ_between_epochs_but_not_between_runs():
    orders = []

    def watched(epoch, rng):
        order = np.concatenate(list(batch_indices(64, 16, rng)))
        orders.append(order)
        yield X[order], Y[order]

    for _ in range(2):
        trained(network(), squared, watched, max_iter=2)
    np.testing.assert_array_equal(orders[0], orders[2])
    np.testing.assert_array_equal(orders[1], orders[3])
    assert not np.array_equal(orders[0], orders[1])


def test_validation_sees_the_same_chance_in_every_epoch():
    drawn = []

    def chancy(_epoch, rng):
        drawn.append((rng.random(), torch.rand(1).item()))
        yield X[64:], Y[64:]

    fitted(valid=chancy)
    assert len(set(drawn)) == 1


def test_batches_hold_every_number_once():
    batched = list(batch_indices(33, 8, np.random.default_rng(0)))
    assert sorted(np.concatenate(batched)) == list(range(33))
    assert [len(batch) for batch in batched] == [8, 8, 8, 9]
    assert [len(batch) for batch in batch_indices(1, 8)] == [1]
    assert list(batch_indices(0, 8)) == []


# ---------------------------------------------------------------------- resuming


@pytest.mark.parametrize("schedule", [None, "cosine"])
def test_resumed_training_is_bit_identical(tmp_path, schedule):
    whole, expected = fitted(max_iter=6, schedule=schedule)
    file = tmp_path / "new folder" / "c.pt"

    def stopping(net, batch):
        if stopping.calls == 14:
            raise KeyboardInterrupt
        stopping.calls += 1
        return squared(net, batch)

    stopping.calls = 0
    settings = dict(max_iter=6, schedule=schedule, checkpoint=file)
    with pytest.raises(KeyboardInterrupt, match="Run the same again to go on"):
        trained(network(), stopping, batches, valid, **settings)
    net, history = network(), None
    history = trained(net, squared, batches, valid, **settings)
    assert history.resumed_from == 2
    assert same(net, whole)
    np.testing.assert_array_equal(history.train, expected.train)
    np.testing.assert_array_equal(history.valid, expected.valid)
    assert sorted(os.listdir(file.parent)) == ["c.pt"]


SCRIPT = """
import sys, time
sys.path.insert(0, {root!r})
import torch
from tests.unit.test_training import batches, network, squared, trained, valid
torch.set_num_threads(1)
def slow(net, batch):
    time.sleep(0.02)
    return squared(net, batch)
trained(network(), slow, batches, valid, max_iter=40, checkpoint={file!r}, report=print)
"""


@pytest.mark.slow
def test_resume_after_sigkill_is_bit_identical(tmp_path):
    from tests.conftest import ROOT

    file = tmp_path / "c.pt"
    script = SCRIPT.format(root=str(ROOT), file=str(file))
    child = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    for line in child.stdout:
        if line.startswith("epoch  3/"):
            break
    time.sleep(0.05)
    child.send_signal(signal.SIGKILL)
    child.wait()
    child.stdout.close()
    whole, expected = fitted(max_iter=40)
    net, history = fitted(max_iter=40, checkpoint=file)
    assert 3 <= history.resumed_from < 40
    assert same(net, whole)
    np.testing.assert_array_equal(history.train, expected.train)


def test_more_epochs_go_on_and_a_finished_training_is_only_read(tmp_path):
    file = tmp_path / "c.pt"
    fitted(max_iter=3, checkpoint=file)
    net, history = fitted(max_iter=5, checkpoint=file)
    assert same(net, fitted(max_iter=5)[0]) and history.resumed_from == 3
    written = file.stat().st_mtime_ns
    again, repeated = fitted(max_iter=5, checkpoint=file)
    assert same(again, net) and len(repeated) == 5 and file.stat().st_mtime_ns == written


def test_early_stop_is_remembered(tmp_path):
    file = tmp_path / "c.pt"
    settings = dict(max_iter=50, n_iter_no_change=2, learning_rate_init=0.2, checkpoint=file)
    net, history = fitted(**settings)
    assert history.stopped_early and len(history) < 50
    again, repeated = fitted(**settings)
    assert repeated.stopped_early and len(repeated) == len(history) and same(net, again)


def test_resume_can_be_refused(tmp_path):
    file = tmp_path / "c.pt"
    fitted(max_iter=3, checkpoint=file)
    _, history = fitted(max_iter=2, checkpoint=file, resume=False)
    assert history.resumed_from is None and len(history) == 2


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"random_state": 1}, "random_state was 0 there and is 1 here"),
        ({"learning_rate_init": 0.5}, "learning_rate_init was 0.001 there and is 0.5 here"),
        ({"solver": "sgd"}, 'solver was "adam" there and is "sgd" here'),
        ({"key": {"images": "b"}}, 'images was "a" there and is "b" here'),
        ({"max_iter": 2}, "has 3 epochs already, more than the 2 asked for"),
        ({"net": torch.nn.Linear(6, 1)}, "holds another network"),
    ],
    ids=["random_state", "rate", "solver", "key", "epochs", "network"],
)
def test_foreign_checkpoint_is_refused(tmp_path, change, words):
    file = tmp_path / "c.pt"
    fitted(max_iter=3, checkpoint=file, key={"images": "a"})
    before = file.read_bytes()
    settings = {"max_iter": 4, "key": {"images": "a"}, **change}
    with pytest.raises(OctlessonsError, match=words) as caught:
        fitted(settings.pop("net", None), checkpoint=file, **settings)
    assert "c.pt" in str(caught.value) and "give another checkpoint" in str(caught.value)
    assert file.read_bytes() == before


@pytest.mark.parametrize("damage", ["cut", "flipped", "empty", "text", "other"])
def test_corrupt_checkpoint_is_refused(tmp_path, damage):
    file = tmp_path / "c.pt"
    net, _ = fitted(max_iter=2, checkpoint=file)
    data = file.read_bytes()
    if damage == "cut":
        file.write_bytes(data[: len(data) // 2])
    elif damage == "flipped":
        where = data.index(net[0].weight.detach().numpy().tobytes()[:64])
        file.write_bytes(data[:where] + bytes([data[where] ^ 1]) + data[where + 1 :])
    elif damage == "other":
        torch.save({"some": "thing"}, file)
    else:
        file.write_bytes(b"" if damage == "empty" else b"epoch 1, loss 0.1\n")
    with pytest.raises(OctlessonsError, match=r"c\.pt .*give another checkpoint"):
        fitted(max_iter=2, checkpoint=file)


def test_checkpoint_executes_nothing(tmp_path):
    class Trap:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "trapped"),)

    torch.save({"what": Trap()}, tmp_path / "c.pt")
    with pytest.raises(OctlessonsError, match="could run code"):
        fitted(checkpoint=tmp_path / "c.pt")
    assert not (tmp_path / "trapped").exists()


def test_file_that_cannot_be_written_is_a_sentence(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(OctlessonsError, match=r"cannot be written .* choose a place"):
        fitted(checkpoint=tmp_path / "file" / "c.pt")

    def half(stream):
        stream.write(b"half")
        raise OSError(28, "No space left on device")

    kept = tmp_path / "kept.pt"
    kept.write_bytes(b"whole")
    with pytest.raises(OctlessonsError, match="No space left"):
        write_atomically(kept, half)
    assert kept.read_bytes() == b"whole" and sorted(os.listdir(tmp_path)) == ["file", "kept.pt"]


# ---------------------------------------------------------------------- failing


def test_nan_loss_names_epoch_batch_and_remedy(tmp_path):
    def breaking(net, batch):
        breaking.calls += 1
        return squared(net, batch) * (float("nan") if breaking.calls == 7 else 1)

    breaking.calls = 0
    net = network()
    with pytest.raises(OctlessonsError, match=r"NaN in epoch 2, batch 3.*smaller learning"):
        trained(net, breaking, batches, max_iter=4)
    assert all(torch.isfinite(value).all() for value in weights(net))


def test_infinite_validation_loss_is_named():
    def breaking(net, batch):
        return squared(net, batch) * (1 if net.training else float("inf"))

    with pytest.raises(OctlessonsError, match="validation loss became infinite in epoch 1"):
        trained(network(), breaking, batches, valid, max_iter=4)


def test_diverging_training_is_a_sentence():
    with pytest.raises(OctlessonsError, match=r"epoch \d+, batch \d+"):
        fitted(max_iter=30, solver="sgd", learning_rate_init=1e20)


def test_nan_in_the_images_is_told_apart():
    bad = X.copy()
    bad[3, 2] = np.nan
    with pytest.raises(OctlessonsError, match="The batch itself holds NaN"):
        trained(network(), squared, [(bad, Y)], max_iter=1)


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB"),
        RuntimeError(
            "[enforce fail at alloc_cpu.cpp:117] DefaultCPUAllocator: can't allocate memory"
        ),
        MemoryError(),
    ],
    ids=["gpu", "cpu", "numpy"],
)
def test_out_of_memory_is_a_sentence(tmp_path, error):
    def hungry(net, batch):
        hungry.calls += 1
        if hungry.calls > 5:
            raise error
        return squared(net, batch)

    hungry.calls = 0
    with pytest.raises(OctlessonsError, match=r"epoch 2. Take a smaller batch_size.*Epoch 1 is"):
        trained(
            network(), hungry, batches, max_iter=3,
            checkpoint=tmp_path / "c.pt",
        )  # fmt: skip


def test_other_errors_pass_through():
    def wrong(net, batch):
        raise RuntimeError("mat1 and mat2 shapes cannot be multiplied")

    with pytest.raises(RuntimeError, match="mat1 and mat2"):
        trained(network(), wrong, batches, max_iter=1)


def test_interruption_without_checkpoint_says_so():
    def stopping(net, batch):
        raise KeyboardInterrupt

    lines = []
    with pytest.raises(KeyboardInterrupt, match=r"in epoch 1\. Nothing was kept: give checkpoint="):
        trained(network(), stopping, batches, max_iter=1, report=lines.append)
    assert "Nothing was kept" in lines[-1]


def test_no_batches_is_a_sentence():
    with pytest.raises(OctlessonsError, match="There are no training images"):
        trained(network(), squared, [], max_iter=1)
    with pytest.raises(OctlessonsError, match="There are no validation images"):
        fitted(valid=[])


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"max_iter": 0}, "`max_iter` is a whole number"),
        ({"learning_rate_init": 0}, "`learning_rate_init` is a number above 0"),
        ({"learning_rate_init": math.nan}, "`learning_rate_init`"),
        ({"alpha": -1}, "`alpha`"),
        ({"n_iter_no_change": 0}, "`n_iter_no_change`"),
        ({"random_state": 1.5}, "`random_state`"),
        ({"solver": "newton"}, "'adam', 'adamw', 'rmsprop', 'sgd'"),
        ({"precision": "float8"}, "`precision`"),
        ({"schedule": "linear"}, "`schedule`"),
        ({"monitor": "score"}, "no `measure` that gives it"),
        ({"valid": None, "n_iter_no_change": 3}, "needs something to watch"),
        ({"measure": lambda net: {"train": 1.0}}, "`measure` may not give train"),
        (
            {"measure": lambda net: {"f1": 1.0}, "monitor": "f2"},
            "`monitor` is 'f2', but an epoch records only",
        ),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_wrong_settings_are_sentences(settings, words):
    with pytest.raises(ValueError, match=words):
        fitted(**settings)


def test_device_is_chosen_or_refused():
    assert choose_device() in ("cuda", "mps", "cpu")
    assert choose_device("cpu") == "cpu"
    with pytest.raises(OctlessonsError, match="no device 'abacus' that torch can use here"):
        choose_device("abacus")
    if not torch.cuda.is_available():
        with pytest.raises(OctlessonsError, match=r"'cuda:7'.*'auto'"):
            choose_device("cuda:7")


def test_missing_torch_is_a_sentence(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(OctlessonsError, match=r"pip install .*\[deep\]"):
        choose_device()


# ---------------------------------------------------------------------- history


def test_history_survives_json():
    _, history = fitted(measure=lambda net: {"f1": math.nan}, max_iter=3)
    text = history.to_json()
    json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))
    back = History.from_json(text)
    np.testing.assert_array_equal(back.valid, history.valid)
    assert back.best_epoch == history.best_epoch and math.isnan(back.epochs[0]["f1"])
    assert back.settings["solver"] == "adam"
    assert back.settings["n_parameters"] == sum(p.numel() for p in network().parameters())
    with pytest.raises(OctlessonsError, match="not the history of a training"):
        History.from_json('{"weather": "fine"}')


def test_history_shows_itself():
    _, history = fitted(max_iter=30, learning_rate_init=0.01)
    text = repr(history)
    assert f"{history.best_epoch} (best)" in text and "30 epochs on cpu" in text
    assert len(text.splitlines()) < 15 and "…" in text
    html = history._repr_html_()
    assert "<caption>Training of 30 epochs on cpu</caption>" in html
    assert html.count("<tr>") == len(text.splitlines()) - 1
    assert "no epochs" in repr(History())
