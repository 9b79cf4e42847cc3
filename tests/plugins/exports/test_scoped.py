"""An archive holds what whoever asked may see when it is made, and no more; made by the job, as in life."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, func, insert, select, update

from backoffice import clock
from backoffice.access.transaction import transaction
from backoffice.accounts.models import AccountSession
from backoffice.audit.models import AuditEntry
from backoffice.families.models import GuardianLink, GuardianStatus
from backoffice.privacy.holdings import Subject
from backoffice.schools.models import Action, Classroom, Door, Enrollment, PointEntry
from backoffice.storage.public_id import new_public_id
from backoffice.students.worries.models import Worry
from plugins.exports import services
from plugins.exports.models import ExportState
from tests.factories.world import SYSTEM, Child, World, worry
from tests.plugins.exports.conftest import files_of, work


class Taken:
    """An export that a worker made, opened again."""

    def __init__(
        self, world: World, files: Path, role: str, subject: Subject, public_id: str, **how: Any
    ) -> None:
        self.asked = services.ask(principal=world.sign_in(role), subject=subject, public_id=public_id, **how)
        assert work(self.asked, files) is ExportState.READY
        self.files = files_of(self.asked, files)

    def rows(self, kind: str) -> list[dict[str, Any]]:
        """The rows of a kind."""
        found: list[dict[str, Any]] = json.loads(self.files.get(f"data/{kind}.json", "[]"))
        return found

    @property
    def everything(self) -> str:
        """All that stands in any of its files."""
        return "\n".join(self.files.values())


@pytest.fixture
def of_two(world: World) -> Child:
    """A child of the own class that is in a colleague's as well, with points and something told there."""
    child, other = world.own_class.children[0], world.colleague_class
    with transaction(SYSTEM) as tx:
        seat = {"school_id": world.home.id, "classroom_id": other.id, "student_id": child.id}
        there = select(Enrollment.student_id).where(
            Enrollment.classroom_id == other.id, Enrollment.student_id == child.id
        )
        if tx.scalar(there) is None:
            tx.execute(insert(Enrollment).values(**seat, avatar="owl-rare", balance=0, joined_at=clock.now()))
        action = tx.scalars(select(Action.id).where(Action.classroom_id == other.id)).first()
        tx.execute(
            insert(PointEntry).values(
                **seat,
                id=tx.take_id(PointEntry),
                action_id=action,
                value=1,
                comment="Only for the colleague",
                awarded_at=clock.now(),
            )
        )
        told = worry(tx, other)
        tx.execute(update(Worry).where(Worry.public_id == told).values(student_id=child.id))
    return child


def test_a_teacher_gets_of_a_child_what_is_of_the_own_class(world: World, files: Path, of_two: Child) -> None:
    taken = Taken(world, files, "teacher", Subject.STUDENT, of_two.public_id)
    rooms = {row["classroom"] for row in taken.rows("point-entries")}
    assert rooms == {world.own_class.public_id}
    assert "Only for the colleague" not in taken.everything
    assert world.colleague_class.public_id not in taken.everything
    assert f"Worry of the {world.colleague_class.name}" not in taken.everything
    by_leader = Taken(world, files, "leader", Subject.STUDENT, of_two.public_id)
    assert {row["classroom"] for row in by_leader.rows("point-entries")} >= {
        world.own_class.public_id,
        world.colleague_class.public_id,
    }


@pytest.fixture
def last_year(world: World) -> Iterator[None]:
    """The own class is over: it is archived, with everybody still in it."""
    own = Classroom.id == world.own_class.id
    with transaction(SYSTEM) as tx:
        door = tx.scalars(select(Classroom.door).where(own)).one()
        tx.execute(update(Classroom).where(own).values(archived_at=clock.now(), door=Door.CLOSED))
    yield
    with transaction(SYSTEM) as tx:
        tx.execute(update(Classroom).where(own).values(archived_at=None, door=door))


@pytest.mark.usefixtures("last_year")
def test_last_years_teacher_gets_nothing_of_todays_family(world: World, files: Path) -> None:
    child, parent = world.own_class.children[0], world.people["parent"]
    taken = Taken(world, files, "teacher", Subject.STUDENT, child.public_id)
    assert parent.public_id not in taken.everything
    assert taken.rows("guardian-links") == []


def test_what_a_parent_took_along_no_school_learns(world: World, files: Path) -> None:
    child = world.own_class.children[0]
    own = Taken(world, files, "parent", Subject.STUDENT, child.public_id, for_family=True)
    for role, subject, public_id in (
        ("teacher", Subject.STUDENT, child.public_id),
        ("leader", Subject.SCHOOL, world.home.public_id),
    ):
        taken = Taken(world, files, role, subject, public_id)
        assert own.asked not in taken.everything
        # Its own is there, so that the file could tell.
        assert taken.asked in taken.everything


def test_no_school_reads_in_its_trail_that_a_parent_took_something_along(world: World, files: Path) -> None:
    def seen() -> int:
        with transaction(world.sign_in("leader")) as tx:
            told = select(func.count()).select_from(AuditEntry).where(AuditEntry.verb.like("exports.%"))
            return tx.scalars(told).one()

    child = world.own_class.children[0]
    before = seen()
    Taken(world, files, "parent", Subject.STUDENT, child.public_id, for_family=True)
    assert seen() == before
    Taken(world, files, "teacher", Subject.STUDENT, child.public_id)
    assert seen() > before


def test_a_parent_finds_the_own_link_and_no_other_parents(world: World, files: Path) -> None:
    child, parent = world.own_class.children[0], world.people["parent"]
    other = world.people["outsider"]
    link = {"school_id": world.home.id, "student_id": child.id, "account_id": other.id}
    with transaction(SYSTEM) as tx:
        now = clock.now()
        said = {"status": GuardianStatus.APPROVED, "told": GuardianStatus.APPROVED, "approved_at": now}
        tx.execute(
            insert(GuardianLink).values(
                id=tx.take_id(GuardianLink),
                public_id=new_public_id(),
                **link,
                **said,
                name="Other Parent",
                created_at=now,
            )
        )
    try:
        taken = Taken(world, files, "parent", Subject.STUDENT, child.public_id, for_family=True)
        assert {row["account"] for row in taken.rows("guardian-links")} == {parent.public_id}
        assert "Other Parent" not in taken.everything
        assert other.public_id not in taken.everything
    finally:
        with transaction(SYSTEM) as tx:
            tx.execute(
                delete(GuardianLink).where(
                    GuardianLink.account_id == other.id, GuardianLink.student_id == child.id
                )
            )


def test_the_session_by_which_it_is_read_leaves_nothing(world: World, files: Path) -> None:
    who = world.people["teacher"]
    world.sign_in("teacher")
    with transaction(SYSTEM) as tx:
        mine = select(AccountSession.id).where(AccountSession.account_id == who.id)
        before = set(tx.scalars(mine))
    taken = Taken(world, files, "teacher", Subject.ACCOUNT, who.public_id)
    with transaction(SYSTEM) as tx:
        after = set(tx.scalars(mine))
    # One is that by which it was asked for.
    assert len(after - before) == 1
    assert len(taken.rows("account-sessions")) == len(after)
