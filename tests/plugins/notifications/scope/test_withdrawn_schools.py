"""A school that only a withdrawn source had brought is concerned no longer, unless somebody was told."""

from sqlalchemy import select, update

from backoffice import clock
from backoffice.access.transaction import transaction
from backoffice.schools.models import School
from plugins.notifications import schools
from plugins.notifications.models import ConcernedSchool, TimelineEntry
from tests.factories.world import SYSTEM, World
from tests.plugins.notifications.conftest import Opens, row_of
from tests.plugins.notifications.scope.test_sources import place, withdraw


def of(made: str, school: School) -> ConcernedSchool:
    mine = (ConcernedSchool.incident_id == row_of(made).id, ConcernedSchool.school_id == school.id)
    with transaction(SYSTEM) as tx:
        return tx.scalars(select(ConcernedSchool).where(*mine)).one()


def lines(made: str) -> list[str]:
    of_it = select(TimelineEntry.said).where(TimelineEntry.incident_id == row_of(made).id)
    with transaction(SYSTEM) as tx:
        return list(tx.scalars(of_it.order_by(TimelineEntry.id)))


def test_it_goes_with_its_only_reason_and_comes_back_with_another(world: World, opens: Opens) -> None:
    made = opens()
    place(world, made)
    assert of(made, world.home).students > 0
    withdraw(world, made)
    assert of(made, world.home).left_out_at is not None
    assert any("1 school is no longer concerned" in each for each in lines(made))
    place(world, made)
    back = of(made, world.home)
    assert (back.left_out_at, back.scoped_at is None) == (None, False)
    assert back.students > 0


def test_one_that_was_told_stays_with_a_word_why(world: World, opens: Opens) -> None:
    made = opens()
    place(world, made)
    with transaction(SYSTEM) as tx:
        mine = ConcernedSchool.id == of(made, world.home).id
        tx.execute(update(ConcernedSchool).where(mine).values(told_at=clock.now()))
    withdraw(world, made)
    stays = of(made, world.home)
    assert stays.left_out_at is None
    assert schools.is_no_longer_reached(stays)
    assert any("1 school of which nobody is reached any more stays" in each for each in lines(made))


def test_one_that_somebody_named_stays(world: World, opens: Opens) -> None:
    made = opens()
    schools.concern(principal=world.sign_in("founder"), incident=made, place=world.home.public_id)
    place(world, made)
    withdraw(world, made)
    named = of(made, world.home)
    assert named.left_out_at is None
    assert not schools.is_no_longer_reached(named)


def test_one_that_another_source_reaches_stays(world: World, opens: Opens) -> None:
    made = opens()
    place(world, made)
    place(world, made, place=world.district)
    withdraw(world, made)
    assert of(made, world.home).left_out_at is None
    assert of(made, world.home).students > 0
    assert of(made, world.elsewhere).left_out_at is not None
