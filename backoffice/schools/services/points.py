"""Awarding points to one child, to several, to a whole class or to one at random, and taking them back."""

import secrets
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, case, select, update
from sqlalchemy.dialects.postgresql import insert

from backoffice import clock
from backoffice.access.lookup import NotFound, find
from backoffice.access.permissions import POINTS_AWARD, POINTS_UNDO
from backoffice.access.policy import can, visible
from backoffice.access.principal import Principal
from backoffice.access.transaction import Transaction, transaction
from backoffice.audit.trail import record
from backoffice.language.texts import gettext, lazy
from backoffice.problems import Rejected
from backoffice.schools.award_models import PointAward, Whom
from backoffice.schools.models import Action, Classroom, Enrollment, PointEntry, Student
from backoffice.storage import keyring
from backoffice.storage.numbers import one_of
from backoffice.storage.public_id import is_public_id, new_public_id
from backoffice.wording import clean

LONGEST_COMMENT = 200
SENT_BEFORE = lazy("This page was sent before, with other choices. Nothing was added now. Send it again.")


def award_points(
    *,
    principal: Principal,
    classroom: str,
    action: str,
    whom: Whom,
    form: str,
    students: Sequence[str] = (),
    comment: str = "",
) -> str:
    """Award an Action of the class, at once to everybody whom it is for. Returns the award's identifier.

    `form` is the one-time UUID of the page: sent twice, it is one award and gives the same answer.
    `students` are the chosen ones; identifiers that are not the class's are passed over.
    Raises `Rejected`, `NotFound`.
    """
    said, form = _comment(comment), _form(form)
    submitted = _digest(students) if whom is Whom.CHOSEN else None
    with transaction(principal) as tx:
        room = _room(tx, classroom)
        chosen = _action(tx, room, action)
        number, public_id, now = tx.take_id(PointAward), new_public_id(), clock.now()
        # Waits for the same form on another connection, and then does nothing.
        first = tx.execute(
            insert(PointAward)
            .values(
                school_id=room.school_id,
                id=number,
                public_id=public_id,
                classroom_id=room.id,
                action_id=chosen.id,
                whom=whom,
                form=form,
                chosen=submitted,
                awarded_by=tx.principal.account_id,
                awarded_at=now,
            )
            .on_conflict_do_nothing(index_elements=["school_id", "classroom_id", "form"])
            .returning(PointAward.id)
        )
        if first.scalar() is None:
            return _same_again(tx, room, form, (chosen.id, whom, submitted))
        seats: list[ColumnElement[bool]] = [Enrollment.ended_at.is_(None)]
        if whom is Whom.CHOSEN:
            seats.append(one_of(Enrollment.student_id, _numbers(tx, room, students)))
        given = _lock(tx, room, *seats)
        if whom is Whom.RANDOM:
            given = [secrets.choice(given)] if given else []
        if not given:
            raise Rejected(students=_NOBODY[whom])
        _enter(
            tx,
            (room, chosen.id, number, now),
            [{"student_id": student, "value": chosen.value, "comment": said} for student in given],
        )
        tx.execute(
            update(Enrollment)
            .where(*_seats(room, given))
            .values(balance=Enrollment.balance + chosen.value)
            .execution_options(synchronize_session=False)
        )
        record(
            tx,
            "points.award",
            school_id=room.school_id,
            classroom=room.id,
            award=number,
            action=chosen.id,
            value=chosen.value,
            students=given,
        )
    return public_id


def undo_award(*, principal: Principal, classroom: str, award: str) -> None:
    """Take a whole award back, by an entry against each of its own. It can be done once.

    What others awarded only whoever holds `points:undo` takes back. Raises `Rejected`, `NotFound`.
    """
    now = clock.now()
    with transaction(principal) as tx:
        room = _room(tx, classroom)
        row = find(tx, PointAward, award, permission=POINTS_AWARD)
        if row.classroom_id != room.id:
            raise NotFound
        if row.awarded_by != tx.principal.account_id and not can(tx.principal, POINTS_UNDO, row):
            raise Rejected.whole(gettext("Somebody else gave these points. Ask a teacher of the class."))
        # Of two at once the second waits here, and finds it done.
        mine = (
            update(PointAward)
            .where(
                PointAward.school_id == row.school_id, PointAward.id == row.id, PointAward.undone_at.is_(None)
            )
            .values(undone_at=now, undone_by=tx.principal.account_id)
            .returning(PointAward.id)
            .execution_options(synchronize_session=False)
        )
        if tx.scalar(mine) is None:
            raise Rejected.whole(gettext("These points were taken back already."))
        entries = tx.execute(
            select(PointEntry.id, PointEntry.student_id, PointEntry.value).where(
                PointEntry.school_id == room.school_id,
                PointEntry.classroom_id == room.id,
                PointEntry.award_id == row.id,
                PointEntry.undoes.is_(None),
            )
        ).all()
        back: Counter[int] = Counter()
        for entry in entries:
            back[entry.student_id] += entry.value
        if back:
            _lock(tx, room, one_of(Enrollment.student_id, back))
            _enter(
                tx,
                (room, row.action_id, row.id, now),
                [
                    {"student_id": entry.student_id, "value": -entry.value, "undoes": entry.id}
                    for entry in entries
                ],
            )
            tx.execute(
                update(Enrollment)
                .where(*_seats(room, list(back)))
                .values(balance=Enrollment.balance - case(dict(back), value=Enrollment.student_id))
                .execution_options(synchronize_session=False)
            )
        record(tx, "points.undo", school_id=room.school_id, classroom=room.id, award=row.id)


_NOBODY = {
    Whom.CHOSEN: lazy("Choose at least one student."),
    Whom.CLASS: lazy("Nobody is in the class yet."),
    Whom.RANDOM: lazy("Nobody is in the class yet."),
}


def _comment(comment: str) -> str | None:
    said = clean(comment)
    if len(said) > LONGEST_COMMENT:
        raise Rejected(comment=gettext("Shorten the comment to %(most)s letters.", most=LONGEST_COMMENT))
    return said or None


def _form(form: str) -> str:
    with suppress(ValueError):
        return str(UUID(form))
    raise Rejected.whole(gettext("Nothing was awarded yet. Send it again."))


def _room(tx: Transaction, classroom: str) -> Classroom:
    """The class, kept as it is until the award is made. Raises `NotFound`."""
    # Shared: awards do not wait for each other here.
    statement = (
        select(Classroom).where(Classroom.public_id == classroom).with_for_update(read=True, of=Classroom)
    )
    found = tx.scalars(visible(tx.principal, statement, POINTS_AWARD)).one_or_none()
    if found is None:
        raise NotFound
    return found


def _action(tx: Transaction, classroom: Classroom, action: str) -> Action:
    statement = select(Action).where(
        Action.school_id == classroom.school_id,
        Action.classroom_id == classroom.id,
        Action.public_id == action,
    )
    found = tx.scalars(visible(tx.principal, statement, POINTS_AWARD)).one_or_none()
    if found is None:
        raise NotFound
    if found.retired_at is not None:
        raise Rejected.whole(gettext("This Action is not offered any more. Choose another."))
    return found


def _numbers(tx: Transaction, classroom: Classroom, students: Sequence[str]) -> set[int]:
    """The numbers of those of these children to whom the principal may give points."""
    known = select(Student.id).where(
        Student.school_id == classroom.school_id, Student.public_id.in_(set(students))
    )
    return set(tx.scalars(visible(tx.principal, known, POINTS_AWARD)))


def _lock(tx: Transaction, classroom: Classroom, *which: ColumnElement[bool]) -> list[int]:
    """Keep the balances of children of the class from changing, always in one order. Returns who they are."""
    statement = (
        select(Enrollment.student_id)
        .where(Enrollment.school_id == classroom.school_id, Enrollment.classroom_id == classroom.id, *which)
        .order_by(Enrollment.student_id)
        .with_for_update(key_share=True)
    )
    return list(tx.scalars(statement))


def _enter(
    tx: Transaction,
    award: tuple[Classroom, int, int, datetime],
    entries: Sequence[dict[str, object]],
) -> None:
    """Write the point entries of an award, or those against them, in as many statements as one."""
    classroom, action_id, award_id, at = award
    numbers = tx.take_ids(PointEntry, len(entries))
    common = {
        "school_id": classroom.school_id,
        "classroom_id": classroom.id,
        "action_id": action_id,
        "award_id": award_id,
        "awarded_by": tx.principal.account_id,
        "awarded_at": at,
    }
    tx.execute(
        insert(PointEntry).values(
            [{**common, **entry, "id": number} for number, entry in zip(numbers, entries, strict=True)]
        )
    )


def _seats(classroom: Classroom, students: Sequence[int]) -> tuple[ColumnElement[bool], ...]:
    return (
        Enrollment.school_id == classroom.school_id,
        Enrollment.classroom_id == classroom.id,
        one_of(Enrollment.student_id, students),
    )


def _digest(students: Sequence[str]) -> UUID:
    """What tells one choice of children from another, whoever of them is still in the class."""
    named = " ".join(sorted({each for each in students if is_public_id(each)}))
    return UUID(bytes=keyring.current().blind_index(named, context="point_award.chosen"))


def _same_again(
    tx: Transaction, classroom: Classroom, form: str, choices: tuple[int, Whom, UUID | None]
) -> str:
    """The award that this form made before. Raises `Rejected` if it was sent with other choices."""
    before = tx.scalars(
        select(PointAward).where(
            PointAward.school_id == classroom.school_id,
            PointAward.classroom_id == classroom.id,
            PointAward.form == form,
        )
    ).one()
    # Whom it was for is forgotten when a child of the class is erased.
    forgotten = before.whom == Whom.CHOSEN and before.chosen is None
    if (before.action_id, before.whom, choices[2] if forgotten else before.chosen) != choices:
        raise Rejected.whole(SENT_BEFORE)
    return before.public_id
