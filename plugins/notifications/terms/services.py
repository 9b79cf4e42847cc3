"""Saying what the contract of a district or school asks, whether or not anything has happened."""

from collections.abc import Sequence

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert

from backoffice import clock
from backoffice.access.lookup import NotFound, find
from backoffice.access.principal import Principal
from backoffice.access.transaction import Transaction, transaction
from backoffice.accounts.services import proof
from backoffice.audit.trail import record
from backoffice.schools.models import School, SchoolKind
from plugins.notifications import contracts
from plugins.notifications.contracts import Terms
from plugins.notifications.permissions import INCIDENTS_RUN
from plugins.notifications.terms.models import ContractTerms


def to_state(tx: Transaction, school: str, *, whole_district: bool) -> School:
    """A school of which, or of whose district, somebody says what the contract asks. Raises `NotFound`.

    What a single teacher agreed to is no contract of this kind.
    """
    found = find(tx, School, school, permission=INCIDENTS_RUN)
    if found.kind != SchoolKind.SCHOOL or (whole_district and found.district_id is None):
        raise NotFound
    return found


def state_terms(*, principal: Principal, school: str, terms: Terms | None, whole_district: bool) -> None:
    """Say what the contract of a school, or of its district, asks; None that nobody has said it.

    Of a school in a district None has it go by the district again. Incidents keep what was said at them.
    Raises `Rejected`, `ProofNeeded`, `NotFound`.
    """
    terms = contracts.checked(terms) if terms else None
    with transaction(principal) as tx:
        proof.demand(tx)
        found = to_state(tx, school, whole_district=whole_district)
        if whole_district:
            assert found.district_id is not None
            if not keep(tx, terms, district=found.district_id):
                return
            record(tx, "contracts.state-terms", district=found.district_id, **contracts.noted(terms))
        elif keep(tx, terms, school=found.id):
            record(tx, "contracts.state-terms", school=found.id, **contracts.noted(terms))


def keep(
    tx: Transaction, terms: Terms | None, *, school: int | None = None, district: int | None = None
) -> bool:
    """Keep what was said of one of the two, in place of what was; whether that is another thing."""
    place = ContractTerms.school_id == school if school is not None else ContractTerms.district_id == district
    row = tx.scalars(select(ContractTerms).where(place)).one_or_none()
    if terms is None:
        if row is not None:
            tx.execute(select(func.plugin_notifications.forget_contract_terms(school, district)))
            tx.expunge(row)
        return row is not None
    if row is not None and contracts.terms_said(row) == terms:
        return False
    said = {
        "rule": terms.rule,
        "hours": terms.hours,
        "start": terms.start,
        "said_at": clock.now(),
        "said_by": tx.principal.account_id,
    }
    made = insert(ContractTerms).values(school_id=school, district_id=district, **said)
    of = ContractTerms.school_id if school is not None else ContractTerms.district_id
    tx.execute(made.on_conflict_do_update(index_elements=[of], set_=said))
    return True


def keep_from_incident(
    tx: Transaction, terms: Terms, schools: Sequence[int], *, whole_district: int | None
) -> None:
    """Keep what was said at an incident, for the next one: of schools, or of their district as a whole."""
    if whole_district is None:
        for each in schools:
            keep(tx, terms, school=each)
        return
    keep(tx, terms, district=whole_district)
    for each in schools:
        keep(tx, None, school=each)
