"""The checks of an installation, each with its fault."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from octlessons import OctlessonsError, doctor
from octlessons._optional import install_command


def test_every_check_runs_and_failures_come_with_a_fix():
    checks = doctor.examine()
    assert len(checks) >= 10
    assert all(check.found for check in checks)
    assert all(check.fix for check in checks if check.state == "fail")


@pytest.mark.parametrize(
    ("version", "state"),
    [((3, 10), "fail"), ((3, 11), "ok"), ((3, 13), "ok"), ((3, 14), "fail")],
)
def test_python(monkeypatch, version, state):
    monkeypatch.setattr(sys, "version_info", (*version, 0, "final", 0))
    check = doctor.check_python()
    assert check.state == state and bool(check.fix) == (state == "fail")


def without(monkeypatch, *names):
    """Make packages look as if they were not installed."""
    version = doctor.metadata.version

    def asked(name):
        if name in names:
            raise doctor.metadata.PackageNotFoundError(name)
        return version(name)

    monkeypatch.setattr(doctor.metadata, "version", asked)


def test_a_missing_core_package_is_a_failure_with_the_command(monkeypatch):
    without(monkeypatch, "scipy")
    check = doctor.check_core()
    assert check.state == "fail" and check.found == "missing: scipy"
    assert check.fix == install_command()


def test_what_was_not_asked_for_is_no_failure(monkeypatch):
    """A core installation is sound: nothing of the book, of networks or of grading is there."""
    optional = [name for extra, names in doctor.BRINGS.items() if extra for name in names]
    without(monkeypatch, *optional)
    for check, extra in (
        (doctor.check_book, "book"),
        (doctor.check_deep, "deep"),
        (doctor.check_isolation, "grade"),
    ):
        found = check()
        assert found.state == "note" and "optional" in found.found
        assert found.fix == install_command(extra)


def test_the_command_fits_a_checkout_and_a_wheel(monkeypatch, tmp_path):
    from octlessons import _optional

    assert install_command("book") == 'python -m pip install -c constraints.txt -e ".[book]"'
    monkeypatch.setattr(_optional, "__file__", str(tmp_path / "octlessons" / "_optional.py"))
    assert install_command("book") == 'python -m pip install "octlessons[book]"'
    assert install_command() == 'python -m pip install "octlessons"'


def test_pins_are_read_and_compared(tmp_path):
    pins = tmp_path / "constraints.txt"
    pins.write_text("# note\nNumPy==0.0.1  # old\nscikit_learn==9 ; python_version>'3'\nother\n")
    assert doctor.read_pins(pins) == {"numpy": "0.0.1", "scikit-learn": "9"}
    check = doctor.check_pins(tmp_path)
    assert check.state == "note" and "(not 0.0.1)" in check.found and "pip install" in check.fix
    assert doctor.check_pins(None).state == "note"


def test_another_kernel_is_noticed(monkeypatch, tmp_path):
    kernelspec = pytest.importorskip("jupyter_client.kernelspec")

    def use(*argv):
        spec = SimpleNamespace(argv=list(argv))
        monkeypatch.setattr(
            kernelspec.KernelSpecManager, "get_kernel_spec", lambda self, name: spec
        )
        return doctor.check_kernel()

    assert use("python3", "-m", "ipykernel_launcher").state == "ok"
    assert use(sys.executable, "-m", "ipykernel_launcher").state == "ok"
    other = use(str(tmp_path / "python"), "-m", "ipykernel_launcher")
    assert other.state == "fail" and "kernelspec remove" in other.fix
    assert str(tmp_path) not in other.found


def test_no_kernel_is_noticed(monkeypatch):
    kernelspec = pytest.importorskip("jupyter_client.kernelspec")

    def missing(self, name):
        raise kernelspec.NoSuchKernel(name)

    monkeypatch.setattr(kernelspec.KernelSpecManager, "get_kernel_spec", missing)
    check = doctor.check_kernel()
    assert check.state == "fail" and "ipykernel install" in check.fix


def test_a_folder_that_cannot_be_written_to(monkeypatch, tmp_path):
    assert doctor.check_writing(tmp_path).state == "ok"
    assert list(tmp_path.iterdir()) == []
    check = doctor.check_writing(tmp_path / "gone")
    assert check.state == "fail" and check.fix


def test_a_full_disk_and_a_small_memory(monkeypatch, tmp_path):
    usage = SimpleNamespace(free=2e8)
    monkeypatch.setattr(doctor.shutil, "disk_usage", lambda folder: usage)
    check = doctor.check_disk(tmp_path)
    assert check.state == "fail" and check.fix.startswith("Free 0.8 GB")
    for size, state in ((None, "note"), (1.0, "fail"), (8.0, "ok")):
        monkeypatch.setattr(doctor, "memory_gb", lambda size=size: size)
        assert doctor.check_memory().state == state


def test_memory_is_measured():
    size = doctor.memory_gb()
    assert size is None or 0.1 < size < 10_000


def test_downloaded_data_are_listed(monkeypatch, tmp_path):
    monkeypatch.setenv("OCTLESSONS_MEDMNIST_ROOT", str(tmp_path))
    assert "octlessons fetch" in doctor.check_data().fix
    (tmp_path / "octmnist.npz").touch()
    assert doctor.check_data().found == "octmnist.npz"


def test_networks_that_cannot_be_imported_are_noticed(monkeypatch):
    from octlessons import _optional

    def broken():
        raise OctlessonsError("torch cannot be imported: install it anew")

    monkeypatch.setattr(doctor.metadata, "version", lambda name: "1.0")
    monkeypatch.setattr(_optional, "import_torchvision", broken)
    check = doctor.check_deep()
    assert check.state == "fail" and check.found == "torch cannot be imported" and check.fix


def test_weights_on_this_machine_are_listed(monkeypatch):
    from octlessons.representations import weights

    monkeypatch.setattr(weights, "weights_here", lambda: ["efficientnet_b0", "resnet18"])
    monkeypatch.setattr(weights, "find_weights", lambda name: None)
    assert doctor.check_weights().found == "efficientnet_b0, resnet18"
    monkeypatch.setattr(weights, "weights_here", list)
    assert doctor.check_weights().state == "note"


def test_a_browser_can_be_named(monkeypatch, tmp_path):
    program = tmp_path / "my-chromium"
    program.touch()
    monkeypatch.setenv("OCTLESSONS_CHROMIUM", str(program))
    assert doctor.find_browser() == str(program)
    monkeypatch.delenv("OCTLESSONS_CHROMIUM")
    monkeypatch.setattr(doctor.shutil, "which", lambda name: None)
    monkeypatch.setattr(Path, "is_file", lambda self: False)
    assert doctor.find_browser() is None
    assert doctor.check_browser().state == "note"


def test_the_isolation_that_holds_is_named(monkeypatch):
    from octlessons.grading import sandbox

    monkeypatch.setattr(doctor.metadata, "version", lambda name: "1.0")
    monkeypatch.setattr(sandbox, "choose", lambda: "confined")
    check = doctor.check_isolation()
    assert (check.state, check.found) == ("ok", "confined")


@pytest.mark.parametrize(("system", "way"), [("linux", "bubblewrap"), ("darwin", "docker")])
def test_without_isolation_there_is_a_note_that_names_no_folder(monkeypatch, system, way):
    from octlessons.grading import sandbox

    def none_holds():
        raise OctlessonsError("confined: only root can open /secret/place")

    monkeypatch.setattr(doctor.metadata, "version", lambda name: "1.0")
    monkeypatch.setattr(sandbox, "choose", none_holds)
    monkeypatch.setattr(doctor.sys, "platform", system)
    check = doctor.check_isolation()
    assert check.state == "note" and way in check.fix
    assert "/secret" not in check.found + check.fix


def test_without_the_grader_isolation_is_not_tried(monkeypatch):
    from octlessons.grading import sandbox

    without(monkeypatch, *doctor.BRINGS["grade"])
    monkeypatch.setattr(sandbox, "choose", lambda: pytest.fail("tried"))
    check = doctor.check_isolation()
    assert check.state == "note" and "[grade]" in check.fix


def test_a_check_that_breaks_does_not_stop_the_others():
    def check_thing():
        raise RuntimeError("broken")

    check = doctor._safely(check_thing)
    assert (check.name, check.state) == ("thing", "note") and "broken" in check.found


def test_the_report_tells_no_folders():
    report = doctor.report(doctor.examine())
    assert str(Path.home()) not in report or str(Path.home()) == "/"
    assert str(Path.cwd()) not in report
    assert "octlessons" in report and "Python" in report


def test_the_list_ends_with_a_verdict():
    good, bad = doctor.Check("a", "ok", "x"), doctor.Check("b", "fail", "y", "do z")
    assert doctor.show([good]).endswith("Nothing is broken here.")
    assert "→ do z" in doctor.show([good, bad])
    assert "1 of 2 checks failed" in doctor.show([good, bad])
