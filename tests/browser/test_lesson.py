"""A whole lesson: children come in, two of them at each other's name, get points, and are out at its end."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from backoffice.access.transaction import transaction
from backoffice.schools.models import Classroom
from backoffice.schools.services import actions, classrooms, codes, rosters
from tests.browser.site import DESK, PHONE, Site, join

pytestmark = pytest.mark.browser

A_FEW = 6


def a_class(site: Site, size: int) -> tuple[str, str]:
    """A class with one Action, and its code."""
    teacher = site.world.sign_in("teacher")
    room = classrooms.create_classroom(
        principal=teacher, school=site.world.home.public_id, name="Lesson Lions"
    )
    names = "\n".join(f"Lion{number} Thirtieth" for number in range(size))
    rosters.add_students(principal=teacher, classroom=room, text=names)
    actions.add_action(principal=teacher, classroom=room, label="Worked well", icon="star", value=2)
    with transaction(teacher) as tx:
        row = tx.query(Classroom).filter_by(public_id=room).one()
        code = codes.live_code(tx, row)
    assert code
    return room, code


def pick(page: Page, number: int) -> None:
    """Choose a name."""
    page.get_by_role("button", name=f"Lion{number} T.", exact=True).click()
    expect(page.locator(".who-name")).to_have_text(f"Lion{number} T.")


def hold_a_lesson(visit: Callable[..., Page], site: Site, size: int) -> None:
    """From the first code typed to everybody out, each child in a browser profile of its own."""
    room, code = a_class(site, size)
    # Every third has no scripts.
    pages = [visit(viewport=PHONE, java_script_enabled=number % 3 > 0) for number in range(size)]
    for page in pages:
        join(page, code)
    # Two take each other's name, see it, and say so.
    mixed_up = {0: 1, 1: 0}
    for number, page in enumerate(pages):
        pick(page, mixed_up.get(number, number))
    for number in mixed_up:
        pages[number].get_by_role("button", name="Not me?").click()
        join(pages[number], code)
        pick(pages[number], number)

    teacher = visit("teacher", viewport=DESK)
    teacher.goto(f"/console/classrooms/{room}/live")
    expect(teacher.get_by_role("heading", name=f"Signed in now {size}")).to_be_visible()
    teacher.get_by_role("link", name="Points", exact=True).click()
    teacher.get_by_role("radio", name="Whole class").check()
    teacher.get_by_role("button", name="Worked well").click()
    expect(teacher.get_by_text(f"the whole class ({size})")).to_be_visible()
    for number in (0, 1, size - 1):
        pages[number].reload()
        expect(pages[number].locator(".big")).to_have_text("2 points")
        expect(pages[number].locator(".who-name")).to_have_text(f"Lion{number} T.")

    teacher.goto(f"/console/classrooms/{room}/live")
    teacher.get_by_role("button", name="Sign everybody out").click()
    expect(teacher.get_by_text(f"{size} children are signed out.")).to_be_visible()
    for number in (0, size - 1):
        pages[number].reload()
        expect(pages[number].get_by_role("heading", name="You are out now")).to_be_visible()
        pages[number].get_by_role("link", name="Go back in").click()
        expect(pages[number].get_by_label("Type your class code")).to_be_visible()


def test_a_lesson(visit: Callable[..., Page], site: Site) -> None:
    hold_a_lesson(visit, site, A_FEW)
