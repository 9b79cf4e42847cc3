"""A sealed file: not readable in the clear, read by ranges, and noticed when somebody was at it."""

import io
import os
from pathlib import Path

import pytest

from plugins.exports.content.sealing import PIECE, SealBroken, SealedWriter, new_key, open_sealed

HEAD, WHOLE = 8, PIECE + 16
KEY = new_key()
SIZES = (0, 1, PIECE - 1, PIECE, PIECE + 1, 3 * PIECE, 3 * PIECE + 17)


def sealed(path: Path, content: bytes, step: int = 5_000, key: bytes = KEY) -> Path:
    with path.open("wb") as file, SealedWriter(file, key) as writer:
        for start in range(0, len(content), step):
            writer.write(content[start : start + step])
    return path


def whole(path: Path) -> bytes:
    with open_sealed(path, KEY) as opened:
        return b"".join(opened.read_range())


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("step", [4_321, 10 * PIECE])
def test_what_was_written_is_read(tmp_path: Path, size: int, step: int) -> None:
    content = os.urandom(size)
    path = sealed(tmp_path / "file", content, step)
    with open_sealed(path, KEY) as opened:
        assert opened.size == size
    assert whole(path) == content


@pytest.mark.parametrize("size", SIZES)
def test_ranges_are_slices(tmp_path: Path, size: int) -> None:
    content = os.urandom(size)
    places = sorted({0, 1, 5, PIECE - 1, PIECE, PIECE + 1, 2 * PIECE, size - 1, size, size + 9} - {-1})
    with open_sealed(sealed(tmp_path / "file", content), KEY) as opened:
        for start in places:
            for stop in (*places, None):
                assert b"".join(opened.read_range(start, stop)) == content[start:stop], (start, stop)


def test_nothing_lies_in_the_clear(tmp_path: Path) -> None:
    content = b"Wilhelmina Quartermaine\n" * 9_000
    lying = sealed(tmp_path / "file", content).read_bytes()
    assert b"Wilhelmina" not in lying
    again = sealed(tmp_path / "again", content, key=new_key())
    assert again.read_bytes()[HEAD:] != lying[HEAD:]
    # Whoever has the file and lost its key has nothing.
    with pytest.raises(SealBroken):
        whole(again)


def test_each_file_has_a_key_of_its_own() -> None:
    first, second = SealedWriter(io.BytesIO()), SealedWriter(io.BytesIO())
    assert first.key != second.key


def test_a_changed_byte_is_noticed(tmp_path: Path) -> None:
    path = sealed(tmp_path / "file", os.urandom(2 * PIECE + 100))
    lying = path.read_bytes()
    for at in (0, 7, HEAD, HEAD + 5, HEAD + WHOLE + 50, len(lying) - 1):
        path.write_bytes(lying[:at] + bytes([lying[at] ^ 1]) + lying[at + 1 :])
        with pytest.raises(SealBroken):
            whole(path)


@pytest.mark.parametrize("left", [0, 10, HEAD, HEAD + 30, HEAD + WHOLE, HEAD + 2 * WHOLE, HEAD + WHOLE + 90])
def test_one_that_was_cut_off_is_noticed_at_once(tmp_path: Path, left: int) -> None:
    path = sealed(tmp_path / "file", os.urandom(2 * PIECE + 100))
    path.write_bytes(path.read_bytes()[:left])
    with pytest.raises(SealBroken):
        open_sealed(path, KEY)


def test_pieces_in_another_order_or_of_another_file_are_noticed(tmp_path: Path) -> None:
    one = sealed(tmp_path / "one", os.urandom(3 * PIECE + 100))
    other = sealed(tmp_path / "other", os.urandom(3 * PIECE + 100), key=new_key())
    lying, theirs = one.read_bytes(), other.read_bytes()
    first, second = lying[HEAD : HEAD + WHOLE], lying[HEAD + WHOLE : HEAD + 2 * WHOLE]
    for changed in (
        lying[:HEAD] + second + first + lying[HEAD + 2 * WHOLE :],
        lying[:HEAD] + theirs[HEAD:],
        lying[:HEAD] + theirs[HEAD : HEAD + WHOLE] + lying[HEAD + WHOLE :],
        lying + lying[-130:],
    ):
        one.write_bytes(changed)
        with pytest.raises(SealBroken):
            whole(one)


def test_what_an_error_interrupted_never_opens(tmp_path: Path) -> None:
    path = tmp_path / "file"
    with path.open("wb") as file, pytest.raises(ZeroDivisionError), SealedWriter(file, KEY) as writer:
        writer.write(b"x" * (2 * PIECE))
        1 / 0  # noqa: B018
    with pytest.raises(SealBroken):
        open_sealed(path, KEY)
    forgotten = io.BytesIO()
    SealedWriter(forgotten).write(b"x")
    assert len(forgotten.getvalue()) == HEAD
