"""The keys: what they seal, what they find again, and the file they live in."""

import hashlib
import json
import os
import stat
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from backoffice.storage import keyring
from backoffice.storage.keyring import KEY_BYTES, KeyPurpose, Keyring, KeyringError, Stage

CONTEXT = "student.given_name"


@pytest.fixture
def ring() -> Keyring:
    return Keyring.generate()


def with_new_key(ring: Keyring, purpose: KeyPurpose, number: int = 2) -> Keyring:
    """The keyring after a rotation: the new key stands beside the old ones."""
    fresh = Keyring.generate().keys[purpose][1]
    return Keyring({**ring.keys, purpose: {**ring.keys[purpose], number: fresh}})


# -- sealing


@pytest.mark.parametrize("plain", [b"", b"Ada", "Zoë 王".encode(), b"\0" * 10_000])
def test_what_is_sealed_opens_again(ring: Keyring, plain: bytes) -> None:
    assert ring.open(ring.seal(plain, context=CONTEXT), context=CONTEXT) == plain


def test_one_column_after_another_is_sealed_as_one_value_is(ring: Keyring) -> None:
    rotated = with_new_key(ring, KeyPurpose.SEAL)
    seal = rotated.sealing(CONTEXT)
    sealed = [seal(plain) for plain in (b"Ada", b"Ada", b"Grace")]
    assert [rotated.open(each, context=CONTEXT) for each in sealed] == [b"Ada", b"Ada", b"Grace"]
    assert (len({each[2:14] for each in sealed}), {each[:2] for each in sealed}) == (3, {b"\0\2"})
    with pytest.raises(KeyringError):
        rotated.open(sealed[0], context="student.family_name")


def test_one_column_after_another_is_opened_as_one_value_is(ring: Keyring) -> None:
    old = ring.seal(b"Kim", context="student.given_name")
    ring = with_new_key(ring, KeyPurpose.SEAL)
    new = [ring.seal(each, context="student.given_name") for each in (b"Mio", b"", b"Ada")]
    opened = ring.opening("student.given_name")
    assert [*map(opened, (old, *new, old))] == [b"Kim", b"Mio", b"", b"Ada", b"Kim"]
    for wrong in (new[0][:-1] + bytes([new[0][-1] ^ 1]), b"\x00\x07" + new[0][2:], b"", old[:9]):
        with pytest.raises(KeyringError):
            opened(wrong)
    with pytest.raises(KeyringError):
        ring.opening("student.family_name")(old)


def test_a_seal_hides_the_value(ring: Keyring) -> None:
    assert b"Ada Lovelace" not in ring.seal(b"Ada Lovelace", context=CONTEXT)


def test_equal_values_are_sealed_differently(ring: Keyring) -> None:
    assert len({ring.seal(b"Ada", context=CONTEXT) for _ in range(20)}) == 20


def test_a_value_moved_to_another_column_does_not_open(ring: Keyring) -> None:
    sealed = ring.seal(b"Ada", context=CONTEXT)
    with pytest.raises(KeyringError):
        ring.open(sealed, context="student.family_name")


def test_another_keyring_does_not_open_it(ring: Keyring) -> None:
    sealed = ring.seal(b"Ada", context=CONTEXT)
    with pytest.raises(KeyringError):
        Keyring.generate().open(sealed, context=CONTEXT)


@pytest.mark.parametrize("position", [1, 2, 13, 14, -1])
def test_a_changed_byte_does_not_open(ring: Keyring, position: int) -> None:
    sealed = bytearray(ring.seal(b"Ada", context=CONTEXT))
    sealed[position] ^= 1
    with pytest.raises(KeyringError):
        ring.open(bytes(sealed), context=CONTEXT)


@pytest.mark.parametrize("rubbish", [b"", b"\0", b"\0\1", b"\0\1" + b"x" * 12, b"Ada Lovelace, in the clear"])
def test_what_was_never_sealed_does_not_open(ring: Keyring, rubbish: bytes) -> None:
    with pytest.raises(KeyringError):
        ring.open(rubbish, context=CONTEXT)


# -- rotation


def test_the_old_key_opens_after_a_rotation(ring: Keyring) -> None:
    sealed = ring.seal(b"Ada", context=CONTEXT)
    assert with_new_key(ring, KeyPurpose.SEAL).open(sealed, context=CONTEXT) == b"Ada"


@pytest.mark.parametrize("number", [2, 11, 300])
def test_the_new_key_seals_after_a_rotation(ring: Keyring, number: int) -> None:
    sealed = with_new_key(ring, KeyPurpose.SEAL, number).seal(b"Ada", context=CONTEXT)
    assert int.from_bytes(sealed[:2]) == number


def test_a_key_that_is_gone_opens_nothing(ring: Keyring) -> None:
    rotated = with_new_key(ring, KeyPurpose.SEAL)
    sealed = rotated.seal(b"Ada", context=CONTEXT)
    with pytest.raises(KeyringError):
        ring.open(sealed, context=CONTEXT)


# -- finding and digesting


def test_a_blind_index_finds_the_same_value(ring: Keyring) -> None:
    assert ring.blind_index("a@b.example", context="c") == ring.blind_index("a@b.example", context="c")


@pytest.mark.parametrize(("value", "context"), [("b@b.example", "c"), ("a@b.example", "d")])
def test_a_blind_index_tells_values_and_columns_apart(ring: Keyring, value: str, context: str) -> None:
    assert ring.blind_index("a@b.example", context="c") != ring.blind_index(value, context=context)


def test_a_blind_index_is_keyed(ring: Keyring) -> None:
    other = Keyring.generate()
    assert ring.blind_index("a", context="c") != other.blind_index("a", context="c")


def test_context_and_value_of_an_index_do_not_run_together(ring: Keyring) -> None:
    assert ring.blind_index("ab", context="c") != ring.blind_index("b", context="ca")


@pytest.mark.parametrize("values", [[b""], [b"a", b"b", b"a"], [b"x" * 200]])
def test_many_values_that_begin_alike_have_the_digests_that_they_have_by_themselves(
    ring: Keyring, values: list[bytes]
) -> None:
    for beginning in (b"", b"erased\0student\0"):
        digest = ring.digesting(KeyPurpose.INDEX, beginning)
        assert [digest(each) for each in values] == [
            ring.digest(KeyPurpose.INDEX, beginning + each) for each in values
        ]


def test_a_username_digest_is_32_hex_digits(ring: Keyring) -> None:
    digest = ring.username_digest("ada.lovelace", school="7")
    assert (len(digest), set(digest) <= set("0123456789abcdef")) == (32, True)


def test_a_username_digest_is_keyed(ring: Keyring) -> None:
    assert ring.username_digest("ada", school="7") != Keyring.generate().username_digest("ada", school="7")


@pytest.mark.parametrize("bare", ["ada", "7ada", "7\0ada"])
def test_a_username_digest_is_no_bare_md5(ring: Keyring, bare: str) -> None:
    unkeyed = hashlib.md5(bare.encode(), usedforsecurity=False).hexdigest()
    assert ring.username_digest("ada", school="7") != unkeyed


def test_equal_usernames_of_two_schools_are_kept_apart(ring: Keyring) -> None:
    assert ring.username_digest("ada", school="7") != ring.username_digest("ada", school="8")


def test_the_case_of_a_username_does_not_matter(ring: Keyring) -> None:
    assert ring.username_digest("ADA", school="7") == ring.username_digest("ada", school="7")


def test_no_two_purposes_share_a_key(ring: Keyring) -> None:
    assert len({key for keys in ring.keys.values() for key in keys.values()}) == len(KeyPurpose)


def test_a_derived_secret_has_256_bits_and_its_own_name(ring: Keyring) -> None:
    assert (len(ring.derive("a")), ring.derive("a") == ring.derive("b")) == (43, False)


def test_no_key_shows_in_a_representation(ring: Keyring) -> None:
    shown = repr(ring)
    assert not any(repr(key) in shown for keys in ring.keys.values() for key in keys.values())


# -- the file


def test_a_written_keyring_is_read_back(ring: Keyring, tmp_path: Path) -> None:
    rotated = with_new_key(ring, KeyPurpose.SEAL, 12)
    rotated.write(tmp_path / "deep" / "keyring.json")
    assert Keyring.read(tmp_path / "deep" / "keyring.json").keys == rotated.keys


def test_the_file_is_for_its_owner_only(ring: Keyring, tmp_path: Path) -> None:
    ring.write(tmp_path / "keyring.json")
    assert stat.S_IMODE((tmp_path / "keyring.json").stat().st_mode) == 0o600


def test_a_keyring_is_never_written_over_another(ring: Keyring, tmp_path: Path) -> None:
    path = tmp_path / "keyring.json"
    ring.write(path)
    with pytest.raises(KeyringError):
        Keyring.generate().write(path)
    assert Keyring.read(path).keys == ring.keys


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o660, 0o601])
def test_a_file_that_others_can_open_is_refused(ring: Keyring, tmp_path: Path, mode: int) -> None:
    path = tmp_path / "keyring.json"
    ring.write(path)
    path.chmod(mode)
    with pytest.raises(KeyringError) as raised:
        Keyring.read(path)
    assert str(raised.value) == f"Other users can read the keyring {path}. Run: chmod 600 {path}"


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(KeyringError) as raised:
        Keyring.read(tmp_path / "keyring.json")
    assert str(raised.value) == (
        f"The keyring {tmp_path}/keyring.json is missing. Put the file back from where it is kept;"
        " without it nobody can read this database."
    )


def stored(ring: Keyring, change: Callable[[dict[str, dict[str, str]]], object]) -> bytes:
    """A keyring's file after a change to what it holds."""
    keys = {str(purpose): {"1": "A" * 43 + "="} for purpose in ring.keys}
    change(keys)
    return json.dumps({"keys": keys}).encode()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{}",
        b"[]",
        b"null",
        b'{"keys": []}',
        b'{"keys": {}}',
        b"\xff\xfe\x80",
        stored(Keyring.generate(), lambda keys: keys.pop("seal")),
        stored(Keyring.generate(), lambda keys: keys["seal"].update({"1": "AAAA"})),
        stored(Keyring.generate(), lambda keys: keys["seal"].update({"1": "not base64!"})),
        stored(Keyring.generate(), lambda keys: keys["seal"].update({"one": "A" * 43 + "="})),
        stored(Keyring.generate(), lambda keys: keys.update({"seal": ["A"]})),  # type: ignore[dict-item]
    ],
)
def test_a_damaged_file_is_told(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "keyring.json"
    path.write_bytes(content)
    path.chmod(0o600)
    with pytest.raises(KeyringError) as raised:
        Keyring.read(path)
    assert str(raised.value) == f"The keyring {path} is damaged. Put back a good copy."


def test_a_purpose_without_a_key_is_told(ring: Keyring, tmp_path: Path) -> None:
    path = tmp_path / "keyring.json"
    path.write_bytes(stored(ring, lambda keys: keys["pin"].clear()))
    path.chmod(0o600)
    with pytest.raises(KeyringError) as raised:
        Keyring.read(path)
    assert str(raised.value) == f"The keyring {path} lacks a key. Put back a good copy."


def test_a_folder_in_its_place_is_told(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    with pytest.raises(KeyringError):
        Keyring.read(tmp_path)


def test_without_a_keyring_nothing_is_sealed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keyring, "_installed", None)
    with pytest.raises(KeyringError):
        keyring.current()


def test_a_key_is_as_long_as_the_cipher_wants(ring: Keyring) -> None:
    assert {len(key) for keys in ring.keys.values() for key in keys.values()} == {KEY_BYTES}


# -- a file that changes while the process runs


@pytest.fixture
def path(ring: Keyring, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file of the keyring that is installed in this process, which has just looked at it."""
    path = tmp_path / "keyring.json"
    ring.write(path)
    monkeypatch.setattr(keyring, "_installed", Keyring.read(path))
    monkeypatch.setattr(keyring, "LOOK_EVERY", 3600.0)
    keyring.look_again()
    return path


def test_a_new_key_is_read_from_the_file_when_it_is_time(
    ring: Keyring, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_new_key(ring, KeyPurpose.SEAL).write_over(path)
    assert keyring.current().newest(KeyPurpose.SEAL)[0] == 1
    monkeypatch.setattr(keyring, "LOOK_EVERY", 0.0)
    assert keyring.current().newest(KeyPurpose.SEAL)[0] == 2


def test_a_value_under_an_unknown_key_makes_a_process_look_at_once(ring: Keyring, path: Path) -> None:
    held = keyring.current()
    rotated = with_new_key(ring, KeyPurpose.SEAL)
    rotated.write_over(path)
    sealed = [rotated.seal(b"Ada", context=CONTEXT) for _ in range(2)]
    assert [held.open(each, context=CONTEXT) for each in sealed] == [b"Ada", b"Ada"]
    assert keyring.current().newest(KeyPurpose.SEAL)[0] == 2


def test_a_keyring_that_somebody_holds_opens_what_has_come_since(ring: Keyring, path: Path) -> None:
    """Though another thread has read the file again meanwhile."""
    held = keyring.current()
    rotated = with_new_key(ring, KeyPurpose.SEAL)
    rotated.write_over(path)
    keyring.look_again()
    assert held is not keyring.current()
    assert held.open(rotated.seal(b"Ada", context=CONTEXT), context=CONTEXT) == b"Ada"
    third = with_new_key(rotated, KeyPurpose.SEAL, 3)
    third.write_over(path)
    assert held.open(third.seal(b"Ada", context=CONTEXT), context=CONTEXT) == b"Ada"


def test_rows_read_before_a_key_went_open_afterwards(ring: Keyring, path: Path) -> None:
    sealed = ring.seal(b"Ada", context=CONTEXT)
    rotated = with_new_key(ring, KeyPurpose.SEAL)
    replace(
        rotated, keys={**rotated.keys, KeyPurpose.SEAL: {2: rotated.keys[KeyPurpose.SEAL][2]}}
    ).write_over(path)
    keyring.look_again()
    assert set(keyring.current().keys[KeyPurpose.SEAL]) == {2}
    assert keyring.current().open(sealed, context=CONTEXT) == b"Ada"
    with pytest.raises(KeyringError):
        Keyring.read(path).open(sealed, context=CONTEXT)


@pytest.mark.parametrize("harm", ["missing", "damaged", "another"])
def test_a_file_that_is_no_good_changes_nothing(ring: Keyring, path: Path, harm: str) -> None:
    path.unlink()
    if harm == "damaged":
        path.write_text("{")
        path.chmod(0o600)
    if harm == "another":
        Keyring.generate().write(path)
    sealed = ring.seal(b"Ada", context=CONTEXT)
    assert not keyring.look_again()
    assert keyring.current().keys == ring.keys
    assert keyring.current().open(sealed, context=CONTEXT) == b"Ada"


def test_a_file_that_has_not_changed_is_not_read_again(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    known = keyring.current()
    assert not keyring.look_again()
    assert keyring.current() is known


# -- prepared keys


def test_a_prepared_key_opens_and_does_not_seal(ring: Keyring) -> None:
    rotated = with_new_key(ring, KeyPurpose.SEAL)
    prepared = replace(rotated, stage=Stage.PREPARED)
    assert int.from_bytes(prepared.seal(b"Ada", context=CONTEXT)[:2]) == 1
    assert prepared.open(rotated.seal(b"Ada", context=CONTEXT), context=CONTEXT) == b"Ada"


def test_a_prepared_key_is_used_from_the_first_value_that_another_machine_sealed_with_it(
    ring: Keyring, path: Path
) -> None:
    rotated = with_new_key(ring, KeyPurpose.SEAL)
    replace(rotated, stage=Stage.PREPARED).write_over(path)
    keyring.look_again()
    assert keyring.current().newest(KeyPurpose.SEAL)[0] == 1
    keyring.current().open(rotated.seal(b"Ada", context=CONTEXT), context=CONTEXT)
    assert keyring.current().newest(KeyPurpose.SEAL)[0] == 2


# -- changing the file


def test_what_a_file_says_beside_the_keys_is_read_back(ring: Keyring, path: Path) -> None:
    since = {KeyPurpose.SEAL: {2: datetime(2026, 3, 1, 12, tzinfo=UTC)}}
    changed = replace(with_new_key(ring, KeyPurpose.SEAL), since=since, stage=Stage.STARTED)
    changed.write_over(path)
    assert Keyring.read(path) == changed


def test_a_changed_file_is_for_the_same_owner_only(ring: Keyring, path: Path) -> None:
    if os.geteuid() == 0:
        os.chown(path, 12345, 23456)
    before = path.stat()
    ring.write_over(path)
    after = path.stat()
    assert (stat.S_IMODE(after.st_mode), after.st_uid, after.st_gid) == (0o600, before.st_uid, before.st_gid)


def test_a_link_to_the_file_stays_a_link(ring: Keyring, path: Path, tmp_path: Path) -> None:
    link = tmp_path / "link.json"
    link.symlink_to(path)
    with_new_key(ring, KeyPurpose.SEAL).write_over(link)
    assert link.is_symlink()
    assert set(Keyring.read(path).keys[KeyPurpose.SEAL]) == {1, 2}


@pytest.mark.parametrize("step", ["fsync", "fchown", "replace"])
def test_a_change_that_fails_leaves_the_file_as_it_was(
    ring: Keyring, path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    def fails(*_arguments: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "geteuid", lambda: -1)
    monkeypatch.setattr(Path if step == "replace" else os, step, fails)
    with pytest.raises(KeyringError, match="cannot be changed: No space left on device"):
        with_new_key(ring, KeyPurpose.SEAL).write_over(path)
    assert Keyring.read(path).keys == ring.keys
    assert [each.name for each in path.parent.iterdir()] == ["keyring.json"]


def test_what_a_killed_change_left_is_no_hindrance(ring: Keyring, path: Path) -> None:
    (path.parent / ".keyring.json.new").write_text("half")
    with_new_key(ring, KeyPurpose.SEAL).write_over(path)
    assert set(Keyring.read(path).keys[KeyPurpose.SEAL]) == {1, 2}


def test_a_file_that_is_not_there_is_not_made(ring: Keyring, tmp_path: Path) -> None:
    with pytest.raises(KeyringError):
        ring.write_over(tmp_path / "keyring.json")
    assert list(tmp_path.iterdir()) == []
