"""The last changes of records, a table for each kind of record: whatever a change is of takes it along."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ForeignKey, ForeignKeyConstraint, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, relationship

from backoffice.language.texts import lazy
from backoffice.schools.models import Enrollment
from backoffice.storage import columns
from backoffice.storage.base import Base, only, titled
from backoffice.storage.columns import Keep


class StudentField(StrEnum):
    """What is kept of a student's changes."""

    NAME = "name"


class ClassroomField(StrEnum):
    """What is kept of a class's changes."""

    NAME = "name"
    SHARED_DEVICES = "shared_devices"
    MARK = "mark"
    NAMES_SHOWN = "names_shown"
    PINS_REQUIRED = "pins_required"
    HOURS = "hours"


class ActionField(StrEnum):
    """What is kept of the changes of an Action."""

    LABEL = "label"
    VALUE = "value"
    ICON = "icon"


class SchoolField(StrEnum):
    """What is kept of a school's changes."""

    DAYS = "days"
    TIME_ZONE = "time_zone"
    LANGUAGE = "language"
    FACTOR_REQUIRED = "factor_required"
    SIGN_IN_FROM = "sign_in_from"


class JobField(StrEnum):
    """What is kept of the changes of when a job runs."""

    TIME = "time"


class Kept:
    """One field of a record that somebody changed: the values before and after, sealed together."""

    id: Mapped[int] = columns.key(keep=Keep.ONE_MONTH)
    public_id: Mapped[str] = columns.public_id(keep=Keep.ONE_MONTH)
    field: Mapped[str] = columns.choice("Which field was changed", keep=Keep.ONE_MONTH)
    difference: Mapped[dict[str, Any]] = columns.sealed_json(
        "The value before and after, so that a mistake can be seen and put back", keep=Keep.ONE_MONTH
    )
    at: Mapped[datetime] = columns.moment("When", keep=Keep.ONE_MONTH)
    by: Mapped[int | None] = columns.reference(
        "Who changed it", ForeignKey("app.account.id", ondelete="SET NULL"), keep=Keep.ACCOUNT
    )


class OfSchool(Kept):
    """A change of something that belongs to a school."""

    school_id: Mapped[int] = columns.reference(
        "Its school",
        ForeignKey("app.school.id", ondelete="CASCADE"),
        keep=Keep.ONE_MONTH,
        primary_key=True,
    )


class StudentChange(OfSchool, Base):
    """A change of a student. It goes with the student."""

    __tablename__ = "student_change"
    __table_args__ = (
        ForeignKeyConstraint(
            ["school_id", "student_id"], ["app.student.school_id", "app.student.id"], ondelete="CASCADE"
        ),
        UniqueConstraint("school_id", "public_id"),
        Index(None, "public_id"),
        Index(None, "school_id", "student_id", "id"),
        Index(None, "by"),
        Index(None, "at"),
        only("field", StudentField),
        titled(lazy("Last changes of students")),
    )

    student_id: Mapped[int] = columns.reference("Which child", keep=Keep.ONE_MONTH)

    enrollments: Mapped[list[Enrollment]] = relationship(
        viewonly=True,
        lazy="raise",
        primaryjoin="and_(StudentChange.school_id == foreign(Enrollment.school_id),"
        " StudentChange.student_id == foreign(Enrollment.student_id), Enrollment.ended_at.is_(None))",
    )


class ClassroomChange(OfSchool, Base):
    """A change of a class. It goes with the class."""

    __tablename__ = "classroom_change"
    __table_args__ = (
        ForeignKeyConstraint(
            ["school_id", "classroom_id"], ["app.classroom.school_id", "app.classroom.id"], ondelete="CASCADE"
        ),
        UniqueConstraint("school_id", "public_id"),
        Index(None, "public_id"),
        Index(None, "school_id", "classroom_id", "id"),
        Index(None, "by"),
        Index(None, "at"),
        only("field", ClassroomField),
        titled(lazy("Last changes of classes")),
    )

    classroom_id: Mapped[int] = columns.reference("Which class", keep=Keep.ONE_MONTH)


class ActionChange(OfSchool, Base):
    """A change of an Action of a class. It goes with the Action."""

    __tablename__ = "action_change"
    __table_args__ = (
        ForeignKeyConstraint(
            ["school_id", "action_id"], ["app.action.school_id", "app.action.id"], ondelete="CASCADE"
        ),
        ForeignKeyConstraint(
            ["school_id", "classroom_id"], ["app.classroom.school_id", "app.classroom.id"], ondelete="CASCADE"
        ),
        UniqueConstraint("school_id", "public_id"),
        Index(None, "public_id"),
        Index(None, "school_id", "action_id", "id"),
        Index(None, "school_id", "classroom_id"),
        Index(None, "by"),
        Index(None, "at"),
        only("field", ActionField),
        titled(lazy("Last changes of Actions")),
    )

    action_id: Mapped[int] = columns.reference("Which Action", keep=Keep.ONE_MONTH)
    classroom_id: Mapped[int] = columns.reference("The class that it is for", keep=Keep.ONE_MONTH)


class SchoolChange(OfSchool, Base):
    """A change of a school. It goes with the school."""

    __tablename__ = "school_change"
    __table_args__ = (
        UniqueConstraint("school_id", "public_id"),
        Index(None, "public_id"),
        Index(None, "by"),
        Index(None, "at"),
        only("field", SchoolField),
        titled(lazy("Last changes of schools")),
    )


class PluginChange(Kept, Base):
    """A change of how a plugin is set. Its fields are the plugin's own."""

    __tablename__ = "plugin_change"
    __table_args__ = (
        UniqueConstraint("public_id"),
        Index(None, "plugin_state_id", "id"),
        Index(None, "by"),
        Index(None, "at"),
        titled(lazy("Last changes of plugins")),
    )

    plugin_state_id: Mapped[int] = columns.reference(
        "Which plugin", ForeignKey("app.plugin_state.id", ondelete="CASCADE"), keep=Keep.ONE_MONTH
    )


class JobChange(Kept, Base):
    """A change of when a job runs."""

    __tablename__ = "job_change"
    __table_args__ = (
        UniqueConstraint("public_id"),
        Index(None, "job_schedule_id", "id"),
        Index(None, "by"),
        Index(None, "at"),
        only("field", JobField),
        titled(lazy("Last changes of jobs")),
    )

    job_schedule_id: Mapped[int] = columns.reference(
        "Which job", ForeignKey("app.job_schedule.id", ondelete="CASCADE"), keep=Keep.ONE_MONTH
    )


Change = StudentChange | ClassroomChange | ActionChange | SchoolChange | PluginChange | JobChange
CHANGES: tuple[type[Change], ...] = (
    StudentChange,
    ClassroomChange,
    ActionChange,
    SchoolChange,
    PluginChange,
    JobChange,
)
