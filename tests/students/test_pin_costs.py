"""A PIN that is kept at another cost than today's is kept at today's when the child next types it."""

from collections.abc import Iterator

import pytest
from flask import Flask
from sqlalchemy import select, text, update

from backoffice.access.principal import StudentToken
from backoffice.access.transaction import transaction
from backoffice.runtime import Runtime
from backoffice.schools.models import Student
from backoffice.settings import Passwords, Sessions
from backoffice.storage import functions
from backoffice.students import services as students
from backoffice.students.pins import digits
from backoffice.students.pins.services import hash_anew
from backoffice.throttles.visitor import Visitor
from tests.factories.visitor import send
from tests.factories.world import COST, NO_LIMIT, SYSTEM, Child, World, give_pin

PIN = "4937"
DEARER = Passwords(memory_kib=20 * 1024)


@pytest.fixture
def child(world: World) -> Iterator[Child]:
    """A child with a PIN of the least cost."""
    given = world.own_class.children[0]
    give_pin(given, PIN)
    yield given
    with transaction(SYSTEM) as tx:
        tx.execute(update(Student).values(pin_hash=None))


def kept(child: Child) -> str:
    with transaction(SYSTEM) as tx:
        return tx.scalars(select(Student.pin_hash).where(Student.id == child.id)).one() or ""


def come_in(world: World, child: Child) -> StudentToken:
    """Sign a child in with its PIN."""
    begun = students.sign_in_student(
        code=world.own_class.code,
        student=child.public_id,
        pin=PIN,
        sessions=Sessions(),
        visitor=Visitor(),
        throttles=NO_LIMIT,
    )
    return students.credential(begun.token_id, None)


def test_coming_in_keeps_the_pin_anew_and_ends_no_other_session(
    app: Flask, runtime: Runtime, world: World, child: Child
) -> None:
    before, settings = kept(child), runtime.settings
    fields = {"code": world.own_class.code, "student": child.public_id, "pin": PIN}
    first, second = app.test_client(), app.test_client()
    assert send(first, "/join", fields).location == "/student"
    assert kept(child) == before
    object.__setattr__(runtime, "settings", settings.model_copy(update={"passwords": DEARER}))
    try:
        assert send(second, "/join", {**fields, "pin": "5937"}).status_code == 422
        assert kept(child) == before
        assert send(second, "/join", fields).location == "/student"
        after = kept(child)
        assert after.startswith(f"$argon2id$v=19$m={DEARER.memory_kib},")
        assert digits.verify(PIN, after, student_id=child.id)
        # Both are in still, and the new hash lets in.
        assert [each.get("/student").status_code for each in (first, second)] == [200, 200]
        assert send(app.test_client(), "/join", fields).location == "/student"
        assert kept(child) == after
    finally:
        object.__setattr__(runtime, "settings", settings)


def test_a_pin_that_is_another_by_now_stays(world: World, child: Child) -> None:
    stored = kept(child)
    who = world.student(world.own_class, world.own_class.children[1])
    assert isinstance(who.credential, StudentToken)
    hash_anew(credential=who.credential, pin=PIN, stored=stored, cost=DEARER)
    assert kept(child) == stored
    # The child itself, but what was verified is not what there is any more.
    credential = come_in(world, child)
    hash_anew(
        credential=credential,
        pin=PIN,
        stored=stored.replace("p=1$", "p=1$x"),
        cost=DEARER,
    )
    assert kept(child) == stored


@pytest.mark.parametrize("same_cost", [False, True])
def test_the_database_takes_a_hash_of_another_cost_and_nothing_else(
    world: World, child: Child, same_cost: bool
) -> None:
    before, credential = kept(child), come_in(world, child)
    another = digits.hash_pin("5937", student_id=child.id, cost=COST) if same_cost else "5937"
    with transaction(credential) as tx:
        functions.hash_own_pin_anew(tx, verified=before, pin_hash=another)
        tx.execute(text("select app.hash_own_pin_anew(:verified, null)"), {"verified": before})
    assert kept(child) == before
