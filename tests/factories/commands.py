"""Running a command of the product in the test's process."""

from collections.abc import Callable
from typing import NamedTuple


class Answer(NamedTuple):
    """What a command came to."""

    code: object
    out: str
    err: str


Run = Callable[..., Answer]
