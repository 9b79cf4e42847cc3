"""Legal holds, as a table. A hold outlives what it held, and names nobody from then on."""

from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, ColumnElement, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped

from backoffice.language.texts import lazy
from backoffice.privacy.holdings import PersonalData, Subject, Target
from backoffice.storage import columns
from backoffice.storage.base import Base, only, titled
from backoffice.storage.columns import Keep
from backoffice.storage.numbers import one_of


class HoldState(StrEnum):
    """How far a hold is. What is `PROPOSED` stops erasing as well, until nobody has confirmed it in time."""

    PROPOSED = "proposed"
    IN_FORCE = "in force"
    RELEASED = "released"
    WITHDRAWN = "withdrawn"
    LAPSED = "lapsed"


# In these states nothing of its subject is erased.
STOPS = (HoldState.PROPOSED, HoldState.IN_FORCE)
_STOPS = f"state in ({', '.join(repr(each.value) for each in STOPS)})"


class LegalHold(Base):
    """One hold on one subject: why, until when it is to be looked at again, and by which two founders.

    It has no key to its subject, of which there are five kinds. `release_by` has asked for its end, which
    somebody else confirms. What names the subject is taken out when that is erased.
    """

    __tablename__ = "legal_hold"
    __table_args__ = (
        UniqueConstraint("public_id"),
        only("subject", Subject),
        only("state", HoldState),
        CheckConstraint(f"not ({_STOPS}) or subject_id is not null", name="what_stops_names_what"),
        CheckConstraint(f"(ended_at is null) = ({_STOPS})", name="ended_stops_nothing"),
        CheckConstraint("state <> 'in force' or confirmed_at is not null", name="in_force_was_confirmed"),
        CheckConstraint("confirmed_by <> proposed_by", name="two_people_hold"),
        CheckConstraint("state <> 'released' or ended_by <> release_by", name="two_people_release"),
        Index("ix_legal_hold_stops", "id", postgresql_where=_STOPS),
        Index(None, "proposed_by"),
        Index(None, "confirmed_by"),
        Index(None, "release_by"),
        Index(None, "ended_by"),
        titled(lazy("Legal holds")),
    )

    id: Mapped[int] = columns.key(keep=Keep.FOR_GOOD)
    public_id: Mapped[str] = columns.public_id(keep=Keep.FOR_GOOD)
    subject: Mapped[str] = columns.choice("Whether a student, a class, an account ...", keep=Keep.FOR_GOOD)
    subject_id: Mapped[int | None] = columns.reference("Which one", keep=Keep.ERASURE)
    outside: Mapped[str | None] = columns.public_id("Names what is held, for founders", keep=Keep.ERASURE)
    # No foreign key: it says what had to be kept when the school is gone, too.
    school_id: Mapped[int | None] = columns.reference("In which school", keep=Keep.FOR_GOOD)
    state: Mapped[str] = columns.choice("How far it is", keep=Keep.FOR_GOOD)
    reason: Mapped[str | None] = columns.sealed("Why it has to be kept", keep=Keep.ERASURE)
    review_on: Mapped[date] = columns.day("When it is to be looked at again", keep=Keep.FOR_GOOD)
    proposed_by: Mapped[int | None] = columns.reference(
        "Who proposed it", ForeignKey("app.account.id", ondelete="SET NULL"), keep=Keep.ACCOUNT
    )
    proposed_at: Mapped[datetime] = columns.moment("When it was proposed", keep=Keep.FOR_GOOD)
    confirmed_by: Mapped[int | None] = columns.reference(
        "Who confirmed it", ForeignKey("app.account.id", ondelete="SET NULL"), keep=Keep.ACCOUNT
    )
    confirmed_at: Mapped[datetime | None] = columns.moment("When it was confirmed", keep=Keep.FOR_GOOD)
    release_by: Mapped[int | None] = columns.reference(
        "Who asked for its end", ForeignKey("app.account.id", ondelete="SET NULL"), keep=Keep.ACCOUNT
    )
    release_at: Mapped[datetime | None] = columns.moment("When its end was asked for", keep=Keep.FOR_GOOD)
    ended_by: Mapped[int | None] = columns.reference(
        "Who ended it", ForeignKey("app.account.id", ondelete="SET NULL"), keep=Keep.ACCOUNT
    )
    ended_at: Mapped[datetime | None] = columns.moment("When it ended", keep=Keep.FOR_GOOD)
    reminded_at: Mapped[datetime | None] = columns.moment(
        "When founders were last told that it is to be looked at", keep=Keep.FOR_GOOD
    )


NAMES = (LegalHold.subject_id.key, LegalHold.outside.key, LegalHold.reason.key)


def _on(target: Target) -> ColumnElement[bool]:
    of_it = (LegalHold.subject == target.subject) & one_of(LegalHold.subject_id, target.numbers)
    return of_it & LegalHold.ended_at.is_not(None)


def _in_school(target: Target) -> ColumnElement[bool]:
    return one_of(LegalHold.school_id, target.numbers) & LegalHold.ended_at.is_not(None)


# Of holds that have ended: before that, nothing is erased of what they hold. One that stands is named for as
# long as it does, even where its subject is gone by another way.
HELD = (
    *(
        PersonalData(LegalHold, subject, _in_school if subject is Subject.SCHOOL else _on, blank=NAMES)
        for subject in Subject
    ),
)
