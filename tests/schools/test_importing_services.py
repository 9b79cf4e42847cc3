"""Whom the rows of a list mean, and what importing them does."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import count
from threading import Thread

import pytest
from sqlalchemy import func, select

from backoffice.access.lookup import NotFound
from backoffice.access.principal import Principal
from backoffice.access.transaction import transaction
from backoffice.imports.columns import Row
from backoffice.imports.plan import ChangedMeanwhile, Plan, RowState
from backoffice.problems import Rejected
from backoffice.runtime import Runtime
from backoffice.schools import names
from backoffice.schools.importing import compare, queries
from backoffice.schools.importing.compare import (
    CLOSED_CLASS,
    SEVERAL,
    TOO_MANY_CLASSES,
    TWO_CLASSES,
    Elsewhere,
)
from backoffice.schools.models import Enrollment, Student
from backoffice.schools.queries import classrooms_for
from backoffice.schools.services import archiving, classrooms, rosters, students
from backoffice.schools.services.changes import undo_last_change
from backoffice.schools.services.importing import Imported, import_students, preview_students
from backoffice.schools.services.rosters import ANOTHER
from tests.factories.statements import statements
from tests.factories.world import SYSTEM, World, add_child

NEW, CHANGED, SAME, REFUSED = RowState
_NUMBERS = count(1)


@pytest.fixture
def teacher(world: World) -> Principal:
    return world.sign_in("teacher")


@pytest.fixture
def room(world: World, teacher: Principal) -> str:
    """The name of a fresh class of the teacher's."""
    name = f"Import Ibises {next(_NUMBERS)}"
    classrooms.create_classroom(principal=teacher, school=world.home.public_id, name=name)
    return name


def rows(*cells: tuple[str, ...], keys: Sequence[str] = ("whole", "classes")) -> list[Row]:
    return [Row(line, dict(zip(keys, texts, strict=True))) for line, texts in enumerate(cells, start=2)]


class Bringing:
    """Brings lists into the home school."""

    def __init__(self, who: Principal, world: World) -> None:
        self._given = {"principal": who, "school": world.home.public_id}

    def look(self, wanted: Sequence[Row], elsewhere: Elsewhere = Elsewhere.ASK) -> Plan:
        return preview_students(rows=wanted, elsewhere=elsewhere, **self._given)  # type: ignore[arg-type]

    def do(self, wanted: Sequence[Row], elsewhere: Elsewhere = Elsewhere.ASK, most: int = 500) -> Imported:
        seen = self.look(wanted, elsewhere).digest
        return import_students(
            rows=wanted,
            elsewhere=elsewhere,
            seen=seen,
            most=most,
            **self._given,  # type: ignore[arg-type]
        )

    def states(self, wanted: Sequence[Row], elsewhere: Elsewhere = Elsewhere.ASK) -> list[RowState]:
        return [row.state for row in self.look(wanted, elsewhere).rows]

    def sentence(self, wanted: Sequence[Row]) -> str:
        """What is said of the last row."""
        return self.look(wanted).rows[-1].sentence or ""


@pytest.fixture
def bring(world: World, teacher: Principal) -> Bringing:
    return Bringing(world.sign_in("teacher"), world)


def seats(name: str) -> int:
    with transaction(SYSTEM) as tx:
        live = select(Enrollment.student_id, Student.given_name, Student.family_name).join(
            Student, Student.id == Enrollment.student_id
        )
        found = tx.execute(live.where(Enrollment.ended_at.is_(None)))
        return sum(f"{row.given_name} {row.family_name or ''}".strip() == name for row in found)


def test_names_are_kept_clean_and_compared_plainly(bring: Bringing, room: str) -> None:
    hidden = "Zo\u200be\u0308 \u202eZim\u00a0mer\ufeff"
    assert bring.do(rows((hidden, f" {room.upper()} "))) == (1, 0)
    # In any spelling the same; accents correct a name that stands in two cells, capitals do not.
    again = rows(("Zoë Zim mer", room), ("Zim mer, Zoë", room))
    assert bring.states(again) == [SAME, REFUSED]
    assert bring.sentence(again) == "The same as line 2."
    parted = ("given", "family", "classes")
    assert bring.states(rows(("ZOË", "ZIM MER", room), keys=parted)) == [SAME]
    (row,) = bring.look(rows(("Zoe", "Zim mer", room), keys=parted)).rows
    assert [(each.column, each.before, each.after) for each in row.changes] == [("Given name", "Zoë", "Zoe")]


def test_a_name_in_one_cell_is_parted_as_it_was(bring: Bringing, room: str) -> None:
    bring.do(rows(("Mary Ann", "Nuñez", room), keys=("given", "family", "classes")))
    with transaction(SYSTEM) as tx:
        child = next(each.public_id for each in tx.scalars(select(Student)) if each.given_name == "Mary Ann")
    keys = ("id", "whole")
    assert bring.states(rows((child, "Mary Ann Nuñez"), keys=keys)) == [SAME]
    (row,) = bring.look(rows((child, "Mary Ann Núñez"), keys=keys)).rows
    assert [(each.column, each.before, each.after) for each in row.changes] == [
        ("Family name", "Nuñez", "Núñez")
    ]
    (row,) = bring.look(rows((child, "Mary Lou Nuñez Ortiz"), keys=keys)).rows
    assert [each.after for each in row.changes] == ["Mary", "Lou Nuñez Ortiz"]


def test_a_name_corrected_by_its_id_alone_is_undone_in_a_class_of_the_child(
    bring: Bringing, room: str, teacher: Principal, world: World
) -> None:
    bring.do(rows(("Undone Okapi", room)))
    with transaction(SYSTEM) as tx:
        child = next(each for each in tx.scalars(select(Student)) if each.given_name == "Undone")
    assert bring.do(rows((child.public_id, "Done", "Okapi"), keys=("id", "given", "family"))) == (0, 1)
    undone = undo_last_change(principal=teacher, classroom=class_of(room, world))
    assert (undone.kind, undone.count, seats("Undone Okapi")) == ("rename", 1, 1)


def test_twins_and_doubled_rows(bring: Bringing, room: str, world: World, teacher: Principal) -> None:
    assert bring.states(rows(("Emma Park", room), ("emma park", room))) == [NEW, REFUSED]
    bring.do(rows(("Emma Park", room)))
    with transaction(SYSTEM) as tx:
        public_id = next(each.public_id for each in tx.scalars(select(Student)) if each.given_name == "Emma")
    rosters.add_students(
        principal=teacher, classroom=class_of(room, world), text="Emma Park", answers={1: ANOTHER}
    )
    # As the list is taken out, it comes back: each row means one of them; a third row none.
    twins = rows(("Emma Park", room), ("Emma Park", room), ("Emma Park", room))
    assert bring.states(twins) == [SAME, SAME, REFUSED]
    by_id = rows((public_id, "Emily Park", room), keys=("id", "whole", "classes"))
    assert bring.states(by_id) == [CHANGED]
    assert bring.sentence(rows(("Émma Park", room))) == SEVERAL


def class_of(room: str, world: World) -> str:
    """The identifier of the class of this name."""
    with transaction(world.sign_in("teacher")) as tx:
        return next(each.public_id for each in classrooms_for(tx) if each.name == room)


def test_several_classes_commas_in_names_and_classes_of_one_name(
    bring: Bringing, room: str, world: World, teacher: Principal
) -> None:
    school = world.home.public_id
    comma, twin = f"{room}, early", f"{room} twice"
    for name in (comma, twin, twin):
        classrooms.create_classroom(principal=teacher, school=school, name=name)
    assert bring.do(rows(("Kim Comma", f"{comma}; {room}"))) == (1, 0)
    assert seats("Kim Comma") == 2
    assert bring.states(rows(("Kim Comma", f"{room}, {comma}"), ("Kim Comma", room))) == [SAME, SAME]
    assert bring.sentence(rows(("Tia Twice", twin))) == TWO_CLASSES
    # One row a class: with the answer for that, the second row is the child of the first.
    each = rows(("Ona Each", room), ("Ona Each", comma))
    assert bring.states(each) == [NEW, REFUSED]
    assert bring.states(each, Elsewhere.ANOTHER) == [NEW, NEW]
    assert bring.states(each, Elsewhere.SAME) == [NEW, CHANGED]
    assert bring.do(each, Elsewhere.SAME) == (1, 1)
    assert bring.states(each) == [SAME, SAME]


def test_commas_in_a_cell_take_little_work(
    bring: Bringing, world: World, teacher: Principal, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("Ŵ", "Ŵ, Ŵ, Ÿ"):
        classrooms.create_classroom(principal=teacher, school=world.home.public_id, name=name)
    compared = 0

    def counted(text: str) -> str:
        nonlocal compared
        compared += len(text) if "Ŵ" in text else 0
        return names.plain(text)

    monkeypatch.setattr(compare, "plain", counted)
    most, few = ",".join(["Ŵ"] * 50), "Ŵ,Ŵ,Ŵ,Ÿ"
    plan = bring.look(rows(*((f"Nora N{at}", most) for at in range(20)), ("Nora N", few)))
    assert {row.place for row in plan.rows} == {"Ŵ", "Ŵ, Ŵ, Ŵ, Ÿ"}
    assert compared < 10 * len(most)
    assert bring.sentence(rows(("Nora N", most + ",Ŵ"))) == TOO_MANY_CLASSES


def test_whoever_left_comes_back_with_the_points(
    bring: Bringing, room: str, world: World, teacher: Principal
) -> None:
    bring.do(rows(("Lea Leaver", room)))
    place = class_of(room, world)
    with transaction(teacher) as tx:
        child = next(each.public_id for each in tx.scalars(select(Student)) if each.given_name == "Lea")
    students.end_enrollments(principal=teacher, classroom=place, students=[child])
    back = rows(("Lea Leaver", room))
    (row,) = bring.look(back).rows
    assert (row.state, row.sentence) == (
        CHANGED,
        "Was in this class before and comes back with the points.",
    )
    assert bring.do(back) == (0, 1)
    with transaction(SYSTEM) as tx:
        found = (
            select(func.count()).select_from(Enrollment).join(Student, Student.id == Enrollment.student_id)
        )
        assert tx.scalar(found.where(Student.public_id == child)) == 1


def test_lines_below_one_that_brings_somebody_back_mean_the_same_child(
    bring: Bringing, room: str, world: World, teacher: Principal
) -> None:
    other = f"{room} too"
    classrooms.create_classroom(principal=teacher, school=world.home.public_id, name=other)
    bring.do(rows(("Lil Leaver", room)))
    with transaction(teacher) as tx:
        child = next(each.public_id for each in tx.scalars(select(Student)) if each.given_name == "Lil")
    students.end_enrollments(principal=teacher, classroom=class_of(room, world), students=[child])
    twice = rows(("Lil Leaver", room), ("Lil Leaver", room))
    assert bring.states(twice) == [CHANGED, REFUSED]
    assert bring.sentence(twice) == "The same as line 2."
    both = rows(("Lil Leaver", room), ("Lil Leaver", other))
    assert bring.states(both) == [CHANGED, REFUSED]
    assert bring.states(both, Elsewhere.SAME) == [CHANGED, CHANGED]
    assert bring.do(both, Elsewhere.SAME) == (0, 2)
    assert seats("Lil Leaver") == 2


def test_who_left_is_asked_for_all_classes_at_once(
    bring: Bringing, room: str, world: World, teacher: Principal, runtime: Runtime
) -> None:
    other = f"{room} too"
    classrooms.create_classroom(principal=teacher, school=world.home.public_id, name=other)
    for name, left in ((room, "Lou Leaver"), (other, "Liv Leaver")):
        bring.do(rows((left, name)))
        with transaction(teacher) as tx:
            known = tx.scalars(select(Student))
            child = next(each.public_id for each in known if each.given_name == left[:3])
        students.end_enrollments(principal=teacher, classroom=class_of(name, world), students=[child])
    back = rows(("Lou Leaver", room), ("Liv Leaver", other), ("Nik New", room))
    with statements(runtime) as noted:
        assert bring.states(back) == [CHANGED, CHANGED, NEW]
    assert sum("who_left" in each for each in noted) == 1


def test_what_is_not_the_own_is_refused(bring: Bringing, room: str, world: World, teacher: Principal) -> None:
    keys = ("id", "whole", "classes")
    for foreign in (world.foreign_class, world.elsewhere_class, world.colleague_class):
        child = foreign.children[0]
        plan = bring.look(
            rows((child.public_id, "Nina New", room), ("", "Nina New", foreign.name), keys=keys)
        )
        assert [row.state for row in plan.rows] == [REFUSED, REFUSED], foreign.name
        assert [row.column for row in plan.rows] == ["ID", "Classes"]
        # A name that only others know is new, as if it were nobody's.
        assert bring.states(rows((f"{child.given} {child.family}", room))) == [NEW]
    archiving.archive_classroom(principal=teacher, classroom=class_of(room, world))
    assert bring.states(rows(("Nina New", room))) == [REFUSED]
    helper = Bringing(world.sign_in("helper"), world)
    assert helper.sentence(rows(("Nina New", world.own_class.name))) == CLOSED_CLASS
    child = world.own_class.children[0]
    assert helper.states(rows((child.public_id, "Other Name", ""), keys=keys)) == [REFUSED]
    with pytest.raises(NotFound):
        preview_students(principal=teacher, school=world.outside.public_id, rows=rows(("A B", room)))


def test_what_was_not_shown_is_not_done(bring: Bringing, room: str, world: World, teacher: Principal) -> None:
    wanted = rows(("Newt Newman", room), ("Una Unheard", "Nowhere"))
    plan = bring.look(wanted)
    given = {"principal": teacher, "school": world.home.public_id, "rows": wanted}
    for seen in ("", "0" * 64, plan.digest[:-1] + "x"):
        with pytest.raises(ChangedMeanwhile) as shown:
            import_students(seen=seen, most=9, **given)  # type: ignore[arg-type]
        assert shown.value.plan.digest == plan.digest
    with pytest.raises(Rejected, match="at most 0 rows"):
        import_students(seen=plan.digest, most=0, **given)  # type: ignore[arg-type]
    with transaction(SYSTEM) as tx:
        add_child(tx, world.own_class, "Newt", "Newman")
    with pytest.raises(ChangedMeanwhile) as shown:
        import_students(seen=plan.digest, most=9, **given)  # type: ignore[arg-type]
    assert [row.state for row in shown.value.plan.rows] == [REFUSED, REFUSED]
    nothing = shown.value.plan.digest
    with pytest.raises(Rejected, match="nothing to bring in"):
        import_students(seen=nothing, most=9, **given)  # type: ignore[arg-type]


def test_classes_that_read_the_same_are_told_apart(
    bring: Bringing, room: str, world: World, teacher: Principal
) -> None:
    school, names_of_two = world.home.public_id, [f"{room} the one", f"{room} the other"]
    one, other = (
        classrooms.create_classroom(principal=teacher, school=school, name=name) for name in names_of_two
    )
    bring.do(rows(("Rhea Reader", room)))
    fresh = ("Drew Draft", room)
    wanted = rows(("Rhea Reader", names_of_two[0]), fresh, ("Drew Draft", names_of_two[0]))
    shown = bring.look(wanted, Elsewhere.SAME)
    assert [row.state for row in shown.rows] == [CHANGED, NEW, CHANGED]
    # The classes change names: what is read is the same, and where somebody would come is not.
    for classroom, name in ((one, "Aside"), (other, names_of_two[0])):
        classrooms.rename_classroom(principal=teacher, classroom=classroom, name=name)
    now = bring.look(wanted, Elsewhere.SAME)
    for before, after in zip(shown.rows, now.rows, strict=True):
        assert replace(before, mark="") == replace(after, mark="")
    assert [before != after for before, after in zip(shown.rows, now.rows, strict=True)] == [
        True,
        False,
        True,
    ]


def test_a_very_large_school_is_compared_by_the_words_of_the_list(
    bring: Bringing, room: str, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    bring.do(rows(("Larry Large", room), ("Laura Large", room)))
    (row,) = bring.look(rows(("Larry Large", room))).rows
    monkeypatch.setattr(queries, "READ_WHOLE", 1)
    assert bring.look(rows(("Larry Large", room))).rows == [row]
    child = world.own_class.children[1]
    by_id = rows((child.public_id, "Barty Zephyrine"), keys=("id", "whole"))
    assert bring.states([*rows(("Larry Large", room), ("Nobody Yet", room)), *by_id]) == [SAME, NEW, CHANGED]


def test_two_who_confirm_at_once_write_one_child(world: World, room: str, bring: Bringing) -> None:
    wanted = rows(("Only Once", room))
    digest, ends = bring.look(wanted).digest, []

    def confirm(who: Principal) -> None:
        try:
            done = import_students(
                principal=who, school=world.home.public_id, rows=wanted, seen=digest, most=9
            )
            ends.append(done.new)
        except ChangedMeanwhile as changed:
            ends.append(-changed.plan.counts[SAME])

    threads = [Thread(target=confirm, args=(world.sign_in("teacher"),)) for _ in range(2)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert sorted(ends) == [-1, 1]
    assert seats("Only Once") == 1
