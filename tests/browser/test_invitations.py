"""From being invited to seeing the class, in a browser."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.site import PHONE, Site
from tests.staff.post import token_for

pytestmark = pytest.mark.browser

Visit = Callable[..., Page]


def test_a_co_teacher_is_invited_accepts_and_sees_the_class(visit: Visit, site: Site) -> None:
    world, email = site.world, "nadia@people.example"
    leader = visit("leader")
    leader.goto("/console/teachers/")
    leader.get_by_role("link", name="Invite somebody").click()
    leader.get_by_role("combobox", name="School").select_option(label=world.home.name)
    leader.get_by_role("textbox", name="E-mail address").fill(email)
    leader.get_by_role("textbox", name="Name", exact=True).fill("Nadia Newcomer")
    leader.get_by_role("combobox", name="Invited as").select_option("co_teacher")
    leader.get_by_role("combobox", name="Class").select_option(world.own_class.public_id)
    leader.get_by_role("button", name="Send the invitation").click()
    expect(leader.get_by_role("rowheader", name="Nadia Newcomer")).to_be_visible()

    newcomer = visit(viewport=PHONE)
    newcomer.goto(f"/invitations/{token_for(email)}")
    expect(newcomer.get_by_role("heading", name=f"{world.home.name} invites you")).to_be_visible()
    newcomer.get_by_label("Password", exact=True).fill("walrus umbrella saxophone")
    newcomer.get_by_role("button", name="Accept and sign in").click()
    newcomer.goto("/console/classrooms/")
    expect(newcomer.get_by_role("rowheader", name=world.own_class.name)).to_be_visible()
    assert world.colleague_class.name not in newcomer.content()

    # And out again: one act, at once.
    leader.goto("/console/teachers/")
    leader.get_by_role("link", name="Nadia Newcomer").click()
    leader.get_by_role("link", name="End the place here").click()
    leader.get_by_role("button", name="End it now").click()
    expect(leader.get_by_text("The place is ended.")).to_be_visible()
    newcomer.goto("/console/classrooms/")
    expect(newcomer.get_by_role("heading", name="Sign in")).to_be_visible()
