"""What the contract of a concerned school asks: said by founders, and kept with the school of the incident.

It is written into each incident, like the place whose law counts, since a contract changes and the incident
has to be shown as it was judged. What is known of a school, or of its district, is where its next incident
begins: it is said at an incident, or in the list of contracts before there is one.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from backoffice.access.transaction import Transaction
from backoffice.language.texts import gettext, lazy
from backoffice.problems import Rejected
from backoffice.schools.models import School
from backoffice.storage.numbers import one_of
from plugins.notifications import clocks
from plugins.notifications.deadlines.law import CONTRACT, Rule
from plugins.notifications.models import ConcernedSchool, Counted
from plugins.notifications.terms.models import ContractTerms

NO_CLAUSE = "none"
MOST_HOURS = 8760
SAY_HOURS = lazy("Say within how many hours, as the contract does: from 1 to 8,760.")
SAY_TERMS = lazy("Choose what the contract asks.")
COUNTED: Mapping[Counted, str] = {
    Counted.NOTICED: lazy("From when we noticed it"),
    Counted.DETERMINED: lazy("From when it is determined to be a breach"),
    Counted.CONFIRMED: lazy("From when it is confirmed"),
}


@dataclass(frozen=True)
class Terms:
    """By which rule a contract has its school told, or `NO_CLAUSE`; hours and start where left to it."""

    rule: str
    hours: int | None = None
    start: Counted | None = None


def rules() -> list[Rule]:
    """The rules that a contract can go by."""
    return [each for each in clocks.law().rule if each.jurisdiction == CONTRACT]


def title_of(rule: Rule) -> str:
    """A rule as it is chosen."""
    if rule.amount_from == CONTRACT:
        return gettext("So many hours, as the contract says")
    return f"{rule.law} ({gettext('%(hours)s hours', hours=rule.amount)})"


def terms_of(row: ConcernedSchool) -> Terms | None:
    """What was said of a concerned school's contract; None if nobody has."""
    if row.contract_rule is None:
        return None
    start = Counted(row.contract_start) if row.contract_start else None
    return Terms(row.contract_rule, row.contract_hours, start)


def said(terms: Terms | None) -> str:
    """What a contract asks, in words."""
    if terms is None:
        return gettext("Nobody has said yet")
    if terms.rule == NO_CLAUSE:
        return gettext("Asks for nothing")
    law = next((each.law for each in rules() if each.id == terms.rule), terms.rule)
    if terms.hours is None or terms.start is None:
        return law
    return gettext("%(start)s: %(hours)s hours", hours=terms.hours, start=COUNTED[terms.start])


def terms_said(row: ContractTerms) -> Terms:
    """What is known of a contract."""
    return Terms(row.rule, row.hours, Counted(row.start) if row.start else None)


def noted(terms: Terms | None) -> dict[str, Any]:
    """What the trail keeps of it."""
    return (
        {"rule": None} if terms is None else {"rule": terms.rule, "hours": terms.hours, "start": terms.start}
    )


def remembered(tx: Transaction, some: Iterable[School]) -> dict[int, Terms]:
    """What is known of these schools' contracts, or of their districts'; by the numbers of the schools."""
    every = list(some)
    above = {each.district_id for each in every if each.district_id is not None}
    known = select(ContractTerms).where(
        one_of(ContractTerms.school_id, {each.id for each in every})
        | one_of(ContractTerms.district_id, above)
    )
    rows = tx.scalars(known).all()
    own = {row.school_id: terms_said(row) for row in rows if row.school_id is not None}
    of_district = {row.district_id: terms_said(row) for row in rows if row.district_id is not None}
    found = ((each.id, own.get(each.id) or of_district.get(each.district_id or 0)) for each in every)
    return {number: terms for number, terms in found if terms is not None}


def checked(terms: Terms) -> Terms:
    """The terms with only what their rule leaves to the contract. Raises `Rejected`."""
    if terms.rule == NO_CLAUSE:
        return Terms(NO_CLAUSE)
    rule = next((each for each in rules() if each.id == terms.rule), None)
    if rule is None:
        raise Rejected(terms=SAY_TERMS)
    if rule.amount_from != CONTRACT:
        return Terms(rule.id)
    if terms.hours is None or not 1 <= terms.hours <= MOST_HOURS:
        raise Rejected(hours=SAY_HOURS)
    return Terms(rule.id, terms.hours, terms.start or Counted.NOTICED)
