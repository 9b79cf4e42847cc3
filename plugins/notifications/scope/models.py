"""The scope of an incident as tables: which accounts were misused, and the people whom they reached."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index
from sqlalchemy.orm import Mapped

from backoffice.accounts.models import Account
from backoffice.language.texts import lazy
from backoffice.schools.models import School, Student
from backoffice.storage import columns
from backoffice.storage.base import only, titled
from backoffice.storage.columns import Keep
from plugins.notifications.models import Incident, NotificationsBase

# As columns and not by name: a plugin's tables have a `MetaData` of their own.
_ACCOUNT, _SCHOOL, _STUDENT = Account.__table__.c, School.__table__.c, Student.__table__.c


class PersonKind(StrEnum):
    """What somebody is at the school."""

    STUDENT = "student"
    STAFF = "staff"
    PARENT = "parent"


class Misuse(NotificationsBase):  # type: ignore[misc, valid-type]
    """That an account was misused in some time. No page shows a row of it."""

    __tablename__ = "misuse"
    __table_args__ = (
        CheckConstraint("until_at >= from_at", name="forwards"),
        Index(None, "incident_id", "id"),
        Index(None, "account_id"),
        Index(None, "written_by"),
        titled(lazy("Accounts that incidents misused")),
    )

    id: Mapped[int] = columns.key(keep=Keep.SIX_YEARS)
    incident_id: Mapped[int] = columns.reference(
        "Of which incident", ForeignKey(Incident.id, ondelete="CASCADE"), keep=Keep.SIX_YEARS
    )
    account_id: Mapped[int | None] = columns.reference(
        "Which account was misused", ForeignKey(_ACCOUNT.id, ondelete="SET NULL"), keep=Keep.SIX_YEARS
    )
    from_at: Mapped[datetime] = columns.moment("From when it was misused", keep=Keep.SIX_YEARS)
    until_at: Mapped[datetime] = columns.moment("Until when it was misused", keep=Keep.SIX_YEARS)
    written_at: Mapped[datetime] = columns.moment("When it was written down", keep=Keep.SIX_YEARS)
    written_by: Mapped[int | None] = columns.reference(
        "Who wrote it down", ForeignKey(_ACCOUNT.id, ondelete="SET NULL"), keep=Keep.SIX_YEARS
    )


class AffectedPerson(NotificationsBase):  # type: ignore[misc, valid-type]
    """One person of the set, whom no page shows. Whoever is erased counts still, without being known."""

    __tablename__ = "affected_person"
    __table_args__ = (
        only("kind", PersonKind),
        CheckConstraint("student_id is null or account_id is null", name="one_person"),
        Index(None, "incident_id", "school_id"),
        Index(None, "school_id", "student_id"),
        Index(None, "account_id"),
        ForeignKeyConstraint(
            ["school_id", "student_id"], [_STUDENT.school_id, _STUDENT.id], ondelete="SET NULL (student_id)"
        ),
        titled(lazy("People that incidents are about")),
    )

    id: Mapped[int] = columns.key(keep=Keep.SIX_YEARS)
    incident_id: Mapped[int] = columns.reference(
        "Of which incident", ForeignKey(Incident.id, ondelete="CASCADE"), keep=Keep.SIX_YEARS
    )
    kind: Mapped[str] = columns.choice("What the person is there", keep=Keep.SIX_YEARS)
    school_id: Mapped[int | None] = columns.reference(
        "At which school", ForeignKey(_SCHOOL.id, ondelete="SET NULL"), keep=Keep.SIX_YEARS
    )
    student_id: Mapped[int | None] = columns.reference("Which child", keep=Keep.STUDENT)
    account_id: Mapped[int | None] = columns.reference(
        "Which account", ForeignKey(_ACCOUNT.id, ondelete="SET NULL"), keep=Keep.ACCOUNT
    )
    added_at: Mapped[datetime] = columns.moment("When it came into the set", keep=Keep.SIX_YEARS)


TABLES = (Misuse, AffectedPerson)
