import io
from pathlib import Path
from subprocess import run
from sys import executable

from plugins.rosters.reading.oneroster import read_set
from plugins.rosters.reading.package import open_package
from plugins.rosters.reading.report import Report
from tests.factories.oneroster import Shape, write_folder, zipped

SHAPE = Shape(students=500, schools=3, parents=20, administrators=2, seed=9)


def test_the_same_seed_makes_the_same_bytes() -> None:
    assert zipped(SHAPE) == zipped(SHAPE)
    assert zipped(SHAPE) != zipped(Shape(students=500, schools=3, parents=20, administrators=2, seed=10))


def test_a_set_is_as_large_as_said_and_fits_together(tmp_path: Path) -> None:
    report = Report()
    with open_package(write_folder(SHAPE, tmp_path / "set"), report) as package:
        found = read_set(package, report)
        orgs = {each.source_id: each for each in found.orgs()}
        sessions = {each.source_id for each in found.sessions()}
        courses = {each.source_id: each for each in found.courses()}
        classes = {each.source_id: each for each in found.classes()}
        users = {each.source_id: each for each in found.users()}
        enrollments = list(found.enrollments())
    assert report.problems == []
    assert (len(orgs), len(classes), len(enrollments)) == (4, SHAPE.classes, SHAPE.enrollments)
    assert len(users) == 500 + 20 + 2 + SHAPE.teachers
    assert all(each.course in courses and each.school in orgs for each in classes.values())
    assert all(set(each.terms) <= sessions for each in classes.values())
    assert all(set(each.orgs) <= set(orgs) and set(each.agents) <= set(users) for each in users.values())
    for each in enrollments:
        room, user = classes[each.class_], users[each.user]
        assert room.school == each.school
        assert user.orgs == (each.school,)
        assert user.role == each.role
    pairs = {(each.class_, each.user) for each in enrollments}
    assert len(pairs) == len(enrollments) == len({each.source_id for each in enrollments})


def test_the_command_writes_folders_and_zips(tmp_path: Path) -> None:
    for target in (tmp_path / "set", tmp_path / "set.zip"):
        command = [executable, "-m", "tests.factories.oneroster", "--students", "30", "--out", str(target)]
        assert "30 students" in run(command, check=True, capture_output=True, text=True).stdout
        report = Report()
        source = target if target.is_dir() else io.BytesIO(target.read_bytes())
        with open_package(source, report) as package:
            assert len(list(read_set(package, report).users())) == 30 + 1 + 1
