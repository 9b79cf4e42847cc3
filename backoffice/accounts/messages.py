"""What stays in the inbox about the own account. What may have been somebody else is always mailed, too."""

from backoffice.accounts import mails
from backoffice.accounts.care import mails as care
from backoffice.accounts.providers import mails as providers
from backoffice.language.texts import lazy
from backoffice.messages.kind import Always, Category, MessageKind
from backoffice.outbox.mail import Mail

_HERE = "/account"


def _warning(mail: Mail, sentence: str) -> MessageKind:
    return MessageKind(mail, Category.WARNING, sentence, Always.SECURITY, _HERE)


KINDS = (
    _warning(
        mails.PASSWORD_CHANGED, lazy("Your password was changed. Tell us if you did not change it yourself.")
    ),
    _warning(
        mails.NEW_DEVICE, lazy("Somebody signed in where you had not been. See where you are signed in.")
    ),
    _warning(mails.ACCOUNT_LOCKED, lazy("Your account was locked by the link of a mail that we sent you.")),
    _warning(
        mails.SECOND_FACTOR,
        lazy("Your second factor or its recovery codes changed, or one of these codes was used."),
    ),
    _warning(mails.PASSKEY, lazy("A passkey was added or removed, or seems to be a copy.")),
    _warning(care.GUESSES, lazy("Somebody tried to guess your password.")),
    _warning(care.FACTOR_RESET, lazy("Your second factor was taken away, as it was asked for.")),
    _warning(
        care.RESET_ASKED,
        lazy("Somebody asked to take your second factor away a day later. The mail says how to refuse it."),
    ),
    _warning(
        care.RESET_ENDED, lazy("Whether the second factor was taken away for which you asked is in the mail.")
    ),
    _warning(
        mails.ADDRESS_KNOWN,
        lazy("Somebody wanted an account with your address. If it was not you, nothing was changed."),
    ),
    _warning(
        mails.ADDRESS_CHANGE,
        lazy("Somebody asked to change the address of your account. The mail says how to prevent it."),
    ),
    _warning(
        mails.ADDRESS_CHANGED,
        lazy("The address of your account was changed. The mail to the old address says how to undo that."),
    ),
    _warning(
        providers.IDENTITY_CHANGED,
        lazy("An account somewhere else was linked with yours, or unlinked. See which ones are."),
    ),
    MessageKind(
        care.ACCOUNT_SUSPENDED,
        Category.WARNING,
        lazy("The company suspended your account, or ended that. Tell us if you think that it was wrong."),
        Always.ACCESS,
        "/report",
    ),
    MessageKind(
        care.PLACE_SUSPENDED,
        Category.WARNING,
        lazy("Your place at a school was suspended, or that has ended. Talk to the school if it is wrong."),
        Always.ACCESS,
    ),
    MessageKind(
        care.ACCOUNT_IDLE,
        Category.WARNING,
        lazy("Nobody signed in to your account for a long time, so it was to be locked. Nothing is deleted."),
        Always.ACCESS,
        _HERE,
    ),
)
# By which kind of message each of these mails stays.
BY_MAIL = {kind.mail.name: kind for kind in KINDS}
