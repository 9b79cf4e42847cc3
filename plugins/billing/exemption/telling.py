"""Telling Stripe which schools pay no sales tax, from when to when, and schools that a certificate ends.

What is written here is that Stripe was told. Telling it twice changes nothing there; a mail is written in the
transaction that notes it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from sqlalchemy import and_, or_, select
from stripe import StripeClient

from backoffice import clock
from backoffice.access.principal import Purpose
from backoffice.access.transaction import Transaction, transaction
from backoffice.outbox.mail import Mail
from backoffice.outbox.services import post
from plugins.billing.asking import asked
from plugins.billing.dunning.queries import managers
from plugins.billing.exemption.mails import CERTIFICATE_ENDS, CERTIFICATE_OVER, CertificateEnds
from plugins.billing.exemption.models import TaxCertificate
from plugins.billing.models import Customer
from plugins.billing.payers import note, payer_of, way_to
from plugins.billing.services import customer_at, name_at_stripe

logger = structlog.get_logger("backoffice.billing")

WARNED = timedelta(days=30)
EXEMPT, TAXED = "exempt", "none"


@dataclass
class Told:
    """How many certificates began and ended at Stripe, how many schools were warned, and how many wait."""

    begun: int = 0
    ended: int = 0
    warned: int = 0
    waiting: int = 0


def tell(who: Purpose, stripe: StripeClient, *, progress: Callable[[int], None] = lambda _done: None) -> Told:
    """Do what is due about each certificate in force."""
    told, now = Told(), clock.now()
    due = or_(
        TaxCertificate.set_at.is_(None),
        TaxCertificate.ends_at <= now,
        and_(TaxCertificate.warned_at.is_(None), TaxCertificate.ends_at <= now + WARNED),
    )
    with transaction(who) as tx:
        wanted = select(TaxCertificate.id, TaxCertificate.customer_id).where(
            TaxCertificate.replaced_at.is_(None), TaxCertificate.ended_at.is_(None), due
        )
        rows = tx.execute(wanted.order_by(TaxCertificate.id)).all()
    for done, row in enumerate(rows, 1):
        try:
            _look_after(who, stripe, row.id, row.customer_id, now, told)
        except Exception as error:  # noqa: BLE001 - one certificate must not keep all others waiting
            logger.warning("certificate not told", why=type(error).__name__)
            told.waiting += 1
        progress(done)
    return told


def _look_after(
    who: Purpose, stripe: StripeClient, number: int, whose: int, now: datetime, told: Told
) -> None:
    with transaction(who) as tx:
        customer = tx.get(Customer, whose, with_for_update=True)
        row = tx.get(TaxCertificate, number, with_for_update=True)
        if customer is None or row is None or row.replaced_at is not None or row.ended_at is not None:
            return
        is_over, is_new = row.ends_at <= now, row.set_at is None
        if is_over or is_new:
            _set(tx, stripe, customer, TAXED if is_over else EXEMPT)
        if is_over:
            row.ended_at = now
            _post(tx, CERTIFICATE_OVER, customer, row)
        elif is_new:
            row.set_at = now
        if not is_over and row.warned_at is None and row.ends_at <= now + WARNED:
            row.warned_at = now
            _post(tx, CERTIFICATE_ENDS, customer, row)
            told.warned += 1
        told.begun += is_new and not is_over
        told.ended += is_over
        note(tx, "billing.tell-exemption", payer_of(tx, customer), certificate=row.id, over=is_over)


def _set(tx: Transaction, stripe: StripeClient, customer: Customer, status: str) -> None:
    with asked():
        if customer.stripe_id is None:
            name = name_at_stripe(payer_of(tx, customer))
            customer.stripe_id = customer_at(stripe, customer.public_id, name)
        stripe.v1.customers.update(customer.stripe_id, {"tax_exempt": status})


def _post(tx: Transaction, mail: Mail, customer: Customer, row: TaxCertificate) -> None:
    place = payer_of(tx, customer)
    about = CertificateEnds(place.name, way_to(place), row.last_day)
    for to in managers(tx, customer):
        post(tx, mail, to=to, parameters=about, school_id=customer.school_id, subject=place.public_id)
