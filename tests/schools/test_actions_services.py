"""Making, changing and retiring Actions, and setting goals."""

import pytest
from sqlalchemy import select, update
from sqlalchemy.exc import DBAPIError

from backoffice.access.lookup import NotFound
from backoffice.access.transaction import transaction
from backoffice.language.spoken import speaking
from backoffice.problems import Rejected
from backoffice.schools.models import Action, Classroom, Enrollment, PointEntry
from backoffice.schools.services import actions, goals
from backoffice.schools.services.actions import MOST_ACTIONS, SUGGESTED
from backoffice.schools.services.classrooms import create_classroom
from tests.factories.world import SYSTEM, World


def found(public_id: str) -> Action:
    with transaction(SYSTEM) as tx:
        return tx.scalars(select(Action).where(Action.public_id == public_id)).one()


def empty_class(world: World) -> str:
    return create_classroom(
        principal=world.sign_in("teacher"), school=world.home.public_id, name="Empty Eiders"
    )


def test_an_action_is_made_changed_retired_and_brought_back(world: World) -> None:
    teacher, own = world.sign_in("teacher"), world.own_class
    made = actions.add_action(
        principal=teacher, classroom=own.public_id, label="  Held\tthe door ", icon="hands", value=2
    )
    row = found(made)
    assert (row.label, row.icon, row.value, row.classroom_id) == ("Held the door", "hands", 2, own.id)
    actions.change_action(principal=teacher, action=made, label="Slammed it", icon="clock", value=-10)
    actions.retire_action(principal=teacher, action=made)
    row = found(made)
    assert (row.label, row.value, row.retired_at is None) == ("Slammed it", -10, False)
    actions.retire_action(principal=teacher, action=made)
    assert found(made).retired_at == row.retired_at
    actions.bring_back_action(principal=teacher, action=made)
    assert found(made).retired_at is None


def test_a_change_leaves_what_was_awarded_as_it_was(world: World) -> None:
    own = world.own_class
    with transaction(SYSTEM) as tx:
        entries = select(PointEntry.value).where(PointEntry.classroom_id == own.id)
        praise = tx.scalar(select(Action.public_id).where(Action.classroom_id == own.id).limit(1))
        before = tx.scalars(entries).all()
    assert praise
    actions.change_action(
        principal=world.sign_in("teacher"), action=praise, label="More", icon="star", value=9
    )
    with transaction(SYSTEM) as tx:
        assert tx.scalars(entries).all() == before


@pytest.mark.parametrize(
    ("label", "icon", "value", "field"),
    [
        ("", "star", 1, "label"),
        ("\u200b\u3164 …", "star", 1, "label"),
        ("x" * 41, "star", 1, "label"),
        ("Sang", "rocket", 1, "icon"),
        ("Sang", "", 1, "icon"),
        ("Sang", "star", 0, "points"),
        ("Sang", "star", 11, "points"),
        ("Sang", "star", -11, "points"),
        ("Sang", "star", 2**70, "points"),
    ],
)
def test_what_is_no_action_is_refused(world: World, label: str, icon: str, value: int, field: str) -> None:
    with pytest.raises(Rejected) as refused:
        actions.add_action(
            principal=world.sign_in("teacher"),
            classroom=world.own_class.public_id,
            label=label,
            icon=icon,
            value=value,
        )
    assert set(refused.value.fields) == {field}


def test_not_even_past_the_service_has_an_action_any_value(world: World) -> None:
    with pytest.raises(DBAPIError, match="value_is_in_range"), transaction(world.sign_in("teacher")) as tx:
        tx.execute(update(Action).where(Action.classroom_id == world.own_class.id).values(value=11))


def test_only_those_who_teach_the_class_change_its_actions(world: World) -> None:
    with transaction(SYSTEM) as tx:
        praise = tx.scalar(select(Action.public_id).where(Action.classroom_id == world.own_class.id).limit(1))
    assert praise
    for role in ("helper", "colleague", "outsider", "founder", "parent"):
        who = world.sign_in(role)
        with pytest.raises(NotFound):
            actions.retire_action(principal=who, action=praise)
        with pytest.raises(NotFound):
            actions.bring_back_action(principal=who, action=praise)
        with pytest.raises(NotFound):
            actions.change_action(principal=who, action=praise, label="Mine", icon="star", value=1)
        with pytest.raises(NotFound):
            actions.start_with(principal=who, classroom=world.own_class.public_id, keys=["helped"])
        with pytest.raises(NotFound):
            goals.set_goals(principal=who, classroom=world.own_class.public_id, goals={})
    for role in ("co_teacher", "leader"):
        actions.change_action(
            principal=world.sign_in(role), action=praise, label="Praise", icon="star", value=2
        )


def test_a_class_starts_with_what_was_chosen_and_once(world: World) -> None:
    teacher, room = world.sign_in("teacher"), empty_class(world)
    with pytest.raises(Rejected):
        actions.start_with(principal=teacher, classroom=room, keys=["nothing of ours"])
    chosen = [each.key for each in SUGGESTED][:3]
    assert actions.start_with(principal=teacher, classroom=room, keys=chosen) == 3
    assert actions.start_with(principal=teacher, classroom=room, keys=chosen) == 0


def test_a_class_starts_with_words_of_whoever_chose(world: World) -> None:
    teacher, room = world.sign_in("teacher"), empty_class(world)
    with speaking("es"):
        actions.start_with(principal=teacher, classroom=room, keys=["helped"])
        suggested = str(next(each.label for each in SUGGESTED if each.key == "helped"))
    with transaction(SYSTEM) as tx:
        of_class = select(Action.label).join(Classroom, Classroom.id == Action.classroom_id)
        assert tx.scalars(of_class.where(Classroom.public_id == room)).all() == [suggested]


def test_a_class_has_only_so_many(world: World) -> None:
    teacher, room = world.sign_in("teacher"), empty_class(world)
    made = [
        actions.add_action(principal=teacher, classroom=room, label=f"No {number}", icon="ball", value=1)
        for number in range(MOST_ACTIONS)
    ]
    with pytest.raises(Rejected, match="Retire one first"):
        actions.add_action(principal=teacher, classroom=room, label="One more", icon="ball", value=1)
    actions.retire_action(principal=teacher, action=made[0])
    actions.add_action(principal=teacher, classroom=room, label="One more", icon="ball", value=1)
    with pytest.raises(Rejected, match="Retire one first"):
        actions.bring_back_action(principal=teacher, action=made[0])


def goals_of(world: World) -> dict[int, int | None]:
    with transaction(SYSTEM) as tx:
        statement = select(Enrollment.student_id, Enrollment.goal)
        return dict(tx.execute(statement.where(Enrollment.classroom_id == world.own_class.id)).all())


def test_goals_are_set_and_taken_away(world: World) -> None:
    teacher, own = world.sign_in("teacher"), world.own_class
    first, second = own.children[:2]
    foreign = world.foreign_class.children[0]
    asked = {first.public_id: 20, second.public_id: 10_000, foreign.public_id: 5, "nobody": 5}
    assert goals.set_goals(principal=teacher, classroom=own.public_id, goals=asked) == 2
    assert {first.id: 20, second.id: 10_000}.items() <= goals_of(world).items()
    less = {first.public_id: None, second.public_id: 10_000}
    assert goals.set_goals(principal=teacher, classroom=own.public_id, goals=less) == 1
    assert goals_of(world)[first.id] is None
    with transaction(SYSTEM) as tx:
        goal = tx.scalar(select(Enrollment.goal).where(Enrollment.student_id == foreign.id))
    assert goal is None


@pytest.mark.parametrize("goal", [0, -5, 10_001, 2**40])
def test_what_is_no_goal_is_refused(world: World, goal: int) -> None:
    before = goals_of(world)
    with pytest.raises(Rejected, match="whole number"):
        goals.set_goals(
            principal=world.sign_in("teacher"),
            classroom=world.own_class.public_id,
            goals={world.own_class.children[0].public_id: goal},
        )
    assert goals_of(world) == before
