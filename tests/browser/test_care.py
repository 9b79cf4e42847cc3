"""Looking after accounts in a browser: required factor, suspended and out, a lost factor that is kept."""

from collections.abc import Callable

import pyotp
import pytest
from playwright.sync_api import Page, expect

from backoffice.access.transaction import transaction
from tests.accounts.care.people import link_in, mailed
from tests.browser.site import PHONE, Site
from tests.factories import world as factory
from tests.factories.world import PASSWORD, SYSTEM

pytestmark = pytest.mark.browser

Visit = Callable[..., Page]


def test_required_suspended_and_out(visit: Visit, site: Site) -> None:
    world = site.world
    with transaction(SYSTEM) as tx:
        world.people["leader"].secret = factory._second_factor(tx, world.people["leader"].id)
    teacher, leader = visit("helper", viewport=PHONE), visit("leader")
    teacher.goto("/console/")
    leader.goto("/console/schools/")
    leader.get_by_role("row", name=world.home.name).get_by_role("link", name="Not required").click()
    leader.get_by_role("checkbox", name="Leaders and teachers").check()
    leader.get_by_role("button", name="Save", exact=True).click()
    expect(leader.get_by_role("link", name="Required", exact=True)).to_be_visible()

    # At once: the next page leads to setting one up, and says who asks.
    teacher.goto("/console/classrooms/")
    expect(teacher.get_by_text("Home Hollow School asks its leaders and teachers for one")).to_be_visible()
    teacher.get_by_role("button", name="Set it up").click()
    teacher.get_by_text("I cannot scan it").click()
    app = pyotp.TOTP(teacher.locator("code").inner_text().replace(" ", ""))
    teacher.get_by_label("One-time code").fill(app.now())
    teacher.get_by_role("button", name="Confirm").click()
    teacher.get_by_role("link", name="I have kept them").click()
    teacher.goto("/console/classrooms/")
    expect(teacher.get_by_role("rowheader", name=world.own_class.name)).to_be_visible()

    leader.goto("/console/teachers/")
    leader.get_by_role("link", name=world.people["helper"].name).click()
    leader.get_by_role("link", name="Suspend here").click()
    leader.get_by_label("Why").fill("Lost the laptop")
    leader.get_by_role("button", name="Suspend").click()
    expect(leader.get_by_text("Lost the laptop")).to_be_visible()
    teacher.goto("/console/classrooms/")
    expect(teacher.get_by_role("heading", name="Sign in")).to_be_visible()
    teacher.get_by_label("E-mail").fill(world.people["helper"].email)
    teacher.get_by_label("Password").fill(PASSWORD)
    teacher.get_by_role("button", name="Sign in", exact=True).click()
    expect(teacher.get_by_text("do not match")).to_be_visible()


@pytest.mark.parametrize("scripts", [True, False])
def test_a_founder_finds_suspends_and_closes(visit: Visit, site: Site, scripts: bool) -> None:
    world = site.world
    founder = visit("founder", java_script_enabled=scripts)
    founder.goto("/console/accounts/")
    founder.get_by_label("E-mail address").fill(world.people["outsider"].email)
    founder.get_by_role("button", name="Find it").click()
    founder.wait_for_url(f"**/{world.people['outsider'].public_id}")
    assert world.people["outsider"].name not in founder.content()
    founder.get_by_role("link", name="Suspend").click()
    founder.get_by_label("Why").fill("A message from the school")
    founder.get_by_role("button", name="Suspend this account").click()
    founder.get_by_role("link", name="Reinstate").click()
    founder.get_by_role("button", name="Reinstate this account").click()
    expect(founder.get_by_text("The suspension has ended.")).to_be_visible()
    founder.goto("/console/security/?state=open")
    founder.get_by_role("link", name="Suspended").first.click()
    founder.get_by_role("link", name="Close it with a note").click()
    founder.get_by_label("What you found and did").fill("It was a mistake")
    founder.get_by_role("button", name="Close it").click()
    expect(founder.get_by_text("The event is closed.")).to_be_visible()


def test_a_factor_that_was_not_lost_is_kept(visit: Visit, site: Site) -> None:
    world, teacher = site.world, site.world.people["teacher"]
    with transaction(SYSTEM) as tx:
        teacher.secret = factory._second_factor(tx, teacher.id)
    leader = visit("leader")
    leader.goto(f"/console/teachers/{teacher.public_id}")
    leader.get_by_role("link", name="Reset a lost second factor").click()
    leader.get_by_role("button", name="Reset the lost second factor").click()
    expect(leader.get_by_text("A reset of the second factor waits.")).to_be_visible()
    owner = visit(viewport=PHONE)
    owner.goto(f"/keep-my-factor/{link_in(mailed(teacher)[-1], 'keep-my-factor')}")
    owner.get_by_role("button", name="Keep my second factor").click()
    expect(owner.get_by_text("Your second factor stays.")).to_be_visible()
    leader.reload()
    expect(leader.get_by_role("link", name="Reset a lost second factor")).to_be_visible()
    assert world.people["leader"].public_id not in owner.content()
