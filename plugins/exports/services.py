"""Asking for an export, making it, fetching it, and destroying its file."""

import base64
import hmac
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, BinaryIO, cast

from sqlalchemy import case, insert, null, select, update

from backoffice import clock
from backoffice.access.lookup import NotFound, find
from backoffice.access.policy import Denied, require
from backoffice.access.principal import Credential, Principal, SessionEnded
from backoffice.access.transaction import Transaction, snapshot, transaction
from backoffice.accounts import passwords
from backoffice.accounts.errands import reading_for
from backoffice.accounts.models import Account
from backoffice.accounts.services import proof
from backoffice.audit.trail import record, record_each
from backoffice.jobs import queue
from backoffice.language.texts import lazy
from backoffice.outbox import services as outbox
from backoffice.outbox.mail import Mail, Recipient
from backoffice.privacy.holdings import Subject
from backoffice.problems import Rejected
from backoffice.storage import keyring
from backoffice.storage.keyring import KeyPurpose
from backoffice.storage.public_id import PublicId, is_public_id, new_public_id
from plugins.exports import queries, settings
from plugins.exports.content import Manifest, Scope, write_archive
from plugins.exports.content.locking import LockedWriter, opened_by
from plugins.exports.content.rows import NothingThere, classrooms_in
from plugins.exports.content.sealing import PieceWriter, SealedWriter, new_key, open_sealed
from plugins.exports.mails import EXPORT_DOWNLOADED, EXPORT_READY, ExportDownloaded, ExportReady
from plugins.exports.models import UNDER_WAY, DestroyedFor, Export, ExportState
from plugins.exports.permissions import EXPORTS_MAKE
from plugins.exports.settings import ExportsSettings

MAKE, DESTROY = "exports.make", "exports.destroy"
# So long a download that broke off can be gone on with, without counting as another.
GOES_ON = timedelta(hours=1)
# What is not made by then is given up.
GIVEN_UP = timedelta(days=1)
# So many are woken at once when somebody's turn comes.
MOST_WOKEN = 50
# So often it is said how far it is, and looked whether it is still wanted.
LOOK_EVERY = timedelta(seconds=1)
MOST_WAITING = 20

Told = Callable[[int], None]
GONE = lazy("This export cannot be fetched any more: its file is destroyed. Ask for a new one.")
OVER = lazy("This export is over already.")
TOO_MANY = lazy("So many of your exports wait already that you have to wait for them first.")


class _NotWanted(Exception):
    """Somebody gave it up, or somebody in it was erased, while it was made."""


class _NoLonger(Exception):
    """Whoever asked may not take it along any more."""


class WrongLink(Exception):
    """The signed part of the address is not the one by which this file is fetched."""


class OutOfRange(Exception):
    """A part was asked for that the file does not have; `size` is how many bytes it has."""

    def __init__(self, size: int) -> None:
        super().__init__("The file has no such part.")
        self.size = size


@dataclass(frozen=True)
class Wanted:
    """What of a file is asked for: from the first byte up to before `stop`, as `Range` says it.

    A negative `start` counts from the end. `whole` where nothing was said.
    """

    start: int = 0
    stop: int | None = None
    whole: bool = True

    def within(self, size: int) -> tuple[int, int]:
        """From which byte up to before which one. Raises `OutOfRange`."""
        start = max(size + self.start, 0) if self.start < 0 else self.start
        stop = size if self.stop is None else min(self.stop, size)
        if start >= stop:
            raise OutOfRange(size)
        return start, stop


@dataclass(frozen=True)
class Part:
    """What may be sent of a file: where it lies, how many bytes it has, and which of them.

    `whole` where no part was asked for, `locked` if only a passphrase opens it.
    """

    path: Path
    key: bytes = field(repr=False)
    size: int
    start: int
    stop: int
    whole: bool
    locked: bool


# ------------------------------------------------------------------------------------- asking


def ask(
    *,
    principal: Principal,
    subject: Subject,
    public_id: str,
    for_family: bool = False,
    workbooks: bool = False,
    passphrase: str = "",
    with_rooms: bool = False,
) -> PublicId:
    """Have an export made of what the principal may take along; its public identifier.

    `for_family` is of an own child, as a parent sees it; `with_rooms` of an own account with every class that
    its owner teaches and may take along; `workbooks` has Excel workbooks too. With a `passphrase` the file
    opens with that alone; it is sealed until the file is made, and kept by nobody then. Raises `NotFound`,
    `Denied`, `Rejected`.
    """
    made = new_public_id()
    with transaction(principal) as tx:
        where = _where(tx, subject, public_id, for_family=for_family)
        if len(_own_under_way(tx)) >= MOST_WAITING:
            raise Rejected.whole(TOO_MANY)
        _check(tx, passphrase)
        number = tx.take_id(Export)
        tx.execute(
            insert(Export).values(
                id=number,
                public_id=made,
                asked_by=tx.principal.account_id,
                subject=subject,
                for_family=for_family,
                workbooks=workbooks,
                locked=bool(passphrase),
                passphrase=passphrase or None,
                state=ExportState.QUEUED,
                asked_at=clock.now(),
                done=0,
                downloads=0,
                gone_on=0,
                rooms=queries.own_rooms(tx) if with_rooms and subject is Subject.ACCOUNT else null(),
                **where,
            )
        )
        queue.defer(tx, MAKE, number=number)
        about = {"subject": str(subject), "family": for_family, "rooms": with_rooms}
        _record(tx, "exports.ask", where, number=number, **about)
    return made


def cancel(*, principal: Principal, export: str) -> None:
    """Give up an own export that is still to be made. Raises `Rejected`, `NotFound`."""
    with transaction(principal) as tx:
        row = _own(tx, export)
        given_up = tx.execute(
            update(Export)
            .where(Export.id == row.id, Export.state.in_(UNDER_WAY))
            .values(
                state=ExportState.CANCELLED,
                file=null(),
                file_key=null(),
                passphrase=null(),
                ended_at=clock.now(),
            )
            .returning(Export.id)
            .execution_options(synchronize_session=False)
        ).all()
        if not given_up:
            raise Rejected.whole(OVER)
        _wake_up(tx)
        record(tx, "exports.cancel", school_id=_trail_of(row), number=row.id)


def _check(tx: Transaction, passphrase: str) -> None:
    """Refuse a passphrase that guessers would try early: they can try for as long as they like."""
    me = tx.get_one(Account, tx.principal.account_id)
    if passphrase and (problem := passwords.problem_of(passphrase, me.name, me.email)):
        raise Rejected(passphrase=problem)


def _own_under_way(tx: Transaction) -> list[int]:
    mine = select(Export.id).where(Export.asked_by == tx.principal.account_id, Export.state.in_(UNDER_WAY))
    return list(tx.scalars(mine))


def _where(tx: Transaction, subject: Subject, public_id: str, *, for_family: bool) -> dict[str, Any]:
    """The columns that say of what it is, once it is certain that the principal may take that along."""
    if subject is Subject.ACCOUNT:
        if tx.principal.account_public_id != public_id or tx.principal.account_id is None:
            raise NotFound
        return {}
    if subject is Subject.DISTRICT:
        require(tx.principal, EXPORTS_MAKE)
        district = queries.led_district(tx, public_id=public_id)
        if district is None:
            raise NotFound
        return {"district_id": district}
    if for_family and subject is not Subject.STUDENT:
        raise NotFound
    right = queries.needed(subject, for_family=for_family)
    thing = find(tx, queries.MODELS[subject], public_id, permission=right)
    if subject is Subject.SCHOOL:
        return {"school_id": thing.id}
    return {"school_id": thing.school_id, f"{subject}_id": thing.id}


def _own(tx: Transaction, export: str) -> Export:
    row = find(tx, Export, export)
    if row.asked_by != tx.principal.account_id:
        # Leaders see that it was made, and no more.
        raise NotFound
    return row


def _record(tx: Transaction, verb: str, where: dict[str, Any], **detail: Any) -> None:
    about = {
        "student": where.get("student_id"),
        "classroom": where.get("classroom_id"),
        "district": where.get("district_id"),
    }
    named = {name: number for name, number in about.items() if number is not None}
    # What parents take along is no school's to know.
    school = None if detail.get("family") else where.get("school_id")
    record(tx, verb, school_id=school, **named, **detail)


def _trail_of(row: Export) -> int | None:
    """The school in whose trail it stands. What parents take along is no school's to know."""
    return None if row.for_family else row.school_id


# ------------------------------------------------------------------------------------- making


def make(
    *,
    principal: Principal | Credential,
    number: int,
    folder: Path,
    told: Told = lambda _rows: None,
    last: bool = False,
) -> ExportState | None:
    """Make an export; what it is then, or None if it was over already. One that has no turn yet waits on.

    Runs as the system. Killed in the middle, it is made anew from the beginning by the next attempt. Raises
    whatever goes wrong with us, after the half file is gone; if this was the `last` attempt, it has failed.
    """
    taken = _take_up(principal, number, folder)
    if not isinstance(taken, _Making):
        return taken
    try:
        return _write(principal, taken, folder, told)
    except _NotWanted:
        return None
    except (_NoLonger, SessionEnded, NothingThere):
        with transaction(principal) as tx:
            _end(tx, number, ExportState.FAILED)
        return ExportState.FAILED
    except BaseException:
        if last:
            with transaction(principal) as tx:
                _end(tx, number, ExportState.FAILED)
        raise
    finally:
        _remove_unless_ready(principal, taken, folder)


@dataclass(frozen=True)
class _Held:
    """As of when its rows were read, which is one moment for all; and the classes of an account's."""

    at: datetime
    classrooms: list[int] | None


@dataclass(frozen=True)
class _Making:
    row: Export
    file: str
    key: bytes = field(repr=False)
    scope: Scope
    passphrase: str | None = field(repr=False)


def _take_up(principal: Principal | Credential, number: int, folder: Path) -> "_Making | ExportState | None":
    """Give an export its turn, if it has one."""
    with transaction(principal) as tx:
        under_way = queries.locked_under_way(tx)
        row = under_way.get(number)
        if row is None:
            return None
        if row.state == ExportState.QUEUED and not queries.has_turn(
            row, under_way.values(), settings.current(tx)
        ):
            return ExportState.QUEUED
        if row.file is not None:
            # Of an attempt whose worker was killed.
            (folder / row.file).unlink(missing_ok=True)
        file, key = new_public_id(), new_key()
        row.state, row.file, row.file_key = ExportState.MAKING, file, key
        row.started_at, row.done = clock.now(), 0
        # Those after it may have been told to wait for it.
        _wake(tx, row)
        passphrase = tx.scalars(select(Export.passphrase).where(Export.id == number)).one()
        return _Making(row, file, key, queries.scope_of(tx, row), passphrase)


def _write(principal: Principal | Credential, making: _Making, folder: Path, told: Told) -> ExportState:
    """Write what whoever asked may see now: the database narrows what is read here as on their pages."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path, row = folder / making.file, making.row
    with (
        reading_for(principal, account=row.asked_by, asked_at=row.asked_at) as tx,
        path.open("wb") as file,
        SealedWriter(file, making.key) as sealed,
        _locked(making, sealed) as to,
    ):
        scope = queries.taken_by(tx, row, making.scope)
        if scope is None:
            raise _NoLonger
        held = _Held(clock.now(), classrooms_in(tx, scope) if scope.subject is Subject.ACCOUNT else None)
        # A sink is all that it needs of a file: what is written is sealed, and cannot be gone back to.
        sink = cast("BinaryIO", to)
        watch = _watching(principal, making, told)
        manifest = write_archive(tx, scope, sink, workbooks=row.workbooks, told=watch)
    with open_sealed(path, making.key) as made:
        size = made.size
    with transaction(principal) as tx:
        _ready(tx, making, scope, manifest, size, held)
    return ExportState.READY


def _locked(making: _Making, to: SealedWriter) -> AbstractContextManager[PieceWriter]:
    """What is written to, so that a passphrase opens it if one was given."""
    return LockedWriter(to, making.passphrase) if making.passphrase else nullcontext(to)


def _watching(principal: Principal | Credential, making: _Making, told: Told) -> Told:
    """Progress in transactions of their own; raises `_NotWanted` once it is somebody else's to make."""
    looked: datetime | None = None

    def watch(rows: int) -> None:
        nonlocal looked
        told(rows)
        now = clock.now()
        if looked is None or now - looked >= LOOK_EVERY:
            looked = now
            with transaction(principal) as tx:
                _set(tx, making, done=rows)

    return watch


def _ready(
    tx: Transaction, making: _Making, scope: Scope, manifest: Manifest, size: int, held: _Held
) -> None:
    limits, now = settings.current(tx), clock.now()
    _set(
        tx,
        making,
        state=ExportState.READY,
        passphrase=null(),
        ready_at=now,
        size=size,
        done=manifest.rows,
        counts=dict(manifest.counts),
        rooms=null() if making.row.rooms is None else list(scope.rooms),
    )
    row = tx.get_one(Export, making.row.id)
    command = opened_by(row.public_id) if row.locked else ""
    _tell(tx, row, EXPORT_READY, ExportReady(now + limits.kept, limits.downloads, command))
    _record_ready(tx, row, held)
    _wake(tx, row)


def _record_ready(tx: Transaction, row: Export, held: _Held) -> None:
    """Note of what it is, to be found by its public identifier: a lost file has that in its name.

    What it held is noted as it was then: whoever asks after months finds other classes and other children.
    """
    about: dict[str, Any] = {"subject": row.subject, "family": row.for_family, "rooms": row.rooms is not None}
    if row.subject == Subject.ACCOUNT or row.for_family:
        about["account"] = row.asked_by
    if row.for_family:
        # The trail names no school then.
        about["of_school"] = row.school_id
    named = ("student", "classroom", "district")
    about |= {name: number for name in named if (number := getattr(row, f"{name}_id")) is not None}
    if held.classrooms is not None:
        about["classrooms"] = held.classrooms
    begun = row.started_at or held.at
    times = {"begun": begun.isoformat(), "read": held.at.isoformat()}
    detail = {"number": row.id, **times, **about}
    record_each(tx, "exports.ready", [(_trail_of(row), detail)], found_by=row.public_id)


def _set(tx: Transaction, making: _Making, **values: Any) -> None:
    """Change an export that is being made, as long as this is the file that is wanted."""
    wanted = tx.execute(
        update(Export)
        .where(Export.id == making.row.id, Export.state == ExportState.MAKING, Export.file == making.file)
        .values(**values)
        .returning(Export.id)
        .execution_options(synchronize_session=False)
    ).all()
    if not wanted:
        raise _NotWanted


def _end(tx: Transaction, number: int, state: ExportState) -> None:
    row = tx.get(Export, number)
    if row is not None and row.state in UNDER_WAY:
        row.state, row.ended_at = state, clock.now()
        row.file = row.file_key = row.passphrase = None
        tx.flush()
        record(tx, f"exports.{state}", school_id=_trail_of(row), number=number)
        _wake(tx, row)


def _remove_unless_ready(principal: Principal | Credential, making: _Making, folder: Path) -> None:
    with transaction(principal) as tx:
        ready = Export.state == ExportState.READY
        kept = tx.scalar(select(Export.id).where(Export.file == making.file, ready))
    if kept is None:
        (folder / making.file).unlink(missing_ok=True)


def _wake(tx: Transaction, row: Export) -> None:
    """Have those tried again that waited for this one to begin or end."""
    for number in queries.next_after(tx, row, job=MAKE, most=MOST_WOKEN):
        queue.defer(tx, MAKE, number=number)


def _wake_up(tx: Transaction) -> None:
    """The same by whoever sees own ones only: a worker looks who waits."""
    queue.defer(tx, DESTROY)


def _tell(tx: Transaction, row: Export, mail: Mail, parameters: Any) -> None:
    account = tx.get_one(Account, row.asked_by)
    outbox.post(
        tx,
        mail,
        to=Recipient(account.id, account.email, account.name, account.language),
        parameters=parameters,
        school_id=_trail_of(row),
    )


# ------------------------------------------------------------------------------------- fetching


def link_of(row: Export) -> str:
    """The signed part of the address by which whoever asked fetches it."""
    said = f"exports.file {row.public_id} {row.asked_by} {row.file}"
    digest = keyring.current().digest(KeyPurpose.TOKEN, said.encode())
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def look(*, principal: Principal, export: str, link: str, wanted: Wanted | None = None, folder: Path) -> Part:
    """What would be sent of an own export. Counts nothing. Raises as `fetch` does."""
    with transaction(principal) as tx:
        proof.demand(tx)
        row, limits = _fetchable(tx, export, link), settings.current(tx)
        part = _part(tx, row, wanted or Wanted(), folder)
        if row.downloads >= limits.downloads and not (_is_fresh(row) and _left_to_go_on(row) > 0):
            raise Rejected.whole(GONE)
        return part


def fetch(*, principal: Principal, export: str, link: str, wanted: Wanted, folder: Path) -> Part:
    """Let an own export be downloaded, or a download go on that broke off; what is sent.

    A download is counted, told by mail and noted; to go on with it is not counted again, as long as no more
    than the size of the file goes out so for each download that counted. Raises `Rejected` when it is over,
    `WrongLink`, `OutOfRange`, `NotFound`, `Denied` once the right to it is lost, and `ProofNeeded`.
    """
    with transaction(principal) as tx:
        proof.demand(tx)
        row, limits = _fetchable(tx, export, link), settings.current(tx)
        part = _part(tx, row, wanted, folder)
        if _goes_on(tx, row, part):
            record(tx, "exports.go-on", school_id=_trail_of(row), number=row.id)
            return part
        left = _count(tx, row, limits)
        _tell(tx, row, EXPORT_DOWNLOADED, ExportDownloaded(clock.now(), left))
        record(tx, "exports.download", school_id=_trail_of(row), number=row.id)
        return part


def _fetchable(tx: Transaction, export: str, link: str) -> Export:
    row = _own(tx, export)
    if row.state in UNDER_WAY:
        # There is no link yet.
        raise WrongLink
    if row.file is not None and not hmac.compare_digest(link_of(row).encode(), link.encode()):
        raise WrongLink
    if row.state != ExportState.READY or row.ready_at is None:
        raise Rejected.whole(GONE)
    if clock.now() >= row.ready_at + settings.current(tx).kept:
        raise Rejected.whole(GONE)
    if not queries.may_take(tx, row):
        raise Denied
    return row


def _part(tx: Transaction, row: Export, wanted: Wanted, folder: Path) -> Part:
    path, key = folder / str(row.file), queries.file_key(tx, row)
    if key is None or not path.is_file():
        raise Rejected.whole(GONE)
    size = row.size or 0
    start, stop = wanted.within(size)
    return Part(path, key, size, start, stop, wanted.whole, row.locked)


def _is_fresh(row: Export) -> bool:
    return row.fetched_at is not None and clock.now() < row.fetched_at + GOES_ON


def _left_to_go_on(row: Export) -> int:
    """How many bytes can still be sent without a download that counts."""
    return row.downloads * (row.size or 0) - row.gone_on


def _goes_on(tx: Transaction, row: Export, part: Part) -> bool:
    """Whether a part is of a download that broke off; then its bytes are counted instead."""
    if part.start == 0 or not _is_fresh(row):
        return False
    length = part.stop - part.start
    counted = tx.execute(
        update(Export)
        .where(
            Export.id == row.id,
            Export.state == ExportState.READY,
            Export.file == row.file,
            Export.gone_on + length <= Export.downloads * Export.size,
        )
        .values(gone_on=Export.gone_on + length)
        .returning(Export.id)
        .execution_options(synchronize_session=False)
    ).all()
    return bool(counted)


def _count(tx: Transaction, row: Export, limits: ExportsSettings) -> int:
    """Count a download, if one is left; how many are then."""
    counted = tx.scalars(
        update(Export)
        .where(
            Export.id == row.id,
            Export.state == ExportState.READY,
            Export.file == row.file,
            Export.downloads < limits.downloads,
        )
        .values(downloads=Export.downloads + 1, fetched_at=clock.now())
        .returning(Export.downloads)
        .execution_options(synchronize_session=False)
    ).one_or_none()
    if counted is None:
        raise Rejected.whole(GONE)
    return limits.downloads - counted


# ------------------------------------------------------------------------------------- destroying


def destroy(*, principal: Principal | Credential, folder: Path) -> dict[str, int]:
    """Destroy the files that are not to be there any more, and say of each when; give up what got stuck.

    Runs as the system, and can be repeated: a file is to be there only while its export is made or ready.
    """
    with transaction(principal) as tx:
        spent = _end_spent(tx)
        stuck = _give_up(tx)
        for number in queries.waiting(tx, job=MAKE, most=MOST_WOKEN):
            queue.defer(tx, MAKE, number=number)
    # First what lies there, then what is to: a file begun in between is not taken for one too many.
    found = [path for path in folder.iterdir() if is_public_id(path.name)] if folder.is_dir() else []
    with transaction(principal) as tx:
        wanted = queries.files(tx)
        told = tx.scalars(_not_told()).all()
    gone = [path for path in found if path.name not in wanted]
    for path in gone:
        path.unlink(missing_ok=True)
    with transaction(principal) as tx:
        if told:
            tx.execute(
                update(Export)
                .where(Export.id.in_(told), Export.destroyed_at.is_(None))
                .values(destroyed_at=clock.now())
                .execution_options(synchronize_session=False)
            )
            record(tx, "exports.destroy", numbers=sorted(told))
    return {"files destroyed": len(gone), "exports over": spent, "exports given up": stuck}


def _not_told() -> Any:
    return select(Export.id).where(Export.state == ExportState.DESTROYED, Export.destroyed_at.is_(None))


def _end_spent(tx: Transaction) -> int:
    now = clock.now()
    limits = settings.current(tx)
    over = queries.is_over(limits, at=now)
    why = case((over, DestroyedFor.TIME.value), else_=DestroyedFor.FETCHED.value)
    ended = tx.scalars(
        update(Export)
        .where(queries.spent(limits, at=now, fetching=now - GOES_ON))
        .values(state=ExportState.DESTROYED, file=null(), file_key=null(), destroyed_for=why)
        .returning(Export.id)
        .execution_options(synchronize_session=False)
    ).all()
    return len(ended)


def _give_up(tx: Transaction) -> int:
    stuck = queries.stuck(job=MAKE, before=clock.now() - GIVEN_UP)
    numbers = tx.scalars(select(Export.id).where(stuck).with_for_update(skip_locked=True)).all()
    for number in numbers:
        _end(tx, number, ExportState.FAILED)
    return len(numbers)


# ------------------------------------------------------------------------------------- on the server


def create(
    *,
    principal: Credential,
    subject: Subject,
    public_id: str,
    to: BinaryIO,
    workbooks: bool = False,
    passphrase: str = "",
) -> Manifest:
    """Write an archive, for a command on the server: in the clear, or so that the passphrase opens it.

    Raises `NotFound`, and `Rejected` for a passphrase that guessers would try early.
    """
    if passphrase and (problem := passwords.problem_of(passphrase)):
        raise Rejected(passphrase=problem)
    with snapshot(principal) as tx:
        thing = find(tx, queries.MODELS[subject], public_id)
        with LockedWriter(to, passphrase) if passphrase else nullcontext(to) as sink:
            scope = Scope(subject, thing.id, public_id)
            manifest = write_archive(tx, scope, cast("BinaryIO", sink), workbooks=workbooks)
        school = thing.id if subject is Subject.SCHOOL else getattr(thing, "school_id", None)
    with transaction(principal) as tx:
        record(tx, "exports.create", school_id=school, subject=str(subject), rows=manifest.rows)
    return manifest
