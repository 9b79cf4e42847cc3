"""What tests of buying without a card begin with: a Stripe of their own, a school and its leader."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from sqlalchemy import delete, select

from backoffice.access.principal import Principal, Purpose
from backoffice.access.transaction import transaction
from backoffice.audit.models import AuditEntry
from backoffice.runtime import Runtime
from plugins.billing import asking
from plugins.billing.asking import Stripe
from plugins.billing.models import Customer, Invoice, Subscription
from plugins.billing.orders.models import PurchaseOrder
from plugins.billing.orders.placing import Placed, place_orders
from plugins.billing.orders.services import Ordered, order, quote
from tests.factories.world import World
from tests.stripe_stand_in.running import StandIn, running

WHO = Purpose("test-billing")
PDF = b"%PDF-1.7\nsigned by Ottilie Orderly\n%%EOF\n"
PRICE = "school_seat_yearly"
NUMBER = "PO-4711"


@dataclass(frozen=True)
class Buying:
    """A school without a subscription, whoever leads it, and the Stripe of the test."""

    world: World
    stand_in: StandIn
    stripe: Stripe

    @property
    def school(self) -> str:
        return self.world.elsewhere.public_id

    @property
    def leader(self) -> Principal:
        return self.world.sign_in("leader")

    def quoted(self, seats: int = 12) -> str:
        return quote(principal=self.leader, payer=self.school, price=PRICE, seats=seats)

    def ordered(self, quoted: str | None = None) -> str:
        what = Ordered(NUMBER, "office@school.example", PDF)
        return order(principal=self.leader, quote=quoted or self.quoted(), ordered=what)

    def place(self) -> Placed:
        return place_orders(WHO, self.stripe.client)

    def there(self, kind: str) -> list[dict[str, Any]]:
        """What Stripe has of a kind."""
        return self.stand_in.control.objects().get(kind, [])

    def rows(self, entity: type[Any]) -> list[Any]:
        """What is here of a kind, of the school."""
        with transaction(WHO) as tx:
            mine = select(Customer.id).where(Customer.school_id == self.world.elsewhere.id)
            found = select(entity).where(entity.customer_id.in_(mine)).order_by(entity.id)
            rows = list(tx.scalars(found))
            for each in rows:
                tx.refresh(each)
                tx.expunge(each)
            return rows

    def order_row(self) -> PurchaseOrder:
        (row,) = self.rows(PurchaseOrder)
        return row  # type: ignore[no-any-return]

    def invoice(self) -> Invoice:
        (row,) = self.rows(Invoice)
        return row  # type: ignore[no-any-return]

    def subscription(self) -> Subscription:
        (row,) = self.rows(Subscription)
        return row  # type: ignore[no-any-return]

    def verbs(self) -> list[str]:
        """What the trail says was done about the school's payments, in order."""
        with transaction(WHO) as tx:
            return list(
                tx.scalars(
                    select(AuditEntry.verb).where(AuditEntry.verb.like("billing.%")).order_by(AuditEntry.id)
                )
            )


@pytest.fixture(scope="module")
def stand_in() -> Iterator[StandIn]:
    with running() as found:
        yield found


@pytest.fixture
def buying(runtime: Runtime, world: World, stand_in: StandIn) -> Iterator[Buying]:
    del runtime
    stand_in.control.mend()
    stand_in.control.seed()
    made = Stripe(stand_in.client(max_network_retries=0), stand_in.secret)
    before = asking.use(made)
    yield Buying(world, stand_in, made)
    asking.use(before)
    with transaction(WHO) as tx:
        tx.execute(delete(Customer).where(Customer.school_id == world.elsewhere.id))
