"""What a school requires of its leaders and teachers before they are let in."""

from sqlalchemy import update

from backoffice.access.lookup import find
from backoffice.access.permissions import SCHOOLS_SECURE
from backoffice.access.principal import Principal
from backoffice.access.transaction import transaction
from backoffice.accounts.services import proof, second_factor
from backoffice.audit.trail import record
from backoffice.changes.keeping import PutBack, keep_change
from backoffice.language.texts import lazy
from backoffice.problems import Rejected
from backoffice.schools.models import School

OWN_FIRST = lazy(
    "Set up your own second factor first: you would be shut out of the console until you have one."
)


def require_second_factor(
    *, principal: Principal, school: str, required: bool, back: PutBack | None = None
) -> None:
    """Say whether the leaders and teachers of a school must have a second factor. It holds at once.

    Raises `Rejected`, `NotFound`, `ProofNeeded`.
    """
    with transaction(principal) as tx:
        proof.demand(tx)
        place = find(tx, School, school, permission=SCHOOLS_SECURE, lock=True)
        if required and second_factor.factor(tx) is None:
            raise Rejected(required=OWN_FIRST)
        keep_change(tx, place, back, factor_required=(place.factor_required, required))
        tx.execute(update(School).where(School.id == place.id).values(factor_required=required))
        record(tx, "schools.require-factor", school_id=place.id, required=required)
