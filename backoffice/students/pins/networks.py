"""A network that has used up its wrong PINs, and the school that opens it for its own classes.

Its allowance is one for all schools and stays used up. What a school gives is another one, which counts at
its own classes only: nobody gives a guesser anything at the classes of others. What a class allows stays.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, or_, select

from backoffice import clock
from backoffice.access.permissions import NETWORKS_OPEN
from backoffice.access.policy import visible
from backoffice.access.principal import Nobody, Principal
from backoffice.access.transaction import Transaction, transaction
from backoffice.audit.trail import record
from backoffice.problems import Throttled
from backoffice.schools.models import Classroom, School
from backoffice.storage import functions, keyring
from backoffice.storage.public_id import new_public_id
from backoffice.students.pins.network_models import LockedNetwork
from backoffice.throttles.tries import Claim, Taken, take
from backoffice.throttles.visitor import Visitor

BY_NETWORK = "by network"
# No allowance spans more: when an opening is over, so is what was used up before it.
OPEN_FOR = timedelta(hours=24)
MOST_LISTED = 50


@dataclass(frozen=True)
class Locked:
    """A locked network, as whoever may open it sees it. `is_here` says that they are in it themselves."""

    public_id: str
    school: str
    classroom: str
    refused_at: datetime
    until: datetime
    is_here: bool


def take_or_opened(claims: Sequence[Claim], *, classroom_id: int, visitor: Visitor) -> Taken:
    """Take one try of each; of a network without any, what the school of the class opened to it.

    Raises `Throttled`, and then the school sees that the network is locked.
    """
    try:
        return take(*claims)
    except Throttled as error:
        refused = error
    if not any(claim.what == refused.what for claim in claims if BY_NETWORK in claim.what):
        raise refused
    now, network = clock.now(), tag(visitor)
    with transaction(Nobody(visitor.address)) as tx:
        opened = functions.network_opened(
            tx, classroom_id=classroom_id, network=network, since=now - OPEN_FOR
        )
    if opened is not None:
        # Another subject for each opening: each begins with all of its tries.
        given = f"{opened.school_id} {opened.opened_at.isoformat()}"
        try:
            return take(*(_opened(each, given) if each.what == refused.what else each for each in claims))
        except Throttled as error:
            if BY_NETWORK not in error.what:
                raise
            refused = error
    with transaction(Nobody(visitor.address)) as tx:
        functions.note_locked_network(
            tx,
            classroom_id=classroom_id,
            network=network,
            public_id=new_public_id(),
            at=now,
            until=now + refused.wait,
        )
    raise refused


def tag(visitor: Visitor) -> UUID:
    """What is kept of a network: it is found again by its address, and no address by it."""
    return UUID(bytes=keyring.current().blind_index(visitor.network, context="network.id"))


def count_locked(tx: Transaction) -> int:
    """How many networks are locked now that the principal may open; of very many, so many as are listed."""
    return len(_locked(tx))


def locked(tx: Transaction, visitor: Visitor) -> list[Locked]:
    """The networks that are locked now and that the principal may open, the last refused first."""
    here, rows = tag(visitor), _locked(tx)
    rooms = select(Classroom.id, Classroom.name).where(
        Classroom.school_id.in_({row.school_id for row in rows}),
        Classroom.id.in_({row.classroom_id for row in rows}),
    )
    named = {row.id: row.name for row in tx.execute(visible(tx.principal, rooms))}
    schools = select(School.id, School.name).where(School.id.in_({row.school_id for row in rows}))
    places = {row.id: row.name for row in tx.execute(visible(tx.principal, schools))}
    return [
        Locked(
            row.public_id,
            places.get(row.school_id, ""),
            named.get(row.classroom_id, ""),
            row.refused_at,
            row.refused_until,
            row.network == here,
        )
        for row in rows
    ]


def open_network(*, principal: Principal, network: str) -> bool:
    """Let a network try PINs again at the classes of the school that sees it; whether it was locked there.

    It gets all of its tries once more, for a day. What is no network of the principal's was not locked.
    """
    with transaction(principal) as tx:
        now = clock.now()
        statement = select(LockedNetwork).where(LockedNetwork.public_id == network, *_locked_at(now))
        row = tx.scalars(
            visible(tx.principal, statement.with_for_update(of=LockedNetwork), NETWORKS_OPEN)
        ).one_or_none()
        if row is None:
            return False
        row.opened_at = now
        record(tx, "pins.open-network", school_id=row.school_id, network=row.id)
    return True


def _locked_at(now: datetime) -> tuple[ColumnElement[bool], ...]:
    return (
        LockedNetwork.refused_until > now,
        or_(LockedNetwork.opened_at.is_(None), LockedNetwork.opened_at < LockedNetwork.refused_at),
    )


def _locked(tx: Transaction) -> Sequence[LockedNetwork]:
    statement = (
        select(LockedNetwork)
        .where(*_locked_at(clock.now()))
        .order_by(LockedNetwork.refused_at.desc(), LockedNetwork.id.desc())
        .limit(MOST_LISTED)
    )
    return tx.scalars(visible(tx.principal, statement, NETWORKS_OPEN)).all()


def _opened(claim: Claim, given: str) -> Claim:
    return replace(claim, what=f"{claim.what}, opened", subject=f"{claim.subject} {given}")
