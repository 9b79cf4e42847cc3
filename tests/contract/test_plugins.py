"""Every installed plugin, field by field: what it adds can be reached, what it holds can be erased."""

import re
from collections.abc import Iterator

import pytest
from flask import Flask
from sqlalchemy import Connection, Table, text

from backoffice.access.policy import rules
from backoffice.console.guard import GuardedView
from backoffice.host.services import switch_plugin
from backoffice.plugin import Plugin, discover
from backoffice.privacy.holdings import Subject
from backoffice.runtime import Runtime
from backoffice.settings import plugin_config
from backoffice.storage.columns import Class
from backoffice.storage.roles import DatabaseRole
from backoffice.web import cookies
from tests.factories.world import World

PLUGINS = discover(plugin_config("plugins")["installed"])
NAMES = [plugin.name for plugin in PLUGINS]
every_plugin = pytest.mark.parametrize("plugin", PLUGINS, ids=NAMES)
# Whose rows a table can be about, by what its foreign keys point at.
SUBJECTS = {f"app.{subject}": subject for subject in Subject}


@pytest.fixture(scope="module")
def live(runtime: Runtime) -> Iterator[Connection]:
    with runtime.database.engine(DatabaseRole.OWNER).connect() as connection:
        yield connection


def about_somebody(table: Table) -> bool:
    """Whether it holds personal data, or points at somebody."""
    personal = any(
        column.info["held"].kind in {Class.PERSONAL, Class.NETWORK_ADDRESS} for column in table.columns
    )
    return personal or any(key.column.table.fullname in SUBJECTS for key in table.foreign_keys)


def goes_with(live: Connection, table: str, subject: Subject) -> bool:
    """Whether the database's own cascade reaches the table from the subject's row."""
    found = live.scalar(
        text("""
        with recursive reached as (
          select cast(:subject as regclass)::oid as oid
          union
          select k.conrelid from pg_constraint k join reached r on r.oid = k.confrelid
           where k.contype = 'f' and k.confdeltype = 'c')
        select exists (select from reached where oid = cast(:table as regclass)::oid)"""),
        {"subject": f"app.{subject}", "table": table},
    )
    return bool(found)


@every_plugin
def test_it_says_what_it_is(plugin: Plugin) -> None:
    assert plugin.title.strip()
    assert plugin.summary.endswith(".")
    assert (plugin.folder / "README.md").read_text("utf-8").startswith("# ")


@every_plugin
def test_it_says_of_every_table_whom_it_is_about(plugin: Plugin) -> None:
    tables = [] if plugin.tables is None else list(plugin.tables.tables.values())
    told = {str(held.model.__table__) for held in plugin.personal_data}
    assert {table.fullname for table in tables if about_somebody(table)} == told


@every_plugin
def test_what_it_holds_can_be_erased(plugin: Plugin, live: Connection) -> None:
    """By the database's cascade, or by a condition that finds its rows; by the role that erases."""
    stays = [
        f"{held.model.__name__} with the {held.subject}"
        for held in plugin.personal_data
        if held.rows is None and not goes_with(live, str(held.model.__table__), held.subject)
    ]
    assert stays == []
    may = text("select has_table_privilege('backoffice_system', :table, 'delete')")
    barred = {str(held.model.__table__) for held in plugin.personal_data if not held.blank}
    assert [table for table in sorted(barred) if not live.scalar(may, {"table": table})] == []


@every_plugin
def test_the_policy_knows_what_people_may_see_of_it(plugin: Plugin, live: Connection) -> None:
    """An entity without a rule is visible to nobody; then nobody but the system may read it."""
    known = {str(entity.__table__) for entity in rules()}
    readable = text("select has_any_column_privilege('backoffice_app', :table, 'select')")
    held = {str(held.model.__table__) for held in plugin.personal_data}
    assert [table for table in sorted(held - known) if live.scalar(readable, {"table": table})] == []


@every_plugin
def test_its_permissions_carry_its_name(plugin: Plugin) -> None:
    assert all(re.fullmatch(rf"{plugin.name}(\.[a-z-]+)?:[a-z-]+", name) for name in plugin.permissions)


@every_plugin
def test_its_pages_say_when_it_is_off(plugin: Plugin, app: Flask, world: World) -> None:
    """A sentence for people and 404 for everybody; its standing pages stay."""
    founder = world.sign_in("founder")
    browser = app.test_client()
    browser.set_cookie(cookies.ACCOUNT, world.token("leader"))
    pages = [
        f"/console/{page.address}/"
        for page in plugin.pages
        if issubclass(page, GuardedView) and browser.get(f"/console/{page.address}/").status_code == 200
    ]
    standing = [
        rule.rule
        for rule in app.url_map.iter_rules()
        if not rule.arguments
        and "GET" in (rule.methods or ())
        and rule.endpoint.partition(".")[0] in {blueprint.name for blueprint in plugin.standing_blueprints}
        and not rule.endpoint.endswith("static")
    ]
    installed = app.extensions["backoffice"].plugins
    menu = browser.get("/console/").text
    assert all(f'href="{page}"' in menu for page in pages)

    def switch(enabled: bool) -> None:
        switch_plugin(
            principal=founder,
            installed=installed,
            name=plugin.name,
            enabled=enabled,
            reason="To see what happens",
        )

    switch(enabled=False)
    try:
        for page in pages:
            answer = browser.get(page)
            assert (answer.status_code, f"{plugin.title} is switched off." in answer.text) == (404, True)
            machine = browser.get(page, headers={"Accept": "application/json"})
            assert (machine.status_code, machine.mimetype) == (404, "application/problem+json")
        menu = browser.get("/console/").text
        assert not any(f'href="{page}"' in menu for page in pages)
        assert [page for page in standing if browser.get(page).status_code != 200] == []
    finally:
        switch(enabled=True)
    assert all(browser.get(page).status_code == 200 for page in pages)
