"""Erasures and the ledger, as tables. Both outlive whom they are about, and name nobody."""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, UniqueConstraint
from sqlalchemy.orm import Mapped

from backoffice.language.texts import lazy
from backoffice.privacy.holdings import Subject
from backoffice.storage import columns
from backoffice.storage.base import Base, only, titled
from backoffice.storage.columns import Keep


class Stage(StrEnum):
    """How far an erasure is. Once it was `NOTED` there is no way back, though a hold may still stop it."""

    LOOKING = "looking"  # a worker counts what would go
    PREVIEWED = "previewed"  # it waits for whoever asked
    CONFIRMED = "confirmed"
    HELD = "held"  # confirmed or half-way, and a legal hold is in the way
    NOTED = "noted"  # it stands in the ledger; what is large goes step by step meanwhile
    ERASED = "erased"  # everything is to be looked through again
    VERIFIED = "verified"  # nothing was left, and it has its receipt
    # Nobody confirmed it, or nothing was left to erase; or it was to go by age, and has a teacher again, or
    # was held until its period may have begun anew.
    LAPSED = "lapsed"


class AskedAs(StrEnum):
    """What whoever asked for an erasure is."""

    TEACHER = "teacher"
    LEADER = "leader"
    FOUNDER = "founder"
    OWNER = "owner of the account"
    COMMAND = "command line of the server"
    RETENTION = "retention"
    CANARY = "canary"
    LEDGER = "replay of the ledger"


UNDER_WAY = (Stage.CONFIRMED, Stage.HELD, Stage.NOTED, Stage.ERASED)
ENDED = (Stage.VERIFIED, Stage.LAPSED)
_ENDED = f"stage in ({', '.join(repr(each.value) for each in ENDED)})"


class Erasure(Base):
    """One erasure: of what, for whom, how far it is, and in the end its receipt."""

    __tablename__ = "erasure"
    __table_args__ = (
        UniqueConstraint("public_id"),
        only("subject", Subject),
        only("stage", Stage),
        only("asked_as", AskedAs),
        CheckConstraint(
            f"not ({_ENDED}) or subject_id is null and chosen is null", name="ended_names_nobody"
        ),
        CheckConstraint(
            "chosen is null or subject = 'student' and subject_id is null and school_id is not null"
            " and cardinality(chosen) = subjects and array_position(chosen, null) is null",
            name="several_are_students",
        ),
        CheckConstraint("subjects > 0", name="of_somebody"),
        CheckConstraint("(receipt is null) = (stage <> 'verified')", name="verified_has_a_receipt"),
        CheckConstraint("(receipt is null) = (signature is null)", name="receipt_is_signed"),
        Index(None, "school_id", "asked_at"),
        Index(None, "asked_by"),
        Index(None, "asked_at"),
        # One at a time of the same subject.
        Index(
            "uq_erasure_under_way",
            "subject",
            "subject_id",
            unique=True,
            postgresql_where="stage in ('confirmed', 'held', 'noted', 'erased')",
        ),
        # Whoever signs in is looked for among those.
        Index(
            "ix_erasure_of_several",
            "school_id",
            postgresql_where="chosen is not null and stage in ('confirmed', 'held', 'noted', 'erased')",
        ),
        Index("ix_erasure_not_ended", "stage", "id", postgresql_where=f"not ({_ENDED})"),
        Index(
            "ix_erasure_to_vacuum",
            "id",
            postgresql_where="vacuum_after is not null and vacuumed_at is null",
        ),
        titled(lazy("Erasures and their receipts")),
    )

    id: Mapped[int] = columns.key(keep=Keep.FOR_GOOD)
    public_id: Mapped[str] = columns.public_id(keep=Keep.FOR_GOOD)
    subject: Mapped[str] = columns.choice("Whether a student, a class, an account ...", keep=Keep.FOR_GOOD)
    subject_id: Mapped[int | None] = columns.reference("Which one", keep=Keep.ERASURE)
    # Of several students that somebody chose, all of one school; `subject_id` is none of them then.
    chosen: Mapped[list[int] | None] = columns.references(
        "Which ones, if it is of several", keep=Keep.ERASURE, by_database=False
    )
    subjects: Mapped[int] = columns.number("Of how many", keep=Keep.FOR_GOOD, default=1)
    # No foreign key: the receipt outlives the school.
    school_id: Mapped[int | None] = columns.reference("In which school", keep=Keep.FOR_GOOD)
    stage: Mapped[str] = columns.choice("How far it is", keep=Keep.FOR_GOOD)
    asked_by: Mapped[int | None] = columns.reference(
        "Who asked for it", ForeignKey("app.account.id", ondelete="SET NULL"), keep=Keep.ACCOUNT
    )
    asked_as: Mapped[str] = columns.choice("What whoever asked is", keep=Keep.FOR_GOOD)
    found: Mapped[dict[str, Any] | None] = columns.sealed_json(
        "What would go and what would stay, for whoever confirms it", keep=Keep.ERASURE
    )
    plan: Mapped[dict[str, Any] | None] = columns.sealed_json(
        "The numbers of all that goes, to go on after an interruption and to verify it", keep=Keep.ERASURE
    )
    counts: Mapped[str | None] = columns.text("How many rows went, by table", keep=Keep.FOR_GOOD)
    # How far one that is erased in steps is: of those of a single transaction there is nothing to say.
    rows_planned: Mapped[int | None] = columns.large_number("How many rows are to go", keep=Keep.FOR_GOOD)
    rows_gone: Mapped[int | None] = columns.large_number("How many of them are gone", keep=Keep.FOR_GOOD)
    step: Mapped[str | None] = columns.text("At which table it is", keep=Keep.FOR_GOOD)
    asked_at: Mapped[datetime] = columns.moment("When it was asked for", keep=Keep.FOR_GOOD)
    confirmed_at: Mapped[datetime | None] = columns.moment("When it was confirmed", keep=Keep.FOR_GOOD)
    held_at: Mapped[datetime | None] = columns.moment(
        "When it first had to wait for a legal hold", keep=Keep.FOR_GOOD
    )
    freed_at: Mapped[datetime | None] = columns.moment("When it went on after that", keep=Keep.FOR_GOOD)
    noted_at: Mapped[datetime | None] = columns.moment("When it came into the ledger", keep=Keep.FOR_GOOD)
    erased_at: Mapped[datetime | None] = columns.moment("When the last row was gone", keep=Keep.FOR_GOOD)
    verified_at: Mapped[datetime | None] = columns.moment(
        "When everything was looked through again", keep=Keep.FOR_GOOD
    )
    receipt: Mapped[str | None] = columns.text("The receipt, as it was signed", keep=Keep.FOR_GOOD)
    signature: Mapped[bytes | None] = columns.commitment("Proves the receipt ours", keep=Keep.FOR_GOOD)
    # None for a receipt that a replay put back: this database never held what it is of.
    vacuum_after: Mapped[int | None] = columns.large_number(
        "The transaction that all who still read what is gone have to be past", keep=Keep.FOR_GOOD
    )
    vacuumed_at: Mapped[datetime | None] = columns.moment(
        "When the space of what is gone was freed", keep=Keep.FOR_GOOD
    )

    @property
    def numbers(self) -> Sequence[int]:
        """Of whom it is; nobody, once it has ended."""
        if self.chosen is not None:
            return self.chosen
        return [] if self.subject_id is None else [self.subject_id]

    def choose(self, numbers: Sequence[int]) -> None:
        """Be of the one of this number, or of several students of its school."""
        one = len(numbers) == 1
        self.subject_id, self.chosen = (numbers[0], None) if one else (None, sorted(numbers))
        self.subjects = len(numbers)

    def narrow(self, students: Sequence[int]) -> None:
        """Be of these of the students that were chosen: others are gone, or wait for themselves."""
        if self.chosen is not None and self.chosen != sorted(students):
            self.chosen, self.subjects = sorted(students), len(students)
            self.forget_names()

    def forget_names(self) -> None:
        """Name nobody of several any more: one of them may be gone before this ends."""
        if self.found and self.found.get("named"):
            self.found = {**self.found, "named": []}

    def end(self, stage: Stage) -> None:
        """End it so, and forget whom it was about."""
        self.stage, self.subject_id, self.chosen, self.found, self.plan = stage, None, None, None, None


class ErasureOutside(Base):
    """One thing that a plugin has somebody outside forget, and what they call it until they have."""

    __tablename__ = "erasure_outside"
    __table_args__ = (
        CheckConstraint("(done_at is null) = (reference is not null)", name="done_forgets_reference"),
        CheckConstraint("tries >= 0", name="tries_are_counted"),
        Index(None, "erasure"),
        Index("ix_erasure_outside_waiting", "id", postgresql_where="done_at is null"),
        titled(lazy("What others outside were told to erase")),
    )

    id: Mapped[int] = columns.key(keep=Keep.FOR_GOOD)
    # The number of the receipt and no key: a replay puts receipts back as new rows.
    erasure: Mapped[str] = columns.text("In which erasure", keep=Keep.FOR_GOOD)
    handler: Mapped[str] = columns.text("Which plugin's handler erases it", keep=Keep.FOR_GOOD)
    reference: Mapped[str | None] = columns.sealed(
        "What it is called outside, until it is erased there", keep=Keep.ERASURE
    )
    noted_at: Mapped[datetime] = columns.moment("When its rows here went", keep=Keep.FOR_GOOD)
    tries: Mapped[int] = columns.number("How often it was tried", keep=Keep.FOR_GOOD)
    tried_at: Mapped[datetime | None] = columns.moment("When it was tried last", keep=Keep.FOR_GOOD)
    done_at: Mapped[datetime | None] = columns.moment("When it was erased outside", keep=Keep.FOR_GOOD)
    proof: Mapped[str | None] = columns.text(
        "By what whoever is outside finds its own record of it", keep=Keep.FOR_GOOD
    )
    problem: Mapped[str | None] = columns.text("What kind of failure it was last", keep=Keep.FOR_GOOD)


class Canary(Base):
    """One night's made-up child: how far it came, and how it ended."""

    __tablename__ = "canary"
    __table_args__ = (
        UniqueConstraint("public_id"),
        CheckConstraint("ended_at is not null or problem is null", name="problem_ends_it"),
        Index("ix_canary_begun_at", "begun_at"),
        titled(lazy("The nightly test of erasing")),
    )

    id: Mapped[int] = columns.key(keep=Keep.FOR_GOOD)
    # From which its teacher's address is made: what a killed run left is found by it.
    public_id: Mapped[str] = columns.public_id(keep=Keep.FOR_GOOD)
    begun_at: Mapped[datetime] = columns.moment("When it was begun", keep=Keep.FOR_GOOD)
    step: Mapped[str] = columns.text("Which step it came to", keep=Keep.FOR_GOOD)
    ended_at: Mapped[datetime | None] = columns.moment("When it ended", keep=Keep.FOR_GOOD)
    problem: Mapped[str | None] = columns.text("What went wrong", keep=Keep.FOR_GOOD)
    milliseconds: Mapped[int | None] = columns.number("How long erasing the child took", keep=Keep.FOR_GOOD)
    receipt: Mapped[str | None] = columns.text("The number of the child's receipt", keep=Keep.FOR_GOOD)


class ErasureMark(Base):
    """One line of the ledger: that something with this keyed digest was erased and is not to come back."""

    __tablename__ = "erasure_mark"
    __table_args__ = (Index(None, "erasure"), titled(lazy("The ledger of what was erased")))

    mark: Mapped[UUID] = columns.keyed_digest(
        "Recognises what was erased, if a restore or an import brings it back",
        keep=Keep.FOR_GOOD,
        primary_key=True,
    )
    kind: Mapped[str] = columns.text("What it is a mark of", keep=Keep.FOR_GOOD)
    # The number of a receipt; after a restore there may be none of it here.
    erasure: Mapped[str] = columns.text("In which erasure", keep=Keep.FOR_GOOD)
    noted_at: Mapped[datetime] = columns.moment("When it was noted", keep=Keep.FOR_GOOD)


class LedgerEnd(Base):
    """How far a file of the ledger had been written when the database last heard of it; one row a machine."""

    __tablename__ = "ledger_end"
    __table_args__ = (UniqueConstraint("began"), titled(lazy("How far the ledger's files go")))

    id: Mapped[int] = columns.key(keep=Keep.FOR_GOOD)
    began: Mapped[str] = columns.text(
        "The chain of its first line, which tells files apart", keep=Keep.FOR_GOOD
    )
    size: Mapped[int] = columns.large_number("How many bytes it had", keep=Keep.FOR_GOOD)
    chain: Mapped[str] = columns.text("The chain of the line that was its last", keep=Keep.FOR_GOOD)


class MergedMark(Base):
    """That a student was made one with another one, and by which mark a backup's row of it is recognised.

    It goes into the ledger with whom it was made one with.
    """

    __tablename__ = "merged_mark"
    __table_args__ = (
        ForeignKeyConstraint(
            ["school_id", "student_id"],
            ["app.student.school_id", "app.student.id"],
            ondelete="CASCADE",
        ),
        titled(lazy("Students who were made one with another")),
    )

    school_id: Mapped[int] = columns.reference("Its school", keep=Keep.STUDENT, primary_key=True)
    student_id: Mapped[int] = columns.reference("Who stayed", keep=Keep.STUDENT, primary_key=True)
    mark: Mapped[UUID] = columns.keyed_digest(
        "Recognises who was made one with them, if a restore brings them back",
        keep=Keep.STUDENT,
        primary_key=True,
    )
    number: Mapped[int] = columns.reference("The number by which the trail names it", keep=Keep.STUDENT)
