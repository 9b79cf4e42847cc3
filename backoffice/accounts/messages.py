"""What stays in the inbox about the own account. What may have been somebody else is always mailed, too."""

from backoffice.accounts import mails
from backoffice.accounts.care import mails as care
from backoffice.language.texts import lazy
from backoffice.messages.kind import Category, MessageKind
from backoffice.outbox.mail import Mail

_HERE = "/account"


def _warning(mail: Mail, sentence: str) -> MessageKind:
    return MessageKind(mail, Category.WARNING, sentence, _HERE)


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
)
# By which kind of message each of these mails stays.
BY_MAIL = {kind.mail.name: kind for kind in KINDS}
