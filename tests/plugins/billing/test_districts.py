"""A district pays for all of its schools: whoever leads it buys, and its schools share what it bought."""

from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import delete, func, insert, select, update

from backoffice import clock
from backoffice.access.lookup import NotFound
from backoffice.access.principal import Principal
from backoffice.access.transaction import transaction
from backoffice.audit.models import AuditEntry
from backoffice.entitlements import Entitlement
from backoffice.outbox.models import OutgoingMail
from backoffice.problems import Rejected
from backoffice.schools.models import District, Membership
from backoffice.storage.public_id import new_public_id
from plugins.billing import asking, queries, services, standing
from plugins.billing.dunning.services import look_after
from plugins.billing.exemption.services import Given, hand_in
from plugins.billing.exemption.telling import tell
from plugins.billing.models import Customer, Invoice, Status, Subscription
from plugins.billing.orders.models import PurchaseOrder
from plugins.billing.orders.placing import place_orders
from plugins.billing.orders.services import Ordered, order, order_again, quote
from plugins.billing.payers import payer_named
from tests.factories.visitor import form_token, signed_in
from tests.factories.world import SYSTEM, World
from tests.plugins.billing.conftest import GOOD, WORKER, Told
from tests.stripe_stand_in.conftest import visit
from tests.stripe_stand_in.running import StandIn

PRICE = "district_seat_yearly"
PDF = b"%PDF-1.7\nsigned by Ottilie Orderly\n%%EOF\n"
OTHERS = ("founder", "officer", "teacher", "colleague", "co_teacher", "helper", "parent", "outsider")
ADDRESSES = ("", f"/buy?price={PRICE}", "/seats", "/bought", "/quotes", "/exemption")
SENT = ("/buy", "/seats", "/confirm", "/act", "/quotes", "/exemption")


def bought(world: World, told: Told, *, seats: int = 60) -> None:
    there = services.checkout(
        principal=world.sign_in("leader"),
        payer=world.district,
        price=PRICE,
        seats=seats,
        back=f"http://localhost/console/billing/districts/{world.district}",
    )
    assert visit(there, card_number=GOOD).status == 303
    told.all_and_taken_in()


def held(world: World) -> Subscription:
    with transaction(SYSTEM) as tx:
        mine = select(Subscription).join(Customer, Customer.id == Subscription.customer_id)
        return tx.scalars(mine.where(Customer.district_id == world.district_id)).one()


def seats_of(world: World, who: Principal, school: int) -> int | None:
    with transaction(who) as tx:
        return standing.entitled(tx, school)[Entitlement.SEATS]


@pytest.fixture
def one_school(world: World) -> Iterator[str]:
    """Somebody who leads one school of the district, and not the district."""
    who = world.people["colleague"]
    mine = (Membership.account_id == who.id, Membership.school_id == world.home.id)
    with transaction(SYSTEM) as tx:
        before = tx.scalar(select(Membership.role).where(*mine))
        tx.execute(update(Membership).where(*mine).values(role="leader"))
    yield "colleague"
    with transaction(SYSTEM) as tx:
        tx.execute(update(Membership).where(*mine).values(role=before))


def test_it_counts_for_each_school_and_its_seats_are_shared(
    world: World, stand_in: StandIn, told: Told
) -> None:
    del stand_in
    leader = world.sign_in("leader")
    with transaction(SYSTEM) as tx:
        tx.execute(update(Subscription).values(status=Status.CANCELED, ended_at=clock.now()))
    assert seats_of(world, leader, world.elsewhere.id) == 2
    bought(world, told)
    row = held(world)
    assert (row.plan, row.seats, row.status) == ("district", 60, Status.TRIALING)
    with transaction(leader) as tx:
        whole = standing.used(tx, tx.get_one(District, world.district_id))
        home = standing.used(tx, world.home)[Entitlement.SEATS]
        elsewhere = standing.used(tx, world.elsewhere)[Entitlement.SEATS]
    # Somebody works at both, and counts once.
    assert whole[Entitlement.SEATS] <= home + elsewhere
    for school, here in ((world.home, home), (world.elsewhere, elsewhere)):
        assert seats_of(world, leader, school.id) == 60 - (whole[Entitlement.SEATS] - here)
    assert seats_of(world, world.sign_in("outsider"), world.outside.id) == 2
    services.end(principal=leader, payer=world.district)
    services.go_on(principal=leader, payer=world.district)
    preview = services.preview_seats(principal=leader, payer=world.district, seats=80)
    services.change_seats(principal=leader, payer=world.district, seats=80, seen=preview.seen)
    told.all_and_taken_in()
    assert held(world).seats == 80
    with transaction(SYSTEM) as tx:
        noted = tx.execute(
            select(AuditEntry.school_id, func.count())
            .where(
                AuditEntry.verb.in_(("billing.buy", "billing.end", "billing.go-on", "billing.change-seats"))
            )
            .where(AuditEntry.school_id.in_((world.home.id, world.elsewhere.id)))
            .group_by(AuditEntry.school_id)
        ).all()
    assert {school for school, _count in noted} == {world.home.id, world.elsewhere.id}
    assert len({count for _school, count in noted}) == 1


@pytest.mark.parametrize("seats", [49, 0])
def test_a_district_buys_for_fifty_at_least_and_no_plan_of_a_school(
    world: World, stand_in: StandIn, seats: int
) -> None:
    leader = world.sign_in("leader")
    for price, number in ((PRICE, seats), ("school_seat_yearly", 60), ("teacher_yearly", 60)):
        with pytest.raises(Rejected):
            services.checkout(
                principal=leader, payer=world.district, price=price, seats=number, back="http://x/"
            )
    assert stand_in.control.requests() == []


def test_it_orders_without_a_card_and_hands_in_a_certificate(
    world: World, stand_in: StandIn, told: Told
) -> None:
    leader, client = world.sign_in("leader"), asking.current().client
    quoted = quote(principal=leader, payer=world.district, price=PRICE, seats=55)
    order(principal=leader, quote=quoted, ordered=Ordered("PO-77", "office@district.example", PDF))
    assert place_orders(WORKER, client).sent == 1
    (invoice,) = (
        each
        for each in stand_in.control.objects()["invoice"]
        if any(field["value"] == "PO-77" for field in each.get("custom_fields") or ())
    )
    assert invoice["status"] == "open"
    day = clock.now().date() + timedelta(days=20)
    hand_in(principal=leader, payer=world.district, given=Given("MA", day, PDF))
    with transaction(SYSTEM) as tx:
        before = set(tx.scalars(select(OutgoingMail.id)))
    assert (tell(WORKER, client).warned, tell(WORKER, client).warned) == (1, 0)
    told.all_and_taken_in()
    with transaction(SYSTEM) as tx:
        mails = select(OutgoingMail.account_id).where(OutgoingMail.id.not_in(before))
        # Who leads the district, and nobody of its schools.
        assert set(tx.scalars(mails.where(OutgoingMail.name == "billing.certificate-ends"))) == {
            world.people["leader"].id
        }
        row = tx.scalars(
            select(Invoice).join(Customer).where(Customer.district_id == world.district_id)
        ).one()
        assert (row.status, row.number) == ("open", invoice["number"])


def test_its_pages(app: Flask, world: World, stand_in: StandIn, told: Told, one_school: str) -> None:
    del stand_in
    leader = signed_in(app, world, "leader")
    here = f"/console/billing/districts/{world.district}"
    page = leader.get("/console/billing/").text
    assert f'href="{here}"' in page
    assert "for all its schools" in page
    page = leader.get(here).text
    assert f'href="{here}/buy?price={PRICE}"' in page
    assert f'action="{here}/quotes"' not in page
    for path in ADDRESSES[1:3]:
        assert leader.get(here + path).status_code in {200, 303}
    with transaction(SYSTEM) as tx:
        tx.execute(update(Subscription).values(status=Status.CANCELED, ended_at=clock.now()))
    bought(world, told)
    assert "60" in leader.get(here).text
    assert leader.get(f"{here}/bought").location == here
    # A message leads to whoever pays by the identifier alone.
    assert "60" in leader.get(f"/console/billing/{world.district}").text
    # The leader of one of its schools learns that it is paid for, and not what for.
    other = signed_in(app, world, one_school)
    text = other.get(f"/console/billing/{world.home.public_id}").text
    assert "Quillfeather District pays for this school" in text
    assert "buy?price" not in text
    assert "$" not in text.split("Invoices")[0]
    assert other.get(here).status_code == 404
    assert other.get(f"/console/billing/{world.district}").status_code == 404
    assert here not in other.get("/console/billing/").text


def test_a_school_that_is_paid_for_buys_nothing_beside(
    app: Flask, world: World, stand_in: StandIn, told: Told
) -> None:
    with transaction(SYSTEM) as tx:
        tx.execute(update(Subscription).values(status=Status.CANCELED, ended_at=clock.now()))
    leader, school = world.sign_in("leader"), world.elsewhere.public_id
    quoted, other = (
        quote(principal=leader, payer=school, price="school_seat_yearly", seats=12) for _ in range(2)
    )
    failed = order(principal=leader, quote=other, ordered=Ordered("PO-76", "office@x.example", PDF))
    stand_in.control.fail("/v1/subscriptions", status=400, method="POST")
    assert place_orders(WORKER, asking.current().client).failed == 1
    waits = order(principal=leader, quote=quoted, ordered=Ordered("PO-77", "office@x.example", PDF))
    bought(world, told)
    # What was ordered before is not placed either.
    assert place_orders(WORKER, asking.current().client).failed == 1
    stand_in.control.forget()
    wanted: dict[str, Any] = {
        "principal": leader,
        "payer": school,
        "price": "school_seat_yearly",
        "seats": 12,
    }
    with transaction(SYSTEM) as tx:
        tx.execute(delete(PurchaseOrder).where(PurchaseOrder.public_id == waits))
    handed_in = Ordered("PO-78", "office@x.example", PDF)
    for attempt in (
        partial(services.checkout, **wanted, back="http://x/"),
        partial(quote, **wanted),
        partial(order, principal=leader, quote=quoted, ordered=handed_in),
        partial(order_again, principal=leader, order=failed),
    ):
        with pytest.raises(Rejected) as refused:
            attempt()
        assert "district pays" in refused.value.in_words
    assert stand_in.control.requests() == []
    browser, here = signed_in(app, world, "leader"), f"/console/billing/{school}"
    assert browser.get(f"{here}/buy?price=school_seat_yearly").location == here
    assert browser.get(f"/console/billing/quotes/{quoted}/order").location == f"{here}/quotes"
    page = browser.get(f"{here}/quotes").text
    assert "pays for this school" in page
    assert [each for each in ("Make the quote", "Order this") if each in page] == []


def test_at_a_price_of_no_plan_it_keeps_no_school_from_buying(
    world: World, stand_in: StandIn, told: Told
) -> None:
    bought(world, told)
    with transaction(SYSTEM) as tx:
        mine = select(Customer.id).where(Customer.district_id == world.district_id).scalar_subquery()
        tx.execute(update(Subscription).where(Subscription.customer_id == mine).values(plan=None))
        tx.execute(
            update(Subscription)
            .where(Subscription.customer_id != mine)
            .values(status=Status.CANCELED, ended_at=clock.now())
        )
    leader, school = world.sign_in("leader"), world.elsewhere.public_id
    there = services.checkout(
        principal=leader, payer=school, price="school_seat_yearly", seats=12, back="http://localhost/"
    )
    assert there.startswith(stand_in.address)


def test_one_that_owes_for_too_long_has_no_limits_of_its_own(
    app: Flask, world: World, stand_in: StandIn, told: Told
) -> None:
    """What is free is free for each of its schools, and not for all of them together."""
    del stand_in
    bought(world, told)
    leader, here = signed_in(app, world, "leader"), f"/console/billing/districts/{world.district}"
    with transaction(SYSTEM) as tx:
        district = tx.get_one(District, world.district_id)
        assert standing.limits_of(tx, district) == {Entitlement.SEATS: 60}
        mine = select(Customer.id).where(Customer.district_id == world.district_id).scalar_subquery()
        owed = clock.now() - timedelta(days=20)
        changed = update(Subscription).where(Subscription.customer_id == mine)
        tx.execute(changed.values(status=Status.UNPAID, owed_since=owed))
    with transaction(SYSTEM) as tx:
        assert standing.limits_of(tx, tx.get_one(District, world.district_id)) == {}
    page = leader.get(here).text
    assert "The plan has been Free since" in page
    assert "All stays as it is until" not in page
    assert "Pay at Stripe" in page


@pytest.mark.parametrize("role", OTHERS)
def test_nobody_else_opens_anything(app: Flask, world: World, stand_in: StandIn, role: str) -> None:
    del stand_in
    browser = signed_in(app, world, role)
    here = f"/console/billing/districts/{world.district}"
    token = form_token(browser.get("/account").text)
    opened = [path for path in ADDRESSES if browser.get(here + path).status_code != 404]
    sent = [path for path in SENT if browser.post(here + path, data={"csrf_token": token}).status_code != 404]
    assert (opened, sent) == ([], [])


def test_whoever_leads_one_school_or_another_district_does_nothing_for_it(
    world: World, stand_in: StandIn, told: Told, one_school: str
) -> None:
    bought(world, told)
    there = {"name": "Elsewhere", "country": "US", "state": "CA", "time_zone": "UTC", "language": "en"}
    with transaction(SYSTEM) as tx:
        number, now = tx.take_id(District), clock.now()
        tx.execute(insert(District).values(id=number, public_id=new_public_id(), created_at=now, **there))
        leads = {"district_id": number, "account_id": world.people["outsider"].id, "role": "leader"}
        tx.execute(insert(Membership).values(**leads, created_at=now))
    for role in (one_school, "outsider"):
        who = world.sign_in(role)
        for attempt in (
            lambda who=who: services.end(principal=who, payer=world.district),
            lambda who=who: services.portal(principal=who, payer=world.district, back="http://x/"),
            lambda who=who: quote(principal=who, payer=world.district, price=PRICE, seats=60),
            lambda who=who: hand_in(
                principal=who, payer=world.district, given=Given("MA", clock.now().date(), PDF)
            ),
        ):
            with pytest.raises(NotFound):
                attempt()
        with transaction(who) as tx:
            # With the policy forgotten.
            assert tx.scalars(select(Customer).where(Customer.district_id == world.district_id)).all() == []
            assert tx.scalars(select(Subscription).where(Subscription.seats == 60)).all() == []
            assert queries.used_by_district(tx, world.district_id) == {}
            with pytest.raises(NotFound):
                payer_named(tx, world.district)
    with transaction(SYSTEM) as tx:
        tx.delete(tx.get_one(District, number))
    assert [each["status"] for each in stand_in.control.objects()["subscription"]][-1] == "trialing"


def test_what_is_due_is_written_to_who_leads_the_district(
    world: World, stand_in: StandIn, told: Told, one_school: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    del stand_in, one_school
    bought(world, told)
    with transaction(SYSTEM) as tx:
        before = set(tx.scalars(select(OutgoingMail.id)))
    until = held(world).trial_until
    assert until is not None
    monkeypatch.setattr(clock, "now", lambda: until - timedelta(days=2))
    for hour in range(24):
        monkeypatch.setattr(clock, "now", lambda hour=hour: until - timedelta(days=2, hours=hour))
        look_after(principal=WORKER)
    with transaction(SYSTEM) as tx:
        mails = select(OutgoingMail.account_id).where(
            OutgoingMail.id.not_in(before), OutgoingMail.name == "billing.trial-ends"
        )
        assert list(tx.scalars(mails)) == [world.people["leader"].id]
