"""Two imports at once come out as one after the other."""

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Event
from typing import Any

import pytest
from sqlalchemy import func, select

from backoffice import clock
from backoffice.access.transaction import Transaction, transaction
from backoffice.schools.models import School, Student
from plugins.rosters import queries, services
from plugins.rosters.importing import places
from plugins.rosters.importing.places import Target
from plugins.rosters.models import ImportState, RosterImport
from plugins.rosters.reading.report import Report
from tests.factories.oneroster import Shape, zipped
from tests.factories.world import SYSTEM, World
from tests.plugins.rosters.memory import Memory, empty_school, errors, run, small
from tests.plugins.rosters.test_jobs import WORKER, mails, pieces, queued, row

pytestmark = pytest.mark.usefixtures("nobody_is_known")
PATIENCE = 20


@pytest.fixture
def beside() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(2) as made:
        yield made


class Held:
    """The first import stops before it is written down, until it may go on."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.there, self.go = Event(), Event()
        note = services._note_done

        def held(*arguments: Any, **options: Any) -> None:
            if not self.there.is_set():
                self.there.set()
                assert self.go.wait(PATIENCE)
            note(*arguments, **options)

        monkeypatch.setattr(services, "_note_done", held)


def one_after_the_other(
    beside: ThreadPoolExecutor, held: Held, first: Callable[[], Any], second: Callable[[], Any]
) -> tuple[Any, Any]:
    """What both gave; the second begins while the first is in the middle, and waits for it."""
    one: Future[Any] = beside.submit(first)
    assert held.there.wait(PATIENCE)
    other: Future[Any] = beside.submit(second)
    try:
        with pytest.raises(TimeoutError):
            other.result(0.7)
    finally:
        held.go.set()
    return one.result(PATIENCE), other.result(PATIENCE)


def students(school: School) -> int:
    with transaction(SYSTEM) as tx:
        return tx.scalar(select(func.count()).where(Student.school_id == school.id)) or 0


def test_the_same_roster_twice_into_a_school(
    world: World, beside: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    school = empty_school()

    def imported() -> Any:
        return run(small(), school.public_id)

    first, second = one_after_the_other(beside, Held(monkeypatch), imported, imported)
    assert (first.counts["students new"], second.counts.get("students new")) == (3, None)
    assert students(school) == 3


def test_a_district_and_one_of_its_schools(
    world: World, beside: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    school = empty_school("Atonce Ash School", world.district_id)
    whole = small()
    whole.made["orgs"][0] = whole.made["orgs"][0]._replace(name=school.name)
    first, second = one_after_the_other(
        beside,
        Held(monkeypatch),
        lambda: run(whole, district=world.district),
        lambda: run(small(), school.public_id),
    )
    assert errors(first) == errors(second) == []
    assert (first.counts["students new"], second.counts.get("students new")) == (3, None)
    assert students(school) == 3


def test_one_upload_by_two_workers(
    world: World, beside: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    number, before = queued(world, zipped(Shape(students=5, seed=41, classes_a_student=1))), len(mails())

    def work() -> Any:
        return services.run_upload(principal=WORKER, number=number, tick=lambda _lines: None)

    first, second = one_after_the_other(beside, Held(monkeypatch), work, work)
    assert (first.counts["students new"], second) == (5, None)
    assert (row(number).state, pieces(number), len(mails())) == (ImportState.DONE, 0, before + 1)


def locked(row: Any) -> bool:
    """Whether somebody else holds what this would lock, and so would pass over."""
    with transaction(SYSTEM) as tx:
        return tx.scalar(row) is None


def test_locating_a_place_keeps_other_imports_out_of_it(world: World) -> None:
    school = select(School.id).where(School.id == world.home.id)
    with transaction(SYSTEM) as tx:
        places.locate(tx, Target(school=world.home.public_id))
        assert locked(school.with_for_update(skip_locked=True, key_share=True))
        assert not locked(school.with_for_update(skip_locked=True, read=True, key_share=True))


def test_a_district_keeps_other_imports_out_of_its_schools(world: World) -> None:
    school = select(School.id).where(School.id == world.home.id)
    roster = Memory().org("home", world.home.name)
    with transaction(SYSTEM) as tx:
        found = places.locate(tx, Target(district=world.district))
        assert not locked(school.with_for_update(skip_locked=True, key_share=True))
        places.assign(tx, found, list(roster.orgs()), Report())
        assert found.numbers == [world.home.id]
        assert locked(school.with_for_update(skip_locked=True, key_share=True))


@pytest.mark.parametrize(
    "look",
    [
        lambda tx, number: queries.waiting(tx, number=number),
        lambda tx, _number: queries.not_over(tx, before=clock.now()),
    ],
    ids=["a worker", "giving up"],
)
def test_whoever_ends_an_import_has_it_alone(
    world: World, look: Callable[[Transaction, int], object]
) -> None:
    number = queued(world, b"x")
    it = select(RosterImport.id).where(RosterImport.id == number)
    with transaction(SYSTEM) as tx:
        assert look(tx, number)
        assert locked(it.with_for_update(skip_locked=True))
