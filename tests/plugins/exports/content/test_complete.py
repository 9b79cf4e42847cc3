"""Every table and every column is taken along, or it is said in a sentence why not."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Column, Table

from backoffice.access.transaction import transaction
from backoffice.language.texts import gettext
from backoffice.privacy.erasure import beside
from backoffice.privacy.erasure.plan import MODELS
from backoffice.privacy.erasure.reach import Part, parts_of
from backoffice.privacy.holdings import Subject
from backoffice.privacy.inventory import PRIVATE, held_in
from backoffice.privacy.listing import DIGESTS
from backoffice.runtime import Runtime
from backoffice.storage.columns import Class, Form
from plugins.exports.content import Scope, left_out
from plugins.exports.content.kinds import As, Kind, kind_of, name_of
from plugins.exports.content.rows import NAMED, NAMING
from tests.factories.world import SYSTEM
from tests.plugins.exports.content.conftest import Scopes, opened

ANYBODY = Scope(Subject.SCHOOL, 0, "")


@pytest.fixture(scope="module")
def tables(runtime: Runtime) -> list[Table]:
    return [table for each in runtime.metadatas for table in each.sorted_tables]


@pytest.fixture(scope="module")
def reached(runtime: Runtime, tables: list[Table]) -> set[str]:
    """What goes with anybody who is erased."""
    found = {
        part.table.fullname
        for subject in Subject
        for part in parts_of(MODELS[subject].__table__, {"id": [1]}, tables)  # type: ignore[arg-type]
    }
    held = [*beside.HELD, *(each for plugin in runtime.plugins for each in plugin.personal_data)]
    return found | {str(each.model.__table__) for each in held if each.rows and not each.blank}


def kinds(tables: list[Table], scope: Scope = ANYBODY) -> Iterator[Kind]:
    return (kind_of(table, scope) for table in tables if left_out.why_not(str(table)) is None)


def test_every_table_is_taken_along_or_has_a_reason(tables: list[Table], reached: set[str]) -> None:
    unsaid = [str(each) for each in tables if str(each) not in reached and not left_out.why_not(str(each))]
    assert unsaid == [], "Let it go with somebody, or say in left_out.TABLES why no export has it."


def test_every_column_is_taken_along_or_has_a_reason(tables: list[Table]) -> None:
    for kind in kinds(tables):
        columns = {*kind.table.columns}
        taken = {field.column for field in kind.fields}
        without = {each.name.rpartition(".")[2] for each in kind.left_out if each.why}
        assert {each.name for each in columns - taken} == without
        assert taken.isdisjoint({kind.table.c[name] for name in without})


def test_every_reason_is_a_sentence_about_something_that_there_is(tables: list[Table]) -> None:
    every = {str(table) for table in tables}
    columns = {f"{table}.{column.name}" for table in tables for column in table.columns}
    assert left_out.TABLES.keys() <= every
    assert left_out.COLUMNS.keys() <= columns
    assert {*left_out.BESIDE, *left_out.SOME_ROWS, *left_out.FAMILY, *NAMED, *NAMING} <= every
    assert {f"{table}.{name}" for table, names in left_out.FAMILY.items() for name in names} <= columns
    reasons = [
        *(each for named in (left_out.TABLES, left_out.COLUMNS, left_out.BESIDE) for each in named.values()),
        *(*left_out.SOME_ROWS.values(), *left_out.CLASSES.values(), *left_out.FORMS.values()),
        *(left_out.NUMBER, left_out.OF_STAFF, left_out.OF_OTHER_FAMILIES, left_out.UNREADABLE),
    ]
    assert all(str(gettext(each)).endswith(".") for each in reasons)


def test_no_secret_digest_or_number_is_taken_along(tables: list[Table]) -> None:
    for kind in kinds(tables):
        for field in kind.fields:
            held = held_in(field.column)
            assert held is not None
            assert held.kind is not Class.SECRET, field.column
            assert held.form not in {*DIGESTS, Form.PROOF, Form.FOR_US_ALONE}, field.column
            assert held.form is not Form.NUMBER or field.written is not As.VALUE, field.column


def test_whatever_people_wrote_is_taken_along(tables: list[Table]) -> None:
    """Of what is somebody's only this is not: each of it was looked at."""
    personal = {
        f"{kind.table}.{column.name}"
        for kind in kinds(tables)
        for column in _private(kind.table)
        if column not in {field.column for field in kind.fields}
    }
    assert personal == {
        "app.classroom_code.code",
        "app.guardian_invitation.code",
        "app.large_change.asked",
        "app.large_change.said",
        "app.student_session.address",
        "plugin_rosters.roster_import.names",
        "plugin_rosters.roster_import.report",
    }


def _private(table: Table) -> Iterator[Column[object]]:
    for column in table.columns:
        held = held_in(column)
        if held and held.kind in PRIVATE and held.kind not in {Class.PSEUDONYM, Class.SECRET}:
            yield column


def test_names_of_kinds_and_headings_are_plain_and_each_there_once(tables: list[Table]) -> None:
    names = [name_of(table) for table in tables]
    assert len({*names}) == len(names)
    assert all(name.isascii() and name.replace("-", "").isalnum() and name.islower() for name in names)
    for kind in kinds(tables):
        headings = [field.name for field in kind.fields]
        assert len({*headings}) == len(headings), kind.name


def test_what_is_about_somebody_is_in_the_export_or_named_in_it(scopes: Scopes, tables: list[Table]) -> None:
    """The rows that there are of each table that erasing reaches, as the files have them."""
    for which, scope in scopes.items():
        made = opened(scope)
        said = {what.partition(".")[0] for what, _why in made.manifest.left_out}
        model = MODELS[scope.subject].__table__
        for part in parts_of(model, {"id": [scope.number]}, tables):  # type: ignore[arg-type]
            name = name_of(part.table)
            whole = left_out.why_not(str(part.table)) or scope.for_family
            assert name in made.manifest.counts or name in said or not _rows(part), (which, name)
            assert not whole or name in said or name in made.manifest.counts, (which, name)


def _rows(part: Part) -> int:
    with transaction(SYSTEM) as tx:
        return sum(tx.scalar(each) or 0 for each in part.counts())
