"""The command line: ``octlessons build | serve | check | watch | …``."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from octlessons import __version__
from octlessons._optional import failure_in_words
from octlessons.errors import OctlessonsError

app = typer.Typer(
    name="octlessons",
    help="Seeing without labels: a course on clustering retinal OCT images.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

_debug = False


def command(function: Callable) -> Callable:
    """Register a command whose errors are one sentence, without a traceback."""

    @functools.wraps(function)
    def safely(*args, **kwargs):
        try:
            return function(*args, **kwargs)
        except BrokenPipeError:
            raise
        except KeyboardInterrupt:
            raise typer.Exit(130) from None
        except (OctlessonsError, OSError, ValueError, ImportError) as error:
            if _debug:
                raise
            typer.secho(f"Error: {failure_in_words(error)}", fg=typer.colors.RED, err=True)
            raise typer.Exit(1) from None

    return app.command()(safely)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"octlessons {__version__}")
        raise typer.Exit()


@app.callback()
def main(
    debug: Annotated[bool, typer.Option(help="Show where an error comes from.")] = False,
    version: Annotated[
        bool,
        typer.Option("--version", callback=_version, is_eager=True, help="Show the version."),
    ] = False,
) -> None:
    """Seeing without labels: a course on clustering retinal OCT images."""
    global _debug
    _debug = debug
    if hasattr(sys.stdout, "reconfigure"):  # a code page without arrows must not end a command
        sys.stdout.reconfigure(errors="replace")


DataOption = Annotated[
    str,
    typer.Option(
        "--data",
        metavar="phantoms|octmnist-N|PATH",
        help="What the pages show: synthetic scans, OCTMNIST, or a folder CLASS/scans. On "
        "phantoms the site is _build/html, on anything else _build/NAME/html.",
    ),
]


SeedOption = Annotated[
    int, typer.Option("--seed", help="Another draw of every phantom, into a site of its own.")
]


@command
def build(
    data: DataOption = "phantoms",
    seed: SeedOption = 0,
    page: Annotated[
        list[str] | None,
        typer.Option(help="Build only this page, for writing (may be repeated)."),
    ] = None,
    tutor: Annotated[
        bool, typer.Option("--tutor", help="The tutor edition: with solutions, in _build/tutor.")
    ] = False,
    fresh: Annotated[bool, typer.Option(help="Forget the cache; run every page again.")] = False,
    verbose: Annotated[bool, typer.Option(help="Show everything that Sphinx says.")] = False,
) -> None:
    """Build the course into a site."""
    from octlessons.site import building

    tell = functools.partial(print, flush=True)
    built = building.build(
        data, seed=seed, pages=page or (), tutor=tutor, fresh=fresh, verbose=verbose, tell=tell
    )
    tell(building.summary(built))


@command
def serve(
    data: DataOption = "phantoms",
    seed: SeedOption = 0,
    port: Annotated[int, typer.Option(help="Where to listen; the next free one if taken.")] = 8000,
) -> None:
    """Show the built site in a browser on this machine."""
    from octlessons.site import serving

    serving.serve(data, seed=seed, port=port, tell=functools.partial(print, flush=True))


@command
def fetch(
    name: Annotated[
        str, typer.Argument(help="A 2-D MedMNIST set, such as octmnist; or live: what pages run.")
    ] = "octmnist",
    size: Annotated[int, typer.Option(help="Pixels: 28, 64, 128 or 224.")] = 28,
    root: Annotated[Path | None, typer.Option(help="Folder; medmnist's own by default.")] = None,
) -> None:
    """Download a data set, or what pages run, or find that it is there."""
    if name == "live":
        from octlessons.site import checkout, live_files

        course = checkout.find_root()
        parts = [live_files.fetch_live(course, root, lock) for lock in live_files.LOCKS]
        typer.echo("\n".join(part.sentence for part in parts))
        if not all(part.folder for part in parts):
            raise typer.Exit(1)
        return
    from octlessons.images.medmnist import fetch_medmnist

    typer.echo(f"{name} at {size} px: {fetch_medmnist(name, size, root)}")


@command
def workshop(
    folder: Annotated[Path, typer.Argument(help="A new folder, or one that was made so.")],
    system: Annotated[
        list[str] | None,
        typer.Option(metavar="linux|macos-arm64|macos-x86_64|windows", help="All if none."),
    ] = None,
    python: Annotated[
        list[str] | None, typer.Option(metavar="3.11|3.12|3.13", help="All if none.")
    ] = None,
    torch: Annotated[
        bool, typer.Option("--torch", help="CPU torch as well: 1.3 GB more for all of them.")
    ] = False,
    torch_index: Annotated[
        str, typer.Option(metavar="ADDRESS", help="Where CPU torch for Linux is, see pytorch.org.")
    ] = "",
    octmnist: Annotated[int | None, typer.Option(metavar="SIZE", help="With OCTMNIST.")] = None,
) -> None:
    """Make a folder for a room without internet: packages, site, exercises, data."""
    from octlessons.site import workshop as room

    wanted = room.Wanted(tuple(system or ()), tuple(python or ()), torch, torch_index, octmnist)
    typer.echo(room.summary(room.make_workshop(folder, wanted, tell=typer.echo)))


TableOption = Annotated[
    Path | None,
    typer.Option(help="CSV: file, and any of label, patient, site, eye, date."),
]
JobsOption = Annotated[int | None, typer.Option(min=1, help="Processes; one per core.")]


@command
def cluster(
    scans: Annotated[
        str | None, typer.Argument(help="Folder or file of scans, CSV table, .npz, or octmnist-64.")
    ] = None,
    out: Annotated[
        Path, typer.Option("--out", "-o", help="Folder of the results; a run goes on there.")
    ] = Path("clusters"),
    table: TableOption = None,
    patients: Annotated[
        str,
        typer.Option(metavar="name|stem|none", help="How patients are found in file names."),
    ] = "name",
    representation: Annotated[
        str,
        typer.Option(metavar="labels|views|pixels|flattened|NETWORK", help="What looks at a scan."),
    ] = "labels",
    clusterer: Annotated[
        str, typer.Option(metavar="kmeans|mixture|agglomerative|hdbscan", help="What groups them.")
    ] = "kmeans",
    k: Annotated[str, typer.Option("--k", metavar="auto|N", help="How many groups.")] = "auto",
    seed: Annotated[int, typer.Option(min=0, help="Of all that is drawn at random.")] = 0,
    jobs: JobsOption = None,
    dask: Annotated[
        str | None, typer.Option(metavar="ADDRESS", help="Look on the workers of this scheduler.")
    ] = None,
    page_size: Annotated[float, typer.Option(min=1, help="Size of the report, MB.")] = 25,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace another run in this folder.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="A summary for scripts.")] = False,
    demo: Annotated[
        bool, typer.Option("--demo", help="Draw 200 scans first, and open the report.")
    ] = False,
) -> None:
    """Group a folder of scans, and write a report that opens by double-click.

    Exit codes: 0 done; 1 with a sentence on what is wrong; 2 no such option; 130 when it was
    stopped: the same command goes on."""
    from octlessons.report import prompt

    if (scans is None) != demo:
        raise OctlessonsError(
            "Give a folder of scans, such as octlessons cluster my_scans -o results, or --demo."
        )
    prompt.run_at_prompt(
        out,
        as_json,
        show=demo,
        source=prompt.draw_demo(out.with_name(f"{out.name}-demo")) if demo else scans,
        table=table,
        patients=None if patients == "none" else patients,
        representation=representation,
        clusterer=clusterer,
        k=prompt.checked_k(k),
        seed=seed,
        jobs=jobs,
        dask=dask,
        page_bytes=int(page_size * 1e6),
        overwrite=overwrite,
    )


RunArgument = Annotated[Path, typer.Argument(help="Folder of a finished run.")]


@command
def assign(
    run: RunArgument,
    scans: Annotated[str, typer.Argument(help="Folder of new scans.")],
    out: Annotated[Path | None, typer.Option("--out", "-o", help="CSV file.")] = None,
    table: TableOption = None,
    jobs: JobsOption = None,
) -> None:
    """Put new scans into the groups of a run, and say which lie outside of what it knows."""
    from octlessons.report import later, prompt

    found = later.assign(run, scans, out, table=table, jobs=jobs)
    typer.echo(prompt.in_words(found, ["octlessons", "assign", str(run), scans], out))


@command
def compare(first: RunArgument, second: RunArgument) -> None:
    """Say what another representation, number of groups or seed changes."""
    from octlessons.report import later, prompt

    typer.echo(prompt.in_words(later.compare(first, second), [], None))


@command
def doctor(
    report: Annotated[
        bool, typer.Option("--report", help="Plain text without names of folders, for an issue.")
    ] = False,
) -> None:
    """Check this installation; each failed check has one fix to copy."""
    from octlessons import doctor as room

    checks = room.examine()
    typer.echo(room.report(checks) if report else room.show(checks))
    if any(check.state == "fail" for check in checks):
        raise typer.Exit(1)


ExerciseArgument = Annotated[str, typer.Argument(metavar="ID", help="Name of the exercise.")]
StudentOption = Annotated[
    str | None,
    typer.Option("--student", help="Your name or number, where data differ between students."),
]


@command
def check(
    ids: Annotated[
        list[str] | None, typer.Argument(metavar="[ID]…", help="Exercises; all begun ones if none.")
    ] = None,
    file: Annotated[
        Path | None, typer.Option(help="Check this .py or .ipynb file (with one ID).")
    ] = None,
    student: StudentOption = None,
    everything: Annotated[bool, typer.Option("--list", help="Only list the exercises.")] = False,
    show: Annotated[
        bool, typer.Option("--show", help="Print the call that failed, to paste and to try.")
    ] = False,
) -> None:
    """Check your exercises, with the checks that grading uses. Fails if one is not passed."""
    from octlessons.exercises import terminal

    if everything:
        terminal.list_exercises()
    elif not terminal.check_exercises(ids or (), file, student, show):
        raise typer.Exit(1)


@command
def hint(
    exercise: ExerciseArgument,
    number: Annotated[int | None, typer.Argument(help="Which hint; the next one if none.")] = None,
) -> None:
    """Give the next hint of an exercise."""
    from octlessons.exercises import terminal

    terminal.show_hint(exercise, number)


@command
def solution(
    exercise: ExerciseArgument,
    tutor: Annotated[bool, typer.Option("--tutor", help="Show it before it is passed.")] = False,
) -> None:
    """Show the solution of an exercise that you have passed."""
    from octlessons.exercises import terminal

    terminal.show_solution(exercise, tutor)


@command
def watch(
    start: Annotated[
        str | None,
        typer.Argument(metavar="[ID]", help="Where to begin; the next open one if none."),
    ] = None,
    student: StudentOption = None,
) -> None:
    """Check again whenever you save, with progress, hints and the next exercise."""
    from octlessons.exercises import terminal

    terminal.watch(start, student)


ConfigOption = Annotated[
    Path | None, typer.Option(help="grading.toml: exercises, limits, late policy, key.")
]
ExercisesOption = Annotated[
    list[str] | None,
    typer.Option("--exercise", help="Grade this one only (may be repeated)."),
]
HiddenOption = Annotated[
    Path | None, typer.Option(help="Folder of hidden checks, CHAPTER/test_ID.py.")
]


@command
def grade(
    submissions: Annotated[
        Path,
        typer.Argument(
            help="A class folder, a zip of it, a download from Moodle or Canvas, or one file."
        ),
    ],
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for the results.")],
    config: ConfigOption = None,
    exercise: ExercisesOption = None,
    hidden: HiddenOption = None,
    isolation: Annotated[
        str,
        typer.Option(
            metavar="auto|bubblewrap|container|confined|none",
            help="How submissions are kept apart. With none, every result says so.",
        ),
    ] = "auto",
    jobs: Annotated[
        int | None, typer.Option(min=1, help="Processes; one per core if not given.")
    ] = None,
    shard: Annotated[
        str | None, typer.Option(metavar="I/N", help="Grade only the I-th of N parts.")
    ] = None,
    dask: Annotated[
        str | None, typer.Option(metavar="ADDRESS", help="Grade on the workers of this scheduler.")
    ] = None,
    single: Annotated[
        bool, typer.Option("--single", help="The folder is one student's work, not a class.")
    ] = False,
) -> None:
    """Grade a class safely: marks, pages, and files for Moodle, Canvas and others."""
    from octlessons.grading import summary

    done = summary.grade_class(
        submissions,
        out,
        config=config,
        exercises=exercise or (),
        hidden=hidden,
        isolation=isolation,
        jobs=jobs,
        shard=shard,
        dask=dask,
        single=single,
    )
    if not done:
        raise typer.Exit(1)


@command
def package(
    service: Annotated[
        str,
        typer.Argument(
            metavar="gradescope|classroom50|actions|container",
            help="Who will grade; or the image for a container on macOS and Windows.",
        ),
    ],
    out: Annotated[Path, typer.Option("--out", "-o", help="A new folder, or a .zip.")],
    config: ConfigOption = None,
    exercise: ExercisesOption = None,
    hidden: HiddenOption = None,
    repository: Annotated[
        str,
        typer.Option(
            metavar="OWNER/NAME", help="For actions: a private repository for the checks."
        ),
    ] = "",
) -> None:
    """Make a bundle with which Gradescope, Classroom 50 or GitHub Actions grades."""
    from octlessons.grading.integrations import make_bundle

    bundle = make_bundle(
        service,
        out,
        config=config,
        exercises=exercise or (),
        hidden=hidden,
        repository=repository,
    )
    typer.echo("\n".join([f"Made {bundle.path}", *bundle.notes]))


@command
def reset(exercise: ExerciseArgument) -> None:
    """Put a stub back as it was; your version is kept beside it as .bak."""
    from octlessons.exercises import terminal

    terminal.put_back(exercise)


@command
def start(
    folder: Annotated[Path, typer.Argument(help="A new folder.")] = Path("octlessons-exercises"),
) -> None:
    """Copy the exercises and their checks into a folder of your own."""
    from octlessons.exercises import terminal

    terminal.copy_course(folder)


@command
def claims(
    ids: Annotated[
        list[str] | None, typer.Argument(metavar="[ID]…", help="Claims; all of them if none.")
    ] = None,
    data: Annotated[
        str,
        typer.Option(
            metavar="phantoms|octmnist-N|PATH", help="What to repeat them on, as for build."
        ),
    ] = "phantoms",
    scale: Annotated[
        str, typer.Option(metavar="quick|laptop|full", help="Seconds, minutes, or as published.")
    ] = "laptop",
    out: Annotated[Path, typer.Option(help="Folder for the results.")] = Path("_build/claims"),
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Run again what is there already.")
    ] = False,
    record: Annotated[
        bool, typer.Option("--record", help="Put them on the page of the appendix, too.")
    ] = False,
) -> None:
    """Repeat published claims; compare claimed with measured."""
    from octlessons.claims import runner

    results = runner.run(ids, data, out, scale, fresh=fresh)
    typer.echo(f"{results}\n\nAll results: {out / 'claims.json'}")
    if record:
        runner.record(results)
        typer.echo("Recorded for the page: book/claims.md shows them when it is built again.")
    if not all(result.ok for result in results):
        raise typer.Exit(1)


if __name__ == "__main__":
    app()
