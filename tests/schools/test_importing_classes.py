"""Which classes the rows of a list mean, and what importing them does."""

from collections.abc import Sequence
from itertools import count
from threading import Thread

import pytest
from sqlalchemy import delete, select

from backoffice.access.lookup import NotFound
from backoffice.access.principal import Principal
from backoffice.access.transaction import transaction
from backoffice.audit.models import AuditEntry
from backoffice.changes.models import ClassroomChange
from backoffice.imports.columns import Row
from backoffice.imports.plan import ChangedMeanwhile, Plan, RowState
from backoffice.problems import Rejected
from backoffice.runtime import Runtime
from backoffice.schools.models import Classroom, ClassroomCode, TeachingRole
from backoffice.schools.services import archiving
from backoffice.schools.services.importing import Imported
from backoffice.schools.services.importing_classes import import_classrooms, preview_classrooms
from backoffice.students.issuers import _in_trail
from tests.factories.statements import statements
from tests.factories.world import SYSTEM, World

NEW, CHANGED, SAME, REFUSED = RowState
_NUMBERS = count(1)


@pytest.fixture
def name() -> str:
    """A name that no class has."""
    return f"Imported Iguanas {next(_NUMBERS)}"


def rows(*cells: str | tuple[str, str]) -> list[Row]:
    """Rows of names, or of an ID and a name."""
    pairs = [("", each) if isinstance(each, str) else each for each in cells]
    return [Row(line, {"id": public_id, "name": called}) for line, (public_id, called) in enumerate(pairs, 2)]


class Bringing:
    """Brings lists of classes into a school."""

    def __init__(self, who: Principal, school: str) -> None:
        self.who, self.school = who, school

    def look(self, wanted: Sequence[Row]) -> Plan:
        return preview_classrooms(principal=self.who, school=self.school, rows=wanted)

    def do(self, wanted: Sequence[Row], seen: str | None = None, most: int = 500) -> Imported:
        digest = self.look(wanted).digest if seen is None else seen
        return import_classrooms(principal=self.who, school=self.school, rows=wanted, seen=digest, most=most)

    def states(self, wanted: Sequence[Row]) -> list[RowState]:
        return [row.state for row in self.look(wanted).rows]

    def sentence(self, wanted: Sequence[Row]) -> str:
        """What is said of the last row."""
        return str(self.look(wanted).rows[-1].sentence or "")


@pytest.fixture
def bring(world: World) -> Bringing:
    return Bringing(world.sign_in("teacher"), world.home.public_id)


def called(name: str) -> list[Classroom]:
    with transaction(SYSTEM) as tx:
        return [each for each in tx.scalars(select(Classroom).order_by(Classroom.id)) if each.name == name]


def test_new_classes_are_as_those_that_are_made_one_by_one(bring: Bringing, name: str, world: World) -> None:
    second = f"{name} too"
    wanted = rows(name, second)
    assert bring.states(wanted) == [NEW, NEW]
    assert bring.do(wanted) == (2, 0)
    (room,), (other,) = called(name), called(second)
    assert (room.school_id, room.door, room.shared_devices) == (world.home.id, "open", True)
    with transaction(SYSTEM) as tx:
        of = TeachingRole.classroom_id.in_([room.id, other.id])
        roles = tx.execute(select(TeachingRole.account_id, TeachingRole.role).where(of)).all()
        codes = select(ClassroomCode.code).where(ClassroomCode.classroom_id.in_([room.id, other.id]))
        assert len(set(tx.scalars(codes))) == 2
        verbs = list(tx.scalars(select(AuditEntry.verb).order_by(AuditEntry.id)))
    assert set(map(tuple, roles)) == {(world.people["teacher"].id, "owner")}
    assert verbs[-1] == "classrooms.import"
    assert bring.states(wanted) == [SAME, SAME]


def test_names_are_kept_clean_and_compared_plainly(bring: Bringing, name: str) -> None:
    wanted = rows(f"  {name}\u200b ", name.upper())
    assert bring.states(wanted) == [NEW, REFUSED]
    assert bring.sentence(wanted) == "The same as line 2."
    bring.do(wanted)
    assert [each.name for each in called(name)] == [name]
    assert bring.states(rows(name.lower())) == [SAME]


def test_a_class_is_renamed_by_its_id_and_kept_as_it_was(bring: Bringing, name: str) -> None:
    bring.do(rows(name))
    (room,) = called(name)
    wanted = rows((room.public_id, f"{name} renamed"))
    (row,) = bring.look(wanted).rows
    assert (row.state, row.changes[0].before, row.changes[0].after) == (CHANGED, name, f"{name} renamed")
    assert bring.do(wanted) == (0, 1)
    assert (called(name), len(called(f"{name} renamed"))) == ([], 1)
    with transaction(SYSTEM) as tx:
        of_it = select(ClassroomChange.field).where(ClassroomChange.classroom_id == room.id)
        assert list(tx.scalars(of_it)) == ["name"]
    assert bring.states(rows((room.public_id, f"{name} renamed"))) == [SAME]


def test_what_is_not_the_own_is_refused(bring: Bringing, name: str, world: World) -> None:
    for public_id, sentence in (
        (world.colleague_class.public_id, "No class here that goes on has this ID."),
        (world.foreign_class.public_id, "No class here that goes on has this ID."),
        ("nothingofthiskind", "No class here that goes on has this ID."),
    ):
        wanted = rows((public_id, name))
        assert bring.states(wanted) == [REFUSED]
        assert bring.sentence(wanted).startswith(sentence)
        with pytest.raises(Rejected):
            bring.do(wanted)
    for school in (world.outside.public_id, world.elsewhere.public_id):
        other = Bringing(bring.who, school)
        with pytest.raises(NotFound):
            other.look(rows(name))
        with pytest.raises(NotFound):
            other.do(rows(name), seen="")
    assert called(name) == []


@pytest.mark.parametrize(
    ("text", "sentence"),
    [("", "Give the class a name."), ("x" * 81, "Shorten the name to 80 letters.")],
)
def test_a_name_must_be_one(bring: Bringing, text: str, sentence: str) -> None:
    assert bring.states(rows(text)) == [REFUSED]
    assert bring.sentence(rows(text)) == sentence


def test_lines_with_an_id_and_lines_with_a_name_know_of_each_other(bring: Bringing, name: str) -> None:
    second = f"{name} too"
    bring.do(rows(name, second))
    (one,), (two,) = called(name), called(second)
    new = f"{name} new"
    # In either order: the class of the first line has the name of the second by then.
    for wanted in (rows((one.public_id, new), new), rows(new, (one.public_id, new))):
        assert sorted(bring.states(wanted)) == [CHANGED, REFUSED]
    # Its old name is free by then, and no class has it.
    freed = rows((one.public_id, new), name)
    assert bring.states(freed) == [CHANGED, NEW]
    assert bring.do(freed) == (1, 1)
    assert bring.states(freed) == [SAME, SAME]
    swapped = rows((one.public_id, second), (two.public_id, new))
    assert bring.do(swapped) == (0, 2)
    assert ([each.id for each in called(second)], [each.id for each in called(new)]) == ([one.id], [two.id])
    assert bring.states(rows((one.public_id, second), second)) == [SAME, REFUSED]
    assert bring.sentence(rows((one.public_id, second), (one.public_id, "Other"))) == (
        "A line above is about this class."
    )


def test_classes_of_one_name_come_back_as_the_same(bring: Bringing, name: str) -> None:
    second = f"{name} too"
    bring.do(rows(name, second))
    (two,) = called(second)
    to_twin = rows((two.public_id, name))
    assert bring.sentence(to_twin) == "Another class has this name as well."
    bring.do(to_twin)
    assert len(called(name)) == 2
    assert bring.states(rows(name, name, name)) == [SAME, SAME, REFUSED]


def test_rows_of_another_school_are_left_out(bring: Bringing, name: str, world: World) -> None:
    wanted = [
        Row(2, {"name": name, "school": world.elsewhere.name}),
        Row(3, {"name": name, "school": world.home.name.upper()}),
    ]
    assert bring.states(wanted) == [REFUSED, NEW]


def test_a_leader_brings_classes_into_each_school_of_the_district(name: str, world: World) -> None:
    leader = world.sign_in("leader")
    for place in (world.home, world.elsewhere):
        other = Bringing(leader, place.public_id)
        assert other.do(rows(name)) == (1, 0)
        assert other.states(rows(name)) == [SAME]
    assert {each.school_id for each in called(name)} == {world.home.id, world.elsewhere.id}
    with pytest.raises(NotFound):
        Bringing(leader, world.outside.public_id).look(rows(name))


@pytest.mark.parametrize("role", ["founder", "officer", "parent"])
def test_whoever_makes_no_classes_brings_none(role: str, name: str, world: World) -> None:
    with pytest.raises(NotFound):
        Bringing(world.sign_in(role), world.home.public_id).look(rows(name))


def test_who_brought_a_list_explains_its_codes(bring: Bringing, name: str, world: World) -> None:
    """The control of codes finds who gave them out, though they have left the class since."""
    bring.do(rows(name))
    (room,) = called(name)
    with transaction(SYSTEM) as tx:
        code = tx.scalars(select(ClassroomCode).where(ClassroomCode.classroom_id == room.id)).one()
        tx.execute(delete(TeachingRole).where(TeachingRole.classroom_id == room.id))
        assert code.issued_by == world.people["teacher"].id
        assert _in_trail(tx, code)


def test_an_archived_class_keeps_its_name_and_takes_it_from_nobody(bring: Bringing, name: str) -> None:
    bring.do(rows(name))
    (room,) = called(name)
    archiving.archive_classrooms(principal=bring.who, classrooms=[room.public_id])
    assert bring.states(rows((room.public_id, f"{name} again"))) == [REFUSED]
    assert bring.do(rows(name)) == (1, 0)
    assert len(called(name)) == 2


def test_what_was_not_shown_is_not_done(bring: Bringing, name: str) -> None:
    shown = bring.look(rows(name)).digest
    bring.do(rows(name))
    with pytest.raises(ChangedMeanwhile) as changed:
        bring.do(rows(name), seen=shown)
    assert [row.state for row in changed.value.plan.rows] == [SAME]
    with pytest.raises(Rejected):
        bring.do(rows(name))
    with pytest.raises(Rejected):
        bring.do(rows(f"{name} 2", f"{name} 3"), most=1)
    assert (len(called(name)), called(f"{name} 2")) == (1, [])


def test_two_who_confirm_at_once_make_each_class_once(bring: Bringing, name: str, world: World) -> None:
    wanted, seen = rows(name), bring.look(rows(name)).digest
    outcomes: list[object] = []

    def confirm() -> None:
        try:
            outcomes.append(Bringing(world.sign_in("teacher"), bring.school).do(wanted, seen=seen))
        except ChangedMeanwhile:
            outcomes.append("changed")

    both = [Thread(target=confirm) for _ in range(2)]
    for each in both:
        each.start()
    for each in both:
        each.join()
    assert sorted(map(str, outcomes)) == ["Imported(new=1, changed=0)", "changed"]
    assert len(called(name)) == 1


def test_many_classes_take_as_many_statements_as_few(bring: Bringing, name: str, runtime: Runtime) -> None:
    noted = []
    for many in (2, 40):
        wanted = rows(*(f"{name} {many} {each}" for each in range(many)))
        seen = bring.look(wanted).digest
        with statements(runtime) as asked:
            bring.do(wanted, seen=seen)
        noted.append(len(asked))
    assert noted[0] == noted[1]
