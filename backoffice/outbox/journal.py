"""What a worker has in hand, in a file that outlives it: the mails it took, and how far it is with each.

Written around each mail, without waiting for the disk: what was written stays when the process is killed,
and not when its machine is. Whoever sends next on this machine finds the file of a worker that has ended, and
so knows of all but one of its mails for sure whether the mail server has it. Only numbers stand in it.
"""

import fcntl
import os
from collections.abc import Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from uuid import uuid4

_TOOK, _BEGINS, _SENT = "took", "begins", "sent"
_ENDING = ".journal"


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

    def took(self, numbers: Collection[int], at: datetime) -> None:
        """These are in hand now."""
        self._write(_TOOK, at.isoformat(), *map(str, numbers))

    def begins(self, number: int) -> None:
        """This one is being handed over."""
        self._write(_BEGINS, str(number))

    def sent(self, number: int) -> None:
        """The mail server has taken it."""
        self._write(_SENT, str(number))

    def clear(self) -> None:
        """Nothing is in hand any more: all that was has been put down."""
        os.ftruncate(self._file, 0)

    def left(self) -> Iterator[Left]:
        """What this process has not put down, and then what those have left that have ended.

        What is given is to be put down before the next one is asked for: then it is forgotten.
        """
        own = _parsed(os.pread(self._file, os.fstat(self._file).st_size, 0))
        if own is not None:
            yield own
        self.clear()
        for path in sorted(self._folder.glob(f"*{_ENDING}")):
            yield from _of_ended(path)

    def close(self) -> None:
        """Let go of the file, for others to read if something stands in it."""
        os.close(self._file)

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
        left = _parsed(os.read(file, os.fstat(file).st_size))
        if left is not None:
            yield left
        with suppress(FileNotFoundError):
            path.unlink()
    finally:
        os.close(file)


def _parsed(content: bytes) -> Left | None:
    taken_at, taken, sent, begun = None, tuple[int, ...](), list[int](), None
    # Whoever is killed while writing leaves a line without an end.
    for line in content.decode().split("\n")[:-1]:
        word, *rest = line.split(" ")
        if word == _TOOK:
            taken_at, taken = datetime.fromisoformat(rest[0]), tuple(map(int, rest[1:]))
            sent, begun = [], None
        elif word == _BEGINS:
            begun = int(rest[0])
        elif word == _SENT:
            sent.append(int(rest[0]))
            begun = None
    if taken_at is None:
        return None
    untried = tuple(number for number in taken if number not in {*sent, begun})
    return Left(taken_at, tuple(sent), begun, untried)
