"""Without a key of Stripe's everything else works, nothing is limited, and the page says how to connect."""

import pytest
from flask import Flask

from backoffice import entitlements
from backoffice.access.transaction import transaction
from backoffice.entitlements import Entitlement
from plugins.billing import asking
from plugins.billing.asking import NotConnected, Stripe
from tests.factories.visitor import signed_in
from tests.factories.world import World


def test_the_page_says_so(app: Flask, world: World) -> None:
    page = signed_in(app, world, "leader").get(f"/console/billing/{world.home.public_id}").text
    assert "BACKOFFICE_STRIPE_API_KEY" in page
    assert "nothing is limited" in page
    with pytest.raises(NotConnected):
        asking.current()


def test_nothing_is_limited(app: Flask, world: World) -> None:
    with transaction(world.sign_in("teacher")) as tx:
        assert entitlements.limit_of(tx, world.home.id, Entitlement.CLASSES) is None


def test_stripes_messages_lead_nowhere(app: Flask) -> None:
    assert app.test_client().post("/webhooks/stripe", json={}).status_code == 404


def test_what_was_paid_is_shown_all_the_same(app: Flask, world: World) -> None:
    page = signed_in(app, world, "leader").get(f"/console/billing/{world.home.public_id}").text
    assert "$720" in page
    assert "Active" in page


def test_when_stripe_cannot_be_reached_the_page_still_comes(
    app: Flask, world: World, nowhere: Stripe
) -> None:
    del nowhere
    leader = signed_in(app, world, "leader")
    assert leader.get(f"/console/billing/{world.home.public_id}").status_code == 200
    page = leader.get(f"/console/billing/{world.elsewhere.public_id}").text
    assert "Stripe cannot be reached just now" in page


def test_a_school_has_what_its_plan_holds(app: Flask, world: World, nowhere: Stripe) -> None:
    """A teacher asks about the school of the class, without seeing what is paid."""
    del nowhere
    with transaction(world.sign_in("teacher")) as tx:
        assert entitlements.limit_of(tx, world.home.id, Entitlement.SEATS) == 12
        assert entitlements.limit_of(tx, world.home.id, Entitlement.CLASSES) is None
    with transaction(world.sign_in("elsewhere")) as tx:
        assert entitlements.limit_of(tx, world.elsewhere.id, Entitlement.CLASSES) == 3
