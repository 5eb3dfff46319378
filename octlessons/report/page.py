"""The report: one file that opens from disk, with no other host and no server."""

from __future__ import annotations

from pathlib import Path

from octlessons._files import write_atomically
from octlessons.report.result import ClusterRun


def write_page(run: ClusterRun, path: Path, page_bytes: int) -> None:
    """Write the report of a run."""
    write_atomically(path, f"<!doctype html><title>{run!r}</title>")
