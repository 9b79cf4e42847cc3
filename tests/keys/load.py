"""Visitors of real web processes: children and teachers sign in, read and write, and count what failed."""

import http.cookiejar
import random
import re
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event, Lock, Thread
from typing import Self

from sqlalchemy import select

from backoffice.access.transaction import transaction
from backoffice.runtime import Runtime
from backoffice.schools.models import Student
from backoffice.settings import child_environment
from tests.factories.ports import free_port
from tests.factories.visitor import form_token
from tests.factories.world import NO_LIMIT, PASSWORD, SYSTEM, Child, Class, World
from tests.keys.stored import Place

STARTING = 240.0  # seconds: far more than it takes, also on a machine that does much else


def environment(runtime: Runtime, **more: str) -> dict[str, str]:
    """What a process of the installation is told."""
    return child_environment(
        DATABASE_URL=runtime.database.address,
        KEYRING_FILE=str(runtime.settings.keyring),
        **{f"THROTTLES__{name.upper()}": value for name, value in NO_LIMIT.model_dump().items()},
        **more,
    )


@contextmanager
def webs(runtime: Runtime, count: int, logs: Path) -> Iterator[list[str]]:
    """So many web servers, each of two processes; their addresses."""
    with ExitStack() as stack:
        addresses = []
        for number in range(count):
            port = free_port()
            addresses.append(f"http://localhost:{port}")
            told = environment(runtime, BASE_URL=addresses[-1]) | {"PORT": str(port)}
            log = stack.enter_context((logs / f"web-{number}.log").open("wb"))
            command = [sys.executable, "-m", "backoffice", "web"]
            child = subprocess.Popen(command, env=told, stdout=log, stderr=log, start_new_session=True)
            stack.callback(child.wait, timeout=40)
            stack.callback(child.terminate)
        for number, address in enumerate(addresses):
            _wait_for(address, logs / f"web-{number}.log")
        yield addresses


def command(runtime: Runtime, *arguments: str) -> subprocess.Popen[str]:
    """A command of the product as a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "backoffice", *arguments],
        env=environment(runtime),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@dataclass
class Load:
    """The visitors, what they asked for, and what failed. Every child is one visitor's alone."""

    world: World
    addresses: Sequence[str]
    seed: int = 1
    asked: Counter[str] = field(default_factory=Counter)
    failed: list[str] = field(default_factory=list)
    # The last name that a teacher was told is saved.
    names: dict[int, str] = field(default_factory=dict)
    _over: Event = field(default_factory=Event)
    _threads: list[Thread] = field(default_factory=list)
    _counting: Lock = field(default_factory=Lock)

    def __enter__(self) -> Self:
        rooms = [("teacher", self.world.own_class), ("outsider", self.world.foreign_class)]
        for role, room in rooms:
            for child in room.children:
                self._begin(self._teach, role, child)
                self._begin(self._learn, room, child)
        return self

    def __exit__(self, *_of: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join(60)

    @property
    def requests(self) -> int:
        """How many requests there were."""
        with self._counting:
            return self.asked.total()

    def lost(self) -> list[int]:
        """The children whose stored name is not the one last saved."""
        with transaction(SYSTEM) as tx:
            stored = {each.id: each.given_name for each in tx.execute(select(Student.id, Student.given_name))}
        return [child for child, name in self.names.items() if stored[child] != name]

    def wrote(self, place: Place) -> bool:
        """Whether a value is one that visitors change."""
        table, column, key = place
        if table == "app.student_change":
            # Of a student whose name is changed again and again, the last changes alone are kept.
            return True
        return table == "app.student" and column == "given_name" and key[-1] in self.names

    def _begin(self, act: Callable[..., object], *arguments: object) -> None:
        thread = Thread(target=self._again_and_again, args=(act, len(self._threads), *arguments), daemon=True)
        self._threads.append(thread)
        thread.start()

    def _again_and_again(self, act: Callable[..., object], number: int, *arguments: object) -> None:
        chance = random.Random(self.seed * 1000 + number)
        while not self._over.is_set():
            try:
                act(chance, *arguments)
            except (AssertionError, OSError) as error:
                with self._counting:
                    self.failed.append(f"{type(error).__name__}: {error}")

    def _teach(self, chance: random.Random, role: str, child: Child) -> None:
        """Sign in, correct a name a few times and see that it is so, each at any of the servers."""
        browser = Browser(self, chance)
        entry = {"email": self.world.people[role].email, "password": PASSWORD}
        browser.send("/sign-in", entry)
        for _ in range(5):
            if self._over.is_set():
                return
            name = f"N{chance.randrange(10**9)}"
            path = f"/console/students/{child.public_id}"
            page = browser.send(f"{path}/edit", {"given_name": name, "family_name": child.family or ""})
            assert name in page, "A name that was saved is not shown."
            self.names[child.id] = name
            assert name in browser.get(path), "A name that was saved is not shown by the next process."

    def _learn(self, chance: random.Random, room: Class, child: Child) -> None:
        """Come in by code and name, look at one's points at any of the servers."""
        browser = Browser(self, chance)
        browser.send("/join", {"code": room.code, "student": child.public_id})
        for _ in range(5):
            assert room.name in browser.get("/student"), "A child is not let in any more."


class Browser:
    """Cookies, and forms sent with their token. Each request goes to any of the servers."""

    def __init__(self, load: Load, chance: random.Random) -> None:
        self._load, self._chance = load, chance
        self._jar = urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar())
        self._opener = urllib.request.build_opener(self._jar)

    def get(self, path: str) -> str:
        """A page, with an error for every status that is none."""
        return self._open(path, None)

    def send(self, path: str, fields: dict[str, str]) -> str:
        """Open a form and send it; the page that one is led to."""
        return self._open(path, {"csrf_token": form_token(self.get(path)), **fields})

    def _open(self, path: str, fields: dict[str, str] | None) -> str:
        data = None if fields is None else urllib.parse.urlencode(fields).encode()
        with self._load._counting:
            self._load.asked[re.sub(r"/[a-z0-9]{16}\b", "/ID", path) + (" (sent)" if data else "")] += 1
        try:
            address = self._chance.choice(self._load.addresses)
            with self._opener.open(address + path, data, timeout=60) as answer:
                return str(answer.read().decode())
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{error.code} for {path}: {error.read()[:300]!r}") from None


def _wait_for(address: str, log: Path) -> None:
    until = time.monotonic() + STARTING
    while True:
        try:
            urllib.request.urlopen(f"{address}/readyz", timeout=5).close()
        except OSError:
            assert time.monotonic() < until, f"{address} does not get ready:\n{log.read_text()[-4000:]}"
            time.sleep(0.2)
        else:
            return
