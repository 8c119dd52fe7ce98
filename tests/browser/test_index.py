"""The list of reports: every page is in it, it can be searched, and its links open."""

import pytest

from conftest import REPORTS, SCREENS, WCAG_AA, made_pages


@pytest.fixture(params=SCREENS)
def index(request, browser):
    """Open the list of reports on one screen, offline."""
    context = browser.new_context(**SCREENS[request.param], offline=True)
    page = context.new_page()
    page.goto((REPORTS / "index.html").resolve().as_uri())
    yield page
    context.close()


def test_it_lists_every_page(index):
    links = index.eval_on_selector_all(".entry a", "links => links.map(each => each.getAttribute('href'))")
    assert {page["path"].name for page in made_pages()} <= {link.removeprefix("./") for link in links}


def test_it_finds_what_is_typed(index):
    page = made_pages()[0]
    index.locator(".search").fill(page["title"].upper())
    shown = index.locator(".entry:visible")
    assert shown.count() > 0
    assert all(page["title"].lower() in words.lower() for words in shown.all_inner_texts())
    index.locator(".search").fill("no report says this")
    assert shown.count() == 0


def test_its_links_open(index):
    index.locator(".entry a").first.click()
    index.wait_for_selector("h1")
    assert "index.html" not in index.url


def test_it_does_not_scroll_sideways(index):
    assert index.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_it_meets_wcag_aa(index, axe):
    index.evaluate(axe)
    found = index.evaluate(
        "async tags => (await axe.run(document, {runOnly: tags})).violations"
        ".map(each => `${each.id}: ${each.nodes.map(node => node.target)}`)",
        WCAG_AA,
    )
    assert found == []
