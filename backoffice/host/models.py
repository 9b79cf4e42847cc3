"""What founders have decided about plugins, as a table."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped

from backoffice.language.texts import lazy
from backoffice.storage import columns
from backoffice.storage.base import Base, only, titled
from backoffice.storage.columns import Keep


class PluginState(Base):
    """A plugin that somebody has switched or set. One without a row is as it was installed."""

    __tablename__ = "plugin_state"
    __table_args__ = (
        UniqueConstraint("name"),
        Index(None, "changed_by"),
        titled(lazy("Plugins and how they are set")),
    )

    id: Mapped[int] = columns.key(keep=Keep.FOR_GOOD)
    name: Mapped[str] = columns.text("Which plugin", keep=Keep.FOR_GOOD)
    enabled: Mapped[bool] = columns.flag("Whether it is switched on", keep=Keep.FOR_GOOD)
    version: Mapped[int] = columns.number("Grows with each change, so that it is noticed", keep=Keep.FOR_GOOD)
    settings: Mapped[dict[str, Any] | None] = columns.sealed_json(
        "How it is set, where that differs from its defaults", keep=Keep.FOR_GOOD
    )
    reason: Mapped[str | None] = columns.sealed("Why it was switched off", keep=Keep.FOR_GOOD)
    changed_at: Mapped[datetime] = columns.moment("When it was last changed", keep=Keep.FOR_GOOD)
    switched_at: Mapped[datetime | None] = columns.moment(
        "When it was last switched, if it ever was", keep=Keep.FOR_GOOD
    )
    changed_by: Mapped[int | None] = columns.reference(
        "Who changed it", ForeignKey("app.account.id", ondelete="SET NULL"), keep=Keep.ACCOUNT
    )


class Done(StrEnum):
    """What somebody did with a plugin."""

    SWITCHED_ON = "switched on"
    SWITCHED_OFF = "switched off"
    SET = "set"


class PluginHistory(Base):
    """That somebody switched or set a plugin.

    `done_by` is empty for a command at the server, or once its account is erased.
    """

    __tablename__ = "plugin_history"
    __table_args__ = (
        only("done", Done),
        Index(None, "plugin", "id"),
        Index(None, "done_by"),
        Index(None, "at"),
        titled(lazy("What was done with plugins")),
    )

    id: Mapped[int] = columns.key(keep=Keep.SIX_MONTHS)
    plugin: Mapped[str] = columns.text("Which plugin", keep=Keep.SIX_MONTHS)
    done: Mapped[str] = columns.choice("What was done", keep=Keep.SIX_MONTHS)
    fields: Mapped[str | None] = columns.text(
        "Which of its settings changed, a name a line; never to what", keep=Keep.SIX_MONTHS
    )
    reason: Mapped[str | None] = columns.sealed("Why it was switched off", keep=Keep.SIX_MONTHS)
    at: Mapped[datetime] = columns.moment("When", keep=Keep.SIX_MONTHS)
    done_by: Mapped[int | None] = columns.reference(
        "Who did it", ForeignKey("app.account.id", ondelete="SET NULL"), keep=Keep.ACCOUNT
    )
    at_server: Mapped[bool] = columns.flag("Whether it was a command at the server", keep=Keep.SIX_MONTHS)
