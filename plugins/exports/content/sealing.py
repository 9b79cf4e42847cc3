"""A file at rest that only its own key opens: sealed as it is written, and read in any order.

The head says what it is. Then come pieces, each sealed by itself under its place and whether it is the last:
cut off, put in another order or mixed with another file, it does not open. Every piece but the last is of one
size, so that the place of each byte can be computed.

Each file has a key of its own, used for this once and kept beside whatever names the file. Keys that seal the
database may change while the file lies there, and without its key it is destroyed wherever a copy of it is.
"""

import io
import os
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, BinaryIO, Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

PIECE = 64 * 1024
KEY = 32
_KIND = b"BOSEAL1\n"
# What sealing adds to each piece: the tag.
_ADDED = 16
_WHOLE = PIECE + _ADDED

Cipher = AESGCM | ChaCha20Poly1305


class SealBroken(Exception):
    """The file was changed, cut off or sealed by another key."""

    def __init__(self) -> None:
        super().__init__("The sealed file was changed, cut off or sealed by another key. Make it anew.")


class PieceWriter(io.RawIOBase):
    """A file to write to, once and from its beginning, of which each piece is sealed by itself.

    Its cipher is of a key that seals nothing else, so that the place of a piece may be its nonce. Until it is
    closed, what lies there does not open. Left by an error it is closed without its last piece, and never
    opens.
    """

    def __init__(self, to: "BinaryIO | PieceWriter", cipher: Cipher, *, head: bytes) -> None:
        super().__init__()
        self._to = to
        self._cipher = cipher
        self._waiting = bytearray()
        self._pieces = 0
        to.write(head)

    def writable(self) -> bool:
        """It is."""
        return True

    def write(self, some: "ReadableBuffer", /) -> int:
        """Take bytes; they are written as soon as there is a whole piece and more."""
        if self.closed:
            raise ValueError("The file is closed.")
        given = memoryview(some).cast("B")
        self._waiting += given
        done = 0
        # The last piece is known only when there is no more, so that one always waits.
        while len(self._waiting) - done > PIECE:
            self._add(bytes(self._waiting[done : done + PIECE]), last=False)
            done += PIECE
        if done:
            del self._waiting[:done]
        return len(given)

    def close(self) -> None:
        """Write the last piece. The file underneath stays open: it is whoever opened it who closes it."""
        if not self.closed:
            self._add(bytes(self._waiting), last=True)
            self._waiting.clear()
            self._to.flush()
            super().close()

    def give_up(self) -> None:
        """Close it without its last piece, so that what lies there never opens."""
        self._waiting.clear()
        super().close()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self.close()
        else:
            self.give_up()

    def __del__(self) -> None:
        # The base would close it, and make whole what was never finished.
        self._waiting.clear()

    def _add(self, plain: bytes, *, last: bool) -> None:
        self._to.write(self._cipher.encrypt(_nonce(self._pieces, last=last), plain, None))
        self._pieces += 1


def new_key() -> bytes:
    """A key for one file."""
    return os.urandom(KEY)


class SealedWriter(PieceWriter):
    """A file that only its key opens: a new one if none is given. One key never seals two files."""

    def __init__(self, to: BinaryIO, key: bytes | None = None) -> None:
        self.key = key or new_key()
        super().__init__(to, AESGCM(self.key), head=_KIND)


class SealedFile:
    """A sealed file that is read. `size` is how many bytes were written into it."""

    def __init__(self, file: BinaryIO, length: int, key: bytes) -> None:
        self._file = file
        self._cipher = AESGCM(key)
        head = file.read(len(_KIND))
        sealed = length - len(_KIND)
        self._pieces = -(-sealed // _WHOLE)
        self.size = sealed - self._pieces * _ADDED
        if head != _KIND or self._pieces < 1 or self.size < 0:
            raise SealBroken
        # One that was cut off is noticed before the first byte of it is given to anybody.
        self._open(self._pieces - 1)

    def read_range(self, start: int = 0, stop: int | None = None) -> Iterator[bytes]:
        """The bytes from `start` to before `stop`, piece by piece. Raises `SealBroken`."""
        end = self.size if stop is None else min(stop, self.size)
        at = max(start, 0)
        while at < end:
            number, offset = divmod(at, PIECE)
            some = self._open(number)[offset : offset + end - at]
            if not some:
                raise SealBroken
            yield some
            at += len(some)

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_failure: object) -> None:
        self.close()

    def _open(self, number: int) -> bytes:
        self._file.seek(len(_KIND) + number * _WHOLE)
        sealed = self._file.read(_WHOLE)
        try:
            return self._cipher.decrypt(_nonce(number, last=number == self._pieces - 1), sealed, None)
        except InvalidTag:
            raise SealBroken from None


def open_sealed(path: Path, key: bytes) -> SealedFile:
    """Open a sealed file. Raises `SealBroken`, and `OSError` where there is none."""
    file = path.open("rb")
    try:
        return SealedFile(file, os.fstat(file.fileno()).st_size, key)
    except BaseException:
        file.close()
        raise


def _nonce(number: int, *, last: bool) -> bytes:
    """As in STREAM (Hoang, Reyhanitabar, Rogaway and Vizar, 2015), and as age writes it."""
    return number.to_bytes(11, "big") + bytes([last])
