"""`make demo`, as far as it is Python: up, told, stopped, and up again with its data."""

import json
import os
import re
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection
from http.cookiejar import CookieJar
from pathlib import Path
from threading import Event
from typing import Any
from urllib.parse import urlencode
from urllib.request import HTTPCookieProcessor, OpenerDirector, build_opener

import psycopg
import pyotp
import pytest
from pydantic import SecretStr

from backoffice.demo.run import DemoError, run
from backoffice.settings import Settings
from backoffice.storage import embedded
from tests.factories.ports import free_port

# Far beyond what it takes: a machine may be busy, and who waits in vain fails all the same.
PATIENCE = 240
ACCOUNTS = {"founder", "founder_2", "leader", "teacher", "co_teacher", "teacher_elsewhere", "parent"}


@dataclass
class Demo:
    """A demo in a folder of its own."""

    folder: Path
    port: int
    # What stands before the command.
    wrapper: tuple[str, ...] = ()
    running: list[subprocess.Popen[str]] = field(default_factory=list)
    # Words that visitors sent and that belong into no log.
    private: list[str] = field(default_factory=list)

    def start(self) -> subprocess.Popen[str]:
        """Start it without waiting."""
        environment = {n: v for n, v in os.environ.items() if not n.startswith("BACKOFFICE_")}
        child = subprocess.Popen(
            [*self.wrapper, sys.executable, "-c", "from backoffice.cli import main; main()", "demo"],
            env=environment | {"PORT": str(self.port), "BACKOFFICE_DATA_DIR": str(self.folder)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.running.append(child)
        return child

    def processes(self) -> list[int]:
        """The processes that know the folder, and their children: supervisor, web, workers, database."""
        parents, known = {}, set()
        for process in Path("/proc").glob("[0-9]*"):
            try:
                told = (process / "cmdline").read_bytes() + (process / "environ").read_bytes()
                parent = int((process / "stat").read_text().rpartition(")")[2].split()[1])
            except OSError:  # it has just ended
                continue
            number = int(process.name)
            if number == os.getpid() or not is_alive(number):
                continue
            parents[number] = parent
            if str(self.folder).encode() in told:
                known.add(number)
        return sorted(known | {child for child, parent in parents.items() if parent in known})

    def record(self) -> dict[str, Any]:
        """demo.json, once it is there."""
        path, end = self.folder / "demo.json", time.monotonic() + PATIENCE
        while not path.exists():
            assert time.monotonic() < end, "The demo did not come up."
            time.sleep(0.1)
        content: dict[str, Any] = json.loads(path.read_text())
        return content

    def stop(self) -> int:
        """Ask the last one to end; its exit code."""
        child = self.running[-1]
        child.send_signal(signal.SIGTERM)
        child.communicate(timeout=PATIENCE)
        return child.returncode

    def refusal(self) -> str:
        """What a start that is refused says."""
        child = self.start()
        _, said = child.communicate(timeout=PATIENCE)
        assert (child.returncode, "Traceback" in said) == (2, False)
        return said.strip()


def is_alive(pid: int) -> bool:
    """Whether the process is more than an entry that waits for its parent."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def wait_for(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, "Nothing happened."
        time.sleep(0.02)


@contextmanager
def schema_version(folder: Path, version: str) -> Iterator[None]:
    """The data as another version of this software would leave them."""

    def write(number: str) -> str:
        server = embedded.start(folder / "postgres")
        with psycopg.connect(server.url()) as connection:
            (before,) = connection.execute("select version_num from app.schema_version").fetchone() or ("",)
            connection.execute("update app.schema_version set version_num = %s", [number])
        embedded.stop(server)
        return str(before)

    before = write(version)
    yield
    write(before)


@pytest.fixture(scope="module")
def demo() -> Iterator[Demo]:
    folder = Path(tempfile.mkdtemp(prefix="backoffice-demo-"))
    folder.chmod(0o711)
    made = Demo(folder, free_port())
    yield made
    for child in made.running:
        if child.poll() is None:
            child.terminate()
            child.communicate(timeout=PATIENCE)
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def first(demo: Demo) -> dict[str, Any]:
    """What the first start told."""
    demo.start()
    return demo.record()


def signed_in(record: dict[str, Any], role: str) -> OpenerDirector:
    browser = build_opener(HTTPCookieProcessor(CookieJar()))
    page = browser.open(record["base_url"] + "/sign-in").read().decode()
    account = record["accounts"][role]
    fields = {"csrf_token": token(page), **credentials(account)}
    answer = browser.open(record["base_url"] + "/sign-in", urlencode(fields).encode())
    assert answer.url == record["base_url"] + "/console/"
    return browser


def credentials(account: dict[str, Any]) -> dict[str, str]:
    """What is typed; a one-time code, too, where the account has a second factor."""
    secret = account["totp_secret"]
    otp = pyotp.TOTP(secret).now() if secret else ""
    return {"email": account["email"], "password": account["password"], "otp": otp}


def sign_in_once(record: dict[str, Any], role: str, sent: Event) -> tuple[int, str | None]:
    """Status of a sign-in and where it leads, without going there; says when it has been sent."""
    host = record["base_url"].removeprefix("http://")
    account = record["accounts"][role]
    with closing(HTTPConnection(host, timeout=PATIENCE)) as asking:
        asking.request("GET", "/sign-in")
        page = asking.getresponse()
        cookie = str(page.headers["Set-Cookie"]).partition(";")[0]
        text = page.read().decode()
    fields = {"csrf_token": token(text), **credentials(account)}
    headers = {"Cookie": cookie, "Content-Type": "application/x-www-form-urlencoded"}
    with closing(HTTPConnection(host, timeout=PATIENCE)) as sending:
        sending.request("POST", "/sign-in", urlencode(fields), headers)
        sent.set()
        answer = sending.getresponse()
        answer.read()
        return answer.status, answer.headers["Location"]


def token(page: str) -> str:
    found = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page)
    assert found
    return found.group(1)


def test_it_tells_what_others_rely_on(first: dict[str, Any]) -> None:
    assert set(first) == {
        *("base_url", "owner_database_url", "app_database_url", "mail_dir", "accounts"),
        *("classroom", "classroom_elsewhere", "student", "student_elsewhere"),
        *("district", "school", "school_elsewhere"),
    }
    assert set(first["accounts"]) == ACCOUNTS
    assert {frozenset(account) for account in first["accounts"].values()} == {
        frozenset({"email", "password", "totp_secret", "public_id"})
    }
    assert set(first["classroom"]) == {"public_id", "name", "code"}
    assert set(first["student"]) == {"public_id", "name", "username", "pin"}
    assert set(first["school"]) == {"public_id", "name"}


def test_what_holds_secrets_is_its_owners(demo: Demo, first: dict[str, Any]) -> None:
    for name in ("demo.json", "demo-people.json", "keyring.json"):
        assert stat.S_IMODE((demo.folder / name).stat().st_mode) == 0o600


def test_leaders_see_children_and_founders_do_not(first: dict[str, Any]) -> None:
    name = first["student"]["name"]
    student = f"/console/students/{first['student']['public_id']}"
    assert name in signed_in(first, "leader").open(first["base_url"] + student).read().decode()
    founder = signed_in(first, "founder")
    for page in ("/console/", "/console/schools/"):
        text = founder.open(first["base_url"] + page).read().decode()
        assert (first["school"]["name"] in text, name in text) == (True, False)


def test_a_busy_port_is_one_sentence(demo: Demo, first: dict[str, Any]) -> None:
    assert demo.refusal() == (
        f"Port {demo.port} is taken. Stop what uses it or choose another: PORT={demo.port + 1} make demo"
    )
    demo.running.pop()


def test_a_request_that_makes_no_sense_leaves_no_address(demo: Demo, first: dict[str, Any]) -> None:
    with socket.create_connection(("127.0.0.1", demo.port)) as connection:
        connection.sendall(b"GET /join/ABCDEFGH of Wilhelmina\r\n\r\n")
        answer = connection.recv(4096)
    assert answer.startswith(b"HTTP/1.1 400 ")
    demo.private += ["127.0.0.1", "ABCDEFGH", "Wilhelmina"]


@pytest.fixture(scope="module")
def stopped(demo: Demo, first: dict[str, Any]) -> dict[str, Any]:
    """What came of a demo that was stopped while somebody was signing in."""
    if demo.running[-1].poll() is not None:  # an attempt before this one has stopped it
        demo.start()
        demo.record()
    teacher = signed_in(first, "teacher")
    page = teacher.open(first["base_url"] + "/console/classrooms/new").read().decode()
    fields = {"csrf_token": token(page), "name": "Made in between"}
    teacher.open(first["base_url"] + "/console/classrooms/new", urlencode(fields).encode())

    left = demo.processes()
    assert len(left) > 8
    child = demo.running[-1]
    with (
        ThreadPoolExecutor(1) as thread,
        psycopg.connect(first["owner_database_url"]) as locking,
        psycopg.connect(first["owner_database_url"], autocommit=True) as watching,
    ):
        # A leader who signs in now waits in the middle of it, until this transaction ends.
        leader = first["accounts"]["leader"]["public_id"]
        locking.execute("select from app.account where public_id = %s for update", [leader])
        sent = Event()
        signing_in = thread.submit(sign_in_once, first, "leader", sent)
        # Workers and schedulers may wait for these rows, too, and what tries out the web's login is a worker.
        waiting = (
            "select count(*) from pg_locks l join pg_stat_activity a using (pid)"
            " where not l.granted and a.usename = 'backoffice_app'"
        )
        wait_for(lambda: sent.is_set() and watching.execute(waiting).fetchone() != (0,))
        child.send_signal(signal.SIGTERM)
        time.sleep(0.5)
        locking.commit()
        status, goes_on = signing_in.result(PATIENCE)
    watching.close()
    out, err = child.communicate(timeout=PATIENCE)
    return {
        "code": child.returncode,
        "said": out + err,
        "status": status,
        "goes on": goes_on,
        "left": [pid for pid in left if is_alive(pid)],
        "files": {path.name for path in demo.folder.iterdir()},
    }


def test_it_ends_well(stopped: dict[str, Any]) -> None:
    assert stopped["code"] == 0


def test_a_request_in_flight_is_finished(stopped: dict[str, Any]) -> None:
    assert (stopped["status"], stopped["goes on"]) == (303, "/console/")


def test_no_process_is_left(demo: Demo, stopped: dict[str, Any]) -> None:
    assert (stopped["left"], demo.processes()) == ([], [])


def test_nothing_says_that_it_answers(stopped: dict[str, Any]) -> None:
    assert "demo.json" not in stopped["files"]


def test_its_output_tells_nothing_of_visitors(demo: Demo, stopped: dict[str, Any]) -> None:
    log = (demo.folder / "logs" / "web.log").read_text()
    assert [word for word in demo.private if word in stopped["said"] or word in log] == []


def test_a_second_start_keeps_what_was_made(
    demo: Demo, first: dict[str, Any], stopped: dict[str, Any]
) -> None:
    demo.start()
    second = demo.record()
    assert second["accounts"] == first["accounts"]
    classes = signed_in(second, "teacher").open(second["base_url"] + "/console/classrooms/")
    assert "Made in between" in classes.read().decode()
    assert demo.stop() == 0


def test_a_newer_schema_is_one_sentence(demo: Demo, stopped: dict[str, Any]) -> None:
    with schema_version(demo.folder, "9999"):
        assert demo.refusal() == (
            "The database's schema app was made by a newer version of this software."
            " Nothing has been changed."
        )
    assert demo.processes() == []
    demo.running.pop()


def test_a_folder_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    folder = Path(tempfile.mkdtemp(prefix="backoffice-closed-"))
    folder.chmod(0o555)
    # Root writes everywhere, unless it has laid down its capabilities.
    powerless = ("setpriv", "--bounding-set", "-all") if os.geteuid() == 0 else ()
    try:
        said = Demo(folder, free_port(), powerless).refusal()
    finally:
        folder.rmdir()
    assert (str(folder) in said, "Permission denied" in said, said.count("\n")) == (True, True, 0)


def test_a_database_that_was_named_is_not_filled_with_made_up_people() -> None:
    named = Settings(database_url=SecretStr("postgresql://somebody@localhost/real"))
    with pytest.raises(DemoError, match="Unset BACKOFFICE_DATABASE_URL first"):
        run(named, free_port())


def test_lost_passwords_are_one_sentence(demo: Demo, first: dict[str, Any]) -> None:
    people = demo.folder / "demo-people.json"
    kept = people.rename(demo.folder / "elsewhere.json")
    assert demo.refusal().endswith(f"Move {demo.folder} away to start with a fresh demo.")
    kept.rename(people)
    demo.running.pop()


def test_a_lost_keyring_is_one_sentence(demo: Demo, first: dict[str, Any]) -> None:
    (demo.folder / "keyring.json").rename(demo.folder / "lost.json")
    assert demo.refusal() == (
        f"The keyring {demo.folder}/keyring.json is missing. Put the file back from where it is kept;"
        " without it nobody can read this database."
    )
