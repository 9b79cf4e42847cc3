"""Where the core's pages lead to incidents."""

from backoffice.access.policy import can
from backoffice.language.texts import lazy
from backoffice.web.offered import Offered, Where, offer
from plugins.notifications.permissions import INCIDENTS_RUN

NEW = "/console/incidents/new"
OPEN = lazy("Open an incident")
WHY = lazy("Somebody has to be told, or may have to be: its clocks run from when it was noticed.")

offer(
    Offered(
        "notifications",
        Where.REPORT,
        OPEN,
        WHY,
        f"{NEW}?report={{}}",
        may=lambda tx, _report: can(tx.principal, INCIDENTS_RUN),
    ),
    Offered(
        "notifications",
        Where.SECURITY_EVENT,
        OPEN,
        WHY,
        NEW,
        may=lambda tx, _event: can(tx.principal, INCIDENTS_RUN),
    ),
)
