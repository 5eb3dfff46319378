"""Results on disk: written whole or not at all, and never graded twice."""

from __future__ import annotations

import contextlib
import json
from dataclasses import asdict
from pathlib import Path

from octlessons._files import write_atomically
from octlessons.errors import OctlessonsError
from octlessons.grading.records import OtherVersion, Record, Timing


class Store:
    """The records of a class, one file each: ``records/SUBMISSION/EXERCISE.json``.

    A record counts only if its key is the one that is asked for and it is what was written, so
    whatever has changed is graded again and nothing else is. `remarks` are sentences about files
    that were there and did not count.
    """

    def __init__(self, out: Path):
        self._folder = Path(out) / "records"
        self._timings = Path(out) / "timings.jsonl"
        self.remarks: list[str] = []

    def find(self, key: str, submission: str, exercise: str) -> Record | None:
        """Return the record with this key, if it is there and is a mark."""
        file = self._file(submission, exercise)
        try:
            record = Record.from_json(file.read_bytes())
        except (FileNotFoundError, OtherVersion):
            return None
        except OSError as error:
            reason = error.strerror or type(error).__name__
            self.remarks.append(f"{file} cannot be read ({reason}), so {exercise} is graded again.")
            return None
        except ValueError as error:
            self.remarks.append(f"{file} does not count, as {error}: {exercise} is graded again.")
            return None
        return record if record.key == key and record.checks and not record.no_mark else None

    def save(self, record: Record, timing: Timing | None = None) -> None:
        """Keep a record, and how long it took."""
        file = self._file(record.submission, record.exercise)
        # After a power cut, its checksum tells whether a record is whole.
        write_atomically(file, record.to_json(), power_cuts=False)
        if timing is not None:
            try:
                # One line is written at once; a line that a crash cut off is passed over.
                with open(self._timings, "a", encoding="utf-8") as lines:
                    lines.write(json.dumps(asdict(timing)) + "\n")
            except OSError as error:
                reason = error.strerror or type(error).__name__
                raise OctlessonsError(
                    f"{self._timings} cannot be written ({reason}): make room, and run the same "
                    "command again. What is marked already is kept."
                ) from error

    def timings(self) -> dict[str, Timing]:
        """Return the last time of every key; lines that are none are passed over."""
        found = {}
        with contextlib.suppress(OSError):
            for line in self._timings.read_text("utf-8", errors="replace").splitlines():
                with contextlib.suppress(ValueError, TypeError, RecursionError):
                    timing = Timing(**json.loads(line))
                    found[timing.key] = timing
        return found

    def _file(self, submission: str, exercise: str) -> Path:
        return self._folder / submission / f"{exercise}.json"
