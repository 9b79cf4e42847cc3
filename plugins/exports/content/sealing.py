"""Files that only the keyring opens."""

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Self

from backoffice.storage import keyring

CONTEXT = "exports.file"
PIECE = 1 << 16


class SealedWriter(io.RawIOBase):
    """A binary sink whose content lies sealed in a file. It cannot be sought in."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path, self._content = path, bytearray()

    def __enter__(self) -> Self:
        return self

    def writable(self) -> bool:
        """Yes."""
        return True

    def write(self, piece: object) -> int:
        """Take a piece."""
        taken = bytes(piece)  # type: ignore[call-overload]
        self._content += taken
        return len(taken)

    def close(self) -> None:
        """Seal what was written."""
        if not self.closed:
            sealed = keyring.current().seal(bytes(self._content), context=CONTEXT)
            self._path.write_bytes(sealed)
        super().close()


class SealedReader:
    """What lies sealed in a file."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    @property
    def size(self) -> int:
        """How many bytes it is in the clear."""
        return len(self._content)

    def read_range(self, start: int, stop: int) -> Iterator[bytes]:
        """The bytes from `start` up to `stop`, some at a time."""
        for at in range(start, stop, PIECE):
            yield self._content[at : min(at + PIECE, stop)]


def open_sealed(path: Path) -> SealedReader:
    """Open a sealed file."""
    return SealedReader(keyring.current().open(path.read_bytes(), context=CONTEXT))
