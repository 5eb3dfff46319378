"""Small tables of text."""

from octlessons.wording import html_table, text_table


def test_text_table_aligns_names_left_and_numbers_right():
    assert text_table([("name", "n"), ("a", "100"), ("bcdef", "7")]).splitlines() == [
        "name     n",
        "a      100",
        "bcdef    7",
    ]


def test_html_table_has_a_caption_header_cells_and_no_live_markup():
    html = html_table("<b>", ("a", "b"), [("1 < 2", "&")])
    assert "<caption>&lt;b&gt;</caption>" in html
    assert html.count('<th scope="col">') == 2
    assert '<th scope="row">1 &lt; 2</th><td>&amp;</td>' in html


def test_html_table_without_header_has_no_empty_head():
    assert "<thead>" not in html_table("x", (), [("a", "b")])
