"""Every address of payments, tried by everybody who could knock. A new one fails until it is said who may."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import ColumnElement, select, update
from werkzeug.routing import Rule

from backoffice import clock
from backoffice.access.principal import Nobody
from backoffice.access.transaction import transaction
from backoffice.schools.models import Membership, Role, School
from backoffice.students import tokens
from backoffice.web import cookies
from plugins.billing.asking import Stripe
from plugins.billing.exemption.models import TaxCertificate
from plugins.billing.models import Customer, Drift, Invoice, StripeEvent, Subscription
from plugins.billing.orders.models import PurchaseOrder, Quote
from tests.factories import world as factory
from tests.factories.visitor import form_token
from tests.factories.world import SYSTEM, World

PAGES = "plugin_billing_billing"
# Of a school or district, by the address of its page.
OF_A_PAYER = frozenset({"school", "bought", "buy", "seats", "confirm", "act"})
# Of one that can buy without a card, as a teacher who signed up alone cannot.
WITHOUT_A_CARD = frozenset({"quotes", "exemption"})
# Of something that one pays or has handed in.
OF_A_THING = frozenset({"invoice", "paid", "quote", "order", "order_again", "order_file", "certificate_file"})
# For whoever manages any subscription.
OF_ALL = frozenset({"index"})
GRID = frozenset({"index", "export"})
# Of the company as a whole, for founders.
WATCHED: Mapping[str, frozenset[str]] = {
    "plugin_billing_payments": frozenset({"index"}),
    "plugin_billing_subscriptions": GRID,
    "plugin_billing_purchase-orders": GRID,
    "plugin_billing_stripe-messages": GRID | {"act"},
}
# What every list has an address for, and these lists do not open: nothing in them is looked for by name.
CLOSED = frozenset({"act", "export_found", "narrow", "search"})
# What a list is asked to do; no other form needs anything to be refused, or answered.
ASKED = {"action": "replay"}
# For whoever can sign as Stripe, whoever else is signed in.
SIGNED = "billing_webhooks.stripe"

# Whose subscription it is, and who manages it.
PLACES: Mapping[str, frozenset[str]] = {
    "home": frozenset({"leader", "home_leader"}),
    "district": frozenset({"leader"}),
    "outside": frozenset({"outside_leader"}),
    "alone": frozenset({"alone"}),
}
MANAGE = frozenset().union(*PLACES.values())
ACTORS = (
    *("founder", "leader", "home_leader", "outside_leader", "officer", "alone", "teacher", "colleague"),
    *("co_teacher", "helper", "parent", "foreign_parent", "outsider", "student", "nobody"),
)
MODELS: Mapping[str, Any] = {
    "invoice": Invoice,
    "quote": Quote,
    "purchase_order": PurchaseOrder,
    "tax_certificate": TaxCertificate,
}
_VARIABLE = re.compile(r"<(\w+):public_id>")


@dataclass(frozen=True)
class Door:
    """An address that is tried, and how: of which place, and whether a form is sent."""

    endpoint: str
    place: str
    method: str
    path: str

    @property
    def may(self) -> frozenset[str]:
        """Who may open it."""
        view, _, name = self.endpoint.partition(".")
        if view in WATCHED:
            return frozenset({"founder"}) if name in WATCHED[view] else frozenset()
        if name in OF_ALL:
            return MANAGE
        if name in WITHOUT_A_CARD and self.place == "alone":
            return frozenset()
        return PLACES[self.place]


@pytest.fixture(scope="module")
def payers(world: World) -> Mapping[str, Mapping[str, list[str]]]:
    """Four that pay: identifiers of each and of all that it has, by the converter that takes them."""
    for role, name in (("home_leader", "Hetty Homeleader"), ("outside_leader", "Odo Outsideleader")):
        world.people[role] = factory._person(role, name)
    alone = world.people["alone"] = factory._person("alone", "Wanda Waverly")
    with transaction(SYSTEM) as tx:
        own = factory.add_school(tx, "Waverly Window School", None)
        for role, school, held in (
            ("home_leader", world.home, Role.LEADER),
            ("outside_leader", world.outside, Role.LEADER),
            ("alone", own, Role.TEACHER),
        ):
            place = {"account_id": world.people[role].id, "school_id": school.id}
            factory._row(tx, Membership, role=held, created_at=clock.now(), **place)
        factory.make_personal(tx, own.id, alone)
        factory.pays(tx, alone, own)
        factory.pays(tx, world.people["leader"], world.elsewhere)
        as_one = update(Customer).where(Customer.school_id == world.elsewhere.id)
        tx.execute(as_one.values(school_id=None, district_id=world.district_id))
    return {
        "home": _of(world.home),
        "district": _things(Customer.district_id == world.district_id) | {"district": [world.district]},
        "outside": _of(world.outside),
        "alone": _of(own),
    }


def _of(school: School) -> dict[str, list[str]]:
    return _things(Customer.school_id == school.id) | {"school": [school.public_id]}


def _things(mine: ColumnElement[bool]) -> dict[str, list[str]]:
    with transaction(SYSTEM) as tx:
        return {
            kind: list(
                tx.scalars(
                    select(model.public_id).join(Customer, Customer.id == model.customer_id).where(mine)
                )
            )
            for kind, model in MODELS.items()
        }


def _rules(app: Flask) -> list[Rule]:
    return [rule for rule in app.url_map.iter_rules() if "billing" in rule.endpoint.partition(".")[0]]


def _doors(app: Flask, payers: Mapping[str, Mapping[str, list[str]]]) -> Iterator[Door]:
    for rule in _rules(app):
        if rule.endpoint == SIGNED:
            continue
        wanted = _VARIABLE.search(rule.rule)
        for method in sorted((rule.methods or set()) & {"GET", "POST"}):
            if wanted is None:
                yield Door(rule.endpoint, "", method, rule.rule)
                continue
            for place, things in payers.items():
                for each in things.get(wanted[1], ()):
                    yield Door(rule.endpoint, place, method, rule.rule.replace(wanted[0], each))


def _browser(app: Flask, world: World, actor: str) -> FlaskClient:
    browser = app.test_client()
    if actor == "student":
        begun = world.student_session(world.own_class, world.own_class.children[0])
        token = tokens.issue(begun.token_id, idle=begun.idle, ends_at=begun.ends_at)
        browser.set_cookie(cookies.STUDENT, token)
        assert browser.get("/student").status_code == 200
    elif actor != "nobody":
        browser.set_cookie("account", world.token(actor))
        assert browser.get("/account").status_code == 200
    return browser


def _is_open(browser: FlaskClient, door: Door, token: str) -> bool:
    sent = {"csrf_token": token, **ASKED} if door.method == "POST" else None
    answer = browser.open(door.path, method=door.method, data=sent)
    if answer.status_code == 404:
        return False
    # Nobody who is signed in is asked to sign in.
    shown_out = answer.headers.get("Location", "").startswith("/sign-in")
    assert answer.status_code < 500, door
    assert shown_out or answer.status_code != 400, door
    return not shown_out


def test_of_every_address_it_is_said_who_may(app: Flask) -> None:
    said = {f"{PAGES}.{name}" for name in OF_A_PAYER | WITHOUT_A_CARD | OF_A_THING | OF_ALL}
    for view, names in WATCHED.items():
        said |= {f"{view}.{name}" for name in (names if names == {"index"} else names | CLOSED)}
    assert {rule.endpoint for rule in _rules(app)} == said | {SIGNED}


@pytest.mark.parametrize("actor", ACTORS)
def test_nobody_opens_more_than_is_said(
    app: Flask, world: World, payers: Mapping[str, Mapping[str, list[str]]], nowhere: Stripe, actor: str
) -> None:
    del nowhere
    doors = list(_doors(app, payers))
    # Of each place there is something behind every address that has an identifier.
    assert {door.place for door in doors if "certificate_file" in door.endpoint} == set(PLACES)
    browser = _browser(app, world, actor)
    page = "/sign-in" if actor in {"student", "nobody"} else "/account"
    token = form_token(browser.get(page).text)
    opened = {door for door in doors if _is_open(browser, door, token)}
    assert opened == {door for door in doors if actor in door.may}


@pytest.mark.parametrize("actor", ["nobody", "student", "parent", "teacher", "leader", "founder"])
def test_whoever_cannot_sign_as_stripe_tells_nothing(
    app: Flask, world: World, nowhere: Stripe, actor: str
) -> None:
    del nowhere
    with transaction(SYSTEM) as tx:
        before = len(tx.scalars(select(StripeEvent.id)).all())
    browser = _browser(app, world, actor)
    told = {"id": "evt_forged", "object": "event", "type": "invoice.paid", "livemode": False}
    for signed in ({}, {"Stripe-Signature": "t=1,v1=00"}):
        assert browser.post("/webhooks/stripe", json=told, headers=signed).status_code == 400
    with transaction(SYSTEM) as tx:
        assert len(tx.scalars(select(StripeEvent.id)).all()) == before


@pytest.mark.parametrize(
    "model", [Customer, Subscription, Invoice, Quote, PurchaseOrder, TaxCertificate, StripeEvent, Drift]
)
def test_the_database_shows_it_to_no_child_and_to_nobody(
    world: World, payers: Mapping[str, Mapping[str, list[str]]], model: type
) -> None:
    """With the policy forgotten: row-level security alone."""
    del payers
    child = world.student(world.own_class, world.own_class.children[0])
    for who in (child, Nobody("198.51.100.7")):
        with transaction(who) as tx:
            assert tx.scalars(select(model)).all() == []


@pytest.mark.parametrize("model", [Customer, Invoice, Quote, PurchaseOrder, TaxCertificate])
@pytest.mark.parametrize("actor", ["home_leader", "outside_leader", "alone"])
def test_the_database_shows_a_leader_of_one_school_that_school_alone(
    world: World, payers: Mapping[str, Mapping[str, list[str]]], model: type, actor: str
) -> None:
    (place,) = (name for name, managers in PLACES.items() if actor in managers)
    with transaction(world.sign_in(actor)) as tx:
        seen: Sequence[Any] = tx.scalars(select(model)).all()
        if model is Customer:
            assert [each.school_id is not None for each in seen] == [True]
        else:
            kind = model.__tablename__  # type: ignore[attr-defined]
            assert {each.public_id for each in seen} == set(payers[place][kind])
            assert seen
