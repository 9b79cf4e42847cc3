"""The pages of invitations, and of places that end."""

import re

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import update

from backoffice.access.transaction import transaction
from backoffice.accounts.addresses import email_index
from backoffice.staff.models import Invitation, InvitedAs
from backoffice.staff.services import invitations
from tests.factories.visitor import form_token, send, signed_in
from tests.factories.world import NO_LIMIT, PASSWORD, SYSTEM, World
from tests.staff.post import token_for

NEW_PASSWORD = "walrus umbrella saxophone"


def link(world: World, email: str, role: InvitedAs = InvitedAs.LEADER) -> str:
    """The address in the mail of an invitation to the home school."""
    invitations.invite(
        principal=world.sign_in("leader"),
        school=world.home.public_id,
        email=email,
        name="Nadia Newcomer",
        role=role,
        classroom=None,
        throttles=NO_LIMIT,
    )
    return f"/invitations/{token_for(email)}"


def test_a_leader_invites_by_the_form_and_sees_who_waits(app: Flask, world: World) -> None:
    leader = signed_in(app, world, "leader")
    answer = send(
        leader,
        "/console/invitations/new",
        {
            "school": world.home.public_id,
            "email": "form@people.example",
            "name": "Fay Form",
            "role": "helper",
            "classroom": world.own_class.public_id,
        },
    )
    assert (answer.status_code, answer.location) == (303, "/console/invitations/")
    page = leader.get("/console/invitations/").text
    row = next(each for each in page.split("<tr>") if "Fay Form" in each)
    wanted = ("form@people.example", "Helper of Ownclass Otters", "Home Hollow School", "On its way")
    assert [each for each in wanted if each not in row] == []
    token_for("form@people.example")
    assert "Waiting" in leader.get("/console/invitations/").text


def test_the_form_offers_no_class_of_another_school(app: Flask, world: World) -> None:
    page = signed_in(app, world, "leader").get("/console/invitations/new").text
    assert (world.own_class.name in page, world.foreign_class.name in page) == (True, False)


def test_a_class_of_another_school_in_the_form_is_refused(app: Flask, world: World) -> None:
    fields = {
        "school": world.home.public_id,
        "email": "form2@people.example",
        "name": "Fay",
        "role": "helper",
        "classroom": world.foreign_class.public_id,
    }
    answer = send(signed_in(app, world, "leader"), "/console/invitations/new", fields)
    assert answer.status_code == 422
    fields["classroom"] = world.elsewhere_class.public_id
    answer = send(signed_in(app, world, "leader"), "/console/invitations/new", fields)
    assert (answer.status_code, "Choose a class of this school." in answer.text) == (422, True)


def test_a_newcomer_sees_the_offer_and_comes_in(client: FlaskClient, world: World) -> None:
    where = link(world, "in@people.example")
    page = client.get(where).text
    wanted = ("Home Hollow School", "a leader", "Ruth Leader", "in@people.example", 'value="Nadia Newcomer"')
    assert [each for each in wanted if each not in page] == []
    answer = send(client, where, {"name": "Nadia N.", "password": NEW_PASSWORD})
    assert (answer.status_code, answer.location) == (303, "/console/")
    assert "Nadia N." in client.get("/console/").text
    assert client.get(where).status_code == 410


def test_looking_at_an_invitation_uses_nothing_up(client: FlaskClient, world: World) -> None:
    where = link(world, "look@people.example")
    assert [client.get(where).status_code for _ in range(3)] == [200, 200, 200]
    assert client.head(where).status_code == 200


def test_a_bad_password_is_said_and_changes_nothing(client: FlaskClient, world: World) -> None:
    where = link(world, "bad@people.example")
    answer = send(client, where, {"name": "Nadia", "password": "password1234"})
    assert (answer.status_code, "Guessers" in answer.text) == (422, True)
    assert client.get(where).status_code == 200


def test_with_an_account_one_signs_in_first_and_comes_back(client: FlaskClient, world: World) -> None:
    person = world.people["parent"]
    where = link(world, person.email)
    page = client.get(where).text
    assert ('name="password"' in page, "Sign in to it" in page) == (False, True)
    answer = send(client, "/sign-in", {"email": person.email, "password": PASSWORD})
    assert answer.location == where
    assert "Accept the invitation" in client.get(where).text
    answer = send(client, where, {})
    assert (answer.status_code, answer.location) == (303, "/console/")
    assert client.get("/console/teachers/").status_code == 200


def test_signed_in_with_another_address_one_signs_out_first(app: Flask, world: World) -> None:
    where = link(world, "other@people.example")
    outsider = signed_in(app, world, "outsider")
    page = outsider.get(where).text
    assert ("with another address" in page, 'name="password"' in page) == (True, False)
    # Whatever is sent along: it signs out and no more.
    answer = send(outsider, where, {"name": "Mallory", "password": NEW_PASSWORD})
    assert (answer.status_code, answer.location) == (303, where)
    assert 'name="password"' in outsider.get(where).text
    assert outsider.get("/console/").status_code == 303


def test_dead_links_are_one_like_another(client: FlaskClient, world: World) -> None:
    """Used, withdrawn, expired, replaced, never made: the same page."""
    expired, replaced = link(world, "expired@people.example"), link(world, "replaced@people.example")
    with transaction(SYSTEM) as tx:
        late = Invitation.email_index == email_index("expired@people.example")
        tx.execute(update(Invitation).where(late).values(expires_at=Invitation.created_at))
        gone = Invitation.email_index == email_index("replaced@people.example")
        tx.execute(update(Invitation).where(gone).values(token_digest=None))
    answers = [client.get(where) for where in (expired, replaced, f"/invitations/{'x' * 43}")]
    assert {answer.status_code for answer in answers} == {410}
    assert len({re.sub(r'"[A-Za-z0-9+/=._-]{20,}"', "", answer.text) for answer in answers}) == 1
    token = form_token(client.get("/sign-in").text)
    sent = {"csrf_token": token, "name": "N", "password": NEW_PASSWORD}
    assert client.post(expired, data=sent).status_code == 410


def test_selected_invitations_are_withdrawn_after_a_question(app: Flask, world: World) -> None:
    where = link(world, "bulk@people.example")
    leader = signed_in(app, world, "leader")
    page = leader.get("/console/invitations/").text
    row = next(each for each in page.split("<tr>") if "bulk@people.example" in each)
    found = re.search(r'name="rowid" value="(\w+)"', row)
    assert found
    asked = {"action": "withdraw", "rowid": found.group(1)}
    assert "1 invitation" in send(leader, "/console/invitations/", asked).text
    assert leader.get(where).status_code == 200
    send(leader, "/console/invitations/", {**asked, "confirm": "yes"})
    assert leader.get(where).status_code == 410


def test_before_a_place_ends_the_page_says_what_will_go(app: Flask, world: World) -> None:
    leader, person = signed_in(app, world, "leader"), world.people["colleague"]
    details = leader.get(f"/console/teachers/{person.public_id}").text
    assert (world.colleague_class.name in details, "End the place here" in details) == (True, True)
    where = f"/console/teachers/{person.public_id}/leave"
    page = leader.get(where).text
    wanted = (
        "Colin Colleague is signed out everywhere",
        "1 class passes to whom you choose: Colleague Cranes.",
        "Tilda Teacher",
    )
    assert [each for each in wanted if each not in page] == []
    assert "Otto Outsider" not in page
    answer = send(leader, where, {"heir": world.people["teacher"].public_id})
    assert (answer.status_code, answer.location) == (303, "/console/teachers/")
    assert person.name not in leader.get("/console/teachers/").text.partition("<tbody>")[2]
    assert world.colleague_class.name in signed_in(app, world, "teacher").get("/console/classrooms/").text
