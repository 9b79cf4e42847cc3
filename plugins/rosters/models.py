"""How a second import recognises what the first one made, and the imports themselves, as tables.

There is one table of sources for each kind of thing, so that the key of each is the foreign key to what it
speaks of and goes with it. A source identifier is kept as a keyed digest within its school (a school's within
its district): equal identifiers of two schools do not show as equal.
"""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, UniqueConstraint
from sqlalchemy.orm import Mapped

from backoffice.accounts.models import Account
from backoffice.language.texts import lazy
from backoffice.schools.models import Classroom, District, School, Student
from backoffice.storage import columns
from backoffice.storage.base import only, plugin_base, titled
from backoffice.storage.columns import Keep

# As columns and not by name: a plugin's tables have a `MetaData` of their own.
_DISTRICT, _SCHOOL, _ACCOUNT = District.__table__.c, School.__table__.c, Account.__table__.c
_CLASSROOM, _STUDENT = Classroom.__table__.c, Student.__table__.c

RostersBase = plugin_base("rosters")
RECOGNISES = "Recognises it in the next roster"
UNCHANGED = "Tells whether what the roster says has changed"


class ImportState(StrEnum):
    """How far an import is. `refused` found something wrong, `failed` is our fault; both changed nothing.

    `looked` is a preview that waits for somebody to bring it in.
    """

    WAITING = "waiting"
    CHECKING = "checking"
    LOOKED = "looked"
    IMPORTING = "importing"
    DONE = "done"
    REFUSED = "refused"
    FAILED = "failed"

    @property
    def is_over(self) -> bool:
        """Whether nothing more happens."""
        return self in {ImportState.DONE, ImportState.REFUSED, ImportState.FAILED}


class ImportSource(StrEnum):
    """How the files came."""

    UPLOAD = "upload"
    COMMAND = "command"


class SchoolSource(RostersBase):  # type: ignore[misc, valid-type]
    """Which school of a district an organisation of its rosters is."""

    __tablename__ = "school_source"
    __table_args__ = (
        UniqueConstraint("district_id", "source_digest"),
        titled(lazy("Schools known from a roster")),
    )

    school_id: Mapped[int] = columns.reference(
        "Which school",
        ForeignKey(_SCHOOL.id, ondelete="CASCADE"),
        keep=Keep.SCHOOL,
        primary_key=True,
    )
    district_id: Mapped[int] = columns.reference(
        "Whose rosters name it", ForeignKey(_DISTRICT.id, ondelete="CASCADE"), keep=Keep.SCHOOL
    )
    source_digest: Mapped[Any] = columns.keyed_digest(RECOGNISES, keep=Keep.SCHOOL)


class ClassroomSource(RostersBase):  # type: ignore[misc, valid-type]
    """Which classroom a class of the school's rosters is."""

    __tablename__ = "classroom_source"
    __table_args__ = (
        ForeignKeyConstraint(
            ["school_id", "classroom_id"],
            [_CLASSROOM.school_id, _CLASSROOM.id],
            ondelete="CASCADE",
        ),
        UniqueConstraint("school_id", "source_digest"),
        titled(lazy("Classes known from a roster")),
    )

    school_id: Mapped[int] = columns.reference("Its school", keep=Keep.CLASSROOM, primary_key=True)
    classroom_id: Mapped[int] = columns.reference("Which class", keep=Keep.CLASSROOM, primary_key=True)
    source_digest: Mapped[Any] = columns.keyed_digest(RECOGNISES, keep=Keep.CLASSROOM)
    content_digest: Mapped[Any] = columns.keyed_digest(UNCHANGED, keep=Keep.CLASSROOM)
    year_digest: Mapped[Any | None] = columns.keyed_digest(
        "Tells whether the roster speaks of another school year", keep=Keep.CLASSROOM
    )


class StudentSource(RostersBase):  # type: ignore[misc, valid-type]
    """Which student a user of the school's rosters is."""

    __tablename__ = "student_source"
    __table_args__ = (
        ForeignKeyConstraint(
            ["school_id", "student_id"], [_STUDENT.school_id, _STUDENT.id], ondelete="CASCADE"
        ),
        UniqueConstraint("school_id", "source_digest"),
        titled(lazy("Students known from a roster")),
    )

    school_id: Mapped[int] = columns.reference("Its school", keep=Keep.STUDENT, primary_key=True)
    student_id: Mapped[int] = columns.reference("Which child", keep=Keep.STUDENT, primary_key=True)
    source_digest: Mapped[Any] = columns.keyed_digest(RECOGNISES, keep=Keep.STUDENT)
    content_digest: Mapped[Any] = columns.keyed_digest(UNCHANGED, keep=Keep.STUDENT)


class AccountSource(RostersBase):  # type: ignore[misc, valid-type]
    """Which teacher's account a user of the school's rosters is."""

    __tablename__ = "account_source"
    __table_args__ = (
        UniqueConstraint("school_id", "source_digest"),
        Index(None, "account_id"),
        titled(lazy("Teachers known from a roster")),
    )

    school_id: Mapped[int] = columns.reference(
        "Its school",
        ForeignKey(_SCHOOL.id, ondelete="CASCADE"),
        keep=Keep.ACCOUNT,
        primary_key=True,
    )
    account_id: Mapped[int] = columns.reference(
        "Whose account",
        ForeignKey(_ACCOUNT.id, ondelete="CASCADE"),
        keep=Keep.ACCOUNT,
        primary_key=True,
    )
    source_digest: Mapped[Any] = columns.keyed_digest(RECOGNISES, keep=Keep.ACCOUNT)
    content_digest: Mapped[Any] = columns.keyed_digest(UNCHANGED, keep=Keep.ACCOUNT)


class TeachingSource(RostersBase):  # type: ignore[misc, valid-type]
    """What the school's last roster makes somebody in a class, whether they are or somebody ended it here."""

    __tablename__ = "teaching_source"
    __table_args__ = (
        ForeignKeyConstraint(
            ["school_id", "classroom_id"],
            [_CLASSROOM.school_id, _CLASSROOM.id],
            ondelete="CASCADE",
        ),
        CheckConstraint("role in ('owner', 'co_teacher')", name="role_is_given"),
        CheckConstraint("by_hand in ('owner', 'co_teacher', 'helper')", name="by_hand_is_known"),
        Index(None, "account_id"),
        titled(lazy("Roles that a roster gave")),
    )

    school_id: Mapped[int] = columns.reference("Its school", keep=Keep.ACCOUNT, primary_key=True)
    classroom_id: Mapped[int] = columns.reference("Which class", keep=Keep.ACCOUNT, primary_key=True)
    account_id: Mapped[int] = columns.reference(
        "Who teaches it",
        ForeignKey(_ACCOUNT.id, ondelete="CASCADE"),
        keep=Keep.ACCOUNT,
        primary_key=True,
    )
    role: Mapped[str] = columns.choice("What the roster makes of them", keep=Keep.ACCOUNT)
    by_hand: Mapped[str | None] = columns.choice("What a person had made of them before", keep=Keep.ACCOUNT)


class Unseated(RostersBase):  # type: ignore[misc, valid-type]
    """A child who is in a class according to its roster, and whom nobody moved up into it."""

    __tablename__ = "unseated"
    __table_args__ = (
        ForeignKeyConstraint(
            ["school_id", "classroom_id"],
            [_CLASSROOM.school_id, _CLASSROOM.id],
            ondelete="CASCADE",
        ),
        ForeignKeyConstraint(
            ["school_id", "student_id"], [_STUDENT.school_id, _STUDENT.id], ondelete="CASCADE"
        ),
        Index(None, "school_id", "student_id"),
        titled(lazy("Students whom nobody moved up")),
    )

    school_id: Mapped[int] = columns.reference("Its school", keep=Keep.STUDENT, primary_key=True)
    classroom_id: Mapped[int] = columns.reference("Which class", keep=Keep.STUDENT, primary_key=True)
    student_id: Mapped[int] = columns.reference("Which child", keep=Keep.STUDENT, primary_key=True)


class RosterImport(RostersBase):  # type: ignore[misc, valid-type]
    """One import into a school or a district, and what came of it."""

    __tablename__ = "roster_import"
    __table_args__ = (
        UniqueConstraint("public_id"),
        CheckConstraint("(school_id is null) <> (district_id is null)", name="one_place"),
        only("state", ImportState),
        only("source", ImportSource),
        Index(None, "school_id"),
        Index(None, "district_id"),
        Index(None, "asked_by"),
        titled(lazy("Imports of rosters")),
    )

    id: Mapped[int] = columns.key(keep=Keep.SCHOOL)
    public_id: Mapped[str] = columns.public_id(keep=Keep.SCHOOL)
    school_id: Mapped[int | None] = columns.reference(
        "Into which school", ForeignKey(_SCHOOL.id, ondelete="CASCADE"), keep=Keep.SCHOOL
    )
    district_id: Mapped[int | None] = columns.reference(
        "Into which district", ForeignKey(_DISTRICT.id, ondelete="CASCADE"), keep=Keep.SCHOOL
    )
    source: Mapped[str] = columns.choice("How the files came", keep=Keep.SCHOOL)
    state: Mapped[str] = columns.choice("How far it is", keep=Keep.SCHOOL)
    look_first: Mapped[bool] = columns.flag(
        "Whether it is looked at before anybody brings it in", keep=Keep.SCHOOL
    )
    asked_by: Mapped[int | None] = columns.reference(
        "Who asked for it", ForeignKey(_ACCOUNT.id, ondelete="SET NULL"), keep=Keep.ACCOUNT
    )
    created_at: Mapped[datetime] = columns.moment("When it was asked for", keep=Keep.SCHOOL)
    started_at: Mapped[datetime | None] = columns.moment("When it began", keep=Keep.SCHOOL)
    finished_at: Mapped[datetime | None] = columns.moment("When it was over", keep=Keep.SCHOOL)
    done: Mapped[int] = columns.number("How many lines have been read", keep=Keep.SCHOOL)
    total: Mapped[int | None] = columns.number("Of how many, as far as known", keep=Keep.SCHOOL)
    report: Mapped[dict[str, Any] | None] = columns.sealed_json(
        "What was found in the files and done; names nobody", keep=Keep.SCHOOL
    )
    names: Mapped[dict[str, list[Any]] | None] = columns.sealed_json(
        "Administrators of the files, teachers to invite, and by number whom it left alone",
        keep=Keep.ONE_MONTH,
    )


class RosterUpload(RostersBase):  # type: ignore[misc, valid-type]
    """A piece of an uploaded set, without what is not taken. Gone when its import is over, or after a day."""

    __tablename__ = "roster_upload"
    __table_args__ = titled(lazy("Uploaded rosters"))

    import_id: Mapped[int] = columns.reference(
        "For which import",
        ForeignKey("plugin_rosters.roster_import.id", ondelete="CASCADE"),
        keep=Keep.SCHOOL,
        primary_key=True,
    )
    number: Mapped[int] = columns.reference("Its place in the set", keep=Keep.SCHOOL, primary_key=True)
    content: Mapped[bytes] = columns.sealed_bytes("What is to be imported", keep=Keep.SCHOOL)
