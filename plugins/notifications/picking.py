"""Schools that an incident concerns are picked by their names; districts come first.

A teacher's own school has the teacher's name, which founders do not read: all of these are one entry.
"""

from collections.abc import Sequence

from sqlalchemy import select

from backoffice.access.permissions import SCHOOLS_READ
from backoffice.access.policy import visible
from backoffice.access.transaction import Transaction
from backoffice.language.texts import gettext
from backoffice.schools.finding import MOST_READ
from backoffice.schools.models import District, School, SchoolKind
from backoffice.schools.picking import Known, Picked, Relation, offer, schools

PLACE = "place-of-an-incident"
# One of which data got out: everybody who was there.
SCOPE_PLACE = "place-of-a-scope"
# Stands where a public identifier does, and is none.
PERSONAL = "personal"


def _schools(within: int | None) -> Known:
    return schools(within).where(School.kind == SchoolKind.SCHOOL)


def _districts(tx: Transaction) -> Sequence[Picked]:
    known = visible(tx.principal, select(District.public_id, District.name).order_by(District.id))
    return [
        Picked(each.public_id, gettext("%(name)s (all its schools)", name=each.name))
        for each in tx.execute(known.limit(MOST_READ))
    ]


def _ahead(tx: Transaction) -> Sequence[Picked]:
    return [*_districts(tx), Picked(PERSONAL, gettext("All schools of single teachers"))]


offer(PLACE, Relation(SCHOOLS_READ, _schools, ahead=_ahead))
offer(SCOPE_PLACE, Relation(SCHOOLS_READ, _schools, ahead=_districts))
