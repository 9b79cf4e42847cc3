"""The controls of PINs and of who overrides them, each really broken."""

from collections.abc import Callable, Iterator

import pytest
from sqlalchemy import insert, select, text

from backoffice import clock
from backoffice.access.transaction import transaction
from backoffice.audit.models import AuditDetail, AuditEntry
from backoffice.controls.check import Finding, State
from backoffice.runtime import Runtime
from backoffice.settings import Passwords, Sessions, Throttles
from backoffice.storage.roles import DatabaseRole
from backoffice.students.cards import services as cards
from backoffice.students.cards.models import StudentCard
from backoffice.students.pins import overrides
from backoffice.students.pins.models import OverrideKind, PinOverride
from backoffice.throttles.visitor import Visitor
from tests.controls.conftest import Broken, Look
from tests.factories.world import NO_LIMIT, SYSTEM, World, give_pin

Owner = Callable[[str], None]
PIN = "4937"


@pytest.fixture
def limited(runtime: Runtime) -> Runtime:
    """The installation under the throttles that it comes with."""
    object.__setattr__(runtime, "settings", runtime.settings.model_copy(update={"throttles": Throttles()}))
    return runtime


@pytest.fixture(autouse=True)
def child(world: World, owner: Owner) -> Iterator[None]:
    """A child who has a PIN."""
    give_pin(world.own_class.children[0], PIN)
    yield
    owner("update app.student set pin_hash = null")
    owner("delete from app.pin_override")


def clear(world: World, role: str = "teacher") -> None:
    overrides.clear_pins(
        principal=world.sign_in(role),
        classroom=world.own_class.public_id,
        students=[world.own_class.children[0].public_id],
        throttles=NO_LIMIT,
    )


def body_of(runtime: Runtime, function: str) -> str:
    with runtime.database.engine(DatabaseRole.OWNER).connect() as connection:
        found = connection.scalar(text(f"select pg_get_functiondef('{function}'::regprocedure)"))
    return str(found)


# -- PINs


def test_it_says_how_many_have_one_and_leaves_no_trace(look: Look, limited: Runtime) -> None:
    def counted() -> int:
        with limited.database.engine(DatabaseRole.OWNER).connect() as connection:
            return int(connection.scalar(text("select count(*) from app.throttle")) or 0)

    before = counted()
    finding = look("student-pin")
    assert finding.state is State.HOLDS, finding.evidence
    assert finding.evidence.startswith("1 of ")
    assert "after 5 wrong tries the next waits" in finding.evidence
    assert counted() == before


@pytest.mark.parametrize(
    "kept",
    [
        "4937",
        "$2b$12$abcdefghijklmnopqrstuv",
        "$argon2i$v=19$m=19456,t=2,p=1$c2FsdA$aGFzaA",
        "$argon2id$v=19$m=1024,t=2,p=1$c2FsdA$aGFzaA",
        "$argon2id$v=19$m=99999,t=1,p=1$c2FsdA$aGFzaA",
    ],
)
def test_a_pin_that_is_kept_otherwise_falls_short(
    look: Look, limited: Runtime, world: World, owner: Owner, kept: str
) -> None:
    owner(f"update app.student set pin_hash = '{kept}' where id = {world.own_class.children[1].id}")
    assert look("student-pin").evidence.startswith("1 PIN not kept as an argon2id hash")


def test_a_raised_cost_is_no_shortfall_and_says_who_waits(look: Look, limited: Runtime) -> None:
    dearer = Passwords(memory_kib=20 * 1024, passes=3)
    finding = look("student-pin", settings=limited.settings.model_copy(update={"passwords": dearer}))
    assert finding.state is State.HOLDS, finding.evidence
    assert "(1 of another cost than today, until typed again)" in finding.evidence
    assert "another cost" not in look("student-pin").evidence


def test_a_sixth_try_falls_short(look: Look, limited: Runtime) -> None:
    lax = limited.settings.model_copy(update={"throttles": Throttles(pin_student="6/minute")})
    finding = look("student-pin", settings=lax)
    assert (finding.state, "more than 5 times" in finding.evidence) == (State.FALLS_SHORT, True)


def test_counters_that_hold_nobody_fall_short(look: Look, limited: Runtime, broken: Broken) -> None:
    sound = body_of(limited, "app.take_step(uuid, uuid, integer[], integer[], timestamptz)")
    with broken(sound.replace("if wait is not null then", "if false then"), sound):
        assert "more than 5 times" in look("student-pin").evidence


def test_a_database_that_passes_a_pin_over_falls_short(look: Look, limited: Runtime, broken: Broken) -> None:
    sound = body_of(
        limited,
        "app.begin_student_session(bytea, text, uuid, timestamptz, integer, integer, timestamptz, bytea,"
        " text, bytea, boolean, uuid, uuid)",
    )
    lax = sound.replace("and s.pin_hash is not distinct from verified_pin", "")
    assert lax != sound
    with broken(lax, sound):
        assert look("student-pin").evidence == "The database lets a child in whose PIN nobody has checked."


def test_a_session_by_anothers_card_falls_short(look: Look, world: World, owner: Owner) -> None:
    owner("update app.student set pin_hash = null")
    begun = cards.sign_in_by_card(
        secret=world.card, sessions=Sessions(), visitor=Visitor(), throttles=NO_LIMIT
    )
    assert look("code-sign-in").state is State.HOLDS
    other = world.own_class.children[1].id
    owner(f"update app.student_session set student_id = {other} where token_id = '{begun.token_id}'")
    finding = look("code-sign-in")
    owner(f"delete from app.student_session where token_id = '{begun.token_id}'")
    assert finding.evidence == "1 session in 30 days without a code or card of the class."


def test_a_card_by_somebody_who_never_taught_the_class_falls_short(
    look: Look, world: World, owner: Owner
) -> None:
    owner("update app.student set pin_hash = null")
    begun = cards.sign_in_by_card(
        secret=world.card, sessions=Sessions(), visitor=Visitor(), throttles=NO_LIMIT
    )
    teacher, colleague = world.people["teacher"].id, world.people["colleague"].id

    def given_out_by(role: str) -> Finding:
        owner(f"update app.student_card set issued_by = {world.people[role].id}")
        return look("code-sign-in")

    try:
        assert [given_out_by(role).state for role in ("teacher", "co_teacher", "leader")] == [State.HOLDS] * 3
        # Who helps gives out nothing, and a colleague nothing in this class.
        for role in ("helper", "colleague"):
            said = "1 code or card given out by somebody who never taught the class."
            assert given_out_by(role).evidence == said
        # The trail has it of somebody who taught the class when the card was given out.
        with transaction(SYSTEM) as tx:
            digest = cards.digest(world.card)
            card = tx.scalars(select(StudentCard).where(StudentCard.secret_digest == digest)).one()
            noted = tx.take_id(AuditEntry)
            of = {"school_id": card.school_id}
            detail = {"actor": {"account": colleague}, "classroom": card.classroom_id}
            entry = insert(AuditEntry).values(
                id=noted, at=card.issued_at, verb="cards.issue", actor_kind="account", commitment=b"", **of
            )
            tx.execute(entry)
            tx.execute(
                insert(AuditDetail).values(
                    entry_id=noted, at=card.issued_at, nonce=b"", redacted=False, detail=detail, **of
                )
            )
        assert given_out_by("colleague").state is State.HOLDS
        assert given_out_by("helper").state is State.FALLS_SHORT
        owner(f"delete from app.audit_entry where id = {noted}")
        owner("update app.student_card set issued_by = null")
        said = "by an import, or an account that is gone)"
        assert said in look("code-sign-in").evidence
    finally:
        owner(f"update app.student_card set issued_by = {teacher}")
        owner(f"delete from app.student_session where token_id = '{begun.token_id}'")


# -- overrides


def test_whoever_may_override_is_named_by_role(look: Look, world: World) -> None:
    assert look("pin-override").evidence == (
        "No override in 30 days, none before. An owner's clearing was tried, and undone."
    )
    for role in ("teacher", "co_teacher", "leader"):
        give_pin(world.own_class.children[0], PIN)
        clear(world, role)
    finding = look("pin-override")
    assert (finding.state, finding.evidence[:24]) == (State.HOLDS, "3 overrides in 30 days, ")


def test_without_an_override_or_a_pin_nothing_shows_it(look: Look, owner: Owner) -> None:
    owner("update app.student set pin_hash = null")
    owner("delete from app.pin_override")
    finding = look("pin-override")
    assert (finding.state, finding.evidence) == (
        State.NOT_EXERCISED,
        "No override in 30 days, none before. There is no PIN whose clearing can be tried.",
    )


@pytest.mark.parametrize("whose", ["false", "true"])
def test_an_owner_who_cannot_clear_and_a_stranger_who_can_fall_short(
    look: Look, limited: Runtime, broken: Broken, whose: str
) -> None:
    sound = body_of(limited, "app.clear_pins(bigint, bigint[], timestamptz)")
    weaker = sound.replace("p.school_id = any (ids('led_schools')) or p.id = any (taught())", whose)
    assert weaker != sound
    with broken(weaker, sound):
        assert look("pin-override").state is State.FALLS_SHORT


@pytest.mark.parametrize("made_as", ["null", "'helper'"])
def test_an_override_by_somebody_else_falls_short(
    look: Look, world: World, owner: Owner, made_as: str
) -> None:
    clear(world)
    owner(f"update app.pin_override set made_as = {made_as}")
    assert look("pin-override").evidence == "1 override by somebody who did not teach the class."


def test_the_database_notes_what_somebody_was(look: Look, world: World) -> None:
    """As where a page let a helper do it: the database finds out by itself."""
    helper = world.sign_in("helper")
    with transaction(helper) as tx:
        tx.execute(
            insert(PinOverride).values(
                id=tx.take_id(PinOverride),
                school_id=world.own_class.school_id,
                classroom_id=world.own_class.id,
                kind=OverrideKind.CLEARED,
                made_by=helper.account_id,
                made_at=clock.now(),
            )
        )
    with transaction(SYSTEM) as tx:
        assert tx.scalars(
            select(PinOverride.made_as).where(PinOverride.made_by == helper.account_id)
        ).all() == [None]
    assert look("pin-override").state is State.FALLS_SHORT


def test_an_override_that_the_trail_does_not_know_falls_short(look: Look, world: World, owner: Owner) -> None:
    clear(world)
    teacher = world.people["teacher"].id
    owner(
        "insert into app.pin_override (school_id, classroom_id, kind, made_by, made_as, made_at)"
        f" select school_id, classroom_id, kind, {teacher}, 'owner', made_at from app.pin_override"
    )
    owner("update app.pin_override set made_as = 'owner'")
    assert look("pin-override").evidence == "1 override of which the trail knows nothing."
