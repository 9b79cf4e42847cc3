"""The one clock. Rules that depend on time ask here and pass the answer on, also into SQL."""

from datetime import UTC, datetime


def now() -> datetime:
    """The current moment, aware, in UTC."""
    return datetime.now(UTC)
