"""Coming in as somebody: what the database answers, and when a session is over."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import update

from backoffice import clock
from backoffice.access.principal import (
    AccountToken,
    Credential,
    Kind,
    Nobody,
    Principal,
    Purpose,
    SessionEnded,
    StudentToken,
)
from backoffice.access.transaction import transaction
from backoffice.accounts.models import Account, AccountSession, AccountStatus
from backoffice.families.models import GuardianLink, GuardianStatus
from backoffice.schools.models import Classroom, Door, Enrollment, Membership
from backoffice.storage.roles import DatabaseRole
from backoffice.students.models import StudentSession
from tests.factories.world import SYSTEM, World

Scopes = dict[str, set[int]]


def scopes(who: Principal) -> Scopes:
    """What somebody is somewhere, without what is empty."""
    names = (
        "led_schools", "taught_schools", "personal_schools", "officer_schools",
        "owned", "co_taught", "helped", "children",
    )  # fmt: skip
    return {name: set(getattr(who, name)) for name in names if getattr(who, name)}


EXPECTED: dict[str, Callable[[World], Scopes]] = {
    "founder": lambda _: {},
    "leader": lambda w: {"led_schools": {w.home.id, w.elsewhere.id}},
    "officer": lambda w: {"officer_schools": {w.home.id, w.elsewhere.id}},
    "teacher": lambda w: {"taught_schools": {w.home.id}, "owned": {w.own_class.id}},
    "colleague": lambda w: {"taught_schools": {w.home.id}, "owned": {w.colleague_class.id}},
    "co_teacher": lambda w: {"taught_schools": {w.home.id}, "co_taught": {w.own_class.id}},
    "helper": lambda w: {"taught_schools": {w.home.id}, "helped": {w.own_class.id}},
    "elsewhere": lambda w: {"taught_schools": {w.elsewhere.id}, "owned": {w.elsewhere_class.id}},
    "outsider": lambda w: {"taught_schools": {w.outside.id}, "owned": {w.foreign_class.id}},
    "parent": lambda w: {"children": {w.own_class.children[0].id}},
    "foreign_parent": lambda w: {"children": {w.foreign_class.children[0].id}},
}


@pytest.mark.parametrize("role", EXPECTED)
def test_an_account_is_what_it_holds(world: World, role: str) -> None:
    assert scopes(world.sign_in(role)) == EXPECTED[role](world)


@pytest.mark.parametrize("role", EXPECTED)
def test_only_the_founder_is_founder(world: World, role: str) -> None:
    assert world.sign_in(role).founder is (role == "founder")


def test_an_account_is_known_by_name_and_numbers(world: World) -> None:
    who, person = world.sign_in("teacher"), world.people["teacher"]
    assert (who.account_id, who.account_public_id, who.name) == (person.id, person.public_id, person.name)


def test_a_child_is_known_by_school_class_and_number(world: World) -> None:
    who, child = world.student(world.own_class, world.own_class.children[0]), world.own_class.children[0]
    assert (who.school_id, who.classroom_id, who.student_id, who.student_public_id) == (
        world.home.id,
        world.own_class.id,
        child.id,
        child.public_id,
    )


def test_a_child_is_nothing_else(world: World) -> None:
    who = world.student(world.own_class, world.own_class.children[0])
    assert (scopes(who), who.account_id, who.founder) == ({}, None, False)


@pytest.mark.parametrize(
    ("credential", "kind", "role"),
    [
        (Nobody(), Kind.NOBODY, DatabaseRole.APP),
        (AccountToken(b""), Kind.ACCOUNT, DatabaseRole.APP),
        (StudentToken(uuid4()), Kind.STUDENT, DatabaseRole.APP),
        (Purpose("test"), Kind.SYSTEM, DatabaseRole.SYSTEM),
    ],
)
def test_each_kind_has_its_database_role(credential: Credential, kind: Kind, role: DatabaseRole) -> None:
    who = Principal(credential)
    assert (who.kind, who.database_role) == (kind, role)


# -- the end of a session


def come_in(who: Principal) -> Principal:
    with transaction(who) as tx:
        return tx.principal


def change(model: Any, number: int, **values: Any) -> None:
    with transaction(SYSTEM) as tx:
        tx.execute(update(model).where(model.id == number).values(**values))


def ago(**span: int) -> Any:
    return clock.now() - timedelta(**span)


def test_a_session_goes_on(world: World) -> None:
    who = world.sign_in("teacher")
    assert come_in(who).account_id == who.account_id


@pytest.mark.parametrize("digest", [b"", b"\0" * 32, b"x" * 10_000])
def test_an_unknown_token_is_nobodys(world: World, digest: bytes) -> None:
    with pytest.raises(SessionEnded):
        come_in(Principal(AccountToken(digest)))


def test_an_unknown_childs_token_is_nobodys(world: World) -> None:
    with pytest.raises(SessionEnded):
        come_in(Principal(StudentToken(uuid4())))


OVER: list[dict[str, Callable[[], Any]]] = [
    {"ended_at": clock.now},
    {"expires_at": clock.now},
    {"last_seen_at": lambda: ago(minutes=60)},
    {"security_epoch": lambda: 0},
]


@pytest.mark.parametrize("values", OVER, ids=lambda values: next(iter(values)))
def test_an_account_session_that_is_over(world: World, values: dict[str, Callable[[], Any]]) -> None:
    who = world.sign_in("teacher")
    assert who.session_id is not None
    change(AccountSession, who.session_id, **{name: value() for name, value in values.items()})
    with pytest.raises(SessionEnded):
        come_in(who)


def test_just_before_the_idle_time_a_session_goes_on(world: World) -> None:
    who = world.sign_in("teacher")
    assert who.session_id is not None
    change(AccountSession, who.session_id, last_seen_at=ago(minutes=59))
    assert come_in(who).session_id == who.session_id


def test_coming_in_again_moves_the_idle_time(world: World) -> None:
    who = world.sign_in("teacher")
    assert who.session_id is not None
    for _ in range(2):
        change(AccountSession, who.session_id, last_seen_at=ago(minutes=59))
        come_in(who)
    with transaction(SYSTEM) as tx:
        row = tx.get_one(AccountSession, who.session_id)
    assert clock.now() - row.last_seen_at < timedelta(minutes=1)


def test_new_credentials_end_older_sessions(world: World) -> None:
    who = world.sign_in("helper")
    assert who.account_id is not None
    change(Account, who.account_id, security_epoch=2)
    with pytest.raises(SessionEnded):
        come_in(who)


def test_a_suspended_account_is_out_at_once(world: World) -> None:
    who = world.sign_in("colleague")
    assert who.account_id is not None
    change(Account, who.account_id, status=AccountStatus.SUSPENDED)
    try:
        with pytest.raises(SessionEnded):
            come_in(who)
    finally:
        change(Account, who.account_id, status=AccountStatus.ACTIVE)


def test_a_membership_that_ended_is_gone_at_the_next_step(world: World) -> None:
    who = world.sign_in("outsider")
    with transaction(SYSTEM) as tx:
        held = update(Membership).where(Membership.account_id == who.account_id)
        tx.execute(held.values(school_id=world.elsewhere.id))
    assert scopes(come_in(who)) == {"taught_schools": {world.elsewhere.id}}


@pytest.mark.parametrize("status", [GuardianStatus.WAITING, GuardianStatus.REVOKED])
def test_only_an_approved_link_shows_a_child(world: World, status: GuardianStatus) -> None:
    who = world.sign_in("foreign_parent")
    link = update(GuardianLink).where(GuardianLink.account_id == who.account_id)
    with transaction(SYSTEM) as tx:
        tx.execute(link.values(status=status))
    try:
        assert scopes(come_in(who)) == {}
    finally:
        with transaction(SYSTEM) as tx:
            tx.execute(link.values(status=GuardianStatus.APPROVED))


@pytest.mark.parametrize(
    "values",
    [{"ended_at": clock.now}, {"expires_at": clock.now}, {"last_seen_at": lambda: ago(minutes=5)}],
    ids=lambda values: next(iter(values)),
)
def test_a_childs_session_that_is_over(world: World, values: dict[str, Callable[[], Any]]) -> None:
    who = world.student(world.own_class, world.own_class.children[0])
    assert who.session_id is not None
    change(StudentSession, who.session_id, **{name: value() for name, value in values.items()})
    with pytest.raises(SessionEnded):
        come_in(who)


def test_a_child_who_left_the_class_is_out(world: World) -> None:
    child = world.own_class.children[1]
    who = world.student(world.own_class, child)
    left = update(Enrollment).where(Enrollment.student_id == child.id)
    with transaction(SYSTEM) as tx:
        tx.execute(left.values(ended_at=clock.now()))
    with pytest.raises(SessionEnded):
        come_in(who)


def test_closing_the_door_puts_the_children_out(world: World) -> None:
    who = world.student(world.elsewhere_class, world.elsewhere_class.children[0])
    change(Classroom, world.elsewhere_class.id, door=Door.CLOSED)
    with pytest.raises(SessionEnded):
        come_in(who)
