"""Who is written to about payments, when, and which plan is in force meanwhile: with the clock moved."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from flask import Flask
from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from backoffice import clock, entitlements
from backoffice.access.principal import Purpose
from backoffice.access.transaction import transaction
from backoffice.accounts.models import Account
from backoffice.entitlements import Entitlement
from backoffice.messages.models import Message
from backoffice.outbox.models import MailContent, OutgoingMail
from backoffice.schools.models import District, Membership, Role, School, SchoolKind
from backoffice.storage.public_id import new_public_id
from plugins.billing import sync
from plugins.billing.dunning import due, services
from plugins.billing.models import Customer, Invoice, Reminder, ReminderKind, Subscription
from plugins.billing.sync import Found
from tests.factories.visitor import signed_in
from tests.factories.world import SYSTEM, World
from tests.stripe_stand_in.running import running

WHO = Purpose("test-dunning")
BEGUN = datetime(2027, 3, 1, 20, 30, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
HOURS = frozenset({7, 8, 20})
TRIAL, GRACE = timedelta(days=30), timedelta(days=14)

pytestmark = pytest.mark.usefixtures("nowhere")
both_zones = pytest.mark.parametrize("zone", ["America/Los_Angeles", "Pacific/Auckland"])


def seconds(at: datetime | None) -> int | None:
    return None if at is None else int(at.timestamp())


def subscription(status: str, *, plan: str = "school_seat_yearly", **said: Any) -> dict[str, Any]:
    price = {
        "id": "price_1",
        "lookup_key": plan,
        "unit_amount": 6000,
        "currency": "usd",
        "recurring": {"interval": "year", "interval_count": 1},
    }
    item = {"quantity": 12, "price": price, "current_period_end": seconds(said.pop("period", None))}
    times = {name: seconds(said.pop(name, None)) for name in ("trial_end", "cancel_at", "ended_at")}
    return {
        "id": "sub_dunned",
        "status": status,
        "created": seconds(BEGUN),
        "items": {"data": [item]},
        **times,
        **said,
    }


def invoice(status: str, made: datetime, **said: Any) -> dict[str, Any]:
    times = {"finalized_at": seconds(made), "paid_at": seconds(said.pop("paid_at", None))}
    paid = 72_000 if status == "paid" else 0
    return {
        "id": "in_dunned",
        "status": status,
        "currency": "usd",
        "amount_due": 72_000,
        "amount_paid": paid,
        "attempt_count": said.pop("attempts", 0),
        "created": seconds(made),
        "number": "DUNN-0001",
        "due_date": seconds(said.pop("due_at", None)),
        "parent": {"subscription_details": {"subscription": "sub_dunned"}},
        "status_transitions": times,
        **said,
    }


@dataclass
class Time:
    """The clock of a test, with what was written to whom, and when on the walls of the school."""

    patched: pytest.MonkeyPatch
    zone: ZoneInfo
    customer: int
    now: datetime = BEGUN
    seen: set[int] = field(default_factory=set)
    also: int = 8

    def stripe_has(self, at: datetime, *things: dict[str, Any]) -> list[str]:
        """Take over, at a moment, what Stripe has by then; what is written at once."""
        self._set(at)
        with transaction(WHO) as tx:
            customer = tx.get_one(Customer, self.customer, with_for_update=True)
            subscriptions = [each for each in things if "items" in each]
            invoices = [each for each in things if "items" not in each]
            sync.take_over(tx, customer, Found(at, subscriptions, invoices))
        return [name for name, _at in self.written()]

    def goes_on(self, until: datetime) -> list[tuple[str, datetime]]:
        """Each hour passes; what was written, and when that was there.

        The job runs at hours of which the next one differs: before a morning, in it, by day and at night.
        """
        found, at = [], self.now.replace(minute=0, second=0) + HOUR
        while at <= until:
            self._set(at)
            if at.astimezone(self.zone).hour in {*HOURS, self.also}:
                services.look_after(principal=WHO)
                found += self.written()
            at += HOUR
        self._set(until)
        return found

    def written(self) -> list[tuple[str, datetime]]:
        """What was written since this was asked, to whomever, once a kind."""
        with transaction(SYSTEM) as tx:
            rows = tx.execute(
                select(OutgoingMail.id, OutgoingMail.name)
                .where(OutgoingMail.name.like("billing.%"))
                .order_by(OutgoingMail.id)
            ).all()
        new = [row for row in rows if row.id not in self.seen]
        self.seen |= {row.id for row in new}
        return [(row.name.removeprefix("billing."), self.now.astimezone(self.zone)) for row in new]

    def _set(self, at: datetime) -> None:
        self.now = at
        self.patched.setattr(clock, "now", lambda: at)


@pytest.fixture
def customer(world: World) -> Iterator[int]:
    """A school of a district that has begun to buy; its district's leader manages that."""
    with transaction(SYSTEM) as tx:
        number = tx.take_id(Customer)
        values = {"id": number, "public_id": new_public_id(), "made_at": BEGUN, "stripe_id": "cus_dunned"}
        tx.execute(insert(Customer).values(school_id=world.elsewhere.id, **values))
    yield number
    with transaction(SYSTEM) as tx:
        tx.execute(delete(Customer).where(Customer.id == number))
        tx.execute(delete(OutgoingMail).where(OutgoingMail.name.like("billing.%")))
        tx.execute(delete(Message).where(Message.kind.like("billing.%")))
        tx.execute(update(School).values(erasing_since=None, time_zone="America/Los_Angeles"))


@pytest.fixture
def time(world: World, customer: int, monkeypatch: pytest.MonkeyPatch) -> Time:
    return in_zone(world, customer, monkeypatch, "America/Los_Angeles")


def in_zone(world: World, customer: int, monkeypatch: pytest.MonkeyPatch, zone: str) -> Time:
    with transaction(SYSTEM) as tx:
        tx.execute(update(School).where(School.id == world.elsewhere.id).values(time_zone=zone))
    made = Time(monkeypatch, ZoneInfo(zone), customer)
    made.written()
    return made


def seats(world: World) -> int | None:
    with transaction(SYSTEM) as tx:
        return entitlements.limit_of(tx, world.elsewhere.id, Entitlement.SEATS)


def addressees(name: str) -> set[int | None]:
    with transaction(SYSTEM) as tx:
        mine = select(OutgoingMail.account_id).where(OutgoingMail.name == f"billing.{name}")
        return set(tx.scalars(mine))


def words(name: str) -> str:
    """The message as it waits, with both parts."""
    with transaction(SYSTEM) as tx:
        mine = select(MailContent.message).join(OutgoingMail, OutgoingMail.id == MailContent.mail_id)
        raw = tx.scalars(mine.where(OutgoingMail.name == f"billing.{name}")).first()
    from email import message_from_bytes, policy

    content = raw if isinstance(raw, bytes) else str(raw).encode()
    parts = message_from_bytes(content, policy=policy.default).walk()
    return "\n".join(str(each.get_content()) for each in parts if not each.is_multipart())


@both_zones
def test_from_the_trial_to_free_and_back(
    world: World, customer: int, monkeypatch: pytest.MonkeyPatch, zone: str
) -> None:
    time = in_zone(world, customer, monkeypatch, zone)
    ends = BEGUN + TRIAL
    trying = subscription("trialing", trial_end=ends, period=ends)
    assert time.stripe_has(BEGUN, trying) == []
    assert seats(world) == 12

    # A week before, at eight in the morning there, whatever the clocks were set to meanwhile.
    [(name, at)] = time.goes_on(ends - HOUR)
    wall = ends.astimezone(time.zone)
    assert (name, at.hour, at.date()) == ("trial-ends", 8, wall.date() - timedelta(days=7))
    assert addressees("trial-ends") == {world.people["leader"].id}

    # The card is refused, an hour later as Stripe does it; and again, three days after that.
    failed, period = ends + HOUR, ends + 365 * DAY
    owing = subscription("past_due", trial_end=ends, period=period)
    assert time.stripe_has(failed, owing, invoice("open", failed, attempts=1)) == ["payment-failed"]
    assert time.stripe_has(failed + HOUR, owing, invoice("open", failed, attempts=1)) == []
    assert seats(world) == 12
    until = failed + GRACE
    assert f"{until.astimezone(time.zone):%-d %B %Y}" in words("payment-failed")
    assert time.goes_on(failed + 3 * DAY) == []
    assert time.stripe_has(failed + 3 * DAY, owing, invoice("open", failed, attempts=2)) == []

    [(name, at)] = time.goes_on(until - timedelta(seconds=1))
    wall = until.astimezone(time.zone)
    assert (name, at.hour, at.date()) == ("grace-ends", 8, wall.date() - timedelta(days=4))
    assert seats(world) == 12
    time.goes_on(until)
    assert seats(world) == 2

    # As soon as it is day there, within hours.
    unpaid = subscription("unpaid", trial_end=ends, period=period)
    assert time.stripe_has(until + 5 * DAY, unpaid, invoice("open", failed, attempts=4)) == []
    [(name, at)] = time.goes_on(until + 6 * DAY)
    assert name == "now-free"
    assert due.MORNING <= at.hour < due.EVENING
    assert "Up to 2 teachers" in words("now-free")
    assert "Up to 120 students" in words("now-free")
    assert time.goes_on(until + 12 * DAY) == []

    paid = invoice("paid", failed, attempts=5, paid_at=until + 12 * DAY)
    going = subscription("active", trial_end=ends, period=period)
    assert time.stripe_has(until + 12 * DAY, going, paid) == ["invoice-paid"]
    assert "All is as it was before" in words("invoice-paid")
    assert "$720" in words("invoice-paid")
    assert seats(world) == 12
    assert time.stripe_has(until + 13 * DAY, going, paid) == []
    assert time.goes_on(until + 20 * DAY) == []


@both_zones
def test_the_same_with_a_stripe_that_lives_through_it(
    world: World, customer: int, monkeypatch: pytest.MonkeyPatch, zone: str
) -> None:
    """Its own clock is moved with ours; what it has is asked each day, as messages would have it asked."""
    time = in_zone(world, customer, monkeypatch, zone)
    with running(after_retries="unpaid") as stand_in:
        client, prices = stand_in.client(), stand_in.control.seed()
        test_clock = client.v1.test_helpers.test_clocks.create({"frozen_time": seconds(BEGUN) or 0}).id
        card = "pm_card_chargeCustomerFail"
        named = client.v1.customers.create(
            {"test_clock": test_clock, "invoice_settings": {"default_payment_method": card}}
        ).id
        client.v1.subscriptions.create(
            {
                "customer": named,
                "items": [{"price": prices["school_seat_yearly"], "quantity": 12}],
                "trial_period_days": 30,
            }
        )
        told: list[tuple[str, date]] = []
        free_from: date | None = None

        def passes(days: int) -> None:
            nonlocal free_from
            for _ in range(days):
                told.extend((name, at.date()) for name, at in time.goes_on(time.now + DAY))
                moved = {"frozen_time": seconds(time.now) or 0}
                client.v1.test_helpers.test_clocks.advance(test_clock, moved)  # type: ignore[arg-type]
                with transaction(WHO) as tx:
                    row = tx.get_one(Customer, time.customer, with_for_update=True)
                    sync.take_over(tx, row, sync.ask(client, named))
                told.extend((name, at.date()) for name, at in time.written())
                if free_from is None and seats(world) == 2:
                    free_from = time.now.astimezone(time.zone).date()

        passes(50)
        names = [name for name, _day in told]
        assert names == ["trial-ends", "payment-failed", "grace-ends", "now-free"]
        assert free_from is not None
        days = dict(told)
        trial_over = (BEGUN + TRIAL).astimezone(time.zone).date()
        assert days["trial-ends"] == trial_over - timedelta(days=7)
        assert (free_from - days["grace-ends"]).days in {4, 5}
        assert days["now-free"] in {free_from - DAY, free_from}

        told.clear()
        (owed,) = [
            each for each in client.v1.invoices.list({"customer": named}).data if each.status == "open"
        ]
        client.v1.customers.update(named, {"invoice_settings": {"default_payment_method": "pm_card_visa"}})
        client.v1.invoices.pay(str(owed.id))
        passes(3)
        assert [name for name, _day in told] == ["invoice-paid"]
        assert seats(world) == 12


def test_it_is_free_on_the_day_that_was_said(time: Time, world: World) -> None:
    """Told at the first hour of day after it, and not a day later."""
    failed = BEGUN + TRIAL
    time.stripe_has(failed, subscription("past_due"), invoice("open", failed, attempts=1))
    time.goes_on(failed + GRACE - HOUR)
    time.also = 14
    [(_name, at)] = time.goes_on(failed + GRACE + DAY)
    # It was half past one in the afternoon there.
    assert at - (failed + GRACE) < HOUR


@both_zones
def test_an_invoice_is_told_a_week_before_and_the_day_after(
    world: World, customer: int, monkeypatch: pytest.MonkeyPatch, zone: str
) -> None:
    time = in_zone(world, customer, monkeypatch, zone)
    # Half past nine in the evening in Los Angeles, of the day before in Greenwich's count.
    due_at = datetime(2027, 4, 10, 4, 30, tzinfo=UTC)
    by_invoice = subscription("active", collection_method="send_invoice", period=BEGUN + 365 * DAY)
    asked = invoice("open", BEGUN, due_at=due_at)
    assert time.stripe_has(BEGUN, by_invoice, asked) == []
    told = time.goes_on(due_at + 3 * DAY)
    day = due_at.astimezone(time.zone).date()
    assert [(name, at.hour, at.date()) for name, at in told] == [
        ("invoice-due", 8, day - timedelta(days=7)),
        ("invoice-late", 8, day + timedelta(days=1)),
    ]
    assert f"{(due_at + GRACE).astimezone(time.zone):%-d %B %Y}" in words("invoice-late")

    # Stripe says so, too. No card failed, and so nothing of the kind is said.
    overdue = subscription("past_due", collection_method="send_invoice", period=BEGUN + 365 * DAY)
    assert time.stripe_has(due_at + 3 * DAY, overdue, asked) == []
    told = time.goes_on(due_at + GRACE + DAY)
    assert [name for name, _at in told] == ["grace-ends", "now-free"]
    by_cheque = invoice("paid", BEGUN, due_at=due_at, paid_at=due_at + 20 * DAY, payments={"data": []})
    assert time.stripe_has(due_at + 20 * DAY, by_invoice, by_cheque) == ["invoice-paid"]


@pytest.mark.parametrize("by_invoice", [False, True])
def test_what_ends_is_told_two_weeks_before(time: Time, world: World, by_invoice: bool) -> None:
    until = BEGUN + 40 * DAY
    method = {"collection_method": "send_invoice"} if by_invoice else {"cancel_at": until}
    time.stripe_has(BEGUN, subscription("active", period=until, **method))
    [(name, at)] = time.goes_on(until - HOUR)
    assert (name, at.hour) == ("subscription-ends", 8)
    assert at.date() == until.astimezone(time.zone).date() - timedelta(days=14)
    assert ("an invoice for the time after comes" in words(name)) == by_invoice
    if not by_invoice:
        time.stripe_has(until, subscription("canceled", ended_at=until))
        assert [name for name, _at in time.goes_on(until + 3 * DAY)] == ["now-free"]
        assert "You can subscribe again" in words("now-free")


def test_a_subscription_by_card_that_goes_on_is_told_nothing(time: Time) -> None:
    until = BEGUN + 20 * DAY
    time.stripe_has(BEGUN, subscription("active", period=until))
    assert time.goes_on(until) == []


def test_a_trial_that_was_ended_says_that_nothing_is_charged(time: Time) -> None:
    ends = BEGUN + 8 * DAY
    time.stripe_has(BEGUN, subscription("trialing", trial_end=ends, cancel_at=ends, period=ends))
    assert [name for name, _at in time.goes_on(ends - HOUR)] == ["trial-ends"]
    assert "nothing is charged" in words("trial-ends")
    assert "$720" not in words("trial-ends")


def test_whoever_is_paid_for_by_the_district_is_not_on_free(time: Time, world: World) -> None:
    with transaction(SYSTEM) as tx:
        district = tx.take_id(Customer)
        made = {"id": district, "public_id": new_public_id(), "made_at": BEGUN, "stripe_id": "cus_district"}
        tx.execute(insert(Customer).values(district_id=world.district_id, **made))
    of_district = Time(time.patched, time.zone, district)
    other = subscription("active", plan="district_seat_yearly", id="sub_district")
    of_district.stripe_has(BEGUN, other)
    time.stripe_has(BEGUN + HOUR, subscription("canceled", ended_at=BEGUN + HOUR))
    assert time.goes_on(BEGUN + 2 * DAY) == []
    # Its own end is told to who leads the district; a leader of one school does not manage that.
    with transaction(SYSTEM) as tx:
        person = world.people["elsewhere"].id
        as_leader = {"account_id": person, "role": Role.LEADER, "created_at": BEGUN}
        tx.execute(insert(Membership).values(school_id=world.elsewhere.id, **as_leader))
    try:
        ended = subscription(
            "canceled", plan="district_seat_yearly", id="sub_district", ended_at=BEGUN + 2 * DAY
        )
        of_district.stripe_has(BEGUN + 2 * DAY, ended)
        # The school is on Free by now, too: its own leader is told of that alone.
        told = [name for name, _at in of_district.goes_on(BEGUN + 3 * DAY)]
        with transaction(SYSTEM) as tx:
            found = tx.execute(
                select(OutgoingMail.account_id, OutgoingMail.school_id).where(
                    OutgoingMail.name == "billing.now-free"
                )
            ).all()
    finally:
        with transaction(SYSTEM) as tx:
            mine = (Membership.account_id == person, Membership.role == Role.LEADER)
            tx.execute(delete(Membership).where(*mine))
            tx.execute(delete(Customer).where(Customer.id == district))
    leader, school = world.people["leader"].id, world.elsewhere.id
    assert len(told) == 3
    assert {tuple(row) for row in found} == {(leader, None), (leader, school), (person, school)}


def test_of_a_school_of_ones_own_its_teacher_hears_and_no_guest(time: Time, world: World) -> None:
    """Whoever was invited into it manages nothing there."""
    owner, guest = world.people["elsewhere"].id, world.people["colleague"].id
    with transaction(SYSTEM) as tx:
        place = tx.get_one(School, world.elsewhere.id)
        place.kind, place.district_id = SchoolKind.PERSONAL, None
        mine = (Membership.account_id == owner, Membership.school_id == place.id)
        tx.execute(update(Membership).where(*mine).values(origin="sign-up"))
        invited = {"account_id": guest, "role": Role.TEACHER, "created_at": BEGUN, "origin": "invitation"}
        tx.execute(insert(Membership).values(school_id=place.id, **invited))
    try:
        failed = BEGUN + TRIAL
        owing = subscription("past_due", plan="teacher_monthly")
        assert time.stripe_has(failed, owing, invoice("open", failed, attempts=1)) == ["payment-failed"]
        assert addressees("payment-failed") == {owner}
    finally:
        with transaction(SYSTEM) as tx:
            place = tx.get_one(School, world.elsewhere.id)
            place.kind, place.district_id = SchoolKind.SCHOOL, world.district_id
            guests = (Membership.account_id == guest, Membership.school_id == place.id)
            tx.execute(delete(Membership).where(*guests))


def test_while_nobody_manages_it_nothing_counts_as_told(time: Time, world: World) -> None:
    leads = (Membership.account_id == world.people["leader"].id, Membership.role == Role.LEADER)
    with transaction(SYSTEM) as tx:
        tx.execute(update(Membership).where(*leads).values(suspended_at=BEGUN))
    failed = BEGUN + TRIAL
    try:
        time.stripe_has(failed, subscription("past_due"), invoice("open", failed, attempts=1))
        assert addressees("payment-failed") == set()
    finally:
        with transaction(SYSTEM) as tx:
            tx.execute(update(Membership).where(*leads).values(suspended_at=None))
    assert [name for name, _at in time.goes_on(failed + DAY)] == ["payment-failed"]


def test_a_school_that_is_being_erased_is_told_nothing(time: Time, world: World) -> None:
    with transaction(SYSTEM) as tx:
        tx.execute(update(School).where(School.id == world.elsewhere.id).values(erasing_since=BEGUN))
    failed = BEGUN + TRIAL
    assert time.stripe_has(failed, subscription("past_due"), invoice("open", failed, attempts=1)) == []
    assert time.stripe_has(failed + DAY, subscription("canceled", ended_at=failed + DAY)) == []
    assert time.goes_on(failed + 2 * DAY) == []


def test_what_is_first_seen_long_after_is_told_nobody(time: Time) -> None:
    """As after a restore: what Stripe has of last year is no news."""
    old = invoice("paid", BEGUN, paid_at=BEGUN)
    ended = subscription("canceled", ended_at=BEGUN + DAY)
    assert time.stripe_has(BEGUN + 20 * DAY, ended, old) == []
    assert time.goes_on(BEGUN + 22 * DAY) == []


def test_one_that_never_came_about_is_told_nobody(time: Time) -> None:
    """Whoever sits in front of Stripe's page sees that the card was refused."""
    assert time.stripe_has(BEGUN, subscription("incomplete"), invoice("open", BEGUN, attempts=1)) == []
    gone = subscription("incomplete_expired", ended_at=BEGUN + DAY)
    assert time.stripe_has(BEGUN + DAY, gone, invoice("void", BEGUN, attempts=1)) == []
    assert time.goes_on(BEGUN + 3 * DAY) == []


def test_the_next_failure_is_another(time: Time) -> None:
    first, second = BEGUN + DAY, BEGUN + 40 * DAY
    owing, going = subscription("past_due"), subscription("active")
    assert time.stripe_has(first, owing, invoice("open", first, attempts=1)) == ["payment-failed"]
    paid = invoice("paid", first, attempts=2, paid_at=first + DAY)
    assert time.stripe_has(first + DAY, going, paid) == ["invoice-paid"]
    another = invoice("open", second, attempts=1, id="in_second")
    assert time.stripe_has(second, owing, paid, another) == ["payment-failed"]
    # Of two that are owed the older one counts, and nothing is told anew when it is given up.
    third = invoice("open", second + 5 * DAY, attempts=1, id="in_third")
    assert time.stripe_has(second + 5 * DAY, owing, paid, another, third) == []
    void = invoice("void", second, attempts=1, id="in_second")
    assert time.stripe_has(second + 6 * DAY, owing, paid, void, third) == []
    assert [name for name, _at in time.goes_on(second + 15 * DAY)] == ["grace-ends", "now-free"]


def test_each_thing_is_written_once_by_the_database(time: Time) -> None:
    row = {"kind": ReminderKind.PAID, "of_what": "x", "written_at": BEGUN, "customer_id": time.customer}
    with transaction(SYSTEM) as tx:
        tx.execute(insert(Reminder).values(**row))
    with pytest.raises(IntegrityError), transaction(SYSTEM) as tx:
        tx.execute(insert(Reminder).values(**row))


def test_it_stays_in_the_inbox_and_leads_to_the_subscription(app: Flask, time: Time, world: World) -> None:
    failed = clock.now() - HOUR
    time.stripe_has(failed, subscription("past_due"), invoice("open", failed, attempts=1))
    with transaction(SYSTEM) as tx:
        mine = select(Message).where(Message.kind == "billing.payment-failed")
        (row,) = tx.scalars(mine)
        told = tx.scalar(select(func.count()).select_from(Reminder).where(Reminder.of_what == row.once))
    assert (row.account_id, row.school_id, told) == (world.people["leader"].id, world.elsewhere.id, 1)
    time.patched.undo()
    page = signed_in(app, world, "leader").get(f"/console/billing/{row.subject}")
    assert page.status_code == 200


def test_it_is_written_in_the_language_of_who_reads_it(time: Time, world: World) -> None:
    leader = Account.id == world.people["leader"].id
    with transaction(SYSTEM) as tx:
        tx.execute(update(Account).where(leader).values(language="es"))
    try:
        failed = BEGUN + TRIAL
        time.stripe_has(failed, subscription("past_due"), invoice("open", failed, attempts=1))
        until = (failed + GRACE).astimezone(time.zone)
        assert f"Todo sigue igual hasta el {until.day} de abril de 2027" in words("payment-failed")
    finally:
        with transaction(SYSTEM) as tx:
            tx.execute(update(Account).where(leader).values(language="en"))


def test_nothing_of_a_child_or_a_card_is_in_it(time: Time, world: World) -> None:
    failed = BEGUN + TRIAL
    time.stripe_has(failed, subscription("past_due"), invoice("open", failed, attempts=1))
    said = words("payment-failed")
    children = [child.given for child in world.elsewhere_class.children]
    assert children
    assert not [name for name in (*children, world.elsewhere_class.name, "in_dunned", "cus_") if name in said]


def test_only_workers_read_what_was_written(world: World) -> None:
    with transaction(SYSTEM) as tx:
        assert tx.scalar(select(func.count()).select_from(Reminder))
        assert {District.__tablename__, Invoice.__tablename__, Subscription.__tablename__}
    from sqlalchemy.exc import ProgrammingError

    with pytest.raises(ProgrammingError), transaction(world.sign_in("leader")) as tx:
        tx.scalars(select(Reminder)).all()
