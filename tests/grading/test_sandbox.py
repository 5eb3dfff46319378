"""Every way of isolation: its self-test passes, attempts fail, weakened ways are refused.

A way that this machine does not have is skipped, with the reason.
"""

import json
import os
import re
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

import psutil
import pytest

from octlessons.errors import OctlessonsError
from octlessons.grading import sandbox
from octlessons.grading.sandbox import confined, container, host
from octlessons.grading.sandbox.bubblewrap import Bubblewrap
from octlessons.grading.sandbox.zygote import Zygote
from octlessons.grading.worker import seccomp
from tests.conftest import ROOT
from tests.grading import breakouts

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="the tests look into /proc"),
]

# A way, and as whom the grader runs.
CASES = (
    *(("bubblewrap", "root"), ("bubblewrap", "user")),
    *(("confined", "root"), ("confined", "user"), ("container", "root")),
)


def _stage(who: str) -> list[str]:
    """What goes before a command to run it as root or as a plain user; the libraries readable."""
    if os.geteuid() != 0:
        if who == "root":
            pytest.skip("needs root")
        return []
    if not shutil.which("bwrap") or not shutil.which("setpriv"):
        pytest.skip("bubblewrap and setpriv make the stage for this test")
    stage = ["bwrap", "--cap-add", "ALL", "--dev-bind", "/", "/"]
    places = host.libraries()
    closed = {path for place in places for path in confined.closed(place)}
    for folder in sorted(closed):
        if not any(folder != other and folder.is_relative_to(other) for other in closed):
            stage += ["--tmpfs", str(folder), "--chmod", "0755", str(folder)]
            for place in places:
                if place.is_relative_to(folder):
                    inside = str(folder / place.relative_to(folder).parts[0])
                    stage += ["--bind", inside, inside]
    if who == "user":
        stage += ["setpriv", "--reuid", "1001", "--regid", "1001", "--clear-groups"]
        stage += ["--inh-caps=-all"]
    if subprocess.run([*stage, "true"], capture_output=True).returncode:
        pytest.skip("this machine does not let bubblewrap make the stage for this test")
    return stage


@pytest.fixture(scope="session")
def engine(tmp_path_factory):
    """Environment in which docker or podman works, if any does.

    Some machines have control groups of both versions, which podman's runtime refuses; there,
    podman is started without the second.
    """
    if not container.engine():
        pytest.skip("neither docker nor podman answers")
    unified = Path("/sys/fs/cgroup/unified")
    if os.geteuid() != 0 or not unified.is_mount() or "podman" not in container.engine():
        return dict(os.environ)
    folder = tmp_path_factory.mktemp("bin")
    script = f'umount {unified}; exec {container.engine()} "$@"'
    (folder / "podman").write_text(f"#!/bin/sh\nexec unshare -m sh -c '{script}' sh \"$@\"\n")
    (folder / "podman").chmod(0o755)
    return os.environ | {"PATH": f"{folder}:{os.environ['PATH']}"}


@pytest.fixture
def environment(request, case):
    if case[0] == "container":
        return request.getfixturevalue("engine")
    return dict(os.environ)


def _program(case, environment, *arguments) -> subprocess.CompletedProcess:
    way, who = case
    stage = _stage(who) if way != "container" else []
    return subprocess.run(
        [*stage, sys.executable, *arguments],
        cwd=ROOT,
        env=environment | {"PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=300,
    )


_FOUND: dict = {}


@pytest.fixture
def found(case, environment):
    """What `breakouts` says of a way, asked once."""
    if case not in _FOUND:
        done = _program(case, environment, "-m", "tests.grading.breakouts", case[0])
        assert not done.returncode, done.stderr
        _FOUND[case] = json.loads(done.stdout)
    if "is not available" in _FOUND[case]["trouble"] or "not start" in _FOUND[case]["trouble"]:
        pytest.skip(_FOUND[case]["trouble"])
    return _FOUND[case]


@pytest.mark.parametrize("case", CASES, ids="-".join)
def test_the_self_test_passes(found):
    assert found["trouble"] == ""


@pytest.mark.parametrize("name", breakouts.NAMES)
@pytest.mark.parametrize("case", CASES, ids="-".join)
def test_attempt_fails(found, name):
    outcome = found["attempts"][name]
    assert outcome["kind"] in ("done", "error", "Closed", "Unreadable")
    assert outcome["kind"] != "done" or not outcome["value"]
    assert name not in breakouts.ENDLESS or outcome["kind"] != "done"


@pytest.mark.parametrize("case", CASES, ids="-".join)
def test_a_child_that_floods_and_does_not_read_is_ended_in_time(found):
    assert found["deaf"]["kind"] in ("Closed", "Unreadable")
    assert found["deaf"]["why"] == "wall"


@pytest.mark.parametrize("case", CASES, ids="-".join)
def test_large_arrays_come_through(found):
    assert found["large"] is True


@pytest.mark.parametrize("case", CASES, ids="-".join)
def test_nothing_is_left_behind(found):
    assert found["left"] == []
    assert found["folders"] == []


_JUDGE = """
import sys, time, psutil
from octlessons.grading import sandbox
zygote = sandbox.start(sys.argv[1], ["numpy"])
child = zygote.child(1 << 30, 60)
child.ask(30, "load", b"def f():\\n    while True:\\n        pass\\n", "f.py", 0)
print(*[process.pid for process in psutil.Process().children(recursive=True)], flush=True)
child.ask(300, "call", "f", (), {})
"""


@pytest.mark.parametrize(
    "case", [("bubblewrap", "root"), ("confined", "user"), ("container", "root")], ids="-".join
)
def test_everything_ends_when_the_judge_is_killed(case, environment, found):
    stage = _stage(case[1]) if case[0] == "confined" else []
    judge = subprocess.Popen(
        [*stage, sys.executable, "-c", _JUDGE, case[0]],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert judge.stdout.readline().strip()
    mine = [psutil.Process(judge.pid), *psutil.Process(judge.pid).children(recursive=True)]
    worker = [p for p in psutil.process_iter(["cmdline"]) if _is_worker_of(p, mine)]
    assert worker
    python = next(p for p in mine if _JUDGE in p.cmdline()[:4] and "python" in p.name())
    os.kill(python.pid, signal.SIGKILL)
    judge.wait(10)
    left = psutil.wait_procs(worker, 20)[1]
    for process in left:
        process.kill()
    assert not left


def _is_worker_of(process, judges) -> bool:
    """Whether it is a worker started by one of these; a container's has no such parent."""
    if not any("octlessons.grading.worker" in part for part in process.info["cmdline"] or ()):
        return False
    try:
        above = process.parents()
    except psutil.NoSuchProcess:
        return False
    return any(p in judges or p.name() == "conmon" for p in above)


# Lets every call through.
_NO_FILTER = struct.pack("<HBBI", 0x06, 0, 0, 0x7FFF0000)


def test_no_filter_is_noticed(isolation, monkeypatch):
    monkeypatch.setattr(seccomp, "compiled", lambda same_user=False: _NO_FILTER)
    with pytest.raises(OctlessonsError, match="does not hold: a submission can start a process"):
        sandbox.choose("bubblewrap")


@pytest.fixture
def secret():
    """A folder that no submission may see, outside /tmp, which is covered in any case."""
    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:
        Path(folder).chmod(0o755)
        (Path(folder) / "solution.py").write_text("x = 1\n")
        yield Path(folder)


def test_a_visible_secret_is_noticed(isolation, monkeypatch, secret):
    real = Bubblewrap.command

    def weak(self, memory_mb):
        command = real(self, memory_mb)
        at = command.arguments.index("--chdir")
        command.arguments[at:at] = ["--ro-bind", str(secret), str(secret)]
        return command

    assert sandbox.choose("bubblewrap", [secret]) == "bubblewrap"
    monkeypatch.setattr(Bubblewrap, "command", weak)
    with pytest.raises(OctlessonsError, match=rf"list {secret}"):
        sandbox.choose("bubblewrap", [secret])


def test_the_graders_environment_is_noticed(isolation, monkeypatch):
    real = Bubblewrap.command

    def weak(self, memory_mb):
        command = real(self, memory_mb)
        command.arguments.remove("--clearenv")
        command.environment.update(os.environ)
        return command

    monkeypatch.setattr(Bubblewrap, "command", weak)
    with pytest.raises(OctlessonsError, match="read the environment of the grader"):
        sandbox.choose("bubblewrap")


_WEAK = """
import sys
import tempfile
from pathlib import Path
from octlessons.errors import OctlessonsError
from octlessons.grading import sandbox
way = sandbox.WAYS[sys.argv[1]]
real = way.command
def weak(given):
    command = real(given)
    {change}
    return command
way.command = weak
try:
    print(sandbox.choose(sys.argv[1], [Path("solutions")]))
except OctlessonsError as error:
    print("refused:", error)
"""

_LANDLOCK_OFF = (
    'command.arguments[-2:] = ["-c", "from octlessons.grading.worker import confinement as c, '
    '__main__ as m; c.landlock = lambda *given: 0; m.main()"]'
)


@pytest.mark.parametrize(
    ("case", "change", "words"),
    [
        (("confined", "root"), 'command.extra["readable"] = ["/"]', "list .*solutions"),
        (("confined", "user"), 'command.extra["readable"] = ["/"]', "list .*solutions"),
        (("confined", "root"), _LANDLOCK_OFF, "leave a file in /tmp"),
        (("confined", "user"), _LANDLOCK_OFF, "neither another user nor Landlock"),
        (
            ("container", "root"),
            'command.arguments[2:2] = [f"--mount=type=bind,source={Path.cwd()},target={Path.cwd()}"'
            ']; command.extra["readable"] = ["/"]',
            "list .*solutions",
        ),
    ],
    ids=["root-sees-all", "user-sees-all", "root-no-landlock", "user-no-landlock", "mounted"],
)
def test_a_weakened_way_is_refused(case, environment, found, change, words):
    done = _program(case, environment, "-c", _WEAK.format(change=change), case[0])
    assert done.stdout.startswith("refused:"), done.stderr
    assert re.search(words, done.stdout), done.stdout


def test_without_any_way_there_is_advice(monkeypatch):
    for way in sandbox.WAYS.values():
        monkeypatch.setattr(way, "available", lambda: False)
    with pytest.raises(OctlessonsError) as refused:
        sandbox.choose("auto")
    for words in ("none was graded", "bwrap-userns-restrict", "docker", "Landlock", "unprotected"):
        assert words in str(refused.value)


def test_an_unknown_way_is_refused():
    with pytest.raises(OctlessonsError, match="no isolation called 'chroot'"):
        sandbox.choose("chroot")


def test_no_isolation_must_be_asked_for():
    assert sandbox.choose("none") == "none"


def test_children_run_as_users_that_the_container_has():
    assert confined.users("0 0 4294967295\n")["first_uid"] > 10**9
    few = confined.users("0 1000 1\n1 100000 65536\n")
    assert few["first_uid"] + few["uids"] <= 65536
    with pytest.raises(OctlessonsError, match="no other user"):
        confined.users("0 1000 1\n")


def test_a_sandbox_says_why_it_did_not_start(monkeypatch):
    real = Bubblewrap.command

    def broken(self, memory_mb):
        command = real(self, memory_mb)
        command.arguments.insert(-3, "--no-such-option")
        return command

    if not sandbox.WAYS["bubblewrap"].available():
        pytest.skip("bubblewrap is not installed")
    monkeypatch.setattr(Bubblewrap, "command", broken)
    with pytest.raises(sandbox.Infrastructure, match="did not start"):
        sandbox.start("bubblewrap", [])


def test_libraries_below_tmp_stay_visible_and_nothing_else_there(isolation, monkeypatch):
    """A checkout in /tmp grades like any other."""
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        (Path(folder) / "libs").mkdir(mode=0o755)
        (Path(folder) / "libs" / "module.txt").write_text("a library")
        (Path(folder) / "marks.txt").write_text("a mark")
        Path(folder).chmod(0o755)
        real = host.libraries()
        monkeypatch.setattr(host, "libraries", lambda: [*real, Path(folder, "libs")])
        source = (
            "import os\n"
            "def look(folder):\n"
            "    try:\n"
            "        open(folder + '/libs/module.txt', 'w')\n"
            "    except OSError as error:\n"
            "        kept = type(error).__name__\n"
            "    text = open(folder + '/libs/module.txt').read()\n"
            "    return text, kept, os.listdir(folder), open('/tmp/mine', 'w').write('x')\n"
        )
        with sandbox.start(isolation, ["numpy"]) as zygote:
            child = zygote.child(1 << 29, 30)
            child.allow(10)
            child.ask(30, "load", source.encode(), "look.py", 0)
            kind, answer, _ = child.ask(30, "call", "look", (folder,), {})
            child.close()
    assert (kind, answer) == ("done", ("a library", "OSError", ["libs"], 1))


def test_a_sandbox_compiles_its_list_of_calls_where_the_judge_cannot(isolation):
    """As for a judge on macOS or Windows: without a list from outside, calls are refused, too."""
    command = Bubblewrap().command(1024)
    source = "import socket\ndef f():\n    socket.socket()\n"
    with Zygote(command, ["numpy"], b"") as zygote:
        child = zygote.child(1 << 29, 30)
        child.allow(10)
        child.ask(30, "load", source.encode(), "f.py", 0)
        kind, answer, _ = child.ask(30, "call", "f", (), {})
        child.close()
    assert kind == "error" and "PermissionError" in answer
