"""What hangs on a subject is found by the foreign keys, the plugins' too."""

from collections import Counter

import pytest
from sqlalchemy import Table, select, text

from backoffice.access.transaction import transaction
from backoffice.accounts.models import Account
from backoffice.privacy.erasure.plan import MODELS
from backoffice.privacy.erasure.reach import Numbers, Part, parts_of, reach_of, said
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


def known(parts: list[Part], of: type[Enrollment | PointEntry]) -> list[dict[str, Numbers]]:
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


@pytest.mark.parametrize("model", [School, Classroom, Student, Account])
@pytest.mark.parametrize("most", [1, 3])
def test_what_is_built_once_asks_the_same_as_what_is_built_anew(
    tables: list[Table], world: World, model: type[Base], most: int
) -> None:
    table = table_of(model)
    with transaction(SYSTEM) as tx:
        some = tx.scalars(select(table.c.id).order_by(table.c.id).limit(4)).all()
        for known in ({"id": some[start : start + most]} for start in range(0, len(some), most)):
            parts, reach = parts_of(table, known, tables), reach_of(table, known, tables)
            there = tx.execute(reach.there, said(known)).one()
            asked = reach.counts()
            assert asked is not None
            counts = Counter[str]()
            for name, count in zip(asked.tables, tx.execute(asked.statement, said(known)).one(), strict=True):
                counts[name] += count
            each = {part.table.fullname: sum(tx.scalar(one) or 0 for one in part.counts()) for part in parts}
            assert [part.table for part in reach.parts] == [part.table for part in parts]
            assert counts == each
            assert {part.table.fullname: is_there for part, is_there in zip(parts, there, strict=True)} == {
                name: count > 0 for name, count in each.items()
            }
            assert each[table.fullname] == len(known["id"])


def test_some_tables_and_all_others_are_all(tables: list[Table]) -> None:
    reach = reach_of(table_of(School), {"id": [7]}, tables)
    whole, some, rest = (
        reach.counts(),
        reach.counts(among=["app.student", "app.point_entry"]),
        reach.counts(but=["app.student", "app.point_entry"]),
    )
    assert whole is not None
    assert some is not None
    assert rest is not None
    assert set(some.tables) == {"app.student", "app.point_entry"}
    assert sorted((*some.tables, *rest.tables)) == sorted(whole.tables)
    assert reach.counts(among=["app.unheard_of"]) is None


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
