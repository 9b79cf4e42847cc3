"""What of accounts is kept for a time."""

from backoffice.accounts.address_models import EmailChange, SignUp
from backoffice.accounts.models import AccountLetter, AccountLink, AccountSession
from backoffice.accounts.passkeys.models import SpentChallenge
from backoffice.privacy.retention.kinds import Kind, Rows

# Also one that was ended: its address is as old as its last use.
SESSIONS = Kind("adult-sessions", (Rows(AccountSession, AccountSession.last_seen_at),))
SIGN_UPS = Kind("sign-ups", (Rows(SignUp, SignUp.expires_at),))
UNOPENED = Kind(
    "unopened-addresses",
    (Rows(EmailChange, EmailChange.expires_at, only=EmailChange.confirmed_at.is_(None)),),
)
CHANGED = Kind("changed-addresses", (Rows(EmailChange, EmailChange.confirmed_at),))
# Each goes as it is written; these are what no worker wrote.
LETTERS = Kind("account-letters", (Rows(AccountLetter, AccountLetter.created_at),))
LINKS = Kind("account-links", (Rows(AccountLink, AccountLink.created_at),))
CHALLENGES = Kind("spent-challenges", (Rows(SpentChallenge, SpentChallenge.expires_at),))
KINDS = (SESSIONS, SIGN_UPS, UNOPENED, CHANGED, LETTERS, LINKS, CHALLENGES)
