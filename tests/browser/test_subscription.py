"""The life of a subscription, from the plan to what is paid, as a leader meets it."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import delete, select, update

from backoffice import clock
from backoffice.access.principal import Purpose
from backoffice.access.transaction import transaction
from backoffice.outbox.models import OutgoingMail
from backoffice.settings import Settings
from plugins.billing import asking, sync, taking
from plugins.billing.models import Customer, StripeEvent, Subscription
from plugins.billing.orders.placing import place_orders
from tests.browser.looking import looked_at
from tests.browser.site import Site
from tests.factories.world import SYSTEM
from tests.stripe_stand_in.running import StandIn, running

pytestmark = pytest.mark.browser

WORKER = Purpose("billing.take-in")
DAY = 86_400


@pytest.fixture
def stand_in(site: Site) -> Iterator[StandIn]:
    """The site is connected to it as an installation is, and it tells the site what happens."""
    with running(webhook_url=f"{site.address}/webhooks/stripe") as found:
        found.control.seed()
        asking.connect(
            Settings(
                stripe_api_key=found.key, stripe_webhook_secret=found.secret, stripe_api_base=found.address
            )
        )
        yield found
        asking.use(None)
    with transaction(SYSTEM) as tx:
        mine = select(Customer.stripe_id).where(Customer.school_id == site.world.elsewhere.id)
        tx.execute(delete(StripeEvent).where(StripeEvent.customer.in_(mine)))
        tx.execute(delete(Customer).where(Customer.school_id == site.world.elsewhere.id))


def told(stand_in: StandIn) -> None:
    """All that has happened at Stripe is told, and a worker takes it in."""
    assert stand_in.control.delivered(60)
    assert taking.take_in(WORKER, asking.current().client).waiting == 0


def mails(site: Site, name: str) -> list[int | None]:
    """Who had such a mail."""
    with transaction(SYSTEM) as tx:
        wanted = select(OutgoingMail.account_id).where(OutgoingMail.name == f"billing.{name}")
        return list(tx.scalars(wanted.where(OutgoingMail.school_id == site.world.elsewhere.id)))


def test_from_the_plan_to_the_invoice(visit: Callable[..., Page], site: Site, stand_in: StandIn) -> None:
    page, school = visit("leader"), site.world.elsewhere
    here, before = f"{site.address}/console/billing/{school.public_id}", mails(site, "invoice-paid")
    page.goto(here)
    expect(page.get_by_role("heading", name="Free")).to_be_visible()
    looked_at(page, "free")

    page.get_by_role("link", name="Choose: $60 per teacher a year").click()
    expect(page.get_by_text("The first 30 days cost nothing")).to_be_visible()
    page.get_by_label("How many teachers").fill("12")
    looked_at(page, "buy")
    page.get_by_role("button", name="Go on").click()
    expect(page.get_by_text("no card number ever reaches us")).to_be_visible()
    looked_at(page, "leave")
    page.get_by_role("link", name="Go to Stripe").click()
    page.get_by_label("Card number").fill("4242 4242 4242 4242")
    page.get_by_role("button", name="Subscribe").click()
    page.wait_for_url(here)
    told(stand_in)
    page.goto(here)
    expect(page.get_by_text("Being tried out")).to_be_visible()
    expect(page.get_by_text("of 12")).to_be_visible()
    looked_at(page, "trial")

    # The trial is over: the card pays, and the receipt comes by mail.
    stand_in.control.advance(31 * DAY)
    told(stand_in)
    page.goto(here)
    expect(page.get_by_text("Active", exact=True)).to_be_visible()
    paid = page.get_by_role("row").filter(has_text="$720")
    expect(paid.get_by_text("Paid", exact=True)).to_be_visible()
    looked_at(page, "paid")
    assert mails(site, "invoice-paid") == [*before, site.world.people["leader"].id]

    page.get_by_role("link", name="Change the number of teachers").click()
    page.get_by_label("How many teachers").fill("20")
    page.get_by_role("button", name="See what it costs").click()
    expect(page.get_by_text("From 12 teachers to 20. Nothing has changed yet.")).to_be_visible()
    expect(page.get_by_text("$1,200")).to_be_visible()
    looked_at(page, "preview")
    page.get_by_role("button", name="Change it").click()
    page.wait_for_url(here)
    told(stand_in)
    page.goto(here)
    expect(page.get_by_text("of 20")).to_be_visible()

    # An invoice stands at Stripe, and its page there is opened from here.
    number = paid.get_by_role("rowheader").inner_text()
    page.get_by_role("link", name=number).click()
    page.wait_for_url(f"{stand_in.address}/**")
    expect(page.get_by_text(number)).to_be_visible()
    page.goto(here)
    page.get_by_role("button", name="Card and receipts at Stripe").click()
    page.get_by_role("link", name="Go to Stripe").click()
    expect(page.get_by_role("heading", name="Your subscription")).to_be_visible()

    page.goto(here)
    page.get_by_role("button", name="End the subscription").click()
    expect(page.get_by_text("It ends when what is paid for is over.")).to_be_visible()
    told(stand_in)
    page.goto(here)
    expect(page.get_by_role("button", name="Have it go on")).to_be_visible()
    looked_at(page, "ends")
    stand_in.control.advance(366 * DAY)
    told(stand_in)
    page.goto(here)
    expect(page.get_by_role("heading", name="Free")).to_be_visible()
    expect(page.get_by_role("link", name="Choose: $60 per teacher a year")).to_be_visible()
    _as_at_stripe(site, stand_in)


def test_from_the_quote_to_the_cheque(
    visit: Callable[..., Page], site: Site, stand_in: StandIn, tmp_path: Path
) -> None:
    page, school = visit("leader"), site.world.elsewhere
    here, before = f"{site.address}/console/billing/{school.public_id}", mails(site, "invoice-paid")
    page.goto(here)
    page.get_by_role("link", name="Quotes and orders").click()
    page.get_by_label("How many teachers").fill("12")
    looked_at(page, "make-a-quote")
    page.get_by_role("button", name="Make the quote").click()
    expect(page.get_by_text("The quote is made.")).to_be_visible()
    looked_at(page, "quoted")
    with page.expect_download() as printed:
        page.get_by_role("link", name="Print").click()
    assert printed.value.path().read_bytes().startswith(b"%PDF-")

    # The office gave a number, and signed: the paper is handed in.
    page.get_by_role("link", name="Order this").click()
    signed = tmp_path / "order.pdf"
    signed.write_bytes(b"%PDF-1.7\nsigned by Ottilie Orderly\n%%EOF\n")
    page.get_by_label("Number of the purchase order").fill("PO-4711")
    page.get_by_label("E-mail address for the invoice").fill("office@school.example")
    page.get_by_label("Purchase order as a file").set_input_files(signed)
    looked_at(page, "order")
    page.get_by_role("button", name="Order it").click()
    expect(page.get_by_text("It is ordered.")).to_be_visible()
    assert place_orders(Purpose("billing.place-orders"), asking.current().client).sent == 1
    told(stand_in)
    page.goto(f"{here}/quotes")
    expect(page.get_by_text("Invoice sent")).to_be_visible()
    looked_at(page, "ordered")

    # The school has everything before it has paid.
    page.goto(here)
    expect(page.get_by_text("of 12")).to_be_visible()
    page.get_by_role("link", name="Paid by cheque or transfer").click()
    page.get_by_label("A cheque").check()
    page.get_by_label("Number of the cheque or transfer").fill("1001")
    page.get_by_label("Day of the cheque or transfer").fill(clock.now().date().isoformat())
    page.get_by_label("Amount").fill("700")
    page.get_by_role("button", name="It is paid").click()
    expect(page.get_by_text("This is not what the invoice asks for.").first).to_be_visible()
    looked_at(page, "cheque-of-another-amount")
    page.get_by_label("Amount").fill("720.00")
    page.get_by_role("button", name="It is paid").click()
    expect(page.get_by_text("Stripe counts it as paid.")).to_be_visible()
    told(stand_in)
    page.goto(here)
    invoice = page.get_by_role("row").filter(has_text="$720")
    expect(invoice.get_by_text("Paid", exact=True)).to_be_visible()
    expect(invoice.get_by_text("by cheque or transfer")).to_be_visible()
    looked_at(page, "paid-by-cheque")
    assert mails(site, "invoice-paid") == [*before, site.world.people["leader"].id]
    (there,) = (each for each in stand_in.control.objects()["invoice"] if each["status"] == "paid")
    assert [field["value"] for field in there["custom_fields"]] == ["PO-4711"]
    assert there["metadata"]["reference"] == "1001"


def test_a_payment_that_fails_and_is_made_good(
    visit: Callable[..., Page], site: Site, stand_in: StandIn
) -> None:
    page, school = visit("leader"), site.world.elsewhere
    here = f"{site.address}/console/billing/{school.public_id}"
    page.goto(f"{here}/buy?price=school_seat_yearly")
    page.get_by_label("How many teachers").fill("12")
    page.get_by_role("button", name="Go on").click()
    page.get_by_role("link", name="Go to Stripe").click()
    page.get_by_label("Card number").fill("4000 0000 0000 0341")
    page.get_by_role("button", name="Subscribe").click()
    page.wait_for_url(here)
    stand_in.control.advance(31 * DAY)
    told(stand_in)
    page.goto(here)
    expect(page.get_by_text("A payment is owed")).to_be_visible()
    expect(page.get_by_text("All stays as it is until")).to_be_visible()
    expect(page.get_by_text("of 12")).to_be_visible()
    looked_at(page, "grace")

    # The days of grace are over: what is there stays, and nothing more can be made.
    with transaction(SYSTEM) as tx:
        mine = select(Customer.id).where(Customer.school_id == school.id).scalar_subquery()
        owed = clock.now() - timedelta(days=20)
        tx.execute(update(Subscription).where(Subscription.customer_id == mine).values(owed_since=owed))
    page.goto(here)
    expect(page.get_by_text("The plan has been Free since")).to_be_visible()
    expect(page.get_by_text("1 of 2", exact=True)).to_be_visible()
    looked_at(page, "grace-over")

    page.get_by_role("button", name="Pay at Stripe").click()
    page.get_by_role("link", name="Go to Stripe").click()
    page.get_by_role("listitem").filter(has_text="open").get_by_role("link").click()
    page.get_by_label("Card number").fill("4242 4242 4242 4242")
    page.get_by_role("button", name="Pay").click()
    expect(page.get_by_text("Status: paid")).to_be_visible()
    told(stand_in)
    page.goto(here)
    expect(page.get_by_text("Active", exact=True)).to_be_visible()
    expect(page.get_by_text("of 12")).to_be_visible()
    expect(page.get_by_text("A payment is owed")).to_be_hidden()
    looked_at(page, "paid-again")


def _as_at_stripe(site: Site, stand_in: StandIn) -> None:
    """What is here is what Stripe has."""
    with transaction(SYSTEM) as tx:
        customer = tx.scalars(select(Customer).where(Customer.school_id == site.world.elsewhere.id)).one()
        found: Any = sync.ask(asking.current().client, str(customer.stripe_id))
        assert sync.take_over(tx, customer, found) == 0
    assert [each["status"] for each in found.subscriptions] == ["canceled"]
    assert all(each["status"] == 200 for each in stand_in.control.deliveries())
