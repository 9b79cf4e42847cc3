"""What erasing tells the plugins."""

from dataclasses import dataclass
from typing import ClassVar

from backoffice.events import Event
from backoffice.language.texts import lazy
from backoffice.privacy.holdings import Subject


@dataclass(frozen=True)
class SubjectErased(Event):
    """The rows of those are gone who are of one kind, and everything is about to be looked through once more.

    An erasure tells it of each kind that it takes, of students and classes by school. `erasure` is the number
    of the receipt; `outside` are the public identifiers that those had who went, of a school those of its
    classes and students too. What a handler writes of them is looked for with all the rest.
    """

    title: ClassVar[str] = lazy("somebody is erased")
    erasure: str
    subject: Subject
    outside: tuple[str, ...]
