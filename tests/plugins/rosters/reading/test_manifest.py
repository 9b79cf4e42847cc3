import pytest

from plugins.rosters.reading.manifest import NEEDED, PARTS
from tests.plugins.rosters.reading.sets import a_set, read, table, with_manifest, written


def test_the_parts_are_those_of_the_format() -> None:
    assert len(PARTS) == len(set(PARTS)) == 13


def test_without_a_manifest_nothing_is_read() -> None:
    contents = a_set()
    del contents["manifest.csv"]
    found = read(contents)
    assert found.errors[0].file == "manifest.csv"
    assert not any(found.records.values())


def test_version_1_2_is_refused_with_its_own_sentence() -> None:
    problem = read(with_manifest(oneroster_version="1.2")).only_error
    assert (problem.file, problem.column) == ("manifest.csv", "oneroster.version")
    assert "1.2" in problem.sentence


@pytest.mark.parametrize("version", ["1.0", "", "2", None])
def test_other_versions_are_refused(version: str | None) -> None:
    assert read(with_manifest(oneroster_version=version)).only_error.column == "oneroster.version"


def test_another_version_of_the_manifest_is_a_warning() -> None:
    assert read(with_manifest(manifest_version="2.0")).only_warning.column == "manifest.version"


@pytest.mark.parametrize("part", ["users", "courses", "results"])
def test_changes_are_refused_with_a_sentence(part: str) -> None:
    contents = with_manifest(**{f"file_{part}": "delta"})
    error = read(contents).errors[0]
    assert (error.file, error.column) == ("manifest.csv", f"file.{part}")
    assert "delta" in error.sentence


@pytest.mark.parametrize("value", ["Bulk", "", "yes"])
def test_other_values_are_refused(value: str) -> None:
    error = read(with_manifest(file_users=value)).errors[0]
    assert (error.file, error.column) == ("manifest.csv", "file.users")


@pytest.mark.parametrize("part", NEEDED)
@pytest.mark.parametrize("value", ["absent", None])
def test_what_is_needed_must_be_sent(part: str, value: str | None) -> None:
    error = read(with_manifest(**{f"file_{part}": value})).errors[0]
    assert (error.file, error.column) == ("manifest.csv", f"file.{part}")


def test_parts_that_are_not_named_count_as_absent() -> None:
    found = read(with_manifest(file_results=None, file_lineItems=None))
    assert found.times(found.only_warning) == 2


def test_a_property_twice() -> None:
    contents = a_set()
    contents["manifest.csv"] += b"file.users,absent\n"
    problem = read(contents).only_error
    assert problem.line == contents["manifest.csv"].count(b"\n")


@pytest.mark.parametrize("heading", ["property,value", "propertyName", "value,propertyName"])
def test_another_heading(heading: str) -> None:
    contents = a_set()
    rows = table(contents["manifest.csv"])
    contents["manifest.csv"] = written([heading.split(","), *rows[1:]])
    assert read(contents).only_error.line == 1


def test_empty_lines_and_spaces_do_not_matter() -> None:
    contents = a_set()
    contents["manifest.csv"] = contents["manifest.csv"].replace(b"\r\n", b" \r\n\r\n,\r\n")
    assert read(contents).report.problems == []


def test_a_manifest_of_many_lines_is_not_read_on() -> None:
    contents = a_set()
    contents["manifest.csv"] += b"".join(b"x%d,y\n" % n for n in range(10_000))
    assert "too many" in read(contents).only_error.sentence
