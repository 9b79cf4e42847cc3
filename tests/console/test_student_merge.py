"""The page on which two students become one."""

from collections.abc import Iterator

import pytest
from flask.testing import FlaskClient
from sqlalchemy import delete, select

from backoffice.access.transaction import transaction
from backoffice.schools.models import Student
from backoffice.schools.services import rosters
from tests.factories.visitor import send
from tests.factories.world import SYSTEM, World


@pytest.fixture
def twins(client: FlaskClient, world: World) -> Iterator[tuple[str, str]]:
    """Two students of the teacher's who are one child; the teacher is signed in."""
    teacher = world.sign_in("teacher")
    rosters.add_students(
        principal=teacher,
        classroom=world.own_class.public_id,
        text="Katherine Johnson\nKate Johnson",
        answers={1: rosters.ANOTHER, 2: rosters.ANOTHER},
    )
    client.set_cookie("account", world.token("teacher"))
    with transaction(SYSTEM) as tx:
        rows = {row.given_name: row for row in tx.scalars(select(Student)) if row.family_name == "Johnson"}
    yield rows["Katherine"].public_id, rows["Kate"].public_id
    with transaction(SYSTEM) as tx:
        tx.execute(delete(Student).where(Student.id.in_([row.id for row in rows.values()])))


def test_the_other_is_chosen_both_are_looked_at_and_become_one(
    client: FlaskClient, twins: tuple[str, str]
) -> None:
    stays, goes = twins
    page = f"/console/students/{stays}/merge"
    assert page in client.get(f"/console/students/{stays}").text
    assert f'value="{goes}"' in client.get(page).text
    assert send(client, page, {}).status_code == 422
    looked = send(client, page, {"other": goes})
    assert (looked.status_code, "Kate Johnson goes into Katherine Johnson" in looked.text) == (200, True)
    assert "This cannot be undone." in looked.text
    seen = looked.text.split('name="seen"')[1].split('value="')[1].split('"')[0]
    unsure = send(client, page, {"other": goes, "seen": seen})
    assert (unsure.status_code, "Tick this if you are sure" in unsure.text) == (422, True)
    stale = send(client, page, {"other": goes, "seen": "0" * 32, "sure": "y"})
    assert (stale.status_code, "Look again" in stale.text) == (422, True)
    done = send(client, page, {"other": goes, "seen": seen, "sure": "y"})
    assert (done.status_code, done.location) == (303, f"/console/students/{stays}")
    assert client.get(f"/console/students/{goes}").status_code == 404


def test_somebody_whose_name_is_another_is_found_by_it(client: FlaskClient, twins: tuple[str, str]) -> None:
    page = f"/console/students/{twins[0]}/merge"
    found = send(client, page, {"q": "Wilhel"})
    assert (found.status_code, "Wilhelmina Quartermaine" in found.text) == (200, True)
    assert "Nobody else has a name" in send(client, page, {"q": "Zzyzx"}).text


def test_nobody_elses_child_is_looked_at(client: FlaskClient, world: World, twins: tuple[str, str]) -> None:
    page = f"/console/students/{twins[0]}/merge"
    other = world.colleague_class.children[0]
    answer = send(client, page, {"other": other.public_id})
    assert (answer.status_code, other.given in answer.text) == (404, False)
