"""Systems of districts that are called, and what became of each call."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped

from backoffice.accounts.models import Account
from backoffice.language.texts import lazy
from backoffice.schools.models import District
from backoffice.storage import columns
from backoffice.storage.base import only, titled
from backoffice.storage.columns import Class, Keep
from plugins.notifications.models import NotificationsBase
from plugins.notifications.notices.models import Notice

# As columns and not by name: a plugin's tables have a `MetaData` of their own.
_ACCOUNT, _DISTRICT = Account.__table__.c, District.__table__.c


class CallState(StrEnum):
    """How far a call is."""

    WAITING = "waiting"
    DELIVERED = "delivered"
    GIVEN_UP = "given_up"


class DistrictHook(NotificationsBase):  # type: ignore[misc, valid-type]
    """Where a district's own system is called. The web writes the secrets and cannot read them."""

    __tablename__ = "district_hook"
    __table_args__ = (
        UniqueConstraint("district_id"),
        CheckConstraint("(newer_secret is null) = (renewed_at is null)", name="renewed_at_some_moment"),
        Index(None, "set_by"),
        titled(lazy("Systems of districts that are called")),
    )

    id: Mapped[int] = columns.key(keep=Keep.DISTRICT)
    district_id: Mapped[int] = columns.reference(
        "Of which district", ForeignKey(_DISTRICT.id, ondelete="CASCADE"), keep=Keep.DISTRICT
    )
    # An address may hold a key that lets its caller in.
    url: Mapped[str] = columns.sealed("Which address is called", keep=Keep.DISTRICT, kind=Class.SECRET)
    secret: Mapped[str] = columns.sealed(
        "With what calls are signed", keep=Keep.DISTRICT, kind=Class.SECRET, apart=True
    )
    newer_secret: Mapped[str | None] = columns.sealed(
        "With what calls are signed besides, until it takes the place of the other",
        keep=Keep.DISTRICT,
        kind=Class.SECRET,
        apart=True,
    )
    renewed_at: Mapped[datetime | None] = columns.moment("When a new secret was made", keep=Keep.DISTRICT)
    set_by: Mapped[int | None] = columns.reference(
        "Who set the address", ForeignKey(_ACCOUNT.id, ondelete="SET NULL"), keep=Keep.DISTRICT
    )
    set_at: Mapped[datetime] = columns.moment("When it was set", keep=Keep.DISTRICT)


class HookCall(NotificationsBase):  # type: ignore[misc, valid-type]
    """One call: of a notice, or to try the address out. It counts still when the address is removed.

    `body` is what was sent the first time, for each further attempt; it goes with the last one.
    """

    __tablename__ = "hook_call"
    __table_args__ = (
        UniqueConstraint("public_id"),
        UniqueConstraint("hook_id", "notice_id"),
        only("state", CallState),
        CheckConstraint("body is null or state = 'waiting'", name="body_while_it_waits"),
        CheckConstraint("attempts >= 0", name="no_fewer_than_none"),
        CheckConstraint("(finished_at is null) = (state = 'waiting')", name="finished_or_waiting"),
        Index(None, "notice_id"),
        Index("ix_hook_call_waiting", "next_try_at", postgresql_where="state = 'waiting'"),
        titled(lazy("Calls to systems of districts")),
    )

    id: Mapped[int] = columns.key(keep=Keep.SIX_YEARS)
    public_id: Mapped[str] = columns.public_id("Names it to the system that is called", keep=Keep.SIX_YEARS)
    hook_id: Mapped[int | None] = columns.reference(
        "Which system is called", ForeignKey(DistrictHook.id, ondelete="SET NULL"), keep=Keep.SIX_YEARS
    )
    notice_id: Mapped[int | None] = columns.reference(
        "About which notice; none to try it out",
        ForeignKey(Notice.id, ondelete="CASCADE"),
        keep=Keep.SIX_YEARS,
    )
    state: Mapped[str] = columns.choice("How far it is", keep=Keep.SIX_YEARS)
    attempts: Mapped[int] = columns.number("How often it was tried", keep=Keep.SIX_YEARS)
    next_try_at: Mapped[datetime] = columns.moment("From when it is tried again", keep=Keep.SIX_YEARS)
    last_status: Mapped[int | None] = columns.number(
        "With which status it was answered last", keep=Keep.SIX_YEARS
    )
    # It names schools and says how many people they have, and nobody.
    body: Mapped[bytes | None] = columns.sealed_bytes(
        "What was sent the first time, while it is tried again",
        keep=Keep.SIX_YEARS,
        kind=Class.OPERATIONAL,
        apart=True,
    )
    created_at: Mapped[datetime] = columns.moment("When it was to be made", keep=Keep.SIX_YEARS)
    finished_at: Mapped[datetime | None] = columns.moment(
        "When it was delivered or given up", keep=Keep.SIX_YEARS
    )


TABLES = (DistrictHook, HookCall)
