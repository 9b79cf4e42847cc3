"""Networks that were refused at a school's classes, as a table."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKeyConstraint, Index, UniqueConstraint
from sqlalchemy.orm import Mapped

from backoffice.language.texts import lazy
from backoffice.storage import columns
from backoffice.storage.base import Base, titled
from backoffice.storage.columns import Keep


class LockedNetwork(Base):
    """A network that had no wrong PIN left at a class of the school, until the school opened it there.

    It is known by a keyed digest, as a device is: no address can be read out of it.
    """

    __tablename__ = "locked_network"
    __table_args__ = (
        ForeignKeyConstraint(
            ["school_id", "classroom_id"],
            ["app.classroom.school_id", "app.classroom.id"],
            ondelete="CASCADE",
        ),
        UniqueConstraint("public_id"),
        UniqueConstraint("school_id", "network"),
        Index(None, "school_id", "classroom_id"),
        titled(lazy("Networks with too many wrong PINs")),
    )

    school_id: Mapped[int] = columns.reference("Its school", keep=Keep.TWO_DAYS, primary_key=True)
    id: Mapped[int] = columns.key(keep=Keep.TWO_DAYS)
    public_id: Mapped[str] = columns.public_id(keep=Keep.TWO_DAYS)
    network: Mapped[UUID] = columns.keyed_digest(
        "Recognises the network, so that whoever runs the school can open it", keep=Keep.TWO_DAYS
    )
    classroom_id: Mapped[int] = columns.reference("At which class it was last refused", keep=Keep.TWO_DAYS)
    refused_at: Mapped[datetime] = columns.moment("When it was last refused", keep=Keep.TWO_DAYS)
    refused_until: Mapped[datetime] = columns.moment("Until when it has no try left", keep=Keep.TWO_DAYS)
    opened_at: Mapped[datetime | None] = columns.moment("When the school last opened it", keep=Keep.TWO_DAYS)
