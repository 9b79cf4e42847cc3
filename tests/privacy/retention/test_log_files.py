"""Log files of half a day each, which several processes write, and which go by age."""

import json
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import structlog
import time_machine
from sqlalchemy.exc import OperationalError

from backoffice import clock
from backoffice.privacy.retention import in_force, log_files
from backoffice.privacy.retention.log_files import LOG_FILES, LogFile
from backoffice.privacy.retention.policy import Policy
from backoffice.web import logs

Open = Callable[[], LogFile]
MORNING = datetime(2027, 6, 15, 9, 30, tzinfo=UTC)


@pytest.fixture
def as_before() -> Iterator[None]:
    yield
    structlog.get_config()["logger_factory"]()._file.close()
    structlog.reset_defaults()


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Open]:
    made: list[LogFile] = []

    def new() -> LogFile:
        made.append(LogFile(tmp_path))
        return made[-1]

    yield new
    for each in made:
        each.close()


def written(log: LogFile, folder: Path, at: datetime, line: str) -> None:
    """A line at a moment."""
    with time_machine.travel(at, tick=False):
        log.write(f"{line}\n")
    stamp(folder / log_files.CURRENT, at)


def stamp(file: Path, at: datetime) -> None:
    """Files are stamped by the machine and not by our clock."""
    os.utime(file, (at.timestamp(), at.timestamp()))


def names(folder: Path) -> list[str]:
    return sorted(each.name for each in folder.iterdir())


def test_each_half_of_a_day_has_its_file(tmp_path: Path, opened: Open) -> None:
    log = opened()
    for hours in (0, 1, 3, 14, 15, 38):
        written(log, tmp_path, MORNING + timedelta(hours=hours), f"line {hours}")
    assert names(tmp_path) == [
        "web-2027-06-15T00.log",
        "web-2027-06-15T12.log",
        "web-2027-06-16T00.log",
        "web.log",
    ]
    assert (tmp_path / "web-2027-06-15T00.log").read_text() == "line 0\nline 1\n"
    assert (tmp_path / "web.log").read_text() == "line 38\n"


def test_of_several_writers_no_line_is_lost(tmp_path: Path, opened: Open) -> None:
    many = [opened() for _ in range(8)]
    before = clock.now() - log_files.PART - timedelta(hours=1)
    for number, log in enumerate(many):
        written(log, tmp_path, before, f"before {number}")
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: many[number].write(f"after {number}\n"), range(8)))
    lines = [line for name in names(tmp_path) for line in (tmp_path / name).read_text().splitlines()]
    assert sorted(lines) == sorted(f"{when} {number}" for when in ("before", "after") for number in range(8))
    assert len(names(tmp_path)) == 2


def test_a_file_that_stopped_long_ago_is_put_aside_by_whoever_begins(tmp_path: Path, opened: Open) -> None:
    written(opened(), tmp_path, MORNING, "old")
    written(opened(), tmp_path, MORNING + timedelta(days=3), "new")
    assert names(tmp_path) == ["web-2027-06-15T00.log", "web.log"]


def test_a_clock_that_is_set_back_overwrites_nothing(tmp_path: Path, opened: Open) -> None:
    (tmp_path / "web-2027-06-15T00.log").write_text("there\n")
    stamp(tmp_path / "web-2027-06-15T00.log", MORNING)
    log = opened()
    written(log, tmp_path, MORNING, "first")
    written(log, tmp_path, MORNING + timedelta(hours=9), "second")
    assert names(tmp_path) == ["web-2027-06-15T00-2.log", "web-2027-06-15T00.log", "web.log"]


def test_old_files_go_and_younger_ones_stay(tmp_path: Path, opened: Open) -> None:
    border = LOG_FILES.before(MORNING)
    for name, age in (("web-a.log", -1), ("web-b.log", 0), ("web-c.log", 1), ("access.log", -1)):
        (tmp_path / name).write_text("x\n")
        stamp(tmp_path / name, border + timedelta(seconds=age))
    assert log_files.due(tmp_path, before=border) == 1
    written(opened(), tmp_path, MORNING, "now")
    assert names(tmp_path) == ["access.log", "web-b.log", "web-c.log", "web.log"]
    assert log_files.forget(tmp_path, before=border) == 0


def test_lines_are_written_while_the_database_is_away(
    tmp_path: Path, opened: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[bool] = []

    def away() -> Policy:
        asked.append(True)
        raise OperationalError("select", None, ConnectionError())

    monkeypatch.setattr(in_force, "current", away)
    log = opened()
    for line in ("first", "second"):
        written(log, tmp_path, MORNING, line)
    assert (tmp_path / log_files.CURRENT).read_text() == "first\nsecond\n"
    # Nobody waits for the database at every line.
    assert len(asked) == 1


def test_the_oldest_line_is_that_of_the_first_file(tmp_path: Path, as_before: None) -> None:
    assert log_files.oldest_line(tmp_path) is None
    assert log_files.oldest_line(tmp_path / "nowhere") is None
    logs.configure(tmp_path)
    logs.logger.info("request")
    line = json.loads((tmp_path / "web.log").read_text())
    told = datetime.fromisoformat(line["timestamp"])
    assert log_files.oldest_line(tmp_path) == told
    logs.logger.info("request")
    assert log_files.oldest_line(tmp_path) == told
