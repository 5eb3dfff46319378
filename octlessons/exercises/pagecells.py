"""Cells of a page, run where the reader is: what a cell needs runs before it, figures are caught.

A reader may change any cell and run it. The earlier cells that it depends on run first, without
showing anything, and of them only the statements that matter: which names a statement reads and
makes is read off the code.
"""

from __future__ import annotations

import ast
import contextlib
import json
import sys
import types
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from octlessons.exercises.inpage import LEFT_OUT, THERE, imports, run
from octlessons.wording import count

Tell = Callable[[str], object]

#: Libraries that draw, which cells may use beside those for exercises.
DRAWING = {"matplotlib", "PIL"}

#: Functions, and arguments that are True, which need what a page does not have: ONNX Runtime for a
#: shipped network, scikit-image, or a newer Pillow for image files.
NOT_HERE = {
    *("PhantomEncoder", "clean", "find_baseline", "find_layers_of", "gradient_histograms"),
    *("measure", "read_folder", "things_known"),
}


@dataclass(frozen=True)
class Step:
    """One statement of a cell, with all names that matter to others.

    Attributes
    ----------
    first, last : int
        Its lines, from 1.
    reads, makes, changes : frozenset of str
        Names that it takes, makes anew, and changes or may make.
    later : frozenset of str
        Names that a function or class, once made, looks up when it is used.
    """

    first: int
    last: int
    reads: frozenset[str]
    makes: frozenset[str]
    changes: frozenset[str]
    later: frozenset[str]


@cache
def steps(source: str) -> tuple[Step, ...]:
    """Read the statements of a cell; none where it is no valid Python."""
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError):
        return ()
    found = []
    for node in tree.body:
        first = min([node.lineno, *(d.lineno for d in getattr(node, "decorator_list", ()))])
        reads, assigned = _flow([node])
        changes = _changed(node)
        makes = assigned
        if isinstance(node, _COMPOUND):  # what it assigns, it may not
            makes, changes = set(), changes | assigned
        later = reads if isinstance(node, ast.FunctionDef | ast.ClassDef) else ()
        names = map(frozenset, (reads, makes, changes, later))
        found.append(Step(first, node.end_lineno or node.lineno, *names))
    return tuple(found)


_COMPOUND = ast.For | ast.While | ast.If | ast.Try | ast.With


def _flow(nodes: Sequence[ast.stmt], made: frozenset[str] = frozenset()) -> tuple[set, set]:
    """Names that statements take from before them, and those that they assign."""
    reads: set[str] = set()
    own: set[str] = set()
    for node in nodes:
        if not isinstance(node, _COMPOUND):
            taken, given = _names(ast.unparse(node))
            reads |= taken - made - own
        else:
            blocks = [getattr(node, name, []) for name in ("body", "orelse", "finalbody")]
            blocks += [handler.body for handler in getattr(node, "handlers", ())]
            taken, given = set(), set()
            if not isinstance(node, ast.Try):
                empty = {"body": [ast.Pass()], "orelse": []}
                head = {name: empty.get(name, getattr(node, name)) for name in node._fields}
                taken, given = _names(ast.unparse(ast.fix_missing_locations(type(node)(**head))))
            reads |= taken - made - own
            for block in blocks:
                taken, inside = _flow(block, made | own | given)
                reads |= taken
                given = given | inside
        own |= given
    return reads, own


def _names(text: str) -> tuple[set[str], set[str]]:
    """Names that code takes from around it, and those that it assigns, outside of functions.

    Not by `symtable`: since Python 3.12 that mixes names of comprehensions with those around them,
    and page and site would disagree.
    """
    reads: set[str] = set()
    makes: set[str] = set()
    _look(ast.parse(text), frozenset(), reads, makes)
    return reads, makes


_COMPREHENSION = ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp
_SCOPE = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda | ast.ClassDef


def _look(node: ast.AST, bound: frozenset[str], reads: set[str], makes: set[str]) -> None:
    """Add the names of some code to `reads` and `makes`, but for those that are `bound`."""
    if isinstance(node, ast.Name):
        if node.id not in bound:
            (reads if isinstance(node.ctx, ast.Load) else makes).add(node.id)
        return
    if isinstance(node, _SCOPE):
        body = node.body if isinstance(node.body, list) else [node.body]
        inside: set[str] = set()
        own = {part.arg for part in ast.walk(node) if isinstance(part, ast.arg)}
        for part in body:
            _look(part, bound, inside, own)
        reads |= inside - own
        makes |= {node.name} if not isinstance(node, ast.Lambda) else set()
        rest = [part for part in ast.iter_child_nodes(node) if part not in body]
    else:
        rest = list(ast.iter_child_nodes(node))
    if isinstance(node, _COMPREHENSION):
        targets = (part for one in node.generators for part in ast.walk(one.target))
        bound = bound | {part.id for part in targets if isinstance(part, ast.Name)}
    elif isinstance(node, ast.Import | ast.ImportFrom):
        makes |= {(alias.asname or alias.name).partition(".")[0] for alias in node.names}
    elif isinstance(node, ast.ExceptHandler) and node.name:
        makes.add(node.name)
    elif isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Name):
        reads.add(node.target.id)
    for child in rest:
        _look(child, bound, reads, makes)


def _changed(node: ast.stmt) -> set[str]:
    """Names whose things a statement changes: ``a[0] = 1``, ``a.b = 1``, ``a.append(1)``."""
    changed: set[str] = set()
    for part in ast.walk(node):
        inside: ast.AST = part
        if isinstance(part, ast.Expr) and isinstance(part.value, ast.Call):
            inside = part.value.func
            if isinstance(inside, ast.Name) and not part.value.args and not part.value.keywords:
                changed.add("show")  # done for its effect alone, as `use_style()` is
        elif not isinstance(getattr(part, "ctx", None), ast.Store):
            continue
        while isinstance(inside, ast.Subscript | ast.Attribute):
            inside = inside.value
            if isinstance(inside, ast.Name):
                changed.add(inside.id)
    return changed


def needed_before(sources: Sequence[str], index: int) -> dict[int, list[Step]]:
    """Return the statements of earlier cells on which a cell depends, by cell, in their order."""
    late: set[str] = set()  # what functions that run later look up then
    while True:
        wanted = set(late)
        for step in reversed(steps(sources[index])):
            wanted = (wanted - step.makes) | step.reads
        chosen: dict[int, list[Step]] = {}
        for i in range(index - 1, -1, -1):
            for step in reversed(steps(sources[i])):
                if (step.makes | step.changes) & wanted:
                    chosen.setdefault(i, []).insert(0, step)
                    wanted = (wanted - step.makes) | step.reads
        found = {name for some in chosen.values() for step in some for name in step.later}
        if found <= late:
            return dict(sorted(chosen.items()))
        late |= found


def only(source: str, chosen: Sequence[Step]) -> str:
    """Return a cell with nothing but some of its statements, each on its own lines."""
    lines = source.split("\n")
    kept = {line for step in chosen for line in range(step.first, step.last + 1)}
    return "\n".join(line if n in kept else "" for n, line in enumerate(lines, 1))


def runs_here(sources: Sequence[str], index: int) -> bool:
    """Whether neither a cell nor one that it needs uses what a page does not have."""
    texts = _texts(sources, index)
    used = {name for text in texts for step in steps(text) for name in step.reads}
    wanted, rooms = {name for text in texts for name in imports(text)}, set()
    for node in (node for text in texts if steps(text) for node in ast.walk(ast.parse(text))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("octlessons."):
            rooms.add(str(node.module).split(".")[1])
        elif isinstance(node, ast.keyword) and getattr(node.value, "value", None) is True:
            used.add(str(node.arg))
    modules = THERE | DRAWING | set(sys.stdlib_module_names)
    return wanted <= modules and not used & NOT_HERE and not rooms & set(LEFT_OUT)


def _texts(sources: Sequence[str], index: int) -> list[str]:
    """What runs for a cell: the parts of those before it, and itself."""
    before = needed_before(sources, index)
    return [*(only(sources[i], chosen) for i, chosen in before.items()), sources[index]]


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
        self._ran: dict[int, tuple[str, set[Step]]] = {}  # source, and what of it
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
        found = (name for text in _texts(cells, index) for name in imports(text))
        return json.dumps(list(dict.fromkeys(found)))

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
        before = self._pending(cells, index)
        for number, (i, chosen) in enumerate(before.items(), 1):
            at(f"Running {number} of {count(len(before), 'cell')} that this one needs")
            found = json.loads(run(only(cells[i], chosen), f"<cell {i}>", self.names))
            if found["problem"]:
                return json.dumps({**found, "printed": "", "displayed": [], "cell": i})
            self._ran.setdefault(i, (cells[i], set()))[1].update(chosen)
        at("Running")
        self._shown.clear()
        self._notebook.kernel = True
        try:
            found = json.loads(run(cells[index], f"<cell {index}>", self.names, tell))
        finally:
            self._notebook.kernel = None
            self._close()
        if not found["problem"]:
            self._forget_after(cells, index)
            self._ran[index] = cells[index], set(steps(cells[index]))
        return json.dumps({**found, "displayed": self._shown, "cell": index})

    def _pending(self, cells: list[str], index: int) -> dict[int, list[Step]]:
        """What a cell needs and has not run, or not as the reader has it now."""
        found: dict[int, list[Step]] = {}
        for i, chosen in needed_before(cells, index).items():
            if i in self._ran and self._ran[i][0] != cells[i]:
                self._forget_after(cells, i)
                del self._ran[i]
            done = self._ran[i][1] if i in self._ran else set()
            if rest := [step for step in chosen if step not in done]:
                found[i] = rest
        return found

    def _forget_after(self, cells: list[str], index: int) -> None:
        """Let cells run again that depend on one which runs again."""
        for i in [i for i in self._ran if i > index]:
            if index in needed_before(cells, i):
                del self._ran[i]

    @staticmethod
    def _close() -> None:
        """Figures that were not shown are closed."""
        with contextlib.suppress(KeyError):
            sys.modules["matplotlib.pyplot"].close("all")
