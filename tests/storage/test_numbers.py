"""Many numbers as one parameter."""

import pytest
from sqlalchemy import BigInteger, column, select, values

from backoffice.access.transaction import transaction
from backoffice.storage.numbers import array_of, one_of
from tests.factories.world import SYSTEM

some = values(column("number", BigInteger), name="some").data([(1,), (-7,), (2**62,)])


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ((), set()),
        ((1,), {1}),
        ((2**62, -7, 5), {2**62, -7}),
        (frozenset(range(1, 5_000)), {1}),
    ],
)
@pytest.mark.usefixtures("runtime")
def test_a_number_is_one_of_them_or_not(wanted: tuple[int, ...], found: set[int]) -> None:
    with transaction(SYSTEM) as tx:
        assert set(tx.scalars(select(some.c.number).where(one_of(some.c.number, wanted)))) == found


def test_statements_for_few_and_for_many_are_the_same() -> None:
    few, many = (select(array_of(range(count))).compile() for count in (2, 2_000))
    assert str(few) == str(many)
    assert len(few.params) == len(many.params) == 1
