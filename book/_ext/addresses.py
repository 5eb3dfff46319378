"""Addresses that lead nowhere: pages that have moved, and the page for what is not there.

A page that gets another name keeps its old one: ``octlessons_redirects`` in ``_config.yml`` maps
old names to new ones, both from the root of the course and without suffix.  Whoever comes by the
old address, from a bookmark or a paper, is sent on, with the fragment.
"""

from __future__ import annotations

import html
import json
import posixpath
from pathlib import Path
from typing import Any

from sphinx.util import logging

logger = logging.getLogger(__name__)

STYLE = """
  body { margin: 0 auto; max-width: 36rem; padding: 3rem 1.2rem; font: 1.06rem/1.6 system-ui,
    "Segoe UI", Roboto, "Noto Sans", Arial, sans-serif; color: #1c2329; background: #fff; }
  a { color: #17647b; }
  li { margin: 0.2rem 0; }
  h1 { font-size: 1.8rem; line-height: 1.2; }
  [data-theme="dark"] body { color: #dde3e8; background: #14181e; }
  [data-theme="dark"] a { color: #7cc4d8; }
"""

# Pages that are not there have addresses of any depth, so links cannot be relative to them. The
# folder of the site is the one, from here upwards, that has its icon.
FIND_ROOT = """
  try {
    document.documentElement.dataset.theme = localStorage.getItem("theme") || "light";
  } catch (error) { /* private windows may forbid it; the page is light then */ }
  const links = [...document.querySelectorAll("a[data-page]")];
  const look = (folder) => {
    const icon = new Image();
    icon.onload = () => {
      for (const link of links) link.href = folder + link.dataset.page;
    };
    icon.onerror = () => {
      const above = folder.replace(/[^/]+\\/$/, "");
      if (above !== folder && above.endsWith("/")) look(above);
    };
    icon.src = folder + "_static/favicon.svg";
  };
  look(location.pathname.replace(/[^/]*$/, ""));
"""


def redirect_page(target: str, title: str) -> str:
    """A page that sends on to another one.

    Parameters
    ----------
    target : str
        Its address, relative to this page.
    title : str
        Of the course.
    """
    link = html.escape(target)
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f"<script>location.replace({json.dumps(target)} + location.search + location.hash);"
        "</script>\n"
        f'<meta http-equiv="refresh" content="0; url={link}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="robots" content="noindex">\n<link rel="icon" href="data:,">\n'
        f'<link rel="canonical" href="{link}">\n<title>{html.escape(title)}</title>\n</head>\n'
        f'<body><main><h1>This page has moved</h1><p><a href="{link}">To its new place</a></p>'
        "</main></body>\n</html>\n"
    )


def lost_page(title: str, pages: list[tuple[str, str]], base: str = "") -> str:
    """The page for addresses that are not there; it needs no other file.

    Parameters
    ----------
    title : str
        Of the course.
    pages : list of (str, str)
        Address from the root of the site, and title, of the pages to offer; the first is the home.
    base : str
        Address of the site, where it is known; else a script looks for it.
    """
    links = [
        f'<a data-page="{html.escape(page)}" href="{html.escape(base + page)}">'
        f"{html.escape(name)}</a>"
        for page, name in pages
    ]
    listed = "".join(f"<li>{link}</li>" for link in links[1:])
    script = f"<script>{FIND_ROOT}</script>\n" if not base else ""
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="robots" content="noindex">\n<link rel="icon" href="data:,">\n'
        f"<title>Page not found — {html.escape(title)}</title>\n<style>{STYLE}</style>\n</head>\n"
        "<body><main>\n<h1>This page is not here</h1>\n<p>The address may be mistyped, or old. "
        f"Begin at {links[0]}, or go to one of its pages:</p>\n<ul>{listed}</ul>\n</main>\n"
        f"{script}</body>\n</html>\n"
    )


def write_redirects(app: Any, site: Path) -> None:
    """Write the pages of ``octlessons_redirects``, and complain of those that cannot be."""
    for old, new in app.config.octlessons_redirects.items():
        if old in app.env.found_docs:
            logger.warning("octlessons_redirects: %s is a page, so it cannot have moved.", old)
        elif new not in app.env.found_docs:
            logger.warning("octlessons_redirects: %s leads to %s, which is no page.", old, new)
        else:
            target = posixpath.relpath(f"{new}.html", posixpath.dirname(old) or ".")
            path = site / f"{old}.html"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(redirect_page(target, app.config.html_title), encoding="utf-8")


def finish(app: Any, error: Exception | None) -> None:
    """Write all of them after a build that succeeded."""
    if error is not None or app.builder.format != "html":
        return
    site, titles, root = Path(app.outdir), app.env.titles, app.config.root_doc
    write_redirects(app, site)
    contents = app.env.toctree_includes.get(root, [])
    pages = [(f"{root}.html", app.config.html_title), ("search.html", "Search")]
    pages += [(f"{page}.html", titles[page].astext()) for page in contents if page in titles]
    base = (app.config.octlessons_identity or {}).get("site", "")
    (site / "404.html").write_text(lost_page(app.config.html_title, pages, base), encoding="utf-8")


def setup(app: Any) -> dict[str, Any]:
    """Register the setting and the step, which comes after the lean one."""
    app.add_config_value("octlessons_redirects", {}, "html", types=[dict])
    app.connect("build-finished", finish, priority=950)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
