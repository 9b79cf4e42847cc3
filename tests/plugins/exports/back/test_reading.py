"""Archives that are no exports of ours, or not as we wrote them."""

import io
import json
import struct
import zipfile
from collections.abc import Callable
from hashlib import sha256
from typing import Any

import pytest

from plugins.exports.back.lists import LONGEST_ROW, NoList, rows_in
from plugins.exports.back.looking import Most, look_through
from plugins.exports.back.problems import MOST_TOLD, Unusable
from plugins.exports.back.reading import OF_DISTRICT, OF_FAMILY, OTHER_VERSION, TOO_LARGE, UNPACKED_BY_PAGE
from tests.factories.world import World
from tests.plugins.exports.back.places import archive_of
from tests.plugins.exports.content.conftest import Scopes, opened

Files = dict[str, bytes]


@pytest.fixture(scope="module")
def once() -> Files:
    """What is written once for all of these tests."""
    return {}


@pytest.fixture
def files(once: Files, scopes: Scopes) -> Files:
    """The files of the export of a class."""
    if not once:
        once.update(_written(scopes))
    return once


def _written(scopes: Scopes) -> Files:
    with zipfile.ZipFile(io.BytesIO(opened(scopes["classroom"]).packed)) as found:
        return {name: found.read(name) for name in found.namelist()}


def packed(files: Files, /, **manifest: Any) -> bytes:
    """A zip of these files, whose manifest says the truth about them but for what is said here."""
    to = io.BytesIO()
    said = json.loads(files["manifest.json"])
    digests = {name: sha256(some).hexdigest() for name, some in files.items() if name != "manifest.json"}
    said |= {"files": digests, **manifest}
    with zipfile.ZipFile(to, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, some in {**files, "manifest.json": json.dumps(said).encode()}.items():
            archive.writestr(name, some)
    return to.getvalue()


def refused(whole: bytes) -> list[str]:
    """What is said of it; nothing of what it has."""
    with pytest.raises(Unusable) as error, archive_of(whole) as archive:
        look_through(archive, Most())
    said = [each.in_words for each in error.value.problems]
    assert said
    assert "Otters" not in " ".join(said)
    return said


def changed(files: Files, kind: str, change: Callable[[list[dict[str, Any]]], None]) -> bytes:
    """The same archive with rows of a kind as somebody made them who knows how it is written."""
    rows = json.loads(files[f"data/{kind}.json"])
    change(rows)
    counts = {**json.loads(files["manifest.json"])["counts"], kind: len(rows)}
    return packed({**files, f"data/{kind}.json": json.dumps(rows).encode()}, counts=counts)


def test_as_it_was_written_it_is_read(files: Files) -> None:
    with archive_of(packed(files)) as archive:
        assert look_through(archive, Most()).counts["students"] == 2


@pytest.mark.parametrize(
    "whole", [b"", b"PK\x03\x04", b"name,class\nMila,Otters\n", b"PK\x05\x06" + bytes(18)]
)
def test_what_is_no_zip_or_empty(whole: bytes) -> None:
    assert len(refused(whole)) == 1


def test_cut_off_at_any_place_it_is_refused(files: Files) -> None:
    whole = packed(files)
    for at in range(0, len(whole), len(whole) // 12 + 1):
        refused(whole[:at])


def test_a_changed_byte_is_found(files: Files) -> None:
    whole = bytearray(packed(files))
    for at in range(40, len(whole), len(whole) // 12):
        other = bytearray(whole)
        other[at] ^= 0xFF
        with pytest.raises(Unusable), archive_of(bytes(other)) as archive:
            look_through(archive, Most())
            # In a head that nothing is read from, a byte may be any.
            raise Unusable.whole("Nothing of it is used.")


@pytest.mark.parametrize(
    "name",
    [
        "../outside.json",
        "/etc/passwd",
        "data/../../x.json",
        "data\\x.json",
        "C:\\x.json",
        "data/x.exe",
        "data/",
        "data/a/b.json",
        "Data/Students.JSON",
        "data/ｓtudents.json",
    ],
)
def test_names_that_are_not_plain(files: Files, name: str) -> None:
    refused(packed({**files, name: b"[]"}))


def test_a_name_that_is_there_twice(files: Files) -> None:
    to = io.BytesIO(packed(files))
    with pytest.warns(UserWarning, match="Duplicate"), zipfile.ZipFile(to, "a") as archive:
        archive.writestr("data/students.json", b"[]")
    refused(to.getvalue())


def test_a_name_with_a_zero_in_it(files: Files) -> None:
    whole = packed({**files, "data/studentsX.jsonYY": b"[]"})
    refused(whole.replace(b"data/studentsX.jsonYY", b"data/studentsX.json\0Y"))


def test_files_that_the_manifest_does_not_list_or_that_are_not_there(files: Files) -> None:
    refused(packed({**files, "data/others.json": b"[]"}, files=json.loads(files["manifest.json"])["files"]))
    digests = json.loads(files["manifest.json"])["files"]
    refused(packed(files, files={**digests, "data/others.json": "0" * 64}))


def test_a_digest_that_is_another_one(files: Files) -> None:
    said = json.loads(files["manifest.json"])["files"]
    wrong = {**said, "data/students.json": "0" * 64, "data/students.csv": "0" * 64}
    assert len(refused(packed(files, files=wrong))) == 2


@pytest.mark.parametrize(
    "said",
    [
        {"format": "other"},
        {"format": None},
        {"scope": None},
        {"scope": []},
        {"scope": {"kind": "planet", "public_id": "cgpz8yfrsjhfhpdf", "for_family": False}},
        {"scope": {"kind": "classroom", "public_id": "../x", "for_family": False}},
        {"scope": {"kind": [], "public_id": "cgpz8yfrsjhfhpdf", "for_family": False}},
        {"files": []},
        {"counts": {"students": "2"}},
        {"counts": {}},
        {"counts": {"students": 3}},
    ],
)
def test_a_manifest_that_lies(files: Files, said: dict[str, Any]) -> None:
    refused(packed(files, **said))


@pytest.mark.parametrize("text", [b"", b"[]", b"null", b'"x"', b"{", b"[" * 100_000, b"9" * 10_000])
def test_a_manifest_that_is_none(files: Files, text: bytes) -> None:
    to = io.BytesIO()
    with zipfile.ZipFile(to, "w") as archive:
        archive.writestr("manifest.json", text)
    refused(to.getvalue())
    del files


def test_of_another_version(files: Files) -> None:
    assert refused(packed(files, version=2)) == [str(OTHER_VERSION)]


def test_a_familys_and_a_districts(scopes: Scopes) -> None:
    assert refused(opened(scopes["family"]).packed) == [str(OF_FAMILY)]
    assert refused(opened(scopes["district"]).packed) == [str(OF_DISTRICT)]


def test_an_account_without_classes_of_its_own(scopes: Scopes, world: World) -> None:
    del world
    assert len(refused(opened(scopes["parent"]).packed)) == 1


def test_what_unpacks_to_more_than_a_page_takes(files: Files) -> None:
    huge = b"[\n" + b" " * UNPACKED_BY_PAGE + b"]"
    assert refused(packed({**files, "data/others.json": huge})) == [str(TOO_LARGE)]
    # However large the file is of which so much is said.
    whole = packed(files)
    with pytest.raises(Unusable), archive_of(whole, most=len(whole)):
        pass


def test_spaces_without_end_are_not_read_to_their_end() -> None:
    for before in (b"", b"[", b"[{}", b"[{},", b"[{}]"):
        stream = io.BytesIO(before + b" " * (20 << 20))
        with pytest.raises(NoList):
            list(rows_in(stream.read))
        assert stream.tell() < 1 << 20


def test_a_list_of_files_that_is_longer_than_any(files: Files) -> None:
    to = io.BytesIO(packed(files))
    with zipfile.ZipFile(to, "a") as archive:
        for number in range(5_000):
            archive.writestr(f"data/x{number}-{'y' * 60}.json", b"[]")
    refused(to.getvalue())


def test_a_size_that_a_header_makes_up(files: Files) -> None:
    whole = bytearray(packed(files))
    at = whole.rindex(b"PK\x05\x06")
    struct.pack_into("<L", whole, at + 12, 0x7FFFFFFF)
    refused(bytes(whole))


def test_packed_by_another_method_or_locked(files: Files) -> None:
    to = io.BytesIO()
    with zipfile.ZipFile(to, "w", zipfile.ZIP_BZIP2) as archive:
        for name, some in files.items():
            archive.writestr(name, some)
    refused(to.getvalue())
    whole = bytearray(packed(files))
    at = whole.index(b"PK\x01\x02")
    whole[at + 8] |= 1
    refused(bytes(whole))


@pytest.mark.parametrize(
    ("kind", "field", "value"),
    [
        ("classrooms", "name", ""),
        ("classrooms", "name", None),
        ("classrooms", "name", "x" * 81),
        ("classrooms", "name", {"a": 1}),
        ("classrooms", "public_id", "../x"),
        ("classrooms", "door_from", 5),
        ("classrooms", "archived_at", "1999-12-31T23:59:59Z"),
        ("classrooms", "created_at", "2126-01-01T00:00:00Z"),
        ("classrooms", "created_at", "0001-01-01T00:00:00+14:00"),
        ("classrooms", "created_at", "0001-01-01T00:00:00Z"),
        ("classrooms", "created_at", "9999-12-31T23:59:59-14:00"),
        ("classrooms", "created_at", "2026-01-01T00:00:00"),
        ("classrooms", "created_at", "yesterday"),
        ("classrooms", "created_at", 12),
        ("classrooms", "shared_devices", "yes"),
        ("classrooms", "colour", "<script>"),
        ("students", "given_name", None),
        ("students", "given_name", "a@b.example"),
        ("students", "given_name", "x" * 81),
        ("students", "family_name", ["x"]),
        ("students", "public_id", None),
        ("enrollments", "avatar", "../../x"),
        ("enrollments", "balance", 3),
        ("enrollments", "balance", True),
        ("enrollments", "goal", 0),
        ("enrollments", "goal", 10**30),
        ("enrollments", "student", "aaaaaaaaaaaaaaaa"),
        ("enrollments", "classroom", "aaaaaaaaaaaaaaaa"),
        ("actions", "value", 0),
        ("actions", "value", 11),
        ("actions", "value", 1.5),
        ("actions", "icon", "skull"),
        ("actions", "label", "x" * 41),
        ("actions", "classroom", "aaaaaaaaaaaaaaaa"),
        ("point-awards", "whom", "nobody"),
        ("point-awards", "action", "aaaaaaaaaaaaaaaa"),
        ("point-entries", "value", 100),
        ("point-entries", "student", "aaaaaaaaaaaaaaaa"),
        ("point-entries", "action", "aaaaaaaaaaaaaaaa"),
        ("point-entries", "award", "aaaaaaaaaaaaaaaa"),
        ("point-entries", "undoes", "n-000000000000"),
        ("point-entries", "number", None),
        ("point-entries", "comment", "x" * 201),
        ("point-entries", "awarded_at", "2126-01-01T00:00:00Z"),
    ],
)
def test_a_value_that_is_none(files: Files, kind: str, field: str, value: Any) -> None:
    def change(rows: list[dict[str, Any]]) -> None:
        assert field in rows[0]
        rows[0][field] = value

    refused(changed(files, kind, change))


@pytest.mark.parametrize("text", ["\ud800", "a\x00b\ud800"])
def test_letters_that_are_half_ones_do_not_stay(files: Files, text: str) -> None:
    def change(rows: list[dict[str, Any]]) -> None:
        rows[0]["name"] = f"Fine {text}"

    with archive_of(changed(files, "classrooms", change)) as archive:
        names = [row["name"] for row in look_through(archive, Most()).rooms.values()]
    assert all(each.encode() for each in names)


def test_everything_wrong_is_said_at_once_and_no_more_than_can_be_read(files: Files) -> None:
    def two(rows: list[dict[str, Any]]) -> None:
        for row in rows:
            row["given_name"] = ""

    assert len(refused(changed(files, "students", two))) == 2

    def many(rows: list[dict[str, Any]]) -> None:
        rows *= 50

    assert len(refused(changed(files, "point-entries", many))) <= MOST_TOLD


def test_the_same_twice_and_circles(files: Files) -> None:
    refused(changed(files, "students", lambda rows: rows.append(rows[0])))
    refused(changed(files, "enrollments", lambda rows: rows.append(rows[0])))

    def follows_itself(rows: list[dict[str, Any]]) -> None:
        rows[0]["follows"] = rows[0]["public_id"]

    refused(changed(files, "classrooms", follows_itself))


def test_taken_back_twice_or_as_another_value(files: Files) -> None:
    def undo(*values: int) -> Callable[[list[dict[str, Any]]], None]:
        def change(rows: list[dict[str, Any]]) -> None:
            first = rows[0]
            rows += [
                {**first, "number": f"n-{number}", "undoes": first["number"], "value": value}
                for number, value in enumerate(values)
            ]

        return change

    for values in ((-2, -2), (-3,), (2,)):
        refused(changed(files, "point-entries", undo(*values)))


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"{}",
        b"[",
        b"[1]",
        b"[[]]",
        b"[{}",
        b"[{} {}]",
        b"[{},]",
        b"[{}]x",
        b'[{"a": \xff}]',
        b'[{"a":' + b"[" * 60_000,
        b'[{"a":"' + b"x" * (LONGEST_ROW + 10) + b'"}]',
        b'[{"a": ' + b"9" * 6_000 + b"}]",
    ],
)
def test_lists_that_are_none(text: bytes) -> None:
    with pytest.raises(NoList):
        list(rows_in(io.BytesIO(text).read))


@pytest.mark.parametrize("step", [1, 2, 3, 7, 64])
def test_a_list_is_read_however_few_bytes_come_at_a_time(step: int) -> None:
    rows = [{"name": "Zoë “x” 🎉", "of": {"a": [1, None]}}, {}, {"b": "]},{["}]
    stream = io.BytesIO(json.dumps(rows, ensure_ascii=False, indent=1).encode())
    assert list(rows_in(lambda _size: stream.read(step))) == rows


def test_more_than_may_come_at_once(files: Files) -> None:
    for most in (Most(rows=5), Most(students=1)):
        with pytest.raises(Unusable), archive_of(packed(files)) as archive:
            look_through(archive, most)
