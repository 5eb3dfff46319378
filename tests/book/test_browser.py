"""The built site in a browser that can reach no other host: wide, narrow, light, dark, keyboard."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from octlessons.site import checkout

ROOT = Path(__file__).resolve().parents[2]
PAGES = [f"{page}.html" for page in checkout.pages_of(ROOT / "_toc.yml")]
WITH_QUIZ = next(page for page in PAGES if re.match(r"book/\d\d-", page))

# Smallest ratio of contrast of text that a page shows, over all of it, with the text.
CONTRAST = """
() => {
  const numbers = (colour) => (colour.match(/[\\d.]+/g) || []).map(Number);
  const over = (top, under) => {
    const alpha = top.length > 3 ? top[3] : 1;
    return [0, 1, 2].map((i) => top[i] * alpha + under[i] * (1 - alpha));
  };
  const ground = (element) => {
    const layers = [];
    for (let e = element; e; e = e.parentElement) {
      const colour = numbers(getComputedStyle(e).backgroundColor);
      if (colour.length === 3 || colour[3] > 0) layers.push(colour);
      if (colour.length === 3 || colour[3] === 1) break;
    }
    return layers.reverse().reduce((under, top) => over(top, under), [255, 255, 255]);
  };
  const light = (rgb) => {
    const [r, g, b] = rgb.map((v) => {
      v /= 255;
      return v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  let worst = [21, ""];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const text = walker.currentNode.textContent.trim();
    const element = walker.currentNode.parentElement;
    if (!text) continue;
    if (!element.checkVisibility({ opacityProperty: true, visibilityProperty: true })) continue;
    if (element.closest("script, style, .skip-link, .headerlink, dialog:not([open])")) continue;
    const back = ground(element);
    const front = over(numbers(getComputedStyle(element).color), back);
    const [a, b] = [light(front), light(back)].sort((x, y) => y - x);
    const ratio = (a + 0.05) / (b + 0.05);
    const where = `${element.tagName}.${element.className}: ${text.slice(0, 60)}`;
    if (ratio < worst[0]) worst = [ratio, where];
  }
  return worst;
}
"""


@pytest.fixture
def open_page(browser, address):
    """Open a page; what went wrong on it is in the list ``page.problems``."""
    contexts = []

    def go(path, width=1280, mode="light", script=True, **options):
        context = browser.new_context(
            viewport={"width": width, "height": 900}, java_script_enabled=script, **options
        )
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(20_000)
        page.problems = []

        def note_response(response):
            if response.status >= 400:
                page.problems.append(f"{response.status} {response.url}")

        def note_request(request):
            if not request.url.startswith((address, "data:", "blob:")):
                page.problems.append(f"asked another host: {request.url}")

        page.on("request", note_request)
        page.on("response", note_response)
        page.on("requestfailed", lambda request: page.problems.append(f"failed: {request.url}"))
        page.on("pageerror", lambda error: page.problems.append(f"error: {error}"))
        page.on(
            "console",
            lambda message: (
                message.type in {"error", "warning"}
                and page.problems.append(f"console: {message.text}")
            ),
        )
        if script and mode:
            page.add_init_script(f"localStorage.mode = localStorage.theme = '{mode}'")
        page.goto(address + path)
        return page

    yield go
    for context in contexts:
        context.close()


def scroll_through(page):
    """Scroll to the end, so that pictures that wait for it load."""
    page.evaluate(
        """async () => {
          for (let y = 0; y < document.documentElement.scrollHeight; y += 700) {
            scrollTo(0, y);
            await new Promise((done) => setTimeout(done, 25));
          }
        }"""
    )
    page.wait_for_load_state("networkidle")


@pytest.mark.parametrize("width", [1280, 360])
@pytest.mark.parametrize("page", PAGES)
def test_page_opens_and_can_be_read(open_page, page, width):
    tab = open_page(page, width)
    scroll_through(tab)
    assert tab.problems == []
    wide = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    assert tab.evaluate(wide) <= 0
    broken = """[...document.images].filter((i) => i.checkVisibility() && !i.naturalWidth)
                 .map((i) => i.src)"""
    assert tab.evaluate(broken) == []
    tab.add_style_tag(content="* { transition: none !important; }")
    for mode in ("light", "dark"):
        tab.evaluate(f"document.documentElement.dataset.theme = '{mode}'")
        ratio, text = tab.evaluate(CONTRAST)
        assert ratio >= 4.5, f"{mode}: {text}"


def test_the_check_of_contrast_can_fail(open_page):
    tab = open_page(WITH_QUIZ)
    tab.evaluate("document.querySelector('main p').style.color = '#b0b0b0'")
    assert tab.evaluate(CONTRAST)[0] < 3


def test_another_host_would_be_noticed(open_page):
    tab = open_page(WITH_QUIZ)
    tab.evaluate("fetch('https://example.org/').catch(() => 0)")
    tab.wait_for_timeout(300)
    assert any("another host" in problem for problem in tab.problems)


def test_one_figure_of_each_pair_is_shown(open_page):
    for mode in ("light", "dark"):
        for path in PAGES:
            tab = open_page(path, mode=mode)
            shown = """[...document.querySelectorAll('figure.octlessons-figure')].map((f) =>
                [...f.querySelectorAll('img')].filter((i) => i.checkVisibility())
                  .map((i) => i.className).join())"""
            figures = tab.evaluate(shown)
            if figures:
                assert set(figures) == {f"only-{mode}"}
                captions = """[...document.querySelectorAll('.octlessons-figure figcaption')]
                    .every((c) => c.checkVisibility())"""
                assert tab.evaluate(captions)
                break
        else:
            pytest.fail("no page has a figure")


def test_quiz_works_by_keyboard(open_page):
    tab = open_page(WITH_QUIZ)
    form = tab.locator("form.quiz-form").first
    live = form.locator(".quiz-feedback")
    order = form.evaluate("(f) => [...f.querySelectorAll('input')].map((i) => i.value - 1)")
    right = order.index(
        form.evaluate(
            "(f) => [...f.querySelectorAll('.quiz-answers li')]"
            ".findIndex((a) => a.classList.contains('quiz-right'))"
        )
    )
    texts = form.evaluate(
        "(f) => [...f.querySelectorAll('.quiz-feedback-text')].map((a) => a.textContent.trim())"
    )
    answers = [texts[i] for i in order]
    form.locator("input").first.focus()
    tab.keyboard.press("Tab")
    assert tab.evaluate("document.activeElement.textContent") == "Check"
    tab.keyboard.press("Enter")
    assert live.inner_text() == "Choose an answer first."
    tab.keyboard.press("Shift+Tab")
    tab.keyboard.press("Space")
    for choice in range(len(answers)):
        if choice:
            tab.keyboard.press("ArrowDown")
        assert live.inner_text() == ""
        tab.keyboard.press("Enter")
        assert live.evaluate("(l) => l.textContent.trim()") == answers[choice]
        classes = live.get_attribute("class")
        assert ("is-right" in classes) == (choice == right)
        assert ("is-wrong" in classes) == (choice != right)
    assert tab.problems == []


def test_options_of_a_quiz_stand_in_another_order_for_every_reader(open_page):
    orders = set()
    for _ in range(4):
        tab = open_page(WITH_QUIZ)
        found = tab.evaluate(
            "[...document.querySelectorAll('.quiz-form')].map((form) =>"
            " [...form.querySelectorAll('input')].map((i) => i.value).join('')).join(' ')"
        )
        orders.add(found)
        assert all("".join(sorted(form)) == "12345"[: len(form)] for form in found.split())
    assert len(orders) > 1


def test_quiz_works_without_scripts(open_page):
    tab = open_page(WITH_QUIZ, script=False)
    fold = tab.locator(".quiz-answers").first
    assert tab.locator(".quiz-check").count() == 0
    assert fold.is_visible() and not fold.locator("li").first.is_visible()
    fold.locator("summary").click()
    assert fold.locator("li").first.is_visible()


def test_mode_can_be_switched_and_stays(open_page):
    tab = open_page(WITH_QUIZ, mode=None)
    theme = "document.documentElement.dataset.theme"
    assert tab.evaluate(theme) == "light"
    for _ in range(2):  # light, as the system has it, dark
        if tab.evaluate("document.documentElement.dataset.mode") != "dark":
            tab.locator(".theme-switch-button").first.click()
    tab.goto(tab.url)
    assert tab.evaluate(theme) == "dark"
    assert tab.evaluate("getComputedStyle(document.body).backgroundColor") != "rgb(255, 255, 255)"


def test_light_is_the_default(browser, address):
    context = browser.new_context(color_scheme="dark")
    page = context.new_page()
    page.goto(address + WITH_QUIZ)
    assert page.evaluate("document.documentElement.dataset.theme") == "light"
    context.close()


def test_search_finds_a_page(open_page):
    tab = open_page(WITH_QUIZ)
    tab.keyboard.press("Control+k")
    field = tab.locator("#pst-search-dialog input")
    assert field.is_visible()
    field.fill("retina")
    field.press("Enter")
    tab.wait_for_url(re.compile(r"search\.html\?q=retina"))
    tab.wait_for_selector("#search-results li a")
    assert tab.problems == []


def test_first_key_offers_to_skip_the_navigation(open_page):
    tab = open_page(WITH_QUIZ)
    tab.keyboard.press("Tab")
    assert tab.evaluate("document.activeElement.getAttribute('href')") == "#main-content"


def test_menu_opens_on_a_narrow_screen(open_page):
    tab = open_page(WITH_QUIZ, width=360)
    contents = tab.locator("nav.bd-docs-nav").first
    assert not contents.is_visible()
    tab.locator("button.primary-toggle:visible").first.click()
    tab.wait_for_timeout(400)
    assert contents.is_visible()
    assert tab.problems == []


def test_root_leads_to_the_course(open_page):
    tab = open_page("")
    tab.wait_for_url(re.compile(r"/book/index\.html$"))
    # Moving on may cut the first page's icon short, which is no fault.
    assert [problem for problem in tab.problems if "favicon" not in problem] == []
