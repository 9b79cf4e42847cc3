"""What is mailed about an account. Links stand in them, never a password or a code."""

from dataclasses import dataclass
from datetime import UTC, datetime

from backoffice.language.texts import lazy
from backoffice.outbox.mail import Mail


@dataclass(frozen=True)
class Link:
    """A link that opens one thing once: its token, and until when."""

    token: str
    until: datetime

    @classmethod
    def example(cls) -> "Link":
        """One with a token that could be."""
        return cls("q" * 43, datetime(2026, 11, 25, 9, 30, tzinfo=UTC))


@dataclass(frozen=True)
class NewDevice:
    """That somebody signed in where the account was not known yet, and what to open if that was another."""

    device: str
    at: datetime
    token: str

    @classmethod
    def example(cls) -> "NewDevice":
        """One at a browser with a hostile name."""
        return cls("Firefox on <Windows>", datetime(2026, 11, 25, 9, 30, tzinfo=UTC), "q" * 43)


@dataclass(frozen=True)
class Happened:
    """When it happened."""

    at: datetime

    @classmethod
    def example(cls) -> "Happened":
        """A moment."""
        return cls(datetime(2026, 11, 25, 9, 30, tzinfo=UTC))


@dataclass(frozen=True)
class FactorChanged:
    """What happened to the second factor, as the letter names it, when, and what opens if it was another."""

    what: str
    at: datetime
    token: str

    @classmethod
    def example(cls) -> "FactorChanged":
        """A recovery code that was used."""
        return cls("recovery_used", datetime(2026, 11, 25, 9, 30, tzinfo=UTC), "q" * 43)


@dataclass(frozen=True)
class AddressKnown:
    """What an address was wanted for that has an account: "sign_up", "change"; "closed" if that is closed."""

    wanted: str

    @classmethod
    def example(cls) -> "AddressKnown":
        """Somebody who has forgotten the account."""
        return cls("sign_up")


@dataclass(frozen=True)
class NotMe:
    """When something was done, and what to open if it was another."""

    at: datetime
    token: str

    @classmethod
    def example(cls) -> "NotMe":
        """One with a token that could be."""
        return cls(datetime(2026, 11, 25, 9, 30, tzinfo=UTC), "q" * 43)


@dataclass(frozen=True)
class PasskeyChanged:
    """What happened to a passkey, as the letter names it, when, and what to open if it was another."""

    what: str
    at: datetime
    token: str

    @classmethod
    def example(cls) -> "PasskeyChanged":
        """A passkey that seems to be a copy."""
        return cls("passkey_copied", datetime(2026, 11, 26, 9, 30, tzinfo=UTC), "q" * 43)


PASSWORD_RESET = Mail("password-reset", Link, lazy("New password asked for"))
PASSWORD_CHANGED = Mail("password-changed", Happened, lazy("Password changed"))
NEW_DEVICE = Mail("new-device", NewDevice, lazy("Sign-in on a new device"))
ACCOUNT_LOCKED = Mail("account-locked", Happened, lazy("Account locked"))
SECOND_FACTOR = Mail("second-factor", FactorChanged, lazy("Second factor changed"))
SIGN_UP = Mail("sign-up", Link, lazy("Link to open an account"))
ADDRESS_KNOWN = Mail("address-known", AddressKnown, lazy("Account exists already"))
ADDRESS_CHANGE = Mail("address-change", NotMe, lazy("Change of the address asked for"))
NEW_ADDRESS = Mail("new-address", Link, lazy("Confirmation of a new address"))
ADDRESS_CHANGED = Mail("address-changed", NotMe, lazy("Address changed"))
PASSKEY = Mail("passkey", PasskeyChanged, lazy("Passkey added or removed"))
MAILS = (
    PASSWORD_RESET,
    PASSWORD_CHANGED,
    NEW_DEVICE,
    ACCOUNT_LOCKED,
    SECOND_FACTOR,
    SIGN_UP,
    ADDRESS_KNOWN,
    ADDRESS_CHANGE,
    NEW_ADDRESS,
    ADDRESS_CHANGED,
    PASSKEY,
)
