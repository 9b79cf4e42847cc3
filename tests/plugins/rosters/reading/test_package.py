import contextlib
import io
import os
import signal
import stat
import tracemalloc
import zipfile
import zlib
from pathlib import Path
from random import Random

import pytest

from plugins.rosters.reading.oneroster import read_set
from plugins.rosters.reading.package import PACKAGE, Limits, PackageRefused, open_package
from plugins.rosters.reading.report import Report
from tests.plugins.rosters.reading.sets import ITERATORS, a_set, read, zip_of

RIGHT = read(a_set()).records
LOCAL_SIZE, CENTRAL_METHOD, CENTRAL_PACKED, CENTRAL_SIZE = 22, 10, 20, 24


def packed(*members: zipfile.ZipInfo | str, content: bytes = b"x", method: int = zipfile.ZIP_STORED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as made:
        for member in members:
            made.writestr(member, content)
    return buffer.getvalue()


def refusal(packed: bytes, *, limits: Limits | None = None) -> str:
    with pytest.raises(PackageRefused) as refused:
        open_package(packed, Report(), limits=limits)
    assert refused.value.remedy
    return refused.value.sentence


def laid_out(folder: Path) -> Path:
    for name, content in a_set().items():
        (folder / name).write_bytes(content)
    return folder


@pytest.fixture
def right(tmp_path: Path) -> Path:
    return laid_out(tmp_path)


def read_path(path: Path) -> tuple[Report, dict[str, list[object]]]:
    report = Report()
    with open_package(path, report) as package:
        found = read_set(package, report)
        return report, {name: list(getattr(found, name)()) for name in ITERATORS}


def test_a_folder_a_zip_and_a_stream_are_read_alike(right: Path) -> None:
    zipped = right / "set.zip"
    zipped.write_bytes(zip_of(a_set()))
    for source in (zip_of(a_set()), io.BytesIO(zip_of(a_set())), zipped):
        report = Report()
        with open_package(source, report) as package:
            assert package.names == set(a_set())
            assert list(read_set(package, report).users()) == RIGHT["users"]
    zipped.unlink()
    report, records = read_path(right)
    assert report.problems == []
    assert records == RIGHT


@pytest.mark.parametrize(
    "name",
    [
        *("../users.csv", "/users.csv", "a/../users.csv", "..", "./users.csv", "C:users.csv", "a\\users.csv"),
        *("//users.csv", "a//users.csv", "users\n.csv", "..\\users.csv"),
    ],
)
def test_a_name_that_leads_out_is_refused(name: str) -> None:
    assert "leads out" in refusal(packed(zipfile.ZipInfo(name)))


def test_a_name_with_a_zero_byte_is_refused() -> None:
    assert "leads out" in refusal(packed("usersX.csv").replace(b"usersX.csv", b"users\0.csv"))


@pytest.mark.parametrize(
    "names", [("a/b/users.csv",), ("a/users.csv", "b/orgs.csv"), ("a/users.csv", "orgs.csv")]
)
def test_folders_are_refused(names: tuple[str, ...]) -> None:
    assert "folders" in refusal(packed(*names))


def test_one_folder_around_everything_is_taken_with_a_warning() -> None:
    contents = {"export/": b"", **{f"export/{name}": content for name, content in a_set().items()}}
    found = read(contents)
    assert found.only_warning.file == PACKAGE
    assert "not the folder" in found.only_warning.remedy
    assert found.records == RIGHT


def test_what_finder_and_explorer_add_is_passed_over() -> None:
    litter = ("__MACOSX/._users.csv", "__MACOSX/export/._x", ".DS_Store", "Thumbs.db", "._orgs.csv")
    found = read(a_set() | dict.fromkeys(litter, b"x"))
    assert found.report.problems == []
    assert found.records == RIGHT


def test_an_encrypted_zip_is_refused() -> None:
    content = bytearray(packed("users.csv"))
    content[content.index(b"PK\x01\x02") + 8] |= 1
    assert "encrypted" in refusal(bytes(content))


def test_another_way_of_packing_is_refused() -> None:
    assert "method" in refusal(packed("users.csv", method=zipfile.ZIP_LZMA))


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFIFO, stat.S_IFCHR])
def test_links_in_a_zip_are_refused(kind: int) -> None:
    info = zipfile.ZipInfo("users.csv")
    info.external_attr = (kind | 0o644) << 16
    assert "links" in refusal(packed(info, content=b"/etc/passwd"))


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_name_twice_is_refused() -> None:
    assert "same name" in refusal(packed("users.csv", "users.csv"))


def test_too_many_members_are_refused_before_they_are_listed() -> None:
    many = packed(*(f"{n}.csv" for n in range(65)))
    assert "more than 64" in refusal(many)
    assert "more than 64" in refusal(b"PK\x01\x02" * 65)


@pytest.mark.parametrize(
    "content",
    [b"", b"users", b"PK\x05\x06", b"\x1f\x8b" + b"x" * 100, packed("a.csv")[:-30]],
    # Of their own: a zip holds the time at which it was packed, and would be called otherwise every second.
    ids=("nothing", "text", "end", "gzip", "cut short"),
)
def test_what_is_no_zip_is_refused(content: bytes) -> None:
    assert "no zip" in refusal(content)


def test_an_empty_zip_is_refused() -> None:
    assert "empty" in refusal(packed())
    assert "empty" in refusal(packed("folder/"))


def test_a_damaged_member_is_told_with_its_file() -> None:
    content = bytearray(zip_of(a_set()))
    place = content.index(b"users.csv") + 200
    content[place : place + 4] = b"\xff\xff\xff\xff"
    error = read(bytes(content)).errors[0]
    assert (error.file, error.sentence) == ("users.csv", "The zip is damaged.")


def test_a_bomb_is_refused_by_what_comes_out_of_it() -> None:
    contents = a_set()
    contents["orgs.csv"] += b"\r\n" * (10 << 20)
    found = read(contents, limits=Limits(ratio=50))
    assert (found.only_error.file, found.only_error.sentence) == ("orgs.csv", "The set is too large.")
    assert "too large" in read(contents, limits=Limits(member_bytes=1 << 20)).only_error.sentence


def lying(content: bytes, name: str, offset: int, value: bytes) -> bytes:
    """A zip whose list of members says something else of one of them."""
    changed = bytearray(content)
    place = changed.rindex(name.encode()) - 46
    assert changed[place : place + 4] == b"PK\x01\x02"
    changed[place + offset : place + offset + len(value)] = value
    return bytes(changed)


def test_a_bomb_is_not_believed_that_it_is_packed_in_many_bytes() -> None:
    """Neither what the list of members says counts, nor what lies behind the packed bytes."""
    contents = a_set()
    contents["users.csv"] += b"\r\n" * (10 << 20)
    beside = zip_of(contents | {"zz.bin": Random(1).randbytes(1 << 20)})
    said = lying(beside, "users.csv", CENTRAL_PACKED, (0x7FFFFFFF).to_bytes(4, "little"))
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    short = packer.compress(contents["users.csv"]) + packer.flush()
    behind = packed("users.csv", content=short + Random(1).randbytes(1 << 20))
    method = zipfile.ZIP_DEFLATED.to_bytes(2, "little")
    behind = lying(behind, "users.csv", CENTRAL_METHOD, method)
    behind = lying(behind, "users.csv", CENTRAL_SIZE, len(contents["users.csv"]).to_bytes(4, "little"))
    for content in (said, behind):
        with open_package(content, Report(), limits=Limits(ratio=50)) as package:
            with pytest.raises(PackageRefused, match="too large"), package.open("users.csv") as stream:
                while stream.read(1 << 16):
                    pass
            assert package._read["users.csv"] < 8 << 20


def test_a_member_that_packs_well_is_taken_while_it_keeps_to_the_ratio() -> None:
    contents = a_set() | {"zz.bin": Random(1).randbytes(4 << 20) + bytes(4 << 20)}
    limits = Limits(ratio=2)
    with open_package(zip_of(contents), Report(), limits=limits) as package, package.open("zz.bin") as stream:
        assert stream.read() == contents["zz.bin"]


@pytest.mark.parametrize("line", [b"\r\n", b"," * 17 + b"\r\n"])
def test_empty_lines_are_passed_over_up_to_a_number(line: bytes) -> None:
    contents = a_set()
    heading, _, rest = contents["users.csv"].partition(b"\r\n")
    contents["users.csv"] = heading + b"\r\n" + line * 1000 + rest
    assert len(read(contents, limits=Limits(empty_lines=1000)).records["users"]) == len(RIGHT["users"])
    error = read(contents, limits=Limits(empty_lines=999)).only_error
    assert (error.file, error.sentence) == ("users.csv", "There are more than 999 empty lines.")


def test_the_sum_of_all_counts() -> None:
    contents = a_set()
    for name in ("orgs.csv", "users.csv"):
        contents[name] += b"\r\n" * (1 << 20)
    assert "too large" in refusal(zip_of(contents), limits=Limits(total_bytes=3 << 20))
    # Also where the headers say otherwise.
    lying = bytearray(zip_of(contents))
    for name in ("orgs.csv", "users.csv"):
        place = lying.rindex(name.encode()) - 46
        assert lying[place : place + 4] == b"PK\x01\x02"
        lying[place + CENTRAL_SIZE : place + CENTRAL_SIZE + 4] = (10).to_bytes(4, "little")
    assert {each.file for each in read(bytes(lying), limits=Limits(total_bytes=3 << 20)).errors} == {
        "orgs.csv",
        "users.csv",
    }


def test_memory_does_not_grow_with_what_a_bomb_unpacks() -> None:
    bomb = zip_of(a_set() | {"users.csv": b"x" * (64 << 20)})
    tracemalloc.start()
    try:
        found = read(bomb)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert found.errors
    assert peak < 16 << 20


def test_there_is_nothing_there(tmp_path: Path) -> None:
    with pytest.raises(PackageRefused, match="no such folder"):
        open_package(tmp_path / "nothing", Report())


def test_links_in_a_folder_are_refused(right: Path) -> None:
    (right / "users.csv").unlink()
    (right / "users.csv").symlink_to("/etc/passwd")
    with pytest.raises(PackageRefused, match="links"):
        open_package(right, Report())


def test_pipes_in_a_folder_are_refused(right: Path) -> None:
    os.mkfifo(right / "results.csv")
    with pytest.raises(PackageRefused, match="links or devices"):
        open_package(right, Report())


def test_a_file_that_becomes_a_link_meanwhile_is_not_followed(right: Path) -> None:
    report = Report()
    with open_package(right, report) as package:
        (right / "users.csv").unlink()
        (right / "users.csv").symlink_to("/etc/passwd")
        found = read_set(package, report)
        assert list(found.users()) == []
    assert report.stops


def test_not_even_a_link_to_a_good_file_is_followed(
    right: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere") / "users.csv"
    report = Report()
    with open_package(right, report) as package:
        (right / "users.csv").rename(elsewhere)
        (right / "users.csv").symlink_to(elsewhere)
        assert list(read_set(package, report).users()) == []
    assert {each.file for each in report.problems} == {"users.csv"}


def test_a_file_that_becomes_a_pipe_meanwhile_is_not_waited_for(right: Path) -> None:
    """Nobody ever writes into it."""

    def too_long(*_arguments: object) -> None:
        raise AssertionError("Reading waits for a pipe.")

    report = Report()
    with open_package(right, report) as package:
        (right / "users.csv").unlink()
        os.mkfifo(right / "users.csv")
        before = signal.signal(signal.SIGALRM, too_long)
        signal.alarm(5)
        try:
            assert list(read_set(package, report).users()) == []
        finally:
            signal.alarm(0)
            signal.signal(signal.SIGALRM, before)
    assert {each.file for each in report.problems} == {"users.csv"}


def test_a_file_that_goes_while_it_is_read_is_told(right: Path) -> None:
    report = Report()
    with open_package(right, report) as package:
        found = read_set(package, report)
        (right / "users.csv").write_bytes(b"\xff" + (right / "users.csv").read_bytes())
        assert list(found.users()) == []
        (right / "orgs.csv").unlink()
        assert list(found.orgs()) == []
    assert {each.file for each in report.problems} == {"users.csv", "orgs.csv"}


def test_a_folder_in_a_folder_is_refused(right: Path) -> None:
    (right / "more").mkdir()
    with pytest.raises(PackageRefused, match="folders"):
        open_package(right, Report())


def test_a_folder_around_the_files_is_taken_with_a_warning(tmp_path: Path) -> None:
    (tmp_path / "export").mkdir()
    laid_out(tmp_path / "export")
    report, records = read_path(tmp_path)
    assert [each.file for each in report.problems] == [PACKAGE]
    assert records == RIGHT


def test_too_many_files_in_a_folder(right: Path) -> None:
    for number in range(65):
        (right / f"{number}.csv").touch()
    with pytest.raises(PackageRefused, match="more than 64"):
        open_package(right, Report())


def test_too_much_in_a_folder(right: Path) -> None:
    with pytest.raises(PackageRefused, match="too large"):
        open_package(right, Report(), limits=Limits(total_bytes=1000))


def test_a_zip_with_some_bytes_changed_is_read_or_refused() -> None:
    whole = zip_of(a_set())
    random = Random(7)
    for _ in range(300):
        changed = bytearray(whole)
        for _ in range(random.randrange(1, 4)):
            changed[random.randrange(len(changed))] = random.randrange(256)
        with contextlib.suppress(PackageRefused):
            read(bytes(changed))
