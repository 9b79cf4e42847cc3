"""Whom an import left alone, by the names that the principal may see."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from backoffice.access.policy import visible
from backoffice.access.transaction import Transaction
from backoffice.accounts.models import Account
from backoffice.schools.models import Classroom, Student
from backoffice.storage.numbers import one_of
from plugins.rosters.importing.alone.queries import Alone

CHILDREN = (Alone.CHILDREN_OUT, Alone.CHILDREN_IN)
TEACHERS = (Alone.TEACHERS_OUT, Alone.TEACHERS_IN)


@dataclass(frozen=True)
class Named:
    """Somebody or a class by name, and the page about them if there is one."""

    name: str
    url: str | None = None


@dataclass(frozen=True)
class LeftAlone:
    """A class, and who or what was left alone there."""

    whom: Named
    classroom: Named


def left_alone(tx: Transaction, names: Mapping[str, Sequence[Any]] | None) -> dict[str, list[LeftAlone]]:
    """What a report keeps by number, as far as it is still there, by what it is counted as."""
    pairs = {kind: (names or {}).get(kind.counted, ()) for kind in Alone}
    rooms = _rooms(
        tx,
        {number for each in pairs.values() for number, _whom in each} | _whom(pairs, (Alone.CLASSES_BESIDE,)),
    )
    children, teachers = _children(tx, _whom(pairs, CHILDREN)), _teachers(tx, _whom(pairs, TEACHERS))
    known = {
        **dict.fromkeys(CHILDREN, children), **dict.fromkeys(TEACHERS, teachers), Alone.CLASSES_BESIDE: rooms,
    }  # fmt: skip
    found = {
        kind.counted: [
            LeftAlone(known[kind][whom], rooms[room])
            for room, whom in each
            if whom in known[kind] and room in rooms
        ]
        for kind, each in pairs.items()
    }
    return {what: each for what, each in found.items() if each}


def _whom(pairs: Mapping[Alone, Sequence[Any]], kinds: Sequence[Alone]) -> set[int]:
    return {whom for kind in kinds for _room, whom in pairs[kind]}


def _rooms(tx: Transaction, numbers: set[int]) -> dict[int, Named]:
    statement = select(Classroom.id, Classroom.public_id, Classroom.name).where(one_of(Classroom.id, numbers))
    rows = tx.execute(visible(tx.principal, statement)) if numbers else ()
    return {row.id: Named(row.name, f"/console/classrooms/{row.public_id}") for row in rows}


def _children(tx: Transaction, numbers: set[int]) -> dict[int, Named]:
    statement = select(Student.id, Student.public_id, Student.given_name, Student.family_name)
    statement = statement.where(one_of(Student.id, numbers))
    rows = tx.execute(visible(tx.principal, statement)) if numbers else ()
    return {
        row.id: Named(
            f"{row.given_name} {row.family_name or ''}".strip(), f"/console/students/{row.public_id}"
        )
        for row in rows
    }


def _teachers(tx: Transaction, numbers: set[int]) -> dict[int, Named]:
    statement = select(Account.id, Account.name).where(one_of(Account.id, numbers))
    rows = tx.execute(visible(tx.principal, statement)) if numbers else ()
    return {row.id: Named(row.name) for row in rows}
