"""How a child comes in and leaves again."""

from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from sqlalchemy import update

from backoffice import clock
from backoffice.access.principal import Nobody, Principal, SessionEnded, StudentToken
from backoffice.access.transaction import transaction
from backoffice.audit.trail import record
from backoffice.language.texts import lazy
from backoffice.problems import Rejected, Throttled
from backoffice.schools import codes, labels
from backoffice.schools.labels import Seat
from backoffice.schools.models import NamesShown
from backoffice.settings import Sessions, Throttles
from backoffice.storage import about, functions, keyring
from backoffice.storage.functions import AnyRow, NewStudentSession
from backoffice.storage.public_id import is_public_id
from backoffice.students.models import StudentSession
from backoffice.students.pins import services as pins
from backoffice.throttles.tries import Claim, take
from backoffice.throttles.visitor import CODE, SCHOOL, Device, Visitor, new_device, voucher

# The same words, and the same work, for a wrong code and a closed door.
NOT_OPEN = lazy("This code is not open now. Look at it again, or ask your teacher.")
BY_ALL_KNOWN = "code by known devices"


@dataclass(frozen=True)
class Choice:
    """One child on the list behind a code. `picture` tells apart those whose labels coincide.

    `is_picture` says that the label only says what the picture shows.
    """

    public_id: str
    label: str
    avatar: str
    picture: str | None
    is_picture: bool = False


class UsernameAsked(Exception):
    """The class shows no list: each child types a username."""


@dataclass(frozen=True)
class Begun:
    """A new student session, and where. `vouchers` let the device be known by this code, and as the school's.

    Whoever signs up has a school of their own: its devices are strangers wherever they guess.
    """

    token_id: UUID
    idle: timedelta
    ends_at: datetime
    vouchers: tuple[str, ...]
    device: Device
    # What the PIN was checked against, if the child has one.
    verified_pin: str | None = field(default=None, repr=False)


def names_behind(*, code: str, visitor: Visitor, throttles: Throttles) -> list[Choice]:
    """The children to pick from, in order, as the class shows them, if this code's door is open.

    Raises `UsernameAsked`, `Rejected`, `Throttled`.
    """
    opener = keyring.current()

    def plain(value: bytes | None, column: str) -> str | None:
        return None if value is None else opener.open(bytes(value), context=column).decode()

    index = codes.index(codes.normalise(code))
    _take_guess(index, visitor, throttles)
    now = clock.now()
    with transaction(Nobody(visitor.address)) as tx:
        room = functions.class_behind_code(tx, code_index=index, at=now)
        rows = functions.names_behind_code(tx, code_index=index, at=now) if room is not None else ()
        # Whoever was erased is not shown because a backup was restored, or before the last row is gone.
        marks = {about.erased(about.STUDENT, row.public_id): row for row in rows}
        gone = functions.erased_among(tx, marks=marks.keys())
        rows = [row for mark, row in marks.items() if mark not in gone]
    asks = room is not None and room.names_shown == NamesShown.USERNAMES
    if room is None or not (rows or asks):
        raise Rejected(code=NOT_OPEN)
    take(_visit(index, throttles))
    if asks:
        raise UsernameAsked
    seats = [
        Seat(
            row.public_id,
            plain(row.given_name, "student.given_name") or "",
            plain(row.family_name, "student.family_name"),
            plain(row.alias, "enrollment.alias"),
            row.avatar,
        )
        for row in rows
    ]
    shown = labels.shown(seats, room.names_shown)
    times = Counter(label.text for label in shown.values())
    choices = []
    for seat in seats:
        label = shown[seat.key]
        twin = times[label.text] > 1 and not label.is_picture
        picture = seat.avatar.partition("-")[0] if twin else None
        choices.append(Choice(str(seat.key), label.text, seat.avatar, picture, label.is_picture))
    return sorted(choices, key=lambda choice: (choice.label.casefold(), choice.avatar))


def class_behind(*, code: str, visitor: Visitor, throttles: Throttles) -> tuple[bytes, AnyRow]:
    """The index of a code, and the class that it opens. Raises `Rejected`, `Throttled`."""
    index = codes.index(codes.normalise(code))
    _take_guess(index, visitor, throttles)
    with transaction(Nobody(visitor.address)) as tx:
        room = functions.class_behind_code(tx, code_index=index, at=clock.now())
    if room is None:
        raise Rejected(code=NOT_OPEN)
    return index, room


def sign_in_student(
    *,
    code: str,
    student: str,
    pin: str | None = None,
    sessions: Sessions,
    visitor: Visitor,
    throttles: Throttles,
    only_at_tablet: bool = False,
) -> Begun:
    """Begin a session for a child of the class whose code this is.

    With `only_at_tablet` nowhere but at the class's tablet, which the code was lent to.
    Raises `PinNeeded` if the child has a PIN and none is given, `Rejected`, `Throttled`.
    """
    now, device = clock.now(), visitor.device or new_device()
    token_id, ends_at = uuid4(), now + sessions.span(sessions.student_absolute)
    index = codes.index(codes.normalise(code))
    _take_guess(index, visitor, throttles)
    # Whoever has a good code fills no table with sessions.
    take(_visit(index, throttles))
    # What cannot be an identifier finds nobody, and never reaches the database.
    student = student if is_public_id(student) else ""
    verified = pins.at_the_door(
        code_index=index, student=student, pin=pin, visitor=visitor, throttles=throttles
    )
    with transaction(Nobody(visitor.address)) as tx:
        begun = functions.begin_student_session(
            tx,
            NewStudentSession(
                code_index=index,
                student=student,
                token_id=token_id,
                at=now,
                idle_shared=sessions.student_idle_shared,
                idle_own=sessions.student_idle_own,
                expires_at=ends_at,
                address=sealed_address(visitor.address),
                verified_pin=verified,
                tablet=visitor.tablet,
                only_there=only_at_tablet,
                device=device.tag,
                erased=about.erased(about.STUDENT, student),
            ),
        )
        if begun is not None:
            record(tx, "students.sign-in", school_id=begun.school_id, session=begun.session_id)
    if begun is None:
        raise Rejected(code=NOT_OPEN)
    school = (voucher(SCHOOL, begun.school_id),) if begun.vouches else ()
    vouchers = (_known(index), *school)
    return Begun(token_id, timedelta(minutes=begun.idle_minutes), ends_at, vouchers, device, verified)


def leave(*, principal: Principal) -> None:
    """End the child's own session. One that has ended meanwhile is as good."""
    with suppress(SessionEnded), transaction(principal) as tx:
        mine = (StudentSession.id == tx.principal.session_id, StudentSession.ended_at.is_(None))
        if tx.scalar(
            update(StudentSession).where(*mine).values(ended_at=clock.now()).returning(StudentSession.id)
        ):
            record(tx, "students.leave", school_id=tx.principal.school_id)


def why_over(*, token_id: UUID | None, visitor: Visitor) -> str:
    """Why a session lets nobody in any more: "idle", "lesson" or "ended". A token of no session was idle."""
    if token_id is None:
        return "idle"
    with transaction(Nobody(visitor.address)) as tx:
        return functions.why_over(tx, token_id=token_id, at=clock.now()) or "idle"


def credential(token_id: UUID, address: str | None) -> StudentToken:
    """What a verified token presents to the database."""
    return StudentToken(token_id, address)


def guess(index: bytes, visitor: Visitor, throttles: Throttles) -> tuple[Claim, ...]:
    """What a guess at a code takes. Devices that a school's class let in before have their own tries.

    The very code that let a device in is no guess at it: nobody's guessing, not even at that device, shuts a
    class's tablets out.
    """
    device = visitor.device
    if device and _known(index) in device.vouchers:
        return ()
    school = device.vouched(SCHOOL) if device else None
    if device and school:
        return (
            Claim("code by device", throttles.code_device, device.id),
            Claim("code by school", throttles.code_school, school),
            Claim(BY_ALL_KNOWN, throttles.code_known, ""),
        )
    return _strangers_guess(visitor, throttles)


def _strangers_guess(visitor: Visitor, throttles: Throttles) -> tuple[Claim, ...]:
    """What a guess takes on a device of which nothing is known."""
    site = [Claim("code by site", throttles.code_site, visitor.site)] if visitor.site else []
    return (
        Claim("code by network", throttles.code_network, visitor.network),
        *site,
        Claim("code overall", throttles.code_overall, ""),
    )


def _take_guess(index: bytes, visitor: Visitor, throttles: Throttles) -> None:
    """Take a guess. Once all known devices together have used up what they share, each is a stranger."""
    try:
        take(*guess(index, visitor, throttles), code_index=index)
    except Throttled as refused:
        if refused.what != BY_ALL_KNOWN:
            raise
        take(*_strangers_guess(visitor, throttles), code_index=index)


def _visit(index: bytes, throttles: Throttles) -> Claim:
    return Claim("class visits", throttles.class_visits, index.hex())


def _known(index: bytes) -> str:
    return voucher(CODE, index.hex())


def sealed_address(address: str | None) -> bytes | None:
    """A network address as a session keeps it."""
    if address is None:
        return None
    return keyring.current().seal(address.encode(), context="student_session.address")
