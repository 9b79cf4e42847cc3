"""Every list of the console: indexes behind what it offers, the same statements for few rows and many."""

from collections.abc import Iterator

import pytest
from flask import Flask
from sqlalchemy import insert, text

from backoffice import clock
from backoffice.access.transaction import transaction
from backoffice.console.grid import Grid
from backoffice.console.grids.columns import By
from backoffice.console.grids.filters import Few, RelationFilter
from backoffice.runtime import Runtime
from backoffice.storage.roles import DatabaseRole
from tests.contract.actors import Actor
from tests.contract.matrix import Matrix
from tests.contract.routes import views
from tests.factories.statements import statements
from tests.factories.visitor import signed_in
from tests.factories.world import SYSTEM, World


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
        if column.optional:
            yield {"columns": column.key}
    for each in grid.filters:
        if isinstance(each, ChoiceFilter):
            yield from ({each.name: choice.value} for choice in each.choices)
        elif isinstance(each, DateFilter):
            yield from ({each.name: preset} for preset in each.presets)
            yield {each.names[1]: "2020-01-01", each.names[2]: "2030-01-01"}
        elif isinstance(each, NumberFilter):
            yield {each.names[0]: "-5", each.names[1]: "5"}


# Who reads most lists of each kind.
READERS = ("leader", "founder")
MANY = 40


def test_a_page_asks_the_same_with_few_rows_and_with_many(
    app: Flask, runtime: Runtime, world: World
) -> None:
    browsers = {role: signed_in(app, world, role) for role in READERS}

    def asked() -> dict[str, int]:
        """How many statements each list takes, and how many rows it shows."""
        counts = {}
        for grid in grids(app):
            for role, browser in browsers.items():
                browser.get(f"{grid.url}/")
                with statements(runtime) as made:
                    page = browser.get(f"{grid.url}/")
                if page.status_code == HTTPStatus.OK:
                    counts[f"{role} {grid.url}"] = len(made)
                    rows[f"{role} {grid.url}"] = page.text.count("<th scope=\"row\"")
        return counts

    rows: dict[str, int] = {}
    few = asked()
    fewest = dict(rows)
    with transaction(SYSTEM) as tx:
        fill(tx, world)
    many = asked()
    assert many == few
    assert {f"{role} {grid.url}" for grid in grids(app) for role in READERS} >= set(few)
    assert {page for page in rows if rows[page] < fewest[page] + MANY} == set()
    assert len({page.split()[1] for page in rows}) == len(list(grids(app)))


def fill(tx: Transaction, world: World) -> None:
    """Forty rows more of everything that a list shows, in what its readers see."""
    parent = world.people["parent"].id
    district = tx.scalars(select(Membership).where(Membership.account_id == world.people["leader"].id)).first()
    assert district is not None
    for n in range(MANY):
        child = add_child(tx, world.own_class, f"Many{n}", "Ofthem")
        copied(tx, GuardianLink, student_id=child.id, school_id=world.home.id, account_id=parent)
        copied(tx, GuardianInvitation, student_id=child.id, school_id=world.home.id, **OPEN, code_digest=None, **ONCE())
        copied(tx, Classroom, school_id=world.home.id)
        copied(tx, School, district_id=world.district_id)
        copied(tx, OutgoingMail)
        copied(tx, SecurityEvent, closed_at=clock.now())
        copied(tx, RosterImport, school_id=world.home.id)
        copied(tx, Invitation, school_id=world.home.id, email_index=os.urandom(32), **OPEN, **ONCE())
        account = copied(tx, Account, email_index=os.urandom(32))
        tx.execute(
            insert(Membership).values(
                account_id=account, school_id=world.home.id, role="teacher", created_at=clock.now()
            )
        )
