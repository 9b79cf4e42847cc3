"""What a mail is: a name, three template files, and the parameters that they are filled with."""

from dataclasses import dataclass
from typing import Any, Protocol, Self, runtime_checkable

from backoffice.language.catalogues import ENGLISH
from backoffice.language.texts import gettext
from backoffice.wording import spoken


@runtime_checkable
class Parameters(Protocol):
    """What a mail's templates are filled with: a frozen dataclass with an example for the tests."""

    @classmethod
    def example(cls) -> Self:
        """Values as they could be, with data that would show if it leaked."""


@dataclass(frozen=True)
class Recipient:
    """Whom a mail is for: the account if there is one, the address, and the name it begins with.

    `inbox` is the account in whose inbox a message is left where the envelope does not name it, since a
    school reads its list of envelopes. The system alone can leave one so.
    """

    account_id: int | None
    address: str
    name: str
    language: str = ENGLISH
    inbox: int | None = None


@dataclass(frozen=True)
class NoParameters:
    """For a mail that says the same to everybody."""

    @classmethod
    def example(cls) -> "NoParameters":
        """The only value."""
        return cls()


@dataclass(frozen=True)
class Mail:
    """A mail of the core or of a plugin. Its full name is `owner.name`.

    Its templates are `subject.txt`, `body.txt` and `body.html` in `emails/<name>/` of its owner's package.
    They may use the fields of the parameters, and what `backoffice.outbox.rendering` gives to all; greeting
    and footer are added around them. `title` is what people call it.
    """

    name: str
    parameters: type[Any] = NoParameters
    title: str = ""

    @property
    def called(self) -> str:
        """What people call it; without a title, its name."""
        return str(self.title) or gettext(spoken(self.name))
