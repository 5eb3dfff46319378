"""Change the solutions a little, and see whether the checks notice.

``python -m tests.authoring.mutate [ID …]`` prints for each exercise how many mutants its checks
let through, and which. A mutant changes one place between the marks of a solution: a number, a
comparison, an operator, a function for its opposite, an argument or a statement left out.

A line of a solution that ends with ``# same: reason`` is left alone: a change there gives another
right answer.
"""

from __future__ import annotations

import argparse
import ast
import copy
import sys
from collections.abc import Iterator
from dataclasses import dataclass

from octlessons.exercises.catalogue import Exercise, load_catalogue
from octlessons.exercises.outcomes import Outcome, StudentError, TimedOut
from octlessons.exercises.plugin import run_checks
from octlessons.exercises.source import read_source
from octlessons.exercises.student import load_student

SECONDS = 5.0

_COMPARED = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq, ast.NotEq: ast.Eq, ast.In: ast.NotIn, ast.NotIn: ast.In,
    ast.Is: ast.IsNot, ast.IsNot: ast.Is,
}  # fmt: skip
_COMPUTED = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult, ast.Pow: ast.Mult, ast.Mod: ast.Mult, ast.MatMult: ast.Mult,
    ast.BitAnd: ast.BitOr, ast.BitOr: ast.BitAnd,
}  # fmt: skip
_OPPOSITES = {
    "min": "max", "max": "min", "argmin": "argmax", "argmax": "argmin",
    "sum": "mean", "mean": "sum",
    "any": "all", "all": "any", "maximum": "minimum", "minimum": "maximum", "median": "max",
    "ones": "zeros", "zeros": "ones", "hstack": "vstack", "vstack": "hstack", "floor": "ceil",
    "ceil": "floor", "std": "var", "var": "std", "triu": "tril", "tril": "triu", "fit": None,
    "cos": "sin", "sin": "cos", "sqrt": "square", "exp": "log", "log": "exp", "abs": None,
}  # fmt: skip


@dataclass(frozen=True)
class Mutant:
    """One changed solution.

    Attributes
    ----------
    line : int
        Line of the solution.
    what : str
        The change, in code.
    source : str
        The whole changed file.
    """

    line: int
    what: str
    source: str


def mutants(source: str) -> Iterator[Mutant]:
    """Give every mutant of a solution.

    Parameters
    ----------
    source : str
        Text of the solution, with its marks.
    """
    lines = source.split("\n")
    inside, allowed = False, set()
    for number, line in enumerate(lines, 1):
        if line.strip().startswith("# solution: "):
            inside = True
        elif line.strip() == "# end of solution":
            inside = False
        elif inside and "# same:" not in line:
            allowed.add(number)
    tree = ast.parse(source)
    negative = {
        id(node.operand)
        for node in ast.walk(tree)
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub)
    }  # reshape takes -2 for -1; the sign is changed instead
    seen = {ast.unparse(tree)}
    for place, node in enumerate(ast.walk(tree)):
        if getattr(node, "lineno", None) not in allowed or id(node) in negative:
            continue
        for change in range(_count(node)):
            changed = copy.deepcopy(tree)
            target = next(n for i, n in enumerate(ast.walk(changed)) if i == place)
            before = ast.unparse(target)
            if not _change(target, change):
                continue
            text = ast.unparse(ast.fix_missing_locations(changed))
            if text not in seen:
                seen.add(text)
                after = ast.unparse(target)
                yield Mutant(node.lineno, f"{before}  →  {after}", text)
    for number, text, what in _without_statements(tree, allowed):
        if text not in seen:
            seen.add(text)
            yield Mutant(number, what, text)


def _count(node: ast.AST) -> int:
    if isinstance(node, ast.Constant) and not isinstance(node.value, str | bytes | None.__class__):
        return 2
    return 1 if not isinstance(node, ast.Call) else 1 + len(node.keywords)


def _change(node: ast.AST, change: int) -> bool:
    """Change a node in place; False if there is nothing to change that way."""
    if isinstance(node, ast.Constant):
        if isinstance(node.value, bool):
            node.value = not node.value
            return change == 0
        if isinstance(node.value, int | float):
            node.value = node.value + 1 if change == 0 else node.value - 1
            return True
        return False
    if isinstance(node, ast.Compare) and type(node.ops[0]) in _COMPARED:
        node.ops[0] = _COMPARED[type(node.ops[0])]()
        return True
    if isinstance(node, ast.BinOp | ast.AugAssign) and type(node.op) in _COMPUTED:
        node.op = _COMPUTED[type(node.op)]()
        return True
    if isinstance(node, ast.BoolOp):
        node.op = ast.Or() if isinstance(node.op, ast.And) else ast.And()
        return True
    if isinstance(node, ast.UnaryOp):
        if not isinstance(node.op, ast.Not | ast.Invert | ast.USub):
            return False
        node.op = ast.UAdd()
        return True
    if isinstance(node, ast.Call):
        if change == 0:
            name = node.func.attr if isinstance(node.func, ast.Attribute) else None
            name = node.func.id if isinstance(node.func, ast.Name) else name
            other = _OPPOSITES.get(name)
            if not other:
                return False
            if isinstance(node.func, ast.Attribute):
                node.func.attr = other
            else:
                node.func.id = other
            return True
        del node.keywords[change - 1]
        return True
    if isinstance(node, ast.Return) and node.value is not None:
        node.value = ast.Constant(None)
        return True
    return False


def _without_statements(tree: ast.Module, allowed: set[int]):
    """Leave out one assignment to what exists already, or one call, at a time."""
    for place, node in enumerate(ast.walk(tree)):
        body = getattr(node, "body", None)
        if not isinstance(body, list):
            continue
        for i, statement in enumerate(body):
            if statement.lineno not in allowed or not isinstance(
                statement, ast.AugAssign | ast.Expr | ast.If | ast.For
            ):
                continue
            changed = copy.deepcopy(tree)
            target = next(n for k, n in enumerate(ast.walk(changed)) if k == place)
            target.body[i] = ast.copy_location(ast.Pass(), statement)
            what = f"without: {ast.unparse(statement).splitlines()[0]}"
            yield statement.lineno, ast.unparse(ast.fix_missing_locations(changed)), what


def survivors(exercise: Exercise, seconds: float = SECONDS) -> tuple[list[Mutant], int]:
    """Return the mutants that pass all checks of an exercise, and how many there were."""
    left, n = [], 0
    for mutant in mutants(read_source(exercise.solution)):
        n += 1
        if _passes(exercise, mutant.source, seconds):
            left.append(mutant)
    return left, n


def _passes(exercise: Exercise, source: str, seconds: float) -> bool:
    try:
        student = load_student(source, f"mutant of {exercise.id}", seconds)
    except (StudentError, TimedOut):
        return False
    results = run_checks(exercise, lambda _: student)
    return all(result.outcome is Outcome.PASSED for result in results)


def main(arguments: list[str] | None = None) -> int:
    """Report on the exercises named, or on all; 1 if more than a tenth of the mutants pass."""
    catalogue = load_catalogue()
    parser = argparse.ArgumentParser(prog="python -m tests.authoring.mutate")
    parser.add_argument("ids", nargs="*", metavar="ID")
    names = parser.parse_args(arguments).ids or [exercise.id for exercise in catalogue]
    total = passed = 0
    for name in names:
        left, n = survivors(catalogue[name])
        total, passed = total + n, passed + len(left)
        print(f"{name}: {len(left)} of {n} mutants pass", flush=True)
        for mutant in left:
            print(f"  line {mutant.line}: {mutant.what}")
    share = passed / total if total else 0
    print(f"{passed} of {total} mutants pass ({share:.1%})")
    return share > 0.1


if __name__ == "__main__":
    sys.exit(main())
