"""What the checks answered, as a table. It names nobody, and everybody may read it."""

from datetime import datetime

from sqlalchemy import Index
from sqlalchemy.orm import Mapped

from backoffice.controls.check import State
from backoffice.language.texts import lazy
from backoffice.storage import columns
from backoffice.storage.base import only, plugin_base, titled
from backoffice.storage.columns import Keep

TrustBase = plugin_base("trust")


class ControlResult(TrustBase):  # type: ignore[misc, valid-type]
    """One answer of one check. `duration` is in milliseconds."""

    __tablename__ = "control_result"
    __table_args__ = (
        only("state", [State.HOLDS, State.FALLS_SHORT, State.ATTESTED, State.NOT_EXERCISED, State.STALE]),
        Index(None, "control_id", "checked_at"),
        titled(lazy("What checks of promises found")),
    )

    id: Mapped[int] = columns.key(keep=Keep.FOR_GOOD)
    control_id: Mapped[str] = columns.text("Which promise was checked", keep=Keep.FOR_GOOD)
    state: Mapped[str] = columns.choice("How it stood", keep=Keep.FOR_GOOD)
    evidence: Mapped[str] = columns.text("The public figure that shows it", keep=Keep.FOR_GOOD)
    checked_at: Mapped[datetime] = columns.moment("When it was checked", keep=Keep.FOR_GOOD)
    duration: Mapped[int] = columns.number("How long the check took", keep=Keep.FOR_GOOD)
