"""What Jupyter Book says, for a person: which page ran, which cell failed, what else is wrong."""

from __future__ import annotations

import os
import re
from pathlib import Path

from octlessons.wording import count

_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_EXECUTED = re.compile(r"(?P<path>\S.*?):? ?Executed notebook in (?P<seconds>[\d.]+) seconds")
_PROBLEM = re.compile(r"\b(WARNING|ERROR|CRITICAL): |(Theme|Extension|Configuration) error")


def plain(line: str) -> str:
    """A line without its end and without colours."""
    return _COLOUR.sub("", line.rstrip("\n"))


def page_that_ran(line: str, root: Path) -> tuple[str, float] | None:
    """The page and its seconds, if a line says that one was executed."""
    match = _EXECUTED.search(line)
    if match is None:
        return None
    return relative(match["path"], root).rsplit(".", 1)[0], float(match["seconds"])


def relative(path: str, root: Path) -> str:
    path = path.rstrip(":")
    try:
        return Path(path).resolve().relative_to(root).as_posix()
    except ValueError:
        return path


def problems(lines: list[str], root: Path) -> list[str]:
    """Warnings and errors, each once, with paths from the root."""
    found = [line.replace(f"{root}{os.sep}", "") for line in lines if _PROBLEM.search(line)]
    return list(dict.fromkeys(line.strip() for line in found))


def cell_failure(lines: list[str], root: Path, work: Path) -> str | None:
    """Say which cell of which page failed, and write the whole report; None if none did."""
    start = next((i for i, line in enumerate(lines) if "Executing notebook failed" in line), None)
    if start is None:
        return None
    page = relative(lines[start].split(": WARNING")[0], root)
    end = next((i for i in range(start + 1, len(lines)) if "[mystnb.exec]" in lines[i]), None)
    report = "\n".join(lines[start : (end or start + 400) + 1])
    report = report.split("\nThe above exception was the direct cause")[0]
    path = work / "failure.txt"
    path.write_text(report.replace("[mystnb.exec]", "") + "\n", encoding="utf-8")
    where = _cell_place(report, root / page)
    if "CellTimeoutError" in report:
        why = "took longer than the time limit for one cell (execute: timeout in _config.yml)"
    elif "DeadKernelError" in report:
        why = "ended Python, most likely because the memory of this machine is full"
    else:
        error = re.findall(r"^[\w.]*(?:Error|Exception|Interrupt|Warning)\b.*$", report, re.M)
        why = f"raised {error[-1].strip()}" if error else "raised an error"
    return f"The page {page} cannot be built: {where} {why}\nThe whole report: {path}"


def _cell_place(report: str, page: Path) -> str:
    """Name the cell by its number and line."""
    source = re.search(r"following cell:\n-+\n(.*?)\n-{18}\n", report, re.S)
    if source and page.is_file():
        text = page.read_text(encoding="utf-8").replace("\r\n", "\n")
        at = text.find(source[1].strip("\n"))
        if at >= 0:
            number = len(
                re.findall(r"^`{3,}\s*\{code-cell\}|^:{3,}\s*\{code-cell\}", text[:at], re.M)
            )
            return f"cell {number} (line {text.count(chr(10), 0, at) + 1})"
    return "one of its cells"


def other_failure(found: list[str], lines: list[str], work: Path) -> str:
    log = work / "build.log"
    if found:
        shown = "\n".join(f"  {line}" for line in found[:12])
        more = f"\n  … and {len(found) - 12} more" if len(found) > 12 else ""
        several = count(len(found), "problem")
        return f"The book has {several}, and each stops the build:\n{shown}{more}\nThe log: {log}"
    named = (line for line in lines if re.match(r"[\w.]+(Error|Exception)\b: ", line))
    last = next(named, None) or next((x for x in reversed(lines) if x.strip(" =")), "no reason")
    return f"Jupyter Book stopped: {last.strip()}\nThe log: {log}"
