"""Making, changing and retiring the Actions of a class."""

from collections.abc import Collection
from typing import NamedTuple

from sqlalchemy import ColumnElement, func, insert, select

from backoffice import clock
from backoffice.access.lookup import NotFound, find
from backoffice.access.permissions import ACTIONS_EDIT
from backoffice.access.policy import visible
from backoffice.access.principal import Principal
from backoffice.access.seen import is_to_be_written
from backoffice.access.transaction import Transaction, transaction
from backoffice.audit.trail import record
from backoffice.changes.keeping import PutBack, keep_change
from backoffice.language.texts import gettext, lazy
from backoffice.problems import Rejected
from backoffice.schools.models import Action, Classroom
from backoffice.storage.public_id import PublicId, new_public_id
from backoffice.wording import clean

LONGEST_LABEL = 40
MOST_POINTS = 10
# What still fits a telephone's screen; those that are retired are not counted.
MOST_ACTIONS = 24
# The names of the pictures that we ship, with the words for them.
ICONS = {
    "star": lazy("Star"),
    "heart": lazy("Heart"),
    "hands": lazy("Helping hand"),
    "question": lazy("Question"),
    "bulb": lazy("Idea"),
    "book": lazy("Book"),
    "pencil": lazy("Pencil"),
    "homework": lazy("Homework"),
    "ear": lazy("Listening"),
    "team": lazy("Team"),
    "broom": lazy("Tidying"),
    "puzzle": lazy("Puzzle"),
    "music": lazy("Music"),
    "ball": lazy("Sport"),
    "leaf": lazy("Nature"),
    "trophy": lazy("Trophy"),
    "speech": lazy("Talking"),
    "clock": lazy("Clock"),
}


class Suggested(NamedTuple):
    """An Action that a class can begin with."""

    key: str
    label: str
    icon: str
    value: int


SUGGESTED = (
    Suggested("helped", lazy("Helped a friend"), "hands", 2),
    Suggested("question", lazy("Asked a good question"), "question", 1),
    Suggested("homework", lazy("Handed in homework"), "homework", 1),
    Suggested("listened", lazy("Listened well"), "ear", 1),
    Suggested("team", lazy("Worked as a team"), "team", 2),
    Suggested("tidied", lazy("Tidied up"), "broom", 1),
    Suggested("shouted", lazy("Shouted out"), "speech", -1),
)


def add_action(*, principal: Principal, classroom: str, label: str, icon: str, value: int) -> PublicId:
    """Give a class one more Action. Returns its public identifier. Raises `Rejected`, `NotFound`."""
    label = _checked(label, icon, value)
    with transaction(principal) as tx:
        # Locked, so that two who add at once stay within the bound.
        row = find(tx, Classroom, classroom, permission=ACTIONS_EDIT, lock=True)
        _leave_room(tx, row, 1)
        number, public_id = tx.take_id(Action), new_public_id()
        tx.execute(
            insert(Action).values(
                school_id=row.school_id,
                id=number,
                public_id=public_id,
                classroom_id=row.id,
                label=label,
                icon=icon,
                value=value,
                created_at=clock.now(),
            )
        )
        record(tx, "actions.add", school_id=row.school_id, classroom=row.id, action=number)
    return public_id


def start_with(*, principal: Principal, classroom: str, keys: Collection[str]) -> int:
    """Give a class that has no Action the suggested ones of these keys. Returns how many it got.

    A class that has one by now gets none. Raises `Rejected`, `NotFound`.
    """
    chosen = [each for each in SUGGESTED if each.key in keys]
    if not chosen:
        raise Rejected.whole(gettext("Choose at least one to start with, or write your own."))
    with transaction(principal) as tx:
        row = find(tx, Classroom, classroom, permission=ACTIONS_EDIT, lock=True)
        if tx.scalar(select(Action.id).where(*_of(row)).limit(1)) is not None:
            return 0
        now, numbers = clock.now(), tx.take_ids(Action, len(chosen))
        tx.execute(
            insert(Action).values(
                [
                    {
                        "school_id": row.school_id,
                        "id": number,
                        "public_id": new_public_id(),
                        "classroom_id": row.id,
                        # The words of whoever begins so; from then on the class's own.
                        "label": str(each.label),
                        "icon": each.icon,
                        "value": each.value,
                        "created_at": now,
                    }
                    for number, each in zip(numbers, chosen, strict=True)
                ]
            )
        )
        record(tx, "actions.start", school_id=row.school_id, classroom=row.id, count=len(chosen))
    return len(chosen)


def change_action(
    *,
    principal: Principal,
    action: str,
    label: str,
    icon: str,
    value: int,
    seen: str | None = None,
    back: PutBack | None = None,
) -> None:
    """Change what an Action says and gives; what was awarded before stays as it was.

    `seen` is the `version` of label, icon and value that were shown. Raises `Rejected`, `Overtaken`,
    `NotFound`, `Closed`.
    """
    label = _checked(label, icon, value)
    with transaction(principal) as tx:
        row, _room = action_to_change(tx, action, lock=True)
        now, wanted = (row.label, row.icon, row.value), (label, icon, value)
        if not is_to_be_written(seen, now=now, wanted=wanted):
            return
        points = (row.value, value)
        keep_change(tx, row, back, label=(row.label, label), icon=(row.icon, icon), value=points)
        row.label, row.icon, row.value = label, icon, value
        record(tx, "actions.change", school_id=row.school_id, action=row.id, value=value)


def retire_action(*, principal: Principal, action: str) -> None:
    """Stop offering an Action; what was awarded for it stays. Raises `NotFound`, `Closed`."""
    with transaction(principal) as tx:
        row, _room = action_to_change(tx, action, lock=True)
        row.retired_at = row.retired_at or clock.now()
        record(tx, "actions.retire", school_id=row.school_id, action=row.id)


def bring_back_action(*, principal: Principal, action: str) -> None:
    """Offer a retired Action again. Raises `Rejected`, `NotFound`, `Closed`."""
    with transaction(principal) as tx:
        row, room = action_to_change(tx, action, lock=True)
        _leave_room(tx, room, 1 if row.retired_at else 0)
        row.retired_at = None
        record(tx, "actions.bring-back", school_id=row.school_id, action=row.id)


def action_to_change(tx: Transaction, action: str, *, lock: bool = False) -> tuple[Action, Classroom]:
    """An Action and its class; `lock` holds both. Raises `NotFound`, and `Closed` for an archived class."""
    # The class first, as whoever begins an Action takes it; and of the Action no more than where it is, as it
    # may be another one by the time that the class is ours.
    where = select(Action.school_id, Action.classroom_id).where(Action.public_id == action)
    found = tx.execute(visible(tx.principal, where, ACTIONS_EDIT)).one_or_none()
    if found is None:
        raise NotFound
    at = (Classroom.school_id == found.school_id, Classroom.id == found.classroom_id)
    room = tx.scalars(select(Classroom.public_id).where(*at)).one()
    held = find(tx, Classroom, room, permission=ACTIONS_EDIT, lock=lock)
    return find(tx, Action, action, permission=ACTIONS_EDIT, lock=lock), held


def _of(classroom: Classroom) -> tuple[ColumnElement[bool], ...]:
    return Action.school_id == classroom.school_id, Action.classroom_id == classroom.id


def _leave_room(tx: Transaction, classroom: Classroom, more: int) -> None:
    live = select(func.count()).where(*_of(classroom), Action.retired_at.is_(None))
    if (tx.scalar(live) or 0) + more > MOST_ACTIONS:
        raise Rejected.whole(
            gettext("A class has at most %(most)s Actions. Retire one first.", most=MOST_ACTIONS)
        )


def _checked(label: str, icon: str, value: int) -> str:
    label = clean(label)
    if not any(symbol.isalnum() for symbol in label):
        raise Rejected(label=gettext("Write what the student did, in a few words."))
    if len(label) > LONGEST_LABEL:
        raise Rejected(label=gettext("Shorten it to %(most)s letters.", most=LONGEST_LABEL))
    if icon not in ICONS:
        raise Rejected(icon=gettext("Choose one of the pictures."))
    if not 1 <= abs(value) <= MOST_POINTS:
        raise Rejected(points=gettext("Choose a number from 1 to %(most)s.", most=MOST_POINTS))
    return label
