"""The outbox in the console, for the founders: which mails wait, which were given up and why. No address."""

from collections.abc import Sequence
from typing import Any

from flask import g

from backoffice.access.permissions import MAIL_READ, MAIL_RETRY
from backoffice.access.selection import Which
from backoffice.access.transaction import Transaction
from backoffice.console.grid import BulkAction, Cell, Column, Grid, Row, moment
from backoffice.console.grids.columns import By
from backoffice.console.grids.filters import Choice, ChoiceFilter
from backoffice.language.texts import gettext, lazy
from backoffice.outbox import registry
from backoffice.outbox.jobs import NO_WAY_OUT
from backoffice.outbox.mail import Mail
from backoffice.outbox.models import MailState, OutgoingMail
from backoffice.outbox.registry import CORE
from backoffice.outbox.services import retry_mail
from backoffice.outbox.transport import in_words
from backoffice.web.identity import runtime, settings
from backoffice.wording import spoken

TONES = {
    MailState.QUEUED: "info",
    MailState.HELD: "warn",
    MailState.SENDING: "info",
    MailState.SENT: "good",
    MailState.FAILED: "bad",
    MailState.BOUNCED: "bad",
    MailState.CALLED_OFF: "",
}
WORDS = {
    MailState.QUEUED: lazy("Waiting"),
    MailState.HELD: lazy("Held back"),
    MailState.SENDING: lazy("Being sent"),
    MailState.SENT: lazy("Sent"),
    MailState.FAILED: lazy("Given up"),
    MailState.BOUNCED: lazy("Came back"),
    MailState.CALLED_OFF: lazy("Called off"),
}


_MAYBE_TWICE: Any = OutgoingMail.maybe_twice


class OutboxGrid(Grid):
    """Mails as envelopes: what kind, how far, why not."""

    entity = OutgoingMail
    doors = {"index": MAIL_READ, "act": MAIL_READ, "export": MAIL_READ}
    icon = "mail"
    title = lazy("Mail")
    category = lazy("Operations")
    address = "outbox"
    noun = (lazy("mail"), lazy("mails"))
    newest_first = True
    columns = (
        Column("name", lazy("Mail")),
        Column("state", lazy("State")),
        Column("created_at", lazy("Written"), sort=By(OutgoingMail.id, ("pk_mail",), latest_first=True)),
        Column("finished_at", lazy("Done or next try")),
        Column("attempts", lazy("Tries"), numeric=True),
        Column("reason", lazy("What went wrong")),
    )
    filters = (
        ChoiceFilter(
            "state",
            lazy("State"),
            choices=tuple(
                Choice(state.value, words, OutgoingMail.state == state.value)
                for state, words in WORDS.items()
            ),
            several=True,
            carried_by="ix_mail_state_next_try_at",
        ),
        ChoiceFilter(
            "arrival",
            lazy("Arrival"),
            choices=(Choice("twice", lazy("May have arrived twice"), _MAYBE_TWICE),),
            carried_by="ix_mail_maybe_twice",
        ),
    )
    actions = (
        BulkAction(
            "retry",
            lazy("Try again"),
            MAIL_RETRY,
            "retry",
            lazy("{count} will be tried again at once, if given up within the last 30 days."),
            whole=True,
        ),
    )

    def rows(self, tx: Transaction, things: Sequence[OutgoingMail]) -> list[Row]:
        """What may be told of a mail: nothing that names anybody."""
        del tx
        return [
            Row(
                mail.public_id,
                None,
                (
                    Cell(_called(mail.name)),
                    Cell(WORDS[MailState(mail.state)], "badge", tone=TONES[MailState(mail.state)]),
                    moment(mail.created_at, g.zone),
                    moment(mail.finished_at or mail.next_try_at, g.zone),
                    Cell(str(mail.attempts), "number"),
                    Cell(_why(mail)),
                ),
            )
            for mail in things
        ]

    def extras(self, tx: Transaction) -> dict[str, Any]:
        """What the page is for, and whether mails go out at all."""
        del tx
        return {
            "description": gettext("Whom a mail is for and what it says is not shown.")
            if settings().smtp_url is not None
            else NO_WAY_OUT,
            "empty": {
                "title": gettext("No mail yet"),
                "sentence": gettext("Mails appear here as they are written."),
                "url": None,
                "action": None,
                "icon": "mail",
            },
        }

    def retry(self, mails: Which) -> str:
        """Try mails again that were given up."""
        count = retry_mail(principal=self.who, mails=mails)
        if count == 0:
            return gettext("None of them was given up, or what they said is forgotten by now.")
        return gettext("%(rows)s will be tried again.", rows=self.counted(count))


def _called(name: str) -> str:
    """What people call a mail, be it of a plugin that is gone. A plugin's mail says whose it is."""
    owner, _, mail = name.partition(".")
    known = next((each.mail for each in registry.current().mails if each.name == name), Mail(mail))
    if owner == CORE:
        return known.called
    title = next((each.title for each in runtime().plugins if each.name == owner), spoken(owner))
    return gettext("%(plugin)s: %(mail)s", plugin=title, mail=known.called)


def _why(mail: OutgoingMail) -> str | None:
    """Why it did not go, or that it may have gone twice."""
    said = [in_words(mail.reason)] if mail.reason else []
    if mail.maybe_twice:
        said.append(gettext("it may have arrived twice"))
    text = "; ".join(said)
    return text[:1].upper() + text[1:] or None
