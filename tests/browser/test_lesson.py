"""A whole lesson: children come in, two of them at each other's name, get points, and are out at its end."""

import time
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import select

from backoffice.access.transaction import transaction
from backoffice.schools.models import Classroom, Enrollment, Student
from backoffice.schools.services import actions, classrooms, codes, rosters
from tests.browser.axe import WHOLE, breaches, look_closely
from tests.browser.site import DESK, PHONE, Site, follow_link, join
from tests.browser.test_keyboard import tab_to
from tests.factories.world import Child, give_pin

pytestmark = pytest.mark.browser

A_FEW = 5
PIN = "4937"
# Two who take each other's name, one who has a PIN and no mouse, and one at whose pages axe looks. Every
# third, from the first on, has no scripts.
MIXED_UP = {0: 1, 1: 0}
BY_KEYBOARD, LOOKED_AT = 2, 4


def a_class(site: Site, size: int) -> tuple[str, str]:
    """A class with one Action, in which one child has a PIN, and its code."""
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
        seats = select(Enrollment.student_id).where(Enrollment.classroom_id == row.id)
        of_class = tx.scalars(select(Student).where(Student.id.in_(seats))).all()
        found = next(each for each in of_class if each.given_name == f"Lion{BY_KEYBOARD}")
        careful = Child(found.id, found.public_id, found.given_name, found.family_name)
    give_pin(careful, PIN)
    assert code
    return room, code


def clean(page: Page) -> None:
    """Nothing for axe to find on the page that is open."""
    look_closely(page)
    assert breaches(page, WHOLE) == []


def is_in(page: Page, number: int) -> None:
    """Wait for a child's own page."""
    expect(page.locator(".who-name")).to_have_text(f"Lion{number} T.")


def pick(page: Page, number: int) -> None:
    """Choose a name."""
    page.get_by_role("button", name=f"Lion{number} T.", exact=True).click()
    is_in(page, number)


def by_keyboard(page: Page, code: str, number: int) -> None:
    """Come in with a PIN and without touching anything but keys."""
    page.goto("/join")
    expect(page.locator("[name=code]")).to_be_focused()
    page.keyboard.type(code.lower())
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Who are you?")).to_be_visible()
    tab_to(page, f"Lion{number} T.")
    page.keyboard.press("Enter")
    expect(page.get_by_label("Type your secret number")).to_be_focused()
    clean(page)
    page.keyboard.type(PIN)
    page.keyboard.press("Enter")
    is_in(page, number)


def looked_at(page: Page, code: str, number: int) -> None:
    """Come in, with axe looking at each page on the way."""
    page.goto("/join")
    clean(page)
    join(page, code)
    expect(page.get_by_role("heading", name="Who are you?")).to_be_visible()
    clean(page)
    pick(page, number)
    clean(page)


def come_in(pages: list[Page], code: str) -> float:
    """Let everybody in, each in its own way; how many seconds it took."""
    began = time.perf_counter()
    for number, page in enumerate(pages):
        if number == BY_KEYBOARD:
            by_keyboard(page, code, number)
        elif number == LOOKED_AT:
            looked_at(page, code, number)
        else:
            join(page, code)
    for number, page in enumerate(pages):
        if number not in {BY_KEYBOARD, LOOKED_AT}:
            pick(page, MIXED_UP.get(number, number))
    # Two see that this is not their name, and say so.
    for number in MIXED_UP:
        pages[number].get_by_role("button", name="Not me?").click()
        expect(pages[number].get_by_role("heading", name="Goodbye!")).to_be_visible()
        join(pages[number], code)
        pick(pages[number], number)
    return time.perf_counter() - began


def hold_a_lesson(visit: Callable[..., Page], site: Site, size: int) -> float:
    """From the first code typed to everybody out, each child with a phone and a browser profile of its own.

    Returns how many seconds it took them to come in.
    """
    room, code = a_class(site, size)
    pages = [
        visit(viewport=PHONE, java_script_enabled=number % 3 > 0, reduced_motion="reduce")
        for number in range(size)
    ]
    seconds = come_in(pages, code)

    teacher = visit("teacher", viewport=DESK, reduced_motion="reduce")
    teacher.goto(f"/console/classrooms/{room}/live")
    expect(teacher.get_by_role("heading", name=f"Signed in now {size}")).to_be_visible()
    clean(teacher)
    teacher.get_by_role("link", name="Points", exact=True).click()
    teacher.get_by_role("radio", name="Whole class").check()
    teacher.get_by_role("button", name="Worked well").click()
    expect(teacher.get_by_text(f"the whole class ({size})")).to_be_visible()
    clean(teacher)
    for number in (*MIXED_UP, BY_KEYBOARD, size - 1):
        pages[number].reload()
        expect(pages[number].locator(".big")).to_have_text("2 points")
        is_in(pages[number], number)

    teacher.goto(f"/console/classrooms/{room}/live")
    teacher.get_by_role("button", name="Sign everybody out").click()
    expect(teacher.get_by_text(f"{size} children are signed out.")).to_be_visible()
    for number in {0, LOOKED_AT, size - 1}:
        pages[number].reload()
        expect(pages[number].get_by_role("heading", name="You are out now")).to_be_visible()
    clean(pages[LOOKED_AT])
    # A page that was left open goes on with one press, and with the same points.
    follow_link(pages[LOOKED_AT], "Go back in")
    join(pages[LOOKED_AT], code)
    pick(pages[LOOKED_AT], LOOKED_AT)
    expect(pages[LOOKED_AT].locator(".big")).to_have_text("2 points")
    return seconds


def test_a_lesson(visit: Callable[..., Page], site: Site) -> None:
    hold_a_lesson(visit, site, A_FEW)
