"""Buying, changing and ending: what is asked of Stripe, and what is noted of it here."""

from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from backoffice import clock
from backoffice.access.lookup import NotFound
from backoffice.access.transaction import transaction
from backoffice.accounts.services import proof
from backoffice.accounts.services.proof import ProofNeeded
from backoffice.audit.models import AuditEntry
from backoffice.problems import Rejected
from backoffice.schools.models import Membership, Role
from plugins.billing import asking, services
from plugins.billing.models import Customer, Invoice, Status
from tests.factories import world as factory
from tests.factories.visitor import form_token, signed_in
from tests.factories.world import SYSTEM, World
from tests.plugins.billing.conftest import GOOD, Told, bought, held_by
from tests.stripe_stand_in.conftest import visit
from tests.stripe_stand_in.running import StandIn

BACK = "http://localhost/console/billing/x"


def verbs(school: int) -> list[str]:
    with transaction(SYSTEM) as tx:
        mine = select(AuditEntry.verb).where(
            AuditEntry.school_id == school, AuditEntry.verb.like("billing.%")
        )
        return list(tx.scalars(mine.order_by(AuditEntry.id)))


def test_a_customer_is_made_once_though_the_answer_was_lost(world: World, stand_in: StandIn) -> None:
    """The same key, so that Stripe answers with the one that it made."""
    stand_in.control.fail("/v1/customers", status=500, after=True)

    def buy() -> str:
        return services.checkout(
            principal=world.sign_in("leader"),
            payer=world.elsewhere.public_id,
            price="school_seat_yearly",
            seats=12,
            back=BACK,
        )

    with pytest.raises(Rejected) as refused:
        buy()
    assert refused.value.in_words == services.UNREACHABLE
    assert buy().startswith(stand_in.address)
    with transaction(SYSTEM) as tx:
        mine = tx.scalars(select(Customer).where(Customer.school_id == world.elsewhere.id)).one()
    named = [
        each
        for each in stand_in.control.objects()["customer"]
        if each["metadata"].get("payer") == mine.public_id
    ]
    assert [each["id"] for each in named] == [mine.stripe_id]
    assert verbs(world.elsewhere.id)[-2:] == ["billing.buy", "billing.buy"]


def test_stripe_is_told_no_more_than_it_needs(world: World, stand_in: StandIn) -> None:
    services.checkout(
        principal=world.sign_in("leader"),
        payer=world.elsewhere.public_id,
        price="school_seat_yearly",
        seats=12,
        back=BACK,
    )
    asked = repr([each["fields"] for each in stand_in.control.requests()])
    people = [person.name for person in world.people.values()] + [
        person.email for person in world.people.values()
    ]
    assert [each for each in people if each in asked] == []


def test_codes_and_tax_numbers_are_taken_at_stripe_and_a_trial_once(
    world: World, told: Told, stand_in: StandIn
) -> None:
    bought(world, world.elsewhere)
    told.all_and_taken_in()
    first, held = _session(stand_in), held_by(world.elsewhere)
    assert (first["allow_promotion_codes"], first["tax_id_collection"]) == ("true", {"enabled": "true"})
    assert first["subscription_data"]["trial_period_days"] == "30"
    assert held is not None
    asking.current().client.v1.subscriptions.cancel(held.stripe_id)
    told.all_and_taken_in()
    stand_in.control.forget()
    bought(world, world.elsewhere)
    told.all_and_taken_in()
    assert "trial_period_days" not in _session(stand_in)["subscription_data"]
    again = held_by(world.elsewhere)
    assert again is not None
    assert again.status == Status.ACTIVE


def _session(stand_in: StandIn) -> Any:
    """What was asked for on the page on which Stripe takes the card."""
    (found,) = (
        each["fields"]
        for each in stand_in.control.requests()
        if (each["method"], each["path"]) == ("POST", "/v1/checkout/sessions")
    )
    return found


def test_a_teacher_who_signed_up_alone_subscribes(app: Flask, world: World, told: Told) -> None:
    alone = world.people.get("alone") or factory._person("alone", "Wanda Waverly")
    world.people["alone"] = alone
    with transaction(SYSTEM) as tx:
        own = factory.add_school(tx, "Waverly Window School", None)
        place = {"account_id": alone.id, "school_id": own.id, "role": Role.TEACHER}
        factory._row(tx, Membership, created_at=clock.now(), **place)
        factory.make_personal(tx, own.id, alone)
    here = f"/console/billing/{own.public_id}"
    browser = signed_in(app, world, "alone")
    page = browser.get(here).text
    assert f"{here}/buy?price=teacher_yearly" in page
    assert [each for each in ("school_seat_yearly", "Quotes and orders") if each in page] == []
    there = services.checkout(
        principal=world.sign_in("alone"), payer=own.public_id, price="teacher_yearly", seats=1, back=BACK
    )
    assert visit(there, card_number=GOOD).status == 303
    told.all_and_taken_in()
    held = held_by(own)
    assert held is not None
    assert (held.plan, held.status, held.seats) == ("teacher", Status.TRIALING, 1)
    # Who it is at Stripe is not said by the name of a person.
    assert [each["name"] for each in told.stand_in.control.objects()["customer"]][-1] is None
    page = browser.get(here).text
    assert "Being tried out" in page
    assert "Change the number of teachers" not in page


@pytest.mark.parametrize("price", ["teacher_yearly", "district_seat_yearly", "no_such", ""])
def test_only_what_fits_the_school_is_sold(world: World, stand_in: StandIn, price: str) -> None:
    with pytest.raises(Rejected):
        services.checkout(
            principal=world.sign_in("leader"),
            payer=world.elsewhere.public_id,
            price=price,
            seats=12,
            back=BACK,
        )
    assert stand_in.control.requests() == []


@pytest.mark.parametrize("seats", [0, 4, -1, 10_001])
def test_neither_too_few_nor_too_many_seats(world: World, stand_in: StandIn, seats: int) -> None:
    with pytest.raises(Rejected) as refused:
        services.checkout(
            principal=world.sign_in("leader"),
            payer=world.elsewhere.public_id,
            price="school_seat_yearly",
            seats=seats,
            back=BACK,
        )
    assert "5 to 10,000" in refused.value.in_words
    assert stand_in.control.requests() == []


def test_seats_change_for_what_was_shown(world: World, told: Told, stand_in: StandIn) -> None:
    bought(world, world.elsewhere, seats=12)
    told.all_and_taken_in()
    leader, school = world.sign_in("leader"), world.elsewhere.public_id
    preview = services.preview_seats(principal=leader, payer=school, seats=20)
    before = held_by(world.elsewhere)
    assert before is not None
    # The new number is paid for when the period of now is over, and not a period later.
    assert preview.from_then == before.period_until
    assert preview.later == 20 * 6000
    with pytest.raises(Rejected) as refused:
        services.change_seats(principal=leader, payer=school, seats=20, seen="20:0:1")
    assert refused.value.in_words == services.CHANGED
    services.change_seats(principal=leader, payer=school, seats=20, seen=preview.seen)
    told.all_and_taken_in()
    held = held_by(world.elsewhere)
    assert held is not None
    assert held.seats == 20
    assert verbs(world.elsewhere.id)[-1] == "billing.change-seats"


def test_what_is_left_of_the_period_is_charged_now_or_credited(world: World, told: Told) -> None:
    bought(world, world.elsewhere, seats=12)
    told.all_and_taken_in()
    held = held_by(world.elsewhere)
    assert held is not None
    leader, school = world.sign_in("leader"), world.elsewhere.public_id
    assert services.preview_seats(principal=leader, payer=school, seats=20).now == 0
    asking.current().client.v1.subscriptions.update(held.stripe_id, {"trial_end": "now"})
    told.all_and_taken_in()
    # A year has just begun, of which some seconds are over.
    assert services.preview_seats(principal=leader, payer=school, seats=20).now == pytest.approx(
        8 * 6000, abs=10
    )
    assert services.preview_seats(principal=leader, payer=school, seats=5).now == pytest.approx(
        -7 * 6000, abs=10
    )


def test_it_ends_when_what_is_paid_for_is_over_and_can_go_on(world: World, told: Told) -> None:
    bought(world, world.elsewhere)
    told.all_and_taken_in()
    leader, school = world.sign_in("leader"), world.elsewhere.public_id
    services.end(principal=leader, payer=school)
    told.all_and_taken_in()
    held = held_by(world.elsewhere)
    assert held is not None
    assert held.ends_at is not None
    services.go_on(principal=leader, payer=school)
    told.all_and_taken_in()
    held = held_by(world.elsewhere)
    assert held is not None
    assert held.ends_at is None
    # Somebody at the company gave it a day at Stripe.
    day = int(clock.now().timestamp()) + 40 * 86_400
    asking.current().client.v1.subscriptions.update(held.stripe_id, {"cancel_at": day})
    told.all_and_taken_in()
    held = held_by(world.elsewhere)
    assert held is not None
    assert held.ends_at is not None
    assert int(held.ends_at.timestamp()) == day
    services.go_on(principal=leader, payer=school)
    told.all_and_taken_in()
    held = held_by(world.elsewhere)
    assert held is not None
    assert held.ends_at is None


def test_another_schools_is_not_there(world: World, told: Told) -> None:
    """By every verb, with every identifier."""
    leader, outside = world.sign_in("leader"), world.outside.public_id
    tries = (
        lambda: services.checkout(
            principal=leader, payer=outside, price="school_seat_yearly", seats=9, back=BACK
        ),
        lambda: services.portal(principal=leader, payer=outside, back=BACK),
        lambda: services.preview_seats(principal=leader, payer=outside, seats=9),
        lambda: services.change_seats(principal=leader, payer=outside, seats=9, seen=""),
        lambda: services.end(principal=leader, payer=outside),
        lambda: services.go_on(principal=leader, payer=outside),
        lambda: services.look_again(principal=leader, payer=outside),
    )
    for each in tries:
        with pytest.raises(NotFound):
            each()
    with transaction(SYSTEM) as tx:
        theirs = tx.scalars(
            select(Invoice.public_id)
            .join(Customer, Customer.id == Invoice.customer_id)
            .where(Customer.school_id == world.outside.id)
            .limit(1)
        ).one()
    with pytest.raises(NotFound):
        services.invoice_address(principal=leader, invoice=theirs)


def test_an_invoice_is_shown_by_stripe(app: Flask, world: World, told: Told, stand_in: StandIn) -> None:
    bought(world, world.elsewhere)
    told.all_and_taken_in()
    held = held_by(world.elsewhere)
    assert held is not None
    with transaction(SYSTEM) as tx:
        mine = select(Invoice.public_id).where(Invoice.customer_id == held.customer_id)
        invoice = tx.scalars(mine.limit(1)).one()
    page = f"/console/billing/invoices/{invoice}"
    assert signed_in(app, world, "leader").get(page).headers["Location"].startswith(stand_in.address)


def test_the_way_to_stripe_is_a_page_that_says_so(app: Flask, world: World, stand_in: StandIn) -> None:
    """Not an answer that leads there by itself: a browser that keeps to `form-action` would not follow."""
    leader = signed_in(app, world, "leader")
    path = f"/console/billing/{world.elsewhere.public_id}/buy?price=school_seat_yearly"
    page = leader.get(path).text
    assert "$60 per teacher a year" in page
    fields = {"csrf_token": form_token(page), "price": "school_seat_yearly", "seats": "12"}
    answer = leader.post(path, data=fields)
    assert answer.status_code == 200
    assert f'href="{stand_in.address}' in answer.text


def test_what_costs_money_wants_a_proof(world: World, told: Told, monkeypatch: pytest.MonkeyPatch) -> None:
    bought(world, world.elsewhere)
    told.all_and_taken_in()
    monkeypatch.setattr(proof, "demand", _not_proved)
    leader, school = world.sign_in("leader"), world.elsewhere.public_id
    for each in (
        lambda: services.portal(principal=leader, payer=school, back=BACK),
        lambda: services.change_seats(principal=leader, payer=school, seats=20, seen=""),
        lambda: services.end(principal=leader, payer=school),
        lambda: services.go_on(principal=leader, payer=school),
    ):
        with pytest.raises(ProofNeeded):
            each()


def _not_proved(_tx: object) -> None:
    raise ProofNeeded
