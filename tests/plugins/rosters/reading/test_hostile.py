"""Whatever the bytes are: records and a report, or the one refusal."""

import contextlib

from hypothesis import given, settings
from hypothesis import strategies as st

from plugins.rosters.reading.oneroster import TABLES
from plugins.rosters.reading.package import PackageRefused
from plugins.rosters.reading.report import MOST_TOLD
from tests.plugins.rosters.reading.sets import ITERATORS, Outcome, a_set, read, table, written

FILES = ("manifest.csv", *(each.file for each in TABLES))
WHOLE = a_set()

cells = st.one_of(
    st.sampled_from(
        ["", " ", "student", "true", "2026-01-01", "bulk", "active", "sourcedId", '"', "\r", ",", "=1+1"]
    ),
    st.text(max_size=8),
)
lines = st.lists(st.lists(cells, max_size=19), max_size=6)


def sound(found: Outcome) -> None:
    for name, each in zip(ITERATORS, TABLES, strict=True):
        for record in found.records[name]:
            assert type(record) is each.record
            assert record.source_id
            assert record.line > 1
    for problem in found.report.problems:
        assert problem.sentence.endswith(".")
        assert problem.remedy.endswith(".")
    assert len(found.report.problems) <= MOST_TOLD * len(found.report.counts)


@given(st.binary(max_size=400))
def test_any_bytes_as_a_zip(content: bytes) -> None:
    with contextlib.suppress(PackageRefused):
        read(content)


@given(st.sampled_from(FILES), st.binary(max_size=400))
def test_any_bytes_as_a_file(name: str, content: bytes) -> None:
    sound(read(WHOLE | {name: content}))


@settings(deadline=None)
@given(st.sampled_from(FILES), lines, st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]))
def test_any_lines_after_the_heading(name: str, added: list[list[str]], encoding: str) -> None:
    heading = table(WHOLE[name])[:1]
    content = written(heading + added).decode().encode(encoding, "surrogatepass")
    sound(read(WHOLE | {name: content}))


@settings(deadline=None)
@given(st.sampled_from(FILES), st.data())
def test_any_piece_put_anywhere(name: str, data: st.DataObject) -> None:
    content = WHOLE[name]
    place = data.draw(st.integers(0, len(content)))
    piece = data.draw(st.one_of(st.binary(max_size=20), st.sampled_from([b'"', b"\r", b"\n", b",", b'""'])))
    sound(read(WHOLE | {name: content[:place] + piece + content[place:]}))


@settings(deadline=None)
@given(st.lists(st.tuples(st.from_regex(r"[^\0]{1,12}", fullmatch=True), st.binary(max_size=20)), max_size=5))
def test_any_names_in_a_zip(members: list[tuple[str, bytes]]) -> None:
    with contextlib.suppress(PackageRefused, UnicodeEncodeError):
        sound(read(WHOLE | dict(members)))
