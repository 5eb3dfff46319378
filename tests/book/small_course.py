"""A course of three pages without code, built in seconds with the real extensions."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

from octlessons.site import building

ROOT = Path(__file__).resolve().parents[2]

HEAD = """---
teaching: 5
exercises: 0
needs: core
data: none
myst:
  html_meta:
    description: "{}"
---

"""

PAGE = """# 1. Does it work?

:::{objectives}
- see that it works
:::

## Does it?

The {term}`inertia` falls; so does the {term}`EZ`, and {term}`inertia`.

$$FORMULA$$

## Far below

LINES

## What next?

::::{predict}
Will it fall?

:::{dropdown} Think
Of a stone.
:::
::::

Read [the words](glossary.md#glossary), and {term}`inertia` among them.

## Key points

:::{keypoints}
- It works.
:::
"""

GLOSSARY = """# Glossary

```{glossary}
inertia
  The sum of the squared distances.

ellipsoid zone
EZ
  A bright line < the retina.
```
"""

FORMULA = " + ".join(f"x_{{{number}}}" for number in range(12))

PAGES = {
    "index": HEAD.format("A course for tests, which fits on three pages and needs no data.")
    + "# Small course\n\nBegin with [the page](01-page.md).\n",
    "01-page": HEAD.format("A page for tests: words, a wide formula, and nothing to compute.")
    + PAGE.replace("FORMULA", FORMULA).replace("LINES", "A line.\n\n" * 60),
    "glossary": HEAD.format("The words of the course for tests, each with a sentence of its own.")
    + GLOSSARY,
}


def write_course(root: Path, pages: Mapping[str, str] = PAGES, **settings: object) -> Path:
    """Write a checkout with the real configuration, changed by `settings` of Sphinx.

    Parameters
    ----------
    root : Path
        An empty folder.
    pages : mapping of str to str
        Names in ``book/`` and their text; the first is the root.
    **settings : anything that YAML knows
    """
    import yaml

    config = yaml.safe_load((ROOT / "_config.yml").read_text("utf-8"))
    config["sphinx"]["config"].update(settings)
    (root / "_config.yml").write_text(yaml.safe_dump(config), "utf-8")
    first, *rest = pages
    toc = {"format": "jb-book", "root": f"book/{first}"}
    toc["chapters"] = [{"file": f"book/{page}"} for page in rest]
    (root / "_toc.yml").write_text(yaml.safe_dump(toc), "utf-8")
    (root / "constraints.txt").write_text("numpy==2.0\n")
    for name in ("_ext", "_static"):
        skip = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / "book" / name, root / "book" / name, ignore=skip)
    (root / "book" / "references.bib").write_text("")
    for name, text in pages.items():
        (root / "book" / f"{name}.md").write_text(text, "utf-8")
    return root


def build_course(root: Path) -> Path:
    """Build it, and return the folder of the site."""
    return building.build(root=root, tell=lambda line: None).index.parent
