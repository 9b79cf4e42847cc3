"""Handing in a certificate by which a school pays no sales tax. A job tells Stripe, and when it is over."""

from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from backoffice import clock
from backoffice.access.principal import Principal
from backoffice.access.transaction import transaction
from backoffice.accounts.services import proof
from backoffice.jobs import queue
from backoffice.language.texts import lazy
from backoffice.problems import Rejected
from backoffice.storage.public_id import new_public_id
from plugins.billing import papers
from plugins.billing.exemption import queries
from plugins.billing.exemption.models import TaxCertificate
from plugins.billing.models import Customer
from plugins.billing.payers import Payer, note, payer_behind, without_card
from plugins.billing.services import begun

TELL = "billing.tell-exemptions"
# States have certificates without an end looked at again after some years.
LONGEST = timedelta(days=10 * 366)
WRITE_STATE = lazy("Write the state that gave the certificate, as two letters: MA, for one.")
WRITE_DAY = lazy("Write the last day on which it holds: not in the past, and ten years ahead at most.")


@dataclass(frozen=True)
class Given:
    """What a school hands in: which state gave it, its last day, and the paper."""

    state: str
    last_day: date | None
    file: bytes = field(repr=False)


def hand_in(*, principal: Principal, payer: str, given: Given) -> str:
    """Keep a certificate, in place of the one before, and have Stripe told; its public identifier.

    Raises `Rejected`, `ProofNeeded`, `NotFound`.
    """
    state = given.state.strip().upper()
    if not (len(state) == 2 and state.isascii() and state.isalpha()):  # noqa: PLR2004
        raise Rejected(state=WRITE_STATE)
    kind, public, now = papers.kind_of(given.file), new_public_id(), clock.now()
    with transaction(principal) as tx:
        proof.demand(tx)
        place = without_card(tx, payer)
        ends = _over(given.last_day, place)
        if given.last_day is None or not now < ends <= now + LONGEST:
            raise Rejected(last_day=WRITE_DAY)
        # Two forms sent at once: the second waits here, and takes the place of the first.
        customer = tx.get_one(Customer, begun(tx, place).id, with_for_update=True)
        for each in queries.certificates_of(tx, customer):
            if each.replaced_at is None:
                each.replaced_at = now
        tx.flush()
        row = TaxCertificate(
            public_id=public,
            customer_id=customer.id,
            state=state,
            last_day=given.last_day,
            ends_at=ends,
            file=given.file,
            file_kind=kind,
            given_at=now,
        )
        tx.add(row)
        tx.flush()
        note(tx, "billing.exempt", place, certificate=row.id, state=state)
        queue.defer(tx, TELL)
    return public


def certificate_file(*, principal: Principal, certificate: str) -> tuple[bytes, papers.FileKind]:
    """The paper of a certificate, and what kind of file it is. Raises `NotFound`."""
    with transaction(principal) as tx:
        row = queries.certificate_of(tx, certificate)
        place = payer_behind(tx, row.customer_id)
        note(tx, "billing.certificate-file", place, certificate=row.id)
        return row.file, papers.FileKind(row.file_kind)


def _over(last_day: date | None, place: Payer) -> datetime:
    """When a day is over there."""
    after = (last_day or date.min) + timedelta(days=1)
    return datetime.combine(after, time(), ZoneInfo(place.time_zone))
