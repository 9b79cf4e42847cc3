"""What Lighthouse says of the main pages, on its simulated phone behind a slow line.

Needs the program of its own: `npm install lighthouse@12`, and LIGHTHOUSE=node_modules/.bin/lighthouse.
"""

import json
import os
import shutil
import statistics
import subprocess
import time
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path

import pytest

from backoffice.runtime import Runtime
from backoffice.serve import web_command
from backoffice.settings import CHECKOUT, child_environment
from backoffice.web import cookies
from tests.browser.chromium import chromium
from tests.factories.ports import free_port
from tests.factories.world import World

ROUNDS = 3
TRIES = 2  # it gives up now and then, of itself
REACH = 95  # of 100; printed beside the figures, which no test judges
KINDS = ("performance", "accessibility", "best-practices")
PAGES = (
    (None, "/"),
    (None, "/join"),
    (None, "/sign-in"),
    ("teacher", "/console/"),
    ("teacher", "/console/classrooms/"),
    ("teacher", "/console/classrooms/{classroom}"),
    ("teacher", "/console/students/"),
    ("leader", "/console/"),
    ("leader", "/console/teachers/"),
    ("founder", "/console/"),
    ("founder", "/console/plugins/"),
    ("founder", "/console/jobs/"),
)


@pytest.fixture
def address(runtime: Runtime, keyring_file: Path, world: World) -> Iterator[str]:
    """A web server over the module's database."""
    del world
    port = free_port()
    server = subprocess.Popen(
        web_command(port, host="127.0.0.1", workers=2),
        env=child_environment(
            DATABASE_URL=runtime.database.address,
            KEYRING_FILE=str(keyring_file),
            BASE_URL=f"http://localhost:{port}",
        ),
        cwd=CHECKOUT,
    )
    try:
        while not _ready(port):
            time.sleep(0.05)
        yield f"http://localhost:{port}"
    finally:
        server.terminate()
        server.wait()


def test_lighthouse(address: str, world: World, tmp_path: Path) -> None:
    program = os.environ.get("LIGHTHOUSE") or shutil.which("lighthouse")
    if program is None:
        pytest.skip("Lighthouse is missing: npm install lighthouse@12, and name its program in LIGHTHOUSE.")
    print(f"\n{'page':<52}{''.join(f'{kind:>16}' for kind in KINDS)}   (to reach: {REACH} each)")
    for role, path in PAGES:
        at = path.format(classroom=world.own_class.public_id)
        rounds = [
            _scores(program, address + at, world.token(role) if role else None, tmp_path)
            for _ in range(ROUNDS)
        ]
        medians = [statistics.median(scores) for scores in zip(*rounds, strict=True)]
        shown = f"{role or 'nobody'} {path}"
        print(f"{shown:<52}{''.join(f'{score:>16.0f}' for score in medians)}", flush=True)


def _ready(port: int) -> bool:
    connection = HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


def _scores(program: str, url: str, token: str | None, folder: Path) -> list[float]:
    headers = folder / "headers.json"
    headers.write_text(json.dumps({"Cookie": f"{cookies.ACCOUNT}={token}"} if token else {}))
    command = [
        program,
        url,
        f"--extra-headers={headers}",
        f"--only-categories={','.join(KINDS)}",
        "--chrome-flags=--headless=new --no-sandbox",
        "--output=json",
        "--quiet",
    ]
    environment = {**os.environ, "CHROME_PATH": chromium()}
    why = b""
    for _ in range(TRIES):
        answer = subprocess.run(command, check=False, capture_output=True, env=environment, timeout=120)
        if answer.returncode == 0:
            told = json.loads(answer.stdout)
            assert told["finalDisplayedUrl"] == url, "Lighthouse was sent to another page."
            return [100 * told["categories"][kind]["score"] for kind in KINDS]
        why = answer.stderr
    raise AssertionError(why.decode())
