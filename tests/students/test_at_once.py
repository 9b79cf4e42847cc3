"""A child comes in at the very moment at which what lets it in ends: it stays out."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import Connection, func, select, text, update

from backoffice import clock
from backoffice.access.transaction import transaction
from backoffice.problems import Rejected
from backoffice.runtime import Runtime
from backoffice.schools.models import Enrollment, Student
from backoffice.settings import Sessions
from backoffice.storage.roles import DatabaseRole
from backoffice.students import tablets
from backoffice.students.cards.services import issue_cards, sign_in_by_card
from backoffice.students.models import StudentSession
from backoffice.students.services import sign_in_student
from backoffice.throttles.visitor import Visitor
from tests.factories.waiting import wait_for_one_behind
from tests.factories.world import NO_LIMIT, SYSTEM, World

HERE = Visitor("203.0.113.9")
ComeIn = Callable[[], object]


@pytest.fixture
def by_code(world: World) -> ComeIn:
    return lambda: sign_in_student(
        code=world.own_class.code,
        student=world.own_class.children[0].public_id,
        sessions=Sessions(),
        visitor=HERE,
        throttles=NO_LIMIT,
    )


@pytest.fixture
def by_card(world: World) -> ComeIn:
    child, who = world.own_class.children[0], world.sign_in("teacher")
    (card,) = issue_cards(principal=who, classroom=world.own_class.public_id, students=[child.public_id])
    return lambda: sign_in_by_card(secret=card.secret, sessions=Sessions(), visitor=HERE, throttles=NO_LIMIT)


@pytest.fixture
def at_tablet(world: World) -> ComeIn:
    room = world.own_class
    picture = tablets.begin_pairing(
        principal=world.sign_in("teacher"), classroom=room.public_id, label="Window 1"
    )
    found = tablets.opened(token=tablets.pair(token=picture, address=None), visitor=HERE)
    assert found is not None
    return lambda: sign_in_student(
        code=found.code or "",
        student=room.children[0].public_id,
        sessions=Sessions(),
        visitor=found.visitor,
        throttles=NO_LIMIT,
        only_at_tablet=True,
    )


@pytest.fixture
def ending(world: World, runtime: Runtime) -> Iterator[Connection]:
    """Whoever ends something, and has not yet committed it. What a test did is undone."""
    with runtime.database.engine(DatabaseRole.OWNER).connect() as connection:
        yield connection
    with transaction(SYSTEM) as tx:
        tx.execute(update(Enrollment).values(ended_at=None))
        tx.execute(update(Student).values(pin_hash=None))
    assert world is not None


ENDS = [
    ("by_code", "update app.enrollment set ended_at = :at where student_id = :child"),
    ("by_code", "update app.student set pin_hash = 'another' where id = :child"),
    (
        "by_card",
        "update app.student_card set voided_at = :at where student_id = :child and voided_at is null",
    ),
    ("by_card", "update app.enrollment set ended_at = :at where student_id = :child"),
    ("by_card", "update app.student set pin_hash = 'another' where id = :child"),
    ("at_tablet", "update app.classroom_tablet set voided_at = :at where voided_at is null"),
    # Last: it is the class's only one.
    (
        "by_code",
        "update app.classroom_code set ended_at = :at where classroom_id = :room and ended_at is null",
    ),
]


@pytest.mark.parametrize(("way", "end"), ENDS)
def test_whoever_comes_at_that_moment_waits_and_stays_out(
    world: World, ending: Connection, request: pytest.FixtureRequest, way: str, end: str
) -> None:
    come_in: ComeIn = request.getfixturevalue(way)
    before = live()
    values = {"at": clock.now(), "child": world.own_class.children[0].id, "room": world.own_class.id}
    with ThreadPoolExecutor() as threads:
        ending.execute(text(end), values)
        coming = threads.submit(come_in)
        wait_for_one_behind(ending)
        ending.commit()
        with pytest.raises(Rejected):
            coming.result(timeout=10)
    assert live() <= before


def live() -> int:
    with transaction(SYSTEM) as tx:
        return tx.scalar(select(func.count()).where(StudentSession.ended_at.is_(None))) or 0
