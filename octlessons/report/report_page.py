"""The report: one file that opens from disk, with no other host, no server and no graphics card.

Words and tables are HTML and read without scripts. The map is a plain canvas; its data are
compressed in the page. Names of files and labels are never trusted: everything is escaped.
"""

from __future__ import annotations

import base64
import gzip
import json
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from octlessons._files import write_atomically
from octlessons.errors import OctlessonsError
from octlessons.images.checks import to_uint8
from octlessons.report import telling
from octlessons.report.pictures import alone, along_the_map, make_sheets
from octlessons.report.result import ClusterRun
from octlessons.wording import one_line

TEMPLATES = Path(__file__).with_name("templates")
#: Colours of the clusters, on white and on black; more clusters begin again, with their number.
COLOURS = (
    "#d1520a", "#3f7fe0", "#8d588f", "#2f7a5b", "#97780a", "#c2487f", "#168497", "#6d747c",
)  # fmt: skip
#: Members of each kind on a card, odd scans and copies that are shown.
MEMBERS, ODD, COPIES = 4, 12, 12
#: What the page has besides the sheets and the names, in characters, roughly.
_REST = 1_500_000


def write_page(run: ClusterRun, path: Path, page_bytes: int) -> None:
    """Write the report of a run.

    Parameters
    ----------
    run : ClusterRun
    path : Path
    page_bytes : int
        Where the pictures of all scans do not fit into this, some of each cluster are shown.

    Raises
    ------
    OctlessonsError
        If it cannot be written.
    """
    names = _shortest([str(name) for name in run.files])
    packed = _packed_facts(run, names)
    used = _REST + sum(map(len, packed.values()))
    order = along_the_map(run.map.places)
    sheets = make_sheets(run.pictures, order, run.clusters, max(0, page_bytes - used))
    packed["tiles"] = _packed(sheets.place.astype("<i4").tobytes())
    text = (
        _environment()
        .get_template("report.html")
        .render(
            **telling.told(run, sheets),
            cards=_cards(run, names),
            odd=_figures(run, names, telling.oddest(run, ODD)),
            copies=_copies(run, names),
            consensus=_consensus(run),
            packed=packed,
            sheets=sheets.data,
            facts=_facts(run),
            style=(TEMPLATES / "report.css").read_text("utf-8"),
            script=(TEMPLATES / "report.js").read_text("utf-8"),
        )
    )
    write_atomically(path, text)


def _environment():
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["json"] = _json
    return environment


def _json(value: Any) -> str:
    """JSON that is safe inside of a script element."""
    from markupsafe import Markup

    text = json.dumps(value, ensure_ascii=False)
    return Markup(text.replace("<", "\\u003c").replace("\u2028", "\\u2028"))


def _shortest(names: Sequence[str]) -> list[str]:
    """Paths without the folder that all share, on one line each."""
    shared = ""
    if len(names) > 1 and all(os.path.isabs(name) for name in names):
        shared = os.path.join(os.path.commonpath(names), "")
    short = [name.removeprefix(shared) or name for name in names]
    return list(map(one_line, short))


# ---------------------------------------------------------------------- for the map


def _packed(data: bytes) -> str:
    """Bytes as the page unpacks them: base64 of gzip; the same bytes give the same text."""
    return base64.b64encode(gzip.compress(data, 6, mtime=0)).decode()


def _packed_facts(run: ClusterRun, names: list[str]) -> dict[str, str]:
    grouping, scans = run.grouping, run.scans
    places = (np.clip(run.map.places, 0, 1) * 65535).astype("<u2")
    found = {
        "places": _packed(places.tobytes()),
        "clusters": _packed(grouping.clusters.astype("<i2").tobytes()),
        "silhouettes": _packed(np.nan_to_num(grouping.silhouettes).astype("<f4").tobytes()),
        "names": _packed("\n".join(names).encode("utf-8", "replace")),
    }
    if scans.labels is not None:
        found["labels"] = _packed(np.asarray(scans.labels, "<i2").tobytes())
    if scans.patients is not None:
        found["patients"] = _packed(
            "\n".join(one_line(str(p)) for p in scans.patients).encode("utf-8", "replace")
        )
    return found


def _facts(run: ClusterRun) -> dict[str, Any]:
    """What the script needs to know."""
    return {
        "n": len(run),
        "k": run.grouping.k,
        "colours": COLOURS,
        "labels": list(run.scans.class_names) if run.scans.labels is not None else [],
    }


# ---------------------------------------------------------------------- pictures


def _picture(run: ClusterRun, i: int) -> dict[str, Any]:
    """A scan as it is; the small picture where its file has gone."""
    try:
        scan = to_uint8(np.asarray(run.scans.images[int(i)]), "the scan")
    except (OctlessonsError, OSError, ValueError):
        scan = run.pictures[i]
    data, width, height = alone(scan)
    return {"data": data, "width": width, "height": height}


def _figures(run: ClusterRun, names: list[str], which: Iterable[int]) -> list[dict[str, Any]]:
    return [
        {**_picture(run, i), "name": names[i], "label": telling.label_of(run, i)}
        for i in map(int, which)
    ]


def _cards(run: ClusterRun, names: list[str]) -> list[dict[str, Any]]:
    picked = telling.members_of(run, MEMBERS)
    return [
        {
            **telling.card(run, c),
            "colour": COLOURS[c % len(COLOURS)],
            "rows": [(words, _figures(run, names, which)) for words, which in picked[c]],
        }
        for c in range(run.grouping.k)
    ]


def _copies(run: ClusterRun, names: list[str]) -> list[dict[str, Any]]:
    pairs = telling.copies_to_show(run, COPIES)
    return [{"words": words, "scans": _figures(run, names, pair)} for words, pair in pairs]


def _consensus(run: ClusterRun) -> dict[str, Any] | None:
    """The matrix of who stays with whom, as a picture: white never, black always."""
    together = run.grouping.together
    if not np.isfinite(together).any():
        return None
    grey = (255 * (1 - np.nan_to_num(together, nan=0.5))).round().astype(np.uint8)
    import io

    from PIL import Image

    stream = io.BytesIO()
    Image.fromarray(grey).save(stream, "PNG", optimize=True)
    data = base64.b64encode(stream.getvalue()).decode()
    sizes = np.bincount(run.clusters[run.grouping.sample], minlength=run.grouping.k)
    edges = np.concatenate([[0], np.cumsum(sizes)]) / max(len(together), 1)
    return {"data": data, "n": len(together), "edges": edges.tolist()}
