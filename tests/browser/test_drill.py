"""A drill as two founders play it: the banner, the mails, the letters, and what is left of it."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import func, select, update

from backoffice import clock
from backoffice.access.principal import Purpose
from backoffice.access.transaction import transaction
from backoffice.accounts.models import Account, AccountSession
from backoffice.outbox.models import OutgoingMail
from backoffice.schools.models import School
from plugins.notifications.letters import services as letters_of
from plugins.notifications.notices import sending
from plugins.notifications.notices.models import LetterBatch
from tests.browser.looking import kept, looked_at
from tests.browser.site import Site
from tests.factories.paper import text_of
from tests.factories.world import SYSTEM, add_app
from tests.plugins.notifications.drills.conftest import go_on

pytestmark = pytest.mark.browser

TITLE = "Drill: A teacher's password was guessed"
SAID = {
    "Heading": "A laptop was lost",
    "What happened": "A laptop with lists of classes was lost.",
    "When it happened": "On Monday morning.",
    "Which data it was": "Names of classes.",
    "What we do": "We have locked the account.",
    "What you can do": "You need to do nothing.",
    "Whom to ask": "security@backoffice.example",
}


@pytest.fixture
def second(site: Site) -> str:
    """Somebody else who is a founder, in a world where letters reach the school."""
    who = site.world.people["outsider"]
    add_app(who)
    with transaction(SYSTEM) as tx:
        tx.execute(update(Account).where(Account.id == who.id).values(founder=True))
        tx.get_one(School, site.world.home.id).postal_address = "12 Seaview Avenue\nSan Rafael, CA 94901"
        tx.execute(update(AccountSession).values(proven_at=clock.now()))
    return "outsider"


def write(page: Page, incident: str, audience: str) -> str:
    """Write a notice to an audience, and propose it; where it is."""
    page.goto(f"{incident}/notices")
    page.get_by_role("main").get_by_role("link", name=audience).click()
    for label, text in SAID.items():
        page.get_by_label(label).first.fill(text)
    page.get_by_role("button", name="Save the draft").click()
    page.get_by_role("button", name="Propose it").click()
    expect(page.get_by_text("Waits for a second founder")).to_be_visible()
    return page.url


def close(page: Page, incident: str, banner: str) -> None:
    """Take the banner down, close the incident, and look what the drill scored."""
    page.goto(banner)
    page.get_by_label("Why nobody needs it any more").fill("It is over")
    page.get_by_role("button", name="Take the banner down").click()
    page.goto(f"{incident}/close")
    page.get_by_label("How it ended").fill("The password was changed.")
    page.get_by_label("Close it although").check()
    page.get_by_role("button", name="Close the incident").click()
    page.goto(f"{incident}/drill")


def test_two_founders_play_a_drill(visit: Callable[..., Page], site: Site, second: str) -> None:
    with transaction(SYSTEM) as tx:
        before = tx.scalar(select(func.count()).select_from(OutgoingMail))
    one, other = visit("founder"), visit(second)
    one.goto("/console/incidents/")
    one.get_by_role("link", name="Drills").click()
    one.get_by_role("button", name="Play it").first.click()
    expect(one.get_by_role("heading", level=1)).to_have_text(TITLE)
    expect(one.get_by_role("note").filter(has_text="DRILL")).to_be_visible()
    incident = one.url
    one.get_by_role("link", name="Add a school or district").click()
    one.get_by_role("combobox").select_option(label=site.world.home.name)
    one.get_by_role("button", name="Add it").click()
    banner = write(one, incident, "Everybody, by a banner")
    letters = write(one, incident, "The schools, by letters")
    staff = write(one, incident, "Staff of the schools")
    for notice in (banner, letters, staff):
        other.goto(notice)
        other.get_by_role("button", name="Approve it").click()
        expect(other.get_by_text("It goes out now.")).to_be_visible()
    sending.send_notices(Purpose("notifications.send-notices"), progress=lambda _done: None)
    one.goto(banner)
    looked_at(one, "banner")
    one.goto(staff)
    expect(one.get_by_text("Played: in a drill no mail leaves")).to_be_visible()
    looked_at(one, "mail")
    one.goto(letters)
    one.get_by_role("button", name="Make the letters").click()
    expect(one.get_by_text("1 letter is ready to be printed.")).to_be_visible()
    looked_at(one, "letters")
    one.get_by_role("button", name="Print").click()
    expect(one.get_by_text("They are being prepared")).to_be_visible()
    with transaction(SYSTEM) as tx:
        batch = tx.scalars(select(func.max(LetterBatch.id))).one()
    letters_of.prepare(Purpose("notifications.print-letters"), batch or 0)
    one.goto(letters)
    with one.expect_download() as download:
        one.get_by_role("button", name="Fetch the letters").click()
    printed = text_of(kept(download.value.path().read_bytes(), "letters.pdf"))
    assert "12 Seaview Avenue" in printed
    assert printed.count("DRILL") == 2
    other.goto(letters)
    other.get_by_role("link", name="They were posted").click()
    looked_at(other, "posting")
    other.get_by_role("button", name="They were posted").click()
    expect(other.get_by_text("It stands in the timeline that the letters were posted.")).to_be_visible()
    looked_at(other, "posted")
    # Five hours later something new has come in.
    go_on(incident.rsplit("/", 1)[1], timedelta(minutes=5))
    one.goto(incident)
    one.get_by_role("link", name="Answer").first.click()
    one.get_by_label("What do you do about it?").fill("We look at who else was in that class.")
    one.get_by_role("button", name="Write it down").click()
    expect(one.get_by_text("Answered", exact=True)).to_be_visible()
    expect(one.get_by_role("row", name="Notices let out by two people 5 5")).to_be_visible()
    one.goto(incident)
    looked_at(one, "clocks-and-timeline")
    timeline = one.get_by_role("region", name="Timeline")
    for line in ("A banner went up on the home page.", "Letters were posted: 1.", "Letters to the schools"):
        expect(timeline.get_by_text(line).first).to_be_visible()
    close(other, incident, banner)
    expect(other.get_by_role("heading", name="Score: ")).to_be_visible()
    looked_at(other, "score")
    # Of a drill nothing is seen or sent outside.
    one.goto("/")
    expect(one.get_by_text("A laptop was lost")).to_have_count(0)
    with transaction(SYSTEM) as tx:
        assert tx.scalar(select(func.count()).select_from(OutgoingMail)) == before
