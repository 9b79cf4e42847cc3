"""A list worked in with nothing but keys."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.axe import WHOLE, breaches, look_closely
from tests.browser.site import Site

pytestmark = pytest.mark.browser


def test_rows_are_moved_through_ticked_and_opened_by_keys(visit: Callable[..., Page], site: Site) -> None:
    page = visit("teacher")
    page.goto(f"/console/students/?classroom={site.world.own_class.public_id}")
    rows = page.locator("form.grid tbody tr")
    count = len(site.world.own_class.children)
    expect(rows).to_have_count(count)
    # One row is a stop of Tab.
    assert rows.evaluate_all("rows => rows.map(row => row.tabIndex)") == [0] + [-1] * (count - 1)
    rows.first.focus()
    page.keyboard.press("j")
    expect(rows.nth(1)).to_be_focused()
    page.keyboard.press("Space")
    expect(rows.nth(1).get_by_role("checkbox")).to_be_checked()
    expect(page.get_by_text("1 selected")).to_be_visible()
    expect(rows.nth(1)).to_be_focused()
    page.keyboard.press("k")
    page.keyboard.press("ArrowUp")
    expect(rows.first).to_be_focused()
    page.keyboard.press("End")
    expect(rows.last).to_be_focused()
    page.keyboard.press("Home")

    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keys in this list")).to_be_visible()
    look_closely(page)
    assert breaches(page, WHOLE) == []
    page.keyboard.press("Escape")
    expect(rows.first).to_be_focused()

    # A letter in the search belongs to the search.
    search = page.get_by_placeholder("Find a name")
    search.focus()
    page.keyboard.type("jk?")
    expect(search).to_have_value("jk?")
    expect(page.get_by_role("dialog")).to_have_count(0)

    rows.first.focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/console/students/*")
    expect(page.get_by_role("heading", level=1)).to_be_visible()
