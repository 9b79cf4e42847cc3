"""The ledger: keyed digests of what was erased, in a table and in a file outside the database.

A database that is restored from before an erasure has forgotten its table with everything else. The file has
not: `backoffice privacy replay-ledger` reads it, and erases again whatever came back. A digest says nothing
to anybody without the keyring; with it, it tells whether an identifier at hand is of something erased.
"""

import fcntl
import json
import os
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from operator import attrgetter
from pathlib import Path
from types import MappingProxyType
from typing import Any, BinaryIO
from uuid import UUID

from sqlalchemy import DateTime, Select, Text, Uuid, bindparam, exists, func, literal, select, union_all
from sqlalchemy.dialects.postgresql import Insert, insert

from backoffice.access.transaction import Transaction
from backoffice.privacy.erasure.models import ErasureMark, LedgerEnd
from backoffice.storage import about, functions, keyring
from backoffice.storage.keyring import KeyPurpose
from backoffice.storage.lists import in_lists, insertion
from backoffice.storage.marks import Marks, array_of
from backoffice.storage.prepared import PREPARED, after

FILE = "erased.jsonl"
# By what something erased is known again.
mark_of, marks_of = about.erased, about.all_erased
# What the first line's chain begins with.
BEGINNING = "0" * 64
_MARKS: Any = ErasureMark.__table__
_ENDS: Any = LedgerEnd.__table__
_NOTED = ("mark", "kind", "erasure", "noted_at")
_JSON = json.JSONEncoder(separators=(",", ":"))
_AT = DateTime(timezone=True)
# So many marks at most stand in a line.
OF_A_LINE = 500
# Longer than any line.
_TAIL = 64 * 1024


class LedgerError(Exception):
    """The ledger's file cannot be written or is not as it was written; says what to do."""


@dataclass(frozen=True)
class Line:
    """What one erasure took of one kind, or a part of it. `erasure` is the number of its receipt."""

    marks: tuple[UUID, ...]
    kind: str
    erasure: str
    at: datetime

    def told(self) -> Iterator[dict[str, Any]]:
        """As JSON: of very many marks in several lines."""
        of_all = {"at": self.at.isoformat(), "erasure": self.erasure, "kind": self.kind}
        marks = [each.hex for each in self.marks]
        if len(marks) == 1:
            yield {**of_all, "mark": marks[0]}
            return
        for start in range(0, len(marks), OF_A_LINE):
            yield {**of_all, "marks": marks[start : start + OF_A_LINE]}

    @classmethod
    def read(cls, told: Mapping[str, Any]) -> "Line":
        """From JSON. Raises `ValueError`, `KeyError` or `TypeError` for anything else."""
        marks = told["marks"] if "marks" in told else [told["mark"]]
        at = datetime.fromisoformat(told["at"])
        return cls(tuple(UUID(hex=each) for each in marks), told["kind"], told["erasure"], at)


@dataclass(frozen=True)
class End:
    """How far a file goes: `chain` is that of the line which ends at its byte `size`.

    `began` is the chain of its first line. Each machine has a file, and no two begin alike.
    """

    began: str
    size: int
    chain: str


@dataclass(frozen=True)
class Issued:
    """A receipt, so that it is still known to be ours when the database has forgotten it."""

    receipt: str
    signature: bytes
    school: int | None

    @property
    def number(self) -> str:
        """The number of the erasure that it is of."""
        return str(json.loads(self.receipt)["number"])

    def told(self) -> Iterator[dict[str, Any]]:
        """As JSON."""
        yield {"receipt": self.receipt, "school": self.school, "signature": self.signature.hex()}

    @classmethod
    def read(cls, told: Mapping[str, Any]) -> "Issued":
        """From JSON. Raises `ValueError`, `KeyError` or `TypeError` for anything else."""
        return cls(told["receipt"], bytes.fromhex(told["signature"]), told["school"])


def note(tx: Transaction, lines: Collection[Line]) -> None:
    """Put lines into the table. One that stands there already stays as it is."""
    if not lines:
        return
    alike = {(line.erasure, line.at) for line in lines}
    if len(alike) == 1:
        # All but the marks is said once. Those of a kind are in order, as the index is filled.
        ((erasure, at),) = alike
        kinds = defaultdict[str, list[UUID]](list)
        for line in lines:
            kinds[line.kind] += line.marks
        marks = {kind: sorted(these, key=attrgetter("int")) for kind, these in kinds.items()}
        tx.execute(_noting_alike(tuple(kinds)), {**marks, "erasure": erasure, "at": at})
        return
    rows = [
        {"mark": mark, "kind": line.kind, "erasure": line.erasure, "noted_at": line.at}
        for line in lines
        for mark in line.marks
    ]
    tx.execute(_noting(), in_lists(_MARKS, _NOTED, rows))


@lru_cache(maxsize=1)
def _noting() -> Insert:
    return insertion(_MARKS, _NOTED).on_conflict_do_nothing()


# Of an erasure's kinds there are few orders.
@lru_cache(maxsize=32)
def _noting_alike(kinds: tuple[str, ...]) -> Insert:
    said = (bindparam("erasure", type_=Text), bindparam("at", type_=_AT))
    parts = []
    for kind in kinds:
        mark = func.unnest(bindparam(kind, type_=Marks()), type_=Uuid()).column_valued("mark")
        parts.append(select(mark, literal(kind, type_=Text), *said))
    rows = parts[0] if len(parts) == 1 else union_all(*parts)
    return insert(_MARKS).from_select(_NOTED, rows).on_conflict_do_nothing().execution_options(**PREPARED)


def missing_of(tx: Transaction, marks: Collection[UUID]) -> set[UUID]:
    """Those of the marks that the table does not have."""
    # Called otherwise than the table's column, which would be meant in there.
    wanted = func.unnest(array_of(marks), type_=Uuid()).column_valued("wanted")
    return set(tx.scalars(select(wanted).where(~exists().where(ErasureMark.mark == wanted))))


def missing_among(tx: Transaction, marks: Mapping[str, Collection[UUID]]) -> dict[str, list[UUID]]:
    """Of marks by kind those that the table does not have; nothing of kinds of which it has all."""
    asked = [mark for these in marks.values() for mark in these]
    missing = missing_of(tx, asked) if asked else frozenset()
    found = {kind: [mark for mark in these if mark in missing] for kind, these in marks.items()}
    return {kind: these for kind, these in found.items() if these}


def count(tx: Transaction, erasure: str) -> int:
    """How many lines the table has of the erasure with this receipt."""
    of_it = select(func.count()).select_from(ErasureMark).where(ErasureMark.erasure == erasure)
    return tx.scalar(of_it) or 0


def known_ends(tx: Transaction) -> dict[str, End]:
    """How far each file goes as the database knows, by its beginning. Nobody writes to one meanwhile."""
    return {row.began: End(*row) for row in tx.rows(_ends())}


@lru_cache(maxsize=1)
def _ends() -> Select[str, int, str]:
    ends = select(LedgerEnd.began, LedgerEnd.size, LedgerEnd.chain)
    return ends.execution_options(**PREPARED, **after(functions.LEDGER_LOCKED))


def issued_already(known: Mapping[str, End], file: "LedgerFile", erasure: str) -> Issued | None:
    """The receipt of an erasure that the file has and the database, which knows these ends, does not know of.

    Whoever wrote it was killed before it was committed. Raises `LedgerError`.
    """
    if not file.is_ahead(known):
        return None
    beyond = (line for line in file.lines(known) if isinstance(line, Issued))
    return next((line for line in beyond if line.number == erasure), None)


def add(
    tx: Transaction, file: "LedgerFile", lines: Iterable[Line | Issued], known: Mapping[str, End]
) -> None:
    """Add lines to the file, and note how far it goes. The last thing that a transaction does.

    `known` is what `known_ends` has answered in this transaction. Should it not be committed, the file has
    more than the database knows. Raises `LedgerError`, also for a file that has less.
    """
    end = file.add(lines, known)
    tx.execute(_ending(), {"began": end.began, "size": end.size, "chain": end.chain})


@lru_cache(maxsize=1)
def _ending() -> Insert:
    there = insert(_ENDS)
    return there.on_conflict_do_update(
        index_elements=["began"], set_={"size": there.excluded.size, "chain": there.excluded.chain}
    )


class LedgerFile:
    """The file, to which lines are only ever added. Each is chained to the one before under the keyring."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / FILE

    def add(self, lines: Iterable[Line | Issued], known: Mapping[str, End] = MappingProxyType({})) -> End:
        """Write lines, and return how far the file goes once they are on the disk.

        `known` says how far it went at least, by its beginning. Raises `LedgerError`.
        """
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            fresh = not self._path.exists()
            handle = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
            with os.fdopen(handle, "r+b") as file:
                # Processes of one machine write one after the other.
                fcntl.flock(file, fcntl.LOCK_EX)
                self._compared(file, known)
                chain = _last_chain(file)
                for told in (each for line in lines for each in line.told()):
                    chain, written = _written(told, chain)
                    file.write(written)
                size = file.tell()
                file.flush()
                os.fsync(file.fileno())
                began = _first_chain(file)
            if fresh:
                _sync_folder(self._path.parent)
        except OSError as error:
            raise LedgerError(
                f"The ledger of erasures {self._path} cannot be written: {error.strerror}."
            ) from None
        except (ValueError, KeyError, TypeError):
            raise LedgerError(
                f"The last line of the ledger of erasures {self._path} is not as it was written."
                " Put back a good copy."
            ) from None
        return End(began, size, chain)

    def is_ahead(self, known: Mapping[str, End]) -> bool:
        """Whether it goes further than is known, as after a restore of the database.

        Raises `LedgerError` if it does not go as far as is known: it was cut, or an old copy was put back.
        """
        if not self._path.exists():
            return False
        with self._path.open("rb") as file:
            began = _first_chain(file)
            self._compared(file, known)
            size = file.seek(0, os.SEEK_END)
        return bool(began) and (began not in known or size > known[began].size)

    def _compared(self, file: BinaryIO, known: Mapping[str, End]) -> None:
        end = known.get(_first_chain(file))
        if end is not None and _chain_at(file, end.size) != end.chain:
            raise LedgerError(
                f"The ledger of erasures {self._path} is shorter than it was, or its end is another one."
                " Put back the newest copy."
            )

    @property
    def is_there(self) -> bool:
        """Whether anything was ever written, as far as this machine knows."""
        return self._path.exists()

    def lines(self, known: Mapping[str, End] = MappingProxyType({})) -> Iterator[Line | Issued]:
        """All lines that go further than is known, oldest first.

        Raises `LedgerError` at the first that is not as it was written.
        """
        if not self._path.exists():
            return
        with self._path.open("rb") as file:
            end = known.get(_first_chain(file))
            chain = BEGINNING if end is None else end.chain
            file.seek(0 if end is None else end.size)
            for number, raw in enumerate(file, 1):
                if not raw.endswith(b"\n"):
                    # Half a line, of a process that was killed: it had erased nothing yet.
                    return
                try:
                    told = json.loads(raw)
                    told.pop("chain")
                    chain, written = _written(told, chain)
                    found = Issued.read(told) if "receipt" in told else Line.read(told)
                except (ValueError, KeyError, TypeError, AttributeError):
                    raise self._damaged(number) from None
                if written != raw:
                    raise self._damaged(number)
                yield found

    def _damaged(self, number: int) -> LedgerError:
        return LedgerError(
            f"Line {number} of the ledger of erasures {self._path} is not as it was written."
            " Put back a good copy."
        )


def _written(told: Mapping[str, Any], chain: str) -> tuple[str, bytes]:
    whole = _JSON.encode(told)
    chained = keyring.current().digest(KeyPurpose.INDEX, f"ledger\0{chain}{whole}".encode()).hex()
    # As the last of its values. A school has a thousand lines, and each would be turned into JSON twice.
    return chained, f'{whole[:-1]},"chain":"{chained}"}}\n'.encode()


def _first_chain(file: BinaryIO) -> str:
    """The chain of the first line, which tells the file from those of other machines; "" if there is none."""
    file.seek(0)
    first = file.readline(_TAIL)
    return _chain_of(first) if first.endswith(b"\n") else ""


def _chain_at(file: BinaryIO, size: int) -> str | None:
    """The chain of the line that ends at this byte; None if none does."""
    start = max(0, size - _TAIL)
    file.seek(start)
    tail = file.read(size - start)
    if len(tail) < size - start or not tail.endswith(b"\n"):
        return None
    return _chain_of(tail[:-1].rpartition(b"\n")[2])


def _chain_of(line: bytes) -> str:
    try:
        return str(json.loads(line)["chain"])
    except (ValueError, KeyError, TypeError):
        return ""


def _last_chain(file: BinaryIO) -> str:
    """The chain of the last whole line, with the file cut there: half a line was never noted anywhere."""
    size = file.seek(0, os.SEEK_END)
    file.seek(max(0, size - _TAIL))
    tail = file.read()
    whole = tail.rfind(b"\n") + 1
    file.seek(size - len(tail) + whole)
    file.truncate()
    last = tail[:whole].rstrip(b"\n").rpartition(b"\n")[2]
    return str(json.loads(last)["chain"]) if last else BEGINNING


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
