"""A Stripe that cannot be reached, one that is a stand-in, and what is kept, put back afterwards."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
import stripe
from flask import Flask
from sqlalchemy import delete, insert, select
from stripe import StripeClient, WebhookSignature

from backoffice import clock
from backoffice.access.principal import Purpose
from backoffice.access.transaction import transaction
from backoffice.runtime import Runtime
from backoffice.schools.models import School
from plugins.billing import asking, services, taking
from plugins.billing.asking import Stripe
from plugins.billing.models import BillingBase, Customer, Subscription
from plugins.billing.taking import Taken
from tests.factories.world import SYSTEM, World
from tests.stripe_stand_in.conftest import visit
from tests.stripe_stand_in.running import StandIn, running

SECRET = "whsec_of_the_tests"
WORKER = Purpose("billing.take-in")
GOOD, FAILS_LATER = "4242424242424242", "4000000000000341"


@pytest.fixture
def nowhere(runtime: Runtime) -> Iterator[Stripe]:
    """The process is connected to a Stripe that never answers."""
    client = StripeClient(
        "sk_test_nowhere",
        base_addresses={"api": "http://127.0.0.1:9"},
        http_client=stripe.RequestsClient(timeout=1),
        max_network_retries=0,
    )
    made = Stripe(client, SECRET)
    before = asking.use(made)
    yield made
    asking.use(before)


@pytest.fixture(scope="module")
def stripe_process() -> Iterator[StandIn]:
    """A stand-in for Stripe, in a process of its own, that tells nobody by itself."""
    with running(retry_seconds=0.05) as found:
        yield found


@pytest.fixture
def put_back(runtime: Runtime) -> Iterator[None]:
    """What billing keeps is afterwards as it was before."""
    tables = list(BillingBase.metadata.sorted_tables)
    with transaction(SYSTEM) as tx:
        kept = {table: [dict(row) for row in tx.execute(select(table)).mappings()] for table in tables}
    yield
    with transaction(SYSTEM) as tx:
        for table in reversed(tables):
            tx.execute(delete(table))
        for table in tables:
            if kept[table]:
                tx.execute(insert(table), kept[table])


@pytest.fixture
def stand_in(stripe_process: StandIn, put_back: None) -> Iterator[StandIn]:
    """The process is connected to the stand-in, which has its prices and nothing else that is asked of it."""
    stripe_process.control.mend()
    stripe_process.control.seed()
    stripe_process.control.forget()
    client = stripe_process.client(http_client=stripe.RequestsClient(timeout=3), max_network_retries=0)
    before = asking.use(Stripe(client, stripe_process.secret))
    yield stripe_process
    asking.use(before)


@dataclass
class Told:
    """What Stripe has to tell, told when a test wants it."""

    app: Flask
    stand_in: StandIn
    known: set[str] = field(default_factory=set)

    def new(self) -> list[dict[str, Any]]:
        """What has happened since this was last asked, the oldest first."""
        found = [each for each in self.stand_in.control.events() if each["id"] not in self.known]
        self.known |= {each["id"] for each in found}
        return found

    def tell(self, events: Sequence[Mapping[str, Any]]) -> None:
        """Send these to where Stripe sends them."""
        for each in events:
            body = json.dumps(each)
            header = WebhookSignature.generate_signature_header(
                body, self.stand_in.secret, int(clock.now().timestamp())
            )
            answer = self.app.test_client().post(
                "/webhooks/stripe",
                data=body,
                headers={"Stripe-Signature": header},
                content_type="application/json",
            )
            assert answer.status_code == 200

    def all_and_taken_in(self) -> Taken:
        """Tell whatever is new, and have it taken in."""
        self.tell(self.new())
        return taking.take_in(WORKER, asking.current().client)


@pytest.fixture
def told(app: Flask, stand_in: StandIn) -> Told:
    """With nothing to tell yet."""
    made = Told(app, stand_in)
    made.new()
    return made


def bought(
    world: World, school: School, *, price: str = "school_seat_yearly", seats: int = 12, card: str = GOOD
) -> None:
    """A leader subscribes, and pays at Stripe."""
    there = services.checkout(
        principal=world.sign_in("leader"),
        payer=school.public_id,
        price=price,
        seats=seats,
        back=f"http://localhost/console/billing/{school.public_id}",
    )
    assert visit(there, card_number=card).status == 303


def held_by(school: School) -> Subscription | None:
    """What is here of a school's subscription."""
    with transaction(SYSTEM) as tx:
        mine = select(Subscription).join(Customer, Customer.id == Subscription.customer_id)
        newest = mine.where(Customer.school_id == school.id).order_by(Subscription.id.desc())
        return tx.scalars(newest.limit(1)).one_or_none()
