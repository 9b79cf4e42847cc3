"""A view is saved, opened by itself, counted on the first page, changed and deleted; no script is needed."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, ViewportSize, expect

from tests.browser.site import DESK, PHONE, Site

pytestmark = pytest.mark.browser


@pytest.mark.parametrize(("scripts", "size"), [(False, PHONE), (True, DESK)], ids=["no scripts", "desk"])
def test_a_view_from_the_first_to_the_last(
    visit: Callable[..., Page], site: Site, scripts: bool, size: ViewportSize
) -> None:
    room, name = site.world.own_class, f"Otters {size['width']}"
    page = visit("co_teacher", java_script_enabled=scripts, viewport=size)
    views = page.get_by_role("navigation", name="Views of Students")
    page.goto(f"/console/students/?classroom={room.public_id}")
    expect(views).to_have_count(0)
    page.get_by_text("Save this view", exact=True).click()
    page.get_by_label("Name of the view").fill(name)
    page.get_by_label("Name of the view").press("Enter")
    expect(views.get_by_role("link", name=name)).to_have_attribute("aria-current", "page")

    page.get_by_role("link", name="Change this view").click()
    page.get_by_label("Open the list with this view").check()
    page.get_by_label("Show its number on the start page").check()
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("Saved.")).to_be_visible()
    page.goto("/console/")
    tile = page.get_by_role("listitem").filter(has_text=name)
    expect(tile.get_by_text(str(len(room.children)), exact=True)).to_be_visible()
    tile.get_by_role("link", name=name).click()
    expect(
        page.get_by_role("list", name="Only those that fit").get_by_text(f"Class: {room.name}", exact=True)
    ).to_be_visible()

    views.get_by_role("link", name="All").click()
    expect(page.get_by_role("list", name="Only those that fit")).to_have_count(0)
    page.goto("/console/students/")
    expect(views.get_by_role("link", name=name)).to_have_attribute("aria-current", "page")
    page.goto(f"{page.url}&columns=name")
    expect(page.get_by_text("Changed", exact=True)).to_be_visible()
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("The view is saved as it is now.")).to_be_visible()
    expect(page.get_by_text("Changed", exact=True)).to_have_count(0)

    views.get_by_role("link", name="Manage views").click()
    page.get_by_role("link", name=f"Change {name}").click()
    page.get_by_role("link", name="Delete this view").click()
    page.get_by_role("button", name="Delete the view").click()
    expect(page.get_by_text("The view is deleted.")).to_be_visible()
    expect(page.get_by_role("link", name=name)).to_have_count(0)
