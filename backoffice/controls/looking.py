"""Small helps that the checks share."""

from collections.abc import Sequence
from typing import TypeVar

from sqlalchemy import MetaData

from backoffice.controls.check import Looking
from backoffice.runtime import Runtime

SHOWN = 3
T = TypeVar("T")


def runtime(look: Looking) -> Runtime:
    """What the application was started with."""
    found: Runtime = look.app.extensions["backoffice"]
    return found


def metadatas(look: Looking) -> tuple[MetaData, ...]:
    """The mapped tables of the core, of the queue and of every installed plugin."""
    return runtime(look).metadatas


def some(things: Sequence[str]) -> str:
    """The first few of a list, in a sentence: "a, b, c and 4 more"."""
    shown, more = ", ".join(things[:SHOWN]), len(things) - SHOWN
    return f"{shown} and {more} more" if more > 0 else shown


def count(number: int, one: str, many: str = "") -> str:
    """A number with its noun: "1 row", "2 rows"."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"
