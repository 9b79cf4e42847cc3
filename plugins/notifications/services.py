"""Running an incident: opening it, writing down what is known, decided and done, and closing it.

Every step is a line of its timeline, which nobody changes.
"""

from dataclasses import dataclass, field, replace
from datetime import datetime

from sqlalchemy import select, update

from backoffice import clock
from backoffice.access.lookup import find
from backoffice.access.permissions import REPORTS_READ
from backoffice.access.policy import require
from backoffice.access.principal import Principal
from backoffice.access.transaction import Transaction, transaction
from backoffice.audit.trail import record
from backoffice.language.texts import gettext, lazy
from backoffice.problems import Overtaken, Rejected
from backoffice.reports.models import Report
from backoffice.storage.public_id import PublicId, new_public_id
from backoffice.wording import clean, is_uuid
from plugins.notifications import clocks
from plugins.notifications.deadlines.facts import Encrypted, Risk, Role
from plugins.notifications.drills import rows
from plugins.notifications.drills.scripts import Script
from plugins.notifications.letters.queries import is_any_to_post
from plugins.notifications.models import EntryKind, Incident, IncidentTask, TimelineEntry
from plugins.notifications.notices.queries import is_any_on_its_way, is_any_to_hand_in, is_any_up
from plugins.notifications.permissions import INCIDENTS_RUN
from plugins.notifications.words import KINDS

LONGEST_TITLE, LONGEST = 120, 4_000
NAME_IT = lazy("Give it a short name.")
SAY_IT = lazy("Say what happened, as far as you know.")
WRITE_IT = lazy("Write it down.")
WHY = lazy("Say why.")
NOT_YET = lazy("This is still to come. Choose a moment that has passed.")
AFTER = lazy("This lies before the moment at which it was noticed.")
CLOSED = lazy("This incident is closed. Open a new one if something else has come up.")
BANNER_UP = lazy("A banner is up on the home page. Take it down first, under Notices.")
OPEN_DUTIES = lazy(
    "Somebody is still to be told, or nobody can say yet. Give the notices first, or say why none is owed."
)
LETTERS_LIE_HERE = lazy(
    "Letters were made and not posted. Under Notices, say that they were, or take them apart."
)
TO_HAND_IN = lazy(
    "A form to an authority waits to be approved or handed in. Under Notices, say that it was, or give it up."
)
ON_ITS_WAY = lazy(
    "A notice waits to be approved, is being sent or is paused. Wait for it, take it back or stop it first."
)


@dataclass(frozen=True)
class Opened:
    """How an incident begins. `form` is the one-time UUID of the page: sent twice, it opens one.

    A drill may go after a script.
    """

    title: str = field(repr=False)
    what: str = field(repr=False)
    noticed_at: datetime
    form: str
    is_drill: bool = False
    report: str | None = None
    script: Script | None = None


@dataclass(frozen=True)
class Stated:
    """What is known of an incident, as laws ask for it."""

    what: str = field(repr=False)
    systems: str = field(repr=False)
    role: Role
    risk: Risk
    kinds: frozenset[str]
    encrypted: Encrypted
    noticed_at: datetime
    determined_at: datetime | None = None
    confirmed_at: datetime | None = None
    held_since: datetime | None = None
    held_until: datetime | None = None


def open_incident(*, principal: Principal, opened: Opened) -> PublicId:
    """Open an incident, by hand or from a report. Raises `Rejected`, `Denied`, `NotFound`."""
    title, what, now = clean(opened.title), lines(opened.what), clock.now()
    if not title or len(title) > LONGEST_TITLE or not is_uuid(opened.form):
        raise Rejected(title=NAME_IT)
    check_words("what", what, SAY_IT)
    if opened.noticed_at > now:
        raise Rejected(noticed_at=NOT_YET)
    public_id = new_public_id()
    with transaction(principal) as tx:
        require(tx.principal, INCIDENTS_RUN)
        report = find(tx, Report, opened.report, permission=REPORTS_READ) if opened.report else None
        before = tx.scalar(select(Incident.public_id).where(Incident.form == opened.form))
        if before is not None:
            return PublicId(before)
        incident = new_incident(tx, replace(opened, title=title, what=what), public_id, report)
        record(tx, "incidents.open", incident=incident.id, drill=opened.is_drill)
    return public_id


def new_incident(
    tx: Transaction, opened: Opened, public_id: PublicId, report: Report | None = None
) -> Incident:
    """The incident as it begins, with the first line of its timeline, led by whoever is at work."""
    incident = Incident(
        id=tx.take_id(Incident),
        public_id=public_id,
        title=opened.title,
        what=opened.what,
        is_drill=opened.is_drill,
        role=Role.PROCESSOR,
        risk=Risk.UNASSESSED,
        kinds=[],
        encrypted=Encrypted.NO,
        noticed_at=opened.noticed_at,
        report_id=report.id if report else None,
        opened_by=tx.principal.account_id,
        led_by=tx.principal.account_id,
        opened_at=clock.now(),
        version=0,
        form=opened.form,
    )
    tx.add(incident)
    tx.flush()
    if opened.is_drill:
        rows.begin(tx, incident, opened.script)
    write(tx, incident, EntryKind.FACTS, opened.what, at=opened.noticed_at)
    return incident


def state_facts(*, principal: Principal, incident: str, stated: Stated, seen: int) -> None:
    """Write down what is known by now, in place of what was. `seen` is the version that was looked at.

    Raises `Rejected`, `Overtaken`, `NotFound`.
    """
    what, systems, now = lines(stated.what), lines(stated.systems), clock.now()
    check_words("what", what, SAY_IT)
    if len(systems) > LONGEST:
        raise Rejected(systems=_shorten())
    if not stated.kinds <= set(KINDS):
        raise Rejected(kinds=gettext("Choose kinds of the list."))
    _check_moments(stated, now)
    with transaction(principal) as tx:
        row = find_open(tx, incident)
        if row.version != seen:
            raise Overtaken.meanwhile()
        values = {
            "what": what,
            "systems": systems or None,
            "role": stated.role.value,
            "risk": stated.risk.value,
            "kinds": sorted(stated.kinds),
            "encrypted": stated.encrypted.value,
            **{name: getattr(stated, name) for name in MOMENTS},
        }
        changed = [name for name, value in values.items() if getattr(row, name) != value]
        if not changed:
            return
        tx.execute(
            update(Incident)
            .where(Incident.id == row.id)
            .values(**values, version=row.version + 1)
            .execution_options(synchronize_session=False)
        )
        write(tx, row, EntryKind.FACTS, clocks.change_in_words(row, values, changed))
        record(tx, "incidents.state", incident=row.id, changed=changed)


def note(*, principal: Principal, incident: str, said: str, happened_at: datetime) -> None:
    """Write down that something happened or was done. Raises `Rejected`, `NotFound`."""
    said = lines(said)
    check_words("said", said, WRITE_IT)
    if happened_at > clock.now():
        raise Rejected(happened_at=NOT_YET)
    with transaction(principal) as tx:
        row = find_open(tx, incident)
        write(tx, row, EntryKind.NOTE, said, at=happened_at)
        record(tx, "incidents.note", incident=row.id)


def decide(*, principal: Principal, incident: str, said: str, reason: str) -> None:
    """Write down what was decided, and why. Raises `Rejected`, `NotFound`."""
    said, reason = lines(said), lines(reason)
    check_words("said", said, WRITE_IT)
    check_words("reason", reason, WHY)
    with transaction(principal) as tx:
        row = find_open(tx, incident)
        write(tx, row, EntryKind.DECISION, said, reason=reason)
        record(tx, "incidents.decide", incident=row.id)


def add_task(*, principal: Principal, incident: str, said: str, due_at: datetime | None) -> PublicId:
    """Set something that has to be done. Raises `Rejected`, `NotFound`."""
    said, public_id = lines(said), new_public_id()
    check_words("said", said, WRITE_IT)
    with transaction(principal) as tx:
        row = find_open(tx, incident)
        task = IncidentTask(
            id=tx.take_id(IncidentTask),
            public_id=public_id,
            incident_id=row.id,
            said=said,
            due_at=due_at,
            added_at=clock.now(),
        )
        tx.add(task)
        tx.flush()
        record(tx, "incidents.add-task", incident=row.id, task=task.id)
    return public_id


def finish_task(*, principal: Principal, task: str) -> PublicId:
    """Write down that a task is done; once is enough. Answers of which incident it is.

    Raises `Rejected`, `NotFound`.
    """
    with transaction(principal) as tx:
        row = find(tx, IncidentTask, task, permission=INCIDENTS_RUN)
        incident = lock_open(tx, row.incident_id)
        tx.refresh(row)
        if row.done_at is not None:
            return PublicId(incident.public_id)
        tx.execute(
            update(IncidentTask)
            .where(IncidentTask.id == row.id)
            .values(done_at=clock.now(), done_by=tx.principal.account_id)
            .execution_options(synchronize_session=False)
        )
        write(tx, incident, EntryKind.TASK, row.said)
        record(tx, "incidents.finish-task", incident=incident.id, task=row.id)
        return PublicId(incident.public_id)


def close_incident(*, principal: Principal, incident: str, reason: str, although_open: bool = False) -> None:
    """Close an incident, saying how it ended. While somebody is still to be told, that has to be said too.

    Raises `Rejected`, `NotFound`.
    """
    reason = lines(reason)
    check_words("reason", reason, WHY)
    with transaction(principal) as tx:
        row = find_open(tx, incident)
        found = clocks.standing(tx, row)
        if not although_open and (clocks.open_duties(found) or clocks.is_unclear(found)):
            raise Rejected(although_open=OPEN_DUTIES)
        if is_any_up(tx, row):
            raise Rejected.whole(BANNER_UP)
        if is_any_on_its_way(tx, row):
            raise Rejected.whole(ON_ITS_WAY)
        if is_any_to_hand_in(tx, row):
            raise Rejected.whole(TO_HAND_IN)
        if is_any_to_post(tx, row):
            raise Rejected.whole(LETTERS_LIE_HERE)
        now = clock.now()
        if row.is_drill:
            for asked, came in rows.unanswered(tx, row, at=now):
                said = gettext("Came in, and was not answered: %(what)s", what=asked)
                write(tx, row, EntryKind.NOTE, said, at=came)
            rows.keep_score(tx, row, at=now)
        write(tx, row, EntryKind.CLOSED, reason)
        tx.execute(
            update(Incident)
            .where(Incident.id == row.id)
            .values(closed_at=now, closed_by=tx.principal.account_id)
            .execution_options(synchronize_session=False)
        )
        record(tx, "incidents.close", incident=row.id, although_open=although_open)


def find_open(tx: Transaction, incident: str) -> Incident:
    """The incident, which nobody else writes to until the transaction ends. Raises `Rejected`, `NotFound`."""
    return lock_open(tx, find(tx, Incident, incident, permission=INCIDENTS_RUN).id)


def lock_open(tx: Transaction, number: int) -> Incident:
    """The same by its number, as it is by now. Raises `Rejected` if it is closed."""
    # Of a closed one the database gives nobody a lock.
    locked = select(Incident).where(Incident.id == number, Incident.closed_at.is_(None)).with_for_update()
    row = tx.scalars(locked.execution_options(populate_existing=True)).one_or_none()
    if row is None:
        raise Rejected.whole(CLOSED)
    return row


def write(
    tx: Transaction,
    incident: Incident,
    kind: EntryKind,
    said: str,
    *,
    reason: str | None = None,
    at: datetime | None = None,
) -> None:
    """Add a line to the timeline of an incident."""
    now = clock.now()
    tx.add(
        TimelineEntry(
            id=tx.take_id(TimelineEntry),
            incident_id=incident.id,
            kind=kind,
            said=said,
            reason=reason,
            happened_at=at or now,
            written_at=now,
            written_by=tx.principal.account_id,
        )
    )
    tx.flush()


def lines(text: str) -> str:
    """What somebody typed, line by line as it is kept; lines without anything go."""
    return "\n".join(filter(None, map(clean, text.splitlines())))


MOMENTS = ("noticed_at", "determined_at", "confirmed_at", "held_since", "held_until")


def _check_moments(stated: Stated, now: datetime) -> None:
    wrong: dict[str, str] = {}
    for name in ("noticed_at", "determined_at", "confirmed_at", "held_since"):
        at: datetime | None = getattr(stated, name)
        if at is not None and at > now:
            wrong[name] = NOT_YET
    for name in ("determined_at", "confirmed_at"):
        at = getattr(stated, name)
        if at is not None and at < stated.noticed_at:
            wrong[name] = AFTER
    if stated.held_until is not None and (stated.held_since is None or stated.held_until < stated.held_since):
        wrong["held_until"] = gettext("Say first from when they asked for it.")
    if wrong:
        raise Rejected(**wrong)


def check_words(name: str, words: str, missing: str) -> None:
    """Raise `Rejected` for a text that is empty or too long."""
    if not words:
        raise Rejected(**{name: missing})
    if len(words) > LONGEST:
        raise Rejected(**{name: _shorten()})


def _shorten() -> str:
    return gettext("Shorten it to %(most)s letters.", most=LONGEST)
