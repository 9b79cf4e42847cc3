"""Fields of a school's own and their values, as tables: whoever a value is of takes it along."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, relationship

from backoffice.language.texts import lazy
from backoffice.schools.models import Enrollment
from backoffice.storage import columns
from backoffice.storage.base import Base, only, titled
from backoffice.storage.columns import Keep

# Years enough for whoever goes through all of a school.
LONGEST_KEPT = 3660


class FieldSubject(StrEnum):
    """Of what a field holds something."""

    STUDENT = "student"
    CLASSROOM = "classroom"


class FieldKind(StrEnum):
    """What can be written in a field."""

    TEXT = "text"
    NUMBER = "number"
    CHOICE = "choice"
    DATE = "date"
    YES_NO = "yes_no"


class CustomField(Base):
    """A field of a school's own. Deleted, it is the receipt of its values, and tells nothing else."""

    __tablename__ = "custom_field"
    __table_args__ = (
        # Over all schools: the isolation compares this number alone.
        UniqueConstraint("id"),
        UniqueConstraint("school_id", "public_id"),
        Index(None, "public_id"),
        # For erasing an account, which is named there no longer then.
        Index("ix_custom_field_confirmed_by", "confirmed_by", postgresql_where="confirmed_by is not null"),
        Index("ix_custom_field_erased_by", "erased_by", postgresql_where="erased_by is not null"),
        only("subject", FieldSubject),
        only("kind", FieldKind),
        CheckConstraint(f"keep_days between 1 and {LONGEST_KEPT}", name="is_kept_for_a_time"),
        CheckConstraint(
            "(erased_at is null) = (name is not null) and (erased_at is null) = (purpose is not null)"
            " and (erased_at is null or (choices is null and need is null))",
            name="erased_tells_nothing",
        ),
        CheckConstraint("(erased_at is null) = (values_gone is null)", name="erased_is_counted"),
        CheckConstraint("need is null or confirmed_at is not null", name="needed_is_confirmed"),
        titled(lazy("Fields of a school's own")),
    )

    school_id: Mapped[int] = columns.reference(
        "Its school",
        ForeignKey("app.school.id", ondelete="CASCADE"),
        keep=Keep.SCHOOL,
        primary_key=True,
    )
    id: Mapped[int] = columns.key(keep=Keep.SCHOOL)
    public_id: Mapped[str] = columns.public_id(
        "Names it outside the database, and numbers the receipt of its values", keep=Keep.SCHOOL
    )
    subject: Mapped[str] = columns.choice("Whether of students or of classes", keep=Keep.SCHOOL)
    kind: Mapped[str] = columns.choice("What can be written in it", keep=Keep.SCHOOL)
    name: Mapped[str | None] = columns.sealed("What the school calls the field", keep=Keep.SCHOOL)
    purpose: Mapped[str | None] = columns.sealed("What the school needs the field for", keep=Keep.SCHOOL)
    choices: Mapped[list[str] | None] = columns.sealed_json(
        "What can be chosen in the field", keep=Keep.SCHOOL
    )
    keep_days: Mapped[int] = columns.number(
        "How many days a value is kept after it was last set", keep=Keep.SCHOOL
    )
    need: Mapped[str | None] = columns.sealed(
        "Why the school asks for something that the law protects more than other data", keep=Keep.SCHOOL
    )
    confirmed_at: Mapped[datetime | None] = columns.moment(
        "When somebody said that families were told", keep=Keep.SCHOOL
    )
    confirmed_by: Mapped[int | None] = columns.reference(
        "Who said that families were told",
        ForeignKey("app.account.id", ondelete="SET NULL"),
        keep=Keep.ACCOUNT,
    )
    created_at: Mapped[datetime] = columns.moment("When it was made", keep=Keep.SCHOOL)
    erased_at: Mapped[datetime | None] = columns.moment("When it was deleted", keep=Keep.SCHOOL)
    erased_by: Mapped[int | None] = columns.reference(
        "Who deleted it", ForeignKey("app.account.id", ondelete="SET NULL"), keep=Keep.ACCOUNT
    )
    values_gone: Mapped[int | None] = columns.large_number(
        "How many values were erased with it", keep=Keep.SCHOOL
    )


class StudentValue(Base):
    """What is written in one field about one student. It goes with either, and by age."""

    __tablename__ = "student_value"
    __table_args__ = (
        ForeignKeyConstraint(
            ["school_id", "student_id"], ["app.student.school_id", "app.student.id"], ondelete="CASCADE"
        ),
        ForeignKeyConstraint(
            ["school_id", "field_id"],
            ["app.custom_field.school_id", "app.custom_field.id"],
            ondelete="CASCADE",
        ),
        Index(None, "school_id", "field_id", "value_index"),
        Index(None, "due_at"),
        titled(lazy("What fields of a school's own say of students")),
    )

    school_id: Mapped[int] = columns.reference("Its school", keep=Keep.STUDENT, primary_key=True)
    student_id: Mapped[int] = columns.reference("Which child", keep=Keep.STUDENT, primary_key=True)
    field_id: Mapped[int] = columns.reference("Which field", keep=Keep.STUDENT, primary_key=True)
    value: Mapped[str] = columns.sealed("What the school wrote in its own field", keep=Keep.STUDENT)
    value_index: Mapped[bytes] = columns.blind_index("Finds those of one value", keep=Keep.STUDENT)
    set_at: Mapped[datetime] = columns.moment("When it was last set", keep=Keep.STUDENT)
    due_at: Mapped[datetime] = columns.moment("When it is erased, as its field says", keep=Keep.STUDENT)

    enrollments: Mapped[list[Enrollment]] = relationship(
        viewonly=True,
        lazy="raise",
        primaryjoin="and_(StudentValue.school_id == foreign(Enrollment.school_id),"
        " StudentValue.student_id == foreign(Enrollment.student_id), Enrollment.ended_at.is_(None))",
    )


class ClassroomValue(Base):
    """What is written in one field about one class. It goes with either, and by age."""

    __tablename__ = "classroom_value"
    __table_args__ = (
        ForeignKeyConstraint(
            ["school_id", "classroom_id"],
            ["app.classroom.school_id", "app.classroom.id"],
            ondelete="CASCADE",
        ),
        ForeignKeyConstraint(
            ["school_id", "field_id"],
            ["app.custom_field.school_id", "app.custom_field.id"],
            ondelete="CASCADE",
        ),
        Index(None, "school_id", "field_id", "value_index"),
        Index(None, "due_at"),
        titled(lazy("What fields of a school's own say of classes")),
    )

    school_id: Mapped[int] = columns.reference("Its school", keep=Keep.CLASSROOM, primary_key=True)
    classroom_id: Mapped[int] = columns.reference("Which class", keep=Keep.CLASSROOM, primary_key=True)
    field_id: Mapped[int] = columns.reference("Which field", keep=Keep.CLASSROOM, primary_key=True)
    value: Mapped[str] = columns.sealed("What the school wrote in its own field", keep=Keep.CLASSROOM)
    value_index: Mapped[bytes] = columns.blind_index("Finds those of one value", keep=Keep.CLASSROOM)
    set_at: Mapped[datetime] = columns.moment("When it was last set", keep=Keep.CLASSROOM)
    due_at: Mapped[datetime] = columns.moment("When it is erased, as its field says", keep=Keep.CLASSROOM)


Value = StudentValue | ClassroomValue
