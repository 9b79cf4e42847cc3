"""The command palette by keyboard alone: brought up, typed into, followed, put away."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, Route, ViewportSize, expect

from tests.browser.axe import DARK, WHOLE, breaches, look_closely
from tests.browser.site import Site

pytestmark = pytest.mark.browser

PHONE: ViewportSize = {"width": 390, "height": 844}
UNTOUCHED = """() => document.activeElement.dispatchEvent(
  new KeyboardEvent("keydown", { key: "/", bubbles: true, cancelable: true }))"""


def test_the_request_that_a_later_word_overtakes_is_given_up(visit: Callable[..., Page], site: Site) -> None:
    page = visit("teacher")
    page.goto("/console/")
    kept: list[Route] = []

    def keep_the_first(route: Route) -> None:
        if route.request.method == "POST" and not kept:
            kept.append(route)
        else:
            route.continue_()

    page.route("**/console/find/*", keep_the_first)
    page.route("**/console/find/", keep_the_first)
    page.keyboard.press("Control+k")
    expect(page.get_by_role("combobox")).to_be_focused()
    with page.expect_request(lambda asked: asked.method == "POST"):
        page.keyboard.type("pas")
    with page.expect_event("requestfailed", lambda asked: asked == kept[0].request):
        page.keyboard.type("te")
    expect(page.get_by_role("option").first).to_contain_text(f"Paste names into {site.world.own_class.name}")


def test_a_teacher_finds_a_child_and_an_action_by_keyboard_alone(
    visit: Callable[..., Page], site: Site
) -> None:
    room = site.world.own_class
    child = room.children[0]
    page = visit("teacher")
    page.goto("/console/")
    opener = page.locator("[data-palette]")
    opener.focus()
    page.keyboard.press("Control+k")
    field = page.get_by_role("combobox", name="Find a page, an action, a class or a person")
    options = page.get_by_role("option")
    expect(field).to_be_focused()
    expect(options.first).to_have_attribute("aria-selected", "true")
    look_closely(page)
    assert breaches(page, WHOLE) == []

    page.keyboard.press("End")
    expect(options.last).to_have_attribute("aria-selected", "true")
    page.keyboard.press("ArrowDown")
    expect(options.first).to_have_attribute("aria-selected", "true")
    assert field.get_attribute("aria-activedescendant") == options.first.get_attribute("id")
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(opener).to_be_focused()

    # A single letter is no shortcut: whoever dictates says many.
    assert page.evaluate(UNTOUCHED)
    page.keyboard.press("Control+k")
    expect(field).to_be_focused()
    page.keyboard.type("paste")
    expect(options.first).to_contain_text(f"Paste names into {room.name}")
    page.emulate_media(color_scheme="dark")
    page.set_viewport_size(PHONE)
    assert breaches(page, DARK) == []
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/console/classrooms/{room.public_id}/paste")

    page.locator("main").click()
    page.keyboard.press("Control+k")
    expect(field).to_be_focused()
    page.keyboard.type(f"{child.given[:5]} {(child.family or '')[:3]}")
    expect(options.first).to_contain_text(child.given)
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/console/students/{child.public_id}*")


def test_without_scripts_the_button_leads_to_a_page_that_finds_the_same(
    visit: Callable[..., Page], site: Site
) -> None:
    page = visit("teacher", java_script_enabled=False)
    page.goto("/console/")
    page.locator("[data-palette]").click()
    page.get_by_label("Find a page, an action, a class or a person").fill(site.world.own_class.name)
    page.get_by_role("button", name="Find", exact=True).click()
    page.get_by_role("link", name=f"Paste names into {site.world.own_class.name}").click()
    assert page.url.endswith("/paste")
    assert "q=" not in page.url


def test_hands_that_are_faster_than_the_line_lose_no_letter(visit: Callable[..., Page], site: Site) -> None:
    """Neither what is typed before the field is there, nor an Enter before what was typed is found."""
    page = visit("teacher")
    page.goto("/console/")
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    page.route("**/console/find/?part=1", hold)
    with page.expect_request("**/console/find/?part=1"):
        page.keyboard.press("Control+k")
    page.keyboard.type("familx")
    page.keyboard.press("Backspace")
    held[0].continue_()
    field = page.get_by_role("combobox")
    expect(field).to_have_value("famil")
    page.keyboard.type("ies")
    page.keyboard.press("Enter")
    page.wait_for_url("**/console/families/")


def test_an_action_leads_to_the_place_on_its_page(visit: Callable[..., Page], site: Site) -> None:
    page = visit("leader")
    page.goto("/console/")
    options = page.get_by_role("dialog").get_by_role("option")

    def follow(words: str, title: str) -> None:
        page.keyboard.press("Control+k")
        expect(page.locator("#find-words")).to_be_focused()
        page.keyboard.type(words)
        expect(options.first).to_contain_text(title)
        page.keyboard.press("Enter")

    follow("export stud", "Export students")
    page.wait_for_url("**/console/students/*#exports")
    expect(page.get_by_role("link", name="CSV", exact=True)).to_be_visible()
    # The next stop is what was asked for.
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="CSV", exact=True)).to_be_focused()
    room = site.world.own_class
    follow(f"hours {room.name}", f"Set the hours of the door of {room.name}")
    page.wait_for_url(f"**/console/classrooms/{room.public_id}/entry#hours-title")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Set the school days")).to_be_focused()
    # On the page itself as well.
    follow(f"pair {room.name}", f"Pair a tablet with {room.name}")
    page.wait_for_url("**/entry#tablets-title")
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.keyboard.press("Tab")
    expect(page.get_by_role("region", name="Tablets").locator(":focus")).to_have_count(1)


def test_somebody_signs_out_by_keyboard_alone(visit: Callable[..., Page], site: Site) -> None:
    page = visit("helper")
    page.goto("/console/")
    page.keyboard.press("Control+k")
    expect(page.get_by_role("combobox")).to_be_focused()
    page.keyboard.type("sign out")
    expect(page.get_by_role("option").first).to_have_text("Sign out")
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Sign out")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_text("You are signed out.")).to_be_visible()
    page.goto("/sign-out")
    page.wait_for_url("**/sign-in*")
