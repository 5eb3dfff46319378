"""The command line: ``octlessons build | serve | fetch | doctor``, each a few lines over a room."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from octlessons import __version__
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
        except (OctlessonsError, OSError) as error:
            if _debug or isinstance(error, BrokenPipeError):
                raise
            typer.secho(f"Error: {error}", fg=typer.colors.RED, err=True)
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


@command
def build(
    data: DataOption = "phantoms",
    page: Annotated[
        list[str] | None,
        typer.Option(help="Build only this page, for writing (may be repeated)."),
    ] = None,
    fresh: Annotated[bool, typer.Option(help="Forget the cache; run every page again.")] = False,
    verbose: Annotated[bool, typer.Option(help="Show everything that Sphinx says.")] = False,
) -> None:
    """Build the course into a site."""
    from octlessons import book

    tell = functools.partial(print, flush=True)
    tell(book.summary(book.build(data, pages=page or (), fresh=fresh, verbose=verbose, tell=tell)))


@command
def serve(
    data: DataOption = "phantoms",
    port: Annotated[int, typer.Option(help="Where to listen; the next free one if taken.")] = 8000,
) -> None:
    """Show the built site in a browser on this machine."""
    from octlessons import book

    book.serve(data, port=port, tell=functools.partial(print, flush=True))


@command
def fetch(
    name: Annotated[str, typer.Argument(help="A 2-D MedMNIST set, such as octmnist.")] = "octmnist",
    size: Annotated[int, typer.Option(help="Pixels: 28, 64, 128 or 224.")] = 28,
    root: Annotated[Path | None, typer.Option(help="Folder; medmnist's own by default.")] = None,
) -> None:
    """Download a data set, or find that it is there."""
    from octlessons.images.medmnist import fetch_medmnist

    typer.echo(f"{name} at {size} px: {fetch_medmnist(name, size, root)}")


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


if __name__ == "__main__":
    app()
