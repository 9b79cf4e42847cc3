"""Whether PINs are kept and locked as promised, and who has overridden one."""

from datetime import timedelta
from uuid import uuid4

from sqlalchemy import func, select

from backoffice import clock
from backoffice.access import probe
from backoffice.access.principal import SessionEnded
from backoffice.audit.models import AuditDetail, AuditEntry
from backoffice.controls.check import Check, Finding, Looking, falls_short, holds
from backoffice.controls.looking import count
from backoffice.schools.let_in import children_let_in
from backoffice.schools.models import Student, TeachingRoleName
from backoffice.students.pins.models import PinOverride
from backoffice.students.pins.services import by_student
from backoffice.throttles.locks import Lock

PROMISED = 5
VERBS = ("pins.clear", "pins.unlock", "pins.require")
TEACHES = (TeachingRoleName.OWNER, TeachingRoleName.CO_TEACHER, "leader")


def student_pin(look: Looking) -> Finding:
    """Every stored PIN is an argon2id hash of today's cost, a sixth try is held up, none is passed over."""
    everybody = look.tx.scalar(select(func.count()).select_from(Student)) or 0
    stored = select(func.count()).where(Student.pin_hash.is_not(None))
    set_up = look.tx.scalar(stored) or 0
    cost = look.settings.passwords
    kept_well = Student.pin_hash.like(f"$argon2id$v=19$m={cost.memory_kib},t={cost.passes},p={cost.lanes}$%")
    if weak := set_up - (look.tx.scalar(stored.where(kept_well)) or 0):
        return falls_short(f"{count(weak, 'PIN')} not kept as an argon2id hash of the cost that is set.")
    ladder = look.settings.throttles.pin_student
    tries = _tries_until_held(by_student(0, look.settings.throttles).what, ladder)
    if tries > PROMISED:
        return falls_short(f"A PIN may be tried more than {count(PROMISED, 'time')} before it is locked.")
    if _comes_in_without(look):
        return falls_short("The database lets a child in whose PIN nobody has checked.")
    share = f"{set_up / everybody:.0%}" if everybody else "none"
    return holds(
        f"{set_up:,} of {count(everybody, 'student')} ({share}) have a PIN, each an argon2id hash; after"
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
        .join(AuditEntry, AuditEntry.id == AuditDetail.entry_id)
        .where(AuditEntry.verb.in_(VERBS), AuditEntry.at > since)
    )
    noted = {(detail["override"], detail["actor"].get("account")) for detail in trail}
    if unnoted := [row for row in rows if row.made_by is not None and (row.id, row.made_by) not in noted]:
        return falls_short(f"{count(len(unnoted), 'override')} of which the trail knows nothing.")
    if not rows:
        return holds("No PIN was cleared or unlocked in the last 30 days; a teacher of the class can.")
    newest = max(row.made_at for row in rows)
    return holds(
        f"{count(len(rows), 'override')} in 30 days, each by an owner, co-teacher or leader of the class at"
        f" that time and in the trail; the last on {newest:%Y-%m-%d}."
    )


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
