"""Writing the zip: one row at a time, to a file of which nothing is read again."""

import zipfile
from collections import defaultdict
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager, nullcontext
from dataclasses import dataclass, field
from datetime import datetime
from itertools import chain
from tempfile import TemporaryFile
from typing import Any, BinaryIO

from sqlalchemy import Select, func, select

from backoffice import clock
from backoffice.access.transaction import Transaction
from backoffice.storage.batches import Column, batches
from plugins.exports.content import manifest, page, roster, workbook
from plugins.exports.content.kinds import Field, Kind
from plugins.exports.content.manifest import Manifest
from plugins.exports.content.packing import Packing, packed_file
from plugins.exports.content.page import SMALL, Shown
from plugins.exports.content.rows import Rows, reading_of
from plugins.exports.content.scope import Scope
from plugins.exports.content.sealing import SealedFile, SealedWriter
from plugins.exports.content.values import BETWEEN, Lines, Writing, bare_lines

# So much is digested, packed and sealed at a time.
_PIECE = 256 * 1024
# Some thousand times as long as the largest school's kind takes to be written; and how soon it is noticed
# that nobody is there to read.
_LONGEST_STATEMENT, _LOOKS_FOR_ASKER = "4h", "10s"


def untold(rows: int) -> None:
    """Says nobody how far it is."""
    del rows


def write_archive(
    tx: Transaction,
    scope: Scope,
    to: BinaryIO,
    *,
    workbooks: bool = False,
    told: Callable[[int], None] = untold,
) -> Manifest:
    """Write everything about a subject as a zip, in constant memory. `to` is only written to.

    `told` hears how many rows are written so far, with each piece of a file; an error that it raises ends the
    writing. Whoever asks sees in it what their transaction sees. With `workbooks` each kind has one too.
    Raises `NothingThere`.
    """
    made_at = clock.now()
    reading = reading_of(tx, scope)
    _take_the_time_it_takes(tx)
    counts, shown = _Counts(told), list[Shown]()
    archive = Archive(to, made_at, workbooks=workbooks, looked=counts.say)
    with archive.zip:
        writing = Writing(scope)
        for rows in reading.rows:
            shown += _write_kind(tx, archive, rows, writing, counts)
        for name, lines in roster.files(tx, scope, made_at):
            with closing(lines) as found, archive.file(f"rosters/{name}") as write:
                for some in found:
                    write(bare_lines(some).encode())
        titled = page.title_of(tx, scope)
        with_roster = bool(roster.SCOPES[scope.subject])
        made = page.Page(scope, titled, made_at, shown, reading.left_out, with_roster, workbooks)
        with archive.file(page.FILE) as write:
            for piece in page.written(made):
                write(piece.encode())
        without = [(each.name, str(each.why)) for each in reading.left_out]
        said = Manifest(dict(sorted(counts.by_kind.items())), dict(archive.digests), without)
        with archive.file(manifest.FILE) as write:
            write(said.written(scope, made_at))
    return said


def _take_the_time_it_takes(tx: Transaction) -> None:
    """Let statements last: the rows of a kind are one, and it ends when they are written."""
    settings = {
        "statement_timeout": _LONGEST_STATEMENT,
        # Whoever asked may be gone before there is anything to send.
        "client_connection_check_interval": _LOOKS_FOR_ASKER,
    }
    tx.execute(select(*(func.set_config(name, value, True) for name, value in settings.items())))


class Archive:
    """A zip that grows, and the digests of the files in it. `workbooks` of whether it has them.

    `looked` is called with each piece of a file, and ends the writing by an error.
    """

    def __init__(
        self, to: BinaryIO, made_at: datetime, *, workbooks: bool, looked: Callable[[], None]
    ) -> None:
        self.workbooks, self._looked = workbooks, looked
        self.zip = zipfile.ZipFile(_Sink(to), "w")
        self.digests: dict[str, str] = {}
        self._at = made_at.timetuple()[:6]

    @contextmanager
    def file(self, name: str) -> Iterator[Callable[[bytes], None]]:
        """Write one file, piece by piece."""
        packing = Packing()
        with (
            packed_file(self.zip, self._info(name), packing) as member,
            self._pieces(packing, member.write) as write,
        ):
            yield write
        self.digests[name] = packing.digest

    @contextmanager
    def aside(self, name: str) -> Iterator[Callable[[bytes], None]]:
        """The same beside another file, which has to end before this does: an archive grows by one at a time.

        It waits, packed, where nobody can read it.
        """
        packing = Packing()
        with TemporaryFile() as waiting:
            with SealedWriter(waiting) as sealed, self._pieces(packing, sealed.write) as write:
                yield write
            length = waiting.tell()
            waiting.seek(0)
            with packed_file(self.zip, self._info(name), packing) as member:
                for piece in SealedFile(waiting, length, sealed.key).read_range():
                    member.write(piece)
        self.digests[name] = packing.digest

    def _info(self, name: str) -> zipfile.ZipInfo:
        info = zipfile.ZipInfo(name, self._at)
        info.external_attr = 0o600 << 16
        return info

    @contextmanager
    def _pieces(self, packing: Packing, to: Callable[[bytes], object]) -> Iterator[Callable[[bytes], None]]:
        """Takes a file as it comes, and gives it on packed, a large piece at a time."""
        waiting = bytearray()

        def write(piece: bytes) -> None:
            if len(piece) >= _PIECE and not waiting:
                put(piece)
                return
            # Line by line, each call costs more than what is done in it.
            waiting.extend(piece)
            if len(waiting) >= _PIECE:
                put(waiting)
                waiting.clear()

        def put(piece: bytes | bytearray) -> None:
            self._looked()
            to(packing.pack(piece))

        yield write
        put(waiting)
        to(packing.rest())


class _Sink:
    """A file that is only written to, whatever else it can."""

    def __init__(self, to: BinaryIO) -> None:
        self._to = to

    def write(self, some: bytes) -> int:
        return self._to.write(some)

    def flush(self) -> None:
        self._to.flush()

    def close(self) -> None:
        """Leave it open: it is whoever opened it who closes it."""


@dataclass
class _Counts:
    told: Callable[[int], None]
    by_kind: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    total: int = 0

    def add(self, kind: str, rows: int) -> None:
        self.by_kind[kind] += rows
        self.total += rows
        self.say()

    def say(self) -> None:
        """Say how many there are so far."""
        self.told(self.total)


def _write_kind(
    tx: Transaction, archive: Archive, rows: Rows, writing: Writing, counts: _Counts
) -> list[Shown]:
    """Write the files of a kind, if there is a row of it; with the rows themselves, if they are few.

    Both files come from one reading, so that they say the same. The second, which is the smaller one, waits
    meanwhile where nobody can read it.
    """
    with closing(_batches(tx, rows.statements)) as found:
        first = next(found, None)
        if first is None:
            return []
        return [_write_rows(archive, rows.kind, chain([first], found), writing, counts)]


def _write_rows(
    archive: Archive, kind: Kind, found: Iterable[Sequence[Column]], writing: Writing, counts: _Counts
) -> Shown:
    few: list[Sequence[Any]] | None = []
    beside = workbook.beside(archive.file, kind) if archive.workbooks else nullcontext()
    with (
        beside as book,
        archive.aside(f"data/{kind.name}.csv") as write_csv,
        archive.file(f"data/{kind.name}.json") as write_json,
    ):
        write_csv(_heading(kind.fields))
        write_json(b"[\n")
        last = ""
        for batch in found:
            columns, count = writing.columns(kind.fields, batch), len(batch[0])
            if book is not None:
                book.write(zip(*columns, strict=True))
            lines = Lines(kind.fields, columns)
            write_csv(lines.csv().encode())
            # It is one list however many batches there are: only the last line has no comma behind it.
            write_json(last.encode())
            last = lines.json()
            counts.add(kind.name, count)
            if few is not None:
                few = [*few, *zip(*columns, strict=True)] if len(few) + count <= SMALL else None
        write_json(f"{last.removesuffix(BETWEEN)}\n]\n".encode())
    return Shown(kind, counts.by_kind[kind.name], few)


def _batches(tx: Transaction, statements: Iterable[Select[Any]]) -> Generator[Sequence[Column], None, None]:
    """The rows of statements, one after the other."""
    for statement in statements:
        with closing(batches(tx.connection(), statement)) as found:
            yield from found


def _heading(fields: Sequence[Field]) -> bytes:
    """The first line of a CSV file. A byte order mark makes Excel read UTF-8."""
    names = ",".join(f'"{each.name}"' for each in fields)
    return f"\ufeff{names}\r\n".encode()
