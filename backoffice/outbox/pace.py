"""How many mails a minute go to one domain, whoever sends them: counted in the database, by a digest.

Minutes are those of the clock. In sixty seconds that belong to two of them, twice as many may go.
"""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from backoffice.access.transaction import Transaction
from backoffice.outbox.message import domain_of
from backoffice.storage import functions, keyring

MINUTE = timedelta(minutes=1)


def key_of(address: str) -> UUID:
    """The digest under which mails to the domain of this address are counted. It names no domain."""
    return UUID(bytes=keyring.current().blind_index(domain_of(address), context="mail.domain"))


def ends(now: datetime) -> datetime:
    """When the minute of this moment is over."""
    return now.replace(second=0, microsecond=0) + MINUTE


def within(
    tx: Transaction, domains: Sequence[UUID | None], *, most: int, now: datetime
) -> tuple[list[bool], set[UUID]]:
    """Which of mails to these domains may go in this minute, the first ones first; and the domains used up.

    Those that may are counted, though none may be sent in the end: never more than `most` are. Where no
    domain is known, a mail may go.
    """
    wanted = Counter(domain for domain in domains if domain is not None)
    left = functions.take_some(tx, wanted=wanted, most=most, until=ends(now), at=now)
    full = {domain for domain, number in wanted.items() if left[domain] < number}
    may = []
    for domain in domains:
        may.append(domain is None or left[domain] > 0)
        if domain is not None:
            left[domain] -= 1
    return may, full
