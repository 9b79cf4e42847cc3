"""Where the core's pages lead to incidents."""

from backoffice.access.permissions import SCHOOLS_CONTACT
from backoffice.access.policy import can
from backoffice.access.transaction import Transaction
from backoffice.language.texts import lazy
from backoffice.schools.models import School, SchoolKind
from backoffice.schools.services import contacts
from backoffice.web.offered import Offered, Where, offer
from plugins.notifications.permissions import INCIDENTS_RUN


def _speaks_for_district(tx: Transaction, school: School | None) -> bool:
    return (
        school is not None
        and school.kind == SchoolKind.SCHOOL
        and can(tx.principal, SCHOOLS_CONTACT, school)
        and contacts.speaks_for_district(tx, school)
    )


NEW = "/console/incidents/new"
OPEN = lazy("Open an incident")
WHY = lazy("Somebody has to be told, or may have to be: its clocks run from when it was noticed.")

offer(
    Offered(
        "notifications",
        Where.DISTRICT,
        lazy("The district's own system"),
        lazy("Have a system of the district called as soon as its schools are told of a breach."),
        "/console/district-systems/{}",
        may=_speaks_for_district,
    ),
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
