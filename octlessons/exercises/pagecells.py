"""Cells of a page, run where the reader is: what a cell needs runs before it, figures are caught.

A reader may change any cell and run it. The earlier cells that it depends on run first, without
showing anything, and only those: which names a cell reads and makes is read off its code.
"""

from __future__ import annotations

import ast
import contextlib
import json
import symtable
import sys
import types
from collections.abc import Callable, Sequence
from typing import Any

from octlessons.exercises.inpage import THERE, imports, run

Tell = Callable[[str], object]

#: Libraries that draw, which cells may use beside those for exercises.
DRAWING = {"matplotlib", "PIL"}

#: Functions that run a shipped network, for which there is no ONNX Runtime in a page.
NOT_HERE = {
    *("PhantomEncoder", "assign", "cluster_scans", "compare", "find_layers_of", "follow_rows"),
    *("in_short", "measure"),
}


def reads_and_makes(source: str) -> tuple[set[str], set[str]]:
    """Return the names that a cell takes from cells before it, and those that it makes or changes.

    Nothing for a cell that is no valid Python.
    """
    try:
        table, tree = symtable.symtable(source, "<cell>", "exec"), ast.parse(source)
    except (SyntaxError, ValueError):
        return set(), set()
    reads: set[str] = set()
    makes: set[str] = set()
    for symbol in table.get_symbols():
        if symbol.is_assigned() or symbol.is_imported():
            makes.add(symbol.get_name())
        if symbol.is_referenced():
            reads.add(symbol.get_name())
    waiting = list(table.get_children())
    while waiting:
        inner = waiting.pop()
        reads |= {s.get_name() for s in inner.get_symbols() if s.is_global() and s.is_referenced()}
        waiting += inner.get_children()
    for node in ast.walk(tree):
        if isinstance(node, ast.Subscript | ast.Attribute) and isinstance(node.ctx, ast.Store):
            inside: ast.AST = node
            while isinstance(inside, ast.Subscript | ast.Attribute):
                inside = inside.value
            if isinstance(inside, ast.Name):
                makes.add(inside.id)
    return reads, makes


def needed_before(sources: Sequence[str], index: int) -> list[int]:
    """Return the earlier cells on whose names a cell depends, in their order."""
    wanted, chosen = reads_and_makes(sources[index])[0], []
    for i in range(index - 1, -1, -1):
        reads, makes = reads_and_makes(sources[i])
        if makes & wanted:
            chosen.append(i)
            wanted = (wanted - makes) | reads
    return chosen[::-1]


def runs_here(sources: Sequence[str], index: int) -> bool:
    """Whether neither a cell nor one that it needs uses what a page does not have."""
    chosen = [*needed_before(sources, index), index]
    used = {name for i in chosen for name in reads_and_makes(sources[i])[0]}
    wanted = {name for i in chosen for name in imports(sources[i])}
    modules = THERE | DRAWING | set(sys.stdlib_module_names)
    return not used & NOT_HERE and wanted <= modules


def _nothing(*_: Any) -> None:
    """What a notebook would do, and a page does not."""


class Cells:
    """The cells of one page, with the names that they share.

    Attributes
    ----------
    names : dict
    """

    def __init__(self) -> None:
        self.names: dict[str, Any] = {"__name__": "__main__"}
        self._ran: dict[int, str] = {}
        self._shown: list[dict[str, Any]] = []
        events = types.SimpleNamespace(register=_nothing, unregister=_nothing)  # for matplotlib
        self._notebook = types.SimpleNamespace(kernel=None, user_ns=self.names, events=events)
        self._stand_in()

    def _stand_in(self) -> None:
        """`IPython`, as far as cells use it: what they display is kept."""
        names = ("IPython", "IPython.display", "IPython.core", "IPython.core.pylabtools")
        for name in names:
            made: Any = types.ModuleType(name)
            made.__path__, made.display, made.version_info = [], self._display, (9, 0)
            made.get_ipython, made.backend2gui = lambda: self._notebook, {}
            sys.modules[name] = made
        self.names |= {"display": self._display, "get_ipython": lambda: self._notebook}

    def _display(self, *things: Any, raw: bool = False, **_: Any) -> None:
        for thing in things:
            if raw and isinstance(thing, dict):
                figure = next((v for v in thing.values() if isinstance(v, dict)), {})
                self._shown.append({"text": thing.get("text/plain", ""), **figure})
            else:
                self._shown.append({"text": str(thing)})

    def packages(self, sources: str, index: int) -> str:
        """Return as JSON what a cell and those before it import by themselves."""
        cells = json.loads(sources)
        chosen = [*needed_before(cells, index), index]
        return json.dumps(list(dict.fromkeys(n for i in chosen for n in imports(cells[i]))))

    def run(self, sources: str, index: int, tell: Tell, at: Tell) -> str:
        """Run a cell after those that it needs, and return as JSON what it showed.

        Parameters
        ----------
        sources : str
            All cells of the page as JSON, as the reader has them now.
        index : int
        tell, at : callable
            Take what is printed, and which cell runs.

        Returns
        -------
        str
            As `octlessons.exercises.inpage.run` gives it, with ``displayed``, and ``cell``, the
            place of the cell that a problem is in.
        """
        cells = json.loads(sources)
        before = [i for i in needed_before(cells, index) if self._ran.get(i) != cells[i]]
        for number, i in enumerate(before, 1):
            at(f"Running {number} of {len(before)} cells that this one needs")
            found = json.loads(run(cells[i], f"<cell {i}>", self.names))
            if found["problem"] or found["wanted"]:
                answer = {"problem": found["problem"], "wanted": found["wanted"], "cell": i}
                if found["problem"]:
                    return json.dumps({"printed": "", "shown": "", "displayed": [], **answer})
            self._ran[i] = cells[i]
        at("Running")
        self._shown.clear()
        self._notebook.kernel = True
        try:
            found = json.loads(run(cells[index], f"<cell {index}>", self.names, tell))
        finally:
            self._notebook.kernel = None
            self._close()
        if not found["problem"]:
            self._ran[index] = cells[index]
            self._forget_after(cells, index)
        return json.dumps({**found, "displayed": self._shown, "cell": index})

    def _forget_after(self, cells: list[str], index: int) -> None:
        """What was made by cells that depend on a cell which ran again is not to be trusted."""
        for i in [i for i in self._ran if i > index]:
            if index in needed_before(cells, i):
                del self._ran[i]

    @staticmethod
    def _close() -> None:
        """Figures that were not shown are closed."""
        with contextlib.suppress(KeyError):
            sys.modules["matplotlib.pyplot"].close("all")
