"""`backoffice keys` as somebody at a terminal meets it."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from backoffice.keys.commands import LOCK
from backoffice.runtime import Runtime
from backoffice.storage import database
from backoffice.storage.keyring import KeyPurpose, Keyring
from tests.factories.commands import Answer, Run
from tests.factories.world import World
from tests.keys.stored import keys_used

Keys = Callable[..., Answer]


@pytest.fixture
def keys(run: Run, runtime: Runtime, world: World) -> Keys:
    """Runs a command over the test's own database and keyring."""
    del world

    def answer(*arguments: str) -> Answer:
        return run("keys", *arguments, BACKOFFICE_KEYRING_FILE=str(runtime.settings.keyring))

    return answer


@pytest.fixture
def path(runtime: Runtime) -> Path:
    return runtime.settings.keyring


def test_a_rotation_does_all_of_it_and_says_so(keys: Keys, runtime: Runtime, path: Path) -> None:
    code, out, _err = keys("rotate", "--grace", "0")
    lines = out.splitlines()
    assert code == 0
    assert lines[-2] == "Key 1 of seal is retired."
    assert lines[-1].startswith("Key 1 of student-jwt is kept until ")
    assert lines[-1].endswith(" After that run: backoffice keys retire")
    assert set(Keyring.read(path).keys[KeyPurpose.SEAL]) == {2}
    assert keys("list").out.splitlines()[0].startswith("seal           2  20")


def test_a_rotation_counts_for_machines(keys: Keys, runtime: Runtime) -> None:
    rows = keys_used(runtime).total()
    answer = json.loads(keys("rotate", "--grace", "0", "--json").out)
    assert (answer["stage"], answer["retired"]) == (None, {"seal": [1], "student-jwt": []})
    assert list(answer["kept_until"]["student-jwt"]) == ["1"]
    assert 0 < answer["resealed"] <= rows


def test_the_list_says_how_each_key_stands(keys: Keys) -> None:
    keys("rotate", "--prepare")
    rows = json.loads(keys("list", "--json").out)
    states = {(row["purpose"], row["number"]): row["state"] for row in rows}
    assert states == {
        ("seal", 1): "in use",
        ("seal", 2): "prepared",
        ("student-jwt", 1): "in use",
        ("student-jwt", 2): "prepared",
        **{(each, 1): "in use, never rotated" for each in ("index", "username", "pin", "token", "secret")},
    }
    keys("rotate")
    rows = json.loads(keys("list", "--json").out)
    assert {(row["number"], row["state"]) for row in rows if row["purpose"] == "seal"} == {
        (1, "retiring"),
        (2, "in use"),
    }


@pytest.mark.parametrize("command", [("list",), ("list", "--json"), ("rotate", "--grace", "0")])
def test_no_key_is_ever_printed(keys: Keys, path: Path, command: tuple[str, ...]) -> None:
    stored = json.loads(path.read_text())["keys"]
    said = "".join(map(str, keys(*command)))
    stored_after = json.loads(path.read_text())["keys"]
    material = {
        key for keys_of in (stored, stored_after) for held in keys_of.values() for key in held.values()
    }
    assert not [key for key in material if key[:8] in said]


def test_with_copies_it_is_three_steps(keys: Keys, path: Path) -> None:
    prepared, rotated, retired = keys("rotate", "--prepare"), keys("rotate"), keys("retire", "--grace", "0")
    assert prepared.out == (
        f"New keys are in {path}. Copy it to every machine, then run: backoffice keys rotate\n"
    )
    assert rotated.out.endswith(f"Copy {path} to every machine again, then run: backoffice keys retire\n")
    assert retired.out.startswith("Key 1 of seal is retired.\n")


def test_two_at_once_are_told(keys: Keys, path: Path) -> None:
    before = path.read_bytes()
    with database.alone(LOCK) as alone:
        assert alone
        for command in ("rotate", "retire"):
            answer = keys(command)
            assert (answer.code, answer.err) == (
                1,
                "Keys are being changed by another process at this moment.\n",
            )
    assert path.read_bytes() == before


def test_what_is_under_way_is_told(keys: Keys) -> None:
    keys("rotate", "--prepare")
    answer = keys("rotate", "--prepare")
    assert answer.code == 1
    assert answer.err == "A rotation is under way. Finish it first; see: backoffice keys list\n"


def test_nothing_to_retire_is_fine(keys: Keys, path: Path) -> None:
    before = path.read_bytes()
    assert (keys("retire").code, path.read_bytes()) == (0, before)
