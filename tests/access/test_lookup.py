"""On which of some rows somebody holds a permission: of all at once where their schools say so."""

from sqlalchemy import select

from backoffice.access.lookup import held_on, is_held_on_all
from backoffice.access.permissions import CLASSROOMS_EDIT, STUDENTS_EDIT
from backoffice.access.transaction import transaction
from backoffice.schools.models import Classroom, Student
from tests.factories.world import SYSTEM, World

READS = (Student.id, Student.public_id, Student.school_id)


def test_whoever_holds_it_in_all_their_schools_holds_it_on_them(world: World) -> None:
    with transaction(SYSTEM) as tx:
        every = tx.execute(select(*READS)).all()
    own = [row for row in every if row.school_id in {world.home.id, world.elsewhere.id}]
    others = [row for row in every if row.school_id == world.outside.id]
    assert own
    assert others
    for role, whole in (("leader", True), ("teacher", False), ("outsider", False), ("founder", False)):
        with transaction(world.sign_in(role)) as tx:
            assert is_held_on_all(tx, Student, STUDENTS_EDIT, own) is whole, role
            # One of another school, and no school to be told by.
            assert not is_held_on_all(tx, Student, STUDENTS_EDIT, [*own, others[0]])
            without = tx.execute(select(Student.id, Student.public_id).limit(1)).all()
            assert not (without and is_held_on_all(tx, Student, STUDENTS_EDIT, without))
            held = held_on(tx, Student, STUDENTS_EDIT, [*own, *others])
            if whole:
                assert held == {row.public_id for row in own}
            assert held.isdisjoint({row.public_id for row in others}) or role == "outsider"


def test_what_may_be_closed_is_asked_of_the_database(world: World) -> None:
    """An archived class is nobody's to change, whoever leads its school."""
    with transaction(world.sign_in("leader")) as tx:
        rooms = tx.scalars(select(Classroom)).all()
        assert rooms
        assert not is_held_on_all(tx, Classroom, CLASSROOMS_EDIT, rooms)
