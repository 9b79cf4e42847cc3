"""Every list of the console: indexes behind what it offers, the same statements for few rows and many."""

import os
from collections.abc import Iterator
from http import HTTPStatus
from typing import Any
from uuid import uuid4

import pytest
from flask import Flask
from sqlalchemy import insert, select, text

from backoffice import clock
from backoffice.access.transaction import Transaction, transaction
from backoffice.accounts.care.models import SecurityEvent
from backoffice.accounts.models import Account
from backoffice.console.grid import Grid
from backoffice.console.grids import relations as grid_relations
from backoffice.console.grids.columns import By
from backoffice.console.grids.filters import ChoiceFilter, DateFilter, Few, NumberFilter, RelationFilter
from backoffice.families.models import GuardianInvitation, GuardianLink
from backoffice.outbox.models import OutgoingMail
from backoffice.reports.models import Report
from backoffice.runtime import Runtime
from backoffice.schools.models import Classroom, Membership, School
from backoffice.staff.models import Invitation
from backoffice.storage.public_id import new_public_id
from backoffice.storage.roles import DatabaseRole
from plugins.billing.models import StripeEvent, Subscription
from plugins.billing.orders.models import PurchaseOrder, Quote
from plugins.notifications.models import Incident
from plugins.rosters.models import RosterImport
from tests.contract.actors import Actor, Thing
from tests.contract.matrix import MODELS, Matrix, Tally
from tests.contract.routes import door, permission_of, views
from tests.factories.statements import statements
from tests.factories.visitor import signed_in
from tests.factories.world import SYSTEM, World, add_child, drill, told_by_notice


def grids(app: Flask) -> Iterator[Grid]:
    """The lists of the core and of the plugins."""
    return (view for view in views(app).values() if isinstance(view, Grid))


def test_what_a_list_offers_is_carried_by_an_index(app: Flask, runtime: Runtime) -> None:
    """Of a column that it asks for, or said to be of few rows."""
    with runtime.database.engine(DatabaseRole.OWNER).connect() as connection:
        indexes = {row.indexname for row in connection.execute(text("select indexname from pg_indexes"))}
    declared = {
        (f"{grid.endpoint} {what}", carried)
        for grid in grids(app)
        for what, by in (
            *((each.name, each.carried_by) for each in grid.filters),
            *((each.key, each.sort.carried_by) for each in grid.columns if isinstance(each.sort, By)),
        )
        for carried in ((by,) if isinstance(by, str | Few) else by)
    }
    assert {what for what, by in declared if isinstance(by, str) and by not in indexes} == set()
    assert all(by.because for _what, by in declared if isinstance(by, Few))
    assert len(declared) > 10


@pytest.mark.parametrize("role", ["teacher", "leader", "founder"])
def test_nothing_that_a_list_is_asked_shows_what_is_somebody_elses(
    matrix: Matrix, tally: Tally, role: str
) -> None:
    """Each filter with things of other people, as a page and as a file; each choice, order and column."""
    actor = matrix.actor(role)
    for route in matrix.routes:
        found = door(matrix.app, route)
        if not found or not isinstance(found[0], Grid) or found[1] not in {"index", "export"}:
            continue
        grid = found[0]
        if route.method != "GET" or not matrix.may(actor, route, permission_of(matrix.app, route), None):
            continue
        foreign = [(each.name, thing) for each in relations(grid) for thing in strangers(matrix, actor, each)]
        for name, thing in foreign:
            tally.pairs += 1
            if matrix.knock(actor, route, query={name: thing.public_id}).status_code != HTTPStatus.NOT_FOUND:
                tally.hole(f"{role} {route} with {name} of {thing.place}")
        for query in asked_in_turn(grid) if found[1] == "index" else ():
            tally.twins += 1
            response = matrix.knock(actor, route, query=query)
            if response.status_code != HTTPStatus.OK:
                tally.problems.append(f"{role} {route} with {query}: {response.status_code}")
            if leaked := matrix.leaked(actor, response):
                tally.hole(f"{role} {route} with {query} shows {leaked}")
        matrix.settle()
    assert tally.twins > 0
    tally.verdict()


def test_every_list_can_be_taken_out_as_a_file(app: Flask) -> None:
    """By whom is another question; words that were searched for narrow the file too."""
    for grid in grids(app):
        assert "export" in grid.doors, grid.title
        assert ("search" in grid.doors) == ("export_found" in grid.doors), grid.title


def relations(grid: Grid) -> list[RelationFilter]:
    """The filters of a list that take an identifier."""
    return [each for each in grid.filters if isinstance(each, RelationFilter)]


def strangers(matrix: Matrix, actor: Actor, of: RelationFilter) -> list[Thing]:
    """One thing of each place that is not the actor's, of the kind that a filter takes."""
    kind = next(kind for kind, model in MODELS.items() if model is of.entity)
    return list({thing.place: thing for thing in matrix.stage.foreign(actor, kind)}.values())


def asked_in_turn(grid: Grid) -> Iterator[dict[str, str]]:
    """Every order, every choice, every column of a list."""
    for column in grid.columns:
        if column.sort:
            yield {"sort": column.key}
            yield {"sort": f"-{column.key}"}
        # To whoever does not see a column it is not there; all others are shown it unasked.
        if column.optional and column.permission is None:
            yield {"columns": column.key}
    for each in grid.filters:
        if isinstance(each, ChoiceFilter):
            yield from ({each.name: choice.value} for choice in each.choices)
        elif isinstance(each, DateFilter):
            yield from ({each.name: preset} for preset in each.presets)
            yield {each.names[1]: "2020-01-01", each.names[2]: "2030-01-01"}
        elif isinstance(each, NumberFilter):
            yield {each.names[0]: "-5", each.names[1]: "5"}


# Who reads the lists, and how many rows there are to be more.
READERS = ("leader", "founder")
MANY = 40


def test_a_page_asks_the_same_with_few_rows_and_with_many(
    app: Flask, runtime: Runtime, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(grid_relations, "MOST_SCHOOLS", 10 * MANY)
    browsers = {role: signed_in(app, world, role) for role in READERS}

    def looked_at() -> dict[str, tuple[int, int]]:
        """How many statements the first page of each list takes, and how many rows it shows."""
        found = {}
        for grid in grids(app):
            for role, browser in browsers.items():
                browser.get(f"{grid.url}/")
                with statements(runtime) as made:
                    page = browser.get(f"{grid.url}/")
                if page.status_code == HTTPStatus.OK:
                    found[f"{role} {grid.url}"] = (len(made), page.text.count('<th scope="row"'))
        return found

    with transaction(SYSTEM) as tx:
        told_by_notice(tx, world.people["founder"], world.home)
    few = looked_at()
    with transaction(SYSTEM) as tx:
        fill(tx, world)
        # A page of incidents that has a drill on it makes a statement more: there is one on either.
        drill(tx, world.people["founder"])
    many = looked_at()
    assert {page: count for page, (count, _rows) in many.items()} == {
        page: count for page, (count, _rows) in few.items()
    }
    assert [page for page, (_count, rows) in many.items() if rows < few[page][1] + MANY] == []
    assert {page.split()[1] for page in many} == {grid.url for grid in grids(app)}


def fill(tx: Transaction, world: World) -> None:
    """So many rows more of everything that lists show, where their readers see them."""
    here: dict[str, Any] = {"school_id": world.home.id}
    parent = world.people["foreign_parent"].id
    for n in range(MANY):
        child = add_child(tx, world.own_class, f"Many{n}", "Ofthem")
        copied(tx, GuardianLink, **here, student_id=child.id, account_id=parent)
        copied(tx, GuardianInvitation, **here, student_id=child.id, accepted_at=None, withdrawn_at=None)
        copied(tx, Invitation, **here, accepted_at=None, withdrawn_at=None)
        copied(tx, Classroom, **here)
        copied(tx, School, district_id=world.district_id)
        # What a contract asks is listed of schools that are in no district.
        copied(tx, School, district_id=None)
        copied(tx, OutgoingMail)
        copied(tx, SecurityEvent, closed_at=clock.now())
        copied(tx, Report, form=uuid4())
        copied(tx, Incident, form=str(uuid4()))
        copied(tx, RosterImport, **here)
        copied(tx, Subscription, stripe_id=f"sub_{n}")
        copied(tx, PurchaseOrder, quote_id=copied(tx, Quote))
        copied(tx, StripeEvent, stripe_id=f"evt_{n}")
        told_by_notice(tx, world.people["founder"], world.home)
        account = copied(tx, Account)
        tx.execute(
            insert(Membership).values(**here, account_id=account, role="teacher", created_at=clock.now())
        )


def copied(tx: Transaction, model: Any, **changed: Any) -> int:
    """One more row such as there is, with another number and identifiers; its number."""
    row = dict(tx.execute(select(model.__table__).order_by(model.id).limit(1)).mappings().one())
    known = {name: value for name, value in row.items() if value is not None}
    fresh = {name: os.urandom(32) for name in known if name.endswith(("_digest", "email_index"))}
    number = tx.take_id(model)
    values = {**known, **fresh, "id": number, "public_id": new_public_id(), **changed}
    tx.execute(insert(model).values(**values))
    return number
