"""Connections to a database on another machine: encrypted, to the right one, or not at all."""

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import create_engine, make_url, text

from backoffice.jobs import worker
from backoffice.settings import Settings, SettingsError, load
from backoffice.storage import database
from backoffice.storage.database import Database
from backoffice.storage.migrate import _prepare_roles
from backoffice.storage.roles import DatabaseRole
from tests.factories.commands import Run
from tests.factories.servers import Debians, make_authority, postgresql

HOST = "database.school.example"
OTHER_HOST = (
    "The database's certificate is for another host than the one that its address names."
    " Use a name that stands in the certificate.\n"
)
OTHER_AUTHORITY = (
    "The database's certificate does not come from the authority that sslrootcert names, or has expired."
    " Name the file of the authority that issued it.\n"
)
NO_TLS = "The database takes no encrypted connections, and its address demands one. Switch TLS on there.\n"
NO_FILE = (
    "The database's address demands that its certificate is checked, and the file of the authority"
    " cannot be read. Name it with sslrootcert.\n"
)


@dataclass(frozen=True)
class Guarded:
    """A server with a certificate, the authority that issued it, and one that did not."""

    server: Debians
    authority: Path
    another: Path

    def url(self, host: str = HOST, authority: Path | None = None) -> str:
        return self.server.url(host=host, sslmode="verify-full", sslrootcert=str(authority or self.authority))


@pytest.fixture(scope="module")
def guarded(folder: Path) -> Iterator[Guarded]:
    authority, another = make_authority(folder, "authority"), make_authority(folder, "another")
    certificate, key = authority.issue(HOST, folder)
    options = {"ssl": "on", "ssl_cert_file": str(certificate), "ssl_key_file": str(key)}
    with postgresql(folder, options) as server:
        yield Guarded(server, authority.file, another.file)


@pytest.fixture
def in_use(runtime: object, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Database]:
    """Makes the process use the database at an address, with our roles in it."""

    def use(address: str) -> Database:
        _prepare_roles(address)
        found = Database(address)
        monkeypatch.setattr(database, "_current", found)
        return found

    return use


ENCRYPTED = "select ssl from pg_stat_ssl where pid = pg_backend_pid()"


def test_every_role_connects_encrypted(guarded: Guarded, in_use: Callable[[str], Database]) -> None:
    opened = in_use(guarded.url())
    try:
        for role in DatabaseRole:
            with opened.engine(role).connect() as connection:
                assert connection.scalar(text("select session_user")) == role
                assert connection.scalar(text(ENCRYPTED)) is True
    finally:
        opened.dispose()


def test_a_worker_connects_encrypted(guarded: Guarded, in_use: Callable[[str], Database], app: Flask) -> None:
    in_use(guarded.url())

    async def ask() -> object:
        queue = worker._queue(app)
        await queue.open_async()
        try:
            return await queue.connector.execute_query_one_async(ENCRYPTED)
        finally:
            await queue.close_async()

    assert asyncio.run(ask()) == {"ssl": True}


def test_the_certificate_is_what_is_checked(guarded: Guarded) -> None:
    """The server lets in whoever does not ask, so what is refused below is refused by us."""
    address = make_url(guarded.server.url(host="elsewhere.example", sslmode="require"))
    engine = create_engine(address.set(drivername="postgresql+psycopg"))
    with engine.connect() as connection:
        assert connection.scalar(text(ENCRYPTED)) is True
    engine.dispose()


COMMANDS = [("db", "upgrade"), ("db", "check"), ("web",), ("serve",), ("worker",), ("scheduler",)]


@pytest.mark.parametrize("arguments", COMMANDS, ids=" ".join)
def test_a_certificate_for_another_host_is_refused(
    guarded: Guarded, run: Run, arguments: tuple[str, ...]
) -> None:
    address = guarded.url("elsewhere.example")
    assert run(*arguments, BACKOFFICE_DATABASE_URL=address, PORT="8999") == (2, "", OTHER_HOST)


@pytest.mark.parametrize(
    "arguments",
    [("db", "upgrade"), ("db", "check"), ("jobs", "list"), ("worker",), ("scheduler",)],
    ids=" ".join,
)
def test_the_way_past_a_pooler_is_checked_as_well(
    guarded: Guarded, run: Run, arguments: tuple[str, ...]
) -> None:
    direct = guarded.url("elsewhere.example")
    assert run(*arguments, BACKOFFICE_DATABASE_DIRECT_URL=direct) == (2, "", OTHER_HOST)


@pytest.mark.parametrize("arguments", COMMANDS, ids=" ".join)
def test_a_certificate_of_another_authority_is_refused(
    guarded: Guarded, run: Run, arguments: tuple[str, ...]
) -> None:
    address = guarded.url(authority=guarded.another)
    assert run(*arguments, BACKOFFICE_DATABASE_URL=address, PORT="8999") == (2, "", OTHER_AUTHORITY)


def test_an_authority_without_a_file_is_refused(guarded: Guarded, run: Run, tmp_path: Path) -> None:
    address = guarded.url(authority=tmp_path / "none.pem")
    assert run("db", "check", BACKOFFICE_DATABASE_URL=address) == (2, "", NO_FILE)


@pytest.mark.parametrize("mode", ["verify-full", "require"])
def test_a_server_without_tls_is_refused(guarded: Guarded, folder: Path, run: Run, mode: str) -> None:
    place = folder / "open"
    place.mkdir(exist_ok=True)
    place.chmod(0o755)
    with postgresql(place, {}) as server:
        address = server.url(host=HOST, sslmode=mode, sslrootcert=str(guarded.authority))
        assert run("db", "upgrade", BACKOFFICE_DATABASE_URL=address) == (2, "", NO_TLS)


# -- what is not even tried


FAR = [
    "postgresql://u:p@db.example/x",
    "postgresql://u:p@db.example/x?sslmode=prefer",
    "postgresql://u:p@db.example/x?sslmode=allow",
    "postgresql://u:p@db.example/x?sslmode=disable",
    "postgresql://u:p@10.0.0.7/x",
    "postgresql://u:p@/x?host=db.example",
    "postgresql://u:p@/x?host=/var/run/postgresql,db.example",
    "postgresql://u:p@localhost,db.example/x",
    "postgresql://u:p@localhost/x?hostaddr=10.0.0.7",
    "postgresql://u:p@localhost/x?host=db.example",
    "postgresql://u:p@/x?service=elsewhere",
]
NEAR = [
    "postgresql://u:p@localhost/x",
    "postgresql://u:p@127.0.0.1:6432/x",
    "postgresql://u:p@[::1]/x",
    "postgresql://u:p@/x?host=/var/run/postgresql",
    "postgresql:///x",
    "postgresql://u:p@db.example/x?sslmode=require",
    "postgresql://u:p@db.example/x?sslmode=verify-ca",
    "postgresql://u:p@db.example/x?sslmode=verify-full&sslrootcert=/etc/authority.pem",
]


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], Settings]:
    """The settings of a process that is told an address."""

    def tell(name: str, address: str) -> Settings:
        monkeypatch.setenv("BACKOFFICE_DATABASE_URL", "postgresql://u:p@localhost/x")
        monkeypatch.setenv(f"BACKOFFICE_{name}", address)
        return load()

    return tell


@pytest.mark.parametrize("address", FAR)
@pytest.mark.parametrize("name", ["DATABASE_URL", "DATABASE_DIRECT_URL"])
def test_an_open_way_to_another_machine_is_refused(
    told: Callable[[str, str], Settings], name: str, address: str
) -> None:
    with pytest.raises(SettingsError) as raised:
        told(name, address)
    (problem,) = raised.value.problems
    assert problem.startswith(f"BACKOFFICE_{name}: names a database on another machine")
    assert "sslmode=verify-full" in problem


@pytest.mark.parametrize("address", NEAR)
def test_a_guarded_way_is_taken(told: Callable[[str, str], Settings], address: str) -> None:
    assert told("DATABASE_URL", address).database_url is not None


def test_the_drivers_own_variables_count(
    told: Callable[[str, str], Settings], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGHOST", "db.example")
    with pytest.raises(SettingsError):
        told("DATABASE_URL", "postgresql:///x")
