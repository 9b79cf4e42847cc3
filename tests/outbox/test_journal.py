"""What workers note of the mails in their hands: read by whoever comes after, and by nobody before."""

from pathlib import Path

from backoffice import clock
from backoffice.outbox.journal import Journal, Left


def left_by(folder: Path, *steps: tuple[str, int]) -> Journal:
    """A journal of a worker with the mails 1 to 4, that ended after these steps."""
    journal = Journal(folder)
    journal.took([1, 2, 3, 4], NOW)
    for step, number in steps:
        getattr(journal, step)(number)
    return journal


NOW = clock.now()


def test_a_worker_that_ended_leaves_how_far_it_was(tmp_path: Path) -> None:
    left_by(tmp_path, ("begins", 1), ("sent", 1), ("begins", 2), ("begins", 3)).close()
    after = Journal(tmp_path)
    # What became of the second is put down in the database: it was not sent, and is not in hand any more.
    assert list(after.left()) == [Left(NOW, (1,), 3, (2, 4))]
    assert list(after.left()) == []
    after.close()


def test_one_that_lives_is_read_by_nobody(tmp_path: Path) -> None:
    lives, other = left_by(tmp_path, ("begins", 1), ("sent", 1)), Journal(tmp_path)
    assert list(other.left()) == []
    assert list(lives.left()) == [Left(NOW, (1,), None, (2, 3, 4))]
    assert list(lives.left()) == []
    lives.close()
    other.close()


def test_what_is_not_put_down_stays(tmp_path: Path) -> None:
    left_by(tmp_path, ("begins", 1)).close()
    after = Journal(tmp_path)
    # Whoever reads it dies: the next thing is not asked for.
    assert next(after.left()).begun == 1
    assert [left.begun for left in after.left()] == [1]
    after.close()


def test_what_was_all_put_down_is_forgotten(tmp_path: Path) -> None:
    journal = left_by(tmp_path, ("begins", 1), ("sent", 1))
    journal.clear()
    journal.took([5], NOW)
    journal.close()
    after = Journal(tmp_path)
    assert list(after.left()) == [Left(NOW, (), None, (5,))]
    after.close()


def test_a_line_that_was_cut_off_says_nothing(tmp_path: Path) -> None:
    left_by(tmp_path, ("begins", 1)).close()
    (path,) = tmp_path.glob("*.journal")
    path.write_bytes(path.read_bytes() + b"sent 1")
    after = Journal(tmp_path)
    assert list(after.left()) == [Left(NOW, (), 1, (2, 3, 4))]
    after.close()


def test_nobody_else_may_read_the_file(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    (path,) = tmp_path.glob("*.journal")
    assert path.stat().st_mode & 0o777 == 0o600
    journal.close()
