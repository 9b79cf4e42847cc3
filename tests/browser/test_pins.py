"""A PIN from the teacher's button to the child's page, on a phone and without JavaScript; and a card."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.site import PHONE, Site, join, label, too_low
from tests.factories.world import Child, give_pin

pytestmark = pytest.mark.browser


def choose(page: Page, site: Site, child: Child) -> None:
    join(page, site.world.own_class.code)
    page.get_by_role("button", name=label(child)).click()


def test_a_pin_is_asked_for_set_and_typed(visit: Callable[..., Page], site: Site) -> None:
    room, child = site.world.own_class, site.world.own_class.children[0]
    teacher = visit("teacher", java_script_enabled=False)
    teacher.goto(f"/console/classrooms/{room.public_id}/cards")
    teacher.get_by_role("button", name="Ask each child for a PIN").click()
    expect(teacher.get_by_text("asked to make one when they come in next")).to_be_visible()

    phone = visit(viewport=PHONE, java_script_enabled=False)
    choose(phone, site, child)
    expect(phone.get_by_role("heading", name="Make a secret number")).to_be_visible()
    assert too_low(phone) == []
    phone.get_by_label("Four new numbers").fill("1234")
    phone.get_by_role("button", name="Keep it").click()
    expect(phone.get_by_role("alert")).to_contain_text("too easy to guess")
    phone.get_by_label("Four new numbers").fill("4937")
    phone.get_by_label("The same again").fill("4937")
    phone.get_by_role("button", name="Keep it").click()
    expect(phone.locator(".big")).to_be_visible()
    phone.get_by_role("button", name="I am done").click()

    choose(phone, site, child)
    number = phone.get_by_label("Type your secret number")
    expect(number).to_be_focused()
    for _ in range(5):
        number.fill("6158")
        phone.get_by_role("button", name="Go").click()
        expect(phone.get_by_role("alert")).to_contain_text("That did not work.")
    assert too_low(phone) == []
    number.fill("4937")
    number.press("Enter")
    expect(phone).to_have_url(f"{site.address}/student")

    teacher.reload()
    teacher.get_by_role("button", name=f"Clear PIN of {child.given}").click()
    expect(teacher.get_by_text("Whoever was in with it is signed out.")).to_be_visible()
    phone.reload()
    expect(phone.get_by_role("heading", name="You are out now")).to_be_visible()


def test_a_card_and_the_pin_lead_to_the_own_page(visit: Callable[..., Page], site: Site) -> None:
    teacher = visit("colleague")
    room = site.world.colleague_class
    teacher.goto(f"/console/classrooms/{room.public_id}/cards")
    with teacher.expect_download() as download:
        teacher.get_by_role("button", name="Print cards for all").click()
    assert download.value.suggested_filename == "cards.pdf"
    assert download.value.path().read_bytes().startswith(b"%PDF")

    give_pin(site.world.own_class.children[0], "4937")
    phone = visit(viewport=PHONE)
    phone.goto(f"/join/card/{site.world.card}")
    expect(phone).to_have_url(f"{site.address}/join/card")
    assert site.world.card not in phone.url
    phone.get_by_label("Type your secret number").fill("4937")
    phone.get_by_role("button", name="Go").click()
    expect(phone).to_have_url(f"{site.address}/student")
