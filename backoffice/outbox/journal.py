"""What a worker has in hand, in a file that outlives it: the mails it took, and how far it is with each.

Written around each mail, without waiting for the disk: what was written stays when the process is killed, and
not when its machine is. Whoever sends next on this machine finds the file of a worker that has ended, and
so knows of all but one of its mails for sure whether the mail server has it. Only numbers stand in it.

What was sent is put down without waiting for the database's disk, but for the last of a batch, which takes
all before it along. Until it must be there, the lines stay.
Nothing here keeps a mail from being sent: a journal that cannot be written or read is done without, and the
mails are freed when their lease ends.
"""

import fcntl
import os
import time
from collections.abc import Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from uuid import uuid4

import structlog

from backoffice import clock

_TOOK, _BEGINS, _SENT = "took", "begins", "sent"
_ENDING, _BAD = ".journal", ".bad"
# PostgreSQL writes a commit that nobody waited for within three times `wal_writer_delay`, which is 0.2 s.
ON_DISK_AFTER = 2.0
_BOOT = Path("/proc/sys/kernel/random/boot_id")
_log = structlog.get_logger()


@dataclass(frozen=True)
class Left:
    """The mails in the hands of a worker that has ended, by their numbers, and when it took them.

    Of those that were `begun` nobody knows whether they have arrived.
    """

    taken_at: datetime
    sent: tuple[int, ...]
    begun: tuple[int, ...]
    untried: tuple[int, ...]


class Journal:
    """The file of one process, in a folder that those of one machine share. Nobody else reads one in use.

    Raises `OSError` where none can be made.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder, self._path = folder, folder / f"{uuid4().hex}{_ENDING}"
        self._file = _made(self._path)
        self._put_down_at: float | None = None
        self._is_whole = True

    def took(self, numbers: Collection[int], at: datetime) -> None:
        """These are in hand now. If the database undoes that, it says nothing: it is known by its moment."""
        self._forget_what_is_on_disk()
        self._put_down_at, self._is_whole = None, True
        self._write(_TOOK, _boot(), at.isoformat(), *map(str, numbers))

    def begins(self, number: int) -> None:
        """This one is being handed over."""
        self._write(_BEGINS, str(number))

    def sent(self, number: int) -> None:
        """The mail server has taken it."""
        self._write(_SENT, str(number))

    def put_down(self, *, on_disk: bool = False) -> None:
        """Nothing is in hand any more: all that was has been put down, and is on the disk if known to be."""
        self._put_down_at = time.monotonic()
        if on_disk:
            os.ftruncate(self._file, 0)

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
        with suppress(OSError):
            if not os.fstat(self._file).st_size:
                self._path.unlink()
        os.close(self._file)

    def _forget_what_is_on_disk(self) -> None:
        if self._put_down_at is not None and time.monotonic() - self._put_down_at > ON_DISK_AFTER:
            os.ftruncate(self._file, 0)

    def _write(self, *words: str) -> None:
        line = f"{' '.join(words)}\n".encode()
        if not self._is_whole:
            return
        try:
            self._is_whole = os.write(self._file, line) == len(line)
        except OSError:
            self._is_whole = False
        if not self._is_whole:
            # With a line missing, it would tell of mails that were sent that they were not tried.
            os.ftruncate(self._file, 0)
            _log.warning("journal", problem="The journal of mails cannot be written. Is the disk full?")


def opened(folder: Path) -> Journal | None:
    """A journal, or None where there can be none: mails go out all the same."""
    try:
        return Journal(folder)
    except OSError:
        _log.warning("journal", problem="No journal of mails can be made. Who owns its folder?")
        return None


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
        file = os.open(path, os.O_RDWR)
    except FileNotFoundError:
        return
    except OSError:
        _log.warning("journal", problem="A journal of mails belongs to somebody else. Delete it.")
        return
    try:
        found = _read(file)
        if found is None:
            return
        try:
            every = list(_parsed(found))
        except (ValueError, IndexError):
            _log.warning("journal", problem="A journal of mails cannot be read. It is put aside.")
            path.rename(path.with_suffix(_BAD))
            return
        yield from every
        with suppress(FileNotFoundError):
            path.unlink()
    finally:
        os.close(file)


def _read(file: int) -> bytes | None:
    """What stands in it; None while its process lives, or has ended only now."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return None
    known = os.fstat(file)
    # Whoever read it before has thrown it away, or its last commits may still be lost. There is a next time.
    if not known.st_nlink or clock.now().timestamp() - known.st_mtime < ON_DISK_AFTER:
        return None
    return os.read(file, known.st_size)


def _parsed(content: bytes) -> Iterator[Left]:
    boot, taken_at, taken, sent, begun = "", None, tuple[int, ...](), list[int](), None
    # Whoever is killed while writing leaves a line without an end.
    for line in content.decode().split("\n")[:-1]:
        word, *rest = line.split(" ")
        if word == _TOOK:
            if taken_at is not None:
                yield _left(boot, taken_at, taken, sent, begun)
            boot, taken_at, taken = rest[0], datetime.fromisoformat(rest[1]), tuple(map(int, rest[2:]))
            sent, begun = [], None
        elif word == _BEGINS:
            begun = int(rest[0])
        else:
            sent.append(int(rest[0]))
            begun = None
    if taken_at is not None:
        yield _left(boot, taken_at, taken, sent, begun)


def _left(
    boot: str, taken_at: datetime, taken: Collection[int], sent: Collection[int], begun: int | None
) -> Left:
    if boot != _boot():
        # The machine was off since: its last lines may have been lost.
        return Left(taken_at, tuple(sent), tuple(each for each in taken if each not in {*sent}), ())
    done = {*sent, begun}
    untried = tuple(number for number in taken if number not in done)
    return Left(taken_at, tuple(sent), () if begun is None else (begun,), untried)


@cache
def _boot() -> str:
    """By what this run of the machine is told from others."""
    try:
        return _BOOT.read_text().strip()
    except OSError:
        return "unknown"
