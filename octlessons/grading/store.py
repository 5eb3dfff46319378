"""Results on disk: written whole or not at all, and never graded twice."""

from __future__ import annotations

import contextlib
import json
from dataclasses import asdict
from pathlib import Path

from octlessons._files import write_atomically
from octlessons.grading.records import Record, Timing


class Store:
    """The records of a class, one file each: ``records/SUBMISSION/EXERCISE.json``.

    A record counts only if its key is the one that is asked for, so whatever has changed is graded
    again and nothing else is.

    Parameters
    ----------
    out : Path
        Folder of the results.
    """

    def __init__(self, out: Path):
        self._folder = Path(out) / "records"
        self._timings = Path(out) / "timings.jsonl"

    def find(self, key: str, submission: str, exercise: str) -> Record | None:
        """Return the record with this key, if it is there and is a mark.

        Parameters
        ----------
        key : str
        submission : str
            `Submission.slug`.
        exercise : str

        Returns
        -------
        Record or None
        """
        try:
            record = Record.from_json(self._file(submission, exercise).read_bytes())
        except (OSError, ValueError):
            return None
        return record if record.key == key and not record.no_mark else None

    def save(self, record: Record, timing: Timing | None = None) -> None:
        """Keep a record, and how long it took."""
        write_atomically(self._file(record.submission, record.exercise), record.to_json())
        if timing is not None:
            # One line is written at once; a line that a crash cut off is passed over.
            with open(self._timings, "a", encoding="utf-8") as file:
                file.write(json.dumps(asdict(timing)) + "\n")

    def timings(self) -> dict[str, Timing]:
        """Return the last time of every key."""
        found = {}
        with contextlib.suppress(OSError):
            for line in self._timings.read_text("utf-8", errors="replace").splitlines():
                with contextlib.suppress(ValueError, TypeError):
                    timing = Timing(**json.loads(line))
                    found[timing.key] = timing
        return found

    def _file(self, submission: str, exercise: str) -> Path:
        return self._folder / submission / f"{exercise}.json"
