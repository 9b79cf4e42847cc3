"""The roster of an export is one that the reader of rosters takes."""

from pathlib import Path

import pytest

from plugins.rosters.reading.oneroster import TABLES, read_set
from plugins.rosters.reading.package import open_package
from plugins.rosters.reading.report import Report
from tests.factories.world import World
from tests.plugins.exports.content.conftest import Scopes, opened


@pytest.mark.parametrize("which", ["school", "district", "classroom"])
def test_it_can_be_read_back(world: World, scopes: Scopes, tmp_path: Path, which: str) -> None:
    made = opened(scopes[which])
    for name, text in made.files.items():
        if name.startswith("rosters/"):
            (tmp_path / name.removeprefix("rosters/")).write_text(text, "utf-8", newline="")
    report = Report()
    with open_package(tmp_path, report) as package:
        found = read_set(package, report)
        orgs, classes = list(found.orgs()), list(found.classes())
        users, seats = list(found.users()), list(found.enrollments())
        sessions, courses = list(found.sessions()), list(found.courses())
    assert report.problems == []
    assert found.absent == frozenset()
    rooms = {
        "school": [world.own_class, world.colleague_class],
        "district": [world.own_class, world.colleague_class, world.elsewhere_class],
        "classroom": [world.own_class],
    }[which]
    children = [child for room in rooms for child in room.children]
    assert {each.title for each in classes} == {room.name for room in rooms}
    pupils = {(each.given, each.family) for each in users if each.role == "student"}
    assert pupils == {(child.given, child.family) for child in children}
    in_class = {(each.class_, each.user) for each in seats if each.role == "student"}
    assert in_class == {(room.public_id, child.public_id) for room in rooms for child in room.children}
    teachers = {each.email for each in users if each.role == "teacher"}
    assert teachers == ({None} if which == "classroom" else _mails(world, which))
    owners = {each.user for each in seats if each.role == "teacher" and each.primary}
    assert world.people["teacher"].public_id in owners
    assert world.people["co_teacher"].public_id not in owners
    known = {each.source_id for some in (orgs, classes, users, sessions, courses) for each in some}
    named = {each.class_ for each in seats} | {each.user for each in seats} | {each.school for each in seats}
    named |= {org for each in users for org in each.orgs} | {term for each in classes for term in each.terms}
    named |= {each.course for each in classes if each.course} | {each.org for each in courses}
    assert named | {each.parent for each in orgs if each.parent} <= known


def _mails(world: World, which: str) -> set[str]:
    roles = ["teacher", "colleague", "co_teacher", *(["elsewhere"] if which == "district" else [])]
    return {world.people[role].email for role in roles}


def test_its_columns_are_those_of_the_format(scopes: Scopes) -> None:
    made = opened(scopes["school"])
    for table in TABLES:
        heading = made.files[f"rosters/{table.file}"].splitlines()[0].split(",")
        assert heading == [column.name for column in table.columns]


@pytest.mark.parametrize("which", ["student", "family", "teacher", "parent"])
def test_a_person_has_no_roster(scopes: Scopes, which: str) -> None:
    assert not [name for name in opened(scopes[which]).files if name.startswith("rosters/")]
