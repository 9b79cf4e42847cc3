"""How long until every web process goes by a founder's switch: four of them, asked without a pause.

A page of the plugin is asked of each process in a thread of its own. The time runs from before the switch is
written until the last process answers that the part is switched off, and again until the last shows it.
"""

import statistics
import subprocess
import threading
import time
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path

import pytest

from backoffice.host.services import switch_plugin
from backoffice.runtime import Runtime
from backoffice.serve import web_command
from backoffice.settings import CHECKOUT, child_environment
from backoffice.web import cookies
from tests.factories.ports import free_port
from tests.factories.world import World

PROCESSES, ROUNDS = 4, 10
PAGE = "/console/rosters/"
REACH = 2  # seconds, as the plugin contract promises; printed beside the figure, which no test judges
NEVER = 60.0  # seconds after which a process is said not to know


@pytest.fixture
def ports(runtime: Runtime, keyring_file: Path, world: World) -> Iterator[list[int]]:
    """Four web servers over the module's database, one process each."""
    del world
    environment = child_environment(
        DATABASE_URL=runtime.database.address, KEYRING_FILE=str(keyring_file), BASE_URL="http://localhost"
    )
    numbers = [free_port() for _ in range(PROCESSES)]
    servers = [
        subprocess.Popen(web_command(number, host="127.0.0.1", workers=1), env=environment, cwd=CHECKOUT)
        for number in numbers
    ]
    try:
        for number in numbers:
            while status(number, "/readyz", "") != 200:
                time.sleep(0.05)
        yield numbers
    finally:
        for server in servers:
            server.terminate()
        for server in servers:
            server.wait(30)


def status(port: int, path: str, cookie: str) -> int:
    connection = HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", path, headers={"Cookie": cookie, "Host": "localhost"})
        answer = connection.getresponse()
        answer.read()
    except OSError:  # it has not begun to listen
        return 0
    else:
        return answer.status
    finally:
        connection.close()


def test_every_process_knows(ports: list[int], runtime: Runtime, world: World) -> None:
    founder = world.sign_in("founder")
    tokens = [f"{cookies.ACCOUNT}={world.token('leader')}" for _ in ports]
    seconds: list[float] = []
    for number in range(ROUNDS * 2):
        enabled, wanted = bool(number % 2), 200 if number % 2 else 404
        known: dict[int, float] = {}
        end = time.monotonic() + NEVER

        def ask(place: int, wanted: int = wanted, known: dict[int, float] = known, end: float = end) -> None:
            while status(ports[place], PAGE, tokens[place]) != wanted:
                if time.monotonic() > end:
                    return
            known[place] = time.monotonic()

        asking = [threading.Thread(target=ask, args=(place,)) for place in range(len(ports))]
        for thread in asking:
            thread.start()
        time.sleep(0.3)
        begun = time.monotonic()
        switch_plugin(principal=founder, installed=runtime.plugins, name="rosters", enabled=enabled)
        for thread in asking:
            thread.join()
        assert sorted(known) == list(range(len(ports))), "Not every process knows what a founder switched."
        seconds.append(max(known.values()) - begun)
    print(
        f"\nswitch until the last of {len(ports)} processes knows, {len(seconds)} switches:"
        f" median {statistics.median(seconds) * 1000:.0f} ms, worst {max(seconds) * 1000:.0f} ms;"
        f" promised to reach everybody within {REACH} s"
    )
