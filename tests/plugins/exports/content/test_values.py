"""How values are written in lines of CSV and JSON, whatever stands in them."""

import csv
import io
import json
from typing import Any

import pytest
from sqlalchemy import Table

from backoffice.privacy.holdings import Subject
from backoffice.runtime import Runtime
from backoffice.spreadsheets.csv_files import safe, unguarded
from plugins.exports.content import Scope
from plugins.exports.content.kinds import Field, kind_of
from plugins.exports.content.values import BETWEEN, Lines, Writing, bare_lines

SCOPE = Scope(Subject.SCHOOL, 7, "zyxwvutsrqponmlk")
HOSTILE = [
    'a "quoted" word',
    "50 % %s %(x)s {0}",
    "two\r\nlines; =1+1",
    "=1+1",
    "",
    "\\u0041\\",
    "Ñandú 🦉",
    " ",
]


@pytest.fixture(scope="module")
def fields(runtime: Runtime) -> dict[str, Field]:
    """The fields of a point entry and a student, by their names."""
    tables: dict[str, Table] = {str(each): each for meta in runtime.metadatas for each in meta.sorted_tables}
    kinds = [kind_of(tables[name], SCOPE) for name in ("app.student", "app.point_entry")]
    return {field.name: field for kind in kinds for field in kind.fields}


def read(text: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text, newline="")))


def test_what_people_wrote_is_read_back_as_it_was(fields: dict[str, Field]) -> None:
    wanted = [fields["given_name"], fields["comment"]]
    columns: list[Any] = [HOSTILE, [*reversed(HOSTILE[1:]), None]]
    found = [[unguarded(cell) for cell in row] for row in read(Lines(wanted, columns).csv())]
    assert found == [[a, b or ""] for a, b in zip(*columns, strict=True)]
    rows = json.loads(f"[{Lines(wanted, columns).json().removesuffix(BETWEEN)}]")
    assert rows == [{"given_name": a, "comment": b} for a, b in zip(*columns, strict=True)]
    assert {cell[0] for row in read(Lines(wanted, columns).csv()) for cell in row if "=1+1" in cell} == {
        "'",
        "t",
    }


@pytest.mark.parametrize("with_gap", [False, True])
def test_numbers_moments_and_references_stand_as_they_are(fields: dict[str, Field], with_gap: bool) -> None:
    wanted = [fields["value"], fields["awarded_at"], fields["classroom"]]
    # As the database writes them.
    columns: list[Any] = [
        ["-3", "2"],
        ["2026-11-27T10:00:00.25Z", "2026-11-27T10:00:00Z"],
        ["abcdefgh23456789"] * 2,
    ]
    if with_gap:
        columns = [[*column, None] for column in columns]
    columns = Writing(SCOPE).columns(wanted, columns)
    rows = json.loads(f"[{Lines(wanted, columns).json().removesuffix(BETWEEN)}]")
    numbers = [None if each is None else int(each) for each in columns[0]]
    assert [list(row.values()) for row in rows] == [
        list(row) for row in zip(numbers, *columns[1:], strict=True)
    ]
    lines = read(Lines(wanted, columns).csv())
    assert lines == [
        ["" if each is None else str(each) for each in row] for row in zip(*columns, strict=True)
    ]


def test_names_that_need_nothing_are_written_as_those_that_do(fields: dict[str, Field]) -> None:
    wanted = [fields["given_name"]]
    names = ["Kim", "Anne-Marie", "O'Brien", "", "Zoë 🦉", "two words", "a=b"]
    lines = read(Lines(wanted, [names]).csv())
    assert lines == [[name] for name in names]
    for special in ("a\0b", "'a", "-a", "a;b", 'a"b', "a\\b", "a\nb", "a\u2028b", "\uff1da"):
        with_it = [*names, special]
        assert [[unguarded(cell) for cell in row] for row in read(Lines(wanted, [with_it]).csv())] == [
            [name] for name in with_it
        ], special
        assert json.loads(f"[{Lines(wanted, [with_it]).json().removesuffix(BETWEEN)}]") == [
            {"given_name": name} for name in with_it
        ]
    assert read(Lines(wanted, [["-a", "Kim"]]).csv()) == [["'-a"], ["Kim"]]


def test_lists_and_flags_are_written_by_the_row(fields: dict[str, Field]) -> None:
    wanted = [fields["given_name"]]
    for value, cell in (([1, "b"], "1, b"), (True, "true"), ({"b": 1}, '{"b": 1}')):
        assert read(Lines(wanted, [[value, value]]).csv()) == [[cell]] * 2
        assert json.loads(f"[{Lines(wanted, [[value, None]]).json().removesuffix(BETWEEN)}]") == [
            {"given_name": value},
            {"given_name": None},
        ]


def test_a_name_made_for_one_export_is_the_same_in_all_its_columns(fields: dict[str, Field]) -> None:
    wanted, numbers = [fields["number"], fields["undoes"]], [(1, 2**40, 3), (None, 1, 2**40)]
    one, other = (Writing(SCOPE).columns(wanted, numbers) for _ in range(2))
    assert one[1][0] is None
    assert one[1][1:] == one[0][:2]
    assert len({*one[0], *other[0]}) == 6
    assert all(each.startswith("n-") and len(each) == 18 for each in one[0])


@pytest.mark.parametrize("names", [["Kim", "", "Zoë 🦉"], ["Kim", "O'Brien, Pat", "=1+1"], [*HOSTILE]])
def test_bare_lines_have_quotes_where_they_need_them(names: list[str]) -> None:
    numbers = [f"n-{at}" for at in range(len(names))]
    text = bare_lines([numbers, "", "a school", names, "a,b"])
    expected = io.StringIO(newline="")
    csv.writer(expected).writerows(
        [number, "", "a school", safe(name), "a,b"] for number, name in zip(numbers, names, strict=True)
    )
    assert text == expected.getvalue()
    assert bare_lines([numbers, "x", names]) == text.replace(",,a school,", ",x,").replace(',"a,b"', "")


def test_of_the_school_that_is_taken_along_no_row_has_to_say_so(fields: dict[str, Field]) -> None:
    wanted = [fields["school"]]
    assert Writing(SCOPE).columns(wanted, [(None, None)]) == [[SCOPE.public_id] * 2]
    # Another school, and none.
    other = "abcdefgh23456789"
    assert Writing(SCOPE).columns(wanted, [(None, other, "")]) == [[SCOPE.public_id, other, None]]
    of_student = Scope(Subject.STUDENT, 7, "zyxwvutsrqponmlk")
    assert Writing(of_student).columns(wanted, [(None, other)]) == [(None, other)]
