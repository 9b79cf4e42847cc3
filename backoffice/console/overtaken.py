"""Saving a form about something that somebody else may have changed since it was shown."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from wtforms import Field

from backoffice.language.texts import gettext
from backoffice.problems import Overtaken, Rejected


@contextmanager
def not_over_others(seen: Field, now: Callable[[], tuple[str, str]]) -> Iterator[None]:
    """Where somebody was quicker, say what is there by now, and let the form be sent again over that.

    `now` answers with it in words, and with its `version`. Raises `Rejected`.
    """
    try:
        yield
    except Overtaken:
        words, version = now()
        # What the browser sent before stands in the field that is shown again otherwise.
        seen.data = version
        raise Rejected.whole(
            gettext(
                "This was changed while you wrote: now it is %(words)s. Save again to write yours over it.",
                words=words,
            )
        ) from None
