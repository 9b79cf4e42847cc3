"""One row that ties a database to its keyring, so that a wrong keyring is noticed at start."""

from datetime import datetime

from sqlalchemy import CheckConstraint, Connection, insert, select
from sqlalchemy.orm import Mapped

from backoffice import clock
from backoffice.language.texts import lazy
from backoffice.storage import columns
from backoffice.storage.base import Base, titled
from backoffice.storage.columns import Keep
from backoffice.storage.keyring import KeyringError

MARK = "sealed by the keyring of this database"
WRONG_KEYRING = (
    "This keyring is not the keyring of this database. Set BACKOFFICE_KEYRING_FILE to the file that was"
    " made with the database; nothing has been changed."
)


class Installation(Base):
    """The single row of what this database is."""

    __tablename__ = "installation"
    __table_args__ = (CheckConstraint("id = 1", name="single_row"), titled(lazy("The installation")))

    id: Mapped[int] = columns.key(keep=Keep.FOR_GOOD)
    keyring_mark: Mapped[str] = columns.sealed(
        "Opens only with the right keyring", keep=Keep.FOR_GOOD, kind=columns.Class.OPERATIONAL
    )
    created_at: Mapped[datetime] = columns.moment("When it was set up", keep=Keep.FOR_GOOD)


def mark(connection: Connection) -> None:
    """Tie the database to the keyring in use, once."""
    if connection.scalar(select(Installation.id)) is None:
        connection.execute(insert(Installation).values(id=1, keyring_mark=MARK, created_at=clock.now()))


def check_keyring(connection: Connection) -> None:
    """Raise `KeyringError` unless the keyring in use is the one of this database."""
    try:
        held = connection.scalar(select(Installation.keyring_mark))
    except KeyringError:
        raise KeyringError(WRONG_KEYRING) from None
    if held != MARK:
        raise KeyringError("This database carries no mark of a keyring. Run: backoffice db upgrade")
