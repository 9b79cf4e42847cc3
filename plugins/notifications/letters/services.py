"""Having letters made, printing them, and saying that they were posted: a founder each time, freshly proven.

To whom letters go is read only for making and printing, and nothing printed is kept: a batch is printed again
from its rows, as they are then.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from backoffice import clock
from backoffice.access.principal import Principal
from backoffice.access.transaction import Transaction, transaction
from backoffice.audit.trail import record
from backoffice.language.texts import gettext, lazy
from backoffice.printing.document import unprintable
from backoffice.problems import Rejected
from plugins.notifications import clocks
from plugins.notifications.letters import paper, queries
from plugins.notifications.models import Incident
from plugins.notifications.notices import wordings
from plugins.notifications.notices.lateness import told_late_at
from plugins.notifications.notices.models import Notice
from plugins.notifications.notices.services import OVER, tell_timeline, to_decide, why_late
from plugins.notifications.services import NOT_YET

# As many as a request prints in seconds: the text is shaped anew for each, tests/bench/test_letters.py.
MOST = 50
# So long after it was posted a batch is printed again; the database says the same.
PRINTED_AGAIN = timedelta(days=30)
NONE_DUE = lazy("No letter is to be made now.")
UNPRINTABLE = lazy(
    "No letter was made: names or addresses have signs that cannot be printed here. Write to them by hand."
)
NOTHING_TO_PRINT = lazy("Nothing is to be printed: these were posted long ago, or the notice is paused.")
LATE = lazy(
    "These letters tell a school after its time. Say why they were posted so late, in 10 to 2,000 letters."
)
TOO_EARLY = lazy("This lies before the letters were made.")


@dataclass(frozen=True)
class Printed:
    """Letters as PDF, and how many."""

    pdf: bytes = field(repr=False)
    letters: int


def make_letters(*, principal: Principal, notice: str) -> int:
    """Put letters that are due into a batch, up to `MOST`; how many. Those whose signs no font has stay due.

    Raises `Rejected`, `ProofNeeded`, `Denied`, `NotFound`.
    """
    now = clock.now()
    with transaction(principal) as tx:
        row = to_decide(tx, notice)
        known_as, made = queries.make(tx, row, at=now, most=MOST)
        if not made:
            raise Rejected.whole(NONE_DUE)
        batch = queries.batch_of(tx, row, known_as)
        letters = queries.addressed(tx, batch, at=now)
        unreadable = [number for number, each in letters.items() if unprintable("".join(each.window))]
        if unreadable:
            made -= queries.release(tx, batch, unreadable)
        if not made:
            raise Rejected.whole(UNPRINTABLE)
        record(tx, "notices.make-letters", notice=row.id, letters=made)
    return made


def print_letters(*, principal: Principal, notice: str, batch: str) -> Printed:
    """An address sheet and the letters of a batch, as PDF, dated as they were made.

    Raises `Rejected`, `ProofNeeded`, `Denied`, `NotFound`.
    """
    with transaction(principal) as tx:
        row = to_decide(tx, notice)
        found = queries.batch_of(tx, row, batch)
        letters = list(queries.addressed(tx, found, at=clock.now()).values())
        if not letters:
            raise Rejected.whole(NOTHING_TO_PRINT)
        pdf = paper.printed(sent(tx, row, at=found.made_at), letters)
        record(tx, "notices.print-letters", notice=row.id, batch=found.id, letters=len(letters))
    return Printed(pdf, len(letters))


def take_letters_apart(*, principal: Principal, notice: str, batch: str) -> int:
    """Give up a batch that was not posted: its letters are due again; how many.

    Raises `Rejected`, `ProofNeeded`, `Denied`, `NotFound`.
    """
    with transaction(principal) as tx:
        row = to_decide(tx, notice)
        released = queries.release(tx, queries.batch_of(tx, row, batch))
        if not released:
            raise Rejected.whole(OVER)
        record(tx, "notices.take-letters-apart", notice=row.id, letters=released)
    return released


def letters_posted(
    *, principal: Principal, notice: str, batch: str, at: datetime, late_reason: str = ""
) -> int:
    """Say when a batch was posted; how many letters it still had to that moment.

    Letters that tell schools after their time need a reason.

    Raises `Rejected`, `ProofNeeded`, `Denied`, `NotFound`.
    """
    if at > clock.now():
        raise Rejected(at=NOT_YET)
    with transaction(principal) as tx:
        row = to_decide(tx, notice)
        found = queries.batch_of(tx, row, batch)
        # A form has whole minutes.
        if at < found.made_at.replace(second=0, microsecond=0):
            raise Rejected(at=TOO_EARLY)
        number = found.id
        at = max(at, found.made_at)
        told = queries.told_by(tx, found)
        is_late = told_late_at(clocks.standing(tx, tx.get_one(Incident, row.incident_id)), told, at=at)
        late = why_late(row, late_reason, LATE) if is_late else None
        posted = queries.post(tx, found, at=at, late=late)
        if not posted:
            raise Rejected.whole(OVER)
        tell_timeline(tx, row, gettext("Letters were posted: %(number)s.", number=posted), late)
        record(tx, "notices.post-letters", notice=row.id, batch=number, letters=posted)
    return posted


def sent(tx: Transaction, notice: Notice, *, at: datetime) -> paper.Sent:
    """What all letters of a notice have in common, made at a moment."""
    incident = tx.get_one(Incident, notice.incident_id)
    return paper.Sent(
        template=wordings.template_of(notice.template, notice.template_version),
        said=notice.said,
        incident=incident.public_id,
        is_drill=incident.is_drill,
        at=at,
    )
