"""Cells changed where they stand, by keys; two people at one cell; and words that are not lost by leaving."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Dialog, Locator, Page, expect

from tests.browser.axe import WHOLE, breaches, look_closely
from tests.browser.site import Site, Watch

pytestmark = pytest.mark.browser


def test_names_are_changed_by_keys_and_nobodys_is_written_over(
    visit: Callable[..., Page], site: Site, watch: Watch
) -> None:
    address = f"/console/students/?classroom={site.world.own_class.public_id}"
    page, other = visit("teacher"), visit("co_teacher")
    for each in (page, other):
        each.goto(address)
    rows = page.locator("form.grid tbody tr")
    first, height = rows.first.locator("th"), rows.first.bounding_box()
    before = first.locator("a").first.inner_text()
    editor, said = page.get_by_role("dialog"), page.get_by_role("status")

    def button(name: str) -> Locator:
        return editor.get_by_role("button", name=name).or_(editor.get_by_role("link", name=name))

    # Escape leaves, and nothing is written.
    rows.first.focus()
    page.keyboard.press("F2")
    given = editor.get_by_label("Given name")
    expect(given).to_be_focused()
    look_closely(page)
    assert breaches(page, WHOLE) == []
    page.keyboard.type("Nobody")
    page.keyboard.press("Escape")
    expect(editor).to_have_count(0)
    expect(rows.first).to_be_focused()
    expect(first.locator("a").first).to_have_text(before)

    # Enter saves, and only the words of the cell change.
    page.keyboard.press("F2")
    expect(given).to_be_focused()
    page.keyboard.type("Zuri")
    page.keyboard.press("Enter")
    expect(said.filter(has_text="Saved.")).to_have_count(1)
    expect(first.locator("a").first).to_contain_text("Zuri")
    assert rows.first.bounding_box() == height

    # Whoever comes second is shown what is there, and asked.
    other.locator("form.grid tbody tr").first.focus()
    other.keyboard.press("F2")
    page.keyboard.press("F2")
    expect(given).to_be_focused()
    expect(other.get_by_label("Given name")).to_be_focused()
    page.keyboard.type("Zola")
    # Tab goes through the form, to what saves and what leaves.
    for reached in (editor.get_by_label("Family name"), *map(button, ("Save", "Cancel"))):
        page.keyboard.press("Tab")
        expect(reached).to_be_focused()
    expect(editor).to_have_accessible_description("Enter saves, Alt+Enter saves and goes on, Escape leaves.")
    # Alt+Enter saves and goes on to the next cell.
    given.focus()
    page.keyboard.press("Alt+Enter")
    expect(first.locator("a").first).to_contain_text("Zola")
    expect(given).not_to_have_value("Zola")
    page.keyboard.press("Escape")
    other.keyboard.type("Zara")
    other.keyboard.press("Enter")
    alert = other.get_by_role("alert")
    expect(alert).to_contain_text("Zola")
    expect(alert).to_be_focused()
    expect(other.get_by_label("Given name")).to_have_value("Zara")
    look_closely(other)
    assert breaches(other, WHOLE) == []
    other.get_by_role("button", name="Write mine over it").click()
    expect(other.locator("form.grid tbody th a").first).to_contain_text("Zara")

    # Without a connection the words stay, and nothing is said to be saved.
    other.keyboard.press("F2")
    expect(other.get_by_label("Given name")).to_be_focused()
    other.route("**/cell/name**", lambda route: route.abort())
    other.keyboard.type("Zelma")
    other.keyboard.press("Enter")
    expect(other.get_by_role("alert")).to_contain_text("this may not be saved")
    expect(other.get_by_label("Given name")).to_have_value("Zelma")
    overtaken, lost = watch.complaints
    assert overtaken.startswith("status 409")
    assert lost.startswith("failed")
    watch.complaints.clear()


def test_words_that_are_not_sent_are_asked_about(visit: Callable[..., Page], site: Site) -> None:
    page = visit("teacher")
    asked: list[str] = []

    def stay(dialog: Dialog) -> None:
        asked.append(dialog.type)
        dialog.dismiss()

    page.on("dialog", stay)
    address = f"/console/classrooms/{site.world.own_class.public_id}/edit"
    page.goto("/console/classrooms/")
    page.goto(address)
    # Nothing is changed, and nothing asked.
    page.get_by_role("link", name="Cancel").click()
    page.wait_for_url("**/classrooms/*")
    page.go_back()
    name = page.get_by_label("Name of the class")
    name.fill("Half a na")
    page.get_by_role("link", name="Cancel").click(no_wait_after=True)
    expect(name).to_have_value("Half a na")
    page.evaluate("history.back()")
    expect(name).to_have_value("Half a na")
    assert asked == ["beforeunload"] * 2
    # What came back with an error is not saved either; what is sent is.
    name.fill(" ")
    page.get_by_role("button", name="Save").click()
    summary = page.get_by_role("alert")
    expect(summary).to_be_focused()
    page.get_by_role("link", name="Cancel").click(no_wait_after=True)
    expect(summary).to_be_visible()
    assert asked == ["beforeunload"] * 3
    summary.get_by_role("link").click()
    expect(name).to_be_focused()
    name.fill("A whole name")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Saved.")).to_be_visible()
    assert asked == ["beforeunload"] * 3
