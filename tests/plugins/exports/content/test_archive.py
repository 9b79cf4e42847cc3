"""What is in a zip, what is not, and how it is written."""

import csv
import io
import json
import re
import zipfile
from collections.abc import Iterator
from datetime import datetime, timedelta
from hashlib import sha256
from html.parser import HTMLParser
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import delete, event, func, insert, select, update

from backoffice import clock
from backoffice.access.transaction import transaction
from backoffice.families.models import GuardianLink, GuardianStatus
from backoffice.privacy.holdings import Subject
from backoffice.schools.models import Classroom, Enrollment, PointEntry, Student
from backoffice.spreadsheets.csv_files import FORMULA, unguarded
from backoffice.storage.batches import BATCH
from backoffice.storage.database import current
from backoffice.storage.public_id import new_public_id
from backoffice.storage.roles import DatabaseRole
from backoffice.students.worries.models import GoesTo
from plugins.exports.content import NothingThere, Scope, page, roster, workbook, write_archive
from plugins.exports.content.page import SMALL
from tests.factories import world as factory
from tests.factories.world import SYSTEM, Child, Class, World
from tests.plugins.exports.content.conftest import Scopes, WriteOnly, opened

HOSTILE = "<script>alert(1)</script>\"'&"


def of_child(child: Child) -> set[str]:
    """What only this child is called by."""
    return {child.public_id, child.given, *filter(None, [child.family, child.username])}


def of_room(room: Class) -> set[str]:
    return {room.public_id, room.name, f"Worry of the {room.name}", f"Request about {room.name}"}


def seat(child: Child, room: Class) -> None:
    """A place in one more class."""
    with transaction(SYSTEM) as tx:
        place = {"school_id": room.school_id, "classroom_id": room.id, "student_id": child.id}
        tx.execute(insert(Enrollment).values(**place, avatar="owl-plum", balance=0, joined_at=clock.now()))


@pytest.fixture
def in_two_classes(world: World) -> Iterator[Child]:
    child = world.own_class.children[0]
    seat(child, world.colleague_class)
    yield child
    with transaction(SYSTEM) as tx:
        seats = delete(Enrollment).where(
            Enrollment.student_id == child.id, Enrollment.classroom_id == world.colleague_class.id
        )
        tx.execute(seats)


def test_a_student_has_all_of_its_own(world: World, scopes: Scopes) -> None:
    made = opened(scopes["student"])
    child = world.own_class.children[0]
    assert {child.given, child.family} <= {
        *made.rows("students")[0].values(),
    }
    for text in (
        f"Comment about {child.family}",
        f"Former {child.given}",
        f"Worry of the {world.own_class.name}",
        f"Request about {world.own_class.name}",
        f"Praise of the {world.own_class.name}",
    ):
        assert text in made.everything
    entry = made.rows("point-entries")[0]
    assert entry["student"] == child.public_id
    assert entry["classroom"] == world.own_class.public_id
    assert entry["awarded_by"] == world.people["teacher"].public_id
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT[\d:.]+Z", entry["awarded_at"])


def test_a_student_of_two_classes_brings_nobody_along(world: World, in_two_classes: Child) -> None:
    made = opened(Scope(Subject.STUDENT, in_two_classes.id, in_two_classes.public_id))
    assert {row["classroom"] for row in made.rows("enrollments")} == {
        world.own_class.public_id,
        world.colleague_class.public_id,
    }
    others = [
        child
        for room in (world.own_class, world.colleague_class, world.elsewhere_class, world.foreign_class)
        for child in room.children
        if child.id != in_two_classes.id
    ]
    there = {text for child in others for text in of_child(child) if text in made.everything}
    assert there == set()


def test_a_class_has_the_name_of_a_shared_child_and_nothing_of_its_other_class(
    world: World, in_two_classes: Child
) -> None:
    room = world.colleague_class
    made = opened(Scope(Subject.CLASSROOM, room.id, room.public_id))
    shared = next(row for row in made.rows("students") if row["public_id"] == in_two_classes.public_id)
    assert (shared["given_name"], shared["created_at"]) == (in_two_classes.given, None)
    assert {row["classroom"] for row in made.rows("point-entries")} == {room.public_id}
    for text in (world.own_class.name, f"Comment about {in_two_classes.family}", f"Former {shared}"):
        assert text not in made.everything
    assert "Pia Parent" not in made.everything


def test_a_school_has_nothing_of_another(world: World, scopes: Scopes) -> None:
    made = opened(scopes["school"])
    for room in (world.own_class, world.colleague_class):
        assert room.name in made.everything
        assert all(child.public_id in made.everything for child in room.children)
    for room in (world.elsewhere_class, world.foreign_class):
        foreign = {*of_room(room), *(text for child in room.children for text in of_child(child))}
        assert {text for text in foreign if text in made.everything} == set()
    for school in (world.elsewhere, world.outside):
        assert school.name not in made.everything
        assert school.public_id not in made.everything
    for role in ("elsewhere", "outsider", "foreign_parent"):
        assert world.people[role].email not in made.everything
        assert world.people[role].name not in made.everything


def test_a_district_has_its_schools_and_no_other(world: World, scopes: Scopes) -> None:
    made = opened(scopes["district"])
    assert {row["name"] for row in made.rows("schools")} == {world.home.name, world.elsewhere.name}
    assert world.outside.name not in made.everything


def test_what_is_the_peoples_own_stays_out_of_a_school(world: World, scopes: Scopes) -> None:
    made = opened(scopes["school"])
    assert not {"account-sessions", "account-passwords", "account-passkeys"} & made.manifest.counts.keys()
    assert {row["email"] for row in made.rows("accounts")} >= {world.people["teacher"].email}
    assert {row["last_active_at"] for row in made.rows("accounts")} == {None}


def test_an_account_is_its_own_and_gives_no_child_away(world: World, scopes: Scopes) -> None:
    made = opened(scopes["parent"])
    parent, child = world.people["parent"], world.own_class.children[0]
    assert made.rows("accounts")[0]["email"] == parent.email
    assert made.rows("guardian-links")[0]["student"] == child.public_id
    assert not {child.given, child.family} & {*re.findall(r"\w+", made.everything)}
    assert world.people["teacher"].email not in made.everything


def test_a_teacher_alone_takes_the_classes_along(world: World) -> None:
    outsider, room = world.people["outsider"], world.foreign_class
    whole = opened(Scope(Subject.ACCOUNT, outsider.id, outsider.public_id))
    assert room.children[0].given not in whole.everything
    with transaction(SYSTEM) as tx:
        factory.make_personal(tx, world.outside.id, outsider)
    whole = opened(Scope(Subject.ACCOUNT, outsider.id, outsider.public_id))
    assert {row["public_id"] for row in whole.rows("students")} == {each.public_id for each in room.children}


@pytest.fixture
def two_parents(world: World) -> Iterator[factory.Person]:
    """The other parent of the own class's first child."""
    child, other = world.own_class.children[0], world.people["foreign_parent"]
    link = {"school_id": world.home.id, "student_id": child.id, "account_id": other.id, "name": other.name}
    told = {"status": GuardianStatus.APPROVED, "created_at": clock.now()}
    with transaction(SYSTEM) as tx:
        made = insert(GuardianLink).values(public_id=new_public_id(), **link, **told)
        number = tx.scalar(made.returning(GuardianLink.id))
    yield other
    with transaction(SYSTEM) as tx:
        tx.execute(delete(GuardianLink).where(GuardianLink.id == number))


def test_a_family_reads_nothing_of_others_and_nothing_for_the_staff(
    world: World, scopes: Scopes, two_parents: factory.Person
) -> None:
    child, parent, other = world.own_class.children[0], world.people["parent"], two_parents
    assert other.name in opened(scopes["student"]).everything
    own = opened(scopes["family"], world.sign_in("parent"))
    for made in (opened(scopes["family"]), own):
        assert made.rows("students")[0]["given_name"] == child.given
        assert made.rows("point-entries")[0]["value"] == 2
        for text in (
            *(other.name, other.email, other.public_id, "Gwen Guardian", world.letter),
            f"Comment about {child.family}",
            f"Worry of the {world.own_class.name}",
            f"Former {child.given}",
        ):
            assert text not in made.everything
    assert {row["name"] for row in own.rows("guardian-links")} == {parent.name}
    assert f"Request about {world.own_class.name}" in own.everything


def test_what_a_child_told_past_its_teacher_is_in_no_export(world: World, scopes: Scopes) -> None:
    room = Class(**{**vars(world.own_class), "name": "somebody above"})
    with transaction(SYSTEM) as tx:
        factory.worry(tx, room, GoesTo.LEADER)
    for which, scope in scopes.items():
        assert "Worry of the somebody above" not in opened(scope).everything, which
    assert ("worries", "What a child told past its own teacher stays with whoever it was told to.") in (
        opened(scopes["classroom"]).manifest.left_out
    )


def test_no_secret_is_in_any_file(world: World, scopes: Scopes) -> None:
    child = world.own_class.children[0]
    factory.give_pin(child, "4711")
    with transaction(SYSTEM) as tx:
        hashed = tx.scalar(select(Student.pin_hash).where(Student.id == child.id))
        tokens = tx.scalar(select(Student.name_tokens).where(Student.id == child.id))
    assert hashed is not None
    assert tokens
    for scope in scopes.values():
        made = opened(scope)
        for secret in (hashed, world.card, world.own_class.code, world.letter, tokens[0].hex()):
            assert secret not in made.everything
        assert "Court file" not in made.everything


def test_whoever_asks_gets_what_they_may_read(world: World, scopes: Scopes) -> None:
    teacher = opened(scopes["classroom"], world.sign_in("teacher"))
    assert teacher.rows("point-entries")[0]["comment"].startswith("Comment about")
    assert {row["given_name"] for row in teacher.rows("students")} == {
        child.given for child in world.own_class.children
    }
    for who in ("colleague", "outsider", "foreign_parent", "elsewhere"):
        with pytest.raises(NothingThere):
            opened(scopes["classroom"], world.sign_in(who))
    # A parent may see what the class is called, and has no more of it than that and their child.
    parent, other = opened(scopes["classroom"], world.sign_in("parent")), world.own_class.children[1]
    assert not [text for text in of_child(other) if text in parent.everything]
    # A teacher of one class who asks for the school has that class.
    school = opened(scopes["school"], world.sign_in("teacher"))
    assert {row["public_id"] for row in school.rows("classrooms")} == {world.own_class.public_id}
    assert world.colleague_class.children[0].given not in school.everything
    whole = opened(scopes["district"], world.sign_in("leader"))
    assert len(whole.rows("schools")) == 2
    own = opened(scopes["teacher"], world.sign_in("teacher"))
    assert own.rows("accounts")[0]["email"] == world.people["teacher"].email


def test_what_is_gone_is_no_export(runtime: object) -> None:
    del runtime
    with transaction(SYSTEM) as tx, pytest.raises(NothingThere):
        write_archive(tx, Scope(Subject.STUDENT, 2**40, "x"), io.BytesIO())


def test_manifest_and_files_agree(world: World, scopes: Scopes) -> None:
    made = opened(scopes["school"])
    with zipfile.ZipFile(io.BytesIO(made.packed)) as found:
        names = found.namelist()
        assert {name: sha256(found.read(name)).hexdigest() for name in names[:-1]} == made.manifest.files
        said = json.loads(found.read("manifest.json"))
        assert all(name.isascii() and ".." not in name and not name.startswith("/") for name in names)
    assert names[-2:] == ["index.html", "manifest.json"]
    assert (said["format"], said["version"], said["scope"]["kind"]) == ("classroom-export", 1, "school")
    assert said["counts"] == made.manifest.counts
    assert said["rows"] == made.manifest.rows == sum(made.manifest.counts.values())
    assert [(each["what"], each["why"]) for each in said["left_out"]] == made.manifest.left_out
    for kind, count in made.manifest.counts.items():
        rows = made.rows(kind)
        lines = list(csv.reader(io.StringIO(made.files[f"data/{kind}.csv"])))
        assert len(rows) == len(lines) - 1 == count
        assert lines[0] == list(rows[0])
    personal = {text.lower() for child in world.own_class.children for text in of_child(child)}
    assert not [name for name in names if any(text in name for text in personal)]
    assert names == list(opened(scopes["school"]).files)


@pytest.mark.parametrize("begin", FORMULA)
def test_formulas_are_guarded(world: World, scopes: Scopes, begin: str) -> None:
    hostile = f"{begin}HYPERLINK(1)"
    with transaction(SYSTEM) as tx:
        tx.execute(update(Classroom).where(Classroom.id == world.own_class.id).values(name=hostile))
    try:
        made = opened(scopes["school"])
    finally:
        with transaction(SYSTEM) as tx:
            own = update(Classroom).where(Classroom.id == world.own_class.id)
            tx.execute(own.values(name=world.own_class.name))
    cells = [
        cell
        for name, text in made.files.items()
        if name.endswith(".csv")
        for line in csv.reader(io.StringIO(text, newline=""))
        for cell in line
        if "HYPERLINK" in cell
    ]
    assert {name for name in made.files if "HYPERLINK" in made.files[name]} >= {
        "data/classrooms.csv",
        "rosters/classes.csv",
    }
    assert {unguarded(cell) for cell in cells} == {hostile}
    assert all(cell.startswith("'") for cell in cells)
    assert hostile in {row["name"] for row in made.rows("classrooms")}


class Parsed(HTMLParser):
    """Tags and texts of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, Any]]] = []
        self.texts: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def test_a_hostile_name_is_text_on_the_page(world: World, scopes: Scopes) -> None:
    child = world.own_class.children[0]
    with transaction(SYSTEM) as tx:
        tx.execute(update(Student).where(Student.id == child.id).values(given_name=HOSTILE))
    try:
        made = opened(scopes["student"])
    finally:
        with transaction(SYSTEM) as tx:
            tx.execute(update(Student).where(Student.id == child.id).values(given_name=child.given))
    page = Parsed()
    page.feed(made.files["index.html"])
    assert not {"script", "link", "img", "iframe"} & {tag for tag, _given in page.tags}
    assert not [given for _tag, given in page.tags if any(name.startswith("on") for name in given)]
    assert HOSTILE in page.texts
    assert f"{HOSTILE} {child.family}" in page.texts
    links = {given["href"] for tag, given in page.tags if tag == "a"}
    marks = {f"#{given['id']}" for _tag, given in page.tags if "id" in given}
    assert {each for each in links if each.startswith("#")} <= marks
    assert {each for each in links if not each.startswith("#")} <= made.files.keys()


@pytest.fixture
def many(world: World) -> Iterator[int]:
    """More points than a page shows and come at once."""
    child, count = world.own_class.children[1], SMALL + 2 * BATCH
    with transaction(SYSTEM) as tx:
        found = select(PointEntry).where(PointEntry.student_id == child.id).limit(1)
        first = tx.scalars(found).one()
        of = {"school_id": first.school_id, "classroom_id": first.classroom_id, "action_id": first.action_id}
        before = clock.now() - timedelta(hours=1)
        # The later a row comes, the earlier it says that it was.
        moments = [before - timedelta(seconds=number) for number in range(count)]
        rows = [{**of, "student_id": child.id, "value": 2, "awarded_at": each} for each in moments]
        tx.execute(insert(PointEntry), rows)
    yield count + 1
    with transaction(SYSTEM) as tx:
        tx.execute(delete(PointEntry).where(PointEntry.student_id == child.id, PointEntry.id != first.id))


@pytest.mark.parametrize("subject", ["student", "school"])
def test_rows_come_in_the_order_of_their_key(world: World, many: int, subject: str) -> None:
    child, school = world.own_class.children[1], world.home
    scope = {
        "student": Scope(Subject.STUDENT, child.id, child.public_id),
        "school": Scope(Subject.SCHOOL, school.id, school.public_id),
    }[subject]
    entries = [row for row in opened(scope).rows("point-entries") if row["student"] == child.public_id]
    assert len(entries) == many
    with transaction(SYSTEM) as tx:
        found = select(PointEntry.awarded_at).where(PointEntry.student_id == child.id).order_by(PointEntry.id)
        wanted = [*tx.scalars(found)]
    assert [datetime.fromisoformat(row["awarded_at"]) for row in entries] == wanted
    assert {row["school"] for row in entries} == {school.public_id}
    assert {row["classroom"] for row in entries} == {world.own_class.public_id}


def test_rows_of_a_kind_may_take_longer_than_a_page_and_not_for_ever(world: World, scopes: Scopes) -> None:
    told = ("statement_timeout", "client_connection_check_interval")
    with transaction(world.sign_in("teacher")) as tx:
        write_archive(tx, scopes["student"], WriteOnly())  # type: ignore[arg-type]
        assert tx.execute(select(*map(func.current_setting, told))).one() == ("4h", "10s")


def test_rows_come_a_few_at_a_time(world: World, many: int) -> None:
    child = world.own_class.children[1]
    scope = Scope(Subject.STUDENT, child.id, child.public_id)
    streamed: list[bool] = []
    heard: list[int] = []

    def note(*given: Any) -> None:
        if "point_entry" in given[2] and "c0" in given[2]:
            streamed.append("streamed" in given[4].execution_options)

    engine = current().engine(DatabaseRole.SYSTEM)
    event.listen(engine, "after_cursor_execute", note)
    to = WriteOnly()
    try:
        with transaction(SYSTEM) as tx:
            made = write_archive(tx, scope, to, told=heard.append)  # type: ignore[arg-type]
    finally:
        event.remove(engine, "after_cursor_execute", note)
    assert streamed
    assert all(streamed)
    assert made.counts["point-entries"] == many
    steps = [after - before for before, after in zip([0, *heard], heard, strict=False)]
    assert max(steps) <= BATCH
    assert heard[-1] == made.rows
    with zipfile.ZipFile(io.BytesIO(bytes(to.written))) as found:
        page = found.read("index.html").decode()
        assert len(json.loads(found.read("data/point-entries.json"))) == many
    assert "These are too many for a page." in page


def test_whoever_hears_of_it_can_stop_it(scopes: Scopes) -> None:
    class Stopped(Exception):
        pass

    def stop(rows: int) -> None:
        raise Stopped

    with pytest.raises(Stopped), transaction(SYSTEM) as tx:
        write_archive(tx, scopes["school"], io.BytesIO(), told=stop)


@pytest.mark.parametrize("where", ["roster", "page", "workbook"])
def test_it_can_be_stopped_in_what_comes_behind_the_rows(
    scopes: Scopes, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    given_up: list[str] = []

    class Stopped(Exception):
        pass

    def stop(_rows: int) -> None:
        if given_up:
            raise Stopped

    def long(piece: Any) -> Any:
        given_up.append(where)
        for _ in range(20_000):
            yield piece
        raise AssertionError("It went on.")

    if where == "roster":
        monkeypatch.setattr(roster, "files", lambda *_of: [("users.csv", long((["x" * 50],)))])
    elif where == "page":
        monkeypatch.setattr(page, "written", lambda _page: long("x" * 50))
    else:
        packed = SimpleNamespace(read_range=lambda: long(b"x" * 50))
        monkeypatch.setattr(workbook, "SealedFile", lambda *_of: packed)
    with pytest.raises(Stopped), transaction(SYSTEM) as tx:
        write_archive(tx, scopes["school"], WriteOnly(), workbooks=True, told=stop)  # type: ignore[arg-type]


def test_a_row_that_two_ways_lead_to_is_there_once(world: World, scopes: Scopes) -> None:
    for which in ("classroom", "school", "district"):
        rows = opened(scopes[which]).rows("enrollments")
        assert len(rows) == len({(row["classroom"], row["student"]) for row in rows}), which


@pytest.mark.parametrize("which", ["student", "family", "school"])
def test_what_is_written_in_a_field_stands_beside_what_the_field_is_called(
    world: World, scopes: Scopes, which: str
) -> None:
    who = world.sign_in("parent") if which == "family" else SYSTEM
    found = opened(scopes[which], who)
    called = {each["public_id"]: each["name"] for each in found.rows("custom-fields")}
    (row,) = found.rows("student-values")
    field, value = f"Zanzibar bus of {world.home.name}", f"Wombat line of {world.own_class.name}"
    assert (row["value"], called[row["field"]]) == (value, field)
    assert all(words in found.files["index.html"] for words in (value, field))
    # Fields of classes are named where something is written about a class.
    assert (f"Quokka room of {world.home.name}" in called.values()) is (which == "school")
    assert "value_index" not in row
