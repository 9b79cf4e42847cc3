"""Writing notices, and letting them go out: one founder proposes and another approves.

After an hour whoever proposed one may let it go out alone, with a reason; then the other founders and the
schools concerned are told, and another founder is to look at it within three days. That it takes two is for
the database to say: these services only say it in words.
"""

from datetime import datetime, timedelta

from sqlalchemy import select

from backoffice import clock
from backoffice.access.lookup import NotFound, find
from backoffice.access.policy import require
from backoffice.access.principal import Principal, Purpose
from backoffice.access.transaction import Transaction, transaction
from backoffice.accounts.founders import founders, other_founders
from backoffice.accounts.services import proof
from backoffice.audit.trail import record
from backoffice.jobs import queue
from backoffice.language.texts import gettext, lazy
from backoffice.messages.services import tell
from backoffice.outbox import holding
from backoffice.problems import Overtaken, Rejected
from backoffice.storage.public_id import PublicId, is_public_id, new_public_id
from backoffice.wording import is_uuid
from plugins.notifications import clocks
from plugins.notifications.authorities import facts
from plugins.notifications.deadlines.law import Rule
from plugins.notifications.drills.pace import Pace, paces
from plugins.notifications.models import EntryKind, Incident, TimelineEntry
from plugins.notifications.notices import mails, queries, wordings
from plugins.notifications.notices.lateness import TO_SCHOOLS, schools_late
from plugins.notifications.notices.messages import STEP
from plugins.notifications.notices.models import Audience, Notice, NoticeState, StepKind
from plugins.notifications.notices.wordings import Said
from plugins.notifications.permissions import INCIDENTS_RUN

SEND = "notifications.send-notices"
# So long after it was proposed, whoever proposed it may let it go out alone; the database says the same.
ALONE_AFTER = timedelta(hours=1)
# How often founders are told that a review is due.
REMINDED = timedelta(days=1)
SHORTEST_REASON, LONGEST_REASON = 10, 2000
# What is mailed of it may be paused, and goes on.
GOES_ON = (NoticeState.APPROVED, NoticeState.SENT)
OVER = lazy("It is not as it was when you looked. Look at it again.")
TWO = lazy("Another founder has to approve it. One hour after it was proposed you may let it go out alone.")
CLOSED = lazy("The incident is closed: nothing more goes out about it.")
LATE = lazy(
    "The time of schools is over, or ends within the hour. Say why they are told so late, in 10 to 2,000"
    " letters."
)
LATE_FORM = lazy(
    "The time of this authority is over, or ends within the hour. Say in the form why it comes late."
)
# How the trail calls what founders are told of.
VERBS = {
    StepKind.PROPOSED: "notices.propose",
    StepKind.APPROVED: "notices.approve",
    StepKind.ALONE: "notices.approve-alone",
    StepKind.REVIEWED: "notices.review",
    StepKind.TAKEN_DOWN: "notices.take-down",
    StepKind.PAUSED: "notices.pause",
    StepKind.RESUMED: "notices.resume",
    StepKind.STOPPED: "notices.stop",
    StepKind.HANDED_IN: "notices.hand-in",
}
# How founders are told of what is called otherwise of a form to an authority, of which no mail leaves.
_STEPS_OF_FORMS = {
    StepKind.PROPOSED.value: "form proposed",
    StepKind.APPROVED.value: "form approved",
    StepKind.ALONE.value: "form alone",
    StepKind.STOPPED.value: "form given up",
}
# What the timeline says, by the audience.
OUT = {
    Audience.BANNER: lazy("A banner went up on the home page."),
    Audience.SCHOOLS: lazy("A notice to the schools was let out."),
    Audience.LETTERS: lazy("Letters to the schools were let out."),
    Audience.STAFF: lazy("A notice to staff of the schools was let out."),
    Audience.PARENTS: lazy("A notice to parents was let out."),
    Audience.AUTHORITY: lazy("A form to an authority was approved. It is to be handed in."),
}
DOWN = lazy("The banner was taken down.")
PAUSED = lazy("Sending a notice was paused.")
RESUMED = lazy("Sending a notice went on.")
STOPPED = lazy("Sending a notice was stopped for good.")
SENT = {
    Audience.SCHOOLS: lazy("The notice to the schools is written to all of them."),
    Audience.LETTERS: lazy("The letters to the schools are ready to be printed."),
    Audience.STAFF: lazy("The notice to staff is written to all of them."),
    Audience.PARENTS: lazy("The notice to parents is written to all of them."),
}


def write_notice(
    *,
    principal: Principal,
    incident: str,
    audience: Audience,
    said: Said,
    form: str,
    rule: str | None = None,
) -> PublicId:
    """Begin a notice as a draft, which may have gaps. The same form begins one. To an authority by a rule.

    Raises `Rejected`, `Denied` and `NotFound`.
    """
    law = _rule(audience, rule)
    template = wordings.newest(audience, law)
    texts, made = _checked(template, said), new_public_id()
    if not is_uuid(form):
        raise Rejected.whole(OVER)
    with transaction(principal) as tx:
        require(tx.principal, INCIDENTS_RUN)
        about = _open_incident(tx, incident)
        if law is not None and facts.asked_by(clocks.standing(tx, about), law.id) is None:
            raise NotFound
        before = tx.scalar(select(Notice.public_id).where(Notice.form == form))
        if before is not None:
            return PublicId(before)
        notice = new_draft(tx, about, audience, template, texts, made, form, rule)
        record(tx, "notices.write", notice=notice.id, audience=audience)
    return made


def new_draft(
    tx: Transaction,
    incident: Incident,
    audience: Audience,
    template: wordings.Template,
    said: Said,
    public_id: PublicId,
    form: str,
    rule: str | None = None,
) -> Notice:
    """A notice as it begins, written by whoever is at work."""
    notice = Notice(
        id=tx.take_id(Notice),
        public_id=public_id,
        incident_id=incident.id,
        audience=audience,
        template=template.name,
        template_version=template.version,
        said=said,
        state=NoticeState.DRAFT,
        version=0,
        written_by=tx.principal.account_id,
        written_at=clock.now(),
        form=form,
        rule=rule,
    )
    tx.add(notice)
    tx.flush()
    return notice


def edit_notice(*, principal: Principal, notice: str, said: Said, version: int) -> None:
    """Change what a draft says, by whoever has seen this version of it.

    Raises `Rejected`, `Overtaken`, `Denied` and `NotFound`.
    """
    with transaction(principal) as tx:
        require(tx.principal, INCIDENTS_RUN)
        row = _notice(tx, notice)
        _open(tx, row)
        tx.refresh(row)
        if row.state != NoticeState.DRAFT:
            raise Rejected.whole(OVER)
        if row.version != version:
            raise Overtaken.meanwhile()
        row.said = _checked(wordings.template_of(row.template, row.template_version), said)
        row.version, row.written_by, row.written_at = version + 1, tx.principal.account_id, clock.now()
        tx.flush()
        record(tx, "notices.edit", notice=row.id)


def propose_notice(*, principal: Principal, notice: str, version: int, late_reason: str = "") -> None:
    """Propose a draft as it was read: nothing that has to be said may be missing.

    What goes to schools late needs a reason; a form to an authority keeps what is known by now.
    Raises `Rejected`, `Overtaken`, `Denied`, `NotFound` and `ProofNeeded`.
    """
    with transaction(principal) as tx:
        row = to_decide(tx, notice)
        _as_read(tx, row, version)
        gaps = wordings.missing(wordings.template_of(row.template, row.template_version), row.said)
        if gaps:
            raise Rejected(**gaps)
        late = _late(tx, row, late_reason)
        known = facts.compute(tx, row, _incident(tx, row)) if row.audience == Audience.AUTHORITY else None
        _check(queries.propose(tx, row, at=clock.now(), facts=known, late=late))
        done(tx, row, StepKind.PROPOSED)


def take_back_notice(*, principal: Principal, notice: str) -> None:
    """Make a draft again of what was proposed, to change it; any founder may. Raises as `propose_notice`."""
    with transaction(principal) as tx:
        row = to_decide(tx, notice)
        _check(queries.take_back(tx, row, at=clock.now()))
        record(tx, "notices.take-back", notice=row.id)


def approve_notice(*, principal: Principal, notice: str, version: int, late_reason: str = "") -> None:
    """Let a notice go out as it was read, that another founder has proposed. Raises as `propose_notice`."""
    with transaction(principal) as tx:
        row = to_decide(tx, notice)
        _as_read(tx, row, version)
        if row.state == NoticeState.PROPOSED and row.proposed_by == tx.principal.account_id:
            raise Rejected.whole(TWO)
        late = _late(tx, row, late_reason)
        _check(queries.approve(tx, row, at=clock.now(), late=late))
        _out(tx, row, StepKind.APPROVED)


def approve_alone(
    *, principal: Principal, notice: str, version: int, reason: str, late_reason: str = ""
) -> None:
    """Let a notice go out as it was read, an hour after one proposed it. Raises as `propose_notice`."""
    reason = reasoned(reason, gettext("Say why it cannot wait for a second founder, in 10 to 2,000 letters."))
    with transaction(principal) as tx:
        row = to_decide(tx, notice)
        _as_read(tx, row, version)
        if not may_go_alone(row, tx.principal, pace_of(tx, row)):
            raise Rejected.whole(TWO)
        late = _late(tx, row, late_reason)
        _check(queries.approve_alone(tx, row, at=clock.now(), reason=reason, late=late))
        tx.refresh(row)
        _out(tx, row, StepKind.ALONE, reason)


def pace_of(tx: Transaction, row: Notice) -> Pace:
    """How fast time runs in the incident of a notice."""
    return paces(tx, [incident := _incident(tx, row)])[incident.id]


def alone_from(row: Notice, who: Principal, pace: Pace) -> datetime | None:
    """From when somebody may let go out alone what they have proposed; in a drill by its own time."""
    if row.state != NoticeState.PROPOSED or row.proposed_at is None or row.proposed_by != who.account_id:
        return None
    return row.proposed_at + ALONE_AFTER / pace.faster


def may_go_alone(row: Notice, who: Principal, pace: Pace) -> bool:
    """Whether somebody has waited long enough for another founder."""
    since = alone_from(row, who, pace)
    return since is not None and since <= clock.now()


def review_notice(*, principal: Principal, notice: str) -> None:
    """Say that one has looked at what another founder let out alone. Raises as `propose_notice`."""
    with transaction(principal) as tx:
        row = to_decide(tx, notice)
        if row.approved_by == tx.principal.account_id:
            raise Rejected.whole(gettext("Another founder has to look at it: you let it go out."))
        _check(queries.review(tx, row, at=clock.now()))
        done(tx, row, StepKind.REVIEWED)


def take_down(*, principal: Principal, notice: str, reason: str) -> None:
    """Take a banner down; one founder is enough. Raises as `propose_notice`."""
    reason = reasoned(reason, gettext("Say why nobody needs it any more, in 10 to 2,000 letters."))
    with transaction(principal) as tx:
        row = to_decide(tx, notice)
        if row.state != NoticeState.UP:
            raise Rejected.whole(OVER)
        _check(queries.end(tx, row, at=clock.now(), reason=reason))
        tell_timeline(tx, row, str(DOWN), reason)
        done(tx, row, StepKind.TAKEN_DOWN)


def discard_notice(*, principal: Principal, notice: str) -> None:
    """Give a draft up. Raises as `propose_notice`."""
    with transaction(principal) as tx:
        row = to_decide(tx, notice)
        if row.state != NoticeState.DRAFT:
            raise Rejected.whole(OVER)
        _check(queries.end(tx, row, at=clock.now(), reason=None))
        record(tx, "notices.discard", notice=row.id)


def pause_notice(*, principal: Principal, notice: str, reason: str) -> None:
    """Have no more mails of a notice leave for now; one founder is enough. Raises as `propose_notice`."""
    reason = reasoned(reason, gettext("Say why it has to wait, in 10 to 2,000 letters."))
    with transaction(principal) as tx:
        row = to_decide(tx, notice)
        # First: a worker that is writing ends its batch, and nothing is written behind the hold.
        _check(queries.pause(tx, row, at=clock.now(), reason=reason))
        holding.hold(tx, queries.waiting_mails(row))
        tell_timeline(tx, row, str(PAUSED), reason)
        done(tx, row, StepKind.PAUSED)


def resume_notice(*, principal: Principal, notice: str, late_reason: str = "") -> None:
    """Go on with a notice that was paused; to schools late with a reason. Raises as `propose_notice`."""
    with transaction(principal) as tx:
        row = to_decide(tx, notice)
        if row.paused_at is None or row.state not in GOES_ON:
            raise Rejected.whole(OVER)
        late = _late(tx, row, late_reason)
        _check(queries.resume(tx, row, at=clock.now(), late=late))
        holding.let_go(tx, queries.waiting_mails(row))
        tell_timeline(tx, row, str(RESUMED), late)
        done(tx, row, StepKind.RESUMED)
        queue.defer(tx, SEND)


def stop_notice(*, principal: Principal, notice: str, reason: str) -> None:
    """End a notice that is paused: whoever was not written to is not. Raises as `propose_notice`."""
    reason = reasoned(reason, gettext("Say why nobody else is told by it, in 10 to 2,000 letters."))
    with transaction(principal) as tx:
        row = to_decide(tx, notice)
        _check(queries.stop(tx, row, at=clock.now(), reason=reason))
        holding.call_off(tx, queries.waiting_mails(row))
        tell_timeline(tx, row, str(STOPPED), reason)
        done(tx, row, StepKind.STOPPED)


def remind(who: Purpose) -> int:
    """Tell the founders of reviews that are due, once a day; how many."""
    now = clock.now()
    late = select(Notice).where(
        Notice.review_due_at <= now,
        Notice.reviewed_at.is_(None),
        Notice.reminded_at.is_(None) | (Notice.reminded_at <= now - REMINDED),
    )
    with transaction(who) as tx:
        rows = tx.scalars(late.order_by(Notice.id).with_for_update(of=Notice)).all()
        for row in rows:
            row.reminded_at = now
            _tell_founders(tx, row, "review due")
            record(tx, "notices.remind", notice=row.id)
    return len(rows)


def _checked(template: wordings.Template, said: Said) -> dict[str, dict[str, str]]:
    texts = wordings.cleaned(template, said)
    if faults := wordings.faults(template, texts):
        raise Rejected(**faults)
    return texts


def reasoned(reason: str, problem: str) -> str:
    """A reason as it is kept. Raises `Rejected` of one that is too short or too long."""
    reason = " ".join(reason.split())
    if not SHORTEST_REASON <= len(reason) <= LONGEST_REASON:
        raise Rejected(reason=problem)
    return reason


def _rule(audience: Audience, rule: str | None) -> Rule | None:
    """The rule by which an authority is told. Raises `NotFound`."""
    if audience != Audience.AUTHORITY:
        return None
    found = next((each for each in clocks.law().rule if each.id == rule), None)
    if found is None:
        raise NotFound
    return found


def _late(tx: Transaction, row: Notice, reason: str) -> str | None:
    """Why schools are told late, where they are; None where they are not. An authority reads it in its form.

    Raises `Rejected` where nobody has said it.
    """
    now = clock.now()
    if row.audience == Audience.AUTHORITY:
        gaps = wordings.without_delay(wordings.template_of(row.template, row.template_version), row.said)
        asked = facts.asked_by(_standing(tx, row), row.rule or "") if gaps else None
        if facts.is_late(asked, now=now):
            raise Rejected(**dict.fromkeys(gaps, str(LATE_FORM)))
        return None
    if row.audience not in TO_SCHOOLS or not schools_late(_standing(tx, row), now=now):
        return None
    return why_late(row, reason, LATE)


def why_late(row: Notice, reason: str, problem: str) -> str:
    """Why a notice is late, as it is kept: as it is said now, or was before. Raises `Rejected` of neither."""
    if not reason.strip() and row.late_reason is not None:
        return row.late_reason
    reason = " ".join(reason.split())
    if not SHORTEST_REASON <= len(reason) <= LONGEST_REASON:
        raise Rejected(late_reason=problem)
    return reason


def _open_incident(tx: Transaction, incident: str) -> Incident:
    if not is_public_id(incident):
        raise NotFound
    found = find(tx, Incident, incident, permission=INCIDENTS_RUN)
    if found.closed_at is not None:
        raise Rejected.whole(CLOSED)
    return found


def _notice(tx: Transaction, notice: str) -> Notice:
    if not is_public_id(notice):
        raise NotFound
    return find(tx, Notice, notice, permission=INCIDENTS_RUN)


def to_decide(tx: Transaction, notice: str) -> Notice:
    require(tx.principal, INCIDENTS_RUN)
    proof.demand(tx)
    return _notice(tx, notice)


def _incident(tx: Transaction, row: Notice) -> Incident:
    return tx.get_one(Incident, row.incident_id)


def _standing(tx: Transaction, row: Notice) -> clocks.Standing:
    return clocks.standing(tx, _incident(tx, row))


def _open(tx: Transaction, row: Notice) -> None:
    """Have nobody else write to the incident meanwhile, or close it. Raises `Rejected` if it is closed."""
    locked = select(Incident.id).where(Incident.id == row.incident_id, Incident.closed_at.is_(None))
    if tx.scalar(locked.with_for_update()) is None:
        raise Rejected.whole(CLOSED)


def _as_read(tx: Transaction, row: Notice, version: int) -> None:
    _open(tx, row)
    if row.version != version:
        raise Overtaken.meanwhile()


def _check(done: object) -> None:
    if not done:
        raise Rejected.whole(OVER)


def _out(tx: Transaction, row: Notice, step: StepKind, reason: str | None = None) -> None:
    """Note that a notice goes out, and have what is mailed written."""
    tell_timeline(tx, row, str(OUT[Audience(row.audience)]), reason)
    done(tx, row, step)
    queue.defer(tx, SEND)


def done(tx: Transaction, row: Notice, step: StepKind) -> None:
    """Note a step in the trail, and tell the other founders of it."""
    record(tx, VERBS[step], notice=row.id, audience=row.audience)
    _tell_founders(tx, row, step)


def _tell_founders(tx: Transaction, row: Notice, step: str) -> None:
    incident = _incident(tx, row)
    # Whatever a drill does, no mail leaves.
    if incident.is_drill:
        return
    told = mails.NoticeStepTold(
        step=_STEPS_OF_FORMS.get(step, step) if row.audience == Audience.AUTHORITY else step,
        incident=incident.public_id,
        notice=row.public_id,
        by=tx.principal.name,
        at=clock.now(),
        until=row.review_due_at if step in (StepKind.ALONE, "review due") else None,
    )
    everybody = founders(tx) if step == "review due" else other_founders(tx)
    for founder in everybody:
        tell(tx, STEP, to=founder, parameters=told, subject=row.public_id, once=f"{row.id} {step} {told.at}")


def tell_timeline(tx: Transaction, row: Notice, said: str, reason: str | None) -> None:
    # Nobody writes to what is closed; the steps of the notice tell it all the same.
    if _incident(tx, row).closed_at is not None:
        return
    now = clock.now()
    tx.add(
        TimelineEntry(
            id=tx.take_id(TimelineEntry),
            incident_id=row.incident_id,
            kind=EntryKind.TOLD,
            said=said,
            reason=reason,
            happened_at=now,
            written_at=now,
            written_by=tx.principal.account_id,
        )
    )
    tx.flush()
