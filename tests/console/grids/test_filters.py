"""Filters as data: what an address may ask, what it finds, and what there is not."""

from datetime import UTC, date, datetime

import pytest
import time_machine
from sqlalchemy import select, update
from werkzeug.datastructures import MultiDict

from backoffice.access.lookup import NotFound
from backoffice.access.policy import visible
from backoffice.access.transaction import Transaction, transaction
from backoffice.accounts.models import Account
from backoffice.console.families import FamilyGrid
from backoffice.console.grids import filters
from backoffice.console.grids.filters import DateFilter, Few, Filter, NumberFilter
from backoffice.console.paging import LargeLists
from backoffice.console.security import SecurityGrid
from backoffice.console.students import StudentGrid
from backoffice.schools.models import Enrollment, Student
from tests.factories.world import SYSTEM, World

FEW = Few("a test")
DAYS = DateFilter("active", "Last in", column=Student.active_on, carried_by=FEW)
MOMENTS = DateFilter("made", "Made", column=Student.created_at, moments=True, carried_by=FEW)
NUMBERS = NumberFilter("points", "Points", column=Enrollment.balance, carried_by=FEW)
STATE = FamilyGrid.filters[0]
OPEN = SecurityGrid.filters[0]
CLASS, SCHOOL, _ = StudentGrid.filters


def asked(of: Filter, who: str, world: World, *pairs: tuple[str, str]) -> filters.Asked | None:
    with transaction(world.sign_in(who)) as tx:
        return of.read(tx, MultiDict(pairs))


def test_what_is_left_empty_narrows_nothing(world: World) -> None:
    for of in (DAYS, MOMENTS, NUMBERS, STATE, OPEN, CLASS):
        assert asked(of, "leader", world) is None
        assert asked(of, "leader", world, *((name, "") for name in of.names)) is None


@pytest.mark.parametrize(
    ("of", "pairs"),
    [
        (STATE, [("state", "lost")]),
        (STATE, [("state", "waiting"), ("state", "lost")]),
        (OPEN, [("state", "open"), ("state", "closed")]),
        (OPEN, [("state", "o" * 1000)]),
        (DAYS, [("active", "yesterday")]),
        (DAYS, [("active_from", "1.3.2026")]),
        (DAYS, [("active_from", "20260301")]),
        (DAYS, [("active_to", "2026-02-30")]),
        (DAYS, [("active_to", "9999-12-31")]),
        (DAYS, [("active_from", "2026-03-01"), ("active_from", "2026-03-02")]),
        (NUMBERS, [("points_from", "1.5")]),
        (NUMBERS, [("points_from", "\u0661")]),
        (NUMBERS, [("points_to", "9" * 10)]),
        (CLASS, [("classroom", "\0")]),
        (CLASS, [("classroom", "2" * 16)]),
    ],
)
def test_what_cannot_be_chosen_is_not_there(world: World, of: Filter, pairs: list[tuple[str, str]]) -> None:
    with pytest.raises(NotFound):
        asked(of, "leader", world, *pairs)


@pytest.mark.parametrize(
    ("of", "name", "typed"), [(DAYS, "active_to", "2026-02-30"), (NUMBERS, "points_to", "1.5")]
)
def test_what_is_mistyped_names_its_input(world: World, of: Filter, name: str, typed: str) -> None:
    with pytest.raises(filters.Unreadable) as wrong:
        asked(of, "leader", world, (name, typed))
    assert wrong.value.name == name
    with transaction(world.sign_in("leader")) as tx:
        bounds = {
            (each.least, each.most) for each in of.inputs(tx, MultiDict(), None) if each.kind != "select"
        }
    assert bounds == {("1900-01-01", "9000-12-31") if of is DAYS else ("-999999999", "999999999")}


def test_a_thing_of_another_school_is_not_there(world: World) -> None:
    for of, thing in ((CLASS, world.foreign_class), (SCHOOL, world.outside)):
        with pytest.raises(NotFound):
            asked(of, "leader", world, (of.name, thing.public_id))
    own = asked(CLASS, "leader", world, ("classroom", world.own_class.public_id))
    assert own is not None
    assert own.thing.id == world.own_class.id
    with pytest.raises(NotFound):
        both = (world.own_class, world.elsewhere_class)
        asked(CLASS, "leader", world, *(("classroom", each.public_id) for each in both))


def found(of: Filter, world: World, *pairs: tuple[str, str]) -> tuple[set[int], str]:
    """Which of the own class's children are found, and in which words."""
    with transaction(world.sign_in("leader")) as tx:
        narrowed = of.read(tx, MultiDict(pairs))
        assert narrowed is not None
        rows = tx.scalars(visible(tx.principal, select(Student)).where(*narrowed.conditions)).all()
        return {row.id for row in rows} & {child.id for child in world.own_class.children}, narrowed.words


def test_days_are_found_from_the_first_to_the_last(world: World) -> None:
    first, second = world.own_class.children
    with transaction(SYSTEM) as tx:
        _set_days(tx, {first.id: date(2026, 3, 1), second.id: date(2026, 3, 31)})
    march = found(DAYS, world, ("active_from", "2026-03-01"), ("active_to", "2026-03-31"))
    assert march == ({first.id, second.id}, "Last in: from 1 Mar 2026, to 31 Mar 2026")
    # The day after the last is out, and so is the day before the first.
    assert found(DAYS, world, ("active_from", "2026-03-02"), ("active_to", "2026-03-30"))[0] == set()
    with time_machine.travel("2026-03-31T12:00:00Z", tick=False):
        assert found(DAYS, world, ("active", "this-month"))[0] == {first.id, second.id}
        # Two answers at once mean the days that both mean.
        both = found(DAYS, world, ("active", "this-month"), ("active_from", "2026-03-02"))
        assert both == ({second.id}, "Last in: this month, from 2 Mar 2026")


def test_days_of_moments_are_the_readers_own(world: World) -> None:
    first, leader = world.own_class.children[0], world.people["leader"].id
    in_denver_still_the_first = datetime(2026, 1, 2, 5, 30, tzinfo=UTC)
    with transaction(SYSTEM) as tx:
        tx.execute(update(Student).where(Student.id == first.id).values(created_at=in_denver_still_the_first))
    for zone, ids in (("America/Denver", {first.id}), ("UTC", set())):
        with transaction(SYSTEM) as tx:
            tx.execute(update(Account).where(Account.id == leader).values(time_zone=zone))
        assert found(MOMENTS, world, ("made_from", "2026-01-01"), ("made_to", "2026-01-01"))[0] == ids


def _set_days(tx: Transaction, days: dict[int, date]) -> None:
    for student, day in days.items():
        tx.execute(update(Student).where(Student.id == student).values(active_on=day))


def test_numbers_are_found_from_one_to_another(world: World) -> None:
    narrowed = asked(NUMBERS, "leader", world, ("points_from", "-3"), ("points_to", "1200"))
    assert narrowed is not None
    with transaction(SYSTEM) as tx:
        texts = [str(each.compile(compile_kwargs={"literal_binds": True})) for each in narrowed.conditions]
        assert tx.scalars(select(Enrollment.student_id).where(*narrowed.conditions)).first() is not None
    assert texts == ["app.enrollment.balance >= -3", "app.enrollment.balance <= 1200"]
    assert narrowed.words == "Points: from -3 to 1,200"


def test_several_choices_mean_any_of_them(world: World) -> None:
    narrowed = asked(STATE, "leader", world, ("state", "waiting"), ("state", "approved"))
    assert narrowed is not None
    (condition,) = narrowed.conditions
    assert narrowed.words == "State: Waiting or Confirmed"
    assert " OR " in str(condition)


def test_too_many_choices_are_no_select(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(filters, "LARGE", LargeLists())
    with transaction(world.sign_in("leader")) as tx:
        assert CLASS.inputs(tx, MultiDict(), None)
        monkeypatch.setattr(filters, "MOST_CHOICES", 1)
        assert [each.kind for each in CLASS.inputs(tx, MultiDict(), None)] == ["pick"]
        monkeypatch.setattr(filters, "MOST_CHOICES", 200)
        again = CLASS.inputs(tx, MultiDict(), None)
        assert [each.kind for each in again] == ["pick"], "for a minute nobody counts again"
