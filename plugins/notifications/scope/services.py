"""Saying which account was misused, and computing whom it reached.

The database computes and keeps the set; what is read of it are numbers.
"""

from collections import defaultdict
from datetime import datetime

from sqlalchemy import func, select

from backoffice import clock
from backoffice.access.policy import visible
from backoffice.access.principal import Principal
from backoffice.access.transaction import Transaction, transaction
from backoffice.accounts.addresses import email_index
from backoffice.accounts.services import proof
from backoffice.audit.trail import record
from backoffice.language.texts import gettext, lazy
from backoffice.problems import Rejected
from backoffice.schools.models import School
from backoffice.storage.public_id import is_public_id
from plugins.notifications import schools
from plugins.notifications.models import EntryKind, Incident
from plugins.notifications.notices.queries import is_any_on_its_way
from plugins.notifications.schools import People
from plugins.notifications.services import NOT_YET, ON_ITS_WAY, find_open, write

NOBODY = lazy("No account of staff is known by this. Write its identifier or its e-mail address.")
SAY_WHEN = lazy("Say from when to when it was misused.")
BACKWARDS = lazy("This lies before its beginning.")
_NAMES = {"student": "students", "staff": "staff", "parent": "parents"}


class Change:
    """The numbers of one school as they are now, and how many came."""

    def __init__(self) -> None:
        self.now = dict.fromkeys(_NAMES.values(), 0)
        self.added = dict.fromkeys(_NAMES.values(), 0)

    @property
    def before(self) -> People:
        """The numbers before."""
        return People(**{name: n - self.added[name] for name, n in self.now.items()})


def add_misuse(
    *, principal: Principal, incident: str, account: str, since: datetime | None, until: datetime | None
) -> int:
    """Say that an account was misused, and compute anew whom that is about. How many schools changed.

    The trail says which account it was, and also that somebody asked for one that is not known.
    Raises `Rejected`, `ProofNeeded`, `NotFound`.
    """
    now, account = clock.now(), account.strip()
    if since is None or until is None:
        said = {"since": since, "until": until}
        raise Rejected(**{name: SAY_WHEN for name, at in said.items() if at is None})
    if until > now:
        raise Rejected(until=NOT_YET)
    if until < since:
        raise Rejected(until=BACKWARDS)
    with transaction(principal) as tx:
        proof.demand(tx)
        row = _ready(tx, incident)
        index = None if is_public_id(account) else email_index(account)
        added = func.plugin_notifications.add_misuse(row.id, account, index, since, until, now)
        found = tx.scalar(select(added))
        record(tx, "incidents.add-misuse", incident=row.id, account=found)
        if found is not None:
            return _compute(tx, row)
    raise Rejected(account=NOBODY)


def compute_again(*, principal: Principal, incident: str) -> int:
    """Compute anew whom an incident is about, by the misuse that is known. How many schools changed.

    Raises `Rejected`, `ProofNeeded`, `NotFound`.
    """
    with transaction(principal) as tx:
        proof.demand(tx)
        return _compute(tx, _ready(tx, incident))


def _ready(tx: Transaction, incident: str) -> Incident:
    row = find_open(tx, incident)
    # Two founders decide about a notice, and that is about its readers too.
    if is_any_on_its_way(tx, row):
        raise Rejected.whole(ON_ITS_WAY)
    return row


def _compute(tx: Transaction, row: Incident) -> int:
    found: dict[int, Change] = defaultdict(Change)
    called = func.plugin_notifications.compute_scope(row.id, clock.now())
    counted = called.table_valued("school_id", "kind", "people", "added")
    for each in tx.rows(select(counted)):
        change, name = found[each.school_id], _NAMES[each.kind]
        change.now[name], change.added[name] = each.people, each.added
    changed = {number: change for number, change in found.items() if any(change.added.values())}
    some = visible(tx.principal, select(School).where(School.id.in_(changed))).order_by(School.id)
    known = tx.scalars(some).all()
    schools.follow(
        tx, row, [(each, changed[each.id].before, People(**changed[each.id].now)) for each in known]
    )
    # Without the name of a school: the line stays when the school is erased.
    for change in changed.values():
        write(
            tx,
            row,
            EntryKind.SCHOOLS,
            gettext(
                "Reached by the misused account at one school: %(came)s",
                came=schools.said(People(**change.added)),
            ),
        )
    record(tx, "incidents.compute-scope", incident=row.id, schools=sorted(changed))
    return len(changed)
