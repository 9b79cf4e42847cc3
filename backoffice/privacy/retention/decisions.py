"""What founders see before they decide: what the file says otherwise, and what is proposed of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from backoffice import clock
from backoffice.access.permissions import RETENTION_POLICIES_EDIT
from backoffice.access.policy import can, visible
from backoffice.access.transaction import Transaction
from backoffice.accounts import founders
from backoffice.privacy.retention import in_force, policy
from backoffice.privacy.retention.in_force import Version
from backoffice.privacy.retention.models import PolicyVersion, VersionState
from backoffice.privacy.retention.words import Told, told


@dataclass(frozen=True)
class Proposal:
    """What waits for a second founder.

    `holds` says whether the file still says it, and `own` whether whoever looks at it has proposed it.
    """

    digest: str
    by: str | None
    at: datetime
    holds: bool
    own: bool


@dataclass(frozen=True)
class Undecided:
    """What the file says otherwise than what was decided last, known by the `digest` of the file.

    Those in `waits` come in force after schools have been told, those in `forced` are in force already.
    """

    digest: str
    changes: tuple[Told, ...]
    waits: frozenset[str]
    forced: frozenset[str]
    proposal: Proposal | None


def undecided(tx: Transaction) -> Undecided | None:
    """What is to be decided, for whoever may; None where there is nothing."""
    if not can(tx.principal, RETENTION_POLICIES_EDIT):
        return None
    said, decided = policy.on_disk(), in_force.read(tx.connection())
    found, proposal = in_force.undecided(decided), _proposal(tx, said.digest)
    if not found and proposal is None:
        return None
    return Undecided(
        said.digest,
        told(found),
        frozenset(each.name for each in found if each.waits),
        frozenset(in_force.forced(decided, found)),
        proposal,
    )


def coming(decided: Sequence[Version]) -> Mapping[str, datetime | None]:
    """The kinds of data of which something was decided that is not in force, and from when on it is."""
    now = clock.now()
    later = {
        each.name: change.begins(each.name)
        for change in reversed(in_force.changes(decided))
        for each in change.later
    }
    return {name: begins for name, begins in later.items() if begins is None or begins > now}


def _proposal(tx: Transaction, digest: str) -> Proposal | None:
    waits = select(PolicyVersion).where(PolicyVersion.state == VersionState.WAITING)
    found = tx.scalars(visible(tx.principal, waits, RETENTION_POLICIES_EDIT)).one_or_none()
    if found is None:
        return None
    by = founders.names(tx).get(found.proposed_by) if found.proposed_by else None
    own = found.proposed_by is not None and found.proposed_by == tx.principal.account_id
    return Proposal(found.digest, by, found.proposed_at, found.digest == digest, own)
