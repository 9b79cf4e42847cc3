"""How a class shows its children: choosing the way, aliases, pictures, usernames."""

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import select, update

from backoffice import clock
from backoffice.access.lookup import NotFound
from backoffice.access.principal import Nobody, Principal
from backoffice.access.seen import version
from backoffice.access.transaction import transaction
from backoffice.audit.models import AuditEntry
from backoffice.problems import MEANWHILE, Rejected
from backoffice.schools import codes, names
from backoffice.schools.models import Classroom, Enrollment, NamesShown, Student
from backoffice.schools.services import showing
from backoffice.schools.services.class_list import ClassList, Rewritten, save_class_list
from backoffice.storage import functions
from tests.factories.world import SYSTEM, Child, Class, World, names_behind


@pytest.fixture(autouse=True)
def _as_before(world: World) -> Iterator[None]:
    """Every test begins with names, and with the same picture for all."""
    with transaction(SYSTEM) as tx:
        tx.execute(update(Enrollment).values(avatar="owl"))
    yield
    with transaction(SYSTEM) as tx:
        tx.execute(update(Classroom).values(names_shown=NamesShown.NAMES))
        tx.execute(update(Enrollment).values(alias=None, avatar="owl"))
        tx.execute(update(Student).values(username_digest=None))


def save(principal: Principal, own: Class, **wanted: Any) -> tuple[int, int, int]:
    saved = save_class_list(principal=principal, classroom=own.public_id, wanted=ClassList(**wanted))
    return saved.names, saved.aliases, saved.usernames


def verb() -> str | None:
    with transaction(SYSTEM) as tx:
        return tx.scalar(select(AuditEntry.verb).order_by(AuditEntry.id.desc()).limit(1))


@pytest.mark.parametrize("role", ["teacher", "co_teacher", "leader"])
def test_staff_chooses_what_the_list_shows(world: World, role: str) -> None:
    own = world.own_class
    who = world.sign_in(role)
    first, second = own.children
    given = save(who, own, aliases={first.public_id: " Captain ", second.public_id: ""})
    assert (given, verb()) == ((0, 1, 0), "students.aliases")
    showing.set_picture(principal=who, classroom=own.public_id, student=second.public_id, avatar="boat-rose")
    assert verb() == "students.picture"
    showing.show_as(principal=who, classroom=own.public_id, how=NamesShown.ALIASES)
    assert verb() == "classrooms.show-as"
    assert [(each.label, each.is_picture) for each in names_behind(own.code)] == [
        ("Captain", False),
        ("Pink boat", True),
    ]
    showing.show_as(principal=who, classroom=own.public_id, how=NamesShown.AVATARS)
    assert [each.label for each in names_behind(own.code)] == ["Owl", "Pink boat"]


@pytest.mark.parametrize(
    ("how", "kept"),
    [
        (NamesShown.NAMES, (True, True, True)),
        (NamesShown.ALIASES, (False, False, True)),
        (NamesShown.AVATARS, (False, False, False)),
        (NamesShown.USERNAMES, None),
    ],
)
def test_what_is_not_shown_does_not_leave_the_database(
    world: World, how: NamesShown, kept: tuple[bool, ...] | None
) -> None:
    own, who = world.own_class, world.sign_in("teacher")
    aliases = {child.public_id: f"Captain {child.given}" for child in own.children}
    save(who, own, aliases=aliases)
    showing.show_as(principal=who, classroom=own.public_id, how=how)
    with transaction(Nobody()) as tx:
        rows = functions.names_behind_code(tx, code_index=codes.index(own.code), at=clock.now())
    told = {(bool(row.given_name), bool(row.family_name), bool(row.alias)) for row in rows}
    assert told == ({kept} if kept else set())


@pytest.mark.parametrize("role", ["helper", "colleague", "outsider", "parent"])
def test_nobody_else_does(world: World, role: str) -> None:
    own = world.own_class
    who, child = world.sign_in(role), own.children[0].public_id
    with pytest.raises(NotFound):
        showing.show_as(principal=who, classroom=own.public_id, how=NamesShown.AVATARS)
    with pytest.raises(NotFound):
        save(who, own, aliases={child: "Captain"})
    with pytest.raises(NotFound):
        showing.set_picture(principal=who, classroom=own.public_id, student=child, avatar="boat-rose")
    with pytest.raises(NotFound):
        save(who, own, usernames={child: "captain"})


def test_a_child_of_another_class_is_passed_over(world: World) -> None:
    who, other = world.sign_in("teacher"), world.colleague_class.children[0].public_id
    room = world.own_class.public_id
    assert save(who, world.own_class, aliases={other: "Captain"}, usernames={other: "captain"}) == (0, 0, 0)
    with pytest.raises(NotFound):
        showing.set_picture(principal=who, classroom=room, student=other, avatar="boat-rose")


@pytest.mark.parametrize("alias", ["x" * 31, "a@b.example", "=1+1", "123"])
def test_what_is_no_alias_is_refused(world: World, alias: str) -> None:
    own = world.own_class
    with pytest.raises(Rejected):
        save(
            world.sign_in("teacher"),
            own,
            aliases={own.children[0].public_id: alias},
        )


def test_two_never_have_the_same(world: World) -> None:
    own, who = world.own_class, world.sign_in("teacher")
    first, second = (child.public_id for child in own.children)
    save(who, own, aliases={first: "Captain"})
    with pytest.raises(Rejected):
        save(who, own, aliases={second: "captain"})
    showing.set_picture(principal=who, classroom=own.public_id, student=first, avatar="boat-rose")
    with pytest.raises(Rejected):
        showing.set_picture(principal=who, classroom=own.public_id, student=second, avatar="boat-rose")
    with pytest.raises(Rejected):
        showing.set_picture(principal=who, classroom=own.public_id, student=second, avatar="dragon-black")
    with pytest.raises(Rejected):
        save(who, own, usernames={first: "captain", second: "CAPTAIN "})


@pytest.mark.parametrize("username", ["ab", "x" * 41, "two words", "a@b.example"])
def test_what_is_no_username_is_refused(world: World, username: str) -> None:
    own = world.own_class
    with pytest.raises(Rejected):
        save(
            world.sign_in("teacher"),
            own,
            usernames={own.children[0].public_id: username},
        )


def test_a_username_is_one_childs_in_the_whole_school_and_not_kept(world: World) -> None:
    own, theirs = world.own_class, world.colleague_class
    child, other = own.children[0].public_id, theirs.children[0].public_id
    kept = save(world.sign_in("teacher"), own, usernames={child: "Ada.L"})
    assert (kept, verb()) == ((0, 0, 1), "students.usernames")
    with pytest.raises(Rejected):
        save(world.sign_in("colleague"), theirs, usernames={other: "ada.l"})
    foreign = world.foreign_class
    assert save(world.sign_in("outsider"), foreign, usernames={foreign.children[0].public_id: "ada.l"})
    with transaction(SYSTEM) as tx:
        stored = tx.scalar(select(Student.username_digest).where(Student.public_id == child))
    assert stored == showing.digest("ada.l", school_id=own.school_id)


def name_of(child: Child) -> tuple[str, str | None, list[bytes]]:
    with transaction(SYSTEM) as tx:
        row = tx.scalar(select(Student).where(Student.id == child.id))
        assert row is not None
        return row.given_name, row.family_name, row.name_tokens


@pytest.fixture
def name_as_before(world: World) -> Iterator[Child]:
    child = world.own_class.children[0]
    given, family, tokens = name_of(child)
    yield child
    with transaction(SYSTEM) as tx:
        row = update(Student).where(Student.id == child.id)
        tx.execute(row.values(given_name=given, family_name=family, name_tokens=tokens))


def test_names_are_corrected_on_the_list_and_found_by(world: World, name_as_before: Child) -> None:
    own, child = world.own_class, name_as_before
    given, family, _tokens = name_of(child)
    new = Rewritten(" Zoë ", "Ångström", version(given, family))
    assert save(world.sign_in("teacher"), own, names={child.public_id: new}) == (1, 0, 0)
    assert verb() == "students.correct"
    token = names.token("angst", school_id=own.school_id)
    found, kept, tokens = name_of(child)
    assert (found, kept, token in tokens) == ("Zoë", "Ångström", True)
    assert save(world.sign_in("teacher"), own, names={child.public_id: new}) == (0, 0, 0)


def test_a_name_changed_meanwhile_is_never_overwritten(world: World, name_as_before: Child) -> None:
    own, child, who = world.own_class, name_as_before, world.sign_in("teacher")
    given, family, _tokens = name_of(child)
    seen = version(given, family)
    save(who, own, names={child.public_id: Rewritten("Zoë", "Young", seen)})
    aliases = {own.children[1].public_id: "Captain"}
    with pytest.raises(Rejected) as rejected:
        save(who, own, names={child.public_id: Rewritten("Zara", "Young", seen)}, aliases=aliases)
    assert rejected.value.fields == {child.public_id: MEANWHILE}
    # Whoever left the field as it was meant nothing by it.
    untouched = Rewritten(given, family or "", seen)
    assert save(who, own, names={child.public_id: untouched}, aliases=aliases) == (0, 1, 0)
    assert name_of(child)[:2] == ("Zoë", "Young")


def test_an_alias_changed_meanwhile_is_never_overwritten(world: World) -> None:
    own, who = world.own_class, world.sign_in("teacher")
    child = own.children[0].public_id
    save(who, own, aliases={child: "Captain"}, aliases_seen={child: ""})
    # A page that still shows none, left as it was, and one on which somebody wrote another.
    assert save(who, own, aliases={child: ""}, aliases_seen={child: ""}) == (0, 0, 0)
    with pytest.raises(Rejected) as rejected:
        save(who, own, aliases={child: "Pirate"}, aliases_seen={child: ""})
    assert rejected.value.fields == {child: MEANWHILE}
    assert save(who, own, aliases={child: "Pirate"}, aliases_seen={child: "Captain"}) == (0, 1, 0)


def test_what_is_wrong_with_one_name_stands_beside_it_and_nothing_is_saved(
    world: World, name_as_before: Child
) -> None:
    own, child, other = world.own_class, name_as_before, world.own_class.children[1]
    given, family, _tokens = name_of(child)
    wanted = {
        child.public_id: Rewritten("Zoë", "", version(given, family)),
        other.public_id: Rewritten("", "", "whatever"),
    }
    with pytest.raises(Rejected) as rejected:
        save(world.sign_in("teacher"), own, names=wanted)
    assert (list(rejected.value.fields), name_of(child)[0]) == ([other.public_id], given)


def test_a_username_that_is_taken_saves_nothing_else(world: World, name_as_before: Child) -> None:
    own, child, theirs = world.own_class, name_as_before, world.colleague_class
    save(world.sign_in("colleague"), theirs, usernames={theirs.children[0].public_id: "ada.l"})
    given, family, _tokens = name_of(child)
    with pytest.raises(Rejected):
        save(
            world.sign_in("teacher"),
            own,
            names={child.public_id: Rewritten("Zoë", "", version(given, family))},
            aliases={child.public_id: "Captain"},
            usernames={child.public_id: "ada.l"},
        )
    with transaction(SYSTEM) as tx:
        alias = tx.scalar(select(Enrollment.alias).where(Enrollment.student_id == child.id))
    assert (name_of(child)[0], alias) == (given, None)
