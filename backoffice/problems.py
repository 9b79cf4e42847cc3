"""How a service says no to a person."""

from datetime import timedelta
from math import ceil

from backoffice.language.texts import gettext, lazy

MEANWHILE = lazy("Somebody else changed this meanwhile. Look at it, then save again if yours is right.")


class Rejected(Exception):
    """What was asked for cannot be done as it stands. Nothing has been changed.

    `fields` maps the name of an input to a sentence that says what to do; the name "" stands for the whole.
    The sentences are shown as they are, so they never quote what was typed.
    """

    def __init__(self, **fields: str) -> None:
        super().__init__("; ".join(fields.values()))
        self.fields = fields

    @classmethod
    def whole(cls, sentence: str) -> "Rejected":
        """A rejection that belongs to no single input."""
        return cls(**{"": sentence})


class Overtaken(Rejected):
    """Somebody has changed it since it was shown to whoever wants to change it."""

    @classmethod
    def meanwhile(cls) -> "Overtaken":
        """The rejection, in the words of a form."""
        return cls(**{"": MEANWHILE})


class SwitchedOff(Exception):
    """The page belongs to a plugin that the founders have switched off. `part` is the plugin's title."""

    def __init__(self, part: str) -> None:
        super().__init__(f"{part} is switched off.")
        self.part = part

    @property
    def sentence(self) -> str:
        """What it is, said to a person."""
        return gettext("%(part)s is switched off.", part=self.part)


class Throttled(Exception):
    """It was tried too often. `wait` is the time until it may be tried again, `what` names the throttle."""

    def __init__(self, what: str, wait: timedelta) -> None:
        super().__init__(f"Tried too often: {what}.")
        self.what = what
        self.wait = wait

    @property
    def sentence(self) -> str:
        """What to do, said to a person."""
        seconds = ceil(self.wait.total_seconds())
        for size, wait in (
            (3600, lazy("Wait %(count)s hours, then try again.")),
            (60, lazy("Wait %(count)s minutes, then try again.")),
        ):
            if seconds > 2 * size:
                return gettext(wait, count=ceil(seconds / size))
        return gettext("Wait %(count)s seconds, then try again.", count=max(seconds, 2))
