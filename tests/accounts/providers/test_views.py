"""Signing in with Google in a browser: against a real provider process, and one that does wrong."""

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, update
from werkzeug.test import TestResponse

from backoffice import clock
from backoffice.access.principal import Purpose
from backoffice.access.transaction import transaction
from backoffice.accounts.models import AccountSession
from backoffice.accounts.providers import fetching, protocol
from backoffice.accounts.providers.protocol import Refused
from backoffice.accounts.providers.services import arriving, directory, linking
from backoffice.accounts.providers.views import ASKED
from backoffice.accounts.services import proof
from backoffice.accounts.services.letters import write_letters
from backoffice.problems import Throttled
from backoffice.schools.models import Membership, Role, School
from backoffice.settings import Throttles
from backoffice.throttles.visitor import Visitor
from tests.accounts.providers.people import mailed_token, mails_to, newcomer
from tests.factories.oidc_mock import agree, mock_provider
from tests.factories.visitor import form_token, send
from tests.factories.vouching import Vouching, enrol, vouching
from tests.factories.world import PASSWORD, SYSTEM, World

START, CALLBACK = "/sign-in/google", "/sign-in/google/callback"
TEACHER = {"sub": "1001", "email": "teacher@people.example", "email_verified": True, "hd": "home.example"}


@pytest.fixture
def google(world: World) -> Iterator[Vouching]:
    del world
    with vouching() as made:
        yield made


@pytest.fixture(scope="module")
def process() -> Iterator[str]:
    unverified = {**TEACHER, "sub": "1002", "email_verified": False}
    with mock_provider(TEACHER, unverified, {**TEACHER, "sub": "1003"}) as address:
        yield address


def by_password(app: Flask, email: str) -> FlaskClient:
    client = app.test_client()
    assert send(client, "/sign-in", {"email": email, "password": PASSWORD}).status_code == 303
    return client


def come(client: FlaskClient, made: Vouching, start: str = START, **claims: Any) -> TestResponse:
    """Go there, agree, come back."""
    answer = client.get(start)
    assert answer.status_code == 303, answer.text
    return client.get(CALLBACK, query_string=made.sends_back(answer.location, **claims))


def linked(app: Flask, made: Vouching, **claims: Any) -> str:
    address = newcomer()
    client = by_password(app, address)
    answer = come(client, made, "/account/link/google", sub=f"s {address}", email=address, **claims)
    assert (answer.status_code, answer.location) == (303, "/account"), answer.text
    return address


def main(answer: TestResponse) -> str:
    found = re.search(r"<main.*</main>", answer.text, re.DOTALL)
    assert found
    return " ".join(found.group(0).split())


# --------------------------------------------------------------------------------- against a real process


def test_linking_and_signing_in_against_a_provider_process(app: Flask, world: World, process: str) -> None:
    enrol(process)
    client = by_password(app, world.people["teacher"].email)
    sent = client.get("/account/link/google")
    back = client.get(CALLBACK, query_string=agree(sent.location, "1001"))
    assert (back.status_code, back.location) == (303, "/account"), back.text
    page = client.get("/account").text
    assert "is linked. Everywhere else you are signed out." in page
    assert "Unlink Google" in page

    other = app.test_client()
    sent = other.get(START)
    asked = dict(parse_qsl(urlsplit(sent.location).query))
    assert asked["redirect_uri"] == "http://localhost:8000/sign-in/google/callback"
    assert (asked["scope"], asked["code_challenge_method"]) == ("openid email", "S256")
    returned = agree(sent.location, "1001")
    back = other.get(CALLBACK, query_string=returned)
    assert (back.status_code, back.location) == (303, "/console/"), back.text
    assert world.own_class.name in other.get("/console/classrooms/").text

    replayed = other.get(CALLBACK, query_string=returned)
    assert (replayed.status_code, arriving.TOO_LATE in replayed.text) == (422, True)


def test_a_swapped_subject_and_an_unverified_address(app: Flask, world: World, process: str) -> None:
    """The same address throughout: somebody else's subject opens nothing, an unverified address less."""
    del world
    enrol(process)
    client = app.test_client()
    back = client.get(CALLBACK, query_string=agree(client.get(START).location, "1003"))
    assert (back.status_code, "This Google account is not linked" in back.text) == (403, True)
    back = client.get(CALLBACK, query_string=agree(client.get(START).location, "1002"))
    assert (back.status_code, protocol.UNVERIFIED in back.text) == (422, True)
    assert client.get("/account").location == "/sign-in"


# ------------------------------------------------------------------------------------------------ signing in


def test_the_sign_in_page_offers_what_is_in_use(app: Flask, google: Vouching) -> None:
    assert 'href="/sign-in/google"' in app.test_client().get("/sign-in").text
    directory.withdraw(principal=SYSTEM, name="google")
    page = app.test_client().get("/sign-in")
    assert (page.status_code, "Google" in page.text) == (200, False)
    assert app.test_client().get(START).status_code == 404
    assert app.test_client().get(CALLBACK).status_code == 422


@pytest.mark.parametrize(
    "claims",
    [
        {"nonce": "another"},
        {"aud": "another"},
        {"iss": "https://accounts.another.example"},
        {"exp": 1},
    ],
)
def test_a_wrong_answer_is_refused_with_a_page_that_leads_on(
    app: Flask, google: Vouching, claims: dict[str, Any]
) -> None:
    address = linked(app, google)
    client = app.test_client()
    answer = come(client, google, **claims)
    assert answer.status_code == 422
    page = main(answer)
    assert protocol.REFUSED in page
    assert 'href="/sign-in"' in page
    assert address not in answer.text
    assert client.get("/account").location == "/sign-in"


@pytest.mark.parametrize("algorithm", ["none", "RS384"])
def test_a_token_that_is_not_signed_as_agreed_is_refused(
    app: Flask, google: Vouching, algorithm: str
) -> None:
    linked(app, google)
    google.algorithm = algorithm
    assert come(app.test_client(), google).status_code == 422


def test_state_of_another_browser_none_and_used(app: Flask, google: Vouching) -> None:
    linked(app, google)
    client, other = app.test_client(), app.test_client()
    returned = google.sends_back(client.get(START).location)
    other.get(START)
    for stranger in (other, app.test_client()):
        answer = stranger.get(CALLBACK, query_string=returned)
        assert answer.status_code == 422
        assert stranger.get("/account").location == "/sign-in"
    wrong = client.get(CALLBACK, query_string={**returned, "state": "another"})
    assert (wrong.status_code, protocol.REFUSED in wrong.text) == (422, True)
    again = client.get(CALLBACK, query_string=returned)
    assert (again.status_code, arriving.TOO_LATE in again.text) == (422, True), "One journey, one return."


def test_a_cookie_that_was_put_back_takes_no_second_journey(app: Flask, google: Vouching) -> None:
    linked(app, google)
    client = app.test_client()
    returned = google.sends_back(client.get(START).location)
    kept = client.get_cookie("form")
    assert kept
    assert client.get(CALLBACK, query_string=returned).status_code == 303
    thief = app.test_client()
    thief.set_cookie("form", kept.value)
    fresh = {**returned, "code": google.sends_back(thief.get(START).location)["code"]}
    thief.set_cookie("form", kept.value)
    answer = thief.get(CALLBACK, query_string=fresh)
    assert (answer.status_code, arriving.TOO_LATE in answer.text) == (422, True)


def test_giving_up_on_the_other_side(app: Flask, google: Vouching) -> None:
    client = app.test_client()
    state = google.sends_back(client.get(START).location)["state"]
    answer = client.get(CALLBACK, query_string={"state": state, "error": "access_denied"})
    assert (answer.status_code, protocol.GIVEN_UP in answer.text) == (422, True)


def test_a_provider_that_is_down_or_slow_leaves_the_password(
    app: Flask, google: Vouching, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = app.test_client()
    returned = google.sends_back(client.get(START).location)
    monkeypatch.setattr(fetching, "ANSWERS_WITHIN", 0.2)
    google.slow = {"/token": 0.5, "/.well-known/openid-configuration": 0.5}
    slow = client.get(CALLBACK, query_string=returned)
    assert (slow.status_code, "does not answer" in slow.text) == (503, True)
    protocol.forget()
    down = client.get(START)
    assert (down.status_code, "sign in with your password" in down.text) == (503, True)
    assert client.get("/sign-in").status_code == 200


def test_wrong_answers_take_the_tries_of_their_network(google: Vouching) -> None:
    del google
    back = f"http://localhost:8000{CALLBACK}"

    def tried() -> None:
        arriving.arrive(
            provider="google",
            word=arriving.depart(provider="google", back=back).word,
            query={"state": "wrong"},
            back=back,
            visitor=Visitor("203.0.113.77"),
            throttles=Throttles(),
        )

    for _ in range(20):
        with pytest.raises(Refused):
            tried()
    with pytest.raises(Throttled):
        tried()


def test_it_stays_a_shared_computer_and_the_device_is_known(app: Flask, google: Vouching) -> None:
    address = linked(app, google)
    before = len(mails_to(address))
    client = app.test_client()
    assert come(client, google, f"{START}?shared=y").status_code == 303
    assert client.get_cookie("device")
    with transaction(SYSTEM) as tx:
        newest = tx.scalars(select(AccountSession).order_by(AccountSession.id.desc())).first()
    assert newest
    assert (newest.idle_minutes, newest.came_by) == (10, "google")
    write_letters(Purpose("test"))
    assert "on a device that it was not used on before" in mails_to(address)[before]


def test_who_is_signed_in_already_is_sent_home(app: Flask, google: Vouching) -> None:
    client = by_password(app, newcomer())
    assert client.get(START).location == "/welcome"


def test_no_word_of_a_person_in_the_way_there(app: Flask, google: Vouching) -> None:
    address = newcomer()
    client = by_password(app, address)
    location = client.get("/account/link/google").location
    assert "people.example" not in location


# --------------------------------------------------------------------------------------------------- linking


def test_linking_of_another_address_is_refused_with_a_page(app: Flask, google: Vouching) -> None:
    client = by_password(app, newcomer())
    answer = come(client, google, "/account/link/google", email="b@people.example")
    assert (answer.status_code, linking.ANOTHER_ADDRESS in answer.text) == (422, True)
    assert client.get("/account").status_code == 200


def test_a_link_is_for_the_session_that_asked(app: Flask, google: Vouching) -> None:
    address = newcomer()
    client = by_password(app, address)
    returned = google.sends_back(client.get("/account/link/google").location, email=address)
    cookie = client.get_cookie("form")
    assert cookie
    other = by_password(app, address)
    other.set_cookie("form", cookie.value)
    answer = other.get(CALLBACK, query_string=returned)
    assert (answer.status_code, "Nothing was linked" in answer.text) == (422, True)
    nobody = app.test_client()
    assert nobody.get("/account/link/google").location == "/sign-in"


def test_unlinking(app: Flask, google: Vouching) -> None:
    address = linked(app, google)
    client = by_password(app, address)
    assert send(client, "/account/unlink/google", {}, page="/account").location == "/account"
    page = client.get("/account").text
    assert "It is unlinked" in page
    assert "Link Google" in page
    answer = come(app.test_client(), google)
    assert answer.status_code == 403


def test_a_proof_that_is_too_old_leads_back_to_linking(
    app: Flask, google: Vouching, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = by_password(app, newcomer())
    monkeypatch.setattr(proof, "LASTS", timedelta(0))
    assert client.get("/account/link/google").location == "/account/prove"
    monkeypatch.undo()
    answer = send(client, "/account/prove", {"password": PASSWORD})
    assert answer.location == "/account/link/google"
    assert client.get(answer.location).location.startswith(google.address)


def asks(client: FlaskClient, page: TestResponse) -> TestResponse:
    return client.post("/sign-in/link", data={"csrf_token": form_token(page.text)})


def test_a_link_by_mail_says_the_same_whether_or_not_there_is_an_account(
    app: Flask, google: Vouching
) -> None:
    known, pages = newcomer(), []
    for address in (known, "nobody@people.example"):
        client = app.test_client()
        page = come(client, google, sub=f"t {address}", email=address)
        answer = asks(client, page)
        assert answer.location == "/sign-in"
        pages.append((main(page), main(client.get("/sign-in"))))
        assert ASKED in pages[-1][1]
    token = re.compile(r'value="[^"]*"')
    assert token.sub("", str(pages[0])) == token.sub("", str(pages[1]))
    path = f"/sign-in/link/{mailed_token(known)}"
    visitor = app.test_client()
    asked = visitor.get(path)
    assert (asked.status_code, known in asked.text) == (200, True)
    assert come(app.test_client(), google, sub=f"t {known}").status_code == 403, "Looking links nothing."
    answer = send(visitor, path, {})
    assert answer.location == "/sign-in"
    assert "Sign in with it now" in visitor.get("/sign-in").text
    assert visitor.get(path).status_code == 410
    answer = come(app.test_client(), google, sub=f"t {known}", email=known)
    assert answer.status_code == 303, answer.text


def test_a_link_is_not_asked_for_out_of_nothing(app: Flask, google: Vouching) -> None:
    client = app.test_client()
    page = client.get("/sign-in")
    assert asks(client, page).location == "/sign-in"
    assert linking.TOO_LATE in client.get("/sign-in").text


# --------------------------------------------------------------------------------- what a school asks for


@pytest.fixture
def asking_school(world: World) -> Iterator[School]:
    def asks_for(by: str | None, domain: str | None) -> None:
        with transaction(SYSTEM) as tx:
            tx.execute(
                update(School).where(School.id == world.home.id).values(sign_in_by=by, sign_in_from=domain)
            )

    asks_for("google", "home.example")
    yield world.home
    asks_for(None, None)


@pytest.mark.parametrize(
    ("domain", "opens"),
    [("home.example", True), ("HOME.example", True), ("elsewhere.example", False), (None, False)],
)
def test_a_school_opens_to_its_own_domain_only(
    app: Flask,
    world: World,
    google: Vouching,
    asking_school: School,
    domain: str | None,
    opens: bool,
) -> None:
    teacher = world.people["teacher"].email
    client = by_password(app, teacher)
    come(client, google, "/account/link/google", sub="the teacher", email=teacher)
    client = app.test_client()
    answer = come(client, google, sub="the teacher", email=teacher, hd=domain)
    if opens:
        assert answer.location == "/console/"
        assert world.own_class.name in client.get("/console/classrooms/").text
        return
    assert answer.location == "/welcome"
    page = main(client.get("/welcome"))
    assert f"{asking_school.name} asks you to sign in with Google, with your account of home.example." in page
    assert 'href="/account#google"' in page
    assert client.get("/console/classrooms/").status_code == 404


def test_by_password_the_school_is_closed_and_the_page_says_how_it_opens(
    app: Flask, world: World, google: Vouching, asking_school: School
) -> None:
    client = by_password(app, world.people["teacher"].email)
    assert "Your school wants another way in" in client.get("/welcome").text
    assert client.get("/account").status_code == 200, "There the account is linked."


def test_whoever_works_elsewhere_too_is_told_where_the_work_is(
    app: Flask, world: World, google: Vouching, asking_school: School, elsewhere_too: str
) -> None:
    client = by_password(app, elsewhere_too)
    page = client.get("/console/").text
    assert f"{asking_school.name} asks you to sign in with Google" in page


@pytest.fixture
def elsewhere_too(world: World) -> str:
    person = world.people["teacher"]
    with transaction(SYSTEM) as tx:
        tx.add(
            Membership(
                id=tx.take_id(Membership),
                account_id=person.id,
                school_id=world.elsewhere.id,
                role=Role.TEACHER,
                created_at=clock.now(),
            )
        )
    return person.email
