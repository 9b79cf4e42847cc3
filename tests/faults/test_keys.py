"""Keys rotate under load over many rows, and the rotation is killed many times: nothing fails or is lost.

`FAULT_ROWS` says how many students there are (100000), `FAULT_SEED` repeats a run's choices.
"""

import json
import os
import random
import re
import signal
import time
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import insert

from backoffice import clock
from backoffice.access.transaction import transaction
from backoffice.runtime import Runtime
from backoffice.schools.models import Student
from backoffice.storage import keyring
from backoffice.storage.keyring import KeyPurpose
from tests.factories.world import SYSTEM, World, make_world
from tests.keys.load import Load, command, webs
from tests.keys.stored import keys_used, plain

ROWS = int(os.environ.get("FAULT_ROWS", "100000"))
SEED = int(os.environ.get("FAULT_SEED", "0")) or random.SystemRandom().randrange(1, 10**9)
SERVERS, KILLS, GRACE = 3, 5, 5


@pytest.fixture
def world(durable: Runtime) -> World:
    """A world with many more students."""
    del durable
    made = make_world()
    for start in range(0, ROWS, 5000):
        with transaction(SYSTEM) as tx:
            rows = [
                {
                    "school_id": made.home.id,
                    "given_name": f"Given {number}",
                    "family_name": f"Family {number}",
                    "name_tokens": [number.to_bytes(8)],
                    "created_at": clock.now(),
                }
                for number in range(start, min(start + 5000, ROWS))
            ]
            tx.execute(insert(Student), rows)
    return made


def test_keys_rotate_under_load_however_often_the_rotation_is_killed(
    durable: Runtime, world: World, tmp_path: Path
) -> None:
    print(f"\nseed {SEED}, {ROWS:,} students, {SERVERS} servers of two processes", flush=True)
    chance = random.Random(SEED)
    before = plain(durable)
    with webs(durable, SERVERS, tmp_path) as addresses, Load(world, addresses, seed=SEED) as load:
        time.sleep(5)
        quiet, begun = load.requests, time.monotonic()
        done_at_kills = []
        for share in sorted(chance.uniform(0, 0.95) for _ in range(KILLS)):
            doomed = command(durable, "keys", "rotate", "--grace", str(GRACE))
            while students_under_new_key(durable) <= share * ROWS:
                assert doomed.poll() is None, doomed.communicate()[1]
                time.sleep(0.05)
            doomed.send_signal(signal.SIGKILL)
            doomed.communicate()
            done_at_kills.append(students_under_new_key(durable))
        last = command(durable, "keys", "rotate", "--grace", str(GRACE), "--json")
        memory = highest_memory(last.pid)
        out, err = last.communicate()
        took, during = time.monotonic() - begun, load.requests - quiet
        time.sleep(5)
    assert last.returncode == 0, err
    keyring.look_again()
    used, after = keys_used(durable), plain(durable)
    differing = [p for p, value in before.items() if not load.wrote(p) and after.get(p) != value]
    print(f"killed {KILLS} times, students under the new key by then: {done_at_kills}")
    print(
        f"requests: {load.requests:,}, {during:,} of them in the {took:.0f} s of rotating; {dict(load.asked)}"
    )
    print(f"failures: {len(load.failed)}; names written and lost: {len(load.lost())} of {len(load.names)}")
    print(f"values compared: {len(before):,}, differing: {len(differing)}; values by key: {dict(used)}")
    print(f"keyring: {sorted(keyring.current().keys[KeyPurpose.SEAL])}; memory of the rotation: {memory} MiB")
    print(json.loads(out), flush=True)
    assert (load.failed, load.lost(), differing) == ([], [], [])
    assert set(keyring.current().keys[KeyPurpose.SEAL]) == set(used) == {2}


def students_under_new_key(runtime: Runtime) -> int:
    """How far the rotation has come."""
    with psycopg.connect(runtime.database.address) as witness:
        row = witness.execute(
            "select count(*) from app.student where substr(given_name, 1, 2) = '\\x0002'"
        ).fetchone()
    assert row is not None
    return int(row[0])


def highest_memory(pid: int) -> int:
    """The most memory that a process has until it ends, in MiB."""
    highest, status = 0, Path(f"/proc/{pid}/status")
    while found := re.search(r"VmHWM:\s+(\d+) kB", status.read_text()):
        highest = int(found.group(1)) >> 10
        time.sleep(0.1)
    return highest
