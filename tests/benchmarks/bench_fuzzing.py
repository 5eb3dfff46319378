"""A million hostile inputs for everything that reads bytes from a worker or a submission.

Only documented errors may come out; anything else, a hang or a death is a crash. Inputs come from
atheris, guided by coverage, or from hypothesis where atheris cannot be installed. ``--runs N`` for
another number of inputs, ``--seed N`` for other ones, ``--target NAME`` for one target,
``--record`` to write the result down in ``recorded/fuzzing.json``.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from dataclasses import asdict, dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
RECORDED = Path(__file__).with_name("recorded") / "fuzzing.json"

_LONGEST = 4096  # bytes of an input
_HANG = 30  # seconds that one input may take
_MOST_KEPT = 20  # different crashes kept of a target
_WORDS = ('["d",', '["a","<f8",[', '["t",', '["i","0x', '["c",', '["b",', '"cells":', '"source":')


@dataclass
class Result:
    """What came out for one target."""

    target: str
    engine: str
    inputs: int = 0
    seconds: float = 0.0
    crashes: list[dict] = field(default_factory=list)


def main(argv: list[str] | None = None) -> None:
    """Fuzz, and print inputs, seconds and crashes of each target."""
    from rich.console import Console
    from rich.table import Table

    from tests.benchmarks.fuzz_targets import TARGETS

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--target", choices=sorted(TARGETS))
    parser.add_argument("--record", action="store_true")
    options = parser.parse_args(argv if argv is not None else [])
    engine, library = _engine()
    if engine is None:
        print("Neither atheris nor hypothesis can be installed here: nothing was fuzzed.")
        return
    whole = sum(target.share for target in TARGETS.values())
    results = []
    for name, target in TARGETS.items():
        if options.target in (None, name):
            runs = options.runs if options.target else -(-options.runs * target.share // whole)
            results.append(_fuzz(name, engine, library, runs, options.seed))
            _say(results[-1])
    table = Table(title=f"Fuzzing with {engine}, seed {options.seed}")
    for heading in ("target", "inputs", "seconds", "crashes"):
        table.add_column(heading, justify="left" if heading == "target" else "right")
    for r in results:
        table.add_row(r.target, f"{r.inputs:,}", f"{r.seconds:.0f}", str(len(r.crashes)))
    inputs, crashes = sum(r.inputs for r in results), sum(len(r.crashes) for r in results)
    table.add_section()
    table.add_row("all", f"{inputs:,}", f"{sum(r.seconds for r in results):.0f}", str(crashes))
    Console().print(table)
    print("Goal: a million inputs, no crash.")
    if options.record:
        content = {"seed": options.seed, "inputs": inputs, "targets": list(map(asdict, results))}
        RECORDED.parent.mkdir(exist_ok=True)
        RECORDED.write_text(json.dumps(content, indent=1) + "\n", "utf-8")


def _say(result: Result) -> None:
    rate = result.inputs / max(result.seconds, 1e-9)
    print(f"{result.target}: {result.inputs:,} inputs, {rate:,.0f} a second", flush=True)
    for crash in result.crashes:
        print(f"  {crash['error']}\n    {crash['where']}\n    {crash['input']}", flush=True)


def _engine() -> tuple[str | None, str]:
    """Install atheris or hypothesis beside the project; its name and folder."""
    pins = (ROOT / "constraints.txt").read_text("utf-8")
    for name in ("atheris", "hypothesis"):
        found = re.search(rf"^{name}==(\S+)", pins, re.M)
        if not found:
            continue
        folder = ROOT / "_build" / "bench" / f"{name}-{found.group(1)}"
        if not folder.is_dir():
            part = folder.with_name(f"{folder.name}.part-{os.getpid()}")
            command = [sys.executable, "-m", "pip", "install", "--quiet", "--target", str(part)]
            command += ["-c", str(ROOT / "constraints.txt"), name]
            if subprocess.run(command, capture_output=True).returncode:
                continue
            part.rename(folder)
        return name, str(folder)
    return None, ""


def _fuzz(name: str, engine: str, library: str, runs: int, seed: int) -> Result:
    """Try a target's heavy inputs, then fuzz it."""
    result = Result(name, engine)
    for way in ("heavy", engine):
        _try(result, way, library, runs, seed)
    return result


def _try(result: Result, way: str, library: str, runs: int, seed: int) -> None:
    """Throw inputs at a target in a process of its own, which may die; add up what comes out."""
    with tempfile.TemporaryDirectory(prefix="octlessons-fuzz-") as folder:
        environment = {**os.environ, "PYTHONHASHSEED": "0"}
        environment["PYTHONPATH"] = os.pathsep.join([library, str(ROOT)])
        command = [sys.executable, "-m", "tests.benchmarks.bench_fuzzing", result.target, way]
        began = time.perf_counter()
        try:
            done = subprocess.run(
                [*command, str(runs), str(seed), folder],
                cwd=ROOT,
                env=environment,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=300 + runs / 200,
            )
            words = [line for line in done.stderr.splitlines() if not line.startswith("INFO")]
            end = f"status {done.returncode} {' '.join(words)[-300:]}".strip()
        except subprocess.TimeoutExpired:
            end = "it did not end"
        result.seconds += time.perf_counter() - began
        said = Path(folder) / "result.json"
        content = json.loads(said.read_text("utf-8")) if said.is_file() else {}
        result.inputs += content.get("inputs", 0)
        result.crashes += content.get("crashes", [])
        if not content.get("finished"):
            kinds = ("crash", "timeout", "oom")
            left = [path for kind in kinds for path in Path(folder).glob(f"{kind}-*")]
            data = _shown(left[0].read_bytes()) if left else content.get("trying", "")
            error = f"died or took more than {_HANG} s: {end}"
            result.crashes.append({"error": error, "where": "", "input": data})


class _Watch:
    """Calls a target, counts, and keeps what should not have come out."""

    def __init__(self, target, folder: Path, runs: int):
        self._function, self._path, self._runs = target.function, folder / "result.json", runs
        self._inputs, self._crashes, self.trying = 0, {}, ""

    def __call__(self, data: bytes) -> None:
        self._inputs += 1
        try:
            self._function(data)
        except Exception as error:
            frames = traceback.extract_tb(error.__traceback__)[1:]
            own = [f for f in frames if "octlessons" in f.filename] or frames
            ends = [f"{Path(f.filename).name}:{f.lineno} {f.name}" for f in (own[0], own[-1])]
            where = " … ".join(dict.fromkeys(ends))
            shown = f"{type(error).__name__}: {error}"[:300]
            self._keep((type(error).__name__, where), shown, where, data)
        if self._inputs == self._runs:
            self.write(True)

    def _keep(self, key: tuple[str, str], error: str, where: str, data: bytes) -> None:
        if key not in self._crashes and len(self._crashes) < _MOST_KEPT:
            self._crashes[key] = {"error": error, "where": where, "input": _shown(data)}
            self.write(False)

    def write(self, finished: bool) -> None:
        content = {"finished": finished, "inputs": self._inputs, "trying": self.trying}
        content["crashes"] = list(self._crashes.values())
        self._path.write_text(json.dumps(content), "utf-8")


def _shown(data: bytes) -> str:
    return repr(data) if len(data) <= _LONGEST else f"{data[:100]!r} and so on, {len(data):,} bytes"


def _heavy(name: str, folder: Path) -> None:
    from tests.benchmarks.fuzz_targets import TARGETS

    watch = _Watch(TARGETS[name], folder, 0)
    for data in TARGETS[name].heavy():
        watch.trying = _shown(data)
        watch.write(False)
        signal.alarm(_HANG)  # ends this process, whatever it is in the middle of
        watch(data)
        signal.alarm(0)
    watch.write(True)


def _atheris(name: str, runs: int, seed: int, folder: Path) -> None:
    import atheris

    with atheris.instrument_imports(include=["octlessons.grading", "octlessons.exercises"]):
        from tests.benchmarks.fuzz_targets import TARGETS

    target = TARGETS[name]
    corpus = folder / "corpus"
    corpus.mkdir()
    for i, data in enumerate(target.seeds):
        (corpus / f"seed-{i}").write_bytes(data)
    words = folder / "words"
    quoted = (word.replace('"', '\\"') for word in _WORDS)
    words.write_text("".join(f'"{word}"\n' for word in quoted), "utf-8")
    arguments = [f"-runs={runs}", f"-seed={seed}", f"-max_len={_LONGEST}", f"-timeout={_HANG}"]
    arguments += [f"-dict={words}", f"-artifact_prefix={folder}/", "-rss_limit_mb=4096"]
    atheris.Setup([name, *arguments, str(corpus)], _Watch(target, folder, runs))
    atheris.Fuzz()


def _hypothesis(name: str, runs: int, seed: int, folder: Path) -> None:
    import hypothesis
    from hypothesis import strategies as st

    from tests.benchmarks.fuzz_targets import TARGETS

    target = TARGETS[name]
    watch = _Watch(target, folder, runs)
    edits = st.tuples(st.integers(0, _LONGEST), st.integers(0, 8), st.binary(max_size=8))

    @hypothesis.seed(seed)
    @hypothesis.settings(
        max_examples=runs,
        database=None,
        deadline=None,
        suppress_health_check=list(hypothesis.HealthCheck),
        phases=[hypothesis.Phase.generate],
    )
    @hypothesis.given(st.sampled_from(target.seeds), st.lists(edits, max_size=8))
    def throw(data, changes):
        for place, length, new in changes:
            place %= len(data) + 1
            data = data[:place] + new + data[place + length :]
        watch(data)

    throw()
    watch.write(True)


if __name__ == "__main__":
    match sys.argv[1:]:
        case [name, "heavy", _, _, folder]:
            _heavy(name, Path(folder))
        case [name, "atheris", runs, seed, folder]:
            _atheris(name, int(runs), int(seed), Path(folder))
        case [name, "hypothesis", runs, seed, folder]:
            _hypothesis(name, int(runs), int(seed), Path(folder))
        case arguments:
            main(arguments)
