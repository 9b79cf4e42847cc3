from collections import Counter

import pytest

from plugins.rosters.reading.oneroster import STAFF, TABLES, read_set
from plugins.rosters.reading.package import open_package
from plugins.rosters.reading.report import MOST_TOLD, Report, Severity
from tests.factories.oneroster import UNWANTED, Shape
from tests.plugins.rosters.reading.sets import (
    ITERATORS,
    SHAPE,
    a_set,
    read,
    table,
    with_manifest,
    with_value,
    written,
    zip_of,
)

KNOWN_ROLES = ("administrator", "teacher", "parent", "student")


def test_a_right_set_is_read_without_a_word() -> None:
    found = read(a_set())

    assert found.report.problems == []
    assert {name: len(records) for name, records in found.records.items()} == {
        "orgs": 1,
        "sessions": 2,
        "courses": 8,
        "classes": SHAPE.classes,
        "users": 4 + 1 + 1 + 1,
        "enrollments": SHAPE.enrollments,
    }


def test_nothing_unwanted_comes_out_and_what_was_dropped_is_counted() -> None:
    contents = a_set()
    assert sum(content.count(UNWANTED.encode()) for content in contents.values()) > 40

    found = read(contents)

    assert UNWANTED not in repr(found.records) + repr(found.report)
    assert found.report.dropped == Counter(
        {
            "demographics.csv": 1,
            "users.csv email": 6,
            **dict.fromkeys(
                (
                    f"users.csv {name}"
                    for name in ("userIds", "middleName", "identifier", "sms", "phone", "grades", "password")
                ),
                7,
            ),
        }
    )


def test_demographics_are_not_even_opened() -> None:
    contents = a_set()
    contents["demographics.csv"] = b"\0not a csv"
    assert read(contents).report.problems == []


def test_mail_of_teachers_alone_is_taken() -> None:
    taken = {user.role: user.email for user in read(a_set()).records["users"]}
    assert taken == {
        "administrator": None,
        "teacher": "teacher-1-0@school.example",
        "parent": None,
        "student": None,
    }


@pytest.mark.parametrize(
    "role", ["student", "parent", "relative", "PARENT", "aide", "proctor", "administrator"]
)
def test_mail_of_others_is_not_taken(role: str) -> None:
    contents = with_value("users.csv", "role", role, line=2)
    assert read(contents).records["users"][0].email is None


def test_lists_are_parted() -> None:
    contents = with_value("users.csv", "orgSourcedIds", "one, two,,two")
    assert read(contents).records["users"][0].orgs == ("one", "two")


def test_spaces_around_values_go_and_within_become_one() -> None:
    contents = with_value("users.csv", "givenName", "  Mary \n  Ann ", line=3)
    user = read(contents).records["users"][1]
    assert (user.line, user.given) == (3, "Mary Ann")


@pytest.mark.parametrize(
    ("file", "column"),
    [(t.file, c.name) for t in TABLES for c in t.columns if c.need.name == "REQUIRED"],
)
def test_a_required_value_that_is_missing(file: str, column: str) -> None:
    problem = read(with_value(file, column, " ")).only_error
    assert (problem.file, problem.line, problem.column) == (file, 2, column)
    assert problem.sentence == "The value is missing."


def test_the_required_columns_are_those_of_the_format() -> None:
    required = {t.file: {c.name for c in t.columns if c.need.value is not None} for t in TABLES}
    assert required == {
        "orgs.csv": {"sourcedId", "name", "type"},
        "academicSessions.csv": {"sourcedId", "title", "type", "startDate", "endDate", "schoolYear"},
        "courses.csv": {"sourcedId", "title", "orgSourcedId"},
        "classes.csv": {
            *("sourcedId", "title", "courseSourcedId", "classType", "schoolSourcedId", "termSourcedIds"),
        },
        "users.csv": {
            *("sourcedId", "enabledUser", "orgSourcedIds", "role", "username", "givenName", "familyName"),
        },
        "enrollments.csv": {"sourcedId", "classSourcedId", "schoolSourcedId", "userSourcedId", "role"},
    }


def test_a_class_may_lack_its_course() -> None:
    found = read(with_value("classes.csv", "courseSourcedId", ""))
    assert found.only_warning.column == "courseSourcedId"
    assert found.records["classes"][0].course is None


@pytest.mark.parametrize(
    ("file", "column", "value"),
    [
        ("orgs.csv", "type", "castle"),
        ("academicSessions.csv", "type", "holiday"),
        ("academicSessions.csv", "startDate", "15.08.2026"),
        ("academicSessions.csv", "endDate", "2026-02-30"),
        ("academicSessions.csv", "endDate", "٢٠٢٦-٠٢-٠١"),
        ("classes.csv", "classType", "club"),
        ("users.csv", "role", "wizard"),
        ("users.csv", "enabledUser", "yes"),
        ("users.csv", "sourcedId", "two words"),
        ("users.csv", "sourcedId", "a,b"),
        ("users.csv", "sourcedId", "x" * 256),
        ("users.csv", "givenName", "x" * 256),
        ("users.csv", "familyName", "Bell\x07"),
        ("users.csv", "orgSourcedIds", "x" * 256),
        ("users.csv", "status", "gone"),
        ("enrollments.csv", "classSourcedId", "x" * 256),
        ("enrollments.csv", "role", "wizard"),
        ("enrollments.csv", "primary", "1"),
        ("enrollments.csv", "beginDate", "yesterday"),
    ],
)
def test_a_wrong_value_is_an_error_with_its_place_and_keeps_its_line_out(
    file: str, column: str, value: str
) -> None:
    found = read(with_value(file, column, value))

    problem = found.only_error
    assert (problem.file, problem.line, problem.column) == (file, 2, column)
    assert problem.remedy
    assert value not in problem.sentence + problem.remedy
    assert found.report.stops
    assert 2 not in {record.line for record in found.records[_iterator(file)]}


@pytest.mark.parametrize("role", ["parent", "guardian", "aide", "relative", "Aide"])
def test_a_role_of_users_in_an_enrollment_has_its_own_words(role: str) -> None:
    problem = read(with_value("enrollments.csv", "role", role)).only_error
    assert problem.sentence == "The role is one of users.csv, not one of enrollments.csv."


@pytest.mark.parametrize(
    ("file", "column", "value", "becomes"),
    [
        ("orgs.csv", "type", "School", "school"),
        ("academicSessions.csv", "type", "schoolyear", None),
        ("users.csv", "role", "Administrator", "administrator"),
        ("users.csv", "enabledUser", "TRUE", None),
        ("enrollments.csv", "primary", "True", None),
    ],
)
def test_other_capitals_are_taken_with_a_warning(
    file: str, column: str, value: str, becomes: str | None
) -> None:
    found = read(with_value(file, column, value))
    assert (found.only_warning.file, found.only_warning.column) == (file, column)
    if becomes:
        first = found.records[_iterator(file)][0]
        assert getattr(first, column) == becomes


def test_identifiers_outside_the_narrow_set_are_taken_with_a_warning() -> None:
    found = read(with_value("enrollments.csv", "sourcedId", "{a:b}@c"))
    assert found.only_warning.column == "sourcedId"
    assert found.records["enrollments"][0].source_id == "{a:b}@c"


@pytest.mark.parametrize("value", ["2026-2027", "2026/27", "next", "20266"])
def test_a_school_year_of_another_form_is_a_warning_that_names_it(value: str) -> None:
    found = read(with_value("academicSessions.csv", "schoolYear", value))
    problem = found.only_warning
    assert problem.column == "schoolYear"
    assert "(YYYY)" in problem.sentence
    assert len(found.records["sessions"]) == 2


def test_status_in_a_bulk_file_is_one_warning_for_the_file_with_the_count() -> None:
    contents = a_set()
    rows = table(contents["enrollments.csv"])
    for row in rows[1:]:
        row[1:3] = ["active", "2026-09-01T00:00:00.000Z"]
    contents["enrollments.csv"] = written(rows)

    found = read(contents)

    assert {(each.file, each.column, found.times(each)) for each in found.warnings} == {
        ("enrollments.csv", "status", SHAPE.enrollments),
        ("enrollments.csv", "dateLastModified", SHAPE.enrollments),
    }
    assert len(found.records["enrollments"]) == SHAPE.enrollments


@pytest.mark.parametrize("status", ["tobedeleted", "inactive", "ToBeDeleted"])
def test_lines_that_are_marked_are_left_out_and_counted(status: str) -> None:
    contents = with_value("enrollments.csv", "status", status, line=4)
    # Whatever else such a line has wrong does not matter.
    rows = table(contents["enrollments.csv"])
    rows[3][6] = "wizard"
    contents["enrollments.csv"] = written(rows)

    found = read(contents)

    assert "left out" in found.only_warning.sentence
    assert (found.only_warning.line, found.times(found.only_warning)) == (4, 1)
    assert 4 not in {each.line for each in found.records["enrollments"]}


def test_somebody_who_is_not_enabled_is_taken_with_a_warning() -> None:
    found = read(with_value("users.csv", "enabledUser", "false"))
    assert found.only_warning.column == "enabledUser"
    assert len(found.records["users"]) == 7


@pytest.mark.parametrize(
    "address", ["nobody", "a@b", "a b@school.example", "a@b@school.example", "x@y." * 99]
)
def test_an_address_that_is_none_is_not_taken(address: str) -> None:
    place = next(n for n, user in enumerate(read(a_set()).records["users"]) if user.role == "teacher")
    found = read(with_value("users.csv", "email", address, line=place + 2))
    assert found.only_warning.column == "email"
    assert found.records["users"][place].email is None


def test_a_student_is_never_primary() -> None:
    contents = a_set()
    rows = table(contents["enrollments.csv"])
    line = next(n for n, row in enumerate(rows, start=1) if row[6] == "student")
    found = read(with_value("enrollments.csv", "primary", "true", line=line))
    assert (found.only_warning.column, found.only_warning.line) == ("primary", line)
    assert [each.role for each in found.records["enrollments"] if each.primary] == ["teacher"] * SHAPE.classes


def test_many_errors_of_one_kind_are_counted_and_some_are_told() -> None:
    contents = a_set(Shape(students=200, classes_a_student=3))
    rows = table(contents["enrollments.csv"])
    for row in rows[1:]:
        row[6] = "wizard"
    contents["enrollments.csv"] = written(rows)

    found = read(contents)

    assert len(found.errors) == MOST_TOLD
    assert found.times(found.errors[0]) == len(rows) - 1


def test_every_problem_of_a_line_and_of_every_file_is_told() -> None:
    contents = with_value("users.csv", "role", "wizard")
    rows = table(contents["users.csv"])
    rows[1][rows[0].index("givenName")] = ""
    contents["users.csv"] = written(rows)
    contents["orgs.csv"] = with_value("orgs.csv", "type", "castle")["orgs.csv"]

    places = {(each.file, each.line, each.column) for each in read(contents).errors}

    assert places == {("users.csv", 2, "role"), ("users.csv", 2, "givenName"), ("orgs.csv", 2, "type")}


def test_no_value_is_quoted() -> None:
    contents = {
        name: content if name == "manifest.csv" else content.replace(b"school", b"s3cr3t,")
        for name, content in a_set().items()
    }
    found = read(contents)
    assert found.errors
    assert "s3cr3t" not in repr(found.report)


def test_a_second_call_gives_the_same_and_says_nothing() -> None:
    report = Report()
    with open_package(zip_of(with_value("users.csv", "role", "wizard")), report) as package:
        found = read_set(package, report)
        first = list(found.users())
        dropped, counts = dict(report.dropped), dict(report.counts)
        assert list(found.users()) == first
        assert (dict(report.dropped), dict(report.counts)) == (dropped, counts)


# Headings


def changed_heading(file: str, *, to: list[int] | None = None, **names: str) -> dict[str, bytes]:
    contents = a_set()
    rows = table(contents[file])
    if to is not None:
        rows = [[row[index] for index in to] for row in rows]
    rows[0] = [names.get(name, name) for name in rows[0]]
    contents[file] = written(rows)
    return contents


def test_another_order_is_read_with_a_warning() -> None:
    found = read(changed_heading("orgs.csv", to=[6, 5, 4, 3, 2, 1, 0]))
    assert "order" in found.only_warning.sentence
    assert found.records["orgs"] == read(a_set()).records["orgs"]


def test_an_optional_column_that_is_missing_is_a_warning() -> None:
    found = read(changed_heading("orgs.csv", to=[0, 1, 2, 3, 4, 5]))
    assert found.only_warning.column == "parentSourcedId"
    assert found.records["orgs"][0].parent is None


def test_a_required_column_that_is_missing_is_an_error() -> None:
    found = read(changed_heading("orgs.csv", to=[0, 1, 2, 3, 5, 6]))
    assert (found.only_error.column, found.only_error.line) == ("type", 1)
    assert found.records["orgs"] == []


def test_other_capitals_in_a_heading_are_taken_with_a_warning() -> None:
    found = read(changed_heading("orgs.csv", name="Name "))
    assert found.only_warning.column == "name"
    assert found.records["orgs"] == read(a_set()).records["orgs"]


def test_a_column_twice_is_an_error() -> None:
    assert "same name" in read(changed_heading("orgs.csv", identifier="Name")).only_error.sentence


def test_metadata_at_the_end_is_dropped_without_a_word() -> None:
    contents = a_set()
    rows = table(contents["users.csv"])
    contents["users.csv"] = written(
        [[*row, "metadata.lunch" if n == 0 else UNWANTED] for n, row in enumerate(rows)]
    )
    found = read(contents)
    assert found.report.problems == []
    assert found.report.dropped["users.csv metadata.*"] == 7
    assert UNWANTED not in repr(found.records)


def test_metadata_elsewhere_is_dropped_with_a_warning() -> None:
    contents = a_set()
    rows = table(contents["users.csv"])
    contents["users.csv"] = written(
        [["metadata.lunch" if n == 0 else UNWANTED, *row] for n, row in enumerate(rows)]
    )
    found = read(contents)
    assert "order" in found.only_warning.sentence
    assert found.report.dropped["users.csv metadata.*"] == 7


def test_an_unknown_column_is_dropped_with_a_warning() -> None:
    contents = a_set()
    rows = table(contents["users.csv"])
    contents["users.csv"] = written([[*row, "diet" if n == 0 else UNWANTED] for n, row in enumerate(rows)])
    found = read(contents)
    assert "does not know" in found.only_warning.sentence
    assert found.report.dropped["users.csv other columns"] == 7
    assert UNWANTED not in repr(found.records)


# Files


def test_courses_may_be_absent() -> None:
    contents = with_manifest(file_courses="absent")
    del contents["courses.csv"]
    found = read(contents)
    assert found.report.problems == []
    assert found.set is not None
    assert found.set.absent == {"courses.csv"}
    assert found.records["courses"] == []


def test_a_file_that_the_manifest_names_and_that_is_missing() -> None:
    contents = a_set()
    del contents["classes.csv"]
    assert read(contents).only_error.file == "classes.csv"


def test_a_file_that_the_manifest_calls_absent_is_not_read() -> None:
    found = read(with_manifest(file_courses="absent"))
    assert found.only_warning.file == "courses.csv"
    assert found.records["courses"] == []


def test_a_name_in_other_capitals_is_an_error() -> None:
    contents = a_set()
    contents["Users.csv"] = contents.pop("users.csv")
    assert {(each.file, each.severity) for each in read(contents).errors} == {("users.csv", Severity.ERROR)}


def test_other_files_are_passed_over() -> None:
    contents = a_set() | {"results.csv": b"\0", "Ada Lovelace.docx": b"\0"}
    found = read(contents)
    assert found.times(found.only_warning) == 1
    assert "Ada" not in repr(found.report)
    assert found.report.dropped["results.csv"] == 1


def test_an_empty_file() -> None:
    assert read(a_set() | {"orgs.csv": b""}).only_error.sentence == "The file is empty."


def test_a_file_of_a_heading_alone_is_fine() -> None:
    contents = a_set()
    contents["enrollments.csv"] = contents["enrollments.csv"].split(b"\n")[0]
    assert read(contents).report.problems == []


def test_staff_is_who_has_an_account() -> None:
    assert set(STAFF) & {"student", "parent", "guardian", "relative"} == set()
    assert set(KNOWN_ROLES) - set(STAFF) == {"parent", "student"}


def _iterator(file: str) -> str:
    return ITERATORS[[each.file for each in TABLES].index(file)]
