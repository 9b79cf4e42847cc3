"""Files packed on their way into a zip, by a packer several times as quick as the library's own.

The library has no public way to another packer, nor to something that is packed already: of the file that it
writes three attributes are set here, and nowhere else.
"""

import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from typing import IO, Any
from zlib import DEFLATED, MAX_WBITS

from isal.isal_zlib import compressobj, crc32

# Of the packer's four, 0 to 3: as small as the usual packer's third of nine.
_LEVEL = 1


class Packing:
    """Packs one file, and keeps what an archive says of it."""

    def __init__(self) -> None:
        self.size = self.checksum = 0
        self._digest = sha256()
        self._packer = compressobj(_LEVEL, DEFLATED, -MAX_WBITS)

    def pack(self, piece: bytes | bytearray) -> bytes:
        """The next piece, packed; what it comes to may come with a later one."""
        self.size += len(piece)
        self.checksum = crc32(piece, self.checksum)
        self._digest.update(piece)
        return self._packer.compress(piece)

    def rest(self) -> bytes:
        """What is left when there is no more."""
        return self._packer.flush()

    @property
    def digest(self) -> str:
        """The SHA-256 of what was packed, in hexadecimal digits."""
        return self._digest.hexdigest()


class _AsItIs:
    """In the place of a packer."""

    def compress(self, packed: bytes) -> bytes:
        return packed

    def flush(self) -> bytes:
        return b""


@contextmanager
def packed_file(archive: zipfile.ZipFile, info: zipfile.ZipInfo, packing: Packing) -> Iterator[IO[bytes]]:
    """A file of the archive to which is written what `packing` made, all of it."""
    info.compress_type = zipfile.ZIP_DEFLATED
    with archive.open(info, "w", force_zip64=True) as opened:
        member: Any = opened
        member._compressor = _AsItIs()  # noqa: SLF001
        yield member
        member._crc, member._file_size = packing.checksum, packing.size  # noqa: SLF001
