"""Whatever is held of somebody in the installed tables comes to an end, and is said in words."""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import pytest
from flask import Flask
from sqlalchemy import Column, Table, event, text

from backoffice.access.principal import Purpose
from backoffice.jobs import registry
from backoffice.jobs.runs import Run
from backoffice.language.gathering import gathered, packages
from backoffice.privacy import erased_by
from backoffice.privacy.erased_by import ErasedBy
from backoffice.privacy.holdings import Subject
from backoffice.privacy.inventory import PRIVATE, form_of, held_in, mapped, name
from backoffice.privacy.listing import SPANS, listing
from backoffice.privacy.retention import kinds
from backoffice.runtime import Runtime
from backoffice.storage.columns import Form, Held, Keep
from backoffice.storage.roles import DatabaseRole
from tests.factories.world import World

# What a job deletes row by row, or not by a statement of its own.
NOT_SEEN = {
    "app.account_letter": "each is deleted as it is written",
    "plugin_rosters.roster_upload": "each goes as its import is given up",
    "plugin_rosters.roster_import": "it stays, without the names",
    "plugin_exports.export": "it stays, without the file",
    **dict.fromkeys(
        (
            *("plugin_notifications.timeline_entry", "plugin_notifications.incident_task"),
            *("plugin_notifications.concerned_school", "plugin_notifications.given_notice"),
            *("plugin_notifications.notice", "plugin_notifications.notice_step"),
            "plugin_notifications.letter_batch",
            *("plugin_notifications.notice_delivery", "plugin_notifications.scope_source"),
            *("plugin_notifications.affected_person", "plugin_notifications.scope_reach"),
            *("plugin_notifications.drill", "plugin_notifications.drill_event"),
            "plugin_notifications.hook_call",
        ),
        "it goes with its incident",
    ),
    "plugin_exports.intake": "it goes by its kind, with all that has one",
}


@pytest.fixture(scope="module")
def erasing(runtime: Runtime) -> ErasedBy:
    return ErasedBy(registry.by_age(), runtime.plugins)


@pytest.fixture(scope="module")
def private(runtime: Runtime) -> Sequence[tuple[Column[object], Held]]:
    """Every column that holds something of somebody."""
    found = [(column, held_in(column)) for column in mapped(runtime.metadatas)]
    return [(column, held) for column, held in found if held and held.kind in PRIVATE]


def test_whatever_is_held_of_somebody_is_erased(runtime: Runtime, erasing: ErasedBy) -> None:
    assert erasing.without_end(runtime.metadatas) == []


def test_what_is_kept_until_somebody_is_erased_goes_with_them(
    private: Sequence[tuple[Column[object], Held]], erasing: ErasedBy
) -> None:
    wrong = []
    for column, held in private:
        ending = erasing.ending(column.table)
        goes = {*ending.always, *ending.sometimes, *erasing.emptied_with(column)}
        if held.keep.value in set(Subject) and Subject(held.keep.value) not in goes:
            wrong.append(name(column))
    assert wrong == []


def test_what_is_kept_for_a_time_has_a_job(
    private: Sequence[tuple[Column[object], Held]], erasing: ErasedBy
) -> None:
    without = {
        str(column.table)
        for column, held in private
        if held.keep in SPANS and not erasing.ending(column.table).by_age
    }
    assert without == set(), "Say in a job's `expires` what it deletes."


def test_what_is_kept_for_a_time_has_its_entry_in_the_policy(runtime: Runtime) -> None:
    kept = kinds.installed().values()
    assert kinds.uncovered(runtime.metadatas, kept) == [], "Declare a Kind of it beside its tables."
    # Sessions are a kind: without it they would be missed.
    without = [kind for kind in kept if kind.name != "adult-sessions"]
    assert kinds.uncovered(runtime.metadatas, without) == ["app.account_session"]


def test_each_reason_is_needed(runtime: Runtime, erasing: ErasedBy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(erased_by, "REASONS", {})
    without = ErasedBy(registry.by_age(), runtime.plugins).without_end(runtime.metadatas)
    assert {each.rpartition(".")[0] for each in without} == {
        table
        for metadata in runtime.metadatas
        for table in map(str, metadata.sorted_tables)
        if erasing.ending(metadata.tables[table]).reason
    }


def test_nothing_of_somebody_lies_in_the_clear(private: Sequence[tuple[Column[object], Held]]) -> None:
    assert [name(column) for column, held in private if form_of(column, held) is Form.PLAIN] == []


def test_what_a_factory_calls_sealed_is_what_its_type_seals(runtime: Runtime) -> None:
    held = [(column, held_in(column)) for column in mapped(runtime.metadatas)]
    assert [name(column) for column, each in held if each and each.form is not form_of(column, each)] == []


def test_every_table_that_is_listed_has_a_title_of_its_own(runtime: Runtime, erasing: ErasedBy) -> None:
    listed = [each for group in listing(runtime.metadatas, erasing).groups.values() for each in group]
    tables = {str(table): table for each in runtime.metadatas for table in each.sorted_tables}
    assert [each.name for each in listed if "title" not in tables[each.name].info] == []
    titles = [str(each.title) for each in listed]
    assert len(titles) == len(set(titles))


def test_what_columns_are_for_is_in_the_catalogues(runtime: Runtime) -> None:
    known = {text.id for package in packages() for text in gathered(package)}
    said = {held.purpose for column in mapped(runtime.metadatas) if (held := held_in(column))}
    assert said - known == set()


# -- jobs that say what they delete


@contextmanager
def asked(runtime: Runtime) -> Iterator[list[str]]:
    """The statements of the role that jobs run as."""
    found: list[str] = []
    engine = runtime.database.engine(DatabaseRole.SYSTEM)

    def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        found.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    try:
        yield found
    finally:
        event.remove(engine, "before_cursor_execute", note)


@pytest.fixture(scope="module")
def functions(runtime: Runtime) -> Mapping[str, str]:
    """The text of each function of the schema."""
    with runtime.database.engine(DatabaseRole.OWNER).connect() as connection:
        rows = connection.execute(
            text("select proname, prosrc from pg_proc where pronamespace = 'app'::regnamespace")
        )
        return {row.proname: row.prosrc for row in rows}


def deleted(statements: Sequence[str], functions: Mapping[str, str]) -> set[str]:
    """The tables from which these delete, themselves or by a function that they call."""
    found = {each for line in statements for each in re.findall(r"DELETE FROM (\w+\.\w+)", line)}
    called = {each for line in statements for each in re.findall(r"app\.(\w+)\(", line)}
    within = " ".join(functions.get(each, "") for each in called)
    return found | {f"app.{each}" for each in re.findall(r"delete from (\w+)", within)}


def test_jobs_delete_what_they_say(
    app: Flask, world: World, runtime: Runtime, functions: Mapping[str, str]
) -> None:
    del world
    unseen = {}
    for job, entry in registry.installed().items():
        if not entry.job.expires:
            continue
        with asked(runtime) as statements:
            entry.job.work(Run(id=0, attempt=1, app=app, who=Purpose(job), arguments={}))
        said: set[str] = {str(_table(model)) for model in entry.job.expires}
        unseen.update(dict.fromkeys(said - deleted(statements, functions), job))
    assert set(unseen) <= set(NOT_SEEN), unseen


def _table(model: type) -> Table:
    table: Table = model.__table__  # type: ignore[attr-defined]
    return table


def test_keeps_are_subjects_spans_or_said_otherwise() -> None:
    subjects = {keep for keep in Keep if keep.value in set(Subject)}
    assert set(Keep) == subjects | SPANS | {Keep.ERASURE, Keep.FOR_GOOD}
    assert len(subjects) == len(Subject)
