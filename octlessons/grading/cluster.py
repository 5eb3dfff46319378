"""Marking on a Dask cluster: units travel to its workers, each of which has judges of its own."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

from octlessons.errors import OctlessonsError
from octlessons.grading.panel import Panel
from octlessons.grading.records import Marked
from octlessons.grading.units import Setting, Unit

# Units that travel together.
_BATCH = 8

_OF_THIS_THREAD = threading.local()


class Cluster:
    """The same as `panel.Panel`, on the workers of the scheduler at an address."""

    def __init__(self, setting: Setting, address: str):
        try:
            from distributed import Client
        except ImportError as error:
            raise OctlessonsError(
                'A cluster needs Dask: `pip install "octlessons[cluster]"`.'
            ) from error
        try:
            self._client = Client(address, timeout=10, set_as_default=False)
        except (OSError, ValueError, TimeoutError) as error:
            raise OctlessonsError(f"There is no Dask scheduler at {address}: {error}.") from error
        self._setting = setting

    def mark(self, units: Iterable[Unit]) -> Iterator[tuple[Unit, Marked | None]]:
        """As `panel.Panel.mark`; what was lost with a worker does not come back."""
        from distributed import as_completed

        rest = iter(units)
        running = as_completed(loop=self._client.loop)

        def send() -> bool:
            batch = list(islice(rest, _BATCH))
            if batch:
                running.add(self._client.submit(mark_units, batch, self._setting, pure=False))
            return bool(batch)

        for _ in range(2 * max(1, sum(self._client.nthreads().values()))):
            if not send():
                break
        for future in running:
            send()
            if future.status == "finished":
                yield from future.result()

    def close(self) -> None:
        """Let go of the cluster."""
        self._client.close()


def mark_units(units: Sequence[Unit], setting: Setting) -> list[tuple[Unit, Marked | None]]:
    """Mark units with the judge of this thread of a worker."""
    panel = getattr(_OF_THIS_THREAD, "panel", None)
    if panel is None or _OF_THIS_THREAD.run != setting.run:
        if panel is not None:
            panel.close()
        _OF_THIS_THREAD.panel = panel = Panel(setting, 1)
        _OF_THIS_THREAD.run = setting.run
    return list(panel.mark(units))
