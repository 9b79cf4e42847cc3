import codecs

import pytest

from plugins.rosters.reading.text import MOST_LINES, TOGETHER, WINDOW
from tests.plugins.rosters.reading.sets import a_set, read, table, written

RIGHT = read(a_set()).records


def recoded(old: bytes, new: bytes, *names: str) -> dict[str, bytes]:
    contents = a_set()
    return contents | {name: contents[name].replace(old, new) for name in names or contents}


@pytest.mark.parametrize("end", [b"\n", b"\r", b"\r\n", b"\r\n\r\n", b"  \n", b"\n  \n", b"\n,,,\n"])
def test_line_ends_and_empty_lines(end: bytes) -> None:
    found = read(recoded(b"\r\n", end))
    assert found.report.problems == []
    for name, records in RIGHT.items():
        assert [each[1:] for each in found.records[name]] == [each[1:] for each in records]


def test_lines_are_counted_as_an_editor_does() -> None:
    contents = a_set()
    rows = table(contents["users.csv"])
    rows[1][rows[0].index("givenName")] = "two\nlines"
    rows[3][rows[0].index("role")] = "wizard"
    lines = written(rows).split(b"\r\n")
    contents["users.csv"] = b"\r\n".join([lines[0], b"", *lines[1:]])
    assert contents["users.csv"].splitlines()[5].count(b"wizard") == 1
    assert read(contents).only_error.line == 6


def test_a_mark_at_the_beginning_is_passed_over() -> None:
    contents = {name: codecs.BOM_UTF8 + content for name, content in a_set().items()}
    found = read(contents)
    assert found.report.problems == []
    assert found.records == RIGHT


@pytest.mark.parametrize("encoding", ["latin-1", "cp1252"])
def test_western_european_is_read_with_a_warning_that_names_the_file(encoding: str) -> None:
    contents = a_set()
    text = contents["users.csv"].decode("utf-8").replace("teacher-1-0,", "Zoë-é,")
    contents["users.csv"] = text.encode(encoding, errors="replace")
    found = read(contents)
    assert {(each.file, "Latin-1" in each.sentence) for each in found.warnings if each.column is None} == {
        ("users.csv", True)
    }
    assert not found.errors
    assert "Zoë-é" in {each.source_id for each in found.records["users"]}


def test_typographic_letters_of_windows() -> None:
    contents = recoded(b"School 1", "L\u2019\u00c9cole".encode("cp1252"), "orgs.csv")
    assert read(contents).records["orgs"][0].name.startswith("L\u2019\u00c9cole")


def test_bytes_that_windows_does_not_know_are_latin_1_and_then_controls() -> None:
    found = read(recoded(b"School 1", b"Sch\x81ol", "orgs.csv"))
    assert "control" in found.only_error.sentence


def test_utf_8_across_the_windows_of_reading() -> None:
    contents = a_set()
    rows = table(contents["orgs.csv"])
    # Each line moves the letters by one byte against the windows.
    rows += [[f"org-{n}", "", "", "é" * 101, "school", "", ""] for n in range(3 * WINDOW // 200)]
    contents["orgs.csv"] = written(rows)
    found = read(contents)
    assert found.report.problems == []
    assert {each.name for each in found.records["orgs"][1:]} == {"é" * 101}


def test_an_unfinished_letter_at_the_end_is_not_utf_8() -> None:
    contents = a_set()
    contents["orgs.csv"] += "é".encode()[:1]
    assert any(each.file == "orgs.csv" and "UTF-8" in each.sentence for each in read(contents).warnings)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_utf_16_is_refused(encoding: str) -> None:
    contents = a_set()
    contents["users.csv"] = contents["users.csv"].decode().encode(encoding)
    problem = read(contents).only_error
    assert problem.file == "users.csv"
    assert "UTF-8" in problem.remedy


def test_zero_bytes_are_refused() -> None:
    contents = recoded(b"teacher", b"tea\0cher", "users.csv")
    assert "zero bytes" in read(contents).only_error.sentence


def test_a_line_without_end_is_refused() -> None:
    contents = a_set()
    contents["orgs.csv"] += b"x" * 3 * WINDOW
    assert "longer than" in read(contents).only_error.sentence


@pytest.mark.parametrize("change", [-1, 1])
def test_a_line_with_another_number_of_cells(change: int) -> None:
    contents = a_set()
    rows = table(contents["users.csv"])
    rows[3] = rows[3][:-1] if change < 0 else [*rows[3], "x"]
    contents["users.csv"] = written(rows)
    found = read(contents)
    assert (found.only_error.file, found.only_error.line) == ("users.csv", 4)
    assert len(found.records["users"]) == len(RIGHT["users"]) - 1


def test_a_quotation_mark_in_the_middle_costs_one_line() -> None:
    contents = recoded(b"Mathematics,C0", b'"Mathe"matics,C0', "courses.csv")
    found = read(contents)
    assert (found.only_error.line, found.only_error.sentence) == (2, "The line is no CSV.")
    assert len(found.records["courses"]) == len(RIGHT["courses"]) - 1


def test_a_quotation_mark_that_is_not_closed_ends_the_file() -> None:
    contents = a_set()
    lines = contents["enrollments.csv"].split(b"\r\n")
    lines[2] = b'"' + lines[2]
    contents["enrollments.csv"] = b"\r\n".join([*lines[:-1], *lines[1:] * 5])
    found = read(contents)
    assert found.only_error.line == 3
    assert "not closed" in found.only_error.sentence


def test_a_record_of_endless_lines_is_not_gathered() -> None:
    contents = a_set()
    contents["enrollments.csv"] += b'"\n",' * 100_000
    found = read(contents)
    assert "not closed" in found.only_error.sentence
    assert MOST_LINES < 100


def courses(*, lines: int) -> tuple[dict[str, bytes], list[bytes]]:
    """A set with so many lines of courses after the heading, and those lines."""
    contents = a_set()
    heading, first, *_ = contents["courses.csv"].split(b"\r\n")
    made = [first.replace(b"course-1-0", b"course-%d" % number) for number in range(lines)]
    return contents, [heading, *made]


# Where a record stands to the lines that are read at once: in the middle, across their end, after it.
@pytest.mark.parametrize("at", [3, TOGETHER - 2, TOGETHER - 1, TOGETHER, 2 * TOGETHER - 1])
def test_a_record_of_several_lines_is_one_wherever_it_stands(at: int) -> None:
    contents, lines = courses(lines=3 * TOGETHER)
    lines[at] = lines[at].replace(b"Mathematics", b'"Mathe\r\n\r\nmatics"', 1)
    lines[-1] = lines[-1].replace(b"school-1-0", b'"school"-1-0')
    contents["courses.csv"] = b"\r\n".join([*lines, b""])
    found = read(contents)
    assert (found.only_error.line, found.only_error.sentence) == (3 * TOGETHER + 3, "The line is no CSV.")
    begins = [record.line for record in found.records["courses"]]
    assert begins == [*range(2, at + 2), *range(at + 4, 3 * TOGETHER + 3)]


@pytest.mark.parametrize("at", [3, TOGETHER - 1, TOGETHER])
def test_nothing_is_read_after_a_quotation_mark_that_is_not_closed(at: int) -> None:
    contents, lines = courses(lines=3 * TOGETHER)
    lines[at] = lines[at].replace(b"Mathematics", b'"Mathematics', 1)
    contents["courses.csv"] = b"\r\n".join([*lines, b""])
    found = read(contents)
    assert (found.only_error.line, "not closed" in found.only_error.sentence) == (at + 1, True)
    assert [record.line for record in found.records["courses"]] == list(range(2, at + 1))


def test_empty_lines_before_everything_are_passed_over() -> None:
    contents, lines = courses(lines=3)
    contents["courses.csv"] = b"\r\n" * 2 * TOGETHER + b"\r\n".join([*lines, b""])
    found = read(contents)
    assert [record.line for record in found.records["courses"]] == [2 * TOGETHER + n for n in (2, 3, 4)]
