"""A rotation as its own process while real web processes serve; the large run lies in tests/faults."""

import json
import time
from pathlib import Path

from backoffice.runtime import Runtime
from backoffice.storage import keyring
from backoffice.storage.keyring import KeyPurpose
from tests.factories.world import World
from tests.keys.load import Load, command, webs
from tests.keys.stored import keys_used, plain

ENOUGH = 60  # requests before, and after


def test_nothing_fails_and_nothing_is_lost_while_keys_change(
    runtime: Runtime, world: World, tmp_path: Path
) -> None:
    before = plain(runtime)
    with webs(runtime, 1, tmp_path) as addresses, Load(world, addresses) as load:
        _until(load, ENOUGH)
        rotation = command(runtime, "keys", "rotate", "--grace", "3", "--json")
        out, err = rotation.communicate(timeout=120)
        assert rotation.returncode == 0, err
        during = load.requests
        _until(load, during + ENOUGH)
    assert load.failed == []
    assert load.lost() == []
    answer = json.loads(out)
    assert answer["retired"] == {"seal": [1], "student-jwt": []}
    assert list(answer["kept_until"]["student-jwt"]) == ["1"]
    keyring.look_again()
    assert set(keyring.current().keys[KeyPurpose.SEAL]) == set(keys_used(runtime)) == {2}
    after = plain(runtime)
    assert {p: after[p] for p in before if not load.wrote(p)} == {
        p: value for p, value in before.items() if not load.wrote(p)
    }


def _until(load: Load, requests: int) -> None:
    end = time.monotonic() + 60
    while load.requests < requests and time.monotonic() < end:
        time.sleep(0.05)
    assert load.requests >= requests, load.failed
