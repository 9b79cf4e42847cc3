"""What has been tried, as a table."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Mapped

from backoffice.language.texts import lazy
from backoffice.storage import columns
from backoffice.storage.base import Base, titled
from backoffice.storage.columns import Keep


class Throttle(Base):
    """How often something was tried in one span of time. Unlogged: a crash of the database forgets it."""

    __tablename__ = "throttle"
    __table_args__ = titled(lazy("Counts of tries"), prefixes=["UNLOGGED"])

    key: Mapped[UUID] = columns.keyed_digest(
        "Digest of what is counted: an address, a device, a class or an account, with what was tried",
        keep=Keep.TWO_DAYS,
        primary_key=True,
    )
    tries: Mapped[int] = columns.number("How often it was tried", keep=Keep.TWO_DAYS)
    ends_at: Mapped[datetime] = columns.moment("When the span is over", keep=Keep.TWO_DAYS)
