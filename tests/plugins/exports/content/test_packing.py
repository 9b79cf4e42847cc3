"""What is packed on its way into a zip is what every other program unpacks."""

import io
import zipfile
import zlib
from hashlib import sha256

import pytest

from plugins.exports.content.packing import Packing, packed_file

LINES = "".join(
    f'"{n}","{n % 25} students of a class","2026-11-29T08:15:00Z"\r\n' for n in range(20_000)
).encode()
MOST_BESIDE_ZLIB = 1.3


@pytest.mark.parametrize("text", [LINES, b"", b"x"], ids=["many", "none", "one"])
def test_others_unpack_it(text: bytes) -> None:
    to, packing = io.BytesIO(), Packing()
    with (
        zipfile.ZipFile(to, "w") as archive,
        packed_file(archive, zipfile.ZipInfo("a.csv"), packing) as member,
    ):
        for at in range(0, len(text), 50_000):
            member.write(packing.pack(text[at : at + 50_000]))
        member.write(packing.rest())
    with zipfile.ZipFile(to) as archive:
        info = archive.getinfo("a.csv")
        assert archive.testzip() is None
        assert archive.read("a.csv") == text
        assert (info.CRC, info.file_size, info.compress_type) == (
            zlib.crc32(text),
            len(text),
            zipfile.ZIP_DEFLATED,
        )
    assert packing.digest == sha256(text).hexdigest()
    assert len(to.getvalue()) < len(zlib.compress(text, 3)) * MOST_BESIDE_ZLIB + 500
