"""The frame around every page of the console is written once for many, and shows nothing of others."""

import re

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import delete, insert

from backoffice import clock
from backoffice.access import policy
from backoffice.access.permissions import GUARDIANS_APPROVE, STUDENTS_READ
from backoffice.access.policy import RoleName
from backoffice.access.transaction import transaction
from backoffice.accounts.services.language import choose_language
from backoffice.console.school_days import SchoolDaysPage
from backoffice.host.services import switch_plugin
from backoffice.runtime import Runtime
from backoffice.schools.models import Membership, Role
from tests.factories.visitor import form_token, signed_in
from tests.factories.world import SYSTEM, World

PAGE = "/console/"
TOKEN = re.compile(r'name="csrf_token" value="([^"]+)"')


def frame(client: FlaskClient, path: str = PAGE) -> str:
    """What stands before a page's own content."""
    answer = client.get(path)
    assert answer.status_code == 200
    return answer.text.partition("<main")[0]


def menu(client: FlaskClient, path: str = PAGE) -> list[str]:
    """The addresses of the menu, the current one marked."""
    found = re.findall(r'<li><a href="([^"]+)"( aria-current="page")?>', frame(client, path))
    return [f"{address}{' here' if current else ''}" for address, current in found]


def test_people_with_different_rights_have_different_menus(app: Flask, world: World) -> None:
    people = {role: signed_in(app, world, role) for role in ("founder", "leader", "teacher")}
    before = {role: menu(client) for role, client in people.items()}
    assert len({tuple(each) for each in before.values()}) == len(people)
    # Whoever comes after whom.
    for role in (*people, *reversed(people)):
        assert menu(people[role]) == before[role]
        assert menu(signed_in(app, world, role)) == before[role]


def test_each_sees_the_own_name_place_and_token(app: Flask, world: World) -> None:
    people = {role: signed_in(app, world, role) for role in ("teacher", "colleague", "elsewhere")}
    frames = {role: frame(client) for role, client in people.items()}
    for role, text in frames.items():
        names = {each: world.people[each].name for each in people}
        assert [each for each, name in names.items() if f"<strong>{name}</strong>" in text] == [role]
        assert len(set(TOKEN.findall(text))) == 1
    assert len({TOKEN.findall(text)[0] for text in frames.values()}) == len(people)
    for role, client in people.items():
        form = {"csrf_token": form_token(frames[role]), "rows": "compact"}
        sent = client.post("/console/density/", data=form)
        assert sent.status_code == 303


def test_each_page_has_a_nonce_of_its_own(app: Flask, world: World) -> None:
    client = signed_in(app, world, "teacher")
    answers = [client.get(PAGE) for _ in range(3)]
    nonces = [re.findall(r'nonce="([^"]+)"', each.text)[0] for each in answers]
    assert len(set(nonces)) == len(answers)
    for nonce, answer in zip(nonces, answers, strict=True):
        assert f"'nonce-{nonce}'" in answer.headers["Content-Security-Policy"]


def test_languages_and_densities_have_their_own(app: Flask, world: World) -> None:
    first, second = signed_in(app, world, "teacher"), signed_in(app, world, "teacher")
    second.set_cookie("density", "compact")
    english = frame(first)
    assert ("Rows closer together" in english, "Rows further apart" in frame(second)) == (True, True)
    choose_language(principal=world.sign_in("teacher"), language="es")
    try:
        spanish = frame(first)
    finally:
        choose_language(principal=world.sign_in("teacher"), language="en")
    assert '<html lang="es">' in spanish
    assert [each for each in ("Rows closer together", "Sign out", "Students") if each in spanish] == []
    assert "Rows closer together" in frame(first)


def test_the_page_that_one_is_at_is_marked(app: Flask, world: World) -> None:
    client = signed_in(app, world, "teacher")
    for path in ("/console/students/", "/console/classrooms/", "/console/students/"):
        assert [each for each in menu(client, path) if each.endswith(" here")] == [f"{path} here"]


def test_a_role_that_is_given_or_taken_shows_on_the_next_page(app: Flask, world: World) -> None:
    client = signed_in(app, world, "teacher")
    before = menu(client)
    leads = insert(Membership).values(
        account_id=world.people["teacher"].id,
        school_id=world.home.id,
        role=Role.LEADER,
        created_at=clock.now(),
    )
    with transaction(SYSTEM) as tx:
        number = tx.scalar(leads.returning(Membership.id))
    after = menu(client)
    with transaction(SYSTEM) as tx:
        tx.execute(delete(Membership).where(Membership.id == number))
    assert set(before) < set(after)
    assert menu(client) == before


def test_a_right_that_is_taken_shows_on_the_next_page(
    app: Flask, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = signed_in(app, world, "leader")
    before = menu(client)
    less = policy.granted(RoleName.LEADER) - {STUDENTS_READ, GUARDIANS_APPROVE}
    monkeypatch.setattr(policy, "_granted", {**policy._granted, RoleName.LEADER: less})
    assert set(before) - set(menu(client)) >= {"/console/students/"}
    monkeypatch.undo()
    assert menu(client) == before


def test_a_page_that_says_itself_who_finds_it_says_so_to_each(
    app: Flask, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To those of the same rights as well, in whichever order they come."""
    teacher, colleague = signed_in(app, world, "teacher"), signed_in(app, world, "colleague")
    without = menu(colleague)
    assert menu(teacher) == without
    found_by = world.people["teacher"].id
    monkeypatch.setattr(SchoolDaysPage, "is_visible", lambda page: page.who.account_id == found_by)
    for _ in range(2):
        assert set(menu(teacher)) - set(without) == {"/console/school-days/"}
        assert menu(colleague) == without


def test_a_plugin_that_is_switched_off_is_gone_from_the_next_page(
    app: Flask, world: World, runtime: Runtime
) -> None:
    client = signed_in(app, world, "leader")
    before = menu(client)
    assert "/console/rosters/" in before
    switch_plugin(principal=SYSTEM, installed=runtime.plugins, name="rosters", enabled=False)
    assert menu(client) == [each for each in before if each != "/console/rosters/"]
    switch_plugin(principal=SYSTEM, installed=runtime.plugins, name="rosters", enabled=True)
    assert menu(client) == before


def test_the_form_above_a_list_keeps_no_names(app: Flask, world: World) -> None:
    """Classes that can be chosen have names that are sealed; two teachers have different ones."""
    parts = app.jinja_env.extensions["backoffice.web.kept_parts.KeptParts"]
    own, other = signed_in(app, world, "teacher"), signed_in(app, world, "elsewhere")
    assert world.own_class.name in own.get("/console/students/").text
    assert world.own_class.name not in other.get("/console/students/").text
    kept = repr(parts._kept)  # type: ignore[attr-defined]
    assert [each.name for each in (world.own_class, world.elsewhere_class) if each.name in kept] == []
    assert not any(person.name in kept for person in world.people.values())
