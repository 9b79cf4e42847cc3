"""A phone: what a child presses is large, and the console's menu opens and closes."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.site import PHONE, Site, come_in, join, label

pytestmark = pytest.mark.browser

SMALLEST = 44  # CSS pixels, WCAG 2.5.5
SMALL = f"""() => [...document.querySelectorAll("a, button, input:not([type=hidden])")]
  .map((it) => [it.innerText || it.name, it.getBoundingClientRect()])
  .filter(([, box]) => box.width < {SMALLEST} || box.height < {SMALLEST})
  .map(([name, box]) => `${{name}} ${{box.width}}x${{box.height}}`)"""


def test_what_a_child_presses_is_large(visit: Callable[..., Page], site: Site) -> None:
    classroom = site.world.own_class
    page = visit(viewport=PHONE, has_touch=True, is_mobile=True)
    join(page, "WRONG CODE")
    expect(page.get_by_role("alert")).to_be_visible()
    assert page.evaluate(SMALL) == []
    page.goto("/join")
    assert page.evaluate(SMALL) == []
    join(page, classroom.code)
    expect(page.get_by_role("heading", name="Who are you?")).to_be_visible()
    assert page.evaluate(SMALL) == []
    page.get_by_role("button", name=label(classroom.children[0])).tap()
    expect(page.locator(".who-name")).to_be_visible()
    assert page.evaluate(SMALL) == []
    page.get_by_role("button", name="I am done").tap()
    expect(page.get_by_role("heading", name="Goodbye!")).to_be_visible()
    assert page.evaluate(SMALL) == []


def test_a_long_name_and_many_points_fit(visit: Callable[..., Page], site: Site) -> None:
    page = visit(viewport=PHONE, is_mobile=True)
    child = site.world.own_class.children[1]
    come_in(page, site.world.own_class, child)
    page.locator(".who-name").evaluate("it => { it.textContent = 'Bartholomew'.repeat(4); }")
    page.locator(".big b").evaluate("it => { it.textContent = '-1234567'; }")
    assert page.evaluate("document.scrollingElement.scrollWidth") <= PHONE["width"]


def test_the_menu_opens_and_closes(visit: Callable[..., Page], site: Site) -> None:
    page = visit("teacher", viewport=PHONE, is_mobile=True)
    page.goto("/console/")
    menu = page.get_by_role("navigation", name="Console")
    expect(menu).not_to_be_visible()
    ways_out: list[Callable[[], object]] = [
        menu.get_by_role("button", name="Close the menu").click,
        lambda: page.keyboard.press("Escape"),
        lambda: page.mouse.click(PHONE["width"] - 5, PHONE["height"] // 2),
    ]
    for close in ways_out:
        page.get_by_role("button", name="Menu").click()
        expect(menu).to_be_visible()
        close()
        expect(menu).not_to_be_visible()
    page.get_by_role("button", name="Menu").click()
    menu.get_by_role("link", name="Students").click()
    expect(page.get_by_role("heading", level=1, name="Students")).to_be_visible()
    expect(menu).not_to_be_visible()
