"""What hangs on a subject is found by the foreign keys, the plugins' too."""

import pytest
from sqlalchemy import Table, text

from backoffice.access.transaction import transaction
from backoffice.accounts.models import Account
from backoffice.privacy.erasure.plan import MODELS
from backoffice.privacy.erasure.reach import Part, parts_of
from backoffice.privacy.holdings import Subject
from backoffice.runtime import Runtime
from backoffice.schools.models import Classroom, Enrollment, PointEntry, School, Student
from backoffice.storage.base import Base
from tests.factories.world import SYSTEM, World


@pytest.fixture(scope="module")
def tables(runtime: Runtime) -> list[Table]:
    return [table for each in runtime.metadatas for table in each.tables.values()]


def table_of(model: type[Base]) -> Table:
    table = model.__table__
    assert isinstance(table, Table)
    return table


def names(parts: list[Part]) -> list[str]:
    return [part.table.name for part in parts]


def known(parts: list[Part], of: type[Enrollment | PointEntry]) -> list[dict[str, frozenset[int]]]:
    """By which columns the rows of a table are known, way by way; empty for a way over another table."""
    (part,) = (each for each in parts if each.table is of.__table__)
    return [dict(way.known) for way in part.ways]


def test_what_points_at_something_comes_before_it(tables: list[Table]) -> None:
    found = names(parts_of(table_of(Student), {"school_id": [1], "id": [2]}, tables))
    assert found[-1] == "student"
    assert found.index("point_entry") < found.index("enrollment")
    assert "student_source" in found  # a plugin's
    assert {"classroom", "account", "audit_entry"}.isdisjoint(found)


def test_the_columns_of_a_key_are_known_all_the_way_down(tables: list[Table]) -> None:
    whole = parts_of(table_of(School), {"id": [7]}, tables)
    assert known(whole, PointEntry) == known(whole, Enrollment) == [{"school_id": frozenset({7})}]
    room = parts_of(table_of(Classroom), {"school_id": [7], "id": [5, 6]}, tables)
    there = {"school_id": frozenset({7}), "classroom_id": frozenset({5, 6})}
    assert known(room, Enrollment) == [there]
    # An entry of this class could be of another one's Action: no key says that it is not.
    assert there in known(room, PointEntry)
    assert {} in known(room, PointEntry)


@pytest.mark.parametrize("subject", list(Subject))
def test_the_role_that_erases_may_delete_all_of_it(
    tables: list[Table], world: World, subject: Subject
) -> None:
    del world
    model = MODELS[subject]
    may = text("select has_table_privilege('backoffice_system', :table, 'delete')")
    with transaction(SYSTEM) as tx:
        barred = [
            part.table.fullname
            for part in parts_of(table_of(model), {"id": [1]}, tables)
            if not tx.scalar(may, {"table": part.table.fullname})
        ]
    assert barred == []


def test_what_only_names_an_account_stays(tables: list[Table]) -> None:
    found = names(parts_of(table_of(Account), {"id": [3]}, tables))
    assert {"account_session", "membership", "teaching_role", "mail_content"} <= set(found)
    assert {"point_entry", "classroom_code", "classroom", "job_run"}.isdisjoint(found)
