"""The certificates of a school or district, for whoever manages what it pays."""

from collections.abc import Sequence

from backoffice.access.lookup import find, rows_of
from backoffice.access.transaction import Transaction
from plugins.billing.exemption.models import TaxCertificate
from plugins.billing.models import Customer
from plugins.billing.permissions import BILLING_MANAGE, BILLING_READ
from plugins.billing.queries import SHOWN


def certificates_of(tx: Transaction, customer: Customer) -> Sequence[TaxCertificate]:
    """The certificates of a school, the newest first."""
    mine = rows_of(tx.principal, TaxCertificate, BILLING_READ).where(
        TaxCertificate.customer_id == customer.id
    )
    return tx.scalars(
        mine.order_by(TaxCertificate.given_at.desc(), TaxCertificate.id.desc()).limit(SHOWN)
    ).all()


def certificate_of(tx: Transaction, public_id: str) -> TaxCertificate:
    """A certificate of a school whose subscription the principal manages. Raises `NotFound`."""
    return find(tx, TaxCertificate, public_id, permission=BILLING_MANAGE)
