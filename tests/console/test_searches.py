"""Searching in the lists about families and invitations: one's own are found, and no others by any words."""

import re

import pytest
from flask import Flask
from flask.testing import FlaskClient

from backoffice.access.transaction import transaction
from backoffice.families.models import GuardianInvitation, GuardianLink
from backoffice.staff.models import Invitation
from tests.contract.test_lists import copied
from tests.factories.visitor import form_token, signed_in
from tests.factories.world import SYSTEM, World, add_child

FAMILIES = "/console/families/"
OF_PARENTS = "/console/family-invitations/"
OF_STAFF = "/console/invitations/"


def found(browser: FlaskClient, page: str, words: str) -> list[str]:
    """What the first cells of the rows say that a search finds."""
    token = form_token(browser.get("/console/find/").text)
    answer = browser.post(f"{page}search", data={"csrf_token": token, "q": words})
    assert answer.status_code == 200
    return re.findall(r'<th scope="row"[^>]*>(?:<a[^>]*>)?(?:<bdi>)?([^<]+)', answer.text)


@pytest.mark.parametrize("role", ["teacher", "leader"])
def test_parents_and_their_invitations_are_found_by_the_student(app: Flask, world: World, role: str) -> None:
    browser, (first, second) = signed_in(app, world, role), world.own_class.children
    named = f"{first.given} {first.family}"
    assert found(browser, FAMILIES, first.given[:4].lower()) == [named]
    assert found(browser, FAMILIES, f"{first.family} {first.given[:3]}") == [named]
    # One by mail for the second child, a letter for the first.
    assert found(browser, OF_PARENTS, second.given[:4]) == [f"{second.given} {second.family}"]
    assert found(browser, OF_PARENTS, first.given[:4]) == [named]
    for page in (FAMILIES, OF_PARENTS):
        for words in (world.foreign_class.children[0].given, world.people["parent"].name, "zzz"):
            assert found(browser, page, words) == [], (page, words)


def test_the_staff_that_is_invited_is_found_by_name_or_address(app: Flask, world: World) -> None:
    leader = signed_in(app, world, "leader")
    invited = f"Ingrid Invited to {world.home.name}"
    assert found(leader, OF_STAFF, "ingr hollow") == [invited]
    assert found(leader, OF_STAFF, f"invited-{world.home.id}@PEOPLE") == [invited]
    for words in (world.outside.name, f"invited-{world.outside.id}@", "zzz"):
        assert found(leader, OF_STAFF, words) == []


def test_what_is_done_to_all_that_fit_is_done_to_what_was_found(app: Flask, world: World) -> None:
    with transaction(SYSTEM) as tx:
        for n in range(60):
            here = {"school_id": world.home.id, "accepted_at": None, "withdrawn_at": None}
            copied(tx, Invitation, **here, name=f"Norbert Number{n:02}")
            child = add_child(tx, world.own_class, f"Many{n}", "Ofthem")
            copied(tx, GuardianInvitation, **here, student_id=child.id)
            copied(
                tx,
                GuardianLink,
                school_id=world.home.id,
                student_id=child.id,
                account_id=world.people["parent"].id,
            )
    leader = signed_in(app, world, "leader")
    for page, words, action, noun in (
        (OF_STAFF, "number1", "withdraw", "10 invitations"),
        (OF_PARENTS, "many1", "withdraw", "11 invitations"),
        (FAMILIES, "many1", "revoke", "11 parents"),
    ):
        asked = leader.get(page).text
        assert 'action="search"' in asked, page
        sent = {"csrf_token": form_token(asked), "action": action, "whole": "yes", "q": words}
        shown = leader.post(page, data=sent).text
        (seen,) = re.findall(r'name="expected"[^>]*value="(\w+)"', shown)
        done = leader.post(page, data={**sent, "confirm": "yes", "expected": seen})
        assert done.status_code == 303, page
        assert noun in leader.get(page).text
        assert found(leader, page, words) == [] or page == FAMILIES
