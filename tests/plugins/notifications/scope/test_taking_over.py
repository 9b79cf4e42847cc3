"""Misused accounts that were named before become sources of their scope."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest

import plugins.notifications
from backoffice.storage import installation, keyring
from backoffice.storage.database import Database
from backoffice.storage.embedded import EmbeddedServer
from backoffice.storage.keyring import Keyring
from backoffice.storage.migrate import Migrations, upgrade

OURS = Migrations("plugin_notifications", Path(plugins.notifications.__file__).parent / "migrations")
SOURCES = "0009"
BEFORE = """
    insert into plugin_notifications.incident
      (public_id, title, what, is_drill, role, risk, kinds, encrypted, noticed_at, opened_at, version, form)
    select 'incident' || lpad(n::text, 8, '0'), '\\x01', '\\x02', false, 'processor', 'unassessed', '{}',
           'no', '2026-03-01', '2026-03-01', 0, n::text from generate_series(1, 2) n;
    insert into plugin_notifications.misuse (incident_id, from_at, until_at, written_at)
    select i.id, '2026-02-01', '2026-02-01', '2026-03-01'
      from plugin_notifications.incident i, generate_series(1, 2);
    insert into plugin_notifications.affected_person (incident_id, kind, added_at)
    select i.id, 'student', '2026-03-01' from plugin_notifications.incident i, generate_series(1, 3)
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


def test_each_has_reached_everybody_of_its_incident(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    scripts = OURS.scripts()
    before = scripts.get_revision(SOURCES).down_revision
    whole = scripts._upgrade_revs
    with monkeypatch.context() as patched:
        patched.setattr(scripts, "_upgrade_revs", lambda _head, found: whole(str(before), found))
        patched.setattr(installation, "check_keyring", lambda _connection: None)
        upgrade(database, [OURS])
    with psycopg.connect(database.address) as connection:
        connection.execute(BEFORE.encode())
    upgrade(database, [OURS])
    kept = """
        select count(*), count(distinct public_id), min(length(public_id)), min(kind || extent),
               min(until_at - from_at)::text from plugin_notifications.scope_source"""
    assert rows(database, kept) == [(4, 4, 16, "accountaccount", "00:00:00.000001")]
    reached = """
        select count(*), bool_and(s.incident_id = p.incident_id), bool_and(p.no_longer_at is null)
          from plugin_notifications.scope_reach r
          join plugin_notifications.scope_source s on s.id = r.source_id
          join plugin_notifications.affected_person p on p.id = r.person_id"""
    assert rows(database, reached) == [(12, True, True)]
    assert rows(database, "select to_regclass('plugin_notifications.misuse')") == [(None,)]
