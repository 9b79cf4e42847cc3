"""The log's files: one for each half of a day, so that none holds a line much younger than its oldest.

Several processes write the same file. Whichever writes first in a new half of the day puts the old file
aside, under a lock, and deletes files that are older than they are kept; the others go on in the new one.
"""

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import IO

from sqlalchemy.exc import SQLAlchemyError

from backoffice import clock
from backoffice.privacy.retention.kinds import Kind

# By whoever writes the first line of half a day, and on the machine of a worker by the job of retention.
LOG_FILES = Kind("log-files", by="retention.run")
KINDS = (LOG_FILES,)
CURRENT = "web.log"
OURS = "web*.log"
PART = timedelta(hours=12)


class LogFile:
    """What is written to goes to the file of the half day that it is."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._file: IO[str] | None = None
        self._until = datetime.min.replace(tzinfo=UTC)

    def write(self, text: str) -> int:
        """Append a text, whole lines of which several processes may write at once."""
        now = clock.now()
        if self._file is None or now >= self._until:
            self._begin(now)
        assert self._file is not None
        return self._file.write(text)

    def flush(self) -> None:
        """Lines are handed on as they are written."""
        if self._file is not None:
            self._file.flush()

    def close(self) -> None:
        """Let go of the file. What is written afterwards opens it again."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _begin(self, now: datetime) -> None:
        self.close()
        put_aside(self._folder, now)
        # Line buffered and appended to: several processes may write the same file.
        self._file = (self._folder / CURRENT).open("a", buffering=1, encoding="utf-8")
        self._until = _part(now) + PART
        # How long files are kept, the database knows. Where it is away, lines are written all the same, and
        # the next half of the day tries again.
        with suppress(SQLAlchemyError, OSError):
            forget(self._folder, before=LOG_FILES.before(now))


def put_aside(folder: Path, now: datetime) -> None:
    """Give the current file the name of its half day, if that is over."""
    current = folder / CURRENT
    with _alone(folder):
        if not current.exists() or not current.stat().st_size:
            return
        part = _part(_written(current))
        if part < _part(now):
            current.rename(_free(folder, f"web-{part:%Y-%m-%dT%H}"))


def forget(folder: Path, *, before: datetime) -> int:
    """Delete the files whose last line was written before a moment; how many.

    Never the current one, which somebody may have open: it is put aside before it comes of age.
    """
    gone = 0
    with _alone(folder):
        for each in _files(folder):
            if each.name != CURRENT and _written(each) < before:
                each.unlink(missing_ok=True)
                gone += 1
    return gone


def due(folder: Path, *, before: datetime) -> int:
    """How many files that would be."""
    return sum(_written(each) < before for each in _files(folder))


def oldest_line(folder: Path) -> datetime | None:
    """When the oldest line of all files was written, if there is any."""
    return min((found for each in _files(folder) if (found := _first_line(each))), default=None)


def _files(folder: Path) -> list[Path]:
    return sorted(each for each in folder.glob(OURS) if each.is_file()) if folder.is_dir() else []


def _written(file: Path) -> datetime:
    return datetime.fromtimestamp(file.stat().st_mtime, UTC)


def _first_line(file: Path) -> datetime | None:
    with file.open(encoding="utf-8", errors="replace") as opened:
        line = opened.readline()
    with suppress(ValueError, KeyError, TypeError):
        return datetime.fromisoformat(json.loads(line)["timestamp"]).astimezone(UTC)
    return _written(file) if line else None


def _part(moment: datetime) -> datetime:
    day = moment.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return day + (moment - day) // PART * PART


def _free(folder: Path, name: str) -> Path:
    """A name that no file has: a clock may have been set back."""
    names = (f"{name}.log", *(f"{name}-{number}.log" for number in range(2, 1000)))
    return next(path for each in names if not (path := folder / each).exists())


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    opened = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(opened, fcntl.LOCK_EX)
        yield
    finally:
        os.close(opened)
