"""Promises about what is stored: each holds, and each falls short when the thing is really broken."""

import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import MetaData, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from backoffice.accounts import passwords
from backoffice.app import build
from backoffice.controls import database
from backoffice.controls.check import State
from backoffice.plugin import Plugin
from backoffice.runtime import Runtime
from backoffice.settings import Passwords
from backoffice.storage import columns, keyring
from backoffice.storage.base import plugin_base
from backoffice.storage.columns import Class, Held, Keep
from backoffice.storage.keyring import KeyPurpose, Keyring
from backoffice.storage.roles import DatabaseRole
from tests.controls.conftest import Broken, Look
from tests.factories.world import World

HELD = (
    "encryption-at-rest",
    "username-digest",
    "password-hashing",
    "privacy-by-design",
    "anonymised-identifiers",
)
Owner = Callable[[str], None]


def extra(tables: MetaData) -> Plugin:
    return Plugin(name="extra", title="Extra", summary="", tables=tables, personal_data=(), retention=())


def stored(runtime: Runtime, query: str) -> str:
    with runtime.database.engine(DatabaseRole.OWNER).begin() as connection:
        return str(connection.scalar(text(query)))


@pytest.mark.parametrize("control", HELD)
def test_holds_on_healthy_data(look: Look, control: str) -> None:
    finding = look(control)
    assert finding.state is State.HOLDS, finding.evidence


# -- encryption at rest


@pytest.mark.parametrize("value", ["'Wilhelmina'::bytea", "family_name", "set_byte(given_name, 20, 0)"])
def test_a_value_that_is_not_sealed_for_its_column_falls_short(
    look: Look, runtime: Runtime, broken: Broken, world: World, value: str
) -> None:
    child = world.own_class.children[0].id
    before = stored(runtime, f"select encode(given_name, 'hex') from app.student where id = {child}")
    with broken(
        f"update app.student set given_name = {value} where id = {child}",
        f"update app.student set given_name = decode('{before}', 'hex') where id = {child}",
    ):
        finding = look("encryption-at-rest")
    assert finding.state is State.FALLS_SHORT
    assert "app.student.given_name" in finding.evidence
    assert "Wilhelmina" not in finding.evidence


def test_a_personal_column_of_plain_text_falls_short(look: Look, installed: Callable[[Plugin], None]) -> None:
    base = plugin_base("extra")

    class Note(base):  # type: ignore[misc, valid-type]
        __tablename__ = "note"
        id: Mapped[int] = columns.key(keep=Keep.SCHOOL)
        body: Mapped[str] = mapped_column(
            Text, info={"held": Held("What was said", Class.PERSONAL, Keep.STUDENT)}
        )

    installed(extra(base.metadata))
    finding = look("encryption-at-rest")
    assert (finding.state, finding.evidence) == (State.FALLS_SHORT, "Not sealed: plugin_extra.note.body.")


def test_a_sealed_column_that_is_text_in_the_database_falls_short(look: Look, broken: Broken) -> None:
    with broken(
        "alter table app.enrollment alter column alias type text using null",
        "alter table app.enrollment alter column alias type bytea using null",
    ):
        assert look("encryption-at-rest").state is State.FALLS_SHORT


# -- usernames


def test_a_username_column_falls_short(look: Look, broken: Broken) -> None:
    with broken("alter table app.student add user_name text", "alter table app.student drop user_name"):
        finding = look("username-digest")
    assert (finding.state, "app.student.user_name" in finding.evidence) == (State.FALLS_SHORT, True)


DIGEST_RULE = "ck_student_username_is_a_digest"


@pytest.mark.parametrize("weaker", ["check (true)", "check (username_digest ~ '^[0-9a-f]{32}$') not valid"])
def test_a_stored_username_in_the_clear_falls_short(
    look: Look, broken: Broken, world: World, weaker: str
) -> None:
    child = world.own_class.children[0]
    digest = keyring.current().username_digest(child.username or "", school=str(world.own_class.school_id))
    drop = f"alter table app.student drop constraint {DIGEST_RULE};"
    add = f"alter table app.student add constraint {DIGEST_RULE}"
    with broken(
        f"{drop} update app.student set username_digest = '{child.username}' where id = {child.id};"
        f" {add} {weaker}",
        f"{drop} update app.student set username_digest = '{digest}' where id = {child.id};"
        f" {add} check (username_digest ~ '^[0-9a-f]{{32}}$')",
    ):
        finding = look("username-digest")
    assert finding.state is State.FALLS_SHORT
    assert (child.username or "") not in finding.evidence


def test_a_database_that_takes_any_username_falls_short(look: Look, broken: Broken) -> None:
    with broken(
        f"alter table app.student drop constraint {DIGEST_RULE}",
        f"alter table app.student add constraint {DIGEST_RULE} check (username_digest ~ '^[0-9a-f]{{32}}$')",
    ):
        assert look("username-digest").state is State.FALLS_SHORT


def test_a_keyring_inside_the_database_falls_short(look: Look, runtime: Runtime, tmp_path: Path) -> None:
    (tmp_path / "PG_VERSION").write_text("18\n")
    inside = runtime.settings.model_copy(update={"keyring_file": tmp_path / "keys" / "keyring.json"})
    assert look("username-digest", settings=inside).state is State.FALLS_SHORT


def test_a_bare_md5_falls_short(look: Look, monkeypatch: pytest.MonkeyPatch) -> None:
    def bare(_ring: Keyring, username: str, *, school: str) -> str:
        return hashlib.md5(f"{school}\0{username}".encode(), usedforsecurity=False).hexdigest()

    monkeypatch.setattr(Keyring, "username_digest", bare)
    assert look("username-digest").state is State.FALLS_SHORT


def test_a_key_with_two_uses_falls_short(look: Look, monkeypatch: pytest.MonkeyPatch) -> None:
    ring = keyring.current()
    shared = Keyring({**ring.keys, KeyPurpose.USERNAME: ring.keys[KeyPurpose.INDEX]})
    monkeypatch.setattr(keyring, "_installed", shared)
    assert look("username-digest").state is State.FALLS_SHORT


def test_without_usernames_it_is_not_exercised(look: Look, owner: Owner) -> None:
    owner("create table app.kept as select id, username_digest from app.student")
    owner("update app.student set username_digest = null")
    try:
        assert look("username-digest").state is not State.HOLDS
    finally:
        owner(
            "update app.student s set username_digest = k.username_digest from app.kept k where k.id = s.id"
        )
        owner("drop table app.kept")


# -- passwords


def test_a_weaker_hash_falls_short(look: Look, runtime: Runtime, broken: Broken, world: World) -> None:
    account = world.people["teacher"].id
    weak = passwords.hash_password("x", Passwords.model_construct(memory_kib=1024, passes=1, lanes=1))
    before = stored(runtime, f"select password_hash from app.account_password where account_id = {account}")
    with broken(
        f"update app.account_password set password_hash = '{weak}' where account_id = {account}",
        f"update app.account_password set password_hash = '{before}' where account_id = {account}",
    ):
        finding = look("password-hashing")
    assert (finding.state, finding.evidence) == (
        State.FALLS_SHORT,
        "1 of 11 passwords weaker than configured.",
    )


def test_hashes_of_yesterdays_cost_fall_short_of_todays_setting(look: Look, runtime: Runtime) -> None:
    dearer = Passwords(memory_kib=64 * 1024, passes=3)
    raised = runtime.settings.model_copy(update={"passwords": dearer})
    assert "11 of 11" in look("password-hashing", settings=raised).evidence


def test_a_shared_salt_falls_short(look: Look, owner: Owner, runtime: Runtime, world: World) -> None:
    one, two = world.people["teacher"].id, world.people["leader"].id
    before = stored(runtime, f"select password_hash from app.account_password where account_id = {two}")
    owner(
        "update app.account_password set password_hash ="
        f" (select password_hash from app.account_password where account_id = {one})"
        f" where account_id = {two}"
    )
    try:
        finding = look("password-hashing")
    finally:
        owner(f"update app.account_password set password_hash = '{before}' where account_id = {two}")
    assert (finding.state, finding.evidence) == (State.FALLS_SHORT, "11 passwords share 10 salts.")


@pytest.mark.parametrize("value", ["5f4dcc3b5aa765d61d8327deb882cf99", "$argon2id$broken", "secret"])
def test_what_is_no_argon2id_falls_short(
    look: Look, owner: Owner, runtime: Runtime, broken: Broken, world: World, value: str
) -> None:
    account = world.people["parent"].id
    before = stored(runtime, f"select password_hash from app.account_password where account_id = {account}")
    guard = "ck_account_password_is_argon2id"
    with broken(
        f"alter table app.account_password drop constraint {guard}",
        f"alter table app.account_password add constraint {guard} check (password_hash like '$argon2id$%')",
    ):
        owner(f"update app.account_password set password_hash = '{value}' where account_id = {account}")
        try:
            finding = look("password-hashing")
        finally:
            owner(f"update app.account_password set password_hash = '{before}' where account_id = {account}")
    assert finding.state is State.FALLS_SHORT
    assert value not in finding.evidence


def test_another_password_column_falls_short(look: Look, broken: Broken) -> None:
    with broken("alter table app.account add password text", "alter table app.account drop password"):
        assert look("password-hashing").state is State.FALLS_SHORT


# -- the inventory


@pytest.mark.parametrize(
    ("do", "undo"),
    [
        ("alter table app.student add birth_date date", "alter table app.student drop birth_date"),
        ("create table app.pets (name text)", "drop table app.pets"),
        ("create schema aside create table pets (name text)", "drop schema aside cascade"),
        (
            "create materialized view app.copied as select id from app.school",
            "drop materialized view app.copied",
        ),
    ],
)
def test_a_live_column_outside_the_inventory_falls_short(
    look: Look, broken: Broken, do: str, undo: str
) -> None:
    with broken(do, undo):
        finding = look("privacy-by-design")
    assert finding.state is State.FALLS_SHORT


def test_a_mapped_column_without_purpose_falls_short(
    app: Flask, look: Look, installed: Callable[[Plugin], None]
) -> None:
    base = plugin_base("extra")

    class Pet(base):  # type: ignore[misc, valid-type]
        __tablename__ = "pet"
        id: Mapped[int] = columns.key(keep=Keep.SCHOOL)
        name: Mapped[str] = mapped_column(Text)
        toy: Mapped[str] = columns.text(" ", keep=Keep.SCHOOL)

    installed(extra(base.metadata))
    finding = look("privacy-by-design")
    said = "Not classified: plugin_extra.pet.name, plugin_extra.pet.toy."
    assert finding.evidence == said
    assert said in database.problems(app), "`backoffice db check` says it too"


def test_a_mapped_column_that_nothing_erases_falls_short(
    app: Flask, look: Look, installed: Callable[[Plugin], None]
) -> None:
    base = plugin_base("extra")

    class Stray(base):  # type: ignore[misc, valid-type]
        __tablename__ = "stray"
        id: Mapped[int] = columns.key(keep=Keep.FOR_GOOD)
        owner: Mapped[str] = columns.sealed("Whose it was", keep=Keep.STUDENT)

    installed(extra(base.metadata))
    finding = look("privacy-by-design")
    said = "Nothing erases: plugin_extra.stray.owner."
    assert (finding.state, finding.evidence) == (State.FALLS_SHORT, said)
    assert said in database.problems(app)


# -- identifiers


def test_an_identifier_that_counts_falls_short(look: Look, broken: Broken, world: World) -> None:
    child = world.own_class.children[0]
    with broken(
        f"update app.student set public_id = '{child.id:016d}' where id = {child.id}",
        f"update app.student set public_id = '{child.public_id}' where id = {child.id}",
    ):
        finding = look("anonymised-identifiers")
    assert (finding.state, "1 in app.student" in finding.evidence) == (State.FALLS_SHORT, True)


def test_an_identifier_that_names_falls_short(
    look: Look, runtime: Runtime, broken: Broken, world: World
) -> None:
    child = world.own_class.children[0]
    sealed = keyring.current().seal(b"Margaret", context="student.given_name").hex()
    before = stored(runtime, f"select encode(given_name, 'hex') from app.student where id = {child.id}")
    with broken(
        "update app.student set public_id = '22margaret222222',"
        f" given_name = decode('{sealed}', 'hex') where id = {child.id}",
        f"update app.student set public_id = '{child.public_id}',"
        f" given_name = decode('{before}', 'hex') where id = {child.id}",
    ):
        finding = look("anonymised-identifiers")
    assert (finding.state, finding.evidence) == (
        State.FALLS_SHORT,
        "1 identifier of 8 sampled show a name.",
    )


@pytest.mark.parametrize("rule", ["/students/<int:number>", "/students/<name>", "/students/<path:name>"])
def test_an_address_with_a_number_or_a_name_falls_short(look: Look, runtime: Runtime, rule: str) -> None:
    app = build(runtime)
    app.add_url_rule(rule, "students", lambda **_: "")
    finding = look("anonymised-identifiers", app=app)
    assert (finding.state, rule in finding.evidence) == (State.FALLS_SHORT, True)


def test_a_log_line_with_a_name_falls_short(look: Look, runtime: Runtime, tmp_path: Path) -> None:
    logged = runtime.settings.model_copy(update={"log_dir": tmp_path})
    (tmp_path / "web.log").write_text('{"event": "request", "status": 200}\n')
    assert "1 log line" in look("anonymised-identifiers", settings=logged).evidence
    (tmp_path / "worker.log").write_text('{"event": "hello Wilhelmina Quartermaine"}\n')
    finding = look("anonymised-identifiers", settings=logged)
    assert finding.state is State.FALLS_SHORT
    assert "Wilhelmina" not in finding.evidence
