"""Dealing a class into pairs or groups at random. Nothing of it is kept."""

import secrets
from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")


def deal(people: Sequence[T], size: int) -> list[list[T]]:
    """Everybody in groups of `size` in random order; whoever would be left over joins another group.

    Only where there are fewer people than that is a group smaller.
    """
    shuffled = list(people)
    secrets.SystemRandom().shuffle(shuffled)
    count = max(len(shuffled) // size, 1)
    return [shuffled[number::count] for number in range(count)] if shuffled else []
