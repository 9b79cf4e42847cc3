"""Districts, schools, classrooms, students and their points, as tables.

Every table below a school leads its key with `school_id`, and every foreign key between two of them is
composite with it: a row of one school cannot point at another school's row, whatever the code does.
"""

from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, relationship

from backoffice.language.texts import lazy
from backoffice.schools.names import COLOURS, FIGURES
from backoffice.storage import columns
from backoffice.storage.base import Base, only, titled
from backoffice.storage.columns import Keep


class SchoolKind(StrEnum):
    """A school, or the school of one teacher who signed up alone."""

    SCHOOL = "school"
    PERSONAL = "personal"


class Role(StrEnum):
    """What a membership makes of an account."""

    TEACHER = "teacher"
    LEADER = "leader"
    PRIVACY_OFFICER = "privacy_officer"


class TeachingRoleName(StrEnum):
    """What an account is in one classroom."""

    OWNER = "owner"
    CO_TEACHER = "co_teacher"
    HELPER = "helper"


# Whoever teaches a class as its own, so that it goes on with them.
IN_CHARGE = (TeachingRoleName.OWNER, TeachingRoleName.CO_TEACHER)


class Door(StrEnum):
    """Whether children can sign in with the classroom's code."""

    OPEN = "open"
    CLOSED = "closed"
    UNTIL = "until"
    SCHOOL_DAYS = "school_days"


class CodeKind(StrEnum):
    """A code that stands until it is renewed, or one for a lesson that ends by itself."""

    STANDING = "standing"
    LESSON = "lesson"


class NamesShown(StrEnum):
    """How a class shows its children to whoever has its code."""

    NAMES = "names"
    ALIASES = "aliases"
    AVATARS = "avatars"
    # No list at all.
    USERNAMES = "usernames"


class District(Base):
    """A group of schools."""

    __tablename__ = "district"
    __table_args__ = (UniqueConstraint("public_id"), titled(lazy("Districts")))

    id: Mapped[int] = columns.key(keep=Keep.DISTRICT)
    public_id: Mapped[str] = columns.public_id(keep=Keep.DISTRICT)
    name: Mapped[str] = columns.sealed("What the district is called", keep=Keep.DISTRICT)
    country: Mapped[str] = columns.text("Jurisdiction", keep=Keep.DISTRICT)
    state: Mapped[str | None] = columns.text("Jurisdiction", keep=Keep.DISTRICT)
    time_zone: Mapped[str] = columns.text("Shows times as the district reads them", keep=Keep.DISTRICT)
    language: Mapped[str] = columns.text("Language of mails", keep=Keep.DISTRICT)
    postal_address: Mapped[str | None] = columns.sealed("Where letters go", keep=Keep.DISTRICT)
    security_contact: Mapped[str | None] = columns.sealed(
        "Who is told when something goes wrong at a school that names nobody", keep=Keep.DISTRICT
    )
    created_at: Mapped[datetime] = columns.moment("When it joined", keep=Keep.DISTRICT)


class School(Base):
    """The tenant. A teacher who signs up alone gets one of kind `personal`."""

    __tablename__ = "school"
    __table_args__ = (
        UniqueConstraint("public_id"),
        only("kind", SchoolKind),
        CheckConstraint("(sign_in_by is null) = (sign_in_from is null)", name="sign_in_by_and_from"),
        Index(None, "district_id"),
        # For whoever leads a district: whether any school of it requires one is asked at each request.
        Index("ix_school_factor_required", "district_id", postgresql_where="factor_required"),
        titled(lazy("Schools")),
    )

    id: Mapped[int] = columns.key(keep=Keep.SCHOOL)
    public_id: Mapped[str] = columns.public_id(keep=Keep.SCHOOL)
    district_id: Mapped[int | None] = columns.reference(
        "The district it belongs to", ForeignKey("app.district.id"), keep=Keep.SCHOOL
    )
    kind: Mapped[str] = columns.choice("A school or one teacher's own", keep=Keep.SCHOOL)
    name: Mapped[str] = columns.sealed(
        "What the school is called; a personal one names its teacher", keep=Keep.SCHOOL
    )
    country: Mapped[str] = columns.text("Jurisdiction", keep=Keep.SCHOOL)
    state: Mapped[str | None] = columns.text("Jurisdiction", keep=Keep.SCHOOL)
    time_zone: Mapped[str] = columns.text("Shows times as the school reads them", keep=Keep.SCHOOL)
    language: Mapped[str] = columns.text("Language of mails", keep=Keep.SCHOOL)
    school_days: Mapped[list[str]] = columns.words("Days on which lessons are held", keep=Keep.SCHOOL)
    postal_address: Mapped[str | None] = columns.sealed("Where letters go", keep=Keep.SCHOOL)
    security_contact: Mapped[str | None] = columns.sealed(
        "Who is told when something goes wrong", keep=Keep.SCHOOL
    )
    contract_from: Mapped[date | None] = columns.day("First day of the contract", keep=Keep.SCHOOL)
    contract_until: Mapped[date | None] = columns.day("Last day of the contract", keep=Keep.SCHOOL)
    factor_required: Mapped[bool] = columns.flag(
        "Whether its leaders and teachers must have a second factor", keep=Keep.SCHOOL
    )
    sign_in_by: Mapped[str | None] = columns.text(
        "The identity provider that its staff must come in by, if it asks for one", keep=Keep.SCHOOL
    )
    sign_in_from: Mapped[str | None] = columns.text(
        "The organisation there, such as a Workspace domain, that they must be of", keep=Keep.SCHOOL
    )
    created_at: Mapped[datetime] = columns.moment("When it joined", keep=Keep.SCHOOL)
    # From then on nobody sees it and no code of it lets in, although half of it may still be there.
    erasing_since: Mapped[datetime | None] = columns.moment("Since when it is being erased", keep=Keep.SCHOOL)


class Membership(Base):
    """Ties an account to a school or to a district with a role."""

    __tablename__ = "membership"
    __table_args__ = (
        only("role", Role),
        CheckConstraint("(school_id is null) <> (district_id is null)", name="one_place"),
        UniqueConstraint("account_id", "school_id", "role"),
        UniqueConstraint("account_id", "district_id", "role"),
        Index(None, "school_id"),
        Index(None, "district_id"),
        titled(lazy("Roles at schools and districts")),
    )

    id: Mapped[int] = columns.key(keep=Keep.ACCOUNT)
    account_id: Mapped[int] = columns.reference(
        "Whose role it is", ForeignKey("app.account.id", ondelete="CASCADE"), keep=Keep.ACCOUNT
    )
    school_id: Mapped[int | None] = columns.reference(
        "Where it holds", ForeignKey("app.school.id", ondelete="CASCADE"), keep=Keep.ACCOUNT
    )
    district_id: Mapped[int | None] = columns.reference(
        "Where it holds", ForeignKey("app.district.id", ondelete="CASCADE"), keep=Keep.ACCOUNT
    )
    role: Mapped[str] = columns.choice("What the account may do there", keep=Keep.ACCOUNT)
    created_at: Mapped[datetime] = columns.moment("When it was granted", keep=Keep.ACCOUNT)
    suspended_at: Mapped[datetime | None] = columns.moment(
        "Since when it is without effect", keep=Keep.ACCOUNT
    )
    origin: Mapped[str | None] = columns.noted("By which way it was granted", keep=Keep.ACCOUNT)


class Classroom(Base):
    """A class of one school. Its door says whether the code lets children in."""

    __tablename__ = "classroom"
    __table_args__ = (
        # Over all schools: the isolation compares this number alone.
        UniqueConstraint("id"),
        UniqueConstraint("school_id", "public_id"),
        Index(None, "public_id"),
        only("door", Door),
        only("names_shown", NamesShown),
        CheckConstraint("(door = 'until') = (door_until is not null)", name="until_has_a_time"),
        CheckConstraint(
            "(door_from is null) = (door_to is null) and (door <> 'school_days' or door_from is not null)"
            " and door_from >= 0 and door_from < door_to and door_to <= 1440",
            name="hours_are_a_span",
        ),
        CheckConstraint("archived_at is null or door = 'closed'", name="archived_is_closed"),
        ForeignKeyConstraint(
            ["school_id", "follows"],
            ["app.classroom.school_id", "app.classroom.id"],
            ondelete="SET NULL (follows)",
        ),
        Index("ix_classroom_follows", "school_id", "follows", postgresql_where="follows is not null"),
        Index("ix_classroom_archived", "school_id", "id", postgresql_where="archived_at is not null"),
        only("colour", COLOURS),
        only("icon", FIGURES),
        titled(lazy("Classes")),
    )

    school_id: Mapped[int] = columns.reference(
        "Its school",
        ForeignKey("app.school.id", ondelete="CASCADE"),
        keep=Keep.CLASSROOM,
        primary_key=True,
    )
    id: Mapped[int] = columns.key(keep=Keep.CLASSROOM)
    public_id: Mapped[str] = columns.public_id(keep=Keep.CLASSROOM)
    name: Mapped[str] = columns.sealed("What the teacher calls the class", keep=Keep.CLASSROOM)
    door: Mapped[str] = columns.choice("Whether children can sign in now", keep=Keep.CLASSROOM)
    door_until: Mapped[datetime | None] = columns.moment("When the door closes", keep=Keep.CLASSROOM)
    door_from: Mapped[int | None] = columns.number(
        "From which minute of a school day the door is open", keep=Keep.CLASSROOM
    )
    door_to: Mapped[int | None] = columns.number(
        "From which minute of a school day it is closed again", keep=Keep.CLASSROOM
    )
    shared_devices: Mapped[bool] = columns.flag(
        "Children share devices, so sessions end sooner", keep=Keep.CLASSROOM
    )
    pins_required: Mapped[bool] = columns.flag(
        "Each child is asked for 4 digits of their own", keep=Keep.CLASSROOM
    )
    names_shown: Mapped[str] = columns.choice("What the list behind the code shows", keep=Keep.CLASSROOM)
    created_at: Mapped[datetime] = columns.moment("When it was made", keep=Keep.CLASSROOM)
    archived_at: Mapped[datetime | None] = columns.moment(
        "Since when it is kept as it was", keep=Keep.CLASSROOM
    )
    colour: Mapped[str | None] = columns.choice("The colour of its mark", keep=Keep.CLASSROOM)
    icon: Mapped[str | None] = columns.choice("The picture of its mark", keep=Keep.CLASSROOM)
    follows: Mapped[int | None] = columns.reference(
        "The class after which it came when a school year began", keep=Keep.CLASSROOM
    )

    staff: Mapped[list["TeachingRole"]] = relationship(viewonly=True, lazy="raise")
    codes: Mapped[list["ClassroomCode"]] = relationship(viewonly=True, lazy="raise")


class TeachingRole(Base):
    """Who teaches a classroom, and as what."""

    __tablename__ = "teaching_role"
    __table_args__ = (
        ForeignKeyConstraint(
            ["school_id", "classroom_id"],
            ["app.classroom.school_id", "app.classroom.id"],
            ondelete="CASCADE",
        ),
        only("role", TeachingRoleName),
        Index(None, "account_id"),
        titled(lazy("Who teaches which class")),
    )

    school_id: Mapped[int] = columns.reference("Its school", keep=Keep.CLASSROOM, primary_key=True)
    classroom_id: Mapped[int] = columns.reference("Which class", keep=Keep.CLASSROOM, primary_key=True)
    account_id: Mapped[int] = columns.reference(
        "Who teaches it",
        ForeignKey("app.account.id", ondelete="CASCADE"),
        keep=Keep.ACCOUNT,
        primary_key=True,
    )
    role: Mapped[str] = columns.choice("Owner, co-teacher or helper", keep=Keep.CLASSROOM)
    origin: Mapped[str | None] = columns.noted("By which way it was granted", keep=Keep.CLASSROOM)


class ClassroomCode(Base):
    """A code that lets the children of one class in while its door is open."""

    __tablename__ = "classroom_code"
    __table_args__ = (
        # For erasing an account, which is named there no longer then.
        Index("ix_classroom_code_issued_by", "issued_by", postgresql_where="issued_by is not null"),
        ForeignKeyConstraint(
            ["school_id", "classroom_id"],
            ["app.classroom.school_id", "app.classroom.id"],
            ondelete="CASCADE",
        ),
        Index(None, "school_id", "classroom_id"),
        # Two live codes never coincide; a code that has ended may come up again years later.
        Index(
            "uq_classroom_code_live",
            "code_index",
            unique=True,
            postgresql_where="ended_at is null",
        ),
        only("kind", CodeKind),
        CheckConstraint("(kind = 'lesson') = (expires_at is not null)", name="a_lesson_ends"),
        titled(lazy("Codes of classes")),
    )

    school_id: Mapped[int] = columns.reference("Its school", keep=Keep.CLASSROOM, primary_key=True)
    id: Mapped[int] = columns.key(keep=Keep.CLASSROOM)
    classroom_id: Mapped[int] = columns.reference("Which class it opens", keep=Keep.CLASSROOM)
    kind: Mapped[str] = columns.choice("Standing, or for one lesson", keep=Keep.CLASSROOM)
    code: Mapped[str] = columns.sealed("The code; the teacher must see it again", keep=Keep.CLASSROOM)
    code_index: Mapped[bytes] = columns.blind_index("Finds the class by its code", keep=Keep.CLASSROOM)
    issued_at: Mapped[datetime] = columns.moment("When it was given out", keep=Keep.CLASSROOM)
    issued_by: Mapped[int | None] = columns.reference(
        "Who gave it out",
        ForeignKey("app.account.id", ondelete="SET NULL"),
        keep=Keep.ACCOUNT,
    )
    expires_at: Mapped[datetime | None] = columns.moment(
        "When a code for a lesson stops by itself", keep=Keep.CLASSROOM
    )
    ended_at: Mapped[datetime | None] = columns.moment("When it was made to stop", keep=Keep.CLASSROOM)
    sessions_stay: Mapped[bool | None] = columns.flag(
        "Whether those who came in with it stay in when it is made to stop", keep=Keep.CLASSROOM
    )


class Student(Base):
    """A child of one school. No e-mail, no birth date, no address, no photo; no password."""

    __tablename__ = "student"
    __table_args__ = (
        # Over all schools: the isolation compares this number alone.
        UniqueConstraint("id"),
        UniqueConstraint("school_id", "public_id"),
        Index(None, "public_id"),
        Index(None, "school_id", "username_digest", unique=True),
        CheckConstraint("username_digest ~ '^[0-9a-f]{32}$'", name="username_is_a_digest"),
        # By the day of the last visit: the first where a list is of one school, the other where of many.
        Index(None, "school_id", "active_on", "id"),
        Index(None, "active_on", "school_id", "id"),
        # Each look-up of GIN, one for each school, reads its list of entries still to be added: it has none.
        Index(None, "name_tokens", postgresql_using="gin", postgresql_with={"fastupdate": "off"}),
        titled(lazy("Students")),
    )

    school_id: Mapped[int] = columns.reference(
        "Its school",
        ForeignKey("app.school.id", ondelete="CASCADE"),
        keep=Keep.STUDENT,
        primary_key=True,
    )
    id: Mapped[int] = columns.key(keep=Keep.STUDENT)
    public_id: Mapped[str] = columns.public_id(keep=Keep.STUDENT)
    given_name: Mapped[str] = columns.sealed("What the class calls the child", keep=Keep.STUDENT)
    family_name: Mapped[str | None] = columns.sealed("Tells children of one name apart", keep=Keep.STUDENT)
    name_tokens: Mapped[list[bytes]] = columns.tokens("Finds a child by name", keep=Keep.STUDENT)
    username_digest: Mapped[str | None] = columns.hex_digest(
        "Recognises a username without keeping it", keep=Keep.STUDENT
    )
    pin_hash: Mapped[str | None] = columns.secret("Checks the child's own 4 digits", keep=Keep.STUDENT)
    pin_changed_at: Mapped[datetime | None] = columns.moment(
        "When the 4 digits were last set or cleared: sessions of before are over", keep=Keep.STUDENT
    )
    created_at: Mapped[datetime] = columns.moment("When the roster gained the child", keep=Keep.STUDENT)
    active_on: Mapped[date] = columns.noted_day(
        "The day on which the child was last in, or was added", keep=Keep.STUDENT
    )

    enrollments: Mapped[list["Enrollment"]] = relationship(
        viewonly=True,
        lazy="raise",
        primaryjoin="and_(Student.school_id == Enrollment.school_id,"
        " Student.id == Enrollment.student_id, Enrollment.ended_at.is_(None))",
    )


class Enrollment(Base):
    """A student in a classroom, with what is the classroom's own: balance, alias, avatar."""

    __tablename__ = "enrollment"
    __table_args__ = (
        ForeignKeyConstraint(
            ["school_id", "classroom_id"],
            ["app.classroom.school_id", "app.classroom.id"],
            ondelete="CASCADE",
        ),
        ForeignKeyConstraint(
            ["school_id", "student_id"],
            ["app.student.school_id", "app.student.id"],
            ondelete="CASCADE",
        ),
        Index(None, "school_id", "student_id"),
        Index("ix_enrollment_live", "classroom_id", "student_id", postgresql_where="ended_at is null"),
        CheckConstraint("goal between 1 and 10000", name="goal_is_in_range"),
        titled(lazy("Students in classes")),
    )

    school_id: Mapped[int] = columns.reference("Its school", keep=Keep.STUDENT, primary_key=True)
    classroom_id: Mapped[int] = columns.reference("Which class", keep=Keep.STUDENT, primary_key=True)
    student_id: Mapped[int] = columns.reference("Which child", keep=Keep.STUDENT, primary_key=True)
    alias: Mapped[str | None] = columns.sealed(
        "Another name that this class shows for the child", keep=Keep.STUDENT
    )
    avatar: Mapped[str] = columns.text("The picture beside the name", keep=Keep.STUDENT)
    balance: Mapped[int] = columns.number("Sum of the child's points in this class", keep=Keep.STUDENT)
    goal: Mapped[int | None] = columns.number("Points that the child is to reach", keep=Keep.STUDENT)
    joined_at: Mapped[datetime] = columns.moment("When the child joined the class", keep=Keep.STUDENT)
    ended_at: Mapped[datetime | None] = columns.moment("When the child left the class", keep=Keep.STUDENT)
    origin: Mapped[str | None] = columns.noted("By which way the child came in", keep=Keep.STUDENT)
    in_source: Mapped[bool | None] = columns.flag(
        "Whether the school's own system says that the child is in the class", keep=Keep.STUDENT
    )

    classroom: Mapped[Classroom] = relationship(viewonly=True, lazy="raise")


class Action(Base):
    """A teacher's named reward or deduction."""

    __tablename__ = "action"
    __table_args__ = (
        ForeignKeyConstraint(
            ["school_id", "classroom_id"],
            ["app.classroom.school_id", "app.classroom.id"],
            ondelete="CASCADE",
        ),
        UniqueConstraint("school_id", "public_id"),
        Index(None, "school_id", "classroom_id"),
        Index(None, "public_id"),
        CheckConstraint("value between -10 and 10 and value <> 0", name="value_is_in_range"),
        titled(lazy("Actions for points")),
    )

    school_id: Mapped[int] = columns.reference("Its school", keep=Keep.CLASSROOM, primary_key=True)
    id: Mapped[int] = columns.key(keep=Keep.CLASSROOM)
    public_id: Mapped[str] = columns.public_id(keep=Keep.CLASSROOM)
    classroom_id: Mapped[int] = columns.reference("The class it is for", keep=Keep.CLASSROOM)
    label: Mapped[str] = columns.sealed("What the child did, in the teacher's words", keep=Keep.CLASSROOM)
    value: Mapped[int] = columns.number("Points it gives or takes", keep=Keep.CLASSROOM)
    icon: Mapped[str | None] = columns.text("The picture beside the label", keep=Keep.CLASSROOM)
    created_at: Mapped[datetime] = columns.moment("When it was made", keep=Keep.CLASSROOM)
    retired_at: Mapped[datetime | None] = columns.moment(
        "Since when it is not awarded any more", keep=Keep.CLASSROOM
    )


class PointEntry(Base):
    """One award. Never changed: it is undone by a counter-entry."""

    __tablename__ = "point_entry"
    __table_args__ = (
        # For erasing an account, which is named there no longer then.
        Index("ix_point_entry_awarded_by", "awarded_by", postgresql_where="awarded_by is not null"),
        ForeignKeyConstraint(
            ["school_id", "classroom_id", "student_id"],
            [
                "app.enrollment.school_id",
                "app.enrollment.classroom_id",
                "app.enrollment.student_id",
            ],
            ondelete="CASCADE",
        ),
        ForeignKeyConstraint(
            ["school_id", "action_id"],
            ["app.action.school_id", "app.action.id"],
            ondelete="CASCADE",
        ),
        Index(None, "school_id", "classroom_id", "student_id", "awarded_at"),
        ForeignKeyConstraint(
            ["school_id", "award_id"],
            ["app.point_award.school_id", "app.point_award.id"],
            ondelete="CASCADE",
        ),
        Index(None, "school_id", "action_id"),
        Index(None, "school_id", "award_id"),
        # Taken back once, whoever tries it twice.
        Index(
            "uq_point_entry_undoes", "school_id", "undoes", unique=True, postgresql_where="undoes is not null"
        ),
        titled(lazy("Points of students")),
    )

    school_id: Mapped[int] = columns.reference("Its school", keep=Keep.STUDENT, primary_key=True)
    id: Mapped[int] = columns.key(keep=Keep.STUDENT)
    classroom_id: Mapped[int] = columns.reference("In which class", keep=Keep.STUDENT)
    student_id: Mapped[int] = columns.reference("Whose points", keep=Keep.STUDENT)
    action_id: Mapped[int] = columns.reference("For what", keep=Keep.STUDENT)
    award_id: Mapped[int | None] = columns.reference(
        "With which others it was given, or taken back", keep=Keep.STUDENT
    )
    value: Mapped[int] = columns.number("Points given or taken", keep=Keep.STUDENT)
    comment: Mapped[str | None] = columns.sealed("What the teacher adds", keep=Keep.STUDENT)
    awarded_by: Mapped[int | None] = columns.reference(
        "Who gave them", ForeignKey("app.account.id", ondelete="SET NULL"), keep=Keep.ACCOUNT
    )
    awarded_at: Mapped[datetime] = columns.moment("When", keep=Keep.STUDENT)
    undoes: Mapped[int | None] = columns.reference("The entry that this one takes back", keep=Keep.STUDENT)

    action: Mapped[Action] = relationship(viewonly=True, lazy="raise")
