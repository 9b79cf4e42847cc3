"""Who may see and change what is paid: whoever leads the school, and nobody else, on every page there is."""

import pytest
from flask import Flask
from sqlalchemy import delete, insert, select, update
from sqlalchemy.exc import ProgrammingError

from backoffice import clock
from backoffice.access.transaction import transaction
from backoffice.storage.public_id import new_public_id
from backoffice.students import tokens
from plugins.billing.asking import Stripe
from plugins.billing.exemption.models import TaxCertificate
from plugins.billing.models import Customer, Invoice, Subscription
from plugins.billing.orders.models import PurchaseOrder, Quote
from tests.factories.visitor import form_token, signed_in
from tests.factories.world import SYSTEM, World

OTHERS = ("founder", "officer", "teacher", "colleague", "co_teacher", "helper", "parent", "outsider")
ADDRESSES = ("", "/buy?price=school_seat_yearly", "/seats", "/bought")
SENT = ("/buy", "/seats", "/confirm", "/act")


@pytest.mark.parametrize("role", OTHERS)
def test_nobody_else_opens_anything(app: Flask, world: World, nowhere: Stripe, role: str) -> None:
    del nowhere
    browser = signed_in(app, world, role)
    home = f"/console/billing/{world.home.public_id}"
    token = form_token(browser.get("/account").text)
    opened = [path for path in ADDRESSES if browser.get(home + path).status_code != 404]
    sent = [
        path
        for path in SENT
        if browser.post(home + path, data={"csrf_token": token, "do": "end", "seats": "9"}).status_code != 404
    ]
    assert (opened, sent) == ([], [])


def test_a_child_is_shown_the_door(app: Flask, world: World) -> None:
    child = app.test_client()
    begun = world.student_session(world.own_class, world.own_class.children[0])
    child.set_cookie("student", tokens.issue(begun.token_id, idle=begun.idle, ends_at=begun.ends_at))
    assert child.get("/student").status_code == 200
    for path in ("/console/billing/", f"/console/billing/{world.home.public_id}"):
        assert child.get(path).headers["Location"].startswith("/sign-in")


def test_the_leader_sees_it_and_an_outsider_sees_only_the_own(app: Flask, world: World) -> None:
    leader = signed_in(app, world, "leader")
    assert leader.get(f"/console/billing/{world.home.public_id}").status_code == 200
    assert leader.get(f"/console/billing/{world.outside.public_id}").status_code == 404


@pytest.mark.parametrize(
    ("entity", "each"),
    [(Customer, 1), (Subscription, 1), (Invoice, 2), (Quote, 2), (PurchaseOrder, 1), (TaxCertificate, 1)],
)
@pytest.mark.parametrize("role", OTHERS)
def test_the_database_shows_it_to_nobody_else(world: World, entity: type, each: int, role: str) -> None:
    """With the policy forgotten: row-level security alone."""
    with transaction(world.sign_in(role)) as tx:
        seen = len(tx.scalars(select(entity)).all())
    assert seen == (2 * each if role == "founder" else 0)


def test_the_database_shows_a_leader_the_own_schools_alone(world: World) -> None:
    with transaction(world.sign_in("leader")) as tx:
        assert {each.school_id for each in tx.scalars(select(Customer))} == {world.home.id}


def test_the_web_changes_nothing_of_what_the_system_writes(world: World) -> None:
    """A leader of the school, with the policy forgotten: how far an order is, and what Stripe was told."""
    for change in (
        update(PurchaseOrder).values(state="sent"),
        update(PurchaseOrder).values(subscription="sub_x"),
        update(TaxCertificate).values(set_at=None),
        update(Quote).values(amount=1),
        delete(PurchaseOrder),
        delete(Quote),
    ):
        with pytest.raises(ProgrammingError), transaction(world.sign_in("leader")) as tx:
            tx.execute(change)


def test_the_web_orders_for_no_other_school(world: World) -> None:
    with transaction(SYSTEM) as tx:
        quote = tx.scalars(
            select(Quote)
            .join(Customer, Customer.id == Quote.customer_id)
            .where(Customer.school_id == world.outside.id)
            .order_by(Quote.id.desc())
        ).first()
        assert quote is not None
        named = {"customer_id": quote.customer_id, "quote_id": quote.id}
    row = {"number": "1", "file": b"x", "file_kind": "pdf", "placed_at": clock.now(), "state": "waiting"}
    for entity, values in (
        (PurchaseOrder, {**named, **row}),
        (
            TaxCertificate,
            {
                "customer_id": named["customer_id"],
                "state": "MA",
                "last_day": clock.now().date(),
                "ends_at": clock.now(),
                "file": b"x",
                "file_kind": "pdf",
                "given_at": clock.now(),
            },
        ),
    ):
        with pytest.raises(ProgrammingError), transaction(world.sign_in("leader")) as tx:
            tx.execute(insert(entity).values(public_id=new_public_id(), **values))
