"""One of many is picked by keyboard alone, and a change of many rows is followed on its page."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from backoffice.console.grids import filters
from backoffice.console.paging import LargeLists
from backoffice.console.picker import fields
from backoffice.settings import Lists
from tests.browser.axe import DARK, NARROW, WHOLE, breaches, look_closely
from tests.browser.site import PHONE, Site, Watch, hold_time, too_low
from tests.console.grids.test_bulk import _limits
from tests.console.grids.test_large import work

pytestmark = pytest.mark.browser
COUNTS_LOOKS = """() => {
  const { fetch } = window;
  window.looks = 0;
  window.fetch = (...asked) => { window.looks += 1; return fetch(...asked); };
}"""


@pytest.fixture(autouse=True)
def _many(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two are too many for a select, and for a request."""
    monkeypatch.setattr(filters, "LARGE", LargeLists())
    for module in (filters, fields):
        monkeypatch.setattr(module, "MOST_CHOICES", 1)
    _limits(monkeypatch, Lists(worker_from=2))


def test_whoever_sees_is_told_why_nothing_is_found(
    visit: Callable[..., Page], site: Site, watch: Watch
) -> None:
    page = visit("leader")
    page.goto("/console/students/")
    field = page.get_by_role("combobox", name="Class", exact=True)
    note = page.locator(".picker-list .picker-note").first
    page.route("**/console/pick/", lambda route: route.abort())
    field.click()
    expect(note).to_have_text("Nothing can be found at this moment. Try again.")
    page.unroute("**/console/pick/")
    page.keyboard.press("Escape")
    page.context.clear_cookies()
    page.keyboard.type("e")
    expect(note).to_have_text("You are signed out. Sign in in another tab, then try again.")
    watch.complaints.clear()


def test_a_class_is_picked_by_keyboard_alone(visit: Callable[..., Page], site: Site) -> None:
    room = site.world.elsewhere_class
    page = visit("leader")
    page.goto("/console/students/")
    field = page.get_by_role("combobox", name="Class", exact=True)
    options = page.get_by_role("listbox", name="Class", exact=True).get_by_role("option")
    field.focus()
    page.keyboard.press("ArrowDown")
    expect(field).to_have_attribute("aria-expanded", "true")
    page.keyboard.type(room.name.split()[-1][:4].lower())
    expect(options).to_have_count(1)
    page.keyboard.press("ArrowDown")
    expect(options).to_have_attribute("aria-selected", "true")
    assert field.get_attribute("aria-activedescendant") == options.get_attribute("id")
    look_closely(page)
    assert breaches(page, WHOLE) == []
    page.emulate_media(color_scheme="dark", reduced_motion="reduce")
    assert breaches(page, DARK) == []
    # Escape leaves it as it was, and words that nothing is picked by go.
    page.keyboard.press("Escape")
    expect(field).to_have_value("")
    page.keyboard.type(room.name.split()[-1][:4].lower())
    expect(options).to_have_count(1)
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Enter")
    expect(field).to_have_value(f"{room.name}, {site.world.elsewhere.name}")
    expect(options).to_have_count(0)
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/console/students/?classroom={room.public_id}")
    expect(field).to_have_value(room.name)
    page.set_viewport_size(PHONE)
    page.locator("summary", has_text="Filters").click()
    field.click()
    expect(options.first).to_be_visible()
    look_closely(page)
    assert breaches(page, NARROW) == []
    assert too_low(page) == []
    # Emptied, all classes are meant again.
    field.fill("")
    page.keyboard.press("Enter")
    page.keyboard.press("Enter")
    page.wait_for_url("**/console/students/")


def test_what_is_missing_leads_to_the_field_that_is_seen(visit: Callable[..., Page]) -> None:
    page = visit("leader")
    page.goto("/console/classrooms/new")
    page.get_by_label("Name of the class").fill("5B Picking")
    page.get_by_role("button", name="Make the class").click()
    page.get_by_role("alert").get_by_role("link", name="School: ").click()
    field = page.get_by_role("combobox", name="School")
    expect(field).to_be_focused()
    field.press("ArrowDown")
    options = page.get_by_role("listbox", name="School").get_by_role("option")
    expect(options.first).to_be_visible()
    # The list lies over what comes next, on a large screen as on a small one.
    below = page.get_by_label("Name of the class").bounding_box()
    options.first.click()
    expect(options).to_have_count(0)
    assert page.get_by_label("Name of the class").bounding_box() == below


def test_a_change_of_many_rows_is_followed(visit: Callable[..., Page], site: Site) -> None:
    page = visit("leader")
    page.goto(f"/console/students/?school={site.world.elsewhere.public_id}")
    page.get_by_role("checkbox", name="Select all rows of this page").check()
    # The page shows all that fit, so that it does not offer what is for all of them.
    page.evaluate(
        """() => document.querySelector("form.grid").insertAdjacentHTML(
          "beforeend", '<input type="hidden" name="whole" value="yes">')"""
    )
    page.get_by_role("button", name="Take out of their classes").click()
    expect(page.get_by_text("2 students lose their place in 1 class.")).to_be_visible()
    page.get_by_role("button", name="Take out of their classes").click()
    page.wait_for_url("**/console/large-changes/*")
    expect(page.get_by_role("button", name="Stop it")).to_be_visible()
    look_closely(page)
    assert breaches(page, WHOLE) == []
    page.emulate_media(color_scheme="dark", reduced_motion="reduce")
    assert breaches(page, DARK) == []
    page.set_viewport_size(PHONE)
    assert breaches(page, NARROW) == []
    assert too_low(page) == []
    # Whoever has gone away stays signed in by it no longer.
    hold_time(page)
    page.reload()
    page.evaluate(COUNTS_LOOKS)
    with page.expect_response("**?part=1"):
        page.clock.run_for(2_000)
    page.clock.fast_forward(180_000)
    page.wait_for_load_state("networkidle")
    looked = page.evaluate("window.looks")
    page.clock.run_for(10_000)
    assert page.evaluate("window.looks") == looked > 0
    page.reload()
    work(site.app)
    page.clock.run_for(5_000)
    page.clock.resume()
    expect(page.get_by_role("status")).to_contain_text("left 1 class")
    expect(page.get_by_role("button", name="Stop it")).to_have_count(0)
    page.goto("/console/large-changes/")
    latest = page.get_by_role("listitem").filter(has_text="Take out of their classes").first
    expect(latest).to_contain_text("2 students left 1 class")
    look_closely(page)
    assert breaches(page, WHOLE) == []
