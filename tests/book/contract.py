"""What a chapter must have, as a check of its source (CONTRIBUTING.md says it in words)."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

import yaml

FRONT_MATTER = {"teaching": int, "exercises": int, "needs": str, "data": str}
VAGUE = {"understand", "know", "learn", "appreciate", "be", "see", "grasp", "realise"}
MINUTES_TEACHING = (5, 90)
#: A reader's pace: words and visible lines of code in a minute …
WORDS_A_MINUTE, LINES_A_MINUTE = 150, 4
#: … and for a figure to look at, or to play with.
MINUTES_A_FIGURE = {"show": 2, "play": 3}
#: Sections under a heading that begins so are folded, and not counted.
FURTHER = "Further: "
#: Tags of cells whose code is not open on the page.
NOT_OPEN = {"hide-input", "hide-cell", "remove-input", "remove-cell"}
#: Teaching and exercises of a chapter together, without what goes further.
LONGEST_CHAPTER = 75

_FENCE = re.compile(r"^(?P<indent> *)(?P<mark>`{3,}|:{3,}|~{3,})(?P<rest>.*)$")
_DIRECTIVE = re.compile(r"^\{(?P<name>[\w-]+)\}\s*(?P<argument>.*)$")


@dataclass
class Block:
    """A heading or a directive of a page, in order."""

    kind: str
    text: str
    line: int
    body: list[str] = field(default_factory=list)

    @property
    def options(self) -> dict[str, str]:
        """Options at the head of a directive."""
        found = {}
        for line in self.body:
            match = re.match(r"^\s*:([\w-]+):\s*(.*)$", line)
            if not match:
                break
            found[match[1]] = match[2]
        return found

    @property
    def items(self) -> list[str]:
        """Items of the lists in a directive."""
        return [line.strip()[2:] for line in self.body if re.match(r"^\s*[-*] ", line)]

    @property
    def tags(self) -> set[str]:
        """Tags of a code cell."""
        return set(re.findall(r"[\w-]+", self.options.get("tags", "")))

    @property
    def code(self) -> str:
        """Source of a code cell."""
        return "\n".join(line for line in self.body if not re.match(r"^\s*:[\w-]+:", line))


def front_matter(text: str) -> dict:
    """The YAML at the head of a page."""
    match = re.match(r"^---\n(.*?)\n---\n", text, re.S)
    return (yaml.safe_load(match[1]) or {}) if match else {}


def blocks(text: str) -> list[Block]:
    """Headings, directives and code cells of a page; what stands in plain fences is left out."""
    match = re.match(r"^---\n(.*?)\n---\n", text, re.S)
    skipped = match[0].count("\n") if match else 0
    found: list[Block] = []
    open_fences: list[tuple[str, Block | None]] = []
    for number, line in enumerate(text.splitlines()[skipped:], skipped + 1):
        fence = _FENCE.match(line)
        inside_code = bool(open_fences) and open_fences[-1][1] is None
        if fence:
            mark, rest = fence["mark"], fence["rest"].strip()
            if open_fences and not rest and mark.startswith(open_fences[-1][0]):
                open_fences.pop()
                continue
            if not inside_code and not (open_fences and _is_verbatim(open_fences[-1][1])):
                directive = _DIRECTIVE.match(rest)
                block = None
                if directive:
                    block = Block(directive["name"], directive["argument"], number)
                    found.append(block)
                open_fences.append((mark, block))
                continue
        for _, block in open_fences:
            if block is not None:
                block.body.append(line)
        if not open_fences and (heading := re.match(r"^(#{1,6})\s+(.*?)\s*#*$", line)):
            found.append(Block(f"h{len(heading[1])}", heading[2], number))
    return found


@dataclass
class Minutes:
    """How long a page takes, by its words, code and figures, before its exercises."""

    core: float
    further: float


def minutes(text: str) -> Minutes:
    """Estimate how long the text of a page takes, what goes further apart."""
    spent = {"core": 0.0, "further": 0.0}
    level, part = 0, "core"  # level of the heading that goes further; 0 outside
    body = re.sub(r"^---\n.*?\n---\n", "", text, flags=re.S)
    body = re.split(r"^## Exercises\s*$", body, flags=re.M)[0]
    for piece in _pieces(body):
        if isinstance(piece, Block):
            lines = [line for line in piece.code.splitlines() if line.strip()]
            shown = 0 if piece.tags & NOT_OPEN else len(lines)
            figures = re.findall(r"\b(show|play)\(", piece.code)
            spent[part] += shown / LINES_A_MINUTE + sum(MINUTES_A_FIGURE[name] for name in figures)
            if "Prose(" in piece.code:  # sentences that the cell chooses from: about half are shown
                said = " ".join(re.findall(r"\"([^\"\n]*)\"", piece.code))
                spent[part] += _words(said) / 2 / WORDS_A_MINUTE
            continue
        heading = re.match(r"^(#{1,6})\s+(.*)$", piece)
        if heading and (not level or len(heading[1]) <= level):
            level = len(heading[1]) if heading[2].startswith(FURTHER) else 0
            part = "further" if level else "core"
        spent[part] += _words(piece) / WORDS_A_MINUTE
    return Minutes(**spent)


def _words(text: str) -> int:
    return len(re.findall(r"[^\W_][\w’'-]*", text))


def _pieces(body: str):
    """Lines of text, and code cells as blocks, in their order."""
    cell: Block | None = None
    for number, line in enumerate(body.splitlines(), 1):
        fence = _FENCE.match(line)
        if cell is None and fence and fence["mark"].startswith("`"):
            kind = "code-cell" if "{code-cell}" in fence["rest"] else "code"
            cell = Block(kind, "", number)
        elif cell is not None and fence and not fence["rest"].strip():
            yield cell
            cell = None
        elif cell is not None:
            cell.body.append(line)
        else:
            yield line


def _minutes_problems(text: str, meta: dict) -> list[str]:
    """What the front matter promises less than the page takes."""
    taken, found = minutes(text), []
    for key, spent in (("teaching", taken.core), ("further", taken.further)):
        promised = meta.get(key, 0)
        if isinstance(promised, int) and spent > promised + 0.5:
            found.append(f"'{key}' promises {promised} min, the page takes about {spent:.0f}.")
    together = [meta.get(key) for key in ("teaching", "exercises")]
    if all(isinstance(n, int) for n in together) and sum(together) > LONGEST_CHAPTER:
        found.append(f"The chapter takes {sum(together)} min; {LONGEST_CHAPTER} are the most.")
    return found


def _is_verbatim(block: Block | None) -> bool:
    return block is None or block.kind in {"code-cell", "code", "code-block", "math", "eval-rst"}


def problems(text: str, name: str) -> list[str]:
    """Say what a chapter lacks.

    Parameters
    ----------
    text : str
        Its source.
    name : str
        Its file name without suffix, such as ``"03-k-means-on-pixels"``.

    Returns
    -------
    list of str
        One sentence for each thing; empty for a chapter that keeps the contract.
    """
    meta, page = front_matter(text), blocks(text)
    number = int(name[:2])
    found = [*_front_matter_problems(meta), *_title_problems(page, number)]
    found += _minutes_problems(text, meta)
    if number == 0:
        needed = {"objectives", "keypoints", "quiz"} - {block.kind for block in page}
        return found + [f"There is no {{{kind}}}." for kind in sorted(needed)]
    return [*found, *_order_problems(page), *_box_problems(page, name, meta)]


def _front_matter_problems(meta: dict) -> list[str]:
    found = []
    for key, kind in FRONT_MATTER.items():
        if key not in meta:
            found.append(f"The front matter has no '{key}'.")
        elif not isinstance(meta[key], kind):
            found.append(f"'{key}' in the front matter must be {kind.__name__}: {meta[key]!r}.")
    if meta.get("needs") not in {"core", "book", "deep", None}:
        found.append("'needs' in the front matter must be core, book or deep.")
    low, high = MINUTES_TEACHING
    if isinstance(meta.get("teaching"), int) and not low <= meta["teaching"] <= high:
        found.append(f"'teaching' must be between {low} and {high} minutes.")
    description = ((meta.get("myst") or {}).get("html_meta") or {}).get("description", "")
    if not 50 <= len(description) <= 160:
        found.append(f"The description must have 50 to 160 characters, it has {len(description)}.")
    return found


def _title_problems(page: list[Block], number: int) -> list[str]:
    titles = [block for block in page if block.kind == "h1"]
    if len(titles) != 1:
        return [f"There must be one '# ' heading, there are {len(titles)}."]
    if not titles[0].text.startswith(f"{number}. "):
        return [f"The title must begin with '{number}. ': {titles[0].text!r}."]
    level, found = 0, []
    for block in page:
        if re.fullmatch(r"h\d", block.kind):
            if int(block.kind[1]) > level + 1:
                found.append(f"The heading in line {block.line} jumps a level.")
            level = int(block.kind[1])
    return found


def _order_problems(page: list[Block]) -> list[str]:
    """The sections in their order."""
    question = next((i for i, block in enumerate(page) if block.kind == "h2"), None)

    def heading(pattern: str):
        return lambda i, b: b.kind == "h2" and re.search(pattern, b.text, re.I)

    def directive(kind: str):
        return lambda i, b: b.kind == kind

    wanted = [
        ("{objectives}", directive("objectives")),
        (
            "a first '## ' heading that asks a question",
            lambda i, b: i == question and b.text.endswith("?"),
        ),
        ("a figure with show(…)", lambda i, b: b.kind == "code-cell" and "show(" in b.code),
        ("{predict}", directive("predict")),
        ("a '## ' heading with 'by hand'", heading(r"by hand")),
        ("a '## ' heading 'With …' or '… library …'", heading(r"^With |library")),
        ("a '## ' heading 'Reading …'", heading(r"^Reading ")),
        ("a '## ' heading 'What goes wrong …'", heading(r"^What goes wrong")),
        ("a code cell that shows it going wrong", directive("code-cell")),
        ("'## Exercises'", heading(r"^Exercises$")),
        ("{exercise}", directive("exercise")),
        ("'## Quiz'", heading(r"^Quiz$")),
        ("{quiz}", directive("quiz")),
        ("'## Key points'", heading(r"^Key points$")),
        ("{keypoints}", directive("keypoints")),
        ("'## References'", heading(r"^References$")),
        ("{footbibliography}", directive("footbibliography")),
    ]
    at, found, after = 0, [], "the start"
    for what, is_it in wanted:
        place = next((i for i in range(at, len(page)) if is_it(i, page[i])), None)
        # The picture may also stand in the prediction; both are before the method by hand.
        if place is None and what == "{predict}":
            place = next((i for i, b in enumerate(page) if b.kind == "predict"), None)
        if place is None:
            found.append(f"After {after} there is no {what}.")
            continue
        at = max(at, place if what in {"a figure with show(…)", "{predict}"} else place + 1)
        after = what
    return found


def _box_problems(page: list[Block], name: str, meta: dict) -> list[str]:
    found = []
    by_kind: dict[str, list[Block]] = {}
    for block in page:
        by_kind.setdefault(block.kind, []).append(block)
    for kind, low, high in (("objectives", 3, 5), ("keypoints", 3, 6)):
        for box in by_kind.get(kind, []):
            if not low <= len(box.items) <= high:
                found.append(f"{{{kind}}} has {len(box.items)} items, {low} to {high} are wanted.")
    for box in by_kind.get("objectives", []):
        for item in box.items:
            if item.split()[0].lower().strip("*_") in VAGUE:
                found.append(f"The objective {item!r} cannot be checked: name what can be done.")
    notices = [cell for cell in by_kind.get("code-cell", []) if "data-notice" in cell.tags]
    if len(notices) != 1:
        found.append(f"One cell must be tagged data-notice, there are {len(notices)}.")
    exercises = by_kind.get("exercise", [])
    if not 2 <= len(exercises) <= 4:
        found.append(f"There are {len(exercises)} exercises, 2 to 4 are wanted.")
    core = [box for box in exercises if "further" not in box.options]
    if exercises and not core:
        found.append("All exercises are marked further: at least one is for everybody.")
    minutes = sum(int(box.options.get("minutes", 0)) for box in core)
    if minutes != meta.get("exercises"):
        found.append(f"The exercises take {minutes} min, the front matter says otherwise.")
    quizzes = by_kind.get("quiz", [])
    if len(quizzes) == 1 and quizzes[0].text != name:
        found.append(f"The quiz must be called {name}, not {quizzes[0].text}.")
    return found
