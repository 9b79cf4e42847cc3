"""Awarding between two sentences: by keyboard, on a phone, without scripts, and seen by the child."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from backoffice.schools.services.goals import set_goals
from tests.browser.site import PHONE, Site, come_in, label

pytestmark = pytest.mark.browser


def test_a_teacher_awards_with_the_keyboard_and_takes_it_back(visit: Callable[..., Page], site: Site) -> None:
    own = site.world.own_class
    page = visit("teacher")
    page.goto(f"/console/classrooms/{own.public_id}/points")
    child = page.get_by_role("checkbox", name=label(own.children[1]))
    child.focus()
    page.keyboard.press("Space")
    expect(child).to_be_checked()
    # Enter in the comment asks what for, and awards nothing.
    page.get_by_text("Add a comment").click()
    page.get_by_label("Comment").press("Enter")
    expect(page.get_by_text("Choose what the points are for.")).to_be_visible()
    expect(page.get_by_role("checkbox", name=label(own.children[1]))).to_be_checked()
    page.get_by_role("button", name="Praise of the").press("Enter")
    given = page.get_by_role("status").filter(has_text="Praise of the")
    expect(given).to_contain_text(label(own.children[1]))
    given.get_by_role("button", name="Undo").press("Enter")
    expect(page.get_by_text("The points are taken back.")).to_be_visible()


def test_on_a_phone_without_scripts_a_class_gets_points_and_a_child_sees_the_goal(
    visit: Callable[..., Page], site: Site
) -> None:
    own = site.world.own_class
    set_goals(
        principal=site.world.sign_in("teacher"),
        classroom=own.public_id,
        goals={own.children[0].public_id: 4},
    )
    page = visit("teacher", viewport=PHONE, is_mobile=True, has_touch=True, java_script_enabled=False)
    page.goto(f"/console/classrooms/{own.public_id}/points")
    # The Actions are at hand at the top of the page, before any scrolling.
    expect(page.get_by_role("button", name="Praise of the")).to_be_in_viewport()
    page.get_by_role("radio", name="Whole class").tap()
    page.get_by_role("button", name="Praise of the").tap()
    expect(page.get_by_text("the whole class (")).to_be_visible()
    page = visit(viewport=PHONE)
    come_in(page, own, own.children[0])
    expect(page.get_by_role("progressbar", name="My goal")).to_be_visible()
    expect(page.get_by_text("You did it! You got to 4")).to_be_visible()
