"""What tests of looking after accounts ask again and again."""

import email
import re
from email.policy import default

from sqlalchemy import func, select

from backoffice.access.principal import Principal, Purpose, SessionEnded
from backoffice.access.transaction import transaction
from backoffice.accounts.care.models import SecurityEvent
from backoffice.accounts.models import Account
from backoffice.accounts.services.letters import write_letters
from backoffice.audit.models import AuditEntry
from backoffice.outbox.models import MailContent
from backoffice.problems import Rejected
from tests.factories.world import SYSTEM, Person, World


def is_out(who: Principal) -> bool:
    """Whether a session is dead."""
    try:
        with transaction(who) as tx:
            return tx.principal is None
    except SessionEnded:
        return True


def gets_in(world: World, role: str) -> bool:
    """Whether the right password and code begin a session."""
    try:
        world.sign_in(role)
    except Rejected:
        return False
    return True


def status(person: Person) -> str:
    """How an account stands."""
    with transaction(SYSTEM) as tx:
        return tx.scalars(select(Account.status).where(Account.id == person.id)).one()


def mailed(person: Person) -> list[str]:
    """The texts of the mails to somebody, the oldest first, once the worker has written what waits."""
    write_letters(Purpose("test"))
    with transaction(SYSTEM) as tx:
        messages = [
            each.message
            for each in tx.scalars(select(MailContent).order_by(MailContent.mail_id))
            if each.recipient == person.email
        ]
    parsed = [email.message_from_bytes(each, policy=default) for each in messages]
    bodies = [each.get_body(("plain",)) for each in parsed]
    return [" ".join(body.get_content().split()) for body in bodies if body is not None]


def link_in(text: str, page: str) -> str:
    """The token of a link in a mail."""
    found = re.search(rf"/{page}/([A-Za-z0-9_-]{{43}})", text)
    assert found
    return found.group(1)


def noted(verb: str) -> int:
    """How often the trail has a verb."""
    with transaction(SYSTEM) as tx:
        return tx.scalar(select(func.count()).where(AuditEntry.verb == verb)) or 0


def open_events(person: Person) -> list[str]:
    """What founders are to look at about somebody."""
    with transaction(SYSTEM) as tx:
        mine = (SecurityEvent.account_id == person.id, SecurityEvent.closed_at.is_(None))
        return list(tx.scalars(select(SecurityEvent.kind).where(*mine).order_by(SecurityEvent.id)))
