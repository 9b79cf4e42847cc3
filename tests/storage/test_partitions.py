"""A log becomes one that is kept by the day, with all that it had."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest

from backoffice.storage import installation, keyring
from backoffice.storage.database import Database
from backoffice.storage.embedded import EmbeddedServer
from backoffice.storage.keyring import Keyring
from backoffice.storage.migrate import CORE, upgrade

BY_DAY = "0056"
BEFORE = """
    insert into app.audit_entry (public_id, at, verb, actor_kind, commitment)
    select 'entry' || lpad(n::text, 11, '0'), timestamptz '2026-03-28 23:30+00' + n * interval '20 hours',
           'test', 'system', '' from generate_series(1, 30) n;
    insert into app.audit_detail (entry_id, nonce, detail, about, redacted, address)
    select id, '\\x01', '\\x02', '{}', false, '\\x03' from app.audit_entry;
    update app.audit_detail set redacted = true where entry_id % 3 = 0
"""


@pytest.fixture
def database(server: EmbeddedServer, keyring_file: Path) -> Iterator[Database]:
    """A database that nobody has set up."""
    keyring.install(Keyring.read(keyring_file))
    name = f"test_{uuid4().hex[:12]}"
    with psycopg.connect(server.url(database="postgres"), autocommit=True) as connection:
        connection.execute(f"create database {name}".encode())
        opened = Database(server.url(database=name))
        yield opened
        opened.dispose()
        connection.execute(f"drop database {name} with (force)".encode())


def rows(database: Database, question: str) -> list[Any]:
    with psycopg.connect(database.address) as connection:
        return connection.execute(question.encode()).fetchall()


def test_what_was_there_lies_in_its_days(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    scripts = CORE.scripts()
    before = scripts.get_revision(BY_DAY).down_revision
    whole = scripts._upgrade_revs
    with monkeypatch.context() as patched:
        patched.setattr(scripts, "_upgrade_revs", lambda _head, found: whole(str(before), found))
        patched.setattr(installation, "check_keyring", lambda _connection: None)
        upgrade(database)
    with psycopg.connect(database.address) as connection:
        connection.execute(BEFORE.encode())
    question = """
        select entry_id, nonce, detail, about, redacted, address from app.audit_detail order by entry_id"""
    was = rows(database, question)
    assert {(row[4], row[1] is None) for row in was} == {(True, True), (False, False)}
    upgrade(database)
    assert rows(database, question) == was
    astray = """
        select count(*) filter (where d.at <> e.at
                 or right(d.tableoid::regclass::text, 8) <> to_char(d.at at time zone 'UTC', 'YYYYMMDD')),
               count(*), count(distinct d.tableoid)
          from app.audit_detail d join app.audit_entry e on e.id = d.entry_id"""
    assert rows(database, astray) == [(0, 30, 25)]
    assert rows(database, "select count(*) from partitions.app_audit_detail_rest") == [(0,)]
