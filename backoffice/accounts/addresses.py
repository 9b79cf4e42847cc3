"""E-mail addresses as they are compared, kept and found."""

import re
import unicodedata

from backoffice.language.texts import gettext
from backoffice.problems import Rejected
from backoffice.storage import keyring

LONGEST = 254
_ADDRESS = re.compile(r"[^@\s\0]+@[^@\s\0]+\Z")


def normalise_email(email: str) -> str:
    """An address as it is compared and kept: composed Unicode, lower case, no spaces around."""
    encodable = email.encode("utf-8", "replace").decode()
    return unicodedata.normalize("NFC", encodable).strip().casefold()


def checked(email: str) -> str:
    """An address that mail can be sent to, normalised. Raises `Rejected`."""
    email = normalise_email(email)
    if len(email) > LONGEST or not _ADDRESS.match(email):
        raise Rejected(email=gettext("Write a full e-mail address, such as name@school.example."))
    return email


def email_index(email: str) -> bytes:
    """The blind index by which an account is found."""
    return keyring.current().blind_index(email, context="account.email")
