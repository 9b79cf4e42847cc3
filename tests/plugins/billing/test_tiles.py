"""The tile of what is subscribed to: there for whoever may see it, while there is something to see."""

import re
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import insert, select, update

from backoffice import clock
from backoffice.access.transaction import transaction
from backoffice.runtime import Runtime
from backoffice.schools.models import District
from backoffice.storage.public_id import new_public_id
from plugins.billing.models import Customer, PlanName, Status, Subscription
from tests.factories.statements import statements
from tests.factories.visitor import signed_in
from tests.factories.world import SYSTEM, World

HOME = "Home Hollow School"
pytestmark = pytest.mark.usefixtures("put_back")


def tile(app: Flask, world: World, role: str) -> str | None:
    """Its words, if it is on the dashboard."""
    page = signed_in(app, world, role).get("/console/").text
    cards = re.findall(r'<section class="card.*?</section>', page, re.DOTALL)
    found = [each for each in cards if 'id="tile-subscription"' in each]
    assert len(found) <= 1
    return " ".join(re.sub(r"<[^>]+>", " ", found[0]).split()) if found else None


def standing(**values: object) -> None:
    with transaction(SYSTEM) as tx:
        tx.execute(update(Subscription).values(values))


def test_whoever_leads_sees_plan_state_and_day_and_others_do_not(app: Flask, world: World) -> None:
    seen = tile(app, world, "leader")
    assert seen is not None
    assert HOME in seen
    assert "School · 12 teachers · Goes on" in seen
    assert "Active" in seen
    for role in ("teacher", "colleague", "founder"):
        assert tile(app, world, role) is None
    assert HOME not in (tile(app, world, "outsider") or "")


def test_it_says_what_is_owed_and_when_it_ends(app: Flask, world: World) -> None:
    standing(status=Status.PAST_DUE, owed_since=clock.now())
    assert "Payment owed" in (tile(app, world, "leader") or "")
    standing(status=Status.ACTIVE, owed_since=None, ends_at=clock.now() + timedelta(days=9))
    seen = tile(app, world, "leader") or ""
    assert "Ends" in seen
    assert "Goes on" not in seen


def test_without_a_subscription_there_is_no_tile(app: Flask, world: World) -> None:
    standing(status=Status.CANCELED, ended_at=clock.now())
    assert tile(app, world, "leader") is None


def test_a_district_stands_there_by_its_name_and_asks_no_more(
    app: Flask, runtime: Runtime, world: World
) -> None:
    client = signed_in(app, world, "leader")
    client.get("/console/")
    with statements(runtime) as few:
        client.get("/console/")
    subscribed(world)
    with transaction(SYSTEM) as tx:
        name = tx.scalars(select(District.name).where(District.id == world.district_id)).one()
    with statements(runtime) as many:
        client.get("/console/")
    assert name in (tile(app, world, "leader") or "")
    assert len(many) == len(few)


def subscribed(world: World) -> None:
    """The district has a plan as well."""
    now = clock.now()
    with transaction(SYSTEM) as tx:
        customer = tx.take_id(Customer)
        tx.execute(
            insert(Customer).values(
                id=customer,
                public_id=new_public_id(),
                district_id=world.district_id,
                stripe_id="cus_district",
                made_by=world.people["leader"].id,
                made_at=now,
                as_of=now,
            )
        )
        tx.execute(
            insert(Subscription).values(
                id=tx.take_id(Subscription),
                public_id=new_public_id(),
                customer_id=customer,
                stripe_id="sub_district",
                plan=PlanName.DISTRICT,
                price="district_seat_yearly",
                status=Status.TRIALING,
                by_invoice=False,
                seats=60,
                amount=3000,
                currency="usd",
                months=12,
                begun_at=now,
            )
        )
