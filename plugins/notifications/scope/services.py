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
BACKWARDS = lazy("This lies before its beginning.")
_NAMES = {"student": "students", "staff": "staff", "parent": "parents"}


class Change:
    """The numbers of one school as they are now, and who came and went."""

    def __init__(self) -> None:
        self.now = dict.fromkeys(_NAMES.values(), 0)
        self.added = dict.fromkeys(_NAMES.values(), 0)
        self.removed = dict.fromkeys(_NAMES.values(), 0)

    @property
    def is_any(self) -> bool:
        """Whether somebody came or went."""
        return any(self.added.values()) or any(self.removed.values())

    @property
    def before(self) -> People:
        """The numbers before."""
        return People(**{name: n - self.added[name] + self.removed[name] for name, n in self.now.items()})


def add_misuse(*, principal: Principal, incident: str, account: str, since: datetime, until: datetime) -> int:
    """Say that an account was misused, and compute anew whom that is about. How many schools changed.

    Raises `Rejected`, `NotFound`.
    """
    now, account = clock.now(), account.strip()
    if until > now:
        raise Rejected(until=NOT_YET)
    if until < since:
        raise Rejected(until=BACKWARDS)
    with transaction(principal) as tx:
        row = _ready(tx, incident)
        index = None if is_public_id(account) else email_index(account)
        added = func.plugin_notifications.add_misuse(row.id, account, index, since, until, now)
        if not tx.scalar(select(added)):
            raise Rejected(account=NOBODY)
        record(tx, "incidents.add-misuse", incident=row.id)
        return _compute(tx, row)


def compute_again(*, principal: Principal, incident: str) -> int:
    """Compute anew whom an incident is about, by the misuse that is known. How many schools changed.

    Raises `Rejected`, `NotFound`.
    """
    with transaction(principal) as tx:
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
    counted = called.table_valued("school_id", "kind", "people", "added", "removed")
    for each in tx.rows(select(counted)):
        change, name = found[each.school_id], _NAMES[each.kind]
        change.now[name], change.added[name], change.removed[name] = each.people, each.added, each.removed
    changed = {number: change for number, change in found.items() if change.is_any}
    some = visible(tx.principal, select(School).where(School.id.in_(changed))).order_by(School.id)
    for school in tx.scalars(some).all():
        change = changed[school.id]
        schools.follow(
            tx,
            row,
            school,
            before=change.before,
            now=People(**change.now),
            came=any(change.added.values()),
        )
    # Without the name of a school: the line stays when the school is erased.
    for change in changed.values():
        write(
            tx,
            row,
            EntryKind.SCHOOLS,
            gettext(
                "Computed from the misused account, at one school: %(came)s more; %(went)s fewer",
                came=schools.said(People(**change.added)),
                went=schools.said(People(**change.removed)),
            ),
        )
    record(tx, "incidents.compute-scope", incident=row.id, schools=sorted(changed))
    return len(changed)
