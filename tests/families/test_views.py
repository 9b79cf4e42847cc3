"""The pages of parents: by the mailed link, by the letter, at home; and the teacher's about them."""

import re

import pytest
from flask import Flask
from flask.testing import FlaskClient

from backoffice import clock
from tests.factories.visitor import form_token, send, signed_in
from tests.factories.world import PASSWORD as WORLDS_PASSWORD
from tests.factories.world import World
from tests.families.acts import (
    PASSWORD,
    approved_parent,
    invite,
    links_of,
    new_parent,
    print_letter,
    states,
)
from tests.families.post import mailed, token_for

JOIN = "/family/join"


def link(world: World, email: str) -> str:
    invite(world, world.own_class.children[0], email)
    return f"/family/invitations/{token_for(email)}"


def settled(page: str) -> str:
    return re.sub(r'"[A-Za-z0-9+/=._-]{20,}"', "", page)


# -- the mailed link


def test_a_newcomer_sees_the_offer_and_waits(client: FlaskClient, world: World) -> None:
    where = link(world, "in@people.example")
    page = client.get(where).text
    wanted = ("Home Hollow School", "Wilhelmina", "Tilda Teacher", "in@people.example", "Norma Newparent")
    assert [each for each in wanted if each not in page] == []
    assert "Quartermaine" not in page
    answer = send(client, where, {"name": "Norma N.", "password": PASSWORD})
    assert (answer.status_code, answer.location) == (303, "/welcome")
    assert "The teacher is told that you asked" in client.get("/welcome").text
    assert client.get("/family").status_code == 404
    assert client.get(where).status_code == 410


def test_a_bad_password_is_said_and_changes_nothing(client: FlaskClient, world: World) -> None:
    where = link(world, "bad@people.example")
    answer = send(client, where, {"name": "Norma", "password": "password1234"})
    assert (answer.status_code, "Guessers" in answer.text) == (422, True)
    assert client.get(where).status_code == 200


def test_with_an_account_one_signs_in_first_and_comes_back(client: FlaskClient, world: World) -> None:
    person = world.people["foreign_parent"]
    where = link(world, person.email)
    page = client.get(where).text
    assert ('name="password"' in page, "Sign in to it" in page) == (False, True)
    answer = send(client, "/sign-in", {"email": person.email, "password": WORLDS_PASSWORD})
    assert answer.location == where
    answer = send(client, where, {})
    assert (answer.status_code, answer.location) == (303, "/welcome")
    assert states(person.email) == ["approved", "waiting"]


def test_signed_in_with_another_address_one_signs_out_first(app: Flask, world: World) -> None:
    where = link(world, "someone@people.example")
    outsider = signed_in(app, world, "outsider")
    assert "with another address" in outsider.get(where).text
    answer = send(outsider, where, {"name": "Mallory", "password": PASSWORD})
    assert (answer.status_code, answer.location) == (303, where)
    assert outsider.get("/console/").status_code == 303
    assert states(world.people["outsider"].email) == []


def test_dead_links_are_one_like_another(client: FlaskClient, world: World) -> None:
    used = link(world, "used@people.example")
    send(client, used, {"name": "Norma N.", "password": PASSWORD})
    send(client, "/sign-out", {}, page="/account")
    client.get("/sign-in")
    answers = [client.get(where) for where in (used, f"/family/invitations/{'x' * 43}")]
    assert {answer.status_code for answer in answers} == {410}
    assert len({settled(answer.text) for answer in answers}) == 1


# -- the letter


def test_a_code_leaves_the_address_and_says_what_it_is_for(client: FlaskClient, world: World) -> None:
    code = print_letter(world, world.own_class.children[0])
    answer = client.get(f"/family/letters/{code}")
    assert (answer.status_code, answer.location) == (303, JOIN)
    page = client.get(JOIN).text
    assert ("Wilhelmina" in page, "Quartermaine" in page) == (True, False)
    # Loaded again it asks for the code: nothing is sent twice by going back.
    assert "Four groups of four" in client.get(JOIN).text


def test_a_letter_is_typed_addressed_and_accepted(client: FlaskClient, world: World) -> None:
    code, email = print_letter(world, world.own_class.children[0]), "typed@people.example"
    typed = "-".join(code[at : at + 4] for at in range(0, 16, 4)).lower()
    assert send(client, JOIN, {"code": typed}).location == JOIN
    page = client.get(JOIN).text
    fields = {"csrf_token": form_token(page), "code": code, "name": "Lena L.", "email": email}
    answer = client.post(f"{JOIN}/address", data=fields)
    assert (answer.status_code, answer.location) == (303, f"{JOIN}/sent")
    assert email not in client.get(f"{JOIN}/sent").text
    answer = send(
        client, f"/family/invitations/{token_for(email)}", {"name": "Lena L.", "password": PASSWORD}
    )
    assert (answer.location, states(email)) == ("/welcome", ["waiting"])


def test_a_wrong_code_is_said_beside_its_field_and_stays(client: FlaskClient, world: World) -> None:
    send(client, JOIN, {"code": "BCDF-GHJK-MNPQ-RTVW"})
    answer = client.get(JOIN)
    assert (answer.status_code, "opens nothing" in answer.text) == (422, True)
    assert 'value="BCDF-GHJK-MNPQ-RTVW"' in answer.text


def test_a_wrong_address_is_said_beside_its_field(client: FlaskClient, world: World) -> None:
    code = print_letter(world, world.own_class.children[0])
    token = form_token(client.get(JOIN).text)
    fields = {"csrf_token": token, "code": code, "name": "Lena", "email": "no address"}
    answer = client.post(f"{JOIN}/address", data=fields)
    assert (answer.status_code, "full e-mail address" in answer.text) == (422, True)


def test_with_an_account_the_letter_waits_for_signing_in(client: FlaskClient, world: World) -> None:
    person, code = world.people["colleague"], print_letter(world, world.own_class.children[1])
    client.get(f"/family/letters/{code}")
    client.get(JOIN)
    answer = send(client, "/sign-in", {"email": person.email, "password": WORLDS_PASSWORD})
    assert answer.location == f"/family/letters/{code}"
    assert client.get(answer.location).location == JOIN
    page = client.get(JOIN).text
    assert "You are signed in as Colin Colleague" in page
    answer = client.post(f"{JOIN}/accept", data={"csrf_token": form_token(page), "code": code})
    assert (answer.location, states(person.email)) == ("/welcome", ["waiting"])


def test_without_a_session_the_code_is_kept_and_nothing_happens(client: FlaskClient, world: World) -> None:
    code = print_letter(world, world.own_class.children[0])
    token = form_token(client.get(JOIN).text)
    answer = client.post(f"{JOIN}/accept", data={"csrf_token": token, "code": code})
    assert answer.location == JOIN
    assert "Mail me the link" in client.get(JOIN).text


# -- at home


def test_the_child_s_page_says_who_opened_the_record(app: Flask, world: World) -> None:
    child = world.own_class.children[0]
    signed_in(app, world, "helper").get(f"/console/students/{child.public_id}")
    parent = signed_in(app, world, "parent")
    assert f"/family/{child.public_id}" in parent.get("/family").text
    page = parent.get(f"/family/{child.public_id}").text
    wanted = (
        "Wilhelmina",
        "Ownclass Otters",
        "Praise of the",
        "Tilda Teacher, teacher",
        "Henk Helper, helper",
    )
    assert [each for each in wanted if each not in page] == []
    assert [each for each in ("Quartermaine", "Comment", "Bartholomew") if each in page] == []


def test_another_child_is_no_page(app: Flask, world: World) -> None:
    parent = signed_in(app, world, "parent")
    answers = {
        settled(parent.get(f"/family/{public_id}").text)
        for public_id in (
            world.own_class.children[1].public_id,
            world.foreign_class.children[0].public_id,
            "2" * 16,
        )
    }
    assert len({re.sub(r"<code>.*?</code>", "", each) for each in answers}) == 1


def test_of_the_other_parent_no_page_says_anything(
    app: Flask, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Pages say how many seconds ago something was.
    now = clock.now()
    monkeypatch.setattr(clock, "now", lambda: now)
    child, email = world.own_class.children[0], "zacharias@people.example"
    parent = signed_in(app, world, "parent")
    pages = ("/family", f"/family/{child.public_id}", "/account")
    before = [settled(parent.get(page).text) for page in pages[:2]]
    approved_parent(world, child, email)
    after = [settled(parent.get(page).text) for page in pages]
    assert after[:2] == before
    assert not [page for page in after if "Zacharias" in page or email in page]


def test_leaving_by_the_page(app: Flask, world: World) -> None:
    child, email = world.own_class.children[1], "goes@people.example"
    approved_parent(world, child, email)
    client = app.test_client()
    send(client, "/sign-in", {"email": email, "password": PASSWORD})
    answer = send(client, f"/family/{child.public_id}/leave", {}, page=f"/family/{child.public_id}")
    assert (answer.status_code, states(email)) == (303, ["revoked"])
    assert client.get("/family").status_code == 404


# -- in the console


def rowid(page: str, name: str) -> str:
    row = next(each for each in page.split("<tr>") if name in each)
    found = re.search(r'name="rowid" value="(\w+)"', row)
    assert found
    return found.group(1)


def test_a_teacher_decides_after_a_question_that_names_both(app: Flask, world: World) -> None:
    new_parent(world, world.own_class.children[0], "ludmila@people.example")
    teacher = signed_in(app, world, "teacher")
    page = teacher.get("/console/families/?state=waiting").text
    asked = {"action": "approve", "rowid": rowid(page, "Ludmila")}
    question = send(teacher, "/console/families/", asked).text
    assert "Ludmila asks to follow Wilhelmina Quartermaine." in question
    assert states("ludmila@people.example") == ["waiting"]
    not_yet = send(teacher, "/console/families/", {**asked, "action": "revoke"}).text
    assert ("None of the selected is confirmed" in not_yet, "Ludmila follows" in not_yet) == (True, False)
    send(teacher, "/console/families/", {**asked, "confirm": "yes"})
    assert states("ludmila@people.example") == ["approved"]
    send(teacher, "/console/families/", {**asked, "action": "revoke", "confirm": "yes"})
    assert states("ludmila@people.example") == ["revoked"]
    assert "has ended a link" in mailed("ludmila@people.example")[-1]


def test_several_are_confirmed_at_once(app: Flask, world: World) -> None:
    emails = ["anselm@people.example", "berthold@people.example"]
    for email, child in zip(emails, world.own_class.children, strict=True):
        new_parent(world, child, email)
    teacher = signed_in(app, world, "teacher")
    chosen = [links_of(email)[0].public_id for email in emails]
    asked = {"action": "approve", "rowid": chosen, "confirm": "yes"}
    send(teacher, "/console/families/", asked)
    assert [states(email) for email in emails] == [["approved"], ["approved"]]


def test_another_teacher_sees_no_parent(app: Flask, world: World) -> None:
    new_parent(world, world.own_class.children[0], "kunigunde@people.example")
    for role, status in (("colleague", 200), ("outsider", 200), ("helper", 404), ("founder", 404)):
        answer = signed_in(app, world, role).get("/console/families/")
        assert (answer.status_code, "Kunigunde" in answer.text) == (status, False), role


def test_a_parent_is_invited_from_the_student_s_page(app: Flask, world: World) -> None:
    child, teacher = world.own_class.children[1], signed_in(app, world, "teacher")
    where = f"/console/families/invite/{child.public_id}"
    assert where in teacher.get(f"/console/students/{child.public_id}").text
    answer = send(teacher, where, {"email": "page@people.example", "name": "Paula Page"})
    assert answer.location == f"/console/students/{child.public_id}"
    assert token_for("page@people.example")
    grid = teacher.get("/console/family-invitations/").text
    assert "page@people.example" in grid
    asked = {"action": "withdraw", "rowid": rowid(grid, "page@people.example"), "confirm": "yes"}
    send(teacher, "/console/family-invitations/", asked)
    assert "page@people.example" not in teacher.get("/console/family-invitations/").text


def test_a_helper_is_offered_nothing_of_families(app: Flask, world: World) -> None:
    page = (
        signed_in(app, world, "helper").get(f"/console/students/{world.own_class.children[0].public_id}").text
    )
    assert [each for each in ("/console/families", "Pia Parent") if each in page] == []


def test_letters_are_made_once_and_printed_again(app: Flask, world: World) -> None:
    colleague, room = signed_in(app, world, "colleague"), world.colleague_class
    where = f"/console/families/letters/{room.public_id}"
    assert where in colleague.get(f"/console/classrooms/{room.public_id}").text
    assert "Make 2 letters" in colleague.get(where).text
    assert send(colleague, where, {}).location == where
    page = colleague.get(where).text
    codes = set(re.findall(r'letter-code" translate="no">([A-Z0-9-]{19})<', page))
    assert (len(codes), page.count("data:image/svg+xml"), "localhost:8000/family/join" in page) == (
        2,
        2,
        True,
    )
    assert (
        set(re.findall(r'letter-code" translate="no">([A-Z0-9-]{19})<', colleague.get(where).text)) == codes
    )


def test_a_letter_for_one_child(app: Flask, world: World) -> None:
    teacher, child = signed_in(app, world, "teacher"), world.own_class.children[1]
    where = f"/console/families/letter/{child.public_id}"
    before = teacher.get(where).text.count('class="letter-code"')
    assert send(teacher, where, {}).location == where
    assert teacher.get(where).text.count('class="letter-code"') == before + 1
