"""The tile of what was reported."""

from sqlalchemy import func, select

from backoffice.access.permissions import REPORTS_READ
from backoffice.access.policy import visible
from backoffice.access.transaction import Transaction
from backoffice.language.texts import lazy
from backoffice.reports.models import Report
from backoffice.tiles import MOST_COUNTED, Number, Tile


def _open(tx: Transaction) -> Number:
    some = visible(tx.principal, select(Report.id).where(Report.closed_at.is_(None)))
    count = tx.scalar(select(func.count()).select_from(some.limit(MOST_COUNTED + 1).subquery())) or 0
    return Number(min(count, MOST_COUNTED), "", "warn" if count else "good", count > MOST_COUNTED)


TILES: tuple[Tile, ...] = (
    Tile("reports-open", lazy("Reports open"), REPORTS_READ, _open, "/console/reports/?state=open"),
)
