"""Who pays: a school for itself, or a district for all of its schools at once.

Whoever leads one school of a district does not speak for the district: its membership has to be the
district's own. The database decides that, here and for each row.
"""

from collections.abc import Sequence
from typing import Any, assert_never

from sqlalchemy import ColumnElement, any_, func, select

from backoffice.access.lookup import NotFound, find
from backoffice.access.permissions import Permission
from backoffice.access.policy import visible
from backoffice.access.transaction import Transaction
from backoffice.audit.trail import record, record_each
from backoffice.schools.models import District, School, SchoolKind
from plugins.billing.models import Customer
from plugins.billing.permissions import BILLING_MANAGE, BILLING_READ

Payer = School | District

HERE = "/console/billing/"
DISTRICTS = "districts/"


def payer_named(tx: Transaction, public_id: str, permission: Permission = BILLING_MANAGE) -> Payer:
    """A school for which the principal has the permission, or a district that it leads. Raises `NotFound`."""
    try:
        return find(tx, School, public_id, permission=permission)
    except NotFound:
        found: Payer | None = tx.scalars(_led().where(District.public_id == public_id)).one_or_none()
        if found is None:
            raise
        return found


def without_card(tx: Transaction, public_id: str) -> Payer:
    """Such a one that can buy without a card, as a teacher's own school cannot. Raises `NotFound`."""
    found = payer_named(tx, public_id)
    if is_personal(found):
        raise NotFound
    return found


def payer_behind(tx: Transaction, customer_id: int) -> Payer:
    """Who pays as a customer, of whom the principal has found something. Raises `NotFound`."""
    customer = tx.get(Customer, customer_id)
    if customer is None:
        raise NotFound
    return payer_of(tx, customer)


def payer_of(tx: Transaction, customer: Customer) -> Payer:
    """Who pays as this customer. Raises `NotFound` where it is not to be seen."""
    found: Payer | None = (
        tx.get(School, customer.school_id) if customer.school_id else tx.get(District, customer.district_id)
    )
    if found is None:
        raise NotFound
    return found


def payers(tx: Transaction, *, most: int) -> Sequence[Payer]:
    """Districts and schools for which the principal manages a subscription, districts first."""
    districts = tx.scalars(_led().order_by(District.id).limit(most)).all()
    mine = visible(tx.principal, select(School), BILLING_READ).order_by(School.id).limit(most)
    return [*districts, *tx.scalars(mine)]


def _led() -> Any:
    """Districts that the principal leads as a whole."""
    return select(District).where(District.id == any_(led_districts()))


def led_districts() -> Any:
    """The numbers of the districts for which the principal manages a subscription."""
    return func.plugin_billing.paid_for_districts()


def is_personal(payer: Payer) -> bool:
    """Whether it is the school of a teacher who signed up alone."""
    return isinstance(payer, School) and payer.kind == SchoolKind.PERSONAL


def pays_as(payer: Payer) -> ColumnElement[bool]:
    """Of customers: whether it is this one."""
    match payer:
        case School():
            return Customer.school_id == payer.id
        case District():
            return Customer.district_id == payer.id
        case _:
            assert_never(payer)


def way_to(payer: Payer) -> str:
    """Where the page of its subscription is, below `HERE`."""
    return f"{DISTRICTS if isinstance(payer, District) else ''}{payer.public_id}"


def note(tx: Transaction, verb: str, payer: Payer, **facts: Any) -> None:
    """In the trail: of a school, or of each school of a district."""
    if isinstance(payer, School):
        record(tx, verb, school_id=payer.id, **facts)
        return
    found = select(School.id).where(School.district_id == payer.id).order_by(School.id)
    record_each(tx, verb, [(each, {"district": payer.id, **facts}) for each in tx.scalars(found)])
