"""What a worker has in hand, in a file that outlives it: the mails it took, and how far it is with each.

Written around each mail, without waiting for the disk: what was written stays when the process is killed,
and not when its machine is. Whoever sends next on this machine finds the file of a worker that has ended, and
so knows of all but one of its mails for sure whether the mail server has it. Only numbers stand in it.

What was sent is put down without waiting for the database's disk. Until it must be there, the lines stay.
"""

import fcntl
import os
import time
from collections.abc import Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from uuid import uuid4

from backoffice import clock

_TOOK, _BEGINS, _SENT = "took", "begins", "sent"
_ENDING = ".journal"
# PostgreSQL writes a commit that nobody waited for within three times `wal_writer_delay`, which is 0.2 s.
ON_DISK_AFTER = 2.0


@dataclass(frozen=True)
class Left:
    """The mails in the hands of a worker that has ended, by their numbers, and when it took them."""

    taken_at: datetime
    sent: tuple[int, ...]
    # It may have arrived.
    begun: int | None
    untried: tuple[int, ...]


class Journal:
    """The file of one process, in a folder that those of one machine share. Nobody reads one in use."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._file = _made(folder / f"{uuid4().hex}{_ENDING}")
        self._put_down_at: float | None = None

    def took(self, numbers: Collection[int], at: datetime) -> None:
        """These are in hand now."""
        self._forget_what_is_on_disk()
        self._put_down_at = None
        self._write(_TOOK, at.isoformat(), *map(str, numbers))

    def begins(self, number: int) -> None:
        """This one is being handed over."""
        self._write(_BEGINS, str(number))

    def sent(self, number: int) -> None:
        """The mail server has taken it."""
        self._write(_SENT, str(number))

    def put_down(self) -> None:
        """Nothing is in hand any more: all that was has been put down."""
        self._put_down_at = time.monotonic()

    def left(self) -> Iterator[Left]:
        """What this process may not have put down, and then what those have left that have ended.

        What is given is to be put down before the next one is asked for: then it is forgotten. It may have
        been put down before.
        """
        self._forget_what_is_on_disk()
        yield from _parsed(os.pread(self._file, os.fstat(self._file).st_size, 0))
        self.put_down()
        for path in sorted(self._folder.glob(f"*{_ENDING}")):
            yield from _of_ended(path)

    def close(self) -> None:
        """Let go of the file, for others to read if something stands in it."""
        os.close(self._file)

    def _forget_what_is_on_disk(self) -> None:
        if self._put_down_at is not None and time.monotonic() - self._put_down_at > ON_DISK_AFTER:
            os.ftruncate(self._file, 0)

    def _write(self, *words: str) -> None:
        os.write(self._file, f"{' '.join(words)}\n".encode())


def _made(path: Path) -> int:
    """A new file, locked as long as the process lives."""
    while True:
        file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        fcntl.flock(file, fcntl.LOCK_EX)
        # Somebody else may have found it unlocked, and empty, and thrown it away.
        if os.fstat(file).st_nlink:
            return file
        os.close(file)


def _of_ended(path: Path) -> Iterator[Left]:
    try:
        file = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(file)
        return
    try:
        known = os.fstat(file)
        if clock.now().timestamp() - known.st_mtime < ON_DISK_AFTER:
            # What its process put down last may still be lost. There is a next time.
            return
        yield from _parsed(os.read(file, known.st_size))
        with suppress(FileNotFoundError):
            path.unlink()
    finally:
        os.close(file)


def _parsed(content: bytes) -> Iterator[Left]:
    taken_at, taken, sent, begun = None, tuple[int, ...](), list[int](), None
    # Whoever is killed while writing leaves a line without an end.
    for line in content.decode().split("\n")[:-1]:
        word, *rest = line.split(" ")
        if word == _TOOK:
            if taken_at is not None:
                yield _left(taken_at, taken, sent, begun)
            taken_at, taken = datetime.fromisoformat(rest[0]), tuple(map(int, rest[1:]))
            sent, begun = [], None
        elif word == _BEGINS:
            begun = int(rest[0])
        elif word == _SENT:
            sent.append(int(rest[0]))
            begun = None
    if taken_at is not None:
        yield _left(taken_at, taken, sent, begun)


def _left(taken_at: datetime, taken: Collection[int], sent: Collection[int], begun: int | None) -> Left:
    done = {*sent, begun}
    return Left(taken_at, tuple(sent), begun, tuple(number for number in taken if number not in done))
