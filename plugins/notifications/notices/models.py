"""Notices as tables: what people are told about an incident, who let it go out, and to whom it went."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped

from backoffice.accounts.models import Account
from backoffice.language.texts import lazy
from backoffice.outbox.models import OutgoingMail
from backoffice.storage import columns
from backoffice.storage.base import only, titled
from backoffice.storage.columns import Keep
from plugins.notifications.models import ConcernedSchool, Incident, NotificationsBase

# As columns and not by name: a plugin's tables have a `MetaData` of their own.
_ACCOUNT, _MAIL = Account.__table__.c, OutgoingMail.__table__.c


class Audience(StrEnum):
    """Whom a notice is for, in the order in which they are told: schools, their staff, parents.

    What is for an `AUTHORITY` is a form: nothing of it is mailed, a founder hands it in.
    """

    BANNER = "banner"
    SCHOOLS = "schools"
    LETTERS = "letters"
    STAFF = "staff"
    PARENTS = "parents"
    AUTHORITY = "authority"


class NoticeState(StrEnum):
    """How far a notice is. One that is `APPROVED` is being sent; only a banner is ever `UP`.

    A form to an authority that is `APPROVED` is to be handed in, and `SENT` once it was.
    """

    DRAFT = "draft"
    PROPOSED = "proposed"
    APPROVED = "approved"
    UP = "up"
    SENT = "sent"
    ENDED = "ended"


class StepKind(StrEnum):
    """What somebody did about a notice."""

    PROPOSED = "proposed"
    TAKEN_BACK = "taken back"
    APPROVED = "approved"
    ALONE = "alone"
    REVIEWED = "reviewed"
    TAKEN_DOWN = "taken down"
    DISCARDED = "discarded"
    PAUSED = "paused"
    RESUMED = "resumed"
    STOPPED = "stopped"
    HANDED_IN = "handed in"


class DeliveryState(StrEnum):
    """What became of a notice to one person. In a drill nothing leaves: then it is `PLAYED`.

    What is `TO_POST` was never to be a mail. A mail that came back or was given up may become a `LETTER`.
    """

    QUEUED = "queued"
    SENT = "sent"
    BOUNCED = "bounced"
    FAILED = "failed"
    PLAYED = "played"
    CALLED_OFF = "called_off"
    TO_POST = "to_post"
    LETTER = "letter"


class Notice(NotificationsBase):  # type: ignore[misc, valid-type]
    """One notice of an incident to one audience, written after one version of a template.

    `said` holds its fields by language. `version` counts its changes, so that nobody approves what they have
    not seen. One founder alone lets it go out only with a review that is due.
    """

    __tablename__ = "notice"
    __table_args__ = (
        UniqueConstraint("public_id"),
        # The same form writes one.
        UniqueConstraint("form"),
        only("audience", Audience),
        only("state", NoticeState),
        CheckConstraint("audience = 'banner' or state <> 'up'", name="only_a_banner_is_up"),
        CheckConstraint(
            "audience <> 'banner' or state not in ('approved', 'sent')", name="a_banner_is_not_sent"
        ),
        CheckConstraint("state in ('draft', 'ended') or proposed_at is not null", name="proposed_before"),
        CheckConstraint(
            "state not in ('approved', 'up', 'sent') or approved_at is not null", name="approved_before"
        ),
        CheckConstraint(
            "approved_by <> proposed_by or review_due_at is not null", name="two_people_or_a_review"
        ),
        CheckConstraint("reviewed_by <> approved_by", name="somebody_else_reviews"),
        CheckConstraint(
            "paused_at is null"
            " or (audience not in ('banner', 'authority') and state in ('approved', 'sent', 'ended'))",
            name="paused_while_mailed",
        ),
        CheckConstraint("(audience = 'authority') = (rule is not null)", name="an_authority_by_a_rule"),
        CheckConstraint(
            "audience <> 'authority' or state not in ('proposed', 'approved', 'sent') or facts is not null",
            name="facts_of_a_form",
        ),
        CheckConstraint("late_reason is null or audience in ('schools', 'letters')", name="late_to_schools"),
        CheckConstraint("(ended_at is not null) = (state = 'ended')", name="ended_at_some_moment"),
        Index(None, "incident_id", "id"),
        Index("ix_notice_up", "id", postgresql_where="state = 'up'"),
        Index("ix_notice_at_work", "id", postgresql_where="state = 'approved'"),
        *(
            Index(None, name)
            for name in ("written_by", "proposed_by", "approved_by", "reviewed_by", "ended_by")
        ),
        titled(lazy("Notices about incidents")),
    )

    id: Mapped[int] = columns.key(keep=Keep.SIX_YEARS)
    public_id: Mapped[str] = columns.public_id(keep=Keep.SIX_YEARS)
    incident_id: Mapped[int] = columns.reference(
        "About which incident", ForeignKey(Incident.id, ondelete="CASCADE"), keep=Keep.SIX_YEARS
    )
    audience: Mapped[str] = columns.choice("Whom it is for", keep=Keep.SIX_YEARS)
    template: Mapped[str] = columns.text("After which template it is written", keep=Keep.SIX_YEARS)
    template_version: Mapped[int] = columns.number("After which version of it", keep=Keep.SIX_YEARS)
    said: Mapped[dict[str, Any]] = columns.sealed_json("What it says, by language", keep=Keep.SIX_YEARS)
    state: Mapped[str] = columns.choice("How far it is", keep=Keep.SIX_YEARS)
    version: Mapped[int] = columns.number("How often it was changed", keep=Keep.SIX_YEARS)
    written_by: Mapped[int | None] = columns.reference(
        "Who wrote it", ForeignKey(_ACCOUNT.id, ondelete="SET NULL"), keep=Keep.SIX_YEARS
    )
    written_at: Mapped[datetime] = columns.moment("When it was written", keep=Keep.SIX_YEARS)
    proposed_by: Mapped[int | None] = columns.reference(
        "Who proposed it", ForeignKey(_ACCOUNT.id, ondelete="SET NULL"), keep=Keep.SIX_YEARS
    )
    proposed_at: Mapped[datetime | None] = columns.moment("When it was proposed", keep=Keep.SIX_YEARS)
    approved_by: Mapped[int | None] = columns.reference(
        "Who let it go out", ForeignKey(_ACCOUNT.id, ondelete="SET NULL"), keep=Keep.SIX_YEARS
    )
    approved_at: Mapped[datetime | None] = columns.moment("When it was let out", keep=Keep.SIX_YEARS)
    review_due_at: Mapped[datetime | None] = columns.moment(
        "By when somebody else looks at what one founder let out alone", keep=Keep.SIX_YEARS
    )
    reviewed_by: Mapped[int | None] = columns.reference(
        "Who looked at it afterwards", ForeignKey(_ACCOUNT.id, ondelete="SET NULL"), keep=Keep.SIX_YEARS
    )
    reviewed_at: Mapped[datetime | None] = columns.moment("When that was", keep=Keep.SIX_YEARS)
    reminded_at: Mapped[datetime | None] = columns.moment(
        "When founders were last told that the review is due", keep=Keep.SIX_YEARS
    )
    schools_told_at: Mapped[datetime | None] = columns.moment(
        "When schools were told that one founder let it out alone", keep=Keep.SIX_YEARS
    )
    paused_at: Mapped[datetime | None] = columns.moment(
        "Since when no more of its mails are sent", keep=Keep.SIX_YEARS
    )
    sent_at: Mapped[datetime | None] = columns.moment(
        "When it was written to everybody whom it is for, or handed in", keep=Keep.SIX_YEARS
    )
    ended_by: Mapped[int | None] = columns.reference(
        "Who took it down or gave it up", ForeignKey(_ACCOUNT.id, ondelete="SET NULL"), keep=Keep.SIX_YEARS
    )
    ended_at: Mapped[datetime | None] = columns.moment("When that was", keep=Keep.SIX_YEARS)
    form: Mapped[str] = columns.text("The form that it came by, so that it counts once", keep=Keep.SIX_YEARS)
    rule: Mapped[str | None] = columns.text(
        "By which rule of the law an authority is told", keep=Keep.SIX_YEARS
    )
    facts: Mapped[dict[str, Any] | None] = columns.sealed_json(
        "What was known as it was proposed to an authority", keep=Keep.SIX_YEARS
    )
    late_reason: Mapped[str | None] = columns.sealed(
        "Why schools are told late", keep=Keep.SIX_YEARS, apart=True
    )


class NoticeStep(NotificationsBase):  # type: ignore[misc, valid-type]
    """Who did what about a notice, and why. Nobody changes a line or takes one out."""

    __tablename__ = "notice_step"
    __table_args__ = (
        only("kind", StepKind),
        Index(None, "notice_id", "id"),
        Index(None, "done_by"),
        titled(lazy("What was decided about notices")),
    )

    id: Mapped[int] = columns.key(keep=Keep.SIX_YEARS)
    notice_id: Mapped[int] = columns.reference(
        "About which notice", ForeignKey(Notice.id, ondelete="CASCADE"), keep=Keep.SIX_YEARS
    )
    kind: Mapped[str] = columns.choice("What was done", keep=Keep.SIX_YEARS)
    reason: Mapped[str | None] = columns.sealed("Why", keep=Keep.SIX_YEARS, apart=True)
    done_at: Mapped[datetime] = columns.moment("When it was done", keep=Keep.SIX_YEARS)
    done_by: Mapped[int | None] = columns.reference(
        "Who did it", ForeignKey(_ACCOUNT.id, ondelete="SET NULL"), keep=Keep.SIX_YEARS
    )


class LetterBatch(NotificationsBase):  # type: ignore[misc, valid-type]
    """Letters of one notice that are printed and posted together.

    `pdf` is what a worker has prepared for whoever asked at `print_asked_at`; both go after an hour.
    """

    __tablename__ = "letter_batch"
    __table_args__ = (
        UniqueConstraint("public_id"),
        Index(None, "notice_id", "id"),
        Index(None, "made_by"),
        Index(None, "posted_by"),
        CheckConstraint(
            "(print_asked_at is null) = (print_language is null)"
            " and (pdf is null or print_asked_at is not null)",
            name="printed_for_somebody",
        ),
        titled(lazy("Letters about incidents")),
    )

    id: Mapped[int] = columns.key(keep=Keep.SIX_YEARS)
    public_id: Mapped[str] = columns.public_id(keep=Keep.SIX_YEARS)
    notice_id: Mapped[int] = columns.reference(
        "Of which notice", ForeignKey(Notice.id, ondelete="CASCADE"), keep=Keep.SIX_YEARS
    )
    made_at: Mapped[datetime] = columns.moment("When they were made", keep=Keep.SIX_YEARS)
    made_by: Mapped[int | None] = columns.reference(
        "Who had them made", ForeignKey(_ACCOUNT.id, ondelete="SET NULL"), keep=Keep.SIX_YEARS
    )
    posted_at: Mapped[datetime | None] = columns.moment("When they were posted", keep=Keep.SIX_YEARS)
    posted_by: Mapped[int | None] = columns.reference(
        "Who said so", ForeignKey(_ACCOUNT.id, ondelete="SET NULL"), keep=Keep.SIX_YEARS
    )
    print_asked_at: Mapped[datetime | None] = columns.moment(
        "When they were asked for on paper, for an hour", keep=Keep.SIX_YEARS
    )
    print_language: Mapped[str | None] = columns.text(
        "The language of whoever asked, for an hour", keep=Keep.SIX_YEARS
    )
    pdf: Mapped[bytes | None] = columns.sealed_bytes(
        "The letters as they are printed, for an hour", keep=Keep.SIX_YEARS, apart=True
    )


class NoticeDelivery(NotificationsBase):  # type: ignore[misc, valid-type]
    """That a notice was written to one person, or to the contact of a school. No page shows a row of it.

    `state` is what the outbox said last; it outlives the mail there. Whoever is erased is one of the numbers
    still, and nobody knows which.
    """

    __tablename__ = "notice_delivery"
    __table_args__ = (
        UniqueConstraint("notice_id", "account_id"),
        only("state", DeliveryState),
        CheckConstraint("account_id is null or concerned_school_id is null", name="to_one"),
        Index(
            "uq_notice_delivery_concerned_school_id",
            "notice_id",
            "concerned_school_id",
            unique=True,
            postgresql_where="concerned_school_id is not null",
        ),
        Index("ix_notice_delivery_open", "id", postgresql_where="state = 'queued'"),
        Index("ix_notice_delivery_failed", "id", postgresql_where="state = 'failed'"),
        Index(None, "account_id"),
        Index(None, "concerned_school_id"),
        Index(None, "mail_id"),
        Index(None, "letter_batch_id"),
        Index(
            "ix_notice_delivery_unreached",
            "notice_id",
            postgresql_where="letter_batch_id is null and state in ('bounced', 'failed', 'to_post')",
        ),
        Index(None, "care_of_id"),
        titled(lazy("To whom notices went")),
    )

    id: Mapped[int] = columns.key(keep=Keep.SIX_YEARS)
    notice_id: Mapped[int] = columns.reference(
        "Which notice", ForeignKey(Notice.id, ondelete="CASCADE"), keep=Keep.SIX_YEARS
    )
    account_id: Mapped[int | None] = columns.reference(
        "To whom", ForeignKey(_ACCOUNT.id, ondelete="SET NULL"), keep=Keep.ACCOUNT
    )
    concerned_school_id: Mapped[int | None] = columns.reference(
        "To the contact of which school, if to one",
        ForeignKey(ConcernedSchool.id, ondelete="CASCADE"),
        keep=Keep.SIX_YEARS,
    )
    mail_id: Mapped[int | None] = columns.reference(
        "By which mail", ForeignKey(_MAIL.id, ondelete="SET NULL"), keep=Keep.SIX_MONTHS
    )
    letter_batch_id: Mapped[int | None] = columns.reference(
        "With which letters it was printed",
        ForeignKey(LetterBatch.id, ondelete="SET NULL"),
        keep=Keep.SIX_YEARS,
    )
    care_of_id: Mapped[int | None] = columns.reference(
        "To which school the letter goes",
        ForeignKey(ConcernedSchool.id, ondelete="SET NULL"),
        keep=Keep.SIX_YEARS,
    )
    state: Mapped[str] = columns.choice("What became of it", keep=Keep.SIX_YEARS)
    maybe_twice: Mapped[bool] = columns.flag("Whether it may have arrived twice", keep=Keep.SIX_YEARS)
    addressed_at: Mapped[datetime] = columns.moment("When it was written", keep=Keep.SIX_YEARS)
    settled_at: Mapped[datetime | None] = columns.moment("When it left, or was given up", keep=Keep.SIX_YEARS)


TABLES = (Notice, NoticeStep, LetterBatch, NoticeDelivery)
