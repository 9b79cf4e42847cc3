"""In which language a request is answered, and the switch at the foot of pages."""

from collections.abc import Iterator

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, update

from backoffice.access.lookup import NotFound
from backoffice.access.transaction import transaction
from backoffice.accounts.mails import SIGN_UP
from backoffice.accounts.models import Account
from backoffice.accounts.services.language import choose_language
from backoffice.language.catalogues import translations
from backoffice.language.spoken import speaking
from backoffice.language.texts import lazy
from backoffice.problems import Rejected
from backoffice.schools.models import School
from backoffice.schools.services.school_days import set_school_days
from tests.accounts.post import link_for, mailed
from tests.factories.visitor import send, signed_in
from tests.factories.world import SYSTEM, World

SPANISH = {"Accept-Language": "es-MX,es;q=0.9,en;q=0.5"}


def lang(page: str) -> str:
    return page.partition('<html lang="')[2].partition('"')[0]


@pytest.fixture
def spanish_school(world: World) -> Iterator[None]:
    with transaction(SYSTEM) as tx:
        tx.execute(update(School).where(School.id == world.home.id).values(language="es"))
    yield
    with transaction(SYSTEM) as tx:
        tx.execute(update(School).where(School.id == world.home.id).values(language="en"))


@pytest.fixture
def spanish_teacher(world: World) -> Iterator[None]:
    choose_language(principal=world.sign_in("teacher"), language="es")
    yield
    choose_language(principal=world.sign_in("teacher"), language="en")


# -- a visitor


@pytest.mark.parametrize(
    ("asked", "language", "words"),
    [
        ("", "en", "Type your class code"),
        ("es", "es", "Escribe el código de tu clase"),
        ("es-419,en;q=0.5", "es", "Escribe el código"),
        ("fr, es;q=0.4", "es", "Escribe el código"),
        ("en-GB,es;q=0.9", "en", "Type your class code"),
        ("fr", "en", "Type your class code"),
        ("../../es", "en", "Type your class code"),
        ("es" + "-x" * 4000, "en", "Type your class code"),
        ("\xff;q=x,,;,*", "en", "Type your class code"),
    ],
)
def test_a_visitor_gets_what_the_browser_asks_for(
    client: FlaskClient, asked: str, language: str, words: str
) -> None:
    page = client.get("/join", headers={"Accept-Language": asked})
    assert (page.status_code, lang(page.text)) == (200, language)
    assert words in page.text
    assert {"Accept-Language", "Cookie"} <= set(page.vary)


def test_the_switch_is_a_link_and_keeps_one_word(client: FlaskClient) -> None:
    assert '<a href="/language?to=es" lang="es" hreflang="es"' in client.get("/").text
    answer = client.get("/language?to=es", headers={"Referer": "http://localhost/report?x=1"})
    assert (answer.status_code, answer.location) == (303, "/report?x=1")
    (line,) = answer.headers.getlist("Set-Cookie")
    assert line.startswith("language=es; ")
    assert "HttpOnly" in line
    # What the browser asks for no longer counts.
    page = client.get("/report", headers={"Accept-Language": "en"}).text
    assert (lang(page), "Avisar de algo raro" in page) == ("es", True)
    client.get("/language?to=en")
    assert lang(client.get("/report", headers=SPANISH).text) == "en"


@pytest.mark.parametrize("to", ["fr", "", "../es", "es%00", "e" * 5000, "es&to=fr"])
def test_the_switch_keeps_no_language_that_there_is_not(client: FlaskClient, to: str) -> None:
    client.get(f"/language?to={to}")
    kept = client.get_cookie("language")
    assert (kept.value if kept else None) in ({"es"} if "&" in to else {None})


@pytest.mark.parametrize(
    "referer", ["https://elsewhere.example/report", "http://localhost/none", "http://[", "", "/\\evil.test"]
)
def test_the_switch_leads_nowhere_else(client: FlaskClient, referer: str) -> None:
    assert client.get("/language?to=es", headers={"Referer": referer}).location == "/"


def test_the_switch_leads_to_no_host_of_the_name_of_a_page(client: FlaskClient) -> None:
    answer = client.get("/language?to=es", headers={"Referer": "http://localhost//join?x=1"})
    assert answer.location == "/join?x=1"


def test_what_a_refusal_says_is_said_in_the_language_of_who_reads_it() -> None:
    """Also where it is joined, which passes by what makes a text say itself."""
    with speaking("es"):
        said = translations("es").gettext("Choose a language of the list.")
        refusal = Rejected(language=lazy("Choose a language of the list."))
        assert (refusal.in_words, str(refusal)) == (said, said)
        assert said != "Choose a language of the list."


def test_a_cookie_that_is_no_language_is_passed_over(client: FlaskClient) -> None:
    for value in ("../../etc/passwd", "fr", "x" * 3000):
        client.set_cookie("language", value)
        assert lang(client.get("/join", headers=SPANISH).text) == "es"


def test_errors_are_in_the_language_too(client: FlaskClient) -> None:
    page = client.get("/nowhere", headers=SPANISH).text
    assert (lang(page), "No existe esa página" in page) == ("es", True)
    page = client.get("/student/nowhere", headers=SPANISH).text
    assert (lang(page), "Aquí no hay ninguna página" in page) == ("es", True)
    told = client.get("/nowhere", headers={**SPANISH, "Accept": "application/json"}).json
    assert told is not None
    assert told["title"] == "No existe esa página"


def test_forms_say_their_own_and_the_librarys_errors(client: FlaskClient) -> None:
    with client:
        client.set_cookie("language", "es")
        page = send(client, "/sign-in", {"email": "x" * 300, "password": ""}).text
    assert "Escriba su contraseña." in page
    # WTForms' own sentence.
    assert "El campo no puede tener más de 254 caracteres." in page


# -- a child


def test_a_child_comes_in_and_goes_in_spanish(client: FlaskClient, world: World) -> None:
    code, child = world.own_class.code, world.own_class.children[0]
    client.set_cookie("language", "es")
    assert "Escribe el código de tu clase" in client.get("/join").text
    wrong = send(client, "/join", {"code": "BCDFGHJK"}, page="/join")
    assert wrong.location == "/join"
    assert "Este código no abre ahora." in client.get("/join").text
    assert send(client, "/join", {"code": code}).location == "/join"
    assert "¿Quién eres?" in client.get("/join").text
    assert send(client, "/join", {"code": code, "student": child.public_id}).location == "/student"
    page = client.get("/student").text
    assert lang(page) == "es"
    for words in ("Tienes", "<span>puntos</span>", "Ya terminé", "Mi número secreto", "¿No eres tú?"):
        assert words in page
    assert "Toca lo que pasa." in client.get("/student/tell").text
    assert send(client, "/student/leave", {}, page="/student").location == "/student/leave"
    assert "¡Adiós!" in client.get("/student/leave").text


def test_a_childs_own_choice_comes_before_the_schools_and_that_before_the_browsers(
    client: FlaskClient, world: World, spanish_school: None
) -> None:
    code, child = world.own_class.code, world.own_class.children[0]
    send(client, "/join", {"code": code, "student": child.public_id})
    assert lang(client.get("/student", headers={"Accept-Language": "en"}).text) == "es"
    client.set_cookie("language", "en")
    assert lang(client.get("/student", headers=SPANISH).text) == "en"


def test_a_leader_sets_the_schools_language(app: Flask, world: World) -> None:
    leader = signed_in(app, world, "leader")
    page = f"/console/school-days/?school={world.home.public_id}"
    fields = {"days": ["mon", "tue"], "time_zone": "America/Los_Angeles", "language": "es"}
    assert send(leader, page, {**fields, "language": "../es"}).status_code == 422
    assert send(leader, page, fields).status_code == 303
    with transaction(SYSTEM) as tx:
        kept = tx.execute(select(School.id, School.language)).all()
    assert [row.id for row in kept if row.language == "es"] == [world.home.id]
    assert send(leader, page, {**fields, "language": "en"}).status_code == 303
    # Who teaches there, and a leader of another school, do not.
    for who in ("teacher", "outsider", "parent"):
        with pytest.raises(NotFound):
            set_school_days(
                principal=world.sign_in(who),
                school=world.home.public_id,
                days=["mon"],
                time_zone="UTC",
                language="es",
            )


# -- an adult


def test_an_adults_own_setting_comes_first(app: Flask, world: World, spanish_teacher: None) -> None:
    browser = signed_in(app, world, "teacher")
    browser.set_cookie("language", "en")
    page = browser.get("/account", headers={"Accept-Language": "en"}).text
    assert (lang(page), "<dd>Español</dd>" in page) == ("es", True)
    # The switch would change nothing, and is not there.
    assert "/language?to=" not in page
    # Nobody who is signed in elsewhere is affected.
    assert lang(signed_in(app, world, "leader").get("/account", headers=SPANISH).text) == "en"


def test_the_setting_is_changed_on_a_page_of_its_own(app: Flask, world: World) -> None:
    browser = signed_in(app, world, "co_teacher")
    assert "Change your language" in browser.get("/account/language").text
    assert send(browser, "/account/language", {"language": "es"}).location == "/account"
    page = browser.get("/account").text
    assert "Este es ahora su idioma" in page
    assert lang(page) == "es"
    refused = send(browser, "/account/language", {"language": "../es"})
    assert (refused.status_code, "Elija un idioma de la lista." in refused.text) == (422, True)
    choose_language(principal=world.sign_in("co_teacher"), language="en")


def test_nobody_chooses_for_another(world: World) -> None:
    """The service takes no account: it is always one's own."""
    with pytest.raises(Rejected):
        choose_language(principal=world.sign_in("leader"), language="fr")
    with transaction(SYSTEM) as tx:
        assert set(tx.scalars(select(Account.language))) == {"en"}


def test_who_signs_up_in_spanish_goes_on_in_spanish(client: FlaskClient) -> None:
    client.set_cookie("language", "es")
    fields = {"name": "Nora New", "email": "nora@people.example", "country": "MX"}
    assert ">México<" in client.get("/sign-up").text
    assert send(client, "/sign-up", fields).location == "/sign-up/sent"
    (mail,) = mailed("nora@people.example")
    assert mail.startswith("Abra su cuenta: Hola, Nora New:")
    assert SIGN_UP.name == "sign-up"
    token = link_for("nora@people.example", "sign-up")
    password = {"name": "Nora New", "password": "nine fine lively herons"}
    assert send(client, f"/sign-up/{token}", password).status_code == 303
    client.delete_cookie("language")
    assert lang(client.get("/account").text) == "es"
    with transaction(SYSTEM) as tx:
        made = tx.scalars(select(School.language).where(School.country == "MX")).all()
    assert made == ["es"]


@pytest.mark.parametrize("path", ["/", "/sign-in", "/console/students/", "/nowhere"])
def test_a_failure_to_find_out_who_asks_is_said_in_some_language(
    app: Flask, world: World, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    """Each text of the page that says so asks again in which language."""

    def fails(*_any: object, **_how: object) -> None:
        raise ValueError("no name opens")

    monkeypatch.setattr("backoffice.access.principal.open_text", fails)
    monkeypatch.setitem(app.config, "PROPAGATE_EXCEPTIONS", False)
    answer = signed_in(app, world, "teacher").get(path, headers=SPANISH)
    assert answer.status_code == 500
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
