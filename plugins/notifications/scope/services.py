"""Saying what the scope of an incident follows from, and computing whom that reached.

The database computes and keeps the set; what is read of it are numbers.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select

from backoffice import clock
from backoffice.access.policy import visible
from backoffice.access.principal import Principal
from backoffice.access.transaction import Transaction, transaction
from backoffice.accounts.addresses import email_index
from backoffice.accounts.services import proof
from backoffice.audit.trail import record
from backoffice.language.texts import gettext, lazy, ngettext
from backoffice.problems import Rejected
from backoffice.schools.models import School
from backoffice.storage.numbers import array_of
from backoffice.storage.public_id import is_public_id, new_public_id
from plugins.notifications import schools
from plugins.notifications.models import EntryKind, Incident
from plugins.notifications.notices.queries import is_any_on_its_way
from plugins.notifications.schools import CHOOSE, People
from plugins.notifications.scope import queries
from plugins.notifications.scope.models import Extent, SourceKind
from plugins.notifications.scope.queries import Found
from plugins.notifications.scope.words import said
from plugins.notifications.services import NOT_YET, ON_ITS_WAY, WHY, check_words, find_open, lines, write

NOBODY = lazy("No account of staff is known by this. Write its identifier or its e-mail address.")
NO_SESSION = lazy("No session of somebody of staff is known by this. They are kept for six months.")
NO_EXPORT = lazy("No export is known by this. What it held is kept for six months.")
NO_CLASS = lazy("No class is known by this. Write its identifier.")
NAME_SESSION = lazy("Write the identifier of the session, or the account and a moment.")
EITHER = lazy("Choose a school or district, or write the identifier of a class, and not both.")
SAY_WHEN = lazy("Say from when to when.")
BACKWARDS = lazy("Choose a moment after its beginning.")
CHOOSE_SOURCE = lazy("Choose something that is not withdrawn.")
_NAMES = {"student": "students", "staff": "staff", "parent": "parents"}
# A moment as a time, which goes up to its end: no clock of ours tells a shorter one.
_MOMENT = timedelta(microseconds=1)


class Change:
    """The numbers of one school as they were, and as they are now."""

    def __init__(self) -> None:
        self._before = dict.fromkeys(_NAMES.values(), 0)
        self._now = dict.fromkeys(_NAMES.values(), 0)

    def count(self, kind: str, before: int, now: int) -> None:
        """Take the numbers of one kind of people."""
        self._before[_NAMES[kind]], self._now[_NAMES[kind]] = before, now

    @property
    def before(self) -> People:
        """The numbers before."""
        return People(**self._before)

    @property
    def now(self) -> People:
        """The numbers now."""
        return People(**self._now)


@dataclass(frozen=True)
class _Span:
    since: datetime
    until: datetime


def add_account(
    *, principal: Principal, incident: str, account: str, since: datetime | None, until: datetime | None
) -> int:
    """Say that an account was misused, and compute anew whom that is about. How many schools changed.

    The trail says which account it was, and also that somebody asked for one that is not known; so it does
    of all the others below. Raises `Rejected`, `ProofNeeded`, `NotFound`.
    """
    span = _span(since, until)
    with transaction(principal) as tx:
        row, number = _ready(tx, incident), _staff(tx, account)
        found = [] if number is None else [Found(Extent.ACCOUNT, span.since, span.until, account=number)]
        changed = _add(tx, row, SourceKind.ACCOUNT, found)
    return _known(changed, "account", NOBODY)


def add_session(
    *, principal: Principal, incident: str, session: str, account: str = "", at: datetime | None = None
) -> int:
    """Say that a session of an account was misused: by its identifier, or all that it had at a moment.

    What a session saw is not kept, so that it is the account in the time of its session. How many schools
    changed. Raises `Rejected`, `ProofNeeded`, `NotFound`.
    """
    now, session = clock.now(), session.strip()
    if not session and not (account.strip() and at):
        raise Rejected(session=NAME_SESSION)
    if at is not None and at > now:
        raise Rejected(at=NOT_YET)
    with transaction(principal) as tx:
        row = _ready(tx, incident)
        if session:
            found = queries.sessions_known_by(tx, session, now=now)
        else:
            assert at is not None
            number = _staff(tx, account)
            found = [] if number is None else queries.sessions_at(tx, number, at, now=now)
        changed = _add(tx, row, SourceKind.SESSION, found)
    return _known(changed, "session", NO_SESSION)


def add_export(*, principal: Principal, incident: str, export: str) -> int:
    """Say that an export got out, by its public identifier: who was in it is who was there when it was made.

    How many schools changed. Raises `Rejected`, `ProofNeeded`, `NotFound`.
    """
    export = export.strip()
    with transaction(principal) as tx:
        row = _ready(tx, incident)
        found = queries.export_known_by(tx, export, lasts=_MOMENT) if is_public_id(export) else None
        changed = _add(tx, row, SourceKind.EXPORT, [found] if found else [])
    return _known(changed, "export", NO_EXPORT)


def add_place(
    *,
    principal: Principal,
    incident: str,
    place: str,
    classroom: str,
    since: datetime | None,
    until: datetime | None,
) -> int:
    """Say that data of everybody got out of a school, a district or a class, as it was in some time.

    How many schools changed. Raises `Rejected`, `ProofNeeded`, `NotFound`.
    """
    place, classroom = place.strip(), classroom.strip()
    if bool(place) == bool(classroom):
        raise Rejected(place=EITHER)
    span = _span(since, until)
    with transaction(principal) as tx:
        row = _ready(tx, incident)
        called = queries.class_known_by(tx, classroom) if classroom else queries.place_known_by(tx, place)
        found = [called(span.since, span.until)] if called else []
        changed = _add(tx, row, SourceKind.PLACE, found)
    return _known(changed, *(("classroom", NO_CLASS) if classroom else ("place", CHOOSE)))


def withdraw(*, principal: Principal, incident: str, source: str, reason: str) -> int:
    """Take back a source that was named by mistake, and compute anew from what remains.

    Whom it alone has reached is no longer in the set, but for those who were written to. How many schools
    changed. Raises `Rejected`, `ProofNeeded`, `NotFound`.
    """
    reason = lines(reason)
    check_words("reason", reason, WHY)
    with transaction(principal) as tx:
        row = _ready(tx, incident)
        known = next((each for each in queries.sources_of(tx, row) if each.public_id == source), None)
        if known is None or not queries.withdraw(tx, row, source, reason=reason, at=clock.now()):
            raise Rejected(source=CHOOSE_SOURCE)
        write(
            tx,
            row,
            EntryKind.DECISION,
            gettext("Source %(number)s of the scope was withdrawn: %(what)s", **said(known)),
            reason=reason,
        )
        record(tx, "incidents.withdraw-scope-source", incident=row.id, kind=known.kind)
        return _compute(tx, row)


def compute_again(*, principal: Principal, incident: str) -> int:
    """Compute anew whom an incident is about, by what is known. How many schools changed.

    Raises `Rejected`, `ProofNeeded`, `NotFound`.
    """
    with transaction(principal) as tx:
        return _compute(tx, _ready(tx, incident))


def _span(since: datetime | None, until: datetime | None) -> _Span:
    if since is None or until is None:
        said = {"since": since, "until": until}
        raise Rejected(**{name: SAY_WHEN for name, at in said.items() if at is None})
    if until > clock.now():
        raise Rejected(until=NOT_YET)
    if until <= since:
        raise Rejected(until=BACKWARDS)
    return _Span(since, until)


def _ready(tx: Transaction, incident: str) -> Incident:
    proof.demand(tx)
    row = find_open(tx, incident)
    # Two founders decide about a notice, and that is about its readers too.
    if is_any_on_its_way(tx, row):
        raise Rejected.whole(ON_ITS_WAY)
    return row


def _staff(tx: Transaction, account: str) -> int | None:
    account = account.strip()
    index = None if is_public_id(account) else email_index(account)
    return tx.scalar(select(func.plugin_notifications.staff_known_by(account, index)))


def _add(tx: Transaction, row: Incident, kind: SourceKind, found: Sequence[Found]) -> int | None:
    """How many schools changed; None where nothing is known of what was named, which is noted, too."""
    kept = [(each, is_new) for each in found if (is_new := _write(tx, row, kind, each)) is not None]
    for each, _is_new in kept:
        record(tx, "incidents.add-scope-source", incident=row.id, kind=kind, **each.numbers)
    new = sum(is_new for _each, is_new in kept)
    for each in queries.sources_of(tx, row)[-new:] if new else ():
        added = gettext("Source %(number)s of the scope was added: %(what)s", **said(each))
        write(tx, row, EntryKind.DECISION, added)
    if kept:
        return _compute(tx, row)
    record(tx, "incidents.add-scope-source", incident=row.id, kind=kind, account=None)
    return None


def _write(tx: Transaction, row: Incident, kind: SourceKind, found: Found) -> bool | None:
    """Whether it is a new one: said twice it is written once. None where what it names is gone."""
    added = func.plugin_notifications.add_scope_source(
        row.id,
        new_public_id(),
        kind,
        found.extent,
        found.account,
        found.district,
        found.school,
        found.classroom,
        found.student,
        None if found.classrooms is None else array_of(found.classrooms),
        found.since,
        found.until,
        clock.now(),
    )
    return tx.scalar(select(added))


def _known(changed: int | None, field: str, unknown: str) -> int:
    if changed is None:
        raise Rejected(**{field: unknown})
    return changed


def _compute(tx: Transaction, row: Incident) -> int:
    found: dict[int, Change] = defaultdict(Change)
    called = func.plugin_notifications.compute_scope(row.id, clock.now())
    for each in tx.rows(select(called.table_valued("school_id", "kind", "before", "people"))):
        found[each.school_id].count(each.kind, each.before, each.people)
    changed = {number: change for number, change in found.items() if change.before != change.now}
    some = visible(tx.principal, select(School).where(School.id.in_(changed))).order_by(School.id)
    known = tx.scalars(some).all()
    followed = [(each, changed[each.id].before, changed[each.id].now) for each in known]
    left_out, told = schools.follow(tx, row, followed)
    # Without the name of a school: the line stays when the school is erased.
    for change in changed.values():
        how = schools.difference(change.before, change.now)
        write(tx, row, EntryKind.SCHOOLS, gettext("The scope at one school: %(change)s", change=how))
    if left_out:
        write(tx, row, EntryKind.SCHOOLS, _left_out(left_out))
    if told:
        write(tx, row, EntryKind.SCHOOLS, _stay(told))
    record(tx, "incidents.compute-scope", incident=row.id, schools=sorted(changed))
    return len(changed)


def _left_out(count: int) -> str:
    return ngettext(
        "%(num)s school is no longer concerned: nothing that is known reaches anybody of it",
        "%(num)s schools are no longer concerned: nothing that is known reaches anybody of them",
        count,
    )


def _stay(count: int) -> str:
    return ngettext(
        "%(num)s school of which nobody is reached any more stays, as it was told or a notice went out",
        "%(num)s schools of which nobody is reached any more stay, as they were told or a notice went out",
        count,
    )
