"""Handing in a form that was approved, or giving it up; and the form as it is printed."""

from datetime import datetime

from sqlalchemy import select

from backoffice import clock
from backoffice.access.lookup import NotFound
from backoffice.access.principal import Principal
from backoffice.access.transaction import Transaction, transaction
from backoffice.language.texts import gettext, lazy
from backoffice.problems import Rejected
from plugins.notifications import clocks, schools
from plugins.notifications.authorities import facts
from plugins.notifications.authorities.paper import Form
from plugins.notifications.authorities.queries import called
from plugins.notifications.models import EntryKind, GivenNotice, Incident
from plugins.notifications.notices import queries
from plugins.notifications.notices.models import Audience, Notice, NoticeState, StepKind
from plugins.notifications.notices.services import OVER, done, reasoned, tell_timeline, to_decide
from plugins.notifications.notices.wordings import DELAY, template_of
from plugins.notifications.services import NOT_YET, lock_open, write

TOO_EARLY = lazy("This lies before it was approved.")


def hand_in(*, principal: Principal, notice: str, at: datetime, late_reason: str) -> None:
    """Say when a form that was approved was handed in: with that its rule's notice is given.

    What is late gives the form's own reason, or `late_reason` where the form says none. What is handed in
    after a notice was given by the same rule is further information.
    Raises `Rejected`, `ProofNeeded`, `Denied`, `NotFound`.
    """
    now = clock.now()
    if at > now:
        raise Rejected(at=NOT_YET)
    with transaction(principal) as tx:
        row = _form(tx, notice)
        incident = lock_open(tx, row.incident_id)
        tx.refresh(row)
        if row.state != NoticeState.APPROVED or row.approved_at is None:
            raise Rejected.whole(OVER)
        # A form has whole minutes.
        if at < row.approved_at.replace(second=0, microsecond=0):
            raise Rejected(at=TOO_EARLY)
        handed = max(at, row.approved_at)
        if not queries.hand_in(tx, row, handed=handed, at=now):
            raise Rejected.whole(OVER)
        _give(tx, incident, row, at=handed, late_reason=late_reason)
        done(tx, row, StepKind.HANDED_IN)


def give_up(*, principal: Principal, notice: str, reason: str) -> None:
    """Give up a form that was approved and is not to be handed in. Raises as `hand_in`."""
    reason = reasoned(reason, gettext("Say why it is not handed in, in 10 to 2,000 letters."))
    with transaction(principal) as tx:
        row = _form(tx, notice)
        if row.state != NoticeState.APPROVED or not queries.end(tx, row, at=clock.now(), reason=reason):
            raise Rejected.whole(OVER)
        tell_timeline(tx, row, gettext("A form to an authority was given up: %(law)s", law=_law(row)), reason)
        done(tx, row, StepKind.STOPPED)


def form_of(tx: Transaction, row: Notice) -> Form:
    """A form as it is printed and shown: as it was proposed, or of a draft as it is now."""
    known = facts.known_of(tx, row)
    return Form(
        template=template_of(row.template, row.template_version),
        said=row.said,
        known=known,
        is_drill=tx.get_one(Incident, row.incident_id).is_drill,
        approved_at=row.approved_at,
        samples=[
            (template_of(each.template, each.template_version), each.said)
            for each in called(tx, known["samples"])
        ],
    )


def _form(tx: Transaction, notice: str) -> Notice:
    row = to_decide(tx, notice)
    if row.audience != Audience.AUTHORITY:
        raise NotFound
    return row


def _give(tx: Transaction, incident: Incident, row: Notice, *, at: datetime, late_reason: str) -> None:
    found = clocks.standing(tx, incident)
    asked = facts.asked_by(found, row.rule or "")
    if asked is not None and asked.given_at is None:
        said = [texts.get(DELAY, "") for texts in row.said.values()]
        reason = next(filter(None, said), late_reason)
        schools.give(tx, incident, found, [asked], at=at, late_reason=reason)
        return
    if asked is None and not _is_given(tx, incident, row):
        # By what is known now nobody asks for it: it was given all the same, should the law ask again.
        schools.keep_given(tx, incident, row.rule or "", None, at=at, late_reason=late_reason)
        first = gettext(
            "A form was handed in that no law asks for by what is known now: %(law)s", law=_law(row)
        )
        write(tx, incident, EntryKind.TOLD, first, at=at)
        return
    further = gettext("Further information was handed in: %(law)s", law=_law(row))
    write(tx, incident, EntryKind.TOLD, further, at=at)


def _is_given(tx: Transaction, incident: Incident, row: Notice) -> bool:
    mine = select(GivenNotice.id).where(GivenNotice.incident_id == incident.id, GivenNotice.rule == row.rule)
    return tx.scalars(mine.limit(1)).first() is not None


def _law(row: Notice) -> str:
    rule = facts.rule_of(row)
    return rule.law if rule else row.rule or ""
