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
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.cookiejar import CookieJar
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from urllib.request import HTTPCookieProcessor, OpenerDirector, build_opener

import pytest

PATIENCE = 60
ACCOUNTS = {"founder", "founder_2", "leader", "teacher", "co_teacher", "teacher_elsewhere", "parent"}


@dataclass
class Demo:
    """A demo in a folder of its own."""

    folder: Path
    port: int
    running: list[subprocess.Popen[str]] = field(default_factory=list)

    def start(self) -> subprocess.Popen[str]:
        """Start it without waiting."""
        environment = {n: v for n, v in os.environ.items() if not n.startswith("BACKOFFICE_")}
        child = subprocess.Popen(
            [sys.executable, "-c", "from backoffice.cli import main; main()", "demo"],
            env=environment | {"PORT": str(self.port), "BACKOFFICE_DATA_DIR": str(self.folder)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.running.append(child)
        return child

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


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


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
    fields = {"csrf_token": token(page), "email": account["email"], "password": account["password"]}
    answer = browser.open(record["base_url"] + "/sign-in", urlencode(fields).encode())
    assert answer.url == record["base_url"] + "/console/"
    return browser


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


def test_it_stops_whole_and_keeps_its_data(demo: Demo, first: dict[str, Any]) -> None:
    teacher = signed_in(first, "teacher")
    page = teacher.open(first["base_url"] + "/console/classrooms/new").read().decode()
    fields = {"csrf_token": token(page), "name": "Made in between"}
    teacher.open(first["base_url"] + "/console/classrooms/new", urlencode(fields).encode())

    assert demo.stop() == 0
    assert not (demo.folder / "demo.json").exists()
    assert not (demo.folder / "postgres" / "data" / "postmaster.pid").exists()

    demo.start()
    second = demo.record()
    assert second["accounts"] == first["accounts"]
    classes = signed_in(second, "teacher").open(second["base_url"] + "/console/classrooms/")
    assert "Made in between" in classes.read().decode()
    assert demo.stop() == 0


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
