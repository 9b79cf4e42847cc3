"""How a class shows its children: choosing the way, aliases, pictures, usernames."""

from collections.abc import Iterator

import pytest
from sqlalchemy import select, update

from backoffice import clock
from backoffice.access.lookup import NotFound
from backoffice.access.principal import Nobody
from backoffice.access.transaction import transaction
from backoffice.audit.models import AuditEntry
from backoffice.problems import Rejected
from backoffice.schools import codes
from backoffice.schools.models import Classroom, Enrollment, NamesShown, Student
from backoffice.schools.services import showing
from backoffice.storage import functions
from tests.factories.world import SYSTEM, World, names_behind


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


def verb() -> str | None:
    with transaction(SYSTEM) as tx:
        return tx.scalar(select(AuditEntry.verb).order_by(AuditEntry.id.desc()).limit(1))


@pytest.mark.parametrize("role", ["teacher", "co_teacher", "leader"])
def test_staff_chooses_what_the_list_shows(world: World, role: str) -> None:
    own = world.own_class
    who = world.sign_in(role)
    first, second = own.children
    given = showing.set_aliases(
        principal=who, classroom=own.public_id, aliases={first.public_id: " Captain ", second.public_id: ""}
    )
    assert (given, verb()) == (1, "students.aliases")
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
    showing.set_aliases(principal=who, classroom=own.public_id, aliases=aliases)
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
        showing.set_aliases(principal=who, classroom=own.public_id, aliases={child: "Captain"})
    with pytest.raises(NotFound):
        showing.set_picture(principal=who, classroom=own.public_id, student=child, avatar="boat-rose")
    with pytest.raises(NotFound):
        showing.set_usernames(principal=who, classroom=own.public_id, usernames={child: "captain"})


def test_a_child_of_another_class_is_passed_over(world: World) -> None:
    who, other = world.sign_in("teacher"), world.colleague_class.children[0].public_id
    room = world.own_class.public_id
    assert showing.set_aliases(principal=who, classroom=room, aliases={other: "Captain"}) == 0
    assert showing.set_usernames(principal=who, classroom=room, usernames={other: "captain"}) == 0
    with pytest.raises(NotFound):
        showing.set_picture(principal=who, classroom=room, student=other, avatar="boat-rose")


@pytest.mark.parametrize("alias", ["x" * 31, "a@b.example", "=1+1", "123"])
def test_what_is_no_alias_is_refused(world: World, alias: str) -> None:
    own = world.own_class
    with pytest.raises(Rejected):
        showing.set_aliases(
            principal=world.sign_in("teacher"),
            classroom=own.public_id,
            aliases={own.children[0].public_id: alias},
        )


def test_two_never_have_the_same(world: World) -> None:
    own, who = world.own_class, world.sign_in("teacher")
    first, second = (child.public_id for child in own.children)
    showing.set_aliases(principal=who, classroom=own.public_id, aliases={first: "Captain"})
    with pytest.raises(Rejected):
        showing.set_aliases(principal=who, classroom=own.public_id, aliases={second: "captain"})
    showing.set_picture(principal=who, classroom=own.public_id, student=first, avatar="boat-rose")
    with pytest.raises(Rejected):
        showing.set_picture(principal=who, classroom=own.public_id, student=second, avatar="boat-rose")
    with pytest.raises(Rejected):
        showing.set_picture(principal=who, classroom=own.public_id, student=second, avatar="dragon-black")
    with pytest.raises(Rejected):
        showing.set_usernames(
            principal=who, classroom=own.public_id, usernames={first: "captain", second: "CAPTAIN "}
        )


@pytest.mark.parametrize("username", ["ab", "x" * 41, "two words", "a@b.example"])
def test_what_is_no_username_is_refused(world: World, username: str) -> None:
    own = world.own_class
    with pytest.raises(Rejected):
        showing.set_usernames(
            principal=world.sign_in("teacher"),
            classroom=own.public_id,
            usernames={own.children[0].public_id: username},
        )


def test_a_username_is_one_childs_in_the_whole_school_and_not_kept(world: World) -> None:
    own, theirs = world.own_class, world.colleague_class
    child, other = own.children[0].public_id, theirs.children[0].public_id
    kept = showing.set_usernames(
        principal=world.sign_in("teacher"), classroom=own.public_id, usernames={child: "Ada.L"}
    )
    assert (kept, verb()) == (1, "students.usernames")
    with pytest.raises(Rejected):
        showing.set_usernames(
            principal=world.sign_in("colleague"), classroom=theirs.public_id, usernames={other: "ada.l"}
        )
    foreign = world.foreign_class
    assert showing.set_usernames(
        principal=world.sign_in("outsider"),
        classroom=foreign.public_id,
        usernames={foreign.children[0].public_id: "ada.l"},
    )
    with transaction(SYSTEM) as tx:
        stored = tx.scalar(select(Student.username_digest).where(Student.public_id == child))
    assert stored == showing.digest("ada.l", school_id=own.school_id)
