"""Whether PINs are kept and locked as promised, and who has overridden one."""

from contextlib import suppress
from datetime import timedelta
from uuid import uuid4

from sqlalchemy import BigInteger, ColumnElement, Text, and_, cast, func, select
from sqlalchemy.dialects.postgresql import ARRAY

from backoffice import clock
from backoffice.access import probe
from backoffice.access.principal import SessionEnded
from backoffice.accounts.models import Account, AccountStatus
from backoffice.audit.models import AuditDetail, AuditEntry
from backoffice.controls.check import Check, Finding, Looking, falls_short, holds, not_exercised
from backoffice.controls.looking import count
from backoffice.schools.let_in import children_let_in
from backoffice.schools.models import IN_CHARGE, Enrollment, Student, TeachingRole, TeachingRoleName
from backoffice.settings import Passwords
from backoffice.students.pins.models import PinOverride
from backoffice.students.pins.services import by_student
from backoffice.throttles.locks import Lock

PROMISED = 5
CANDIDATES = 10
VERBS = ("pins.clear", "pins.unlock", "pins.require")
TEACHES = (*IN_CHARGE, "leader")


def student_pin(look: Looking) -> Finding:
    """Every stored PIN is an argon2id hash of enough cost, a sixth try is held up, none is passed over."""
    everybody = look.tx.scalar(select(func.count()).select_from(Student)) or 0
    stored = select(func.count()).where(Student.pin_hash.is_not(None))
    set_up = look.tx.scalar(stored) or 0
    if weak := set_up - (look.tx.scalar(stored.where(_costs_enough())) or 0):
        return falls_short(f"{count(weak, 'PIN')} not kept as an argon2id hash of the least cost.")
    cost = look.settings.passwords
    of_today = Student.pin_hash.like(f"$argon2id$v=19$m={cost.memory_kib},t={cost.passes},p={cost.lanes}$%")
    waiting = set_up - (look.tx.scalar(stored.where(of_today)) or 0)
    ladder = look.settings.throttles.pin_student
    tries = _tries_until_held(by_student(0, look.settings.throttles).what, ladder)
    if tries > PROMISED:
        return falls_short(f"A PIN may be tried more than {count(PROMISED, 'time')} before it is locked.")
    if _comes_in_without(look):
        return falls_short("The database lets a child in whose PIN nobody has checked.")
    share = f"{set_up / everybody:.0%}" if everybody else "none"
    return holds(
        f"{set_up:,} of {count(everybody, 'student')} ({share}) have a PIN, each an argon2id hash"
        f"{f' ({waiting:,} of another cost than today, until typed again)' if waiting else ''}; after"
        f" {count(tries, 'wrong try', 'wrong tries')} the next waits ({ladder})."
    )


def pin_override(look: Looking) -> Finding:
    """Whoever overrode a PIN in 30 days taught the class then, or led its school; the trail agrees."""
    since = clock.now() - timedelta(days=30)
    rows = look.tx.scalars(select(PinOverride).where(PinOverride.made_at > since)).all()
    if strangers := [row for row in rows if row.made_as not in TEACHES]:
        return falls_short(f"{count(len(strangers), 'override')} by somebody who did not teach the class.")
    trail = look.tx.scalars(
        select(AuditDetail.detail)
        .join(AuditEntry, and_(AuditEntry.id == AuditDetail.entry_id, AuditEntry.at == AuditDetail.at))
        .where(AuditEntry.verb.in_(VERBS), AuditEntry.at > since, AuditDetail.at > since)
    )
    noted = {(detail["override"], detail["actor"].get("account")) for detail in trail}
    if unnoted := [row for row in rows if row.made_by is not None and (row.id, row.made_by) not in noted]:
        return falls_short(f"{count(len(unnoted), 'override')} of which the trail knows nothing.")
    newest = look.tx.scalar(select(func.max(PinOverride.made_at)))
    last = f"the last on {newest:%Y-%m-%d}" if newest else "none before"
    found = (
        f"{count(len(rows), 'override')} in 30 days, each by an owner, co-teacher or leader of the class at"
        f" that time and in the trail; {last}."
        if rows
        else f"No override in 30 days, {last}."
    )
    cleared = _owner_clears(look)
    if cleared is False:
        return falls_short("The database does not let the owner of a class clear a PIN of it.")
    if cleared:
        return holds(f"{found} An owner's clearing was tried, and undone.")
    return holds(found) if rows else not_exercised(f"{found} There is no PIN whose clearing can be tried.")


def _costs_enough() -> ColumnElement[bool]:
    """That a PIN is kept at the least cost that may be set, or at a higher one."""
    least, pattern = Passwords(), r"^\$argon2id\$v=19\$m=(\d{1,9}),t=(\d{1,9}),p=(\d{1,9})\$"
    found = func.regexp_match(Student.pin_hash, pattern, type_=ARRAY(Text))
    parts = zip((1, 2, 3), (least.memory_kib, least.passes, least.lanes), strict=True)
    return and_(*(cast(found[place], BigInteger) >= floor for place, floor in parts))


def _owner_clears(look: Looking) -> bool | None:
    """Whether the owner of a class can clear a PIN of it and nobody else can; None if none can be tried."""
    candidates = (
        select(TeachingRole.classroom_id, Student.school_id, Student.id, Account.id, Account.security_epoch)
        .join(
            Enrollment,
            and_(
                Enrollment.school_id == TeachingRole.school_id,
                Enrollment.classroom_id == TeachingRole.classroom_id,
                Enrollment.ended_at.is_(None),
            ),
        )
        .join(Student, and_(Student.school_id == Enrollment.school_id, Student.id == Enrollment.student_id))
        .join(Account, Account.id == TeachingRole.account_id)
        .where(
            TeachingRole.role == TeachingRoleName.OWNER,
            Student.pin_hash.is_not(None),
            Account.status == AccountStatus.ACTIVE,
        )
        .limit(CANDIDATES)
    )
    for classroom, school, student, account, epoch in look.tx.execute(candidates):
        clear = select(func.app.clear_pins(school, [student], clock.now()))
        with probe.as_nobody() as connection:
            if connection.scalar(clear):
                return False
        with suppress(SessionEnded), probe.as_account(account, epoch) as (connection, owner):
            # A class may be closed to its owner: a second factor is missing, or the class is archived.
            if classroom in owner.owned:
                return connection.scalar(clear) == [student]
    return None


def _tries_until_held(what: str, ladder: str) -> int:
    """How many tries somebody who does not exist has; undone again."""
    nobody = Lock(what, ladder, f"nobody {uuid4()}")
    with probe.as_nobody() as connection:
        return next(
            (tries for tries in range(PROMISED + 2) if nobody.take(connection) is not None), PROMISED + 1
        )


def _comes_in_without(look: Looking) -> bool:
    """Whether a child with a PIN comes in by the class's code alone."""
    row = look.tx.execute(children_let_in(clock.now()).where(Student.pin_hash.is_not(None)).limit(1)).first()
    if row is None:
        return False
    try:
        with probe.as_student(row.code_index, row.public_id):
            return True
    except SessionEnded:
        return False


CHECKS = (
    Check("student-pin", student_pin),
    Check("pin-override", pin_override),
)
