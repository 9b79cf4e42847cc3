"""What workers note of the mails in their hands: read by whoever comes after, and by nobody before."""

import os
from pathlib import Path

import pytest

from backoffice import clock
from backoffice.outbox import journal as journals
from backoffice.outbox.journal import ON_DISK_AFTER, Journal, Left

NOW = clock.now()


def begun(folder: Path, *steps: tuple[str, int]) -> Journal:
    """A journal of a worker with the mails 1 to 4, after these steps."""
    journal = Journal(folder)
    journal.took([1, 2, 3, 4], NOW)
    for step, number in steps:
        getattr(journal, step)(number)
    return journal


def aged(folder: Path) -> None:
    """Nothing was written to the journals for as long as the database needs."""
    for path in folder.glob("*.journal"):
        at = path.stat().st_mtime - ON_DISK_AFTER - 1
        os.utime(path, (at, at))


def left_by(folder: Path, *steps: tuple[str, int]) -> None:
    """What a worker leaves that ended after these steps, some seconds ago."""
    begun(folder, *steps).close()
    aged(folder)


def test_a_worker_that_ended_leaves_how_far_it_was(tmp_path: Path) -> None:
    left_by(tmp_path, ("begins", 1), ("sent", 1), ("begins", 2), ("begins", 3))
    after = Journal(tmp_path)
    # What became of the second is put down in the database: it was not sent, and is not in hand any more.
    assert list(after.left()) == [Left(NOW, (1,), (3,), (2, 4))]
    assert list(after.left()) == []
    after.close()


def test_one_that_lives_is_read_by_nobody(tmp_path: Path) -> None:
    lives, other = begun(tmp_path, ("begins", 1), ("sent", 1)), Journal(tmp_path)
    aged(tmp_path)
    assert list(other.left()) == []
    assert list(lives.left()) == [Left(NOW, (1,), (), (2, 3, 4))]
    lives.close()
    other.close()


def test_what_is_not_put_down_stays(tmp_path: Path) -> None:
    left_by(tmp_path, ("begins", 1))
    after = Journal(tmp_path)
    # Whoever reads it dies: the next thing is not asked for.
    assert next(after.left()).begun == (1,)
    assert [left.begun for left in after.left()] == [(1,)]
    after.close()


def test_what_was_put_down_stays_until_it_is_on_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = Left(NOW, (1,), (), (2, 3, 4)), Left(NOW, (), (), (5,))
    journal = begun(tmp_path, ("begins", 1), ("sent", 1))
    journal.put_down()
    assert list(journal.left()) == [first]
    journal.took([5], NOW)
    assert list(journal.left()) == [first, second]
    monkeypatch.setattr(journals, "ON_DISK_AFTER", -1.0)
    assert list(journal.left()) == []
    journal.took([5], NOW)
    assert list(journal.left()) == [second]
    journal.close()


def test_what_is_known_to_be_on_the_disk_is_forgotten_at_once(tmp_path: Path) -> None:
    journal = begun(tmp_path, ("begins", 1), ("sent", 1))
    journal.put_down()
    journal.took([5], NOW)
    journal.put_down(on_disk=True)
    assert list(journal.left()) == []
    journal.took([6], NOW)
    assert list(journal.left()) == [Left(NOW, (), (), (6,))]
    journal.close()


def test_one_of_a_worker_that_ended_this_moment_is_read_later(tmp_path: Path) -> None:
    begun(tmp_path, ("begins", 1)).close()
    after = Journal(tmp_path)
    assert list(after.left()) == []
    aged(tmp_path)
    assert [left.begun for left in after.left()] == [(1,)]
    after.close()


def test_a_line_that_was_cut_off_says_nothing(tmp_path: Path) -> None:
    left_by(tmp_path, ("begins", 1))
    (path,) = tmp_path.glob("*.journal")
    path.write_bytes(path.read_bytes() + b"sent 1")
    aged(tmp_path)
    after = Journal(tmp_path)
    assert list(after.left()) == [Left(NOW, (), (1,), (2, 3, 4))]
    after.close()


def test_nobody_else_may_read_the_file(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    (path,) = tmp_path.glob("*.journal")
    assert path.stat().st_mode & 0o777 == 0o600
    journal.close()


@pytest.mark.parametrize("garbled", [b"begins 12sent 12\n", b"took\n", b"\xff\n"])
def test_one_that_cannot_be_read_is_put_aside_and_stops_no_other(tmp_path: Path, garbled: bytes) -> None:
    left_by(tmp_path, ("begins", 1))
    (path,) = tmp_path.glob("*.journal")
    path.write_bytes(path.read_bytes() + garbled)
    left_by(tmp_path, ("begins", 2))
    aged(tmp_path)
    after = Journal(tmp_path)
    assert [left.begun for left in after.left()] == [(2,)]
    assert [each.suffix for each in tmp_path.iterdir() if each.suffix != ".journal"] == [".bad"]
    assert list(after.left()) == []
    after.close()


def test_after_the_machine_was_off_only_what_was_sent_is_sure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    left_by(tmp_path, ("begins", 1), ("sent", 1), ("begins", 2))
    monkeypatch.setattr(journals, "_boot", lambda: "another")
    after = Journal(tmp_path)
    assert list(after.left()) == [Left(NOW, (1,), (2, 3, 4), ())]
    after.close()


def test_a_full_disk_is_worse_than_no_journal_at_no_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = begun(tmp_path, ("begins", 1), ("sent", 1), ("begins", 2))

    def full(*_args: object) -> int:
        raise OSError

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", full)
        journal.sent(2)
    journal.begins(3)
    journal.close()
    aged(tmp_path)
    after = Journal(tmp_path)
    # Else the second would pass for one that was not tried.
    assert list(after.left()) == []
    after.close()


def test_without_a_folder_there_is_no_journal(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert journals.opened(tmp_path / "file") is None


def test_a_journal_that_nothing_stands_in_is_not_left(tmp_path: Path) -> None:
    Journal(tmp_path).close()
    assert list(tmp_path.iterdir()) == []
