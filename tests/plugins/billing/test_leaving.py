"""Whoever is erased here is no customer at Stripe any more: what runs is cancelled, and receipts say so."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import stripe
from flask import Flask
from sqlalchemy import insert, select, update

from backoffice import clock
from backoffice.access.principal import Purpose
from backoffice.access.transaction import transaction
from backoffice.privacy.erasure import jobs, receipts, services
from backoffice.privacy.erasure.erasing import Eraser
from backoffice.privacy.erasure.jobs import NotYet, eraser_of
from backoffice.privacy.erasure.ledger import LedgerFile
from backoffice.privacy.erasure.models import AskedAs, Erasure, ErasureOutside
from backoffice.privacy.holdings import Subject
from backoffice.runtime import Runtime
from backoffice.schools.models import District, Membership, School
from backoffice.storage.public_id import new_public_id
from plugins.billing import asking, leaving, reconciling
from plugins.billing.asking import Refused, Stripe, Unreachable
from plugins.billing.models import Customer, Drift
from tests.accounts.alone import alone
from tests.factories.world import SYSTEM, World, add_school
from tests.privacy.erasure.test_following import Run
from tests.stripe_stand_in.running import SECRET, StandIn, running

WHO = Purpose("test-leaving")


@pytest.fixture(scope="module")
def stand_in() -> Iterator[StandIn]:
    with running() as made:
        yield made


@pytest.fixture
def client(runtime: Runtime, stand_in: StandIn) -> Iterator[stripe.StripeClient]:
    """The process is connected to the stand-in."""
    stand_in.control.forget()
    made = stand_in.client()
    before = asking.use(Stripe(made, SECRET))
    # What the world waits for is of no customer there.
    _nothing_waits()
    yield made
    asking.use(before)
    _nothing_waits()


def _nothing_waits() -> None:
    with transaction(SYSTEM) as tx:
        waits = update(ErasureOutside).where(ErasureOutside.done_at.is_(None))
        tx.execute(waits.values(done_at=clock.now(), reference=None))


@pytest.fixture
def eraser(runtime: Runtime, tmp_path_factory: pytest.TempPathFactory) -> Eraser:
    return replace(eraser_of(runtime, WHO), ledger=LedgerFile(tmp_path_factory.mktemp("ledger")))


def customer(client: stripe.StripeClient, **place: int) -> str:
    """A school or district that Stripe knows."""
    named = client.v1.customers.create({"invoice_settings": {"default_payment_method": "pm_card_visa"}}).id
    with transaction(SYSTEM) as tx:
        values = {"public_id": new_public_id(), "made_at": clock.now(), "stripe_id": named}
        tx.execute(insert(Customer).values(id=tx.take_id(Customer), **values, **place))
    return named


def subscribed(
    client: stripe.StripeClient, stand_in: StandIn, named: str, key: str = "school_seat_yearly", **more: Any
) -> stripe.Subscription:
    price = stand_in.control.seed()[key]
    wanted: Any = {"customer": named, "items": [{"price": price, "quantity": 5}], **more}
    return client.v1.subscriptions.create(wanted)


def school(tx: Any, name: str, district: int | None = None) -> tuple[int, str]:
    made = add_school(tx, name, district)
    return made.id, made.public_id


def erased(eraser: Eraser, subject: Subject, public_id: str) -> Erasure:
    return services.erase(eraser=eraser, subject=subject, public_id=public_id, asked_as=AskedAs.COMMAND)


def lines_of(done: Erasure) -> list[ErasureOutside]:
    with transaction(SYSTEM) as tx:
        return list(tx.scalars(select(ErasureOutside).where(ErasureOutside.erasure == done.public_id)))


def page_of(app: Flask, done: Erasure) -> str:
    assert done.receipt is not None
    address = f"/receipts/{done.public_id}?hash={receipts.hash_of(done.receipt)}"
    return " ".join(app.test_client().get(address).text.split())


def statuses(client: stripe.StripeClient, *invoices: Any) -> list[str | None]:
    return [client.v1.invoices.retrieve(str(each)).status for each in invoices]


def is_gone(client: stripe.StripeClient, named: str) -> bool:
    return bool(getattr(client.v1.customers.retrieve(named), "deleted", False))


def test_a_school_that_paid_is_cancelled_and_deleted_and_its_receipt_says_so(
    app: Flask, world: World, client: stripe.StripeClient, stand_in: StandIn, eraser: Eraser
) -> None:
    with transaction(SYSTEM) as tx:
        number, public_id = school(tx, "Gonepaying School")
    named = customer(client, school_id=number)
    paying = subscribed(client, stand_in, named)
    by_invoice = subscribed(client, stand_in, named, collection_method="send_invoice", days_until_due=30)
    paid, sent = str(paying.latest_invoice), str(by_invoice.latest_invoice)
    client.v1.invoices.send_invoice(sent)
    assert statuses(client, paid, sent) == ["paid", "open"]

    done = erased(eraser, Subject.SCHOOL, public_id)
    assert json.loads(done.receipt or "")["outside"] == ["billing.customer"]
    assert "Outside: Stripe: subscription cancelled" in page_of(app, done)
    assert "asks</dt><dd>waits</dd>" in page_of(app, done)

    jobs.erase_outside(Run(app))  # type: ignore[arg-type]
    assert is_gone(client, named)
    over = [client.v1.subscriptions.retrieve(each.id).status for each in (paying, by_invoice)]
    assert over == ["canceled", "canceled"]
    assert statuses(client, paid, sent) == ["paid", "void"]
    (line,) = lines_of(done)
    assert (line.reference, line.problem, line.proof) == (None, None, f"{named}, {paid}")
    said = page_of(app, done)
    assert "paid invoices stay there" in said
    assert f"{named}, {paid}" in said
    assert "Gonepaying" not in said
    # Nothing of it was given back.
    assert not [each for each in stand_in.control.requests() if "refund" in each["path"]]

    # At night nobody finds it to be a difference that a school is gone.
    with transaction(SYSTEM) as tx:
        before = len(tx.scalars(select(Drift)).all())
    reconciling.reconcile(WHO, client)
    with transaction(SYSTEM) as tx:
        found = tx.scalars(select(Drift.customer).order_by(Drift.id)).all()[before:]
    assert named not in found


def test_what_is_gone_there_is_as_good(
    app: Flask, client: stripe.StripeClient, stand_in: StandIn, world: World
) -> None:
    """As where a worker was killed between Stripe's answer and noting it."""
    del world
    named = client.v1.customers.create({}).id
    run: Any = Run(app)
    assert leaving.erase(run, named) == named
    assert leaving.erase(run, named) == named
    # One that this Stripe has never had goes on at another: it is not counted as gone.
    with pytest.raises(Refused):
        leaving.erase(run, "cus_never")
    # The answer is lost, and what was asked is done.
    another = client.v1.customers.create({}).id
    stand_in.control.fail("/v1/customers", times=1, status=500, after=True, method="DELETE")
    with pytest.raises(Unreachable):
        leaving.erase(run, another)
    assert leaving.erase(run, another) == another
    assert is_gone(client, another)


def test_where_no_stripe_is_connected_it_waits_and_says_so(
    app: Flask, world: World, client: stripe.StripeClient, stand_in: StandIn, eraser: Eraser
) -> None:
    with transaction(SYSTEM) as tx:
        number, public_id = school(tx, "Gonewaiting School")
    named = customer(client, school_id=number)
    running_one = subscribed(client, stand_in, named)
    done = erased(eraser, Subject.SCHOOL, public_id)
    before = asking.use(None)
    with pytest.raises(NotYet):
        jobs.erase_outside(Run(app))  # type: ignore[arg-type]
    asking.use(before)
    (line,) = lines_of(done)
    assert (line.done_at, line.tries, line.problem, line.reference) == (None, 1, "NotConnected", named)
    assert "asks</dt><dd>waits</dd>" in page_of(app, done)
    assert client.v1.subscriptions.retrieve(running_one.id).status == "active"

    # The same where Stripe does not answer.
    with transaction(SYSTEM) as tx:
        tx.execute(update(ErasureOutside).values(tried_at=clock.now() - timedelta(hours=1)))
    stand_in.control.fail("/v1/subscriptions", times=9, status=500)
    with pytest.raises(NotYet):
        jobs.erase_outside(Run(app))  # type: ignore[arg-type]
    stand_in.control.mend()
    assert lines_of(done)[0].problem == "Unreachable"

    with transaction(SYSTEM) as tx:
        tx.execute(update(ErasureOutside).values(tried_at=clock.now() - timedelta(hours=1)))
    jobs.erase_outside(Run(app))  # type: ignore[arg-type]
    assert lines_of(done)[0].done_at is not None
    assert is_gone(client, named)


def test_whoever_only_was_on_free_has_nothing_outside(
    app: Flask, world: World, client: stripe.StripeClient, eraser: Eraser
) -> None:
    with transaction(SYSTEM) as tx:
        _number, public_id = school(tx, "Gonefree School")
    done = erased(eraser, Subject.SCHOOL, public_id)
    assert "outside" not in json.loads(done.receipt or "")
    assert lines_of(done) == []
    assert "Stripe" not in page_of(app, done)


def test_a_districts_subscription_stays_when_a_school_of_it_goes(
    app: Flask, world: World, client: stripe.StripeClient, stand_in: StandIn, eraser: Eraser
) -> None:
    with transaction(SYSTEM) as tx:
        district, public_id = tx.take_id(District), new_public_id()
        place = {"country": "US", "state": "CA", "time_zone": "America/Los_Angeles", "language": "en"}
        values = {"id": district, "public_id": public_id, "name": "Gone District", "created_at": clock.now()}
        tx.execute(insert(District).values(**values, **place))
        _first, goes = school(tx, "Gonefirst School", district)
        school(tx, "Gonelater School", district)
    named = customer(client, district_id=district)
    running_one = subscribed(client, stand_in, named, "district_seat_yearly")
    first = erased(eraser, Subject.SCHOOL, goes)
    jobs.erase_outside(Run(app))  # type: ignore[arg-type]
    assert lines_of(first) == []
    assert client.v1.subscriptions.retrieve(running_one.id).status == "active"
    assert not is_gone(client, named)

    whole = erased(eraser, Subject.DISTRICT, public_id)
    jobs.erase_outside(Run(app))  # type: ignore[arg-type]
    assert [(line.handler, bool(line.done_at)) for line in lines_of(whole)] == [("billing.customer", True)]
    assert client.v1.subscriptions.retrieve(running_one.id).status == "canceled"
    assert is_gone(client, named)


def test_with_an_account_its_own_school_leaves(
    app: Flask, world: World, client: stripe.StripeClient, stand_in: StandIn, eraser: Eraser
) -> None:
    who = alone()
    with transaction(SYSTEM) as tx:
        number = tx.scalars(select(Membership.school_id).where(Membership.account_id == who.account_id)).one()
    assert number is not None
    named = customer(client, school_id=number, made_by=who.account_id or 0)
    # The subscription of a colleague's school that this person once bought stays.
    with transaction(SYSTEM) as tx:
        other, _public = school(tx, "Stays School")
    stays = customer(client, school_id=other, made_by=who.account_id or 0)
    running_one = subscribed(client, stand_in, named, "teacher_monthly")
    done = erased(eraser, Subject.ACCOUNT, who.account_public_id or "")
    jobs.erase_outside(Run(app))  # type: ignore[arg-type]
    assert [line.proof for line in lines_of(done)] == [f"{named}, {running_one.latest_invoice}"]
    assert (is_gone(client, named), is_gone(client, stays)) == (True, False)
    with transaction(SYSTEM) as tx:
        assert tx.get(School, number) is None
        row = tx.scalars(select(Customer).where(Customer.stripe_id == stays)).one()
        assert row.made_by is None
