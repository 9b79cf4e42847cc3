"""What the contract of a district, or of a school that differs from it, asks when something goes wrong."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped

from backoffice.accounts.models import Account
from backoffice.language.texts import lazy
from backoffice.schools.models import District, School
from backoffice.storage import columns
from backoffice.storage.base import only, titled
from backoffice.storage.columns import Keep
from plugins.notifications.models import Counted, NotificationsBase

# As columns and not by name: a plugin's tables have a `MetaData` of their own.
_ACCOUNT, _SCHOOL, _DISTRICT = Account.__table__.c, School.__table__.c, District.__table__.c


class ContractTerms(NotificationsBase):  # type: ignore[misc, valid-type]
    """What was said last of one contract. Of whom there is none, nobody has said it."""

    __tablename__ = "contract_terms"
    __table_args__ = (
        CheckConstraint("(district_id is null) <> (school_id is null)", name="one_place"),
        only("start", Counted),
        CheckConstraint("hours between 1 and 8760", name="within_a_year"),
        UniqueConstraint("district_id"),
        UniqueConstraint("school_id"),
        Index(None, "said_by"),
        titled(lazy("What contracts ask when something goes wrong")),
    )

    id: Mapped[int] = columns.key(keep=Keep.SCHOOL)
    district_id: Mapped[int | None] = columns.reference(
        "Of which district", ForeignKey(_DISTRICT.id, ondelete="CASCADE"), keep=Keep.SCHOOL
    )
    school_id: Mapped[int | None] = columns.reference(
        "Of which school", ForeignKey(_SCHOOL.id, ondelete="CASCADE"), keep=Keep.SCHOOL
    )
    rule: Mapped[str] = columns.text("By which rule it has somebody told", keep=Keep.SCHOOL)
    hours: Mapped[int | None] = columns.number("Within how many hours", keep=Keep.SCHOOL)
    start: Mapped[str | None] = columns.choice("From which moment these are counted", keep=Keep.SCHOOL)
    said_at: Mapped[datetime] = columns.moment("When it was said", keep=Keep.SCHOOL)
    said_by: Mapped[int | None] = columns.reference(
        "Who said it", ForeignKey(_ACCOUNT.id, ondelete="SET NULL"), keep=Keep.SCHOOL
    )
