"""What is held about somebody where no foreign key leads to it, and how it goes when they are erased."""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import Any, Protocol

from sqlalchemy import ColumnElement
from sqlalchemy.orm import DeclarativeBase

from backoffice.storage import about


class Subject(StrEnum):
    """Whom data is about. Erasing the subject takes the data with it."""

    STUDENT = "student"
    CLASSROOM = "classroom"
    ACCOUNT = "account"
    SCHOOL = "school"
    DISTRICT = "district"


@dataclass(frozen=True)
class Target:
    """Subjects of one kind that are erased: their numbers, and by what else they are named elsewhere.

    Students and classes are those of one `school`. `outside` are public identifiers, of a school those of its
    classes and students too; `addresses` are an account's; `rooms` are the classes in which students have or
    had a place, `former` the numbers of those who were made one with them. `schools` and `districts` are
    where they are or work, and what is above those.
    """

    subject: Subject
    numbers: tuple[int, ...]
    school: int | None = None
    outside: tuple[str, ...] = ()
    addresses: tuple[str, ...] = ()
    rooms: tuple[int, ...] = ()
    former: tuple[int, ...] = ()
    schools: tuple[int, ...] = ()
    districts: tuple[int, ...] = ()

    @cached_property
    def marks_outside(self) -> list[bytes]:
        """The marks of the public identifiers, by which sealed texts name them."""
        return about.all_outside_in_bytes(self.outside)

    @cached_property
    def marks(self) -> list[bytes]:
        """The marks of their numbers, and of those who were made one with them, by which sealed texts do."""
        return about.marks_in_bytes(self.subject, (*self.numbers, *self.former))

    @property
    def key(self) -> dict[str, Collection[int]]:
        """The columns by which their rows are known."""
        school = {} if self.school is None else {"school_id": (self.school,)}
        return {**school, "id": self.numbers}


@dataclass(frozen=True)
class PersonalData:
    """One table with data about a subject.

    Rows that a foreign key with `ON DELETE CASCADE` ties to the subject's row go with it. `rows` is the
    condition of the others, from what was known of the subjects; they are deleted, or, where it names columns
    to `blank`, stay without these. It is asked again when the subjects' own rows are gone. `instead` says
    what columns to blank hold from then on, where others are in them too; `rows` is no longer true of them.
    """

    model: type[DeclarativeBase]
    subject: Subject
    rows: Callable[[Target], ColumnElement[bool]] | None = None
    blank: tuple[str, ...] = ()
    instead: Callable[[Target], Mapping[str, ColumnElement[Any]]] | None = None


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
