"""What a plugin holds about somebody, and how it goes when that somebody is erased."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from sqlalchemy.orm import DeclarativeBase

from backoffice.access.transaction import Transaction


class Subject(StrEnum):
    """Whom data is about. Erasing the subject takes the data with it."""

    STUDENT = "student"
    CLASSROOM = "classroom"
    ACCOUNT = "account"
    SCHOOL = "school"
    DISTRICT = "district"


@dataclass(frozen=True)
class PersonalData:
    """One table with data about a subject.

    `erase` removes it (internal number of the subject in, number of rows out) where the database's own
    cascade from the subject's row does not.
    """

    model: type[DeclarativeBase]
    subject: Subject
    erase: Callable[[Transaction, int], int] | None = None


class Holder(Protocol):
    """What holds data about somebody: a plugin."""

    @property
    def personal_data(self) -> tuple[PersonalData, ...]:
        """The tables that it says are about somebody."""


def held_about(subject: Subject, installed: Iterable[Holder]) -> list[PersonalData]:
    """What all that is installed holds about a subject: what exporting and erasing have to reach.

    It knows no transaction and so no switch: whoever is erased is erased from what is switched off as well.
    """
    return [held for holder in installed for held in holder.personal_data if held.subject is subject]
