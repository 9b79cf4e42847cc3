"""The page on which a class's names and pictures are chosen."""

from collections.abc import Iterator

import pytest
from flask.testing import FlaskClient
from sqlalchemy import update
from werkzeug.test import TestResponse

from backoffice.access.seen import version
from backoffice.access.transaction import transaction
from backoffice.problems import MEANWHILE
from backoffice.schools.models import Classroom, Enrollment, NamesShown, Student
from backoffice.schools.services.class_list import ClassList, Rewritten, save_class_list
from tests.factories.visitor import send
from tests.factories.world import SYSTEM, Child, World, names_behind


@pytest.fixture
def page(client: FlaskClient, world: World) -> Iterator[str]:
    """The address of the page; a teacher is signed in."""
    client.set_cookie("account", world.token("teacher"))
    yield f"/console/classrooms/{world.own_class.public_id}/names"
    with transaction(SYSTEM) as tx:
        tx.execute(update(Classroom).values(names_shown=NamesShown.NAMES))
        tx.execute(update(Enrollment).values(alias=None))
        tx.execute(update(Student).values(username_digest=None))


def test_a_teacher_chooses_a_way_aliases_and_pictures(client: FlaskClient, world: World, page: str) -> None:
    own = world.own_class
    child, other = own.children
    assert send(client, f"{page}/shown", {"how": "aliases"}, page=page).location == page
    assert send(client, page, {f"alias-{child.public_id}": "Captain"}, page=page).location == page
    assert next(each.label for each in names_behind(own.code)) == "Captain"
    chosen = client.get(f"{page}?student={other.public_id}").text
    assert ("A picture for" in chosen, "Bartholomew Zephyrine" in chosen) == (True, True)
    fields = {"student": other.public_id, "avatar": "boat-rose"}
    assert send(client, f"{page}/picture", fields, page=page).location == page
    assert "Pink boat" in client.get(page).text
    taken = send(client, f"{page}/picture", {**fields, "student": child.public_id}, page=page)
    assert (taken.status_code, "has this picture" in taken.text) == (422, True)


def test_what_is_refused_stays_to_be_mended(client: FlaskClient, world: World, page: str) -> None:
    fields = {f"alias-{world.own_class.children[0].public_id}": "a@b.example"}
    answer = send(client, page, fields, page=page)
    assert (answer.status_code, 'value="a@b.example"' in answer.text) == (422, True)


def test_a_name_is_corrected_on_the_list_and_a_wrong_one_is_marked(
    client: FlaskClient, world: World, page: str
) -> None:
    child, other = world.own_class.children
    text = client.get(page).text
    seen = {
        each.public_id: text.partition(f'name="seen-{each.public_id}" value="')[2].partition('"')[0]
        for each in (child, other)
    }

    def saved(each: Child, given: str) -> TestResponse:
        fields = {
            f"given-{each.public_id}": given,
            f"family-{each.public_id}": each.family or "",
            f"seen-{each.public_id}": seen[each.public_id],
        }
        return send(client, page, fields, page=page)

    assert saved(child, "Zoë").location == page
    # The page that it came from is old now.
    late = saved(child, "Zara")
    assert (late.status_code, 'value="Zara"' in late.text, MEANWHILE in late.text) == (422, True, True)
    wrong = saved(other, "a@b.example")
    assert (wrong.status_code, wrong.text.count('aria-invalid="true"')) == (422, 2)
    as_before = Rewritten(child.given, child.family or "", version("Zoë", child.family))
    save_class_list(
        principal=world.sign_in("teacher"),
        classroom=world.own_class.public_id,
        wanted=ClassList(names={child.public_id: as_before}),
    )


def test_usernames_are_set_and_never_shown(client: FlaskClient, world: World, page: str) -> None:
    child = world.own_class.children[0]
    assert "username-" not in client.get(page).text
    send(client, f"{page}/shown", {"how": "usernames"}, page=page)
    assert "2 students have no username" in client.get(page).text.replace("\n", " ")
    # One that is refused because of something else is not typed twice.
    fields = {f"username-{child.public_id}": "mina.q"}
    refused = send(client, page, {**fields, f"alias-{child.public_id}": "a@b.example"}, page=page)
    assert (refused.status_code, 'value="mina.q"' in refused.text) == (422, True)
    # Shown once, to be written down.
    once = send(client, page, fields, page=page).text
    assert ('<dd translate="no">mina.q</dd>' in once, "1 username is set" in once) == (True, True)
    text = client.get(page).text
    assert ("1 student has no username" in text, "mina.q" in text) == (True, False)


def test_what_is_no_way_and_nobody_of_the_class_is_refused(
    client: FlaskClient, world: World, page: str
) -> None:
    assert send(client, f"{page}/shown", {"how": "faces"}, page=page).status_code == 400
    other = world.colleague_class.children[0].public_id
    assert client.get(f"{page}?student={other}").status_code == 404
