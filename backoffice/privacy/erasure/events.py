"""What erasing tells the plugins."""

from dataclasses import dataclass

from backoffice.events import Event
from backoffice.privacy.holdings import Subject


@dataclass(frozen=True)
class SubjectErased(Event):
    """Somebody's rows are gone, and everything is about to be looked through once more.

    `erasure` is the number of the receipt; `outside` are the public identifiers that those had who went, of a
    school those of its classes too. What a handler writes of them is looked for with all the rest.
    """

    erasure: str
    subject: Subject
    outside: tuple[str, ...]
