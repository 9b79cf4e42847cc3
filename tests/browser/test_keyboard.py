"""Whole tasks with nothing but the keyboard, and with the focus always to be seen."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from backoffice.jobs import scheduler
from tests.browser.site import Site, label
from tests.factories.world import PASSWORD

pytestmark = pytest.mark.browser

FOCUSED = """() => {
  const it = document.activeElement;
  if (it === document.body) return null;
  // Where a link covers its card, the outline is the cover's.
  const outlined = [null, "::after"].some((part) => {
    const style = getComputedStyle(it, part);
    return style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2;
  });
  return {
    name: (it.getAttribute("aria-label") ?? it.labels?.[0]?.innerText ?? it.innerText).trim(),
    outlined,
  };
}"""
MOST_STEPS = 40


def tab_to(page: Page, name: str) -> None:
    """Press Tab until the element called `name` has the focus; every stop must be outlined."""
    met = []
    for _ in range(MOST_STEPS):
        page.keyboard.press("Tab")
        focused = page.evaluate(FOCUSED)
        if focused is None:  # past the last stop, on the way to the first
            continue
        met.append(focused["name"])
        assert focused["outlined"], focused
        if str(focused["name"]).startswith(name):
            return
    pytest.fail(f"The keyboard did not reach {name!r}, only {met}")


def skip_to_content(page: Page) -> None:
    """Go past the frame, by the first stop of a page that has just come."""
    page.wait_for_load_state()
    tab_to(page, "Skip to the content")
    page.keyboard.press("Enter")
    expect(page.locator("#content")).to_be_focused()


def test_a_teacher_signs_in_and_out(visit: Callable[..., Page], site: Site) -> None:
    page = visit()
    page.goto("/sign-in")
    page.keyboard.press("Tab")
    assert page.evaluate(FOCUSED) == {"name": "Skip to the content", "outlined": True}
    page.keyboard.press("Enter")
    tab_to(page, "E-mail")
    page.keyboard.type(site.world.people["teacher"].email)
    tab_to(page, "Password")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.get_by_role("navigation", name="Console")).to_be_visible()
    tab_to(page, "Sign out")
    page.keyboard.press("Enter")
    expect(page.get_by_text("You are signed out.")).to_be_visible()


def test_a_child_joins_and_leaves(visit: Callable[..., Page], site: Site) -> None:
    classroom = site.world.own_class
    child = classroom.children[0]
    page = visit()
    page.goto("/join")
    # The field takes the focus by itself, a moment after the page has come.
    expect(page.locator("[name=code]")).to_be_focused()
    page.keyboard.type(classroom.code.lower())
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Who are you?")).to_be_visible()
    tab_to(page, label(child))
    page.keyboard.press("Enter")
    expect(page.locator(".who-name")).to_have_text(label(child))
    tab_to(page, "I am done")
    page.keyboard.press("Space")
    expect(page.get_by_role("heading", name="Goodbye!")).to_be_visible()


def test_a_leader_narrows_a_list_ticks_rows_and_takes_them_out(
    visit: Callable[..., Page], site: Site
) -> None:
    room = site.world.own_class
    page = visit("leader")
    page.goto("/console/")
    tab_to(page, "Students")
    page.keyboard.press("Enter")
    page.wait_for_url("**/console/students/")
    skip_to_content(page)
    tab_to(page, "Class")
    page.keyboard.type(room.name)
    tab_to(page, "Search")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/console/students/?classroom={room.public_id}*")
    rows = page.locator("form.grid tbody tr")
    expect(rows).to_have_count(len(room.children))
    skip_to_content(page)
    # One row is a stop; from there they are moved through.
    tab_to(page, rows.first.inner_text().strip())
    page.keyboard.press("Space")
    page.keyboard.press("j")
    page.keyboard.press("Space")
    expect(page.get_by_text("2 selected")).to_be_visible()
    tab_to(page, "Take out of this class")
    page.keyboard.press("Enter")
    expect(page.get_by_text(f"will leave {room.name}.")).to_be_visible()
    skip_to_content(page)
    tab_to(page, "Take out of this class")
    page.keyboard.press("Enter")
    expect(page.get_by_text("2 students left the class.")).to_be_visible()
    skip_to_content(page)
    tab_to(page, "Undo")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/console/classrooms/{room.public_id}")
    expect(page.get_by_text("2 students are back in the class.")).to_be_visible()


def test_a_founder_finds_jobs_has_one_rest_and_run(visit: Callable[..., Page]) -> None:
    scheduler.sync()
    page = visit("founder")
    page.goto("/console/")
    page.keyboard.press("Control+k")
    expect(page.get_by_role("combobox")).to_be_focused()
    page.keyboard.type("jobs")
    expect(page.get_by_role("option").first).to_have_text("JobsOperations")
    page.keyboard.press("Enter")
    page.wait_for_url("**/console/jobs/")
    skip_to_content(page)
    tab_to(page, "Forget old mails")
    page.keyboard.press("Enter")
    page.wait_for_url("**/console/jobs/core.forget-mail")
    for button, said in (
        ("Pause", "It rests until you resume it."),
        ("Resume", "It goes on at its next time."),
        ("Run now", "It is in the queue and runs as soon as a worker is free."),
    ):
        skip_to_content(page)
        tab_to(page, button)
        page.keyboard.press("Enter")
        expect(page.get_by_text(said)).to_be_visible()
    # The palette knows the job by its title, and what is done to it.
    page.keyboard.press("Control+k")
    expect(page.locator("#find-words")).to_be_focused()
    page.keyboard.type("pause old mails")
    options = page.get_by_role("dialog").get_by_role("option")
    expect(options.first).to_have_text("Pause or resume: Forget old mails")
    page.keyboard.press("Enter")
    page.wait_for_url("**/console/jobs/core.forget-mail")
    expect(page.get_by_role("dialog")).to_have_count(0)
