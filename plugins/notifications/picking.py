"""Schools that an incident concerns are picked by their names; districts come first."""

from collections.abc import Sequence

from sqlalchemy import select

from backoffice.access.permissions import SCHOOLS_READ
from backoffice.access.policy import visible
from backoffice.access.transaction import Transaction
from backoffice.language.texts import gettext
from backoffice.schools.finding import MOST_READ
from backoffice.schools.models import District
from backoffice.schools.picking import Picked, Relation, offer, schools

PLACE = "place-of-an-incident"


def _districts(tx: Transaction) -> Sequence[Picked]:
    known = visible(tx.principal, select(District.public_id, District.name).order_by(District.id))
    return [
        Picked(each.public_id, gettext("%(name)s (all its schools)", name=each.name))
        for each in tx.execute(known.limit(MOST_READ))
    ]


offer(PLACE, Relation(SCHOOLS_READ, schools, ahead=_districts))
