"""Contracts in the console, for founders: what each asks when something goes wrong, said before."""

from collections.abc import Mapping, Sequence
from typing import Any

from flask import g
from flask_admin import expose
from sqlalchemy import Select
from werkzeug.wrappers import Response

from backoffice.access.transaction import Transaction
from backoffice.accounts import founders
from backoffice.console.command import Command
from backoffice.console.grid import Cell, Column, Grid, Row, moment
from backoffice.console.grids.columns import BY_NAME
from backoffice.console.grids.filters import Choice, ChoiceFilter, Few, RelationFilter
from backoffice.language.texts import gettext, lazy
from backoffice.schools import names
from backoffice.schools.models import District, School
from backoffice.web.identity import reading
from backoffice.web.resend import shows_what_was_typed
from plugins.notifications import contracts
from plugins.notifications.forms import TermsForm
from plugins.notifications.models import Counted
from plugins.notifications.permissions import INCIDENTS_READ, INCIDENTS_RUN
from plugins.notifications.terms import queries, services
from plugins.notifications.terms.models import ContractTerms

HERE = "/console/contracts/"
CRUMB = {"title": lazy("Contracts"), "url": HERE}
FEW = Few(lazy("the schools that have a contract with us"))
Answer = str | Response | tuple[str, int]


class ContractsGrid(Grid):
    """What the contracts of districts ask, above, and below of schools that differ or are of none."""

    entity = School
    template = "notifications/contracts.html"
    doors = {
        "index": INCIDENTS_READ,
        "export": INCIDENTS_READ,
        "state": INCIDENTS_RUN,
        "state_district": INCIDENTS_RUN,
    }
    # By when schools are told of a breach follows from it.
    fresh = Grid.fresh | {"state", "state_district"}
    icon = "incidents"
    title = lazy("Contracts")
    category = lazy("Operations")
    address = "contracts"
    noun = (lazy("school"), lazy("schools"))
    reads = (School.id, School.public_id, School.name, School.kind, School.district_id)
    columns = (
        Column("name", lazy("School"), sort=BY_NAME),
        Column("district", lazy("District"), optional=True),
        Column("terms", lazy("What the contract asks")),
        Column("whose", lazy("Of which contract"), optional=True),
        Column("since", lazy("Since"), optional=True),
        Column("by", lazy("Said by"), optional=True),
    )
    filters = (
        RelationFilter(
            "district",
            lazy("District"),
            entity=District,
            condition=lambda _tx, district: School.district_id == district.id,
            called=lambda _tx, district: str(district.name),
            choices=queries.to_choose,
            carried_by="ix_school_district_id",
            at_hand=True,
        ),
        ChoiceFilter(
            "said",
            lazy("Said"),
            choices=(
                Choice("nobody", lazy("Nobody has said yet"), queries.is_unsaid()),
                Choice("own", lazy("Of the school itself"), queries.has_own()),
                Choice("district", lazy("As its district"), queries.is_of_district()),
            ),
            carried_by=FEW,
            at_hand=True,
        ),
    )
    commands = (
        Command(
            lazy("Look at what contracts ask"),
            "index",
            "contracts/",
            also=lazy("breach hours NDPA district"),
        ),
    )

    def narrowed(self, tx: Transaction, statement: Select[Any]) -> Select[Any]:
        """Unless it is asked for others: schools that stand alone; the others go by their district, above."""
        statement = statement.where(queries.has_contract())
        return statement if self.asked_for(tx) else queries.stands_alone(statement)

    def name_of(self, thing: School) -> Any:
        """By its name."""
        return names.sort_key(thing.name, None)

    def schools_of(self, tx: Transaction, rows: Select[Any]) -> Select[Any]:
        """Themselves."""
        del tx
        return rows.with_only_columns(School.id).order_by(None)

    def rows(self, tx: Transaction, things: Sequence[School]) -> list[Row]:
        """Name, district, what the contract asks, whose it is, since when and by whom."""
        own, of_districts = queries.known_of(tx, things)
        called, people = queries.names_of(tx, things), founders.names(tx)
        found = []
        for each in things:
            above = each.district_id or 0
            row = own.get(each.id) or of_districts.get(above)
            found.append(
                Row(
                    each.public_id,
                    f"{HERE}{each.public_id}" if self.opens("state") else None,
                    (
                        Cell(each.name),
                        Cell(called.get(above, "")),
                        _terms(row),
                        Cell(_whose(row)),
                        *_said(row, people),
                    ),
                )
            )
        return found

    def extras(self, tx: Transaction) -> dict[str, Any]:
        """The districts, above, and what to do where there is nothing."""
        people = founders.names(tx)
        return {
            "description": gettext(
                "By when a contract has us tell of a breach. Say it now: then its clock runs from the first"
                " minute of an incident."
            ),
            "may_state": self.opens("state_district"),
            "districts": []
            if self.asked_for(tx)
            else [
                {
                    "row": each,
                    "terms": _terms(each.terms),
                    "since": _said(each.terms, people)[0],
                    "by": _said(each.terms, people)[1],
                }
                for each in queries.districts(tx)
            ],
            "empty": {
                "title": gettext("No school stands alone"),
                "sentence": gettext(
                    "Each goes by the contract of its district. Choose a district to see its schools and to"
                    " say what the contract of one of them asks."
                ),
                "url": "/console/schools/",
                "action": gettext("Look at the schools"),
                "icon": "incidents",
            },
        }

    @expose("/<school:public_id>", methods=("GET", "POST"))
    @shows_what_was_typed
    def state(self, public_id: str) -> Answer:
        """What the contract with a school asks."""
        return self._state(public_id, whole_district=False)

    @expose("/<school:public_id>/district", methods=("GET", "POST"))
    @shows_what_was_typed
    def state_district(self, public_id: str) -> Answer:
        """What the contract with the district of a school asks."""
        return self._state(public_id, whole_district=True)

    def _state(self, public_id: str, *, whole_district: bool) -> Answer:
        tx = reading()
        school = services.to_state(tx, public_id, whole_district=whole_district)
        own, of_districts = queries.known_of(tx, [school])
        above = school.district_id or 0
        row = of_districts.get(above) if whole_district else own.get(school.id)
        known = contracts.terms_said(row) if row else contracts.Terms("")
        called = queries.names_of(tx, [school]).get(above, "")
        place = called if whole_district else school.name
        unsaid = gettext("As its district") if called and not whole_district else ""
        given = {"terms": known.rule, "hours": known.hours, "start": known.start}
        form = TermsForm(data=given, unsaid=unsaid)

        def save() -> str:
            asked = contracts.Terms(
                form.terms.data or "", form.hours.data, Counted(form.start.data or Counted.NOTICED)
            )
            services.state_terms(
                principal=self.who,
                school=public_id,
                terms=asked if asked.rule else None,
                whole_district=whole_district,
            )
            return HERE

        return self.form_page(
            form,
            save=save,
            said=gettext("It is written down. Incidents that are open keep what was said at them."),
            heading=gettext("What does the contract ask?"),
            intro=place,
            submit_title=gettext("Save what it asks"),
            cancel_url=HERE,
            crumbs=[CRUMB, {"title": place}],
        )


def _terms(row: ContractTerms | None) -> Cell:
    if row is None:
        return Cell(gettext("Nobody has said yet"), "badge", tone="warn")
    return Cell(contracts.said(contracts.terms_said(row)))


def _whose(row: ContractTerms | None) -> str:
    if row is None:
        return ""
    return gettext("Its own") if row.school_id is not None else gettext("Its district's")


def _said(row: ContractTerms | None, people: Mapping[int, str]) -> tuple[Cell, Cell]:
    if row is None:
        return Cell(""), Cell("")
    return moment(row.said_at, g.zone), Cell(people.get(row.said_by or 0, ""))
