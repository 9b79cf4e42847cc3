"""A form to an authority as two founders see it: at the clock, filled in, printed, handed in."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import update

from backoffice import clock
from backoffice.access.transaction import transaction
from backoffice.accounts.models import Account, AccountSession
from plugins.notifications.models import ConcernedSchool, Incident
from tests.browser.axe import DARK, NARROW, WHOLE, breaches, look_closely
from tests.browser.site import PHONE, Site, too_low
from tests.factories.paper import text_of
from tests.factories.world import SYSTEM, add_app, incident

pytestmark = pytest.mark.browser

SAID = {
    "Which records, and about how many": "Lists of classes, about 40.",
    "What may follow for people": "Names of classes may become known.",
    "What was done, and what will be": "We have closed the gap.",
    "Whom to ask": "privacy@backoffice.example",
    "What follows later": "All is known.",
}


@pytest.fixture
def breach(site: Site) -> str:
    """A drill of our own data, of people in Germany, four days old; and somebody else is a founder, too."""
    founder, who = site.world.people["founder"], site.world.people["outsider"]
    add_app(who)
    with transaction(SYSTEM) as tx:
        tx.execute(update(Account).where(Account.id == who.id).values(founder=True))
        tx.execute(update(AccountSession).values(proven_at=clock.now()))
        ours = {"role": "controller", "risk": "risk", "is_drill": True}
        noticed = clock.now() - timedelta(days=4)
        number, public_id = incident(tx, founder, site.world.home, **ours, noticed_at=noticed)
        tx.execute(update(ConcernedSchool).where(ConcernedSchool.incident_id == number).values(place="DE"))
        assert tx.get_one(Incident, number).public_id == public_id
    return f"/console/incidents/{public_id}"


def looks_well(page: Page) -> None:
    look_closely(page)
    assert breaches(page, WHOLE) == []
    page.emulate_media(color_scheme="dark", reduced_motion="reduce")
    assert breaches(page, DARK) == []
    page.set_viewport_size(PHONE)
    assert breaches(page, NARROW) == []
    assert too_low(page) == []


def test_two_founders_answer_a_clock(visit: Callable[..., Page], breach: str) -> None:
    one, other = visit("founder"), visit("outsider")
    one.goto(f"{breach}/notices")
    one.get_by_role("main").get_by_role("link", name="by a form to hand in (GDPR)").first.click()
    # What happened stands there from the incident.
    expect(one.get_by_label("What happened").first).not_to_have_value("")
    for label, text in SAID.items():
        one.get_by_label(label).first.fill(text)
    one.get_by_role("button", name="Save the draft").click()
    one.get_by_role("button", name="Propose it").click()
    expect(one.get_by_text("Say in the form why it comes late").first).to_be_visible()
    one.get_by_role("link", name="Change what it says").click()
    one.get_by_label("Why it comes late").first.fill("The log was complete only after four days")
    one.get_by_role("button", name="Save the draft").click()
    one.get_by_role("button", name="Propose it").click()
    expect(one.get_by_text("Waits for a second founder")).to_be_visible()
    form = one.url
    other.goto(form)
    other.get_by_role("button", name="Approve it: then it is handed in").click()
    expect(other.get_by_text("Approved: to be handed in")).to_be_visible()
    with other.expect_download() as download:
        other.get_by_role("link", name="On paper").click()
    printed = text_of(download.value.path().read_bytes())
    assert "DRILL" in printed
    for text in SAID.values():
        assert text in printed
    other.get_by_role("link", name="It was handed in").click()
    other.get_by_role("button", name="It was handed in").click()
    expect(other.get_by_text("It stands in the timeline that the form was handed in.")).to_be_visible()
    looks_well(other)
    one.goto(f"{breach}/notices")
    looks_well(one)
    one.goto(breach)
    expect(one.get_by_text("Why so late: The log was complete only after four days")).to_be_visible()
