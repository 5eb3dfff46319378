"""Which sentences of the book change with the draw: all pages, for many seeds, without building.

Run as ``python -m tests.benchmarks.bench_verdicts [--seeds 10] [--pages 03,04] [--data FOLDER]
[--jobs 2] [--keep FILE] [--record]``.

Every page's code cells run for each seed, which draws every phantom anew (``octlessons build
--seed``). A verdict is what `octlessons.evaluation.ask` answered; a sentence is one that a cell
showed with `Prose`, with its numbers masked. Counted for each is how many of the seeds go another
way than most. More than 1 of 10 is too many, unless the sentence says that it depends on the draw.
`--record` writes the verdicts to `book/verdicts.json`, which the appendix shows.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections import Counter, defaultdict
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

from tests.book.cells import ROOT, Run, run_page

RECORD = ROOT / "book" / "verdicts.json"
#: A verdict may go the other way in this share of the draws.
FLIPS = 0.1


def main(argv: list[str] | None = None) -> None:
    """Run the pages and list what changes."""
    options = _options().parse_args(argv if argv is not None else [])
    pages = pages_named(options.pages)
    runs = run_all(pages, range(options.seeds), options.data, options.jobs, options.keep)
    failed = [(page, seed, run.error) for (page, seed), run in runs.items() if run.error]
    for page, seed, error in failed:
        print(f"FAILED {page}, seed {seed}: {error.strip().splitlines()[-1]}")
    found = {page: judged([runs[page, s] for s in range(options.seeds)]) for page in pages}
    for page, rows in found.items():
        print(f"\n{page}: {len(rows)} verdicts")
        for row in rows:
            mark = "!" if row["other"] > FLIPS * row["of"] else " "
            print(f" {mark} {row['other']:2} of {row['of']}  {row['question']} {row['answers']}")
        for sentence, seeds in changing([runs[page, s] for s in range(options.seeds)]):
            print(f"   {seeds:2} of {options.seeds}  {sentence}")
    total = [row for rows in found.values() for row in rows]
    flipping = [row for row in total if row["other"] > FLIPS * row["of"]]
    seconds = sum(run.seconds for run in runs.values())
    print(f"\n{len(total)} verdicts, {len(flipping)} flip in more than 1 of 10; {seconds:.0f} s")
    if options.record:
        command = f"python -m tests.benchmarks.bench_verdicts --seeds {options.seeds} --record"
        record = {"command": command, "seeds": options.seeds, "data": "phantoms", "pages": found}
        RECORD.write_text(json.dumps(record, indent=1, ensure_ascii=False) + "\n", "utf-8")
    sys.exit(bool(failed))


def pages_named(numbers: str | None) -> list[str]:
    """Chapters by the numbers they begin with; without, all pages of the contents with code."""
    chapters = sorted(path.stem for path in (ROOT / "book").glob("[01][0-9]-*.md"))
    if numbers:
        wanted = tuple(numbers.split(","))
        return [name for name in chapters if name.startswith(wanted)]
    return [*chapters, "ways-to-cluster", "index", "phantoms"]


def run_all(pages, seeds, data: str, jobs: int, keep: Path | None) -> dict[tuple[str, int], Run]:
    """Run every page with every seed; those in the file `keep` are not run again."""
    runs: dict[tuple[str, int], Run] = {}
    if keep and keep.is_file():
        for line in keep.read_text("utf-8").splitlines():
            page, seed, run = json.loads(line)
            runs[page, seed] = Run(**run)
    missing = [(page, seed) for seed in seeds for page in pages if (page, seed) not in runs]

    def one(task: tuple[str, int]):
        page, seed = task
        return task, run_page(ROOT / "book" / f"{page}.md", seed=seed, data=data)

    with ThreadPoolExecutor(jobs) as pool:
        for done in as_completed([pool.submit(one, task) for task in missing]):
            (page, seed), run = done.result()
            runs[page, seed] = run
            print(f"{page}, seed {seed}: {run.seconds:.0f} s", file=sys.stderr, flush=True)
            if keep:
                with keep.open("a", encoding="utf-8") as file:
                    print(json.dumps([page, seed, vars(run)], ensure_ascii=False), file=file)
    return runs


def judged(runs: list[Run]) -> list[dict]:
    """Answers to each question over the runs, those that change most first."""
    answers: dict[str, Counter] = defaultdict(Counter)
    for run in runs:
        for verdict in run.verdicts:
            answers[verdict["question"]][verdict["answer"]] += 1
    rows = [
        {
            "question": question,
            "answers": dict(found.most_common()),
            "of": found.total(),
            "other": found.total() - found.most_common(1)[0][1],
        }
        for question, found in answers.items()
    ]
    return sorted(rows, key=lambda row: -row["other"] / row["of"])


def changing(runs: list[Run]) -> list[tuple[str, int]]:
    """Sentences that some runs show and others do not, with how many show them."""
    shown: Counter = Counter()
    for run in runs:
        shown.update({sentence for text in run.prose for sentence in sentences(text)})
    n = sum(not run.error for run in runs)
    return sorted((sentence, k) for sentence, k in shown.items() if 0 < k < n)


def sentences(text: str) -> list[str]:
    """Sentences of a text, numbers masked; what stands in tables is left out."""
    text = "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("|"))
    text = re.sub(r"[−-]?\d[\d,.]*\d|[−-]?\d", "#", text)
    return [part.strip() for part in re.split(r"(?<=[.?!:])\s+", text) if len(part) > 3]


def _options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--pages", help="such as 03,04; all by default")
    parser.add_argument("--data", default="phantoms")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--keep", type=Path, help="file that keeps the runs, to go on later")
    parser.add_argument("--record", action="store_true", help="write book/verdicts.json")
    return parser


if __name__ == "__main__":
    main(sys.argv[1:])
