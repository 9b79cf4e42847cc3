"""Mails that come back: the report of another server is read, and the mail that it is about is put down so.

Anybody can send such a report, and nothing in it proves where it comes from. What it has to know is the
Message-ID, which holds 79 random bits: a stranger who knows none changes nothing. Whoever received a mail
knows the one of that mail, as do the servers on its way, and can say of it, and of no other, that it did not
arrive.
"""

from backoffice import clock, events
from backoffice.access.principal import Purpose
from backoffice.access.transaction import Transaction, transaction
from backoffice.audit.trail import record
from backoffice.language.texts import lazy
from backoffice.outbox import queries, reports
from backoffice.outbox.events import MailBounced
from backoffice.outbox.models import MailState, Return
from backoffice.outbox.reports import Report

NO_SUCH_ADDRESS = lazy("it came back: there is no such address")
NO_ROOM = lazy("it came back: the mailbox takes no mail")
NOT_WANTED = lazy("it came back: it was refused")
CAME_BACK = lazy("it came back")
# By what the status says it is about (RFC 3463).
WORDS = {"1": NO_SUCH_ADDRESS, "2": NO_ROOM, "7": NOT_WANTED}


class StillBeingSent(Exception):
    """The mail is in a worker's hands: whether it was sent is known in a moment."""

    def __init__(self) -> None:
        super().__init__("The mail is still being sent. Pass the report on again in a minute.")


def take_report(*, who: Purpose, content: bytes) -> Return:
    """Note what a message to our return address says, and count it; what became of it.

    Publishes `MailBounced` where a mail came back for good that had been sent; nothing else changes a mail.
    Raises `StillBeingSent` for one that is to be passed on again.
    """
    said = reports.read(content)
    with transaction(who) as tx:
        outcome = Return.UNREADABLE if said is None else _note(tx, said)
        queries.count_return(tx, outcome, now=clock.now())
    return outcome


def _note(tx: Transaction, said: Report) -> Return:
    mail = queries.by_message(tx, said.public_id)
    if mail is None:
        return Return.UNKNOWN
    if said.status is None:
        return Return.NOT_FOR_GOOD
    if mail.state == MailState.SENDING:
        raise StillBeingSent
    if mail.state != MailState.SENT:
        return Return.TWICE if mail.state == MailState.BOUNCED else Return.NOT_SENT
    mail.state, mail.reason = MailState.BOUNCED, reason(said.status)
    tx.flush()
    events.publish(tx, MailBounced(mail.id, mail.public_id, said.status))
    record(tx, "mail.bounce", school_id=mail.school_id, mail=mail.id)
    return Return.BOUNCED


def reason(status: str) -> str:
    """Why a mail came back, in fixed words and the status."""
    words = WORDS.get(status.split(".")[1], CAME_BACK)
    return f"{str.__str__(words)} ({status})"
