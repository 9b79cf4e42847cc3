"""Mails of the core beside which no message stays, and why."""

from collections.abc import Sequence

from backoffice.accounts import mails as accounts
from backoffice.accounts.providers import mails as providers
from backoffice.families import mails as families
from backoffice.outbox.mail import Mail
from backoffice.privacy.erasure import mails as erasure
from backoffice.privacy.holds import mails as holds
from backoffice.staff import mails as staff

_OPENS = "It is a link that opens something once and soon. What came of it is told."
_INVITES = "Whoever is invited may have no account yet, and is written to as if there were none."
_GONE = "The account of whoever gets it is closed or gone: nobody opens its inbox."

WITHOUT: Sequence[tuple[Mail, str]] = (
    (accounts.PASSWORD_RESET, _OPENS),
    (accounts.SIGN_UP, _OPENS),
    (accounts.NEW_ADDRESS, _OPENS),
    (providers.IDENTITY_OFFER, _OPENS),
    (staff.INVITATION, _INVITES),
    (families.FAMILY_INVITATION, _INVITES),
    (families.FAMILY_ADDRESS, _INVITES),
    (erasure.ACCOUNT_ERASED, _GONE),
    (erasure.PLACE_ERASED, _GONE),
    (holds.ACCOUNT_KEPT, _GONE),
)
