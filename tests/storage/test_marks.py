"""Many marks as one parameter, in the notation in which PostgreSQL sends arrays itself."""

from collections.abc import Collection
from uuid import UUID, uuid4

import pytest
from sqlalchemy import ARRAY, Text, cast, func, select

from backoffice.access.transaction import transaction
from backoffice.storage import about
from backoffice.storage.marks import array_of
from tests.factories.world import SYSTEM

MARKS = [UUID(int=0), UUID(int=2**128 - 1), *(uuid4() for _ in range(3_000))]


@pytest.mark.parametrize("marks", [[], MARKS[:1], MARKS, set(MARKS), tuple(each.bytes for each in MARKS)])
@pytest.mark.usefixtures("runtime")
def test_the_database_reads_the_marks_that_were_sent(marks: Collection[UUID] | Collection[bytes]) -> None:
    sent = [each if isinstance(each, UUID) else UUID(bytes=each) for each in marks]
    with transaction(SYSTEM) as tx:
        assert tx.scalar(select(cast(array_of(marks), ARRAY(Text)))) == [str(each) for each in sent]
        # One without elements overlaps with none; it would not if it had a dimension without any.
        assert tx.scalar(select(func.array_ndims(array_of(marks)))) == (1 if sent else None)
        overlap = array_of(marks).op("&&", is_comparison=True)(array_of(MARKS[:1]))
        assert tx.scalar(select(overlap)) is (MARKS[0] in sent)


@pytest.mark.usefixtures("runtime")
def test_marks_in_bytes_are_the_marks() -> None:
    assert about.marks_in_bytes("student", [1, 22]) == [
        each.bytes for each in about.marks("student", [1, 22])
    ]
    names = ["abc", "d"]
    assert about.all_outside_in_bytes(names) == [each.bytes for each in about.all_outside(names)]
    assert about.outside("d").bytes == about.all_outside_in_bytes(names)[1]
