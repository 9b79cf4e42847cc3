"""Files of whole lists: in constant memory, and as programs read them."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select

from backoffice.access.policy import visible
from backoffice.access.transaction import transaction
from backoffice.console import batches
from backoffice.console.grid import Cell, moment, number
from backoffice.language.spoken import speaking
from backoffice.schools.models import Student
from tests.factories.world import SYSTEM, World, add_child


def test_rows_leave_the_session_as_they_are_written(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Memory stays the same however long the list is: one batch is held, whoever still holds its rows."""
    monkeypatch.setattr(batches, "BATCH", 3)
    with transaction(SYSTEM) as tx:
        for number in range(6):
            add_child(tx, world.own_class, f"Written{number}")
    sizes: list[int] = []
    written: list[Student] = []
    with transaction(world.sign_in("teacher")) as tx:
        for things in batches.batches(tx, visible(tx.principal, select(Student))):
            assert {id(thing) for thing in tx} == {id(thing) for thing in things}
            sizes.append(len(things))
            written += things
        assert not list(tx)
    assert sizes == [3, 3, 2]
    assert len({student.id for student in written}) == 8


def test_a_file_says_the_moment_and_not_how_long_ago_it_was() -> None:
    cell = moment(datetime(2027, 3, 1, 9, tzinfo=UTC), ZoneInfo("America/New_York"))
    assert (cell.text or "").endswith(("ago", "days"))
    assert cell.in_file == "2027-03-01 04:00:00"
    assert Cell("1 Mar 2027", "time", datetime="2027-03-01").in_file == "2027-03-01"


@pytest.mark.parametrize("spoken", ["en", "es"])
def test_a_file_does_not_depend_on_how_its_reader_writes(spoken: str) -> None:
    with speaking(spoken):
        shown = number(12_345)
    assert (shown.text, shown.in_file) == ("12,345" if spoken == "en" else "12.345", "12345")
    assert Cell("cat-sky", "mark", exact="Blue cat").in_file == "Blue cat"
