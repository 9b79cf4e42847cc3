"""Signing in and joining with nothing but the keyboard, and with the focus always to be seen."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

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
    name: it.getAttribute("aria-label") ?? it.labels?.[0]?.innerText ?? it.innerText,
    outlined,
  };
}"""
MOST_STEPS = 20


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
