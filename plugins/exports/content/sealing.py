"""A file at rest that only the keyring opens: sealed as it is written, and read in any order.

The head says what it is and carries a random mark. Then come pieces, each sealed by itself with the mark, its
place and whether it is the last: cut off, put in another order or mixed with another file, it does not open.
Every piece but the last is of one size, so that the place of each byte can be computed.
"""

import io
import os
from abc import abstractmethod
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, BinaryIO, Self

from backoffice.storage import keyring
from backoffice.storage.keyring import KeyringError

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

PIECE = 64 * 1024
_KIND = b"BOSEAL1\n"
_MARK = 16
_HEAD = len(_KIND) + _MARK
# What sealing adds to each piece: the number of the key, the nonce and the tag.
_ADDED = 2 + 12 + 16
_WHOLE = PIECE + _ADDED


class SealBroken(Exception):
    """The file was changed, cut off or sealed by another keyring."""

    def __init__(self) -> None:
        super().__init__("The sealed file was changed, cut off or sealed by another keyring. Make it anew.")


class PieceWriter(io.RawIOBase):
    """A file to write to, once and from its beginning, of which each piece is made safe by itself.

    Until it is closed, what lies there does not open. Left by an error it is closed without its last piece,
    and never opens.
    """

    def __init__(self, to: "BinaryIO | PieceWriter") -> None:
        super().__init__()
        self._to = to
        self._waiting = bytearray()
        self._pieces = 0

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
        self._to.write(self.made_safe(plain, self._pieces, last=last))
        self._pieces += 1

    @abstractmethod
    def made_safe(self, plain: bytes, number: int, *, last: bool) -> bytes:
        """A piece as it is to lie there; `number` counts from 0."""


class SealedWriter(PieceWriter):
    """A file that only the keyring opens."""

    def __init__(self, to: BinaryIO) -> None:
        super().__init__(to)
        self._mark = os.urandom(_MARK)
        to.write(_KIND + self._mark)

    def made_safe(self, plain: bytes, number: int, *, last: bool) -> bytes:
        """A piece, sealed."""
        return keyring.current().seal(plain, context=_context(self._mark, number, last=last))


class SealedFile:
    """A sealed file that is read. `size` is how many bytes were written into it."""

    def __init__(self, file: BinaryIO, length: int) -> None:
        self._file = file
        head = file.read(_HEAD)
        sealed = length - _HEAD
        self._pieces = -(-sealed // _WHOLE)
        self.size = sealed - self._pieces * _ADDED
        if len(head) != _HEAD or not head.startswith(_KIND) or self._pieces < 1 or self.size < 0:
            raise SealBroken
        self._mark = head[len(_KIND) :]
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
        self._file.seek(_HEAD + number * _WHOLE)
        sealed = self._file.read(_WHOLE)
        context = _context(self._mark, number, last=number == self._pieces - 1)
        try:
            return keyring.current().open(sealed, context=context)
        except KeyringError:
            raise SealBroken from None


def open_sealed(path: Path) -> SealedFile:
    """Open a sealed file. Raises `SealBroken`, and `OSError` where there is none."""
    file = path.open("rb")
    try:
        return SealedFile(file, os.fstat(file.fileno()).st_size)
    except BaseException:
        file.close()
        raise


def _context(mark: bytes, number: int, *, last: bool) -> str:
    return f"exports.file {mark.hex()} {number} {'last' if last else 'more'}"
