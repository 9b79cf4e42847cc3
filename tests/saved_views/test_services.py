"""Saving, changing and sharing views: whose they are, who sees them, and when they go."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from threading import Barrier, BrokenBarrierError
from typing import Any

import pytest
from sqlalchemy import delete, insert, inspect, select, update
from sqlalchemy.exc import ProgrammingError

from backoffice import clock
from backoffice.access import principal as principals
from backoffice.access.lookup import NotFound
from backoffice.access.policy import Denied
from backoffice.access.principal import Principal
from backoffice.access.seen import version
from backoffice.access.transaction import Transaction, transaction
from backoffice.accounts.models import Account
from backoffice.audit.models import AuditEntry
from backoffice.problems import Overtaken, Rejected
from backoffice.runtime import Runtime
from backoffice.saved_views import queries, services
from backoffice.saved_views.models import SavedView, SharedWith
from backoffice.schools.models import Membership, Role
from tests.factories.statements import statements
from tests.factories.world import SYSTEM, World, _person, saved_view

STATE = "sort=-name"


@pytest.fixture(autouse=True)
def _none(world: World) -> None:
    del world
    with transaction(SYSTEM) as tx:
        tx.execute(delete(SavedView))


def saved(world: World, who: str, name: str = "Backwards", grid: str = "classrooms") -> str:
    return services.save_view(principal=world.sign_in(who), grid=grid, name=name, state=STATE)


def shared(world: World, with_whom: SharedWith, name: str = "Ours", who: str = "leader") -> str:
    view = saved(world, who, name)
    services.share_view(
        principal=world.sign_in(who), view=view, school=world.home.public_id, shared_with=with_whom
    )
    return view


def seen(world: World, who: str) -> list[str]:
    with transaction(world.sign_in(who)) as tx:
        return [each.name for each in queries.views_of(tx, "classrooms")]


def there(view: str) -> SavedView | None:
    with transaction(SYSTEM) as tx:
        return tx.scalar(select(SavedView).where(SavedView.public_id == view))


def change(principal: Principal, view: str, **more: Any) -> None:
    """Change one thing of a view, and leave the others."""
    row = there(view)
    assert row is not None
    now = {"name": row.name, "opens": row.is_default, "pinned": row.pinned}
    services.change_view(principal=principal, view=view, **{**now, **more})


def opens_with(world: World, who: str) -> str | None:
    with transaction(world.sign_in(who)) as tx:
        found = queries.default_of(queries.views_of(tx, "classrooms"), tx.principal)
        return found.name if found else None


def second_leader(world: World) -> str:
    """A leader of the home school alone."""
    name = f"second {len(world.people)}"
    person = world.people[name] = _person(name.replace(" ", "-"), "Second Leader")
    with transaction(SYSTEM) as tx:
        values = {"account_id": person.id, "school_id": world.home.id, "role": "leader"}
        tx.execute(insert(Membership).values(**values, created_at=clock.now()))
    return name


def verbs() -> list[str]:
    with transaction(SYSTEM) as tx:
        found = select(AuditEntry.verb).where(AuditEntry.verb.like("views.%")).order_by(AuditEntry.id)
        return list(tx.scalars(found))


CHANGES: tuple[tuple[Callable[..., None], dict[str, Any]], ...] = (
    (services.keep_state, {"state": ""}),
    (services.change_view, {"name": "Theirs", "opens": True, "pinned": True}),
    (services.unshare_view, {}),
    (services.delete_view, {}),
)


def test_a_view_is_its_owners_alone(world: World) -> None:
    view = saved(world, "teacher", "  My\tbackwards ")
    assert seen(world, "teacher") == ["My backwards"]
    for other in ("leader", "colleague", "founder", "outsider"):
        assert seen(world, other) == []
        which: dict[str, Any] = {"principal": world.sign_in(other), "view": view}
        for change, more in CHANGES:
            with pytest.raises(NotFound):
                change(**which, **more)
    found = there(view)
    assert found is not None
    assert (found.name, found.state, found.is_default, found.pinned) == ("My backwards", STATE, False, False)


def test_each_verb_leaves_its_entry(world: World) -> None:
    before = len(verbs())
    leader = world.sign_in("leader")
    view = saved(world, "leader")
    change(leader, view, name="Other")
    services.keep_state(principal=leader, view=view, state="")
    change(leader, view, opens=True)
    change(leader, view, pinned=True)
    services.share_view(
        principal=leader, view=view, school=world.home.public_id, shared_with=SharedWith.SCHOOL
    )
    services.unshare_view(principal=leader, view=view)
    services.unshare_view(principal=leader, view=view)
    services.delete_view(principal=leader, view=view)
    said = ["save", "rename", "change", "open-with", "pin", "share", "unshare", "delete"]
    assert verbs()[before:] == [f"views.{each}" for each in said]
    assert there(view) is None


@pytest.mark.parametrize(
    ("with_whom", "see"),
    [
        (SharedWith.LEADERS, {"leader"}),
        (SharedWith.TEACHERS, {"leader", "teacher", "helper"}),
        (SharedWith.SCHOOL, {"leader", "teacher", "helper", "officer"}),
    ],
)
def test_a_shared_view_is_seen_by_those_it_is_for(world: World, with_whom: SharedWith, see: set[str]) -> None:
    view = shared(world, with_whom)
    everybody = ("leader", "teacher", "helper", "officer", "elsewhere", "outsider", "founder")
    assert {who for who in everybody if seen(world, who)} == see
    # Nor does the database show it to others, whatever a page asks for.
    for who in everybody:
        with transaction(world.sign_in(who)) as tx:
            assert (tx.scalar(select(SavedView.id)) is not None) == (who in see), who
    for change, more in CHANGES:
        with pytest.raises(NotFound):
            change(principal=world.sign_in("teacher"), view=view, **more)


def test_only_leaders_share_and_only_where_they_lead(world: World) -> None:
    own, led = saved(world, "teacher"), saved(world, "leader")
    for who, view, school in (
        ("teacher", own, world.home),
        ("leader", led, world.outside),
        ("leader", own, world.home),
    ):
        with pytest.raises(NotFound):
            services.share_view(
                principal=world.sign_in(who),
                view=view,
                school=school.public_id,
                shared_with=SharedWith.SCHOOL,
            )
    with pytest.raises(Denied):
        services.save_view(principal=world.sign_in("parent"), grid="classrooms", name="Mine", state="")


Attempt = Callable[[Transaction, World], Any]


@pytest.mark.parametrize(
    "attempt",
    [
        lambda tx, world: tx.execute(update(SavedView).values(school_id=world.home.id, shared_with="school")),
        lambda tx, world: saved_view(
            tx,
            grid="x",
            name="y",
            account_id=world.people["teacher"].id,
            school_id=world.home.id,
            shared_with="school",
        ),
        lambda tx, world: saved_view(tx, grid="x", name="y", account_id=world.people["leader"].id),
    ],
)
def test_the_database_lets_nobody_put_a_view_elsewhere(world: World, attempt: Attempt) -> None:
    saved(world, "teacher")
    with pytest.raises(ProgrammingError), transaction(world.sign_in("teacher")) as tx:
        attempt(tx, world)


def test_of_many_schools_only_the_own_views_and_those_looked_at_are_at_hand(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(principals, "FEW_SCHOOLS", 1)
    leader = world.sign_in("leader")
    saved(world, "leader", "Mine")
    here = shared(world, SharedWith.SCHOOL, "Of home")
    there = saved(world, "leader", "Of elsewhere")
    services.share_view(
        principal=leader, view=there, school=world.elsewhere.public_id, shared_with=SharedWith.LEADERS
    )
    for view in (here, there):
        change(leader, view, pinned=True)
    with transaction(leader) as tx:
        of_school = {
            each: [view.name for view in queries.views_of(tx, "classrooms", school_id=each)]
            for each in (None, world.home.id, world.elsewhere.id, world.outside.id)
        }
        assert queries.pinned_views(tx) == []
        # A link that somebody sent still opens, where it is seen at all.
        for view in (here, there):
            assert queries.view_of(tx, "classrooms", view) is not None
            assert queries.view_of(tx, "students", view) is None
        assert queries.view_of(tx, "classrooms", "\0") is None
    assert list(of_school.values()) == [["Mine"], ["Mine", "Of home"], ["Mine", "Of elsewhere"], ["Mine"]]
    # Nor does a teacher of a school come by what its leaders share.
    services.share_view(
        principal=leader, view=here, school=world.home.public_id, shared_with=SharedWith.LEADERS
    )
    monkeypatch.setattr(principals, "FEW_SCHOOLS", 0)
    with transaction(world.sign_in("teacher")) as tx:
        assert queries.views_of(tx, "classrooms", school_id=world.home.id) == []
        assert queries.view_of(tx, "classrooms", here) is None


def test_no_more_is_read_than_is_shown(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The own ones come first, then the oldest; what a view asks for stays sealed until it is opened."""
    monkeypatch.setattr(queries, "MOST_AT_HAND", 3)
    monkeypatch.setattr(queries, "MOST_LISTED", 2)
    monkeypatch.setattr(queries, "MOST_PINNED", 2)
    leader = world.sign_in("leader")
    for name in ("C shared", "B shared", "A shared"):
        view = shared(world, SharedWith.TEACHERS if name == "C shared" else SharedWith.SCHOOL, name)
        change(leader, view, pinned=True)
    change(leader, saved(world, "leader", "Own"), pinned=True)
    assert seen(world, "leader") == ["Own", "B shared", "C shared"]
    with transaction(leader) as tx:
        found = queries.views_of(tx, "classrooms")
        assert all("state" in inspect(each).unloaded for each in found)
        assert [each.name for each in queries.views_of(tx)] == ["Own", "C shared"]
        # A pin for teachers takes no place from what is meant for leaders.
        assert [each.name for each in queries.pinned_views(tx)] == ["Own", "B shared"]


def test_a_list_opens_with_the_nearest_default(world: World) -> None:
    leader, teacher, second = world.sign_in("leader"), world.sign_in("teacher"), second_leader(world)
    for with_whom, name in (
        (SharedWith.SCHOOL, "Of all"),
        (SharedWith.LEADERS, "Of leaders"),
        (SharedWith.TEACHERS, "Of teachers"),
    ):
        change(leader, shared(world, with_whom, name), opens=True)
    assert (opens_with(world, second), opens_with(world, "teacher")) == ("Of leaders", "Of teachers")
    # Who has other schools too sees the rows of all of them, whatever one of the schools wants.
    assert (seen(world, "officer"), opens_with(world, "officer")) == (["Of all"], None)
    assert (len(seen(world, "leader")), opens_with(world, "leader")) == (3, None)
    assert opens_with(world, "elsewhere") is None
    first, second = saved(world, "teacher", "First"), saved(world, "teacher", "Second")
    change(teacher, first, opens=True)
    change(teacher, second, opens=True)
    assert opens_with(world, "teacher") == "Second"
    change(teacher, second, opens=False)
    assert opens_with(world, "teacher") == "Of teachers"


def test_sharing_changes_nobodys_pages_by_itself(world: World) -> None:
    leader, view = world.sign_in("leader"), saved(world, "leader")
    change(leader, view, opens=True)
    change(leader, view, pinned=True)
    services.share_view(
        principal=leader, view=view, school=world.home.public_id, shared_with=SharedWith.SCHOOL
    )
    assert (opens_with(world, "teacher"), opens_with(world, "leader")) == (None, None)
    with transaction(world.sign_in("teacher")) as tx:
        assert queries.pinned_views(tx) == []
    change(leader, view, pinned=True)
    with transaction(world.sign_in("teacher")) as tx:
        assert [each.public_id for each in queries.pinned_views(tx)] == [view]


def test_a_shared_view_does_not_move_to_another_school(world: World) -> None:
    view, leader = shared(world, SharedWith.SCHOOL), world.sign_in("leader")
    change(leader, view, opens=True)
    before = len(verbs())
    with pytest.raises(Rejected, match="Stop sharing it first"):
        services.share_view(
            principal=leader, view=view, school=world.elsewhere.public_id, shared_with=SharedWith.SCHOOL
        )
    found = there(view)
    assert found is not None
    assert (found.school_id, found.is_default, len(verbs())) == (world.home.id, True, before)
    services.unshare_view(principal=leader, view=view)
    services.share_view(
        principal=leader, view=view, school=world.elsewhere.public_id, shared_with=SharedWith.SCHOOL
    )
    assert (seen(world, "elsewhere"), seen(world, "teacher")) == (["Ours"], [])


@pytest.mark.parametrize("changed", ["opens", "pinned", "share", "rename"])
def test_two_leaders_at_once_stay_within_the_bounds(
    world: World, monkeypatch: pytest.MonkeyPatch, changed: str
) -> None:
    """Each holds their own account; only the school holds them apart."""
    monkeypatch.setattr(services, "MOST_PINNED", 1)
    monkeypatch.setattr(services, "MOST_VIEWS", 1 if changed == "share" else 50)
    leaders = ("leader", second_leader(world))
    if changed == "share":
        views = [saved(world, who, who) for who in leaders]
    else:
        views = [shared(world, SharedWith.SCHOOL, who, who) for who in leaders]
    start, principals = Barrier(2), [world.sign_in(who) for who in leaders]
    looked = queries.view_to_change

    def slowly(tx: Transaction, view: str, *, lock: bool = False) -> SavedView:
        found = looked(tx, view, lock=lock)
        # Both have their view before either has changed it, unless the one keeps the other waiting.
        with suppress(BrokenBarrierError):
            start.wait(0.3)
        return found

    monkeypatch.setattr(services, "view_to_change", slowly)

    def do(at: int) -> bool:
        which: dict[str, Any] = {"principal": principals[at], "view": views[at]}
        try:
            if changed == "share":
                where: dict[str, Any] = {"school": world.home.public_id, "shared_with": SharedWith.SCHOOL}
                services.share_view(**which, **where)
            elif changed == "rename":
                services.change_view(**which, name="The same", opens=False, pinned=False)
            else:
                services.change_view(
                    **which, name=leaders[at], opens=changed == "opens", pinned=changed == "pinned"
                )
        except Rejected:
            return False
        return True

    with ThreadPoolExecutor(2) as pool:
        done = sorted(pool.map(do, range(2)))
    with transaction(SYSTEM) as tx:
        rows = list(tx.scalars(select(SavedView)))
    assert done == [changed == "opens", True]
    match changed:
        case "opens":
            assert sorted(each.is_default for each in rows) == [False, True]
        case "pinned":
            assert sorted(each.pinned for each in rows) == [False, True]
        case "share":
            assert sorted(each.school_id is None for each in rows) == [False, True]
        case _:
            assert [each.name for each in rows].count("The same") == 1


def test_bounds_are_kept(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(services, "MOST_VIEWS", 2)
    monkeypatch.setattr(services, "MOST_PINNED", 1)
    teacher = world.sign_in("teacher")
    first, second = saved(world, "teacher", "One"), saved(world, "teacher", "Two")
    with pytest.raises(Rejected, match="at most 2 views"):
        saved(world, "teacher", "Three")
    saved(world, "teacher", "Three", grid="students")
    change(teacher, first, pinned=True)
    change(teacher, first, pinned=True)
    with pytest.raises(Rejected, match="first page"):
        change(teacher, second, pinned=True)
    for name in ("", " . ", "n" * 61, "tWO"):
        with pytest.raises(Rejected):
            change(teacher, first, name=name)
    change(teacher, second, name="TWO")
    with pytest.raises(Rejected):
        services.keep_state(principal=teacher, view=first, state="x" * 2049)
    services.keep_state(principal=teacher, view=first, state="x" * 2048)


def test_what_is_shared_outlives_whoever_shared_it(world: World) -> None:
    """The one view goes with the account; the other is the school's, and its leaders go on with it."""
    second = second_leader(world)
    gone = world.people[second]
    own, ours = saved(world, second), shared(world, SharedWith.SCHOOL, who=second)
    leader = world.sign_in("leader")
    with pytest.raises(Rejected, match="Somebody else"):
        services.unshare_view(principal=leader, view=ours)
    with transaction(SYSTEM) as tx:
        tx.execute(delete(Membership).where(Membership.account_id == gone.id))
    # Who left the school sees it no more, though it was theirs.
    assert seen(world, second) == []
    with transaction(world.sign_in(second)) as tx:
        assert list(tx.scalars(select(SavedView.public_id))) == [own]
    with pytest.raises(NotFound):
        services.delete_view(principal=world.sign_in(second), view=ours)
    with transaction(SYSTEM) as tx:
        tx.execute(delete(Account).where(Account.id == gone.id))
    assert there(own) is None
    change(leader, ours, name="Still ours")
    assert seen(world, "teacher") == ["Still ours"]


def test_what_is_said_on_one_page_is_done_as_a_whole(world: World) -> None:
    teacher = world.sign_in("teacher")
    for number in range(queries.MOST_PINNED):
        change(teacher, saved(world, "teacher", f"View {number}"), pinned=True)
    view = saved(world, "teacher", "One more")
    asked: dict[str, Any] = {"principal": teacher, "view": view, "name": "Renamed", "opens": True}
    with pytest.raises(Rejected):
        services.change_view(**asked, pinned=True)
    row = there(view)
    assert row is not None
    assert (row.name, row.is_default, row.pinned) == ("One more", False, False)
    services.change_view(**asked, pinned=False)
    row = there(view)
    assert row is not None
    assert (row.name, row.is_default, row.pinned) == ("Renamed", True, False)


def test_what_another_leader_took_away_meanwhile_does_not_come_back(world: World) -> None:
    leader, view = world.sign_in("leader"), shared(world, SharedWith.SCHOOL)
    change(leader, view, pinned=True)
    shown = version("Ours", False, True)
    change(world.sign_in(second_leader(world)), view, pinned=False)
    with pytest.raises(Overtaken):
        services.change_view(
            principal=leader, view=view, name="Our own", opens=False, pinned=True, seen=shown
        )


def test_two_of_one_name_do_not_meet_by_sharing_or_taking_back(world: World) -> None:
    leader = world.sign_in("leader")
    first = shared(world, SharedWith.SCHOOL, "Mine")
    second = saved(world, "leader", "mine")
    where: dict[str, Any] = {"school": world.home.public_id, "shared_with": SharedWith.LEADERS}
    with pytest.raises(Rejected, match="of this name"):
        services.share_view(principal=leader, view=second, **where)
    with pytest.raises(Rejected, match="of this name"):
        services.unshare_view(principal=leader, view=first)


def test_whoever_has_no_view_at_hand_makes_no_statement_for_them(world: World, runtime: Runtime) -> None:
    def asked(role: str) -> tuple[int, int]:
        with transaction(world.sign_in(role)) as tx:
            assert tx.principal.account_id
            with statements(runtime) as made:
                found = len(queries.views_of(tx, "classrooms")) + len(queries.pinned_views(tx))
        return found, len(made)

    assert asked("teacher") == asked("leader") == (0, 0)
    saved(world, "outsider")
    assert asked("teacher") == (0, 0)
    saved(world, "teacher")
    assert (asked("teacher")[0], asked("leader")) == (1, (0, 0))
    shared(world, SharedWith.SCHOOL)
    assert (asked("teacher")[0], asked("leader")[0], asked("outsider")[0]) == (2, 1, 1)


def test_a_school_counts_once_for_whoever_is_several_things_there(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(principals, "FEW_SCHOOLS", 1)
    person = world.people["teacher"].id
    # The school's numbers are named twice then.
    place = {"account_id": person, "school_id": world.home.id, "role": Role.LEADER, "created_at": clock.now()}
    with transaction(SYSTEM) as tx:
        number = tx.scalar(insert(Membership).values(place).returning(Membership.id))
    try:
        shared(world, SharedWith.SCHOOL)
        with transaction(world.sign_in("teacher")) as tx:
            assert tx.principal.has_views
            assert [view.name for view in queries.views_of(tx, "classrooms")] == ["Ours"]
    finally:
        with transaction(SYSTEM) as tx:
            tx.execute(delete(Membership).where(Membership.id == number))
