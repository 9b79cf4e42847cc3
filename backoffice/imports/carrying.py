"""A list on its way from the preview to the confirmation: sealed, in the page itself, and kept nowhere.

A row in the database would have to be sealed, isolated, shown in the inventory and deleted by a job, and a
file that is chosen a second time may be another one. What the page carries opens for the account that was
shown it, on the page that showed it, for an hour.
"""

import base64
import binascii
import json
import zlib
from datetime import datetime, timedelta
from typing import Any

from backoffice.imports.limits import Unreadable
from backoffice.language.texts import lazy
from backoffice.storage import keyring
from backoffice.storage.keyring import KeyringError

KEPT = timedelta(hours=1)
LARGEST = 5 << 20
TOO_LATE = lazy("This list was read more than an hour ago, or by somebody else. Choose the file again.")
TOO_MUCH = lazy("There is too much in this list. Leave out the columns that are not needed.")


def sealed(what: Any, *, context: str, at: datetime) -> str:
    """What is to be carried, for a hidden field. Raises `Unreadable` if it is too much."""
    plain = zlib.compress(json.dumps({"at": at.isoformat(), "what": what}).encode(), 6)
    text = base64.urlsafe_b64encode(keyring.current().seal(plain, context=f"import {context}")).decode()
    if len(text) > LARGEST:
        raise Unreadable(TOO_MUCH)
    return text


def opened(text: str, *, context: str, at: datetime) -> Any:
    """What `sealed` was given, within the hour. Raises `Unreadable`."""
    try:
        found = base64.urlsafe_b64decode(text.encode("ascii", "replace"))
        carried = json.loads(zlib.decompress(keyring.current().open(found, context=f"import {context}")))
    except (KeyringError, binascii.Error, ValueError):
        raise Unreadable(TOO_LATE) from None
    if not timedelta(0) <= at - datetime.fromisoformat(carried["at"]) <= KEPT:
        raise Unreadable(TOO_LATE)
    return carried["what"]
