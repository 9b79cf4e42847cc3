"""Having letters made, printing them, and saying that they were posted: a founder each time, freshly proven.

To whom letters go is read only for making and printing. What a worker has prepared is kept sealed for an
hour, and given out only as long as the same people get a letter: a batch is printed again from its rows, as
they are then.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256

from backoffice import clock
from backoffice.access.principal import Principal, Purpose
from backoffice.access.transaction import Transaction, transaction
from backoffice.audit.trail import record
from backoffice.jobs import queue
from backoffice.language.catalogues import ENGLISH
from backoffice.language.spoken import language, speaking
from backoffice.language.texts import gettext, lazy
from backoffice.printing.document import unprintable
from backoffice.privacy.erasure.events import SubjectErased
from backoffice.privacy.holdings import Subject
from backoffice.problems import Rejected
from plugins.notifications import clocks
from plugins.notifications.letters import paper, queries
from plugins.notifications.models import Incident
from plugins.notifications.notices import wordings
from plugins.notifications.notices.lateness import keep_reason, told_late_at
from plugins.notifications.notices.models import LetterBatch, Notice
from plugins.notifications.notices.services import OVER, tell_timeline, to_decide, why_late
from plugins.notifications.services import NOT_YET

# As many as go through a printer and into envelopes at once. The text is shaped anew for each, which takes a
# worker half a minute (tests/bench/test_letters.py).
MOST = 200
PRINT = "notifications.print-letters"
# Whoever asks again so long afterwards has them prepared anew: a worker may have been killed for good.
GIVEN_UP_AFTER = timedelta(minutes=10)
# So long after it was posted a batch is printed again; the database says the same.
PRINTED_AGAIN = timedelta(days=30)
NONE_DUE = lazy("No letter is to be made now.")
UNPRINTABLE = lazy(
    "No letter was made: names or addresses have signs that cannot be printed here. Write to them by hand."
)
NOT_PREPARED = lazy("They are not prepared, or no longer. Have them prepared, which takes up to a minute.")
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


def print_letters(*, principal: Principal, notice: str, batch: str) -> int:
    """Have a worker prepare an address sheet and the letters of a batch, dated as they were made; how many.

    What is being prepared is not begun again. Raises `Rejected`, `ProofNeeded`, `Denied`, `NotFound`.
    """
    now = clock.now()
    with transaction(principal) as tx:
        row = to_decide(tx, notice)
        found = queries.batch_of(tx, row, batch)
        letters = len(queries.addressed(tx, found, at=now))
        if not letters:
            raise Rejected.whole(NOTHING_TO_PRINT)
        if not is_being_prepared(found, is_ready=queries.print_of(tx, found) is not None):
            _ask(tx, row, found, letters)
    return letters


def fetch_letters(*, principal: Principal, notice: str, batch: str) -> Printed | None:
    """What was prepared, as PDF. None if who gets a letter has changed since: then it is prepared anew.

    Raises `Rejected`, `ProofNeeded`, `Denied`, `NotFound`.
    """
    with transaction(principal) as tx:
        row = to_decide(tx, notice)
        found = queries.batch_of(tx, row, batch)
        letters = list(queries.addressed(tx, found, at=clock.now()).values())
        if not letters:
            raise Rejected.whole(NOTHING_TO_PRINT)
        kept = queries.print_of(tx, found)
        if kept is None:
            raise Rejected.whole(NOT_PREPARED)
        if kept[: len(_whom(letters))] != _whom(letters):
            _ask(tx, row, found, len(letters))
            return None
        record(tx, "notices.fetch-letters", notice=row.id, batch=found.id, letters=len(letters))
    return Printed(kept[len(_whom(letters)) :], len(letters))


def prepare(who: Purpose, number: int, *, told: Callable[[int], None] = lambda _done: None) -> int:
    """Shape the letters of a batch for whoever asked; how many. Run again it begins anew. As the system."""
    with transaction(who) as tx:
        batch = tx.get(LetterBatch, number)
        if batch is None or batch.print_asked_at is None or queries.print_of(tx, batch) is not None:
            return 0
        letters = list(queries.addressed(tx, batch, at=clock.now()).values())
        common = sent(tx, tx.get_one(Notice, batch.notice_id), at=batch.made_at)
    if not letters:
        return 0
    # Outside of any transaction: it takes a while.
    with speaking(batch.print_language or ENGLISH):
        pdf = paper.printed(common, letters, told)
    with transaction(who) as tx:
        queries.keep_print(tx, batch, _whom(letters) + pdf)
    return len(letters)


def forget_prints(who: Purpose) -> int:
    """Forget what was prepared an hour ago; how many. As the system."""
    with transaction(who) as tx:
        return queries.forget_prints(tx, before=clock.now() - queries.READY_FOR)


def forget_erased(tx: Transaction, event: SubjectErased) -> None:
    """Somebody whom letters may name is erased: what is prepared goes, what is being shaped is not kept."""
    if event.subject in {Subject.ACCOUNT, Subject.SCHOOL, Subject.DISTRICT}:
        queries.forget_prints(tx, before=clock.now())


def is_being_prepared(batch: LetterBatch, *, is_ready: bool) -> bool:
    """Whether a worker is about to have a batch ready."""
    asked = batch.print_asked_at
    return not is_ready and asked is not None and asked > clock.now() - GIVEN_UP_AFTER


def _ask(tx: Transaction, row: Notice, batch: LetterBatch, letters: int) -> None:
    queries.ask_for_print(tx, batch, at=clock.now(), language=language())
    record(tx, "notices.print-letters", notice=row.id, batch=batch.id, letters=letters)
    queue.defer(tx, PRINT, number=batch.id)


def _whom(letters: Sequence[paper.Addressed]) -> bytes:
    """To whom letters go, as a digest before the PDF that is sealed with it: somebody may be erased since."""
    return sha256(repr(letters).encode()).digest()


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
        behind = told_late_at(clocks.standing(tx, tx.get_one(Incident, row.incident_id)), told, at=at)
        late = why_late(row, late_reason, LATE) if behind else None
        posted = queries.post(tx, found, at=at, late=late)
        if not posted:
            raise Rejected.whole(OVER)
        if late:
            # Of its own schools: another batch, posted before these are known to be told, has its own reason.
            keep_reason(tx, behind, late)
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
