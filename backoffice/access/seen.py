"""What an editor saw, so that nobody writes over what somebody else wrote meanwhile.

A form carries the `version` of the values that it showed. The service compares it, under the row's lock, with
the values of now; docs/decisions.md says why with these and not with a number of the row.
"""

from datetime import datetime
from typing import NamedTuple

from backoffice.problems import Overtaken
from backoffice.storage import keyring
from backoffice.storage.keyring import KeyPurpose

Value = str | int | None


class Changed(NamedTuple):
    """Who changed something and when: by name if whoever asks may know it, or whether it was they."""

    name: str | None
    at: datetime
    own: bool


def version(*values: Value) -> str:
    """What equal values have in common: a keyed digest, 32 hexadecimal digits. None is as nothing written."""
    written = "\0".join("" if value is None else str(value) for value in values)
    return keyring.current().digest(KeyPurpose.TOKEN, f"seen\0{written}".encode())[:16].hex()


def is_to_be_written(seen: str | None, *, now: tuple[Value, ...], wanted: tuple[Value, ...]) -> bool:
    """Whether the values that are wanted are still to be written. Raises `Overtaken`.

    Without `seen` they are, whatever there is. What is there already, as after a request that was sent
    twice, has overtaken nobody.
    """
    if seen is None:
        return True
    there = version(*now)
    if there == version(*wanted):
        return False
    if there != seen:
        raise Overtaken.meanwhile()
    return True
