"""Promises about sessions and ways in: each holds, and each falls short when it is really broken."""

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from datetime import timedelta

import pytest
from flask import Response
from sqlalchemy import update

from backoffice import clock
from backoffice.access.transaction import transaction
from backoffice.accounts.models import Account, AccountSession, AccountStatus
from backoffice.accounts.tokens import token_digest
from backoffice.app import build
from backoffice.controls.check import State
from backoffice.runtime import Runtime
from backoffice.schools.models import Classroom, Door
from backoffice.settings import Sessions
from backoffice.storage import catalog
from backoffice.storage.catalog import EndFacts
from backoffice.storage.roles import DatabaseRole
from backoffice.students.models import StudentSession
from tests.controls.conftest import Broken, Look
from tests.factories.world import SYSTEM, World

Owner = Callable[[str], None]
SITE = "https://school.example"


@pytest.mark.parametrize("control", ["session-expiry", "compromise", "code-sign-in", "tls"])
def test_holds_on_a_healthy_system(look: Look, world: World, control: str) -> None:
    world.token("teacher")
    world.student_session(world.own_class, world.own_class.children[0])
    finding = look(control)
    assert finding.state is State.HOLDS, finding.evidence


def body_of(runtime: Runtime, function: str) -> str:
    """The statement that makes a function what it is now."""
    with runtime.database.engine(DatabaseRole.OWNER).connect() as connection:
        (made,) = connection.exec_driver_sql("select pg_get_functiondef(%s::regprocedure)", (function,)).one()
    return str(made)


# -- sessions end by themselves


@pytest.mark.parametrize(
    ("table", "change"),
    [
        ("account_session", "expires_at = started_at + interval '3 days'"),
        ("account_session", "idle_minutes = 61"),
        ("student_session", "expires_at = started_at + interval '9 hours'"),
        ("student_session", "idle_minutes = 21"),
    ],
)
def test_a_live_session_beyond_what_is_configured_falls_short(
    look: Look, world: World, owner: Owner, table: str, change: str
) -> None:
    world.token("teacher")
    world.student_session(world.own_class, world.own_class.children[0])
    owner(f"update app.{table} set {change} where id = (select max(id) from app.{table})")
    assert look("session-expiry").evidence == "1 live session may last longer than configured."
    owner(f"update app.{table} set ended_at = now() where id = (select max(id) from app.{table})")
    assert look("session-expiry").state is State.HOLDS


def test_shorter_settings_find_the_longer_sessions(look: Look, runtime: Runtime, world: World) -> None:
    world.token("teacher")
    short = runtime.settings.model_copy(update={"sessions": Sessions(account_absolute=30)})
    assert look("session-expiry", settings=short).state is State.FALLS_SHORT


@pytest.mark.parametrize(
    ("function", "condition"),
    [
        ("app.enter(bytea, timestamptz)", "s.expires_at > at"),
        ("app.enter(bytea, timestamptz)", "s.ended_at is null"),
        ("app.enter(bytea, timestamptz)", "s.last_seen_at + make_interval(mins => s.idle_minutes) > at"),
    ],
)
def test_a_database_that_lets_in_what_is_over_falls_short(
    look: Look, world: World, runtime: Runtime, broken: Broken, function: str, condition: str
) -> None:
    token = world.token("teacher")
    held = update(AccountSession).where(AccountSession.token_digest == token_digest(token))
    past = clock.now() - timedelta(days=2)
    with transaction(SYSTEM) as tx:
        tx.execute(
            held.values(
                started_at=past,
                ended_at=past if "ended" in condition else None,
                last_seen_at=past if "last_seen" in condition else clock.now(),
                expires_at=past if "expires" in condition else clock.now() + timedelta(hours=1),
            )
        )
    sound = body_of(runtime, function)
    assert condition in sound
    with broken(sound.replace(condition, "true"), sound):
        finding = look("session-expiry")
    assert (finding.state, "let somebody in" in finding.evidence) == (State.FALLS_SHORT, True)
    with transaction(SYSTEM) as tx:
        tx.execute(held.values(ended_at=past))


# -- new credentials, suspended accounts


@pytest.mark.parametrize(
    ("condition", "values"),
    [
        ("a.security_epoch = found_session.security_epoch", {"security_epoch": Account.security_epoch + 1}),
        ("a.status = 'active'", {"status": AccountStatus.SUSPENDED}),
    ],
)
def test_a_database_that_lets_in_what_is_outdated_falls_short(
    look: Look,
    world: World,
    runtime: Runtime,
    broken: Broken,
    condition: str,
    values: dict[str, object],
) -> None:
    world.token("outsider")
    row = update(Account).where(Account.id == world.people["outsider"].id)
    with transaction(SYSTEM) as tx:
        tx.execute(row.values(**values))
    finding = look("compromise")
    assert (finding.state, " 0 sessions of" in finding.evidence) == (State.HOLDS, False), finding.evidence
    sound = body_of(runtime, "app.enter(bytea, timestamptz)")
    assert condition in sound
    with broken(sound.replace(condition, "true"), sound):
        finding = look("compromise")
    with transaction(SYSTEM) as tx:
        tx.execute(row.values(status=AccountStatus.ACTIVE))
    assert (finding.state, "let somebody in" in finding.evidence) == (State.FALLS_SHORT, True)


def test_a_session_from_before_the_password_falls_short(look: Look, world: World, owner: Owner) -> None:
    """Whoever sets a password without raising the epoch leaves the others inside."""
    world.token("teacher")
    account = world.people["teacher"].id
    owner(
        f"update app.account_password set set_at = now() + interval '1 second' where account_id = {account}"
    )
    finding = look("compromise")
    owner(f"update app.account_password set set_at = now() - interval '1 day' where account_id = {account}")
    assert (finding.state, "credentials of before" in finding.evidence) == (State.FALLS_SHORT, True)


def test_a_session_from_before_the_second_factor_falls_short(look: Look, world: World, owner: Owner) -> None:
    """As with a password: whoever sets one up without raising the epoch leaves the others inside."""
    world.token("founder")
    factor = f"where account_id = {world.people['founder'].id}"
    owner(f"update app.account_second_factor set set_at = now() + interval '1 second' {factor}")
    finding = look("compromise")
    owner(f"update app.account_second_factor set set_at = now() - interval '1 day' {factor}")
    assert (finding.state, "credentials of before" in finding.evidence) == (State.FALLS_SHORT, True)


def test_a_suspended_account_that_begins_a_session_falls_short(
    look: Look, world: World, runtime: Runtime, broken: Broken
) -> None:
    sound = body_of(
        runtime,
        "app.begin_account_session(bigint, integer, text, bytea, timestamptz, integer, timestamptz,"
        " bytea, bytea, uuid)",
    )
    assert "security_epoch =" in sound
    # The session is to be told from its account by its epoch, so it takes the account's own.
    lax = sound.replace("and a.security_epoch = of_epoch", "").replace(
        "digest, of_epoch", "digest, a.security_epoch"
    )
    with broken(lax, sound):
        finding = look("compromise")
    assert "can begin a session" in finding.evidence


# -- nothing but a code


def test_something_else_to_sign_in_with_falls_short(look: Look, broken: Broken) -> None:
    with broken("alter table app.student add e_mail text", "alter table app.student drop e_mail"):
        assert "app.student.e_mail" in look("code-sign-in").evidence


def test_a_session_by_another_classs_code_falls_short(look: Look, world: World, owner: Owner) -> None:
    begun = world.student_session(world.own_class, world.own_class.children[0])
    other = (
        "(select k.id from app.classroom_code k where k.school_id = s.school_id"
        " and k.classroom_id <> s.classroom_id limit 1)"
    )
    owner(f"update app.student_session s set code_id = {other} where token_id = '{begun.token_id}'")
    finding = look("code-sign-in")
    owner(f"delete from app.student_session where token_id = '{begun.token_id}'")
    assert finding.evidence == "1 session in 30 days without a code or card of the class."


def test_a_session_from_after_the_codes_end_falls_short(look: Look, world: World, owner: Owner) -> None:
    begun = world.student_session(world.own_class, world.own_class.children[0])
    late = "started_at = (select max(issued_at) from app.classroom_code) - interval '1 hour'"
    owner(f"update app.student_session set {late} where token_id = '{begun.token_id}'")
    finding = look("code-sign-in")
    owner(f"delete from app.student_session where token_id = '{begun.token_id}'")
    assert finding.state is State.FALLS_SHORT


OPEN_CODE = "app.open_code(bytea, timestamptz)"
BEGIN_SESSION = (
    "app.begin_student_session(bytea, text, uuid, timestamptz, integer, integer, timestamptz, bytea, text,"
    " bytea, boolean, uuid, uuid)"
)
DOOR_IS_OPEN = "app.door_is_open(text, timestamptz, integer, integer, text[], text, timestamptz)"


@pytest.mark.parametrize(
    ("weaker", "said"),
    [
        # What begins a session and what keeps it both ask this one.
        ({DOOR_IS_OPEN: ("else false end", "else true end")}, "by a closed door"),
        (
            {OPEN_CODE: ("k.ended_at is null", "true"), BEGIN_SESSION: ("and k.ended_at is null", "")},
            "by a code that has ended",
        ),
        (
            {OPEN_CODE: ("(k.expires_at is null or k.expires_at > at)", "true")},
            "by a lesson's code that has run out",
        ),
    ],
)
def test_a_door_that_lets_in_more_falls_short(
    look: Look,
    world: World,
    runtime: Runtime,
    owner: Owner,
    broken: Broken,
    weaker: dict[str, tuple[str, str]],
    said: str,
) -> None:
    door = update(Classroom).where(Classroom.id == world.own_class.id)
    if "door" in said:
        with transaction(SYSTEM) as tx:
            tx.execute(door.values(door=Door.CLOSED))
    else:
        kind, over = ("lesson", "expires_at") if "lesson" in said else ("standing", "ended_at")
        owner(
            "insert into app.classroom_code"
            f" (school_id, classroom_id, kind, code, code_index, issued_at, {over})"
            f" select school_id, classroom_id, '{kind}', code, '\\x00', issued_at, now()"
            f" from app.classroom_code where classroom_id = {world.own_class.id}"
        )
    with ExitStack() as stack:
        for function, change in weaker.items():
            sound = body_of(runtime, function)
            assert change[0] in sound
            stack.enter_context(broken(sound.replace(*change), sound))
        finding = look("code-sign-in")
    with transaction(SYSTEM) as tx:
        tx.execute(door.values(door=Door.OPEN))
    owner("delete from app.classroom_code where code_index = '\\x00'")
    assert (finding.state, said in finding.evidence) == (State.FALLS_SHORT, True), finding.evidence


# -- encrypted on the way


def test_over_https_pages_say_so(look: Look, runtime: Runtime) -> None:
    settings = runtime.settings.model_copy(update={"base_url": SITE})
    app = build(replace(runtime, settings=settings))
    finding = look("tls", settings=settings, app=app)
    assert (finding.state, "Pages over https only for 730 days" in finding.evidence) == (State.HOLDS, True)


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("Strict-Transport-Security", None, "does not tell browsers to stay with https"),
        ("Set-Cookie", "seen=1; HttpOnly; Path=/", "sets a cookie that travels over plain http"),
    ],
)
def test_a_page_that_lets_plain_http_in_falls_short(
    look: Look, runtime: Runtime, name: str, value: str | None, said: str
) -> None:
    settings = runtime.settings.model_copy(update={"base_url": SITE})
    app = build(replace(runtime, settings=settings))

    # The first to be registered is the last to be asked.
    @app.after_request
    def lax(response: Response) -> Response:
        response.headers.remove(name)
        if value:
            response.headers[name] = value
        return response

    handlers = app.after_request_funcs[None]
    handlers.insert(0, handlers.pop())
    assert said in look("tls", settings=settings, app=app).evidence


@pytest.mark.parametrize(
    ("client", "state"),
    [
        (EndFacts("192.0.2.7", None), State.FALLS_SHORT),
        (EndFacts("192.0.2.7", "TLSv1.3"), State.HOLDS),
        (EndFacts("127.0.0.1", None), State.HOLDS),
        (EndFacts(None, None), State.HOLDS),
    ],
)
def test_an_open_way_to_the_database_falls_short(
    look: Look, monkeypatch: pytest.MonkeyPatch, client: EndFacts, state: State
) -> None:
    monkeypatch.setattr(catalog, "client_of", lambda _connection: client)
    assert look("tls").state is state


def test_nothing_of_a_check_stays(look: Look, world: World) -> None:
    def sessions() -> tuple[int, ...]:
        with transaction(SYSTEM) as tx:
            return tuple(tx.query(table).count() for table in (AccountSession, StudentSession))

    before = sessions()
    for control in ("session-expiry", "compromise", "code-sign-in", "tls"):
        look(control)
    assert sessions() == before
