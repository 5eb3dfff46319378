"""Run every benchmark: ``python -m tests.benchmarks [NAME …]``.

Each ``bench_*.py`` in this folder measures something and prints it; none of them asserts a time.
"""

import argparse
import importlib
import time
from pathlib import Path


def main() -> None:
    """Run the benchmarks named on the command line, or all of them."""
    known = sorted(
        path.stem.removeprefix("bench_") for path in Path(__file__).parent.glob("bench_*.py")
    )
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", choices=[[], *known], help=f"of {', '.join(known)}")
    for name in parser.parse_args().names or known:
        print(f"\n=== {name} ===", flush=True)
        start = time.perf_counter()
        importlib.import_module(f"tests.benchmarks.bench_{name}").main([])
        print(f"({time.perf_counter() - start:.0f} s)", flush=True)


if __name__ == "__main__":
    main()
