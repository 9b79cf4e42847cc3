"""Security events: opened by what happens to accounts, closed by a founder with a note."""

from sqlalchemy import update

from backoffice import clock
from backoffice.access.lookup import find
from backoffice.access.permissions import SECURITY_CLOSE
from backoffice.access.principal import Nobody, Principal, Purpose
from backoffice.access.transaction import Transaction, transaction
from backoffice.accounts.care.kinds import EVENTS
from backoffice.accounts.care.models import EventKind, SecurityEvent
from backoffice.audit.trail import record
from backoffice.language.texts import gettext, lazy
from backoffice.privacy.retention.runs import forget
from backoffice.problems import Rejected, Throttled
from backoffice.storage import functions
from backoffice.storage.public_id import new_public_id
from backoffice.throttles.tries import Claim, take
from backoffice.wording import clean

LONGEST_NOTE = 1000
# The password was right each time: whoever misses the code more often is looked at.
REFUSED_UNNOTICED = "4/day"
CLOSED_ALREADY = lazy("This was closed by somebody else meanwhile.")


def open_event(tx: Transaction, kind: EventKind, account_id: int) -> bool:
    """Have founders look at an account, in the transaction of the cause; False if they are to already."""
    return functions.open_security_event(
        tx, kind=kind, account_id=account_id, public_id=new_public_id(), at=clock.now()
    )


def note_refused_code(*, account_id: int, address: str | None) -> None:
    """Count a one-time code that was refused after a right password; the fifth of a day opens an event."""
    try:
        take(Claim("refused codes by account", REFUSED_UNNOTICED, str(account_id)))
    except Throttled:
        with transaction(Nobody(address)) as tx:
            if open_event(tx, EventKind.CODES_REFUSED, account_id):
                record(tx, "security.open", account=account_id, kind=EventKind.CODES_REFUSED)


def close_event(*, principal: Principal, event: str, note: str) -> None:
    """Close an event, saying what was found. Raises `Rejected`, `NotFound`."""
    note = clean(note)
    if not note:
        raise Rejected(note=gettext("Write what you found."))
    if len(note) > LONGEST_NOTE:
        raise Rejected(note=gettext("Shorten the note to %(most)s letters.", most=LONGEST_NOTE))
    with transaction(principal) as tx:
        found = find(tx, SecurityEvent, event, permission=SECURITY_CLOSE)
        open_still = (SecurityEvent.id == found.id, SecurityEvent.closed_at.is_(None))
        closing = {"closed_at": clock.now(), "closed_by": tx.principal.account_id, "note": note}
        if not tx.execute(update(SecurityEvent).where(*open_still).values(closing)).rowcount:  # type: ignore[attr-defined]
            raise Rejected.whole(CLOSED_ALREADY)
        record(tx, "security.close", event=found.id, account=found.account_id)


def forget_old(who: Purpose) -> dict[str, int]:
    """Forget events and ended resets that are older than they are kept; how many."""
    with transaction(who) as tx:
        return {"events": forget(tx, EVENTS)}
