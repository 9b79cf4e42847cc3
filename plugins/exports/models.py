"""Exports as a table: who asked for what, and what became of the file."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, UniqueConstraint
from sqlalchemy.orm import Mapped

from backoffice.accounts.models import Account
from backoffice.language.texts import lazy
from backoffice.privacy.holdings import Subject
from backoffice.schools.models import Classroom, District, School, Student
from backoffice.storage import columns
from backoffice.storage.base import only, plugin_base, titled
from backoffice.storage.columns import Class, Keep

# As columns and not by name: a plugin's tables have a `MetaData` of their own.
_ACCOUNT, _SCHOOL, _DISTRICT = Account.__table__.c, School.__table__.c, District.__table__.c
_CLASSROOM, _STUDENT = Classroom.__table__.c, Student.__table__.c

ExportsBase = plugin_base("exports")


class ExportState(StrEnum):
    """How far an export is. `destroyed`: it was ready, and its file is there no more."""

    QUEUED = "queued"
    MAKING = "making"
    READY = "ready"
    FAILED = "failed"
    CANCELLED = "cancelled"
    DESTROYED = "destroyed"

    @property
    def is_under_way(self) -> bool:
        """Whether it is still to be made."""
        return self in UNDER_WAY


class DestroyedFor(StrEnum):
    """Why a file that was ready is there no more."""

    TIME = "time"
    FETCHED = "fetched"
    ERASED = "erased"


UNDER_WAY = (ExportState.QUEUED, ExportState.MAKING)
# Of what there are exports, and by which column each is known.
PLACES = {
    Subject.STUDENT: "student_id",
    Subject.CLASSROOM: "classroom_id",
    Subject.SCHOOL: "school_id",
    Subject.DISTRICT: "district_id",
    Subject.ACCOUNT: "asked_by",
}


class Export(ExportsBase):  # type: ignore[misc, valid-type]
    """What somebody asked to take along. That of an account is of the one who asked.

    `file` names the file while it is written and while it can be fetched, and `file_key` opens it; each try
    to make it has others. Without the key no copy of the file opens, wherever it lies.
    """

    __tablename__ = "export"
    __table_args__ = (
        UniqueConstraint("public_id"),
        UniqueConstraint("file"),
        only("state", ExportState),
        only("subject", Subject),
        only("destroyed_for", DestroyedFor),
        ForeignKeyConstraint(
            ["school_id", "classroom_id"], [_CLASSROOM.school_id, _CLASSROOM.id], ondelete="CASCADE"
        ),
        ForeignKeyConstraint(
            ["school_id", "student_id"], [_STUDENT.school_id, _STUDENT.id], ondelete="CASCADE"
        ),
        CheckConstraint(
            "(student_id is not null) = (subject = 'student')"
            " and (classroom_id is not null) = (subject = 'classroom')"
            " and (school_id is not null) = (subject in ('student', 'classroom', 'school'))"
            " and (district_id is not null) = (subject = 'district')",
            name="is_of_its_subject",
        ),
        CheckConstraint("not for_family or subject = 'student'", name="family_has_a_child"),
        # Whoever takes the file of a locked one does not find what opens it here.
        CheckConstraint(
            "(passphrase is not null) = (locked and state in ('queued', 'making'))",
            name="passphrase_until_it_is_made",
        ),
        CheckConstraint("rooms is null or subject = 'account'", name="rooms_go_with_an_account"),
        CheckConstraint("file is null or state in ('making', 'ready')", name="file_while_it_is_there"),
        CheckConstraint("(file_key is null) = (file is null)", name="file_has_a_key"),
        CheckConstraint("(destroyed_for is not null) = (state = 'destroyed')", name="destroyed_for_a_reason"),
        Index(None, "asked_by", "id"),
        Index(None, "school_id", "classroom_id"),
        Index(None, "school_id", "student_id"),
        Index(None, "district_id"),
        Index(None, "asked_at"),
        titled(lazy("Exports")),
    )

    id: Mapped[int] = columns.key(keep=Keep.SIX_MONTHS)
    public_id: Mapped[str] = columns.public_id(keep=Keep.SIX_MONTHS)
    asked_by: Mapped[int] = columns.reference(
        "Who asked for it, and may fetch it",
        ForeignKey(_ACCOUNT.id, ondelete="CASCADE"),
        keep=Keep.SIX_MONTHS,
    )
    subject: Mapped[str] = columns.choice("Of what it is", keep=Keep.SIX_MONTHS)
    for_family: Mapped[bool] = columns.flag("Whether it is what a parent sees", keep=Keep.SIX_MONTHS)
    workbooks: Mapped[bool] = columns.flag("Whether it has Excel workbooks too", keep=Keep.SIX_MONTHS)
    locked: Mapped[bool] = columns.flag("Whether only a passphrase opens it", keep=Keep.SIX_MONTHS)
    passphrase: Mapped[str | None] = columns.sealed(
        "The passphrase that is to open it, until it is made",
        keep=Keep.SIX_MONTHS,
        kind=Class.SECRET,
        apart=True,
    )
    school_id: Mapped[int | None] = columns.reference(
        "Of which school", ForeignKey(_SCHOOL.id, ondelete="CASCADE"), keep=Keep.SIX_MONTHS
    )
    district_id: Mapped[int | None] = columns.reference(
        "Of which district", ForeignKey(_DISTRICT.id, ondelete="CASCADE"), keep=Keep.SIX_MONTHS
    )
    classroom_id: Mapped[int | None] = columns.reference("Of which class", keep=Keep.SIX_MONTHS)
    student_id: Mapped[int | None] = columns.reference("Of which child", keep=Keep.SIX_MONTHS)
    rooms: Mapped[list[int] | None] = columns.references(
        "Which classes go along with an account; none said: only those of a school of its own",
        keep=Keep.SIX_MONTHS,
    )
    state: Mapped[str] = columns.choice("How far it is", keep=Keep.SIX_MONTHS)
    asked_at: Mapped[datetime] = columns.moment("When it was asked for", keep=Keep.SIX_MONTHS)
    started_at: Mapped[datetime | None] = columns.moment("When it was begun", keep=Keep.SIX_MONTHS)
    done: Mapped[int] = columns.large_number("How many rows are written", keep=Keep.SIX_MONTHS)
    ready_at: Mapped[datetime | None] = columns.moment("When it was ready", keep=Keep.SIX_MONTHS)
    size: Mapped[int | None] = columns.large_number("How many bytes it is", keep=Keep.SIX_MONTHS)
    counts: Mapped[dict[str, Any] | None] = columns.sealed_json(
        "Of what kind it has how many rows; names nobody", keep=Keep.SIX_MONTHS
    )
    file: Mapped[str | None] = columns.text("Names its file, by chance", keep=Keep.SIX_MONTHS)
    file_key: Mapped[bytes | None] = columns.sealed_bytes(
        "The key of its file", keep=Keep.SIX_MONTHS, kind=Class.SECRET, apart=True
    )
    downloads: Mapped[int] = columns.number("How often it was fetched", keep=Keep.SIX_MONTHS)
    fetched_at: Mapped[datetime | None] = columns.moment("When it was last fetched", keep=Keep.SIX_MONTHS)
    gone_on: Mapped[int] = columns.large_number(
        "How many bytes were sent to go on with downloads that broke off", keep=Keep.SIX_MONTHS
    )
    ended_at: Mapped[datetime | None] = columns.moment(
        "When it failed, or was given up", keep=Keep.SIX_MONTHS
    )
    destroyed_at: Mapped[datetime | None] = columns.moment(
        "When its file was destroyed", keep=Keep.SIX_MONTHS
    )
    destroyed_for: Mapped[str | None] = columns.choice("Why its file went", keep=Keep.SIX_MONTHS)


class Intake(ExportsBase):  # type: ignore[misc, valid-type]
    """That an export was brought back into a school: so that one page or file does not do it twice unsaid."""

    __tablename__ = "intake"
    __table_args__ = (
        # A page that is sent twice brings in once.
        UniqueConstraint("school_id", "form"),
        Index(None, "school_id", "mark"),
        Index(None, "taken_by"),
        Index(None, "taken_at"),
        titled(lazy("Exports brought back")),
    )

    id: Mapped[int] = columns.key(keep=Keep.SIX_MONTHS)
    school_id: Mapped[int] = columns.reference(
        "Into which school", ForeignKey(_SCHOOL.id, ondelete="CASCADE"), keep=Keep.SIX_MONTHS
    )
    mark: Mapped[UUID] = columns.keyed_digest("Recognises the same file", keep=Keep.SIX_MONTHS)
    form: Mapped[str] = columns.text("The form that it came by, so that it counts once", keep=Keep.SIX_MONTHS)
    taken_by: Mapped[int | None] = columns.reference(
        "Who brought it in", ForeignKey(_ACCOUNT.id, ondelete="SET NULL"), keep=Keep.ACCOUNT
    )
    taken_at: Mapped[datetime] = columns.moment("When it was brought in", keep=Keep.SIX_MONTHS)
