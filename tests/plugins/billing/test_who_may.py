"""Who may see and change what is paid: whoever leads the school, and nobody else, on every page there is."""

import pytest
from flask import Flask
from sqlalchemy import select

from backoffice.access.transaction import transaction
from plugins.billing.asking import Stripe
from plugins.billing.models import Customer, Invoice, Subscription
from tests.factories.visitor import form_token, signed_in
from tests.factories.world import World

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
    world.student_session(world.own_class, world.own_class.children[0])
    child.set_cookie("student", "x")
    for path in ("/console/billing/", f"/console/billing/{world.home.public_id}"):
        assert child.get(path).headers["Location"].startswith("/sign-in")


def test_the_leader_sees_it_and_an_outsider_sees_only_the_own(app: Flask, world: World) -> None:
    leader = signed_in(app, world, "leader")
    assert leader.get(f"/console/billing/{world.home.public_id}").status_code == 200
    assert leader.get(f"/console/billing/{world.outside.public_id}").status_code == 404


@pytest.mark.parametrize("entity", [Customer, Subscription, Invoice])
@pytest.mark.parametrize("role", OTHERS)
def test_the_database_shows_it_to_nobody_else(world: World, entity: type, role: str) -> None:
    """With the policy forgotten: row-level security alone."""
    with transaction(world.sign_in(role)) as tx:
        seen = len(tx.scalars(select(entity)).all())
    assert seen == (2 if role == "founder" else 0)


def test_the_database_shows_a_leader_the_own_schools_alone(world: World) -> None:
    with transaction(world.sign_in("leader")) as tx:
        assert {each.school_id for each in tx.scalars(select(Customer))} == {world.home.id}
