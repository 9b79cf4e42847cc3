"""The last change of each class's roster, as tables: what undoing it needs, and nothing older."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, ForeignKeyConstraint, Index
from sqlalchemy.orm import Mapped

from backoffice.language.texts import lazy
from backoffice.storage import columns
from backoffice.storage.base import Base, only, titled
from backoffice.storage.columns import Keep


class ChangeKind(StrEnum):
    """What was done to a roster."""

    ADD = "add"
    END = "end"
    MOVE_OUT = "move_out"
    MOVE_IN = "move_in"
    RENAME = "rename"


class ChangedHow(StrEnum):
    """What a change made of one student's place in the class."""

    NEW = "new"  # the child was written down
    JOINED = "joined"  # a child that the school had already
    BACK = "back"  # was in the class before
    LEFT = "left"
    RENAMED = "renamed"  # stayed, and is written otherwise


class RosterChange(Base):
    """The last change of a class's roster. The next one takes its place."""

    __tablename__ = "roster_change"
    __table_args__ = (
        ForeignKeyConstraint(
            ["school_id", "classroom_id"],
            ["app.classroom.school_id", "app.classroom.id"],
            ondelete="CASCADE",
        ),
        ForeignKeyConstraint(
            ["school_id", "other_classroom_id"],
            ["app.classroom.school_id", "app.classroom.id"],
            ondelete="CASCADE",
        ),
        only("kind", ChangeKind),
        Index(None, "school_id", "other_classroom_id"),
        Index(None, "by"),
        titled(lazy("The last change of a class's list")),
    )

    school_id: Mapped[int] = columns.reference("Its school", keep=Keep.CLASSROOM, primary_key=True)
    classroom_id: Mapped[int] = columns.reference("Whose roster", keep=Keep.CLASSROOM, primary_key=True)
    other_classroom_id: Mapped[int | None] = columns.reference(
        "The class at the other end of a move", keep=Keep.CLASSROOM
    )
    kind: Mapped[str] = columns.choice("What was done to it", keep=Keep.CLASSROOM)
    at: Mapped[datetime] = columns.moment("When", keep=Keep.CLASSROOM)
    by: Mapped[int | None] = columns.reference(
        "Who did it", ForeignKey("app.account.id", ondelete="SET NULL"), keep=Keep.ACCOUNT
    )


class RosterChangeStudent(Base):
    """One student whose place, or whose name, the last change of a roster changed."""

    __tablename__ = "roster_change_student"
    __table_args__ = (
        ForeignKeyConstraint(
            ["school_id", "classroom_id"],
            ["app.roster_change.school_id", "app.roster_change.classroom_id"],
            ondelete="CASCADE",
        ),
        ForeignKeyConstraint(
            ["school_id", "student_id"],
            ["app.student.school_id", "app.student.id"],
            ondelete="CASCADE",
        ),
        only("how", ChangedHow),
        Index(None, "school_id", "student_id"),
        titled(lazy("Students in the last change of a class's list")),
    )

    school_id: Mapped[int] = columns.reference("Its school", keep=Keep.STUDENT, primary_key=True)
    classroom_id: Mapped[int] = columns.reference("Whose roster", keep=Keep.STUDENT, primary_key=True)
    student_id: Mapped[int] = columns.reference("Which child", keep=Keep.STUDENT, primary_key=True)
    how: Mapped[str] = columns.choice("What became of the child's place", keep=Keep.STUDENT)
