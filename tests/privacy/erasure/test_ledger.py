"""The ledger's file: only added to, chained, and whole whatever happened to the process that wrote."""

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest

from backoffice.privacy.erasure.ledger import _TAIL as TAIL
from backoffice.privacy.erasure.ledger import (
    FILE,
    OF_A_LINE,
    Issued,
    LedgerError,
    LedgerFile,
    Line,
    mark_of,
)
from backoffice.runtime import Runtime
from backoffice.storage import keyring
from backoffice.storage.keyring import KeyPurpose, Keyring

AT = datetime(2027, 3, 1, 12, tzinfo=UTC)
ISSUED = Issued('{"number":"abc"}', b"signed", 7)


def line(name: str) -> Line:
    """Of an erasure of its own, so that it stands in a line of its own."""
    return Line((mark_of("student", name),), "student", f"erasure {name}", AT)


@pytest.fixture(autouse=True)
def _keyring(runtime: Runtime) -> None:
    """Marks are made with the keyring."""


def test_what_was_added_is_read_in_order(tmp_path: Path) -> None:
    file = LedgerFile(tmp_path / "ledger")
    assert list(file.lines()) == []
    file.add([line("one"), line("two")])
    file.add([ISSUED])
    assert list(LedgerFile(tmp_path / "ledger").lines()) == [line("one"), line("two"), ISSUED]
    assert (tmp_path / "ledger" / FILE).stat().st_mode & 0o077 == 0


# As the release before this one wrote it, under a key of 32 times "k".
WRITTEN = (
    '{"at":"2027-03-01T12:00:00+00:00","erasure":"one","kind":"account","mark":'
    '"00000000000000000000000000000001",'
    '"chain":"02b4c9aeeb80281df8150b19ddb00dc872a00c4389e8f52ce4d9b4763bc2715c"}\n'
    '{"at":"2027-03-01T12:00:00+00:00","erasure":"two","kind":"student","marks":'
    '["00000000000000000000000000000002","00000000000000000000000000000003"],'
    '"chain":"652566750b107c59ebd8ec28b1ca4e0b6bd4c7257d8a7d30c50c29bc75a7267f"}\n'
    '{"receipt":"{\\"number\\":\\"abc\\"}","school":7,"signature":"7369676e6564",'
    '"chain":"0c08716f41ec0941632d038ae3841f7a7295552362e1280a4c715c2b01fcd935"}\n'
)


def test_a_file_of_an_earlier_release_is_read_and_written_alike(tmp_path: Path) -> None:
    """Else it would be taken for damaged: each line is known by its bytes."""
    lines: list[Line | Issued] = [
        Line((UUID(int=1),), "account", "one", AT),
        Line((UUID(int=2), UUID(int=3)), "student", "two", AT),
        ISSUED,
    ]
    used = keyring.current()
    keyring.install(Keyring({purpose: {1: b"k" * 32} for purpose in KeyPurpose}))
    try:
        (tmp_path / FILE).write_text(WRITTEN)
        assert list(LedgerFile(tmp_path).lines()) == lines
        LedgerFile(tmp_path / "anew").add(lines)
        assert (tmp_path / "anew" / FILE).read_text() == WRITTEN
    finally:
        keyring.install(used)


def test_marks_of_one_erasure_stand_together_and_no_line_is_long(tmp_path: Path) -> None:
    file = LedgerFile(tmp_path)
    of_one = Line(tuple(mark_of("student", f"{n}") for n in range(2 * OF_A_LINE + 1)), "student", "one", AT)
    others = replace(of_one, marks=tuple(mark_of("classroom", f"{n}") for n in range(2)), kind="classroom")
    later = replace(of_one, marks=(mark_of("student", "later"),), at=AT + timedelta(seconds=1))
    end = file.add([of_one, others, later, ISSUED])
    parts = [
        replace(of_one, marks=of_one.marks[start : start + OF_A_LINE])
        for start in range(0, len(of_one.marks), OF_A_LINE)
    ]
    assert list(file.lines()) == [*parts, others, later, ISSUED]
    written = (tmp_path / FILE).read_bytes().splitlines(keepends=True)
    assert len(written) == 6
    assert max(map(len, written)) < TAIL // 2
    assert not file.is_ahead({end.began: end})
    # A mark that somebody takes out of the middle is missed.
    told = json.loads(written[0])
    told["marks"].pop(7)
    changed = json.dumps(told, separators=(",", ":")).encode() + b"\n"
    (tmp_path / FILE).write_bytes(b"".join([changed, *written[1:]]))
    with pytest.raises(LedgerError, match="Put back a good copy"):
        list(file.lines())


def test_a_mark_tells_kinds_and_identifiers_apart_and_shows_neither() -> None:
    marks = {mark_of(kind, name) for kind in ("student", "classroom") for name in ("one", "two")}
    assert len(marks) == 4
    assert mark_of("student", "one") == mark_of("student", b"one")


def test_half_a_line_of_a_killed_process_is_no_line_and_the_next_begins_anew(tmp_path: Path) -> None:
    file = LedgerFile(tmp_path)
    file.add([line("one")])
    with (tmp_path / FILE).open("ab") as opened:
        opened.write(b'{"at":"2027')
    assert list(file.lines()) == [line("one")]
    file.add([line("two")])
    assert list(file.lines()) == [line("one"), line("two")]


def without_the_first(lines: list[bytes]) -> list[bytes]:
    return lines[1:]


def exchanged(lines: list[bytes]) -> list[bytes]:
    return [lines[1], lines[0], *lines[2:]]


def of_another(lines: list[bytes]) -> list[bytes]:
    told = json.loads(lines[1])
    return [
        lines[0],
        json.dumps(told | {"kind": "account"}, separators=(",", ":")).encode() + b"\n",
        lines[2],
    ]


def no_json(lines: list[bytes]) -> list[bytes]:
    return [lines[0], b"[]\n", lines[2]]


@pytest.mark.parametrize("changed", [without_the_first, exchanged, of_another, no_json])
def test_what_somebody_changed_is_found(
    tmp_path: Path, changed: Callable[[list[bytes]], list[bytes]]
) -> None:
    file = LedgerFile(tmp_path)
    file.add([line("one"), line("two"), line("three")])
    lines = (tmp_path / FILE).read_bytes().splitlines(keepends=True)
    (tmp_path / FILE).write_bytes(b"".join(changed(lines)))
    with pytest.raises(LedgerError, match="Put back a good copy"):
        list(file.lines())


def test_writers_at_once_chain_their_lines(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: LedgerFile(tmp_path).add([line(f"{number}")]), range(40)))
    assert len(list(LedgerFile(tmp_path).lines())) == 40


def test_a_ledger_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    (tmp_path / "ledger").write_text("in the way")
    with pytest.raises(LedgerError, match="cannot be written"):
        LedgerFile(tmp_path / "ledger").add([line("one")])


@pytest.mark.parametrize("left", [1, 2])
def test_a_file_that_was_cut_is_told(tmp_path: Path, left: int) -> None:
    file = LedgerFile(tmp_path)
    file.add([line("one"), line("two")])
    end = file.add([line("three")])
    known = {end.began: end}
    assert not file.is_ahead(known)
    lines = (tmp_path / FILE).read_bytes().splitlines(keepends=True)
    (tmp_path / FILE).write_bytes(b"".join(lines[:left]))
    # It is whole, as far as it goes.
    assert len(list(file.lines())) == left
    for use in (file.is_ahead, lambda ends: file.add([line("four")], ends)):
        with pytest.raises(LedgerError, match="newest copy"):
            use(known)
    # Nor does another end make up for it.
    file.add([line("four"), line("five"), line("six")])
    with pytest.raises(LedgerError, match="newest copy"):
        file.is_ahead(known)


def test_a_file_that_goes_further_than_the_database_knows_is_ahead(tmp_path: Path) -> None:
    file = LedgerFile(tmp_path)
    assert not file.is_ahead({})
    first = file.add([line("one")])
    assert file.is_ahead({})
    assert not file.is_ahead({first.began: first})
    second = file.add([line("two")], {first.began: first})
    assert second.began == first.began
    assert file.is_ahead({first.began: first})
    assert not file.is_ahead({second.began: second})


def test_the_file_of_another_machine_is_another(tmp_path: Path) -> None:
    end = LedgerFile(tmp_path / "one").add([line("one"), line("two")])
    other = LedgerFile(tmp_path / "other").add([line("other")], {end.began: end})
    assert other.began != end.began
