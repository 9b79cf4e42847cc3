"""What retention knows of teachers' accounts that nobody uses, as a table."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped

from backoffice.accounts.models import Account
from backoffice.language.texts import lazy
from backoffice.storage import columns
from backoffice.storage.base import plugin_base, titled
from backoffice.storage.columns import Keep

RetentionBase = plugin_base("retention")


class IdleAccount(RetentionBase):  # type: ignore[misc, valid-type]
    """An account that nobody uses, or that belongs nowhere: its use, and what its owner was told.

    `told_days` is how many days before the end the last warning came. Whoever uses the account begins anew,
    and so does whoever comes to a school or a child again.
    """

    __tablename__ = "idle_account"
    __table_args__ = (
        Index(None, "due_at"),
        Index(None, "alone_since"),
        titled(lazy("Accounts that nobody uses")),
    )

    account_id: Mapped[int] = columns.reference(
        "Whose it is",
        ForeignKey(Account.__table__.c.id, ondelete="CASCADE"),
        keep=Keep.ACCOUNT,
        primary_key=True,
    )
    used_at: Mapped[datetime | None] = columns.moment(
        "When a class of theirs was last used, or they asked to keep the account", keep=Keep.ACCOUNT
    )
    alone_since: Mapped[datetime | None] = columns.moment(
        "Since when it has been in no school and followed no child", keep=Keep.ACCOUNT
    )
    due_at: Mapped[datetime | None] = columns.moment(
        "When it is deleted, unless it is used before", keep=Keep.ACCOUNT
    )
    told_days: Mapped[int | None] = columns.number(
        "How many days before that its owner was last told", keep=Keep.ACCOUNT
    )
    told_at: Mapped[datetime | None] = columns.moment("When its owner was last told", keep=Keep.ACCOUNT)
    keep_digest: Mapped[bytes | None] = columns.secret_digest("The link that keeps it", keep=Keep.ACCOUNT)
