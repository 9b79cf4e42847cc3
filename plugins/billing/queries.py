"""What is paid for, by whom, and what Stripe has told."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import Row, any_, func, select

from backoffice.access.lookup import rows_of
from backoffice.access.policy import visible
from backoffice.access.transaction import Transaction
from backoffice.entitlements import Entitlement
from backoffice.schools.models import District, School
from backoffice.storage.numbers import one_of
from plugins.billing.models import OVER, Customer, Invoice, Subscription
from plugins.billing.payers import Payer, led_districts, pays_as
from plugins.billing.permissions import BILLING_MANAGE, BILLING_READ

SHOWN = 50


def standing_of(tx: Transaction, school_id: int) -> Sequence[Row[Any]]:
    """What a school and its district have subscribed to that is not over; for everybody who works there."""
    rows = func.plugin_billing.standing(school_id).table_valued(
        "of_district", "plan", "status", "seats", "owed_since", "elsewhere"
    )
    return tx.rows(select(rows))


def used_by_district(tx: Transaction, district_id: int) -> Mapping[Entitlement, int]:
    """How many of each the schools of a district have, each person once; nothing of one that others lead."""
    rows = func.plugin_billing.used_by_district(district_id).table_valued("seats", "classes", "students")
    row = tx.execute(select(rows)).first()
    if row is None:
        return {}
    return {
        Entitlement.SEATS: row.seats,
        Entitlement.CLASSES: row.classes,
        Entitlement.STUDENTS: row.students,
    }


def managed(tx: Transaction, school_id: int) -> str | None:
    """The public identifier of a school for which the principal manages a subscription."""
    mine = visible(tx.principal, select(School), BILLING_MANAGE).where(School.id == school_id)
    return tx.scalar(mine.with_only_columns(School.public_id))


def customer_of(tx: Transaction, payer: Payer) -> Customer | None:
    """As whom a school or district pays, if it has begun to."""
    mine = rows_of(tx.principal, Customer, BILLING_READ).where(pays_as(payer))
    return tx.scalars(mine).one_or_none()


def payers_of(tx: Transaction, customers: Collection[int]) -> dict[int, Payer]:
    """Who pays as each of these customers, as far as the principal may see it; three statements."""
    known = tx.scalars(rows_of(tx.principal, Customer, BILLING_READ).where(one_of(Customer.id, customers)))
    places = {each.id: (each.school_id, each.district_id) for each in known}
    schools = visible(tx.principal, select(School), BILLING_READ)
    schools = schools.where(one_of(School.id, [school for school, _ in places.values() if school]))
    districts = select(District).where(
        District.id == any_(led_districts()),
        one_of(District.id, [district for _, district in places.values() if district]),
    )
    of_school: dict[int | None, School] = {each.id: each for each in tx.scalars(schools)}
    of_district: dict[int | None, District] = {each.id: each for each in tx.scalars(districts)}
    found = {
        customer: of_school.get(school) or of_district.get(district)
        for customer, (school, district) in places.items()
    }
    return {customer: payer for customer, payer in found.items() if payer is not None}


def subscription_of(tx: Transaction, customer: Customer) -> Subscription | None:
    """The subscription of a customer that is not over, the newest if there are several; else the last one."""
    mine = rows_of(tx.principal, Subscription, BILLING_READ).where(Subscription.customer_id == customer.id)
    newest = mine.order_by(
        Subscription.status.in_(OVER), Subscription.begun_at.desc(), Subscription.id.desc()
    )
    return tx.scalars(newest.limit(1)).one_or_none()


def had_one(tx: Transaction, customer: Customer) -> bool:
    """Whether the customer has ever had a subscription: who has tried it out once does not do so again."""
    mine = rows_of(tx.principal, Subscription, BILLING_READ).where(Subscription.customer_id == customer.id)
    return tx.scalars(mine.limit(1)).first() is not None


def invoices_of(tx: Transaction, customer: Customer) -> Sequence[Invoice]:
    """The invoices of a customer, the newest first."""
    mine = rows_of(tx.principal, Invoice, BILLING_READ).where(Invoice.customer_id == customer.id)
    return tx.scalars(mine.order_by(Invoice.made_at.desc(), Invoice.id.desc()).limit(SHOWN)).all()
