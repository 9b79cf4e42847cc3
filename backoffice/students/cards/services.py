"""Personal cards: printing is issuing, and a card's secret is told once, to the printer."""

import secrets
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import uuid4

from sqlalchemy import insert, update

from backoffice import clock
from backoffice.access.lookup import NotFound, find
from backoffice.access.permissions import CARDS_ISSUE
from backoffice.access.principal import Nobody, Principal
from backoffice.access.transaction import Transaction, transaction
from backoffice.audit.trail import record
from backoffice.language.texts import lazy
from backoffice.problems import Rejected
from backoffice.schools import labels
from backoffice.schools.labels import Seat
from backoffice.schools.models import Classroom
from backoffice.settings import Sessions, Throttles
from backoffice.storage import about, functions, keyring
from backoffice.storage.functions import AnyRow, NewCardSession
from backoffice.storage.keyring import KeyPurpose
from backoffice.students.cards.models import StudentCard
from backoffice.students.pins import services as pins
from backoffice.students.pins.overrides import enrolled
from backoffice.students.pins.services import Held
from backoffice.students.services import Begun, sealed_address
from backoffice.throttles.tries import Claim, take
from backoffice.throttles.visitor import SCHOOL, Visitor, new_device, voucher

SECRET_BYTES = 20
# The same words for a card that is void and for a closed door.
NOT_OPEN = lazy("This card is not open now. Ask your teacher.")


@dataclass(frozen=True)
class Issued:
    """A fresh card: whose it is, and the secret that nobody can be told again."""

    student_id: int
    secret: str


@dataclass(frozen=True)
class Shown:
    """What a card shows of its child before the child comes in."""

    label: str
    avatar: str
    has_pin: bool


def issue_cards(
    *, principal: Principal, classroom: str, students: Collection[str] | None = None
) -> list[Issued]:
    """Make a card for these students of a class, or for all, and void the ones before.

    Raises `NotFound`, also if none of them is in the class.
    """
    with transaction(principal) as tx:
        room = find(tx, Classroom, classroom, permission=CARDS_ISSUE, lock=True)
        chosen = enrolled(tx, room, students)
        if not chosen:
            raise NotFound
        _void(tx, room, chosen)
        made = [Issued(each, secrets.token_urlsafe(SECRET_BYTES)) for each in chosen]
        now = clock.now()
        tx.execute(
            insert(StudentCard),
            [
                {
                    "school_id": room.school_id,
                    "id": number,
                    "classroom_id": room.id,
                    "student_id": each.student_id,
                    "secret_digest": digest(each.secret),
                    "issued_at": now,
                    "issued_by": tx.principal.account_id,
                }
                for number, each in zip(tx.take_ids(StudentCard, len(made)), made, strict=True)
            ],
        )
        record(tx, "cards.issue", school_id=room.school_id, classroom=room.id, students=chosen)
    return made


def void_cards(*, principal: Principal, classroom: str, students: Collection[str] | None = None) -> int:
    """Void the cards of these students in a class, or of all; how many. Raises `NotFound`.

    Whoever came in with one goes out: the database ends a session with the card that began it.
    """
    with transaction(principal) as tx:
        room = find(tx, Classroom, classroom, permission=CARDS_ISSUE, lock=True)
        return void_within(tx, room, enrolled(tx, room, students) if students is not None else None)


def void_within(tx: Transaction, room: Classroom, students: Sequence[int] | None = None) -> int:
    """Void cards of a class that is locked, within the transaction of a service; how many."""
    voided = _void(tx, room, students)
    if voided:
        record(tx, "cards.void", school_id=room.school_id, classroom=room.id, students=voided)
    return len(voided)


def shown(*, secret: str, visitor: Visitor, throttles: Throttles) -> Shown:
    """Whose card this is, if it is good and its class's door open. Raises `Rejected`, `Throttled`."""
    found = _open(secret, visitor, throttles)

    def plain(value: bytes | None, column: str) -> str | None:
        return None if value is None else keyring.current().open(bytes(value), context=column).decode()

    with transaction(Nobody(visitor.address)) as tx:
        how = functions.names_shown(tx, classroom_id=found.classroom_id)
    seat = Seat(
        "",
        plain(found.given_name, "student.given_name") or "",
        plain(found.family_name, "student.family_name"),
        plain(found.alias, "enrollment.alias"),
        found.avatar,
    )
    return Shown(labels.shown([seat], how)[""].text, found.avatar, found.pin_hash is not None)


def sign_in_by_card(
    *, secret: str, pin: str | None = None, sessions: Sessions, visitor: Visitor, throttles: Throttles
) -> Begun:
    """Begin a session for the child whose card this is.

    Raises `PinNeeded` if the child has a PIN and none is given, `Rejected`, `Throttled`.
    """
    found = _open(secret, visitor, throttles)
    verified = None
    if found.pin_hash is not None:
        held = Held(found.classroom_id, found.student_id, found.pin_hash, by_card=True)
        verified = pins.checked(held, pin=pin, visitor=visitor, throttles=throttles)
    now, device = clock.now(), visitor.device or new_device()
    token_id, ends_at = uuid4(), now + sessions.span(sessions.student_absolute)
    with transaction(Nobody(visitor.address)) as tx:
        begun = functions.begin_card_session(
            tx,
            NewCardSession(
                digest=digest(secret),
                token_id=token_id,
                at=now,
                idle_shared=sessions.student_idle_shared,
                idle_own=sessions.student_idle_own,
                expires_at=ends_at,
                address=sealed_address(visitor.address),
                verified_pin=verified,
                tablet=visitor.tablet,
                device=device.tag,
            ),
        )
        if begun is not None:
            record(tx, "students.sign-in", school_id=begun.school_id, session=begun.session_id)
    if begun is None:
        raise Rejected(card=NOT_OPEN)
    vouchers = (voucher(SCHOOL, begun.school_id),) if begun.vouches else ()
    return Begun(token_id, timedelta(minutes=begun.idle_minutes), ends_at, vouchers, device, verified)


def digest(secret: str) -> bytes:
    """What is stored of a card's secret."""
    return keyring.current().digest(KeyPurpose.TOKEN, f"card\0{secret}".encode("utf-8", "replace"))


def _open(secret: str, visitor: Visitor, throttles: Throttles) -> AnyRow:
    with transaction(Nobody(visitor.address)) as tx:
        found = functions.open_card(tx, digest=digest(secret), at=clock.now())
        early = found is None and functions.card_stands(tx, digest=digest(secret))
        outside = functions.card_outside(tx, digest=digest(secret)) if found is not None else None
        mark = about.erased(about.STUDENT, outside or "")
        if found is not None and functions.erased_among(tx, marks=[mark]):
            # Whoever was erased came back with a backup, or is not gone yet.
            found, early = None, True
    if found is None:
        # Looked up first: of 160 random bits nobody guesses any, and a right one is to count for nothing,
        # before the door is open as little as after. Void ones are counted apart from codes: a class that
        # holds up last year's cards does not shut its school out of those.
        if early:
            raise Rejected(card=NOT_OPEN)
        take(Claim("card by network", throttles.code_network, visitor.network))
        raise Rejected(card=NOT_OPEN)
    # Whoever has a good card fills no table with sessions.
    take(Claim("card visits", throttles.class_visits, str(found.card_id)))
    return found


def _void(tx: Transaction, room: Classroom, students: Sequence[int] | None) -> list[int]:
    statement = update(StudentCard).where(
        StudentCard.school_id == room.school_id,
        StudentCard.classroom_id == room.id,
        StudentCard.voided_at.is_(None),
    )
    if students is not None:
        statement = statement.where(StudentCard.student_id.in_(students))
    return sorted(tx.scalars(statement.values(voided_at=clock.now()).returning(StudentCard.student_id)))
