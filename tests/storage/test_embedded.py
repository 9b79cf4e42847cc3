"""The embedded server, with a real cluster; as root it runs as nobody, else as oneself."""

import os
import pwd
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import psycopg
import pytest

from backoffice.storage import embedded
from backoffice.storage.embedded import EmbeddedError, EmbeddedServer

ROOT = os.geteuid() == 0
FAST = {"fsync": "off"}
LONG = "a folder whose path is too long for a socket " * 2
as_root = pytest.mark.skipif(not ROOT, reason="only root has this problem")
as_user = pytest.mark.skipif(ROOT, reason="root may write everywhere")


def reachable_folder() -> Path:
    # Not tmp_path: pytest closes its parents to everybody else, and nobody must come in.
    folder = Path(tempfile.mkdtemp(prefix="backoffice test ")).resolve()
    folder.chmod(0o755)
    return folder


@pytest.fixture
def folder() -> Iterator[Path]:
    made = reachable_folder()
    yield made
    shutil.rmtree(made)


@pytest.fixture(scope="module")
def place() -> Iterator[Path]:
    """One cluster for the whole module, below a path with spaces."""
    made = reachable_folder()
    yield made / "database"
    embedded.stop(embedded.start(made / "database", options=FAST), mode="immediate")
    shutil.rmtree(made)


@pytest.fixture
def server(place: Path) -> EmbeddedServer:
    return embedded.start(place, options=FAST)


@pytest.fixture
def stopped(server: EmbeddedServer) -> EmbeddedServer:
    embedded.stop(server)
    return server


def ask(server: EmbeddedServer, query: str) -> object:
    with psycopg.connect(server.url()) as connection:
        row = connection.execute(query.encode()).fetchone()
    assert row
    return row[0]


def postmaster(server: EmbeddedServer) -> int:
    return int((server.data / "postmaster.pid").read_text().split()[0])


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def wait_gone(pid: int) -> None:
    deadline = time.monotonic() + 10
    while Path(f"/proc/{pid}").exists() and time.monotonic() < deadline:
        time.sleep(0.01)


# -- what it is


def test_it_answers_and_has_the_database(server: EmbeddedServer) -> None:
    assert ask(server, "SELECT current_database()") == "backoffice"
    assert ask(server, "SHOW fsync") == "off"
    assert ask(server, "SHOW data_checksums") == "on"
    assert ask(server, "SHOW listen_addresses") == ""
    assert ask(server, "SHOW timezone") == "UTC"
    assert ask(server, "SELECT datlocprovider::text || datlocale FROM pg_database") == "bC.UTF-8"
    assert ask(server, "SELECT lower('ÉÇ')") == "éç"


def test_only_the_password_opens_it(server: EmbeddedServer) -> None:
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(server.url(password="wrong"))
    rules = ask(server, "SELECT string_agg(DISTINCT auth_method, ' ') FROM pg_hba_file_rules")
    assert rules == "scram-sha-256"
    assert server.password not in repr(server)


def test_folders_are_closed_to_others(server: EmbeddedServer, place: Path) -> None:
    assert mode(place / "password") == 0o600
    assert mode(server.data) == mode(server.socket) == 0o700
    assert mode(place / "server.log") == 0o600
    owner = pwd.getpwnam("nobody").pw_uid if ROOT else os.geteuid()
    assert server.data.stat().st_uid == server.socket.stat().st_uid == owner
    assert Path(f"/proc/{postmaster(server)}").stat().st_uid == owner
    assert place.stat().st_uid == place.parent.stat().st_uid == os.geteuid()
    assert mode(place.parent) == 0o755


def test_url_quotes_what_it_is_given(tmp_path: Path) -> None:
    socket = tmp_path / "a b&c"
    server = EmbeddedServer(tmp_path, tmp_path, socket, 5432, "p@ss/w:ord")
    assert psycopg.conninfo.conninfo_to_dict(server.url("x y")) == {
        "user": "postgres", "password": "p@ss/w:ord", "dbname": "x y",
        "host": str(socket), "port": "5432",
    }  # fmt: skip
    assert "password" not in psycopg.conninfo.conninfo_to_dict(server.url(user="backoffice_app"))
    assert server.url(user="a", password="b").startswith("postgresql://a:b@/backoffice?")


def test_failed_statements_leave_no_data_in_the_log(server: EmbeddedServer, place: Path) -> None:
    with pytest.raises(psycopg.Error):
        ask(server, "SELECT 'Rosa Diaz'::bigint")
    with pytest.raises(psycopg.errors.UniqueViolation):
        ask(server, "CREATE TEMP TABLE t (x text UNIQUE); INSERT INTO t VALUES ('Rosa'), ('Rosa')")
    log = (place / "server.log").read_text()
    assert "server started" in log
    for private in ("Rosa", "INSERT", "duplicate key"):
        assert private not in log


# -- starting and stopping


def test_start_again_only_connects(server: EmbeddedServer, place: Path) -> None:
    before = postmaster(server)
    assert embedded.start(place) == server
    assert postmaster(server) == before
    assert embedded.is_running(place)


def test_stop_ends_it_and_can_be_repeated(server: EmbeddedServer, place: Path) -> None:
    pid = postmaster(server)
    embedded.stop(server)
    embedded.stop(server)
    assert not embedded.is_running(place)
    assert not server.socket.exists()
    wait_gone(pid)
    assert not Path(f"/proc/{pid}").exists()
    assert embedded.start(place, options=FAST) == server


def test_nothing_runs_in_an_empty_folder(folder: Path) -> None:
    assert not embedded.is_running(folder)
    assert list(folder.iterdir()) == []


def test_starts_at_the_same_time_make_one_server(place: Path, stopped: EmbeddedServer) -> None:
    code = (
        "import sys; from pathlib import Path; from backoffice.storage import embedded;"
        "s = embedded.start(Path(sys.argv[1]), options={'fsync': 'off'});"
        "print((s.data / 'postmaster.pid').read_text().split()[0], s.url())"
    )
    command = [sys.executable, "-c", code, str(place)]
    starts = [
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(2)
    ]
    said = [process.communicate(timeout=60) for process in starts]
    assert said[0] == said[1]
    assert said[0][0].split() == [str(postmaster(stopped)), stopped.url()]


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_it_recovers_when_everything_was_killed(server: EmbeddedServer, place: Path) -> None:
    with closing(psycopg.connect(server.url(), autocommit=True)) as connection:
        connection.execute("CREATE TABLE kept (x int)")
        connection.execute("INSERT INTO kept VALUES (1)")
        for folder in Path("/proc").glob("[0-9]*"):
            if embedded._works_in(int(folder.name), server.data):
                os.kill(int(folder.name), signal.SIGKILL)
    wait_gone(postmaster(server))
    assert (server.data / "postmaster.pid").exists()
    assert not embedded.is_running(place)
    again = embedded.start(place, options=FAST)
    assert ask(again, "SELECT x FROM kept") == 1


def test_it_recovers_when_only_the_postmaster_was_killed(server: EmbeddedServer, place: Path) -> None:
    """A backend that outlives its postmaster for a moment must not spoil the next start."""
    with closing(psycopg.connect(server.url(), autocommit=True)) as connection:
        connection.pgconn.send_query(b"SELECT count(*) FROM generate_series(1, 8000000)")
        os.kill(pid := postmaster(server), signal.SIGKILL)
        wait_gone(pid)
        again = embedded.start(place, options=FAST)
    assert postmaster(again) != pid


def test_a_pid_that_is_somebody_elses_by_now_does_not_matter(stopped: EmbeddedServer, place: Path) -> None:
    user = pwd.getpwnam("nobody").pw_uid if ROOT else None
    with subprocess.Popen(["/bin/sleep", "60"], user=user) as other:
        pid_file = stopped.data / "postmaster.pid"
        pid_file.write_text(f"{other.pid}\n{stopped.data}\n1\n5432\n{stopped.socket}\n\n1 1\n")
        assert not embedded.is_running(place)
        assert embedded.start(place, options=FAST) == stopped
        other.kill()


def test_half_made_clusters_are_made_again(folder: Path) -> None:
    (folder / "data.new").mkdir()
    (folder / "data.new" / "PG_VERSION").write_text("18")
    server = embedded.start(folder / ".." / folder.name, options=FAST)
    embedded.stop(server, mode="immediate")
    assert not (folder / "data.new").exists()


def test_a_long_path_gets_a_short_private_socket_folder(folder: Path) -> None:
    directory = folder / LONG
    server = embedded.start(directory, options=FAST)
    try:
        assert len(os.fsencode(server.socket)) <= embedded.SOCKET_PATH_BYTES
        assert mode(server.socket) == 0o700
        assert ask(server, "SELECT 1") == 1
        assert embedded.start(directory) == server
    finally:
        embedded.stop(server, mode="immediate")
    assert not server.socket.exists()


def test_a_trap_among_the_temporary_files_is_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    temporary = folder / "t"
    temporary.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    expected = embedded._socket_folder(folder / LONG, None)
    expected.rmdir()
    expected.symlink_to(folder)
    with pytest.raises(EmbeddedError, match="belongs to somebody else"):
        embedded._socket_folder(folder / LONG, None)


# -- what a person can mend is one sentence


def test_data_of_another_major_version(stopped: EmbeddedServer, place: Path) -> None:
    version = stopped.data / "PG_VERSION"
    version.write_text("19\n")
    try:
        with pytest.raises(EmbeddedError, match=r"PostgreSQL 19's.*version 18.*BACKOFFICE_PG_BIN"):
            embedded.start(place)
    finally:
        version.write_text("18\n")


def test_a_folder_without_programs(folder: Path) -> None:
    with pytest.raises(EmbeddedError, match=r"has no initdb, pg_ctl, postgres.*BACKOFFICE_PG_BIN"):
        embedded.start(folder / "database", pg_bin=folder)


def test_programs_that_do_not_run_and_programs_that_are_too_old(folder: Path) -> None:
    for name in ("initdb", "pg_ctl", "postgres"):
        (folder / name).write_text("no program")
    with pytest.raises(EmbeddedError, match=r"cannot be run \(Permission denied\)"):
        embedded.start(folder / "database", pg_bin=folder)
    (folder / "postgres").write_text("#!/bin/sh\necho 'postgres (PostgreSQL) 15.4 (Debian)'\n")
    (folder / "postgres").chmod(0o755)
    with pytest.raises(EmbeddedError, match="are PostgreSQL 15; 17 or newer is needed"):
        embedded.start(folder / "database", pg_bin=folder)


def test_programs_of_another_place(stopped: EmbeddedServer, place: Path) -> None:
    server = embedded.start(place, pg_bin=stopped.bin, options=FAST)
    assert server == stopped


def test_a_lost_password(stopped: EmbeddedServer, place: Path) -> None:
    kept = (place / "password").rename(place / "elsewhere")
    try:
        with pytest.raises(EmbeddedError, match="password is missing"):
            embedded.start(place)
    finally:
        kept.rename(place / "password")


def test_a_bad_setting_is_told(stopped: EmbeddedServer, place: Path) -> None:
    with pytest.raises(EmbeddedError, match=r"did not start: .*no_such_setting.*server\.log"):
        embedded.start(place, options={"no_such_setting": "1"})


def test_a_file_where_a_folder_should_be(folder: Path) -> None:
    (folder / "file").touch()
    with pytest.raises(EmbeddedError, match=r"cannot be .*BACKOFFICE_DATA_DIR"):
        embedded.start(folder / "file" / "database")


@as_user
def test_a_folder_that_cannot_be_written(folder: Path) -> None:
    folder.chmod(0o500)
    with pytest.raises(EmbeddedError, match=r"cannot be made \(Permission denied\).*DATA_DIR"):
        embedded.start(folder / "database")


@as_root
def test_root_is_told_which_folder_nobody_cannot_enter(folder: Path) -> None:
    folder.chmod(0o700)
    with pytest.raises(EmbeddedError, match="nobody") as caught:
        embedded.start(folder / "database")
    assert f"cannot enter {folder} on the way" in str(caught.value)
    assert mode(folder) == 0o700


@as_root
def test_programs_that_nobody_cannot_reach_are_copied(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wheel = embedded._wheel()
    hidden = folder / "hidden"
    hidden.mkdir(mode=0o700)
    for part in (wheel.name, f"{wheel.name}.libs"):
        (hidden / part).symlink_to(wheel.with_name(part))
    monkeypatch.setattr(embedded, "_wheel", lambda: hidden / wheel.name)
    with pytest.raises(EmbeddedError, match="nobody"):
        embedded.start(folder / "database", pg_bin=hidden)
    server = embedded.start(folder / "database", options=FAST)
    try:
        assert server.bin.is_relative_to(folder / "database")
        assert server.bin.stat().st_uid == 0
        assert ask(server, "SELECT 1") == 1
    finally:
        embedded.stop(server, mode="immediate")


# -- home


def test_home_is_the_folder_that_was_asked_for(folder: Path) -> None:
    assert embedded.home(folder / "var", explicit=False) == folder / "var"
    assert mode(folder / "var") == (0o711 if ROOT else 0o700)


@as_root
def test_home_moves_only_when_nobody_asked(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedded, "ROOT_HOME", folder / "lib" / "backoffice")
    closed = folder / "closed"
    closed.mkdir(mode=0o700)
    before = os.umask(0o077)
    try:
        assert embedded.home(closed / "var", explicit=False) == folder / "lib" / "backoffice"
    finally:
        os.umask(before)
    assert embedded._closed(folder / "lib" / "backoffice", embedded._nobody()) is None
    assert not (closed / "var").exists()
    with pytest.raises(EmbeddedError, match=r"cannot enter .*closed on the way"):
        embedded.home(closed / "var", explicit=True)
