"""The isolation matrix with one layer alone: each must hide and keep everything foreign by itself.

With both layers in place a hole in one is covered by the other and seen by nobody. Here row-level security
stands alone, with the scope predicates of the policy taken out, and then the policy stands alone, with
row-level security switched off. What counts is what is shown, what is changed, and failures; a different
status is none. Permissions of roles stay checked in both: row-level security knows whose rows are whose,
not what a role may do with them.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import psycopg
import pytest
from psycopg import sql
from sqlalchemy import ColumnElement, false, func, make_url, select, true
from sqlalchemy.orm import DeclarativeBase

from backoffice.access import policy
from backoffice.access.permissions import STUDENTS_READ, Permission
from backoffice.access.policy import visible
from backoffice.access.principal import Principal
from backoffice.access.transaction import transaction
from backoffice.runtime import Runtime
from backoffice.schools.models import Classroom, Student
from tests.contract.actors import tablet_text
from tests.contract.matrix import (
    Matrix,
    Tally,
    addresses,
    filled_forms,
    pages,
    searches,
)

# To the database a co-teacher, a helper and the teachers of other places are teachers with other numbers,
# one parent is like another, and for whom nobody is signed in the policy has no scope to take out.
SCOPES = ("founder", "leader", "officer", "teacher", "mixed", "parent", "student")
# To the policy every role is one of its own, and without a session the public pages have no other guard.
HELD = (*SCOPES, "co_teacher", "helper", "nobody")
WALKS = (addresses, pages, filled_forms, searches)
STANDING = {
    "test_row_level_security_alone": "row-level security alone",
    "test_the_policy_alone": "the policy alone",
}


@pytest.fixture(autouse=True)
def from_near_and_far(matrix: Matrix) -> None:
    """One place like the next is enough here: the whole matrix tries every one with both layers in place."""
    matrix.places = ("colleague", "outside")


@pytest.fixture
def as_the_database_sees(matrix: Matrix, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who is teacher here and parent there is one person to the database, on every page.

    It knows rows and no columns: what a teacher noted about somebody's child is in a row that the parent
    may see. And the school of one's own child is the one whose audit says that one has read of it.
    """
    rooms = (
        matrix.stage.world.own_class,
        matrix.stage.world.elsewhere_class,
        matrix.stage.world.foreign_class,
    )
    actors = [
        replace(
            actor,
            says=actor.says
            | actor.at_home
            | {
                f"Comment about {child.family}"
                for room in rooms
                for child in room.children
                if child.id in actor.family.get("student", ())
            }
            # Nor does it know who of a class may see its tablets.
            | {tablet_text(room) for room in rooms if room.id in actor.reach.get("classroom", ())},
            reach={
                kind: actor.reach.get(kind, frozenset()) | actor.family.get(kind, frozenset())
                for kind in {*actor.reach, *actor.family}
            },
        )
        for actor in matrix.stage.actors
    ]
    monkeypatch.setattr(matrix.stage, "actors", actors)


@pytest.fixture
def without_predicates(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever holds a permission somewhere holds it everywhere, as far as the policy goes."""
    narrowing, judging, reaching = policy._condition, policy.can, policy.scope

    def condition(
        principal: Principal,
        entity: type[DeclarativeBase],
        permission: Permission | None,
        _within: object,
        **how: bool,
    ) -> ColumnElement[bool]:
        denied = narrowing(principal, entity, permission, None, **how).compare(false())
        return false() if denied else true()

    def can(principal: Principal, permission: Permission, thing: Any = None) -> bool:
        return judging(principal, permission) or judging(principal, permission, thing)

    def scope(principal: Principal, permission: Permission) -> policy.Scope:
        held = reaching(principal, permission)
        return replace(held, everywhere=True) if held else held

    monkeypatch.setattr(policy, "_condition", condition)
    # What was narrowed before is put together anew, and so is what is narrowed now, afterwards.
    monkeypatch.setattr(policy, "_kept", {})
    for name, module in list(sys.modules.items()):
        if name.partition(".")[0] in {"backoffice", "plugins"}:
            if vars(module).get("can") is judging:
                monkeypatch.setattr(module, "can", can)
            # What is left are the queries that narrow by the scope themselves.
            if module is not policy and vars(module).get("scope") is reaching:
                monkeypatch.setattr(module, "scope", scope)


@contextmanager
def switched_off(runtime: Runtime, *only: str) -> Iterator[None]:
    """Row-level security off, on every table or on those named, and on again at the end."""
    address = make_url(runtime.database.address).set(drivername="postgresql")
    with psycopg.connect(address.render_as_string(hide_password=False), autocommit=True) as connection:
        guarded = connection.execute("""
            select n.nspname, c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace
             where c.relrowsecurity""").fetchall()
        chosen = [each for each in guarded if not only or each[1] in only]
        assert chosen
        try:
            for each in chosen:
                statement = sql.SQL("alter table {} disable row level security")
                connection.execute(statement.format(sql.Identifier(*each)))
            yield
        finally:
            for each in chosen:
                statement = sql.SQL("alter table {} enable row level security")
                connection.execute(statement.format(sql.Identifier(*each)))


@pytest.fixture(scope="module")
def _switched_off(runtime: Runtime) -> Iterator[None]:
    with switched_off(runtime):
        yield


def judged(matrix: Matrix, tally: Tally) -> None:
    """The verdict on what one layer alone must hold."""
    tally.holes += matrix.failures
    matrix.failures.clear()
    tally.verdict(holes_only=True)


@pytest.mark.by_turns
@pytest.mark.usefixtures("as_the_database_sees", "without_predicates")
@pytest.mark.parametrize("walk", WALKS, ids=lambda walk: walk.__name__)
@pytest.mark.parametrize("role", SCOPES)
def test_row_level_security_alone(matrix: Matrix, tally: Tally, role: str, walk: Any) -> None:
    walk(matrix, tally, role)
    judged(matrix, tally)


@pytest.mark.usefixtures("without_predicates")
def test_the_predicates_are_out(matrix: Matrix) -> None:
    teacher, nobody = (matrix.actor(name).principal for name in ("teacher", "nobody"))
    asked = select(Student)
    assert str(visible(teacher, asked)) == str(asked.where(true()))
    assert str(visible(nobody, asked)) == str(asked.where(false()))


@pytest.mark.usefixtures("as_the_database_sees", "without_predicates")
def test_row_level_security_alone_is_missed(matrix: Matrix, runtime: Runtime) -> None:
    """Without it on one table the run above finds holes."""
    for table in ("classroom", "student"):
        tally = Tally()
        with switched_off(runtime, table):
            pages(matrix, tally, "teacher")
        assert tally.holes, table
    matrix.failures.clear()


# From here on the database hides nothing: these come last.


@pytest.mark.by_turns
@pytest.mark.usefixtures("_switched_off")
@pytest.mark.parametrize("walk", WALKS, ids=lambda walk: walk.__name__)
@pytest.mark.parametrize("role", HELD)
def test_the_policy_alone(matrix: Matrix, tally: Tally, role: str, walk: Any) -> None:
    walk(matrix, tally, role)
    judged(matrix, tally)


@pytest.mark.usefixtures("_switched_off")
def test_row_level_security_is_off(matrix: Matrix) -> None:
    outsider = matrix.actor("outsider").principal
    with transaction(outsider) as tx:
        everybody = tx.scalar(select(func.count()).select_from(Student)) or 0
        own = len(tx.scalars(visible(outsider, select(Student), STUDENTS_READ)).all())
    assert everybody > own > 0


@pytest.mark.usefixtures("_switched_off")
def test_a_forgotten_predicate_is_found(matrix: Matrix, monkeypatch: pytest.MonkeyPatch) -> None:
    narrowing = policy._condition
    for forgotten in (Classroom, Student):
        monkeypatch.setattr(policy, "_kept", {})
        monkeypatch.setattr(
            policy,
            "_condition",
            lambda who, entity, permission, within, forgotten=forgotten, **how: (
                true() if entity is forgotten else narrowing(who, entity, permission, within, **how)
            ),
        )
        tally = Tally()
        pages(matrix, tally, "teacher")
        assert tally.holes, forgotten
    matrix.failures.clear()
