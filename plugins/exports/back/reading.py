"""Reading an archive that somebody brings. Nothing in it is believed, and no name of it is quoted."""

import json
import re
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, BinaryIO

from backoffice.imports.archives import DAMAGE, METHODS, STEP
from backoffice.language.texts import lazy
from backoffice.privacy.holdings import Subject
from backoffice.storage.public_id import is_public_id
from plugins.exports.back.lists import rows_in
from plugins.exports.back.problems import Found, Unusable
from plugins.exports.back.taken import KINDS, TAKEN
from plugins.exports.content import manifest

# Of what an export is written, and by which names.
_PLAIN = re.compile(
    r"(data|rosters)/[A-Za-z][A-Za-z0-9-]{0,80}\.(csv|json|xlsx)\Z|index\.html\Z|manifest\.json\Z"
)
_MOST_FILES = 1_000
# The list of the files at the end of a zip; zipfile reads it at once, however long a header says that it is.
_LONGEST_LIST = 1 << 18
_LARGEST_MANIFEST = 1 << 20
# What a zip may come to, in bytes. A page takes some seconds for as much, and others wait meanwhile.
UNPACKED_BY_PAGE = 192 << 20
UNPACKED_BY_COMMAND = 64 << 30
_ENCRYPTED = 0x1 | 0x40 | 0x2000

NO_ARCHIVE = lazy("This is no export of ours, or it is damaged. Choose the zip file as it was downloaded.")
OTHER_VERSION = lazy("This export was written by another version of this service, which cannot be read here.")
OF_FAMILY = lazy("This is what a parent took along. It holds no class that could be brought in.")
OF_DISTRICT = lazy("This is the export of a district. Bring in exports of its schools or classes.")
NOT_AS_SAID = lazy("The files are not those that the manifest lists.")
CHANGED = lazy("The file is not as it was written: its digest is another one.")
NO_ROWS = lazy("These are no rows that could be read.")
COUNTED_OTHERWISE = lazy("There are not as many rows as the manifest says.")
TOO_LARGE = lazy(
    "What is packed in this file is more than can be brought in here at once."
    " Bring in its classes one by one."
)
# From a district only school by school: whose class would be whose is not said.
_SUBJECTS = frozenset({Subject.STUDENT, Subject.CLASSROOM, Subject.SCHOOL, Subject.ACCOUNT})

Rows = Callable[[str], Iterator[Mapping[str, Any]]]


@dataclass(frozen=True)
class Archive:
    """What an archive has. `rows` gives those of a kind that is taken in, from the first on each time.

    `mark` is the SHA-256 by which the same one is known again. `alone` if it is of one student, which has
    less about its classes. `without` are the kinds of which there are rows that are not taken in.
    """

    rows: Rows
    mark: str
    alone: bool
    without: tuple[str, ...]


@contextmanager
def opened(file: BinaryIO, size: int, *, most: int) -> Iterator[Archive]:
    """An archive of so many bytes, checked against its manifest: its files, their digests and sizes.

    Unpacked it may have `most` bytes. It can be read until the context ends. Raises `Unusable`, here and
    while it is read.
    """
    with ExitStack() as stack:
        try:
            packed = stack.enter_context(zipfile.ZipFile(_Guarded(file, size)))
            archive = _checked(packed, most)
        except (*DAMAGE, MemoryError, RecursionError):
            raise Unusable.whole(NO_ARCHIVE) from None
        yield archive


def _checked(packed: zipfile.ZipFile, most: int) -> Archive:
    parts = _parts(packed)
    said = _manifest(packed, parts)
    _check_files(packed, parts, said["files"], most=most)
    counts: dict[str, int] = said["counts"]
    return Archive(
        lambda kind: _rows(packed, parts, counts, kind),
        sha256(packed.read(parts[manifest.FILE])).hexdigest(),
        said["scope"]["kind"] == Subject.STUDENT,
        tuple(sorted(kind for kind, rows in counts.items() if rows and kind not in TAKEN)),
    )


class _Guarded:
    """A file of which zipfile reads no more at once than a list of files has."""

    def __init__(self, file: BinaryIO, size: int) -> None:
        self._file, self._size = file, size
        self.seek, self.tell = file.seek, file.tell

    def seekable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        """Read as a file does. Raises `BadZipFile` for what is more than there can be."""
        wanted = self._size - self._file.tell() if size < 0 else size
        if wanted > _LONGEST_LIST:
            raise zipfile.BadZipFile
        return self._file.read(wanted)


def _parts(packed: zipfile.ZipFile) -> dict[str, zipfile.ZipInfo]:
    """The files by their names, each of which is there once and plain."""
    every = packed.infolist()
    found = {part.filename: part for part in every}
    # What zipfile makes of a name it says in `filename`, and what stood there in `orig_filename`.
    fine = (
        len(found) == len(every) <= _MOST_FILES
        and manifest.FILE in found
        and all(
            _PLAIN.match(part.filename)
            and part.filename == part.orig_filename
            and part.compress_type in METHODS
            and not part.flag_bits & _ENCRYPTED
            for part in every
        )
    )
    if not fine:
        raise Unusable.whole(NO_ARCHIVE)
    return found


def _manifest(packed: zipfile.ZipFile, parts: Mapping[str, zipfile.ZipInfo]) -> dict[str, Any]:
    with packed.open(parts[manifest.FILE]) as stream:
        written = b"".join(_pieces(stream.read, most=_LARGEST_MANIFEST))
    said = json.loads(written)
    if not isinstance(said, dict) or said.get("format") != manifest.FORMAT:
        raise Unusable.whole(NO_ARCHIVE)
    if said.get("version") != manifest.VERSION:
        raise Unusable.whole(OTHER_VERSION)
    scope, files, counts = (said.get(name) for name in ("scope", "files", "counts"))
    if not (isinstance(scope, dict) and _named(files, str) and _named(counts, int)):
        raise Unusable.whole(NO_ARCHIVE)
    if scope.get("for_family") is not False:
        raise Unusable.whole(OF_FAMILY)
    if scope.get("kind") == Subject.DISTRICT:
        raise Unusable.whole(OF_DISTRICT)
    if str(scope.get("kind")) not in _SUBJECTS or not is_public_id(str(scope.get("public_id"))):
        raise Unusable.whole(NO_ARCHIVE)
    return said


def _named(of: object, kind: type) -> bool:
    return isinstance(of, dict) and all(isinstance(each, kind) for each in of.values())


def _check_files(
    packed: zipfile.ZipFile, parts: Mapping[str, zipfile.ZipInfo], said: Mapping[str, str], *, most: int
) -> None:
    """Every file is listed, every listed one is there, and each is as it was written."""
    found = Found()
    if said.keys() != parts.keys() - {manifest.FILE}:
        raise Unusable.whole(NOT_AS_SAID)
    left = most
    for name, digest in said.items():
        read = sha256()
        try:
            with packed.open(parts[name]) as stream:
                for piece in _pieces(stream.read, most=left):
                    read.update(piece)
                    left -= len(piece)
        except DAMAGE:
            found.add(CHANGED, name)
            continue
        if read.hexdigest() != digest:
            found.add(CHANGED, name)
    found.refuse()


def _pieces(read: Callable[[int], bytes], *, most: int) -> Iterator[bytes]:
    """All of a file. No more than asked for is unpacked, whatever the archive says of its size."""
    while piece := read(STEP):
        most -= len(piece)
        if most < 0:
            raise Unusable.whole(TOO_LARGE)
        yield piece


def _rows(
    packed: zipfile.ZipFile,
    parts: Mapping[str, zipfile.ZipInfo],
    counts: Mapping[str, int],
    kind: str,
) -> Iterator[Mapping[str, Any]]:
    part, read, found = parts.get(file_of(kind)), 0, Found()
    if part is not None:
        with packed.open(part) as stream:
            try:
                for row in rows_in(stream.read):
                    read += 1
                    yield row
            except DAMAGE:
                found.add(NO_ROWS, file_of(kind), read + 1)
                found.refuse()
    if read != counts.get(kind, 0):
        found.add(COUNTED_OTHERWISE, file_of(kind))
        found.refuse()


def file_of(kind: str) -> str:
    """The file of which the rows of a kind are read: JSON says of a text what it is, and guards nothing."""
    return f"data/{kind}.json"


def carried(rows: Mapping[str, list[list[Any]]], mark: str, *, alone: bool, without: list[str]) -> Archive:
    """An archive again, of what `to_carry` has made of it."""

    def of(kind: str) -> Iterator[Mapping[str, Any]]:
        names = tuple(TAKEN[kind])
        return (dict(zip(names, row, strict=True)) for row in rows.get(kind, ()))

    return Archive(of, mark, alone, tuple(without))


def to_carry(archive: Archive) -> dict[str, Any]:
    """What of an archive is taken in, as JSON, with the arguments of `carried` as keys."""
    return {
        "rows": {
            kind: [[row.get(name) for name in TAKEN[kind]] for row in archive.rows(kind)] for kind in KINDS
        },
        "mark": archive.mark,
        "alone": archive.alone,
        "without": list(archive.without),
    }
