"""Having letters made, printing them, and saying that they were posted: a founder each time, freshly proven.

To whom letters go is read only for printing, and nothing printed is kept: a batch is printed again from its
rows, as long as those are there.
"""

from dataclasses import dataclass, field

from backoffice import clock
from backoffice.access.principal import Principal
from backoffice.access.transaction import Transaction, transaction
from backoffice.audit.trail import record
from backoffice.language.texts import gettext, lazy
from backoffice.problems import Rejected
from plugins.notifications.letters import paper, queries
from plugins.notifications.models import Incident
from plugins.notifications.notices import wordings
from plugins.notifications.notices.models import Notice
from plugins.notifications.notices.services import OVER, tell_timeline, to_decide

# As many as somebody folds in an afternoon, and as a request prints in seconds.
MOST = 200
NONE_DUE = lazy("No letter is to be made now.")


@dataclass(frozen=True)
class Printed:
    """Letters as PDF, and how many."""

    pdf: bytes = field(repr=False)
    letters: int


def make_letters(*, principal: Principal, notice: str) -> int:
    """Put letters that are due into a batch, up to `MOST`; how many.

    Raises `Rejected`, `ProofNeeded`, `Denied`, `NotFound`.
    """
    with transaction(principal) as tx:
        row = to_decide(tx, notice)
        made = queries.make(tx, row, at=clock.now(), most=MOST)
        if not made:
            raise Rejected.whole(NONE_DUE)
        record(tx, "notices.make-letters", notice=row.id, letters=made)
    return made


def print_letters(*, principal: Principal, notice: str, batch: str) -> Printed:
    """An address sheet and the letters of a batch, as PDF. Raises `ProofNeeded`, `Denied`, `NotFound`."""
    with transaction(principal) as tx:
        row = to_decide(tx, notice)
        found = queries.batch_of(tx, row, batch)
        letters = queries.addressed(tx, found)
        pdf = paper.printed(sent(tx, row), letters)
        record(tx, "notices.print-letters", notice=row.id, batch=found.id, letters=len(letters))
    return Printed(pdf, len(letters))


def letters_posted(*, principal: Principal, notice: str, batch: str) -> int:
    """Say that a batch was posted; how many letters it has.

    Raises `Rejected`, `ProofNeeded`, `Denied`, `NotFound`.
    """
    with transaction(principal) as tx:
        row = to_decide(tx, notice)
        found = queries.batch_of(tx, row, batch)
        posted = queries.post(tx, found, at=clock.now())
        if not posted:
            raise Rejected.whole(OVER)
        tell_timeline(tx, row, gettext("Letters were posted: %(number)s.", number=posted), None)
        record(tx, "notices.post-letters", notice=row.id, batch=found.id, letters=posted)
    return posted


def sent(tx: Transaction, notice: Notice) -> paper.Sent:
    """What all letters of a notice have in common."""
    incident = tx.get_one(Incident, notice.incident_id)
    return paper.Sent(
        template=wordings.template_of(notice.template, notice.template_version),
        said=notice.said,
        incident=incident.public_id,
        is_drill=incident.is_drill,
        at=clock.now(),
    )
