"""Looking after accounts in a browser: required factor, suspended and out, a lost factor that is kept."""

from collections.abc import Callable

import pyotp
import pytest
from playwright.sync_api import Page, expect

from backoffice.access.transaction import transaction
from tests.accounts.care.people import link_in, mailed
from tests.accounts.post import link_for
from tests.browser.site import PHONE, Site
from tests.factories import world as factory
from tests.factories.world import SYSTEM
from tests.staff.post import token_for

pytestmark = pytest.mark.browser

Visit = Callable[..., Page]
PASSWORD = "walrus umbrella saxophone"


def test_from_wanting_an_account_to_being_put_out_of_it(visit: Visit, site: Site) -> None:
    """One person's whole way: sign-up, proved, invited, accepted, second factor, suspended, out."""
    world, email = site.world, "ines@people.example"
    with transaction(SYSTEM) as tx:
        world.people["leader"].secret = factory._second_factor(tx, world.people["leader"].id)
    teacher, leader, founder = visit(viewport=PHONE), visit("leader"), visit("founder")

    teacher.goto("/sign-up")
    teacher.get_by_label("Your name").fill("Ines Ivory")
    teacher.get_by_label("E-mail address").fill(email)
    teacher.get_by_label("State or province").select_option(label="California")
    teacher.get_by_role("button", name="Mail me a link").click()
    expect(teacher.get_by_role("heading", name="Look into your mailbox")).to_be_visible()
    teacher.goto(f"/sign-up/{link_for(email, 'sign-up')}")
    teacher.get_by_label("Password", exact=True).fill(PASSWORD)
    teacher.get_by_role("button", name="Open my account").click()
    expect(teacher.get_by_text("Welcome. Your account is ready.")).to_be_visible()

    leader.goto("/console/teachers/")
    leader.get_by_role("link", name="Invite somebody").click()
    leader.get_by_role("combobox", name="School").select_option(label=world.home.name)
    leader.get_by_role("textbox", name="E-mail address").fill(email)
    leader.get_by_role("textbox", name="Name", exact=True).fill("Ines Ivory")
    leader.get_by_role("combobox", name="Invited as").select_option("co_teacher")
    leader.get_by_role("combobox", name="Class").select_option(world.own_class.public_id)
    leader.get_by_role("button", name="Send the invitation").click()
    expect(leader.get_by_role("rowheader", name="Ines Ivory")).to_be_visible()
    teacher.goto(f"/invitations/{token_for(email)}")
    teacher.get_by_role("button", name="Accept").click()
    teacher.goto("/console/classrooms/")
    expect(teacher.get_by_role("rowheader", name=world.own_class.name)).to_be_visible()

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
    leader.get_by_role("link", name="Ines Ivory").click()
    leader.get_by_role("link", name="Suspend here").click()
    leader.get_by_label("Why").fill("Lost the laptop")
    leader.get_by_role("button", name="Suspend").click()
    expect(leader.get_by_text("Lost the laptop")).to_be_visible()
    # Out of this school at once; whoever has a school of their own is still at home there.
    teacher.goto("/console/classrooms/")
    assert world.own_class.name not in teacher.content()

    founder.goto("/console/accounts/")
    founder.get_by_label("E-mail address").fill(email)
    founder.get_by_role("button", name="Find it").click()
    founder.get_by_role("link", name="Suspend").click()
    founder.get_by_label("Why").fill("The laptop was stolen")
    founder.get_by_role("button", name="Suspend this account").click()
    expect(founder.get_by_role("link", name="Reinstate")).to_be_visible()
    teacher.goto("/console/")
    expect(teacher.get_by_role("heading", name="Sign in")).to_be_visible()
    teacher.get_by_label("E-mail").fill(email)
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
