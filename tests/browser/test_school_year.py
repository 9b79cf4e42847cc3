"""The end of a year on a phone without scripts: a child on two lists, a helper, and the next year."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.site import PHONE, Site, make_class, paste_names

pytestmark = pytest.mark.browser


def test_a_year_ends_and_the_next_begins(visit: Callable[..., Page], site: Site) -> None:
    teacher = visit("teacher", viewport=PHONE, java_script_enabled=False)
    teacher.goto("/console/")
    make_class(teacher, "3B 2025/26")
    paste_names(teacher, ["Cornelius Abernathy", "Corny Abernathy", "Philippa Bumblethorpe"])
    room = teacher.url

    teacher.get_by_role("link", name="Cornelius Abernathy").click()
    teacher.get_by_role("link", name="Twice on your lists?").click()
    teacher.get_by_label("Find another by name").fill("corny")
    teacher.get_by_role("button", name="Find").click()
    teacher.get_by_label("Corny Abernathy").check()
    teacher.get_by_role("button", name="Look at both").click()
    expect(teacher.get_by_text("Neither here nor with the button")).to_be_visible()
    teacher.get_by_label("It is one child.").check()
    teacher.get_by_role("button", name="Make one of the two").click()
    expect(teacher.get_by_text("They are one student now.")).to_be_visible()

    teacher.goto(f"{room}/teachers")
    teacher.get_by_label("From your school").select_option(label="Colin Colleague")
    teacher.locator(".teacher-add").get_by_label("As").select_option(label="Helper")
    teacher.get_by_role("button", name="Add", exact=True).click()
    expect(teacher.get_by_role("button", name="End the role of Colin Colleague")).to_be_visible()

    leader = visit("leader", viewport=PHONE, java_script_enabled=False)
    leader.goto(f"/console/school-year/?school={site.world.home.public_id}")
    for box in leader.locator("input[name=class]").all():
        box.set_checked("3B 2025/26" in (box.locator("xpath=..").inner_text()))
    here = leader.get_by_role("group", name="3B 2025/26")
    expect(here.get_by_label("Name of the class that follows")).to_have_value("4B 2026/27")
    here.locator("summary").click()
    here.get_by_label("Philippa Bumblethorpe").uncheck()
    leader.get_by_role("button", name="Look at the numbers").click()
    expect(leader.get_by_text("1 student moves up and 1 leaves.")).to_be_visible()
    leader.get_by_role("button", name="Begin the school year").click()
    expect(leader.get_by_text("The new year has begun: 1 new class with 1 student")).to_be_visible()

    teacher.goto(room)
    expect(teacher.get_by_text("This class is archived")).to_be_visible()
    teacher.goto("/console/classrooms/")
    teacher.get_by_role("link", name="4B 2026/27").click()
    expect(teacher.get_by_role("link", name="Cornelius Abernathy")).to_be_visible()
    expect(teacher.get_by_text("Philippa")).to_have_count(0)
    expect(teacher.get_by_text("Colin Colleague")).to_be_visible()
