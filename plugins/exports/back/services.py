"""Bringing an export back into a school: looked at first, then done, or not at all."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import insert, select

from backoffice import clock
from backoffice.access.lookup import find
from backoffice.access.permissions import CLASSROOMS_CREATE
from backoffice.access.policy import visible
from backoffice.access.principal import Credential, Principal
from backoffice.access.transaction import Transaction, transaction
from backoffice.audit.trail import record
from backoffice.entitlements import Entitlement, no_room, require_room
from backoffice.language.moments import amount
from backoffice.language.texts import lazy, ngettext
from backoffice.privacy.erasure.plan import OWN
from backoffice.privacy.holdings import Subject
from backoffice.problems import Rejected
from backoffice.schools.models import Classroom, Membership, School, SchoolKind, Student
from backoffice.storage import about, functions, keyring
from plugins.exports.back.fields import Staying, fit, hold
from plugins.exports.back.looking import Content, Most, look_through
from plugins.exports.back.reading import Archive
from plugins.exports.back.writing import Writing, parts
from plugins.exports.models import Intake

# By a page, where others wait meanwhile; the database notes each new child until the end of the transaction.
BY_PAGE = Most(rows=50_000, students=5_000)
BY_COMMAND = Most()
_AT_ONCE = 5_000

DONE = lazy("This was brought in already, when you sent the page before.")
BEFORE = lazy("This export was brought in before. What it has would be there twice.")


@dataclass(frozen=True)
class Doubts:
    """Why an archive comes in only if that is said aloud, as numbers of classes and students."""

    erased: int = 0
    here: int = 0
    before: bool = False

    def __bool__(self) -> bool:
        return bool(self.erased or self.here or self.before)

    @property
    def sentences(self) -> list[str]:
        """What is to be known, and quotes nothing of the archive."""
        said = []
        if self.erased:
            said.append(
                ngettext(
                    "%(count)s class or student of this export was deleted here for good, and that stays so."
                    " If it is to be there again, say that it is to be created anew.",
                    "%(count)s classes and students of this export were deleted here for good, and that stays"
                    " so. If they are to be there again, say that they are to be created anew.",
                    self.erased,
                    count=amount(self.erased),
                )
            )
        if self.here:
            said.append(
                ngettext(
                    "%(count)s class or student of this export is still in this school."
                    " It would be there twice.",
                    "%(count)s classes and students of this export are still in this school."
                    " They would be there twice.",
                    self.here,
                    count=amount(self.here),
                )
            )
        if self.before:
            said.append(str(BEFORE))
        return said


class ToBeSaid(Exception):
    """It comes in only if whoever brings it says that it is to be created anew. Nothing has been changed."""

    def __init__(self, doubts: Doubts) -> None:
        super().__init__("It is to be said that this is created anew.")
        self.doubts = doubts


@dataclass(frozen=True)
class Looked:
    """What would come in: how many rows of each kind, what is left out, and what is to be said for it.

    `without` are kinds of which nothing comes in, and `staying` fields and values that find no place. `full`
    are the sentences why the school has not room for it.
    """

    counts: dict[str, int]
    without: tuple[str, ...]
    staying: tuple[Staying, ...]
    doubts: Doubts
    full: tuple[str, ...] = ()


@dataclass(frozen=True)
class Came:
    """What came in: how many rows of each kind. `staying` are fields and values that found no place."""

    counts: dict[str, int]
    staying: tuple[Staying, ...]


def preview(*, principal: Principal, school: str, archive: Archive) -> Looked:
    """What `bring_in` would do. Changes nothing. Raises `Unusable`, `NotFound`."""
    content = look_through(archive, BY_PAGE)
    with transaction(principal) as tx:
        place = find(tx, School, school, permission=CLASSROOMS_CREATE)
        fitted = fit(tx, place, content, clock.now())
        full = tuple(
            found.in_words
            for entitlement, wanted in _new(content).items()
            if (found := no_room(tx, school_id=place.id, entitlement=entitlement, wanted=wanted))
        )
        doubts = _doubts(tx, place, archive, content)
        return Looked(content.counts, archive.without, fitted.staying, doubts, full)


def bring_in(
    *,
    principal: Principal | Credential,
    school: str,
    archive: Archive,
    form: str,
    anew: bool = False,
    most: Most = BY_PAGE,
) -> Came:
    """Make the classes of an archive in a school, with their students and points.

    What is written in fields of a school's own goes into fields of the same name, which are made where the
    principal may make them and nothing is to be said for them; what finds no field stays out.

    Everything gets identifiers of its own, so that what was erased stays erased whatever is restored. The
    classes belong to the principal, or, made by the system, to the own teacher of a personal school. `form`
    is the one-time UUID of the page: sent twice, it comes in once. One transaction. Raises `Unusable`,
    `ToBeSaid` unless `anew`, `Rejected`, `LimitReached`, `NotFound`.
    """
    content, now = look_through(archive, most), clock.now()
    with transaction(principal) as tx:
        place = find(tx, School, school, permission=CLASSROOMS_CREATE)
        # Whoever sends one page twice finds at the second time what came of the first.
        functions.lock_new_classes(tx, school_id=place.id)
        tx.enter_again()
        place = find(tx, School, school, permission=CLASSROOMS_CREATE)
        sent = select(Intake.id).where(Intake.school_id == place.id, Intake.form == form)
        if tx.scalar(sent) is not None:
            raise Rejected.whole(DONE)
        doubts = _doubts(tx, place, archive, content)
        if doubts and not anew:
            raise ToBeSaid(doubts)
        hold(tx, place, content)
        fitted = fit(tx, place, content, now)
        for entitlement, wanted in _new(content).items():
            require_room(tx, school_id=place.id, entitlement=entitlement, wanted=wanted)
        account = tx.principal.account_id
        owner = account if account is not None else _own_teacher(tx, place)
        rooms = Writing(tx, place, owner, account, now).write(archive, content, fitted.keys)
        tx.execute(
            insert(Intake).values(
                id=tx.take_id(Intake),
                school_id=place.id,
                mark=_mark(archive),
                form=form,
                taken_by=account,
                taken_at=now,
            )
        )
        record(
            tx,
            "exports.import",
            school_id=place.id,
            classrooms=rooms,
            count=len(content.students),
            rows=content.rows,
            anew=anew,
            erased=doubts.erased,
        )
    return Came(content.counts, fitted.staying)


def _new(content: Content) -> dict[Entitlement, int]:
    """How many there would be more of what a plan can limit."""
    live = sum(row["archived_at"] is None for row in content.rooms.values())
    return {Entitlement.CLASSES: live, Entitlement.STUDENTS: len(content.students)}


def _doubts(tx: Transaction, place: School, archive: Archive, content: Content) -> Doubts:
    marks = [
        *(about.erased(str(Subject.CLASSROOM), each) for each in content.rooms),
        *(about.erased(str(Subject.STUDENT), each) for each in content.students),
    ]
    erased = sum(len(functions.erased_among(tx, marks=some)) for some in parts(marks, _AT_ONCE))
    here = _here(tx, place, Classroom, content.rooms) + _here(tx, place, Student, content.students)
    before = select(Intake.id).where(Intake.school_id == place.id, Intake.mark == _mark(archive)).limit(1)
    return Doubts(erased, here, tx.scalar(before) is not None)


def _here(tx: Transaction, place: School, model: Any, public_ids: Iterable[str]) -> int:
    """How many of these the principal sees in the school."""
    known = (
        select(model.id).where(model.school_id == place.id, model.public_id.in_(some))
        for some in parts(public_ids, _AT_ONCE)
    )
    return sum(len(tx.scalars(visible(tx.principal, each)).all()) for each in known)


def _mark(archive: Archive) -> UUID:
    return UUID(bytes=keyring.current().blind_index(archive.mark, context="exports.intake.mark"))


def _own_teacher(tx: Transaction, place: School) -> int | None:
    """Whose a personal school is: a class there without an owner would be nobody's to see."""
    if place.kind != SchoolKind.PERSONAL:
        return None
    own = select(Membership.account_id).where(Membership.school_id == place.id, Membership.origin.in_(OWN))
    return tx.scalar(own.order_by(Membership.id).limit(1))
