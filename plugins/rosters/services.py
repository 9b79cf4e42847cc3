"""Importing a roster, and queueing one that somebody uploads."""

import hmac
import io
import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, delete, insert, null, select, update

from backoffice import clock, events
from backoffice.access.lookup import NotFound, find
from backoffice.access.policy import require
from backoffice.access.principal import Credential, Principal
from backoffice.access.transaction import Transaction, transaction
from backoffice.accounts.models import Account
from backoffice.accounts.services import proof
from backoffice.audit.trail import record
from backoffice.entitlements import Entitlement, beyond_limit
from backoffice.jobs import queue
from backoffice.language.texts import gettext, lazy
from backoffice.outbox import services as outbox
from backoffice.outbox.mail import Recipient
from backoffice.problems import Rejected
from backoffice.schools.models import School
from backoffice.storage import keyring
from backoffice.storage.public_id import PublicId, new_public_id
from plugins.rosters import queries
from plugins.rosters.events import RosterImported
from plugins.rosters.importing import places
from plugins.rosters.importing.alone.queries import left_alone
from plugins.rosters.importing.checking.queries import check, resolve
from plugins.rosters.importing.merge import merge
from plugins.rosters.importing.merging.queries import how_many, to_invite
from plugins.rosters.importing.outcome import Outcome
from plugins.rosters.importing.places import Places, Target
from plugins.rosters.importing.roster import MOST_LISTED, Roster
from plugins.rosters.importing.stage import Stager, Tick
from plugins.rosters.mails import IMPORT_FINISHED, ImportFinished
from plugins.rosters.models import ImportSource, ImportState, RosterImport, RosterUpload
from plugins.rosters.permissions import ROSTERS_IMPORT
from plugins.rosters.reading.oneroster import read_set
from plugins.rosters.reading.package import PACKAGE, REDUCED, PackageRefused, open_package
from plugins.rosters.reading.report import Report

IMPORT = "rosters.import"
PIECE = 1 << 20
LARGEST_UPLOAD = 64 << 20


NOT_ANY_MORE = (
    lazy("Whoever brought this roster in may not bring any in there any more."),
    lazy("Let somebody who leads the school or district bring it in."),
)

NOT_BROUGHT_IN = (
    lazy("Nobody brought this roster in after it was looked at, so it was deleted."),
    lazy("Upload it again, look at it, and bring it in."),
)
ERASED_MEANWHILE = (
    lazy("Somebody whom this roster may name was erased while it waited, so its files were deleted."),
    lazy("Take whoever was erased out of your system, then upload a new one."),
)
# What a plan can limit of what is counted as new.
LIMITED = {
    "classes new": (
        Entitlement.CLASSES,
        lazy("A school would have more classes than its plan holds, so nothing was brought in."),
    ),
    "students new": (
        Entitlement.STUDENTS,
        lazy("A school would have more students than its plan holds, so nothing was brought in."),
    ),
}
LARGER_PLAN = lazy("A leader of the school can choose a larger plan. Then upload the roster again.")
UNDER_WAY = lazy("This roster is being brought in already, or it is over.")
ANOTHER_BY_NOW = lazy("It would do something else by now than you were shown. Look at it again.")


class _Undone(Exception):
    """Ends the transaction without a trace: something is wrong, or it was a dry run."""


class _OverAlready(Exception):
    """Ends the transaction without a trace: somebody else has ended the import meanwhile."""


def import_roster(
    *,
    principal: Principal | Credential,
    target: Target,
    roster: Roster,
    report: Report,
    dry_run: bool = False,
    shown: Mapping[str, int] | None = None,
    tick: Tick = lambda _lines: None,
    watched: int | None = None,
) -> Outcome:
    """Import a roster into a school or a district: all of it or, if anything is wrong, nothing.

    Runs as the system. `report` is what the roster notes its own problems in; those of the whole are added.
    `shown` is what somebody was told that it would do: if it is something else by now, nothing is done.
    `tick` is told how many lines have been read. `watched` is the number of a `RosterImport` that ends with
    this one; without it one is written down. Raises `NoSuchPlace`.
    """
    outcome = Outcome(report, dry_run=dry_run)
    try:
        with transaction(principal) as tx:
            require(tx.principal, ROSTERS_IMPORT)
            found = places.locate(tx, target)
            _import(tx, found, roster, outcome, tick)
            outcome.otherwise = outcome.done and shown is not None and outcome.counts != dict(shown)
            _undo(unless=not outcome.otherwise)
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
    look_first: bool = False,
) -> PublicId:
    """Keep an uploaded set, sealed, until a worker imports it; returns the import's public identifier.

    `content` is a package as `open_package` takes it, reduced to what is taken. `report` has what reducing it
    dropped and found, `total` how many lines there are. With `look_first` it waits for `bring_in` once it is
    known what it would do. Raises `Rejected`, `NotFound`, `Denied`,
    `ProofNeeded`.
    """
    with transaction(principal) as tx:
        proof.demand(tx)
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
                look_first=look_first,
                asked_by=tx.principal.account_id,
                created_at=clock.now(),
                done=0,
                total=total,
                report=None if report is None else Outcome(report).public(),
            )
        )
        _keep(tx, number, content)
        queue.defer(tx, IMPORT, number=number)
        record(tx, "rosters.upload", school_id=school_id, number=number, district=district_id)
    return public_id


def digest_of(row: RosterImport) -> str:
    """What tells a page with what an import would do from one that shows another thing."""
    counts = json.dumps((row.report or {}).get("counts"), sort_keys=True)
    return keyring.current().blind_index(f"{row.public_id} {counts}", context="rosters.seen").hex()


def bring_in(*, principal: Principal, roster: str, seen: str) -> None:
    """Let a roster come in that was looked at, as the page of this digest showed it.

    Raises `Rejected`, `NotFound`, `Denied`, `ProofNeeded`.
    """
    with transaction(principal) as tx:
        proof.demand(tx)
        row = find(tx, RosterImport, roster, permission=ROSTERS_IMPORT)
        let_in = tx.execute(
            update(RosterImport)
            .where(RosterImport.id == row.id, RosterImport.state == ImportState.LOOKED)
            .values(state=ImportState.WAITING, look_first=False)
            .returning(RosterImport.id)
            .execution_options(synchronize_session=False)
        ).all()
        if not let_in:
            raise Rejected.whole(UNDER_WAY)
        # Read once more, now that nobody else can change it.
        tx.refresh(row, ["report"])
        if not hmac.compare_digest(digest_of(row).encode(), seen.encode()):
            raise Rejected.whole(ANOTHER_BY_NOW)
        queue.defer(tx, IMPORT, number=row.id)
        record(tx, "rosters.bring-in", school_id=row.school_id, number=row.id, district=row.district_id)


def run_upload(
    *, principal: Principal | Credential, number: int, tick: Tick, last: bool = False
) -> Outcome | None:
    """Import a set that was uploaded. None if that is over already.

    One that is to be looked at first is only tried, and waits. Can be run again after a worker was killed:
    the import and its end are one transaction. Refused if something is wrong with the files, failed if who
    asked may not any more. Raises whatever goes wrong with us; the import then waits for the next attempt,
    or has failed if this was the `last`.
    """
    try:
        return _run_upload(principal, number, tick)
    except _OverAlready:
        return None
    except Exception:
        if last:
            with transaction(principal) as tx:
                _end(tx, number, ImportState.FAILED, None)
        raise


def give_up(*, principal: Principal | Credential, before: datetime) -> int:
    """End imports that were asked for before a moment and are not over; how many they were.

    They are what nobody else ends: uploads that no worker took, or whose worker was killed at its last try.
    """
    with transaction(principal) as tx:
        numbers = queries.not_over(tx, before=before)
        for number in numbers:
            found = queries.waiting(tx, number=number)
            looked = found is not None and found.state == ImportState.LOOKED
            report = Report()
            if looked:
                report.error(PACKAGE, *NOT_BROUGHT_IN)
            # Who looked at it and left it has not to be told.
            _finish(tx, number, ImportState.FAILED, Outcome(report) if looked else None, tell=not looked)
        if numbers:
            record(tx, "rosters.give-up", numbers=numbers)
    return len(numbers)


def end_erased(*, principal: Principal | Credential) -> int:
    """End imports whose files went when somebody was erased, and tell who asked for them; how many."""
    with transaction(principal) as tx:
        numbers = queries.without_pieces(tx)
        for number in numbers:
            report = Report()
            report.error(PACKAGE, *ERASED_MEANWHILE)
            _end(tx, number, ImportState.REFUSED, Outcome(report))
    return len(numbers)


def forget_names(*, principal: Principal | Credential, before: datetime) -> int:
    """Take the names out of the reports of imports that were over before a moment; of how many."""
    with transaction(principal) as tx:
        return _forget_names(tx, RosterImport.finished_at < before)


def _forget_names(tx: Transaction, which: ColumnElement[bool]) -> int:
    forgotten = tx.scalars(
        update(RosterImport)
        .where(which, RosterImport.names.is_not(None))
        .values(names=null())
        .returning(RosterImport.id)
        .execution_options(synchronize_session=False)
    ).all()
    if forgotten:
        record(tx, "rosters.forget-names", numbers=sorted(forgotten))
    return len(forgotten)


def _run_upload(principal: Principal | Credential, number: int, tick: Tick) -> Outcome | None:
    report = Report()
    with transaction(principal) as tx:
        waiting = queries.waiting(tx, number=number)
        if waiting is None or waiting.state == ImportState.LOOKED:
            return None
        if not queries.may_still(tx, waiting):
            report.error(PACKAGE, *NOT_ANY_MORE)
            outcome = Outcome(report)
            _end(tx, number, ImportState.FAILED, outcome, tell=False)
            return outcome
        if not queries.hold_pieces(tx, number=number):
            report.error(PACKAGE, *ERASED_MEANWHILE)
            outcome = Outcome(report)
            _end(tx, number, ImportState.REFUSED, outcome)
            return outcome
        target = queries.target_of(tx, waiting)
        content = b"".join(
            tx.scalars(
                select(RosterUpload.content)
                .where(RosterUpload.import_id == number)
                .order_by(RosterUpload.number)
            )
        )
        _set(tx, number, state=ImportState.CHECKING, started_at=waiting.started_at or clock.now())
        look, before = waiting.look_first, waiting.report or {}
    seen: Mapping[str, int] | None = before.get("counts") if before.get("dry_run") and not look else None
    state = ImportState.CHECKING if look else ImportState.IMPORTING
    ticking = _watching(principal, number, tick, state)
    outcome = _read_and_import(
        principal, target, content, report, ticking, number, look_first=look, shown=seen
    )
    with transaction(principal) as tx:
        if not outcome.done:
            _end(tx, number, ImportState.REFUSED, outcome)
        elif look or outcome.otherwise:
            _looked(tx, number, outcome)
    return outcome


def _looked(tx: Transaction, number: int, outcome: Outcome) -> None:
    """Keep what an import would do, until somebody brings it in or a day has gone by."""
    found = queries.waiting(tx, number=number)
    if found is None:
        return
    public = {**outcome.public(), "dry_run": True, "otherwise": outcome.otherwise}
    _set(
        tx,
        number,
        state=ImportState.LOOKED,
        look_first=True,
        done=outcome.noted.lines,
        report=_joined(found.report, public),
        names=outcome.names,
    )
    _tell(tx, found, ImportState.LOOKED, outcome)


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
    _within_plans(tx, outcome)
    outcome.left_alone = left_alone(tx, most=MOST_LISTED)
    times, sealed = to_invite(tx, most=MOST_LISTED)
    outcome.noted.counts["teachers to invite"] += times
    outcome.read = how_many(tx)
    opened = keyring.current().open
    outcome.to_invite = [opened(name, context="account.name").decode() for name in sealed]


def _within_plans(tx: Transaction, outcome: Outcome) -> None:
    """Note which schools their plans have not room for; then nothing of the set comes in."""
    for school, counts in sorted(outcome.schools.items()):
        for what, (entitlement, sentence) in LIMITED.items():
            over = beyond_limit(tx, school_id=school, entitlement=entitlement, made=counts[what])
            if over:
                outcome.report.error(PACKAGE, sentence, LARGER_PLAN, times=over)


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
                report=outcome.public(),
                names=outcome.names,
            )
        )
    elif queries.waiting(tx, number=watched) is None:
        # Whoever asked has been told that nothing was changed.
        raise _OverAlready
    elif not queries.hold_pieces(tx, number=watched):
        # Somebody was erased since the files were read, and could be among those who have just come in.
        outcome.report.error(PACKAGE, *ERASED_MEANWHILE)
        raise _Undone
    else:
        _finish(tx, watched, ImportState.DONE, outcome)


def _read_and_import(
    principal: Principal | Credential,
    target: Target,
    content: bytes,
    report: Report,
    tick: Tick,
    number: int,
    *,
    look_first: bool,
    shown: Mapping[str, int] | None,
) -> Outcome:
    try:
        with open_package(io.BytesIO(content), report, limits=REDUCED) as package:
            return import_roster(
                principal=principal,
                target=target,
                roster=read_set(package, report),
                report=report,
                dry_run=look_first,
                shown=shown,
                tick=tick,
                watched=number,
            )
    except PackageRefused as refused:
        report.error(PACKAGE, refused.sentence, refused.remedy)
        return Outcome(report)


def _watching(principal: Principal | Credential, number: int, tick: Tick, state: ImportState) -> Tick:
    """Progress in transactions of their own, so that it can be seen before the import's ends."""
    last = clock.now()

    def told(lines: int) -> None:
        nonlocal last
        tick(lines)
        if (clock.now() - last).total_seconds() >= 1:
            last = clock.now()
            with transaction(principal) as tx:
                _set(tx, number, state=state, done=lines)

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
            most = LARGEST_UPLOAD >> 20
            raise Rejected(file=gettext("The set is larger than %(most)s MB. Split it by school.", most=most))
        while len(stored) >= PIECE or (not piece and stored):
            chunk = bytes(stored[:PIECE])
            del stored[:PIECE]
            tx.execute(insert(RosterUpload).values(import_id=number, number=place, content=chunk))
            place += 1


def _set(tx: Transaction, number: int, **values: Any) -> None:
    """Change an import that is not over."""
    tx.execute(
        update(RosterImport)
        .where(RosterImport.id == number, RosterImport.finished_at.is_(None))
        .values(**values)
        .execution_options(synchronize_session=False)
    )


def _end(
    tx: Transaction, number: int, state: ImportState, outcome: Outcome | None, *, tell: bool = True
) -> None:
    if _finish(tx, number, state, outcome, tell=tell):
        record(tx, f"rosters.{state}", number=number)


def _finish(
    tx: Transaction, number: int, state: ImportState, outcome: Outcome | None, *, tell: bool = True
) -> bool:
    """End an import: forget the upload, keep the report, tell whoever asked. False if it was over already.

    Without an outcome it has none, and the report stays at what the page found.
    """
    found = queries.waiting(tx, number=number)
    if found is None:
        return False
    values: dict[str, Any] = {"state": state, "finished_at": clock.now()}
    if outcome is not None:
        values |= {
            "done": outcome.noted.lines,
            "report": _joined(found.report, outcome.public()),
            "names": outcome.names,
        }
    _set(tx, number, **values)
    tx.execute(delete(RosterUpload).where(RosterUpload.import_id == number))
    if tell:
        _tell(tx, found, state, outcome)
    return True


def _tell(tx: Transaction, found: RosterImport, state: ImportState, outcome: Outcome | None) -> None:
    """Tell whoever asked how far the import is."""
    account = tx.get(Account, found.asked_by) if found.asked_by is not None else None
    if account is None:
        return
    counts = () if outcome is None else tuple(outcome.counts.items())
    outbox.post(
        tx,
        IMPORT_FINISHED,
        to=Recipient(account.id, account.email, account.name, account.language),
        parameters=ImportFinished(found.public_id, str(state), counts),
        school_id=found.school_id,
        subject=found.public_id,
    )


def _joined(earlier: dict[str, Any] | None, report: dict[str, Any]) -> dict[str, Any]:
    """What was found while the upload was reduced comes first, with what was dropped then.

    What both readings found is told and counted once.
    """
    if not earlier:
        return report
    counted = {_kind(each): each for each in (*earlier["problem_counts"], *report["problem_counts"])}
    first = [each for each in earlier["problems"] if each not in report["problems"]]
    return {
        **report,
        "dropped": {**report["dropped"], **earlier["dropped"]},
        "problems": [*first, *report["problems"]],
        "problem_counts": list(counted.values()),
    }


def _kind(counted: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(counted[key] for key in ("severity", "file", "column", "sentence"))
