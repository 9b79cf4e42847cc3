"""A school orders by purchase order: one subscription, one invoice, whatever dies in between."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from backoffice import clock, entitlements
from backoffice.access.lookup import NotFound
from backoffice.access.transaction import Transaction, transaction
from backoffice.entitlements import Entitlement
from backoffice.outbox.models import OutgoingMail
from backoffice.privacy.retention.runs import forget
from backoffice.problems import Rejected
from plugins.billing import asking, papers, sync
from plugins.billing.kinds import KINDS
from plugins.billing.models import Customer, InvoiceStatus, PlanName, Status
from plugins.billing.orders.models import OrderState, PurchaseOrder, Quote
from plugins.billing.orders.services import Ordered, Paid, order, order_again, order_file, pay_outside
from tests.plugins.billing.buying import NUMBER, PDF, PRICE, WHO, Buying, buying, stand_in

__all__ = ["buying", "stand_in"]


def open_amount(buying: Buying) -> str:
    return f"{buying.invoice().due / 100:.2f}"


def pay(buying: Buying, *, amount: str = "720.00", way: str = "check", reference: str = "1001") -> None:
    paid = Paid(way, reference, clock.now().date(), amount)
    invoice = buying.invoice().public_id
    pay_outside(principal=buying.leader, invoice=invoice, paid=paid)


def test_from_a_quote_to_what_is_paid(buying: Buying) -> None:
    public = buying.ordered()
    row = buying.order_row()
    assert (row.public_id, row.number, row.state, row.invoice_to) == (
        public,
        NUMBER,
        OrderState.WAITING,
        "office@school.example",
    )
    placed = buying.place()
    assert (placed.sent, placed.failed, placed.waiting) == (1, 0, 0)
    row = buying.order_row()
    # Whom the invoice goes to is Stripe's alone from then on.
    assert (row.state, row.invoice_to) == (OrderState.SENT, None)

    (there,) = [each for each in buying.there("invoice") if each["metadata"].get("order") == public]
    assert there["status"] == "open"
    assert [(each["name"], each["value"]) for each in there["custom_fields"]] == [("PO number", NUMBER)]
    assert there["due_date"] - there["created"] == pytest.approx(30 * 86400, abs=120)
    held = buying.subscription()
    assert (held.plan, held.status, held.seats, held.by_invoice) == (
        PlanName.SCHOOL,
        Status.ACTIVE,
        12,
        True,
    )
    # It counts at once, before anything is paid.
    with transaction(buying.leader) as tx:
        assert entitlements.limit_of(tx, buying.world.elsewhere.id, Entitlement.SEATS) == 12

    pay(buying, way="transfer", reference="ACH 88")
    (there,) = [each for each in buying.there("invoice") if each["metadata"].get("order") == public]
    assert there["status"] == "paid"
    assert there["metadata"]["paid_by"] == "transfer"
    assert there["metadata"]["reference"] == "ACH 88"
    assert there["metadata"]["paid_on"] == clock.now().date().isoformat()
    assert buying.verbs()[-5:] == [
        "billing.quote",
        "billing.order",
        "billing.place-order",
        "billing.place-order",
        "billing.pay-outside",
    ]


def test_run_again_it_makes_nothing_twice(buying: Buying) -> None:
    buying.ordered()
    buying.place()
    before = {kind: len(buying.there(kind)) for kind in ("customer", "subscription", "invoice")}
    again = buying.place()
    assert (again.sent, again.failed) == (0, 0)
    assert {kind: len(buying.there(kind)) for kind in before} == before


@pytest.mark.parametrize(
    "path",
    [
        "/v1/customers",
        "/v1/subscriptions",
        "/v1/invoices",
    ],
)
@pytest.mark.parametrize("after", [False, True])
def test_killed_at_any_call_it_goes_on(buying: Buying, path: str, after: bool) -> None:
    """Stripe did what it was asked and the answer was lost, or never did it."""
    public = buying.ordered()
    buying.stand_in.control.fail(path, status=500, after=after, method="POST")
    first = buying.place()
    assert first.failed == 0
    if buying.order_row().state != OrderState.SENT:
        assert first.waiting == 1
        assert buying.place().sent == 1
    mine = [each for each in buying.there("subscription") if each["metadata"].get("order") == public]
    assert len(mine) == 1
    invoices = [each for each in buying.there("invoice") if each["metadata"].get("order") == public]
    assert [each["status"] for each in invoices] == ["open"]
    payer = {each["customer"] for each in mine}
    assert len(payer) == 1
    assert buying.order_row().state == OrderState.SENT


class Killed(BaseException):
    """The worker is gone."""


@pytest.fixture
def dies(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The worker dies once Stripe has subscribed the school, before that is written here."""
    take_over = sync.take_over
    died: list[int] = []

    def once(tx: Transaction, customer: Customer, found: sync.Found) -> int:
        if not died:
            died.append(1)
            raise Killed
        return take_over(tx, customer, found)

    monkeypatch.setattr(sync, "take_over", once)
    yield
    assert died == [1]


def test_a_worker_that_dies_leaves_no_second_subscription(buying: Buying, dies: None) -> None:
    del dies
    public = buying.ordered()
    with pytest.raises(Killed):
        buying.place()
    assert buying.order_row().state == OrderState.WAITING
    assert buying.place().sent == 1
    assert (
        len([each for each in buying.there("subscription") if each["metadata"].get("order") == public]) == 1
    )


def test_who_has_a_subscription_orders_none(buying: Buying) -> None:
    buying.ordered()
    buying.place()
    with pytest.raises(Rejected) as rejected:
        buying.ordered()
    assert "subscription already" in rejected.value.in_words


def test_who_pays_by_card_meanwhile_does_not_pay_twice(buying: Buying) -> None:
    """Between the order and the job, of which nothing is known here yet."""
    buying.ordered()
    there = buying.stripe.client.v1
    (price,) = [each["id"] for each in buying.there("price") if each["lookup_key"] == PRICE]
    made = there.customers.create({"metadata": {"payer": "x"}})
    with transaction(WHO) as tx:
        customer = tx.scalars(select(Customer).where(Customer.school_id == buying.world.elsewhere.id)).one()
        customer.stripe_id = made.id
    there.subscriptions.create(
        {
            "customer": made.id,
            "items": [{"price": price, "quantity": 5}],
            "trial_period_days": 3,
        }
    )
    assert buying.place().failed == 1
    assert len([each for each in buying.there("subscription") if each["customer"] == made.id]) == 1


def test_what_stripe_refuses_is_tried_again_by_whoever_ordered(buying: Buying) -> None:
    public = buying.ordered()
    buying.stand_in.control.fail("/v1/subscriptions", status=400, method="POST")
    with transaction(WHO) as tx:
        before = set(tx.scalars(select(OutgoingMail.id)))
    assert buying.place().failed == 1
    assert buying.order_row().state == OrderState.FAILED
    assert buying.place().sent == 0
    with transaction(WHO) as tx:
        mails = select(OutgoingMail.name, OutgoingMail.account_id).where(OutgoingMail.id.not_in(before))
        # Whoever leads the school is told, once.
        assert tx.execute(mails).all() == [("billing.order-failed", buying.world.people["leader"].id)]
    order_again(principal=buying.leader, order=public)
    with pytest.raises(Rejected):
        order_again(principal=buying.leader, order=public)
    assert buying.place().sent == 1


def test_what_cannot_be_placed_is_not_taken(buying: Buying) -> None:
    """Neither again when its quote is over, nor where no Stripe is connected: nobody would know of it."""
    public, other = buying.ordered(), buying.quoted(20)
    buying.stand_in.control.fail("/v1/subscriptions", status=400, method="POST")
    assert buying.place().failed == 1
    before = asking.use(None)
    for attempt in (
        lambda: order_again(principal=buying.leader, order=public),
        lambda: buying.ordered(other),
    ):
        with pytest.raises(Rejected) as refused:
            attempt()
        assert "not connected" in refused.value.in_words
    asking.use(before)
    with transaction(WHO) as tx:
        tx.execute(update(Quote).values(until_at=clock.now()))
    with pytest.raises(Rejected) as refused:
        order_again(principal=buying.leader, order=public)
    assert "no longer valid" in refused.value.in_words
    assert buying.order_row().state == OrderState.FAILED


def test_what_stripe_has_begun_comes_to_its_end_though_the_quote_is_over(buying: Buying) -> None:
    public = buying.ordered()
    buying.stand_in.control.fail("/v1/invoices", status=400, method="POST")
    assert buying.place().failed == 1
    assert buying.order_row().subscription is not None
    with transaction(WHO) as tx:
        tx.execute(update(Quote).values(until_at=clock.now()))
    order_again(principal=buying.leader, order=public)
    assert buying.place().sent == 1
    assert (
        len([each for each in buying.there("subscription") if each["metadata"].get("order") == public]) == 1
    )


def test_a_person_looks_at_an_order_that_stripe_could_not_be_told_of_for_two_days(
    buying: Buying, monkeypatch: pytest.MonkeyPatch
) -> None:
    public, now = buying.ordered(), clock.now()
    for hours, became in ((47, (0, 1)), (49, (1, 0)), (50, (0, 0))):
        monkeypatch.setattr(clock, "now", lambda hours=hours: now + timedelta(hours=hours))
        buying.stand_in.control.fail("/v1/customers", status=503, method="POST")
        placed = buying.place()
        assert (placed.failed, placed.waiting) == became
    assert buying.order_row().state == OrderState.FAILED
    # Whoever has it tried again has two days more.
    order_again(principal=buying.leader, order=public)
    buying.stand_in.control.fail("/v1/customers", status=503, method="POST")
    placed = buying.place()
    assert (placed.failed, placed.waiting) == (0, 1)
    buying.stand_in.control.mend()
    assert buying.place().sent == 1


def test_of_what_ended_meanwhile_nothing_is_sent(buying: Buying) -> None:
    public = buying.ordered()
    buying.stand_in.control.fail("/v1/invoices", status=400, method="POST")
    assert buying.place().failed == 1
    buying.stripe.client.v1.subscriptions.cancel(str(buying.order_row().subscription))
    with transaction(WHO) as tx:
        # As if its answer had been lost.
        tx.execute(update(PurchaseOrder).values(subscription=None))
    order_again(principal=buying.leader, order=public)
    assert buying.place().failed == 1
    assert [each for each in buying.there("invoice") if each["metadata"].get("order") == public] == []


def test_another_order_waits_for_the_one_under_way(buying: Buying) -> None:
    first, second = buying.quoted(), buying.quoted(20)
    buying.ordered(first)
    for quoted, said in ((first, "ordered already"), (second, "on its way")):
        with pytest.raises(Rejected) as rejected:
            buying.ordered(quoted)
        assert said in rejected.value.in_words


def test_a_quote_that_is_over_is_not_ordered(buying: Buying) -> None:
    quoted = buying.quoted()
    with transaction(WHO) as tx:
        tx.execute(update(Quote).where(Quote.public_id == quoted).values(until_at=clock.now()))
    with pytest.raises(Rejected) as rejected:
        buying.ordered(quoted)
    assert "no longer valid" in rejected.value.in_words
    assert buying.rows(PurchaseOrder) == []


@pytest.mark.parametrize(
    ("number", "to", "file", "wrong"),
    [
        ("", "office@school.example", PDF, "number"),
        ("4" * 31, "office@school.example", PDF, "number"),
        ("4\n2", "office@school.example", PDF, "number"),
        # What somebody copies from the wrong place is kept by nobody.
        ("PO 4242 4242 4242 4242", "office@school.example", PDF, "number"),
        (NUMBER, "office", PDF, "invoice_to"),
        (NUMBER, "office@school.example", b"", "file"),
        (NUMBER, "office@school.example", b"<html>%PDF-</html>", "file"),
        (NUMBER, "office@school.example", b"%PDF-1.7" + b"x" * papers.LARGEST, "file"),
        (NUMBER, "office@school.example", b"GIF89a", "file"),
    ],
)
def test_what_is_no_order_is_refused(buying: Buying, number: str, to: str, file: bytes, wrong: str) -> None:
    with pytest.raises(Rejected) as rejected:
        order(
            principal=buying.leader,
            quote=buying.quoted(),
            ordered=Ordered(number, to, file),
        )
    assert list(rejected.value.fields) == [wrong]
    assert buying.rows(PurchaseOrder) == []


@pytest.mark.parametrize(
    ("amount", "way", "reference", "wrong"),
    [
        ("719.99", "check", "1", "amount"),
        ("many", "check", "1", "amount"),
        ("NaN", "check", "1", "amount"),
        ("720", "cash", "1", "way"),
        ("720", "check", "", "reference"),
        ("720", "transfer", "4242424242424242", "reference"),
    ],
)
def test_what_is_no_payment_is_refused(
    buying: Buying, amount: str, way: str, reference: str, wrong: str
) -> None:
    buying.ordered()
    buying.place()
    with pytest.raises(Rejected) as rejected:
        pay(buying, amount=amount, way=way, reference=reference)
    assert list(rejected.value.fields) == [wrong]
    assert buying.invoice().status == InvoiceStatus.OPEN


def test_an_invoice_is_paid_once(buying: Buying) -> None:
    buying.ordered()
    buying.place()
    assert open_amount(buying) == "720.00"
    pay(buying, amount="$720.00")
    with pytest.raises(Rejected) as rejected:
        pay(buying)
    assert "changed this invoice" in rejected.value.in_words


def test_nobody_else_reaches_a_quote_an_order_or_its_paper(buying: Buying) -> None:
    quoted = buying.quoted()
    public = buying.ordered(quoted)
    buying.place()
    what = Ordered(NUMBER, "office@school.example", PDF)
    for role in ("teacher", "elsewhere", "outsider", "founder", "officer", "parent"):
        who = buying.world.sign_in(role)
        with pytest.raises(NotFound):
            order_file(principal=who, order=public)
        with pytest.raises(NotFound):
            order(principal=who, quote=quoted, ordered=what)
    for role in ("outsider", "founder"):
        with pytest.raises(NotFound):
            pay_outside(
                principal=buying.world.sign_in(role),
                invoice=buying.invoice().public_id,
                paid=Paid("check", "1", clock.now().date(), "720"),
            )
    content, kind = order_file(principal=buying.leader, order=public)
    assert (content, kind) == (PDF, papers.FileKind.PDF)


def test_a_quote_holds_though_the_price_has_risen_since(buying: Buying) -> None:
    """The name of the price has gone to a dearer one: what was quoted is invoiced, and counts as its plan."""
    quoted = buying.quoted()
    prices = buying.stripe.client.v1.prices
    (old,) = [each for each in buying.there("price") if each["lookup_key"] == "school_seat_yearly"]
    dearer = prices.create(
        {
            "product": old["product"],
            "unit_amount": 9900,
            "currency": "usd",
            "recurring": {"interval": "year"},
            "lookup_key": "school_seat_yearly",
            "transfer_lookup_key": True,
        }
    )
    try:
        buying.ordered(quoted)
        buying.place()
        assert (buying.subscription().plan, buying.subscription().amount) == (PlanName.SCHOOL, 6000)
        assert buying.invoice().due == 72_000
    finally:
        prices.update(old["id"], {"lookup_key": "school_seat_yearly", "transfer_lookup_key": True})
        prices.update(dearer.id, {"active": False})


def test_a_quote_says_what_stripe_asks(buying: Buying) -> None:
    public = buying.quoted(7)
    (row,) = buying.rows(Quote)
    assert (row.public_id, row.seats, row.amount, row.total) == (public, 7, 6000, 42_000)
    assert row.until_at - row.made_at == timedelta(days=60)
    assert row.number == f"Q-{row.made_at.year}-{public[:8].upper()}"
    for seats in (4, 0, -1, 10_001):
        with pytest.raises(Rejected):
            buying.quoted(seats)


def test_papers_go_after_six_years(buying: Buying) -> None:
    buying.ordered()
    kept = buying.quoted(30)
    long_ago = clock.now() - timedelta(days=6 * 366)
    with transaction(WHO) as tx:
        tx.execute(update(PurchaseOrder).values(placed_at=long_ago))
        tx.execute(update(Quote).where(Quote.public_id != kept).values(until_at=long_ago))
        for kind in KINDS:
            forget(tx, kind)
    assert buying.rows(PurchaseOrder) == []
    assert [each.public_id for each in buying.rows(Quote)] == [kept]
