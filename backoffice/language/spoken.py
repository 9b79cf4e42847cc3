"""Which language is spoken just now: of a request, of the recipient of a mail, of a paper."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from babel import Locale

from backoffice.language.catalogues import ENGLISH, known

_spoken: ContextVar[str | None] = ContextVar("language", default=None)


def _nowhere() -> str | None:
    return None


_asked: Callable[[], str | None] = _nowhere


def language() -> str:
    """The language of what is said now. Outside of requests and `speaking`, English."""
    return _spoken.get() or _asked() or ENGLISH


def locale() -> Locale:
    """The same for dates and amounts."""
    return Locale.parse(language())


@contextmanager
def speaking(wanted: str | None) -> Iterator[None]:
    """Speak this language within, English if there is no such one here."""
    token = _spoken.set(known(wanted) or ENGLISH)
    try:
        yield
    finally:
        _spoken.reset(token)


def ask(asked: Callable[[], str | None]) -> None:
    """Where to ask for the language of a request; answers None where there is no request."""
    global _asked  # noqa: PLW0603 - a process has one web
    _asked = asked
