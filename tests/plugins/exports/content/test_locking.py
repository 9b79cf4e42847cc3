"""Locked files: any program that knows age opens them with the passphrase, and with nothing else."""

import io
from pathlib import Path

import pyrage
import pytest

from plugins.exports.content import locking
from plugins.exports.content.locking import LockedWriter
from plugins.exports.content.sealing import PIECE, SealedWriter, new_key, open_sealed

PASSPHRASE = "maple umbrella täglich 雨"


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """A guess costs nothing here."""
    monkeypatch.setattr(locking, "_WORK", 4)


def locked(path: Path, content: bytes, step: int = 1000) -> bytes:
    with path.open("wb") as file, SealedWriter(file) as to, LockedWriter(to, PASSPHRASE) as lock:
        for start in range(0, len(content), step):
            lock.write(content[start : start + step])
    with open_sealed(path, to.key) as found:
        return b"".join(found.read_range())


@pytest.mark.parametrize("size", [0, 1, PIECE - 1, PIECE, PIECE + 1, 2 * PIECE, 3 * PIECE + 7])
@pytest.mark.parametrize("step", [1000, PIECE, 5 * PIECE])
def test_the_passphrase_opens_it(runtime: object, tmp_path: Path, size: int, step: int) -> None:
    content = bytes(number % 251 for number in range(size))
    made = locked(tmp_path / "file", content, step)
    assert made.startswith(b"age-encryption.org/v1\n-> scrypt ")
    assert pyrage.passphrase.decrypt(made, PASSPHRASE) == content


def test_nothing_else_opens_it(runtime: object, tmp_path: Path) -> None:
    made = locked(tmp_path / "file", b"Amber Applewood")
    assert b"Amber" not in made
    for wrong in (PASSPHRASE[:-1], PASSPHRASE.upper(), "", "x"):
        with pytest.raises(pyrage.DecryptError):
            pyrage.passphrase.decrypt(made, wrong)


def test_no_two_are_alike(runtime: object, tmp_path: Path) -> None:
    first, second = (locked(tmp_path / name, b"the same") for name in "ab")
    assert first[:40] != second[:40] or first[40:] != second[40:]
    assert first[-24:] != second[-24:]


@pytest.mark.parametrize("at", [-1, 30, 60, 140, 200, PIECE])
def test_a_changed_byte_is_noticed(runtime: object, tmp_path: Path, at: int) -> None:
    made = bytearray(locked(tmp_path / "file", bytes(2 * PIECE)))
    made[at] ^= 1
    with pytest.raises(pyrage.DecryptError):
        pyrage.passphrase.decrypt(bytes(made), PASSPHRASE)


def test_one_that_was_cut_off_does_not_open(runtime: object, tmp_path: Path) -> None:
    made = locked(tmp_path / "file", bytes(2 * PIECE))
    for left in (len(made) - 1, len(made) - PIECE - 16, 200):
        with pytest.raises(pyrage.DecryptError):
            pyrage.passphrase.decrypt(made[:left], PASSPHRASE)


def test_what_an_error_interrupted_never_opens(runtime: object, tmp_path: Path) -> None:
    path = tmp_path / "file"

    key = new_key()

    def interrupted() -> None:
        with path.open("wb") as file, SealedWriter(file, key) as to, LockedWriter(to, PASSPHRASE) as lock:
            lock.write(bytes(3 * PIECE))
            raise RuntimeError

    with pytest.raises(RuntimeError):
        interrupted()
    with pytest.raises(Exception, match="sealed file"):
        open_sealed(path, key)


def test_a_guess_costs_as_much_as_with_age_itself(runtime: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    to = io.BytesIO()
    with LockedWriter(to, PASSPHRASE) as lock:
        lock.write(b"all of it")
    assert to.getvalue().splitlines()[1].endswith(b" 18")
    assert pyrage.passphrase.decrypt(to.getvalue(), PASSPHRASE) == b"all of it"
