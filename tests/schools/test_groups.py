"""Dealing pairs and groups."""

import pytest

from backoffice.schools.groups import deal


@pytest.mark.parametrize(
    ("people", "size", "sizes"),
    [
        (0, 2, []),
        (1, 2, [1]),
        (6, 2, [2, 2, 2]),
        (7, 2, [2, 2, 3]),
        (7, 3, [3, 4]),
        (11, 4, [5, 6]),
        (3, 8, [3]),
        (30, 4, [4, 4, 4, 4, 4, 5, 5]),
    ],
)
def test_everybody_is_in_one_group_and_nobody_alone(people: int, size: int, sizes: list[int]) -> None:
    groups = deal(range(people), size)
    assert sorted(map(len, groups)) == sizes
    assert sorted(each for group in groups for each in group) == list(range(people))


def test_it_is_dealt_anew() -> None:
    assert len({str(deal(range(12), 3)) for _ in range(8)}) > 1
