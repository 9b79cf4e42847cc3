"""What is taken along: everything about one subject."""

from dataclasses import dataclass

from backoffice.privacy.holdings import Subject


@dataclass(frozen=True)
class Scope:
    """The one subject that an export is about.

    `for_family` is a child for its parents: nothing about other families, and nothing that is meant for the
    staff alone. `rooms` are the numbers of classes that go along with an account, whoever keeps them.
    """

    subject: Subject
    number: int
    public_id: str
    for_family: bool = False
    rooms: tuple[int, ...] = ()
