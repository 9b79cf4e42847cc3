"""Importing a roster, and queueing one that somebody uploads."""

import io
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import delete, insert, select, update

from backoffice import clock, events
from backoffice.access.lookup import NotFound, find
from backoffice.access.policy import require
from backoffice.access.principal import Credential, Principal
from backoffice.access.transaction import Transaction, transaction
from backoffice.accounts.models import Account
from backoffice.audit.trail import record
from backoffice.jobs import queue
from backoffice.outbox import services as outbox
from backoffice.outbox.mail import Recipient
from backoffice.problems import Rejected
from backoffice.schools.models import School
from backoffice.storage import keyring
from backoffice.storage.public_id import PublicId, new_public_id
from plugins.rosters import queries
from plugins.rosters.events import RosterImported
from plugins.rosters.importing import places
from plugins.rosters.importing.checking.queries import check, resolve
from plugins.rosters.importing.merge import merge
from plugins.rosters.importing.merging.queries import to_invite
from plugins.rosters.importing.outcome import Outcome
from plugins.rosters.importing.places import NoSuchPlace, Places, Target
from plugins.rosters.importing.roster import MOST_LISTED, Roster
from plugins.rosters.importing.stage import Stager, Tick
from plugins.rosters.mails import IMPORT_FINISHED, ImportFinished
from plugins.rosters.models import ImportSource, ImportState, RosterImport, RosterUpload
from plugins.rosters.permissions import ROSTERS_IMPORT
from plugins.rosters.reading.oneroster import read_set
from plugins.rosters.reading.package import PACKAGE, PackageRefused, open_package
from plugins.rosters.reading.report import Report

IMPORT = "rosters.import"
PIECE = 1 << 20
LARGEST_UPLOAD = 64 << 20


class _Undone(Exception):
    """Ends the transaction without a trace: something is wrong, or it was a dry run."""


def import_roster(
    *,
    principal: Principal | Credential,
    target: Target,
    roster: Roster,
    report: Report,
    dry_run: bool = False,
    tick: Tick = lambda _lines: None,
    watched: int | None = None,
) -> Outcome:
    """Import a roster into a school or a district: all of it or, if anything is wrong, nothing.

    Runs as the system. `report` is what the roster notes its own problems in; those of the whole are added.
    `tick` is told how many lines have been read. `watched` is the number of a `RosterImport` that ends with
    this one; without it one is written down. Raises `NoSuchPlace`.
    """
    outcome = Outcome(report, dry_run=dry_run)
    try:
        with transaction(principal) as tx:
            require(tx.principal, ROSTERS_IMPORT)
            found = places.locate(tx, target)
            _import(tx, found, roster, outcome, tick)
            _undo(unless=outcome.done and not dry_run)
            _note_done(tx, found, outcome, watched)
    except _Undone:
        pass
    return outcome


def queue_upload(
    *,
    principal: Principal,
    target: Target,
    content: Iterable[bytes],
    report: Report | None = None,
    total: int | None = None,
) -> PublicId:
    """Keep an uploaded set, sealed, until a worker imports it; returns the import's public identifier.

    `content` is a package as `open_package` takes it, reduced to what is taken. `report` has what reducing it
    dropped and found, `total` how many lines there are. Raises `Rejected`, `NotFound`, `Denied`.
    """
    with transaction(principal) as tx:
        require(tx.principal, ROSTERS_IMPORT)
        school_id, district_id = _leads(tx, target)
        number, public_id = tx.take_id(RosterImport), new_public_id()
        tx.execute(
            insert(RosterImport).values(
                id=number,
                public_id=public_id,
                school_id=school_id,
                district_id=district_id,
                source=ImportSource.UPLOAD,
                state=ImportState.WAITING,
                asked_by=tx.principal.account_id,
                created_at=clock.now(),
                done=0,
                total=total,
                report=None if report is None else Outcome(report).sealed(),
            )
        )
        _keep(tx, number, content)
        queue.defer(tx, IMPORT, number=number)
        record(tx, "rosters.upload", school_id=school_id, number=number, district=district_id)
    return public_id


def run_upload(*, principal: Principal | Credential, number: int, tick: Tick) -> Outcome | None:
    """Import a set that was uploaded. None if that has been done already.

    Can be run again after a worker was killed: the import and its end are one transaction. Raises whatever
    went wrong with us, once it is noted.
    """
    with transaction(principal) as tx:
        waiting = queries.waiting(tx, number=number)
        if waiting is None:
            return None
        target = queries.target_of(tx, waiting)
        content = b"".join(
            tx.scalars(
                select(RosterUpload.content)
                .where(RosterUpload.import_id == number)
                .order_by(RosterUpload.number)
            )
        )
        _set(tx, number, state=ImportState.CHECKING, started_at=waiting.started_at or clock.now())
    report = Report()
    try:
        outcome = _read_and_import(
            principal, target, content, report, _watching(principal, number, tick), number
        )
    except (NoSuchPlace, Rejected):
        _end(principal, number, ImportState.FAILED, Outcome(report))
        raise
    if not outcome.done:
        _end(principal, number, ImportState.REFUSED, outcome)
    return outcome


def give_up(*, principal: Principal | Credential, before: Any) -> int:
    """Delete uploads from before a moment, whatever became of them; how many imports that ended."""
    with transaction(principal) as tx:
        numbers = tx.scalars(
            select(RosterImport.id).where(
                RosterImport.created_at < before, RosterImport.finished_at.is_(None)
            )
        ).all()
        uploaded = select(RosterImport.id).where(RosterImport.created_at < before)
        tx.execute(delete(RosterUpload).where(RosterUpload.import_id.in_(uploaded)))
        if numbers:
            tx.execute(
                update(RosterImport)
                .where(RosterImport.id.in_(numbers))
                .values(state=ImportState.FAILED, finished_at=clock.now())
                .execution_options(synchronize_session=False)
            )
            record(tx, "rosters.give-up", numbers=sorted(numbers))
    return len(numbers)


def _undo(*, unless: bool) -> None:
    if not unless:
        raise _Undone


def _import(tx: Transaction, found: Places, roster: Roster, outcome: Outcome, tick: Tick) -> None:
    report, now = outcome.report, clock.now()
    orgs = list(roster.orgs())
    before = report.stops
    places.assign(tx, found, orgs, report)
    if report.stops and not before:
        # Without its schools nothing else of the set can be judged.
        return
    stager = Stager(tx, roster, report, found.schools, tick)
    outcome.noted = stager.noted
    stager.run(orgs)
    resolve(tx)
    check(tx, report)
    if report.stops:
        return
    places.settle(tx, found, now)
    outcome.schools_new = len(found.new)
    outcome.by_school(merge(tx, schools=found.numbers, absent=roster.absent, at=now))
    times, sealed = to_invite(tx, most=MOST_LISTED)
    outcome.noted.counts["teachers to invite"] += times
    opened = keyring.current().open
    outcome.to_invite = [opened(name, context="account.name").decode() for name in sealed]


def _note_done(tx: Transaction, found: Places, outcome: Outcome, watched: int | None) -> None:
    for school in found.numbers:
        counts: Mapping[str, int] = outcome.schools.get(school, {})
        record(tx, "rosters.import", school_id=school, counts=dict(counts))
        events.publish(
            tx,
            RosterImported(
                school_id=school,
                students_new=counts.get("students new", 0),
                students_changed=counts.get("students changed", 0),
                classes_new=counts.get("classes new", 0),
                enrollments_new=counts.get("enrollments new", 0),
                enrollments_ended=counts.get("enrollments ended", 0),
            ),
        )
    now = clock.now()
    if watched is None:
        tx.execute(
            insert(RosterImport).values(
                school_id=found.school_id,
                district_id=found.district_id,
                source=ImportSource.COMMAND,
                state=ImportState.DONE,
                created_at=now,
                finished_at=now,
                done=outcome.noted.lines,
                report=outcome.sealed(),
            )
        )
    else:
        _finish(tx, watched, ImportState.DONE, outcome)


def _read_and_import(
    principal: Principal | Credential,
    target: Target,
    content: bytes,
    report: Report,
    tick: Tick,
    number: int,
) -> Outcome:
    try:
        with open_package(io.BytesIO(content), report) as package:
            return import_roster(
                principal=principal,
                target=target,
                roster=read_set(package, report),
                report=report,
                tick=tick,
                watched=number,
            )
    except PackageRefused as refused:
        report.error(PACKAGE, refused.sentence, refused.remedy)
        return Outcome(report)


def _watching(principal: Principal | Credential, number: int, tick: Tick) -> Tick:
    """Progress in transactions of their own, so that it can be seen before the import's ends."""
    last = clock.now()

    def told(lines: int) -> None:
        nonlocal last
        tick(lines)
        if (clock.now() - last).total_seconds() >= 1:
            last = clock.now()
            with transaction(principal) as tx:
                _set(tx, number, state=ImportState.IMPORTING, done=lines)

    return told


def _leads(tx: Transaction, target: Target) -> tuple[int | None, int | None]:
    if target.school is not None:
        return find(tx, School, target.school, permission=ROSTERS_IMPORT).id, None
    district = queries.led_district(tx, public_id=target.district or "")
    if district is None:
        raise NotFound
    return None, district


def _keep(tx: Transaction, number: int, content: Iterable[bytes]) -> None:
    stored, place, size = bytearray(), 0, 0
    for piece in (*content, b""):
        stored += piece
        size += len(piece)
        if size > LARGEST_UPLOAD:
            raise Rejected(file=f"The set is larger than {LARGEST_UPLOAD >> 20} MB. Split it by school.")
        while len(stored) >= PIECE or (not piece and stored):
            chunk = bytes(stored[:PIECE])
            del stored[:PIECE]
            tx.execute(insert(RosterUpload).values(import_id=number, number=place, content=chunk))
            place += 1


def _set(tx: Transaction, number: int, **values: Any) -> None:
    tx.execute(
        update(RosterImport)
        .where(RosterImport.id == number)
        .values(**values)
        .execution_options(synchronize_session=False)
    )


def _end(principal: Principal | Credential, number: int, state: ImportState, outcome: Outcome) -> None:
    with transaction(principal) as tx:
        _finish(tx, number, state, outcome)
        record(tx, f"rosters.{state}", number=number)


def _finish(tx: Transaction, number: int, state: ImportState, outcome: Outcome) -> None:
    """End an import: forget the upload, keep the report, tell whoever asked."""
    earlier = tx.scalar(select(RosterImport.report).where(RosterImport.id == number))
    report = outcome.sealed()
    if earlier:
        report = _joined(earlier, report)
    _set(tx, number, state=state, finished_at=clock.now(), done=outcome.noted.lines, report=report)
    tx.execute(delete(RosterUpload).where(RosterUpload.import_id == number))
    asked = tx.execute(
        select(Account, RosterImport.public_id, RosterImport.school_id)
        .join(RosterImport, RosterImport.asked_by == Account.id)
        .where(RosterImport.id == number)
    ).first()
    if asked is not None:
        account, public_id, school_id = asked
        outbox.post(
            tx,
            IMPORT_FINISHED,
            to=Recipient(account.id, account.email, account.name, account.language),
            parameters=ImportFinished(public_id, str(state), _numbers(outcome.counts)),
            school_id=school_id,
        )


def _joined(earlier: dict[str, Any], report: dict[str, Any]) -> dict[str, Any]:
    """What was found while the upload was reduced comes first, with what was dropped then."""
    dropped = {**report["dropped"], **earlier["dropped"]}
    first: Sequence[Any] = [each for each in earlier["problems"] if each not in report["problems"]]
    return {**report, "dropped": dropped, "problems": [*first, *report["problems"]]}


def _numbers(counts: dict[str, int]) -> tuple[tuple[str, int], ...]:
    return tuple(counts.items())
