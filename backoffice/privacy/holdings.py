"""What a plugin holds about somebody, and how it goes when that somebody is erased."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

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
    cascade from the subject's row does not. Erasure asks every installed plugin, also one that is switched
    off.
    """

    model: type[DeclarativeBase]
    subject: Subject
    erase: Callable[[Transaction, int], int] | None = None
