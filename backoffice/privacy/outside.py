"""What a plugin has of somebody outside the database, such as at a vendor, and how it is erased there."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol

from backoffice.access.transaction import Transaction
from backoffice.jobs.job import JobRun
from backoffice.privacy.holdings import Holder, Target


@dataclass(frozen=True)
class Outside:
    """One place outside in which a plugin keeps something about a subject.

    `references` finds out, before the rows go, what it is called there; each is kept sealed until `erase`
    has had it erased, and then forgotten. `erase` runs in a job, is tried again until it returns, and must be
    safe to repeat: what is gone already is as good. It answers by what whoever is outside finds its own
    record of it: public, and no personal datum.
    """

    name: str
    title: str
    references: Callable[[Transaction, Target], Iterable[str]]
    erase: Callable[[JobRun, str], str | None]


class Reaching(Holder, Protocol):
    """What holds data about somebody here, and may hold some outside: a plugin."""

    @property
    def name(self) -> str:
        """What it is called in the code."""

    @property
    def erases_outside(self) -> tuple[Outside, ...]:
        """What it holds outside the database."""


def handlers_of(installed: Iterable[Reaching]) -> dict[str, Outside]:
    """What all that is installed erases outside, by its full name `plugin.name`."""
    return {f"{each.name}.{one.name}": one for each in installed for one in each.erases_outside}
