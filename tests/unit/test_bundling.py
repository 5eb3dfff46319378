"""One style sheet and one script for what most pages of a site load."""

import re

import pytest

from octlessons.site.bundling import bundle_site

PAGE = """<!DOCTYPE html><html><head>
<link rel="stylesheet" href="{up}_static/deep/theme.css?v=1"/>
<link rel="stylesheet" href="{up}_static/own.css"/>
<link rel="stylesheet" media="print" href="{up}_static/paper.css"/>
<link rel="preload" as="script" href="{up}_static/first.js"/>
<script src="{up}_static/now.js"></script>
<script defer src="{up}_static/first.js?v=2"></script>
{more}</head><body><p>text</p>
<script defer src="{up}_static/second.js"></script>
</body></html>"""


@pytest.fixture
def site(tmp_path):
    static = tmp_path / "_static"
    (static / "deep").mkdir(parents=True)
    (static / "base.css").write_text("@charset 'utf-8'; p { margin: 0 }")
    (static / "deep/theme.css").write_text(
        '@import "../base.css";\np { background: url(icons/a.svg), url("data:image/png;base64,A") }'
    )
    (static / "own.css").write_text("p { color: red; mask: url('b.svg') }")
    (static / "paper.css").write_text("p { color: black }")
    (static / "now.js").write_text("now()")
    (static / "first.js").write_text('"use strict";\nfirst()')
    (static / "second.js").write_text("second() // no end of line")
    (static / "third.js").write_text("third()")
    (tmp_path / "index.html").write_text(PAGE.format(up="", more=""))
    (tmp_path / "book").mkdir()
    more = '<script defer src="../_static/third.js"></script>'
    (tmp_path / "book/one.html").write_text(PAGE.format(up="../", more=more))
    (tmp_path / "book/two.html").write_text(PAGE.format(up="../", more=""))
    bundle_site(tmp_path)
    return tmp_path


def bundle(site, page, kind):
    text = (site / page).read_text()
    address = re.search(rf'"([./]*_static/bundle-[0-9a-f]+\.{kind})"', text)[1]
    return ((site / page).parent / address).read_text()


def test_sheets_come_in_order_with_what_they_import_and_their_pictures(site):
    css = bundle(site, "book/one.html", "css")
    assert css == bundle(site, "index.html", "css")
    assert css.index("margin: 0") < css.index("background") < css.index("color: red")
    assert "@import" not in css and "@charset" not in css
    assert "url(deep/icons/a.svg)" in css and "url('b.svg')" in css
    assert 'url("data:image/png;base64,A")' in css


def test_scripts_that_wait_come_in_order_and_strictness_is_not_catching(site):
    js = bundle(site, "book/two.html", "js")
    assert js.index("first()") < js.index("second()")
    assert not js.lstrip().startswith('"use strict"')
    assert re.search(r"second\(\) // no end of line\n;", js)
    assert "now()" not in js


def test_what_one_page_loads_and_what_says_more_stays_alone(site):
    one, two = ((site / f"book/{name}.html").read_text() for name in ("one", "two"))
    assert "../_static/third.js" in one and "third" not in two
    for page in (one, two):
        assert "../_static/now.js" in page and "../_static/paper.css" in page
        assert "first.js" not in page and "own.css" not in page and "preload" not in page
