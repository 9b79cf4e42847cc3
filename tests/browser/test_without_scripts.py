"""Every essential job with JavaScript switched off."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.site import Site, join, make_class, paste_names, sign_in

pytestmark = pytest.mark.browser


def test_the_essential_jobs(visit: Callable[..., Page], site: Site) -> None:
    page = visit(java_script_enabled=False)
    sign_in(page, site.world.people["teacher"])
    make_class(page, "Plain Pelicans")
    paste_names(page, ["Cornelius Abernathy", "Philippa Bumblethorpe", "Rosalind Crabapple"])

    page.get_by_role("link", name="Cornelius Abernathy").click()
    page.get_by_role("link", name="Edit").click()
    page.get_by_label("Family name").fill("Abernethy")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("heading", name="Cornelius Abernethy")).to_be_visible()

    page.get_by_label("Breadcrumb").get_by_role("link", name="Plain Pelicans").click()
    code = page.locator(".code-show").inner_text().removeprefix("The code is").strip()
    page.get_by_role("link", name="Open as a list").click()
    page.get_by_role("checkbox", name="Select Philippa Bumblethorpe").check()
    page.get_by_role("checkbox", name="Select Rosalind Crabapple").check()
    page.get_by_role("button", name="Take out of this class").click()
    expect(
        page.get_by_text("Philippa Bumblethorpe and Rosalind Crabapple will leave Plain Pelicans.")
    ).to_be_visible()
    page.get_by_role("button", name="Take out of this class").click()
    expect(page.get_by_text("2 students left the class.")).to_be_visible()
    expect(page.get_by_role("rowheader")).to_have_text(["Cornelius Abernethy"])

    child = visit(java_script_enabled=False)
    join(child, code.lower())
    expect(child.locator(".name")).to_have_count(1)
    child.get_by_role("button", name="Cornelius A.").click()
    expect(child.locator(".big")).to_have_text("0 points")
    child.get_by_role("button", name="Not me?").click()
    expect(child.get_by_role("heading", name="Goodbye!")).to_be_visible()

    page.goto("/console/")
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_text("You are signed out.")).to_be_visible()


def test_the_door_and_a_renewed_code(visit: Callable[..., Page], site: Site) -> None:
    classroom = site.world.elsewhere_class
    page = visit("elsewhere", java_script_enabled=False)
    page.goto(f"/console/classrooms/{classroom.public_id}")
    page.get_by_role("button", name="Closed").click()
    expect(page.get_by_text("The door is closed.")).to_be_visible()
    child = visit(java_script_enabled=False)
    join(child, classroom.code)
    expect(child.get_by_role("alert")).to_contain_text("This code is not open now.")

    page.get_by_role("button", name="One hour").click()
    expect(page.get_by_text("The door is open until ").first).to_be_visible()
    page.get_by_role("link", name="Door", exact=True).click()
    page.get_by_text("Renew the code", exact=True).click()
    page.get_by_role("button", name="Renew the code now").click()
    expect(page.get_by_text("The code is renewed.")).to_be_visible()
    page.get_by_role("link", name="Students", exact=True).last.click()
    join(child, classroom.code)
    expect(child.get_by_role("alert")).to_contain_text("This code is not open now.")
    page.get_by_role("button", name="Show it big").click()
    expect(page.get_by_role("dialog")).to_be_visible()
    join(child, page.locator(".board-code").inner_text())
    expect(child.locator(".name")).to_have_count(2)
