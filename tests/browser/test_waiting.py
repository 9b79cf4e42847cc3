"""While a form is on its way: the pressed button says so, and a second press sends nothing."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.site import hold_time

pytestmark = pytest.mark.browser

# The answer never comes: what was sent is counted and goes nowhere.
STANDS_STILL = """() => {
  window.sent = 0;
  addEventListener("submit", (event) => {
    if (!event.defaultPrevented) window.sent += 1;
    event.preventDefault();
  });
}"""
MOVES = "it => getComputedStyle(it, '::after').animationName"


def test_a_slow_answer_is_waited_for(visit: Callable[..., Page]) -> None:
    page = visit("teacher")
    page.goto("/console/classrooms/new")
    page.evaluate(STANDS_STILL)
    button = page.get_by_role("button", name="Make the class")
    assert "turn" not in button.evaluate(MOVES)
    button.dblclick()
    button.click()
    assert page.evaluate("window.sent") == 1
    assert "turn" in button.evaluate(MOVES)
    expect(page.locator("form.form-card")).to_have_attribute("aria-busy", "true")
    expect(page.get_by_role("status")).to_have_text("One moment, please.")


def test_a_jobs_page_follows_its_run(visit: Callable[..., Page]) -> None:
    page = visit("founder")
    hold_time(page)
    page.goto("/console/jobs/trust.check")
    page.get_by_role("button", name="Run now").click()
    expect(page.get_by_role("link", name="Look again")).to_be_visible()
    with page.expect_event("load"):
        page.clock.run_for(5000)


def test_a_page_does_not_look_again_from_under_somebody_nor_for_ever(visit: Callable[..., Page]) -> None:
    page = visit("founder")
    hold_time(page)
    page.goto("/console/jobs/trust.check")
    page.get_by_role("button", name="Run now").click()
    expect(page.get_by_role("link", name="Look again")).to_be_visible()

    def stays(seconds: int = 9) -> bool:
        page.evaluate("window.stood = true")
        page.clock.run_for(seconds * 1000)
        page.wait_for_load_state("networkidle")
        return bool(page.evaluate("window.stood === true"))

    page.keyboard.press("Control+k")
    expect(page.get_by_role("dialog").get_by_role("combobox")).to_be_focused()
    assert stays()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.get_by_role("link", name="Look again").focus()
    assert stays()
    page.evaluate("document.activeElement.blur()")
    # Half filled in, and left with the mouse.
    page.evaluate("document.querySelector('#run-from').value = '2026-01-01'")
    assert stays()
    page.evaluate("document.querySelector('#run-from').value = ''")
    # Not expect_navigation: a note in the tab's history counts as one, before the page comes.
    with page.expect_event("load"):
        page.clock.run_for(5000)
    # It goes on counting from one look to the next.
    page.clock.fast_forward(175_000)
    page.wait_for_load_state("networkidle")
    assert stays()
    page.get_by_role("link", name="Look again").click()
    page.wait_for_load_state("networkidle")
    with page.expect_event("load"):
        page.clock.run_for(5000)


def test_paper_gets_a_table_and_no_buttons(visit: Callable[..., Page]) -> None:
    page = visit("teacher")
    page.goto("/console/students/")
    page.set_viewport_size({"width": 680, "height": 960})  # A4 within its margins
    page.emulate_media(media="print")
    expect(page.get_by_role("columnheader", name="Points")).to_be_visible()
    for gone in (page.get_by_role("button"), page.get_by_role("navigation"), page.get_by_role("searchbox")):
        assert gone.count() == 0
